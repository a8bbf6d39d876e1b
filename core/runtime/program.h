/* program.h: from a graph to something that runs: backend, state (all tensors that live from step to step), plan, exec.
 */
#ifndef CORE_RUNTIME_PROGRAM_H
#define CORE_RUNTIME_PROGRAM_H

#include <fpcore/backend.h>
#include "graph/nodes.h"
#include "plugin/registry.h"

typedef struct fpc_block {
    void *data;
    size_t bytes;
} fpc_block;
typedef struct fpc_backend {
    fpc_instance inst;
    const fpc_backend_vtbl *vtbl;
    fpc_device device;
    int32_t n_kernels;
    const fpc_kernel **kernels; /* the backend's and, on host backends, those of opened plugins */
    int32_t n_blocks, cap_blocks;
    fpc_block *block; /* live memory */
    size_t allocated; /* bytes of it, against device.free */
} fpc_backend;
/* section: [backend] of the recipe, or NULL for `cpu` with defaults. precision: an fpc_precision, run.precision. */
fpc_status fpc_backend_open(fpc_ctx *, fpc_arena *, fpc_registry *, const fpc_section *, uint32_t precision,
                            fpc_backend **);
/* Of a plugin's kernels those that work on this backend's memory; be->kernels must have room. */
void fpc_backend_add_kernels(fpc_backend *, const fpc_kernel *);
const fpc_kernel *fpc_backend_kernel(const fpc_backend *, const fpc_node *, uint32_t real);
fpc_status fpc_backend_copy(fpc_backend *, void *dst, const void *src, size_t, fpc_way);
/* Zeroed; freed with the backend's arena, or before by fpc_backend_release. what: for the message where there is none.
 */
fpc_status fpc_backend_alloc(fpc_backend *, fpc_ctx *, size_t, const char *what, void **);
void fpc_backend_release(fpc_backend *, void *);
/* Pinned host memory of a backend that queues; freed with the arena. */
fpc_status fpc_backend_alloc_host(fpc_backend *, fpc_ctx *, fpc_arena *, size_t, const char *what, void **);

/* ---- state: parameters (flat), gradients, optimizer slots, averages, buffers; in backend memory ---- */
typedef enum fpc_state_kind {
    FPC_STATE_PARAM = 1,
    FPC_STATE_BUFFER,
    FPC_STATE_SLOT,
    FPC_STATE_AVERAGE,
    FPC_STATE_SWA,
    FPC_STATE_GRAD,
    FPC_STATE_SCALER
} fpc_state_kind;
typedef struct fpc_state_entry {
    const char *name;     /* PARAM and BUFFER: state-dict name; SLOT: "optimizer.SLOT.NAME"; AVERAGE: "average.NAME";
                             SWA: "swa.NAME"; GRAD: "grad.NAME"; SCALER:
                             "optimizer.loss_scaling" */
    uint32_t kind, dtype; /* dtype in files: FPC_F32 or FPC_I64 */
    int32_t rank;
    int64_t dims[4]; /* as in files: (out, in/groups, kh, kw), (out, in), (c), () */
    int64_t count;
    const char *param; /* name of the parameter it belongs to */
    /* private */
    fpc_shape shape;
    void *data;
    uint8_t fill;
    int64_t fan_in;
} fpc_state_entry;
typedef struct fpc_state {
    fpc_ctx *ctx;
    fpc_backend *backend;
    int32_t n;
    fpc_state_entry *entry; /* params, buffers, grads, slots, averages; each in order of declaration */
    int32_t n_params;
    int64_t n_trainable; /* numbers in all parameters */
    fpc_shape flat;      /* (1,1,rows,256) */
    void *param, *grad, *accum, *average, *swa, *slot[4];
    void *half;                      /* parameters in bf16 or fp16; NULL: fp32 alone is in use */
    void *scaler;                    /* 4 numbers of dynamic loss scaling (fpcore/ops.h); NULL: fp16 is not in use */
    void *kept;                      /* experiment/update.c: the parameters, while sam tries others */
    void *buffers, *kept_buffers[2]; /* all of them in one block, and copies */
    size_t buffer_bytes;
    struct fpc_held *held; /* runtime/state.c: fpc_state_hold */
    int32_t n_slots;
    void *images,
        *masks; /* of the data set, as bytes, where they lie on the device (experiment/resident.h); else NULL */
    /* Activation memory and threads' scratch, shared by all programs: the largest need of any. */
    void *work, *scratch;
    size_t work_bytes, scratch_bytes;
    int64_t work_moved; /* how often `work` was taken anew: records of programs hold its address */
} fpc_state;
enum {
    FPC_KEEP_AVERAGE = 1, /* a running average of the parameters */
    FPC_KEEP_SWA = 2,     /* their mean over epochs */
    FPC_KEEP_SCALER = 8,  /* the numbers of dynamic loss scaling */
    FPC_KEEP_HALF = 16,   /* the parameters in half precision beside those in fp32 */
    FPC_KEEP_WEIGHTS = 4  /* nothing but parameters and buffers, to evaluate: no gradients, no slots, no averages */
};
/* Memory for the parameters and buffers of a training graph. slots: names of the optimizer's flat slots. keep: what
 * else. In graphs, the names $param $grad $accum $average $swa $slot0..3 stand for the flat buffers. */
