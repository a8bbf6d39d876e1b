/* weights.c: the weights of a model in and out of safetensors files, under PyTorch's names and layouts. A file is
 * checked as a whole before the first number is taken over, so that a refused file leaves the state as it was. */
#define _GNU_SOURCE
#include "weights/weights_private.h"
#include "base/text.h"
#include "base/message.h"
#include "recipe/options.h"
#include "base/spelling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fpc_status fpc_weights_readable(fpc_ctx *ctx, const fpc_st_file *file)
{
    const char *text = fpc_st_meta_find(file, FPC_META_MODEL);
    char *end;

    if (!text)
        return FPC_OK;
    const long format = strtol(text, &end, 10);
    if (end == text || *end || format < 1)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: metadata " FPC_META_MODEL " = %.40s make no sense", file->path, text);
    return format <= FPC_MODEL_FORMAT ? FPC_OK
                                      : fpc_fail(ctx, FPC_EFORMAT, "%s: model format %ld; this fpcore reads %d",
                                                 file->path, format, FPC_MODEL_FORMAT);
}

int fpc_weights_is_weight(const fpc_state_entry *e)
{
    return e->kind == FPC_STATE_PARAM || e->kind == FPC_STATE_BUFFER;
}

/* PyTorch files may come without the counters of batch norm. */
static int is_optional(const fpc_state_entry *e)
{
    return e->kind == FPC_STATE_BUFFER && e->dtype == FPC_I64;
}

/* Tensors that training checkpoints hold beside the weights. */
int fpc_weights_of_training(const char *name)
{
    static const char *const prefix[] = {FPC_PREFIX_OPTIMIZER, FPC_PREFIX_AVERAGE, FPC_PREFIX_SWA,
                                         FPC_PREFIX_HISTORY,   FPC_PREFIX_EPOCH,   FPC_PREFIX_SAMPLES};

    for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
        if (!strncmp(name, prefix[i], strlen(prefix[i])))
            return 1;
    return 0;
}

static int same_dims(const fpc_state_entry *e, const fpc_st_tensor *t)
{
    return e->rank == t->rank && !memcmp(e->dims, t->dims, (size_t)e->rank * sizeof *e->dims);
}

/* ---- what does not fit ---- */

enum { MOST_NAMED = 4 /* tensors or patterns in a sentence */ };

/* All that do not fit, by name; a sentence is made of the first alone, however many a file has. */
typedef struct misfits {
    fpc_arena *arena;
    int32_t n;
    const char **name; /* of tensors of the file or the model */
    const char *why;   /* of the first */
} misfits;

/* Whether it is the first, of which the caller is to say why. */
static int misfit(misfits *m, const char *name)
{
    m->name[m->n++] = name;
    return m->n == 1;
}

/* "a, b, c, d and 3 more"; layers: patterns of the layers instead, each once, NULL where there are too many. */
static const char *names_of(const misfits *m, int layers)
{
    const char *text = "", *part[MOST_NAMED];
    size_t length[MOST_NAMED]; /* of what stands for itself: a name, or a layer with its dot */
    int32_t n = 0;

    for (int32_t i = 0; i < m->n && text; i++) {
        const char *name = m->name[i], *dot = layers ? strrchr(name, '.') : NULL;
        const size_t own = dot ? (size_t)(dot + 1 - name) : strlen(name);
        int known = 0;
        for (int32_t k = 0; k < n; k++)
            known |= layers && length[k] == own && !strncmp(part[k], name, own);
        if (known)
            continue;
        if (n == MOST_NAMED)
            return layers ? NULL : fpc_sprintf(m->arena, "%s and %d more", text, (int)(m->n - n));
        part[n] = name;
        length[n] = own;
        text = fpc_sprintf(m->arena, "%s%s%.*s%s", text, n++ ? ", " : "", (int)own, name, dot ? "*" : "");
    }
    return text;
}

/* How a training that starts from the file would take care of it. */
static const char *keys_for(const misfits *m)
{
    const char *layers = names_of(m, 1), *names = names_of(m, 0);

    return fpc_sprintf(m->arena,
                       "; %d tensor%s: %s. run.init_skip = %s leaves %s as drawn, run.init_rename = OLD -> NEW takes "
                       "tensors whose names begin otherwise",
                       (int)m->n, m->n == 1 ? " does not fit" : "s do not fit", names ? names : "",
                       layers ? layers : "PATTERNS", m->n == 1 ? "it" : "them");
}

