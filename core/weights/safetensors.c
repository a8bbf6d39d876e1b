/* safetensors.c: reads and writes safetensors files (github.com/huggingface/safetensors); what begins as a ZIP file
 * does is read by torch_archive.c. Files are hostile: the whole header is checked before anything uses it: lengths
 * against the file's size, shapes against offsets, no overlaps, no holes, no duplicate or unprintable names. Writing is
 * deterministic: wide dtypes first (so that data are aligned), else in the order given; no times, no paths. */
#define _GNU_SOURCE
#include "weights/weights_private.h"
#include "base/file.h"
#include "base/message.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_HEADER (100 * 1000 * 1000) /* the format's own limit */
#define MAX_NAME 1024
#define MAX_RANK 8

static const struct {
    const char *name;
    uint32_t dtype;
} dtypes[] = {{"F32", FPC_F32}, {"F64", FPC_F64}, {"F16", FPC_F16}, {"BF16", FPC_BF16},
              {"I64", FPC_I64}, {"I32", FPC_I32}, {"U8", FPC_U8},   {"BOOL", FPC_U8}};

static uint32_t dtype_of(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(dtypes[i].name, name))
            return dtypes[i].dtype;
    return 0;
}

const char *fpc_st_dtype_name(uint32_t dtype)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].dtype == dtype)
            return dtypes[i].name;
    return NULL;
}

const char *fpc_dims_text(char *buffer, size_t cap, int32_t rank, const int64_t *dims)
{
    size_t used = (size_t)snprintf(buffer, cap, "(");

    for (int32_t i = 0; i < rank && used < cap; i++)
        used += (size_t)snprintf(buffer + used, cap - used, i ? ", %lld" : "%lld", (long long)dims[i]);
    if (used < cap)
        snprintf(buffer + used, cap - used, ")");
    return buffer;
}

/* ---- the bytes ---- */

/* Not mapped: another program may cut or write the file meanwhile, and a page that is gone would end the process. */
static fpc_status read_bytes(fpc_ctx *ctx, int fd, const char *path, unsigned char *data, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        const ssize_t got = read(fd, data + at, bytes - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fpc_fail(ctx, FPC_EIO, "%s: cannot be read: %s", path, strerror(errno));
        if (got == 0)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: became shorter while it was read: %zu of %zu bytes", path, at,
                            bytes);
        at += (size_t)got;
    }
    return FPC_OK;
}

static fpc_status read_open_file(fpc_ctx *ctx, fpc_arena *arena, const char *path, int fd, unsigned char **data,
                                 size_t *bytes)
{
    struct stat st;

    if (fstat(fd, &st))
        return fpc_fail(ctx, FPC_EIO, "%s: cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fpc_fail(ctx, FPC_EFORMAT, "%s: is not a file", path);
    if (st.st_size < 8)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: truncated: %lld bytes are no safetensors file", path,
                        (long long)st.st_size);
    *bytes = (size_t)st.st_size;
    if (!(*data = fpc_alloc(arena, *bytes)))
        return fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for its %zu bytes", path, *bytes);
    return read_bytes(ctx, fd, path, *data, *bytes);
}

static fpc_status read_file(fpc_ctx *ctx, fpc_arena *arena, const char *path, unsigned char **data, size_t *bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    fpc_status status;

    if (fd < 0)
        return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    status = read_open_file(ctx, arena, path, fd, data, bytes);
    close(fd);
    return status;
}

/* What people most often give in place of a safetensors file; NULL: nothing that is known. */
static const char *other_format(const unsigned char *data)
{
    if (!memcmp(data, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46", 8)) /* the number that torch.save began with until 1.5 */
        return "a file of PyTorch before 1.6 (.pth)";
    if (data[0] == 0x80 && data[1] >= 2 && data[1] <= 5)
        return "a pickle of Python (.pth, .pkl)";
    if (!memcmp(data, "\x89HDF", 4))
        return "an HDF5 file (Keras)";
    return NULL;
}

/* ---- reading ---- */

fpc_status fpc_tensor_name_check(fpc_ctx *ctx, const fpc_st_file *file, const char *name)
{
    const size_t length = strlen(name);

    if (length == 0 || length > MAX_NAME)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor %d of the header has a name of %zu bytes; 1 to %d are allowed",
                        file->path, (int)file->n, length, MAX_NAME);
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor %d of the header has a control character in its name",
                            file->path, (int)file->n);
    return FPC_OK;
}

