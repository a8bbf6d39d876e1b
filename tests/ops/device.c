/* device.c: one kernel on a device's memory: arguments are copied there with their guards, the work memory is filled
 * with NaN (a plan gives memory that others have used), the kernel runs once over all rows, and everything comes back.
 * Buffers begin 64 bytes after what the backend gives, the alignment that a plan promises and no more.
 * FPCORE_TEST_GUARDS=off leaves out the guards behind the buffers, so that a tool that watches the device's memory sees
 * the first byte that is read or written beyond. */
#include "device.h"
#include "runtime/exec.h"
#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const fpc_tensor *t)
{
    return fpc_bytes(t->shape, t->dtype);
}

static size_t guard_behind(void)
{
    const char *text = getenv("FPCORE_TEST_GUARDS");
    return text && !strcmp(text, "off") ? 0 : OP_GUARD;
}

void op_lock_guards(const fpc_tensor *t)
{
    ASAN_POISON_MEMORY_REGION((char *)t->data - OP_GUARD, OP_GUARD);
    ASAN_POISON_MEMORY_REGION((char *)t->data + bytes_of(t), OP_GUARD);
}

void op_unlock_guards(const fpc_tensor *t)
{
    if (!t->data)
        return;
    ASAN_UNPOISON_MEMORY_REGION((char *)t->data - OP_GUARD, OP_GUARD);
    ASAN_UNPOISON_MEMORY_REGION((char *)t->data + bytes_of(t), OP_GUARD);
}

/* Whether the device's memory is the host's, so that the address sanitizer knows it. */
static int emulated(const op_backend *b)
{
    return strstr(b->name, "emulated") != NULL && guard_behind() > 0;
}

/* ---- single buffers ---- */

static fpc_status take(const op_loaded *d, fpc_tensor *t)
{
    void *base = NULL;
    const size_t bytes = bytes_of(t);
    const fpc_status status = d->b->vtbl->alloc(d->b->self, OP_GUARD + bytes + guard_behind(), &base);
    t->data = base ? (char *)base + OP_GUARD : NULL;
    return status ? fpc_fail(d->ctx, status, "no %zu bytes on the device", bytes) : FPC_OK;
}

static void give_back(const op_loaded *d, fpc_tensor *t)
{
    if (t->data)
        d->b->vtbl->release(d->b->self, (char *)t->data - OP_GUARD);
    t->data = NULL;
}

static fpc_status copy(const op_loaded *d, const fpc_tensor *device, const fpc_tensor *host, fpc_way way)
{
    const size_t bytes = OP_GUARD + bytes_of(device) + guard_behind();
    char *there = (char *)device->data - OP_GUARD, *here = (char *)host->data - OP_GUARD;
    return way == FPC_TO_DEVICE ? d->b->vtbl->copy(d->b->self, there, here, bytes, way)
                                : d->b->vtbl->copy(d->b->self, here, there, bytes, way);
}

/* ---- nodes ---- */

/* The work memory: NaN throughout, in a block of its own. */
static fpc_status take_work(op_loaded *d)
{
    fpc_need need = {0};
    if (d->kernel->need)
        d->kernel->need(&d->node, &need);
    if (need.shared == 0)
        return FPC_OK;
    if (need.shared > INT32_MAX || need.part || need.thread)
        return fpc_fail(d->ctx, FPC_EINTERNAL, "%s asks for %zu bytes for the node, %zu a part, %zu a thread",
                        d->kernel->name, need.shared, need.part, need.thread);
    d->work = (fpc_tensor){.shape = {1, 1, 1, (int32_t)need.shared}, .dtype = FPC_U8};
    fpc_status status = take(d, &d->work);
    char *host = status ? NULL : malloc(need.shared + 2 * OP_GUARD);
    if (!host)
        return status ? status : fpc_fail(d->ctx, FPC_ENOMEM, "no memory");
    memset(host, OP_GUARD_BYTE, need.shared + 2 * OP_GUARD);
    memset(host + OP_GUARD, 0xff, need.shared);
    status = copy(d, &d->work, &(fpc_tensor){.data = host + OP_GUARD}, FPC_TO_DEVICE);
    free(host);
    return status;
}

static fpc_status check_work(const op_loaded *d)
{
    const size_t bytes = bytes_of(&d->work);
    char *host = d->work.data ? malloc(bytes + 2 * OP_GUARD) : NULL;
    if (!host)
        return d->work.data ? fpc_fail(d->ctx, FPC_ENOMEM, "no memory") : FPC_OK;
    fpc_status status = copy(d, &d->work, &(fpc_tensor){.data = host + OP_GUARD}, FPC_TO_HOST);
    for (size_t i = 0; i < OP_GUARD && !status; i++)
        if ((uint8_t)host[i] != OP_GUARD_BYTE ||
            (guard_behind() && (uint8_t)host[OP_GUARD + bytes + i] != OP_GUARD_BYTE))
            status = fpc_fail(d->ctx, FPC_EINTERNAL, "%s writes beyond its %zu bytes of work memory", d->kernel->name,
                              bytes);
    free(host);
    return status;
}

