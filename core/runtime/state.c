/* state.c: everything that lives from step to step, in backend memory: parameters, gradients, optimizer slots and
 * averages (flat, so that one node updates all), and buffers. Files see PyTorch's names and layouts; only this file
 * converts. */
#include "runtime/state.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void file_dims(fpc_state_entry *e)
{
    const fpc_shape s = e->shape;
    if (e->rank == 4)
        memcpy(e->dims, (int64_t[4]){s.n, s.c, s.h, s.w}, sizeof e->dims);
    else if (e->rank == 2)
        memcpy(e->dims, (int64_t[4]){(int64_t)s.n * s.h * s.w, s.c, 0, 0}, sizeof e->dims);
    else if (e->rank == 1)
        e->dims[0] = fpc_count(s);
}

static fpc_state_entry *add_entry(fpc_state *s, uint32_t kind, const char *name, const char *param, const fpc_value *v,
                                  void *data)
{
    fpc_state_entry *e = &s->entry[s->n++];
    *e = (fpc_state_entry){.name = name,
                           .kind = kind,
                           .dtype = v->dtype == FPC_I64 ? FPC_I64 : FPC_F32,
                           .rank = v->rank,
                           .count = fpc_count(v->shape),
                           .param = param,
                           .shape = v->shape,
                           .data = data,
                           .fill = v->fill,
                           .fan_in = v->fan_in,
                           .frozen = v->frozen};
    file_dims(e);
    return e;
}

static fpc_status add_flat(fpc_state *s, fpc_arena *arena, const fpc_graph *g, uint32_t kind, const char *prefix,
                           void *flat)
{
    size_t offset = 0;
    for (int32_t i = 0; i < g->n_values; i++) {
        const fpc_value *v = &g->value[i];
        if (v->role != FPC_ROLE_PARAM)
            continue;
        const char *param = fpc_strdup(arena, v->name),
                   *name = *prefix ? fpc_sprintf(arena, "%s%s", prefix, v->name) : param;
        if (!name || !param)
            return FPC_ENOMEM;
        add_entry(s, kind, name, param, v, (char *)flat + offset * fpc_dtype_size(g->real));
        offset += (size_t)fpc_flat_step(fpc_count(v->shape));
    }
    return FPC_OK;
}

static size_t buffer_step(const fpc_value *v)
{
    return (fpc_bytes(v->shape, v->dtype) + 63) / 64 * 64;
}

/* In one block, so that a copy of all is one copy. */
static fpc_status add_buffers(fpc_state *s, fpc_arena *arena, const fpc_graph *g)
{
    size_t at = 0;
    for (int32_t i = 0; i < g->n_values; i++)
        s->buffer_bytes += g->value[i].role == FPC_ROLE_BUFFER ? buffer_step(&g->value[i]) : 0;
    if (!s->buffer_bytes)
        return FPC_OK;
    const fpc_status status = fpc_backend_alloc(s->backend, s->ctx, s->buffer_bytes, "the buffers", &s->buffers);
    if (status)
        return status;
    for (int32_t i = 0; i < g->n_values; i++) {
        const fpc_value *v = &g->value[i];
        if (v->role != FPC_ROLE_BUFFER)
            continue;
        const char *name = fpc_strdup(arena, v->name);
        if (!name)
            return FPC_ENOMEM;
        add_entry(s, FPC_STATE_BUFFER, name, name, v, (char *)s->buffers + at);
        at += buffer_step(v);
    }
    return FPC_OK;
}

/* Dynamic loss scaling starts where PyTorch's GradScaler does. */
static fpc_status add_scaler(fpc_state *s)
{
    const fpc_value v = {.shape = fpc_vector(4), .dtype = FPC_F32, .rank = 1};
    const fpc_status status = fpc_backend_alloc(s->backend, s->ctx, 4 * sizeof(double), "loss scaling", &s->scaler);
    if (status)
        return status;
    add_entry(s, FPC_STATE_SCALER, FPC_NAME_SCALER, NULL, &v, s->scaler);
    return FPC_OK;
}

fpc_status fpc_state_start_scaling(fpc_state *s, int64_t steps)
{
    const fpc_state_entry *e = fpc_state_find(s, FPC_NAME_SCALER);
    return e ? fpc_state_write(s, e, FPC_F64, (double[]){65536, 0, (double)steps, 0}) : FPC_OK;
}

