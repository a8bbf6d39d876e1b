/* folder.c: pictures (JPEG, PNG) and index masks (PNG) in folders, matched by file stem. Opening lists folders and
 * reads one header; reading decodes, checks labels and resizes. The split of the recorded runs is drawn again from its
 * seed (fpc_split_permutation), or lists name the parts. */
#define _POSIX_C_SOURCE 200809L
#include "folder.h"
#include <errno.h>
#include <fpcore/image.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include "classes.h"

#define TEST_IMAGES "test/images"

enum { BORDER = 255 }; /* the label beside padded pictures of a set that ignores none */

/* ---- which picture belongs where ---- */
/* Masks that no picture has are of no consequence for a training; an audit tells of them. */
static fpc_status report_lone_masks(const folder *f, const folder_files *images, const folder_files *masks)
{
    uint8_t *used = fpc_alloc(f->self.arena, (size_t)masks->n + 1);
    if (!used)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < images->n; i++) {
        const int64_t at = fpc_folder_find(masks, images->file[i].stem);
        if (at >= 0)
            used[at] = 1;
    }
    for (int64_t i = 0; i < masks->n; i++)
        if (!used[i])
            f->audit->flaw(f->audit->arg, "mask without picture", 0, masks->file[i].stem,
                           fpc_sprintf(f->self.arena, "%s/%s: %s has no picture of that name", masks->path,
                                       masks->file[i].name, images->path));
    return FPC_OK;
}

/* used: by picture, whether it is in any part; NULL: all are. In an audit reading a sample reports its missing mask. */
static fpc_status match_masks(const folder *f, const folder_files *images, const folder_files *masks,
                              const uint8_t *used)
{
    int64_t missing = 0, first = -1, n = 0;
    fpc_status status;
    if ((f->audit && (status = report_lone_masks(f, images, masks))) ||
        (masks->piece && (status = fpc_folder_shared(f, images, masks))))
        return status;
    for (int64_t i = 0; i < images->n && !f->audit; i++) {
        if (used && !used[i])
            continue;
        n++;
        if (fpc_folder_find(masks, images->file[i].stem) < 0)
            first = missing++ ? first : i;
    }
    if (!missing)
        return FPC_OK;
    return fpc_fail(f->self.ctx, FPC_ENOENT,
                    "%s/%s has no mask: %s/%s%s.png is not there (%lld of %lld pictures lack theirs)%s", images->path,
                    images->file[first].name, masks->path, images->file[first].stem,
                    masks->piece ? "_CLASS" : masks->suffix, (long long)missing, (long long)n,
                    fpc_folder_near(&f->self, masks, images->file[first].stem));
}

static fpc_status split_by_seed(folder *f, int64_t n)
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
static fpc_status take_rest(folder *f, const uint8_t *taken, folder_part *part)
{
    part->index = fpc_alloc(f->self.arena, (size_t)(f->image.n + 1) * sizeof *part->index);
    if (!part->index)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < f->image.n; i++)
        if (!taken[i])
            part->index[part->n++] = i;
    return FPC_OK;
}

/* taken: by picture, filled with 1 and 2 for those of the lists. */
static fpc_status split_by_lists(folder *f, uint8_t *taken)
{
    const char *const lists[] = {f->train_list, f->val_list}, *const keys[] = {"train_list", "val_list"};
    fpc_status status = FPC_OK;
    for (int i = 0; i < 2 && status == FPC_OK; i++)
        if (*lists[i])
            status = fpc_folder_list(&f->self, f->audit, f->root, keys[i], lists[i], &f->image, taken, (uint8_t)(i + 1),
                                     &f->part[FPC_TRAIN + i].n, &f->part[FPC_TRAIN + i].index);
    for (int i = 0; i < 2 && status == FPC_OK; i++)
        if (!*lists[i])
            status = take_rest(f, taken, &f->part[FPC_TRAIN + i]);
    return status;
}

/* Many a data set has no test part, so the default folder may be absent; one that a recipe names may not. */
static int has_test_folder(const folder *f)
{
    struct stat about;
    const char *path = fpc_sprintf(f->self.arena, "%s/%s", f->root, f->test_images);
    if (*f->test_list || strcmp(f->test_images, TEST_IMAGES) != 0)
        return *f->test_images != 0;
    return path && stat(path, &about) == 0;
}

