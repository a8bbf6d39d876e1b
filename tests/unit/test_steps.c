/* test_steps.c: optimizer steps, evaluation and prediction against their definitions: micro-batches, averages,
 * clipping, divergence, repeatability. A tiny network on drawn faces; on the reference and on the fast backend. */
#include "tiny.h"

static const char *const backends[] = {"backend.use=ref\nbackend.real=double", "backend.use=cpu\nbackend.threads=2"};
enum { N_BACKENDS = 2, K = 19 };

#define PLAIN_SGD "[optimizer]\nuse = sgd\nlr = 0.1\nmomentum = 0\nnesterov = off\nweight_decay = 0\n"
/* Labels 3 and 4 count nowhere, so that micro-batches differ in what they have to say. */
#define WEIGHTS "loss.ce.class_weights=1,2,0.5,0,0,3,1,1,1,1,4,1,1,1,1,1,0.25,1,1\nloss.ce.label_smoothing=0.1"

static fpc_step_result step_ok(bench *b, int32_t n, fpc_batch *const *batch, int64_t step, double lr)
{
    const fpc_batch *list[8];
    fpc_step_result r;

    for (int32_t i = 0; i < n; i++)
        list[i] = batch[i];
    if (fpc_train_step(b->s, n, list, step, lr, &r))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return r;
}

static const char *join(char *to, size_t size, const char *a, const char *c)
{
    snprintf(to, size, "%s%s%s", a, *c ? "\n" : "", c);
    return to;
}

/* A batch of all 12 training pictures, in which a block of each picture is unlabelled, of another size in each. */
static fpc_batch *holey_batch(bench *b)
{
    fpc_batch *all;
    take_batches(b, FPC_TRAIN, 1, &all);
    assert_int_equal(all->n, 12);
    for (int32_t i = 0; i < all->n; i++)
        memset(all->mask + i * 32 * 32, 255, (size_t)(i * 80));
    return all;
}

/* ---- micro-batches ---- */

/* Loss, terms, norm of the gradient and the parameters after the step, cut 5+4+3 and 1+0 labelled+11, as one batch. */
static void micro_batches_add_up(void **state)
{
    (void)state;
    static const int32_t cuts[][4] = {{5, 4, 3, 0}, {1, 10, 1, 0}, {6, 6, 0, 0}};
    for (int k = 0; k < N_BACKENDS; k++)
        for (size_t cut = 0; cut < sizeof cuts / sizeof *cuts; cut++) {
            bench one, many;
            char sets[400];
            int64_t n, m;
            join(sets, sizeof sets, backends[k], WEIGHTS "\ndataset.batch=12\nrun.clip_norm=0");
            bench_experiment(&one, TINY PLAIN_SGD "[loss.focal]\nuse = focal\n", sets, OPEN_ALL);
            join(sets, sizeof sets, backends[k], WEIGHTS "\ndataset.batch=12\nrun.clip_norm=0\nrun.accumulate=3");
            bench_experiment(&many, TINY PLAIN_SGD "[loss.focal]\nuse = focal\n", sets, OPEN_ALL);
            one.s->ignore = many.s->ignore = 255;
            fpc_batch *all = holey_batch(&one), parts[4], *list[4];
            memset(all->mask, 255, 32 * 32); /* the first picture has no label at all */
            int32_t n_parts = 0, at = 0;
            for (; n_parts < 4 && cuts[cut][n_parts]; at += cuts[cut][n_parts++]) {
                parts[n_parts] = part_batch(&many, all, at, cuts[cut][n_parts]);
                list[n_parts] = &parts[n_parts];
            }
            assert_int_equal(at, 12);
            const fpc_step_result a = step_ok(&one, 1, &all, 1, 0.1), c = step_ok(&many, n_parts, list, 1, 0.1);
            const double bound = k ? 2e-5 : 1e-12;
            assert_true(fabs(a.loss - c.loss) < bound * fabs(a.loss));
            for (int t = 0; t < 3; t++)
                if (fabs(a.term[t] - c.term[t]) > bound * fabs(a.term[t]))
                    fail_msg("term %d: %.12g in one, %.12g in parts", t, a.term[t], c.term[t]);
            assert_true(a.loss > 0.1 && fabs(a.grad_norm - c.grad_norm) < bound * 10 * a.grad_norm);
            assert_int_equal(c.images, 12);
            assert_memory_equal(a.tp_fp_fn, c.tp_fp_fn, 12 * K * 3 * sizeof *a.tp_fp_fn);
            const float *p = state_numbers(&one, FPC_STATE_PARAM, &n), *q = state_numbers(&many, FPC_STATE_PARAM, &m);
            assert_int_equal(n, m);
            assert_true(worst_of(p, q, n) < (k ? 1e-5 : 1e-7)); /* copies of parameters are floats */
            bench_free(&one);
            bench_free(&many);
        }
}

