/* train.cu: norm, clipping, loss scaling and optimizers over the flat (1,1,rows,256) buffers that hold all parameters:
 * one launch each, in place (output i is input i). What holds for the whole step (bias corrections) is made in double,
 * by the first thread of each block, from numbers that lie on the device; the update itself is float, in PyTorch's
 * order of operations. A step whose `scale` is NaN is skipped: it changes nothing. */
#include "kernels/cuda/pointwise.h"
#include "kernels/cuda/reduce.h"

enum { TRAIN_THREADS = 256, FOUR = 4 };

/* ---- the norm ---- */

enum { SQUARES_BLOCKS = 1024, SQUARES_EACH = 4096 /* numbers, until there are that many blocks */ };

static int squares_blocks(const fpc_node *node)
{
    return (int)blocks_for(count_of(node->in[0]), SQUARES_EACH, SQUARES_BLOCKS).x;
}

static void need_sum_squares(const fpc_node *node, fpc_need *need)
{
    need->shared = (size_t)squares_blocks(node) * sizeof(double);
}

__global__ void __launch_bounds__(256) squares_kernel(const float *x, int64_t n, double *partial)
{
    __shared__ double room[32];
    const int64_t packs = n / FOUR, step = (int64_t)gridDim.x * TRAIN_THREADS;
    double sum = 0;
    for (int64_t i = (int64_t)blockIdx.x * TRAIN_THREADS + threadIdx.x; i < packs; i += step) {
        const pack<float, FOUR> v = load_pack<FOUR>(x + i * FOUR);
        for (int k = 0; k < FOUR; k++)
            sum += (double)v.v[k] * (double)v.v[k];
    }
    if (blockIdx.x == 0 && packs * FOUR + threadIdx.x < n) {
        const double v = (double)x[packs * FOUR + threadIdx.x];
        sum += v * v;
    }
    sum = block_sum(sum, room);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = sum;
}

__global__ void __launch_bounds__(256) squares_end_kernel(const double *partial, int n, float *s)
{
    __shared__ double room[32];
    double sum = 0;
    for (int i = threadIdx.x; i < n; i += TRAIN_THREADS)
        sum += partial[i];
    sum = block_sum(sum, room);
    if (threadIdx.x == 0)
        *s = (float)sum;
}

static fpc_status sum_squares(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    double *partial = static_cast<double *>(fpc_exec_shared(x));
    const int blocks = squares_blocks(node);
    const fpc_status st = launch(squares_kernel, dim3((unsigned)blocks), dim3(TRAIN_THREADS), 0, x, node,
                                 data_of<const float>(node->in[0]), count_of(node->in[0]), partial);
    return st ? st
              : launch(squares_end_kernel, dim3(1), dim3(TRAIN_THREADS), 0, x, node, partial, blocks,
                       data_of<float>(node->out[0]));
}

__global__ void clip_kernel(const float *s, const float *scaler, double max_norm, float *scale, float *norm)
{
    if (threadIdx.x != 0)
        return;
    const double factor = scaler ? (double)*scaler : 1, length = sqrt((double)*s) / factor;
    const double clipped = max_norm / (length + 1e-6);
    *scale = isfinite(length) ? (float)((max_norm > 0 && clipped < 1 ? clipped : 1) / factor) : NAN;
    *norm = (float)length;
}

static fpc_status clip_scale(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return launch(clip_kernel, dim3(1), dim3(32), 0, x, node, data_of<const float>(node->in[0]),
                  node->n_in > 1 ? data_of<const float>(node->in[1]) : nullptr,
                  static_cast<const fpc_clip_attr *>(node->attr)->max_norm, data_of<float>(node->out[0]),
                  data_of<float>(node->out[1]));
}

