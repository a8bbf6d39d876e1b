/* test_scores.c: labels of a picture from the scores of a coarser or finer grid: the definition in double, written down
 * plainly; what ties give; that no score is taken for the label of another place; memory; the enlarged scores
 * themselves and their probabilities. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "pixels.h"

static double score_at(const float *score, int sh, int sw, int classes, double y, double x, int c)
{
    const int y0 = (int)y, x0 = (int)x, y1 = y0 + 1 < sh ? y0 + 1 : y0, x1 = x0 + 1 < sw ? x0 + 1 : x0;
    const double fy = y - y0, fx = x - x0;

    return (1 - fy) * ((1 - fx) * score[(y0 * sw + x0) * classes + c] + fx * score[(y0 * sw + x1) * classes + c]) +
           fy * ((1 - fx) * score[(y1 * sw + x0) * classes + c] + fx * score[(y1 * sw + x1) * classes + c]);
}

/* smooth 1: neighbours mostly agree, as those of a network do. */
static float *random_scores(int sh, int sw, int classes, int smooth)
{
    float *score = fpc_alloc(arena, (size_t)(sh * sw * classes) * sizeof *score);

    assert_non_null(score);
    for (int i = 0; i < sh * sw * classes; i++)
        score[i] = (float)(rand() % 20001 - 10000) / 10000;
    for (int i = 0; smooth && i < sh * sw; i++)
        score[i * classes + (i % sw / 5 + i / sw / 3) % classes] += 1.5f;
    return score;
}

static void by_definition(void **state)
{
    static const struct {
        int sh, sw, classes, h, w;
    } size[] = {{4, 4, 3, 16, 16}, {5, 7, 19, 23, 61},   {8, 8, 19, 8, 8},   {16, 12, 5, 7, 5},
                {1, 1, 4, 9, 3},   {3, 1, 2, 10, 1},     {1, 9, 6, 1, 40},   {6, 6, 256, 9, 50},
                {9, 4, 1, 12, 12}, {2, 3, 19, 200, 301}, {12, 12, 4, 11, 37}};

    (void)state;
    for (size_t s = 0; s < sizeof size / sizeof *size; s++)
        for (int smooth = 0; smooth < 2; smooth++) {
            const int sh = size[s].sh, sw = size[s].sw, k = size[s].classes, h = size[s].h, w = size[s].w;
            const float *score = random_scores(sh, sw, k, smooth);
            uint8_t *labels = fpc_alloc(arena, (size_t)(h * w));
            int clear = 0;

            memset(labels, 255, (size_t)(h * w));
            assert_int_equal(fpc_scores_labels(arena, score, sh, sw, k, h, w, labels), FPC_OK);
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    const int label = labels[y * w + x];
                    double best = -INFINITY, second = -INFINITY;
                    int want = 0;
                    for (int c = 0; c < k; c++) {
                        const double v = score_at(score, sh, sw, k, place(y, sh, h), place(x, sw, w), c);
                        if (v > best) {
                            second = best;
                            best = v;
                            want = c;
                        } else if (v > second) {
                            second = v;
                        }
                    }
                    if (best - second < 1e-5) /* float may see it the other way round */
                        continue;
                    clear++;
                    if (label != want)
                        fail_msg("%dx%dx%d to %dx%d: %d at x %d, y %d; it is %d", sh, sw, k, h, w, label, x, y, want);
                }
            assert_true(clear > h * w * 9 / 10);
            fpc_arena_reset(arena);
        }
}

static void rows_by_definition(void **state)
{
    static const struct {
        int sh, sw, classes, h, w;
    } size[] = {{4, 4, 3, 16, 16}, {5, 7, 19, 23, 61}, {8, 8, 19, 8, 8},
                {16, 12, 5, 7, 5}, {1, 1, 4, 9, 3},    {6, 6, 256, 9, 50}};

    (void)state;
    for (size_t s = 0; s < sizeof size / sizeof *size; s++) {
        const int sh = size[s].sh, sw = size[s].sw, k = size[s].classes, h = size[s].h, w = size[s].w;
        const float *score = random_scores(sh, sw, k, 1);
        uint8_t *labels = fpc_alloc(arena, (size_t)(h * w));
        float *resized = fpc_alloc(arena, (size_t)(h * w * k) * sizeof *resized);
        assert_int_equal(fpc_scores_labels(arena, score, sh, sw, k, h, w, labels), FPC_OK);
        kept_rows kept = keep_rows(h, w, k, labels);
        assert_int_equal(fpc_scores_rows(arena, score, sh, sw, k, h, w, labels, &(fpc_score_rows){keep_row, &kept}),
                         FPC_OK);
        assert_int_equal(kept.rows, h);
        for (int i = 0; i < h * w * k; i++)
            assert_true(fabs(kept.score[i] - score_at(score, sh, sw, k, place(i / k / w, sh, h),
                                                      place(i / k % w, sw, w), i % k)) < 1e-5);
        assert_int_equal(fpc_scores_resize(arena, score, sh, sw, k, h, w, resized), FPC_OK);
        assert_memory_equal(resized, kept.score, (size_t)(h * w * k) * sizeof *resized);
        fpc_arena_reset(arena);
    }
}

