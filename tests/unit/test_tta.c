/* test_tta.c: averaged predictions: the options, what has to hold whatever the weights (probabilities, mirror
 * symmetry, the plain prediction where nothing is averaged), and the numbers of PyTorch for the small golden network.
 */
#include "tiny.h"
#include "weights/weights.h"
#include "experiment/tta.h"

static fpc_tta read_tta(bench *b, const char *scales, int flip, int keep)
{
    fpc_tta how;
    if (fpc_tta_read(b->ctx, "eval", scales, flip, keep, &how))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return how;
}

static void options(void **state)
{
    bench b;
    static const char *const bad[] = {"",       "0",     "x",     "1,",
                                      "1,,2",   "1;2",   "1 2",   "0.09",
                                      "10.001", "1,2,1", "nan,1", "1,2,3,4,5,6,7,8,9,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8"};
    fpc_tta how;
    (void)state;
    assert_int_equal(bench_new(&b), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fpc_tta_read(b.ctx, "eval", bad[i], 0, 0, &how), FPC_EINVAL);
        assert_non_null(strstr(fpc_ctx_error(b.ctx), "fpcore eval: --scales"));
        fpc_ctx_clear(b.ctx);
    }
    assert_int_equal(fpc_tta_read(b.ctx, "eval", NULL, 0, 1, &how), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "add --flip"));
    fpc_ctx_clear(b.ctx);
    how = read_tta(&b, " 0.9, 1 ,1.1", 1, 0);
    assert_true(how.n_scales == 3 && how.scale[0] == 0.9 && how.scale[1] == 1 && how.scale[2] == 1.1);
    assert_string_equal(fpc_tta_text(b.arena, &how), "scales 0.9, 1, 1.1, mirrored with exchanged labels");
    how = read_tta(&b, NULL, 0, 0);
    assert_false(fpc_tta_on(&how));
    how = read_tta(&b, "1", 0, 0);
    assert_false(fpc_tta_on(&how));
    how = read_tta(&b, "1.5", 0, 0);
    assert_true(fpc_tta_on(&how));
    how = read_tta(&b, NULL, 1, 1);
    assert_true(fpc_tta_on(&how) && !how.exchange);
    bench_free(&b);
}

static void plain(void **state)
{
    bench b;
    fpc_batch *batch;
    fpc_tta_run *run;
    fpc_step_result r;
    static uint8_t want[4 * 1024], got[4 * 1024];
    static int32_t counts[4][19][3];
    (void)state;
    bench_experiment(&b, TINY, "", OPEN_ALL);
    take_batches(&b, FPC_VAL, 1, &batch);
    const fpc_tta how = read_tta(&b, "1", 0, 0);
    assert_int_equal(fpc_tta_open(b.s, b.arena, &how, 32, 32, &run), FPC_OK);
    assert_int_equal(fpc_predict_step(b.s, 4, 32, 32, batch->image, want), FPC_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fpc_tta_predict(run, b.arena, batch->image + i * 3072, got + i * 1024), FPC_OK);
        fpc_tta_count(b.s, batch->mask + i * 1024, got + i * 1024, 1024, counts[i][0]);
    }
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(fpc_eval_step(b.s, batch, &r), FPC_OK); /* counts of the host are those of the graph */
    assert_memory_equal(counts, r.tp_fp_fn, sizeof counts);
    bench_free(&b);
}

static void mirror_picture(const uint8_t *from, uint8_t *to)
{
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++)
            memcpy(to + 3 * (32 * y + x), from + 3 * (32 * y + 31 - x), 3);
}

/* Of the mirrored picture the mean is the mirrored mean, with the pairs exchanged where that was asked for: to the bit,
 * as sums are taken in pairs. */
