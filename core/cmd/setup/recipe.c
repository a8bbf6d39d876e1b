/* recipe.c: writes the recipe of a layout, each line with its reason as a comment, and the file of classes. What cannot
 * be known (names, sides) is filled and asked for. */
#define _GNU_SOURCE
#include "cmd/setup/setup.h"
#include "base/file.h"
#include "base/text.h"
#include "data/classes.h"
#include "recipe/path.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Columns of a comment. Pixels of an epoch that a processor gets through in minutes; the largest square; what a network
 * halves five times. Parameters that hold 256 classes. */
enum { COLUMNS = 100, EPOCH_PIXELS = 512 << 20, LARGEST = 256, STEP = 32, BASE_CLASSES = 19, MORE_PARAMS = 2000000 };
static const double RATIO = 1.5; /* of two sides, that a square bears */

typedef struct writer {
    fpc_cmdline *cmd;
    const fpc_layout *layout;
    const fpc_mask_values *values;
    const fpc_setup_classes *classes;
    const char *path, *classes_path;
    const char *train_list, *val_list, *test_list; /* where they are written; NULL: none */
    int64_t n_train, n_val, batch, size, epochs;
    double val_split;
    char *text; /* the file so far, and how much of its room it takes */
    size_t bytes, room;
    fpc_status status; /* the first failure */
} writer;

/* Room for so many bytes more. It doubles, so that a list of all pictures takes no more than a few times its length. */
static int has_room(writer *w, size_t more)
{
    size_t room = w->room ? w->room : 4096;

    while (room - w->bytes < more)
        room *= 2;
    if (room > w->room) {
        char *larger = fpc_alloc(w->cmd->arena, room);
        if (!larger)
            return 0;
        if (w->bytes)
            memcpy(larger, w->text, w->bytes);
        w->text = larger;
        w->room = room;
    }
    return 1;
}

