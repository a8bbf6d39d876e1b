/* old.c: a backend: where the graph runs. This one is the host's memory with two kernels, which
 * is too little to train anything: a run stops with the list of all kernels that its recipe still needs. Write them
 * one by one; ops.h says what each op computes.
 *
 * What a backend supports is read off its kernel table and declared nowhere else. Memory, copies and threads have
 * defaults (aligned host memory, memcpy, one thread); a device replaces them (backend.h). */
#include <fpcore/backend.h>
#include <fpcore/ops.h>
#include <string.h>

struct backend {
    fpc_self self;
};

/* y = max(x, 0), for a range of rows: data points at the first of them, and each row has c numbers. */
static fpc_status run_relu(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const float *in = node->in[0].data;
    float *out = node->out[0].data;

    (void)x;
    for (int64_t i = 0; i < rows.count * node->out[0].shape.c; i++)
        out[i] = in[i] > 0 ? in[i] : 0;
    return FPC_OK;
}

static fpc_status run_add(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const float *a = node->in[0].data, *b = node->in[1].data;
    float *out = node->out[0].data;

    (void)x;
    for (int64_t i = 0; i < rows.count * node->out[0].shape.c; i++)
        out[i] = a[i] + b[i];
    return FPC_OK;
}

/* Of several kernels that match a node, the core takes the one of the highest rank. */
static const fpc_kernel table[] = {
    {.size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC, .dtypes = FPC_DTYPE_BIT(FPC_F32), .rank = 1,
     .op = "relu", .name = "relu.old", .run = run_relu},
    {.size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC, .dtypes = FPC_DTYPE_BIT(FPC_F32), .rank = 1,
     .op = "add", .name = "add.old", .run = run_add},
    {0}};

static fpc_status open_device(fpc_self *self, fpc_device *device)
{
    (void)self;
    strncpy(device->name, "host, plain loops", sizeof device->name - 1);
    device->real = FPC_F32;
    device->threads = 1;
    device->host = 1; /* kernels that other plugins bring can run here too */
    return FPC_OK;
}

static const fpc_kernel *const *kernels(fpc_self *self)
{
    static const fpc_kernel *const tables[] = {table, NULL};
    (void)self;
    return tables;
}

static const fpc_backend_vtbl vtbl = {
    .size = sizeof vtbl, .kernel_size = sizeof(fpc_kernel), .open = open_device, .kernels = kernels};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_BACKEND,
                                  .name = "old",
                                  .summary = "The start of a backend: the host, two kernels.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .self_size = sizeof(struct backend),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
