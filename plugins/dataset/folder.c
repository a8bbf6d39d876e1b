/* folder.c: pictures (JPEG, PNG) and index masks (PNG) in folders, matched by file stem. Opening lists folders and
 * reads one header; reading decodes, checks labels and resizes. The split of the recorded runs is drawn again from its
 * seed (core/split.h), or lists name the parts. */
#define _POSIX_C_SOURCE 200809L
#include <fpcore/dataset.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "classes.h"
#include "core/image.h"
#include "core/split.h"
#include "folder_files.h"

#define TEST_IMAGES "test/images"

struct part {
    const folder_files *images, *masks; /* masks NULL: the part has none */
    int64_t n, *index;                  /* into images */
};

struct folder {
    fpc_self self;
    const char *root, *images, *masks, *test_images, *test_masks, *train_list, *val_list, *test_list, *classes;
    double val_split;
    int64_t split_seed, size, ignore_label;
    folder_files image, mask, test_image, test_mask;
    struct part part[4]; /* by fpc_part */
    int32_t n_classes, w, h;
};

/* ---- which picture belongs where ---- */
static fpc_status match_masks(fpc_self *self, const folder_files *images, const folder_files *masks)
{
    int64_t missing = 0, first = -1;
    for (int64_t i = 0; i < images->n; i++)
        if (fpc_folder_find(masks, images->file[i].stem) < 0) {
            first = missing++ ? first : i;
        }
    if (!missing)
        return FPC_OK;
    return fpc_fail(self->ctx, FPC_ENOENT,
                    "%s/%s has no mask: %s/%s.png is not there (%lld of %lld pictures lack theirs)", images->path,
                    images->file[first].name, masks->path, images->file[first].stem, (long long)missing,
                    (long long)images->n);
}

static fpc_status split_by_seed(struct folder *f, int64_t n)
{
    const int64_t n_val = (int64_t)((double)n * f->val_split);
    int64_t *perm = fpc_alloc(f->self.arena, (size_t)n * sizeof *perm);
    if (!perm)
        return FPC_ENOMEM;
    f->part[FPC_TRAIN].n = n - n_val;
    f->part[FPC_TRAIN].index = perm;
    f->part[FPC_VAL].n = n_val;
    f->part[FPC_VAL].index = perm + (n - n_val);
    return fpc_split_permutation(f->self.ctx, (uint32_t)f->split_seed, n, perm);
}

/* What no list took, in the order of names. */
static fpc_status take_rest(struct folder *f, const uint8_t *taken, struct part *part)
{
    part->index = fpc_alloc(f->self.arena, (size_t)(f->image.n + 1) * sizeof *part->index);
    if (!part->index)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < f->image.n; i++)
        if (!taken[i])
            part->index[part->n++] = i;
    return FPC_OK;
}

static fpc_status split_by_lists(struct folder *f)
{
    const char *const lists[] = {f->train_list, f->val_list};
    uint8_t *taken = fpc_alloc(f->self.arena, (size_t)f->image.n);
    if (!taken)
        return FPC_ENOMEM;
    fpc_status st = FPC_OK;
    for (int i = 0; i < 2 && st == FPC_OK; i++)
        if (*lists[i])
            st = fpc_folder_list(&f->self, lists[i], &f->image, taken, (uint8_t)(i + 1), &f->part[FPC_TRAIN + i].n,
                                 &f->part[FPC_TRAIN + i].index);
    for (int i = 0; i < 2 && st == FPC_OK; i++)
        if (!*lists[i])
            st = take_rest(f, taken, &f->part[FPC_TRAIN + i]);
    return st;
}

/* Many a data set has no test part, so the default folder may be absent; one that a recipe names may not. */
static int has_test_folder(const struct folder *f)
{
    struct stat about;
    const char *path = fpc_sprintf(f->self.arena, "%s/%s", f->root, f->test_images);
    if (*f->test_list || strcmp(f->test_images, TEST_IMAGES) != 0)
        return *f->test_images != 0;
    return path && stat(path, &about) == 0;
}

static fpc_status open_test(struct folder *f)
{
    struct part *p = &f->part[FPC_TEST];
    if (!has_test_folder(f))
        return *f->test_list ? fpc_fail(f->self.ctx, FPC_EINVAL, "%s.test_list without %s.test_images", f->self.label,
                                        f->self.label)
                             : FPC_OK;
    fpc_status st = fpc_folder_scan(&f->self, f->root, "test_images", f->test_images, 0, &f->test_image);
    if (st == FPC_OK && *f->test_masks)
        st = fpc_folder_scan(&f->self, f->root, "test_masks", f->test_masks, 1, &f->test_mask);
    if (st == FPC_OK && *f->test_masks)
        st = match_masks(&f->self, &f->test_image, &f->test_mask);
    if (st != FPC_OK)
        return st;
    p->images = &f->test_image;
    p->masks = *f->test_masks ? &f->test_mask : NULL;
    uint8_t *taken = fpc_alloc(f->self.arena, (size_t)f->test_image.n);
    if (!taken)
        return FPC_ENOMEM;
    if (*f->test_list)
        return fpc_folder_list(&f->self, f->test_list, &f->test_image, taken, 1, &p->n, &p->index);
    p->n = f->test_image.n;
    p->index = fpc_alloc(f->self.arena, (size_t)p->n * sizeof *p->index);
    for (int64_t i = 0; p->index && i < p->n; i++)
        p->index[i] = i;
    return p->index ? FPC_OK : FPC_ENOMEM;
}

