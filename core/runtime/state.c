/* state.c: everything that lives from step to step, in backend memory: parameters, gradients, optimizer slots and
 * averages (flat, so that one node updates all), and buffers. Files see PyTorch's names and layouts; only this file
 * converts. */
#include "graph/nodes.h"
#include "runtime/program.h"
#include <fpcore/rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, ROW = 256 };

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
                           .fan_in = v->fan_in};
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
        offset += ((size_t)fpc_count(v->shape) + ALIGN - 1) / ALIGN * ALIGN;
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
    fpc_status status =
        s->buffer_bytes ? fpc_backend_alloc(s->backend, s->ctx, s->buffer_bytes, "the buffers", &s->buffers) : FPC_OK;
    for (int32_t i = 0; i < g->n_values && !status; i++) {
        const fpc_value *v = &g->value[i];
        if (v->role != FPC_ROLE_BUFFER)
            continue;
        const char *name = fpc_strdup(arena, v->name);
        if (!name)
            return FPC_ENOMEM;
        add_entry(s, FPC_STATE_BUFFER, name, name, v, (char *)s->buffers + at);
        at += buffer_step(v);
    }
    return status;
}

/* Dynamic loss scaling starts where PyTorch's does. */
static fpc_status add_scaler(fpc_state *s)
{
    const fpc_value v = {.shape = fpc_vector(4), .dtype = FPC_F32, .rank = 1};
    const fpc_status status = fpc_backend_alloc(s->backend, s->ctx, 4 * sizeof(double), "loss scaling", &s->scaler);
    if (!status)
        add_entry(s, FPC_STATE_SCALER, "optimizer.loss_scaling", NULL, &v, s->scaler);
    return status;
}

fpc_status fpc_state_start_scaling(fpc_state *s, int64_t steps)
{
    const fpc_state_entry *e = fpc_state_find(s, "optimizer.loss_scaling");
    return e ? fpc_state_write(s, e, FPC_F64, (double[]){65536, 0, (double)steps, 0}) : FPC_OK;
}

fpc_status fpc_state_new(fpc_ctx *ctx, fpc_arena *arena, fpc_backend *be, const fpc_graph *g, int32_t n_slots,
                         const char *const *slots, unsigned keep, fpc_state **out)
{
    fpc_state *s = fpc_alloc(arena, sizeof *s);
    int32_t n_params = 0, n_buffers = 0;
    size_t numbers = 0;
    if (!s)
        return FPC_ENOMEM;
    const int frozen = (keep & FPC_KEEP_WEIGHTS) != 0;
    n_slots = frozen ? 0 : n_slots;
    *s = (fpc_state){.ctx = ctx, .backend = be, .n_slots = n_slots};
    for (int32_t i = 0; i < g->n_values; i++) {
        n_buffers += g->value[i].role == FPC_ROLE_BUFFER;
        if (g->value[i].role == FPC_ROLE_PARAM) {
            n_params++;
            s->n_trainable += fpc_count(g->value[i].shape);
            numbers += ((size_t)fpc_count(g->value[i].shape) + ALIGN - 1) / ALIGN * ALIGN;
        }
    }
    s->n_params = n_params;
    s->flat = (fpc_shape){1, 1, (int32_t)((numbers + ROW - 1) / ROW), ROW};
    if (s->flat.w < 1)
        return fpc_fail(ctx, FPC_EINVAL, "the model has no parameters; a model's build must declare some");
    s->entry = fpc_alloc(arena, (size_t)(n_params * (4 + n_slots) + n_buffers + 2) * sizeof *s->entry);
    if (!s->entry)
        return FPC_ENOMEM;
    const size_t bytes = fpc_bytes(s->flat, g->real);
    fpc_status status = fpc_backend_alloc(be, ctx, bytes, "the parameters", &s->param);
    if ((keep & FPC_KEEP_HALF) && !status)
        status = fpc_backend_alloc(be, ctx, fpc_bytes(s->flat, FPC_BF16), "the parameters in half precision", &s->half);
    status = status || frozen ? status : fpc_backend_alloc(be, ctx, bytes, "the gradients", &s->grad);
    for (int32_t i = 0; i < n_slots && !status; i++)
        status = fpc_backend_alloc(be, ctx, bytes, "the optimizer", &s->slot[i]);
    if ((keep & FPC_KEEP_AVERAGE) && !frozen && !status)
        status = fpc_backend_alloc(be, ctx, bytes, "the averaged parameters", &s->average);
    if ((keep & FPC_KEEP_SWA) && !frozen && !status)
        status = fpc_backend_alloc(be, ctx, bytes, "the mean of the parameters", &s->swa);
    if (!status)
        status = add_flat(s, arena, g, FPC_STATE_PARAM, "", s->param);
    if (!status)
        status = add_buffers(s, arena, g);
    status = status || frozen ? status : add_flat(s, arena, g, FPC_STATE_GRAD, "grad.", s->grad);
    for (int32_t i = 0; i < n_slots && !status; i++) {
        const char *prefix = fpc_sprintf(arena, "optimizer.%s.", slots[i]);
        status = prefix ? add_flat(s, arena, g, FPC_STATE_SLOT, prefix, s->slot[i]) : FPC_ENOMEM;
    }
    if ((keep & FPC_KEEP_SCALER) && !frozen && !status)
        status = add_scaler(s);
    if (s->average && !status)
        status = add_flat(s, arena, g, FPC_STATE_AVERAGE, "average.", s->average);
    if (s->swa && !status)
        status = add_flat(s, arena, g, FPC_STATE_SWA, "swa.", s->swa);
    *out = s;
    return status;
}

