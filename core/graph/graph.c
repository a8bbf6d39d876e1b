/* graph.c: the graph itself: values, nodes, scopes, the sticky error. Verbs of the layers are in layers.c.
 * Invariant: nodes stand in an order in which they can run; every value is made before it is used. */
#include "graph/nodes.h"
#include "base/at_work.h"
#include "base/utf8.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

fpc_status fpc_graph_new(fpc_ctx *ctx, fpc_arena *arena, const fpc_op_table *ops, uint32_t real, int training,
                         fpc_graph **out)
{
    fpc_graph *g = fpc_alloc(arena, sizeof *g);
    if (!g)
        return FPC_ENOMEM;
    *g = (fpc_graph){.ctx = ctx, .arena = arena, .ops = ops, .real = real, .training = training};
    *out = g;
    return FPC_OK;
}

fpc_status fpc_graph_check(fpc_graph *g)
{
    if (!g->failed)
        return FPC_OK;
    const fpc_status status = fpc_ctx_status(g->ctx);
    return status ? status : FPC_EINVAL;
}

fpc_status fpc_graph_closed(fpc_graph *g, const char *who)
{
    if (g->scope_depth > 0 && !g->failed) {
        fpc_fail(
            g->ctx, FPC_EINVAL,
            "%s: its build leaves the scope `%s` open, so that what is built later has wrong names; every fpc_enter "
            "needs its fpc_leave",
            who, g->scope);
        g->failed = 1;
    }
    return fpc_graph_check(g);
}

fpc_val fpc_graph_fail(fpc_graph *g, fpc_status status, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!g->failed)
        fpc_fail(g->ctx, status, "%s%s%s", g->scope, g->scope[0] ? ": " : "", text);
    g->failed = 1;
    return (fpc_val){-1};
}

/* Doubles an array that lives in the arena. */
static int grow(fpc_graph *g, void **array, int32_t n, int32_t *cap, size_t item)
{
    if (n < *cap)
        return 1;
    const int32_t more = *cap ? *cap * 2 : 256;
    void *p = fpc_alloc(g->arena, (size_t)more * item);
    if (!p) {
        g->failed = 1;
        return 0;
    }
    if (n)
        memcpy(p, *array, (size_t)n * item);
    *array = p;
    *cap = more;
    return 1;
}

static fpc_val new_value(fpc_graph *g, fpc_value v)
{
    if (!grow(g, (void **)&g->value, g->n_values, &g->cap_values, sizeof v))
        return (fpc_val){-1};
    g->value[g->n_values] = v;
    return (fpc_val){g->n_values++};
}

/* ---- scopes ---- */

