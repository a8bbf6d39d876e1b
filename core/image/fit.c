/* fit.c: how pictures of all shapes come into the one frame that a network sees: where a picture lies in it, and the
 * picture and the mask that are made so. What training does to a sample and prediction to a picture is the same code,
 * and the way back (experiment/tta.c) begins at the same boxes. All of it is whole numbers, so that a box is the same
 * on every machine. */
#include "image/image.h"
#include <string.h>

/* a * b / c, to the nearest, 1 at least. Sides are at most FPC_IMAGE_SIDE, so that nothing runs over. */
static int32_t share(int64_t a, int64_t b, int64_t c)
{
    const int64_t near = (2 * a * b + c) / (2 * c);

    return near < 1 ? 1 : (int32_t)near;
}

void fpc_fit_place(fpc_fit fit, int32_t w, int32_t h, int32_t frame_w, int32_t frame_h, fpc_fitted *out)
{
    const int wider = (int64_t)w * frame_h > (int64_t)frame_w * h; /* than the frame, in proportion */

    *out = (fpc_fitted){{0, 0, w, h}, {0, 0, frame_w, frame_h}};
    if (fit == FPC_FIT_PAD) {
        if (wider)
            out->to.h = share(frame_w, h, w);
        else
            out->to.w = share(frame_h, w, h);
    } else if (fit == FPC_FIT_CROP) {
        if (wider)
            out->from.w = share(frame_w, h, frame_h);
        else
            out->from.h = share(frame_h, w, frame_w);
    }
    out->to.x = (frame_w - out->to.w) / 2;
    out->to.y = (frame_h - out->to.h) / 2;
    out->from.x = (w - out->from.w) / 2;
    out->from.y = (h - out->from.h) / 2;
}

/* ---- names ---- */

static const char *const names[] = {"squeeze", "pad", "crop"};

const char *fpc_fit_name(int32_t fit)
{
    return fit >= 0 && fit < (int32_t)(sizeof names / sizeof *names) ? names[fit] : "squeeze";
}

int32_t fpc_fit_named(const char *name)
{
    for (int32_t i = 0; i < (int32_t)(sizeof names / sizeof *names); i++)
        if (!strcmp(name, names[i]))
            return i;
    return -1;
}

/* ---- pictures and masks ---- */

static int is_whole(const fpc_box *box, int32_t w, int32_t h)
{
    return box->w == w && box->h == h;
}

static fpc_status cut(fpc_arena *arena, const fpc_image *in, const fpc_box *box, fpc_image *out)
{
    const size_t row = (size_t)box->w * (size_t)in->c;

    *out = (fpc_image){box->w, box->h, in->c, fpc_alloc(arena, row * (size_t)box->h)};
    for (int32_t y = 0; out->pixel && y < box->h; y++)
        memcpy(out->pixel + (size_t)y * row, in->pixel + (((int64_t)box->y + y) * in->w + box->x) * in->c, row);
    return out->pixel ? FPC_OK : FPC_ENOMEM;
}

/* Into a frame of w x h that is `fill` elsewhere. */
static fpc_status paste(fpc_arena *arena, const fpc_image *in, const fpc_box *box, int32_t w, int32_t h, uint8_t fill,
                        fpc_image *out)
{
    const size_t bytes = (size_t)w * (size_t)h * (size_t)in->c, row = (size_t)in->w * (size_t)in->c;
    fpc_image made = {w, h, in->c, fpc_alloc(arena, bytes)};

    if (!made.pixel)
        return FPC_ENOMEM;
    memset(made.pixel, fill, bytes);
    for (int32_t y = 0; y < in->h; y++)
        memcpy(made.pixel + (((int64_t)box->y + y) * w + box->x) * in->c, in->pixel + (size_t)y * row, row);
    *out = made;
    return FPC_OK;
}

fpc_status fpc_image_fit(fpc_ctx *ctx, fpc_arena *arena, const fpc_image *in, fpc_fit fit, int32_t w, int32_t h,
                         fpc_image *out)
{
    fpc_image now = *in;
    fpc_fitted at;
    fpc_status status;

    if (in->w < 1 || in->h < 1 || w < 1 || h < 1) /* which has its sentence there */
        return fpc_image_resize(ctx, arena, in, w, h, out);
    fpc_fit_place(fit, in->w, in->h, w, h, &at);
    if (!is_whole(&at.from, in->w, in->h) && (status = cut(arena, in, &at.from, &now)))
        return status;
    if ((status = fpc_image_resize(ctx, arena, &now, at.to.w, at.to.h, &now)))
        return status;
    if (!is_whole(&at.to, w, h))
        return paste(arena, &now, &at.to, w, h, 0, out);
    *out = now;
    return FPC_OK;
}

/* The pixel of a mask at the middle of the i-th of `n` steps through a box of a picture: the mask is `size` long where
 * the picture is `whole`. */
static int64_t nearest(int64_t i, int64_t n, int64_t at, int64_t length, int64_t size, int64_t whole)
{
    return (2 * at * n + (2 * i + 1) * length) * size / (2 * n * whole);
}

fpc_status fpc_mask_fit(fpc_ctx *ctx, fpc_arena *arena, const fpc_image *in, int32_t of_w, int32_t of_h, fpc_fit fit,
                        int32_t w, int32_t h, uint8_t border, fpc_image *out)
{
    fpc_fitted at;

    if (fit == FPC_FIT_SQUEEZE || in->c != 1 || in->w < 1 || in->h < 1 || of_w < 1 || of_h < 1 || w < 1 || h < 1)
        return fpc_mask_resize(ctx, arena, in, w, h, out);
    fpc_fit_place(fit, of_w, of_h, w, h, &at);
    fpc_image seen = {at.to.w, at.to.h, 1, fpc_alloc(arena, (size_t)at.to.w * (size_t)at.to.h)};
    if (!seen.pixel)
        return FPC_ENOMEM;
    for (int32_t y = 0; y < seen.h; y++) {
        const uint8_t *from = in->pixel + nearest(y, seen.h, at.from.y, at.from.h, in->h, of_h) * in->w;
        for (int32_t x = 0; x < seen.w; x++)
            seen.pixel[(int64_t)y * seen.w + x] = from[nearest(x, seen.w, at.from.x, at.from.w, in->w, of_w)];
    }
    if (!is_whole(&at.to, w, h))
        return paste(arena, &seen, &at.to, w, h, border, out);
    *out = seen;
    return FPC_OK;
}