/* state: factor, steps since it changed, steps taken, steps skipped */
__global__ void scaler_kernel(float *state, const float *norm, int interval)
{
    if (threadIdx.x != 0)
        return;
    const float since = state[1] + 1;
    const bool taken = isfinite(*norm), grows = taken && since >= (float)interval;
    float factor = taken ? state[0] : state[0] / 2;
    if (grows)
        factor = fminf(2 * factor, 16777216.0f);
    state[0] = fmaxf(factor, 1);
    state[1] = taken && !grows ? since : 0;
    state[taken ? 2 : 3] += 1;
}

static fpc_status scaler(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return launch(scaler_kernel, dim3(1), dim3(32), 0, x, node, data_of<float>(node->out[0]),
                  data_of<const float>(node->in[1]), static_cast<const fpc_scaler_attr *>(node->attr)->interval);
}

/* ---- sums ---- */

static fpc_status accumulate(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    return map2(x, node, [] __device__(float acc, float a) { return acc + a; });
}

static fpc_status add_scaled(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const float *s = data_of<const float>(node->in[2]);
    return map2(x, node, [=] __device__(float a, float b) { return a + *s * b; });
}

static fpc_status ema(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const float *decay = data_of<const float>(node->in[2]);
    const float *scale = node->n_in > 3 ? data_of<const float>(node->in[3]) : nullptr;
    return map2(x, node, [=] __device__(float average, float p) {
        return scale && isnan(*scale) ? average : average + (1 - *decay) * (p - average);
    });
}

__global__ void __launch_bounds__(256) zero_kernel(uint8_t *y, int64_t bytes)
{
    const int64_t packs = bytes / 16, i = (int64_t)blockIdx.x * TRAIN_THREADS + threadIdx.x;
    if (i < packs)
        reinterpret_cast<uint4 *>(y)[i] = make_uint4(0, 0, 0, 0);
    if (blockIdx.x == 0 && packs * 16 + threadIdx.x < bytes)
        y[packs * 16 + threadIdx.x] = 0;
}

static fpc_status zero(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_tensor &y = node->out[0];
    const int64_t bytes = (int64_t)fpc_bytes(y.shape, y.dtype);
    return launch(zero_kernel, blocks_for(bytes, 16 * TRAIN_THREADS, INT32_MAX), dim3(TRAIN_THREADS), 0, x, node,
                  data_of<uint8_t>(y), bytes);
}

/* ---- optimizers. An optimizer O has O::begin, which makes what holds for the step (O::step) from scale, lr and t,
 * O::scaled, which is that of numbers with factors of the rate and the decay, and O::update of one number and its two
 * slots. ---- */

static_assert(FPC_FLAT_ALIGN % FOUR == 0, "a pack's numbers share a pair of factors");

struct adamw_rule {
    double beta1, beta2, epsilon, weight_decay;
    int coupled;
    struct step {
        float keep, decay, rate, root, eps, scale, b1, b2, c1, c2;
        double loss; /* what a number loses by the decay, 1 - keep */
    };
    DEVICE step begin(float scale, float rate, float count) const
    {
        const double lr = (double)rate, t = (double)count;
        step s;
        s.loss = coupled ? 0 : lr * weight_decay;
        s.keep = (float)(1 - s.loss);
        s.decay = coupled ? (float)weight_decay : 0;
        s.rate = (float)(lr / (1 - pow(beta1, t)));
        s.root = (float)sqrt(1 - pow(beta2, t));
        s.eps = (float)epsilon, s.scale = scale;
        s.b1 = (float)beta1, s.b2 = (float)beta2, s.c1 = (float)(1 - beta1), s.c2 = (float)(1 - beta2);
        return s;
    }
    static DEVICE step scaled(step s, const float *f)
    {
        s.keep = (float)(1 - s.loss * (double)f[0] * (double)f[1]);
        s.decay *= f[1];
        s.rate *= f[0];
        return s;
    }
    static DEVICE void update(const step &s, float &p, float &m, float &v, float g)
    {
        const float grad = g * s.scale + s.decay * p;
        m = s.b1 * m + s.c1 * grad;
        v = s.b2 * v + s.c2 * grad * grad;
        p = p * s.keep - s.rate * (m / (sqrtf(v) / s.root + s.eps));
    }
};

