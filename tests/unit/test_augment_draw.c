/* test_augment_draw.c: the draws of a recipe's [augment.*] sections become what the ops take: composition, its order,
 * exact flips, exchange of labels, angles on oblong pictures, purity. */
#include "fixture.h"
#include "data/data.h"
#include <math.h>

static const uint8_t pairs[][2] = {{4, 5}, {6, 7}};
static const fpc_dataset_info info = {.size = sizeof info,
                                      .h = 32,
                                      .w = 48,
                                      .c = 3,
                                      .classes = 19,
                                      .mirror_pairs = pairs,
                                      .n_mirror_pairs = 2,
                                      .ignore_label = -1};

typedef struct drawn {
    float warp[8], colour[64 * 16], pixel0[16];
    uint8_t labels[256];
} drawn;

static fpc_status try_augments(bench *b, const char *text, const fpc_dataset_info *set, fpc_augments **out)
{
    fpc_recipe *recipe = NULL;
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe);
    return status ? status : fpc_augments_open(b->ctx, b->arena, b->registry, recipe, set, out);
}

static fpc_augments *open_augments(bench *b, const char *text)
{
    fpc_augments *a = NULL;
    if (try_augments(b, text, &info, &a))
        fail_msg("%s: %s", text, fpc_ctx_error(b->ctx));
    return a;
}

static void copy_draw(void *to, const fpc_augments *a, const fpc_draws *d, const char *name, size_t most)
{
    for (int32_t i = 0; i < a->n_inputs; i++)
        if (!strcmp(a->input[i].name, name))
            memcpy(to, d->data[i], a->input[i].bytes < most ? a->input[i].bytes : most);
}

static drawn draw_sized(bench *b, const fpc_augments *a, int64_t epoch, int64_t sample, int32_t h, int32_t w)
{
    fpc_arena *arena = fpc_arena_new(b->ctx);
    fpc_draws to;
    drawn d;
    memset(&d, 0, sizeof d);
    assert_int_equal(fpc_draws_new(a, arena, 1, &to), FPC_OK);
    if (fpc_augments_draw(a, 77, epoch, 3, sample, 0, 1, h, w, &to))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    copy_draw(d.warp, a, &to, "draw.warp", sizeof d.warp);
    copy_draw(d.labels, a, &to, "draw.labels", sizeof d.labels);
    copy_draw(d.colour, a, &to, "draw.colour", sizeof d.colour);
    copy_draw(d.pixel0, a, &to, "draw.augment.noise", sizeof d.pixel0);
    fpc_arena_free(arena);
    return d;
}

static drawn draw(bench *b, const char *text, int32_t h, int32_t w)
{
    return draw_sized(b, open_augments(b, text), 0, 0, h, w);
}

#define FLIP "[augment.flip]\nuse = hflip\np = 1\n"
#define KEEP "[augment.keep]\nuse = hflip\np = 1\nexchange = off\n"

static void flips_are_exact(void **state)
{
    bench *b = *state;
    const fpc_augments *a = open_augments(b, FLIP);
    for (int32_t w = 1; w < 5000; w++) {
        const drawn d = draw_sized(b, a, 0, 0, w + 3, w);
        const float want[8] = {-1, 0, (float)(w - 1), 0, 1, 0, 0, 0};
        assert_memory_equal(d.warp, want, sizeof want);
    }
    const drawn twice = draw(b, FLIP "[augment.again]\nuse = hflip\np = 1\n", 33, 47);
    const float identity[8] = {1, 0, 0, 0, 1, 0, 0, 0};
    assert_memory_equal(twice.warp, identity, sizeof identity);
    const drawn never = draw(
        b,
        "[augment.flip]\nuse = hflip\np = 0\n[augment.turn]\nuse = rotate\np = 0\n[augment.a]\nuse = affine\np = 0\n",
        33, 47);
    assert_memory_equal(never.warp, identity, sizeof identity);
}

