/* validation.c: writes and reads validation.safetensors and computes F-scores from its counts.
 * Tensors: counts I32 (images, classes, 3), confusion I64 (classes, classes), pairs U8 (n, 2); names are JSON lists in
 * the header's texts. A file that comes from elsewhere is checked before anything uses it: afterwards every count is at
 * least 0 and every label below `classes`. Pixels of one class over 2^32 pictures fit in 64 bits. */
#define _GNU_SOURCE
#include "record/validation.h"
#include "weights/weights.h"
#include <fpcore/metric.h>

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "fpcore validation 1"
#define NATIVE "the pictures' own size"
enum { MAX_CLASSES = 256 };
#define MAX_IMAGES ((int64_t)1 << 31)

/* ---- writing ---- */

static fpc_status cannot_write(fpc_ctx *ctx, const char *path, const char *what)
{
    return fpc_fail(ctx, FPC_EINVAL, "%s: cannot be written: %s", path, what);
}

static fpc_status writable(fpc_ctx *ctx, const char *path, const fpc_validation *v)
{
    if (v->images < 1 || v->images >= MAX_IMAGES || !v->counts)
        return cannot_write(ctx, path, "there are no counts of pictures");
    if (v->classes < 1 || v->classes > MAX_CLASSES)
        return cannot_write(ctx, path, "there must be 1 to 256 classes");
    if (v->epoch < 1 || v->batch < 1)
        return cannot_write(ctx, path, "epoch and batch count from 1");
    return FPC_OK;
}

/* The names as a JSON list, or NULL after a failure; the caller frees it. Ids of pictures that are no UTF-8 keep what
 * they have of it: each byte that is none becomes "?". */
static char *names_text(fpc_ctx *ctx, const char *path, int64_t n, const char *const *name)
{
    json_t *list = json_array();
    char *text = NULL;

    for (int64_t i = 0; list && i < n; i++) {
        json_t *one = json_string(name[i]);
        if (!one) {
            char *plain = strdup(name[i]);
            for (char *c = plain; c && *c; c++)
                if ((unsigned char)*c >= 0x80)
                    *c = '?';
            one = plain ? json_string(plain) : NULL;
            free(plain);
        }
        if (!one || json_array_append_new(list, one)) {
            json_decref(list);
            list = NULL;
        }
    }
    if (list)
        text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (!text)
        fpc_fail(ctx, FPC_ENOMEM, "%s: out of memory for the names of %lld pictures or classes", path, (long long)n);
    return text;
}

fpc_status fpc_validation_write(fpc_ctx *ctx, const char *path, const fpc_validation *v)
{
    char epoch[24], batch[24], *images = NULL, *classes = NULL;
    fpc_st_tensor tensor[3];
    fpc_st_meta meta[6];
    int32_t n = 0, n_meta = 0;
    fpc_status status = writable(ctx, path, v);

    if (status)
        return status;
    tensor[n++] = (fpc_st_tensor){.name = "counts",
                                  .dtype = FPC_I32,
                                  .rank = 3,
                                  .dims = {v->images, v->classes, 3},
                                  .count = v->images * v->classes * 3,
                                  .data = v->counts};
    if (v->confusion)
        tensor[n++] = (fpc_st_tensor){.name = "confusion",
                                      .dtype = FPC_I64,
                                      .rank = 2,
                                      .dims = {v->classes, v->classes},
                                      .count = (int64_t)v->classes * v->classes,
                                      .data = v->confusion};
    if (v->n_pairs > 0)
        tensor[n++] = (fpc_st_tensor){.name = "pairs",
                                      .dtype = FPC_U8,
                                      .rank = 2,
                                      .dims = {v->n_pairs, 2},
                                      .count = (int64_t)v->n_pairs * 2,
                                      .data = v->pairs};
    snprintf(epoch, sizeof epoch, "%lld", (long long)v->epoch);
    snprintf(batch, sizeof batch, "%lld", (long long)v->batch);
    meta[n_meta++] = (fpc_st_meta){"format", FORMAT};
    meta[n_meta++] = (fpc_st_meta){"epoch", epoch};
    meta[n_meta++] = (fpc_st_meta){"batch", batch};
    if (v->native)
        meta[n_meta++] = (fpc_st_meta){"measured_at", NATIVE};
    if (v->image_name && !(images = names_text(ctx, path, v->images, v->image_name)))
        status = FPC_ENOMEM;
    if (!status && v->class_name && !(classes = names_text(ctx, path, v->classes, v->class_name)))
        status = FPC_ENOMEM;
    if (images)
        meta[n_meta++] = (fpc_st_meta){"image_names", images};
    if (classes)
        meta[n_meta++] = (fpc_st_meta){"class_names", classes};
    if (!status)
        status = fpc_st_write(ctx, path, n, tensor, n_meta, meta);
    free(images);
    free(classes);
    return status;
}

