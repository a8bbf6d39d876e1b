/* convnext_fpn.c: a convolutional network of our own: an encoder of ConvNeXt blocks (Liu et al. 2022, arXiv:2201.03545)
 * and the decoder of progressive.c, a feature pyramid (Lin et al. 2017, arXiv:1612.03144) that goes on to half of the
 * picture's size. It differs from ConvNeXt where that is made for large data at stride 4: the picture is halved by two
 * 3x3 convolutions, and the first of them is the decoder's last skip; stages are entered by 3x3 convolutions that
 * overlap; norms are batch norms, which in inference are one factor and one term for a channel; kernels are 5x5. */
#include "drop_path.h"
#include "progressive.h"

enum { MAX_STAGES = 8 };

struct convnext {
    fpc_self self;
    fpc_ints dims, depths;
    int64_t kernel, expansion, stem_dim, refine_dim, half_dim;
    double drop_path;
};

/* x + what two pointwise maps, wide in between, make of each pixel's neighbourhood. Names are those of ConvNeXt. */
static fpc_val block(fpc_graph *g, const struct convnext *m, fpc_val x, float skipped)
{
    const int32_t c = fpc_shape_of(g, x).c, k = (int32_t)m->kernel;
    const fpc_conv_args around = {.size = sizeof around, .k = k, .stride = 1, .pad = k / 2, .groups = c};

    fpc_val y = fpc_batch_norm(g, "norm", fpc_conv2d(g, "dwconv", x, c, &around), 1e-5f, 0.1f);
    y = fpc_gelu(g, fpc_linear(g, "pwconv1", y, c * (int32_t)m->expansion, 1));
    y = fpc_linear(g, "pwconv2", y, c, 1);
    return fpc_add(g, x, fpc_drop_path(g, m->self.arena, "drop_path", y, skipped));
}

/* half (n,h/2,w/2,c) -> map[i] (n,h/s,w/s,dims[i]), s = 4, 8, 16 .. */
static void encode(fpc_graph *g, const struct convnext *m, fpc_val half, fpc_val *map)
{
    const conv_bn halve = {.k = 3, .stride = 2}; /* no ReLU: the blocks add to this */
    int64_t blocks = 0, b = 0;
    fpc_val x = half;

    for (int64_t i = 0; i < m->depths.n; i++)
        blocks += m->depths.v[i];
    for (int32_t i = 0; i < (int32_t)m->dims.n; i++) {
        fpc_enter(g, "stage%d", i + 1);
        x = fpc_conv_bn(g, "down", x, (int32_t)m->dims.v[i], halve);
        for (int32_t k = 0; k < (int32_t)m->depths.v[i]; k++) {
            fpc_enter(g, "%d", k);
            x = block(g, m, x, fpc_drop_path_chance(m->drop_path, b++, 0, blocks));
            fpc_leave(g);
        }
        map[i] = x;
        fpc_leave(g);
    }
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const struct convnext *m = (const struct convnext *)self;
    const fpc_conv_args head = {.size = sizeof head, .k = 1, .stride = 1, .bias = 1};
    const conv_bn halve = {.k = 3, .stride = 2, .relu = 1};
    const fpc_val half = fpc_conv_bn(g, "stem", io->image, (int32_t)m->stem_dim, halve);
    fpc_val map[MAX_STAGES];

    encode(g, m, half, map);
    fpc_enter(g, "decoder");
    fpc_val x = fpc_prog_top_down(g, (int32_t)m->dims.n, map, (int32_t)m->refine_dim);
    x = fpc_prog_join(g, x, half, (int32_t)m->half_dim);
    io->logits = fpc_conv2d(g, "conv_seg", x, io->classes, &head);
    fpc_leave(g);
    return FPC_OK;
}

static fpc_status init(fpc_self *self)
{
    const struct convnext *m = (const struct convnext *)self;

    if (m->dims.n < 1 || m->dims.n > MAX_STAGES)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.dims has %lld numbers; 1 to %d stages are possible", self->label,
                        (long long)m->dims.n, MAX_STAGES);
    if (m->depths.n != m->dims.n)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.depths has %lld numbers, but %s.dims has %lld: one for each stage",
                        self->label, (long long)m->depths.n, self->label, (long long)m->dims.n);
    if (m->kernel % 2 == 0)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s.kernel = %lld: kernels have a middle; give an odd number",
                        self->label, (long long)m->kernel);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INTS(struct convnext, dims, "32, 64, 128, 160", 1, 4096, "channels",
                    "width of each encoder stage, at 1/4, 1/8, 1/16 .. of the picture's size"),
    FPC_OPTION_INTS(struct convnext, depths, "3, 4, 6, 2", 0, 100, "blocks", "blocks of each stage"),
    FPC_OPTION_INT(struct convnext, kernel, "5", 1, 31, "pixels", "side of the depth-wise convolutions, odd"),
    FPC_OPTION_INT(struct convnext, expansion, "4", 1, 16, "", "hidden width of the blocks over the stage's width"),
    FPC_OPTION_INT(struct convnext, stem_dim, "24", 1, 4096, "channels",
                   "width at half of the picture's size on the way down"),
    FPC_OPTION_INT(struct convnext, refine_dim, "96", 1, 4096, "channels",
                   "width of the decoder up to a quarter of the picture's size"),
    FPC_OPTION_INT(struct convnext, half_dim, "48", 1, 4096, "channels",
                   "width of the decoder at half of the picture's size"),
    FPC_OPTION_REAL(struct convnext, drop_path, "0.1", 0, 0.95, "prob",
                    "chance that the last block is skipped for a picture; less for those before it, 0 for the first"),
    {0}};
static const fpc_model_vtbl vtbl = {.size = sizeof vtbl, .build = build};
static const fpc_plugin convnext_fpn = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_MODEL,
    .name = "convnext_fpn",
    .summary = "ConvNeXt blocks with batch norms, and a feature pyramid up to half size.",
    .detail =
        "A convolutional network of our own for the limit of 1,821,085 parameters: with the defaults and 19 classes "
        "it has 1,761,379. A block is a depth-wise convolution, batch norm, a pointwise map to expansion times as many "
        "channels, GELU and a pointwise map back. The decoder adds the stages from the last to the first and ends at "
        "half of the picture's size. Norms are of batches, so take batches of several pictures.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct convnext),
    .init = init,
    .vtbl = &vtbl};
FPC_PLUGINS(&convnext_fpn)