/* The flat buffers that a state takes when it is made, in the order in which memory is asked for. */
static const struct flat_row {
    size_t where;       /* the pointer in fpc_state */
    const char *what;   /* for the message where there is no memory */
    const char *prefix; /* of its tensors' names; NULL: "optimizer.SLOT." */
    uint32_t kind;      /* of its entries; 0: none */
    uint32_t dtype;     /* 0: what the graph computes in */
    unsigned keep;      /* the flag that asks for it; 0: always there */
    int32_t slots;      /* there if the optimizer has so many */
    uint8_t trains;     /* not there with FPC_KEEP_WEIGHTS */
} flat_rows[] = {
    {offsetof(fpc_state, param), "the parameters", "", FPC_STATE_PARAM, 0, 0, 0, 0},
    {offsetof(fpc_state, half), "the parameters in half precision", NULL, 0, FPC_BF16, FPC_KEEP_HALF, 0, 0},
    {offsetof(fpc_state, grad), "the gradients", FPC_PREFIX_GRAD, FPC_STATE_GRAD, 0, 0, 0, 1},
    {offsetof(fpc_state, slot[0]), "the optimizer", NULL, FPC_STATE_SLOT, 0, 0, 1, 1},
    {offsetof(fpc_state, slot[1]), "the optimizer", NULL, FPC_STATE_SLOT, 0, 0, 2, 1},
    {offsetof(fpc_state, slot[2]), "the optimizer", NULL, FPC_STATE_SLOT, 0, 0, 3, 1},
    {offsetof(fpc_state, slot[3]), "the optimizer", NULL, FPC_STATE_SLOT, 0, 0, 4, 1},
    {offsetof(fpc_state, average), "the averaged parameters", FPC_PREFIX_AVERAGE, FPC_STATE_AVERAGE, 0,
     FPC_KEEP_AVERAGE, 0, 1},
    {offsetof(fpc_state, swa), "the mean of the parameters", FPC_PREFIX_SWA, FPC_STATE_SWA, 0, FPC_KEEP_SWA, 0, 1},
};
enum { N_FLAT_ROWS = sizeof flat_rows / sizeof *flat_rows };

static void **flat_at(fpc_state *s, const struct flat_row *row)
{
    return (void **)(void *)((char *)s + row->where);
}

static fpc_status take_memory(fpc_state *s, uint32_t real, unsigned keep)
{
    for (int i = 0; i < N_FLAT_ROWS; i++) {
        const struct flat_row *row = &flat_rows[i];
        if ((keep & row->keep) != row->keep || row->slots > s->n_slots || (row->trains && (keep & FPC_KEEP_WEIGHTS)))
            continue;
        const size_t bytes = fpc_bytes(s->flat, row->dtype ? row->dtype : real);
        const fpc_status status = fpc_backend_alloc(s->backend, s->ctx, bytes, row->what, flat_at(s, row));
        if (status)
            return status;
    }
    return FPC_OK;
}

/* The entries of one kind, in as many flat buffers as there are of it. */
static fpc_status add_kind(fpc_state *s, fpc_arena *arena, const fpc_graph *g, const char *const *slots, uint32_t kind)
{
    for (int i = 0; i < N_FLAT_ROWS; i++) {
        const struct flat_row *row = &flat_rows[i];
        void *data = *flat_at(s, row);
        if (row->kind != kind || !data)
            continue;
        const char *prefix =
            row->prefix ? row->prefix : fpc_sprintf(arena, FPC_PREFIX_OPTIMIZER "%s.", slots[row->slots - 1]);
        const fpc_status status = prefix ? add_flat(s, arena, g, kind, prefix, data) : FPC_ENOMEM;
        if (status)
            return status;
    }
    return FPC_OK;
}

