/* parts.c: part masks to index masks (parts.h). All names are looked at before anything is written, so that a part that
 * no class is called after, or that is there twice, stops it at once. Masks are written under a temporary name and
 * renamed, so one that is there is whole, and the same command goes on where it was cut. */
#define _GNU_SOURCE
#include "base/text.h"
#include "cmd/inspect/parts.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/message.h"
#include "base/print.h"
#include "cmd/line/terminal.h"

#include <fpcore/image.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct part {
    const char *name, *path; /* of the picture; of the file */
    int32_t label;
} part;

typedef struct join {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const fpc_dataset_info *info;
    const char *out;
    int keep_names;
    int64_t n, room;
    part *part;
} join;

static int by_picture(const void *a, const void *b)
{
    const part *x = a, *y = b;
    const int order = strcmp(x->name, y->name);

    return order ? order : (x->label > y->label) - (x->label < y->label);
}

/* The class after which a file is called, and the picture; -1: none. The longest name that fits: l_eye, not eye. */
static int32_t class_of(const join *j, const char *stem, size_t length, size_t *name)
{
    int32_t label = -1;

    for (int32_t i = 0; i < j->info->classes; i++) {
        const size_t n = strlen(j->info->class_names[i]);
        if (n + 1 < length && stem[length - n - 1] == '_' && !strncmp(stem + length - n, j->info->class_names[i], n) &&
            (label < 0 || length - n - 1 < *name)) {
            label = i;
            *name = length - n - 1;
        }
    }
    return label;
}

static fpc_status unknown(const join *j, const char *path)
{
    const char *list = "";

    for (int32_t i = 0; i < j->info->classes && list; i++)
        list = fpc_sprintf(j->arena, "%s%s%s", list, i ? ", " : "", j->info->class_names[i]);
    return fpc_fail(j->ctx, FPC_EFORMAT,
                    "%s: no class is called so; a part's file is NAME_CLASS.png, and the classes are %s. "
                    "-s dataset.classes=FILE names others",
                    path, list ? list : "others");
}

static fpc_status add(join *j, const char *path, const char *file)
{
    const size_t length = strlen(file) - strlen(".png");
    size_t n = 0;
    const int32_t label = class_of(j, file, length, &n);

    if (label < 0)
        return unknown(j, path);
    if (j->n == j->room) {
        const int64_t more = j->room ? 2 * j->room : 1024;
        part *larger = fpc_alloc(j->arena, (size_t)more * sizeof *larger);
        if (!larger)
            return FPC_ENOMEM;
        if (j->n)
            memcpy(larger, j->part, (size_t)j->n * sizeof *larger);
        j->part = larger;
        j->room = more;
    }
    if (!j->keep_names && strspn(file, "0123456789") == n)
        for (; n > 1 && *file == '0'; n--)
            file++;
    j->part[j->n] = (part){fpc_sprintf(j->arena, "%.*s", (int)n, file), path, label};
    return j->part[j->n++].name ? FPC_OK : FPC_ENOMEM;
}

/* The parts in a folder, and in its folders where it is the one that was named. */
static fpc_status look(join *j, const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    fpc_status status = FPC_OK;

    if (!dir)
        return fpc_fail(j->ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: the folder of parts cannot be read: %s",
                        folder, strerror(errno));
    while (!status && (entry = readdir(dir))) {
        const char *path = fpc_sprintf(j->arena, "%s/%s", folder, entry->d_name);
        const size_t n = strlen(entry->d_name);
        struct stat about;
        if (!path)
            status = FPC_ENOMEM;
        else if (entry->d_name[0] == '.')
            continue;
        else if (n > 4 && !strcasecmp(entry->d_name + n - 4, ".png"))
            status = add(j, path, entry->d_name);
        else if (!depth && !stat(path, &about) && S_ISDIR(about.st_mode))
            status = look(j, path, 1);
    }
    closedir(dir);
    return status;
}

static fpc_status check_twice(const join *j)
{
    for (int64_t i = 1; i < j->n; i++)
        if (!by_picture(&j->part[i - 1], &j->part[i]))
            return fpc_fail(j->ctx, FPC_EFORMAT, "%s and %s are the same part of picture %s; remove one%s",
                            j->part[i - 1].path, j->part[i].path, j->part[i].name,
                            j->keep_names ? "" : ", or give --keep-names where 7 and 007 are two pictures");
    return FPC_OK;
}