static void put(writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(writer *w, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (!w->status && (n < 0 || !has_room(w, (size_t)n + 1)))
        w->status = FPC_ENOMEM;
    if (w->status)
        return;
    va_start(args, fmt);
    vsnprintf(w->text + w->bytes, (size_t)n + 1, fmt, args);
    va_end(args);
    w->bytes += (size_t)n;
}

/* A sentence as lines of a comment. Control characters of names would end it. */
static void say(writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(writer *w, const char *fmt, ...)
{
    char *line = NULL;
    va_list args;

    va_start(args, fmt);
    const int n = vasprintf(&line, fmt, args);
    va_end(args);
    for (char *p = line; n >= 0 && *p; p++)
        *p = (unsigned char)*p < ' ' ? '?' : *p;
    for (const char *at = n >= 0 ? line : ""; *at;) {
        size_t length = strlen(at);
        if (length > COLUMNS) {
            length = COLUMNS;
            while (length && at[length] != ' ')
                length--;
            length = length ? length : strcspn(at, " ");
        }
        put(w, "; %.*s\n", (int)length, at);
        at += length;
        at += strspn(at, " ");
    }
    if (n >= 0)
        free(line);
    else if (!w->status)
        w->status = FPC_ENOMEM;
}

static void set(writer *w, const char *key, const char *value)
{
    const char *why = value ? fpc_recipe_bad_value(value) : NULL;
    const char *quoted = value && !why ? fpc_recipe_quote(w->cmd->arena, value) : NULL;

    if (why && !w->status)
        w->status = fpc_fail(w->cmd->ctx, FPC_EINVAL,
                             "fpcore data: --init: no recipe can name `%s` (%s): %s; give it "
                             "another name",
                             value, key, why);
    if (quoted)
        put(w, "%s = %s\n", key, quoted);
    else if (!w->status)
        w->status = FPC_ENOMEM;
}

/* ---- what to train with ---- */
/* A batch that leaves out few pictures of an epoch: --check warns where it is more than a tenth. */
static int64_t choose_batch(int64_t n, int64_t size)
{
    int64_t batch = size > 128 ? 16 : 32;

    while (batch > 2 && batch * 8 > n)
        batch /= 2;
    while (batch < n && n % batch * 10 > n)
        batch++;
    return batch < n ? batch : n;
}

static void choose(writer *w)
{
    const fpc_layout *l = w->layout;
    const int64_t n = l->train.n, side = w->values->w < w->values->h ? w->values->w : w->values->h;

    w->val_split = n >= 20 ? 0.1 : n >= 5 ? 0.2 : 0.34;
    w->n_val = l->val.n ? l->val.n : l->train_list ? l->listed_val : (int64_t)((double)n * w->val_split);
    w->n_train = l->val.n ? n : l->train_list ? l->listed_train : n - w->n_val;
    w->size = side < LARGEST ? side / STEP * STEP : LARGEST;
    while (w->size > 4 * STEP && w->n_train * w->size * w->size > EPOCH_PIXELS)
        w->size -= STEP;
    w->size = w->size < STEP ? STEP : w->size;
    w->batch = choose_batch(w->n_train, w->size);
    w->epochs = 4000 * w->batch / w->n_train;
    w->epochs = w->epochs < 20 ? 20 : w->epochs > 100 ? 100 : w->epochs;
}

/* ---- the sections ---- */
static void put_run(writer *w)
{
    char *root = realpath(w->layout->root, NULL), *slash = root ? strrchr(root, '/') : NULL;
    char *name = fpc_strdup(w->cmd->arena, slash && slash[1] ? slash + 1 : "own");

    free(root);

    for (char *p = name; p && *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p))
            *p = '_';
    put(w, "\n[run]\n");
    set(w, "name", name);
    say(w, "About %lld steps; more pictures take fewer rounds through all of them.",
        (long long)(w->epochs * (w->n_train / w->batch)));
    put(w, "epochs = %lld\n", (long long)w->epochs);
    say(w, "The mean over pictures, which depends on no batch, picks the best checkpoint.");
    put(w, "metric = f_image\n");
}

/* The folder as seen from the recipe: relative where it lies beside or below it. */
static const char *root_for(writer *w)
{
    fpc_arena *arena = w->cmd->arena;
    const char *folder = fpc_folder_of(arena, w->path);
    char *here = folder ? realpath(*folder ? folder : ".", NULL) : NULL, *root = realpath(w->layout->root, NULL);
    const size_t n = here ? strlen(here) : 0;
    const char *out = root;

    if (folder && !*folder && *w->layout->root != '/')
        out = w->layout->root;
    else if (root && here && !strcmp(root, here))
        out = ".";
    else if (root && here && !strncmp(root, here, n) && root[n] == '/')
        out = root + n + 1;
    out = out ? fpc_strdup(arena, out) : NULL;
    free(here);
    free(root);
    return out;
}

/* The pictures of a part with a folder of its own that have a mask, where some have none. */
static void put_list(writer *w, const char *key, const char *list, const fpc_pairs *p)
{
    if (!list)
        return;
    say(w, "%lld pictures in %s have no mask, so that this list names the %lld that have one.", (long long)p->alone,
        p->images, (long long)p->n);
    set(w, key, basename(list));
}

static void put_split(writer *w)
{
    const fpc_layout *l = w->layout;

    if (l->val.n) {
        say(w, "%lld pictures validate, in folders of their own.", (long long)l->val.n);
        set(w, "val_images", l->val.images);
        set(w, "val_masks", l->val.masks);
        put_list(w, "train_list", w->train_list, &l->train);
        put_list(w, "val_list", w->val_list, &l->val);
    } else if (l->train_list) {
        say(w, "The lists that lie with the pictures say which of them train (%lld) and which validate (%lld).",
            (long long)w->n_train, (long long)w->n_val);
        set(w, "train_list", l->train_list);
        set(w, "val_list", l->val_list);
    } else if (w->train_list) {
        say(w,
            "%lld pictures have no mask, so that these lists name those that have one: %lld to train, %lld to "
            "validate. Pictures of one person or one film belong into one list.",
            (long long)l->train.alone, (long long)w->n_train, (long long)w->n_val);
        set(w, "train_list", basename(w->train_list));
        set(w, "val_list", basename(w->val_list));
    } else {
        say(w,
            "%lld of the %lld pictures validate. Pictures of one person or one film belong into one part: "
            "train_list and val_list name them.",
            (long long)w->n_val, (long long)l->train.n);
        put(w, "val_split = %g\n", w->val_split);
    }
}

static void put_test(writer *w)
{
    const fpc_pairs *t = &w->layout->test;

    if (!t->n)
        return;
    say(w, "%lld pictures to test on.", (long long)t->n);
    set(w, "test_images", t->images);
    if (t->masks)
        set(w, "test_masks", t->masks);
    put_list(w, "test_list", w->test_list, t);
}

static void put_values(writer *w)
{
    const fpc_mask_values *v = w->values;
    const fpc_setup_classes *c = w->classes;

    set(w, "classes", basename(w->classes_path));
    if (v->colours)
        say(w, "Masks are in RGB: their %d colours stand in [palette] of the file of classes.", v->n);
    if (c->mapped) {
        say(w, "The masks' values are not the labels: each value, and the label it stands for.");
        put(w, "map = ");
        for (int32_t i = 0; i < v->n; i++)
            put(w, "%s%u:%d", i ? ", " : "", (unsigned)v->value[i].value, c->label[i]);
        put(w, "\n");
    }
    if (c->info.ignore_label >= 0) {
        say(w,
            "%s counts nowhere: borders and places of doubt. Where it is a class, this line goes, and the class gets "
            "a name.",
            c->ignored >= 0 ? v->colours ? "The colour below" : "The last value" : "This label");
        put(w, "ignore_label = %d\n", c->info.ignore_label);
    }
    if (v->colours && c->ignored >= 0) {
        const uint32_t rgb = v->value[c->ignored].value;
        put(w, "ignore_colour = %u, %u, %u\n", (unsigned)(rgb >> 16), (unsigned)(rgb >> 8 & 255),
            (unsigned)(rgb & 255));
    }
}

/* A square squeezes what is much broader or narrower than itself out of all shape, and shows one thing in two shapes
 * where pictures lie and stand. */
static int wants_ratio(const writer *w)
{
    const fpc_mask_values *v = w->values;
    const fpc_dataset_info *info = &w->classes->info;

    return (v->broadest > RATIO || v->narrowest * RATIO < 1 || v->broadest > RATIO * v->narrowest) &&
           (info->ignore_label >= 0 || info->classes < 256);
}

static void put_sizes(writer *w)
{
    const fpc_mask_values *v = w->values;
    const int ratio = wants_ratio(w);

    say(w,
        "Pictures are %d x %d (the middle one of %lld)%s. Larger shows more and takes longer, in proportion to the "
        "area.",
        v->w, v->h, (long long)v->pictures,
        v->squares == v->pictures ? ""
        : ratio                   ? ", and come into a square; masks that predict writes have their size"
                                  : ", and are squeezed into a square; masks that predict writes have their size");
    put(w, "size = %lld\n", (long long)w->size);
    if (ratio) {
        say(w,
            "Width through height is %.2f to %.2f: squeezed, things would lose their shape. So a picture keeps its "
            "ratio, and what is beside it in the square is black and counts nowhere. Where all have one shape, size = "
            "HxW of that shape loses no room.",
            v->narrowest, v->broadest);
        put(w, "fit = pad\n");
    }
    say(w, "%lld training pictures make %lld %s of an epoch.", (long long)w->n_train,
        (long long)(w->n_train / w->batch), fpc_word(w->n_train / w->batch, "step", "steps"));
    put(w, "batch = %lld\n", (long long)w->batch);
}

/* Places of the rarest class, by pictures and by pixels, and of the commonest by pixels, among those that count. */
static void rarest(const writer *w, int32_t *by_pictures, int32_t *by_pixels, int32_t *most)
{
    const fpc_mask_value *v = w->values->value;

    *by_pictures = *by_pixels = *most = w->classes->ignored == 0;
    for (int32_t i = 0; i < w->values->n; i++) {
        if (i == w->classes->ignored)
            continue;
        *by_pictures = v[i].pictures < v[*by_pictures].pictures ? i : *by_pictures;
        *by_pixels = v[i].pixels < v[*by_pixels].pixels ? i : *by_pixels;
        *most = v[i].pixels > v[*most].pixels ? i : *most;
    }
}

static const char *class_at(const writer *w, int32_t place)
{
    return w->classes->info.class_names[w->classes->label[place]];
}

/* Square roots of the shares keep one pixel from counting as much as a hundred others, up to where they do not. */
static void put_balance(writer *w)
{
    const fpc_mask_value *v = w->values->value;
    int32_t by_pictures, by_pixels, most;

    rarest(w, &by_pictures, &by_pixels, &most);
    if (w->classes->info.classes > 2 && v[by_pictures].pictures * 10 < w->values->masks) {
        say(w, "%s is in %lld of %lld masks: pictures that show what is rare come more often.",
            class_at(w, by_pictures), (long long)v[by_pictures].pictures, (long long)w->values->masks);
        put(w, "sampler = class_balanced\n");
    }
    if (v[by_pixels].pixels * 100 < w->values->pixels && v[by_pixels].pixels * 2500 > v[most].pixels) {
        put(w, "\n[loss.ce]\n");
        say(w, "%s has %.2f %% of the pixels, %s %.0f %%: pixels of what is rare count more.", class_at(w, by_pixels),
            100.0 * (double)v[by_pixels].pixels / (double)w->values->pixels, class_at(w, most),
            100.0 * (double)v[most].pixels / (double)w->values->pixels);
        put(w, "class_weight_preset = sqrt\n");
    }
}

static void put_recipe(writer *w)
{
    const fpc_layout *l = w->layout;
    const fpc_dataset_info *info = &w->classes->info;

    w->bytes = 0;
    say(w, "Made by `fpcore data --init` from what lies in the folder; each line may be changed. "
           "docs/your-data.md explains them.");
    say(w, "The network, losses, optimizer, metrics and loggers are those of base.ini.");
    put(w, "include = base.ini\n");
    put_run(w);
    put(w, "\n[dataset]\n");
    say(w, "%s", l->kind);
    put(w, "use = folder\n");
    set(w, "root", root_for(w));
    set(w, "images", l->train.images);
    set(w, "masks", l->train.masks);
    if (l->cut) {
        say(w,
            "A mask is a file for each class that its picture shows. They are painted in the order of the labels, "
            "later "
            "ones over earlier%s.",
            w->classes->preset ? ", as is the custom with this set" : ": the larger first, as they are numbered here");
        put(w, "parts = all\n");
    }
    if (*l->train.image_suffix || *l->train.mask_suffix)
        say(w, "What the names of a pair do not share.");
    if (*l->train.image_suffix)
        set(w, "image_suffix", l->train.image_suffix);
    if (*l->train.mask_suffix)
        set(w, "mask_suffix", l->train.mask_suffix);
    put_split(w);
    put_test(w);
    put_values(w);
    put_sizes(w);
    put_balance(w);
    if (info->classes > BASE_CLASSES) {
        put(w, "\n[model]\n");
        say(w, "base.ini keeps to the limit of a contest with %d classes; %d take more.", BASE_CLASSES, info->classes);
        put(w, "max_params = %d\n", MORE_PARAMS);
    }
    put(w, "\n[augment.flip]\n");
    say(w, "Half of the pictures are shown mirrored. %s",
        info->n_mirror_pairs ? "Left and right change labels with it, by the pairs in the file of classes."
                             : "Where classes have sides (left_eye, right_eye), [mirror] in the file of classes has to "
                               "name the pairs; where pictures must not be mirrored (text), this section goes.");
    put(w, "use = hflip\np = 0.5\nexchange = on\n");
}

/* ---- the files ---- */
static void put_classes(writer *w)
{
    const fpc_setup_classes *c = w->classes;
    const char *table = fpc_classes_text(w->cmd->arena, &c->info);

    w->bytes = 0;
    if (w->layout->cut && !c->preset)
        say(w, "The classes are called after the parts' files, NAME_CLASS.png, and so they have to be. Their order is "
               "that "
               "in which parts are painted, later ones over earlier.");
    else if (c->preset)
        say(w,
            "The classes of `classes = %s`, whose labels, colours or names the masks have. Where they mean something "
            "else, "
            "change the names.",
            c->preset);
    else
        say(w,
            "Please name the classes: they are called after their %s, as nothing says what they are. Names show in "
            "tables and pictures alone; a training begins anew when they change.",
            w->values->colours ? "place in the table of colours" : "values");
    if (!c->info.n_mirror_pairs)
        say(w, "Classes that change places in a mirror need a section of pairs: [mirror] with lines as eyes = 2, 3.");
    for (int32_t i = 0; i < w->values->n; i++)
        if (i != c->ignored)
            say(w, "label %d: %.2f %% of the pixels, in %lld of %lld masks", c->label[i],
                100.0 * (double)w->values->value[i].pixels / (double)w->values->pixels,
                (long long)w->values->value[i].pictures, (long long)w->values->masks);
    if (table)
        put(w, "%s", table);
    else if (!w->status)
        w->status = FPC_ENOMEM;
}

static fpc_status write_text(writer *w, const char *path)
{
    return w->status ? w->status : fpc_write_atomic(w->cmd->ctx, path, w->text, w->bytes);
}

/* The pictures of a part that have a mask: all, or (share 1) every so many of them and (share 0) the others. */
static fpc_status write_list(writer *w, const char *path, const fpc_pairs *p, int64_t n_val, int share)
{
    if (!path)
        return FPC_OK;
    w->bytes = 0;
    for (int64_t i = 0; i < p->n; i++)
        if ((i * n_val / p->n != (i + 1) * n_val / p->n) == share)
            put(w, "%s\n", p->image[i]);
    return write_text(w, path);
}

static fpc_status write_lists(writer *w)
{
    const fpc_layout *l = w->layout;
    const int own = l->val.n != 0; /* folders of the validation */
    fpc_status status;

    if ((status = write_list(w, w->train_list, &l->train, own ? 0 : w->n_val, 0)) ||
        (status = write_list(w, w->val_list, own ? &l->val : &l->train, own ? 0 : w->n_val, !own)))
        return status;
    return write_list(w, w->test_list, &l->test, 0, 0);
}

static fpc_status check_free(const writer *w, int force)
{
    const char *const files[] = {w->path, w->classes_path, w->train_list, w->val_list, w->test_list};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && !force && !access(files[i], F_OK))
            return fpc_fail(w->cmd->ctx, FPC_EINVAL,
                            "fpcore data: --init: %s is there already and is left alone; -o FILE.ini names another, "
                            "--force writes over it",
                            files[i]);
    return FPC_OK;
}

