/* program.c: a graph of a packed network as a graph of fpcore (model.h has the form). What the shape rules of ops do
 * not ask, because builders cannot get it wrong, is asked here: data types, and that parameters are in the file. */
#include "seg/model.h"
#include "base/message.h"
#include "graph/attrs.h"

#include <string.h>

typedef struct reader {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const fps_model *model;
    const char *which;
    fpc_graph *g;
    int32_t n; /* ids so far */
    fpc_val *id;
    int image; /* the picture is among the values */
} reader;

static fpc_status wrong(const reader *r, const char *what, const char *name)
{
    return fpc_fail(r->ctx, FPC_EFORMAT, "%s: graph %s: %s%s%.100s", r->model->path, r->which, what, name ? ": " : "",
                    name ? name : "");
}

static int add_id(reader *r, fpc_val v)
{
    if (r->n == SEG_MOST_VALUES || v.id < 0)
        return 0;
    r->id[r->n++] = v;
    return 1;
}

/* ---- values ---- */

static int read_shape(const seg_json *list, fpc_shape *out)
{
    int64_t n[4];
    int i = 0;

    if (!list || list->type != SEG_LIST || list->n != 4)
        return 0;
    for (const seg_json *d = list->first; d; d = d->next)
        if (!seg_json_whole(d, 1, 1 << 24, &n[i++]))
            return 0;
    *out = (fpc_shape){(int32_t)n[0], (int32_t)n[1], (int32_t)n[2], (int32_t)n[3]};
    return 1;
}

/* How many numbers a shape has; -1: more than can be counted. */
static int64_t count_of(fpc_shape s)
{
    int64_t n;

    return __builtin_mul_overflow((int64_t)s.n * s.h, (int64_t)s.w, &n) || __builtin_mul_overflow(n, (int64_t)s.c, &n)
               ? -1
               : n;
}

/* The file's tensor must be what the state will read into: as many numbers, of the same rank. */
static fpc_status add_stored(reader *r, const seg_json *v, const char *name, int param, fpc_shape shape)
{
    const seg_tensor *t = seg_find(r->model, name);
    int64_t rank;

    if (!seg_json_whole(seg_json_get(v, "rank"), 0, 4, &rank))
        return wrong(r, "a parameter without a rank from 0 to 4", name);
    if (!t || t->dtype != FPC_F32 || t->count != count_of(shape) || t->rank != rank)
        return wrong(r, "a parameter that the file does not hold in that shape", name);
    const fpc_val id = param ? fpc_param(r->g, name, (int32_t)rank, shape, FPC_FILL_ZERO, 1)
                             : fpc_buffer(r->g, name, (int32_t)rank, shape, FPC_F32, FPC_FILL_ZERO);
    if (add_id(r, id))
        return FPC_OK;
    return wrong(r, "a parameter that cannot be had", name);
}

static fpc_status add_const(reader *r, const seg_json *list, fpc_shape shape)
{
    const int64_t count = list->type == SEG_LIST ? list->n : 0;
    double *number = count ? fpc_alloc(r->arena, (size_t)count * sizeof *number) : NULL;
    int32_t i = 0;

    if (count_of(shape) != count)
        return wrong(r, "a constant of another shape than its numbers have", NULL);
    if (!number)
        return FPC_ENOMEM;
    for (const seg_json *v = list->first; v; v = v->next) {
        if (v->type != SEG_NUMBER)
            return wrong(r, "a constant that is no number", NULL);
        number[i++] = v->number;
    }
    return add_id(r, fpc_const(r->g, shape, number)) ? FPC_OK : wrong(r, "a constant that cannot be had", NULL);
}

static fpc_status add_value(reader *r, const seg_json *v)
{
    const seg_json *input = seg_json_get(v, "input"), *number = seg_json_get(v, "const");
    const seg_json *param = seg_json_get(v, "param"), *name = param ? param : seg_json_get(v, "buffer");
    const fps_about *about = &r->model->about;
    fpc_shape shape;

    if (!read_shape(seg_json_get(v, "shape"), &shape))
        return wrong(r, "a value without a shape of 4 sizes", NULL);
    if (number)
        return add_const(r, number, shape);
    if (name && name->type == SEG_TEXT && *name->text && *name->text != '$')
        return add_stored(r, v, name->text, param != NULL, shape);
    if (!input || input->type != SEG_TEXT || strcmp(input->text, "image") ||
        !fpc_same_shape(shape, (fpc_shape){1, about->height, about->width, 3}))
        return wrong(r, "a value that is no parameter, buffer or constant, and no picture of the network's size", NULL);
    if (r->image++)
        return wrong(r, "the picture twice", NULL);
    return add_id(r, fpc_input(r->g, "image", shape, FPC_U8)) ? FPC_OK : wrong(r, "too many values", NULL);
}

/* ---- nodes ---- */

static fpc_status read_attr(reader *r, const fpc_attr_row *row, const seg_json *from, void *attr)
{
    int32_t n = 0;

    for (const fpc_attr_field *f = row->field; f && f->name; f++, n++) {
        const seg_json *v = seg_json_get(from, f->name);
        if (!v || v->type != SEG_NUMBER || !fpc_attr_set(f, attr, v->number))
            return wrong(r, "an attribute is missing or impossible", f->name);
    }
    if ((from ? from->n : 0) != n)
        return wrong(r, "attributes that the op does not have", row->op);
    return FPC_OK;
}

