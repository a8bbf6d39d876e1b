/* test_submit.c: a contest's archive: its masks and palette, and that the check after writing sees what is not as it
 * should be: each mistake is made on purpose and has to be told. */
#include "tiny.h"
#include "base/digest.h"
#include "image/image.h"
#include "cmd/submit/submit.h"
#include "weights/weights.h"
#include <fpcore/logger.h>
#include <unistd.h>

#define RECIPE TINY_DATA TINY_MODEL "dropout = 0\nlmsa = off\n" TINY_LOSS

static char path[64];

static void made(fpc_submit *s, fpc_cmdline *cmd, bench *b)
{
    bench_experiment(b, RECIPE, "dataset.test=3", OPEN_ALL);
    snprintf(path, sizeof path, "/var/tmp/fpcore-submit-%ld.zip", (long)getpid());
    *cmd = (fpc_cmdline){.ctx = b->ctx, .arena = b->arena};
    const char *weights = fpc_sprintf(b->arena, "%s.safetensors", path);
    *s = (fpc_submit){
        .cmd = cmd, .experiment = b->s, .out = path, .part = path, .weights = weights, .limit = FPC_SUBMIT_LIMIT};
    assert_int_equal(fpc_weights_save(b->ctx, b->s->state, weights, 0, NULL), FPC_OK);
    if (fpc_tta_read(b->ctx, "submit", NULL, 0, 0, &s->how) || fpc_tta_open(b->s, b->arena, &s->how, 32, 32, &s->tta) ||
        fpc_submit_masks(s) || fpc_submit_solution(s))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    unlink(weights);
}

static fpc_status put_and_check(fpc_submit *s)
{
    const void *data;
    size_t bytes;
    assert_int_equal(fpc_zip_make(s->cmd->ctx, s->cmd->arena, path, FPC_SUBMIT_MARK, s->n, s->entry, &data, &bytes),
                     FPC_OK);
    assert_int_equal(fpc_write_atomic(s->cmd->ctx, path, data, bytes), FPC_OK);
    return fpc_submit_check(s);
}

static void told(fpc_submit *s, const char *what)
{
    assert_int_not_equal(put_and_check(s), FPC_OK);
    if (!strstr(fpc_ctx_error(s->cmd->ctx), what))
        fail_msg("`%s` is not in: %s", what, fpc_ctx_error(s->cmd->ctx));
    fpc_ctx_clear(s->cmd->ctx);
}

static void whole(void **state)
{
    bench b;
    fpc_cmdline cmd;
    fpc_submit s;
    uint8_t palette[256][3], want[32 * 32];
    int32_t n;
    fpc_image mask;
    fpc_batch one;
    (void)state;
    made(&s, &cmd, &b);
    assert_int_equal(s.n_masks, 3);
    assert_int_equal(s.n, 9);
    for (int i = 0; i < 3; i++) {
        const fpc_zip_entry *e = &s.entry[i];
        assert_string_equal(e->name, fpc_sprintf(b.arena, "masks/%s.png", s.mask[i].stem));
        assert_int_equal(fpc_mask_decode(b.ctx, b.arena, e->name, e->data, e->bytes, &mask, palette, &n), FPC_OK);
        assert_true(n == 256 && mask.w == 32 && mask.h == 32);
        assert_memory_equal(palette, fpc_submit_palette, 48);
        assert_true(palette[9][0] == 191 && palette[16][1] == 16 && palette[255][2] == 255);
        assert_int_equal(fpc_data_read(b.s->data, b.arena, FPC_TEST, i, &one), FPC_OK);
        assert_int_equal(fpc_predict_step(b.s, 1, 32, 32, one.image, want), FPC_OK);
        assert_memory_equal(mask.pixel, want, sizeof want);
        assert_true(fpc_digest(want, sizeof want) == s.mask[i].digest);
    }
    if (put_and_check(&s))
        fail_msg("%s", fpc_ctx_error(b.ctx));
    unlink(path);
    bench_free(&b);
}

static void mistakes(void **state)
{
    static const uint8_t other[16][3] = {{1, 2, 3}};
    bench b;
    fpc_cmdline cmd;
    fpc_submit s;
    const uint8_t *data;
    size_t bytes;
    (void)state;
    made(&s, &cmd, &b);
    const fpc_zip_entry first = s.entry[0];
    const fpc_submit_mask mask = s.mask[0];
    fpc_image image = {32, 32, 1, fpc_alloc(b.arena, 1024)};
#define INSTEAD(palette_, n_)                                                                                          \
    assert_int_equal(fpc_png_encode(b.ctx, b.arena, "m", &image, palette_, n_, NULL, &data, &bytes), FPC_OK);          \
    s.entry[0].data = data;                                                                                            \
    s.entry[0].bytes = bytes
    memset(image.pixel, 3, 1024);
    INSTEAD(fpc_submit_palette, 16);
    told(&s, "not the labels that were predicted");
    INSTEAD(other, 16);
    told(&s, "the palette is not that of the contest");
    INSTEAD(NULL, 0);
    told(&s, "the palette is not that of the contest");
    memset(image.pixel, 19, 1024);
    INSTEAD(fpc_submit_palette, 16);
    told(&s, "label 19; there are 19 classes");
    image.h = 16;
    INSTEAD(fpc_submit_palette, 16);
    told(&s, "32 x 16, but the picture is 32 x 32");
    s.entry[0].bytes /= 2;
    told(&s, "broken PNG");
    s.entry[0] = first;
    s.entry[0].name = "masks/another.png";
    told(&s, fpc_sprintf(b.arena, "there is no mask for %s", mask.stem));
    s.entry[0].name = "mask/another.png";
    told(&s, "2 masks in 9 entries");
    s.entry[0] = first;
    const fpc_zip_entry last = s.entry[s.n - 1];
    s.entry[s.n - 1].name = "solution/require.txt";
    told(&s, "solution/requirements.txt is missing");
    s.entry[s.n - 1] = last;
    float *changed = fpc_alloc(b.arena, 65536 * sizeof *changed); /* the weights are others than those in the file */
    fpc_state_entry *e = &b.s->state->entry[0];
    assert_true(e->kind == FPC_STATE_PARAM && e->count <= 65536);
    assert_int_equal(fpc_state_get(b.s->state, e, changed), FPC_OK);
    changed[0] += 1;
    assert_int_equal(fpc_state_set(b.s->state, e, changed), FPC_OK);
    told(&s, "is not the model's");
    unlink(path);
    assert_int_equal(fpc_submit_check(&s), FPC_EIO);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "cannot be read back"));
    bench_free(&b);
}

static void no_test_part(void **state)
{
    bench b;
    (void)state;
    bench_experiment(&b, RECIPE, "dataset.test=0", OPEN_ALL);
    fpc_cmdline cmd = {.ctx = b.ctx, .arena = b.arena};
    fpc_submit s = {.cmd = &cmd, .experiment = b.s, .out = path};
    assert_int_equal(fpc_submit_masks(&s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "the data set has no test pictures"));
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(mistakes),
                                       cmocka_unit_test(no_test_part)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