static void labels_follow_mirrors(void **state)
{
    bench *b = *state;
    static const struct {
        const char *text;
        int exchanged;
    } cases[] = {{FLIP, 1},
                 {KEEP, 0},
                 {FLIP KEEP, 1},
                 {KEEP FLIP, 1},
                 {FLIP "[augment.again]\nuse = hflip\np = 1\n", 0},
                 {"[augment.turn]\nuse = rotate\ndegrees = 170, 170\np = 1\n", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const drawn d = draw(b, cases[i].text, 32, 32);
        for (int k = 0; k < 256; k++) {
            const int want = !cases[i].exchanged ? k : k == 4 ? 5 : k == 5 ? 4 : k == 6 ? 7 : k == 7 ? 6 : k;
            assert_int_equal(d.labels[k], want);
        }
    }
}

/* Where output pixel (x, y) is read. */
static void sent(const float m[8], double x, double y, double *ix, double *iy)
{
    const double k = m[6] * x + m[7] * y + 1;
    *ix = (m[0] * x + m[1] * y + m[2]) / k;
    *iy = (m[3] * x + m[4] * y + m[5]) / k;
}

static void quarter_turns(void **state)
{
    bench *b = *state;
    const drawn d = draw(b, "[augment.turn]\nuse = rotate\ndegrees = 90, 90\np = 1\n", 20, 20);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 20; x++) { /* counter-clockwise: what is at the right comes to the top */
            double ix, iy;
            sent(d.warp, x, y, &ix, &iy);
            assert_true(ix == 19 - y && iy == x);
        }
}

/* Lengths and angles are kept on an oblong picture, and the centre stays. */
static void rotation_on_oblong(void **state)
{
    bench *b = *state;
    const drawn d = draw(b, "[augment.turn]\nuse = rotate\ndegrees = 30, 30\np = 1\n", 30, 90);
    double cx, cy, rx, ry;
    sent(d.warp, 44.5, 14.5, &cx, &cy);
    assert_true(fabs(cx - 44.5) < 1e-4 && fabs(cy - 14.5) < 1e-4);
    sent(d.warp, 54.5, 14.5, &rx, &ry);
    assert_true(fabs(rx - cx - 10 * cos(30 * 0.017453292519943295)) < 1e-4);
    assert_true(fabs(ry - cy - 10 * sin(30 * 0.017453292519943295)) < 1e-4); /* from below: y points down */
}

/* A first, then B: the picture is first shifted by half its width, then mirrored; so what was at the left edge and went
 * to the middle ends in the middle, and what comes from outside ends at the right. */
static void order_of_sections(void **state)
{
    bench *b = *state;
    const char *shift = "[augment.shift]\nuse = affine\ntranslate = 0.5, 0.5\np = 1\n";
    double ix, iy;
    drawn d = draw(b, fpc_sprintf(b->arena, "%s%s", shift, FLIP), 10, 10);
    sent(d.warp, 4, 0, &ix, &iy);
    assert_true(ix == 0 && iy == -5);
    sent(d.warp, 9, 0, &ix, &iy);
    assert_true(ix == -5);
    d = draw(b, fpc_sprintf(b->arena, "%s%s", FLIP, shift), 10, 10);
    sent(d.warp, 5, 5, &ix, &iy);
    assert_true(ix == 9 && iy == 0);
    sent(d.warp, 0, 0, &ix, &iy);
    assert_true(ix == 14);
}

static void pure_and_spread(void **state)
{
    bench *b = *state;
    const fpc_augments *a =
        open_augments(b, "[augment.flip]\nuse = hflip\np = 0.3\n[augment.turn]\nuse = rotate\ndegrees = 20\np = 0.6\n"
                         "[augment.jitter]\nuse = color_jitter\nbrightness = 0.7, 1.3\np = 0.5\n"
                         "[augment.noise]\nuse = gaussian_noise\nsigma = 0.1, 0.2\np = 0.25\n");
    int flips = 0, turns = 0, jitters = 0, noises = 0;
    assert_int_equal(a->n, 4);
    assert_int_equal(a->n_colours, 4);
    assert_int_equal(a->n_inputs, 4);
    for (int i = 0; i < 2000; i++) {
        const drawn d = draw_sized(b, a, i / 500, i, 40, 40), again = draw_sized(b, a, i / 500, i, 40, 40);
        assert_memory_equal(d.warp, again.warp, sizeof d.warp);
        assert_memory_equal(d.colour, again.colour, sizeof d.colour);
        assert_memory_equal(d.pixel0, again.pixel0, sizeof d.pixel0);
        flips += d.warp[0] < 0;
        turns += d.warp[1] != 0;
        jitters += d.colour[0] != 0;
        noises += d.pixel0[0] != 0;
        if (d.pixel0[0] != 0)
            assert_true(d.pixel0[0] >= 0.1f && d.pixel0[0] <= 0.2f);
        assert_true(fabs((double)d.warp[1]) <= sin(20 * 0.017453292519943295) + 1e-6);
    }
    assert_in_range(flips, 540, 660);
    assert_in_range(turns, 1130, 1270);
    assert_in_range(jitters, 930, 1070);
    assert_in_range(noises, 440, 560);
}