static const float *warps_of(const bench *b, const fpc_batch *batch)
{
    return fpc_draws_find(fpc_data_augments(b->s->data), &batch->draws, "draw.warp");
}

/* Normalisers count the labels that the turned pictures show, not those that were read. */
static void micro_batches_count_labels_after_geometry(void **state)
{
    (void)state;
    static const char *const recipe = TINY PLAIN_SGD "[augment.turn]\nuse = rotate\ndegrees = 90\np = 0.5\n";
    bench one, many;
    char sets[400];
    join(sets, sizeof sets, backends[0], WEIGHTS "\ndataset.batch=12");
    bench_experiment(&one, recipe, sets, OPEN_ALL);
    join(sets, sizeof sets, backends[0], WEIGHTS "\ndataset.batch=12\nrun.accumulate=2");
    bench_experiment(&many, recipe, sets, OPEN_ALL);
    fpc_batch *all, *same;
    take_batches(&one, FPC_TRAIN, 1, &all);
    take_batches(&many, FPC_TRAIN, 1, &same);
    assert_memory_equal(warps_of(&one, all), warps_of(&many, same), 12 * 8 * sizeof(float));
    fpc_batch half[2] = {part_batch(&many, same, 0, 5), part_batch(&many, same, 5, 7)}, *list[2] = {&half[0], &half[1]};
    const fpc_step_result a = step_ok(&one, 1, &all, 1, 0.1), c = step_ok(&many, 2, list, 1, 0.1);
    assert_true(fabs(a.term[0] - c.term[0]) < 1e-12 * a.term[0]);
    assert_true(fabs(a.loss - c.loss) < 1e-12 * a.loss);
    assert_true(fabs(a.grad_norm - c.grad_norm) < 1e-11 * a.grad_norm);
    bench_free(&one);
    bench_free(&many);
}

/* Normalisers differ, so plain averaging of micro-batches would be seen by the test above. */
static void plain_averaging_would_differ(void **state)
{
    (void)state;
    bench b;
    char sets[400];
    fpc_step_result r[3];
    join(sets, sizeof sets, backends[0], WEIGHTS "\ndataset.batch=12");
    bench_experiment(&b, TINY PLAIN_SGD, sets, OPEN_ALL);
    b.s->ignore = 255;
    fpc_batch *all = holey_batch(&b), half[2] = {part_batch(&b, all, 0, 6), part_batch(&b, all, 6, 6)};
    assert_int_equal(fpc_eval_step(b.s, all, &r[0]), FPC_OK);
    assert_int_equal(fpc_eval_step(b.s, &half[0], &r[1]), FPC_OK);
    assert_int_equal(fpc_eval_step(b.s, &half[1], &r[2]), FPC_OK);
    assert_true(fabs(r[0].term[0] - (r[1].term[0] + r[2].term[0]) / 2) > 1e-4 * r[0].term[0]);
    bench_free(&b);
}

/* ---- what an update does ---- */