void fpc_enter(fpc_graph *g, const char *fmt, ...)
{
    const size_t at = strlen(g->scope);
    char text[128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (g->scope_depth >= 32 || at + strlen(text) + 2 > sizeof g->scope) {
        fpc_graph_fail(g, FPC_EINVAL, "scope `%s` is nested too deeply", text);
        return;
    }
    g->scope_len[g->scope_depth++] = (uint16_t)at;
    snprintf(g->scope + at, sizeof g->scope - at, "%s%s", at ? "." : "", text);
}

void fpc_leave(fpc_graph *g)
{
    if (g->scope_depth > 0)
        g->scope[g->scope_len[--g->scope_depth]] = 0;
    else
        fpc_graph_fail(g, FPC_EINVAL, "fpc_leave without fpc_enter");
}

static const char *full_name(fpc_graph *g, const char *name)
{
    if (!name) {
        fpc_graph_fail(g, FPC_EINVAL, "a name is NULL");
        return NULL;
    }
    if (!g->scope[0])
        return fpc_strdup(g->arena, name);
    return fpc_sprintf(g->arena, "%s%s%s", g->scope, *name ? "." : "", name);
}

/* ---- values that nodes do not make ---- */

/* Every axis is there, and bytes of the whole can be counted. */
static int shape_possible(fpc_shape s)
{
    int64_t n;
    return s.n >= 1 && s.h >= 1 && s.w >= 1 && s.c >= 1 && !__builtin_mul_overflow((int64_t)s.n * s.h, s.w, &n) &&
           !__builtin_mul_overflow(n, s.c, &n) && n <= INT64_C(1) << 58;
}

static int printable(const char *text)
{
    int n;
    for (; *text && (n = fpc_utf8_character(text)); text += n)
        ;
    return !*text;
}

static fpc_val named(fpc_graph *g, const char *name, fpc_value v)
{
    g->failed |= !v.name;
    if (g->failed)
        return (fpc_val){-1};
    if (!printable(v.name)) /* checkpoints keep it in their header, as UTF-8 */
        return fpc_graph_fail(g, FPC_EINVAL, "the name `%s` is no UTF-8, or has characters that cannot be printed",
                              v.name);
    if (!shape_possible(v.shape))
        return fpc_graph_fail(g, FPC_EINVAL,
                              "`%s` has the shape %s; every axis must be at least 1, and the whole of a "
                              "size that can be counted",
                              name, fpc_shape_text(v.shape));
    if (v.rank > 4 || !fpc_dtype_size(v.dtype))
        return fpc_graph_fail(g, FPC_EINVAL, "`%s` has the rank %d and the data type %u; ranks are 0 to 4", name,
                              v.rank, v.dtype);
    if ((v.role == FPC_ROLE_PARAM || v.role == FPC_ROLE_BUFFER) &&
        (v.fill < FPC_FILL_ZERO || v.fill > FPC_FILL_TRUNC_NORMAL))
        return fpc_graph_fail(g, FPC_EINVAL, "`%s` is filled by the rule %d, which fpc_fill does not have", name,
                              v.fill);
    for (int32_t i = 0; i < g->n_values; i++)
        if (g->value[i].name && !strcmp(g->value[i].name, v.name))
            return fpc_graph_fail(g, FPC_EINVAL, "the name `%s` is used twice", v.name);
    v.node = v.output = -1;
    return new_value(g, v);
}

fpc_val fpc_param(fpc_graph *g, const char *name, int32_t rank, fpc_shape shape, fpc_fill fill, int64_t fan_in)
{
    const char *full = full_name(g, name);
    return named(g, name,
                 (fpc_value){.name = full,
                             .frozen = g->freeze && full && fpc_patterns_find(g->freeze, full) >= 0,
                             .shape = shape,
                             .dtype = g->real,
                             .role = FPC_ROLE_PARAM,
                             .rank = (uint8_t)rank,
                             .fill = (uint8_t)fill,
                             .fan_in = fan_in});
}

fpc_val fpc_buffer(fpc_graph *g, const char *name, int32_t rank, fpc_shape shape, uint32_t dtype, fpc_fill fill)
{
    return named(g, name,
                 (fpc_value){.name = full_name(g, name),
                             .shape = shape,
                             .dtype = dtype == FPC_F32 ? g->real : dtype,
                             .role = FPC_ROLE_BUFFER,
                             .rank = (uint8_t)rank,
                             .fill = (uint8_t)fill});
}

/* Inputs have global names: no scope. The same name again is the same input. */
fpc_val fpc_input(fpc_graph *g, const char *name, fpc_shape shape, uint32_t dtype)
{
    for (int32_t i = 0; i < g->n_values; i++)
        if (g->value[i].role == FPC_ROLE_INPUT && !strcmp(g->value[i].name, name))
            return (fpc_val){i};
    return named(
        g, name,
        (fpc_value){.name = fpc_strdup(g->arena, name), .shape = shape, .dtype = dtype, .role = FPC_ROLE_INPUT});
}

fpc_val fpc_clock_input(fpc_graph *g)
{
    return fpc_input(g, "clock", fpc_vector(4), FPC_I32);
}

fpc_val fpc_const(fpc_graph *g, fpc_shape shape, const double *values)
{
    if (g->failed)
        return (fpc_val){-1};
    if (!shape_possible(shape))
        return fpc_graph_fail(g, FPC_EINVAL, "a constant has the shape %s; every axis must be at least 1",
                              fpc_shape_text(shape));
    const int64_t n = fpc_count(shape);
    double *copy = fpc_alloc(g->arena, (size_t)n * sizeof *copy);
    if (!copy) {
        g->failed = 1;
        return (fpc_val){-1};
    }
    if (values)
        memcpy(copy, values, (size_t)n * sizeof *copy);
    return new_value(
        g, (fpc_value){
               .shape = shape, .dtype = g->real, .role = FPC_ROLE_CONST, .constant = copy, .node = -1, .output = -1});
}

/* ---- nodes ---- */

static const char *access_letters(fpc_graph *g, const fpc_op_def *def, int32_t n_in)
{
    char *a = fpc_alloc(g->arena, (size_t)n_in + 1);
    for (int32_t i = 0; a && i < n_in; i++)
        a[i] = fpc_access(def->in, i);
    return a;
}

/* All row-wise arguments have the same number of rows. */
static fpc_status check_rows(fpc_ctx *ctx, const fpc_op_def *def, const char *access, const fpc_node *n)
{
    int64_t rows = -1;
    for (int32_t i = 0; i < n->n_in + n->n_out; i++) {
        const int out = i >= n->n_in;
        const int32_t at = out ? i - n->n_in : i;
        const char letter = out ? fpc_access(def->out, at) : access[at];
        const fpc_shape s = out ? n->out[at].shape : n->in[at].shape;
        if (letter != 'r')
            continue;
        if (rows >= 0 && rows != fpc_rows_of(s))
            return fpc_node_fail(ctx, n, "%s %d is %s, which has other than the %lld rows of the first",
                                 out ? "output" : "input", at, fpc_shape_text(s), (long long)rows);
        rows = fpc_rows_of(s);
    }
    return FPC_OK;
}

/* Output shapes by the op's own rule; fills out[]. */
static fpc_status infer(fpc_graph *g, const fpc_op_def *def, const fpc_gnode *node, fpc_tensor *out)
{
    fpc_tensor in[FPC_MAX_INPUTS];
    for (int32_t i = 0; i < node->n_in; i++)
        in[i] = (fpc_tensor){.shape = g->value[node->in[i]].shape, .dtype = g->value[node->in[i]].dtype};
    for (int32_t i = 0; i < def->n_out; i++)
        out[i] = (fpc_tensor){.dtype = g->real};
    fpc_node n = {.size = sizeof n,
                  .id = (uint32_t)g->n_nodes,
                  .op = def->name,
                  .name = node->name,
                  .n_in = node->n_in,
                  .n_out = def->n_out,
                  .in = in,
                  .out = out,
                  .attr = node->attr};
    fpc_node_place(g, node, &n);
    fpc_status status = FPC_CALL(fpc_op_who(g->ops, def), def->infer(g->ctx, &n));
    if (status)
        fpc_node_fail(g->ctx, &n, "its shapes do not fit"); /* the first sentence wins: where infer gave none */
    for (int32_t i = 0; i < def->n_out && !status; i++)
        if (!shape_possible(out[i].shape) || !fpc_dtype_size(out[i].dtype))
            status =
                fpc_node_fail(g->ctx, &n, "output %d would have the shape %s and the data type %u; infer sets both", i,
                              fpc_shape_text(out[i].shape), out[i].dtype);
    if (!status)
        status = check_rows(g->ctx, def, node->in_access, &n);
    fpc_node_place(NULL, NULL, NULL);
    return status;
}

/* The attributes of the core's size: what the caller's lack is zero, what is pointed at by terms becomes the graph's.
 */
static void *own_attr(fpc_graph *g, const fpc_op_def *def, const void *attr, size_t size)
{
    void *own = fpc_alloc(g->arena, def->attr_size);
    if (own && size)
        memcpy(own, attr, size);
    if (own && !strncmp(def->name, "seg_loss", 8) && !fpc_seg_terms_own(g, own))
        return NULL;
    return own;
}

fpc_val fpc_op_own(fpc_graph *g, const char *op, const char *name, int32_t n_in, const fpc_val *in, const void *attr,
                   fpc_val *out)
{
    const fpc_op_def *def = attr ? fpc_op_find(g->ops, op) : NULL;
    return fpc_op(g, op, name, n_in, in, attr, def ? def->attr_size : 0, out);
}

/* 1: the op exists and takes these inputs; else the graph has failed. */
static int check_inputs(fpc_graph *g, const fpc_op_def *def, const char *op, const char *name, int32_t n_in,
                        const fpc_val *in, const void *attr, size_t attr_size)
{
    const int32_t most = def && def->max_in < FPC_MAX_INPUTS ? def->max_in : FPC_MAX_INPUTS;
    for (int32_t i = 0; i < n_in && i <= most && in && !g->failed; i++)
        if (!fpc_value_known(g, in[i]))
            fpc_graph_fail(
                g, FPC_EINVAL, "%s%s%s: input %d does not exist: the id %d is of no value of this graph, which has %d",
                g->verb ? g->verb : op, name && *name ? " " : "", name ? name : "", i, in[i].id, g->n_values);
    if (g->failed)
        return 0;
    if (!def)
        fpc_graph_fail(g, FPC_ENOSUPPORT, "there is no op `%s`; ops.h lists the built-in ones", op);
    else if (n_in > 0 && !in)
        fpc_graph_fail(g, FPC_EINVAL, "op `%s`: the list of its %d inputs is NULL", op, n_in);
    else if (n_in < def->min_in || n_in > most)
        fpc_graph_fail(g, FPC_EINVAL, "op `%s` takes %d to %d inputs, not %d", op, def->min_in, most, n_in);
    else if (attr_size > def->attr_size || (attr_size && !attr))
        fpc_graph_fail(g, FPC_EINVAL, "op `%s` has %u bytes of attributes, not %zu; FPC_ATTR(a) gives them", op,
                       def->attr_size, attr_size);
    return !g->failed;
}

/* The next node of the list, without outputs; it counts when n_nodes does. NULL: no memory. */
static fpc_gnode *next_node(fpc_graph *g, const fpc_op_def *def, const char *name, int32_t n_in, const fpc_val *in,
                            const void *attr, size_t attr_size)
{
    if (!grow(g, (void **)&g->node, g->n_nodes, &g->cap_nodes, sizeof *g->node))
        return NULL;
    fpc_gnode *node = &g->node[g->n_nodes];
    /* Names made while differentiating are those of the forward node. */
    *node = (fpc_gnode){.def = def,
                        .n_in = n_in,
                        .n_out = def->n_out,
                        .backward = (uint8_t)g->backward,
                        .name = g->backward ? name : full_name(g, name ? name : def->name)};
    node->in = fpc_alloc(g->arena, (size_t)(n_in + def->n_out) * sizeof(int32_t));
    node->in_access = access_letters(g, def, n_in);
    node->attr = def->attr_size ? own_attr(g, def, attr, attr_size) : NULL;
    if (!node->in || !node->in_access || (def->attr_size && !node->attr)) {
        g->failed = 1;
        return NULL;
    }
    node->out = node->in + n_in;
    for (int32_t i = 0; i < n_in; i++)
        node->in[i] = in[i].id;
    return node;
}

static fpc_val append(fpc_graph *g, const char *op, const char *name, int32_t n_in, const fpc_val *in, const void *attr,
                      size_t attr_size, fpc_val *out)
{
    const fpc_op_def *def = op ? fpc_op_find(g->ops, op) : NULL;
    fpc_val first = {-1};
    fpc_tensor t[FPC_MAX_OUTPUTS];
    for (int32_t i = 0; out && def && i < def->n_out; i++)
        out[i] = first;
    if (!check_inputs(g, def, op, name, n_in, in, attr, attr_size))
        return first;
    fpc_gnode *node = next_node(g, def, name, n_in, in, attr, attr_size);
    if (!node)
        return first;
    if (infer(g, def, node, t)) {
        g->failed = 1;
        return first;
    }
    for (int32_t i = 0; i < def->n_out; i++) {
        const fpc_val v =
            new_value(g, (fpc_value){.shape = t[i].shape, .dtype = t[i].dtype, .node = g->n_nodes, .output = i});
        node->out[i] = v.id;
        if (out)
            out[i] = v;
        if (i == 0)
            first = v;
    }
    g->n_nodes++;
    return first;
}

fpc_val fpc_op(fpc_graph *g, const char *op, const char *name, int32_t n_in, const fpc_val *in, const void *attr,
               size_t attr_size, fpc_val *out)
{
    const fpc_val first = append(g, op, name, n_in, in, attr, attr_size, out);
    g->verb = NULL;
    return first;
}

void fpc_output_mark(fpc_graph *g, const char *name, fpc_val v)
{
    if (v.id >= g->n_values)
        fpc_graph_fail(g, FPC_EINVAL, "the output `%s` is the id %d, which is of no value of this graph", name, v.id);
    if (g->failed || v.id < 0 || !grow(g, (void **)&g->output, g->n_outputs, &g->cap_outputs, sizeof *g->output))
        return;
    g->output[g->n_outputs++] = (fpc_output){fpc_strdup(g->arena, name), v.id};
}

fpc_val fpc_output_find(const fpc_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (!strcmp(g->output[i].name, name))
            return (fpc_val){g->output[i].value};
    return (fpc_val){-1};
}

int fpc_training(const fpc_graph *g)
{
    return g->training;
}

fpc_shape fpc_shape_of(const fpc_graph *g, fpc_val v)
{
    return v.id < 0 || v.id >= g->n_values ? (fpc_shape){1, 1, 1, 1} : g->value[v.id].shape;
}

uint32_t fpc_dtype_of(const fpc_graph *g, fpc_val v)
{
    return v.id < 0 || v.id >= g->n_values ? 0 : g->value[v.id].dtype;
}

void fpc_gnode_view(const fpc_graph *g, const fpc_gnode *node, fpc_tensor *in, fpc_tensor *out, fpc_node *view)
{
    for (int32_t i = 0; i < node->n_in; i++)
        in[i] = (fpc_tensor){.shape = g->value[node->in[i]].shape, .dtype = g->value[node->in[i]].dtype};
    for (int32_t i = 0; i < node->n_out; i++)
        out[i] = (fpc_tensor){.shape = g->value[node->out[i]].shape, .dtype = g->value[node->out[i]].dtype};
    *view = (fpc_node){.size = sizeof *view,
                       .op = node->def->name,
                       .name = node->name,
                       .n_in = node->n_in,
                       .n_out = node->n_out,
                       .in = in,
                       .out = out,
                       .attr = node->attr};
}

int64_t fpc_gnode_macs(const fpc_graph *g, const fpc_gnode *node)
{
    fpc_tensor in[FPC_MAX_INPUTS], out[FPC_MAX_OUTPUTS];
    fpc_node view;
    if (!node->def->macs)
        return 0;
    fpc_gnode_view(g, node, in, out, &view);
    return FPC_CALL(fpc_op_who(g->ops, node->def), node->def->macs(&view));
}

int64_t fpc_graph_macs(const fpc_graph *g, int forward_only)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!g->node[i].dead && !(forward_only && g->node[i].backward))
            sum += fpc_gnode_macs(g, &g->node[i]);
    return sum;
}
