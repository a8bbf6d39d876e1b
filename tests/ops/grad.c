/* grad.c: gradients against central differences, in double with the kernels of ref. The loss is the dot product of the
 * op's first output with random numbers (with ones, softmax and layer norm have no gradient and nothing is checked);
 * the slope along a random direction, with its sign, must equal the gradient times that direction: for each input
 * alone, then for all together. Then the same for whole small models, with and without the rewrites; and these models'
 * gradients in float, on every backend that is tested, against those in double: their distance, over all parameters,
 * is at most twice that of ref in float, and a floor of eps (4 + sqrt(pixels)/2) sqrt(nodes) of their length: what
 * agree.c allows a sum over the pixels, added up at random over the nodes of the graph.
 * grad [OP]: only that op; `joined`: only what fuse.c joins; `models`: only the last. */
#include "backends.h"
#include "machine.h"
#include "graph/passes.h"
#include <fpcore/loss.h>
#include <fpcore/model.h>
#include <fpcore/rng.h>
#include <float.h>
#include <math.h>

enum { MAX_PARAMS = 256 };

static op_backends *all;

/* A graph with its gradients. */
typedef struct problem {
    const op_backend *b; /* NULL: ref in double */
    fpc_graph *g;
    op_machine m;
    fpc_val loss, param[MAX_PARAMS], grad[MAX_PARAMS];
    int32_t n_params;
    int joins; /* what fuse.c joins is joined */
    const char *what;
} problem;

static void must(fpc_status status, const char *what)
{
    if (status)
        fail_msg("%s: %s", what, op_error(all));
}

static fpc_val random_const(fpc_graph *g, fpc_shape s, uint32_t seed)
{
    const int64_t n = fpc_count(s);
    double *v = fpc_alloc(all->scratch, (size_t)n * sizeof *v);
    for (int64_t i = 0; v && i < n; i++)
        v[i] = 2 * op_unit(seed, 99, (uint64_t)i) - 1;
    return fpc_const(g, s, v);
}

/* Differentiates and makes the machine; everything but the numbers is then there. */
static void finish(problem *p, fpc_val out)
{
    const fpc_val weighted[2] = {out, random_const(p->g, fpc_shape_of(p->g, out), 4711)};
    if (fpc_count(fpc_shape_of(p->g, out)) == 1)
        p->loss = out;
    else
        p->loss = fpc_op(p->g, "dot", "dot", 2, weighted, NULL, 0, NULL);
    must(fpc_graph_check(p->g), p->what);
    for (int32_t v = 0; v < p->g->n_values; v++)
        if (p->g->value[v].role == FPC_ROLE_PARAM) {
            assert_true(p->n_params < MAX_PARAMS);
            p->param[p->n_params++] = (fpc_val){v};
        }
    must(fpc_autodiff(p->g, p->loss, p->n_params, p->grad), p->what);
    if (p->joins) {
        fpc_output_mark(p->g, "loss", p->loss);
        p->g->n_grads = p->n_params;
        p->g->grad = p->grad;
        must(fpc_graph_sweep(p->g, p->n_params, p->grad), p->what);
        must(fpc_graph_fuse(p->g, 2), p->what);
    }
    must(op_machine_new(all->b.ctx, all->scratch, p->g, p->b ? p->b : &all->exact, &p->m), p->what);
}

static double loss_of(problem *p)
{
    must(op_machine_run(&p->m), p->what);
    return *op_reals(&p->m, p->loss);
}

static double direction(int32_t param, int64_t i, uint32_t seed)
{
    return 2 * op_unit(seed, (uint32_t)param + 1000, (uint64_t)i) - 1;
}

/* param += step * direction, for one parameter or (only < 0) for all. */
static void move(problem *p, int32_t only, double step, uint32_t seed)
{
    for (int32_t k = 0; k < p->n_params; k++) {
        double *v = op_reals(&p->m, p->param[k]);
        for (int64_t i = 0; (only < 0 || only == k) && i < fpc_count(fpc_shape_of(p->g, p->param[k])); i++)
            v[i] += step * direction(k, i, seed);
    }
}

