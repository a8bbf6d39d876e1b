/* cut.c: masks that come in parts: images/7.jpg and masks/7_skin.png, masks/7_hair.png, or these in folders of masks,
 * as CelebAMask-HQ has them. What they are called after their pictures' names are the classes. Files say nothing of
 * which part lies over which, so the smaller lie over the larger, unless the set is known. */
#define _GNU_SOURCE
#include "cmd/setup/pairs.h"
#include "base/message.h"

#include <fpcore/image.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Classes at most; pictures whose parts are looked at, spread over the set. */
enum { CLASSES = FPC_CUT_CLASSES, LOOKED = 8 };

static const char *const image_names[] = {"images", "image",    "imgs",          "img", "JPEGImages",
                                          "photos", "pictures", "CelebA-HQ-img", NULL};
static const char *const cut_names[] = {"parts", "masks", "mask",        "labels", "annotations",
                                        "anno",  "annot", "annotations", "gt",     "CelebAMask-HQ-mask-anno",
                                        NULL};

/* ---- names ---- */
/* What pictures and parts share of their names, as dataset/folder has it: 00007 and 7 are one number. */
static const char *key_of(const char *stem)
{
    if (stem[strspn(stem, "0123456789")])
        return stem;
    while (stem[0] == '0' && stem[1])
        stem++;
    return stem;
}

typedef struct named {
    const char *key;
    int64_t picture;
} named;

static int by_key(const void *a, const void *b)
{
    return strcmp(((const named *)a)->key, ((const named *)b)->key);
}

static named *keys_of(fpc_finder *f, const fpc_listing *images)
{
    named *list = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *list);

    for (int64_t i = 0; list && i < images->n && !f->status; i++) {
        const char *name = images->name[i];
        const char *stem = fpc_sprintf(f->arena, "%.*s", (int)(strrchr(name, '.') - name), name);
        if (!stem)
            f->status = FPC_ENOMEM;
        else
            list[i] = (named){key_of(stem), i};
    }
    if (list && !f->status)
        qsort(list, (size_t)images->n, sizeof *list, by_key);
    f->status = list ? f->status : FPC_ENOMEM;
    return list;
}

static int64_t find_picture(const named *keys, int64_t n, const char *stem)
{
    const named key = {key_of(stem), 0}, *hit = bsearch(&key, keys, (size_t)n, sizeof key, by_key);

    return hit ? hit->picture : -1;
}

/* Whether a class can be called so: what files of classes and terminals read without ado. */
static int is_name(const char *tail)
{
    for (const char *p = tail; *p; p++)
        if ((unsigned char)*p < 0x80 && !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p))
            return 0;
    return *tail != 0 && !fpc_pairs_suffix(tail);
}

/* What a file is to the pictures: a part of one of them (the longest name that fits), none of theirs, or something
 * else, so that the folder is not one of parts. */
enum { NOT_THEIRS = -1, NO_PART = -2 };
static int64_t picture_of(fpc_finder *f, const named *keys, int64_t n, const char *file, const char **tail)
{
    const char *dot = strrchr(file, '.');
    char *stem = fpc_sprintf(f->arena, "%.*s", (int)(dot - file), file);

    if (!stem)
        f->status = FPC_ENOMEM;
    if (!stem || strcasecmp(dot, ".png") != 0 || find_picture(keys, n, stem) >= 0) /* a whole mask */
        return NO_PART;
    for (char *line = strrchr(stem, '_'); line && line > stem; line = memrchr(stem, '_', (size_t)(line - stem))) {
        *line = 0;
        const int64_t picture = find_picture(keys, n, stem);
        *line = '_';
        *tail = line + 1;
        if (picture >= 0)
            return is_name(*tail) ? picture : NO_PART;
    }
    return NOT_THEIRS; /* masks may be of more pictures than are here */
}

/* The place of a class; -1: there are too many to be any. */
static int32_t class_of(fpc_cut *cut, const char *tail)
{
    int32_t i = 0;

    while (i < cut->classes && strcmp(cut->class[i].name, tail) != 0)
        i++;
    if (i == CLASSES)
        return -1;
    if (i == cut->classes) /* a new one */
        cut->class[cut->classes++].name = tail;
    return i;
}

static int by_picture(const void *a, const void *b)
{
    const fpc_cut_part *x = a, *y = b;

    return x->picture != y->picture ? (x->picture > y->picture) - (x->picture < y->picture) : x->label - y->label;
}

