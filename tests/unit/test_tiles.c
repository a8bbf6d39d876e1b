/* test_tiles.c: pictures that are cut into windows: where these lie; the labels by the definition in double, written
 * down plainly; that scores which do not change from window to window give what they would give uncut; mirror images;
 * what is kept of a large picture, and what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "pixels.h"
#include "image/tiles.h"

/* ---- where windows lie ---- */

static void lie_evenly(void **state)
{
    (void)state;
    for (int side = 16; side < 33; side += 5)
        for (int overlap = 0; overlap < side; overlap++)
            for (int length = 1; length < 150; length += 1 + length % 3) {
                const fpc_tiles t = {side, overlap};
                const int n = fpc_tiles_along(t, length), step = side - overlap;
                assert_int_equal(fpc_tiles_start(t, length, 0), 0);
                if (length <= side) {
                    assert_int_equal(n, 1);
                    continue;
                }
                assert_int_equal(fpc_tiles_start(t, length, n - 1), length - side);
                assert_true((n - 2) * step < length - side); /* one fewer would not reach */
                for (int i = 1; i < n; i++) {
                    const int at = fpc_tiles_start(t, length, i), before = fpc_tiles_start(t, length, i - 1);
                    assert_true(at > before && at - before <= step);
                }
                for (int i = 0; i < n; i++) {
                    const int other = fpc_tiles_start(t, length, n - 1 - i);
                    assert_true(fpc_tiles_start(t, length, i) + other - (length - side) == 0 ||
                                (2 * i == n - 1 && (length - side) % 2));
                }
            }
    assert_int_equal(fpc_tiles_along((fpc_tiles){0, 0}, 16384), 1); /* not to be cut */
    assert_int_equal(fpc_tiles_start((fpc_tiles){0, 0}, 16384, 0), 0);
}

/* ---- by definition ---- */

/* Scores of windows: by their place, whatever the order in which they are asked for. */
typedef struct scores {
    int gh, gw, classes, mirrored, width; /* width: of the picture; mirrored 1: the scores of its mirror image */
    float (*at)(const struct scores *, const fpc_window *, int i, int j, int c);
    float *room;
    int asked;
    fpc_status fails; /* at the third window */
} scores;

static fpc_status give(void *arg, const fpc_window *window, const float **out)
{
    scores *s = arg;
    fpc_window at = *window;

    if (++s->asked == 3 && s->fails)
        return fpc_fail(ctx, s->fails, "no scores");
    at.x = s->mirrored ? s->width - at.x - at.w : at.x;
    for (int i = 0; i < s->gh; i++)
        for (int j = 0; j < s->gw; j++)
            for (int c = 0; c < s->classes; c++)
                s->room[(i * s->gw + j) * s->classes + c] = s->at(s, &at, i, s->mirrored ? s->gw - 1 - j : j, c);
    *out = s->room;
    return FPC_OK;
}

static fpc_status try_labels(scores *s, fpc_tiles t, int h, int w, uint8_t *labels, const fpc_score_rows *rows)
{
    const fpc_tiles_source from = {s->gh, s->gw, s->classes, give, s};

    s->room = fpc_alloc(arena, (size_t)(s->gh * s->gw * s->classes) * sizeof *s->room);
    s->width = w;
    s->asked = 0;
    assert_non_null(s->room);
    return fpc_tiles_labels(ctx, arena, t, &from, h, w, labels, rows);
}

static uint8_t *labels_of(scores *s, fpc_tiles t, int h, int w)
{
    uint8_t *labels = fpc_alloc(arena, (size_t)(h * w));

    assert_non_null(labels);
    memset(labels, 255, (size_t)(h * w));
    if (try_labels(s, t, h, w, labels, NULL))
        fail_msg("%s", fpc_ctx_error(ctx));
    assert_int_equal(s->asked, fpc_tiles_along(t, h) * fpc_tiles_along(t, w));
    return labels;
}

/* -1 .. 1, no two alike. */
static float any(const scores *s, const fpc_window *at, int i, int j, int c)
{
    uint32_t x = (uint32_t)(((at->y * 977 + at->x) * 131 + i) * 137 + j) * 263u + (uint32_t)c;

    (void)s;
    for (int k = 0; k < 3; k++)
        x = (x ^ x >> 15) * 2654435761u;
    return (float)(x % 20001) / 10000 - 1;
}

/* Mostly one class over some pixels, in all windows there: as networks see it. */
static float smooth(const scores *s, const fpc_window *at, int i, int j, int c)
{
    const int x = at->x + (2 * j + 1) * at->w / (2 * s->gw), y = at->y + (2 * i + 1) * at->h / (2 * s->gh);

    return any(s, at, i, j, c) + 1.5f * ((x / 23 + y / 17) % s->classes == c);
}

