/* test_tune.c: choosing what is done behind a network, on scores whose best change is known; what is kept of scores
 * gives the labels that all of them would; and that without anything to find nothing is found. */
#include "tiny.h"
#include "cmd/tune/tune.h"
#include "experiment/tta.h"
#include <fpcore/draw.h>

enum { H = 24, W = 20, CLASSES = 5, PIXELS = H * W };

/* Truth: five bands, at another place in each picture. Scores: noise, and the truth's lies higher. Both are of blocks
 * of 2 x 2 pixels, so that there is no speck that one would take away. */
static void make_scores(uint32_t seed, int picture, const float *shift, float *score, uint8_t *mask)
{
    const fpc_rng rng = {{seed, 7}, fpc_hash("test"), 0, (uint32_t)picture};

    for (int i = 0; i < PIXELS; i++) {
        const int x = i % W / 2, y = i / W / 2;
        mask[i] = (uint8_t)((x + picture) / 2 % CLASSES);
        for (int c = 0; c < CLASSES; c++)
            score[i * CLASSES + c] = (float)(fpc_draw_normal(rng, (uint32_t)((y * W + x) * CLASSES + c))) +
                                     (mask[i] == c ? 1.8f : 0) + (shift ? shift[c] : 0);
    }
}

static fpc_tune_set new_set(bench *b)
{
    return (fpc_tune_set){.ctx = b->ctx, .arena = b->arena, .h = H, .w = W, .classes = CLASSES, .ignore = 255};
}

static fpc_tune_set make_set(bench *b, uint32_t seed, int n, const float *shift)
{
    fpc_tune_set s = new_set(b);
    static float score[PIXELS * CLASSES];
    static uint8_t mask[PIXELS];

    for (int i = 0; i < n; i++) {
        make_scores(seed, i, shift, score, mask);
        has_to_succeed(b, fpc_tune_add(&s, score, mask), "add");
    }
    return s;
}

/* F of all pictures; their mean. */
static double mean_f(bench *b, const fpc_tune_set *s, const fpc_post *p, double *f)
{
    uint8_t labels[PIXELS];

    for (int i = 0; i < s->n; i++) {
        assert_int_equal(fpc_tune_labels(s, b->arena, &s->picture[i], p, labels), FPC_OK);
        f[i] = fpc_tune_f(s, &s->picture[i], labels);
    }
    return fpc_stats_mean(s->n, f);
}

static void kept_scores_give_the_labels_of_all(void **state)
{
    bench *b = *state;
    static float score[PIXELS * CLASSES];
    uint8_t mask[PIXELS], got[PIXELS];

    for (int round = 0; round < 20; round++) {
        const fpc_rng rng = {{3, 1}, fpc_hash("bias"), 0, (uint32_t)round};
        fpc_tune_set s = new_set(b);
        fpc_post p = {.classes = CLASSES, .biased = 1};
        make_scores(9, round, NULL, score, mask);
        has_to_succeed(b, fpc_tune_add(&s, score, mask), "add");
        for (int c = 0; c < CLASSES; c++)
            p.bias[c] = (float)fpc_draw_between(rng, (uint32_t)c, -FPC_TUNE_BIAS, FPC_TUNE_BIAS);
        assert_int_equal(fpc_tune_labels(&s, b->arena, s.picture, &p, got), FPC_OK);
        for (int i = 0; i < PIXELS; i++) {
            int best = 0;
            for (int c = 1; c < CLASSES; c++)
                best = score[i * CLASSES + c] + p.bias[c] > score[i * CLASSES + best] + p.bias[best] ? c : best;
            assert_int_equal(got[i], best);
        }
    }
}

/* The search keeps counts; here every F is counted anew. No step of one class gains more than its standard error. */
static void no_step_is_better(void **state)
{
    enum { N = 8 };
    static const float shift[CLASSES] = {0, -0.4f, 0, 0.7f, 0};
    bench *b = *state;
    const fpc_tune_set s = make_set(b, 2, N, shift);
    fpc_post p = {.classes = CLASSES};
    int32_t all[N];
    double f[N], more[N];

    for (int i = 0; i < N; i++)
        all[i] = i;
    assert_int_equal(fpc_tune_biases(&s, b->arena, N, all, &p), FPC_OK);
    assert_true(mean_f(b, &s, &p, f) > mean_f(b, &s, &(fpc_post){.classes = CLASSES}, more) + 0.01);
    for (int c = 0; c < CLASSES; c++)
        for (float step = -0.5f; step < 0.6f; step += 0.25f) {
            fpc_post other = p;
            other.bias[c] += step;
            other.biased = 1;
            mean_f(b, &s, &other, more);
            for (int i = 0; i < N; i++)
                more[i] -= f[i];
            const double gain = fpc_stats_mean(N, more), se = fpc_stats_sd(N, more) / sqrt(N);
            assert_true(step == 0 ? gain == 0 : gain <= 2.5e-5 || gain <= se + 1e-9);
        }
}