/* The parts of a folder among those that were found; 0: it holds something else. sub: in the folder of masks, "": it.
 */
static int take_folder(fpc_finder *f, const named *keys, int64_t n, const fpc_listing *l, const char *sub, fpc_cut *cut)
{
    for (int64_t i = 0; i < l->n && !f->status; i++) {
        const char *tail = "";
        const int64_t picture = picture_of(f, keys, n, l->name[i], &tail);
        const int32_t label = picture < 0 ? NOT_THEIRS : class_of(cut, tail);
        if (picture == NO_PART || (picture >= 0 && label < 0))
            return 0;
        if (picture == NOT_THEIRS)
            continue;
        if (cut->n == cut->room) {
            const int64_t more = cut->room ? 2 * cut->room : 256;
            fpc_cut_part *larger = fpc_alloc(f->arena, (size_t)more * sizeof *larger);
            if (!larger) {
                f->status = FPC_ENOMEM;
                return 0;
            }
            if (cut->n)
                memcpy(larger, cut->part, (size_t)cut->n * sizeof *larger);
            cut->part = larger;
            cut->room = more;
        }
        cut->part[cut->n++] = (fpc_cut_part){picture, label, *sub ? fpc_finder_join(f, sub, l->name[i]) : l->name[i]};
    }
    return !f->status;
}

/* ---- pixels ---- */

/* Counts the pixels of a part, and those that no part of its picture had before. */
static fpc_status count_part(fpc_ctx *ctx, fpc_arena *scratch, const char *path, fpc_image *all, int64_t *own,
                             int64_t *more)
{
    fpc_image image;
    uint32_t on = 0;
    const fpc_status status =
        fpc_image_open(ctx, scratch, path, FPC_IMAGE_MASK | FPC_IMAGE_CODED | FPC_IMAGE_STORED, &image, NULL);

    if (status)
        return status;
    if (!all->pixel) {
        *all = (fpc_image){image.w, image.h, 1, fpc_alloc(scratch, (size_t)image.w * (size_t)image.h)};
        if (!all->pixel)
            return FPC_ENOMEM;
    }
    if (image.w != all->w || image.h != all->h)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: %d x %d, but another part of its picture is %d x %d; all have to agree",
                        path, image.w, image.h, all->w, all->h);
    for (int64_t i = 0; i < (int64_t)image.w * image.h; i++) {
        uint32_t value = 0;
        for (int32_t c = 0; c < image.c; c++)
            value = value << 8 | image.pixel[i * image.c + c];
        if (!value)
            continue;
        if (on && value != on)
            return fpc_fail(ctx, FPC_EFORMAT,
                            "%s: a part is black where its class is not and of one value where it is; this one has "
                            "several",
                            path);
        on = value;
        ++*own;
        *more += !all->pixel[i];
        all->pixel[i] = 1;
    }
    return FPC_OK;
}

fpc_status fpc_cut_count(fpc_ctx *ctx, fpc_arena *scratch, const fpc_layout *layout, int64_t pair, int64_t *pixels)
{
    fpc_cut *cut = layout->cut;
    fpc_image all = {0};
    int64_t covered = 0;
    fpc_status status = FPC_OK;

    for (int64_t i = cut->first[pair]; i < cut->first[pair + 1] && !status; i++) {
        fpc_cut_class *class = &cut->class[cut->part[i].label];
        const char *path = fpc_sprintf(scratch, "%s/%s/%s", layout->root, layout->train.masks, cut->part[i].name);
        int64_t own = 0;
        status = path ? count_part(ctx, scratch, path, &all, &own, &covered) : FPC_ENOMEM;
        class->pixels += own;
        class->pictures += own > 0;
    }
    *pixels = (int64_t)all.w * all.h;
    cut->ground += *pixels - covered;
    cut->with_ground += *pixels > covered;
    return status;
}

/* Larger ones first, by the mean of the pictures that show them. */
static int by_area(const void *a, const void *b)
{
    const fpc_cut_class *x = a, *y = b;
    const double p = (double)x->pixels * (double)(y->pictures ? y->pictures : 1),
                 q = (double)y->pixels * (double)(x->pictures ? x->pictures : 1);

    return p != q ? (p < q) - (p > q) : strcmp(x->name, y->name);
}