/* Without pictures to train on there is still what can be measured, where the set has a test part. Whoever wants to
 * train is told by the core. */
static int has_test_part_alone(const folder *f)
{
    struct stat about;
    const char *path = fpc_sprintf(f->self.arena, "%s/%s", f->root, f->images);
    const char *test = fpc_sprintf(f->self.arena, "%s/%s", f->root, f->test_images);
    if (!path || !test || stat(path, &about) == 0 || errno != ENOENT || !*f->test_images || stat(test, &about) != 0)
        return 0;
    fpc_log(f->self.ctx, FPC_LOG_INFO, "%s (%s.root and %s.images): %s; the data set has its test part alone", path,
            f->self.label, f->self.label, strerror(ENOENT));
    return 1;
}

/* Pictures or masks of one part; names are told apart by their suffixes where both lie in one folder. */
static fpc_status scan(folder *f, int masks, const char *what, const char *sub, const char *beside, folder_files *out)
{
    if (masks && *f->parts && !strcmp(sub, beside))
        return fpc_fail(f->self.ctx, FPC_EINVAL,
                        "%s: %s.parts: pictures and parts lie both in %s/%s, where a part cannot be told from a "
                        "picture; parts have a folder of their own",
                        fpc_origin(&f->self, "parts"), f->self.label, f->root, sub);
    const folder_search s = {.root = f->root,
                             .sub = sub,
                             .what = what,
                             .masks = masks,
                             .suffix = masks ? f->mask_suffix : f->image_suffix,
                             .order = masks && *f->parts ? &f->order : NULL,
                             .without = strcmp(sub, beside) ? ""
                                        : masks             ? f->image_suffix
                                                            : f->mask_suffix};
    return fpc_folder_scan(&f->self, f->audit, &s, out);
}

static int64_t *all_of(fpc_arena *arena, int64_t n)
{
    int64_t *index = fpc_alloc(arena, (size_t)n * sizeof *index);
    for (int64_t i = 0; index && i < n; i++)
        index[i] = i;
    return index;
}

/* A part whose pictures have a folder of their own: all of them, or those that a list names. Pictures that the list
 * leaves out need no mask. */
static fpc_status open_part(folder *f, fpc_part which, const char *key, const char *list, const folder_files *images,
                            const folder_files *masks)
{
    folder_part *p = &f->part[which];
    uint8_t *taken = fpc_alloc(f->self.arena, (size_t)images->n);
    fpc_status status = taken ? FPC_OK : FPC_ENOMEM;
    *p = (folder_part){.images = images, .masks = masks, .n = images->n};
    if (status == FPC_OK && *list)
        status = fpc_folder_list(&f->self, f->audit, f->root, key, list, images, taken, 1, &p->n, &p->index);
    else if (status == FPC_OK && !(p->index = all_of(f->self.arena, p->n)))
        status = FPC_ENOMEM;
    return status || !masks ? status : match_masks(f, images, masks, *list ? taken : NULL);
}

static fpc_status open_test(folder *f)
{
    if (!has_test_folder(f))
        return *f->test_list ? fpc_fail(f->self.ctx, FPC_EINVAL, "%s.test_list without %s.test_images", f->self.label,
                                        f->self.label)
                             : FPC_OK;
    fpc_status status = scan(f, 0, "test_images", f->test_images, f->test_masks, &f->test_image);
    if (status == FPC_OK && *f->test_masks)
        status = scan(f, 1, "test_masks", f->test_masks, f->test_images, &f->test_mask);
    return status ? status
                  : open_part(f, FPC_TEST, "test_list", f->test_list, &f->test_image,
                              *f->test_masks ? &f->test_mask : NULL);
}