static double against_others(const fpc_post *p, int c)
{
    double others = 0;

    for (int k = 0; k < CLASSES; k++)
        others += k == c ? 0 : p->bias[k];
    return p->bias[c] - others / (CLASSES - 1);
}

static void a_shifted_class_is_found(void **state)
{
    static const float shift[CLASSES] = {0, 0, -1.2f, 0, 0};
    bench *b = *state;
    const fpc_tune_set s = make_set(b, 5, 40, shift);
    fpc_tune_result r, again, other;
    double f[40];

    has_to_succeed(b, fpc_tune_choose(&s, 5, 1, NULL, &r), "choose");
    assert_true(r.any && r.shown && r.part[FPC_TUNE_BIASES].kept);
    assert_true(fabs(against_others(&r.post, 2) - 1.2) < 0.3);
    for (int c = 0; c < CLASSES; c++)
        assert_true(c == 2 || r.post.bias[2] > r.post.bias[c] + 0.7f);
    assert_true(r.held > r.without + 0.01 && r.with >= r.held);
    assert_true(fabs(r.with - mean_f(b, &s, &r.post, f)) < 1e-12);
    assert_true(fabs(r.gained.value - (r.held - r.without)) < 1e-12);
    has_to_succeed(b, fpc_tune_choose(&s, 5, 1, NULL, &again), "again");
    assert_memory_equal(&again.post, &r.post, sizeof r.post);
    assert_true(again.held == r.held && again.gained.lo == r.gained.lo);
    has_to_succeed(b, fpc_tune_choose(&s, 5, 2, NULL, &other), "with other folds");
    assert_true(other.held != r.held && other.shown);
}

/* What is found on some pictures by chance is not there on others: on the average nothing is gained. */
static void without_a_bias_nothing_is_found(void **state)
{
    bench *b = *state;
    double held[8];
    int shown = 0;

    for (uint32_t i = 0; i < 8; i++) {
        const fpc_tune_set s = make_set(b, 20 + i, 20, NULL);
        fpc_tune_result r;
        has_to_succeed(b, fpc_tune_choose(&s, 4, 1, NULL, &r), "choose");
        shown += r.shown;
        held[i] = r.held - r.without;
        assert_true(r.with >= r.without - 1e-12);
        assert_true(r.any || r.with == r.without);
    }
    assert_int_equal(shown, 0);
    assert_true(fabs(fpc_stats_mean(8, held)) < 0.002);
}

/* A network without noise, but for what a part is there for. */
static void add_clean(bench *b, fpc_tune_set *s, const uint8_t *says, const uint8_t *mask)
{
    static float score[PIXELS * CLASSES];

    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < CLASSES; c++)
            score[i * CLASSES + c] = says[i] == c ? 10 : 0;
    has_to_succeed(b, fpc_tune_add(s, score, mask), "add");
}

static void specks_and_sides_are_found(void **state)
{
    static const uint8_t pairs[1][2] = {{3, 4}};
    bench *b = *state;
    fpc_tune_set s = new_set(b);
    fpc_tune_result r;

    s.n_pairs = 1;
    s.pairs = pairs;
    for (int i = 0; i < 20; i++) {
        uint8_t mask[PIXELS] = {0}, says[PIXELS];
        for (int k = 0; k < PIXELS; k++) {
            const int x = k % W, y = k / W;
            mask[k] = (uint8_t)(y >= 4 && y < 8 && x >= 2 && x < 7     ? 4
                                : y >= 4 && y < 8 && x >= 12 && x < 17 ? 3
                                                                       : y > 16);
            says[k] = mask[k];
            if (mask[k] > 2 && x % 5 == i % 3) /* the network takes some of it for the other side */
                says[k] = (uint8_t)(7 - mask[k]);
        }
        says[(10 + i % 3) * W + 3 + i % 9] = 1; /* a speck */
        add_clean(b, &s, says, mask);
    }
    has_to_succeed(b, fpc_tune_choose(&s, 4, 1, NULL, &r), "choose");
    assert_true(r.shown && !r.part[FPC_TUNE_BIASES].kept);
    assert_true(r.part[FPC_TUNE_SIDES].kept && r.post.n_sides == 1);
    assert_int_equal(r.post.side[0][0], 4); /* lies to the left */
    assert_int_equal(r.post.side[0][1], 3);
    assert_true(r.part[FPC_TUNE_BLOBS].kept && r.post.smallest[1] > 1.0 / PIXELS && r.post.smallest[3] == 0);
    assert_true(fabs(r.with - 1) < 1e-6 && fabs(r.held - 1) < 1e-6);
}