static fpc_status name_files(writer *w)
{
    fpc_arena *arena = w->cmd->arena;
    const size_t n = strlen(w->path), stem = n > 4 && !strcmp(w->path + n - 4, ".ini") ? n - 4 : n;
    const fpc_layout *l = w->layout;
    const int drawn = !l->val.n && l->train.alone && !l->train_list;
    const struct {
        const char **to, *word;
        int wanted;
    } list[] = {{&w->classes_path, "classes.ini", 1},
                {&w->train_list, "train.txt", drawn || (l->val.n && l->train.alone)},
                {&w->val_list, "val.txt", drawn || (l->val.n && l->val.alone)},
                {&w->test_list, "test.txt", l->test.masks && l->test.alone}};

    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i].wanted && !(*list[i].to = fpc_sprintf(arena, "%.*s.%s", (int)stem, w->path, list[i].word)))
            return FPC_ENOMEM;
    return FPC_OK;
}

static void print_summary(const writer *w)
{
    const fpc_mask_values *v = w->values;
    const fpc_layout *l = w->layout;
    const int64_t alone = l->train.alone + l->val.alone + (l->test.masks ? l->test.alone : 0);
    const int64_t pairs = l->train.n + l->val.n + (l->test.masks ? l->test.n : 0);

    fpc_print("%s\n", l->kind);
    fpc_print("%lld pictures with masks%s\n\n%-10s %5s  %-24s %8s %9s\n", (long long)pairs,
              alone ? fpc_sprintf(w->cmd->arena, ", %lld without", (long long)alone) : "",
              v->colours ? "colour" : "value", "label", "class", "pixels %", "pictures");
    for (int32_t i = 0; i < v->n; i++) {
        const uint32_t value = v->value[i].value;
        const char *what = fpc_sprintf(w->cmd->arena, v->colours ? "#%06x" : "%u", (unsigned)value);
        fpc_print("%-10s %5d  %-24s %8.2f %9lld\n", what ? what : "", w->classes->label[i],
                  i == w->classes->ignored ? "(counts nowhere)" : class_at(w, i),
                  100.0 * (double)v->value[i].pixels / (double)v->pixels, (long long)v->value[i].pictures);
    }
    fpc_print("\nwrote %s and %s%s\n", w->path, w->classes_path,
              w->train_list || w->val_list || w->test_list ? ", and lists of the pictures" : "");
    fpc_print("next:  %s in %s\n", w->layout->cut ? "look at the order of the classes" : "name the classes",
              w->classes_path);
    fpc_print("       fpcore preview -c %s -o preview.png\n       fpcore -c %s --check\n       fpcore -c %s\n", w->path,
              w->path, w->path);
}

fpc_status fpc_setup_write(fpc_cmdline *cmd, const fpc_layout *layout, const fpc_mask_values *values,
                           const fpc_setup_classes *classes, const char *path, int force)
{
    writer w = {.cmd = cmd, .layout = layout, .values = values, .classes = classes, .path = path};
    fpc_status status;

    if (layout->train.n < 3)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "%s: %lld pictures with a mask; a training needs three at least, two to learn from and one to "
                        "validate with",
                        layout->root, (long long)layout->train.n);
    choose(&w);
    if ((status = name_files(&w)) || (status = check_free(&w, force)))
        return status;
    put_recipe(&w);
    if ((status = write_text(&w, path)))
        return status;
    put_classes(&w);
    if ((status = write_text(&w, w.classes_path)) || (status = write_lists(&w)))
        return status;
    print_summary(&w);
    return FPC_OK;
}
