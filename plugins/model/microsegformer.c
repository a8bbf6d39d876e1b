/* microsegformer.c: MicroSegFormer, a SegFormer (Xie et al. 2021, arXiv:2105.15203) small enough for 1.8 million
 * parameters, with a one-scale attention module (LMSA) after the fusion of its decoder.
 *
 * A plain statement of the paper: the compiler moves linear maps in front of resizes, splits the concatenation and
 * folds weights (core/rewrite.c). Parameter names are those of the PyTorch model, so its checkpoints load. */
#include <fpcore/model.h>

enum { MAX_STAGES = 8 };

struct microsegformer {
    fpc_self self;
    fpc_ints dims, depths, sr_ratios, heads;
    int64_t decoder_dim, mlp_ratio, lmsa;
    double dropout;
};

/* One encoder stage in int32_t, and its dropout: p/2 in the first stage, p/4 more in each further one. */
struct stage {
    int32_t dim, depth, sr, heads, hidden;
    float drop;
};

/* y = LN(x) of (n,h,w,c). Keys and values come from a map that is sr times smaller; its remainder is dropped. */
static fpc_val attention(fpc_graph *g, fpc_val y, const struct stage *s)
{
    fpc_val small = y;

    fpc_enter(g, "attn");
    const fpc_val q = fpc_linear(g, "q", y, s->dim, 1);
    if (s->sr > 1) {
        const fpc_conv_args reduce = {.size = sizeof reduce, .k = s->sr, .stride = s->sr, .bias = 1};
        small = fpc_layer_norm(g, "norm", fpc_conv2d(g, "sr", y, s->dim, &reduce), 1e-5f);
    }
    const fpc_val kv = fpc_linear(g, "kv", small, 2 * s->dim, 1);
    const fpc_val k = fpc_slice(g, kv, 0, s->dim), v = fpc_slice(g, kv, s->dim, s->dim);
    fpc_val o = fpc_attention(g, "attention", q, k, v, s->heads, s->drop);
    o = fpc_dropout(g, "proj_dropout", fpc_linear(g, "proj", o, s->dim, 1), s->drop, 0);
    fpc_leave(g);
    return o;
}

static fpc_val mlp(fpc_graph *g, fpc_val y, const struct stage *s)
{
    fpc_enter(g, "mlp");
    y = fpc_dropout(g, "dropout1", fpc_gelu(g, fpc_linear(g, "fc1", y, s->hidden, 1)), s->drop, 0);
    y = fpc_dropout(g, "dropout2", fpc_linear(g, "fc2", y, s->dim, 1), s->drop, 0);
    fpc_leave(g);
    return y;
}

/* x (n,h,w,c_in) -> (n,h/stride,w/stride,dim), normalised: what the decoder and the next stage read. */
static fpc_val encoder_stage(fpc_graph *g, fpc_val x, const struct stage *s, int32_t i)
{
    const fpc_conv_args patch = {
        .size = sizeof patch, .k = i ? 3 : 7, .stride = i ? 2 : 4, .pad = i ? 1 : 3, .bias = 1};

    fpc_enter(g, "patch_embed%d", i + 1);
    x = fpc_layer_norm(g, "norm", fpc_conv2d(g, "proj", x, s->dim, &patch), 1e-5f);
    fpc_leave(g);
    for (int32_t b = 0; b < s->depth; b++) {
        fpc_enter(g, "block%d.%d", i + 1, b);
        x = fpc_add(g, x, attention(g, fpc_layer_norm(g, "norm1", x, 1e-5f), s));
        x = fpc_add(g, x, mlp(g, fpc_layer_norm(g, "norm2", x, 1e-5f), s));
        fpc_leave(g);
    }
    const char *norm[MAX_STAGES] = {"norm1", "norm2", "norm3", "norm4", "norm5", "norm6", "norm7", "norm8"};
    return fpc_layer_norm(g, norm[i], x, 1e-5f);
}

/* u * s + x: u a depth-wise separable convolution of x, s a gate for each channel from u's mean. */
static fpc_val lmsa(fpc_graph *g, fpc_val x, int32_t dim)
{
    const fpc_conv_args dw = {.size = sizeof dw, .k = 3, .stride = 1, .pad = 1, .groups = dim};
    const fpc_conv_args pw = {.size = sizeof pw, .k = 1, .stride = 1};

    fpc_enter(g, "lmsa");
    fpc_val u = fpc_conv2d(g, "pw_conv", fpc_conv2d(g, "dw_conv3x3", x, dim, &dw), dim, &pw);
    u = fpc_batch_norm(g, "bn", u, 1e-5f, 0.1f);
    fpc_val s = fpc_relu(g, fpc_linear(g, "fc.0", fpc_pool_mean(g, u), dim / 4, 0));
    s = fpc_sigmoid(g, fpc_linear(g, "fc.2", s, dim, 0));
    fpc_leave(g);
    return fpc_add(g, fpc_mul(g, u, s), x);
}

