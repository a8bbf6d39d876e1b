/* layout.c: how pictures and masks lie in a folder: in two folders, in one with suffixes, in parts for training,
 * validation and test, as Pascal VOC. Folders are told by the names that people give them, pairs by the names of files:
 * a mask is a PNG file whose name begins as its picture's does. */
#define _GNU_SOURCE
#include "cmd/setup/setup.h"
#include "base/text.h"
#include "base/message.h"

#include <fpcore/image.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 3, TRIED = 16, SHOWN = 8 }; /* folders in folders; pairs of suffixes; names in a sentence */

static const char *const image_names[] = {"images", "image",  "imgs",        "img",    "JPEGImages", "pictures",
                                          "photos", "inputs", "leftImg8bit", "frames", "x",          NULL};
static const char *const mask_names[] = {"masks",
                                         "mask",
                                         "labels",
                                         "label",
                                         "annotations",
                                         "annotation",
                                         "annot",
                                         "gt",
                                         "segmentation",
                                         "segmentations",
                                         "SegmentationClass",
                                         "SegmentationClassPNG",
                                         "SegmentationClassRaw",
                                         "ground_truth",
                                         "groundtruth",
                                         "targets",
                                         "target",
                                         "seg",
                                         "gtFine",
                                         "manual",
                                         "y",
                                         NULL};
static const char *const train_names[] = {"train", "training", NULL};
static const char *const val_names[] = {"val", "valid", "validation", NULL};
static const char *const test_names[] = {"test", "testing", NULL};
/* In one folder nothing but the suffix tells which of two PNG files is the mask. */
static const char *const suffixes[] = {"_mask",  "-mask",  ".mask",   "_masks", "_seg",         "_segmentation",
                                       "_label", "-label", "_labels", "_gt",    "_groundtruth", "_annotation",
                                       "_annot", "_L",     "_target", NULL};

/* What lies in a folder. */
typedef struct listing {
    const char *sub; /* in the root; "." is the root */
    int there;
    int64_t n, n_subs, n_others, room, subs_room;
    const char **name, **subs; /* pictures (fpc_image_named) and folders, sorted */
    const char *other;         /* the first file of another kind */
} listing;

typedef struct finder {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_layout *out;
    fpc_status status; /* the first failure */
} finder;

static int is_mask(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && !strcasecmp(dot, ".png");
}

static size_t stem_of(const char *name)
{
    return (size_t)(strrchr(name, '.') - name);
}

static const char *join(finder *f, const char *a, const char *b)
{
    const char *path = !strcmp(a, ".") ? fpc_strdup(f->arena, b) : fpc_sprintf(f->arena, "%s/%s", a, b);
    if (!path)
        f->status = FPC_ENOMEM;
    return path ? path : "";
}

static void add(finder *f, const char ***list, int64_t *n, int64_t *room, const char *name)
{
    if (*n == *room) {
        const int64_t more = *room ? 2 * *room : 64;
        const char **larger = fpc_alloc(f->arena, (size_t)more * sizeof *larger);
        if (!larger) {
            f->status = FPC_ENOMEM;
            return;
        }
        if (*n)
            memcpy(larger, *list, (size_t)*n * sizeof *larger);
        *list = larger;
        *room = more;
    }
    if (!((*list)[*n] = fpc_strdup(f->arena, name)))
        f->status = FPC_ENOMEM;
    else
        ++*n;
}

/* A folder that is not there is empty. */
static listing look(finder *f, const char *sub)
{
    listing l = {.sub = sub};
    const char *path = fpc_sprintf(f->arena, "%s/%s", f->out->root, sub);
    DIR *dir = path && !f->status ? opendir(path) : NULL;
    const struct dirent *entry;

    while (dir && !f->status && (entry = readdir(dir))) {
        struct stat about;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &about, 0))
            continue;
        if (S_ISDIR(about.st_mode))
            add(f, &l.subs, &l.n_subs, &l.subs_room, entry->d_name);
        else if (fpc_image_named(entry->d_name))
            add(f, &l.name, &l.n, &l.room, entry->d_name);
        else if (!l.n_others++ && !(l.other = fpc_strdup(f->arena, entry->d_name)))
            f->status = FPC_ENOMEM;
    }
    l.there = dir != NULL;
    if (dir)
        closedir(dir);
    if (l.n)
        qsort(l.name, (size_t)l.n, sizeof *l.name, fpc_by_text);
    if (l.n_subs)
        qsort(l.subs, (size_t)l.n_subs, sizeof *l.subs, fpc_by_text);
    return l;
}

