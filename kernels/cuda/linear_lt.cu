/* linear_lt.cu: linear maps of rows by cuBLASLt, with bias and residual in the product's epilogue. Row-major matrices
 * are column-major ones transposed: y = x W' is the column-major product y' = W x'. cuBLASLt is asked once per shape
 * for an algorithm that adds in a fixed order, before anything is recorded, and its first answer is kept: every run of
 * that shape uses it. Where there is no answer, linear.cu computes.
 *
 * gelu is no epilogue here: CUBLASLT_EPILOGUE_GELU is the approximation by tanh (github.com/pytorch/pytorch, pull
 * request 104061), which is up to 5e-4 away from the op `gelu`, the exact one. */
#include "kernels/cuda/linear.h"
#include "kernels/cuda/library.h"
#include <cublasLt.h>
#include <stdlib.h>
#include <string.h>

#define LT_CALLS(X)                                                                                                    \
    X(cublasLtCreate)                                                                                                  \
    X(cublasLtDestroy)                                                                                                 \
    X(cublasLtGetStatusString)                                                                                         \
    X(cublasLtMatmul)                                                                                                  \
    X(cublasLtMatmulAlgoGetHeuristic)                                                                                  \
    X(cublasLtMatmulDescCreate)                                                                                        \
    X(cublasLtMatmulDescDestroy)                                                                                       \
    X(cublasLtMatmulDescSetAttribute)                                                                                  \
    X(cublasLtMatmulPreferenceCreate)                                                                                  \
    X(cublasLtMatmulPreferenceDestroy)                                                                                 \
    X(cublasLtMatmulPreferenceSetAttribute)                                                                            \
    X(cublasLtMatrixLayoutCreate)                                                                                      \
    X(cublasLtMatrixLayoutDestroy)                                                                                     \
    X(cublasLtMatmulAlgoConfigGetAttribute)
static struct {
    LT_CALLS(FPC_CUDA_MEMBER)
} lt;
static const char *const lt_names[] = {LT_CALLS(FPC_CUDA_NAME_OF)};
static void *lt_library;

/* The product d (m x n) = op(a) op(b) (+ c), column-major, of depth k. */
struct problem {
    int64_t m, n, k;
    uint32_t in, out; /* fpc_dtype of a and b, of c and d */
    int32_t turn_a, turn_b, bias, add;
};

/* A problem and what was found for it. work: bytes. */
struct plan {
    problem what;
    int32_t found; /* 0: cuBLASLt has no algorithm, or refused late */
    size_t work;
    float waves; /* how many times its blocks fill the GPU */
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, d;
    cublasLtMatmulAlgo_t algorithm;
    plan *next;
};

static plan *plans; /* of the device that is open */

enum {
    ALIGNED = 32 /* bytes: half-precision weights lie at half the offsets of floats, which are multiples of 64 */,
    ANSWERS = 8,
    DEEP = 8192
};
static const float ENOUGH_WAVES = 0.25f;

/* ---- plans ---- */

static cudaDataType_t type_of(uint32_t dtype)
{
    return dtype == FPC_BF16 ? CUDA_R_16BF : dtype == FPC_F16 ? CUDA_R_16F : CUDA_R_32F;
}

static cublasStatus_t describe_product(plan *p, const fpc_cuda *m)
{
    const int32_t fast = p->what.in == FPC_F32 && m->tf32;
    const cublasOperation_t a = p->what.turn_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t b = p->what.turn_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasLtEpilogue_t epilogue = p->what.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
    /* Not read here: it says how any bias will be aligned. */
    const void *bias = reinterpret_cast<const void *>(static_cast<uintptr_t>(ALIGNED));
    cublasStatus_t s =
        lt.cublasLtMatmulDescCreate(&p->product, fast ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F);
    if (!s)
        s = lt.cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSA, &a, sizeof a);
    if (!s)
        s = lt.cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_TRANSB, &b, sizeof b);
    if (!s)
        s = lt.cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
    if (!s && p->what.bias)
        s = lt.cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
    return s;
}