/* How many of everything, for the lists. */
static fpc_status measure(fpc_state *s, fpc_arena *arena, const fpc_graph *g)
{
    int64_t numbers = 0;
    int32_t n_buffers = 0;
    for (int32_t i = 0; i < g->n_values; i++) {
        const int64_t count = fpc_count(g->value[i].shape);
        n_buffers += g->value[i].role == FPC_ROLE_BUFFER;
        if (g->value[i].role != FPC_ROLE_PARAM)
            continue;
        s->n_params++;
        s->n_trainable += count;
        numbers += fpc_flat_step(count);
    }
    s->flat = fpc_flat_shape(numbers);
    if (s->flat.w < 1)
        return fpc_fail(s->ctx, FPC_EINVAL, "the model has no parameters; a model's build must declare some");
    s->entry = fpc_alloc(arena, (size_t)(s->n_params * (4 + s->n_slots) + n_buffers + 2) * sizeof *s->entry);
    return s->entry ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_state_new(fpc_ctx *ctx, fpc_arena *arena, fpc_backend *be, const fpc_graph *g, int32_t n_slots,
                         const char *const *slots, unsigned keep, fpc_state **out)
{
    const int scaling = (keep & (FPC_KEEP_SCALER | FPC_KEEP_WEIGHTS)) == FPC_KEEP_SCALER;
    fpc_state *s = fpc_alloc(arena, sizeof *s);
    fpc_status status;
    if (!s)
        return FPC_ENOMEM;
    *s = (fpc_state){.ctx = ctx, .backend = be, .weights_version = 1, .n_slots = keep & FPC_KEEP_WEIGHTS ? 0 : n_slots};
    if ((status = measure(s, arena, g)) || (status = take_memory(s, g->real, keep)) ||
        (status = add_kind(s, arena, g, slots, FPC_STATE_PARAM)) || (status = add_buffers(s, arena, g)) ||
        (status = add_kind(s, arena, g, slots, FPC_STATE_GRAD)) ||
        (status = add_kind(s, arena, g, slots, FPC_STATE_SLOT)) || (scaling && (status = add_scaler(s))) ||
        (status = add_kind(s, arena, g, slots, FPC_STATE_AVERAGE)) ||
        (status = add_kind(s, arena, g, slots, FPC_STATE_SWA)))
        return status;
    *out = s;
    return FPC_OK;
}

/* "$half.NAME" lies in $half where NAME lies in $param, in half the bytes. */
static void *half_param(const fpc_state *s, const char *name)
{
    const fpc_state_entry *e = fpc_state_find(s, name);
    if (!s->half || !e || e->kind != FPC_STATE_PARAM)
        return NULL;
    return (char *)s->half + ((const char *)e->data - (const char *)s->param) / (ptrdiff_t)sizeof(float) * 2;
}

static void *flat_memory(const fpc_state *s, fpc_flat_buffer which)
{
    void *const at[FPC_N_FLAT] = {
        [FPC_FLAT_PARAM] = s->param,     [FPC_FLAT_GRAD] = s->grad,      [FPC_FLAT_ACCUM] = s->accum,
        [FPC_FLAT_AVERAGE] = s->average, [FPC_FLAT_SWA] = s->swa,        [FPC_FLAT_SLOT0] = s->slot[0],
        [FPC_FLAT_SLOT1] = s->slot[1],   [FPC_FLAT_SLOT2] = s->slot[2],  [FPC_FLAT_SLOT3] = s->slot[3],
        [FPC_FLAT_HALF] = s->half,       [FPC_FLAT_SCALER] = s->scaler,  [FPC_FLAT_IMAGES] = s->images,
        [FPC_FLAT_MASKS] = s->masks,     [FPC_FLAT_FACTORS] = s->factors};
    return at[which];
}

static fpc_status unknown_flat(const fpc_state *s, const char *name)
{
    char known[200] = "";
    for (fpc_flat_buffer i = 0; i < FPC_N_FLAT; i++) {
        const size_t n = strlen(known);
        snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", fpc_flat_name(i));
    }
    return fpc_fail(s->ctx, FPC_EINTERNAL, "a graph works on `%s`, which there is not; there are %s", name, known);
}

fpc_status fpc_state_flat(const fpc_state *s, const char *name, void **data)
{
    const char *half = fpc_flat_name(FPC_FLAT_HALF);
    const size_t n = strlen(half);
    fpc_flat_buffer which = 0;
    if (!strncmp(name, half, n) && name[n] == '.') {
        *data = half_param(s, name + n + 1);
        if (*data)
            return FPC_OK;
        return fpc_fail(s->ctx, FPC_EINTERNAL, "a graph reads `%s`; the state has no such parameter in half precision",
                        name);
    }
    while (which < FPC_N_FLAT && strcmp(name, fpc_flat_name(which)))
        which++;
    *data = which < FPC_N_FLAT ? flat_memory(s, which) : NULL;
    if (*data)
        return FPC_OK;
    if (which == FPC_N_FLAT)
        return unknown_flat(s, name);
    return fpc_fail(s->ctx, FPC_EINTERNAL, "a graph works on `%s`, for which the state has no memory", name);
}

const fpc_state_entry *fpc_state_find(const fpc_state *s, const char *name)
{
    for (int32_t i = 0; i < s->n; i++)
        if (!strcmp(s->entry[i].name, name))
            return &s->entry[i];
    return NULL;
}

/* Dense convolutions lie as (out, kh, kw, in) in memory and as (out, in, kh, kw) in files; all else lies alike. */
static int in_file_order(const fpc_state_entry *e)
{
    return e->rank != 4 || e->shape.c == 1 || (int64_t)e->shape.h * e->shape.w == 1;
}

uint32_t fpc_state_dtype(const fpc_state *s, const fpc_state_entry *e)
{
    return e->dtype == FPC_I64 ? FPC_I64 : s->backend->device.real;
}

static double number_at(const char *data, uint32_t dtype, int64_t i)
{
    double wide;
    float narrow;
    if (dtype == FPC_F64)
        return memcpy(&wide, data + 8 * i, sizeof wide), wide;
    return memcpy(&narrow, data + 4 * i, sizeof narrow), (double)narrow;
}

static void put_at(char *data, uint32_t dtype, int64_t i, double x)
{
    const float narrow = (float)x;
    if (dtype == FPC_F64)
        memcpy(data + 8 * i, &x, sizeof x);
    else
        memcpy(data + 4 * i, &narrow, sizeof narrow);
}

/* ---- copies on the host ---- */

enum { MOST_BLOCKS = 9 };

struct fpc_state_snapshot {
    int32_t n;
    struct {
        const char *device;
        size_t bytes;
        char *host;
    } block[MOST_BLOCKS];
};

static fpc_status copy_block(fpc_state *s, const void *device, size_t bytes)
{
    struct fpc_state_snapshot *h = s->snapshot;
    if (!device || !bytes)
        return FPC_OK;
    char *host = malloc(bytes);
    if (!host)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory for a copy of the weights: %zu bytes", bytes);
    h->block[h->n].device = device;
    h->block[h->n].bytes = bytes;
    h->block[h->n++].host = host;
    return fpc_backend_copy(s->backend, host, device, bytes, FPC_TO_HOST);
}

fpc_status fpc_state_snapshot_begin(fpc_state *s, int all)
{
    const size_t bytes = fpc_bytes(s->flat, s->backend->device.real);
    if (s->backend->device.host)
        return FPC_OK;
    s->snapshot = calloc(1, sizeof *s->snapshot);
    if (!s->snapshot)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory for a copy of the weights");
    const void *flat[3] = {s->param, s->average, s->swa};
    fpc_status status = copy_block(s, s->buffers, s->buffer_bytes);
    for (int i = 0; i < (all ? 3 : 1) && !status; i++)
        status = copy_block(s, flat[i], bytes);
    for (int32_t i = 0; i < s->n_slots && all && !status; i++)
        status = copy_block(s, s->slot[i], bytes);
    if (status)
        fpc_state_snapshot_end(s);
    return status;
}

void fpc_state_snapshot_end(fpc_state *s)
{
    for (int32_t i = 0; s->snapshot && i < s->snapshot->n; i++)
        free(s->snapshot->block[i].host);
    free(s->snapshot);
    s->snapshot = NULL;
}

/* Where the host's copy of memory of the device is; NULL: there is none. */
static const char *copy_at(const fpc_state *s, const void *device)
{
    const char *p = device;
    for (int32_t i = 0; s->snapshot && i < s->snapshot->n; i++)
        if (p >= s->snapshot->block[i].device && p < s->snapshot->block[i].device + s->snapshot->block[i].bytes)
            return s->snapshot->block[i].host + (p - s->snapshot->block[i].device);
    return NULL;
}

static fpc_status from_device(const fpc_state *s, void *host, const void *device, size_t bytes)
{
    const char *copy = copy_at(s, device);
    if (!copy)
        return fpc_backend_copy(s->backend, host, device, bytes, FPC_TO_HOST);
    memcpy(host, copy, bytes);
    return FPC_OK;
}

/* One number, from or to the host. In the common case, F32 on both sides, both types are constants where this is
 * called, so that the loop is tight; the other cases look at the types for each number. */
static inline void move_number(char *own, uint32_t own_type, int64_t at, char *host, uint32_t type, int64_t i,
                               fpc_way way)
{
    if (way == FPC_TO_HOST)
        put_at(host, type, i, number_at(own, own_type, at));
    else
        put_at(own, own_type, at, number_at(host, type, i));
}

static void reorder(const fpc_state_entry *e, char *own, uint32_t own_type, char *host, uint32_t type, fpc_way way)
{
    const int dense = !in_file_order(e);
    const int64_t places = dense ? (int64_t)e->shape.h * e->shape.w : 1, channels = dense ? e->shape.c : e->count;
    int64_t i = 0;
    for (int64_t k = 0; k < e->count; k += places * channels)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t at = k + c; at < k + places * channels; at += channels, i++)
                if (own_type == FPC_F32 && type == FPC_F32)
                    move_number(own, FPC_F32, at, host, FPC_F32, i, way);
                else
                    move_number(own, own_type, at, host, type, i, way);
}

