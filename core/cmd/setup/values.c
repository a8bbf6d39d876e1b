/* values.c: what the masks of a layout hold: each value with its pixels and pictures, and how large the pictures are.
 * All masks are read: a value that shows up in one of a thousand would stop the training that the recipe promises. */
#include "cmd/setup/setup.h"
#include "base/clock.h"
#include "base/message.h"
#include "cmd/line/terminal.h"

#include <fpcore/image.h>

#include <stdlib.h>
#include <string.h>

/* Values of 16 bits; classes at most; values that a mask of classes hardly holds. */
enum { NUMBERS = 65536, CLASSES = 256, SMOOTHED = 64 };
/* Pictures whose parts are counted, where masks come in parts: their names tell the classes, and the numbers are to
 * choose by. */
enum { COUNTED = 1000 };

typedef struct census {
    fpc_ctx *ctx;
    const fpc_layout *layout;
    fpc_mask_values *out;
    int64_t *pixels, *pictures, *last; /* by number; last: the mask that was counted last, from 1 on */
    int32_t n_colours;
    fpc_mask_value colour[CLASSES];
    int64_t seen_in[CLASSES]; /* of colours, as last */
    const char *first;        /* mask file, for messages */
    int64_t n_sizes;
    int32_t *w, *h;
} census;

static fpc_status many(const census *c, const char *path)
{
    return fpc_fail(c->ctx, FPC_EFORMAT,
                    "%s: the mask holds more than %d different %s, as one does that was smoothed, enlarged or stored "
                    "with losses; masks have one value for each class",
                    path, SMOOTHED, c->out->colours ? "colours" : "values");
}

static fpc_status count_colours(census *c, const char *path, const fpc_image *mask)
{
    int at = -1, kinds = 0;

    for (int64_t i = 0; i < (int64_t)mask->w * mask->h; i++) {
        const uint8_t *p = mask->pixel + 3 * i;
        const uint32_t rgb = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        if (at < 0 || c->colour[at].value != rgb)
            for (at = 0; at < c->n_colours && c->colour[at].value != rgb;)
                at++;
        if (at == CLASSES)
            return fpc_fail(c->ctx, FPC_EFORMAT,
                            "%s: with this mask there are more than %d different colours in the %lld masks up to it; "
                            "there are at most %d classes, each in a colour that is the same in all masks",
                            path, CLASSES, (long long)c->out->masks, CLASSES);
        if (at == c->n_colours)
            c->colour[c->n_colours++] = (fpc_mask_value){.value = rgb};
        c->colour[at].pixels++;
        if (c->seen_in[at] == c->out->masks)
            continue;
        c->seen_in[at] = c->out->masks;
        c->colour[at].pictures++;
        if (++kinds > SMOOTHED)
            return many(c, path);
    }
    return FPC_OK;
}

static fpc_status count_numbers(census *c, const char *path, const fpc_image *mask)
{
    int kinds = 0;

    for (int64_t i = 0; i < (int64_t)mask->w * mask->h; i++) {
        const int value = mask->c == 2 ? mask->pixel[2 * i] << 8 | mask->pixel[2 * i + 1] : mask->pixel[i];
        c->pixels[value]++;
        if (c->last[value] == c->out->masks)
            continue;
        c->last[value] = c->out->masks;
        c->pictures[value]++;
        if (++kinds > SMOOTHED)
            return many(c, path);
    }
    return FPC_OK;
}

static fpc_status take_mask(census *c, fpc_arena *scratch, const char *path)
{
    fpc_image mask;
    const fpc_status status =
        fpc_image_open(c->ctx, scratch, path, FPC_IMAGE_MASK | FPC_IMAGE_CODED | FPC_IMAGE_STORED, &mask, NULL);

    if (status)
        return status;
    if (c->out->masks++ && c->out->colours != (mask.c == 3))
        return fpc_fail(c->ctx, FPC_EFORMAT, "%s: a mask in %s, but %s is one in %s; all have to be of one kind", path,
                        mask.c == 3 ? "RGB" : "grey or palette", c->first, mask.c == 3 ? "grey or palette" : "RGB");
    c->out->colours = mask.c == 3;
    c->out->pixels += (int64_t)mask.w * mask.h;
    return mask.c == 3 ? count_colours(c, path, &mask) : count_numbers(c, path, &mask);
}

/* As above of masks in parts, of pictures that are spread over the set. */
static fpc_status take_parts(census *c, fpc_arena *scratch, int64_t pair)
{
    const int64_t step = c->layout->train.n / COUNTED + 1;
    int64_t pixels;

    if (pair % step)
        return FPC_OK;
    const fpc_status status = fpc_cut_count(c->ctx, scratch, c->layout, pair, &pixels);
    c->out->masks++;
    c->out->pixels += pixels;
    return status;
}

static fpc_status take_size(census *c, const char *path)
{
    const int64_t i = c->n_sizes;
    const fpc_status status = fpc_image_size(c->ctx, path, &c->w[i], &c->h[i]);

    if (status)
        return status;
    const double ratio = (double)c->w[i] / c->h[i];
    c->out->squares += c->w[i] == c->h[i];
    c->out->broadest = !i || ratio > c->out->broadest ? ratio : c->out->broadest;
    c->out->narrowest = !i || ratio < c->out->narrowest ? ratio : c->out->narrowest;
    c->n_sizes++;
    return FPC_OK;
}

