/* test_fit.c: where pictures of all shapes lie in a frame (image/fit.c): what holds for any sizes, drawn at random, and
 * that pictures and masks come to just those places. */
#include <stdlib.h>
#include <string.h>
#include "pixels.h"

enum { ROUNDS = 3000, MOST = 90 };

static int32_t side(int32_t most)
{
    return 1 + rand() % most;
}

static fpc_image noise(int32_t w, int32_t h, int32_t c)
{
    fpc_image image = {w, h, c, fpc_alloc(arena, (size_t)w * (size_t)h * (size_t)c)};

    assert_non_null(image.pixel);
    for (int32_t i = 0; i < w * h * c; i++)
        image.pixel[i] = (uint8_t)(1 + rand() % 200); /* neither black nor the border's label */
    return image;
}

static fpc_image part(const fpc_image *of, const fpc_box *box)
{
    fpc_image out = {box->w, box->h, of->c, fpc_alloc(arena, (size_t)box->w * (size_t)box->h * (size_t)of->c)};

    for (int32_t y = 0; y < box->h; y++)
        memcpy(out.pixel + (int64_t)y * box->w * of->c, of->pixel + ((int64_t)(box->y + y) * of->w + box->x) * of->c,
               (size_t)(box->w * of->c));
    return out;
}

static int is_in(const fpc_box *box, int32_t x, int32_t y)
{
    return x >= box->x && x < box->x + box->w && y >= box->y && y < box->y + box->h;
}

static void same(const fpc_image *a, const fpc_image *b)
{
    assert_true(a->w == b->w && a->h == b->h && a->c == b->c);
    assert_memory_equal(a->pixel, b->pixel, (size_t)a->w * (size_t)a->h * (size_t)a->c);
}

/* One side is whole, the other as long as the ratio says, to half a pixel, and in the middle. */
static void check_axis(int32_t whole, int32_t at, int32_t length, int64_t num, int64_t den)
{
    assert_true(length >= 1 && at >= 0 && at + length <= whole);
    assert_in_range(whole - length - 2 * at, 0, 1);
    if (length != whole && length > 1)
        assert_true(llabs(2 * (length * den - num)) <= den);
}

static void check_place(int32_t w, int32_t h, int32_t fw, int32_t fh)
{
    fpc_fitted pad, crop, squeeze;

    fpc_fit_place(FPC_FIT_SQUEEZE, w, h, fw, fh, &squeeze);
    assert_memory_equal(&squeeze, (&(fpc_fitted){{0, 0, w, h}, {0, 0, fw, fh}}), sizeof squeeze);
    fpc_fit_place(FPC_FIT_PAD, w, h, fw, fh, &pad);
    assert_memory_equal(&pad.from, &squeeze.from, sizeof pad.from);
    assert_true(pad.to.w == fw || pad.to.h == fh);
    check_axis(fw, pad.to.x, pad.to.w, (int64_t)fh * w, h);
    check_axis(fh, pad.to.y, pad.to.h, (int64_t)fw * h, w);
    fpc_fit_place(FPC_FIT_CROP, w, h, fw, fh, &crop);
    assert_memory_equal(&crop.to, &squeeze.to, sizeof crop.to);
    assert_true(crop.from.w == w || crop.from.h == h);
    check_axis(w, crop.from.x, crop.from.w, (int64_t)h * fw, fh);
    check_axis(h, crop.from.y, crop.from.h, (int64_t)w * fh, fw);
    if ((int64_t)w * fh == (int64_t)h * fw) {
        assert_memory_equal(&pad, &squeeze, sizeof pad);
        assert_memory_equal(&crop, &squeeze, sizeof crop);
    }
}

static void places(void **state)
{
    static const int32_t far[] = {1, 2, 3, 8191, 16383, 16384};
    fpc_fitted at;

    (void)state;
    for (int i = 0; i < 100 * ROUNDS; i++)
        check_place(side(400), side(400), side(400), side(400));
    for (int i = 0; i < 6 * 6 * 6 * 6; i++)
        check_place(far[i % 6], far[i / 6 % 6], far[i / 36 % 6], far[i / 216]);
    fpc_fit_place(FPC_FIT_PAD, 300, 100, 96, 96, &at);
    assert_true(at.to.x == 0 && at.to.y == 32 && at.to.w == 96 && at.to.h == 32);
    fpc_fit_place(FPC_FIT_CROP, 300, 100, 96, 96, &at);
    assert_true(at.from.x == 100 && at.from.y == 0 && at.from.w == 100 && at.from.h == 100);
}