static void symmetry(void **state)
{
    static const int other[19] = {0, 1, 2, 3, 5, 4, 7, 6, 9, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    bench b;
    fpc_batch *batch;
    static float first[1024 * 19];
    static uint8_t mirrored[3072];
    (void)state;
    bench_experiment(&b, TINY, "", OPEN_ALL);
    take_batches(&b, FPC_VAL, 1, &batch);
    mirror_picture(batch->image, mirrored);
    for (int keep = 0; keep < 2; keep++) {
        const fpc_tta how = read_tta(&b, "1,1.5,2", 1, keep);
        const float *p;
        fpc_tta_run *run;
        assert_int_equal(fpc_tta_open(b.s, b.arena, &how, 32, 32, &run), FPC_OK);
        assert_int_equal(fpc_tta_probabilities(run, batch->image, &p), FPC_OK);
        memcpy(first, p, sizeof first);
        assert_int_equal(fpc_tta_probabilities(run, mirrored, &p), FPC_OK);
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++) {
                const float *here = p + (y * 32 + x) * 19, *there = first + (y * 32 + 31 - x) * 19;
                double sum = 0;
                for (int c = 0; c < 19; c++) {
                    assert_true(here[c] == there[keep ? c : other[c]]);
                    assert_true(here[c] >= 0);
                    sum += here[c];
                }
                assert_true(fabs(sum - 1) < 1e-5);
            }
    }
    bench_free(&b);
}

/* Weights of zero say the same of every class, whatever is averaged. */
static void constant(void **state)
{
    bench b;
    fpc_batch *batch;
    fpc_tta_run *run;
    const float *p;
    static const float zero[65536];
    (void)state;
    bench_experiment(&b, TINY, "", OPEN_ALL);
    for (int32_t i = 0; i < b.s->state->n; i++)
        if (b.s->state->entry[i].kind == FPC_STATE_PARAM) {
            assert_true(b.s->state->entry[i].count <= 65536);
            assert_int_equal(fpc_state_set(b.s->state, &b.s->state->entry[i], zero), FPC_OK);
        }
    take_batches(&b, FPC_VAL, 1, &batch);
    const fpc_tta how = read_tta(&b, "1,1.25,1.5", 1, 0);
    assert_int_equal(fpc_tta_open(b.s, b.arena, &how, 32, 32, &run), FPC_OK);
    assert_int_equal(fpc_tta_probabilities(run, batch->image, &p), FPC_OK);
    for (int i = 0; i < 1024 * 19; i++)
        assert_true(fabs(p[i] - 1. / 19) < 1e-6);
    bench_free(&b);
}

static void golden(void **state)
{
    static const char *const recipe =
        "[model]\nuse = microsegformer\ndims = 4,8,8,12\ndepths = 1,1,1,1\nsr_ratios = 4,2,1,1\ndecoder_dim = 8\n"
        "dropout = 0\n" TINY_LOSS;
    const char *root = getenv("FPCORE_SRC");
    bench b;
    fpc_st_file *file;
    (void)state;
    bench_experiment(&b, recipe, "", FPC_OPEN_BACKEND);
    const char *folder = fpc_sprintf(b.arena, "%s/tests/golden", root ? root : ".");
    if (fpc_weights_load(b.ctx, b.s->state, fpc_sprintf(b.arena, "%s/tiny.weights.safetensors", folder)) ||
        fpc_st_read(b.ctx, b.arena, fpc_sprintf(b.arena, "%s/tta.expect.safetensors", folder), &file))
        fail_msg("%s", fpc_ctx_error(b.ctx));
    for (int keep = 0; keep < 2; keep++) {
        const fpc_tta how = read_tta(&b, "1, 1.5, 2", 1, keep);
        const float *p, *want = fpc_st_find(file, keep ? "keep" : "exchange")->data;
        fpc_tta_run *run;
        double worst = 0;
        assert_int_equal(fpc_tta_open(b.s, b.arena, &how, 32, 40, &run), FPC_OK);
        assert_int_equal(fpc_tta_probabilities(run, fpc_st_find(file, "image")->data, &p), FPC_OK);
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 10; x++)
                for (int c = 0; c < 19; c++) {
                    const double d = p[(4 * y * 40 + 4 * x) * 19 + c] - want[(y * 10 + x) * 19 + c];
                    worst = fmax(worst, fabs(d));
                }
        if (!(worst < 1e-5))
            fail_msg("%s: off by %g from PyTorch", keep ? "keep" : "exchange", worst);
    }
    bench_free(&b);
}

/* A network that says what it sees: three classes, whose logits are red, green and blue. */
static fpc_status build_colours(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    (void)self, (void)g;
    io->logits = io->image;
    return FPC_OK;
}