/* ---- opening ---- */
static fpc_status describe(fpc_self *self, fpc_dataset_info *info)
{
    struct folder *f = (struct folder *)self;
    const fpc_status st = fpc_classes_open(self, f->classes, info);
    if (st != FPC_OK)
        return st;
    f->n_classes = info->classes;
    info->c = 3;
    info->ignore_label = (int32_t)f->ignore_label;
    if (f->size)
        info->h = info->w = (int32_t)f->size;
    return FPC_OK;
}

static fpc_status find_size(struct folder *f)
{
    const struct part *p = &f->part[f->part[FPC_TRAIN].n ? FPC_TRAIN : FPC_VAL];
    const char *path = fpc_sprintf(f->self.arena, "%s/%s", p->images->path, p->images->file[p->index[0]].name);
    return path ? fpc_image_size(f->self.ctx, path, &f->w, &f->h) : FPC_ENOMEM;
}

static fpc_status open_set(fpc_self *self, fpc_dataset_info *info)
{
    struct folder *f = (struct folder *)self;
    fpc_status st = describe(self, info);
    if (st == FPC_OK)
        st = fpc_folder_scan(self, f->root, "images", f->images, 0, &f->image);
    if (st == FPC_OK)
        st = fpc_folder_scan(self, f->root, "masks", f->masks, 1, &f->mask);
    if (st == FPC_OK)
        st = match_masks(self, &f->image, &f->mask);
    if (st != FPC_OK)
        return st;
    for (int part = FPC_TRAIN; part <= FPC_VAL; part++)
        f->part[part] = (struct part){.images = &f->image, .masks = &f->mask};
    st = *f->train_list || *f->val_list ? split_by_lists(f) : split_by_seed(f, f->image.n);
    if (st == FPC_OK)
        st = open_test(f);
    if (st == FPC_OK && !f->size)
        st = find_size(f);
    if (st != FPC_OK)
        return st;
    if (f->size)
        f->w = f->h = (int32_t)f->size;
    info->h = f->h;
    info->w = f->w;
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        info->count[part] = f->part[part].n;
    info->unlabelled[FPC_TEST] = !f->part[FPC_TEST].masks;
    return FPC_OK;
}

/* ---- reading ---- */
static fpc_status check_labels(const struct folder *f, const char *path, const fpc_image *mask)
{
    const int64_t n = (int64_t)mask->w * mask->h;
    for (int64_t i = 0; i < n; i++)
        if (mask->pixel[i] >= f->n_classes && mask->pixel[i] != f->ignore_label)
            return fpc_fail(f->self.ctx, FPC_EFORMAT,
                            "%s: label %d at x %lld, y %lld; there are %d classes, so labels are 0 .. %d%s", path,
                            mask->pixel[i], (long long)(i % mask->w), (long long)(i / mask->w), f->n_classes,
                            f->n_classes - 1,
                            f->ignore_label < 0 ? " (dataset.ignore_label can name one that counts nowhere)" : "");
    return FPC_OK;
}

static fpc_status read_image(const struct folder *f, fpc_arena *scratch, const char *path, int32_t *w, int32_t *h,
                             uint8_t *to)
{
    fpc_image image;
    fpc_status st = fpc_image_read(f->self.ctx, scratch, path, &image);
    if (st != FPC_OK)
        return st;
    *w = image.w, *h = image.h;
    if (image.w != f->w || image.h != f->h) {
        if (!f->size)
            return fpc_fail(f->self.ctx, FPC_EFORMAT,
                            "%s: %d x %d, but the set's pictures are %d x %d; %s.size = N resizes all", path, image.w,
                            image.h, f->w, f->h, f->self.label);
        st = fpc_image_resize(f->self.ctx, scratch, &image, f->w, f->h, &image);
    }
    if (st == FPC_OK)
        memcpy(to, image.pixel, (size_t)f->w * (size_t)f->h * 3);
    return st;
}