static cublasStatus_t describe_matrix(cublasLtMatrixLayout_t *to, uint32_t dtype, int64_t rows, int64_t columns)
{
    return lt.cublasLtMatrixLayoutCreate(to, type_of(dtype), (uint64_t)rows, (uint64_t)columns, rows);
}

static cublasStatus_t describe(plan *p, const fpc_cuda *m)
{
    const problem *w = &p->what;
    cublasStatus_t s = describe_product(p, m);
    if (!s)
        s = describe_matrix(&p->a, w->in, w->turn_a ? w->k : w->m, w->turn_a ? w->m : w->k);
    if (!s)
        s = describe_matrix(&p->b, w->in, w->turn_b ? w->n : w->k, w->turn_b ? w->k : w->n);
    return s ? s : describe_matrix(&p->d, w->out, w->m, w->n);
}

/* What may be chosen from: parts of a product that was cut along k are added by a launch of their own, in a fixed order
 * and in float. */
static cublasStatus_t prefer(cublasLtMatmulPreference_t like, const fpc_cuda *m, uint32_t out)
{
    static const cublasLtMatmulPreferenceAttributes_t alignment[4] = {
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
    const uint32_t aligned = ALIGNED;
    const uint32_t reductions =
        CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | (out == FPC_F32 ? CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE : 0);
    const uint64_t work = m->blas_bytes;
    cublasStatus_t s =
        lt.cublasLtMatmulPreferenceSetAttribute(like, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &work, sizeof work);
    if (!s)
        s = lt.cublasLtMatmulPreferenceSetAttribute(like, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reductions,
                                                    sizeof reductions);
    for (int i = 0; i < 4 && !s; i++)
        s = lt.cublasLtMatmulPreferenceSetAttribute(like, alignment[i], &aligned, sizeof aligned);
    return s;
}

/* What one run has to show to whoever looks for the time of a step: FPCORE_LOG=debug. */
static void tell(fpc_exec *x, const fpc_node *node, const plan *p)
{
    static const cublasLtMatmulAlgoConfigAttributes_t asked[] = {
        CUBLASLT_ALGO_CONFIG_ID, CUBLASLT_ALGO_CONFIG_TILE_ID, CUBLASLT_ALGO_CONFIG_STAGES_ID,
        CUBLASLT_ALGO_CONFIG_SPLITK_NUM, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME};
    int32_t is[5] = {-1, -1, -1, -1, -1};
    size_t written;
    if (!p->found) {
        fpc_log(fpc_exec_ctx(x), FPC_LOG_DEBUG,
                "%s `%s`: cuBLASLt has no algorithm for %lld x %lld, depth %lld, that fills enough of the GPU (%.3f of "
                "it); an own kernel computes it",
                node->op, node->name, (long long)p->what.m, (long long)p->what.n, (long long)p->what.k,
                (double)p->waves);
        return;
    }
    for (int i = 0; i < 5; i++)
        lt.cublasLtMatmulAlgoConfigGetAttribute(&p->algorithm, asked[i], &is[i], sizeof is[i], &written);
    fpc_log(fpc_exec_ctx(x), FPC_LOG_DEBUG,
            "%s `%s`: cuBLASLt: %lld x %lld, depth %lld: algorithm %d, tile %d, stages %d, cut in %d, reduction %d, "
            "work %zu, "
            "fills %.3f of the GPU",
            node->op, node->name, (long long)p->what.m, (long long)p->what.n, (long long)p->what.k, is[0], is[1], is[2],
            is[3], is[4], p->work, (double)p->waves);
}

/* The first of the answers that keeps to the preferences. Of a deep product of small matrices (a gradient by a weight)
 * the first that fills a quarter of the GPU, else none: an algorithm that does not cut the depth would keep a handful
 * of its multiprocessors at work for milliseconds, where the own kernel cuts it into pieces. */
static void choose(plan *p, const fpc_cuda *m)
{
    const bool deep = p->what.k >= DEEP && p->what.k / 16 > p->what.m && p->what.k / 16 > p->what.n;
    cublasLtMatmulPreference_t like = nullptr;
    cublasLtMatmulHeuristicResult_t answer[ANSWERS];
    int n = 0;
    cublasStatus_t s = lt.cublasLtMatmulPreferenceCreate(&like);
    s = s ? s : prefer(like, m, p->what.out);
    if (!s)
        s = lt.cublasLtMatmulAlgoGetHeuristic(static_cast<cublasLtHandle_t>(m->blas), p->product, p->a, p->b, p->d,
                                              p->d, like, ANSWERS, answer, &n);
    for (int i = 0; i < n && !s && !p->found; i++)
        if (!answer[i].state && answer[i].workspaceSize <= m->blas_bytes) {
            p->algorithm = answer[i].algo;
            p->work = answer[i].workspaceSize;
            p->waves = answer[i].wavesCount;
            p->found = !deep || p->waves >= ENOUGH_WAVES;
        }
    if (like)
        lt.cublasLtMatmulPreferenceDestroy(like);
}

static void forget(plan *p)
{
    if (p->product)
        lt.cublasLtMatmulDescDestroy(p->product);
    if (p->a)
        lt.cublasLtMatrixLayoutDestroy(p->a);
    if (p->b)
        lt.cublasLtMatrixLayoutDestroy(p->b);
    if (p->d)
        lt.cublasLtMatrixLayoutDestroy(p->d);
    free(p);
}

static bool same(const problem &a, const problem &b)
{
    return a.m == b.m && a.n == b.n && a.k == b.k && a.in == b.in && a.out == b.out && a.turn_a == b.turn_a &&
           a.turn_b == b.turn_b && a.bias == b.bias && a.add == b.add;
}

/* The plan of a problem, made when it is first met; nullptr: no memory. */
static plan *plan_of(fpc_exec *x, const fpc_node *node, const problem &what)
{
    const fpc_cuda *m = machine_of(x);
    for (plan *p = plans; p; p = p->next)
        if (same(p->what, what))
            return p;
    plan *p = static_cast<plan *>(calloc(1, sizeof *p));
    if (!p)
        return nullptr;
    p->what = what;
    if (!describe(p, m))
        choose(p, m);
    tell(x, node, p);
    p->next = plans;
    plans = p;
    return p;
}

/* ---- a product ---- */

/* d = op(a) op(b) + bias (+ c); bias, c: may be null. */
struct operands {
    const void *a, *b, *bias, *c;
    void *d;
};

static cublasStatus_t multiply(const fpc_cuda *m, const plan *p, const operands &o)
{
    const float one = 1.0f, beta = o.c ? 1.0f : 0.0f;
    cublasStatus_t s = CUBLAS_STATUS_SUCCESS;
    if (o.bias)
        s = lt.cublasLtMatmulDescSetAttribute(p->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &o.bias, sizeof o.bias);
    return s ? s
             : lt.cublasLtMatmul(static_cast<cublasLtHandle_t>(m->blas), p->product, &one, o.a, p->a, o.b, p->b, &beta,
                                 o.c ? o.c : o.d, p->d, o.d, p->d, &p->algorithm, p->work ? m->blas_work : nullptr,
                                 p->work, m->stream);
}

/* By cuBLASLt, or by `plain`, which also says what is wrong where the device itself has failed. */
static fpc_status run(fpc_exec *x, const fpc_node *node, fpc_rows rows, const problem &what, const operands &o,
                      fpc_status (*plain)(fpc_exec *, const fpc_node *, fpc_rows))
{
    plan *p = plan_of(x, node, what);
    if (p && p->found) {
        const cublasStatus_t s = multiply(machine_of(x), p, o);
        if (!s)
            return fpc_cuda_launched(x, node);
        fpc_log(fpc_exec_ctx(x), FPC_LOG_WARN, "%s `%s`: cublasLtMatmul: %s; an own kernel computes it", node->op,
                node->name, lt.cublasLtGetStatusString(s));
        p->found = 0;
    }
    return plain(x, node, rows);
}

/* cuBLASLt wants the bias in the type of the result, which would round it: halves with a bias are linear_mma.cu's. */
static int linear_match(const fpc_node *node)
{
    return node->n_in <= 2 || node->in[0].dtype == FPC_F32;
}

/* linear(x, w[, b]) -> y; linear_add(x, w, b, r) -> y: y' (out x rows) = W (out x in) x' (in x rows) */
static fpc_status linear(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const uint32_t dtype = node->in[0].dtype;
    problem what = {node->out[0].shape.c, rows_of(node->in[0]), node->in[0].shape.c, dtype, dtype, 1, 0, 0, 0};
    what.bias = node->n_in > 2;
    what.add = node->n_in > 3;
    const operands o = {node->in[1].data, node->in[0].data, what.bias ? node->in[2].data : nullptr,
                        what.add ? node->in[3].data : nullptr, node->out[0].data};
    return run(x, node, rows, what, o, fpc_cuda_linear_run);
}

/* linear_grad_x(dy, w) -> dx: dx' (in x rows) = W' (in x out) dy' (out x rows) */
static fpc_status linear_grad_x(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const uint32_t dtype = node->in[0].dtype;
    const problem what = {node->out[0].shape.c, rows_of(node->in[0]), node->in[0].shape.c, dtype, dtype, 0, 0, 0, 0};
    const operands o = {node->in[1].data, node->in[0].data, nullptr, nullptr, node->out[0].data};
    return run(x, node, rows, what, o, fpc_cuda_linear_grad_x_run);
}

/* linear_grad_w(x, dy) -> dw: dw' (in x out) = x' (in x rows) dy (rows x out), float whatever x and dy are */
static fpc_status linear_grad_w(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const problem what = {
        node->in[0].shape.c, node->in[1].shape.c, rows_of(node->in[0]), node->in[0].dtype, FPC_F32, 0, 1, 0, 0};
    const operands o = {node->in[0].data, node->in[1].data, nullptr, nullptr, node->out[0].data};
    return run(x, node, rows, what, o, fpc_cuda_linear_grad_w_run);
}

const fpc_kernel fpc_cuda_linear_lt[] = {
    FPC_CUDA_ROW("linear", "lt", 10, FPC_CUDA_ALL, linear_match, nullptr, linear),
    FPC_CUDA_ROW("linear_add", "lt", 10, FPC_CUDA_FLOAT, nullptr, nullptr, linear),
    FPC_CUDA_ROW("linear_grad_x", "lt", 10, FPC_CUDA_ALL, nullptr, nullptr, linear_grad_x),
    FPC_CUDA_ROW("linear_grad_w", "lt", 10, FPC_CUDA_ALL, nullptr, fpc_cuda_linear_grad_w_need, linear_grad_w),
    FPC_CUDA_END};

/* ---- the library's handle ---- */

fpc_status fpc_cuda_blas_open(fpc_cuda *m, const char **error)
{
    cublasLtHandle_t handle = nullptr;
    if (!lt_library)
        lt_library = fpc_cuda_library("libcublasLt.so." FPC_CUDA_TEXT(CUBLAS_VER_MAJOR), lt_names,
                                      sizeof lt_names / sizeof *lt_names, reinterpret_cast<void **>(&lt), error);
    if (!lt_library)
        return FPC_ENOENT;
    const cublasStatus_t s = lt.cublasLtCreate(&handle);
    *error = s ? lt.cublasLtGetStatusString(s) : nullptr;
    m->blas = handle;
    return s ? FPC_EDEVICE : FPC_OK;
}

void fpc_cuda_blas_close(fpc_cuda *m)
{
    while (plans) {
        plan *p = plans;
        plans = p->next;
        forget(p);
    }
    lt.cublasLtDestroy(static_cast<cublasLtHandle_t>(m->blas));
    m->blas = nullptr;
}
