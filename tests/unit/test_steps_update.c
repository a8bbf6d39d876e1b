/* test_steps_update.c: sharpness-aware minimisation against two plain steps done by hand, the mean of weights, batch
 * norm's statistics made again, and what a step that fails leaves. (tests/golden compares sharpness-aware minimisation
 * with PyTorch.) */
#include "tiny.h"
#include "experiment/step.h"

static const char *const backends[] = {"backend.use=ref\nbackend.real=double", "backend.use=cpu\nbackend.threads=2"};
enum { N_BACKENDS = 2 };

#define PLAIN_SGD "[optimizer]\nuse = sgd\nlr = 0.1\nmomentum = 0\nnesterov = off\nweight_decay = 0\n"
#define DROPPING TINY_DATA TINY_MODEL "dropout = 0.3\nlmsa = on\n" TINY_LOSS

static const char *join(char *to, size_t size, const char *a, const char *c)
{
    snprintf(to, size, "%s%s%s", a, *c ? "\n" : "", c);
    return to;
}

static fpc_step_result step_ok(bench *b, int32_t n, fpc_batch *const *batch, int64_t step, double lr)
{
    const fpc_batch *list[4];
    fpc_step_result r;

    for (int32_t i = 0; i < n; i++)
        list[i] = batch[i];
    if (fpc_train_step(b->s, n, list, step, lr, &r))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return r;
}

/* All numbers of one kind, in double. */
static double *numbers(bench *b, uint32_t kind, int64_t *n)
{
    const fpc_state *st = b->s->state;
    int64_t count = 0, at = 0;

    for (int32_t i = 0; i < st->n; i++)
        count += st->entry[i].kind == kind && st->entry[i].dtype == FPC_F32 ? st->entry[i].count : 0;
    double *all = fpc_alloc(b->arena, (size_t)(count + 1) * sizeof *all);
    for (int32_t i = 0; i < st->n; i++)
        if (st->entry[i].kind == kind && st->entry[i].dtype == FPC_F32) {
            assert_int_equal(fpc_state_read(st, &st->entry[i], FPC_F64, all + at), FPC_OK);
            at += st->entry[i].count;
        }
    *n = count;
    return all;
}

static void put_params(bench *b, const double *all)
{
    fpc_state *st = b->s->state;

    for (int32_t i = 0; i < st->n; i++)
        if (st->entry[i].kind == FPC_STATE_PARAM) {
            assert_int_equal(fpc_state_write(st, &st->entry[i], FPC_F64, all), FPC_OK);
            all += st->entry[i].count;
        }
}

static double apart(const double *a, const double *b, int64_t n)
{
    double d = 0, m = 1e-300;

    for (int64_t i = 0; i < n; i++) {
        d = fmax(d, fabs(a[i] - b[i]));
        m = fmax(m, fabs(a[i]));
    }
    return d / m;
}

/* ---- sharpness-aware minimisation ---- */

/* By hand: a plain step of rate 1 shows the gradient g; the parameters are set to w + rho g/|g|; a second plain step
 * shows the gradient there; and w moves along that. */
