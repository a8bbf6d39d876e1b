/* onnx.c: writes a graph as an ONNX file: the model around it, its tensors, its nodes one after the other by the table
 * of onnx_ops.c. Field numbers are those of onnx.proto. Equal networks give equal bytes: there is no time, path,
 * machine or compiler in them. */
#include "cmd/export/onnx.h"
#include "cmd/export/export.h"
#include "cmd/export/int8.h"
#include "base/file.h"
#include "base/message.h"
#include <stdio.h>
#include <string.h>

/* ModelProto begins with the IR's version and the producer: by these bytes a file of ours is known. */
#define PRODUCER "fpcore"
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_VERSION = 3, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_META = 14 };
enum { OPSET_VERSION = 2, PAIR_KEY = 1, PAIR_VALUE = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_CONSTANT = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { TENSOR_DIM = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, ELEMENT_TYPE = 1, ELEMENT_SHAPE = 2, SHAPE_DIM = 1 };
enum { DIM_VALUE = 1, DIM_PARAM = 2 };

void fpc_onnx_refuse(fpc_onnx *x, const char *what)
{
    if (!x->status)
        x->status = fpc_fail(x->ctx, FPC_ENOSUPPORT, "export --onnx: op %s (%s)%s has no ONNX form", x->at->def->name,
                             x->at->name, what);
}

/* ---- constants ---- */

void fpc_onnx_tensor(fpc_onnx *x, const char *name, int32_t type, int32_t rank, const int64_t *dims, const void *data,
                     size_t bytes)
{
    fpc_proto t = {.arena = x->arena};

    for (int32_t i = 0; i < rank; i++)
        fpc_proto_int(&t, TENSOR_DIM, dims[i]);
    fpc_proto_int(&t, TENSOR_TYPE, type);
    fpc_proto_text(&t, TENSOR_NAME, name);
    fpc_proto_bytes(&t, TENSOR_RAW, data, bytes);
    fpc_proto_message(&x->body, GRAPH_CONSTANT, &t);
}

/* Little-endian, as raw_data is on every machine. */
void fpc_onnx_reals(fpc_onnx *x, const char *name, int32_t rank, const int64_t *dims, int64_t count,
                    const float *number)
{
    uint8_t *raw = fpc_alloc(x->arena, (size_t)count * 4 + 1);

    x->body.failed |= !raw;
    for (int64_t i = 0; i < count && raw; i++) {
        uint32_t bits;
        memcpy(&bits, &number[i], sizeof bits);
        for (int b = 0; b < 4; b++)
            raw[4 * i + b] = (uint8_t)(bits >> (8 * b));
    }
    fpc_onnx_tensor(x, name, FPC_ONNX_FLOAT32, rank, dims, raw, raw ? (size_t)count * 4 : 0);
}

const char *fpc_onnx_numbered(fpc_onnx *x, const char *what)
{
    return fpc_sprintf(x->arena, "%s/%s_%d", x->at ? x->at->name : "graph", what, x->made++);
}

const char *fpc_onnx_scalar(fpc_onnx *x, float v)
{
    for (int32_t i = 0; i < x->n_scalars; i++)
        if (!memcmp(&x->scalar[i].value, &v, sizeof v))
            return x->scalar[i].name;
    const char *name = fpc_sprintf(x->arena, "scalar/%d", x->made++);
    fpc_onnx_reals(x, name, 0, NULL, 1, &v);
    if (x->n_scalars < (int32_t)(sizeof x->scalar / sizeof x->scalar[0])) {
        x->scalar[x->n_scalars].value = v;
        x->scalar[x->n_scalars++].name = name;
    }
    return name;
}

const char *fpc_onnx_ints(fpc_onnx *x, int32_t n, const int64_t *v)
{
    const int64_t dims[] = {n};
    const char *name = fpc_onnx_numbered(x, "ints");
    uint8_t raw[8 * 8];

    for (int32_t i = 0; i < n; i++)
        for (int b = 0; b < 8; b++)
            raw[8 * i + b] = (uint8_t)((uint64_t)v[i] >> (8 * b));
    fpc_onnx_tensor(x, name, FPC_ONNX_I64, 1, dims, raw, (size_t)n * 8);
    return name;
}

const char *fpc_onnx_shape(fpc_onnx *x, int32_t n_behind, const int64_t *behind)
{
    int64_t all[8] = {x->free_batch ? 0 : x->g->value[x->at->in[0]].shape.n};

    memcpy(all + 1, behind, (size_t)n_behind * sizeof *behind);
    if (!x->free_batch)
        return fpc_onnx_ints(x, n_behind + 1, all);
    if (!x->batch) {
        const char *shape = fpc_onnx_node1(x, "Shape", "image", 0, NULL);
        const char *from = fpc_onnx_ints(x, 1, (int64_t[]){0}), *to = fpc_onnx_ints(x, 1, (int64_t[]){1});
        const char *const in[] = {shape, from, to};
        x->batch = fpc_onnx_node(x, "Slice", 3, in, 0, NULL);
    }
    const char *rest = fpc_onnx_ints(x, n_behind, behind);
    const char *const in[] = {x->batch, rest};
    const fpc_onnx_attr axis[] = {FPC_ONNX_INT("axis", 0)};
    return fpc_onnx_node(x, "Concat", 2, in, 1, axis);
}

/* Where number i of the tensor comes from in the value, which is n rows of c; NCHW has the rows of a picture last. */
int64_t fpc_onnx_source(fpc_onnx_form form, fpc_shape s, int64_t i)
{
    const int64_t pixels = (int64_t)s.h * s.w, rows = fpc_rows_of(s);

    if (form == FPC_ONNX_NCHW)
        return (i / pixels / s.c * pixels + i % pixels) * s.c + i / pixels % s.c;
    if (form == FPC_ONNX_MATRIX)
        return i % rows * s.c + i / rows;
    return i;
}

int32_t fpc_onnx_dims(fpc_onnx_form form, fpc_shape s, int64_t dims[4])
{
    const int64_t all[FPC_ONNX_FORMS][4] = {[FPC_ONNX_NHWC] = {s.n, s.h, s.w, s.c},
                                            [FPC_ONNX_NCHW] = {s.n, s.c, s.h, s.w},
                                            [FPC_ONNX_VECTOR] = {fpc_count(s)},
                                            [FPC_ONNX_MATRIX] = {s.c, fpc_rows_of(s)},
                                            [FPC_ONNX_POINT] = {fpc_rows_of(s), s.c, 1, 1}};

    memcpy(dims, all[form], sizeof all[form]);
    return form == FPC_ONNX_VECTOR ? 1 : form == FPC_ONNX_MATRIX ? 2 : 4;
}

/* Vectors and weights of convolutions keep their names and PyTorch's order; the other forms are marked. */
static const char *put_constant(fpc_onnx *x, int32_t v, fpc_onnx_form form)
{
    static const char *const mark[FPC_ONNX_FORMS] = {"/nhwc", "/nchw", "", "/transposed", "/point"};
    const fpc_value *value = &x->g->value[v];
    const int64_t count = fpc_count(value->shape);
    const char *is = form == FPC_ONNX_NCHW && fpc_rows_of(value->shape) > 1 ? "" : mark[form];
    const char *name =
        value->name ? fpc_sprintf(x->arena, "%s%s", value->name, is) : fpc_sprintf(x->arena, "constant/%d%s", v, is);
    float *number = fpc_alloc(x->arena, (size_t)count * sizeof *number);
    int64_t dims[4];

    if (!number) {
        x->body.failed = 1;
        return NULL;
    }
    for (int64_t i = 0; i < count; i++)
        number[i] = (float)value->constant[fpc_onnx_source(form, value->shape, i)];
    fpc_onnx_reals(x, name, fpc_onnx_dims(form, value->shape, dims), dims, count, number);
    return name;
}

/* ---- values ---- */

static const char *transposed(fpc_onnx *x, const char *tensor, fpc_onnx_form to)
{
    const fpc_onnx_attr nchw[] = {FPC_ONNX_INTS("perm", 4, 0, 3, 1, 2)},
                        nhwc[] = {FPC_ONNX_INTS("perm", 4, 0, 2, 3, 1)};

    return fpc_onnx_node1(x, "Transpose", tensor, 1, to == FPC_ONNX_NCHW ? nchw : nhwc);
}

const char *fpc_onnx_in(fpc_onnx *x, int32_t v, fpc_onnx_form form)
{
    const char **tensor = x->tensor[v];

    if (tensor[form] || x->status)
        return tensor[form];
    if (x->g->value[v].role == FPC_ROLE_CONST)
        tensor[form] = put_constant(x, v, form);
    else if (form > FPC_ONNX_NCHW)
        fpc_onnx_refuse(x, " with a weight that is computed of the picture");
    else if (tensor[1 - form])
        tensor[form] = transposed(x, tensor[1 - form], form);
    else /* a further output of an op, which its form does not make */
        fpc_onnx_refuse(x, " with an input that");
    return tensor[form];
}

fpc_onnx_form fpc_onnx_layout(const fpc_onnx *x, int32_t n, const int32_t *values)
{
    int32_t lack = 0;

    for (int32_t i = 0; i < n; i++)
        lack += x->g->value[values[i]].role != FPC_ROLE_CONST && !x->tensor[values[i]][FPC_ONNX_NHWC];
    return lack ? FPC_ONNX_NCHW : FPC_ONNX_NHWC;
}

void fpc_onnx_out(fpc_onnx *x, int32_t v, fpc_onnx_form form, const char *tensor)
{
    if (x->int8 && x->int8->behind[v])
        tensor = x->rounded[v][form] = fpc_onnx_rounded(x, v, tensor);
    x->tensor[v][form] = tensor;
}

/* ---- nodes ---- */

static void put_attribute(fpc_proto *node, fpc_arena *arena, const fpc_onnx_attr *a)
{
    fpc_proto p = {.arena = arena};

    fpc_proto_text(&p, ATTRIBUTE_NAME, a->name);
    if (a->type == 1)
        fpc_proto_float(&p, ATTRIBUTE_F, a->f);
    else if (a->type == 2)
        fpc_proto_int(&p, ATTRIBUTE_I, a->i[0]);
    else if (a->type == 3)
        fpc_proto_text(&p, ATTRIBUTE_S, a->s);
    for (int32_t i = 0; i < a->n; i++)
        fpc_proto_int(&p, ATTRIBUTE_INTS, a->i[i]);
    fpc_proto_int(&p, ATTRIBUTE_TYPE, a->type);
    fpc_proto_message(node, NODE_ATTRIBUTE, &p);
}

static void put_node(fpc_onnx *x, const char *op_type, int32_t n_in, const char *const *in, const char *out,
                     int32_t n_attr, const fpc_onnx_attr *attr)
{
    fpc_proto node = {.arena = x->arena};

    for (int32_t i = 0; i < n_in; i++)
        fpc_proto_text(&node, NODE_INPUT, in[i]);
    fpc_proto_text(&node, NODE_OUTPUT, out);
    fpc_proto_text(&node, NODE_NAME, out);
    fpc_proto_text(&node, NODE_OP, op_type);
    for (int32_t i = 0; i < n_attr; i++)
        put_attribute(&node, x->arena, &attr[i]);
    fpc_proto_message(&x->body, GRAPH_NODE, &node);
}

const char *fpc_onnx_node(fpc_onnx *x, const char *op_type, int32_t n_in, const char *const *in, int32_t n_attr,
                          const fpc_onnx_attr *attr)
{
    const char *out = fpc_onnx_numbered(x, op_type);

    if (!x->status)
        put_node(x, op_type, n_in, in, out, n_attr, attr);
    return out;
}

static const fpc_onnx_op *find_op(const char *op)
{
    for (const fpc_onnx_op *o = fpc_onnx_ops; o->op; o++)
        if (!strcmp(o->op, op))
            return o;
    return NULL;
}

static void put_nodes(fpc_onnx *x)
{
    for (int32_t i = 0; i < x->g->n_nodes && !x->status; i++) {
        const fpc_gnode *n = x->at = &x->g->node[i];
        const fpc_onnx_op *o = find_op(n->def->name);
        if (o)
            o->form(x, n, o->op_type);
        else
            fpc_onnx_refuse(x, "");
    }
}

/* ---- the model ---- */

static void put_port(fpc_onnx *x, int field, const char *name, int32_t type, int32_t rank, const int64_t *dims)
{
    fpc_proto value = {.arena = x->arena}, kind = value, tensor = value, shape = value;

    for (int32_t i = 0; i < rank; i++) {
        fpc_proto dim = {.arena = x->arena};
        if (i == 0 && x->free_batch)
            fpc_proto_text(&dim, DIM_PARAM, "batch");
        else
            fpc_proto_int(&dim, DIM_VALUE, dims[i]);
        fpc_proto_message(&shape, SHAPE_DIM, &dim);
    }
    fpc_proto_int(&tensor, ELEMENT_TYPE, type);
    fpc_proto_message(&tensor, ELEMENT_SHAPE, &shape);
    fpc_proto_message(&kind, TYPE_TENSOR, &tensor);
    fpc_proto_text(&value, VALUE_NAME, name);
    fpc_proto_message(&value, VALUE_TYPE, &kind);
    fpc_proto_message(&x->body, field, &value);
}

static void put_ports(fpc_onnx *x, const fpc_export_args *a)
{
    const fpc_output *out = &x->g->output[0];
    const fpc_shape s = x->g->value[out->value].shape;
    const int64_t picture[] = {s.n, a->h, a->w, 3}, result[] = {s.n, s.h, s.w, s.c};
    const int labels = a->output == FPC_EXPORT_LABELS;

    x->at = NULL;
    const char *made = fpc_onnx_in(x, out->value, FPC_ONNX_NHWC);
    put_node(x, "Identity", 1, &made, out->name, 0, NULL);
    put_port(x, GRAPH_INPUT, "image", FPC_ONNX_U8, 4, picture);
    put_port(x, GRAPH_OUTPUT, out->name, labels ? FPC_ONNX_U8 : FPC_ONNX_FLOAT32, labels ? 3 : 4, result);
}

static fpc_status put_model(fpc_onnx *x, const fpc_export_args *a, fpc_proto *model)
{
    fpc_proto opset = {.arena = x->arena};

    fpc_proto_int(model, MODEL_IR, FPC_ONNX_IR);
    fpc_proto_text(model, MODEL_PRODUCER, PRODUCER);
    fpc_proto_text(model, MODEL_VERSION, FPC_VERSION);
    fpc_proto_message(model, MODEL_GRAPH, &x->body);
    fpc_proto_int(&opset, OPSET_VERSION, FPC_ONNX_OPSET);
    fpc_proto_message(model, MODEL_OPSET, &opset);
    for (int32_t i = 0; i < a->n_meta; i++) {
        fpc_proto pair = {.arena = x->arena};
        fpc_proto_text(&pair, PAIR_KEY, a->meta[i].key);
        fpc_proto_text(&pair, PAIR_VALUE, a->meta[i].value);
        fpc_proto_message(model, MODEL_META, &pair);
    }
    if (model->failed)
        return FPC_ENOMEM;
    if (model->n > INT32_MAX)
        return fpc_fail(x->ctx, FPC_ENOSUPPORT,
                        "export --onnx: the network takes %zu bytes; an ONNX file holds less than 2 GB", model->n);
    return FPC_OK;
}

/* Nodes, and what they read. */
static fpc_status put_graph(fpc_onnx *x)
{
    const fpc_graph *g = x->g;

    x->tensor = fpc_alloc(x->arena, (size_t)g->n_values * sizeof *x->tensor);
    x->rounded = fpc_alloc(x->arena, (size_t)g->n_values * sizeof *x->rounded);
    if (!x->tensor || !x->rounded)
        return FPC_ENOMEM;
    for (int32_t v = 0; v < g->n_values; v++)
        if (g->value[v].role == FPC_ROLE_INPUT)
            x->tensor[v][FPC_ONNX_NHWC] = g->value[v].name;
    put_nodes(x);
    return x->status;
}

/* What int8 says is by the numbers of its own graph, of one picture; this one is of as many as are wanted. */
static fpc_status check_same(fpc_ctx *ctx, const fpc_graph *g, const fpc_int8 *q)
{
    int same = g->n_values == q->g->n_values && g->n_nodes == q->g->n_nodes;

    for (int32_t i = 0; i < g->n_nodes && same; i++) {
        const fpc_gnode *a = &g->node[i], *b = &q->g->node[i];
        same = a->def == b->def && a->n_in == b->n_in && !memcmp(a->in, b->in, (size_t)a->n_in * sizeof *a->in) &&
               !memcmp(a->out, b->out, (size_t)a->n_out * sizeof *a->out);
    }
    return same ? FPC_OK
                : fpc_fail(
                      ctx, FPC_ENOSUPPORT,
                      "export --int8: the network is another one for several pictures at a time; --batch 1 or free");
}

fpc_status fpc_onnx_convolutions(fpc_ctx *ctx, fpc_arena *arena, const fpc_graph *g, uint8_t **out)
{
    fpc_onnx x = {.ctx = ctx, .arena = arena, .body = {.arena = arena}, .g = g};

    if (!(x.conv = *out = fpc_alloc(arena, (size_t)g->n_nodes + 1)))
        return FPC_ENOMEM;
    return put_graph(&x);
}

fpc_status fpc_onnx_make(fpc_experiment *s, fpc_arena *arena, const fpc_export_args *a, const void **data,
                         size_t *bytes)
{
    fpc_onnx x = {.ctx = s->ctx, .arena = arena, .body = {.arena = arena}, .free_batch = !a->n, .int8 = a->int8};
    fpc_proto model = {.arena = arena};
    fpc_graph *g;
    fpc_status status;

    if ((status = fpc_export_graph(s, arena, a, &g)) || (a->int8 && (status = check_same(s->ctx, g, a->int8))))
        return status;
    x.g = g;
    fpc_proto_text(&x.body, GRAPH_NAME, s->model.plugin->name);
    if ((status = put_graph(&x)))
        return status;
    put_ports(&x, a);
    if (x.status || (status = put_model(&x, a, &model)))
        return x.status ? x.status : status;
    *data = model.data;
    *bytes = model.n;
    return FPC_OK;
}

int fpc_onnx_is_own(const char *path)
{
    static const uint8_t want[] = {MODEL_PRODUCER << 3 | 2, sizeof PRODUCER - 1, 'f', 'p', 'c', 'o', 'r', 'e'};
    uint8_t head[2 + sizeof want];
    FILE *file = fpc_open_plain(path);
    const size_t n = file ? fread(head, 1, sizeof head, file) : 0;

    if (file)
        fclose(file);
    return n == sizeof head && head[0] == MODEL_IR << 3 && !memcmp(head + 2, want, sizeof want);
}