/* h: step of the differences; small where ReLUs and maxima make kinks that a longer step would cross. tolerance:
 * relative to the sum of the sizes of all contributions. */
static void check_slope(problem *p, int32_t only, uint32_t seed, double h, double tolerance)
{
    const double at = loss_of(p);
    double slope = 0, size = 0;
    for (int32_t k = 0; k < p->n_params; k++) {
        const double *g = op_reals(&p->m, p->grad[k]);
        for (int64_t i = 0; (only < 0 || only == k) && i < fpc_count(fpc_shape_of(p->g, p->param[k])); i++) {
            slope += g[i] * direction(k, i, seed);
            size += fabs(g[i] * direction(k, i, seed));
        }
    }
    move(p, only, h, seed);
    double measured = loss_of(p);
    move(p, only, -2 * h, seed);
    measured = (measured - loss_of(p)) / (2 * h);
    move(p, only, h, seed);
    if (!(fabs(measured - slope) <= tolerance * size + 1e-15 / h * (fabs(at) + 1)))
        fail_msg(
            "%s, %s: the gradient says %.12g along a random direction, the differences say %.12g (sum of sizes %.3g)",
            p->what, only < 0 ? "all inputs" : p->g->value[p->param[only].id].name, slope, measured, size);
}

/* ---- one op ---- */

static fpc_val add_input(problem *p, const op_tensors *t, int32_t i)
{
    const char *name = fpc_sprintf(all->scratch, "input %d", i);
    if (t->in[i].dtype == FPC_F64 && !t->c->in[i].constant)
        return fpc_param(p->g, name, 4, t->in[i].shape, FPC_FILL_ZERO, 1);
    return fpc_input(p->g, name, t->in[i].shape, t->in[i].dtype);
}

static void check_case(const op_case *c)
{
    op_tensors t;
    problem p = {.what = op_label(all->scratch, c)};
    fpc_val in[OP_MAX_IN], out[8];
    must(op_make(all->b.ctx, all->scratch, c, &all->exact, &t), p.what);
    must(fpc_graph_new(all->b.ctx, all->scratch, op_table_with_dot(), FPC_F64, 1, &p.g), p.what);
    for (int32_t i = 0; i < t.n_in; i++)
        if (c->in[i].fill != FILL_FROM)
            in[i] = add_input(&p, &t, i);
    for (int32_t i = 0; i < t.n_in; i++) { /* statistics of an input move with it */
        fpc_val from[OP_MAX_IN];
        int32_t n = 0;
        if (c->in[i].fill != FILL_FROM)
            continue;
        for (const char *digit = c->in[i].args; *digit; digit++)
            from[n++] = in[*digit - '0'];
        fpc_op_own(p.g, c->in[i].op, c->in[i].op, n, from, &c->attr, out);
        in[i] = out[c->in[i].slot];
    }
    finish(&p, fpc_op_own(p.g, c->op, c->op, t.n_in, in, &c->attr, out));
    for (int32_t i = 0; i < t.n_in; i++)
        if (c->in[i].fill != FILL_FROM)
            memcpy(p.m.value[in[i].id].data, t.in[i].data, fpc_bytes(t.in[i].shape, t.in[i].dtype));
    assert_true(p.n_params > 0);
    for (int32_t k = 0; k < p.n_params; k++)
        check_slope(&p, k, 1, 1e-5, 1e-6);
    check_slope(&p, -1, 2, 1e-5, 1e-6);
}

static void every_op(void **state)
{
    const fpc_op_def *def = *state;
    int cases = 0;
    for (int i = 0; i < op_n_cases; i++)
        if (!strcmp(op_cases[i].op, def->name) && !op_cases[i].kinks) {
            check_case(&op_cases[i]);
            fpc_arena_reset(all->scratch);
            cases++;
        }
    assert_true(cases > 0);
}

