/* cases.h: THE list of op cases (cases.c), and what turns a case into tensors (run.c) and runs it (watch.c). The
 * programs agree, grad, support and bench read the same list. Inputs are functions of the case's place in the list
 * alone; every real input is a number that float holds, so that float and double kernels start from the same point. */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include "runtime/exec.h"
#include "graph/nodes.h"
#include <fpcore/backend.h>

enum { OP_MAX_IN = 8, OP_MAX_OUT = 4 };

typedef enum op_fill {
    FILL_REAL = 0, /* uniform in [lo, hi] */
    FILL_GRID,     /* whole numbers from lo to hi, so that many are equal */
    FILL_FROM,     /* output `slot` of `op`, run on the inputs of this case that `args` lists as digits */
    FILL_LABELS,   /* U8 below hi; lo: chance of the ignored label 255; lo = 2: image 0 ignored, the others as 1/8 */
    FILL_BYTES,    /* U8 */
    FILL_CLOCK,    /* I32 {seed, seed, step, 0} */
    FILL_SWAPS,    /* U8 tables: every odd image exchanges labels 2i and 2i + 1 */
    FILL_MATRIX,   /* warps: mirror, rotation with zoom and shift, perspective, in turn */
    FILL_COLOUR,   /* colour maps; every third stage is all zero */
    FILL_COUNT,    /* I64 */
    FILL_INDEX,    /* I32, whole numbers below hi */
    FILL_BF16,     /* FILL_REAL, in this type whatever the backend's real is */
    FILL_F16,
    FILL_STATE,  /* of the scaler: lo, hi, 20, 3 */
    FILL_LEVELS, /* these are made by fill_picture.c */
    FILL_KINDS,
    FILL_WINDOWS,
    FILL_BOXES,
    FILL_PLAN,
    FILL_BITS /* U8, 0 or 1 */
} op_fill;

typedef struct op_input {
    fpc_shape shape;
    double lo, hi;
    const char *op, *args;
    int slot, constant; /* constant: no gradient is wanted */
    op_fill fill;
} op_input;

typedef union op_attr {
    fpc_like_attr like;
    fpc_conv_attr conv;
    fpc_norm_attr norm;
    fpc_attention_attr attention;
    fpc_cast_attr cast;
    fpc_quantize_attr quantize;
    fpc_slice_attr slice;
    fpc_dropout_attr dropout;
    fpc_resize_attr resize;
    fpc_broadcast_attr broadcast;
    fpc_pool_attr pool;
    fpc_window_attr window;
    fpc_warp_attr warp;
    fpc_filter_attr filter;
    fpc_mix_attr mix;
    fpc_noise_attr noise;
    fpc_seg_loss_attr seg;
    fpc_pixel_loss_attr pixel;
    fpc_distance_attr distance;
    fpc_clip_attr clip;
    fpc_scaler_attr scaler;
    fpc_adamw_attr adamw;
    fpc_sgd_attr sgd;
    fpc_lion_attr lion;
} op_attr;

typedef struct op_case {
    const char *op, *note;
    op_input in[OP_MAX_IN];
    op_attr attr;
    int kinks; /* the inputs lie where the op has no derivative: not for grad */
} op_case;

extern const op_case op_cases[];
extern const int op_n_cases;

/* Sizes of MicroSegFormer with LMSA at 512x512: for bench. */
extern const op_case op_bench_cases[];
extern const int op_n_bench_cases;

/* A case's inputs and outputs; reals are doubles that float holds. */
typedef struct op_tensors {
    const op_case *c;
    const fpc_op_def *def;
    int32_t n_in, n_out;
    fpc_tensor in[OP_MAX_IN];
    fpc_tensor out[OP_MAX_OUT]; /* shapes and dtypes (F64 for real); no data */
    uint32_t half;              /* FPC_BF16, FPC_F16: the arguments that ops.def calls 'h' are stored in it. 0: none */
} op_tensors;

/* The node as a backend sees it, with the data types that it stores; `data` as in the op_tensors. */
typedef struct op_view {
    fpc_node node;
    fpc_tensor in[OP_MAX_IN], out[OP_MAX_OUT];
} op_view;

typedef struct op_result {
    int32_t n;
    fpc_tensor out[OP_MAX_OUT]; /* dtype as made by the kernel */
    double *value[OP_MAX_OUT];  /* the same numbers */
} op_result;

/* How the rows are cut up: as in fpc_run_node. */
typedef struct op_split {
    int32_t parts;
    int64_t tile;
} op_split;

/* The tables of kernels of a backend at one level. */
typedef struct op_backend {
    const char *name;
    uint32_t real;
    const fpc_kernel *const *tables; /* NULL behind the last */
    const fpc_device *device;        /* after open */
    /* Where kernels work on the memory of a device; NULL: on the host's. */
    const fpc_backend_vtbl *vtbl;
    fpc_self *self;
    /* The most that is lost of a factor of a matrix product, relative to it: 0 in fp32. */
    double product_loss;
} op_backend;

const fpc_op_def *op_def_of(const char *op); /* NULL: none */
int op_takes(const op_backend *, const fpc_kernel *, const op_tensors *);
const fpc_kernel *op_kernel_of(const op_backend *, const op_tensors *); /* of those the one of highest rank, or NULL */
int32_t op_inputs_of(const op_case *);
const char *op_label(fpc_arena *, const op_case *); /* "conv2d (halving) 2x15x13x32, 64x3x3x32" */

/* exact: ref in double, which makes FILL_FROM inputs and in which everything else is stated. */
fpc_status op_make(fpc_ctx *, fpc_arena *, const op_case *, const op_backend *exact, op_tensors *);
/* The same in half precision: what is stored as bf16 or fp16 holds such numbers. */
fpc_status op_make_half(fpc_ctx *, fpc_arena *, const op_case *, const op_backend *exact, uint32_t half, op_tensors *);
int op_is_half(const op_tensors *, int output, int32_t i); /* whether that argument is stored in t->half */
double op_rounded(double, uint32_t dtype);
void op_view_of(const op_tensors *, uint32_t real, op_view *); /* points into itself: do not copy it */
/* Fills what only the ops of pictures take (fill_picture.c); 0: another kind. */
int op_fill_picture(const op_input *, uint32_t a, uint32_t b, void *data);
/* A node of the caller's own numbers: sets out[]. c: op and attributes. */
fpc_status op_of(fpc_ctx *, const op_case *c, int32_t n_in, const fpc_tensor *in, op_tensors *);
/* Another set of inputs, each real number times 1 + d, d uniform in [-most, most]. */
#define OP_JITTER 4e-6
fpc_status op_jitter(fpc_arena *, const op_tensors *, uint32_t seed, double most, op_tensors *);
/* Runs a kernel on copies of the inputs. Fails where it writes beyond an output or its work memory, or into an input.
 * On a device the kernel runs once over all rows, whatever the split. */
fpc_status op_run(fpc_ctx *, fpc_arena *, const op_tensors *, const op_backend *, const fpc_kernel *, op_split,
                  op_result *);
/* The shortest of several runs on one thread. */
fpc_status op_time(fpc_ctx *, fpc_arena *, const op_tensors *, const op_backend *, const fpc_kernel *, op_split,
                   double *seconds);
/* Uniform in [0, 1), a function of its arguments. */
double op_unit(uint32_t a, uint32_t b, uint64_t i);

#endif