/* Between the backend's layout and precision and the host's: file order, F32 or F64. */
static fpc_status convert(const fpc_state *s, const fpc_state_entry *e, uint32_t dtype, char *host, fpc_way way)
{
    const uint32_t own = fpc_state_dtype(s, e);
    const size_t bytes = (size_t)e->count * fpc_dtype_size(own);
    if (own == FPC_I64 || (own == dtype && in_file_order(e)))
        return way == FPC_TO_HOST ? from_device(s, host, e->data, bytes)
                                  : fpc_backend_copy(s->backend, e->data, host, bytes, way);
    char *copy = malloc(bytes + 1);
    if (!copy)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory for a copy of %s", e->name);
    fpc_status status = way == FPC_TO_HOST ? from_device(s, copy, e->data, bytes) : FPC_OK;
    if (!status)
        reorder(e, copy, own, host, dtype, way);
    if (way == FPC_TO_DEVICE)
        status = fpc_backend_copy(s->backend, e->data, copy, bytes, way);
    free(copy);
    return status;
}

fpc_status fpc_state_read(const fpc_state *s, const fpc_state_entry *e, uint32_t dtype, void *host)
{
    return convert(s, e, dtype, host, FPC_TO_HOST);
}

fpc_status fpc_state_write(fpc_state *s, const fpc_state_entry *e, uint32_t dtype, const void *host)
{
    fpc_state_changed(s);
    return convert(s, e, dtype, (char *)(uintptr_t)host, FPC_TO_DEVICE);
}