static fpc_status other_model(fpc_state *state, const fpc_st_file *file, const misfits *m, int tells_keys)
{
    long long numbers = 0, tensors = 0, wanted = 0, entries = 0;

    for (int32_t i = 0; i < file->n; i++)
        if (!fpc_weights_of_training(file->tensor[i].name)) {
            numbers += file->tensor[i].count;
            tensors++;
        }
    for (int32_t i = 0; i < state->n; i++)
        if (fpc_weights_is_weight(&state->entry[i])) {
            wanted += state->entry[i].count;
            entries++;
        }
    return fpc_fail(
        state->ctx, FPC_EFORMAT,
        "%s: for another model: %s; the file holds %lld numbers in %lld tensors, the model of the recipe %lld "
        "in %lld%s",
        file->path, m->why, numbers, tensors, wanted, entries, tells_keys ? keys_for(m) : "");
}

/* The tensor of an entry; averaged: of a parameter the running average. */
static const fpc_st_tensor *tensor_of(fpc_arena *arena, const fpc_st_file *file, const fpc_state_entry *e, int averaged)
{
    const char *name =
        averaged && e->kind == FPC_STATE_PARAM ? fpc_sprintf(arena, FPC_PREFIX_AVERAGE "%s", e->name) : e->name;

    return name ? fpc_st_find(file, name) : NULL;
}

static void check_shape(misfits *m, const fpc_st_file *file, const fpc_state_entry *e, int averaged)
{
    const fpc_st_tensor *t = tensor_of(m->arena, file, e, averaged);
    char here[128], there[256];

    if (t ? same_dims(e, t) : is_optional(e))
        return;
    if (!misfit(m, e->name))
        return;
    m->why = t ? fpc_sprintf(m->arena, "tensor %s is %s there and %s in the model", e->name,
                             fpc_dims_text(there, sizeof there, t->rank, t->dims),
                             fpc_dims_text(here, sizeof here, e->rank, e->dims))
               : fpc_sprintf(m->arena, "it lacks tensor %s%s", averaged ? FPC_PREFIX_AVERAGE : "", e->name);
}

/* The names of the model's weights, in two orders: the state's, from which a guess takes the first of several that are
 * as near, and sorted, for a file may have any number of tensors. */
static int32_t names_wanted(fpc_arena *arena, const fpc_state *state, const char ***out, const char ***sorted)
{
    int32_t n = 0;

    *out = fpc_alloc(arena, ((size_t)state->n + 1) * sizeof **out);
    *sorted = fpc_alloc(arena, ((size_t)state->n + 1) * sizeof **sorted);
    if (!*out || !*sorted)
        return -1;
    for (int32_t i = 0; i < state->n; i++)
        if (fpc_weights_is_weight(&state->entry[i]))
            (*out)[n++] = state->entry[i].name;
    memcpy(*sorted, *out, (size_t)n * sizeof **out);
    qsort(*sorted, (size_t)n, sizeof **sorted, fpc_by_text);
    return n;
}

/* A name that the model does not have: most often a slip or another model's layer. */
static fpc_status check_names(misfits *m, const fpc_state *state, const fpc_st_file *file)
{
    const char **wanted, **sorted;
    const int32_t n = names_wanted(m->arena, state, &wanted, &sorted);

    if (n < 0)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < file->n; i++) {
        const char *name = file->tensor[i].name;
        const size_t length = strlen(name);
        if (fpc_weights_of_training(name) || bsearch(&name, sorted, (size_t)n, sizeof *sorted, fpc_by_text))
            continue;
        if (length > 20 && !strcmp(name + length - 20, ".num_batches_tracked"))
            continue;
        if (!misfit(m, name))
            continue;
        const char *nearest = fpc_nearest(name, n, wanted);
        m->why = fpc_sprintf(
            m->arena, nearest ? "its tensor %s is not in the model (nearest: %s)" : "its tensor %s is not in the model",
            name, nearest);
    }
    return FPC_OK;
}