/* Nothing but what fpc_tiles_labels promises. value: mean score of a class at a pixel; a row of interpolate(mode =
 * 'bilinear', align_corners=False) within each window. */
static double inside(const scores *s, const fpc_window *at, int y, int x, int c)
{
    const double v = place(y - at->y, s->gh, at->h), u = place(x - at->x, s->gw, at->w);
    const int i = (int)v, j = (int)u, under = i + 1 < s->gh ? i + 1 : i, next = j + 1 < s->gw ? j + 1 : j;
    const double b = v - i, a = u - j;

    return (1 - b) * ((1 - a) * s->at(s, at, i, j, c) + a * s->at(s, at, i, next, c)) +
           b * ((1 - a) * s->at(s, at, under, j, c) + a * s->at(s, at, under, next, c));
}

static double triangle(int at, int start, int window)
{
    return fmin(at - start, start + window - 1 - at) + 0.5;
}

static double value(const scores *s, fpc_tiles t, int h, int w, int y, int x, int c)
{
    const int rows = fpc_tiles_along(t, h), columns = fpc_tiles_along(t, w);
    double sum = 0, all = 0;

    for (int r = 0; r < rows; r++)
        for (int k = 0; k < columns; k++) {
            const fpc_window at = {fpc_tiles_start(t, w, k), fpc_tiles_start(t, h, r), columns > 1 ? t.side : w,
                                   rows > 1 ? t.side : h};
            if (x < at.x || x >= at.x + at.w || y < at.y || y >= at.y + at.h)
                continue;
            const double weight = triangle(x, at.x, at.w) * triangle(y, at.y, at.h);
            sum += weight * inside(s, &at, y, x, c);
            all += weight;
        }
    return sum / all;
}

/* The label; -1 where two classes are so close that float may see them the other way round. */
static int label(const scores *s, fpc_tiles t, int h, int w, int y, int x)
{
    double best = -INFINITY, second = -INFINITY;
    int which = 0;

    for (int c = 0; c < s->classes; c++) {
        const double v = value(s, t, h, w, y, x, c);
        second = fmax(second, fmin(v, best));
        which = v > best ? c : which;
        best = fmax(v, best);
    }
    return best - second < 1e-5 ? -1 : which;
}

static const struct {
    int gh, gw, classes, side, overlap, h, w;
} size[] = {
    {8, 8, 5, 32, 8, 100, 120},                              /* as usual */
    {8, 8, 5, 32, 8, 104, 128},                              /* without a rest */
    {5, 11, 4, 20, 0, 50, 61},                               /* beside each other; another shape than the window */
    {8, 8, 3, 32, 16, 80, 90},   {6, 6, 3, 24, 20, 40, 50},  /* many windows over a pixel */
    {4, 4, 3, 16, 15, 21, 23},   {32, 24, 4, 16, 4, 40, 50}, /* a finer grid than pixels */
    {16, 16, 19, 16, 4, 40, 50},                             /* the windows' own pixels */
    {8, 8, 5, 32, 8, 20, 120},   {8, 8, 5, 32, 8, 120, 32},  /* one window in a direction */
    {8, 8, 5, 32, 8, 33, 33},    {1, 1, 4, 16, 4, 40, 50},   {2, 1, 256, 16, 5, 30, 19}, {8, 8, 1, 32, 8, 70, 70},
};
enum { SIZES = sizeof size / sizeof *size };

static void by_definition(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++)
        for (int any_scores = 0; any_scores < 2; any_scores++) {
            scores s = {size[k].gh, size[k].gw, size[k].classes, .at = any_scores ? any : smooth};
            const fpc_tiles t = {size[k].side, size[k].overlap};
            const int h = size[k].h, w = size[k].w;
            const uint8_t *labels = labels_of(&s, t, h, w);
            int clear = 0;
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++) {
                    const int want = label(&s, t, h, w, y, x);
                    clear += want >= 0;
                    if (want >= 0 && labels[y * w + x] != want)
                        fail_msg("case %d: %d at x %d, y %d; it is %d", k, labels[y * w + x], x, y, want);
                }
            assert_true(clear > h * w * 9 / 10);
            fpc_arena_reset(arena);
        }
}