static fpc_status paint(const join *j, fpc_arena *scratch, const part *p, fpc_image *mask)
{
    fpc_image image;
    const fpc_status status = fpc_image_read(j->ctx, scratch, p->path, &image);

    if (status)
        return status;
    if (!mask->pixel) {
        mask->w = image.w;
        mask->h = image.h;
        if (!(mask->pixel = fpc_alloc(scratch, (size_t)image.w * (size_t)image.h)))
            return FPC_ENOMEM;
    }
    if (mask->w != image.w || mask->h != image.h)
        return fpc_fail(j->ctx, FPC_EFORMAT,
                        "%s: %d x %d, but another part of picture %s is %d x %d; all have to agree", p->path, image.w,
                        image.h, p->name, mask->w, mask->h);
    for (int64_t i = 0; i < (int64_t)image.w * image.h; i++)
        if (image.pixel[3 * i] | image.pixel[3 * i + 1] | image.pixel[3 * i + 2])
            mask->pixel[i] = (uint8_t)p->label;
    return FPC_OK;
}

/* The parts first .. end are one picture's. *made 0: its mask was there. */
static fpc_status join_one(const join *j, fpc_arena *scratch, int64_t first, int64_t end, int *made)
{
    const char *to = fpc_sprintf(scratch, "%s/%s.png", j->out, j->part[first].name);
    fpc_image mask = {.c = 1};
    fpc_status status = to ? FPC_OK : FPC_ENOMEM;

    *made = 0;
    if (to && !access(to, F_OK))
        return FPC_OK;
    for (int64_t i = first; i < end && !status; i++)
        status = paint(j, scratch, &j->part[i], &mask);
    *made = 1;
    return status ? status : fpc_png_write(j->ctx, to, &mask, j->info->palette, j->info->classes);
}

static fpc_status join_all(const join *j, fpc_arena *scratch)
{
    const double began = fpc_clock_now();
    int64_t written = 0, there = 0;
    fpc_status status = FPC_OK;

    for (int64_t i = 0, end; i < j->n && !status; i = end) {
        int made = 0;
        for (end = i + 1; end < j->n && !strcmp(j->part[i].name, j->part[end].name);)
            end++;
        if (fpc_ctx_cancelled(j->ctx)) {
            fpc_end_progress();
            return fpc_fail(j->ctx, FPC_ECANCEL, "interrupted after %lld %s; the same command goes on",
                            (long long)(written + there), fpc_word(written + there, "mask", "masks"));
        }
        status = join_one(j, scratch, i, end, &made);
        written += made;
        there += !made;
        fpc_arena_reset(scratch);
        fpc_show_progress(end, j->n, "parts", began);
    }
    fpc_end_progress();
    if (!status)
        fpc_print("%s: %lld masks of %lld parts; %lld of the masks were there\n", j->out, (long long)(written + there),
                  (long long)j->n, (long long)there);
    return status;
}

fpc_status fpc_parts_join(fpc_ctx *ctx, fpc_arena *arena, const fpc_dataset_info *info, const char *folder,
                          const char *out, int keep_names)
{
    join j = {.ctx = ctx, .arena = arena, .info = info, .out = out, .keep_names = keep_names};
    fpc_arena *scratch;
    fpc_status status;

    if (!info->class_names)
        return fpc_fail(ctx, FPC_EINVAL, "the data set does not name its classes, after which parts are called");
    if ((status = look(&j, folder, 0)))
        return status;
    if (!j.n)
        return fpc_fail(ctx, FPC_ENOENT, "%s: no parts in it; wanted are files NAME_CLASS.png, there or in its folders",
                        folder);
    qsort(j.part, (size_t)j.n, sizeof *j.part, by_picture);
    if ((status = check_twice(&j)))
        return status;
    if ((status = fpc_make_folders(ctx, "fpcore data: --out", out)))
        return status;
    if (!(scratch = fpc_arena_new(ctx)))
        return FPC_ENOMEM;
    status = join_all(&j, scratch);
    fpc_arena_free(scratch);
    return status;
}