/* ---- fields ---- */

typedef float nodes[FPC_FIELD_NODES][FPC_FIELD_NODES][2];

/* All draws of one image; the arena keeps them. */
static fpc_draws draw_all(bench *b, const fpc_augments *a, int64_t batch, int64_t sample, int32_t row, int32_t rows,
                          int32_t h, int32_t w)
{
    fpc_draws to;
    assert_int_equal(fpc_draws_new(a, b->arena, rows, &to), FPC_OK);
    if (fpc_augments_draw(a, 77, 0, batch, sample, row, rows, h, w, &to))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return to;
}

/* A field first, then a quarter turn, whose nodes are nodes: what is left beside the turn is the field, turned. The
 * other way round, the shifts themselves turn. */
static void fields_compose(void **state)
{
    bench *b = *state;
    enum { N = FPC_FIELD_NODES };
    const char *elastic = "[augment.e]\nuse = elastic\np = 1\n";
    const char *turn = "[augment.turn]\nuse = rotate\ndegrees = 90, 90\np = 1\n";
    const fpc_augments *one = open_augments(b, elastic);
    const fpc_augments *first = open_augments(b, fpc_sprintf(b->arena, "%s%s", elastic, turn));
    const fpc_augments *last = open_augments(b, fpc_sprintf(b->arena, "%s%s", turn, elastic));
    const fpc_draws d[3] = {draw_all(b, one, 0, 5, 0, 1, 64, 64), draw_all(b, first, 0, 5, 0, 1, 64, 64),
                            draw_all(b, last, 0, 5, 0, 1, 64, 64)};
    nodes *f = fpc_draws_find(one, &d[0], "draw.field"), *g = fpc_draws_find(first, &d[1], "draw.field"),
          *h = fpc_draws_find(last, &d[2], "draw.field");
    const float *m = fpc_draws_find(one, &d[0], "draw.warp"), identity[8] = {1, 0, 0, 0, 1, 0, 0, 0};
    double most = 0;
    assert_memory_equal(m, identity, sizeof identity);
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) { /* the turn reads (u, v) at (-v, u): see quarter_turns */
            const float *there = (*f)[x][N - 1 - y], *here = (*f)[y][x];
            most = fmax(most, fabs((double)here[0]));
            assert_true(fabsf((*g)[y][x][0] - there[0]) < 1e-6f && fabsf((*g)[y][x][1] - there[1]) < 1e-6f);
            assert_true(fabsf((*h)[y][x][0] + here[1]) < 1e-6f && fabsf((*h)[y][x][1] - here[0]) < 1e-6f);
        }
    assert_true(most > 1e-3 && most < 1); /* or all of this would hold of nothing */
}

/* Without composition each section has a resampling of its own, with the numbers it has alone. */
static void sections_apart(void **state)
{
    bench *b = *state;
    const char *turn = "[augment.turn]\nuse = rotate\ndegrees = 20\np = 1\n";
    const fpc_augments *apart = open_augments(b, fpc_sprintf(b->arena, "[augment]\ncompose = off\n%s%s", FLIP, turn));
    const fpc_draws d = draw_all(b, apart, 0, 9, 0, 1, 30, 40);
    const drawn flip = draw_sized(b, open_augments(b, FLIP), 0, 9, 30, 40);
    const drawn turned = draw_sized(b, open_augments(b, turn), 0, 9, 30, 40);
    const uint8_t *labels = fpc_draws_find(apart, &d, "draw.labels.augment.flip");
    assert_int_equal(apart->n_warps, 2);
    assert_null(fpc_draws_find(apart, &d, "draw.warp"));
    assert_memory_equal(fpc_draws_find(apart, &d, "draw.warp.augment.flip"), flip.warp, sizeof flip.warp);
    assert_memory_equal(fpc_draws_find(apart, &d, "draw.warp.augment.turn"), turned.warp, sizeof turned.warp);
    assert_true(labels[4] == 5 && labels[5] == 4);
    labels = fpc_draws_find(apart, &d, "draw.labels.augment.turn");
    assert_true(labels[4] == 4 && labels[5] == 5);
}