/* With rows, labels are the same, and the mean scores come with them. */
static void rows_by_definition(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        scores s = {size[k].gh, size[k].gw, size[k].classes, .at = any};
        const fpc_tiles t = {size[k].side, size[k].overlap};
        const int h = size[k].h, w = size[k].w, n = s.classes;
        const uint8_t *want = labels_of(&s, t, h, w);
        uint8_t *labels = fpc_alloc(arena, (size_t)(h * w));
        kept_rows kept = keep_rows(h, w, n, labels);
        assert_int_equal(try_labels(&s, t, h, w, labels, &(fpc_score_rows){keep_row, &kept}), FPC_OK);
        assert_int_equal(kept.rows, h);
        assert_memory_equal(labels, want, (size_t)(h * w));
        for (int i = 0; i < h * w * n; i += 1 + n / 32) /* of many classes some */
            if (fabs(kept.score[i] - value(&s, t, h, w, i / n / w, i / n % w, i % n)) >= 1e-5)
                fail_msg("case %d: %g of class %d at x %d, y %d", k, kept.score[i], i % n, i / n % w, i / n / w);
        fpc_arena_reset(arena);
    }
}

/* ---- what follows of it ---- */

static void mirrored(void **state)
{
    static const int even[] = {1, 3, 5, 7, 8, 11}; /* of size: cases whose windows lie alike from both ends */

    (void)state;
    for (size_t k = 0; k < sizeof even / sizeof *even; k++) {
        const fpc_tiles t = {size[even[k]].side, size[even[k]].overlap};
        const int h = size[even[k]].h, w = size[even[k]].w;
        scores s = {size[even[k]].gh, size[even[k]].gw, size[even[k]].classes, .at = any}, other = s;
        other.mirrored = 1;
        for (int i = 0; i < fpc_tiles_along(t, w); i++)
            assert_int_equal(fpc_tiles_start(t, w, i) + fpc_tiles_start(t, w, fpc_tiles_along(t, w) - 1 - i),
                             fpc_tiles_along(t, w) > 1 ? w - t.side : 0);
        const uint8_t *labels = labels_of(&s, t, h, w), *back = labels_of(&other, t, h, w);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                if (labels[y * w + x] != back[y * w + w - 1 - x] && label(&s, t, h, w, y, x) >= 0)
                    fail_msg("case %d: %d at x %d, y %d, and %d in the mirror", even[k], labels[y * w + x], x, y,
                             back[y * w + w - 1 - x]);
        fpc_arena_reset(arena);
    }
}

static float constant(const scores *s, const fpc_window *at, int i, int j, int c)
{
    static const float score[5] = {0.1f, 0.3f, 0.7f, 0.7f, -2};

    (void)s, (void)at, (void)i, (void)j;
    return score[c];
}

/* Scores that change between windows, but not of the two classes that lead: no weight parts what is equal. */
static float tied(const scores *s, const fpc_window *at, int i, int j, int c)
{
    return c == 1 || c == 3 ? any(s, at, i, j, 0) + 4 : any(s, at, i, j, c);
}

static void constant_stays_constant(void **state)
{
    (void)state;
    for (int k = 0; k < SIZES; k++) {
        if (size[k].classes != 5)
            continue;
        scores s = {size[k].gh, size[k].gw, 5, .at = constant}, equal = {size[k].gh, size[k].gw, 5, .at = tied};
        const fpc_tiles t = {size[k].side, size[k].overlap};
        const uint8_t *labels = labels_of(&s, t, size[k].h, size[k].w);
        const uint8_t *first = labels_of(&equal, t, size[k].h, size[k].w);
        for (int i = 0; i < size[k].h * size[k].w; i++)
            assert_true(labels[i] == 2 && first[i] == 1);
        fpc_arena_reset(arena);
    }
}

/* Three planes over the picture, whatever the window: cut or not, the highest is the same. */
static double plane(int c, double x, double y)
{
    static const double of[3][2] = {{0.02, 0.01}, {-0.02, 0.015}, {0.004, -0.03}};

    return of[c][0] * (x - 100) + of[c][1] * (y - 80);
}

static float plane_score(const scores *s, const fpc_window *at, int i, int j, int c)
{
    return (float)plane(c, at->x + (j + 0.5) * at->w / s->gw, at->y + (i + 0.5) * at->h / s->gh);
}

/* The outermost half of a cell repeats its point and is off by up to 2 pixels times a slope of 0.035: but there a
 * window weighs less than one that lies deeper, and at the picture's own border the same happens to a picture that is
 * not cut. */
static void field_is_reproduced(void **state)
{
    enum { H = 170, W = 210, OFF = 2 };
    int seen[3] = {0};

    (void)state;
    for (int overlap = 0; overlap < 32; overlap += 4) {
        scores s = {8, 8, 3, .at = plane_score};
        const uint8_t *labels = labels_of(&s, (fpc_tiles){32, overlap}, H, W);
        const double slack = overlap >= 8 ? 0.035 * OFF : 2 * 0.035 * OFF;
        for (int y = OFF; y < H - OFF; y++)
            for (int x = OFF; x < W - OFF; x++) {
                const int got = labels[y * W + x];
                for (int c = 0; c < 3; c++)
                    if (plane(c, x + 0.5, y + 0.5) > plane(got, x + 0.5, y + 0.5) + slack)
                        fail_msg("overlap %d: %d at x %d, y %d, where %d is higher", overlap, got, x, y, c);
                seen[got]++;
            }
        fpc_arena_reset(arena);
    }
    for (int c = 0; c < 3; c++)
        assert_true(seen[c] > H * W);
}