/* Kernels take the types that the op is for: bytes into to_real, real numbers into all others. */
static fpc_status read_inputs(reader *r, const seg_json *list, const char *op, int32_t *n, fpc_val *in)
{
    const uint32_t wanted = strcmp(op, "to_real") ? r->g->real : FPC_U8;
    int64_t at;

    *n = 0;
    if (!list || list->type != SEG_LIST || list->n < 1 || list->n > FPC_MAX_INPUTS)
        return wrong(r, "a node without a list of inputs", op);
    for (const seg_json *v = list->first; v; v = v->next) {
        if (!seg_json_whole(v, 0, r->n - 1, &at))
            return wrong(r, "a node reads what is not made before it", op);
        in[(*n)++] = r->id[at];
        if (fpc_dtype_of(r->g, r->id[at]) != wanted)
            return wrong(r, "a node reads numbers of another type than the op takes", op);
    }
    return FPC_OK;
}

static fpc_status add_node(reader *r, const seg_json *v)
{
    const seg_json *op = seg_json_get(v, "op"), *name = seg_json_get(v, "name");
    const fpc_attr_row *row = op && op->type == SEG_TEXT ? fpc_attr_find(op->text) : NULL;
    const fpc_op_def *def = row ? fpc_op_find(r->g->ops, row->op) : NULL;
    _Alignas(8) unsigned char attr[64] = {0};
    fpc_val in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];
    int32_t n;
    fpc_status status;

    if (!def || def->attr_size > sizeof attr)
        return wrong(r, "an op that no prediction has", op && op->type == SEG_TEXT ? op->text : NULL);
    if ((status = read_attr(r, row, seg_json_get(v, "attr"), attr)) ||
        (status = read_inputs(r, seg_json_get(v, "in"), row->op, &n, in)))
        return status;
    fpc_op(r->g, row->op, name && name->type == SEG_TEXT ? name->text : row->op, n, in, attr,
           row->field ? def->attr_size : 0, out);
    if ((status = fpc_graph_check(r->g)))
        return status;
    for (int32_t i = 0; i < def->n_out; i++)
        if (!add_id(r, out[i]))
            return wrong(r, "too many values", NULL);
    return FPC_OK;
}

/* ---- all of it ---- */

/* Whoever has labels looks them up in lists of about.classes: they come from scores of as many. */
static int labels_fit(const fpc_graph *g, fpc_val labels, int32_t classes)
{
    const fpc_gnode *n = &g->node[g->value[labels.id].node];

    return !strcmp(n->def->name, "seg_argmax") && g->value[n->in[0]].shape.c == classes;
}

static fpc_status read_output(reader *r, const seg_json *output)
{
    const fps_about *a = &r->model->about;
    const int labels = !strcmp(r->which, "labels");
    const fpc_shape wanted = {1, a->height, a->width, labels ? 1 : a->classes};
    int64_t at;

    if (!seg_json_whole(output, 0, r->n - 1, &at) || r->g->value[r->id[at].id].role != FPC_ROLE_NODE ||
        !fpc_same_shape(fpc_shape_of(r->g, r->id[at]), wanted) ||
        fpc_dtype_of(r->g, r->id[at]) != (labels ? FPC_U8 : r->g->real) ||
        (labels && !labels_fit(r->g, r->id[at], a->classes)))
        return wrong(r, "its output is not of the network's size and classes", NULL);
    if (!r->image)
        return wrong(r, "it does not look at the picture", NULL);
    fpc_output_mark(r->g, r->which, r->id[at]);
    const fpc_status status = fpc_graph_check(r->g);
    return status ? status : fpc_graph_sweep(r->g, 0, NULL); /* what nobody reads would take memory */
}

fpc_status seg_graph(fpc_ctx *ctx, fpc_arena *arena, const fps_model *m, const fpc_op_table *ops, const char *which,
                     fpc_graph **out)
{
    const seg_json *graph = seg_json_get(seg_json_get(m->program, "graphs"), which);
    const seg_json *values = seg_json_get(graph, "values"), *nodes = seg_json_get(graph, "nodes");
    reader r = {.ctx = ctx, .arena = arena, .model = m, .which = which};
    fpc_status status;

    if (!values || values->type != SEG_LIST || !nodes || nodes->type != SEG_LIST)
        return wrong(&r, "it lacks `values` or `nodes`", NULL);
    if (!(r.id = fpc_alloc(arena, SEG_MOST_VALUES * sizeof *r.id)))
        return FPC_ENOMEM;
    if ((status = fpc_graph_new(ctx, arena, ops, FPC_F32, 0, &r.g)))
        return status;
    for (const seg_json *v = values->first; v && !status; v = v->next)
        status = add_value(&r, v);
    for (const seg_json *v = nodes->first; v && !status; v = v->next)
        status = add_node(&r, v);
    *out = r.g;
    return status ? status : read_output(&r, seg_json_get(graph, "output"));
}