/* SGD without anything: p - lr * g; clipped: p - lr * g * max_norm / norm. */
static void clipping_scales_the_update(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        float *before = NULL, *after[3], *grad = NULL;
        double norm[3] = {0};
        int64_t n = 0;
        bench b[3];
        for (int i = 0; i < 3; i++) {
            char sets[300], clip[64];
            fpc_batch *batch;
            snprintf(clip, sizeof clip, "run.clip_norm=%.17g", i == 0 ? 0 : i == 1 ? norm[0] / 4 : norm[0] * 4);
            bench_experiment(&b[i], TINY PLAIN_SGD, join(sets, sizeof sets, backends[k], clip), OPEN_ALL);
            before = state_numbers(&b[i], FPC_STATE_PARAM, &n);
            take_batches(&b[i], FPC_TRAIN, 1, &batch);
            norm[i] = step_ok(&b[i], 1, &batch, 1, 0.1).grad_norm;
            after[i] = state_numbers(&b[i], FPC_STATE_PARAM, &n);
            grad = state_numbers(&b[i], FPC_STATE_GRAD, &n);
        }
        double square = 0;
        for (int64_t i = 0; i < n; i++)
            square += (double)grad[i] * (double)grad[i];
        assert_true(fabs(sqrt(square) - norm[0]) < 1e-5 * norm[0]);
        assert_true(norm[1] == norm[0] && norm[2] == norm[0]); /* the norm before clipping */
        assert_memory_equal(after[0], after[2], (size_t)n * sizeof(float));
        for (int64_t i = 0; i < n; i++) {
            const double p = (double)before[i], full = p - 0.1 * (double)grad[i], cut = p - 0.1 * (double)grad[i] / 4;
            assert_true(fabs((double)after[0][i] - full) < 1e-6 * (fabs(p) + 0.1 * fabs((double)grad[i])) + 1e-12);
            assert_true(fabs((double)after[1][i] - cut) < 1e-6 * (fabs(p) + 0.1 * fabs((double)grad[i])) + 1e-12);
        }
        for (int i = 0; i < 3; i++)
            bench_free(&b[i]);
    }
}

/* average := d average + (1 - d) parameters after the step, with d = min(decay, (1 + t) / (10 + t)) in step t. */
static void average_follows_its_formula(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        char sets[300];
        int64_t n;
        fpc_batch *batch[3];
        bench_experiment(&b, TINY, join(sets, sizeof sets, backends[k], "run.ema=0.22\noptimizer.lr=0.02"), OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 3, batch);
        float *want = state_numbers(&b, FPC_STATE_PARAM, &n), *start = state_numbers(&b, FPC_STATE_AVERAGE, &n);
        assert_memory_equal(want, start, (size_t)n * sizeof *want);
        const double decay[] = {2.0 / 11, 0.22, 0.22};
        for (int64_t t = 1; t <= 3; t++) {
            step_ok(&b, 1, &batch[t - 1], t, 0.02);
            const float *p = state_numbers(&b, FPC_STATE_PARAM, &n), *got = state_numbers(&b, FPC_STATE_AVERAGE, &n);
            for (int64_t i = 0; i < n; i++)
                want[i] = (float)(decay[t - 1] * (double)want[i] + (1 - decay[t - 1]) * (double)p[i]);
            assert_true(worst_of(want, got, n) < 1e-6);
            assert_true(worst_of(p, got, n) > 1e-4);
        }
        /* evaluation with the averages, and back */
        const float *p = state_numbers(&b, FPC_STATE_PARAM, &n), *a = state_numbers(&b, FPC_STATE_AVERAGE, &n);
        assert_int_equal(fpc_state_exchange_average(b.s->state), FPC_OK);
        assert_memory_equal(state_numbers(&b, FPC_STATE_PARAM, &n), a, (size_t)n * sizeof *a);
        assert_int_equal(fpc_state_exchange_average(b.s->state), FPC_OK);
        assert_memory_equal(state_numbers(&b, FPC_STATE_PARAM, &n), p, (size_t)n * sizeof *p);
        bench_free(&b);
    }
}

