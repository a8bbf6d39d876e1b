/* op.h: what an op is, and what a kernel is.
 *
 * An op is a name, a rule for shapes, a gradient and an access pattern. The access pattern is what lets the core run
 * several ops over one tile of pixels while it is in cache, without any op knowing of another:
 *   'r'  row-wise: row i of the outputs depends on row i of this input only (a row: the c numbers of one pixel)
 *   'w'  whole: any part may be read (input) or written (output)
 *   's'  output only: a sum (or other reduction) over the rows
 * in and out hold one letter per argument; the last letter of `in` repeats for further inputs. All 'r' arguments of a
 * node have the same number of rows n*h*w. An op whose outputs are all 'w' is a barrier: it runs once, on its own. */
#ifndef FPCORE_OP_H
#define FPCORE_OP_H

#include <fpcore/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FPC_OP_NOGRAD = 1 << 0,  /* no gradient flows through; grad may be NULL */
    FPC_OP_INPLACE = 1 << 1, /* output i IS input i: the op updates it (optimizers, running statistics) */
    FPC_OP_EFFECT = 1 << 2   /* kept though nothing reads its outputs */
};

/* One use of an op. attr: the op's attributes, as long as the core knows them (a plugin's own: attr_size of its row).
 */
typedef struct fpc_node {
    uint32_t size, id;
    const char *op, *name;
    int32_t n_in, n_out;
    const fpc_tensor *in;
    fpc_tensor *out;
    const void *attr;
} fpc_node;

/* attr: of the node; attr_size: its bytes, for `fpc_op(g, ..., d->attr, d->attr_size, ...)`. din[i]: preset to id -1;
 * set it to the gradient of in[i], or leave it. dout[i].id < 0: no gradient arrives there. want[i]: whether in[i] needs
 * one. */
typedef struct fpc_grad {
    uint32_t size, attr_size;
    int32_t n_in, n_out;
    const fpc_val *in, *out, *dout;
    const uint8_t *want;
    fpc_val *din;
    const void *attr;
    const char *name;
} fpc_grad;

/* size: sizeof(fpc_op_def), the same in all rows of a table. in, out: access letters, at the top of this header. */
typedef struct fpc_op_def {
    uint32_t size, flags;
    const char *name;
    int16_t min_in, max_in, n_out;
    uint16_t attr_size;
    const char *in, *out;
    fpc_status (*infer)(fpc_ctx *, fpc_node *);  /* output shapes and dtypes, or a message naming the node. [main] */
    fpc_status (*grad)(fpc_graph *, fpc_grad *); /* appends nodes. [main] */
    int64_t (*macs)(const fpc_node *);           /* multiply-accumulates of one run; NULL: none worth counting */
    /* In half precision (run.precision = bf16, fp16), as "INPUTS>OUTPUTS", a letter for each, the last of a side
     * repeats: 'h' activations and matrix weights, bf16 or fp16; 'f' statistics, vectors and sums, which stay fp32.
     * NULL: the op computes in fp32 throughout; the core puts casts around it. */
    const char *half;
} fpc_op_def;

/* The access letter of argument i. */
static inline char fpc_access(const char *letters, int32_t i)
{
    while (i > 0 && letters[1])
        letters++, i--;
    return *letters;
}

typedef struct fpc_exec fpc_exec; /* the running node: work memory, threads, stream; by accessor */

/* The rows that one call of run covers; by value, so it never grows. part: which reduction slot is its own. thread:
 * which scratch is its own. */
typedef struct fpc_rows {
    int64_t first, count;
    int32_t part, thread;
} fpc_rows;

/* Work memory in bytes, all aligned to 64. shared: one block for the node (packed weights). part: one block for each
 * part of the rows, zeroed before the part's first tile (partial sums). thread: one block per thread. */
typedef struct fpc_need {
    size_t shared, part, thread;
} fpc_need;

/* CAPTURABLE: run only queues work, so that it can be recorded once and replayed. CUDA: works on the memory of backend
 * cuda, on the stream *(cudaStream_t *)fpc_exec_backend(x); other kernels of plugins work on host memory. PACKS: begin
 * reads no inputs but 1 and 2 (weight and bias), and writes only what fpc_exec_shared gives, which run only reads: in
 * inference one begin then serves all runs until the weights change. */
enum {
    FPC_KERNEL_DETERMINISTIC = 1 << 0,
    FPC_KERNEL_CAPTURABLE = 1 << 1,
    FPC_KERNEL_CUDA = 1 << 2,
    FPC_KERNEL_PACKS = 1 << 3
};
#define FPC_DTYPE_BIT(dtype) (1u << (dtype))

/* One implementation of an op. The core takes the matching kernel of the highest rank, then calls
 *   begin  once, before any row (pack weights; may use fpc_exec_parallel); called on any thread of the backend, while
 *          begins of other nodes may run
 *   run    for ranges of rows that together cover every row once: in parallel, in any order between parts, in order
 *          within a part. The parts are a function of the shapes alone, never of the number of threads.
 *   end    once, after all rows (add up the parts, in an order of their own); as begin, any thread
 * For barrier ops run is called once with all rows, and may use fpc_exec_parallel. begin and end may be NULL. */
/* size: sizeof(fpc_kernel), the same in all rows of a table. */
typedef struct fpc_kernel {
    uint32_t size, flags, dtypes; /* dtypes: bits of the real types it computes in */
    int32_t rank;
    const char *op, *name;                      /* "linear", "linear.avx512" */
    int (*match)(const fpc_node *);             /* NULL: always; shapes and attributes only */
    void (*need)(const fpc_node *, fpc_need *); /* NULL: nothing; the struct comes zeroed */
    fpc_status (*begin)(fpc_exec *, const fpc_node *);
    fpc_status (*run)(fpc_exec *, const fpc_node *, fpc_rows);
    fpc_status (*end)(fpc_exec *, const fpc_node *);
} fpc_kernel;

FPC_API fpc_ctx *fpc_exec_ctx(const fpc_exec *);
FPC_API void *fpc_exec_shared(const fpc_exec *);
FPC_API void *fpc_exec_scratch(const fpc_exec *, int32_t thread);
FPC_API int32_t fpc_exec_parts(const fpc_exec *);
FPC_API void *fpc_exec_part(const fpc_exec *, int32_t part);
/* Calls body(arg, i, thread) for i in [0, n); returns when all are done. thread < fpc_exec_threads. */
FPC_API void fpc_exec_parallel(fpc_exec *, int32_t n, void (*body)(void *arg, int32_t i, int32_t thread), void *arg);
FPC_API int32_t fpc_exec_threads(const fpc_exec *);
/* What the backend passes to its kernels: a CUDA stream, an ISA level. */
FPC_API void *fpc_exec_backend(const fpc_exec *);

#ifdef __cplusplus
}
#endif
#endif
