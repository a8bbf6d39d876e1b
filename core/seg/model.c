/* model.c: opens a packed network. The file is hostile: the whole header is checked before anything uses it. */
#define _GNU_SOURCE
#include "seg/model.h"
#include "base/file.h"
#include "base/message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- messages ---- */

static void silent(void *arg, int level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

fpc_ctx *seg_ctx(void)
{
    fpc_ctx *ctx = fpc_ctx_new();

    if (ctx)
        fpc_ctx_log_sink(ctx, silent, NULL);
    return ctx;
}

fps_status seg_status(fpc_status status)
{
    switch (status) {
    case FPC_OK:
        return FPS_OK;
    case FPC_EINVAL:
        return FPS_EINVAL;
    case FPC_ENOMEM:
        return FPS_ENOMEM;
    case FPC_EIO:
        return FPS_EIO;
    case FPC_EFORMAT:
        return FPS_EFORMAT;
    default:
        return FPS_EFAIL;
    }
}

void seg_tell(const fpc_ctx *ctx, char *why, size_t n)
{
    const char *text = ctx ? fpc_ctx_error(ctx) : "out of memory";
    size_t length = strlen(text);

    if (!why || n == 0)
        return;
    length = length < n ? length : n - 1;
    memcpy(why, text, length);
    why[length] = 0;
}

/* ---- the file ---- */

/* Not mapped: another program may cut or write the file meanwhile, and a page that is gone would end the process. */
static fpc_status read_all(fps_model *m, int fd, unsigned char *data, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        const ssize_t got = read(fd, data + at, bytes - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fpc_fail(m->ctx, FPC_EIO, "%s cannot be read: %s", m->path,
                            got < 0 ? strerror(errno) : "it became shorter meanwhile");
        at += (size_t)got;
    }
    return FPC_OK;
}

static fpc_status read_open(fps_model *m, int fd, const unsigned char **data, size_t *bytes)
{
    struct stat about;
    unsigned char *to;

    if (fstat(fd, &about))
        return fpc_fail(m->ctx, FPC_EIO, "%s cannot be read: %s", m->path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return fpc_fail(m->ctx, FPC_EFORMAT, "%s is no plain file", m->path);
    *bytes = (size_t)about.st_size;
    if (!(*data = to = fpc_alloc(m->arena, *bytes + 1)))
        return FPC_ENOMEM;
    return read_all(m, fd, to, *bytes);
}

static fpc_status read_file(fps_model *m, const char *path, const unsigned char **data, size_t *bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is not waited for */

    if (fd < 0)
        return fpc_fail(m->ctx, FPC_EIO, "%s cannot be read: %s", m->path, strerror(errno));
    const fpc_status status = read_open(m, fd, data, bytes);
    close(fd);
    return status;
}

/* ---- tensors ---- */

static fpc_status bad_tensor(const fps_model *m, const char *name, const char *what)
{
    return fpc_fail(m->ctx, FPC_EFORMAT, "%s: tensor %.100s: %s", m->path, name, what);
}

static fpc_status read_shape(fps_model *m, const seg_json *shape, seg_tensor *t)
{
    t->count = 1;
    if (!shape || shape->type != SEG_LIST || shape->n > 4)
        return bad_tensor(m, t->name, "its shape is no list of up to 4 sizes");
    for (const seg_json *d = shape->first; d; d = d->next)
        if (!seg_json_whole(d, 1, INT32_MAX, &t->dims[t->rank++]) ||
            __builtin_mul_overflow(t->count, t->dims[t->rank - 1], &t->count))
            return bad_tensor(m, t->name, "its shape holds what is no size, or its numbers cannot be counted");
    return FPC_OK;
}

/* left: bytes of the file that no tensor has taken yet. Tensors that lie over each other would be copied as often as
 * there are such. */
static fpc_status read_tensor(fps_model *m, const seg_json *entry, const unsigned char *data, size_t bytes,
                              int64_t *left)
{
    seg_tensor *t = &m->tensor[m->n];
    const seg_json *dtype = seg_json_get(entry, "dtype"), *range = seg_json_get(entry, "data_offsets");
    int64_t begin, end, wanted;
    fpc_status status;

    *t = (seg_tensor){.name = entry->key};
    if (dtype && dtype->type == SEG_TEXT)
        t->dtype = !strcmp(dtype->text, "F32") ? FPC_F32 : !strcmp(dtype->text, "I64") ? FPC_I64 : 0;
    if (!t->dtype)
        return bad_tensor(m, t->name, "it has none of the data types F32 and I64");
    if ((status = read_shape(m, seg_json_get(entry, "shape"), t)))
        return status;
    if (!range || range->n != 2 || !seg_json_whole(range->first, 0, (int64_t)bytes, &begin) ||
        !seg_json_whole(range->first->next, begin, (int64_t)bytes, &end))
        return bad_tensor(m, t->name, "its data_offsets do not lie in the file, which may be cut");
    if (__builtin_mul_overflow(t->count, (int64_t)fpc_dtype_size(t->dtype), &wanted) || wanted != end - begin)
        return bad_tensor(m, t->name, "its shape does not fill its bytes");
    if (wanted > *left)
        return bad_tensor(m, t->name, "tensors overlap: together they have more bytes than the file");
    *left -= wanted;
    t->data = data + begin;
    if ((uintptr_t)t->data % fpc_dtype_size(t->dtype)) { /* whoever reads it takes whole numbers */
        void *copy = fpc_alloc(m->arena, (size_t)wanted);
        if (!copy)
            return FPC_ENOMEM;
        t->data = memcpy(copy, data + begin, (size_t)wanted);
    }
    m->n++;
    return FPC_OK;
}

const seg_tensor *seg_find(const fps_model *m, const char *name)
{
    for (int32_t i = 0; i < m->n; i++)
        if (!strcmp(m->tensor[i].name, name))
            return &m->tensor[i];
    return NULL;
}

/* ---- what it says of itself ---- */

static fpc_status bad_program(const fps_model *m, const char *what)
{
    return fpc_fail(m->ctx, FPC_EFORMAT, "%s: metadata " SEG_META ": %s", m->path, what);
}

static const char *text_of(const seg_json *v, const char *other)
{
    return v && v->type == SEG_TEXT ? v->text : other;
}

static fpc_status read_palette(fps_model *m, const seg_json *list)
{
    uint8_t(*colour)[3] = list ? fpc_alloc(m->arena, (size_t)m->about.classes * sizeof *colour) : NULL;
    int32_t c = 0;

    if (!list || list->n == 0)
        return FPC_OK;
    if (!colour)
        return FPC_ENOMEM;
    if (list->n != m->about.classes)
        return bad_program(m, "there are not as many colours as classes");
    for (const seg_json *rgb = list->first; rgb; rgb = rgb->next, c++) {
        const seg_json *v = rgb->first;
        for (int k = 0; k < 3; k++, v = v ? v->next : NULL) {
            int64_t number;
            if (!seg_json_whole(v, 0, 255, &number))
                return bad_program(m, "a colour is not three numbers from 0 to 255");
            colour[c][k] = (uint8_t)number;
        }
    }
    m->about.palette = (const uint8_t(*)[3])colour;
    return FPC_OK;
}

static fpc_status read_classes(fps_model *m)
{
    const seg_json *list = seg_json_get(m->program, "classes");
    const char **name;
    int32_t n = 0;

    if (!list || list->type != SEG_LIST || list->n < 1 || list->n > FPC_MAX_CLASSES)
        return bad_program(m, "`classes` is no list of 1 to 256 names");
    if (!(name = fpc_alloc(m->arena, (size_t)list->n * sizeof *name)))
        return FPC_ENOMEM;
    for (const seg_json *v = list->first; v; v = v->next)
        name[n++] = text_of(v, "");
    m->about.classes = n;
    m->about.class_names = name;
    return read_palette(m, seg_json_get(m->program, "palette"));
}

static fpc_status read_program(fps_model *m)
{
    const seg_json *graphs = seg_json_get(m->program, "graphs");
    const char *precision = text_of(seg_json_get(m->program, "precision"), "");
    const char *fit = text_of(seg_json_get(m->program, "fit"), "squeeze");
    int64_t format, h, w;

    if (!seg_json_whole(seg_json_get(m->program, "format"), 1, INT32_MAX, &format))
        return bad_program(m, "it has no format");
    if (format > SEG_FORMAT)
        return fpc_fail(m->ctx, FPC_EFORMAT, "%s: packed in format %lld; this libfpseg reads %d", m->path,
                        (long long)format, SEG_FORMAT);
    if (!seg_json_whole(seg_json_get(m->program, "height"), 1, FPC_IMAGE_SIDE, &h) ||
        !seg_json_whole(seg_json_get(m->program, "width"), 1, FPC_IMAGE_SIDE, &w) || h * w > FPC_IMAGE_PIXELS)
        return bad_program(m, "it has no height and width, or impossible ones");
    if (strcmp(precision, "fp32") && strcmp(precision, "bf16"))
        return bad_program(m, "its precision is neither fp32 nor bf16");
    if (strcmp(fit, "squeeze") && strcmp(fit, "pad"))
        return bad_program(m, "its fit is neither squeeze nor pad");
    if (!seg_json_get(graphs, "labels") || !seg_json_get(graphs, "logits"))
        return bad_program(m, "it lacks one of the graphs `labels` and `logits`");
    m->fit = strcmp(fit, "pad") ? FPC_FIT_SQUEEZE : FPC_FIT_PAD;
    m->half = strcmp(precision, "bf16") ? 0 : FPC_BF16;
    m->about.height = (int32_t)h;
    m->about.width = (int32_t)w;
    m->about.name = text_of(seg_json_get(m->program, "name"), "");
    if (!seg_json_whole(seg_json_get(m->program, "parameters"), 0, INT64_C(1) << 53, &m->about.parameters))
        m->about.parameters = 0;
    return read_classes(m);
}

/* ---- opening ---- */

static fpc_status read_entries(fps_model *m, const seg_json *header, const unsigned char *data, size_t bytes)
{
    const seg_json *meta = seg_json_get(header, "__metadata__");
    const char *text = text_of(seg_json_get(meta, SEG_META), NULL);
    const char *name = fpc_sprintf(m->arena, "%s: metadata " SEG_META, m->path);
    int64_t left = (int64_t)bytes;
    fpc_status status = FPC_OK;

    if (header->type != SEG_OBJECT)
        return fpc_fail(m->ctx, FPC_EFORMAT, "%s: its header is no JSON object", m->path);
    if (!text)
        return fpc_fail(m->ctx, FPC_EFORMAT, "%s: weights without a program; `fpcore pack` writes a file with one",
                        m->path);
    if (!name || !(m->tensor = fpc_alloc(m->arena, ((size_t)header->n + 1) * sizeof *m->tensor)))
        return FPC_ENOMEM;
    for (const seg_json *e = header->first; e && !status; e = e->next)
        status = e == meta ? FPC_OK : read_tensor(m, e, data, bytes, &left);
    if (status || (status = seg_json_read(m->ctx, m->arena, name, text, strlen(text), &m->program)))
        return status;
    return read_program(m);
}

static fpc_status read_bytes(fps_model *m, const unsigned char *data, size_t bytes)
{
    const char *name = fpc_sprintf(m->arena, "%s: header", m->path);
    seg_json *header;
    uint64_t length = 0;
    fpc_status status;

    if (!name)
        return FPC_ENOMEM;
    for (int i = 7; i >= 0 && bytes >= 8; i--)
        length = length << 8 | data[i];
    if (bytes < 8 || length < 2 || length > bytes - 8)
        return fpc_fail(m->ctx, FPC_EFORMAT,
                        "%s: no file of `fpcore pack`, or cut: %zu bytes, of which the header would have %llu", m->path,
                        bytes, (unsigned long long)length);
    if ((status = seg_json_read(m->ctx, m->arena, name, (const char *)data + 8, (size_t)length, &header)))
        return status;
    return read_entries(m, header, data + 8 + length, bytes - 8 - (size_t)length);
}

static int is_stored(const fpc_value *v)
{
    return v->role == FPC_ROLE_PARAM || v->role == FPC_ROLE_BUFFER;
}

static const fpc_value *find_stored(const fpc_graph *g, const char *name)
{
    for (int32_t v = 0; v < g->n_values; v++)
        if (is_stored(&g->value[v]) && !strcmp(g->value[v].name, name))
            return &g->value[v];
    return NULL;
}

/* A session keeps one state, made for the first graph, which has something to keep: the second one has nothing that is
 * not there, nor as something else. */
static fpc_status check_stored(const fps_model *m, const fpc_graph *of, const fpc_graph *g)
{
    int32_t params = 0;

    for (int32_t i = 0; i < of->n_values; i++)
        params += of->value[i].role == FPC_ROLE_PARAM;
    if (!params)
        return fpc_fail(m->ctx, FPC_EFORMAT, "%s: graph labels: it has no parameters", m->path);
    for (int32_t i = 0; i < g->n_values; i++) {
        const fpc_value *v = &g->value[i], *there = is_stored(v) ? find_stored(of, v->name) : NULL;
        if (is_stored(v) && (!there || there->role != v->role || !fpc_same_shape(there->shape, v->shape)))
            return fpc_fail(m->ctx, FPC_EFORMAT,
                            "%s: graph logits: a parameter that graph labels has not as it is: %.100s", m->path,
                            v->name);
    }
    return FPC_OK;
}

/* Both graphs once, so that whoever has a model can make sessions of it. */
static fpc_status try_graphs(fps_model *m)
{
    fpc_arena *scratch = fpc_arena_new(m->ctx);
    fpc_op_table *ops;
    fpc_graph *labels, *logits;
    fpc_status status = scratch ? fpc_op_table_new(m->ctx, scratch, 1, &fpc_builtin_rows, &ops) : FPC_ENOMEM;

    if (!status && !(status = seg_graph(m->ctx, scratch, m, ops, "labels", &labels)) &&
        !(status = seg_graph(m->ctx, scratch, m, ops, "logits", &logits)))
        status = check_stored(m, labels, logits);
    fpc_arena_free(scratch);
    return status;
}

static fps_status open_model(const char *path, const void *data, size_t bytes, fps_model **out, char *why, size_t n)
{
    const unsigned char *from = data;
    fpc_ctx *ctx = seg_ctx();
    fpc_arena *arena = ctx ? fpc_arena_new(ctx) : NULL;
    fps_model *m = arena ? fpc_alloc(arena, sizeof *m) : NULL;
    fpc_status status = m ? FPC_OK : FPC_ENOMEM;

    if (m) {
        char *shown = fpc_strdup(arena, path); /* messages can be printed, whatever the file's name is */
        *m = (fps_model){.ctx = ctx, .arena = arena, .path = shown};
        if (shown)
            fpc_defuse(shown, "");
        status = !shown ? FPC_ENOMEM : data ? FPC_OK : read_file(m, path, &from, &bytes);
    }
    if (!status && !(status = read_bytes(m, from, bytes)))
        status = try_graphs(m);
    if (!status) {
        *out = m;
        return FPS_OK;
    }
    seg_tell(ctx, why, n);
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    /* what a plugin's author would have done wrong is here the file's fault */
    return seg_status(status == FPC_EINVAL || status == FPC_ENOSUPPORT ? FPC_EFORMAT : status);
}

fps_status seg_refuse(const char *what, char *why, size_t n)
{
    if (why && n > 0) {
        why[0] = 0;
        strncat(why, what, n - 1);
    }
    return FPS_EINVAL;
}

fps_status fps_open(const char *path, fps_model **out, char *why, size_t n)
{
    if (!out)
        return seg_refuse("fps_open: there is no place for the model", why, n);
    *out = NULL;
    return path ? open_model(path, NULL, 0, out, why, n) : seg_refuse("fps_open: no path is given", why, n);
}

fps_status fps_open_memory(const void *data, size_t bytes, fps_model **out, char *why, size_t n)
{
    if (!out)
        return seg_refuse("fps_open_memory: there is no place for the model", why, n);
    *out = NULL;
    return data ? open_model("memory", data, bytes, out, why, n)
                : seg_refuse("fps_open_memory: no bytes are given", why, n);
}

void fps_close(fps_model *m)
{
    if (!m)
        return;
    fpc_ctx *ctx = m->ctx;
    fpc_arena_free(m->arena);
    fpc_ctx_free(ctx);
}

void fps_model_about(const fps_model *m, fps_about *out)
{
    if (!out || out->size < sizeof out->size)
        return;
    fps_about about = m ? m->about : (fps_about){0};
    about.size = out->size; /* of a program that was built with another version */
    memcpy(out, &about, about.size < sizeof about ? about.size : sizeof about);
}

const char *fps_version(void)
{
    return FPC_VERSION;
}
