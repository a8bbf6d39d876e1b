/* agree.c: every kernel of every backend against ref in double, over the list of cases.c, with the rows cut up in
 * several ways. A kernel passes when its largest error is at most twice that of the float reference plus a floor. The
 * floor is what rounding alone explains: 4 eps M for row-wise results, M the largest magnitude of the tensor. For sums
 * over n rows (where the reference adds in double) eps (4 + sqrt(n)/2) (M + S): the rounding errors of a running float
 * sum of n terms walk randomly to about eps M sqrt(n)/6, and where the terms cancel their size counts, not that of the
 * sum: S is how far the exact result moves when each input moves by a random relative amount, for each unit of it.
 * Whole numbers (labels, counts) must be equal, except where the exact result itself changes when the inputs move by a
 * few units in the last place.
 *
 * Ops that work in half precision (ops.def) are tried in float, bf16 and fp16. Ref then starts from inputs rounded to
 * that type, and each number of a half output may be off by twice what rounding the exact one can change, beside the
 * bound of float: sums are float, so nothing else is rounded. Two ops have a floor more, 2 u M with u the type's
 * rounding (2^-8, 2^-11): the probabilities of attention, and in its gradient the slopes of the scores, are factors of
 * a second product and are rounded for it; these errors are independent and add up over terms whose sum M is.
 *
 * Backends that round the factors of products (TF32 loses 2^-10 of a factor at most, towards zero or not): ops that
 * multiply matrices have as a floor more twice the way that the exact result moves when the inputs move at random by so
 * much, and 2^-10 M for what is lost always in one direction.
 * agree [BACKEND [OP]]: only kernels whose backend's name begins with BACKEND; one that is neither ref nor cpu is
 * opened (backends.h), for example cuda or cuda:tf32. Without arguments: cpu, at every level. */
#include "backends.h"
#include <float.h>
#include <math.h>

static const op_split splits[] = {{1, 0}, {2, 0}, {3, 7}, {5, 1}, {33, 2}};
static const uint32_t halves[] = {0, FPC_BF16, FPC_F16};
enum { N_SPLITS = sizeof splits / sizeof splits[0], MAX_KERNELS = 1024, JITTERS = 8 };

static op_backends *all;
static const char *only_backend = "";
static const fpc_kernel *tried[MAX_KERNELS];
static int n_tried;

static double magnitude(const double *v, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            m = fmax(m, fabs(v[i]));
    return m;
}

typedef struct worst {
    double error;
    int64_t at;
} worst;

/* The largest error beyond `relative` of the exact number. What must be NaN or infinite is right or wrong. */
static worst worst_beyond(const double *v, const double *truth, int64_t n, double relative)
{
    worst w = {-1, 0};
    for (int64_t i = 0; i < n; i++) {
        const int same = v[i] == truth[i] || (isnan(v[i]) && isnan(truth[i]));
        const double e = same ? 0 : fabs(v[i] - truth[i]) - relative * fabs(truth[i]);
        if (!(e <= w.error))
            w = (worst){isnan(e) ? INFINITY : e, i};
        if (w.error == INFINITY)
            break;
    }
    return w;
}

static worst worst_of(const double *v, const double *truth, int64_t n)
{
    return worst_beyond(v, truth, n, 0);
}

/* What a case is compared with. */
typedef struct expected {
    op_tensors t;
    op_result truth, single;
    op_result moved[JITTERS];  /* exact results of inputs that are off by OP_JITTER; not for row-wise real outputs */
    op_result coarse[JITTERS]; /* by `loss`; only of products where a backend rounds factors */
    double loss;
} expected;

static int is_sum(const op_tensors *t, int32_t o)
{
    const char *access = t->def->out;
    const size_t n = strlen(access);
    return access[(size_t)o < n ? (size_t)o : n - 1] != 'r';
}

static double way(const op_result *moved, const expected *e, int32_t o)
{
    double most = 0;
    for (int j = 0; j < JITTERS; j++)
        most = fmax(most, worst_of(moved[j].value[o], e->truth.value[o], fpc_count(e->truth.out[o].shape)).error);
    return most;
}

static double floor_of(const expected *e, int32_t o, double m, uint32_t real)
{
    if (real == FPC_F64) /* the truth itself in other splits: it only has to find every row once */
        return 1e-12 * m;
    if (!is_sum(&e->t, o))
        return 4 * FLT_EPSILON * m;
    return FLT_EPSILON * (4 + sqrt((double)fpc_rows_of(e->t.in[0].shape)) / 2) * (m + way(e->moved, e, o) / OP_JITTER);
}

static int multiplies(const fpc_op_def *def)
{
    return def->macs != NULL;
}

/* Half of the distance of neighbours, relative to a power of two; 0: not stored in half. */
static double rounding(const op_tensors *t, int32_t o)
{
    return !op_is_half(t, 1, o) ? 0 : t->half == FPC_BF16 ? 0x1p-8 : 0x1p-11;
}

