/* graph.c: see export.h. The network is built twice, which gives the same values under the same numbers: one graph is
 * exported, and of the other one a program is made that computes what the exported one has as constants. */
#include "cmd/export/export.h"
#include "base/message.h"
#include <math.h>
#include <string.h>

const char *const fpc_export_outputs[3] = {"labels", "logits", "probabilities"};

static fpc_status build(fpc_experiment *s, fpc_arena *arena, const fpc_export_args *a, fpc_graph **out)
{
    const fpc_resize_attr same = {a->h, a->w, 0};
    fpc_val logits, y;
    fpc_graph *g;
    fpc_status status;

    if ((status = fpc_graph_new(s->ctx, arena, s->ops, s->backend->device.real, 0, &g)))
        return status;
    const fpc_val bytes = fpc_input(g, "image", (fpc_shape){a->n ? a->n : 1, a->h, a->w, 3}, FPC_U8);
    const fpc_val image = fpc_op(g, "to_real", "image", 1, &bytes, NULL, 0, NULL);
    if ((status = fpc_experiment_model(s, g, image, &logits)))
        return status;
    y = logits;
    if (a->output == FPC_EXPORT_LABELS)
        y = fpc_op(g, "seg_argmax", "labels", 1, &logits, FPC_ATTR(same), NULL);
    else if (a->output == FPC_EXPORT_PROBABILITIES)
        y = fpc_op(g, "softmax", "probabilities", 1, &logits, NULL, 0, NULL);
    fpc_output_mark(g, fpc_export_outputs[a->output], y);
    *out = g;
    return (status = fpc_graph_check(g)) ? status : fpc_graph_rewrite(g, (int)s->run.rewrite);
}

/* ---- constants ---- */

/* By value: whether it is a function of weights alone. */
static uint8_t *find_constant(const fpc_graph *g)
{
    uint8_t *constant = fpc_alloc(g->arena, (size_t)g->n_values + 1);

    for (int32_t v = 0; v < g->n_values && constant; v++)
        constant[v] = g->value[v].role != FPC_ROLE_NODE && g->value[v].role != FPC_ROLE_INPUT;
    for (int32_t i = 0; i < g->n_nodes && constant; i++) {
        const fpc_gnode *n = &g->node[i];
        int all = 1;
        for (int32_t j = 0; j < n->n_in; j++)
            all &= constant[n->in[j]];
        for (int32_t o = 0; o < n->n_out && all; o++)
            constant[n->out[o]] = 1;
    }
    return constant;
}

/* Of those the ones that something else reads, and that are no numbers yet. */
static uint8_t *find_wanted(const fpc_graph *g)
{
    const uint8_t *constant = find_constant(g);
    uint8_t *wanted = constant ? fpc_alloc(g->arena, (size_t)g->n_values + 1) : NULL;

    for (int32_t i = 0; i < g->n_nodes && wanted; i++)
        for (int32_t j = 0; j < g->node[i].n_in && !constant[g->node[i].out[0]]; j++)
            wanted[g->node[i].in[j]] = constant[g->node[i].in[j]];
    for (int32_t i = 0; i < g->n_outputs && wanted; i++)
        wanted[g->output[i].value] = constant[g->output[i].value];
    for (int32_t v = 0; v < g->n_values && wanted; v++)
        wanted[v] &= g->value[v].role != FPC_ROLE_CONST;
    return wanted;
}

static const char *label(fpc_graph *g, int32_t value)
{
    return fpc_sprintf(g->arena, "constant.%d", value);
}

/* The program whose outputs are the wanted values, of the second graph. */
static fpc_status compile(fpc_experiment *s, fpc_graph *twin, const uint8_t *wanted, fpc_program **out)
{
    fpc_status status;

    twin->n_outputs = 0;
    for (int32_t v = 0; v < twin->n_values; v++)
        if (wanted[v])
            fpc_output_mark(twin, label(twin, v), (fpc_val){v});
    if ((status = fpc_graph_check(twin)) || (status = fpc_graph_sweep(twin, 0, NULL)) ||
        (status = fpc_program_compile(s->ctx, twin->arena, s->state, twin, out)))
        return status;
    return fpc_program_run(*out);
}