/* ---- joined ops ---- */

static int has_node(const fpc_graph *g, const char *op, int32_t n_in)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!g->node[i].dead && !strcmp(g->node[i].def->name, op) && g->node[i].n_in == n_in)
            return 1;
    return 0;
}

/* The turn of a residual branch: x + linear(y) is normalised and goes on beside the norm. linear_add, add_layer_norm
 * and the gradient of layer norm that another is added to. */
static void joined(void **state)
{
    (void)state;
    static const fpc_norm_attr attr = {1e-5f, 0.1f, 0};
    static const fpc_shape shape[] = {{2, 3, 5, 12}, {2, 3, 5, 8},  {1, 1, 12, 8}, {1, 1, 1, 12},
                                      {1, 1, 1, 12}, {1, 1, 1, 12}, {2, 3, 5, 12}};
    static const char *const name[] = {"x", "y", "w", "b", "g", "beta", "x2"};
    problem p = {.what = "joined ops", .joins = 1};
    fpc_val in[7], out[3];
    must(fpc_graph_new(all->b.ctx, all->scratch, op_table_with_dot(), FPC_F64, 1, &p.g), p.what);
    for (int i = 0; i < 7; i++)
        in[i] = fpc_param(p.g, name[i], 4, shape[i], FPC_FILL_ZERO, 1);
    const fpc_val branch = fpc_op(p.g, "linear", "branch", 3, (fpc_val[]){in[1], in[2], in[3]}, NULL, 0, NULL);
    const fpc_val first = fpc_op(p.g, "add", "first", 2, (fpc_val[]){in[0], branch}, NULL, 0, NULL);
    const fpc_val second = fpc_op(p.g, "add", "second", 2, (fpc_val[]){first, in[6]}, NULL, 0, NULL);
    fpc_op(p.g, "layer_norm", "norm", 3, (fpc_val[]){second, in[4], in[5]}, FPC_ATTR(attr), out);
    finish(&p, fpc_op(p.g, "add", "last", 2, (fpc_val[]){second, out[0]}, NULL, 0, NULL));
    assert_true(has_node(p.g, "linear_add", 4));
    assert_true(has_node(p.g, "add_layer_norm", 4));
    assert_true(has_node(p.g, "layer_norm_grad", 6));
    for (int k = 0; k < p.n_params; k++)
        for (int64_t i = 0; i < fpc_count(shape[k]); i++)
            op_reals(&p.m, p.param[k])[i] = 2 * op_unit((uint32_t)k, 7, (uint64_t)i) - 1;
    for (int32_t k = 0; k < p.n_params; k++)
        check_slope(&p, k, 1, 1e-5, 1e-6);
    check_slope(&p, -1, 2, 1e-5, 1e-6);
    fpc_arena_reset(all->scratch);
}

/* ---- whole models ---- */

static void fill_state(problem *p)
{
    for (int32_t v = 0; v < p->g->n_values; v++) {
        const fpc_value *value = &p->g->value[v];
        const int64_t n = fpc_count(value->shape);
        double *to = p->m.value[v].data;
        if (value->role != FPC_ROLE_PARAM && value->role != FPC_ROLE_BUFFER)
            continue;
        for (int64_t i = 0; i < n && value->dtype == FPC_F64; i++) { /* norms near 1, weights by their fan-in */
            const double u = 2 * op_unit(fpc_hash(value->name), 5, (uint64_t)i) - 1;
            to[i] = value->fill == FPC_FILL_ONE ? 1 + 0.2 * u
                                                : u * (value->fan_in > 0 ? sqrt(3 / (double)value->fan_in) : 0.2);
        }
    }
}

