/* test_blobs.c: connected parts of masks and what is done with them, against plain floods of random masks, and on masks
 * whose result one can see. */
#include <stdlib.h>
#include <string.h>
#include "case.h"
#include "base/message.h"
#include "image/blobs.h"
#include "image/post.h"

enum { SIDE = 23, CLASSES = 6 };
static fpc_ctx *ctx;
static fpc_arena *arena;

static int open_all(void **state)
{
    (void)state;
    ctx = fpc_ctx_new();
    arena = ctx ? fpc_arena_new(ctx) : NULL;
    return arena ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return 0;
}

/* Patches of random size, or dust. */
static void random_mask(uint8_t *m, int h, int w)
{
    const int dust = rand() % 3 == 0;

    for (int i = 0; i < h * w; i++)
        m[i] = (uint8_t)(dust ? rand() % CLASSES : 0);
    for (int k = 0; k < 25 && !dust; k++) {
        const int y = rand() % h, x = rand() % w, dy = 1 + rand() % 7, dx = 1 + rand() % 7, c = rand() % CLASSES;
        for (int i = y; i < y + dy && i < h; i++)
            for (int j = x; j < x + dx && j < w; j++)
                m[i * w + j] = (uint8_t)c;
    }
}

static void flood(const uint8_t *m, int h, int w, int y, int x, int id, int *to)
{
    if (to[y * w + x] >= 0)
        return;
    to[y * w + x] = id;
    for (int k = 0; k < 4; k++) {
        const int v = y + (k == 0) - (k == 1), u = x + (k == 2) - (k == 3);
        if (v >= 0 && v < h && u >= 0 && u < w && m[v * w + u] == m[y * w + x])
            flood(m, h, w, v, u, id, to);
    }
}

/* The number of the blob of each pixel, in the order of their first pixels. */
static int plain_blobs(const uint8_t *m, int h, int w, int *to)
{
    int n = 0;

    for (int i = 0; i < h * w; i++)
        to[i] = -1;
    for (int i = 0; i < h * w; i++)
        if (to[i] < 0)
            flood(m, h, w, i / w, i % w, n++, to);
    return n;
}

static void blobs_are_those_of_a_flood(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        const int h = 1 + rand() % SIDE, w = 1 + rand() % SIDE;
        uint8_t m[SIDE * SIDE];
        int want[SIDE * SIDE], pixels[SIDE * SIDE] = {0}, border[SIDE * SIDE] = {0};
        fpc_blobs b;
        fpc_arena_reset(arena);
        random_mask(m, h, w);
        const int n = plain_blobs(m, h, w, want);
        for (int i = 0; i < h * w; i++) {
            pixels[want[i]]++;
            border[want[i]] |= i / w == 0 || i / w == h - 1 || i % w == 0 || i % w == w - 1;
        }
        assert_int_equal(fpc_blobs_find(arena, m, h, w, &b), FPC_OK);
        assert_int_equal(b.n, n);
        for (int y = 0; y < h; y++)
            for (int i = b.row_first[y]; i < b.row_first[y + 1]; i++)
                for (int x = b.run[i].x; x < b.run[i].end; x++) {
                    assert_int_equal(b.run[i].blob, want[y * w + x]);
                    assert_int_equal(b.blob[b.run[i].blob].label, m[y * w + x]);
                }
        for (int k = 0; k < n; k++) {
            assert_int_equal(b.blob[k].pixels, pixels[k]);
            assert_int_equal(b.blob[k].at_border, border[k]);
        }
    }
}

typedef struct border_sum {
    int n;
    int64_t length[SIDE * SIDE][8]; /* with the first eight blobs */
} border_sum;

static void add_border(void *arg, int32_t a, int32_t b, int32_t length)
{
    border_sum *s = arg;

    assert_int_not_equal(a, b);
    assert_true(length > 0);
    if (b < 8)
        s->length[a][b] += length;
    if (a < 8)
        s->length[b][a] += length;
}

