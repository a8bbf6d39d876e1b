/* files.c: see predict.h. Whose files may be replaced is decided before the first picture is read: a folder of
 * predictions may be written again, a file of somebody else's (labels made by hand, a photograph) is never lost. */
#define _GNU_SOURCE
#include "base/text.h"
#include "cmd/line/output.h"
#include "cmd/predict/predict.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- pictures ---- */

static fpc_status add(fpc_predict_files *f, const char *picture, const char *below)
{
    fpc_arena *arena = f->cmd->arena;
    const char *last = strcmp(picture, "-") ? picture : "stdin"; /* what its mask is called by */
    const char *name = strrchr(last, '/') ? strrchr(last, '/') + 1 : last, *dot = strrchr(name, '.');
    const int stem = (int)(dot && dot > name ? dot - name : (ptrdiff_t)strlen(name));

    if (f->n == f->cap) {
        const int32_t cap = f->cap ? 2 * f->cap : 64;
        fpc_predict_item *more = fpc_alloc(arena, sizeof *more * (size_t)cap);
        if (!more)
            return FPC_ENOMEM;
        if (f->n)
            memcpy(more, f->item, sizeof *more * (size_t)f->n);
        f->item = more;
        f->cap = cap;
    }
    fpc_predict_item *item = &f->item[f->n++];
    item->picture = fpc_strdup(arena, picture);
    item->mask = fpc_sprintf(arena, "%s/%s%.*s.png", f->out, below, stem, name);
    item->overlay = f->overlay ? fpc_sprintf(arena, "%s/%s%.*s.overlay.png", f->out, below, stem, name) : NULL;
    item->probs = f->probs ? fpc_sprintf(arena, "%s/%s%.*s.probs.safetensors", f->out, below, stem, name) : NULL;
    return item->picture && item->mask && (item->overlay || !f->overlay) && (item->probs || !f->probs) ? FPC_OK
                                                                                                       : FPC_ENOMEM;
}

static int by_picture(const void *a, const void *b)
{
    return strcmp(((const fpc_predict_item *)a)->picture, ((const fpc_predict_item *)b)->picture);
}

static fpc_status walk(fpc_predict_files *f, const char *folder, const char *below);

/* below: where the folder lies under the one that was named, "" or "a/b/". Links to folders are not followed, so that
 * a walk ends. */
static fpc_status take(fpc_predict_files *f, const char *folder, const char *below, const char *name)
{
    const char *path = fpc_sprintf(f->cmd->arena, "%s/%s", folder, name), *deeper;
    struct stat about, behind;

    if (!path)
        return FPC_ENOMEM;
    if (lstat(path, &about))
        return FPC_OK; /* it has just gone */
    if (S_ISDIR(about.st_mode) && f->recursive)
        return (deeper = fpc_sprintf(f->cmd->arena, "%s%s/", below, name)) ? walk(f, path, deeper) : FPC_ENOMEM;
    if (S_ISDIR(about.st_mode) || (S_ISLNK(about.st_mode) && !stat(path, &behind) && S_ISDIR(behind.st_mode))) {
        f->folders++;
        return FPC_OK;
    }
    if (!fpc_image_named(name))
        return FPC_OK;
    if (fpc_png_says(path, FPC_PREDICT_MARK)) {
        f->own++;
        return FPC_OK;
    }
    return add(f, path, below);
}