static void fill_inputs(problem *p)
{
    for (int32_t v = 0; v < p->g->n_values; v++) {
        const fpc_value *value = &p->g->value[v];
        if (value->role != FPC_ROLE_INPUT)
            continue;
        for (int64_t i = 0; i < fpc_count(value->shape); i++)
            if (value->dtype == FPC_F64)
                ((double *)p->m.value[v].data)[i] = op_unit(3, 3, (uint64_t)i);
            else if (value->dtype == FPC_U8)
                ((uint8_t *)p->m.value[v].data)[i] = (uint8_t)(op_unit(4, 4, (uint64_t)i) * 5);
        if (value->dtype == FPC_I32)
            memcpy(p->m.value[v].data, (int32_t[]){1, 2, 3, 0}, 16);
    }
}

/* The numbers of another machine of the same graph. */
static void fill_from(problem *p, const problem *exact)
{
    assert_int_equal(p->g->n_values, exact->g->n_values);
    for (int32_t v = 0; v < p->g->n_values; v++) {
        const fpc_tensor *to = &p->m.value[v], *from = &exact->m.value[v];
        if (p->g->value[v].role == FPC_ROLE_CONST || p->g->value[v].node >= 0)
            continue;
        for (int64_t i = 0; i < fpc_count(to->shape) && to->dtype == FPC_F32; i++)
            ((float *)to->data)[i] = (float)((const double *)from->data)[i];
        if (to->dtype == from->dtype)
            memcpy(to->data, from->data, fpc_bytes(to->shape, to->dtype));
    }
}

/* Cross entropy + 1.5 dice of a model of five classes on n pictures of h x w. */
static void build_model(problem *p, const char *text, int32_t n, int32_t h, int32_t w, int rewrites)
{
    const fpc_instance inst = open_plugin(&all->b, "model", text);
    const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY, .smooth = 0.1f},
                       dice = {.kind = FPC_TERM_DICE, .eps = 1e-8f};
    fpc_model_io io = {.size = sizeof io, .classes = 5};
    const uint32_t real = p->b ? p->b->real : FPC_F64;
    p->what = text;
    must(fpc_graph_new(all->b.ctx, all->scratch, op_table_with_dot(), real, 1, &p->g), text);
    io.image = fpc_input(p->g, "image", (fpc_shape){n, h, w, 3}, real);
    must(((const fpc_model_vtbl *)inst.vtbl)->build(inst.self, p->g, &io), text);
    const fpc_val logits = fpc_resize(p->g, io.logits, h, w, 0);
    const fpc_target target = {.size = sizeof target,
                               .mask = fpc_input(p->g, "mask", (fpc_shape){n, h, w, 1}, FPC_U8),
                               .mask_b = {-1},
                               .lambda = {-1},
                               .classes = 5,
                               .ignore = -1};
    const double weights[2] = {1, 1.5};
    const fpc_val in[3] = {fpc_const(p->g, (fpc_shape){1, 1, 1, 2}, weights),
                           fpc_seg_loss(p->g, "ce", logits, &target, FPC_ATTR(ce)),
                           fpc_seg_loss(p->g, "dice", logits, &target, FPC_ATTR(dice))};
    fpc_output_mark(p->g, "loss", fpc_op(p->g, "combine", "loss", 3, in, NULL, 0, NULL));
    must(fpc_graph_check(p->g), text);
    must(fpc_graph_rewrite(p->g, rewrites), text);
    finish(p, fpc_output_find(p->g, "loss"));
    if (real == FPC_F64) {
        fill_state(p);
        fill_inputs(p);
    }
}

static const char tiny[] =
    "use = microsegformer\ndims = 8, 16, 24, 32\ndepths = 1, 1, 1, 1\ndecoder_dim = 16\ndropout = 0.1";
static const char unet[] = "use = unet\nwidth = 4";
static const char transposed[] = "use = unet\nwidth = 4\nbilinear = off";

