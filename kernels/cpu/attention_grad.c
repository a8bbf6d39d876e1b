/* attention_grad.c: gradient of attention.c. Probabilities are computed again from the log-sum-exp, block by block:
 *   P = exp(scale q k^T - lse), m: dropout's factors, D = rowsum(do o), dS = P (m (do v^T) - D) scale,
 *   dq = dS k, dk = dS^T q, dv = (m P)^T do.
 * The queries of an image are cut into pieces by a rule of the shapes alone; each piece sums dk and dv for itself, its
 * heads side by side, and the pieces are added by a fixed tree, so the bits do not depend on who computed what. */
#include "attention.h"
#include "math.h"
#include "parts.h"

enum { BLOCK = 48, PIECES = 256, PIECE_ROWS = 128, SUM_CHUNK = 8192 };

typedef struct gradient {
    attention_size s;
    const fpc_exec *exec;
    const real *q, *k, *v, *o, *d_o;
    const float *lse;
    real *dq, *dk, *dv;
    int64_t pieces; /* of one image */
    float *packed, *sums;
} gradient;

static int64_t pieces_of_image(attention_size s)
{
    const int64_t wanted = (PIECES + s.n - 1) / s.n, most = (s.nq + PIECE_ROWS - 1) / PIECE_ROWS;
    return wanted < most ? wanted : most;
}

/* Packed for each image and head: k wide, v wide, k tall. */
static size_t packed_floats(attention_size s)
{
    return 2 * attention_wide(s) + attention_tall(s);
}
/* Sums of each piece: dk, dv. */
static size_t sum_floats(attention_size s)
{
    return 2 * (size_t)(s.nk * s.c);
}

void attention_grad_need(const fpc_node *node, fpc_need *need)
{
    const attention_size s = attention_size_of(node, 6);
    const size_t packed = (size_t)(s.n * s.heads) * packed_floats(s);
    need->shared = (packed + (size_t)(s.n * pieces_of_image(s)) * sum_floats(s)) * sizeof(float);
    const size_t sums = gemm_outer_scratch(s.nk, s.d), rows = gemm_scratch(s.d, s.nk);
    need->thread = attention_own_bytes(s, BLOCK, 2) + (sums > rows ? sums : rows);
}

static void pack(void *arg, int32_t i, int32_t thread)
{
    const gradient *g = arg;
    const attention_size s = g->s;
    const int64_t from = i / s.heads * s.nk * s.c + i % s.heads * s.d;
    float *to = g->packed + (size_t)i * packed_floats(s);
    (void)thread;
    attention_pack_wide(s, g->k + from, to);
    attention_pack_wide(s, g->v + from, to + attention_wide(s));
    attention_pack_tall(s, g->k + from, to + 2 * attention_wide(s));
}

/* One row: from the scores and do v^T to dS (in score) and m P (in dp), as reals. */
static void row_gradient(attention_size s, float *score, float *dp, const uint16_t *words, float lse, float dot)
{
    const vi threshold = vi_set((int32_t)fpc_drop_threshold(s.drop));
    const vf keep = vf_set(fpc_drop_scale(s.drop)), factor = vf_set(s.scale * LOG2_E), offset = vf_set(lse * LOG2_E);
    const vf scale = vf_set(s.scale), d = vf_set(dot);
    for (int64_t j = 0; j < s.nk_pad; j += VL) {
        const vf p = vf_exp2(vf_load(score + j) * factor - offset);
        vf through = vf_load(dp + j), dropped = p;
        if (s.clock) {
            const vf m = (vf)((vi)keep & philox_kept(words + j, threshold));
            through *= m;
            dropped *= m;
        }
        vr_store((real *)score + j, p * scale * (through - d));
        vr_store((real *)dp + j, dropped);
    }
}

static float dot(const real *a, const real *b, int64_t n)
{
    vf sum = {0};
    for (FPC_COLUMNS(i, lanes, n))
        sum += vr_get(a + i, lanes) * vr_get(b + i, lanes);
    return vf_sum(sum);
}

