/* segformer_b0.c: SegFormer (Xie et al. 2021, arXiv:2105.15203) in the shape of its smallest member, B0: overlapping
 * patches, attention whose keys come from a smaller map, Mix-FFN, and a decoder of linear maps. The defaults are
 * narrower than B0, so that they stay below 1,821,085 parameters.
 *
 * Parameter names are those of the authors' checkpoints (backbone.block1.0.attn.q.weight, decode_head.linear_c1.proj).
 */
#include "drop_path.h"
#include <fpcore/ops.h>

enum { MAX_STAGES = 4, INIT_PYTORCH, INIT_PAPER };

struct segformer {
    fpc_self self;
    fpc_ints dims, depths, sr_ratios, heads;
    int64_t decoder_dim, mlp_ratio, init;
    double drop_path, dropout;
};

/* One encoder stage in int32_t. */
struct stage {
    int32_t dim, depth, sr, heads, hidden, paper;
    double drop_path;       /* of the network's last block */
    int64_t before, blocks; /* of the network: before this stage, in all */
};

/* ---- layers whose start is an option ---- */

static fpc_val bias_of(fpc_graph *g, int32_t out, int64_t fan_in, int paper)
{
    return fpc_param(g, "bias", 1, (fpc_shape){1, 1, 1, out}, paper ? FPC_FILL_ZERO : FPC_FILL_UNIFORM_FAN_IN, fan_in);
}

/* paper: N(0, 0.02) cut at two sigma, bias 0. */
static fpc_val linear(fpc_graph *g, const char *name, fpc_val x, int32_t out, int paper)
{
    const int32_t c = fpc_shape_of(g, x).c;

    fpc_enter(g, "%s", name);
    const fpc_fill fill = paper ? FPC_FILL_TRUNC_NORMAL : FPC_FILL_UNIFORM_FAN_IN;
    const fpc_val in[] = {x, fpc_param(g, "weight", 2, (fpc_shape){1, 1, out, c}, fill, c), bias_of(g, out, c, paper)};
    x = fpc_op(g, "linear", "", 3, in, NULL, 0, NULL);
    fpc_leave(g);
    return x;
}

/* paper: N(0, 2/fan_out), bias 0. */
static fpc_val conv(fpc_graph *g, const char *name, fpc_val x, int32_t out, fpc_conv_attr a, int paper)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const int32_t per_group = s.c / a.groups;
    const int64_t window = (int64_t)a.kh * a.kw, fan_in = window * per_group, fan_out = window * out / a.groups;

    a.h = s.h, a.w = s.w;
    fpc_enter(g, "%s", name);
    const fpc_fill fill = paper ? FPC_FILL_KAIMING : FPC_FILL_UNIFORM_FAN_IN;
    const fpc_val in[] = {
        x, fpc_param(g, "weight", 4, (fpc_shape){out, a.kh, a.kw, per_group}, fill, paper ? fan_out : fan_in),
        bias_of(g, out, fan_in, paper)};
    x = fpc_op(g, "conv2d", "", 3, in, FPC_ATTR(a), NULL);
    fpc_leave(g);
    return x;
}

/* ---- encoder ---- */

/* y = LN(x). Keys and values come from a map that is sr times smaller; its remainder is dropped. */
static fpc_val attention(fpc_graph *g, fpc_val y, const struct stage *s)
{
    fpc_val small = y;

    fpc_enter(g, "attn");
    const fpc_val q = linear(g, "q", y, s->dim, s->paper);
    if (s->sr > 1) {
        const fpc_conv_attr reduce = {s->sr, s->sr, s->sr, 0, 1, 0, 0};
        small = fpc_layer_norm(g, "norm", conv(g, "sr", y, s->dim, reduce, s->paper), 1e-5f);
    }
    const fpc_val kv = linear(g, "kv", small, 2 * s->dim, s->paper);
    const fpc_val k = fpc_slice(g, kv, 0, s->dim), v = fpc_slice(g, kv, s->dim, s->dim);
    y = linear(g, "proj", fpc_attention(g, "attention", q, k, v, s->heads, 0), s->dim, s->paper);
    fpc_leave(g);
    return y;
}

