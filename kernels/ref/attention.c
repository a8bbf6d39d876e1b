/* attention.c (reference): softmax(scale q k^T) v within each image and head, with dropout of the probabilities.
 * Head e owns the channels [e d, (e+1) d), d = c/heads. lse is the log of the sum of exp(scaled scores), so that the
 * gradient has each probability again as exp(score - lse); the dropout decisions are drawn again, not stored. */
#include "ref.h"

/* Which query and head: image n, query row, head; row_id numbers them for dropout. */
typedef struct query {
    int64_t n, row, head, row_id;
} query;

static real dot(const real *a, const real *b, int64_t n)
{
    real sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* What the probability of key j is multiplied with: 1, or 0 or 1/(1-p) with dropout. */
static real drop_factor(const fpc_attention_attr *a, const fpc_tensor *clock, query q, int64_t j)
{
    if (!clock || a->drop <= 0)
        return 1;
    return drop_keeps(clock, a->stream, a->drop, q.row_id, j) ? (real)fpc_drop_scale(a->drop) : 0;
}

/* attention(q, k, v[, clock]) -> o, lse */
static void attention_need(const fpc_node *node, fpc_need *need)
{
    need->thread = (size_t)image_rows(node->in[1].shape) * sizeof(real);
}

static void attend(const fpc_node *node, query at, const real *q, real *o, real *lse, real *score)
{
    const fpc_attention_attr *a = node->attr;
    const int64_t c = node->in[0].shape.c, d = c / a->heads, keys = image_rows(node->in[1].shape);
    const real *k = (const real *)node->in[1].data + at.n * keys * c + at.head * d;
    const real *v = (const real *)node->in[2].data + at.n * keys * c + at.head * d;
    const fpc_tensor *clock = node->n_in > 3 ? &node->in[3] : NULL;
    real most = -INFINITY, sum = 0;
    for (int64_t j = 0; j < keys; j++) {
        score[j] = (real)a->scale * dot(q, k + j * c, d);
        if (score[j] > most)
            most = score[j];
    }
    for (int64_t j = 0; j < keys; j++)
        sum += exp(score[j] - most);
    *lse = most + log(sum);
    memset(o, 0, (size_t)d * sizeof *o);
    for (int64_t j = 0; j < keys; j++) {
        const real p = exp(score[j] - most) / sum * drop_factor(a, clock, at, j);
        for (int64_t i = 0; i < d; i++)
            o[i] += p * v[j * c + i];
    }
}

static fpc_status attention(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    const int64_t heads = ((const fpc_attention_attr *)node->attr)->heads, c = node->in[0].shape.c, d = c / heads;
    const real *q = node->in[0].data;
    real *o = node->out[0].data, *lse = node->out[1].data, *score = fpc_exec_scratch(exec, rows.thread);
    for (int64_t r = 0; r < rows.count; r++)
        for (int64_t head = 0; head < heads; head++) {
            const int64_t row = rows.first + r;
            const query at = {row / image_rows(node->in[0].shape), row, head, row * heads + head};
            attend(node, at, q + r * c + head * d, o + r * c + head * d, lse + r * heads + head, score);
        }
    return FPC_OK;
}

/* attention_grad(q, k, v, o, lse, do[, clock]) -> dq, dk, dv. For one query and head, with p_j its probabilities and
 * m_j the dropout factors: dv_j += m_j p_j do; ds_j = p_j (m_j do.v_j - do.o); dq = scale sum_j ds_j k_j;
 * dk_j += scale ds_j q. dk and dv add up over the queries in double. */
static void attention_grad_need(const fpc_node *node, fpc_need *need)
{
    need->shared = 2 * (size_t)fpc_count(node->in[1].shape) * sizeof(double);
}

static void attend_grad(const fpc_node *node, query at, double *sum_dk, double *sum_dv)
{
    const fpc_attention_attr *a = node->attr;
    const int64_t c = node->in[0].shape.c, d = c / a->heads, keys = image_rows(node->in[1].shape);
    const int64_t mine = at.row * c + at.head * d, first_key = at.n * keys * c + at.head * d;
    const real *q = (const real *)node->in[0].data + mine, *k = (const real *)node->in[1].data + first_key;
    const real *v = (const real *)node->in[2].data + first_key, *o = (const real *)node->in[3].data + mine;
    const real lse = ((const real *)node->in[4].data)[at.row_id], *go = (const real *)node->in[5].data + mine;
    const fpc_tensor *clock = node->n_in > 6 ? &node->in[6] : NULL;
    const real scale = (real)a->scale, do_o = dot(go, o, d);
    real *dq = (real *)node->out[0].data + mine;
    memset(dq, 0, (size_t)d * sizeof *dq);
    for (int64_t j = 0; j < keys; j++) {
        const real p = exp(scale * dot(q, k + j * c, d) - lse), m = drop_factor(a, clock, at, j);
        const real ds = p * (m * dot(go, v + j * c, d) - do_o);
        for (int64_t i = 0; i < d; i++) {
            dq[i] += scale * ds * k[j * c + i];
            sum_dk[first_key + j * c + i] += (double)(scale * ds * q[i]);
            sum_dv[first_key + j * c + i] += (double)(m * p * go[i]);
        }
    }
}

static fpc_status attention_grad(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    const int64_t heads = ((const fpc_attention_attr *)node->attr)->heads, n = fpc_count(node->in[1].shape);
    const fpc_shape qs = node->in[0].shape;
    double *sum_dk = fpc_exec_shared(exec), *sum_dv = sum_dk + n;
    real *dk = node->out[1].data, *dv = node->out[2].data;
    memset(sum_dk, 0, 2 * (size_t)n * sizeof *sum_dk);
    for (int64_t row = 0; row < fpc_rows_of(qs); row++)
        for (int64_t head = 0; head < heads; head++)
            attend_grad(node, (query){row / image_rows(qs), row, head, row * heads + head}, sum_dk, sum_dv);
    for (int64_t i = 0; i < n; i++) {
        dk[i] = (real)sum_dk[i];
        dv[i] = (real)sum_dv[i];
    }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(attention)[] = {
    REF_ROW(attention, .need = attention_need), REF_ROW(attention_grad, .need = attention_grad_need), {0}};
