/* conv_cudnn.cu: dense convolutions by cuDNN 9, through its descriptors of single convolutions (deprecated since 9.0,
 * but there, and a tenth of the code of its graphs). Our layouts are its own: tensors NHWC, weights KRSC. What it may
 * do is chosen once per shape, from its heuristics and never by timing: the first algorithm that is deterministic, sums
 * directly (no transforms, whose rounding is coarser) and needs little memory. Where there is none, match says no and
 * conv.cu computes; where cuDNN refuses late, run falls back on it. In half precision the gradient by the weight
 * (float, which cuDNN cannot write) and sums with a bias (rounded once) stay with our own files. */
#include "kernels/cuda/conv.h"
#include "kernels/cuda/library.h"
#include <cudnn.h>
#include <stdlib.h>
#include <string.h>

#define DNN_CALLS(X)                                                                                                   \
    X(cudnnConvolutionBackwardData)                                                                                    \
    X(cudnnConvolutionBackwardFilter)                                                                                  \
    X(cudnnConvolutionForward)                                                                                         \
    X(cudnnCreate)                                                                                                     \
    X(cudnnCreateConvolutionDescriptor)                                                                                \
    X(cudnnCreateFilterDescriptor)                                                                                     \
    X(cudnnCreateTensorDescriptor)                                                                                     \
    X(cudnnDestroy)                                                                                                    \
    X(cudnnDestroyConvolutionDescriptor)                                                                               \
    X(cudnnDestroyFilterDescriptor)                                                                                    \
    X(cudnnDestroyTensorDescriptor)                                                                                    \
    X(cudnnGetConvolutionBackwardDataAlgorithm_v7)                                                                     \
    X(cudnnGetConvolutionBackwardDataWorkspaceSize)                                                                    \
    X(cudnnGetConvolutionBackwardFilterAlgorithm_v7)                                                                   \
    X(cudnnGetConvolutionBackwardFilterWorkspaceSize)                                                                  \
    X(cudnnGetConvolutionForwardAlgorithm_v7)                                                                          \
    X(cudnnGetConvolutionForwardWorkspaceSize)                                                                         \
    X(cudnnGetErrorString)                                                                                             \
    X(cudnnGetLastErrorString)                                                                                         \
    X(cudnnSetConvolution2dDescriptor)                                                                                 \
    X(cudnnSetConvolutionGroupCount)                                                                                   \
    X(cudnnSetConvolutionMathType)                                                                                     \
    X(cudnnSetFilter4dDescriptor)                                                                                      \
    X(cudnnSetStream)                                                                                                  \
    X(cudnnSetTensor4dDescriptor)
static struct {
    DNN_CALLS(FPC_CUDA_MEMBER)
} dnn;
static const char *const dnn_names[] = {DNN_CALLS(FPC_CUDA_NAME_OF)};
static void *dnn_library;

enum kind { FORWARD, GRAD_X, GRAD_W };
enum { MOST_ALGORITHMS = 16, ALIGNMENT = 256 };
static const size_t MOST_WORK = (size_t)256 << 20;

/* What a choice depends on. */
typedef struct question {
    conv_shape s;
    int32_t kind, tf32;
    uint32_t dtype;
} question;

/* One answer, with the descriptors that describe the question. algo < 0: cuDNN has nothing for it. */
typedef struct answer {
    question q;
    cudnnTensorDescriptor_t x, y;
    cudnnFilterDescriptor_t w;
    cudnnConvolutionDescriptor_t conv;
    int algo;
    size_t work;
    bool told;
    struct answer *next;
} answer;

/* fpc_cuda.dnn. The list grows while graphs are compiled; one thread uses a machine. */
typedef struct library {
    cudnnHandle_t handle;
    answer *answers;
} library;