fpc_status fpc_state_new(fpc_ctx *, fpc_arena *, fpc_backend *, const fpc_graph *, int32_t n_slots,
                         const char *const *slots, unsigned keep, fpc_state **);
const fpc_state_entry *fpc_state_find(const fpc_state *, const char *name);
/* Host copies in the file's layout and dtype (F32 or I64; count elements). */
fpc_status fpc_state_get(const fpc_state *, const fpc_state_entry *, void *host);
fpc_status fpc_state_set(fpc_state *, const fpc_state_entry *, const void *host);
/* The same with floating numbers of `dtype`, F32 or F64. fpc_state_dtype: what loses nothing (I64 for counters). */
fpc_status fpc_state_read(const fpc_state *, const fpc_state_entry *, uint32_t dtype, void *host);
fpc_status fpc_state_write(fpc_state *, const fpc_state_entry *, uint32_t dtype, const void *host);
uint32_t fpc_state_dtype(const fpc_state *, const fpc_state_entry *);
/* On a device: copies the parameters and buffers (all: the averages and slots too) to the host at once, from which
 * fpc_state_read then reads, until let go; nothing may write to the state in between. Tensor by tensor, each copy would
 * be waited for. Elsewhere nothing happens. */
fpc_status fpc_state_hold(fpc_state *, int all);
void fpc_state_let_go(fpc_state *);
/* Fills parameters and buffers as the model declared, from the seed; slots and gradients become zero. */
fpc_status fpc_state_init(fpc_state *, uint64_t seed);
/* Loss scaling, where there is any, as at the start, after `steps` optimizer steps that were taken. */
fpc_status fpc_state_start_scaling(fpc_state *, int64_t steps);
/* Average := parameters. */
fpc_status fpc_state_start_average(fpc_state *);
/* Exchanges parameters and averages (evaluate with the averages, then exchange back). */
fpc_status fpc_state_exchange_average(fpc_state *);
fpc_status fpc_state_exchange_swa(fpc_state *);
/* Copies of all buffers (the statistics of batch norm), two of them: aside, and back. */
fpc_status fpc_state_keep_buffers(fpc_state *, int copy);
fpc_status fpc_state_restore_buffers(fpc_state *, int copy);
/* Buffers as the model declared them, before any batch. */
fpc_status fpc_state_reset_buffers(fpc_state *);

/* ---- program: a compiled graph ---- */
typedef struct fpc_program fpc_program;
/* Missing kernels: one failure that lists all of them. Programs of one state share the activation memory. */
fpc_status fpc_program_compile(fpc_ctx *, fpc_arena *, fpc_state *, fpc_graph *, fpc_program **);
/* The bytes that the same would take for activations, without taking them. */
fpc_status fpc_program_measure(fpc_ctx *, fpc_arena *, fpc_state *, fpc_graph *, size_t *bytes);
fpc_status fpc_program_run(fpc_program *);
/* The same without waiting, where the backend queues its work; elsewhere it is fpc_program_run. */
fpc_status fpc_program_queue(fpc_program *);
/* The caller changes attributes of the graph between runs: it may not be recorded. */
void fpc_program_changes(fpc_program *);
/* dtype: of the host data; F32/F64 convert to the program's real type. count: elements, must match. */
fpc_status fpc_program_write(fpc_program *, const char *input, uint32_t dtype, const void *host, int64_t count);
fpc_status fpc_program_read(fpc_program *, const char *output, uint32_t dtype, void *host, int64_t count);
/* Where an input or output lies in backend memory. count: its elements, or -1: not checked. */
fpc_status fpc_program_tensor(const fpc_program *, const char *name, int64_t count, fpc_tensor *);
/* n numbers from one data type to another. */
void fpc_convert(void *to, uint32_t to_dtype, const void *from, uint32_t from_dtype, int64_t n);
int fpc_program_has(const fpc_program *, const char *name); /* input or output of that name */
fpc_shape fpc_program_shape(const fpc_program *, const char *name);
size_t fpc_program_memory(const fpc_program *); /* activation bytes it needs */
const fpc_graph *fpc_program_graph(const fpc_program *);
/* After FPC_ENAN or on suspicion: the first node (in order) with a non-finite output, by running once more with a
 * check after each node; NULL: none. */
const char *fpc_program_find_nan(fpc_program *);
/* Times of each group of nodes that run together, in order: ops joined by +, the name of its first node, seconds,
 * multiply-accumulates, bytes moved between groups. */
fpc_status fpc_program_profile(fpc_program *, int runs,
                               void (*row)(void *arg, const char *op, const char *name, double seconds, int64_t macs,
                                           int64_t bytes),
                               void *arg);

#endif
