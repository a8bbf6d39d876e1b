/* microsegformer.c: MicroSegFormer, a SegFormer (Xie et al. 2021, arXiv:2105.15203) small enough for 1.8 million
 * parameters, with a one-scale attention module (LMSA) after the fusion of its decoder; its options make the ablations
 * and the other decoders of the reports, and decoders of our own. The network itself is in microsegformer_encoder.c
 * and _decoder.c.
 *
 * A plain statement of the paper: the compiler moves linear maps in front of resizes, splits the concatenation and
 * folds weights (core/graph/passes/rewrite.c). Parameter names are those of the PyTorch model, so its checkpoints load.
 */
#include "microsegformer.h"

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const struct microsegformer *m = (const struct microsegformer *)self;
    fpc_val map[MICRO_MAX_STAGES];

    fpc_micro_encode(g, m, io->image, map);
    io->logits = fpc_micro_decode(g, m, io->image, map, io->classes);
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

    if (n < 1 || n > MICRO_MAX_STAGES)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.dims has %lld numbers; 1 to %d stages are possible", self->label,
                        (long long)n, MICRO_MAX_STAGES);
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

static const fpc_choice decoders[] = {
    {"standard", MICRO_STANDARD, "all stages at a quarter of the picture's size, two linear maps"},
    {"single_scale", MICRO_SINGLE_SCALE, "ablation: the last stage alone, two linear maps"},
    {"deep_mlp", MICRO_DEEP_MLP, "ablation: all stages, three linear maps"},
    {"enhanced", MICRO_ENHANCED, "standard, then five 3x3 convolutions up to full size: 759,296 parameters more"},
    {"lightweight", MICRO_LIGHTWEIGHT, "standard, then two 3x3 convolutions up to full size: 315,776 more"},
    {"progressive", MICRO_PROGRESSIVE,
     "step by step from the last stage to half of the picture's size: 66,960 parameters fewer"},
    {"refine", MICRO_REFINE, "standard, then refined at half of the picture's size: 10,768 more"},
    {0}};
static const fpc_option options[] = {
    FPC_OPTION_INTS(struct microsegformer, dims, "32, 64, 128, 192", 1, 4096, "channels",
                    "width of each encoder stage"),
    FPC_OPTION_INTS(struct microsegformer, depths, "1, 2, 2, 2", 0, 100, "blocks", "transformer blocks of each stage"),
    FPC_OPTION_INTS(struct microsegformer, sr_ratios, "8, 4, 2, 1", 1, 64, "",
                    "how many times smaller, along each side, the map is that keys and values are taken from"),
    FPC_OPTION_INTS(struct microsegformer, heads, "1, 1, 1, 1", 1, 64, "", "attention heads of each stage"),
    FPC_OPTION_INT(struct microsegformer, mlp_ratio, "2", 1, 16, "", "hidden width of the MLPs over the stage's width"),
    FPC_OPTION_BOOL(
        struct microsegformer, mix_ffn, "off",
        "a depth-wise 3x3 convolution in each MLP, as SegFormer has: 16,000 parameters at the other defaults"),
    FPC_OPTION_INT(struct microsegformer, decoder_dim, "128", 4, 4096, "channels",
                   "width of the decoder; progressive has its own"),
    FPC_OPTION_INT(struct microsegformer, refine_dim, "96", 4, 4096, "channels",
                   "progressive: width of the steps up to a quarter of the picture's size"),
    FPC_OPTION_INT(struct microsegformer, half_dim, "48", 1, 4096, "channels",
                   "progressive, refine: width at half of the picture's size"),
    FPC_OPTION_INT(struct microsegformer, stem_dim, "24", 1, 4096, "channels",
                   "progressive, refine: channels that come from the picture itself at half of its size"),
    FPC_OPTION_BOOL(struct microsegformer, attention, "on",
                    "off: ablation: a separable 3x3 convolution in its place; sr_ratios and heads then mean nothing"),
    FPC_OPTION_CHOICE(struct microsegformer, decoder, "standard", decoders, "how the stages become logits"),
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
        "The ablations of the model notes, with lmsa = off: attention = off has 1,053,075 parameters, decoder = "
        "single_scale 1,627,219, decoder = deep_mlp 1,820,499. Above the usual limit of 1,821,085: decoder = enhanced "
        "with 2,507,219 and lightweight with 2,063,699, both with LMSA.\n"
        "Of our own: decoder = progressive with 1,680,963 parameters, refine with 1,758,691, both with LMSA.\n"
        "Parameter names and layouts are those of the PyTorch model.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct microsegformer),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&microsegformer)