/* Beside the rounding of each number: of factors in half precision or TF32, of fp16's smallest numbers. */
static double coarse_floor(const expected *e, const op_backend *b, int32_t o, double m)
{
    const double u = rounding(&e->t, o);
    double floor = e->t.half == FPC_F16 && u > 0 ? 0x1p-24 : 0;
    if (u > 0 && !strncmp(e->t.def->name, "attention", 9))
        floor += 2 * u * m;
    if (b->product_loss > 0 && !e->t.half && multiplies(e->t.def))
        floor += 2 * way(e->coarse, e, o) + b->product_loss * m;
    return floor;
}

/* Whether the exact whole number at i depends on the last places of the inputs. */
static int unclear(const expected *e, int32_t o, int64_t i)
{
    for (int j = 0; j < JITTERS; j++)
        if (e->moved[j].value[o][i] != e->truth.value[o][i])
            return 1;
    return 0;
}

static void check_whole(const expected *e, const op_result *r, int32_t o, const char *what)
{
    int64_t left_out = 0;
    const int64_t n = fpc_count(r->out[o].shape);
    for (int64_t i = 0; i < n; i++) {
        if (r->value[o][i] == e->truth.value[o][i])
            continue;
        if (!unclear(e, o, i))
            fail_msg("%s, output %d, element %lld: %.17g instead of %.17g", what, o, (long long)i, r->value[o][i],
                     e->truth.value[o][i]);
        left_out++;
    }
    if (left_out * 20 > n)
        fail_msg("%s, output %d: %lld of %lld elements differ, too many to be ties", what, o, (long long)left_out,
                 (long long)n);
}

static void check_output(const expected *e, const op_result *r, int32_t o, const op_backend *b, const char *what)
{
    const fpc_shape s = r->out[o].shape;
    const int64_t n = fpc_count(s);
    const double *truth = e->truth.value[o];
    if (e->truth.out[o].dtype != FPC_F64) {
        check_whole(e, r, o, what);
        return;
    }
    const double m = magnitude(truth, n),
                 allowed = b->real == FPC_F64 ? 0 : 2 * worst_of(e->single.value[o], truth, n).error;
    const double bound = allowed + floor_of(e, o, m, b->real) + coarse_floor(e, b, o, m), each = 2 * rounding(&e->t, o);
    const worst w = worst_beyond(r->value[o], truth, n, each);
    if (!(w.error <= bound)) {
        const int64_t row = w.at / s.c, x = row % s.w, y = row / s.w % s.h;
        fail_msg("%s, output %d (%d,%d,%d,%d) at (%lld,%lld,%lld,%lld): %.9g instead of %.9g; error %.3g, allowed %.3g "
                 "(largest magnitude %.3g)",
                 what, o, s.n, s.h, s.w, s.c, (long long)(row / s.w / s.h), (long long)y, (long long)x,
                 (long long)(w.at % s.c), r->value[o][w.at], truth[w.at], w.error + each * fabs(truth[w.at]),
                 bound + each * fabs(truth[w.at]), m);
    }
}

static void run(const op_tensors *t, const op_backend *b, const fpc_kernel *k, op_split split, op_result *r)
{
    if (op_run(all->b.ctx, all->scratch, t, b, k, split, r))
        fail_msg("%s: %s", op_label(all->scratch, t->c), op_error(all));
}

static void remember(const fpc_kernel *k)
{
    for (int i = 0; i < n_tried; i++)
        if (tried[i] == k)
            return;
    assert_true(n_tried < MAX_KERNELS);
    tried[n_tried++] = k;
}

/* Every kernel of the table that takes the case, in every split. */
static void check_table(const op_backend *b, const fpc_kernel *table, expected *e)
{
    const char *half = e->t.half == FPC_BF16 ? " in bf16" : e->t.half == FPC_F16 ? " in fp16" : "";
    for (const fpc_kernel *k = table; k->op; k++) {
        if (!op_takes(b, k, &e->t))
            continue;
        remember(k);
        for (int s = 0; s < (b->vtbl ? 1 : N_SPLITS); s++) {
            op_result r;
            const char *what =
                fpc_sprintf(all->scratch, "%s (%s)%s, %s, %d parts, tiles of %lld", k->name, b->name, half,
                            op_label(all->scratch, e->t.c), splits[s].parts, (long long)splits[s].tile);
            run(&e->t, b, k, splits[s], &r);
            for (int32_t o = 0; o < r.n; o++)
                check_output(e, &r, o, b, what);
        }
    }
}

/* The backends that were asked for and have kernels for the case, in this precision. */
static int32_t choose(const op_tensors *t, const op_backend **list)
{
    int32_t n = 0;
    for (int32_t i = 0; i < 2 + all->n_others; i++) {
        const op_backend *b = i == 0 ? &all->exact : i == 1 ? &all->single : &all->other[i - 2];
        if (!strncmp(b->name, only_backend, strlen(only_backend)) && op_kernel_of(b, t))
            list[n++] = b;
    }
    return n;
}