/* ---- mixing ---- */

#define MIXES "[augment.up]\nuse = mixup\np = 0.5\n[augment.cut]\nuse = cutmix\np = 0.5\n"

/* Each batch has one of the two sections or none, alike for all its pictures; partners are a permutation. */
static void one_mix_a_batch(void **state)
{
    bench *b = *state;
    enum { ROWS = 5, BATCHES = 400, LAYERS = 12 };
    const fpc_augments *a = open_augments(b, MIXES);
    int none = 0, cut = 0, up = 0;
    assert_int_equal(a->n_mixes, 1);
    for (int batch = 0; batch < BATCHES; batch++) {
        fpc_draws d;
        int seen[ROWS] = {0};
        assert_int_equal(fpc_draws_new(a, b->arena, ROWS, &d), FPC_OK);
        for (int32_t row = 0; row < ROWS; row++)
            assert_int_equal(fpc_augments_draw(a, 3, 1, batch, 100 + row, row, ROWS, 32, 32, &d), FPC_OK);
        const float *plan = fpc_draws_find(a, &d, "draw.mix");
        const int64_t n = a->input[a->mix[0].plan].count;
        for (int row = 0; row < ROWS; row++) {
            const float *layer = plan + row * n + LAYERS, *first = plan + LAYERS;
            assert_true(layer[1] == first[1]); /* alpha */
            assert_memory_equal(layer + 2, first + 2, 4 * sizeof *layer);
            seen[(int)layer[0]]++;
        }
        const int whole = plan[LAYERS + 1] > 0 && plan[LAYERS + 1] < 1;
        none += plan[LAYERS + 1] == 0;
        up += whole;
        cut += plan[LAYERS + 1] == 1;
        for (int row = 0; row < ROWS && plan[LAYERS + 1] > 0; row++)
            assert_int_equal(seen[row], 1);
    }
    assert_in_range(none, 150, 250); /* 200 expected, sigma 10 */
    assert_in_range(up, 65, 135);
    assert_in_range(cut, 65, 135);
}

static void mixes_and_soft_labels(void **state)
{
    bench *b = *state;
    fpc_augments *a = open_augments(b, "[augment]\nmix = all\n" MIXES);
    assert_int_equal(a->n_mixes, 2);
    assert_int_equal(a->lambda, -1);
    a = open_augments(b, "[augment.up]\nuse = mixup\np = 1\nlabels = soft\nalpha = 1\n");
    const fpc_draws d = draw_all(b, a, 4, 1, 0, 2, 32, 32);
    const float *plan = fpc_draws_find(a, &d, "draw.mix"), *lambda = fpc_draws_find(a, &d, "draw.lambda");
    assert_true(plan[0] == 1 && plan[1] > 0 && plan[1] < 1);
    assert_true(fabsf(plan[1] + plan[12 + 1] - 1) < 1e-6f); /* lambda is what alpha leaves */
    assert_true(*lambda >= 0.5f && fabsf(*lambda - fmaxf(plan[1], 1 - plan[1])) < 1e-6f); /* of the larger share */
    assert_int_not_equal(try_augments(b, "[augment]\nmix = all\n" MIXES "labels = soft\n", &info, &a), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "[augment.cut] asks for soft labels"));
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "augment.mix = all mixes 2 times"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(flips_are_exact),      CASE(labels_follow_mirrors), CASE(quarter_turns),
                                       CASE(rotation_on_oblong),   CASE(order_of_sections),     CASE(pure_and_spread),
                                       CASE(fields_compose),       CASE(sections_apart),        CASE(one_mix_a_batch),
                                       CASE(mixes_and_soft_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