/* first: keeps the name of the first mask. */
static fpc_status take_pairs(census *c, fpc_arena *first, fpc_arena *scratch, const fpc_pairs *p, int64_t *done,
                             int64_t total, double began)
{
    fpc_status status = FPC_OK;

    for (int64_t i = 0; i < p->n && !status; i++) {
        const char *image = fpc_sprintf(scratch, "%s/%s/%s", c->layout->root, p->images, p->image[i]);
        const char *mask = p->masks ? fpc_sprintf(scratch, "%s/%s/%s", c->layout->root, p->masks, p->mask[i]) : "";
        if (!image || !mask)
            return FPC_ENOMEM;
        if (fpc_ctx_cancelled(c->ctx))
            return fpc_fail(c->ctx, FPC_ECANCEL, "interrupted; nothing is written");
        if (!(status = take_size(c, image)) && p->masks) {
            if (!c->first)
                c->first = fpc_strdup(first, mask);
            status = c->layout->cut ? take_parts(c, scratch, i) : take_mask(c, scratch, mask);
        }
        fpc_arena_reset(scratch);
        fpc_show_progress(++*done, total, "masks", began);
    }
    return status;
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = ((const fpc_mask_value *)a)->value, y = ((const fpc_mask_value *)b)->value;
    return (x > y) - (x < y);
}

static int by_number(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Binary masks that were smoothed: nearly all is 0 or 255, and many other values have the rest. */
static int is_smoothed(const fpc_mask_values *v)
{
    enum { FEW = 8 };
    int64_t ends = 0;

    for (int32_t i = 0; i < v->n; i++)
        if (!v->value[i].value || v->value[i].value == (v->colours ? 0xffffffu : 255u))
            ends += v->value[i].pixels;
    return v->n > FEW && ends * 10 > v->pixels * 9 && v->value[v->n - 1].value == (v->colours ? 0xffffffu : 255u);
}

static fpc_status conclude(census *c, fpc_arena *arena)
{
    fpc_mask_values *v = c->out;
    fpc_mask_value *list = fpc_alloc(arena, (CLASSES + 1) * sizeof *list);

    if (!list)
        return FPC_ENOMEM;
    for (int32_t i = 0; v->colours && i < c->n_colours; i++)
        list[v->n++] = c->colour[i];
    for (int32_t i = 0; !v->colours && i < NUMBERS && v->n <= CLASSES; i++)
        if (c->pixels[i])
            list[v->n++] = (fpc_mask_value){(uint32_t)i, c->pixels[i], c->pictures[i]};
    qsort(list, (size_t)v->n, sizeof *list, by_value);
    v->value = list;
    qsort(c->w, (size_t)c->n_sizes, sizeof *c->w, by_number);
    qsort(c->h, (size_t)c->n_sizes, sizeof *c->h, by_number);
    v->w = c->w[c->n_sizes / 2];
    v->h = c->h[c->n_sizes / 2];
    v->pictures = c->n_sizes;
    if (c->layout->cut)
        return fpc_cut_conclude(arena, c->layout, v);
    if (v->n > CLASSES)
        return fpc_fail(c->ctx, FPC_EFORMAT,
                        "%s and the other masks hold more than %d different values; there are at most %d classes",
                        c->first, CLASSES, CLASSES);
    if (is_smoothed(v))
        return fpc_fail(c->ctx, FPC_EFORMAT,
                        "%s and the other masks are in black and white, but for %d values in between, as those that "
                        "were smoothed or stored with losses; masks have one value for each class: 0 below 128 and 255 "
                        "from there on would mend them",
                        c->first, v->n - 2);
    if (v->n < 2)
        return fpc_fail(c->ctx, FPC_EFORMAT,
                        "%s and the other masks hold one %s alone, so that there is nothing to tell apart; masks have "
                        "a value for each class",
                        c->first, v->colours ? "colour" : "value");
    return FPC_OK;
}

fpc_status fpc_mask_values_read(fpc_ctx *ctx, fpc_arena *arena, const fpc_layout *layout, fpc_mask_values *out)
{
    const fpc_pairs *const part[] = {&layout->train, &layout->val, &layout->test};
    const int64_t total = layout->train.n + layout->val.n + layout->test.n;
    const double began = fpc_clock_now();
    fpc_arena *scratch = fpc_arena_new(ctx);
    census *c = fpc_alloc(arena, sizeof *c);
    fpc_status status = scratch && c ? FPC_OK : FPC_ENOMEM;
    int64_t done = 0;

    *out = (fpc_mask_values){0};
    if (!status) {
        *c = (census){.ctx = ctx, .layout = layout, .out = out};
        c->pixels = fpc_alloc(arena, NUMBERS * sizeof *c->pixels);
        c->pictures = fpc_alloc(arena, NUMBERS * sizeof *c->pictures);
        c->last = fpc_alloc(arena, NUMBERS * sizeof *c->last);
        c->w = fpc_alloc(arena, (size_t)total * sizeof *c->w);
        c->h = fpc_alloc(arena, (size_t)total * sizeof *c->h);
        status = c->pixels && c->pictures && c->last && c->w && c->h ? FPC_OK : FPC_ENOMEM;
    }
    for (int i = 0; i < 3 && !status; i++)
        status = take_pairs(c, arena, scratch, part[i], &done, total, began);
    fpc_end_progress();
    if (!status)
        status = conclude(c, arena);
    fpc_arena_free(scratch);
    return status;
}