static question question_of(const fpc_node *node, kind k, int32_t tf32)
{
    const fpc_shape a = node->in[0].shape, b = node->in[1].shape, out = node->out[0].shape;
    question q;
    memset(&q, 0, sizeof q); /* compared as bytes */
    q.s = k == FORWARD  ? conv_shape_of(node, a, out)
          : k == GRAD_X ? conv_shape_of(node, out, a)
                        : conv_shape_of(node, a, b);
    q.kind = k;
    q.dtype = node->in[0].dtype;
    q.tf32 = q.dtype == FPC_F32 && tf32;
    return q;
}

static cudnnDataType_t type_of(uint32_t dtype)
{
    return dtype == FPC_BF16 ? CUDNN_DATA_BFLOAT16 : dtype == FPC_F16 ? CUDNN_DATA_HALF : CUDNN_DATA_FLOAT;
}

/* FMA alone keeps float exact: cuDNN's default math may use TF32. */
static cudnnMathType_t math_of(const question &q)
{
    return q.dtype != FPC_F32 ? CUDNN_TENSOR_OP_MATH : q.tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
}

static cudnnStatus_t describe(answer *a)
{
    const conv_shape s = a->q.s;
    const cudnnDataType_t type = type_of(a->q.dtype);
    cudnnStatus_t st = dnn.cudnnCreateTensorDescriptor(&a->x);
    st = st ? st : dnn.cudnnCreateTensorDescriptor(&a->y);
    st = st ? st : dnn.cudnnCreateFilterDescriptor(&a->w);
    st = st ? st : dnn.cudnnCreateConvolutionDescriptor(&a->conv);
    st = st ? st : dnn.cudnnSetTensor4dDescriptor(a->x, CUDNN_TENSOR_NHWC, type, s.n, s.c, s.h, s.w);
    st = st ? st : dnn.cudnnSetTensor4dDescriptor(a->y, CUDNN_TENSOR_NHWC, type, s.n, s.k, s.ho, s.wo);
    st = st ? st : dnn.cudnnSetFilter4dDescriptor(a->w, type, CUDNN_TENSOR_NHWC, s.k, s.c / s.groups, s.kh, s.kw);
    st = st ? st
            : dnn.cudnnSetConvolution2dDescriptor(a->conv, s.pad, s.pad, s.stride, s.stride, 1, 1,
                                                  CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    st = st ? st : dnn.cudnnSetConvolutionGroupCount(a->conv, s.groups);
    return st ? st : dnn.cudnnSetConvolutionMathType(a->conv, math_of(a->q));
}

static void forget(answer *a)
{
    if (a->x)
        dnn.cudnnDestroyTensorDescriptor(a->x);
    if (a->y)
        dnn.cudnnDestroyTensorDescriptor(a->y);
    if (a->w)
        dnn.cudnnDestroyFilterDescriptor(a->w);
    if (a->conv)
        dnn.cudnnDestroyConvolutionDescriptor(a->conv);
    free(a);
}

/* Algorithms that add up products of numbers as they are. */
static bool is_direct(cudnnConvolutionFwdAlgo_t algo)
{
    return algo == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM ||
           algo == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM || algo == CUDNN_CONVOLUTION_FWD_ALGO_GEMM;
}
static bool is_direct(cudnnConvolutionBwdDataAlgo_t algo)
{
    return algo == CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
}
static bool is_direct(cudnnConvolutionBwdFilterAlgo_t algo)
{
    return algo == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
}

static cudnnStatus_t work_of(cudnnHandle_t h, answer *a, cudnnConvolutionFwdAlgo_t algo)
{
    return dnn.cudnnGetConvolutionForwardWorkspaceSize(h, a->x, a->w, a->conv, a->y, algo, &a->work);
}
static cudnnStatus_t work_of(cudnnHandle_t h, answer *a, cudnnConvolutionBwdDataAlgo_t algo)
{
    return dnn.cudnnGetConvolutionBackwardDataWorkspaceSize(h, a->w, a->y, a->conv, a->x, algo, &a->work);
}
static cudnnStatus_t work_of(cudnnHandle_t h, answer *a, cudnnConvolutionBwdFilterAlgo_t algo)
{
    return dnn.cudnnGetConvolutionBackwardFilterWorkspaceSize(h, a->x, a->y, a->conv, a->w, algo, &a->work);
}

static cudnnStatus_t ask(cudnnHandle_t h, answer *a, int *n, cudnnConvolutionFwdAlgoPerf_t *found)
{
    return dnn.cudnnGetConvolutionForwardAlgorithm_v7(h, a->x, a->w, a->conv, a->y, MOST_ALGORITHMS, n, found);
}
static cudnnStatus_t ask(cudnnHandle_t h, answer *a, int *n, cudnnConvolutionBwdDataAlgoPerf_t *found)
{
    return dnn.cudnnGetConvolutionBackwardDataAlgorithm_v7(h, a->w, a->y, a->conv, a->x, MOST_ALGORITHMS, n, found);
}
static cudnnStatus_t ask(cudnnHandle_t h, answer *a, int *n, cudnnConvolutionBwdFilterAlgoPerf_t *found)
{
    return dnn.cudnnGetConvolutionBackwardFilterAlgorithm_v7(h, a->x, a->y, a->conv, a->w, MOST_ALGORITHMS, n, found);
}

/* The first of the heuristics' list that will do; any: whatever its bits. Its math type is of account, too: an
 * algorithm is listed once for each. */
template <class PERF> static void choose(cudnnHandle_t h, answer *a, bool any)
{
    PERF found[MOST_ALGORITHMS];
    int n = 0;
    if (ask(h, a, &n, found) != CUDNN_STATUS_SUCCESS)
        return;
    for (int i = 0; i < n && a->algo < 0; i++) {
        const cudnnMathType_t math = math_of(a->q) == CUDNN_FMA_MATH ? CUDNN_FMA_MATH : found[i].mathType;
        const bool fits = found[i].determinism == CUDNN_DETERMINISTIC && is_direct(found[i].algo);
        if (found[i].status == CUDNN_STATUS_SUCCESS && (fits || any) &&
            dnn.cudnnSetConvolutionMathType(a->conv, math) == CUDNN_STATUS_SUCCESS &&
            work_of(h, a, found[i].algo) == CUDNN_STATUS_SUCCESS && a->work <= MOST_WORK)
            a->algo = (int)found[i].algo;
    }
}

/* nullptr: no cuDNN, or no memory for the answer. */
static answer *answer_to(const fpc_cuda *machine, const fpc_node *node, kind k)
{
    library *lib = machine ? static_cast<library *>(machine->dnn) : nullptr;
    if (!lib)
        return nullptr;
    const question q = question_of(node, k, machine->tf32);
    for (answer *a = lib->answers; a; a = a->next)
        if (!memcmp(&a->q, &q, sizeof q))
            return a;
    answer *a = static_cast<answer *>(calloc(1, sizeof *a));
    if (!a)
        return nullptr;
    a->q = q;
    a->algo = -1;
    a->next = lib->answers;
    lib->answers = a;
    if (describe(a) != CUDNN_STATUS_SUCCESS)
        return a;
    if (k == FORWARD)
        choose<cudnnConvolutionFwdAlgoPerf_t>(lib->handle, a, !machine->deterministic);
    else if (k == GRAD_X)
        choose<cudnnConvolutionBwdDataAlgoPerf_t>(lib->handle, a, !machine->deterministic);
    else
        choose<cudnnConvolutionBwdFilterAlgoPerf_t>(lib->handle, a, !machine->deterministic);
    return a;
}

/* ---- bias: float only, see match ---- */

template <int V> __global__ void add_bias(int64_t packs, int32_t packs_in_row, const float *bias, float *y)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= packs)
        return;
    pack<float, V> p = reinterpret_cast<pack<float, V> *>(y)[i];
    const float *b = bias + i % packs_in_row * V;
    for (int v = 0; v < V; v++)
        p.v[v] += b[v];
    reinterpret_cast<pack<float, V> *>(y)[i] = p;
}

