/* resize.c: pictures to another size. Bilinear with a triangle filter whose support grows when shrinking, first
 * along rows, then along columns, with weights in fixed point and bytes in between: the numbers of Pillow's BILINEAR,
 * which the recorded runs used. Masks take the nearest pixel. */
#include "image/codec.h"
#include <math.h>
#include <string.h>

enum { BITS = 22 }; /* of the weights: 255 * 2^22 * a little more than 1 fits into 32 bits */

struct filter {
    int32_t taps;   /* room per output */
    int32_t *first; /* input index of the first weight */
    int32_t *count;
    int32_t *weight; /* out x taps */
};

static fpc_status make_filter(fpc_arena *arena, int32_t in, int32_t out, struct filter *f)
{
    const double scale = (double)in / out, stretch = scale > 1 ? scale : 1;
    f->taps = (int32_t)ceil(stretch) * 2 + 1;
    f->first = fpc_alloc(arena, (size_t)out * sizeof(int32_t));
    f->count = fpc_alloc(arena, (size_t)out * sizeof(int32_t));
    f->weight = fpc_alloc(arena, (size_t)out * (size_t)f->taps * sizeof(int32_t));
    double *w = fpc_alloc(arena, (size_t)f->taps * sizeof(double));
    if (!f->first || !f->count || !f->weight || !w)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < out; i++) {
        const double middle = (i + 0.5) * scale;
        int32_t lo = (int32_t)(middle - stretch + 0.5), hi = (int32_t)(middle + stretch + 0.5);
        lo = lo < 0 ? 0 : lo;
        hi = hi > in ? in : hi;
        double sum = 0;
        for (int32_t k = 0; k < hi - lo; k++) {
            const double away = fabs((k + lo - middle + 0.5) / stretch);
            w[k] = away < 1 ? 1 - away : 0;
            sum += w[k];
        }
        for (int32_t k = 0; k < hi - lo; k++)
            f->weight[(int64_t)i * f->taps + k] = (int32_t)(0.5 + w[k] / sum * (1 << BITS));
        f->first[i] = lo;
        f->count[i] = hi - lo;
    }
    return FPC_OK;
}

static uint8_t to_byte(int32_t sum)
{
    const int32_t x = sum >> BITS;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

static void along_rows(const fpc_image *in, const struct filter *f, fpc_image *out)
{
    for (int32_t y = 0; y < in->h; y++)
        for (int32_t x = 0; x < out->w; x++) {
            const uint8_t *p = in->pixel + ((int64_t)y * in->w + f->first[x]) * 3;
            const int32_t *w = f->weight + (int64_t)x * f->taps;
            int32_t r = 1 << (BITS - 1), g = r, b = r;
            for (int32_t k = 0; k < f->count[x]; k++, p += 3) {
                r += p[0] * w[k];
                g += p[1] * w[k];
                b += p[2] * w[k];
            }
            uint8_t *to = out->pixel + ((int64_t)y * out->w + x) * 3;
            to[0] = to_byte(r), to[1] = to_byte(g), to[2] = to_byte(b);
        }
}

static void along_columns(const fpc_image *in, const struct filter *f, fpc_image *out)
{
    const int64_t stride = (int64_t)in->w * 3;
    for (int32_t y = 0; y < out->h; y++) {
        const uint8_t *from = in->pixel + f->first[y] * stride;
        const int32_t *w = f->weight + (int64_t)y * f->taps;
        for (int64_t x = 0; x < stride; x++) {
            int32_t sum = 1 << (BITS - 1);
            for (int32_t k = 0; k < f->count[y]; k++)
                sum += from[k * stride + x] * w[k];
            out->pixel[y * stride + x] = to_byte(sum);
        }
    }
}

static fpc_status make_image(fpc_ctx *ctx, fpc_arena *arena, int32_t w, int32_t h, int32_t c, fpc_image *out)
{
    if (w < 1 || h < 1 || w > FPC_IMAGE_SIDE || h > FPC_IMAGE_SIDE)
        return fpc_fail(ctx, FPC_EINVAL, "a picture cannot be resized to %d x %d; sides are 1 .. %d", w, h,
                        FPC_IMAGE_SIDE);
    *out = (fpc_image){w, h, c, fpc_alloc(arena, (size_t)w * (size_t)h * (size_t)c)};
    return out->pixel ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_image_resize(fpc_ctx *ctx, fpc_arena *arena, const fpc_image *in, int32_t w, int32_t h, fpc_image *out)
{
    if (in->c != 3 || in->w < 1 || in->h < 1)
        return fpc_fail(ctx, FPC_EINVAL, "only RGB pictures can be smoothed to another size; this one has %d channels",
                        in->c);
    fpc_image now = *in;
    for (int pass = 0; pass < 2; pass++) {
        const int32_t from = pass ? now.h : now.w, to = pass ? h : w;
        if (from == to)
            continue;
        struct filter f = {0};
        fpc_image next;
        fpc_status status = make_image(ctx, arena, pass ? now.w : w, pass ? h : now.h, 3, &next);
        if (status == FPC_OK)
            status = make_filter(arena, from, to, &f);
        if (status != FPC_OK)
            return status;
        if (pass)
            along_columns(&now, &f, &next);
        else
            along_rows(&now, &f, &next);
        now = next;
    }
    *out = now;
    return FPC_OK;
}

fpc_status fpc_mask_resize(fpc_ctx *ctx, fpc_arena *arena, const fpc_image *in, int32_t w, int32_t h, fpc_image *out)
{
    fpc_image made;
    if (in->c != 1 || in->w < 1 || in->h < 1)
        return fpc_fail(ctx, FPC_EINVAL, "a mask has one channel; this one has %d", in->c);
    const fpc_status status = make_image(ctx, arena, w, h, 1, &made);
    if (status != FPC_OK)
        return status;
    for (int32_t y = 0; y < h; y++) {
        const int64_t from = (2 * (int64_t)y + 1) * in->h / (2 * (int64_t)h) * in->w;
        for (int32_t x = 0; x < w; x++)
            made.pixel[(int64_t)y * w + x] = in->pixel[from + (2 * (int64_t)x + 1) * in->w / (2 * (int64_t)w)];
    }
    *out = made;
    return FPC_OK;
}
