/* class_maps.c: see predict.h. A picture's probabilities as one grey PNG for each class, or as one array of NumPy's.
 * They come row by row and are written at once: all of a picture of 64 megapixels and 19 classes would take 5 GiB. A
 * file has its name when it is whole. */
#define _POSIX_C_SOURCE 200809L
#include "base/file.h"
#include "base/message.h"
#include "cmd/predict/predict.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct fpc_class_maps {
    fpc_ctx *ctx;
    int32_t w, classes;
    fpc_png_rows **png; /* [classes]; NULL: an array */
    uint8_t *line;      /* [2 w] a row of a PNG */
    const char *path;   /* of the array */
    char *temporary;
    FILE *file;
};

/* ---- names ---- */

/* A class name as a part of a file name: no slashes, blanks or control codes, which scripts trip over. */
static char *plain_name(fpc_arena *arena, const char *name)
{
    char *out = fpc_strdup(arena, name);

    for (unsigned char *c = (unsigned char *)out; c && *c; c++)
        if (!(*c >= 0x80 || (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
              strchr("-_.+", *c)))
            *c = '_';
    return out;
}

static int taken(const fpc_predict_files *f, int32_t n, const char *end)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcasecmp(f->map_end[i], end))
            return 1;
    return 0;
}

fpc_status fpc_predict_name_maps(fpc_predict_files *f, const char *how, int32_t classes, const char *const *name)
{
    fpc_arena *arena = f->cmd->arena;

    if (!how)
        return FPC_OK;
    f->npy = !strcmp(how, "npy");
    if (!f->npy && *how && strcmp(how, "png16"))
        return fpc_fail(
            f->cmd->ctx, FPC_EINVAL,
            "fpcore predict: --probabilities=%s: png16 (a grey PNG for each class) or npy (one array) can be "
            "written",
            how);
    f->n_maps = f->npy ? 1 : classes;
    if (!(f->map_end = fpc_alloc(arena, (size_t)f->n_maps * sizeof *f->map_end)))
        return FPC_ENOMEM;
    if (f->npy) {
        f->map_end[0] = ".probabilities.npy";
        return FPC_OK;
    }
    for (int32_t c = 0; c < classes; c++) {
        const char *plain = name && name[c] ? plain_name(arena, name[c]) : fpc_sprintf(arena, "%d", c);
        const char *end = plain ? fpc_sprintf(arena, "_%s.png", plain) : NULL;
        if (end && taken(f, c, end))
            end = fpc_sprintf(arena, "_%s_%d.png", plain, c);
        if (!end)
            return FPC_ENOMEM;
        f->map_end[c] = end;
    }
    return FPC_OK;
}

const char *fpc_predict_map_path(const fpc_predict_files *f, fpc_arena *arena, const fpc_predict_item *item, int32_t i)
{
    return fpc_sprintf(arena, "%.*s%s", (int)(strlen(item->mask) - strlen(".png")), item->mask, f->map_end[i]);
}

/* ---- an array of NumPy's ---- */

/* Its head names the shape first, which NumPy, that sorts the keys, never writes, and whoever reads must not mind: so
 * arrays of ours are known, in a format that has no place for a text. The head ends at a multiple of 64 bytes. */
static const char npy_begin[] = "\x93NUMPY\x01\x00\x76\x00{'shape': (";
enum { NPY_HEAD = 128 };

int fpc_predict_is_npy(const char *head, size_t bytes)
{
    return bytes >= sizeof npy_begin - 1 && !memcmp(head, npy_begin, sizeof npy_begin - 1);
}

static fpc_status npy_fail(const fpc_class_maps *m, const char *what)
{
    return fpc_fail(m->ctx, FPC_EIO, "%s: %s: %s", m->path, what, strerror(errno));
}