/* The depth-wise convolution stands for a positional encoding. */
static fpc_val mix_ffn(fpc_graph *g, fpc_val y, const struct stage *s)
{
    const fpc_conv_attr around = {3, 3, 1, 1, s->hidden, 0, 0};

    fpc_enter(g, "mlp");
    y = conv(g, "dwconv.dwconv", linear(g, "fc1", y, s->hidden, s->paper), s->hidden, around, s->paper);
    y = linear(g, "fc2", fpc_gelu(g, y), s->dim, s->paper);
    fpc_leave(g);
    return y;
}

static fpc_val encoder_stage(fpc_graph *g, fpc_arena *arena, fpc_val x, const struct stage *s, int32_t i)
{
    static const char *const norm[MAX_STAGES] = {"norm1", "norm2", "norm3", "norm4"};
    const fpc_conv_attr patch = {i ? 3 : 7, i ? 3 : 7, i ? 2 : 4, i ? 1 : 3, 1, 0, 0};

    fpc_enter(g, "patch_embed%d", i + 1);
    x = fpc_layer_norm(g, "norm", conv(g, "proj", x, s->dim, patch, s->paper), 1e-5f);
    fpc_leave(g);
    for (int32_t b = 0; b < s->depth; b++) {
        const float p = fpc_drop_path_chance(s->drop_path, s->before, b, s->blocks);
        fpc_enter(g, "block%d.%d", i + 1, b);
        fpc_val y = attention(g, fpc_layer_norm(g, "norm1", x, 1e-6f), s);
        x = fpc_add(g, x, fpc_drop_path(g, arena, "drop_path1", y, p));
        y = mix_ffn(g, fpc_layer_norm(g, "norm2", x, 1e-6f), s);
        x = fpc_add(g, x, fpc_drop_path(g, arena, "drop_path2", y, p));
        fpc_leave(g);
    }
    return fpc_layer_norm(g, norm[i], x, 1e-6f);
}

static void encoder(fpc_graph *g, const struct segformer *m, fpc_val x, fpc_val *map)
{
    int64_t blocks = 0, before = 0;

    for (int64_t i = 0; i < m->depths.n; i++)
        blocks += m->depths.v[i];
    fpc_enter(g, "backbone");
    for (int32_t i = 0; i < (int32_t)m->dims.n; i++) {
        const struct stage s = {.dim = (int32_t)m->dims.v[i],
                                .depth = (int32_t)m->depths.v[i],
                                .sr = (int32_t)m->sr_ratios.v[i],
                                .heads = (int32_t)m->heads.v[i],
                                .hidden = (int32_t)(m->dims.v[i] * m->mlp_ratio),
                                .paper = m->init == INIT_PAPER,
                                .drop_path = m->drop_path,
                                .before = before,
                                .blocks = blocks};
        map[i] = x = encoder_stage(g, m->self.arena, x, &s, i);
        before += s.depth;
    }
    fpc_leave(g);
}

/* ---- decoder ---- */

/* All maps at the size of the first, the last one first as the authors have it; logits at that size. */
static fpc_val decoder(fpc_graph *g, const struct segformer *m, const fpc_val *map, int32_t classes)
{
    static const char *const name[MAX_STAGES] = {"linear_c1.proj", "linear_c2.proj", "linear_c3.proj",
                                                 "linear_c4.proj"};
    const fpc_conv_args fuse = {.size = sizeof fuse, .k = 1, .stride = 1};
    const fpc_conv_args head = {.size = sizeof head, .k = 1, .stride = 1, .bias = 1};
    const int32_t n = (int32_t)m->dims.n, dim = (int32_t)m->decoder_dim;
    const fpc_shape at = fpc_shape_of(g, map[0]);
    fpc_val part[MAX_STAGES];

    fpc_enter(g, "decode_head");
    for (int32_t i = n - 1; i >= 0; i--)
        part[n - 1 - i] = fpc_resize(g, fpc_linear(g, name[i], map[i], dim, 1), at.h, at.w, 0);
    fpc_enter(g, "linear_fuse");
    fpc_val x = fpc_conv2d(g, "conv", fpc_concat(g, n, part), dim, &fuse);
    x = fpc_relu(g, fpc_batch_norm(g, "bn", x, 1e-5f, 0.1f));
    fpc_leave(g);
    x = fpc_conv2d(g, "linear_pred", fpc_dropout(g, "dropout", x, (float)m->dropout, 1), classes, &head);
    fpc_leave(g);
    return x;
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const struct segformer *m = (const struct segformer *)self;
    fpc_val map[MAX_STAGES];

    encoder(g, m, io->image, map);
    io->logits = decoder(g, m, map, io->classes);
    return FPC_OK;
}

