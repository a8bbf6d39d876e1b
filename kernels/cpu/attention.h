/* attention.h: what the two files of the attention family share: sizes, and keys and values packed for gemm.h. */
#ifndef KERNELS_CPU_ATTENTION_H
#define KERNELS_CPU_ATTENTION_H

#include "gemm.h"
#include "philox.h"

#define LOG2_E 1.44269504088896340736f

/* c = heads * d; head e owns channels [e d, (e+1) d). nk_pad: row of scores, a whole number of vectors. */
typedef struct attention_size {
    int64_t n, nq, nk, c, heads, d, nk_pad;
    float scale, drop;
    uint32_t stream;
    const int32_t *clock; /* NULL: no dropout */
} attention_size;

/* clock_at: which input is the clock, where the node has one. */
static inline attention_size attention_size_of(const fpc_node *node, int clock_at)
{
    const fpc_attention_attr *a = node->attr;
    const fpc_shape q = node->in[0].shape, k = node->in[1].shape;
    const int64_t nk = (int64_t)k.h * k.w;
    attention_size s = {
        q.n,     (int64_t)q.h * q.w, nk,  q.c, a->heads, q.c / a->heads, (nk + VL - 1) / VL * VL, a->scale,
        a->drop, a->stream,          NULL};
    if (node->n_in > clock_at && a->drop > 0)
        s.clock = node->in[clock_at].data;
    return s;
}

/* A packed (d x nk) matrix, and a packed (nk x d) one. */
static inline size_t attention_wide(attention_size s)
{
    return gemm_packed(s.d, s.nk);
}
static inline size_t attention_tall(attention_size s)
{
    return gemm_packed(s.nk, s.d);
}

/* of: k or v of one image and head. Transposed, as the right operand of a score; or as it is, of a mean over keys. */
static inline void attention_pack_wide(attention_size s, const real *of, float *packed)
{
    fpc_gemm_pack(packed, s.d, s.nk, of, 1, s.c, NULL);
}
static inline void attention_pack_tall(attention_size s, const real *of, float *packed)
{
    fpc_gemm_pack(packed, s.nk, s.d, of, s.c, 1, NULL);
}

/* A row of scores in fp32 becomes a row of what products read, where it lies: reals from its start on, this far apart
 * from those of the next row. Vectors are written from left to right, each after the scores at its place were read. */
static inline int64_t attention_stored_row(attention_size s)
{
    return s.nk_pad * (int64_t)(sizeof(float) / sizeof(real));
}

/* A thread's scratch: `tables` blocks of scores, dropout's words, then what the kernel and the products need. */
static inline size_t attention_own_bytes(attention_size s, int64_t block, int64_t tables)
{
    const size_t words = (size_t)philox_room(block, s.nk) * sizeof(uint16_t);
    return ((size_t)(tables * block * s.nk_pad) * sizeof(float) + words + 63) / 64 * 64;
}

/* Half-words for `rows` rows of queries of one head, philox_stride(nk) apart. */
static inline void attention_words(attention_size s, int64_t row, int64_t rows, int64_t head, uint16_t *words)
{
    if (s.heads == 1) {
        philox_words(words, row, rows, s.nk, s.clock, s.stream);
        return;
    }
    for (int64_t r = 0; r < rows; r++)
        philox_words(words + r * philox_stride(s.nk), (row + r) * s.heads + head, 1, s.nk, s.clock, s.stream);
}

/* The kernel of attention_grad.c. */
#define attention_grad_need FPC_CAT(fpc_attention_grad_need, FPC_ISA)
#define attention_grad_run FPC_CAT(fpc_attention_grad_run, FPC_ISA)
void attention_grad_need(const fpc_node *, fpc_need *);
fpc_status attention_grad_run(fpc_exec *, const fpc_node *, fpc_rows);

#endif