static void rows_end(void **state)
{
    const float score[4] = {1, 2, 3, 4};
    const uint8_t labels[5 * 3] = {0};
    kept_rows kept = keep_rows(5, 3, 1, labels);

    (void)state;
    kept.fails = FPC_ECANCEL;
    assert_int_equal(fpc_scores_rows(arena, score, 2, 2, 1, 5, 3, labels, &(fpc_score_rows){keep_row, &kept}),
                     FPC_ECANCEL);
    assert_int_equal(kept.rows, 3);
}

static void probabilities(void **state)
{
    enum { POINTS = 500, CLASSES = 19 };
    float *score = random_scores(1, POINTS, CLASSES, 0), *p = fpc_alloc(arena, sizeof(float) * POINTS * CLASSES);
    uint8_t labels[POINTS];

    (void)state;
    for (int i = 0; i < POINTS * CLASSES; i++)
        p[i] = score[i] *= 30;
    for (int i = 0; i < POINTS; i++)
        for (int c = labels[i] = 0; c < CLASSES; c++)
            labels[i] = score[i * CLASSES + c] > score[i * CLASSES + labels[i]] ? (uint8_t)c : labels[i];
    fpc_scores_probabilities(p, POINTS, CLASSES, 1, labels);
    for (int i = 0; i < POINTS; i++) {
        double sum = 0, all = 0;
        for (int c = 0; c < CLASSES; c++)
            sum += exp(score[i * CLASSES + c]);
        for (int c = 0; c < CLASSES; c++) {
            const double want = exp(score[i * CLASSES + c]) / sum;
            assert_true(fabs(p[i * CLASSES + c] - want) <= 1e-6 + 1e-5 * want);
            assert_true(p[i * CLASSES + c] <= p[i * CLASSES + labels[i]]);
            all += p[i * CLASSES + c];
        }
        assert_true(fabs(all - 1) < 1e-6);
    }
    /* Rounded in another order the label may lie a little below another class: then they tie. Means stay what they are.
     */
    float close[2][3] = {{5, 5.000001f, -5}, {0.5f, 0.25f, 0.25f}};
    const uint8_t first = 0;
    fpc_scores_probabilities(close[0], 1, 3, 1, &first);
    assert_true(close[0][0] == close[0][1] && close[0][2] > 0);
    fpc_scores_probabilities(close[1], 1, 3, 0, &first);
    assert_memory_equal(close[1], ((float[]){0.5f, 0.25f, 0.25f}), sizeof close[1]);
    fpc_arena_reset(arena);
}

/* The weights of two points on four pixels are 1, 3/4, 1/4, 0: where b passes a between them decides. */
static void weights(void **state)
{
    const float score[2][2] = {{0.6f, 0}, {0, 1}};
    uint8_t labels[4];

    (void)state;
    assert_int_equal(fpc_scores_labels(arena, score[0], 1, 2, 2, 1, 4, labels), FPC_OK);
    assert_memory_equal(labels, ((uint8_t[]){0, 0, 1, 1}), 4);
    const float tied[2][3] = {{1, 2, 2}, {2, 2, 1}}; /* of equals the lowest: at a point, and between two */
    assert_int_equal(fpc_scores_labels(arena, tied[0], 1, 2, 3, 1, 4, labels), FPC_OK);
    assert_memory_equal(labels, ((uint8_t[]){1, 1, 1, 0}), 4);
    const float broken[2][3] = {{NAN, -INFINITY, NAN}, {NAN, NAN, 3}}; /* weights that diverged: some label, no crash */
    assert_int_equal(fpc_scores_labels(arena, broken[0], 1, 2, 3, 1, 4, labels), FPC_OK);
    for (int i = 0; i < 4; i++)
        assert_true(labels[i] < 3);
}

/* A picture of the largest kind: 19 scores a pixel would be 5 GiB. */
static void large(void **state)
{
    enum { SIDE = 8192 };
    const float *score = random_scores(32, 32, 19, 1);
    uint8_t *labels = malloc((size_t)SIDE * SIDE);
    struct rusage usage;

    (void)state;
    assert_non_null(labels);
    assert_int_equal(fpc_scores_labels(arena, score, 32, 32, 19, SIDE, SIDE, labels), FPC_OK);
    getrusage(RUSAGE_SELF, &usage);
    assert_true(usage.ru_maxrss < 512 * 1024); /* KiB; also with the sanitizers' share */
    free(labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_definition),      cmocka_unit_test(weights),
                                       cmocka_unit_test(rows_by_definition), cmocka_unit_test(rows_end),
                                       cmocka_unit_test(probabilities),      cmocka_unit_test(large)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
