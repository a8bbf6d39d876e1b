/* layout.c: how pictures and masks lie in a folder: in two folders, in one with suffixes, in parts for training,
 * validation and test, as Pascal VOC. Folders are told by the names that people give them. More than one of them may
 * have such a name and hold something else (labels/ the boxes of YOLO, annotations/ those of COCO or VOC), so that all
 * are tried, and the folders with the best pairs count. */
#define _GNU_SOURCE
#include "cmd/setup/pairs.h"
#include "base/message.h"

#include <fpcore/image.h>
#include <fpcore/ini.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Folders in folders; names in a sentence; bytes of a list. */
enum { DEEPEST = 3, SHOWN = 8, LIST_BYTES = 64 << 20 };

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
static const char *const voc_images[] = {"JPEGImages", NULL};
static const char *const voc_masks[] = {"SegmentationClass", "SegmentationClassRaw", "SegmentationClassPNG", NULL};
static const char *const train_names[] = {"train", "training", NULL};
static const char *const val_names[] = {"val", "valid", "validation", NULL};
static const char *const test_names[] = {"test", "testing", NULL};
/* ---- pairs ---- */
/* The folders of l that are called one of the names, or their folders called `part`: their number. out: room for all
 * folders of l, and one more. */
static int64_t look_named(fpc_finder *f, const fpc_listing *l, const char *const *names, const char *const *part,
                          fpc_listing *out)
{
    fpc_named search = {.in = l, .names = names, .tail = ""};
    const char *sub;
    int64_t n = 0;

    while (n < l->n_subs && (sub = fpc_named_next(&search))) {
        out[n] = fpc_finder_look(f, fpc_finder_join(f, l->sub, sub));
        if (part) {
            fpc_named in = {.in = &out[n], .names = part, .tail = ""};
            const char *name = fpc_named_next(&in);
            if (!name)
                continue;
            out[n] = fpc_finder_look(f, fpc_finder_join(f, out[n].sub, name));
        }
        n++;
    }
    return n;
}

/* Whether two folders of masks belong together: train/masks and val/masks, or masks/train and masks/val. */
static int are_alike(const char *a, const char *b, int in_part)
{
    const char *x = strrchr(a, '/'), *y = strrchr(b, '/');

    if (!x || !y)
        return 0;
    return in_part ? x - a == y - b && !strncmp(a, b, (size_t)(x - a)) : !strcmp(x, y);
}

/* The best pairs in two folders below `sub` that are called as people call them, or in their folders called `part`.
 * like: the training's, whose kind of masks goes before any other; NULL: this is the training. */
static fpc_pairs pair_folders(fpc_finder *f, const char *sub, const char *const *images, const char *const *masks,
                              const char *const *part, const fpc_pairs *like)
{
    const fpc_listing l = fpc_finder_look(f, sub);
    fpc_listing *of_images = fpc_alloc(f->arena, (size_t)(l.n_subs + 1) * sizeof *of_images),
                *of_masks = fpc_alloc(f->arena, (size_t)(l.n_subs + 1) * sizeof *of_masks);
    fpc_pairs best = {0};

    if (!of_images || !of_masks) {
        f->status = FPC_ENOMEM;
        return best;
    }
    int64_t n_images = look_named(f, &l, images, part, of_images);
    const int64_t n_masks = look_named(f, &l, masks, part, of_masks);
    if (!part && images == image_names) /* pictures may lie beside the folder of masks */
        of_images[n_images++] = l;
    for (int strict = like != NULL; strict >= 0 && !best.n; strict--)
        for (int64_t i = 0; i < n_images; i++)
            for (int64_t k = 0; k < n_masks && !f->status; k++) {
                if (strict && !are_alike(like->masks, of_masks[k].sub, part != NULL))
                    continue;
                const fpc_pairs p = fpc_pairs_find(f, &of_images[i], &of_masks[k]);
                if (fpc_pairs_better(&p, &best))
                    best = p;
            }
    return best;
}

/* In two folders below `sub`, or in itself. */
static fpc_pairs pair_below(fpc_finder *f, const char *sub, const fpc_pairs *like)
{
    const fpc_pairs p = pair_folders(f, sub, image_names, mask_names, NULL, like);

    if (p.n || f->status)
        return p;
    const fpc_listing l = fpc_finder_look(f, sub);
    return fpc_pairs_find(f, &l, &l);
}

/* train beside train_masks, trainannot and the like. tail: the ending of the training's masks; NULL: any, which becomes
 * the one that was found. */
static fpc_pairs pair_beside(fpc_finder *f, const fpc_listing *top, const char *const *part, const char **tail)
{
    static const char *const tails[] = {"_masks",       "_mask", "annot", "_labels", "_label",
                                        "_annotations", "_gt",   "masks", "labels"};
    fpc_named images = {.in = top, .names = part, .tail = ""};
    const char *folder = fpc_named_next(&images), *wanted = *tail;
    fpc_pairs best = {0};

    if (!folder)
        return best;
    const fpc_listing of_images = fpc_finder_look(f, folder);
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        fpc_named masks = {.in = top, .names = part, .tail = tails[i]};
        while (!f->status && (!wanted || wanted == tails[i]) && (folder = fpc_named_next(&masks))) {
            const fpc_listing of_masks = fpc_finder_look(f, folder);
            const fpc_pairs p = fpc_pairs_find(f, &of_images, &of_masks);
            if (fpc_pairs_better(&p, &best)) {
                best = p;
                *tail = tails[i];
            }
        }
    }
    return best;
}