struct sgd_rule {
    float momentum, weight_decay, fresh;
    int nesterov;
    struct step {
        float scale, rate, momentum, decay, fresh;
        int first, nesterov;
    };
    DEVICE step begin(float scale, float rate, float count) const
    {
        return {scale, rate, momentum, weight_decay, fresh, count <= 1, nesterov};
    }
    static DEVICE step scaled(step s, const float *f)
    {
        s.rate *= f[0];
        s.decay *= f[1];
        return s;
    }
    static DEVICE void update(const step &s, float &p, float &m, float &, float g)
    {
        float d = g * s.scale + s.decay * p;
        if (s.momentum != 0) { /* PyTorch's buffer starts as the first gradient */
            m = s.first ? d : s.momentum * m + s.fresh * d;
            d = s.nesterov ? d + s.momentum * m : m;
        }
        p = p - s.rate * d;
    }
};

struct lion_rule {
    double beta1, beta2, weight_decay;
    struct step {
        float scale, rate, keep, b1, b2, c1, c2;
        double decay;
    };
    DEVICE step begin(float scale, float rate, float) const
    {
        return {scale,
                rate,
                (float)(1 - (double)rate * weight_decay),
                (float)beta1,
                (float)beta2,
                (float)(1 - beta1),
                (float)(1 - beta2),
                weight_decay};
    }
    static DEVICE step scaled(step s, const float *f)
    {
        s.rate *= f[0];
        s.keep = (float)(1 - (double)s.rate * s.decay * (double)f[1]);
        return s;
    }
    static DEVICE void update(const step &s, float &p, float &m, float &, float g)
    {
        const float grad = g * s.scale, way = s.b1 * m + s.c1 * grad;
        p = p * s.keep - (way > 0 ? s.rate : way < 0 ? -s.rate : 0 * way); /* NaN stays NaN */
        m = s.b2 * m + s.c2 * grad;
    }
};

/* Device memory: v, t and factors may be NULL. */
struct update_arguments {
    float *p, *m, *v;
    const float *g, *scale, *rate, *t, *factors;
    int64_t n;
};

/* What holds for number `at` and the others of its group. */
template <class O> DEVICE typename O::step step_at(const typename O::step &s, const update_arguments &a, int64_t at)
{
    return a.factors ? O::scaled(s, a.factors + at / FPC_FLAT_ALIGN * 2) : s;
}

template <class O, bool SECOND>
DEVICE void update_four(const typename O::step &all, const update_arguments &a, int64_t at)
{
    const typename O::step s = step_at<O>(all, a, at);
    pack<float, FOUR> p = load_pack<FOUR>(a.p + at), m = load_pack<FOUR>(a.m + at), v = m;
    const pack<float, FOUR> g = load_pack<FOUR>(a.g + at);
    if (SECOND)
        v = load_pack<FOUR>(a.v + at);
#pragma unroll
    for (int k = 0; k < FOUR; k++)
        O::update(s, p.v[k], m.v[k], v.v[k], g.v[k]);
    store_pack<FOUR>(a.p + at, p);
    store_pack<FOUR>(a.m + at, m);
    if (SECOND)
        store_pack<FOUR>(a.v + at, v);
}

template <class O, bool SECOND>
__global__ void __launch_bounds__(256) update_kernel(const O rule, const update_arguments a)
{
    __shared__ typename O::step shared;
    if (isnan(*a.scale))
        return; /* all threads of all blocks */
    if (threadIdx.x == 0)
        shared = rule.begin(*a.scale, *a.rate, a.t ? *a.t : 0);
    __syncthreads();
    const typename O::step s = shared;
    const int64_t packs = a.n / FOUR, stride = (int64_t)gridDim.x * TRAIN_THREADS;
    for (int64_t i = (int64_t)blockIdx.x * TRAIN_THREADS + threadIdx.x; i < packs; i += stride)
        update_four<O, SECOND>(s, a, i * FOUR);
    const int64_t rest = packs * FOUR + threadIdx.x;
    if (blockIdx.x == 0 && rest < a.n) {
        float unused = 0;
        O::update(step_at<O>(s, a, rest), a.p[rest], a.m[rest], SECOND ? a.v[rest] : unused, a.g[rest]);
    }
}