static void borders_are_told_once(void **state)
{
    (void)state;
    for (int round = 0; round < 100; round++) {
        static border_sum got, want;
        uint8_t m[SIDE * SIDE];
        int of[SIDE * SIDE];
        fpc_blobs b;
        fpc_arena_reset(arena);
        memset(&got, 0, sizeof got);
        memset(&want, 0, sizeof want);
        random_mask(m, SIDE, SIDE);
        plain_blobs(m, SIDE, SIDE, of);
        for (int i = 0; i < SIDE * SIDE; i++) {
            if (i % SIDE && of[i] != of[i - 1])
                add_border(&want, of[i - 1], of[i], 1);
            if (i >= SIDE && of[i] != of[i - SIDE])
                add_border(&want, of[i - SIDE], of[i], 1);
        }
        assert_int_equal(fpc_blobs_find(arena, m, SIDE, SIDE, &b), FPC_OK);
        fpc_blobs_borders(&b, add_border, &got);
        assert_memory_equal(&got, &want, sizeof got);
    }
}

/* The definition of post.h, pixel by pixel. */
static void plain_removal(const fpc_post *p, const uint8_t *m, int h, int w, uint8_t *to)
{
    static int of[SIDE * SIDE], pixels[SIDE * SIDE], goes[SIDE * SIDE], border[SIDE * SIDE], kinds[SIDE * SIDE];
    static int touches[SIDE * SIDE][CLASSES], stay[SIDE * SIDE][CLASSES];
    const int n = plain_blobs(m, h, w, of);

    memset(pixels, 0, sizeof pixels);
    memset(touches, 0, sizeof touches);
    memset(stay, 0, sizeof stay);
    memset(border, 0, sizeof border);
    for (int i = 0; i < h * w; i++) {
        pixels[of[i]]++;
        border[of[i]] |= i / w == 0 || i / w == h - 1 || i % w == 0 || i % w == w - 1;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < h * w; i++)
            for (int k = 0; k < 4; k++) {
                const int y = i / w + (k == 0) - (k == 1), x = i % w + (k == 2) - (k == 3), j = y * w + x;
                if (y < 0 || y >= h || x < 0 || x >= w || of[j] == of[i])
                    continue;
                if (pass == 0)
                    touches[of[i]][m[j]]++;
                else
                    stay[of[i]][m[j]] += !goes[of[j]];
            }
        for (int b = 0; b < n && pass == 0; b++) {
            int label = 0;
            while (of[label] != b)
                label++;
            kinds[b] = 0;
            for (int c = 0; c < CLASSES; c++)
                kinds[b] += touches[b][c] > 0;
            goes[b] = pixels[b] < p->smallest[m[label]] * (h * w) ||
                      (kinds[b] == 1 && !border[b] && pixels[b] < p->holes * (h * w));
        }
    }
    for (int i = 0; i < h * w; i++) {
        int best = -1;
        for (int c = 0; c < CLASSES && goes[of[i]]; c++)
            if (stay[of[i]][c] && (best < 0 || stay[of[i]][c] > stay[of[i]][best]))
                best = c;
        to[i] = best < 0 ? m[i] : (uint8_t)best;
    }
}

static void small_blobs_and_holes_go_as_defined(void **state)
{
    int changed = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        const int h = 1 + rand() % SIDE, w = 1 + rand() % SIDE;
        fpc_post p = {.classes = CLASSES};
        uint8_t m[SIDE * SIDE], want[SIDE * SIDE];
        fpc_arena_reset(arena);
        random_mask(m, h, w);
        for (int c = 0; c < CLASSES; c++)
            p.smallest[c] = rand() % 2 ? (rand() % 100) / 1000.0 : 0;
        p.holes = rand() % 2 ? (rand() % 100) / 500.0 : 0;
        plain_removal(&p, m, h, w, want);
        changed += memcmp(m, want, (size_t)(h * w)) != 0;
        assert_int_equal(fpc_post_labels(arena, &p, h, w, m), FPC_OK);
        assert_memory_equal(m, want, (size_t)(h * w));
    }
    assert_true(changed > 100);
}