static fpc_status walk(fpc_predict_files *f, const char *folder, const char *below)
{
    struct dirent *entry;
    fpc_status status = FPC_OK;
    DIR *dir = opendir(folder);

    if (!dir && !f->others && !*below)
        return fpc_fail(f->cmd->ctx, FPC_EIO, "%s: cannot be listed: %s", folder, strerror(errno));
    if (!dir) { /* like a broken picture: told of, and the rest goes on */
        fpc_log(f->cmd->ctx, FPC_LOG_ERROR, "%s: cannot be listed: %s", folder, strerror(errno));
        f->unlisted++;
        return FPC_OK;
    }
    while (!status && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            status = take(f, folder, below, entry->d_name);
    closedir(dir);
    return status;
}

static fpc_status add_folder(fpc_predict_files *f, const char *folder)
{
    const int32_t first = f->n, folders = f->folders, own = f->own, unlisted = f->unlisted;
    const fpc_status status = walk(f, folder, "");

    if (status)
        return status;
    if (f->n > first) {
        qsort(f->item + first, (size_t)(f->n - first), sizeof *f->item, by_picture);
        return FPC_OK;
    }
    if (f->unlisted > unlisted)
        return FPC_OK;
    if (f->folders > folders)
        return fpc_fail(f->cmd->ctx, FPC_ENOENT,
                        "%s: holds no pictures (.jpg, .jpeg, .png), but %d %s; --recursive looks into %s", folder,
                        f->folders - folders, fpc_word(f->folders - folders, "folder", "folders"),
                        fpc_word(f->folders - folders, "it", "them"));
    return fpc_fail(f->cmd->ctx, FPC_ENOENT, "%s: holds no pictures (.jpg, .jpeg, .png)%s", folder,
                    f->own > own ? " but those that fpcore predict wrote" : "");
}

fpc_status fpc_predict_add(fpc_predict_files *f, const char *operand)
{
    struct stat about;
    char *path = fpc_strdup(f->cmd->arena, operand);

    if (!path)
        return FPC_ENOMEM;
    if (!strcmp(path, "-"))
        return add(f, path, "");
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) /* photos/ is photos */
        path[n - 1] = '\0';
    if (stat(path, &about) && f->others) /* told of when its turn comes, like a broken one */
        return add(f, path, "");
    if (stat(path, &about))
        return fpc_fail(f->cmd->ctx, FPC_ENOENT, "%s: %s", operand, strerror(errno));
    return S_ISDIR(about.st_mode) ? add_folder(f, path) : add(f, path, "");
}

fpc_status fpc_predict_read(fpc_ctx *ctx, const fpc_ctx *until, fpc_arena *arena, const char *path, unsigned how,
                            fpc_image *out)
{
    enum { MOST = 1 << 30 }; /* more than the largest picture takes as a PNG */
    char *data;
    size_t bytes;
    fpc_status status;

    if (strcmp(path, "-"))
        return fpc_image_open(ctx, arena, path, how, out, NULL);
    status = fpc_read_stdin(ctx, until, arena, MOST, &data, &bytes);
    return status ? status : fpc_image_decode(ctx, arena, "standard input", data, bytes, how, out);
}

/* ---- what may be written ---- */

/* A picture is no text: a terminal is not given one, and nothing else goes there. */
static fpc_status check_pipe(const fpc_predict_files *f)
{
    if (f->n != 1 || f->overlay || f->probs || f->n_maps)
        return fpc_fail(f->cmd->ctx, FPC_EINVAL,
                        "fpcore predict: -o - takes the mask of one picture and nothing else, not %s; give a folder to "
                        "--out",
                        f->n != 1    ? fpc_sprintf(f->cmd->arena, "%d masks", f->n)
                        : f->overlay ? "--overlay"
                        : f->probs   ? "--probs"
                                     : "--probabilities");
    if (isatty(STDOUT_FILENO))
        return fpc_fail(f->cmd->ctx, FPC_EINVAL,
                        "fpcore predict: -o - writes a PNG to standard output, which is a terminal; put > mask.png "
                        "behind it");
    return FPC_OK;
}

typedef struct output {
    const char *path, *picture; /* picture NULL: of all */
} output;

typedef struct known { /* a picture on the disk, whatever its path */
    dev_t device;
    ino_t number;
    const char *path;
} known;

/* Whether an earlier prediction wrote that file: a PNG says so, and the head of a safetensors file. */
static int is_ours(const char *path)
{
    char head[8192];
    FILE *file;

    if (fpc_png_says(path, FPC_PREDICT_MARK))
        return 1;
    if (!(file = fpc_open_plain(path)))
        return 0;
    const size_t n = fread(head, 1, sizeof head, file);
    fclose(file);
    return fpc_predict_is_npy(head, n) ||
           (n > 8 && head[8] == '{' && memmem(head, n, FPC_PREDICT_META, strlen(FPC_PREDICT_META)));
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const output *)a)->path, ((const output *)b)->path);
}