/* A few blocks per multiprocessor: each pays for a power in double first. */
template <class O, bool SECOND>
static fpc_status update(fpc_exec *x, const fpc_node *node, const O &rule, const update_arguments &a)
{
    const dim3 grid = blocks_for(a.n, FOUR * TRAIN_THREADS, (int64_t)machine_of(x)->sms * 8);
    return launch(update_kernel<O, SECOND>, grid, dim3(TRAIN_THREADS), 0, x, node, rule, a);
}

/* The last input, where a node has it. */
static const float *factors_of(const fpc_node *node, int input)
{
    return node->n_in > input ? data_of<const float>(node->in[input]) : nullptr;
}

static fpc_status adamw(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_adamw_attr *a = static_cast<const fpc_adamw_attr *>(node->attr);
    const adamw_rule rule = {a->beta1, a->beta2, a->eps, a->weight_decay, a->coupled};
    const update_arguments args = {data_of<float>(node->out[0]),
                                   data_of<float>(node->out[1]),
                                   data_of<float>(node->out[2]),
                                   data_of<const float>(node->in[3]),
                                   data_of<const float>(node->in[4]),
                                   data_of<const float>(node->in[5]),
                                   data_of<const float>(node->in[6]),
                                   factors_of(node, 7),
                                   count_of(node->out[0])};
    return update<adamw_rule, true>(x, node, rule, args);
}

static fpc_status sgd(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_sgd_attr *a = static_cast<const fpc_sgd_attr *>(node->attr);
    const sgd_rule rule = {(float)a->momentum, (float)a->weight_decay, (float)(1 - a->dampening), a->nesterov};
    const update_arguments args = {data_of<float>(node->out[0]),
                                   data_of<float>(node->out[1]),
                                   nullptr,
                                   data_of<const float>(node->in[2]),
                                   data_of<const float>(node->in[3]),
                                   data_of<const float>(node->in[4]),
                                   data_of<const float>(node->in[5]),
                                   factors_of(node, 6),
                                   count_of(node->out[0])};
    return update<sgd_rule, false>(x, node, rule, args);
}

static fpc_status lion(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const fpc_lion_attr *a = static_cast<const fpc_lion_attr *>(node->attr);
    const lion_rule rule = {a->beta1, a->beta2, a->weight_decay};
    const update_arguments args = {data_of<float>(node->out[0]),
                                   data_of<float>(node->out[1]),
                                   nullptr,
                                   data_of<const float>(node->in[2]),
                                   data_of<const float>(node->in[3]),
                                   data_of<const float>(node->in[4]),
                                   nullptr,
                                   factors_of(node, 5),
                                   count_of(node->out[0])};
    return update<lion_rule, false>(x, node, rule, args);
}

const fpc_kernel fpc_cuda_train[] = {
    FPC_CUDA_ROW("sum_squares", "plain", 1, FPC_CUDA_FLOAT, nullptr, need_sum_squares, sum_squares),
    FPC_CUDA_ROW("clip_scale", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, clip_scale),
    FPC_CUDA_ROW("scaler", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, scaler),
    FPC_CUDA_ROW("accumulate", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, accumulate),
    FPC_CUDA_ROW("zero", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, zero),
    FPC_CUDA_ROW("adamw", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, adamw),
    FPC_CUDA_ROW("sgd", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, sgd),
    FPC_CUDA_ROW("lion", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, lion),
    FPC_CUDA_ROW("ema", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, ema),
    FPC_CUDA_ROW("add_scaled", "plain", 1, FPC_CUDA_FLOAT, nullptr, nullptr, add_scaled),
    FPC_CUDA_END,
};