/* Gradients that a probe left are applied as they are, also where the recipe accumulates. */
static void update_after_a_probe(void **state)
{
    (void)state;
    for (int accumulate = 0; accumulate < 2; accumulate++) {
        bench b;
        int64_t n;
        double norm;
        fpc_program *p;
        bench_experiment(&b, TINY PLAIN_SGD, accumulate ? "backend.use=ref\nrun.accumulate=4" : "backend.use=ref",
                         FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
        const fpc_probe_args args = {.n = 1, .h = 32, .w = 32, .training = 1, .backward = 1, .loss = 1};
        assert_int_equal(fpc_experiment_probe(b.s, &args, &p), FPC_OK); /* a black picture, all background */
        assert_int_equal(fpc_program_run(p), FPC_OK);
        const float *before = state_numbers(&b, FPC_STATE_PARAM, &n), *grad = state_numbers(&b, FPC_STATE_GRAD, &n);
        assert_int_equal(fpc_experiment_update(b.s, 1, 0.5, &norm), FPC_OK);
        const float *after = state_numbers(&b, FPC_STATE_PARAM, &n);
        assert_true(norm > 1e-3);
        for (int64_t i = 0; i < n; i++)
            assert_true(fabsf(after[i] - (before[i] - 0.5f * grad[i])) <= 1e-6f * (fabsf(before[i]) + fabsf(grad[i])));
        bench_free(&b);
    }
}

/* ---- divergence ---- */

static void poison(bench *b, const char *name, float value)
{
    const fpc_state_entry *e = fpc_state_find(b->s->state, name);
    assert_non_null(e);
    float *x = fpc_alloc(b->arena, (size_t)e->count * sizeof *x);
    assert_int_equal(fpc_state_get(b->s->state, e, x), FPC_OK);
    x[e->count / 2] = value;
    assert_int_equal(fpc_state_set(b->s->state, e, x), FPC_OK);
}

static void divergence_is_named_and_harmless(void **state)
{
    (void)state;
    const struct {
        const char *param, *node;
        float value;
    } cases[] = {{"block2.0.mlp.fc1.bias", "comes out of block2.0.mlp.fc1 (linear)", INFINITY},
                 {"block1.0.norm1.weight", "comes out of block1.0.norm1 (layer_norm)", NAN},
                 {"patch_embed1.proj.bias", "comes out of patch_embed1.proj (conv2d)", -INFINITY}};
    for (int k = 0; k < N_BACKENDS; k++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            for (int accumulate = 1; accumulate <= 2; accumulate++) {
                bench b;
                char sets[300];
                int64_t n;
                fpc_step_result r;
                fpc_batch *batch[2];
                bench_experiment(
                    &b, TINY,
                    join(sets, sizeof sets, backends[k], accumulate == 2 ? "run.accumulate=2\nrun.ema=0.5" : ""),
                    OPEN_ALL);
                take_batches(&b, FPC_TRAIN, 2, batch);
                poison(&b, cases[i].param, cases[i].value);
                const float *before = state_numbers(&b, FPC_STATE_PARAM, &n);
                const fpc_batch *list[2] = {batch[0], batch[1]};
                assert_int_equal(fpc_train_step(b.s, accumulate, list, 41, 0.1, &r), FPC_ENAN);
                const char *said = fpc_ctx_error(b.ctx);
                if (!strstr(said, "step 41: the loss is") || !strstr(said, cases[i].node))
                    fail_msg("%s", said);
                assert_memory_equal(before, state_numbers(&b, FPC_STATE_PARAM, &n), (size_t)n * sizeof *before);
                bench_free(&b);
            }
}

static void scale(bench *b, const char *name, float factor)
{
    const fpc_state_entry *e = fpc_state_find(b->s->state, name);
    assert_non_null(e);
    float *x = fpc_alloc(b->arena, (size_t)e->count * sizeof *x);
    assert_int_equal(fpc_state_get(b->s->state, e, x), FPC_OK);
    for (int64_t i = 0; i < e->count; i++)
        x[i] *= factor;
    assert_int_equal(fpc_state_set(b->s->state, e, x), FPC_OK);
}

/* A finite loss with a gradient that is not (two linear maps in a row, one huge, one tiny): the norm is looked at
 * before the parameters are touched, and the message names a node of the backward pass. */
static void gradient_overflow(void **state)
{
    (void)state;
    static const char *const floats[] = {"backend.use=ref\nloss.ce.weight=1e6", "backend.use=cpu\nloss.ce.weight=1e6"};
    for (int k = 0; k < 2; k++) {
        bench b;
        int64_t n;
        fpc_step_result r;
        fpc_batch *batch;
        bench_experiment(&b, TINY, floats[k], OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 1, &batch);
        scale(&b, "decoder.conv_seg.weight", 1e36f);
        scale(&b, "decoder.linear_fuse.2.weight", 1e-36f);
        scale(&b, "decoder.linear_fuse.2.bias", 1e-36f);
        const float *before = state_numbers(&b, FPC_STATE_PARAM, &n);
        const fpc_batch *list[1] = {batch};
        assert_int_equal(fpc_train_step(b.s, 1, list, 7, 0.1, &r), FPC_ENAN);
        assert_true(isfinite(r.loss));
        const char *said = fpc_ctx_error(b.ctx);
        if (!strstr(said, "step 7: the norm of the gradient is ") || !strstr(said, "comes out of backward of decoder."))
            fail_msg("%s", said);
        assert_memory_equal(before, state_numbers(&b, FPC_STATE_PARAM, &n), (size_t)n * sizeof *before);
        bench_free(&b);
    }
}

/* ---- evaluation and prediction ---- */

/* Counts of each picture do not depend on the cut; the terms add up by their normalisers. */
static void evaluation_does_not_depend_on_the_cut(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        char sets[300];
        fpc_batch *all;
        fpc_step_result whole, part;
        int32_t counts[6 * K * 3];
        bench_experiment(&b, TINY_DATA TINY_MODEL "lmsa = on\ndropout = 0.3\n" TINY_LOSS,
                         join(sets, sizeof sets, backends[k], "dataset.batch=6"), OPEN_ALL);
        take_batches(&b, FPC_VAL, 1, &all);
        assert_int_equal(all->n, 6);
        assert_int_equal(fpc_eval_step(b.s, all, &whole), FPC_OK);
        memcpy(counts, whole.tp_fp_fn, sizeof counts);
        double ce = 0, dice = 0;
        for (int32_t at = 0, size[] = {1, 3, 2}, i = 0; i < 3; at += size[i++]) {
            const fpc_batch piece = part_batch(&b, all, at, size[i]);
            assert_int_equal(fpc_eval_step(b.s, &piece, &part), FPC_OK);
            assert_int_equal(part.images, size[i]);
            assert_memory_equal(part.tp_fp_fn, counts + at * K * 3, (size_t)(size[i] * K * 3) * sizeof *counts);
            ce += part.term[0] * size[i] / 6;
            dice += part.term[1] * size[i] / 6;
        }
        assert_true(fabs(ce - whole.term[0]) < 1e-5 * ce && fabs(dice - whole.term[1]) < 1e-5 * dice);
        assert_true(fabs(whole.loss - whole.term[0] - 1.5 * whole.term[1]) < 1e-5 * whole.loss);
        int64_t sum = 0; /* every pixel is a hit or a miss, once */
        for (int32_t i = 0; i < 6 * K; i++)
            sum += counts[i * 3] + counts[i * 3 + 2];
        assert_int_equal(sum, 6 * 32 * 32);
        bench_free(&b);
    }
}

static void prediction_is_the_largest_logit(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        fpc_batch *batch;
        fpc_program *p;
        uint8_t labels[4 * 32 * 32];
        static float x[4 * 32 * 32 * 3];
        static double z[4 * 32 * 32 * K];
        bench_experiment(&b, TINY_DATA TINY_MODEL "lmsa = on\n" TINY_LOSS, backends[k], OPEN_ALL);
        take_batches(&b, FPC_VAL, 1, &batch);
        for (int64_t i = 1; i <= 12; i++) /* until there is more than one class to be seen */
            step_ok(&b, 1, &batch, i, 0.02);
        assert_int_equal(fpc_predict_step(b.s, 4, 32, 32, batch->image, labels), FPC_OK);
        const fpc_probe_args args = {.n = 4, .h = 32, .w = 32, .logits = 1};
        assert_int_equal(fpc_experiment_probe(b.s, &args, &p), FPC_OK);
        for (int32_t i = 0; i < 4 * 32 * 32 * 3; i++)
            x[i] = (float)batch->image[i] / 255;
        assert_int_equal(fpc_program_write(p, "image", FPC_F32, x, 4 * 32 * 32 * 3), FPC_OK);
        assert_int_equal(fpc_program_run(p), FPC_OK);
        assert_int_equal(fpc_program_read(p, "logits", FPC_F64, z, 4 * 32 * 32 * K), FPC_OK);
        int32_t seen[K] = {0}, kinds = 0;
        for (int32_t i = 0; i < 4 * 32 * 32; i++) {
            double most = -INFINITY;
            for (int32_t c = 0; c < K; c++)
                most = fmax(most, z[i * K + c]);
            assert_true(labels[i] < K && most - z[i * K + labels[i]] <= 1e-6 * fabs(most)); /* equal but for rounding */
            kinds += !seen[labels[i]]++;
        }
        assert_true(kinds > 1);
        bench_free(&b);
    }
}