static void move_inputs(const expected *e, double most, op_result *moved)
{
    op_tensors exact = e->t;
    exact.half = 0;
    for (uint32_t j = 0; j < JITTERS; j++) {
        op_tensors t;
        assert_int_equal(op_jitter(all->scratch, &exact, j, most, &t), FPC_OK);
        run(&t, &all->exact, op_kernel_of(&all->exact, &t), splits[0], &moved[j]);
    }
}

/* add_layer_norm normalises the sum as it is stored (ops.h): in half precision the truth starts from the rounded sum.
 */
static void round_sum(op_tensors *t, uint32_t half)
{
    const double *a = t->in[0].data, *b = t->in[1].data;
    const int64_t n = fpc_count(t->in[0].shape);
    double *sum = fpc_alloc(all->scratch, (size_t)n * sizeof *sum),
           *zero = fpc_alloc(all->scratch, (size_t)n * sizeof *zero);
    assert_true(sum && zero);
    for (int64_t i = 0; i < n; i++)
        sum[i] = op_rounded(a[i] + b[i], half);
    t->in[0].data = sum;
    t->in[1].data = zero;
}

static void check_case(const op_case *c, uint32_t half)
{
    const op_backend *list[OP_MAX_BACKENDS + 2];
    expected e = {.loss = 0};
    int moved = 0;
    if (op_make_half(all->b.ctx, all->scratch, c, &all->exact, half, &e.t))
        fail_msg("%s: %s", op_label(all->scratch, c), op_error(all));
    const int32_t n = choose(&e.t, list);
    if (n == 0 && half) /* `support` says what a backend must have */
        return;
    op_tensors t = e.t;
    t.half = 0;
    if (half && !strcmp(c->op, "add_layer_norm"))
        round_sum(&t, half);
    run(&t, &all->exact, op_kernel_of(&all->exact, &t), splits[0], &e.truth);
    run(&t, &all->single, op_kernel_of(&all->single, &t), splits[0], &e.single);
    for (int32_t o = 0; o < t.n_out; o++)
        moved |= e.truth.out[o].dtype != FPC_F64 || is_sum(&t, o);
    if (moved)
        move_inputs(&e, OP_JITTER, e.moved);
    for (int32_t i = 0; i < n; i++)
        e.loss = fmax(e.loss, list[i]->product_loss);
    if (e.loss > 0 && !half && multiplies(t.def))
        move_inputs(&e, e.loss, e.coarse);
    for (int32_t i = 0; i < n; i++)
        for (const fpc_kernel *const *table = list[i]->tables; *table; table++)
            check_table(list[i], *table, &e);
}

static void every_op(void **state)
{
    const char *op = *state;
    int cases = 0;
    for (int i = 0; i < op_n_cases; i++)
        for (size_t h = 0; h < sizeof halves / sizeof *halves && !strcmp(op_cases[i].op, op); h++) {
            if (halves[h] && !op_def_of(op)->half)
                continue;
            check_case(&op_cases[i], halves[h]);
            fpc_arena_reset(all->scratch);
            cases++;
        }
    assert_true(cases > 0); /* an op without a case would be an op without a test */
}

static void was_tried(const op_backend *b, const fpc_kernel *table)
{
    for (const fpc_kernel *k = table; k->op; k++) {
        int found = 0;
        for (int t = 0; t < n_tried; t++)
            found |= tried[t] == k;
        if (!found && op_def_of(k->op))
            fail_msg("no case of cases.c reaches the kernel %s (%s)", k->name, b->name);
    }
}

/* Each kernel has at least one case that it takes. */
static void every_kernel_was_tried(void **state)
{
    (void)state;
    for (int32_t i = 0; i < all->n_others; i++)
        for (const fpc_kernel *const *table = all->other[i].tables; *table; table++)
            was_tried(&all->other[i], *table);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest test[256];
    size_t n = 0;
    const char *only_op = argc > 2 ? argv[2] : NULL;
    only_backend = argc > 1 ? argv[1] : "";
    const int ref = !strncmp(only_backend, "ref", 3), cpu = !strncmp(only_backend, "cpu", 3);
    const int known = ref || cpu || !*only_backend;
    all = op_backends_open(ref ? " " : cpu ? "cpu" : *only_backend ? only_backend : NULL);
    for (int32_t i = 0; i < fpc_n_builtin_ops && n < 255; i++)
        if (!only_op || !strcmp(only_op, fpc_builtin_ops[i].name))
            test[n++] =
                (struct CMUnitTest){fpc_builtin_ops[i].name, every_op, NULL, NULL, (void *)fpc_builtin_ops[i].name};
    if (argc < 2 || (!known && !only_op))
        test[n++] = (struct CMUnitTest){"every kernel was tried", every_kernel_was_tried, NULL, NULL, NULL};
    const int failed = _cmocka_run_group_tests("agree", test, n, NULL, NULL);
    op_backends_close(all);
    return failed;
}
