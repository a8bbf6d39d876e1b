/* attention.c: softmax(scale q k^T) v for a tile of queries against all keys of their image, with dropout of the
 * probabilities. Scores of a block of queries exist only in the thread's scratch: two matrix products around one pass
 * of exponentials. The sum of the probabilities is divided out of the result, not out of every probability. */
#include "attention.h"
#include "math.h"
#include <math.h>

enum { BLOCK = 24 }; /* queries whose scores exist at a time */

/* Rows of a block's result, before they are divided by the sums of their probabilities. */
static int64_t result_row(attention_size s)
{
    return (s.d + 15) / 16 * 16;
}
static size_t result_bytes(attention_size s)
{
    return (size_t)(BLOCK * result_row(s)) * sizeof(float);
}

static void need(const fpc_node *node, fpc_need *n)
{
    const attention_size s = attention_size_of(node, 3);
    n->shared = (size_t)(s.n * s.heads) * (attention_wide(s) + attention_tall(s)) * sizeof(float);
    n->thread = attention_own_bytes(s, BLOCK, 1) + result_bytes(s) + gemm_scratch(s.d, s.nk);
}

typedef struct packing {
    attention_size s;
    const real *k, *v;
    float *packed;
} packing;

static void pack(void *arg, int32_t i, int32_t thread)
{
    const packing *p = arg;
    const attention_size s = p->s;
    const int64_t from = i / s.heads * s.nk * s.c + i % s.heads * s.d;
    float *to = p->packed + (size_t)i * (attention_wide(s) + attention_tall(s));
    (void)thread;
    attention_pack_wide(s, p->k + from, to);
    attention_pack_tall(s, p->v + from, to + attention_wide(s));
}

static fpc_status begin(fpc_exec *x, const fpc_node *node)
{
    packing p = {attention_size_of(node, 3), reals(&node->in[1]), reals(&node->in[2]), fpc_exec_shared(x)};
    fpc_exec_parallel(x, (int32_t)(p.s.n * p.s.heads), pack, &p);
    return FPC_OK;
}

static float largest_score(attention_size s, const float *score)
{
    vf most = vf_set(-INFINITY);
    int64_t j = 0;
    for (; j + VL <= s.nk; j += VL)
        most = vf_max(most, vf_load(score + j));
    float m = vf_most(most);
    for (; j < s.nk; j++)
        m = score[j] > m ? score[j] : m;
    return m;
}

/* Scores become exp(scale (score - largest)), 0 where dropped, as reals; returns the sum before dropout and the
 * largest. */
static float exponentials(attention_size s, float *score, const uint16_t *words, float *most)
{
    const vi threshold = vi_set((int32_t)fpc_drop_threshold(s.drop));
    const vf factor = vf_set(s.scale * LOG2_E);
    *most = largest_score(s, score);
    const vf offset = vf_set(*most) * factor;
    vf sum = {0};
    for (int64_t j = 0; j < s.nk_pad; j += VL) {
        vf p = vf_exp2(vf_load(score + j) * factor - offset);
        if (j + VL > s.nk)
            p = vf_load_n((const float *)&p, s.nk - j);
        sum += p;
        if (s.clock)
            p = (vf)((vi)p & philox_kept(words + j, threshold));
        vr_store((real *)score + j, p);
    }
    return vf_sum(sum);
}

/* Up to BLOCK queries of one image and head. row: of the first query in the whole tensor. */
static void attend(attention_size s, const float *packed, int64_t row, int64_t rows, int64_t head, const real *q,
                   real *o, float *lse, float *score, uint16_t *words)
{
    float *result = (float *)((char *)score + attention_own_bytes(s, BLOCK, 1));
    void *scratch = (char *)result + result_bytes(s);
    const float keep = s.clock ? fpc_drop_scale(s.drop) : 1.0f;
    fpc_gemm_to_float(scratch, rows, s.nk_pad, s.d, q, s.c, packed, score, s.nk_pad);
    if (s.clock)
        attention_words(s, row, rows, head, words);
    float norm[BLOCK], most[BLOCK], sum[BLOCK];
    for (int64_t r = 0; r < rows; r++)
        sum[r] = exponentials(s, score + r * s.nk_pad, words + r * philox_stride(s.nk), &most[r]);
    for (FPC_COLUMNS(r, n, rows)) {
        const vf all = vf_get(sum + r, n);
        vf_put(norm + r, keep / all, n);
        vf_put(sum + r, vf_get(most + r, n) * s.scale + vf_log(all), n);
    }
    for (int64_t r = 0; r < rows; r++)
        lse[r * s.heads] = sum[r];
    fpc_gemm_to_float(scratch, rows, s.d, s.nk, (const real *)score, attention_stored_row(s),
                      packed + attention_wide(s), result, result_row(s));
    for (int64_t r = 0; r < rows; r++)
        for (FPC_COLUMNS(i, n, s.d))
            vr_put(o + r * s.c + i, vf_get(result + r * result_row(s) + i, n) * norm[r], n);
}

static fpc_status run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const attention_size s = attention_size_of(node, 3);
    const size_t stride = attention_wide(s) + attention_tall(s);
    const float *packed = fpc_exec_shared(x);
    const real *q = reals(&node->in[0]);
    real *o = reals(&node->out[0]);
    float *lse = floats(&node->out[1]);
    float *score = fpc_exec_scratch(x, rows.thread);
    uint16_t *words = (uint16_t *)(score + BLOCK * s.nk_pad);

    for (int64_t r = 0; r < rows.count;) {
        const int64_t image = (rows.first + r) / s.nq, left = (image + 1) * s.nq - rows.first - r;
        int64_t count = rows.count - r < BLOCK ? rows.count - r : BLOCK;
        count = count < left ? count : left;
        for (int64_t head = 0; head < s.heads; head++)
            attend(s, packed + (size_t)(image * s.heads + head) * stride, rows.first + r, count, head,
                   q + r * s.c + head * s.d, o + r * s.c + head * s.d, lse + r * s.heads + head, score, words);
        r += count;
    }
    return FPC_OK;
}

#define ROW                                                                                                            \
    .size = sizeof(fpc_kernel), .flags = FPC_KERNEL_DETERMINISTIC, .dtypes = FPC_DTYPE_BIT(FPC_STORED_DTYPE), .rank = 10

const fpc_kernel FPC_CPU_TABLE(attention)[] = {
    {ROW, .op = "attention", .name = FPC_KNAME("attention"), .need = need, .begin = begin, .run = run}, {0}};
const fpc_kernel FPC_CPU_TABLE(attention_grad)[] = {{ROW, .op = "attention_grad", .name = FPC_KNAME("attention_grad"),
                                                     .need = attention_grad_need, .run = attention_grad_run},
                                                    {0}};