/* ---- repeatability ---- */

#define LIVELY                                                                                                         \
    TINY_DATA TINY_MODEL "lmsa = on\ndropout = 0.2\n" TINY_LOSS "[run]\nclip_norm = 1\nema = 0.9\n"                    \
                         "[augment.flip]\nuse = hflip\n[augment.turn]\nuse = rotate\np = 1\n[augment.colour]\nuse = "  \
                         "color_jitter\np = 1\n"                                                                       \
                         "brightness = 0.8, 1.2\n[augment.noise]\nuse = gaussian_noise\np = 1\n"

/* Losses and every byte of the state after three steps and an evaluation. */
static char *trace(const char *sets, size_t *size)
{
    bench b;
    fpc_step_result r;
    bench_experiment(&b, LIVELY, sets, OPEN_ALL);
    const fpc_state *status = b.s->state;
    size_t bytes = 8 * sizeof(double), at = 0;
    for (int32_t i = 0; i < status->n; i++)
        bytes += (size_t)status->entry[i].count * 8;
    char *out = calloc(1, bytes);
    assert_non_null(out);
    assert_int_equal(fpc_data_start(b.s->data, FPC_TRAIN, 3, 0), FPC_OK);
    for (int64_t step = 1; step <= 3; step++) {
        const fpc_batch *batch;
        assert_int_equal(fpc_data_next(b.s->data, &batch), FPC_OK);
        assert_non_null(batch);
        if (fpc_train_step(b.s, 1, &batch, step, 0.01, &r))
            fail_msg("%s", fpc_ctx_error(b.ctx));
        memcpy(out + at, (double[]){r.loss, r.grad_norm}, 2 * sizeof(double));
        at += 2 * sizeof(double);
        if (step == 3) {
            assert_int_equal(fpc_eval_step(b.s, batch, &r), FPC_OK);
            memcpy(out + at, &r.loss, sizeof r.loss);
            at += sizeof r.loss;
        }
    }
    for (int32_t i = 0; i < status->n; i++) {
        assert_int_equal(fpc_state_get(status, &status->entry[i], out + at), FPC_OK);
        at += (size_t)status->entry[i].count * (status->entry[i].dtype == FPC_I64 ? 8 : 4);
    }
    bench_free(&b);
    *size = at;
    return out;
}

