/* agree.c: every kernel of every backend against ref in double, over the list of cases.c, with the rows cut up in
 * several ways. A kernel passes when its largest error is at most twice that of the float reference plus a floor. The
 * floor is what rounding alone explains: 4 eps M for row-wise results, M the largest magnitude of the tensor. For sums
 * over n rows (where the reference adds in double) eps (4 + sqrt(n)/2) (M + S): the rounding errors of a running float
 * sum of n terms walk randomly to about eps M sqrt(n)/6, and where the terms cancel their size counts, not that of the
 * sum: S is how far the exact result moves when each input moves by a random relative amount, for each unit of it.
 * Whole numbers (labels, counts) must be equal, except where the exact result itself changes when the inputs move by a
 * few units in the last place.
 * agree [BACKEND [OP]]: only kernels whose backend's name begins with BACKEND. */
#include "backends.h"
#include <float.h>
#include <math.h>

static const op_split splits[] = {{1, 0}, {2, 0}, {3, 7}, {5, 1}};
enum { N_SPLITS = sizeof splits / sizeof splits[0], MAX_KERNELS = 1024, JITTERS = 8 };

static op_backends *all;
static const char *only_backend = "";
static const fpc_kernel *tried[MAX_KERNELS];
static int n_tried;

static double magnitude(const double *v, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++)
        m = fmax(m, fabs(v[i]));
    return m;
}

typedef struct worst {
    double error;
    int64_t at;
} worst;

static worst worst_of(const double *v, const double *truth, int64_t n)
{
    worst w = {-1, 0};
    for (int64_t i = 0; i < n; i++) {
        const double e = v[i] == truth[i] ? 0 : fabs(v[i] - truth[i]);
        if (!(e <= w.error))
            w = (worst){isnan(e) ? INFINITY : e, i};
        if (w.error == INFINITY)
            break;
    }
    return w;
}

/* What a case is compared with. */
typedef struct expected {
    op_tensors t;
    op_result truth, single;
    op_result moved[JITTERS]; /* exact results of inputs that are off by OP_JITTER; not for row-wise real outputs */
} expected;

static int is_sum(const op_tensors *t, int32_t o)
{
    const char *access = t->def->out;
    const size_t n = strlen(access);
    return access[(size_t)o < n ? (size_t)o : n - 1] != 'r';
}