struct reader {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_st_file *file;
    const unsigned char *data;
    uint64_t data_bytes;
    uint64_t (*range)[2]; /* offsets of each tensor */
};

static fpc_status read_shape(struct reader *r, const json_t *shape, fpc_st_tensor *t)
{
    int64_t count = 1;
    int empty = 0;

    if (!json_is_array(shape) || json_array_size(shape) > MAX_RANK)
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s: shape must be a list of at most %d numbers", r->file->path,
                        t->name, MAX_RANK);
    t->rank = (int32_t)json_array_size(shape);
    for (int32_t i = 0; i < t->rank; i++) {
        const json_t *d = json_array_get(shape, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s: shape holds something other than a size",
                            r->file->path, t->name);
        t->dims[i] = json_integer_value(d);
        empty |= t->dims[i] == 0;
    }
    for (int32_t i = 0; i < t->rank; i++)
        if (!empty && __builtin_mul_overflow(count, t->dims[i], &count))
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s: its shape has more elements than a number can hold",
                            r->file->path, t->name);
    t->count = empty ? 0 : count;
    return FPC_OK;
}

static fpc_status read_offsets(struct reader *r, const json_t *offsets, const fpc_st_tensor *t, uint64_t range[2])
{
    const json_t *a = json_array_get(offsets, 0), *b = json_array_get(offsets, 1);
    int64_t begin, end, bytes;
    char dims[200];

    if (json_array_size(offsets) != 2 || !json_is_integer(a) || !json_is_integer(b))
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s: data_offsets must be two numbers", r->file->path, t->name);
    begin = json_integer_value(a);
    end = json_integer_value(b);
    if (begin < 0 || end < begin)
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s: data_offsets %lld to %lld make no sense", r->file->path,
                        t->name, (long long)begin, (long long)end);
    if ((uint64_t)end > r->data_bytes)
        return fpc_fail(r->ctx, FPC_EFORMAT,
                        "%s: truncated: tensor %s ends at byte %lld of the data, but the file holds %llu",
                        r->file->path, t->name, (long long)end, (unsigned long long)r->data_bytes);
    if (__builtin_mul_overflow(t->count, (int64_t)fpc_dtype_size(t->dtype), &bytes) || bytes != end - begin)
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s: shape %s of %s does not fill its %lld bytes",
                        r->file->path, t->name, fpc_dims_text(dims, sizeof dims, t->rank, t->dims),
                        fpc_st_dtype_name(t->dtype), (long long)(end - begin));
    range[0] = (uint64_t)begin;
    range[1] = (uint64_t)end;
    return FPC_OK;
}

static fpc_status read_tensor(struct reader *r, const char *name, const json_t *entry)
{
    fpc_st_tensor *t = &r->file->tensor[r->file->n];
    uint64_t *range = r->range[r->file->n];
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    fpc_status status = fpc_tensor_name_check(r->ctx, r->file, name);

    if (status)
        return status;
    if (!(t->name = fpc_strdup(r->arena, name)))
        return FPC_ENOMEM;
    if (!json_is_object(entry) || !dtype)
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensor %s has no dtype", r->file->path, t->name);
    if (!(t->dtype = dtype_of(dtype)))
        return fpc_fail(r->ctx, FPC_ENOSUPPORT,
                        "%s: tensor %s has dtype %.16s; F32, F64, F16, BF16, I64, I32, U8 and BOOL can be read",
                        r->file->path, t->name, dtype);
    if ((status = read_shape(r, json_object_get(entry, "shape"), t)) ||
        (status = read_offsets(r, json_object_get(entry, "data_offsets"), t, range)))
        return status;
    t->data = r->data + range[0];
    if ((uintptr_t)t->data % fpc_dtype_size(t->dtype)) { /* callers may use the data as they are */
        void *copy = fpc_alloc(r->arena, range[1] - range[0] + 1);
        if (!copy)
            return FPC_ENOMEM;
        t->data = memcpy(copy, t->data, range[1] - range[0]);
    }
    r->file->n++;
    return FPC_OK;
}

static fpc_status read_meta(struct reader *r, json_t *meta)
{
    const char *key;
    json_t *value;

    if (!json_is_object(meta))
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: __metadata__ is not a set of texts", r->file->path);
    r->file->meta = fpc_alloc(r->arena, (json_object_size(meta) + 1) * sizeof *r->file->meta);
    if (!r->file->meta)
        return FPC_ENOMEM;
    json_object_foreach(meta, key, value)
    {
        fpc_st_meta *m = &r->file->meta[r->file->n_meta++];
        if (!json_is_string(value))
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: __metadata__ holds something other than texts", r->file->path);
        m->key = fpc_strdup(r->arena, key);
        m->value = fpc_strdup(r->arena, json_string_value(value));
        if (!m->key || !m->value)
            return FPC_ENOMEM;
    }
    return FPC_OK;
}