/* The folder in l that is called one of the names, in the order of these, with any tail; NULL: there is none. */
static const char *named(const listing *l, const char *const *names, const char *tail)
{
    for (; *names; names++)
        for (int64_t i = 0; i < l->n_subs; i++) {
            const size_t n = strlen(*names);
            if (!strncasecmp(l->subs[i], *names, n) && !strcasecmp(l->subs[i] + n, tail))
                return l->subs[i];
        }
    return NULL;
}

/* ---- pairs ---- */
/* The name of the mask of a picture; NULL: it has none. */
static const char *mask_of(finder *f, const listing *masks, const char *image, const fpc_pairs *p)
{
    const size_t n = stem_of(image), tail = strlen(p->image_suffix);
    if (n <= tail || memcmp(image + n - tail, p->image_suffix, tail) != 0)
        return NULL;
    static const char *const endings[] = {".png", ".PNG", ".Png"};
    for (int i = 0; i < 3; i++) {
        const char *want = fpc_sprintf(f->arena, "%.*s%s%s", (int)(n - tail), image, p->mask_suffix, endings[i]);
        const char **hit =
            want && masks->n ? bsearch(&want, masks->name, (size_t)masks->n, sizeof want, fpc_by_text) : NULL;
        if (!want)
            f->status = FPC_ENOMEM;
        if (hit)
            return *hit;
    }
    return NULL;
}

/* Whether a file of the folder of pictures is one: in a folder that both share, masks are not. */
static int is_picture(const listing *images, const listing *masks, const char *name, const fpc_pairs *p)
{
    const size_t n = stem_of(name), tail = strlen(p->image_suffix), other = strlen(p->mask_suffix);
    if (n <= tail || memcmp(name + n - tail, p->image_suffix, tail) != 0)
        return 0;
    return strcmp(images->sub, masks->sub) != 0 || !other || n <= other ||
           memcmp(name + n - other, p->mask_suffix, other) != 0;
}

/* Counts what the suffixes of p pair, and lists it where list is 1. */
static void count_pairs(finder *f, const listing *images, const listing *masks, fpc_pairs *p, int list)
{
    p->n = p->alone = 0;
    if (list) {
        p->image = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *p->image);
        p->mask = fpc_alloc(f->arena, (size_t)(images->n + 1) * sizeof *p->mask);
    }
    if (list && (!p->image || !p->mask)) {
        f->status = FPC_ENOMEM;
        return;
    }
    for (int64_t i = 0; i < images->n && !f->status; i++) {
        if (!is_picture(images, masks, images->name[i], p))
            continue;
        const char *mask = mask_of(f, masks, images->name[i], p);
        if (mask && list) {
            p->image[p->n] = images->name[i];
            p->mask[p->n] = mask;
        }
        p->n += mask != NULL;
        p->alone += mask == NULL;
    }
}

static void keep_better(finder *f, const listing *images, const listing *masks, const char *image_suffix,
                        const char *mask_suffix, fpc_pairs *best)
{
    fpc_pairs p = {
        .images = images->sub, .masks = masks->sub, .image_suffix = image_suffix, .mask_suffix = mask_suffix};
    count_pairs(f, images, masks, &p, 0);
    if (p.n > best->n)
        *best = p;
}

/* The suffixes that a first picture may have, by what it shares with names of masks. */
static void try_suffixes(finder *f, const listing *images, const listing *masks, fpc_pairs *best)
{
    const char *image = images->name[0];
    const size_t n = stem_of(image);
    size_t most = 0;

    for (int pass = 0, tried = 0; pass < 2; pass++)
        for (int64_t i = 0; i < masks->n && tried < TRIED && !f->status; i++) {
            const char *mask = masks->name[i];
            const size_t m = stem_of(mask);
            size_t same = 0;
            while (same < n && same < m && image[same] == mask[same])
                same++;
            if (!pass) {
                most = same > most ? same : most;
                continue;
            }
            if (!is_mask(mask) || !same || same < most)
                continue;
            while (same > 1 && same < n && strchr("_-.", image[same - 1])) /* "_rgb", and not "rgb" */
                same--;
            const char *a = fpc_strdup(f->arena, image + same),
                       *b = fpc_sprintf(f->arena, "%.*s", (int)(m - same), mask + same);
            if (!a || !b) {
                f->status = FPC_ENOMEM;
                return;
            }
            ((char *)(uintptr_t)a)[n - same] = 0;
            keep_better(f, images, masks, a, b, best);
            tried++;
        }
}