static fpc_status init(fpc_self *self)
{
    const struct segformer *m = (const struct segformer *)self;
    const fpc_ints *list[] = {&m->depths, &m->sr_ratios, &m->heads};
    static const char *const name[] = {"depths", "sr_ratios", "heads"};

    if (m->dims.n < 1 || m->dims.n > MAX_STAGES)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.dims has %lld numbers; 1 to %d stages are possible", self->label,
                        (long long)m->dims.n, MAX_STAGES);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i]->n != m->dims.n)
            return fpc_fail(self->ctx, FPC_EINVAL, "%s.%s has %lld numbers, but %s.dims has %lld: one for each stage",
                            self->label, name[i], (long long)list[i]->n, self->label, (long long)m->dims.n);
    for (int64_t i = 0; i < m->dims.n; i++)
        if (m->dims.v[i] % m->heads.v[i])
            return fpc_fail(self->ctx, FPC_EINVAL, "%s.heads: %lld heads do not divide the %lld channels of stage %lld",
                            self->label, (long long)m->heads.v[i], (long long)m->dims.v[i], (long long)i + 1);
    return FPC_OK;
}

static const fpc_choice inits[] = {
    {"pytorch", INIT_PYTORCH, "uniform by fan-in, PyTorch's default"},
    {"paper", INIT_PAPER, "encoder: normal, of 0.02 for linear maps and by fan-out for convolutions; no biases"},
    {0}};
static const fpc_option options[] = {
    FPC_OPTION_INTS(struct segformer, dims, "32, 64, 112, 160", 1, 4096, "channels", "width of each encoder stage"),
    FPC_OPTION_INTS(struct segformer, depths, "2, 2, 2, 2", 0, 100, "blocks", "transformer blocks of each stage"),
    FPC_OPTION_INTS(struct segformer, sr_ratios, "8, 4, 2, 1", 1, 64, "",
                    "how many times smaller, along each side, the map is that keys and values are taken from"),
    FPC_OPTION_INTS(struct segformer, heads, "1, 2, 4, 5", 1, 64, "", "attention heads of each stage"),
    FPC_OPTION_INT(struct segformer, mlp_ratio, "4", 1, 16, "", "hidden width of the MLPs over the stage's width"),
    FPC_OPTION_INT(struct segformer, decoder_dim, "128", 1, 4096, "channels", "width of the decoder"),
    FPC_OPTION_REAL(struct segformer, drop_path, "0.1", 0, 0.95, "prob",
                    "chance that the last block is skipped for a picture; less for those before it, 0 for the first"),
    FPC_OPTION_REAL(struct segformer, dropout, "0.1", 0, 0.95, "prob",
                    "dropout of whole channels before the classifier"),
    FPC_OPTION_CHOICE(struct segformer, init, "pytorch", inits, "how the weights start"),
    {0}};
static const fpc_model_vtbl vtbl = {.size = sizeof vtbl, .build = build};
static const fpc_plugin segformer_b0 = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_MODEL,
    .name = "segformer_b0",
    .summary = "SegFormer like B0: Mix-FFN, several heads, a decoder of linear maps.",
    .detail =
        "What MicroSegFormer was made smaller from: several attention heads, a depth-wise convolution in each MLP, "
        "stochastic depth. With the defaults and 19 classes it has 1,807,715 parameters. B0 itself is dims = 32, 64, "
        "160, 256, heads = 1, 2, 5, 8, decoder_dim = 256: 3,719,027 parameters.\n"
        "Parameter names are those of the authors' checkpoints.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct segformer),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&segformer_b0)