static void sam_is_two_gradients(void **state)
{
    const double rho = 0.3, lr = 0.2;

    (void)state;
    for (int k = 0; k < N_BACKENDS; k++)
        for (int micro = 1; micro <= 2; micro++) {
            bench sam, plain;
            char sets[300];
            fpc_batch *batch[2], *same[2];
            int64_t n, m;
            double square = 0;
            const char *size = micro == 2 ? "run.accumulate=2" : "run.accumulate=1";
            bench_experiment(&plain, DROPPING PLAIN_SGD, join(sets, sizeof sets, backends[k], size), OPEN_ALL);
            snprintf(sets, sizeof sets, "%s\n%s\noptimizer.sam=%g", backends[k], size, rho);
            bench_experiment(&sam, DROPPING PLAIN_SGD, sets, OPEN_ALL);
            take_batches(&sam, FPC_TRAIN, 2, batch);
            take_batches(&plain, FPC_TRAIN, 2, same);
            double *w = numbers(&plain, FPC_STATE_PARAM, &n), *there = numbers(&plain, FPC_STATE_PARAM, &n);
            const fpc_step_result first = step_ok(&plain, micro, same, 5, 1);
            const double *down = numbers(&plain, FPC_STATE_PARAM, &n), *seen = numbers(&plain, FPC_STATE_BUFFER, &m);
            for (int64_t i = 0; i < n; i++)
                square += (w[i] - down[i]) * (w[i] - down[i]);
            assert_true(fabs(sqrt(square) - first.grad_norm) < (k ? 1e-3 : 1e-12) * first.grad_norm);
            for (int64_t i = 0; i < n; i++)
                there[i] = w[i] + rho * (w[i] - down[i]) / sqrt(square);
            put_params(&plain, there);
            const fpc_step_result second = step_ok(&plain, micro, same, 5, 1);
            const double *below = numbers(&plain, FPC_STATE_PARAM, &n);
            double *want = fpc_alloc(plain.arena, (size_t)n * sizeof *want);
            for (int64_t i = 0; i < n; i++)
                want[i] = w[i] - lr * (there[i] - below[i]);

            const fpc_step_result r = step_ok(&sam, micro, batch, 5, lr);
            const double bound = k ? 2e-4 : 1e-9;
            const double *got = numbers(&sam, FPC_STATE_PARAM, &m);
            assert_int_equal(n, m);
            assert_true(r.loss == first.loss && r.images == first.images); /* those at w */
            assert_true(fabs(r.grad_norm - second.grad_norm) < bound * second.grad_norm);
            if (apart(want, got, n) > bound)
                fail_msg("backend %d, %d batches: %g apart", k, micro, apart(want, got, n));
            assert_true(apart(want, w, n) > 1e-3); /* or else nothing moved */
            assert_true(fabs(first.grad_norm - second.grad_norm) > 1e-3 * first.grad_norm);
            const double *stats = numbers(&sam, FPC_STATE_BUFFER, &m); /* one look, at w */
            assert_memory_equal(stats, seen, (size_t)m * sizeof *stats);
            bench_free(&sam);
            bench_free(&plain);
        }
}

/* At rate 0 the weights come back to the bit. */
static void sam_restores_exactly(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        char sets[300];
        int64_t n;
        fpc_batch *batch;
        bench_experiment(&b, TINY PLAIN_SGD, join(sets, sizeof sets, backends[k], "optimizer.sam=10"), OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 1, &batch);
        const double *w = numbers(&b, FPC_STATE_PARAM, &n);
        step_ok(&b, 1, &batch, 1, 0);
        assert_memory_equal(w, numbers(&b, FPC_STATE_PARAM, &n), (size_t)n * sizeof *w);
        bench_free(&b);
    }
}

/* ---- steps that fail ---- */

/* By an input that overflows, and by weights uphill that do. */
static void a_failed_step_changes_nothing(void **state)
{
    static const char *const said[] = {"step 3: the loss is ",
                                       "step 3: the loss at the weights that optimizer.sam tries is "};

    (void)state;
    for (int i = 0; i < 2; i++) {
        bench b;
        int64_t n, m;
        fpc_step_result r;
        fpc_batch *batch;
        const fpc_batch *list[1];
        bench_experiment(&b, DROPPING PLAIN_SGD, "backend.use=cpu\noptimizer.sam=0.1", OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 1, &batch);
        list[0] = batch;
        if (i) {
            b.s->sam = 1e30; /* more than a recipe may say */
        } else {
            const fpc_state_entry *e = fpc_state_find(b.s->state, "decoder.conv_seg.weight");
            float *x = fpc_alloc(b.arena, (size_t)e->count * sizeof *x);
            for (int64_t j = 0; j < e->count; j++)
                x[j] = 3e38f;
            assert_int_equal(fpc_state_set(b.s->state, e, x), FPC_OK);
        }
        const double *w = numbers(&b, FPC_STATE_PARAM, &n), *stats = numbers(&b, FPC_STATE_BUFFER, &m);
        assert_int_equal(fpc_train_step(b.s, 1, list, 3, 0.1, &r), FPC_ENAN);
        if (!strstr(fpc_ctx_error(b.ctx), said[i]) || !strstr(fpc_ctx_error(b.ctx), "comes out of "))
            fail_msg("%s", fpc_ctx_error(b.ctx));
        assert_memory_equal(w, numbers(&b, FPC_STATE_PARAM, &n), (size_t)n * sizeof *w);
        assert_true(m > 0);
        assert_memory_equal(stats, numbers(&b, FPC_STATE_BUFFER, &m), (size_t)m * sizeof *stats);
        bench_free(&b);
    }
}

