/* state_fill.c: what a state holds before the first step: parameters and buffers as the model declares them, drawn by
 * name from the seed, and zeros elsewhere. */
#include "runtime/state.h"
#include <fpcore/rng.h>
#include <math.h>
#include <stdlib.h>

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
    void *flat[] = {s->grad, s->swa, s->slot[0], s->slot[1], s->slot[2], s->slot[3]};
    fpc_status status = FPC_OK;
    if (!s->grad) /* a state to evaluate with has none of them */
        return FPC_OK;
    void *zero = calloc(1, bytes);
    if (!zero)
        return fpc_fail(s->ctx, FPC_ENOMEM, "no memory to clear the gradients");
    for (size_t i = 0; i < sizeof flat / sizeof *flat && !status; i++)
        if (flat[i])
            status = fpc_backend_copy(s->backend, flat[i], zero, bytes, FPC_TO_DEVICE);
    free(zero);
    return status;
}

fpc_status fpc_state_init(fpc_state *s, uint64_t seed)
{
    fpc_status status;
    if ((status = clear_flat(s)) || (status = fpc_state_start_scaling(s, 0)))
        return status;
    for (int32_t i = 0; i < s->n; i++)
        if ((s->entry[i].kind == FPC_STATE_PARAM || s->entry[i].kind == FPC_STATE_BUFFER) &&
            (status = fill_entry(s, &s->entry[i], seed)))
            return status;
    return fpc_state_start_average(s);
}

fpc_status fpc_state_reset_buffers(fpc_state *s)
{
    fpc_status status;
    for (int32_t i = 0; i < s->n; i++)
        if (s->entry[i].kind == FPC_STATE_BUFFER && !s->entry[i].frozen && (status = fill_entry(s, &s->entry[i], 0)))
            return status;
    return FPC_OK;
}