typedef struct disc {
    double x, y, r;
} disc;

/* A green disc on red. No blue: blue is what nothing says, unless black comes in. */
static fpc_image draw_disc(fpc_arena *arena, int32_t w, int32_t h, const disc *d)
{
    fpc_image image = {w, h, 3, fpc_alloc(arena, (size_t)w * (size_t)h * 3)};
    for (int32_t p = 0; p < w * h; p++) {
        const double x = p % w + 0.5 - d->x, y = p / w + 0.5 - d->y;
        image.pixel[3 * p + (x * x + y * y < d->r * d->r)] = 200;
    }
    return image;
}

static void find_disc(const uint8_t *labels, int32_t w, int32_t h, disc *out)
{
    double n = 0, x = 0, y = 0;
    for (int32_t p = 0; p < w * h; p++) {
        assert_true(labels[p] < 2);
        n += labels[p];
        x += labels[p] * (p % w + 0.5);
        y += labels[p] * (p / w + 0.5);
    }
    assert_true(n > 0);
    *out = (disc){x / n, y / n, sqrt(n / acos(-1))};
}

/* Labels lie where the picture has what they are of, whichever way it came to the network: centre and radius of a disc
 * are found to a pixel. Probabilities lie over the whole picture. */
static void labels_lie_on_the_picture(void **state)
{
    static const int32_t size[][4] = {{300, 100, 64, 64}, {100, 300, 64, 64}, {301, 97, 64, 64},  {240, 120, 33, 64},
                                      {90, 30, 64, 64},   {64, 64, 64, 64},   {120, 120, 48, 96}, {97, 301, 64, 40}};
    static const fpc_model_vtbl colours = {.size = sizeof colours, .build = build_colours};
    static uint8_t labels[301 * 301];
    static float grid[96 * 96 * 3];
    bench b;
    (void)state;
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int k = 0; k < 6; k++) {
            const int32_t w = size[i][0], h = size[i][1], fw = size[i][2], fh = size[i][3];
            const disc at = {w * 0.6, h * 0.4, fmin(w, h) * 0.3};
            const fpc_tta how = {.n_scales = 1, .scale = {1}, .flip = k >= 3, .exchange = 0};
            fpc_tta_run *run;
            disc found;
            bench_experiment(&b, TINY, "", FPC_OPEN_BACKEND);
            b.s->model.vtbl = &colours;
            b.s->classes = 3;
            b.s->info.fit = k % 3;
            const fpc_image picture = draw_disc(b.arena, w, h, &at);
            assert_int_equal(fpc_tta_open(b.s, b.arena, &how, fh, fw, &run), FPC_OK);
            if (fpc_tta_mask(run, b.arena, &picture, labels))
                fail_msg("%s", fpc_ctx_error(b.ctx));
            find_disc(labels, w, h, &found);
            if (!(fabs(found.x - at.x) < 1 && fabs(found.y - at.y) < 1 && fabs(found.r - at.r) < 1))
                fail_msg("%d x %d in %d x %d, %d: %g, %g, %g instead of %g, %g, %g", w, h, fw, fh, k, found.x, found.y,
                         found.r, at.x, at.y, at.r);
            assert_int_equal(fpc_tta_grid(run, b.arena, &picture, grid), FPC_OK);
            for (int32_t p = 0; p < fw * fh; p++) {
                const float *q = grid + 3 * p;
                assert_true(fabs(q[0] + q[1] + q[2] - 1) < 1e-5 && (q[2] < q[0] || q[2] < q[1]));
                labels[p] = q[1] > q[0];
            }
            find_disc(labels, fw, fh, &found);
            if (!(fabs(found.x - at.x * fw / w) < 1 && fabs(found.y - at.y * fh / h) < 1))
                fail_msg("the grid of %d x %d in %d x %d, %d: %g, %g", w, h, fw, fh, k, found.x, found.y);
            bench_free(&b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(options),  cmocka_unit_test(plain),
                                       cmocka_unit_test(symmetry), cmocka_unit_test(constant),
                                       cmocka_unit_test(golden),   cmocka_unit_test(labels_lie_on_the_picture)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