static fpc_status bias_of(fpc_exec *x, const fpc_node *node)
{
    if (node->n_in < 3)
        return FPC_OK;
    const int32_t v = node->out[0].shape.c % 4 ? 1 : 4;
    const int64_t packs = count_of(node->out[0]) / v;
    return launch(v == 4 ? add_bias<4> : add_bias<1>, blocks_for(packs, 256, INT32_MAX), dim3(256), 0, x, node, packs,
                  node->out[0].shape.c / v, data_of<float>(node->in[2]), data_of<float>(node->out[0]));
}

/* ---- the ops ---- */

static cudnnStatus_t convolve(cudnnHandle_t h, const answer *a, const fpc_node *node, void *work)
{
    const float one = 1.0f, zero = 0.0f;
    const void *in = node->in[0].data, *with = node->in[1].data;
    void *out = node->out[0].data;
    switch (a->q.kind) {
    case FORWARD:
        return dnn.cudnnConvolutionForward(h, &one, a->x, in, a->w, with, a->conv, (cudnnConvolutionFwdAlgo_t)a->algo,
                                           work, a->work, &zero, a->y, out);
    case GRAD_X:
        return dnn.cudnnConvolutionBackwardData(h, &one, a->w, with, a->y, in, a->conv,
                                                (cudnnConvolutionBwdDataAlgo_t)a->algo, work, a->work, &zero, a->x,
                                                out);
    default:
        return dnn.cudnnConvolutionBackwardFilter(h, &one, a->x, in, a->y, with, a->conv,
                                                  (cudnnConvolutionBwdFilterAlgo_t)a->algo, work, a->work, &zero, a->w,
                                                  out);
    }
}