/* Tensors that are lacking, of other shapes, or of no use. */
static fpc_status check_fit(fpc_state *state, fpc_arena *arena, const fpc_st_file *file, const fpc_meeting *how)
{
    misfits m = {.arena = arena,
                 .name = fpc_alloc(arena, ((size_t)state->n + (size_t)file->n + 1) * sizeof(const char *))};
    fpc_status status;

    if (!m.name)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < state->n; i++)
        if (fpc_weights_is_weight(&state->entry[i]) && !(how->fresh && how->fresh[i]))
            check_shape(&m, file, &state->entry[i], how->averaged);
    if ((status = check_names(&m, state, file)))
        return status;
    if (m.n && !m.why)
        return FPC_ENOMEM;
    return m.n ? other_model(state, file, &m, how->tells_keys) : FPC_OK;
}

/* ---- taking over ---- */

static fpc_status check_values(fpc_state *state, fpc_arena *arena, const fpc_st_file *file, const fpc_state_entry *e,
                               int averaged)
{
    const fpc_st_tensor *t = tensor_of(arena, file, e, averaged);
    float *value;

    if (!t)
        return FPC_OK;
    if (e->dtype == FPC_I64 && t->dtype != FPC_I64)
        return fpc_fail(state->ctx, FPC_EFORMAT, "%s: tensor %s is a counter and must be I64", file->path, e->name);
    if (e->dtype == FPC_I64)
        return FPC_OK;
    if (!(value = fpc_alloc(arena, (size_t)t->count * sizeof *value)))
        return FPC_ENOMEM;
    fpc_st_as_f32(state->ctx, file, t, value);
    for (int64_t i = 0; i < t->count; i++)
        if (!isfinite(value[i]))
            return fpc_fail(state->ctx, FPC_EFORMAT, "%s: tensor %s holds %s at element %lld; weights must be finite",
                            file->path, e->name, isnan(value[i]) ? "NaN" : "infinity", (long long)i);
    return FPC_OK;
}

static fpc_status take_entry(fpc_state *state, fpc_arena *arena, const fpc_st_file *file, const fpc_state_entry *e,
                             fpc_meeting *how)
{
    const fpc_st_tensor *t = tensor_of(arena, file, e, how->averaged);
    const int64_t zero = 0;
    float *value;

    if (!t)
        return fpc_state_set(state, e, &zero);
    how->n++;
    how->numbers += t->count;
    if (e->dtype == FPC_I64)
        return fpc_state_set(state, e, t->data);
    if (!(value = fpc_alloc(arena, (size_t)t->count * sizeof *value)))
        return FPC_ENOMEM;
    fpc_st_as_f32(state->ctx, file, t, value);
    return fpc_state_set(state, e, value);
}

fpc_status fpc_weights_take(fpc_state *state, const fpc_st_file *file, fpc_meeting *how)
{
    fpc_arena *scratch = fpc_arena_new(state->ctx);
    fpc_status status = scratch ? check_fit(state, scratch, file, how) : FPC_ENOMEM;

    for (int take = 0; take < 2; take++)
        for (int32_t i = 0; i < state->n && !status; i++) {
            const fpc_state_entry *e = &state->entry[i];
            if (!fpc_weights_is_weight(e) || (how->fresh && how->fresh[i]))
                continue;
            fpc_arena_reset(scratch);
            status =
                take ? take_entry(state, scratch, file, e, how) : check_values(state, scratch, file, e, how->averaged);
        }
    fpc_arena_free(scratch);
    return status;
}

/* Wrappers of PyTorch put their name before each tensor's: DataParallel `module.`, torch.compile `_orig_mod.`. Where
 * all tensors have it, it is no part of the model's names. */
static void strip_wrappers(fpc_ctx *ctx, const char *path, fpc_st_file *file)
{
    static const char *const wrapper[] = {"module.", "_orig_mod.", "module."};
    const char *whole = file->n ? file->tensor[0].name : "";

    for (size_t w = 0; w < sizeof wrapper / sizeof *wrapper; w++) {
        const size_t length = strlen(wrapper[w]);
        int32_t with = 0;
        for (int32_t i = 0; i < file->n; i++)
            with += !strncmp(file->tensor[i].name, wrapper[w], length) && file->tensor[i].name[length];
        for (int32_t i = 0; i < file->n && with == file->n; i++)
            file->tensor[i].name += length;
    }
    if (file->n && file->tensor[0].name > whole)
        fpc_log(ctx, FPC_LOG_INFO,
                "%s: all names begin with %.*s, which a wrapper of PyTorch put there; read without it", path,
                (int)(file->tensor[0].name - whole), whole);
}