static void threads_and_readers_change_no_bit(void **state)
{
    (void)state;
    size_t n, m;
    char *one = trace("backend.use=cpu\nbackend.threads=1", &n);
    const char *const others[] = {"backend.use=cpu\nbackend.threads=1", "backend.use=cpu\nbackend.threads=2",
                                  "backend.use=cpu\nbackend.threads=7\ndataset.readers=3"};
    for (int i = 0; i < 3; i++) {
        char *other = trace(others[i], &m);
        assert_int_equal(n, m);
        assert_memory_equal(one, other, n);
        free(other);
    }
    char *seed = trace("backend.use=cpu\nbackend.threads=1\nrun.seed=5", &m);
    assert_true(n == m && memcmp(one, seed, n) != 0);
    free(seed);
    free(one);
}

/* The same step from the same state, twice in one process: nothing is left over from the first. */
static void a_step_leaves_nothing_behind(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        char sets[300];
        int64_t n;
        fpc_batch *batch[2], odd;
        float *after[2];
        double loss[2];
        bench_experiment(&b, TINY_DATA TINY_MODEL "lmsa = on\ndropout = 0.3\n" TINY_LOSS PLAIN_SGD,
                         join(sets, sizeof sets, backends[k], ""), OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 2, batch);
        odd = part_batch(&b, batch[1], 0, 3);
        for (int i = 0; i < 2; i++) {
            fpc_batch *other = &odd;
            fpc_step_result r;
            assert_int_equal(fpc_state_init(b.s->state, 11), FPC_OK);
            loss[i] = step_ok(&b, 1, &batch[0], 5, 0.1).loss;
            after[i] = state_numbers(&b, FPC_STATE_PARAM, &n);
            step_ok(&b, 1, &other, 6, 0.1); /* other programs use the same memory */
            assert_int_equal(fpc_eval_step(b.s, batch[1], &r), FPC_OK);
        }
        assert_true(loss[0] == loss[1]);
        assert_memory_equal(after[0], after[1], (size_t)n * sizeof(float));
        assert_int_equal(fpc_state_init(b.s->state, 11), FPC_OK);
        assert_true(step_ok(&b, 1, &batch[0], 6, 0.1).loss != loss[0]); /* another step, another dropout */
        bench_free(&b);
    }
}