struct span {
    uint64_t begin, end;
    const char *name;
};

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The format wants the data to be covered once: no overlap, no hole, nothing behind. */
static fpc_status check_cover(struct reader *r)
{
    const int32_t n = r->file->n;
    struct span *span = fpc_alloc(r->arena, ((size_t)n + 1) * sizeof *span);
    uint64_t at = 0;

    if (!span)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++)
        span[i] = (struct span){r->range[i][0], r->range[i][1], r->file->tensor[i].name};
    qsort(span, (size_t)n, sizeof *span, by_begin);
    for (int32_t i = 0; i < n; i++) {
        if (span[i].begin < at)
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: tensors %s and %s overlap", r->file->path, span[i - 1].name,
                            span[i].name);
        if (span[i].begin > at)
            return fpc_fail(r->ctx, FPC_EFORMAT, "%s: a hole of %llu bytes before tensor %s", r->file->path,
                            (unsigned long long)(span[i].begin - at), span[i].name);
        at = span[i].end;
    }
    if (at != r->data_bytes)
        return fpc_fail(r->ctx, FPC_EFORMAT, "%s: %llu bytes behind the last tensor belong to none", r->file->path,
                        (unsigned long long)(r->data_bytes - at));
    return FPC_OK;
}

static fpc_status read_entries(struct reader *r, json_t *header)
{
    const size_t n = json_object_size(header);
    const char *name;
    json_t *entry;
    fpc_status status = FPC_OK;

    r->file->tensor = fpc_alloc(r->arena, (n + 1) * sizeof *r->file->tensor);
    r->range = fpc_alloc(r->arena, (n + 1) * sizeof *r->range);
    if (!r->file->tensor || !r->range)
        return FPC_ENOMEM;
    json_object_foreach(header, name, entry)
    {
        status = strcmp(name, "__metadata__") ? read_tensor(r, name, entry) : read_meta(r, entry);
        if (status)
            return status;
    }
    return check_cover(r);
}

static uint64_t little_endian(const unsigned char *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

fpc_status fpc_st_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_st_file **out)
{
    struct reader r = {.ctx = ctx, .arena = arena};
    unsigned char *data = NULL;
    size_t bytes = 0;
    uint64_t length;
    json_t *header;
    json_error_t error;
    fpc_status status;

    if (!(r.file = fpc_alloc(arena, sizeof *r.file)) || !(r.file->path = fpc_strdup(arena, path)))
        return FPC_ENOMEM;
    if ((status = read_file(ctx, arena, path, &data, &bytes)))
        return status;
    if (!memcmp(data, "PK\3\4", 4)) {
        if (!(status = fpc_torch_read(ctx, arena, data, bytes, r.file)))
            *out = r.file;
        return status;
    }
    if (other_format(data))
        return fpc_fail(
            ctx, FPC_EFORMAT,
            "%s: %s, no safetensors file and no archive of torch.save; in Python: torch.save(torch.load(\"%s\", "
            "weights_only=True), \"weights.pth\") writes one",
            path, other_format(data), path);
    length = little_endian(data);
    if (length > MAX_HEADER)
        return fpc_fail(
            ctx, FPC_EFORMAT,
            "%s: no safetensors file: its first 8 bytes tell of a header of %llu bytes; at most %d are allowed", path,
            (unsigned long long)length, MAX_HEADER);
    if (length > bytes - 8)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: truncated: the header has %llu bytes, but the file has only %zu", path,
                        (unsigned long long)length, bytes);
    r.data = data + 8 + length;
    r.data_bytes = bytes - 8 - length;
    header = json_loadb((const char *)data + 8, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (!header || !json_is_object(header)) {
        json_decref(header);
        return fpc_fail(ctx, FPC_EFORMAT, "%s: its header is no JSON object: %.100s", path,
                        header ? "something else" : error.text);
    }
    status = read_entries(&r, header);
    json_decref(header);
    if (!status)
        *out = r.file;
    return status;
}

const fpc_st_tensor *fpc_st_find(const fpc_st_file *file, const char *name)
{
    for (int32_t i = 0; i < file->n; i++)
        if (!strcmp(file->tensor[i].name, name))
            return &file->tensor[i];
    return NULL;
}

