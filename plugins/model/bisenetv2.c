/* bisenetv2.c: BiSeNetV2 (Yu et al. 2021, arXiv:2004.02147): a wide, shallow branch for detail at an eighth of the
 * picture's size, a narrow, deep one for semantics that ends at a 32nd, and an aggregation in which each gates the
 * other. The parts are in bisenetv2_parts.c. The paper's auxiliary heads, which only training uses, are left out: a
 * model here has one output. */
#include "bisenetv2.h"

enum { DETAIL_STAGES = 3, SEMANTIC_STAGES = 4 };

struct bisenetv2 {
    fpc_self self;
    fpc_ints detail, semantic;
    int64_t aggregation, head, expansion;
    double dropout;
};

static int32_t at(const fpc_ints *list, int i)
{
    return (int32_t)list->v[i];
}

/* Each stage halves once, then keeps the size: two convolutions in the first, three in the others. */
static fpc_val detail_branch(fpc_graph *g, const struct bisenetv2 *b, fpc_val x)
{
    fpc_enter(g, "detail");
    for (int i = 0; i < DETAIL_STAGES; i++) {
        fpc_enter(g, "s%d", i + 1);
        for (int k = 0; k < (i ? 3 : 2); k++)
            x = fpc_conv_bn(g,
                            k == 0   ? "0"
                            : k == 1 ? "1"
                                     : "2",
                            x, at(&b->detail, i), (conv_bn){.k = 3, .stride = k ? 1 : 2, .relu = 1});
        fpc_leave(g);
    }
    fpc_leave(g);
    return x;
}

static fpc_val semantic_branch(fpc_graph *g, const struct bisenetv2 *b, fpc_val x)
{
    static const int depth[SEMANTIC_STAGES] = {0, 2, 2, 4};

    fpc_enter(g, "semantic");
    x = fpc_bise_stem(g, x, at(&b->semantic, 0));
    for (int i = 1; i < SEMANTIC_STAGES; i++)
        for (int k = 0; k < depth[i]; k++) {
            fpc_enter(g, "s%d.%d", i + 2, k);
            x = fpc_bise_gather(g, x, at(&b->semantic, i), (int32_t)b->expansion, k ? 1 : 2);
            fpc_leave(g);
        }
    x = fpc_bise_context(g, x);
    fpc_leave(g);
    return x;
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const struct bisenetv2 *b = (const struct bisenetv2 *)self;
    const fpc_conv_args classify = {.size = sizeof classify, .k = 1, .stride = 1, .bias = 1};
    const fpc_val detail = detail_branch(g, b, io->image), semantic = semantic_branch(g, b, io->image);

    fpc_val x = fpc_bise_aggregate(g, self->arena, detail, semantic, (int32_t)b->aggregation);
    fpc_enter(g, "head");
    x = fpc_conv_bn(g, "conv", x, (int32_t)b->head, (conv_bn){.k = 3, .stride = 1, .relu = 1});
    x = fpc_dropout(g, "dropout", x, (float)b->dropout, 0);
    io->logits = fpc_conv2d(g, "conv_seg", x, io->classes, &classify);
    fpc_leave(g);
    return FPC_OK;
}

static fpc_status init(fpc_self *self)
{
    const struct bisenetv2 *b = (const struct bisenetv2 *)self;

    if (b->detail.n != DETAIL_STAGES || b->semantic.n != SEMANTIC_STAGES)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.detail has %lld widths and %s.semantic %lld; they need %d and %d",
                        self->label, (long long)b->detail.n, self->label, (long long)b->semantic.n, DETAIL_STAGES,
                        SEMANTIC_STAGES);
    if (at(&b->semantic, 0) % 2)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.semantic: the stem halves its %d channels; give an even number",
                        self->label, at(&b->semantic, 0));
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INTS(struct bisenetv2, detail, "64, 64, 128", 1, 4096, "channels",
                    "widths of the detail branch at 1/2, 1/4 and 1/8 of the picture's size"),
    FPC_OPTION_INTS(struct bisenetv2, semantic, "16, 32, 64, 96", 1, 4096, "channels",
                    "widths of the semantic branch at 1/4, 1/8, 1/16 and 1/32"),
    FPC_OPTION_INT(struct bisenetv2, aggregation, "96", 1, 4096, "channels", "width in which the branches meet"),
    FPC_OPTION_INT(struct bisenetv2, head, "256", 1, 4096, "channels", "width of the head's 3x3 convolution"),
    FPC_OPTION_INT(struct bisenetv2, expansion, "6", 1, 16, "", "hidden width of the gather blocks over their input's"),
    FPC_OPTION_REAL(struct bisenetv2, dropout, "0.1", 0, 0.95, "prob", "dropout before the classifier"),
    {0}};
static const fpc_model_vtbl vtbl = {.size = sizeof vtbl, .build = build};
static const fpc_plugin bisenetv2 = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_MODEL,
    .name = "bisenetv2",
    .summary = "BiSeNetV2: a detail and a semantic branch that gate each other.",
    .detail = "A convolutional network without attention, as a second family beside MicroSegFormer. With the defaults "
              "and 19 classes it has 1,790,723 parameters. The paper's network is semantic = 16, 32, 64, 128, "
              "aggregation = 128, head = 1024: 3,358,627 parameters. Its auxiliary heads are left out. The context "
              "block normalises one number for each picture and channel over the batch, so take batches of several.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct bisenetv2),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&bisenetv2)