static const char *const variants[] = {
    "use = microsegformer\ndims = 8, 8, 16, 16\ndepths = 1, 1, 1, 1\ndecoder_dim = 8\nattention = off\nlmsa = off",
    "use = microsegformer\ndims = 8, 8, 16, 16\ndepths = 1, 1, 1, 1\ndecoder_dim = 8\ndecoder = single_scale",
    "use = microsegformer\ndims = 8, 8, 16, 16\ndepths = 1, 1, 1, 1\ndecoder_dim = 8\ndecoder = deep_mlp",
    "use = microsegformer\ndims = 8, 8, 16, 16\ndepths = 1, 1, 1, 1\ndecoder_dim = 8\ndecoder = enhanced",
    "use = microsegformer\ndims = 8, 8, 16, 16\ndepths = 1, 1, 1, 1\ndecoder_dim = 8\ndecoder = lightweight"};
static const char simple_unet[] = "use = unet\nwidth = 4\nlevels = 3\nbilinear = off";
static const char bisenetv2[] =
    "use = bisenetv2\ndetail = 4, 6, 8\nsemantic = 4, 6, 6, 8\naggregation = 6\nhead = 8\nexpansion = 2";
static const char segformer[] = "use = segformer_b0\ndims = 8, 12, 16, 20\ndepths = 1, 1, 2, 1\nheads = 1, 2, 4, 5\n"
                                "decoder_dim = 8\ndrop_path = 0.3";

/* step: of the differences. */
static void check_model(const char *text, int32_t n, int32_t h, int32_t w, double step)
{
    problem p[2] = {{0}};
    for (int on = 0; on < 2; on++) {
        build_model(&p[on], text, n, h, w, on);
        check_slope(&p[on], -1, 3, step, 1e-5);
        check_slope(&p[on], -1, 4, step, 1e-5);
    }
    /* check_slope ends with the numbers of a point nearby; run both at the same point again */
    const double off = loss_of(&p[0]), on = loss_of(&p[1]);
    if (!(fabs(off - on) <= 1e-10 * fabs(off)))
        fail_msg("%s: the loss is %.15g without rewrites and %.15g with them", text, off, on);
    assert_int_equal(p[0].n_params, p[1].n_params);
    for (int32_t k = 0; k < p[0].n_params; k++) {
        const double *a = op_reals(&p[0].m, p[0].grad[k]), *b = op_reals(&p[1].m, p[1].grad[k]);
        double most = 0, error = 0;
        for (int64_t i = 0; i < fpc_count(fpc_shape_of(p[0].g, p[0].param[k])); i++) {
            most = fmax(most, fabs(a[i]));
            error = fmax(error, fabs(a[i] - b[i]));
        }
        if (!(error <= 1e-8 * most + 1e-14))
            fail_msg("%s: the gradient of %s differs by %.3g with the rewrites (largest magnitude %.3g)", text,
                     p[0].g->value[p[0].param[k].id].name, error, most);
    }
    fpc_arena_reset(all->scratch);
}

/* How far the gradients are from the exact ones, relative to their length. */
static double gradients_off(const problem *p, const problem *exact)
{
    double size = 0, off = 0;
    for (int32_t k = 0; k < exact->n_params; k++) {
        const double *want = op_reals(&exact->m, exact->grad[k]);
        const float *got = p->m.value[p->grad[k].id].data;
        for (int64_t i = 0; i < fpc_count(fpc_shape_of(exact->g, exact->param[k])); i++) {
            size += want[i] * want[i];
            off += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        }
    }
    return sqrt(off / size);
}

static double float_model(const op_backend *b, const problem *exact, int32_t n, int32_t h, int32_t w)
{
    problem p = {.b = b};
    build_model(&p, exact->what, n, h, w, 1);
    assert_int_equal(p.n_params, exact->n_params);
    fill_from(&p, exact);
    must(op_machine_run(&p.m), p.what);
    const double off = gradients_off(&p, exact);
    op_machine_free(&p.m);
    return off;
}