const char *fpc_st_meta_find(const fpc_st_file *file, const char *key)
{
    for (int32_t i = 0; i < file->n_meta; i++)
        if (!strcmp(file->meta[i].key, key))
            return file->meta[i].value;
    return NULL;
}

/* ---- conversion ---- */

static double half_to_double(uint16_t h)
{
    const int exponent = h >> 10 & 31;
    const double mantissa = h & 1023, sign = h & 0x8000 ? -1 : 1;

    if (exponent == 31)
        return mantissa != 0 ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(mantissa, -24);
    return sign * ldexp(mantissa + 1024, exponent - 25);
}

static double brain_to_double(uint16_t h)
{
    const uint32_t bits = (uint32_t)h << 16;
    float f;

    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static double element(const fpc_st_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FPC_F32:
        return (double)((const float *)t->data)[i];
    case FPC_F64:
        return ((const double *)t->data)[i];
    case FPC_F16:
        return half_to_double(((const uint16_t *)t->data)[i]);
    case FPC_BF16:
        return brain_to_double(((const uint16_t *)t->data)[i]);
    case FPC_I64:
        return (double)((const int64_t *)t->data)[i];
    case FPC_I32:
        return (double)((const int32_t *)t->data)[i];
    default:
        return (double)((const uint8_t *)t->data)[i];
    }
}

fpc_status fpc_st_as_f32(fpc_ctx *ctx, const fpc_st_file *file, const fpc_st_tensor *t, float *out)
{
    if (!fpc_st_dtype_name(t->dtype))
        return fpc_fail(ctx, FPC_EINTERNAL, "%s: tensor %s has an unknown dtype", file->path, t->name);
    if (t->dtype == FPC_F32 && t->count > 0)
        memcpy(out, t->data, (size_t)t->count * sizeof *out);
    else
        for (int64_t i = 0; i < t->count; i++)
            out[i] = (float)element(t, i);
    return FPC_OK;
}

fpc_status fpc_st_as_f64(fpc_ctx *ctx, const fpc_st_file *file, const fpc_st_tensor *t, double *out)
{
    if (!fpc_st_dtype_name(t->dtype))
        return fpc_fail(ctx, FPC_EINTERNAL, "%s: tensor %s has an unknown dtype", file->path, t->name);
    for (int64_t i = 0; i < t->count; i++)
        out[i] = element(t, i);
    return FPC_OK;
}

fpc_status fpc_st_as_i64(fpc_ctx *ctx, const fpc_st_file *file, const fpc_st_tensor *t, int64_t *out)
{
    if (t->dtype != FPC_I64 && t->dtype != FPC_I32 && t->dtype != FPC_U8)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor %s is of dtype %s; whole numbers are wanted (I64, I32 or U8)",
                        file->path, t->name, fpc_st_dtype_name(t->dtype));
    for (int64_t i = 0; i < t->count; i++)
        out[i] = t->dtype == FPC_I64   ? ((const int64_t *)t->data)[i]
                 : t->dtype == FPC_I32 ? ((const int32_t *)t->data)[i]
                                       : ((const uint8_t *)t->data)[i];
    return FPC_OK;
}

/* ---- writing ---- */

/* Tensors in the order of the file: wide dtypes first, else as given. */
static int32_t *order_of(fpc_arena *arena, int32_t n, const fpc_st_tensor *tensor)
{
    int32_t *order = fpc_alloc(arena, ((size_t)n + 1) * sizeof *order), used = 0;

    for (size_t width = 8; order && width > 0; width /= 2)
        for (int32_t i = 0; i < n; i++)
            if (fpc_dtype_size(tensor[i].dtype) == width)
                order[used++] = i;
    return order;
}

static json_t *tensor_entry(const fpc_st_tensor *t, int64_t *at)
{
    json_t *shape = json_array();
    const int64_t begin = *at, end = begin + t->count * (int64_t)fpc_dtype_size(t->dtype);

    for (int32_t d = 0; d < t->rank; d++)
        json_array_append_new(shape, json_integer(t->dims[d]));
    *at = end;
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", fpc_st_dtype_name(t->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

/* Two tensors of one name, or one without: the file could be written, but not read any more. */
static fpc_status check_names(fpc_ctx *ctx, const char *path, int32_t n, const fpc_st_tensor *tensor)
{
    json_t *seen = json_object();
    fpc_status status = seen ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < n && !status; i++) {
        const char *name = tensor[i].name;
        if (!name || !*name || strlen(name) > MAX_NAME || !strcmp(name, "__metadata__"))
            status =
                fpc_fail(ctx, FPC_EINVAL, "%s: tensor %d cannot be called `%.80s`", path, (int)i, name ? name : "");
        else if (json_object_get(seen, name))
            status = fpc_fail(ctx, FPC_EINVAL, "%s: there are two tensors called %s; nothing is written", path, name);
        else if (json_object_set_new(seen, name, json_true()))
            status = fpc_fail(ctx, FPC_EINVAL, "%s: the name of tensor %d is no UTF-8", path, (int)i);
    }
    json_decref(seen);
    return status;
}

