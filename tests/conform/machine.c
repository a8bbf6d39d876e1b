/* machine.c: the rules of backends: the device's description, the kernel table, memory, copies, threads. */
#include "conform.h"

#include <fpcore/backend.h>
#include <stdatomic.h>
#include <string.h>

static const char *kernel_bad(conform *c, const fpc_kernel *k, uint32_t real)
{
    if (k->size != sizeof *k)
        return "has another size than sizeof(fpc_kernel)";
    if (!fpc_op_find(c->ops, k->op))
        return "is for an op that does not exist";
    if (!k->name || !*k->name)
        return "has no name";
    if (!k->run)
        return "has no run";
    if (!(k->dtypes & (FPC_DTYPE_BIT(real) | FPC_DTYPE_BIT(FPC_BF16) | FPC_DTYPE_BIT(FPC_F16))))
        return "computes neither in the device's real type nor in half precision";
    if (!(k->flags & FPC_KERNEL_DETERMINISTIC))
        return "is not marked deterministic";
    return NULL;
}

enum { MAX_KERNELS = 10000 };

/* All kernels of the tables, whose rows may be longer than ours; how many. MAX_KERNELS: an end is missing. */
static int32_t kernels_of(const fpc_backend_vtbl *v, const fpc_kernel *const *table, const fpc_kernel **to)
{
    int32_t n = 0;
    for (; *table; table++)
        for (const char *row = (const char *)*table; ((const fpc_kernel *)(const void *)row)->op;
             row += v->kernel_size) {
            if (n == MAX_KERNELS)
                return n;
            to[n++] = (const fpc_kernel *)(const void *)row;
        }
    return n;
}

static void check_tables(conform *c, const fpc_device *device)
{
    const fpc_backend_vtbl *v = c->plugin->vtbl;
    const fpc_kernel *const *tables = v->kernels(c->self);
    const fpc_kernel **k = fpc_alloc(c->arena, MAX_KERNELS * sizeof *k);
    const char *bad = NULL;
    int32_t n = tables && k ? kernels_of(v, tables, k) : 0, at = 0;

    if (!check(c, n > 0, "there are kernels", "the tables are empty"))
        return;
    for (int32_t i = 0; i < n && !bad; i++) {
        at = i;
        bad = kernel_bad(c, k[i], device->real);
        for (int32_t j = 0; j < i && !bad; j++)
            if (!strcmp(k[j]->name, k[i]->name) && !strcmp(k[j]->op, k[i]->op))
                bad = "stands twice";
    }
    check(c, n < MAX_KERNELS, "each table ends with a row whose op is NULL, and NULL stands behind the last",
          "it does not");
    check(c, !bad, "kernels are well formed", "`%s` %s", k[at]->name ? k[at]->name : k[at]->op, bad ? bad : "");
}

/* copy NULL: the memory is the host's. */
static fpc_status copy_bytes(conform *c, void *to, const void *from, size_t bytes, fpc_way way)
{
    const fpc_backend_vtbl *v = c->plugin->vtbl;
    fpc_status status = FPC_OK;

    if (v->copy)
        status = v->copy(c->self, to, from, bytes, way);
    else
        memcpy(to, from, bytes);
    return !status && v->sync ? v->sync(c->self) : status;
}

static void check_memory(conform *c)
{
    enum { BYTES = 1 << 16 };
    const fpc_backend_vtbl *v = c->plugin->vtbl;
    uint8_t *out = fpc_alloc(c->arena, BYTES), *back = fpc_alloc(c->arena, BYTES);
    void *memory = NULL;
    int dirty = 0;

    if (!v->alloc || !out || !back)
        return;
    if (!check(c, v->release != NULL, "memory of its own comes with release", "it is missing") ||
        !check(c, !v->alloc(c->self, BYTES, &memory) && memory, "gives memory", "alloc"))
        return;
    fpc_status status = copy_bytes(c, back, memory, BYTES, FPC_TO_HOST);
    for (int i = 0; i < BYTES && !status; i++) {
        dirty |= back[i];
        out[i] = (uint8_t)(i * 31 + i / 256);
    }
    check(c, !status && !dirty, "memory comes zeroed", "status %d", status);
    status = copy_bytes(c, memory, out, BYTES, FPC_TO_DEVICE);
    if (!status)
        status = copy_bytes(c, back, memory, BYTES, FPC_TO_HOST);
    check(c, !status && !memcmp(out, back, BYTES), "copies there and back", "status %d, or other bytes", status);
    v->release(c->self, memory);
}

/* ---- threads ---- */

enum { ITEMS = 1000 };

typedef struct visits {
    atomic_int item[ITEMS];
    atomic_int bad_thread;
    int32_t threads;
} visits;

static void visit(void *arg, int32_t i, int32_t thread)
{
    visits *v = arg;

    if (i >= 0 && i < ITEMS)
        atomic_fetch_add(&v->item[i], 1);
    if (thread < 0 || thread >= v->threads)
        atomic_store(&v->bad_thread, 1);
}

static void check_threads(conform *c, const fpc_device *device)
{
    const fpc_backend_vtbl *v = c->plugin->vtbl;
    visits *seen = fpc_alloc(c->arena, sizeof *seen);
    int32_t bad = -1;

    if (!v->parallel || !seen)
        return;
    seen->threads = device->threads;
    for (int round = 0; round < 3; round++)
        v->parallel(c->self, ITEMS, visit, seen);
    v->parallel(c->self, 0, visit, seen);
    for (int32_t i = 0; i < ITEMS; i++)
        if (seen->item[i] != 3)
            bad = i;
    check(c, bad < 0, "parallel calls every item once", "item %d was called %d times in three rounds", bad,
          bad < 0 ? 3 : seen->item[bad]);
    check(c, !seen->bad_thread, "thread numbers are below device.threads", "there are %d", device->threads);
}

void check_backend(conform *c)
{
    const fpc_backend_vtbl *v = c->plugin->vtbl;
    fpc_device device = {.size = sizeof device};

    const fpc_status status = v->open(c->self, &device);
    if (status == FPC_EDEVICE) { /* this machine has no such device: nothing more can be seen here */
        skip(c, "opens", fpc_ctx_error(c->ctx));
        fpc_ctx_clear(c->ctx);
        return;
    }
    if (!check(c, !status, "opens", "open"))
        return;
    check(c, device.name[0] && memchr(device.name, 0, sizeof device.name), "the device has a name",
          "device.name is empty");
    check(c, device.real == FPC_F32 || device.real == FPC_F64, "real is float or double", "device.real is %u",
          device.real);
    check(c, device.threads >= 1, "there is a thread", "device.threads is %d", device.threads);
    if (check(c, v->kernel_size == sizeof(fpc_kernel), "kernel_size is that of fpc_kernel", "%u, expected %zu",
              v->kernel_size, sizeof(fpc_kernel)))
        check_tables(c, &device);
    check_memory(c);
    check_threads(c, &device);
}