/* The name that a constant has in the file: a parameter's own, else that of the place it comes from, with its number.
 */
static const char *name_of(const fpc_graph *g, int32_t v)
{
    const fpc_value *value = &g->value[v];

    if (value->role == FPC_ROLE_PARAM || value->role == FPC_ROLE_BUFFER)
        return value->name;
    return fpc_sprintf(g->arena, "%s/%d", value->node >= 0 ? g->node[value->node].name : "constant", v);
}

static fpc_status make_constant(fpc_graph *g, fpc_program *p, int32_t v)
{
    fpc_value *value = &g->value[v];
    const int64_t count = fpc_count(value->shape);
    double *number = fpc_alloc(g->arena, (size_t)count * sizeof *number);
    const char *name = name_of(g, v), *from = label(g, v);

    if (!number || !name || !from)
        return FPC_ENOMEM;
    value->name = name;
    value->role = FPC_ROLE_CONST;
    value->node = -1;
    value->constant = number;
    return fpc_program_read(p, from, FPC_F64, number, count);
}

static fpc_status freeze(fpc_experiment *s, fpc_graph *g, fpc_graph *twin)
{
    const uint8_t *wanted = find_wanted(g);
    fpc_program *p;
    fpc_status status = wanted ? compile(s, twin, wanted, &p) : FPC_ENOMEM;

    for (int32_t v = 0; v < g->n_values && !status; v++)
        if (wanted[v])
            status = make_constant(g, p, v);
    return status ? status : fpc_graph_sweep(g, 0, NULL);
}

/* ---- batch norms ---- */

static const double *constant_of(const fpc_graph *g, int32_t v)
{
    return g->value[v].role == FPC_ROLE_CONST ? g->value[v].constant : NULL;
}

static int32_t count_uses(const fpc_graph *g, int32_t v)
{
    int32_t uses = 0;

    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t j = 0; j < g->node[i].n_in; j++)
            uses += g->node[i].in[j] == v;
    for (int32_t i = 0; i < g->n_outputs; i++)
        uses += g->output[i].value == v;
    return uses;
}

static fpc_val named_constant(fpc_graph *g, fpc_shape shape, const double *number, const char *name)
{
    const fpc_val v = fpc_const(g, shape, number);

    if (v.id >= 0)
        g->value[v.id].name = fpc_sprintf(g->arena, "%s/%d", name, v.id);
    return v;
}

/* y = scale x + shift, by channel. */
typedef struct affine {
    int32_t c;
    double *scale, *shift;
} affine;

static int read_norm(const fpc_graph *g, const fpc_gnode *n, affine *out)
{
    const double *gain = constant_of(g, n->in[1]), *bias = constant_of(g, n->in[2]);
    const double *mean = constant_of(g, n->in[3]), *var = constant_of(g, n->in[4]);
    const double eps = (double)((const fpc_norm_attr *)n->attr)->eps;

    out->c = g->value[n->in[0]].shape.c;
    out->scale = fpc_alloc(g->arena, (size_t)out->c * sizeof *out->scale);
    out->shift = fpc_alloc(g->arena, (size_t)out->c * sizeof *out->shift);
    if (!gain || !bias || !mean || !var || !out->scale || !out->shift)
        return 0;
    for (int32_t c = 0; c < out->c; c++) {
        out->scale[c] = gain[c] / sqrt(var[c] + eps);
        out->shift[c] = bias[c] - mean[c] * out->scale[c];
    }
    return 1;
}

/* The channel that number `at` of a product's weight adds to. Of a transposed convolution the weight's channels are
 * those of the output, a group of them after the other; else its rows are. */