/* Maps c1 (the largest) to cN, fused at the size of c1; logits at four times that size. */
static fpc_val decoder(fpc_graph *g, const struct microsegformer *m, const fpc_val *map, int32_t n, int32_t classes)
{
    static const char *const name[MAX_STAGES] = {"linear_c1", "linear_c2", "linear_c3", "linear_c4",
                                                 "linear_c5", "linear_c6", "linear_c7", "linear_c8"};
    const fpc_conv_args head = {.size = sizeof head, .k = 1, .stride = 1, .bias = 1};
    const fpc_shape at = fpc_shape_of(g, map[0]);
    const int32_t dim = (int32_t)m->decoder_dim;
    fpc_val part[MAX_STAGES];

    fpc_enter(g, "decoder");
    for (int32_t i = n - 1; i >= 0; i--) {
        part[i] = fpc_linear(g, name[i], map[i], dim, 1);
        if (i)
            part[i] = fpc_resize(g, part[i], at.h, at.w, 0);
    }
    fpc_val x = fpc_linear(g, "linear_fuse.0", fpc_concat(g, n, part), dim, 1);
    x = fpc_linear(g, "linear_fuse.2", fpc_gelu(g, x), dim, 1);
    if (m->lmsa)
        x = lmsa(g, x, dim);
    x = fpc_conv2d(g, "conv_seg", fpc_resize(g, x, 4 * at.h, 4 * at.w, 0), classes, &head);
    fpc_leave(g);
    return x;
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const struct microsegformer *m = (const struct microsegformer *)self;
    fpc_val x = io->image, map[MAX_STAGES];

    for (int32_t i = 0; i < (int32_t)m->dims.n; i++) {
        const struct stage s = {.dim = (int32_t)m->dims.v[i],
                                .depth = (int32_t)m->depths.v[i],
                                .sr = (int32_t)m->sr_ratios.v[i],
                                .heads = (int32_t)m->heads.v[i],
                                .hidden = (int32_t)(m->dims.v[i] * m->mlp_ratio),
                                .drop = (float)(m->dropout * (0.5 + 0.25 * i))};
        map[i] = x = encoder_stage(g, x, &s, i);
    }
    io->logits = decoder(g, m, map, (int32_t)m->dims.n, io->classes);
    return FPC_OK;
}

static fpc_status same_length(fpc_self *self, const char *option, const fpc_ints *list, int64_t n)
{
    if (list->n == n)
        return FPC_OK;
    return fpc_fail(self->ctx, FPC_EINVAL, "%s.%s has %lld numbers, but %s.dims has %lld: one for each stage",
                    self->label, option, (long long)list->n, self->label, (long long)n);
}

static fpc_status init(fpc_self *self)
{
    const struct microsegformer *m = (const struct microsegformer *)self;
    const int64_t n = m->dims.n;

    if (n < 1 || n > MAX_STAGES)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.dims has %lld numbers; 1 to %d stages are possible", self->label,
                        (long long)n, MAX_STAGES);
    if (same_length(self, "depths", &m->depths, n) || same_length(self, "sr_ratios", &m->sr_ratios, n) ||
        same_length(self, "heads", &m->heads, n))
        return FPC_EINVAL;
    for (int64_t i = 0; i < n; i++)
        if (m->dims.v[i] % m->heads.v[i])
            return fpc_fail(self->ctx, FPC_EINVAL, "%s.heads: %lld heads do not divide the %lld channels of stage %lld",
                            self->label, (long long)m->heads.v[i], (long long)m->dims.v[i], (long long)i + 1);
    const double largest = m->dropout * (0.5 + 0.25 * (double)(n - 1));
    if (largest > 0.95)
        return fpc_fail(self->ctx, FPC_EINVAL,
                        "%s.dropout = %g: stage %lld would drop %g of its values; at most %g keeps it at 0.95",
                        self->label, m->dropout, (long long)n, largest, 0.95 * m->dropout / largest);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INTS(struct microsegformer, dims, "32, 64, 128, 192", 1, 4096, "channels",
                    "width of each encoder stage"),
    FPC_OPTION_INTS(struct microsegformer, depths, "1, 2, 2, 2", 0, 100, "blocks", "transformer blocks of each stage"),
    FPC_OPTION_INTS(struct microsegformer, sr_ratios, "8, 4, 2, 1", 1, 64, "",
                    "how many times smaller, along each side, the map is that keys and values are taken from"),
    FPC_OPTION_INTS(struct microsegformer, heads, "1, 1, 1, 1", 1, 64, "", "attention heads of each stage"),
    FPC_OPTION_INT(struct microsegformer, mlp_ratio, "2", 1, 16, "", "hidden width of the MLPs over the stage's width"),
    FPC_OPTION_INT(struct microsegformer, decoder_dim, "128", 4, 4096, "channels", "width of the decoder"),
    FPC_OPTION_BOOL(struct microsegformer, lmsa, "on",
                    "attention module after the fusion: 25,984 parameters at width 128"),
    FPC_OPTION_REAL(struct microsegformer, dropout, "0.15", 0, 1, "prob",
                    "dropout of the third stage; half of it in the first, a quarter more in each further one"),
    {0}};
static const fpc_model_vtbl vtbl = {.size = sizeof vtbl, .build = build};
static const fpc_plugin microsegformer = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_MODEL,
    .name = "microsegformer",
    .summary = "MicroSegFormer: hierarchical transformer encoder, MLP decoder, optional LMSA.",
    .detail =
        "Patches of 4x4 pixels, then three halvings; attention whose keys come from a smaller map; a decoder that "
        "projects every stage to decoder_dim channels, adds them up at a quarter of the picture's size and refines "
        "them with LMSA. With the defaults and 19 classes it has 1,747,923 parameters, 1,721,939 without LMSA.\n"
        "Parameter names and layouts are those of the PyTorch model.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct microsegformer),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&microsegformer)