/* Pairs of two folders, which may be one. n 0: none. */
static fpc_pairs pair(finder *f, const listing *images, const listing *masks)
{
    const int one = !strcmp(images->sub, masks->sub);
    fpc_pairs best = {.images = images->sub, .masks = masks->sub, .image_suffix = "", .mask_suffix = ""};

    if (!images->n || !masks->n)
        return best;
    if (!one)
        keep_better(f, images, masks, "", "", &best);
    for (const char *const *s = suffixes; *s && (one || !best.n); s++)
        keep_better(f, images, masks, "", *s, &best);
    if (!best.n && !one)
        try_suffixes(f, images, masks, &best);
    if (best.n)
        count_pairs(f, images, masks, &best, 1);
    return best;
}

/* Pairs in two folders called as people call them, below `sub`, or in its folders called `part`; or in one folder. */
static fpc_pairs pair_below(finder *f, const char *sub, const char *const *part)
{
    const listing l = look(f, sub);
    const char *images = named(&l, image_names, ""), *masks = named(&l, mask_names, "");
    fpc_pairs none = {0};

    if (masks) {
        listing of_images = look(f, images ? join(f, sub, images) : sub), of_masks = look(f, join(f, sub, masks));
        if (part) {
            const char *in_images = named(&of_images, part, ""), *in_masks = named(&of_masks, part, "");
            if (!images || !in_images || !in_masks)
                return none;
            of_images = look(f, join(f, of_images.sub, in_images));
            of_masks = look(f, join(f, of_masks.sub, in_masks));
        }
        const fpc_pairs p = pair(f, &of_images, &of_masks);
        if (p.n)
            return p;
    }
    return part ? none : pair(f, &l, &l);
}

/* train beside train_masks, trainannot and the like. */
static fpc_pairs pair_beside(finder *f, const listing *top, const char *const *part)
{
    static const char *const tails[] = {"_masks",       "_mask", "annot", "_labels", "_label",
                                        "_annotations", "_gt",   "masks", "labels"};
    const char *images = named(top, part, "");
    fpc_pairs none = {0};

    for (size_t i = 0; images && i < sizeof tails / sizeof *tails && !f->status; i++) {
        const char *masks = named(top, part, tails[i]);
        if (!masks)
            continue;
        const listing of_images = look(f, images), of_masks = look(f, masks);
        return pair(f, &of_images, &of_masks);
    }
    return none;
}

/* ---- layouts ---- */
/* Test pictures without masks, in test/, test/images or images/test. */
static fpc_pairs pictures_of(finder *f, const listing *top)
{
    const char *test = named(top, test_names, ""), *images = named(top, image_names, "");
    listing l = {0};
    fpc_pairs p = {0};

    if (test) {
        l = look(f, test);
        const char *in = named(&l, image_names, "");
        if (in)
            l = look(f, join(f, test, in));
    } else if (images) {
        l = look(f, images);
        const char *in = named(&l, test_names, "");
        l = in ? look(f, join(f, images, in)) : (listing){0};
    }
    if (l.n)
        p = (fpc_pairs){.images = l.sub, .image_suffix = "", .mask_suffix = "", .n = l.n, .image = l.name};
    return p;
}

/* Parts of the set, each way in which they are laid out; 0: there is no training part. */
static int find_parts(finder *f, const listing *top)
{
    fpc_layout *o = f->out;
    static const char *const *const part[] = {train_names, val_names, test_names};
    fpc_pairs *const to[] = {&o->train, &o->val, &o->test};

    for (int way = 0; way < 3 && !o->train.n && !f->status; way++)
        for (int i = 0; i < 3 && (!i || o->train.n); i++) {
            const char *folder = named(top, part[i], "");
            *to[i] = way == 0   ? folder ? pair_below(f, folder, NULL) : (fpc_pairs){0}
                       : way == 1 ? pair_below(f, ".", part[i])
                                : pair_beside(f, top, part[i]);
        }
    if (!o->train.n)
        return 0;
    for (int i = 1; i < 3; i++) /* one pair of suffixes serves all */
        if (to[i]->n &&
            (strcmp(to[i]->image_suffix, o->train.image_suffix) || strcmp(to[i]->mask_suffix, o->train.mask_suffix)))
            *to[i] = (fpc_pairs){0};
    o->kind = fpc_sprintf(
        f->arena, "Parts in folders of their own: training in %s and %s%s.", o->train.images, o->train.masks,
        o->val.n ? fpc_sprintf(f->arena, ", validation in %s and %s", o->val.images, o->val.masks) : "");
    if (o->val.n && !strcasecmp(o->train.masks, "train/labels") && !strcasecmp(o->train.images, "train/images"))
        o->preset = "lapa11";
    return 1;
}

