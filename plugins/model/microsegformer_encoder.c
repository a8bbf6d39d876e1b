/* microsegformer_encoder.c: the hierarchical encoder: for each stage overlapping patches, transformer blocks and a norm
 * or, for the ablation, blocks whose attention is a separable convolution. */
#include "microsegformer.h"

/* One encoder stage in int32_t, and its dropout: p/2 in the first stage, p/4 more in each further one. */
struct stage {
    int32_t dim, depth, sr, heads, hidden, attends, mixes;
    float drop;
};

/* y = LN(x) of (n,h,w,c). Keys and values come from a map that is sr times smaller; its remainder is dropped. */
static fpc_val attention(fpc_graph *g, fpc_val y, const struct stage *s)
{
    fpc_val small = y;

    const fpc_val q = fpc_linear(g, "q", y, s->dim, 1);
    if (s->sr > 1) {
        const fpc_conv_args reduce = {.size = sizeof reduce, .k = s->sr, .stride = s->sr, .bias = 1};
        small = fpc_layer_norm(g, "norm", fpc_conv2d(g, "sr", y, s->dim, &reduce), 1e-5f);
    }
    const fpc_val kv = fpc_linear(g, "kv", small, 2 * s->dim, 1);
    const fpc_val k = fpc_slice(g, kv, 0, s->dim), v = fpc_slice(g, kv, s->dim, s->dim);
    return fpc_linear(g, "proj", fpc_attention(g, "attention", q, k, v, s->heads, s->drop), s->dim, 1);
}

/* The ablation "no attention": each pixel sees its eight neighbours only. */
static fpc_val neighbours(fpc_graph *g, fpc_val y, const struct stage *s)
{
    const fpc_conv_args dw = {.size = sizeof dw, .k = 3, .stride = 1, .pad = 1, .groups = s->dim, .bias = 1};
    const fpc_conv_args pw = {.size = sizeof pw, .k = 1, .stride = 1, .bias = 1};

    y = fpc_batch_norm(g, "bn", fpc_conv2d(g, "dw_conv3x3", y, s->dim, &dw), 1e-5f, 0.1f);
    return fpc_conv2d(g, "pw_conv", y, s->dim, &pw);
}

static fpc_val mixer(fpc_graph *g, fpc_val y, const struct stage *s)
{
    fpc_enter(g, "attn");
    y = fpc_dropout(g, "proj_dropout", s->attends ? attention(g, y, s) : neighbours(g, y, s), s->drop, 0);
    fpc_leave(g);
    return y;
}

/* Mix-FFN: a depth-wise convolution between the two maps, which tells a pixel where it is by the border's zeros. */
static fpc_val mlp(fpc_graph *g, fpc_val y, const struct stage *s)
{
    const fpc_conv_args around = {.size = sizeof around, .k = 3, .stride = 1, .pad = 1, .groups = s->hidden, .bias = 1};

    fpc_enter(g, "mlp");
    y = fpc_linear(g, "fc1", y, s->hidden, 1);
    if (s->mixes)
        y = fpc_conv2d(g, "dwconv.dwconv", y, s->hidden, &around);
    y = fpc_dropout(g, "dropout1", fpc_gelu(g, y), s->drop, 0);
    y = fpc_dropout(g, "dropout2", fpc_linear(g, "fc2", y, s->dim, 1), s->drop, 0);
    fpc_leave(g);
    return y;
}

/* x (n,h,w,c_in) -> (n,h/stride,w/stride,dim), normalised: what the decoder and the next stage read. */
static fpc_val encoder_stage(fpc_graph *g, fpc_val x, const struct stage *s, int32_t i)
{
    static const char *const norm[MICRO_MAX_STAGES] = {"norm1", "norm2", "norm3", "norm4",
                                                       "norm5", "norm6", "norm7", "norm8"};
    const fpc_conv_args patch = {
        .size = sizeof patch, .k = i ? 3 : 7, .stride = i ? 2 : 4, .pad = i ? 1 : 3, .bias = 1};

    fpc_enter(g, "patch_embed%d", i + 1);
    x = fpc_layer_norm(g, "norm", fpc_conv2d(g, "proj", x, s->dim, &patch), 1e-5f);
    fpc_leave(g);
    for (int32_t b = 0; b < s->depth; b++) {
        fpc_enter(g, "block%d.%d", i + 1, b);
        x = fpc_add(g, x, mixer(g, fpc_layer_norm(g, "norm1", x, 1e-5f), s));
        x = fpc_add(g, x, mlp(g, fpc_layer_norm(g, "norm2", x, 1e-5f), s));
        fpc_leave(g);
    }
    return fpc_layer_norm(g, norm[i], x, 1e-5f);
}

void fpc_micro_encode(fpc_graph *g, const struct microsegformer *m, fpc_val image, fpc_val *map)
{
    fpc_val x = image;

    for (int32_t i = 0; i < (int32_t)m->dims.n; i++) {
        const struct stage s = {.dim = (int32_t)m->dims.v[i],
                                .depth = (int32_t)m->depths.v[i],
                                .sr = (int32_t)m->sr_ratios.v[i],
                                .heads = (int32_t)m->heads.v[i],
                                .hidden = (int32_t)(m->dims.v[i] * m->mlp_ratio),
                                .attends = (int32_t)m->attention,
                                .mixes = (int32_t)m->mix_ffn,
                                .drop = (float)(m->dropout * (0.5 + 0.25 * i))};
        map[i] = x = encoder_stage(g, x, &s, i);
    }
}