static fpc_status npy_open(fpc_class_maps *m, int32_t h)
{
    static const uint16_t one = 1;
    char head[NPY_HEAD];

    memset(head, ' ', sizeof head);
    memcpy(head, npy_begin, sizeof npy_begin - 1);
    const size_t at = sizeof npy_begin - 1;
    const int n = snprintf(head + at, sizeof head - at, "%d, %d, %d), 'fortran_order': False, 'descr': '%cf4'}", h,
                           m->w, m->classes, *(const char *)&one ? '<' : '>');
    head[at + (size_t)n] = ' ';
    head[NPY_HEAD - 1] = '\n';
    const int fd = fpc_create_beside(m->path, &m->temporary);
    if (fd < 0)
        return npy_fail(m, "cannot be made");
    if (!(m->file = fdopen(fd, "wb"))) {
        close(fd);
        return npy_fail(m, "cannot be made");
    }
    return fwrite(head, sizeof head, 1, m->file) == 1 ? FPC_OK : npy_fail(m, "cannot write");
}

static fpc_status npy_close(fpc_class_maps *m, fpc_status so_far)
{
    fpc_status status = so_far;

    if (m->file && fclose(m->file) != 0 && !status)
        status = npy_fail(m, "cannot write");
    if (!status && rename(m->temporary, m->path) != 0)
        status = npy_fail(m, "cannot be put in place");
    if (status && m->temporary)
        unlink(m->temporary);
    free(m->temporary);
    return status;
}

/* ---- all of them ---- */

static fpc_status open_pngs(fpc_class_maps *m, const fpc_predict_files *f, fpc_arena *arena,
                            const fpc_predict_item *item, int32_t h)
{
    fpc_status status = FPC_OK;

    m->line = fpc_alloc(arena, 2 * (size_t)m->w);
    m->png = fpc_alloc(arena, (size_t)m->classes * sizeof *m->png);
    if (!m->line || !m->png)
        return FPC_ENOMEM;
    for (int32_t c = 0; c < m->classes && !status; c++) {
        const char *path = fpc_predict_map_path(f, arena, item, c);
        status = path ? fpc_png_rows_open(m->ctx, arena, path, m->w, h, FPC_PREDICT_MARK, &m->png[c]) : FPC_ENOMEM;
    }
    return status;
}

fpc_status fpc_class_maps_open(const fpc_predict_files *f, fpc_arena *arena, const fpc_predict_item *item, int32_t h,
                               int32_t w, int32_t classes, fpc_class_maps **out)
{
    fpc_class_maps *m = *out = fpc_alloc(arena, sizeof *m);

    if (!m)
        return FPC_ENOMEM;
    *m = (fpc_class_maps){.ctx = f->cmd->ctx, .w = w, .classes = classes};
    if (!f->npy)
        return open_pngs(m, f, arena, item, h);
    m->path = fpc_predict_map_path(f, arena, item, 0);
    return m->path ? npy_open(m, h) : FPC_ENOMEM;
}

/* 0 .. 1 as 0 .. 65535, to the nearest; what is no number is 0. */
static fpc_status add_pngs(fpc_class_maps *m, const float *row)
{
    fpc_status status = FPC_OK;

    for (int32_t c = 0; c < m->classes && !status; c++) {
        for (int32_t x = 0; x < m->w; x++) {
            const float p = row[(int64_t)x * m->classes + c];
            const uint32_t v = p > 0 ? (uint32_t)(p * 65535.0f + 0.5f) : 0;
            m->line[2 * x] = (uint8_t)(v >> 8);
            m->line[2 * x + 1] = (uint8_t)v;
        }
        status = fpc_png_rows_add(m->png[c], m->line);
    }
    return status;
}

fpc_status fpc_class_maps_add(fpc_class_maps *m, const float *row)
{
    if (m->png)
        return add_pngs(m, row);
    const size_t n = (size_t)m->w * (size_t)m->classes;
    return fwrite(row, sizeof *row, n, m->file) == n ? FPC_OK : npy_fail(m, "cannot write");
}

fpc_status fpc_class_maps_close(fpc_class_maps *m, fpc_status so_far)
{
    fpc_status status = so_far;

    if (!m)
        return status;
    for (int32_t c = 0; m->png && c < m->classes; c++)
        status = fpc_png_rows_end(m->png[c], status);
    return m->png ? status : npy_close(m, status);
}