/* The header's JSON, padded with spaces to a multiple of 8, behind its length; NULL: no memory, or a name is no UTF-8.
 */
static char *make_header(fpc_arena *arena, int32_t n, const fpc_st_tensor *tensor, const int32_t *order, int32_t n_meta,
                         const fpc_st_meta *meta, size_t *bytes)
{
    json_t *root = json_object(), *texts = n_meta ? json_object() : NULL;
    char *json, *out = NULL;
    int64_t at = 0;
    int bad = !root;

    for (int32_t i = 0; i < n_meta && !bad; i++)
        bad |= json_object_set_new(texts, meta[i].key, json_string(meta[i].value));
    if (n_meta)
        bad |= json_object_set_new(root, "__metadata__", texts);
    for (int32_t i = 0; i < n && !bad; i++)
        bad |= json_object_set_new(root, tensor[order[i]].name, tensor_entry(&tensor[order[i]], &at));
    json = bad ? NULL : json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (json) {
        const size_t length = strlen(json), padded = (length + 7) / 8 * 8;
        if ((out = fpc_alloc(arena, 8 + padded))) {
            for (int i = 0; i < 8; i++)
                out[i] = (char)((uint64_t)padded >> (8 * i) & 255);
            memset(out + 8, ' ', padded);
            memcpy(out + 8, json, length);
            *bytes = 8 + padded;
        }
    }
    free(json);
    return out;
}

/* The header, then each tensor's numbers. */
static fpc_status make_parts(fpc_ctx *ctx, fpc_arena *arena, const char *path, int32_t n, const fpc_st_tensor *tensor,
                             int32_t n_meta, const fpc_st_meta *meta, fpc_part_of_file **out)
{
    fpc_part_of_file *part = fpc_alloc(arena, ((size_t)n + 1) * sizeof *part);
    const int32_t *order = part ? order_of(arena, n, tensor) : NULL;
    const fpc_status status = check_names(ctx, path, n, tensor);

    if (status || !order)
        return status ? status : FPC_ENOMEM;
    if (!(part[0].data = make_header(arena, n, tensor, order, n_meta, meta, &part[0].bytes)))
        return fpc_fail(ctx, FPC_EINTERNAL, "%s: its header cannot be made: no memory, or a name that is no UTF-8",
                        path);
    for (int32_t i = 0; i < n; i++) {
        const fpc_st_tensor *t = &tensor[order[i]];
        part[i + 1] = (fpc_part_of_file){t->data, (size_t)t->count * fpc_dtype_size(t->dtype)};
    }
    *out = part;
    return FPC_OK;
}

fpc_status fpc_st_write(fpc_ctx *ctx, const char *path, int32_t n, const fpc_st_tensor *tensor, int32_t n_meta,
                        const fpc_st_meta *meta)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    fpc_part_of_file *part;
    fpc_status status = arena ? make_parts(ctx, arena, path, n, tensor, n_meta, meta, &part) : FPC_ENOMEM;

    if (!status)
        status = fpc_write_parts(ctx, path, n + 1, part);
    if (arena)
        fpc_arena_free(arena);
    return status;
}

fpc_status fpc_st_bytes(fpc_ctx *ctx, fpc_arena *arena, const char *what, int32_t n, const fpc_st_tensor *tensor,
                        int32_t n_meta, const fpc_st_meta *meta, const void **data, size_t *bytes)
{
    fpc_part_of_file *part;
    const fpc_status status = make_parts(ctx, arena, what, n, tensor, n_meta, meta, &part);
    char *all, *to;

    if (status)
        return status;
    *bytes = 0;
    for (int32_t i = 0; i < n + 1; i++)
        *bytes += part[i].bytes;
    *data = all = to = fpc_alloc(arena, *bytes);
    for (int32_t i = 0; i < n + 1 && all; to += part[i++].bytes)
        if (part[i].bytes)
            memcpy(to, part[i].data, part[i].bytes);
    return all ? FPC_OK : FPC_ENOMEM;
}