/* Everything but the arguments' memory. */
static fpc_status set_up(fpc_ctx *ctx, const op_backend *b, const fpc_kernel *k, const fpc_op_def *def,
                         const fpc_node *node, op_loaded *d)
{
    *d = (op_loaded){ctx, b, k, *node, .rows = fpc_node_rows(def, node)};
    d->in_place = def->flags & FPC_OP_INPLACE;
    if (node->n_in > OP_MAX_IN || node->n_out > OP_MAX_OUT)
        return fpc_fail(ctx, FPC_EINTERNAL, "node %s: more than %d inputs or %d outputs", node->name, OP_MAX_IN,
                        OP_MAX_OUT);
    memcpy(d->in, node->in, (size_t)node->n_in * sizeof(fpc_tensor));
    memcpy(d->out, node->out, (size_t)node->n_out * sizeof(fpc_tensor));
    d->node.in = d->in;
    d->node.out = d->out;
    return FPC_OK;
}

/* Calls f for each buffer on the device, once. */
static void each_buffer(const op_loaded *d, void (*f)(const fpc_tensor *))
{
    for (int32_t i = 0; i < d->node.n_in; i++)
        f(&d->in[i]);
    for (int32_t i = 0; i < d->node.n_out && !d->in_place; i++)
        f(&d->out[i]);
    if (d->work.data)
        f(&d->work);
}

fpc_status op_load(fpc_ctx *ctx, const op_backend *b, const fpc_kernel *k, const fpc_op_def *def, const fpc_node *host,
                   op_loaded *d)
{
    fpc_status status = set_up(ctx, b, k, def, host, d);
    if (status)
        return status;
    for (int32_t i = 0; i < host->n_in; i++)
        d->in[i].data = NULL;
    for (int32_t i = 0; i < host->n_out; i++)
        d->out[i].data = NULL;
    for (int32_t i = 0; i < host->n_in && !status; i++) {
        status = take(d, &d->in[i]);
        if (!status)
            status = copy(d, &d->in[i], &host->in[i], FPC_TO_DEVICE);
    }
    for (int32_t i = 0; i < host->n_out && !status; i++) {
        if (d->in_place) {
            d->out[i].data = d->in[i].data;
            continue;
        }
        status = take(d, &d->out[i]);
        if (!status)
            status = copy(d, &d->out[i], &host->out[i], FPC_TO_DEVICE);
    }
    if (!status)
        status = take_work(d);
    if (!status && emulated(d->b))
        each_buffer(d, op_lock_guards);
    return status;
}

fpc_status op_go(op_loaded *d)
{
    fpc_exec x = {.ctx = d->ctx, .shared = d->work.data, .n_parts = 1, .threads = 1, .backend = d->b->device->exec};
    fpc_status status = d->kernel->begin ? d->kernel->begin(&x, &d->node) : FPC_OK;
    if (!status)
        status = d->kernel->run(&x, &d->node, (fpc_rows){0, d->rows, 0, 0});
    return status || !d->kernel->end ? status : d->kernel->end(&x, &d->node);
}

fpc_status op_wait(const op_loaded *d)
{
    return d->b->vtbl->sync ? d->b->vtbl->sync(d->b->self) : FPC_OK;
}

fpc_status op_fetch(op_loaded *d, const fpc_node *host)
{
    if (emulated(d->b))
        each_buffer(d, op_unlock_guards);
    fpc_status status = check_work(d);
    for (int32_t i = 0; i < host->n_in && !status; i++)
        status = copy(d, &d->in[i], &host->in[i], FPC_TO_HOST);
    for (int32_t i = 0; i < host->n_out && !d->in_place && !status; i++)
        status = copy(d, &d->out[i], &host->out[i], FPC_TO_HOST);
    return status;
}

void op_unload(op_loaded *d)
{
    if (emulated(d->b))
        each_buffer(d, op_unlock_guards);
    for (int32_t i = 0; i < d->node.n_in; i++)
        give_back(d, &d->in[i]);
    for (int32_t i = 0; i < d->node.n_out && !d->in_place; i++)
        give_back(d, &d->out[i]);
    give_back(d, &d->work);
}

fpc_status op_run_node(fpc_ctx *ctx, const op_backend *b, const fpc_kernel *k, const fpc_op_def *def, fpc_node *node,
                       op_split split)
{
    if (!b->vtbl)
        return fpc_run_node(ctx, k, def, node, split.parts, split.tile, b->device);
    op_loaded d;
    fpc_status status = set_up(ctx, b, k, def, node, &d);
    if (status)
        return status;
    fpc_exec x = {.ctx = ctx, .n_parts = 1, .threads = 1, .backend = b->device->exec};
    status = take_work(&d);
    x.shared = d.work.data;
    if (!status)
        status = k->begin ? k->begin(&x, node) : FPC_OK;
    if (!status)
        status = k->run(&x, node, (fpc_rows){0, d.rows, 0, 0});
    status = status || !k->end ? status : k->end(&x, node);
    if (!status)
        status = op_wait(&d);
    if (!status)
        status = check_work(&d);
    give_back(&d, &d.work);
    return status;
}
