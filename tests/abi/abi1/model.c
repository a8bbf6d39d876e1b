/* old.c: a model: a few convolutions at a quarter of the picture's size, and a residual block of depthwise ones.
 *
 * A model describes a static graph; nothing is computed here. Verbs that fail pass the error on by themselves, so no
 * checks are needed. Tensors are (n,h,w,c). Logits may be smaller than the picture: the core upsamples them. Scopes
 * and layers make the parameters' names in checkpoints: "block0.depth.conv.weight" (`fpcore model` lists them). */
#include <fpcore/model.h>

struct model {
    fpc_self self;
    int64_t width, blocks;
    double dropout;
};

static fpc_val conv(fpc_graph *g, const char *name, fpc_val x, int32_t out_c, int32_t k, int32_t stride, int32_t groups)
{
    const fpc_conv_args args = {.size = sizeof args, .k = k, .stride = stride, .pad = k / 2, .groups = groups};

    fpc_enter(g, "%s", name);
    x = fpc_conv2d(g, "conv", x, out_c, &args);
    x = fpc_batch_norm(g, "norm", x, 1e-5f, 0.1f);
    fpc_leave(g);
    return fpc_relu(g, x);
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const struct model *m = (const struct model *)self;
    const int32_t width = (int32_t)m->width;
    fpc_val x = conv(g, "stem1", io->image, width / 2, 3, 2, 1);

    x = conv(g, "stem2", x, width, 3, 2, 1);
    for (int64_t i = 0; i < m->blocks; i++) {
        fpc_enter(g, "block%d", (int)i);
        fpc_val y = conv(g, "depth", x, width, 5, 1, width);
        y = conv(g, "point", y, width, 1, 1, 1);
        x = fpc_add(g, x, y);
        fpc_leave(g);
    }
    x = fpc_dropout(g, "drop", x, (float)m->dropout, 1); /* nothing in evaluation graphs */
    io->logits = fpc_linear(g, "head", x, io->classes, 1);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_INT(struct model, width, "32", 2, 1024, "", "channels"),
    FPC_OPTION_INT(struct model, blocks, "3", 0, 64, "", "residual blocks"),
    FPC_OPTION_REAL(struct model, dropout, "0", 0, 0.9, "prob", "of whole channels, before the head"),
    {0}};

static const fpc_model_vtbl vtbl = {.size = sizeof vtbl, .build = build};

static const fpc_plugin plugin = {FPC_PLUGIN_HEAD,
                                  .kind = FPC_MODEL,
                                  .name = "old",
                                  .summary = "A small convolutional network.",
                                  .version = "1.0",
                                  .license = "MIT",
                                  .options = options,
                                  .self_size = sizeof(struct model),
                                  .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