static const char *list_of(finder *f, const char *name)
{
    const char *list = fpc_sprintf(f->arena, "ImageSets/Segmentation/%s.txt", name);
    const char *path = list ? fpc_sprintf(f->arena, "%s/%s", f->out->root, list) : NULL;
    if (!path)
        f->status = FPC_ENOMEM;
    return path && !access(path, R_OK) ? list : NULL;
}

static int find_voc(finder *f, const listing *top)
{
    static const char *const images[] = {"JPEGImages", NULL}, *const masks[] = {"SegmentationClass", NULL};
    fpc_layout *o = f->out;

    if (!named(top, images, "") || !named(top, masks, ""))
        return 0;
    o->train = pair_below(f, ".", NULL);
    o->train_list = list_of(f, "train");
    o->val_list = list_of(f, "val");
    if (!o->train_list || !o->val_list)
        o->train_list = o->val_list = NULL;
    o->kind = "Laid out as Pascal VOC: JPEGImages, SegmentationClass, lists in ImageSets.";
    o->preset = "voc21";
    return o->train.n > 0;
}

static int find_two(finder *f, const listing *top)
{
    fpc_layout *o = f->out;

    o->train = pair_below(f, ".", NULL);
    if (!o->train.n)
        return 0;
    if (!strcmp(o->train.images, o->train.masks))
        o->kind = "Pictures and masks in one folder, told apart by the ends of their names.";
    else
        o->kind = fpc_sprintf(f->arena, "Pictures in %s, masks in %s.",
                              !strcmp(o->train.images, ".") ? "the folder itself" : o->train.images, o->train.masks);
    (void)top;
    return 1;
}

/* What was found, for whoever wonders why. */
static const char *contents(finder *f, const listing *top)
{
    const char *text = fpc_sprintf(f->arena, "%lld pictures (.jpg, .jpeg, .png)", (long long)top->n);

    if (top->n_others && text)
        text = fpc_sprintf(f->arena, "%s, %lld other files (%s)", text, (long long)top->n_others, top->other);
    for (int64_t i = 0; i < top->n_subs && text; i++) {
        const listing l = look(f, top->subs[i]);
        if (i == SHOWN)
            return fpc_sprintf(f->arena, "%s and %lld folders more", text, (long long)(top->n_subs - i));
        text = fpc_sprintf(f->arena, "%s, %s/ with %lld pictures", text, top->subs[i], (long long)l.n);
        if (l.n_others && text)
            text = fpc_sprintf(f->arena, "%s and %lld other files (%s)", text, (long long)l.n_others, l.other);
        if (l.n_subs && text)
            text = fpc_sprintf(f->arena, "%s and %lld folders", text, (long long)l.n_subs);
    }
    return text ? text : "";
}

static fpc_status unknown(finder *f, const char *folder, const listing *top)
{
    return fpc_fail(
        f->ctx, FPC_EFORMAT,
        "%s: no pictures with masks in a layout that is known. Found: %s. Known are: images/ and masks/ (or names like "
        "img, imgs, JPEGImages, and labels, annotations, mask, gt, SegmentationClass) with files of equal names, or "
        "with a suffix as 7_mask.png; one folder with 7.jpg and 7_mask.png (_seg, _label, _gt); train/ and val/ (and "
        "test/) with such folders in them; images/train and labels/train; train and train_masks; Pascal VOC. "
        "Pictures are JPEG or PNG, masks are PNG",
        folder, contents(f, top));
}

fpc_status fpc_layout_find(fpc_ctx *ctx, fpc_arena *arena, const char *folder, fpc_layout *out)
{
    finder f = {ctx, arena, out, FPC_OK};
    listing first = {0};

    *out = (fpc_layout){.root = folder};
    for (int depth = 0; depth <= DEEPEST; depth++) {
        const listing top = look(&f, ".");
        if (!depth)
            first = top;
        if (!depth && !top.there)
            return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO,
                            "%s: the folder of pictures cannot be read: %s", folder, strerror(errno));
        const int found = find_voc(&f, &top) || find_parts(&f, &top) || find_two(&f, &top);
        if (f.status)
            return f.status;
        if (found) {
            if (!out->test.n)
                out->test = pictures_of(&f, &top);
            return out->kind && !f.status ? FPC_OK : FPC_ENOMEM;
        }
        if (top.n_subs != 1 || top.n) /* archives often hold one folder that holds all */
            break;
        const char *in = fpc_sprintf(arena, "%s/%s", out->root, top.subs[0]);
        if (!in)
            return FPC_ENOMEM;
        *out = (fpc_layout){.root = in};
    }
    out->root = folder;
    return unknown(&f, folder, &first);
}