/* ---- labels ---- */

static void labels_are_checked(void **state)
{
    (void)state;
    for (int k = 0; k < N_BACKENDS; k++) {
        bench b;
        int64_t n;
        fpc_step_result r;
        fpc_batch *batch;
        bench_experiment(&b, TINY, backends[k], OPEN_ALL);
        take_batches(&b, FPC_TRAIN, 1, &batch);
        batch->mask[2 * 32 * 32 + 5 * 32 + 7] = 19;
        const float *before = state_numbers(&b, FPC_STATE_PARAM, &n);
        const fpc_batch *list[1] = {batch};
        const fpc_status status = fpc_train_step(b.s, 1, list, 1, 0.1, &r);
        const char *said = fpc_ctx_error(b.ctx);
        if (status != FPC_EFORMAT ||
            !strstr(said, "image 2 of the batch has label 19 at x 7, y 5; there are 19 classes"))
            fail_msg("%d: %s", status, said);
        assert_memory_equal(before, state_numbers(&b, FPC_STATE_PARAM, &n), (size_t)n * sizeof *before);
        fpc_ctx_clear(b.ctx);
        batch->mask = NULL; /* a part without labels */
        assert_int_equal(fpc_train_step(b.s, 1, list, 1, 0.1, &r), FPC_EINVAL);
        assert_non_null(strstr(fpc_ctx_error(b.ctx), "no labels"));
        assert_int_equal(fpc_eval_step(b.s, batch, &r), FPC_EINVAL);
        bench_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro_batches_add_up),
        cmocka_unit_test(micro_batches_count_labels_after_geometry),
        cmocka_unit_test(plain_averaging_would_differ),
        cmocka_unit_test(clipping_scales_the_update),
        cmocka_unit_test(average_follows_its_formula),
        cmocka_unit_test(update_after_a_probe),
        cmocka_unit_test(divergence_is_named_and_harmless),
        cmocka_unit_test(gradient_overflow),
        cmocka_unit_test(evaluation_does_not_depend_on_the_cut),
        cmocka_unit_test(prediction_is_the_largest_logit),
        cmocka_unit_test(threads_and_readers_change_no_bit),
        cmocka_unit_test(a_step_leaves_nothing_behind),
        cmocka_unit_test(labels_are_checked),
    };
    return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