/* ---- opening ---- */
/* After the classes: which label stands for which in a mirror. */
static void mirror_labels(folder *f, const fpc_dataset_info *info)
{
    for (int i = 0; i < 256; i++)
        f->mirrored[i] = (uint8_t)i;
    for (int32_t i = 0; i < info->n_mirror_pairs; i++) {
        f->mirrored[info->mirror_pairs[i][0]] = info->mirror_pairs[i][1];
        f->mirrored[info->mirror_pairs[i][1]] = info->mirror_pairs[i][0];
    }
}

/* What stands beside a picture that is padded: a label that no file may hold, where the files have none. */
static fpc_status choose_border(folder *f)
{
    f->border = f->ignored;
    if (f->fit != FPC_FIT_PAD || f->ignored >= 0)
        return FPC_OK;
    if (f->n_classes > BORDER)
        return fpc_fail(f->self.ctx, FPC_EINVAL,
                        "%s: %s.fit = pad: all 256 labels are classes of the data set, so that none is left for what "
                        "lies beside a picture; give crop or squeeze",
                        fpc_origin(&f->self, "fit"), f->self.label);
    f->border = BORDER;
    return FPC_OK;
}

static fpc_status describe(fpc_self *self, fpc_dataset_info *info)
{
    folder *f = (folder *)self;
    fpc_status status = info->class_names ? FPC_OK : fpc_classes_open(self, f->classes, info);
    if (status != FPC_OK)
        return status;
    f->n_classes = info->classes;
    f->palette = info->palette;
    /* the options stay as they were given: recipes are written from them */
    const int32_t ignored = fpc_classes_void(f->classes, &f->void_colour);
    f->ignored = f->ignore_label < 0 ? ignored : (int32_t)f->ignore_label;
    mirror_labels(f, info);
    if ((status = choose_border(f)) || (status = fpc_folder_parts(f, info)) || (status = fpc_folder_map(f)) ||
        (status = fpc_folder_void_colour(f)))
        return status;
    info->c = 3;
    if (info->size >= offsetof(fpc_dataset_info, as_stored) + sizeof info->as_stored)
        info->as_stored = f->orientation == FPC_IMAGE_STORED;
    if (info->size >= offsetof(fpc_dataset_info, fit) + sizeof info->fit)
        info->fit = (int32_t)f->fit;
    info->ignore_label = f->border;
    if (f->size.h) {
        info->h = f->size.h;
        info->w = f->size.w;
    }
    return FPC_OK;
}

/* In an audit the first picture may be the broken one. */
static fpc_status find_size(folder *f)
{
    const int part = f->part[FPC_TRAIN].n ? FPC_TRAIN : f->part[FPC_VAL].n ? FPC_VAL : FPC_TEST;
    const folder_part *p = &f->part[part];
    for (int64_t i = 0; i < p->n; i++) {
        const folder_file *file = &p->images->file[p->index[i]];
        const char *path = fpc_sprintf(f->self.arena, "%s/%s", p->images->path, file->name);
        fpc_image head = {0};
        const fpc_status status =
            path ? fpc_image_open(f->self.ctx, NULL, path, (unsigned)f->orientation, &head, NULL) : FPC_ENOMEM;
        f->w = head.w;
        f->h = head.h;
        if (status == FPC_OK || !f->audit || i + 1 == p->n)
            return status;
        f->audit->flaw(f->audit->arg, "unreadable picture", (fpc_part)part, file->stem, NULL);
    }
    return FPC_OK;
}

/* Validation in folders of its own: nothing is drawn. */
static fpc_status open_val_folders(folder *f)
{
    fpc_status status;
    if (!*f->val_images || !*f->val_masks)
        return fpc_fail(f->self.ctx, FPC_EINVAL,
                        "%s: val_images and val_masks name the folders of the validation, both or none", f->self.label);
    if ((status = scan(f, 0, "val_images", f->val_images, f->val_masks, &f->val_image)) ||
        (status = scan(f, 1, "val_masks", f->val_masks, f->val_images, &f->val_mask)) ||
        (status = open_part(f, FPC_TRAIN, "train_list", f->train_list, &f->image, &f->mask)))
        return status;
    return open_part(f, FPC_VAL, "val_list", f->val_list, &f->val_image, &f->val_mask);
}