fpc_status fpc_state_get(const fpc_state *s, const fpc_state_entry *e, void *host)
{
    return fpc_state_read(s, e, e->dtype, host);
}

fpc_status fpc_state_set(fpc_state *s, const fpc_state_entry *e, const void *host)
{
    return fpc_state_write(s, e, e->dtype, host);
}

fpc_status fpc_state_start_average(fpc_state *s)
{
    if (!s->average)
        return FPC_OK;
    return fpc_backend_copy(s->backend, s->average, s->param, fpc_bytes(s->flat, s->backend->device.real),
                            FPC_ON_DEVICE);
}

/* Contents change places, not pointers: compiled programs hold the pointers. */
static fpc_status exchange(fpc_state *s, void *other)
{
    if (!other)
        return FPC_OK;
    const size_t bytes = fpc_bytes(s->flat, s->backend->device.real);
    fpc_state_changed(s);
    void *copy = malloc(bytes);
    if (!copy)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory to exchange the averaged parameters");
    fpc_status status = fpc_backend_copy(s->backend, copy, s->param, bytes, FPC_TO_HOST);
    if (!status && !(status = fpc_backend_copy(s->backend, s->param, other, bytes, FPC_ON_DEVICE)))
        status = fpc_backend_copy(s->backend, other, copy, bytes, FPC_TO_DEVICE);
    free(copy);
    return status;
}

fpc_status fpc_state_exchange_average(fpc_state *s)
{
    return exchange(s, s->average);
}

fpc_status fpc_state_exchange_swa(fpc_state *s)
{
    return exchange(s, s->swa);
}

fpc_status fpc_state_save_buffers(fpc_state *s, int copy)
{
    fpc_status status;
    if (!s->buffer_bytes)
        return FPC_OK;
    if (!s->saved_buffers[copy] && (status = fpc_backend_alloc(s->backend, s->ctx, s->buffer_bytes,
                                                               "a copy of the buffers", &s->saved_buffers[copy])))
        return status;
    return fpc_backend_copy(s->backend, s->saved_buffers[copy], s->buffers, s->buffer_bytes, FPC_ON_DEVICE);
}

fpc_status fpc_state_restore_buffers(fpc_state *s, int copy)
{
    if (!s->saved_buffers[copy])
        return FPC_OK;
    fpc_state_changed(s);
    return fpc_backend_copy(s->backend, s->buffers, s->saved_buffers[copy], s->buffer_bytes, FPC_ON_DEVICE);
}