fpc_status fpc_weights_open(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_st_file **file)
{
    fpc_status status;

    if ((status = fpc_st_read(ctx, arena, path, file)) || (status = fpc_weights_readable(ctx, *file)))
        return status;
    strip_wrappers(ctx, path, *file);
    return FPC_OK;
}

fpc_status fpc_weights_load(fpc_ctx *ctx, fpc_state *state, const char *path)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    fpc_meeting how = {0};
    fpc_st_file *file;
    fpc_status status = arena ? fpc_weights_open(ctx, arena, path, &file) : FPC_ENOMEM;

    if (!status)
        status = fpc_weights_take(state, file, &how);
    fpc_arena_free(arena);
    return status;
}

static int has_average(const fpc_st_file *file)
{
    for (int32_t i = 0; i < file->n; i++)
        if (!strncmp(file->tensor[i].name, FPC_PREFIX_AVERAGE, strlen(FPC_PREFIX_AVERAGE)))
            return 1;
    return 0;
}

fpc_status fpc_weights_load_validated(fpc_ctx *ctx, fpc_state *state, const char *path, int64_t *epoch)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    const char *text = NULL;
    fpc_st_file *file;
    fpc_status status = arena ? fpc_weights_open(ctx, arena, path, &file) : FPC_ENOMEM;

    *epoch = 0;
    if (!status) {
        fpc_meeting how = {.averaged = has_average(file)};
        text = fpc_st_meta_find(file, "epoch");
        if (!(status = fpc_weights_take(state, file, &how)) && how.averaged)
            fpc_log(ctx, FPC_LOG_INFO, "%s: the running average of its weights is taken, as in validation (run.ema)",
                    path);
    }
    if (!status && text && *text >= '0' && *text <= '9')
        *epoch = strtoll(text, NULL, 10);
    fpc_arena_free(arena);
    return status;
}

fpc_status fpc_state_tensor(const fpc_state *state, fpc_arena *arena, const fpc_state_entry *e, uint32_t dtype,
                            fpc_st_tensor *out)
{
    void *data = fpc_alloc(arena, (size_t)e->count * fpc_dtype_size(dtype));

    if (!data)
        return FPC_ENOMEM;
    *out = (fpc_st_tensor){.name = e->name, .dtype = dtype, .rank = e->rank, .count = e->count, .data = data};
    memcpy(out->dims, e->dims, (size_t)e->rank * sizeof *e->dims);
    return fpc_state_read(state, e, dtype, data);
}

static fpc_status copy_weights(fpc_state *state, fpc_arena *arena, int32_t *n, fpc_st_tensor **tensor)
{
    *n = 0;
    *tensor = fpc_alloc(arena, ((size_t)state->n + 1) * sizeof **tensor);
    fpc_status status = *tensor ? fpc_state_snapshot_begin(state, 0) : FPC_ENOMEM;

    for (int32_t i = 0; i < state->n && !status; i++)
        if (fpc_weights_is_weight(&state->entry[i]))
            status = fpc_state_tensor(state, arena, &state->entry[i], state->entry[i].dtype, &(*tensor)[(*n)++]);
    fpc_state_snapshot_end(state);
    return status;
}

fpc_status fpc_weights_save(fpc_ctx *ctx, fpc_state *state, const char *path, int32_t n_meta, const fpc_st_meta *meta)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    fpc_st_tensor *tensor;
    int32_t n;
    fpc_status status = arena ? copy_weights(state, arena, &n, &tensor) : FPC_ENOMEM;

    if (!status)
        status = fpc_st_write(ctx, path, n, tensor, n_meta, meta);
    if (arena)
        fpc_arena_free(arena);
    return status;
}

fpc_status fpc_weights_bytes(fpc_ctx *ctx, fpc_arena *arena, fpc_state *state, const char *what, int32_t n_meta,
                             const fpc_st_meta *meta, const void **data, size_t *bytes)
{
    fpc_arena *scratch = fpc_arena_new(ctx);
    fpc_st_tensor *tensor;
    int32_t n;
    fpc_status status = scratch ? copy_weights(state, scratch, &n, &tensor) : FPC_ENOMEM;

    if (!status)
        status = fpc_st_bytes(ctx, arena, what, n, tensor, n_meta, meta, data, bytes);
    if (scratch)
        fpc_arena_free(scratch);
    return status;
}