/* ---- reading ---- */

static fpc_status read_number(fpc_ctx *ctx, const fpc_st_file *file, const char *key, int64_t *out)
{
    const char *text = fpc_st_meta_find(file, key);
    char *end = NULL;

    if (!text)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: the header's text `%s` is missing", file->path, key);
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end || *out < 1)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: the header's text `%s` is \"%.32s\", not a whole number from 1 on",
                        file->path, key, text);
    return FPC_OK;
}

static fpc_status read_names(fpc_ctx *ctx, fpc_arena *arena, const fpc_st_file *file, const char *key, int64_t n,
                             const char *const **out)
{
    const char *text = fpc_st_meta_find(file, key);
    const char **name;
    json_t *list;
    fpc_status status = FPC_OK;

    if (!text)
        return FPC_OK;
    list = json_loads(text, 0, NULL);
    if (!json_is_array(list) || (int64_t)json_array_size(list) != n) {
        status = fpc_fail(ctx, FPC_EFORMAT, "%s: the header's text `%s` is not a list of %lld names", file->path, key,
                          (long long)n);
    } else if (!(name = fpc_alloc(arena, (size_t)n * sizeof *name))) {
        status = FPC_ENOMEM;
    } else {
        *out = name;
        for (int64_t i = 0; i < n && !status; i++) {
            const char *one = json_string_value(json_array_get(list, (size_t)i));
            if (!one)
                status = fpc_fail(ctx, FPC_EFORMAT, "%s: the header's text `%s`: entry %lld is no name", file->path,
                                  key, (long long)i + 1);
            else if (!(name[i] = fpc_strdup(arena, one)))
                status = FPC_ENOMEM;
        }
    }
    json_decref(list);
    return status;
}

static fpc_status read_counts(fpc_ctx *ctx, const fpc_st_file *file, fpc_validation *v)
{
    const fpc_st_tensor *t = fpc_st_find(file, "counts");
    char dims[200];

    if (!t)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor counts is missing", file->path);
    if (t->dtype != FPC_I32 || t->rank != 3 || t->dims[0] < 1 || t->dims[0] >= MAX_IMAGES || t->dims[1] < 1 ||
        t->dims[1] > MAX_CLASSES || t->dims[2] != 3)
        return fpc_fail(ctx, FPC_EFORMAT,
                        "%s: tensor counts has shape %s; (pictures, 1 to 256 classes, 3) of I32 is needed", file->path,
                        fpc_dims_text(dims, sizeof dims, t->rank, t->dims));
    v->images = t->dims[0];
    v->classes = (int32_t)t->dims[1];
    v->counts = t->data;
    for (int64_t i = 0; i < t->count; i++)
        if (v->counts[i] < 0)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor counts: picture %lld, class %lld has %d pixels", file->path,
                            (long long)(i / 3 / v->classes), (long long)(i / 3 % v->classes), (int)v->counts[i]);
    return FPC_OK;
}

static fpc_status read_confusion(fpc_ctx *ctx, const fpc_st_file *file, fpc_validation *v)
{
    const fpc_st_tensor *t = fpc_st_find(file, "confusion");

    if (!t)
        return FPC_OK;
    if (t->dtype != FPC_I64 || t->rank != 2 || t->dims[0] != v->classes || t->dims[1] != v->classes)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor confusion must be (%d, %d) of I64", file->path, (int)v->classes,
                        (int)v->classes);
    v->confusion = t->data;
    for (int64_t i = 0; i < t->count; i++) /* 2^46: sums over 65536 of them still fit */
        if (v->confusion[i] < 0 || v->confusion[i] > (int64_t)1 << 46)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor confusion holds %lld pixels", file->path,
                            (long long)v->confusion[i]);
    return FPC_OK;
}