/* Up to BLOCK queries of one head, from row `row` of the whole tensor. */
static void block_gradient(const gradient *g, int64_t row, int64_t rows, int64_t head, float *dk, float *dv,
                           int32_t thread)
{
    const attention_size s = g->s;
    const int64_t at = row * s.c + head * s.d, ld = s.nk_pad, stored = attention_stored_row(s);
    const float *packed = g->packed + (size_t)(row / s.nq * s.heads + head) * packed_floats(s);
    float *score = fpc_exec_scratch(g->exec, thread), *dp = score + BLOCK * ld;
    uint16_t *words = (uint16_t *)(dp + BLOCK * ld);
    void *scratch = (char *)score + attention_own_bytes(s, BLOCK, 2);

    fpc_gemm_to_float(scratch, rows, ld, s.d, g->q + at, s.c, packed, score, ld);
    fpc_gemm_to_float(scratch, rows, ld, s.d, g->d_o + at, s.c, packed + attention_wide(s), dp, ld);
    if (s.clock)
        attention_words(s, row, rows, head, words);
    for (int64_t r = 0; r < rows; r++)
        row_gradient(s, score + r * ld, dp + r * ld, words + r * philox_stride(s.nk),
                     g->lse[(row + r) * s.heads + head], dot(g->d_o + at + r * s.c, g->o + at + r * s.c, s.d));
    const real *ds = (const real *)score, *mp = (const real *)dp;
    fpc_gemm(scratch, rows, s.d, s.nk, ds, stored, packed + 2 * attention_wide(s), g->dq + at, s.c);
    fpc_gemm_outer(scratch, rows, s.nk, s.d, ds, stored, g->q + at, s.c, dk + head * s.d, s.c);
    fpc_gemm_outer(scratch, rows, s.nk, s.d, mp, stored, g->d_o + at, s.c, dv + head * s.d, s.c);
}

/* One piece, one head. */
static void piece_gradient(void *arg, int32_t i, int32_t thread)
{
    const gradient *g = arg;
    const attention_size s = g->s;
    const int64_t head = i % s.heads, image = i / s.heads / g->pieces, piece = i / s.heads % g->pieces;
    const int64_t first = image * s.nq + s.nq * piece / g->pieces, end = image * s.nq + s.nq * (piece + 1) / g->pieces;
    float *dk = g->sums + (size_t)(i / s.heads) * sum_floats(s), *dv = dk + s.nk * s.c;
    for (int64_t key = 0; key < 2 * s.nk; key++)
        memset(dk + key * s.c + head * s.d, 0, (size_t)s.d * sizeof(float));
    for (int64_t row = first; row < end; row += BLOCK)
        block_gradient(g, row, end - row < BLOCK ? end - row : BLOCK, head, dk, dv, thread);
}

/* dk and dv of one image, from its first piece, which holds the sum of all. */
static void store_sums(void *arg, int32_t i, int32_t thread)
{
    const gradient *g = arg;
    const int64_t count = g->s.nk * g->s.c, chunks = (count + SUM_CHUNK - 1) / SUM_CHUNK;
    const int64_t image = i / (2 * chunks), which = i / chunks % 2, first = i % chunks * SUM_CHUNK;
    const int64_t n = count - first < SUM_CHUNK ? count - first : SUM_CHUNK;
    const float *sum = g->sums + (size_t)(image * g->pieces) * sum_floats(g->s) + which * count + first;
    real *to = (which ? g->dv : g->dk) + image * count + first;
    (void)thread;
    for (FPC_COLUMNS(j, lanes, n))
        vr_put(to + j, vf_get(sum + j, lanes), lanes);
}

fpc_status attention_grad_run(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    const attention_size s = attention_size_of(node, 6);
    const fpc_tensor *in = node->in, *out = node->out;
    float *packed = fpc_exec_shared(x);
    gradient g = {.s = s,
                  .exec = x,
                  .q = reals(&in[0]),
                  .k = reals(&in[1]),
                  .v = reals(&in[2]),
                  .o = reals(&in[3]),
                  .lse = floats(&in[4]),
                  .d_o = reals(&in[5]),
                  .dq = reals(&out[0]),
                  .dk = reals(&out[1]),
                  .dv = reals(&out[2]),
                  .pieces = pieces_of_image(s),
                  .packed = packed,
                  .sums = packed + (size_t)(s.n * s.heads) * packed_floats(s)};
    (void)rows;
    fpc_exec_parallel(x, (int32_t)(s.n * s.heads), pack, &g);
    fpc_exec_parallel(x, (int32_t)(s.n * g.pieces * s.heads), piece_gradient, &g);
    parts_fold_run(x, (parts_fold){.base = g.sums,
                                   .stride = (int64_t)sum_floats(s),
                                   .batch_stride = g.pieces * (int64_t)sum_floats(s),
                                   .count = (int64_t)sum_floats(s),
                                   .parts = (int32_t)g.pieces,
                                   .batch = s.n});
    fpc_exec_parallel(x, (int32_t)(s.n * 2 * ((s.nk * s.c + SUM_CHUNK - 1) / SUM_CHUNK)), store_sums, &g);
    return FPC_OK;
}
