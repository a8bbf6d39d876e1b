/* state.h: everything that lives from step to step, in backend memory: parameters (flat), gradients, optimizer slots,
 * averages, buffers. */
#ifndef CORE_RUNTIME_STATE_H
#define CORE_RUNTIME_STATE_H

#include "graph/flat.h"
#include "graph/nodes.h"
#include "runtime/backend.h"

typedef enum fpc_state_kind {
    FPC_STATE_PARAM = 1,
    FPC_STATE_BUFFER,
    FPC_STATE_SLOT,
    FPC_STATE_AVERAGE,
    FPC_STATE_SWA,
    FPC_STATE_GRAD,
    FPC_STATE_SCALER
} fpc_state_kind;

/* What the names of a checkpoint's tensors begin with, beside those of the model; GRAD is never in a file. */
#define FPC_PREFIX_OPTIMIZER "optimizer."
#define FPC_PREFIX_AVERAGE "average."
#define FPC_PREFIX_SWA "swa."
#define FPC_PREFIX_GRAD "grad."
#define FPC_PREFIX_HISTORY "history."
#define FPC_PREFIX_EPOCH "epoch."
#define FPC_PREFIX_SAMPLES "samples."
#define FPC_NAME_SCALER FPC_PREFIX_OPTIMIZER "loss_scaling"

typedef struct fpc_state_entry {
    const char *name;     /* PARAM and BUFFER: state-dict name; SLOT: "optimizer.SLOT.NAME"; AVERAGE: "average.NAME";
                             SWA: "swa.NAME"; GRAD: "grad.NAME"; SCALER: FPC_NAME_SCALER */
    uint32_t kind, dtype; /* dtype in files: FPC_F32 or FPC_I64 */
    int32_t rank;
    int64_t dims[4]; /* as in files: (out, in/groups, kh, kw), (out, in), (c), () */
    int64_t count;
    const char *param; /* name of the parameter it belongs to */
    /* private */
    fpc_shape shape;
    void *data;
    uint8_t fill;
    uint8_t frozen; /* a buffer that training leaves as it is (optimizer.freeze_stats) */
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
    void *half;                       /* parameters in bf16 or fp16; NULL: fp32 alone is in use */
    void *scaler;                     /* 4 numbers of dynamic loss scaling (fpcore/ops.h); NULL: fp16 is not in use */
    void *factors;                    /* of rate and decay (graph/flat.h); NULL: all are 1 */
    void *saved_param;                /* experiment/update.c: the parameters, while sam tries others */
    void *buffers, *saved_buffers[2]; /* all of them in one block, and copies */
    size_t buffer_bytes;
    struct fpc_state_snapshot *snapshot; /* on the host, between fpc_state_snapshot_begin and _end */
    int32_t n_slots;
    void *images,
        *masks; /* of the data set, as bytes, where they lie on the device (experiment/resident.h); else NULL */
    /* Activation memory and threads' scratch, shared by all programs: the largest need of any. */
    void *work, *scratch;
    size_t work_bytes, scratch_bytes;
    int64_t weights_version; /* from 1 on; another one after each change of parameters or buffers */
    int64_t work_moved; /* how often `work` or `scratch` was taken anew: records of programs hold addresses in both */
} fpc_state;

/* Said by whoever changes parameters or buffers other than by a program: what inference made of them is made anew. */
static inline void fpc_state_changed(fpc_state *s)
{
    s->weights_version++;
}

/* What a state holds beside parameters and buffers, gradients and the optimizer's slots. */
enum {
    FPC_KEEP_AVERAGE = 1, /* a running average of the parameters */
    FPC_KEEP_SWA = 2,     /* their mean over epochs */
    FPC_KEEP_WEIGHTS = 4, /* nothing but parameters and buffers, to evaluate: no gradients, no slots, no averages */
    FPC_KEEP_SCALER = 8,  /* the numbers of dynamic loss scaling */
    FPC_KEEP_HALF = 16    /* the parameters in half precision beside those in fp32 */
};
/* Memory for the parameters and buffers of a training graph. slots: names of the optimizer's flat slots. keep: what
 * else. */
fpc_status fpc_state_new(fpc_ctx *, fpc_arena *, fpc_backend *, const fpc_graph *, int32_t n_slots,
                         const char *const *slots, unsigned keep, fpc_state **);
const fpc_state_entry *fpc_state_find(const fpc_state *, const char *name);
/* The memory that a graph means by a name that begins with $ (graph/flat.h). */
fpc_status fpc_state_flat(const fpc_state *, const char *name, void **data);
/* Host copies in the file's layout and dtype (F32 or I64; count elements). */
fpc_status fpc_state_get(const fpc_state *, const fpc_state_entry *, void *host);
fpc_status fpc_state_set(fpc_state *, const fpc_state_entry *, const void *host);
/* The same with floating numbers of `dtype`, F32 or F64. fpc_state_dtype: what loses nothing (I64 for counters). */
fpc_status fpc_state_read(const fpc_state *, const fpc_state_entry *, uint32_t dtype, void *host);
fpc_status fpc_state_write(fpc_state *, const fpc_state_entry *, uint32_t dtype, const void *host);
uint32_t fpc_state_dtype(const fpc_state *, const fpc_state_entry *);
/* On a device: copies the parameters and buffers (all: the averages and slots too) to the host at once, from which
 * fpc_state_read then reads until the snapshot ends; nothing may write to the state in between. Tensor by tensor, each
 * copy would be waited for. Elsewhere nothing happens. */
fpc_status fpc_state_snapshot_begin(fpc_state *, int all);
void fpc_state_snapshot_end(fpc_state *);
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
fpc_status fpc_state_save_buffers(fpc_state *, int copy);
fpc_status fpc_state_restore_buffers(fpc_state *, int copy);
/* Buffers as the model declared them, before any batch; frozen ones stay. */
fpc_status fpc_state_reset_buffers(fpc_state *);

#endif