static void check_in_float(const char *text, int32_t n, int32_t h, int32_t w)
{
    problem exact = {0};
    build_model(&exact, text, n, h, w, 1);
    for (int32_t v = 0; v < exact.g->n_values; v++) /* all start from numbers that float holds */
        for (int64_t i = 0; i < fpc_count(exact.g->value[v].shape) && exact.g->value[v].dtype == FPC_F64; i++)
            ((double *)exact.m.value[v].data)[i] = (double)(float)((double *)exact.m.value[v].data)[i];
    must(op_machine_run(&exact.m), text);
    const double floor = FLT_EPSILON * (4 + sqrt((double)n * h * w) / 2) * sqrt((double)exact.g->n_nodes);
    const double allowed = 2 * float_model(&all->single, &exact, n, h, w) + floor;
    for (int32_t b = 0; b < all->n_others; b++) {
        const double off = float_model(&all->other[b], &exact, n, h, w);
        if (!(off <= allowed))
            fail_msg("%s: the gradients of %s are off by %.3g of their length; allowed are %.3g", text,
                     all->other[b].name, off, allowed);
    }
    fpc_arena_reset(all->scratch);
}

static void in_float(void **state)
{
    (void)state;
    check_in_float(tiny, 2, 64, 64);
    check_in_float(unet, 1, 32, 32);
    check_in_float(transposed, 2, 32, 32);
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        check_in_float(variants[i], 2, 64, 64);
    check_in_float(segformer, 4, 64, 64);
}

static void microsegformer(void **state)
{
    (void)state;
    check_model(tiny, 2, 64, 64, 1e-7);
}

static void unet_gradients(void **state)
{
    (void)state;
    check_model(unet, 1, 32, 32, 1e-7);
    check_model(transposed, 2, 32, 32, 1e-7);
}

static void variants_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        check_model(variants[i], 2, 64, 64, 1e-7);
    check_model(simple_unet, 2, 32, 32, 1e-7);
}

static void bisenetv2_gradients(void **state)
{
    (void)state;
    check_model(bisenetv2, 5, 64, 48, 1e-9); /* most ReLUs, behind norms over five numbers: many kinks nearby */
    ;
}

static void segformer_gradients(void **state)
{
    (void)state;
    check_model(segformer, 4, 64, 64, 1e-7);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest test[256];
    size_t n = 0;
    all = op_backends_open(NULL);
    for (int32_t i = 0; i < fpc_n_builtin_ops && n < 250; i++)
        if (fpc_builtin_ops[i].grad && (argc < 2 || !strcmp(argv[1], fpc_builtin_ops[i].name)))
            test[n++] = (struct CMUnitTest){fpc_builtin_ops[i].name, every_op, NULL, NULL, (void *)&fpc_builtin_ops[i]};
    if (argc < 2 || !strcmp(argv[1], "joined"))
        test[n++] = (struct CMUnitTest){"joined", joined, NULL, NULL, NULL};
    if (argc < 2) {
        test[n++] = (struct CMUnitTest){"microsegformer", microsegformer, NULL, NULL, NULL};
        test[n++] = (struct CMUnitTest){"unet", unet_gradients, NULL, NULL, NULL};
        test[n++] = (struct CMUnitTest){"ablations", variants_gradients, NULL, NULL, NULL};
        test[n++] = (struct CMUnitTest){"bisenetv2", bisenetv2_gradients, NULL, NULL, NULL};
        test[n++] = (struct CMUnitTest){"segformer_b0", segformer_gradients, NULL, NULL, NULL};
    }
    if (argc < 2 || !strcmp(argv[1], "models"))
        test[n++] = (struct CMUnitTest){"models in float", in_float, NULL, NULL, NULL};
    const int failed = _cmocka_run_group_tests("grad", test, n, NULL, NULL);
    op_backends_close(all);
    return failed;
}