static double floor_of(const expected *e, int32_t o, double m, uint32_t real)
{
    double s = 0;
    if (real == FPC_F64) /* the truth itself in other splits: it only has to find every row once */
        return 1e-12 * m;
    if (!is_sum(&e->t, o))
        return 4 * FLT_EPSILON * m;
    for (int j = 0; j < JITTERS; j++)
        s = fmax(s,
                 worst_of(e->moved[j].value[o], e->truth.value[o], fpc_count(e->truth.out[o].shape)).error / OP_JITTER);
    return FLT_EPSILON * (4 + sqrt((double)fpc_rows_of(e->t.in[0].shape)) / 2) * (m + s);
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

static void check_output(const expected *e, const op_result *r, int32_t o, uint32_t real, const char *what)
{
    const fpc_shape s = r->out[o].shape;
    const int64_t n = fpc_count(s);
    const double *truth = e->truth.value[o];
    if (e->truth.out[o].dtype != FPC_F64) {
        check_whole(e, r, o, what);
        return;
    }
    const double m = magnitude(truth, n),
                 allowed = real == FPC_F64 ? 0 : 2 * worst_of(e->single.value[o], truth, n).error;
    const double bound = allowed + floor_of(e, o, m, real);
    const worst w = worst_of(r->value[o], truth, n);
    if (!(w.error <= bound)) {
        const int64_t row = w.at / s.c, x = row % s.w, y = row / s.w % s.h;
        fail_msg("%s, output %d (%d,%d,%d,%d) at (%lld,%lld,%lld,%lld): %.9g instead of %.9g; error %.3g, allowed %.3g "
                 "(largest magnitude %.3g)",
                 what, o, s.n, s.h, s.w, s.c, (long long)(row / s.w / s.h), (long long)y, (long long)x,
                 (long long)(w.at % s.c), r->value[o][w.at], truth[w.at], w.error, bound, m);
    }
}

static void run(const op_tensors *t, const op_backend *b, const fpc_kernel *k, op_split split, op_result *r)
{
    if (op_run(all->b.ctx, all->scratch, t, b, k, split, r))
        fail_msg("%s: %s", op_label(all->scratch, t->c), op_error(all));
}

static fpc_node node_of(op_tensors *t)
{
    return (fpc_node){.size = sizeof(fpc_node),
                      .op = t->def->name,
                      .name = t->c->note,
                      .n_in = t->n_in,
                      .n_out = t->n_out,
                      .in = t->in,
                      .out = t->out,
                      .attr = &t->c->attr};
}

static void remember(const fpc_kernel *k)
{
    for (int i = 0; i < n_tried; i++)
        if (tried[i] == k)
            return;
    assert_true(n_tried < MAX_KERNELS);
    tried[n_tried++] = k;
}

/* Every kernel of the backend that takes the case, in every split. */
static void check_backend(const op_backend *b, expected *e)
{
    const fpc_node node = node_of(&e->t);
    for (const fpc_kernel *k = b->kernel; k->op; k++) {
        if (strcmp(k->op, node.op) || !(k->dtypes & FPC_DTYPE_BIT(b->real)) || (k->match && !k->match(&node)))
            continue;
        remember(k);
        for (int s = 0; s < N_SPLITS; s++) {
            op_result r;
            const char *what = fpc_sprintf(all->scratch, "%s (%s), %s, %d parts, tiles of %lld", k->name, b->name,
                                           op_label(all->scratch, e->t.c), splits[s].parts, (long long)splits[s].tile);
            run(&e->t, b, k, splits[s], &r);
            for (int32_t o = 0; o < r.n; o++)
                check_output(e, &r, o, b->real, what);
        }
    }
}

static void check_case(const op_case *c)
{
    expected e;
    int moved = 0;
    if (op_make(all->b.ctx, all->scratch, c, &all->exact, &e.t))
        fail_msg("%s: %s", op_label(all->scratch, c), op_error(all));
    const fpc_node node = node_of(&e.t);
    run(&e.t, &all->exact, op_kernel_of(&all->exact, &node), splits[0], &e.truth);
    run(&e.t, &all->single, op_kernel_of(&all->single, &node), splits[0], &e.single);
    for (int32_t o = 0; o < e.t.n_out; o++)
        moved |= e.truth.out[o].dtype != FPC_F64 || is_sum(&e.t, o);
    for (uint32_t j = 0; j < JITTERS && moved; j++) {
        op_tensors t;
        assert_int_equal(op_jitter(all->scratch, &e.t, j, &t), FPC_OK);
        run(&t, &all->exact, op_kernel_of(&all->exact, &node), splits[0], &e.moved[j]);
    }
    const op_backend *list[OP_MAX_BACKENDS + 2] = {&all->exact, &all->single};
    for (int32_t i = 0; i < all->n_others; i++)
        list[2 + i] = &all->other[i];
    for (int32_t i = 0; i < 2 + all->n_others; i++)
        if (!strncmp(list[i]->name, only_backend, strlen(only_backend)))
            check_backend(list[i], &e);
}

static void test_op(void **state)
{
    const char *op = *state;
    int cases = 0;
    for (int i = 0; i < op_n_cases; i++)
        if (!strcmp(op_cases[i].op, op)) {
            check_case(&op_cases[i]);
            fpc_arena_reset(all->scratch);
            cases++;
        }
    assert_true(cases > 0); /* an op without a case would be an op without a test */
}

/* Each kernel has at least one case that it takes. */
static void test_every_kernel_was_tried(void **state)
{
    (void)state;
    for (int32_t i = 0; i < all->n_others; i++)
        for (const fpc_kernel *k = all->other[i].kernel; k->op; k++) {
            int found = 0;
            for (int t = 0; t < n_tried; t++)
                found |= tried[t] == k;
            if (!found && op_def_of(k->op))
                fail_msg("no case of cases.c reaches the kernel %s (%s)", k->name, all->other[i].name);
        }
}

int main(int argc, char **argv)
{
    static struct CMUnitTest test[256];
    size_t n = 0;
    const char *only_op = argc > 2 ? argv[2] : NULL;
    only_backend = argc > 1 ? argv[1] : "";
    all = op_backends_open();
    for (int32_t i = 0; i < fpc_n_builtin_ops && n < 255; i++)
        if (!only_op || !strcmp(only_op, fpc_builtin_ops[i].name))
            test[n++] =
                (struct CMUnitTest){fpc_builtin_ops[i].name, test_op, NULL, NULL, (void *)fpc_builtin_ops[i].name};
    if (argc < 2)
        test[n++] = (struct CMUnitTest){"every kernel was tried", test_every_kernel_was_tried, NULL, NULL, NULL};
    const int failed = _cmocka_run_group_tests("agree", test, n, NULL, NULL);
    op_backends_close(all);
    return failed;
}