static fpc_status open_training(folder *f)
{
    const int by_lists = *f->train_list || *f->val_list;
    uint8_t *taken = NULL;
    fpc_status status;
    if ((status = scan(f, 0, "images", f->images, f->masks, &f->image)) ||
        (status = scan(f, 1, "masks", f->masks, f->images, &f->mask)))
        return status;
    if (*f->val_images || *f->val_masks)
        return open_val_folders(f);
    for (int part = FPC_TRAIN; part <= FPC_VAL; part++)
        f->part[part] = (folder_part){.images = &f->image, .masks = &f->mask};
    if (by_lists && !(taken = fpc_alloc(f->self.arena, (size_t)f->image.n)))
        return FPC_ENOMEM;
    if (by_lists && (status = split_by_lists(f, taken)))
        return status;
    /* pictures that two lists leave out need no mask: some sets have masks for a part of their pictures */
    if ((status = match_masks(f, &f->image, &f->mask, *f->train_list && *f->val_list ? taken : NULL)))
        return status;
    return by_lists ? FPC_OK : split_by_seed(f, f->image.n);
}

static fpc_status open_set(fpc_self *self, fpc_dataset_info *info)
{
    folder *f = (folder *)self;
    fpc_status status = describe(self, info);
    if (status != FPC_OK)
        return status;
    f->test_alone = has_test_part_alone(f);
    if ((!f->test_alone && (status = open_training(f))) || (status = open_test(f)) || (status = fpc_folder_sides(f)) ||
        (!f->size.h && (status = find_size(f))))
        return status;
    if (f->size.h) {
        f->h = f->size.h;
        f->w = f->size.w;
    }
    info->h = f->h;
    info->w = f->w;
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        info->count[part] = f->part[part].n;
    info->unlabelled[FPC_TEST] = !f->part[FPC_TEST].masks;
    return FPC_OK;
}

static fpc_status audit_set(fpc_self *self, fpc_dataset_info *info, const fpc_dataset_audit *audit)
{
    ((folder *)self)->audit = audit;
    return open_set(self, info);
}

static const fpc_choice orientations[] = {
    {"apply", 0, "turned as its EXIF tag says, which is how programs show it"},
    {"file", FPC_IMAGE_STORED, "as its file stores it: for masks that were drawn over it so"},
    {0}};

static const fpc_choice fits[] = {
    {"squeeze", FPC_FIT_SQUEEZE, "each side by its own factor: what is high and narrow becomes broad"},
    {"pad", FPC_FIT_PAD, "whole and with its ratio, in the middle; what is beside it is black and counts nowhere"},
    {"crop", FPC_FIT_CROP, "with its ratio, and as large as fills the size: what stands over on two sides is cut off"},
    {0}};