/* Whatever cuDNN says, an own kernel can still compute; where the device itself has failed, that says so. */
static void warn(fpc_exec *x, const fpc_node *node, cudnnStatus_t st)
{
    char more[256] = "";
    dnn.cudnnGetLastErrorString(more, sizeof more);
    fpc_log(fpc_exec_ctx(x), FPC_LOG_WARN, "%s `%s`: cuDNN: %s; an own kernel computes it", node->op, node->name,
            more[0] ? more : dnn.cudnnGetErrorString(st));
}

/* For whoever looks for the time of a step: FPCORE_LOG=debug. */
static void tell(fpc_exec *x, const fpc_node *node, answer *a)
{
    if (!a->told)
        fpc_log(fpc_exec_ctx(x), FPC_LOG_DEBUG, "%s `%s`: cuDNN: algorithm %d, work %zu", node->op, node->name, a->algo,
                a->work);
    a->told = true;
}

static bool refused(cudnnStatus_t st)
{
    return (int)st / 1000 == (int)CUDNN_STATUS_NOT_SUPPORTED / 1000; /* with its finer codes */
}

static fpc_status run(fpc_exec *x, const fpc_node *node, fpc_rows rows, kind k)
{
    fpc_status (*const plain[])(fpc_exec *, const fpc_node *,
                                fpc_rows) = {fpc_cuda_conv2d_run, fpc_cuda_conv2d_grad_x_run, fpc_cuda_conv_grad_w_run};
    answer *a = answer_to(machine_of(x), node, k);
    if (a && a->algo >= 0) {
        const uintptr_t at = reinterpret_cast<uintptr_t>(fpc_exec_shared(x));
        void *work = reinterpret_cast<void *>((at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        const cudnnStatus_t st = convolve(static_cast<library *>(machine_of(x)->dnn)->handle, a, node, work);
        if (st == CUDNN_STATUS_SUCCESS) {
            tell(x, node, a);
            const fpc_status queued = fpc_cuda_launched(x, node);
            return queued ? queued : bias_of(x, node);
        }
        if (!refused(st))
            warn(x, node, st);
        a->algo = -1;
    }
    return plain[k](x, node, rows);
}

static fpc_status conv2d(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    return run(x, node, rows, FORWARD);
}
static fpc_status conv2d_grad_x(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    return run(x, node, rows, GRAD_X);
}
static fpc_status conv2d_grad_w(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    return run(x, node, rows, GRAD_W);
}

/* In half precision the sum is rounded once, with its bias: cuDNN would round before (or round the bias). Convolutions
 * with a bias are then conv.cu's, those with a filter for each channel conv_depthwise.cu's. */
static int match(const fpc_node *node, kind k)
{
    const conv_shape s = question_of(node, k, 0).s;
    if ((node->n_in > 2 && node->in[0].dtype != FPC_F32) || (s.groups == s.c && s.groups == s.k))
        return 0;
    const answer *a = answer_to(fpc_cuda_open_machine, node, k);
    return a && a->algo >= 0;
}
static int match_forward(const fpc_node *node)
{
    return match(node, FORWARD);
}
static int match_grad_x(const fpc_node *node)
{
    return match(node, GRAD_X);
}
static int match_grad_w(const fpc_node *node)
{
    return match(node, GRAD_W);
}

static void need(const fpc_node *node, fpc_need *to, kind k)
{
    const answer *a = answer_to(fpc_cuda_open_machine, node, k);
    const size_t work = a && a->work ? a->work + ALIGNMENT : 0;
    to->shared = to->shared > work ? to->shared : work;
}
static void need_forward(const fpc_node *node, fpc_need *to)
{
    need(node, to, FORWARD);
}
static void need_grad_x(const fpc_node *node, fpc_need *to)
{
    need(node, to, GRAD_X);
}
static void need_grad_w(const fpc_node *node, fpc_need *to)
{
    fpc_cuda_conv_grad_w_need(node, to); /* in case that cuDNN refuses */
    need(node, to, GRAD_W);
}

extern "C" {
const fpc_kernel fpc_cuda_conv_cudnn[] = {
    FPC_CUDA_ROW("conv2d", "cudnn", 10, FPC_CUDA_ALL, match_forward, need_forward, conv2d),
    FPC_CUDA_ROW("conv2d_grad_x", "cudnn", 10, FPC_CUDA_ALL, match_grad_x, need_grad_x, conv2d_grad_x),
    FPC_CUDA_ROW("conv2d_grad_w", "cudnn", 10, FPC_CUDA_FLOAT, match_grad_w, need_grad_w, conv2d_grad_w), FPC_CUDA_END};

fpc_status fpc_cuda_dnn_open(fpc_cuda *machine, const char **error)
{
    *error = "no memory";
    if (!dnn_library)
        dnn_library = fpc_cuda_library("libcudnn.so." FPC_CUDA_TEXT(CUDNN_MAJOR), dnn_names,
                                       sizeof dnn_names / sizeof *dnn_names, reinterpret_cast<void **>(&dnn), error);
    library *lib = dnn_library ? static_cast<library *>(calloc(1, sizeof *lib)) : nullptr;
    if (!lib)
        return dnn_library ? FPC_ENOMEM : FPC_ENOENT;
    cudnnStatus_t st = dnn.cudnnCreate(&lib->handle);
    st = st ? st : dnn.cudnnSetStream(lib->handle, machine->stream);
    machine->dnn = lib;
    if (st == CUDNN_STATUS_SUCCESS)
        return FPC_OK;
    *error = dnn.cudnnGetErrorString(st);
    fpc_cuda_dnn_close(machine);
    return FPC_EDEVICE;
}

void fpc_cuda_dnn_close(fpc_cuda *machine)
{
    library *lib = static_cast<library *>(machine->dnn);
    machine->dnn = nullptr;
    if (!lib)
        return;
    while (lib->answers) {
        answer *a = lib->answers;
        lib->answers = a->next;
        forget(a);
    }
    if (lib->handle)
        dnn.cudnnDestroy(lib->handle);
    free(lib);
}
}