/* Masks as text: a digit a pixel. */
static void draws(const fpc_post *p, int h, int w, const char *before, const char *after)
{
    uint8_t m[SIDE * SIDE];
    char got[SIDE * SIDE + 1] = "";

    for (int i = 0; i < h * w; i++)
        m[i] = (uint8_t)(before[i] - '0');
    assert_int_equal(fpc_post_labels(arena, p, h, w, m), FPC_OK);
    for (int i = 0; i < h * w; i++)
        got[i] = (char)('0' + m[i]);
    got[h * w] = 0;
    assert_string_equal(got, after);
}

static void sides_are_made_consistent(void **state)
{
    const fpc_post p = {.classes = 4, .n_sides = 1, .side = {{2, 3}}};

    (void)state;
    /* a blob of both labels takes the one that more of it has */
    draws(&p, 3, 9,
          "000000000"
          "022300330"
          "000000000",
          "000000000"
          "022200330"
          "000000000");
    /* of equals, the left one */
    draws(&p, 1, 9, "023000330", "022000330");
    /* left and right in the wrong order change places */
    draws(&p, 2, 9,
          "033000220"
          "033000020",
          "022000330"
          "022000030");
    /* a single one is left alone: a face from the side */
    draws(&p, 1, 9, "033000000", "033000000");
    /* labels of no pair stay */
    draws(&p, 1, 9, "011000110", "011000110");
}

static void specks_take_their_neighbour(void **state)
{
    const fpc_post p = {.classes = 4, .smallest = {0, 0.13, 0, 0}}, holes = {.classes = 4, .holes = 0.1};

    (void)state;
    draws(&p, 4, 4,
          "0022"
          "0122"
          "0022"
          "0022",
          "0022"
          "0022"
          "0022"
          "0022"); /* 3 edges of 0, 1 of 2 */
    draws(&p, 4, 4,
          "0022"
          "0112"
          "0112"
          "0022",
          "0022"
          "0112"
          "0112"
          "0022");               /* large enough */
    draws(&p, 1, 2, "11", "11"); /* no neighbour at all */
    draws(&holes, 4, 5,
          "22222"
          "20222"
          "22203"
          "22222",
          "22222"
          "22222"
          "22203"
          "22222");
    draws(&holes, 4, 4,
          "2222"
          "2222"
          "2222"
          "2022",
          "2222"
          "2222"
          "2222"
          "2022"); /* at the border: no hole */
}

static void nothing_is_done_by_zeros(void **state)
{
    const fpc_post p = {.classes = CLASSES};
    uint8_t m[SIDE * SIDE], same[SIDE * SIDE];
    float score[CLASSES] = {1, 2, 3, 4, 5, 6};
    const float was[CLASSES] = {1, 2, 3, 4, 5, 6};

    (void)state;
    random_mask(m, SIDE, SIDE);
    memcpy(same, m, sizeof m);
    assert_false(fpc_post_shapes(&p));
    assert_int_equal(fpc_post_labels(arena, &p, SIDE, SIDE, m), FPC_OK);
    assert_memory_equal(m, same, sizeof m);
    fpc_post_scores(&p, 0, 1, score);
    fpc_post_scores(&p, 1, 1, score);
    assert_memory_equal(score, was, sizeof score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_are_those_of_a_flood),          cmocka_unit_test(borders_are_told_once),
        cmocka_unit_test(small_blobs_and_holes_go_as_defined), cmocka_unit_test(sides_are_made_consistent),
        cmocka_unit_test(specks_take_their_neighbour),         cmocka_unit_test(nothing_is_done_by_zeros)};

    return cmocka_run_group_tests(tests, open_all, close_all);
}