static int by_file(const void *a, const void *b)
{
    const known *x = a, *y = b;

    return x->device != y->device ? (x->device < y->device ? -1 : 1)
                                  : (x->number > y->number) - (x->number < y->number);
}

static fpc_status written_twice(const fpc_predict_files *f, int32_t n, output *to)
{
    qsort(to, (size_t)n, sizeof *to, by_path);
    for (int32_t i = 1; i < n; i++)
        if (!strcmp(to[i].path, to[i - 1].path))
            return fpc_fail(f->cmd->ctx, FPC_EINVAL,
                            "%s: would be written for %s and for %s; predict them one after the other, each with its "
                            "own --out",
                            to[i].path, to[i - 1].picture ? to[i - 1].picture : "the legend",
                            to[i].picture ? to[i].picture : "the legend");
    return FPC_OK;
}

static const known *find_picture(const char *path, int32_t n, const known *picture)
{
    struct stat about;

    if (stat(path, &about))
        return NULL;
    const known key = {about.st_dev, about.st_ino, NULL};
    return bsearch(&key, picture, (size_t)n, sizeof key, by_file);
}

static fpc_status check_output(const fpc_predict_files *f, const char *path, int may_replace)
{
    return fpc_output_check(f->cmd->ctx, path, "fpcore predict", "folder to --out", may_replace);
}

static fpc_status replaces(const fpc_predict_files *f, int32_t n, const output *to, int32_t n_pictures,
                           const known *picture, int force)
{
    const char *first = NULL;
    int32_t others = 0;
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < n && !status; i++) {
        const known *hit = find_picture(to[i].path, n_pictures, picture);
        if (hit)
            return fpc_fail(f->cmd->ctx, FPC_EINVAL,
                            "%s: would be replaced by what is written for %s; give another folder to --out", hit->path,
                            to[i].picture ? to[i].picture : "the legend");
        const int may_replace = force || is_ours(to[i].path);
        if (fpc_output_look(to[i].path, may_replace) != FPC_OUTPUT_TAKEN)
            status = check_output(f, to[i].path, may_replace);
        else if (others++ == 0)
            first = to[i].path;
    }
    if (status || others < 2)
        return status || !others ? status : check_output(f, first, 0);
    return fpc_fail(f->cmd->ctx, FPC_EINVAL,
                    "%s and %d more: are there already, and fpcore predict did not write them; give another folder to "
                    "--out, or --force to replace them",
                    first, others - 1);
}

fpc_status fpc_predict_check(const fpc_predict_files *f, int force)
{
    output *to = fpc_alloc(f->cmd->arena, sizeof *to * ((3 + (size_t)f->n_maps) * (size_t)f->n + 1));
    known *picture = fpc_alloc(f->cmd->arena, sizeof *picture * ((size_t)f->n + 1));
    int32_t n = 0, n_pictures = 0;
    fpc_status status;

    if (!to || !picture)
        return FPC_ENOMEM;
    if (f->pipe)
        return check_pipe(f);
    for (int32_t i = 0; i < f->n; i++) {
        const fpc_predict_item *item = &f->item[i];
        struct stat about;
        to[n++] = (output){item->mask, item->picture};
        if (item->overlay)
            to[n++] = (output){item->overlay, item->picture};
        if (item->probs)
            to[n++] = (output){item->probs, item->picture};
        for (int32_t m = 0; m < f->n_maps; m++)
            if (!(to[n++] = (output){fpc_predict_map_path(f, f->cmd->arena, item, m), item->picture}).path)
                return FPC_ENOMEM;
        if (!stat(item->picture, &about))
            picture[n_pictures++] = (known){about.st_dev, about.st_ino, item->picture};
    }
    if (f->legend)
        to[n++] = (output){f->legend, NULL};
    qsort(picture, (size_t)n_pictures, sizeof *picture, by_file);
    if ((status = written_twice(f, n, to)))
        return status;
    return replaces(f, n, to, n_pictures, picture, force);
}