/* Unpadded, it is the picture that was resized, or the picture itself; beside it nothing of it is left. */
static void padded(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const int plain = i % 3 == 0; /* the frame is longer on one side only, so that nothing is resized */
        const int32_t w = side(MOST), h = side(MOST);
        const int32_t fw = !plain  ? side(MOST)
                           : i % 2 ? w
                                   : w + side(30),
                      fh = !plain  ? side(MOST)
                           : i % 2 ? h + side(30)
                                   : h;
        fpc_arena_reset(arena);
        const fpc_image picture = noise(w, h, 3), mask = noise(w, h, 1);
        fpc_image seen, labels, want;
        fpc_fitted at;
        fpc_fit_place(FPC_FIT_PAD, w, h, fw, fh, &at);
        assert_int_equal(fpc_image_fit(ctx, arena, &picture, FPC_FIT_PAD, fw, fh, &seen), FPC_OK);
        assert_int_equal(fpc_mask_fit(ctx, arena, &mask, w, h, FPC_FIT_PAD, fw, fh, 255, &labels), FPC_OK);
        assert_true(seen.w == fw && seen.h == fh && labels.w == fw && labels.h == fh);
        fpc_image back = part(&seen, &at.to);
        assert_int_equal(fpc_image_resize(ctx, arena, &picture, at.to.w, at.to.h, &want), FPC_OK);
        same(&back, &want);
        if (plain)
            same(&back, &picture);
        back = part(&labels, &at.to);
        assert_int_equal(fpc_mask_resize(ctx, arena, &mask, at.to.w, at.to.h, &want), FPC_OK);
        same(&back, &want);
        if (plain)
            same(&back, &mask);
        for (int32_t p = 0; p < fw * fh; p++)
            if (!is_in(&at.to, p % fw, p / fw))
                assert_true(labels.pixel[p] == 255 && !seen.pixel[3 * p] && !seen.pixel[3 * p + 1] &&
                            !seen.pixel[3 * p + 2]);
            else
                assert_true(labels.pixel[p] != 255 && seen.pixel[3 * p]);
    }
}

static void cropped(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        const int32_t w = side(MOST), h = side(MOST), fw = side(MOST), fh = side(MOST);
        fpc_arena_reset(arena);
        const fpc_image picture = noise(w, h, 3), mask = noise(w, h, 1);
        fpc_image seen, labels, want;
        fpc_fitted at;
        fpc_fit_place(FPC_FIT_CROP, w, h, fw, fh, &at);
        assert_int_equal(fpc_image_fit(ctx, arena, &picture, FPC_FIT_CROP, fw, fh, &seen), FPC_OK);
        assert_int_equal(fpc_mask_fit(ctx, arena, &mask, w, h, FPC_FIT_CROP, fw, fh, 255, &labels), FPC_OK);
        const fpc_image middle = part(&picture, &at.from), its = part(&mask, &at.from);
        assert_int_equal(fpc_image_resize(ctx, arena, &middle, fw, fh, &want), FPC_OK);
        same(&seen, &want);
        assert_int_equal(fpc_mask_resize(ctx, arena, &its, fw, fh, &want), FPC_OK);
        same(&labels, &want);
    }
}

static void squeezed(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS / 10; i++) {
        const int32_t fw = side(MOST), fh = side(MOST);
        fpc_arena_reset(arena);
        const fpc_image picture = noise(side(MOST), side(MOST), 3), mask = noise(picture.w, picture.h, 1);
        fpc_image seen, want;
        assert_int_equal(fpc_image_fit(ctx, arena, &picture, FPC_FIT_SQUEEZE, fw, fh, &seen), FPC_OK);
        assert_int_equal(fpc_image_resize(ctx, arena, &picture, fw, fh, &want), FPC_OK);
        same(&seen, &want);
        assert_int_equal(fpc_mask_fit(ctx, arena, &mask, mask.w, mask.h, FPC_FIT_SQUEEZE, fw, fh, 255, &seen), FPC_OK);
        assert_int_equal(fpc_mask_resize(ctx, arena, &mask, fw, fh, &want), FPC_OK);
        same(&seen, &want);
    }
}

/* A mask that is k times as large as its picture, each label k x k pixels, says the same. */
static void larger_masks(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS / 3; i++) {
        const int32_t w = side(40), h = side(40), fw = side(40), fh = side(40), k = 2 + i % 3;
        const fpc_fit fit = i % 2 ? FPC_FIT_PAD : FPC_FIT_CROP;
        fpc_arena_reset(arena);
        const fpc_image mask = noise(w, h, 1);
        fpc_image large, a, b;
        assert_int_equal(fpc_mask_resize(ctx, arena, &mask, k * w, k * h, &large), FPC_OK);
        assert_int_equal(fpc_mask_fit(ctx, arena, &mask, w, h, fit, fw, fh, 255, &a), FPC_OK);
        assert_int_equal(fpc_mask_fit(ctx, arena, &large, w, h, fit, fw, fh, 255, &b), FPC_OK);
        same(&a, &b);
    }
}

static void refusals(void **state)
{
    fpc_image out;
    (void)state;
    const fpc_image mask = noise(3, 2, 1), picture = noise(3, 2, 3);
    for (int fit = FPC_FIT_SQUEEZE; fit <= FPC_FIT_CROP; fit++) {
        assert_int_equal(fpc_image_fit(ctx, arena, &mask, (fpc_fit)fit, 4, 4, &out), FPC_EINVAL);
        assert_int_equal(fpc_image_fit(ctx, arena, &picture, (fpc_fit)fit, 0, 4, &out), FPC_EINVAL);
        assert_int_equal(fpc_mask_fit(ctx, arena, &picture, 3, 2, (fpc_fit)fit, 4, 4, 255, &out), FPC_EINVAL);
        assert_int_equal(fpc_mask_fit(ctx, arena, &mask, 3, 2, (fpc_fit)fit, 4, -1, 255, &out), FPC_EINVAL);
        assert_int_equal(fpc_fit_named(fpc_fit_name(fit)), fit);
    }
    assert_int_equal(fpc_fit_named("stretch"), -1);
    assert_int_equal(fpc_fit_named(""), -1);
    assert_string_equal(fpc_fit_name(-1), "squeeze");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(places),       cmocka_unit_test(padded),
                                       cmocka_unit_test(cropped),      cmocka_unit_test(squeezed),
                                       cmocka_unit_test(larger_masks), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