static const fpc_option options[] = {
    {"root", "folder of the data set; relative to the recipe's file", "", NULL, 1, 0, NULL, FPC_OPT_PATH,
     FPC_OPT_REQUIRED | FPC_OPT_RESUMABLE, FPC_FIELD_(folder, root, const char *)},
    FPC_OPTION_TEXT(folder, images, "train/images", "folder in root with the pictures (.jpg, .jpeg, .png)"),
    FPC_OPTION_TEXT(folder, masks, "train/masks",
                    "folder in root with their masks: STEM.png, palette or grey, or RGB in the classes' colours"),
    FPC_OPTION_TEXT(folder, image_suffix, "", "what pictures' names have behind the stem: `_rgb` for STEM_rgb.jpg"),
    FPC_OPTION_TEXT(folder, mask_suffix, "",
                    "what masks' names have behind the stem: `_mask` for STEM_mask.png, also beside STEM.jpg in one "
                    "folder"),
    FPC_OPTION_TEXT(folder, val_images, "",
                    "folder in root with the validation's pictures; empty: they are a share of all, or in lists"),
    FPC_OPTION_TEXT(folder, val_masks, "", "folder in root with their masks"),
    FPC_OPTION_TEXT(folder, test_images, TEST_IMAGES, "folder in root with the test pictures; empty: none"),
    FPC_OPTION_TEXT(folder, test_masks, "", "folder in root with their masks; empty: the test part has no labels"),
    FPC_OPTION_SIZE(folder, size, "0", 0, 16384, "px",
                    "resize to N x N, or to HxW, height x width; 0: as the files are, all alike"),
    FPC_OPTION_CHOICE(folder, fit, "squeeze", fits,
                      "how pictures of another shape come to that size; predictions do as the training did"),
    FPC_OPTION_REAL(folder, val_split, "0.1", 0, 0.9, "share", "share of the pictures kept for validation"),
    FPC_OPTION_INT(
        folder, split_seed, "42", 0, 4294967295.0, "",
        "seed of the split: NumPy's RandomState(seed).permutation of the sorted stems, the last part validates"),
    FPC_OPTION_PATH_BESIDE(folder, train_list, "", "root",
                           "file with the training pictures' names, a line each, instead of a split; beside the recipe "
                           "or in root, as the other lists. With val_images: those of `images` to use; empty: all"),
    FPC_OPTION_PATH_BESIDE(folder, val_list, "", "root",
                           "file with the validation pictures' names; one list given: the rest is the other. With "
                           "val_images: those of its pictures to use; empty: all"),
    FPC_OPTION_PATH_BESIDE(folder, test_list, "", "root",
                           "file with the names of the test pictures to use; empty: all"),
    {"classes",
     "what the labels are called: a file with the lines `[classes]`, `0 = background`, `1 = NAME` and so on; "
     "for faces celebamask19, or celebamask19_parsing for its names in the other order; `fpcore -l classes` has more",
     "root", NULL, 1, 0, fpc_class_presets, FPC_OPT_PATH, FPC_OPT_REQUIRED | FPC_OPT_CLASSES,
     FPC_FIELD_(folder, classes, const char *)},
    FPC_OPTION_PATH_BESIDE(
        folder, sides, "", "root",
        "file with the masks whose left and right are exchanged, as `fpcore data --fix-sides` writes it"),
    {"map",
     "which label each value of the masks stands for, VALUE:LABEL with commas: `0:0, 255:1` reads masks in black and "
     "white; empty: the values are the labels, and the colours of RGB masks those of the classes' palette",
     "", "", 1, 0, NULL, FPC_OPT_TEXT, FPC_OPT_ITEMS, FPC_FIELD_(folder, map, const char *)},
    FPC_OPTION_TEXT(folder, parts, "",
                    "masks in parts, a file NAME_CLASS.png for each class that a picture shows, in `masks` or its "
                    "folders, black where the class is not: `all` paints them in the order of the labels, later over "
                    "earlier, and a list of classes in its order, those alone; empty: whole masks"),
    FPC_OPTION_CHOICE(folder, orientation, "apply", orientations, "which way up a picture is"),
    FPC_OPTION_INT(folder, ignore_label, "-1", -1, 255, "",
                   "label that counts nowhere; -1: that of a preset of classes, else none"),
    FPC_OPTION_TEXT(folder, ignore_colour, "",
                    "`red, green, blue` of what counts nowhere in RGB masks; empty: that of a preset, else none"),
    {0}};
static const fpc_dataset_vtbl vtbl = {.size = sizeof vtbl,
                                      .open = open_set,
                                      .read = fpc_folder_read,
                                      .describe = describe,
                                      .name = fpc_folder_name,
                                      .audit = audit_set,
                                      .file = fpc_folder_file,
                                      .read_native = fpc_folder_native,
                                      .fingerprint = fpc_folder_fingerprint};
static const fpc_plugin plugin = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_DATASET,
    .name = "folder",
    .summary = "Pictures and index masks in folders, matched by file name.",
    .detail =
        "root/images/STEM.jpg (or .jpeg, .png) and root/masks/STEM.png, whose pixels are class numbers: the index of\n"
        "a palette, or grey values; or RGB, in the colours of the classes' palette. Smoothed (antialiased bilinear) "
        "pictures and nearest masks where size is given.\n"
        "The file of classes: [classes] with lines `LABEL = NAME`, [palette] with `LABEL = red, green, blue`, and\n"
        "[mirror] with `NAME = LABEL, LABEL` for parts that change places in a mirror.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(folder),
    .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