/* ---- means ---- */

static void mean_of_weights(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        char sets[300];
        int64_t n;
        fpc_batch *batch;
        bench_experiment(&b, TINY PLAIN_SGD, join(sets, sizeof sets, backends[k], "run.swa_start=1"), OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 1, &batch);
        double *sum = numbers(&b, FPC_STATE_SWA, &n);
        for (int64_t i = 0; i < n; i++)
            assert_true(sum[i] == 0);
        for (int64_t t = 0; t < 4; t++) {
            step_ok(&b, 1, &batch, t + 1, 0.5);
            assert_int_equal(fpc_experiment_swa(b.s, t), FPC_OK);
            const double *w = numbers(&b, FPC_STATE_PARAM, &n), *got = numbers(&b, FPC_STATE_SWA, &n);
            double *mean = fpc_alloc(b.arena, (size_t)n * sizeof *mean);
            for (int64_t i = 0; i < n; i++) {
                sum[i] += w[i];
                mean[i] = sum[i] / (double)(t + 1);
            }
            assert_true(apart(mean, got, n) < (k ? 1e-6 : 1e-12));
            assert_true(t == 0 || apart(w, got, n) > 1e-4);
        }
        const double *w = numbers(&b, FPC_STATE_PARAM, &n), *mean = numbers(&b, FPC_STATE_SWA, &n);
        assert_int_equal(fpc_state_exchange_swa(b.s->state), FPC_OK);
        assert_memory_equal(mean, numbers(&b, FPC_STATE_PARAM, &n), (size_t)n * sizeof *mean);
        assert_memory_equal(w, numbers(&b, FPC_STATE_SWA, &n), (size_t)n * sizeof *w);
        bench_free(&b);
    }
}

/* The statistics of a pass are the mean of those of its batches, whatever stood there before. */
static void statistics_made_again(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        int64_t n, batches;
        fpc_batch *batch[3];
        double *one[3];
        bench_experiment(&b, DROPPING PLAIN_SGD, backends[k], OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 3, batch);
        for (int i = 0; i < 3; i++) { /* step 1 of a pass of one batch replaces what was there */
            assert_int_equal(fpc_state_reset_buffers(b.s->state), FPC_OK);
            assert_int_equal(fpc_stats_step(b.s, batch[i], 7, 1), FPC_OK);
            one[i] = numbers(&b, FPC_STATE_BUFFER, &n);
        }
        assert_int_equal(fpc_state_reset_buffers(b.s->state), FPC_OK);
        for (int i = 0; i < 3; i++)
            assert_int_equal(fpc_stats_step(b.s, batch[i], 7, i + 1), FPC_OK);
        double *mean = fpc_alloc(b.arena, (size_t)n * sizeof *mean);
        for (int64_t i = 0; i < n; i++)
            mean[i] = (one[0][i] + one[1][i] + one[2][i]) / 3;
        assert_true(n > 0 && apart(one[0], one[1], n) > 1e-3);
        assert_true(apart(mean, numbers(&b, FPC_STATE_BUFFER, &n), n) < 1e-6);
        for (int32_t i = 0; i < b.s->state->n; i++)
            if (strstr(b.s->state->entry[i].name, "num_batches_tracked")) {
                assert_int_equal(fpc_state_get(b.s->state, &b.s->state->entry[i], &batches), FPC_OK);
                assert_int_equal(batches, 3);
            }
        bench_free(&b);
    }
}

/* A graph without batch norm has nothing to make again. */
static void no_statistics(void **state)
{
    bench b;
    fpc_batch *batch;

    (void)state;
    bench_experiment(&b, TINY PLAIN_SGD, "backend.use=cpu", OPEN_ALL);
    take_batches(&b, FPC_TRAIN, 1, &batch);
    for (int32_t i = 0; i < b.s->state->n; i++)
        assert_true(b.s->state->entry[i].kind != FPC_STATE_SWA && b.s->state->entry[i].kind != FPC_STATE_AVERAGE);
    assert_int_equal(fpc_stats_step(b.s, batch, 1, 1), FPC_OK);
    bench_free(&b);
}