/* w, h: of the picture's file. */
static fpc_status read_mask(const struct folder *f, fpc_arena *scratch, const char *path, const char *of, int32_t w,
                            int32_t h, uint8_t *to)
{
    fpc_image mask;
    fpc_status st = fpc_mask_read(f->self.ctx, scratch, path, &mask);
    if (st != FPC_OK)
        return st;
    if (mask.w != w || mask.h != h)
        return fpc_fail(f->self.ctx, FPC_EFORMAT, "%s: %d x %d, but its picture %s is %d x %d", path, mask.w, mask.h,
                        of, w, h);
    st = check_labels(f, path, &mask);
    if (st == FPC_OK)
        st = fpc_mask_resize(f->self.ctx, scratch, &mask, f->w, f->h, &mask);
    if (st == FPC_OK)
        memcpy(to, mask.pixel, (size_t)f->w * (size_t)f->h);
    return st;
}

static fpc_status sample_name(const fpc_self *self, fpc_part part, int64_t index, char *id, size_t cap)
{
    const struct part *p = &((const struct folder *)self)->part[part];
    if (id && cap)
        snprintf(id, cap, "%s", p->images->file[p->index[index]].stem);
    return FPC_OK;
}

static fpc_status read_sample(const fpc_self *self, fpc_arena *scratch, fpc_part part, int64_t index, fpc_sample *out)
{
    const struct folder *f = (const struct folder *)self;
    const struct part *p = &f->part[part];
    const folder_file *file = &p->images->file[p->index[index]];
    const char *path = fpc_sprintf(scratch, "%s/%s", p->images->path, file->name);
    int32_t w = 0, h = 0;
    if (!path)
        return FPC_ENOMEM;
    fpc_status st = read_image(f, scratch, path, &w, &h, out->image);
    if (st == FPC_OK && out->mask && p->masks) {
        const folder_file *mask = &p->masks->file[fpc_folder_find(p->masks, file->stem)];
        const char *mask_path = fpc_sprintf(scratch, "%s/%s", p->masks->path, mask->name);
        st = mask_path ? read_mask(f, scratch, mask_path, path, w, h, out->mask) : FPC_ENOMEM;
    } else if (out->mask) {
        memset(out->mask, f->ignore_label < 0 ? 0 : (int)f->ignore_label, (size_t)f->w * (size_t)f->h);
    }
    return st == FPC_OK ? sample_name(self, part, index, out->id, out->id_cap) : st;
}

static const fpc_option options[] = {
    {"root", "folder of the data set", "", NULL, 1, 0, NULL, FPC_OPT_PATH, FPC_OPT_REQUIRED | FPC_OPT_RESUMABLE,
     FPC_FIELD_(struct folder, root, const char *)},
    FPC_OPTION_TEXT(struct folder, images, "train/images", "folder in root with the pictures (.jpg, .jpeg, .png)"),
    FPC_OPTION_TEXT(struct folder, masks, "train/masks", "folder in root with their masks: STEM.png, palette or grey"),
    FPC_OPTION_TEXT(struct folder, test_images, TEST_IMAGES, "folder in root with the test pictures; empty: none"),
    FPC_OPTION_TEXT(struct folder, test_masks, "",
                    "folder in root with their masks; empty: the test part has no labels"),
    FPC_OPTION_INT(struct folder, size, "0", 0, 16384, "px", "resize to size x size; 0: as the files are, all alike"),
    FPC_OPTION_REAL(struct folder, val_split, "0.1", 0, 0.9, "share", "share of the pictures kept for validation"),
    FPC_OPTION_INT(
        struct folder, split_seed, "42", 0, 4294967295.0, "",
        "seed of the split: NumPy's RandomState(seed).permutation of the sorted stems, the last part validates"),
    FPC_OPTION_PATH(struct folder, train_list, "",
                    "file with the training pictures' names, a line each, instead of a split"),
    FPC_OPTION_PATH(struct folder, val_list, "",
                    "file with the validation pictures' names; one list given: the rest is the other"),
    FPC_OPTION_PATH(struct folder, test_list, "", "file with the names of the test pictures to use; empty: all"),
    FPC_OPTION_TEXT(struct folder, classes, "celebamask19",
                    "celebamask19, or an INI file with [classes], [palette], [mirror]"),
    FPC_OPTION_INT(struct folder, ignore_label, "-1", -1, 255, "", "label that counts nowhere; -1: none"),
    {0}};
static const fpc_dataset_vtbl vtbl = {
    .size = sizeof vtbl, .open = open_set, .read = read_sample, .describe = describe, .name = sample_name};
static const fpc_plugin folder = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_DATASET,
    .name = "folder",
    .summary = "Pictures and index masks in folders, matched by file name.",
    .detail =
        "root/images/STEM.jpg (or .jpeg, .png) and root/masks/STEM.png, whose pixels are class numbers: the index of\n"
        "a palette, or grey values. Smoothed (antialiased bilinear) pictures and nearest masks where size is given.\n"
        "The file of classes: [classes] with lines `LABEL = name`, [palette] with `LABEL = red, green, blue`, and\n"
        "[mirror] with `NAME = LABEL, LABEL` for parts that change places in a mirror.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct folder),
    .vtbl = &vtbl};
FPC_PLUGINS(&folder)