static int64_t channel_of(const fpc_gnode *product, fpc_shape w, int32_t c, int64_t at)
{
    if (strcmp(product->def->name, "conv2d_grad_x"))
        return at / (fpc_count(w) / c);
    const int64_t in = at / ((int64_t)w.h * w.w * w.c),
                  per_group = w.n / ((const fpc_conv_attr *)product->attr)->groups;
    return in / per_group * w.c + at % w.c;
}

static int is_product(const char *op)
{
    return !strcmp(op, "conv2d") || !strcmp(op, "linear") || !strcmp(op, "conv2d_grad_x");
}

/* The norm becomes part of the product before it, where nothing else reads that. */
static int fold_norm(fpc_graph *g, const fpc_gnode *norm, const affine *a)
{
    const int32_t made_by = g->value[norm->in[0]].node;
    fpc_gnode *p = made_by < 0 ? NULL : &g->node[made_by];
    const double *w = p && is_product(p->def->name) ? constant_of(g, p->in[1]) : NULL;
    const double *b = w && p->n_in > 2 ? constant_of(g, p->in[2]) : NULL;

    if (!w || (p->n_in > 2 && !b) || count_uses(g, norm->in[0]) != 1)
        return 0;
    const fpc_shape shape = g->value[p->in[1]].shape;
    double *weight = fpc_alloc(g->arena, (size_t)fpc_count(shape) * sizeof *weight);
    int32_t *in = fpc_alloc(g->arena, 3 * sizeof *in);
    if (!weight || !in)
        return 0;
    for (int64_t i = 0; i < fpc_count(shape); i++)
        weight[i] = w[i] * a->scale[channel_of(p, shape, a->c, i)];
    for (int32_t c = 0; c < a->c; c++)
        a->shift[c] += b ? b[c] * a->scale[c] : 0;
    in[0] = p->in[0];
    in[1] = named_constant(g, shape, weight, p->name).id;
    in[2] = named_constant(g, fpc_vector(a->c), a->shift, p->name).id;
    p->in = in;
    p->n_in = 3;
    p->out[0] = norm->out[0];
    g->value[norm->out[0]].node = made_by;
    return 1;
}

static fpc_val append(fpc_graph *g, const char *op, const char *name, fpc_val x, const double *number, int32_t c)
{
    const fpc_val in[] = {x, named_constant(g, fpc_vector(c), number, name)};
    const fpc_val v = fpc_op_own(g, op, name, 2, in, NULL, NULL);

    if (v.id >= 0)
        g->node[g->value[v.id].node].name = name;
    return v;
}

/* Elsewhere it is a product and a sum: the last node that does it takes the norm's output for its own. */
static void spell_norm(fpc_graph *g, const fpc_gnode *norm, const affine *a)
{
    const fpc_val x = append(g, "mul_bcast", norm->name, (fpc_val){norm->in[0]}, a->scale, a->c);
    const fpc_val y = append(g, "add_bcast", norm->name, x, a->shift, a->c);

    if (y.id < 0)
        return;
    g->node[g->n_nodes - 1].out[0] = norm->out[0];
    g->value[norm->out[0]].node = g->n_nodes - 1;
}

static fpc_status fold_norms(fpc_graph *g)
{
    const int32_t n = g->n_nodes;

    for (int32_t i = 0; i < n; i++) {
        const fpc_gnode norm = g->node[i];
        affine a;
        if (strcmp(norm.def->name, "batch_norm") || !read_norm(g, &norm, &a))
            continue;
        g->node[i].n_out = 0; /* the sweep drops it */
        if (!fold_norm(g, &norm, &a))
            spell_norm(g, &norm, &a);
    }
    const fpc_status status = fpc_graph_check(g);
    return status ? status : fpc_graph_sweep(g, 0, NULL);
}

fpc_status fpc_export_graph(fpc_experiment *s, fpc_arena *arena, const fpc_export_args *a, fpc_graph **out)
{
    fpc_graph *twin;
    fpc_status status;

    if ((status = build(s, arena, a, out)) || (status = build(s, arena, a, &twin)) || (status = freeze(s, *out, twin)))
        return status;
    return fold_norms(*out);
}