/* One window is the picture: byte for byte what fpc_scores_labels gives. */
static void one_window(void **state)
{
    static const int at[][2] = {{32, 32}, {20, 32}, {32, 9}, {1, 1}};

    (void)state;
    for (int k = 0; k < 8; k++) {
        const int h = at[k / 2][0], w = at[k / 2][1];
        scores s = {8, 12, 19, .at = k % 2 ? smooth : any};
        const uint8_t *labels = labels_of(&s, (fpc_tiles){32, 8}, h, w);
        uint8_t *want = fpc_alloc(arena, (size_t)(h * w));
        assert_int_equal(fpc_scores_labels(arena, s.room, 8, 12, 19, h, w, want), FPC_OK);
        assert_memory_equal(labels, want, (size_t)(h * w));
        fpc_arena_reset(arena);
    }
}

/* ---- memory ---- */

static float *drawn;

static fpc_status give_drawn(void *arg, const fpc_window *at, const float **out)
{
    ++*(int *)arg;
    *out = drawn + (at->x + at->y) % 19; /* any will do */
    return FPC_OK;
}

/* A picture of the largest kind: all scores would be 5 GiB, and those of all windows on their grid 2.3. */
static void large(void **state)
{
    enum { SIDE = 8192, GRID = 256, SCORES = GRID * GRID * 19 };
    uint8_t *labels = malloc((size_t)SIDE * SIDE);
    int asked = 0;
    const fpc_tiles_source from = {GRID, GRID, 19, give_drawn, &asked};
    struct rusage usage;

    (void)state;
    drawn = malloc((SCORES + 19) * sizeof *drawn);
    assert_true(labels && drawn);
    for (int i = 0; i < SCORES + 19; i++)
        drawn[i] = (float)(i % 19 == i / 19 / 40 % 19);
    assert_int_equal(fpc_tiles_labels(ctx, arena, (fpc_tiles){512, 128}, &from, SIDE, SIDE, labels, NULL), FPC_OK);
    assert_int_equal(asked, 21 * 21);
    getrusage(RUSAGE_SELF, &usage);
    assert_true(usage.ru_maxrss < 384 * 1024); /* KiB; also with the sanitizers' share */
    free(labels);
    free(drawn);
    fpc_arena_reset(arena);
}

static void refusals(void **state)
{
    static uint8_t labels[100 * 100];
    scores s = {8, 8, 3, .at = any, .fails = FPC_ECANCEL};
    int asked = 0;
    const fpc_tiles_source from = {512, 512, 19, give_drawn, &asked};

    (void)state;
    assert_int_equal(try_labels(&s, (fpc_tiles){32, 8}, 100, 100, labels, NULL), FPC_ECANCEL);
    assert_int_equal(s.asked, 3);
    assert_string_equal(fpc_ctx_error(ctx), "no scores");
    fpc_ctx_clear(ctx);
    kept_rows kept = keep_rows(100, 100, 3, labels);
    kept.fails = FPC_EIO;
    s.fails = FPC_OK;
    assert_int_equal(try_labels(&s, (fpc_tiles){32, 8}, 100, 100, labels, &(fpc_score_rows){keep_row, &kept}), FPC_EIO);
    assert_int_equal(kept.rows, 3);
    assert_int_equal(fpc_tiles_labels(ctx, arena, (fpc_tiles){512, 500}, &from, 8192, 8192, labels, NULL), FPC_EINVAL);
    assert_int_equal(asked, 0);
    assert_non_null(strstr(fpc_ctx_error(ctx), "a picture of 8192 x 8192 in tiles of 512 that overlap by 500: "));
    assert_non_null(
        strstr(fpc_ctx_error(ctx), "GiB of scores would have to be kept, and 2 may be; larger tiles or less"));
    fpc_ctx_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lie_evenly),
                                       cmocka_unit_test(by_definition),
                                       cmocka_unit_test(rows_by_definition),
                                       cmocka_unit_test(mirrored),
                                       cmocka_unit_test(constant_stays_constant),
                                       cmocka_unit_test(field_is_reproduced),
                                       cmocka_unit_test(one_window),
                                       cmocka_unit_test(large),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
