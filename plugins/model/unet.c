/* unet.c: the classic U-Net (Ronneberger et al. 2015, arXiv:1505.04597) with batch norms, four levels deep: the
 * baseline that MicroSegFormer is compared with. With three levels of width 16 and transposed convolutions it is the
 * "simple UNet" of the reports' comparison of models.
 *
 * Parameter names are those of the usual PyTorch U-Net: inc.double_conv.N, downK.maxpool_conv.1.double_conv.N,
 * upK.conv.double_conv.N (and upK.up with transposed convolutions), outc.conv. Within a double_conv the entries are
 * conv 0, norm 1, (relu 2, dropout 3), conv 4, norm 5, (relu 6, dropout 7). */
#include <fpcore/model.h>

enum { MAX_LEVELS = 6 };

struct unet {
    fpc_self self;
    int64_t width, levels, bilinear;
    double dropout;
};

/* conv 3x3, batch norm, ReLU, channel dropout, twice: c -> mid -> out channels. */
static fpc_val double_conv(fpc_graph *g, fpc_val x, int32_t mid, int32_t out, float drop)
{
    const fpc_conv_args conv = {.size = sizeof conv, .k = 3, .stride = 1, .pad = 1};

    fpc_enter(g, "double_conv");
    x = fpc_batch_norm(g, "1", fpc_conv2d(g, "0", x, mid, &conv), 1e-5f, 0.1f);
    x = fpc_dropout(g, "3", fpc_relu(g, x), drop, 1);
    x = fpc_batch_norm(g, "5", fpc_conv2d(g, "4", x, out, &conv), 1e-5f, 0.1f);
    x = fpc_dropout(g, "7", fpc_relu(g, x), drop, 1);
    fpc_leave(g);
    return x;
}

/* Twice as large, then as large as the skip connection; [skip, up] -> out channels. */
static fpc_val up(fpc_graph *g, const struct unet *u, fpc_val x, fpc_val skip, int32_t out)
{
    const fpc_conv_args twice = {.size = sizeof twice, .k = 2, .stride = 2, .bias = 1};
    const fpc_shape to = fpc_shape_of(g, skip), in = fpc_shape_of(g, x);

    x = u->bilinear ? fpc_resize(g, x, 2 * in.h, 2 * in.w, 1) : fpc_conv_transpose2d(g, "up", x, in.c / 2, &twice);
    if (2 * in.h != to.h || 2 * in.w != to.w)
        x = fpc_pad(g, x, (to.h - 2 * in.h) / 2, (to.w - 2 * in.w) / 2, to.h, to.w);
    const fpc_val both[] = {skip, x};
    x = fpc_concat(g, 2, both);
    const int32_t mid = u->bilinear ? fpc_shape_of(g, x).c / 2 : out;
    fpc_enter(g, "conv");
    x = double_conv(g, x, mid, out, (float)u->dropout);
    fpc_leave(g);
    return x;
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const struct unet *u = (const struct unet *)self;
    const fpc_conv_args head = {.size = sizeof head, .k = 1, .stride = 1, .bias = 1};
    const int32_t b = (int32_t)u->width, levels = (int32_t)u->levels, halve = u->bilinear ? 2 : 1;
    const fpc_shape in = fpc_shape_of(g, io->image);
    fpc_val level[MAX_LEVELS + 1];

    if (in.h < 1 << levels || in.w < 1 << levels)
        return fpc_fail(self->ctx, FPC_EINVAL, "%s: pictures of %dx%d pixels are too small; %dx%d is the least",
                        self->label, in.w, in.h, 1 << levels, 1 << levels);
    fpc_enter(g, "inc");
    level[0] = double_conv(g, io->image, b, b, (float)u->dropout);
    fpc_leave(g);
    for (int32_t i = 1; i <= levels; i++) {
        const int32_t out = i < levels ? b << i : (b << i) / halve;
        fpc_enter(g, "down%d.maxpool_conv.1", i);
        level[i] = double_conv(g, fpc_max_pool(g, level[i - 1], 2, 2), out, out, (float)u->dropout);
        fpc_leave(g);
    }
    fpc_val x = level[levels];
    for (int32_t i = 1; i <= levels; i++) {
        const int32_t full = b << (levels - i);
        fpc_enter(g, "up%d", i);
        x = up(g, u, x, level[levels - i], i < levels ? full / halve : full);
        fpc_leave(g);
    }
    fpc_enter(g, "outc");
    io->logits = fpc_conv2d(g, "conv", x, io->classes, &head);
    fpc_leave(g);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct unet, width, "20", 1, 1024, "channels",
                   "channels of the first level; doubled in each next one"),
    FPC_OPTION_INT(struct unet, levels, "4", 1, MAX_LEVELS, "", "how often the picture is halved"),
    FPC_OPTION_BOOL(struct unet, bilinear, "on", "enlarge bilinearly; off: by transposed convolutions"),
    FPC_OPTION_REAL(struct unet, dropout, "0", 0, 0.95, "prob", "dropout of whole channels, after every ReLU"),
    {0}};
static const fpc_model_vtbl vtbl = {.size = sizeof vtbl, .build = build};
static const fpc_plugin unet = {
    FPC_PLUGIN_HEAD,
    .kind = FPC_MODEL,
    .name = "unet",
    .summary = "U-Net with batch norms, the baseline.",
    .detail = "With width 20, the bilinear up-path and 19 classes it has 1,688,499 parameters; with width 16, three "
              "levels and transposed convolutions 483,043. Pictures of any size from 2^levels "
              "pixels on: where halving rounds down, the up-path is padded with zeros.",
    .version = "1.0",
    .license = "MIT",
    .options = options,
    .self_size = sizeof(struct unet),
    .vtbl = &vtbl};
FPC_PLUGINS(&unet)