const fpc_state_entry *fpc_state_find(const fpc_state *s, const char *name)
{
    for (int32_t i = 0; i < s->n; i++)
        if (!strcmp(s->entry[i].name, name))
            return &s->entry[i];
    return NULL;
}

/* Index in memory (out, kh, kw, in) of element i in file order (out, in, kh, kw). */
static int64_t memory_index(const fpc_state_entry *e, int64_t i)
{
    if (e->rank != 4)
        return i;
    const fpc_shape s = e->shape;
    const int64_t x = i % s.w, y = i / s.w % s.h, c = i / ((int64_t)s.w * s.h) % s.c,
                  k = i / ((int64_t)s.w * s.h * s.c);
    return ((k * s.h + y) * s.w + x) * s.c + c;
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

struct fpc_held {
    int32_t n;
    struct {
        const char *device;
        size_t bytes;
        char *host;
    } block[MOST_BLOCKS];
};

static fpc_status hold_block(fpc_state *s, const void *device, size_t bytes)
{
    struct fpc_held *h = s->held;
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

fpc_status fpc_state_hold(fpc_state *s, int all)
{
    const size_t bytes = fpc_bytes(s->flat, s->backend->device.real);
    if (s->backend->device.host)
        return FPC_OK;
    s->held = calloc(1, sizeof *s->held);
    if (!s->held)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory for a copy of the weights");
    const void *flat[3] = {s->param, s->average, s->swa};
    fpc_status status = hold_block(s, s->buffers, s->buffer_bytes);
    for (int i = 0; i < (all ? 3 : 1) && !status; i++)
        status = hold_block(s, flat[i], bytes);
    for (int32_t i = 0; i < s->n_slots && all && !status; i++)
        status = hold_block(s, s->slot[i], bytes);
    if (status)
        fpc_state_let_go(s);
    return status;
}

void fpc_state_let_go(fpc_state *s)
{
    for (int32_t i = 0; s->held && i < s->held->n; i++)
        free(s->held->block[i].host);
    free(s->held);
    s->held = NULL;
}

/* Where the host's copy of memory of the device is; NULL: there is none. */
static const char *held_at(const fpc_state *s, const void *device)
{
    const char *p = device;
    for (int32_t i = 0; s->held && i < s->held->n; i++)
        if (p >= s->held->block[i].device && p < s->held->block[i].device + s->held->block[i].bytes)
            return s->held->block[i].host + (p - s->held->block[i].device);
    return NULL;
}

static fpc_status from_device(const fpc_state *s, void *host, const void *device, size_t bytes)
{
    const char *held = held_at(s, device);
    if (!held)
        return fpc_backend_copy(s->backend, host, device, bytes, FPC_TO_HOST);
    memcpy(host, held, bytes);
    return FPC_OK;
}

/* Between the backend's layout and precision and the host's: file order, F32 or F64. */
static fpc_status convert(const fpc_state *s, const fpc_state_entry *e, uint32_t dtype, char *host, fpc_way way)
{
    const uint32_t own = fpc_state_dtype(s, e);
    const size_t bytes = (size_t)e->count * fpc_dtype_size(own);
    if (own == FPC_I64)
        return way == FPC_TO_HOST ? from_device(s, host, e->data, bytes)
                                  : fpc_backend_copy(s->backend, e->data, host, bytes, way);
    char *copy = malloc(bytes + 1);
    if (!copy)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory for a copy of %s", e->name);
    fpc_status status = way == FPC_TO_HOST ? from_device(s, copy, e->data, bytes) : FPC_OK;
    for (int64_t i = 0; i < e->count && !status; i++)
        if (way == FPC_TO_HOST)
            put_at(host, dtype, i, number_at(copy, own, memory_index(e, i)));
        else
            put_at(copy, own, memory_index(e, i), number_at(host, dtype, i));
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

/* U(-1, 1) for the elements of the tensor whose name hashes to `stream`: four from each counter. */
static void fill_uniform(float *host, int64_t n, uint64_t seed, uint32_t stream, double scale)
{
    for (int64_t i = 0; i < n; i += 4) {
        const fpc_u32x4 u = fpc_philox4x32((uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)(i / 4), 0, 0, stream);
        for (int64_t k = 0; k < 4 && i + k < n; k++)
            host[i + k] = (float)((2.0 * (double)fpc_unit(u.v[k]) - 1.0) * scale);
    }
}

/* N(0, 1), cut at `cut` sigma where that is positive. */
static void fill_normal(float *host, int64_t n, uint64_t seed, uint32_t stream, double scale, double cut)
{
    for (int64_t i = 0; i < n; i++) {
        double z = 0;
        for (uint32_t attempt = 0; attempt == 0 || (cut > 0 && fabs(z) > cut); attempt++) {
            const fpc_u32x4 u = fpc_philox4x32((uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)i, attempt, 1, stream);
            z = sqrt(-2.0 * log(1.0 - (double)fpc_unit(u.v[0]))) * cos(6.283185307179586 * (double)fpc_unit(u.v[1]));
        }
        host[i] = (float)(z * scale);
    }
}

static fpc_status fill_entry(fpc_state *s, const fpc_state_entry *e, uint64_t seed)
{
    const uint32_t stream = fpc_hash(e->name);
    const double fan = e->fan_in > 0 ? (double)e->fan_in : 1;
    float *host = calloc((size_t)e->count + 1, 8);
    if (!host)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory to fill %s", e->name);
    if (e->fill == FPC_FILL_UNIFORM_FAN_IN)
        fill_uniform(host, e->count, seed, stream, 1 / sqrt(fan));
    else if (e->fill == FPC_FILL_KAIMING)
        fill_normal(host, e->count, seed, stream, sqrt(2 / fan), 0);
    else if (e->fill == FPC_FILL_TRUNC_NORMAL)
        fill_normal(host, e->count, seed, stream, 0.02, 2);
    for (int64_t i = 0; i < e->count && e->fill == FPC_FILL_ONE && e->dtype != FPC_I64; i++)
        host[i] = 1;
    const fpc_status status = fpc_state_set(s, e, host);
    free(host);
    return status;
}

/* Gradients, slots and means are whole buffers of zeros. */
static fpc_status clear_flat(fpc_state *s)
{
    const size_t bytes = fpc_bytes(s->flat, s->backend->device.real);
    void *flat[3] = {s->grad, s->swa}, *zero = s->grad ? calloc(1, bytes) : NULL;
    fpc_status status = zero || !s->grad ? FPC_OK : fpc_fail(s->ctx, FPC_ENOMEM, "no memory to clear the gradients");
    for (int i = 0; flat[i] && !status; i++)
        status = fpc_backend_copy(s->backend, flat[i], zero, bytes, FPC_TO_DEVICE);
    for (int32_t i = 0; i < s->n_slots && !status; i++)
        status = fpc_backend_copy(s->backend, s->slot[i], zero, bytes, FPC_TO_DEVICE);
    free(zero);
    return status;
}

fpc_status fpc_state_init(fpc_state *s, uint64_t seed)
{
    fpc_status status = clear_flat(s);
    if (!status)
        status = fpc_state_start_scaling(s, 0);
    for (int32_t i = 0; i < s->n && !status; i++)
        if (s->entry[i].kind == FPC_STATE_PARAM || s->entry[i].kind == FPC_STATE_BUFFER)
            status = fill_entry(s, &s->entry[i], seed);
    return status ? status : fpc_state_start_average(s);
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
    void *copy = malloc(bytes);
    if (!copy)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory to exchange the averaged parameters");
    fpc_status status = fpc_backend_copy(s->backend, copy, s->param, bytes, FPC_TO_HOST);
    if (!status)
        status = fpc_backend_copy(s->backend, s->param, other, bytes, FPC_ON_DEVICE);
    if (!status)
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

fpc_status fpc_state_keep_buffers(fpc_state *s, int copy)
{
    fpc_status status = FPC_OK;
    if (s->buffer_bytes && !s->kept_buffers[copy])
        status =
            fpc_backend_alloc(s->backend, s->ctx, s->buffer_bytes, "a copy of the buffers", &s->kept_buffers[copy]);
    if (status || !s->buffer_bytes)
        return status;
    return fpc_backend_copy(s->backend, s->kept_buffers[copy], s->buffers, s->buffer_bytes, FPC_ON_DEVICE);
}

fpc_status fpc_state_restore_buffers(fpc_state *s, int copy)
{
    if (!s->kept_buffers[copy])
        return FPC_OK;
    return fpc_backend_copy(s->backend, s->buffers, s->kept_buffers[copy], s->buffer_bytes, FPC_ON_DEVICE);
}

fpc_status fpc_state_reset_buffers(fpc_state *s)
{
    fpc_status status = FPC_OK;
    for (int32_t i = 0; i < s->n && !status; i++)
        if (s->entry[i].kind == FPC_STATE_BUFFER)
            status = fill_entry(s, &s->entry[i], 0);
    return status;
}