static fpc_status read_pairs(fpc_ctx *ctx, const fpc_st_file *file, fpc_validation *v)
{
    const fpc_st_tensor *t = fpc_st_find(file, "pairs");

    if (!t)
        return FPC_OK;
    if (t->dtype != FPC_U8 || t->rank != 2 || t->dims[1] != 2 || t->dims[0] > MAX_CLASSES)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor pairs must be (pairs, 2) of U8", file->path);
    v->n_pairs = (int32_t)t->dims[0];
    v->pairs = t->data;
    for (int32_t i = 0; i < v->n_pairs; i++)
        if (v->pairs[i][0] >= v->classes || v->pairs[i][1] >= v->classes || v->pairs[i][0] == v->pairs[i][1])
            return fpc_fail(ctx, FPC_EFORMAT, "%s: tensor pairs: %d and %d are no pair of the %d classes", file->path,
                            v->pairs[i][0], v->pairs[i][1], (int)v->classes);
    return FPC_OK;
}

fpc_status fpc_validation_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_validation **out)
{
    fpc_validation *v = fpc_alloc(arena, sizeof *v);
    const char *format, *measured;
    fpc_st_file *file;
    fpc_status status;

    if (!v)
        return FPC_ENOMEM;
    if ((status = fpc_st_read(ctx, arena, path, &file)))
        return status;
    format = fpc_st_meta_find(file, "format");
    if (!format || strcmp(format, FORMAT))
        return fpc_fail(ctx, FPC_EFORMAT, "%s: is no validation file of a run: format \"%.40s\", \"%s\" is needed",
                        path, format ? format : "", FORMAT);
    if ((status = read_counts(ctx, file, v)) || (status = read_number(ctx, file, "epoch", &v->epoch)) ||
        (status = read_number(ctx, file, "batch", &v->batch)) || (status = read_confusion(ctx, file, v)) ||
        (status = read_pairs(ctx, file, v)) ||
        (status = read_names(ctx, arena, file, "image_names", v->images, &v->image_name)) ||
        (status = read_names(ctx, arena, file, "class_names", v->classes, &v->class_name)))
        return status;
    measured = fpc_st_meta_find(file, "measured_at");
    v->native = measured && !strcmp(measured, NATIVE);
    *out = v;
    return FPC_OK;
}

/* ---- scores ---- */

struct sums {
    int64_t tp, fp, fn;
};

static struct sums sums_of(const fpc_validation *v, int64_t first, int64_t end, int32_t class)
{
    struct sums s = {0, 0, 0};

    for (int64_t i = first; i < end; i++) {
        const int32_t *at = v->counts + (i * v->classes + class) * 3;
        s.tp += at[0], s.fp += at[1], s.fn += at[2];
    }
    return s;
}

static double f_of(struct sums s)
{
    return fpc_f_score((double)s.tp, (double)(s.tp + s.fp), (double)(s.tp + s.fn));
}

static double mean_f(const fpc_validation *v, int64_t first, int64_t end)
{
    double sum = 0;
    int32_t present = 0;

    for (int32_t c = 0; c < v->classes; c++) {
        const struct sums s = sums_of(v, first, end, c);
        if (s.tp + s.fn) {
            sum += f_of(s);
            present++;
        }
    }
    return present ? sum / present : NAN;
}

double fpc_validation_f_image(const fpc_validation *v, int64_t image)
{
    return mean_f(v, image, image + 1);
}

int64_t fpc_validation_batches(const fpc_validation *v)
{
    return (v->images - 1) / v->batch + 1;
}

double fpc_validation_f_batch(const fpc_validation *v, int64_t batch)
{
    const int64_t first = batch * v->batch;

    return mean_f(v, first, v->images - first < v->batch ? v->images : first + v->batch);
}

double fpc_validation_f_class(const fpc_validation *v, int32_t class)
{
    const struct sums s = sums_of(v, 0, v->images, class);

    return s.tp + s.fn ? f_of(s) : NAN;
}

void fpc_validation_pr_class(const fpc_validation *v, int32_t class, double *precision, double *recall)
{
    const struct sums s = sums_of(v, 0, v->images, class);

    *precision = s.tp + s.fn ? fpc_pixel_share((double)s.tp, (double)(s.tp + s.fp)) : NAN;
    *recall = s.tp + s.fn ? fpc_pixel_share((double)s.tp, (double)(s.tp + s.fn)) : NAN;
}