fpc_status fpc_cut_conclude(fpc_arena *arena, const fpc_layout *layout, fpc_mask_values *v)
{
    fpc_cut *cut = layout->cut;
    fpc_mask_value *value = fpc_alloc(arena, ((size_t)cut->classes + 1) * sizeof *value);

    if (!value)
        return FPC_ENOMEM;
    qsort(cut->class, (size_t)cut->classes, sizeof *cut->class, by_area);
    value[0] = (fpc_mask_value){0, cut->ground, cut->with_ground};
    for (int32_t i = 0; i < cut->classes; i++)
        value[i + 1] = (fpc_mask_value){(uint32_t)i + 1, cut->class[i].pixels, cut->class[i].pictures};
    v->value = value;
    v->n = cut->classes + 1;
    return FPC_OK;
}

/* Whether the parts of the first pictures are in black and one value: else they are whole masks of several kinds. */
static int are_parts(fpc_finder *f, const char *masks, const fpc_cut *cut)
{
    fpc_arena *scratch = fpc_arena_new(f->ctx);
    int yes = scratch != NULL, pictures = 0;
    fpc_image all = {0};
    int64_t own = 0, more = 0;

    for (int64_t i = 0; i < cut->n && yes && pictures < LOOKED; i++) {
        if (i && cut->part[i].picture != cut->part[i - 1].picture) {
            fpc_arena_reset(scratch);
            all = (fpc_image){0};
            pictures++;
        }
        const char *path = fpc_sprintf(scratch, "%s/%s/%s", f->out->root, masks, cut->part[i].name);
        if (!path || count_part(f->ctx, scratch, path, &all, &own, &more)) {
            fpc_ctx_clear(f->ctx);
            yes = 0;
        }
    }
    if (scratch)
        fpc_arena_free(scratch);
    return yes;
}

/* ---- finding ---- */

static fpc_cut *cut_of(fpc_finder *f, const fpc_listing *images, const fpc_listing *masks)
{
    fpc_cut *cut = fpc_alloc(f->arena, sizeof *cut);
    const named *keys = keys_of(f, images);

    if (!cut || !keys) {
        f->status = FPC_ENOMEM;
        return NULL;
    }
    int fits = take_folder(f, keys, images->n, masks, "", cut);
    for (int64_t i = 0; i < masks->n_subs && fits; i++) {
        const fpc_listing l = fpc_finder_look(f, fpc_finder_join(f, masks->sub, masks->subs[i]));
        fits = take_folder(f, keys, images->n, &l, masks->subs[i], cut);
    }
    if (!fits || cut->classes < 2 || f->status)
        return NULL;
    qsort(cut->part, (size_t)cut->n, sizeof *cut->part, by_picture);
    return are_parts(f, masks->sub, cut) ? cut : NULL;
}

/* The pictures that have parts. */
static void list_pairs(fpc_finder *f, const fpc_listing *images, const fpc_listing *masks, fpc_cut *cut)
{
    fpc_pairs *p = &f->out->train;

    *p = (fpc_pairs){.images = images->sub, .masks = masks->sub, .image_suffix = "", .mask_suffix = ""};
    p->image = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *p->image);
    p->mask = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *p->mask);
    cut->first = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *cut->first);
    if (!p->image || !p->mask || !cut->first) {
        f->status = FPC_ENOMEM;
        return;
    }
    for (int64_t i = 0; i < cut->n; i++)
        if (!i || cut->part[i].picture != cut->part[i - 1].picture) {
            cut->first[p->n] = i;
            p->image[p->n] = images->name[cut->part[i].picture];
            p->mask[p->n++] = cut->part[i].name;
        }
    cut->first[p->n] = cut->n;
    p->alone = images->n - p->n;
}

int fpc_cut_find(fpc_finder *f, const fpc_listing *top)
{
    fpc_named images = {.in = top, .names = image_names, .tail = ""};

    for (const char *in; !f->status && (in = fpc_named_next(&images));) {
        const fpc_listing of_images = fpc_finder_look(f, in);
        fpc_named masks = {.in = top, .names = cut_names, .tail = ""};
        for (const char *on; !f->status && of_images.n && (on = fpc_named_next(&masks));) {
            const fpc_listing of_masks = fpc_finder_look(f, on);
            fpc_cut *cut = strcmp(in, on) != 0 ? cut_of(f, &of_images, &of_masks) : NULL;
            if (!cut)
                continue;
            list_pairs(f, &of_images, &of_masks, cut);
            f->out->cut = cut;
            f->out->kind =
                fpc_sprintf(f->arena, "Pictures in %s; masks in parts, a file for each class, in %s.", in, on);
            return 1;
        }
    }
    return 0;
}