static void too_few_pictures_are_refused(void **state)
{
    bench *b = *state;
    fpc_tune_set s = make_set(b, 1, 3, NULL);
    fpc_tune_result r;
    static const uint8_t nothing[PIXELS] = {0};
    uint8_t ignored[PIXELS];
    static float score[PIXELS * CLASSES];

    memset(ignored, 255, sizeof ignored);
    has_to_fail(b, fpc_tune_choose(&s, 2, 1, NULL, &r), "three pictures",
                "3 pictures with labels: 2 folds want 4 or more, two in each");
    has_to_succeed(b, fpc_tune_add(&s, score, ignored), "one without a pixel that counts");
    assert_true(s.n == 3 && s.unlabelled == 1);
    has_to_succeed(b, fpc_tune_add(&s, score, nothing), "another one");
    has_to_succeed(b, fpc_tune_choose(&s, 2, 1, NULL, &r), "four pictures");
}

/* What is measured while numbers are tried is what predictions with these numbers get. */
static void labels_are_those_of_predictions(void **state)
{
    bench own, *b = &own;
    fpc_batch *batch;
    fpc_tta_run *run;
    fpc_tta how;
    float *score;
    uint8_t want[1024], got[1024];
    const uint8_t rgb[64 * 64 * 3] = {1, 2, 3};
    const fpc_image picture = {64, 64, 3, (uint8_t *)(uintptr_t)rgb};
    static uint8_t native[64 * 64];

    (void)state;
    bench_experiment(b, TINY, "", OPEN_ALL);
    take_batches(b, FPC_VAL, 1, &batch);
    has_to_succeed(b, fpc_tta_read(b->ctx, "tune", NULL, 0, 0, &how), "how");
    has_to_succeed(b, fpc_tta_open(b->s, b->arena, &how, 32, 32, &run), "open");
    fpc_tune_set s = {.ctx = b->ctx, .arena = b->arena, .h = 32, .w = 32, .classes = b->s->classes, .ignore = -1};
    for (int i = 0; i < 4; i++) {
        has_to_succeed(b, fpc_tta_scores(run, b->arena, batch->image + i * 3072, &score), "scores");
        has_to_succeed(b, fpc_tune_add(&s, score, batch->mask + i * 1024), "add");
    }
    for (int kind = 0; kind < 4; kind++) {
        fpc_post p = {.classes = s.classes, .biased = kind & 1, .holes = kind & 2 ? 0.01 : 0};
        for (int c = 0; c < s.classes; c++) {
            p.bias[c] = (float)(kind & 1 ? c % 3 * 0.35 - 0.3 : 0);
            p.smallest[c] = kind & 2 ? 0.004 * (c % 3) : 0;
        }
        fpc_tta_post(run, &p);
        for (int i = 0; i < 4; i++) {
            has_to_succeed(b, fpc_tta_predict(run, b->arena, batch->image + i * 3072, want), "predict");
            has_to_succeed(b, fpc_tune_labels(&s, b->arena, &s.picture[i], &p, got), "labels");
            assert_memory_equal(got, want, sizeof got);
        }
        const fpc_image same = {32, 32, 3, batch->image};
        has_to_succeed(b, fpc_tta_mask(run, b->arena, &same, want), "mask");
        has_to_succeed(b, fpc_tune_labels(&s, b->arena, &s.picture[0], &p, got), "labels");
        assert_memory_equal(got, want, sizeof got);
        has_to_succeed(b, fpc_tta_mask(run, b->arena, &picture, native), "a larger picture");
    }
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(kept_scores_give_the_labels_of_all),
                                       CASE(no_step_is_better),
                                       CASE(a_shifted_class_is_found),
                                       CASE(without_a_bias_nothing_is_found),
                                       CASE(specks_and_sides_are_found),
                                       CASE(too_few_pictures_are_refused),
                                       cmocka_unit_test(labels_are_those_of_predictions)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