/* ---- parts ---- */
/* Test pictures without masks, in test/, test/images or images/test. */
static fpc_pairs pictures_of(fpc_finder *f, const fpc_listing *top)
{
    fpc_listing *found = fpc_alloc(f->arena, (size_t)(top->n_subs + 1) * sizeof *found);
    fpc_named tests = {.in = top, .names = test_names, .tail = ""};
    const char *test = fpc_named_next(&tests);
    fpc_listing l = {0};

    if (!found)
        f->status = FPC_ENOMEM;
    if (found && test) {
        const fpc_listing whole = l = fpc_finder_look(f, test);
        fpc_named images = {.in = &whole, .names = image_names, .tail = ""};
        for (const char *in; (in = fpc_named_next(&images)) && (l.sub == whole.sub || !l.n);)
            l = fpc_finder_look(f, fpc_finder_join(f, test, in));
    }
    for (int64_t i = found && !test ? look_named(f, top, image_names, test_names, found) : 0; i-- > 0;)
        l = found[i].n ? found[i] : l;
    return l.n ? (fpc_pairs){.images = l.sub, .image_suffix = "", .mask_suffix = "", .n = l.n, .image = l.name}
               : (fpc_pairs){0};
}

/* Parts of the set, each way in which they are laid out; 0: there is no training part. */
static int find_parts(fpc_finder *f, const fpc_listing *top)
{
    fpc_layout *o = f->out;
    static const char *const *const part[] = {train_names, val_names, test_names};
    fpc_pairs *const to[] = {&o->train, &o->val, &o->test};

    for (int way = 0; way < 3 && !o->train.n && !f->status; way++) {
        const char *tail = NULL;
        for (int i = 0; i < 3 && (!i || o->train.n); i++) {
            const fpc_pairs *like = i ? &o->train : NULL;
            fpc_named folders = {.in = top, .names = part[i], .tail = ""};
            const char *folder = fpc_named_next(&folders);
            *to[i] = way == 0   ? folder ? pair_below(f, folder, like) : (fpc_pairs){0}
                       : way == 1 ? pair_folders(f, ".", image_names, mask_names, part[i], like)
                                : pair_beside(f, top, part[i], &tail);
        }
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

/* ---- Pascal VOC ---- */
/* A picture that has a mask, by what its name shares with it. */
typedef struct paired {
    const char *stem, *file;
    uint8_t list; /* that names it; 0: none so far */
} paired;

static int by_stem(const void *a, const void *b)
{
    return strcmp(((const paired *)a)->stem, ((const paired *)b)->stem);
}

static paired *stems_of(fpc_finder *f, const fpc_pairs *p)
{
    paired *list = fpc_alloc(f->arena, (size_t)(p->n + 1) * sizeof *list);

    for (int64_t i = 0; i < p->n && list && !f->status; i++) {
        const size_t n = (size_t)(strrchr(p->image[i], '.') - p->image[i]) - strlen(p->image_suffix);
        list[i] = (paired){fpc_sprintf(f->arena, "%.*s", (int)n, p->image[i]), p->image[i], 0};
        f->status = list[i].stem ? FPC_OK : FPC_ENOMEM;
    }
    if (!list)
        f->status = FPC_ENOMEM;
    else if (!f->status)
        qsort(list, (size_t)p->n, sizeof *list, by_stem);
    return list;
}

/* The picture that a line means, which may name what it shares with its mask, or its file, with the ending or without;
 * as dataset/folder reads it. NULL: none. */
static paired *find_paired(const fpc_pairs *p, paired *pictures, char *name)
{
    const char *dot = fpc_image_named(name) ? strrchr(name, '.') : NULL;
    const size_t whole = strlen(name), tail = strlen(p->image_suffix);

    for (int cut = 0; cut < 4; cut++) { /* bit 0: the suffix, bit 1: the ending */
        size_t n = cut & 2 && dot ? (size_t)(dot - name) : whole;
        if ((cut & 2 && !dot) ||
            (cut & 1 && (!tail || n <= tail || memcmp(name + n - tail, p->image_suffix, tail) != 0)))
            continue;
        n -= cut & 1 ? tail : 0;
        const char kept = name[n];
        const paired key = {.stem = name};
        name[n] = 0;
        paired *hit = bsearch(&key, pictures, (size_t)p->n, sizeof key, by_stem);
        name[n] = kept;
        if (hit && (!(cut & 2) || !strcasecmp(strrchr(hit->file, '.'), dot)))
            return hit;
    }
    return NULL;
}

/* Counts the names of a list. why: what keeps dataset/folder from reading it, where something does. */
static int64_t count_names(fpc_finder *f, const char *list, uint8_t mark, paired *pictures, const char **why)
{
    const char *path = fpc_sprintf(f->arena, "%s/%s", f->out->root, list);
    char *text, *name;
    size_t bytes;
    int64_t n = 0, line = 1;

    if (!path)
        f->status = FPC_ENOMEM;
    if (f->status || (f->status = fpc_text_read(f->ctx, f->arena, path, LIST_BYTES, &text, &bytes)))
        return 0;
    for (char *next = text; *next && !*why && !f->status; line++) {
        name = next + strspn(next, " \t");
        size_t length = strcspn(name, "\n");
        next = name + length + (name[length] == '\n');
        while (length && strchr(" \t", name[length - 1]))
            length--;
        name[length] = 0;
        if (!length || *name == '#')
            continue;
        paired *hit = find_paired(&f->out->train, pictures, name);
        if (!hit || hit->list) {
            *why = fpc_sprintf(f->arena, "line %lld of %s names %s", (long long)line, list,
                               hit ? "a picture a second time" : "no picture that has a mask here");
            f->status = *why ? FPC_OK : FPC_ENOMEM;
            continue;
        }
        hit->list = mark;
        n++;
    }
    if (!n && !*why)
        *why = fpc_sprintf(f->arena, "no name is in %s", list);
    return n;
}

/* The lists of the set, if it has both and they can be trained with. Returns the sentence about them. */
static const char *find_lists(fpc_finder *f)
{
    static const char *const list[] = {"ImageSets/Segmentation/train.txt", "ImageSets/Segmentation/val.txt"};
    fpc_layout *o = f->out;
    const char *why = NULL;
    int64_t n[2];

    for (int i = 0; i < 2; i++) {
        const char *path = fpc_sprintf(f->arena, "%s/%s", o->root, list[i]);
        if (!path)
            f->status = FPC_ENOMEM;
        else if (access(path, R_OK))
            return fpc_sprintf(f->arena, "there is no %s", list[i]);
    }
    paired *pictures = f->status ? NULL : stems_of(f, &o->train);
    for (int i = 0; i < 2 && !f->status && !why; i++)
        n[i] = count_names(f, list[i], (uint8_t)(i + 1), pictures, &why);
    if (f->status || why)
        return why ? fpc_sprintf(f->arena, "its lists are left alone, as %s", why) : "";
    o->train_list = list[0];
    o->val_list = list[1];
    o->listed_train = n[0];
    o->listed_val = n[1];
    return "lists in ImageSets";
}

static int find_voc(fpc_finder *f)
{
    fpc_layout *o = f->out;

    o->train = pair_folders(f, ".", voc_images, voc_masks, NULL, NULL);
    if (!o->train.n || f->status)
        return 0;
    const char *lists = find_lists(f);
    o->kind = lists
                  ? fpc_sprintf(f->arena, "Laid out as Pascal VOC: %s, %s; %s.", o->train.images, o->train.masks, lists)
                  : NULL;
    o->preset = "voc21";
    return 1;
}

/* ---- layouts ---- */
static int find_two(fpc_finder *f)
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
    return 1;
}

/* What was found, for whoever wonders why. */
static const char *contents(fpc_finder *f, const fpc_listing *top)
{
    const char *text = fpc_sprintf(f->arena, "%lld pictures (.jpg, .jpeg, .png)", (long long)top->n);

    if (top->n_others && text)
        text = fpc_sprintf(f->arena, "%s, %lld other files (%s)", text, (long long)top->n_others, top->other);
    for (int64_t i = 0; i < top->n_subs && text; i++) {
        const fpc_listing l = fpc_finder_look(f, top->subs[i]);
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

static fpc_status unknown(fpc_finder *f, const char *folder, const fpc_listing *top)
{
    return fpc_fail(
        f->ctx, FPC_EFORMAT,
        "%s: no pictures with masks in a layout that is known. Found: %s. Known are: images/ and masks/ (or names like "
        "img, imgs, JPEGImages, and labels, annotations, mask, gt, SegmentationClass) with files of equal names, or "
        "with a suffix as 7_mask.png; one folder with 7.jpg and 7_mask.png (_seg, _label, _gt); train/ and val/ (and "
        "test/) with such folders in them; images/train and labels/train; train and train_masks; masks in parts, "
        "7_skin.png and 7_hair.png; Pascal VOC. "
        "Pictures are JPEG or PNG, masks are PNG",
        folder, contents(f, top));
}

fpc_status fpc_layout_find(fpc_ctx *ctx, fpc_arena *arena, const char *folder, fpc_layout *out)
{
    fpc_finder f = {ctx, arena, out, FPC_OK};
    fpc_listing first = {0};

    *out = (fpc_layout){.root = folder};
    for (int depth = 0; depth <= DEEPEST; depth++) {
        const fpc_listing top = fpc_finder_look(&f, ".");
        if (!depth)
            first = top;
        if (!depth && !top.there)
            return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO,
                            "%s: the folder of pictures cannot be read: %s", folder, strerror(errno));
        const int found = find_voc(&f) || fpc_cut_find(&f, &top) || find_parts(&f, &top) || find_two(&f);
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