/* ---- opened to evaluate ---- */

static void frozen(void **state)
{
    bench b, whole;
    fpc_step_result r, same;
    fpc_batch *batch;
    const fpc_batch *list[1];
    double loss;

    (void)state;
    bench_experiment(&b, TINY, "backend.use=cpu\nrun.ema=0.9\nrun.swa_start=1", OPEN_ALL | FPC_OPEN_FROZEN);
    bench_experiment(&whole, TINY, "backend.use=cpu", OPEN_ALL);
    assert_true(!b.s->state->grad && !b.s->state->average && !b.s->state->swa && b.s->state->n_slots == 0);
    assert_true(b.s->backend->allocated < whole.s->backend->allocated / 2);
    for (int32_t i = 0; i < b.s->state->n; i++)
        assert_true(b.s->state->entry[i].kind == FPC_STATE_PARAM || b.s->state->entry[i].kind == FPC_STATE_BUFFER);
    take_batches(&b, FPC_VAL, 1, &batch);
    const float *first = b.s->state->param;
    for (int64_t i = 0; i < b.s->state->n_params; i++) /* nothing was drawn: weights are loaded */
        assert_true(first[i] == 0);
    assert_int_equal(fpc_state_init(b.s->state, (uint64_t)b.s->run.seed), FPC_OK);
    assert_int_equal(fpc_eval_step(b.s, batch, &r), FPC_OK);
    loss = r.loss;
    assert_int_equal(fpc_eval_step(whole.s, batch, &same), FPC_OK);
    assert_true(loss == same.loss && loss > 0);
    list[0] = batch;
    assert_int_equal(fpc_train_step(b.s, 1, list, 1, 0.1, &r), FPC_EINTERNAL);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "opened to evaluate only"));
    bench_free(&whole);
    bench_free(&b);
}

/* ---- what an optimizer sees of the parameters ---- */

static fpc_flat seen;

static fpc_status remember(fpc_self *self, fpc_graph *g, const fpc_flat *f)
{
    (void)self;
    (void)g;
    seen = *f;
    return FPC_OK;
}

static void tensors_of_the_flat_buffer(void **state)
{
    static const fpc_optimizer_vtbl spy = {.size = sizeof spy, .build = remember};
    fpc_program *program;
    int64_t end = 0, all = 0, n;
    bench b;

    (void)state;
    bench_experiment(&b, TINY, "backend.use=cpu", OPEN_ALL);
    b.s->optimizer.vtbl = &spy;
    assert_int_equal(fpc_update_program(b.s, &program), FPC_OK);
    assert_int_equal(seen.n_tensors, b.s->state->n_params);
    const double *want = numbers(&b, FPC_STATE_PARAM, &n);
    const float *flat = b.s->state->param;
    for (int32_t i = 0; i < seen.n_tensors; i++) {
        const fpc_flat_tensor *t = seen.tensor[i];
        const fpc_state_entry *e = fpc_state_find(b.s->state, t->name);
        int64_t count = 1;
        assert_true(t->size == sizeof *t && t->group == 0 && t->offset >= end && t->offset % 16 == 0 && e);
        for (int32_t k = 0; k < t->rank; k++)
            count *= t->dims[k];
        assert_true(count == t->count && count == e->count && t->rank == e->rank);
        if (t->rank == 2)
            assert_true(t->dims[0] == e->dims[0] && t->dims[1] == e->dims[1]);
        if (t->rank < 4) /* in files convolutions lie in another order */
            for (int64_t k = 0; k < count; k++)
                assert_true((double)flat[t->offset + k] == want[all + k]);
        end = t->offset + count;
        all += count;
    }
    assert_true(all == b.s->state->n_trainable && all == n && end <= fpc_count(b.s->state->flat));
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_of_the_flat_buffer),
        cmocka_unit_test(sam_is_two_gradients),
        cmocka_unit_test(sam_restores_exactly),
        cmocka_unit_test(a_failed_step_changes_nothing),
        cmocka_unit_test(mean_of_weights),
        cmocka_unit_test(statistics_made_again),
        cmocka_unit_test(no_statistics),
        cmocka_unit_test(frozen),
    };
    return cmocka_run_group_tests_name("steps_update", tests, NULL, NULL);
}
