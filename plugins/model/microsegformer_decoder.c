/* microsegformer_decoder.c: from the maps of the stages to logits: the standard decoder with LMSA, the two that
 * the reports ablate it to, and their two that refine it further; and two of our own, whose steps are in progressive.c.
 */
#include "microsegformer.h"

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

/* Every map projected to `dim` channels and enlarged to the size of the first, then an MLP over all of them. */
static fpc_val fuse(fpc_graph *g, const struct microsegformer *m, const fpc_val *map, int32_t dim)
{
    static const char *const name[MICRO_MAX_STAGES] = {"linear_c1", "linear_c2", "linear_c3", "linear_c4",
                                                       "linear_c5", "linear_c6", "linear_c7", "linear_c8"};
    const int32_t n = (int32_t)m->dims.n;
    const fpc_shape at = fpc_shape_of(g, map[0]);
    fpc_val part[MICRO_MAX_STAGES];

    if (m->decoder == MICRO_SINGLE_SCALE) /* no GELU between the two: the ablation has none */
        return fpc_linear(g, "linear_fuse", fpc_linear(g, name[n - 1], map[n - 1], dim, 1), dim, 1);
    for (int32_t i = n - 1; i >= 0; i--) {
        part[i] = fpc_linear(g, name[i], map[i], dim, 1);
        if (i)
            part[i] = fpc_resize(g, part[i], at.h, at.w, 0);
    }
    fpc_val x = fpc_concat(g, n, part);
    if (m->decoder == MICRO_DEEP_MLP) {
        x = fpc_gelu(g, fpc_linear(g, "linear_fuse.0", x, 2 * dim, 1));
        x = fpc_gelu(g, fpc_linear(g, "linear_fuse.2", x, dim, 1));
        return fpc_linear(g, "linear_fuse.4", x, dim, 1);
    }
    return fpc_linear(g, "linear_fuse.2", fpc_gelu(g, fpc_linear(g, "linear_fuse.0", x, dim, 1)), dim, 1);
}

/* k x k convolution and ReLU: with a batch norm between and no bias, or the other way round. */
static fpc_val refine(fpc_graph *g, const struct microsegformer *m, const char *name, fpc_val x, int32_t k)
{
    const int light = m->decoder == MICRO_LIGHTWEIGHT;
    const fpc_conv_args conv = {.size = sizeof conv, .k = k, .stride = 1, .pad = k / 2, .bias = light};

    fpc_enter(g, "%s", name);
    x = fpc_conv2d(g, "0", x, (int32_t)m->decoder_dim, &conv);
    x = fpc_relu(g, light ? x : fpc_batch_norm(g, "1", x, 1e-5f, 0.1f));
    fpc_leave(g);
    return x;
}

/* From a quarter of the picture's size to all of it in two steps; the first map comes in again after the first. The
 * reference wrote this map's size, 256x256, into the code: right at 512x512 only, where the two agree. */
static fpc_val enlarge(fpc_graph *g, const struct microsegformer *m, fpc_val x, fpc_val first)
{
    const fpc_shape at = fpc_shape_of(g, first);

    x = refine(g, m, "up1", fpc_resize(g, x, 2 * at.h, 2 * at.w, 0), 3);
    const fpc_val both[] = {x, fpc_resize(g, first, 2 * at.h, 2 * at.w, 0)};
    x = refine(g, m, "skip", fpc_concat(g, 2, both), 1);
    if (m->decoder == MICRO_ENHANCED)
        x = refine(g, m, "merge", x, 3);
    x = refine(g, m, "up2", fpc_resize(g, x, 4 * at.h, 4 * at.w, 0), 3);
    if (m->decoder == MICRO_ENHANCED)
        x = refine(g, m, "refine2", refine(g, m, "refine1", x, 3), 3);
    return x;
}

/* The picture itself comes in at half of its size: no stage of the encoder has seen it finer than a quarter. */
static fpc_val to_half(fpc_graph *g, const struct microsegformer *m, fpc_val image, fpc_val x)
{
    const conv_bn halve = {.k = 3, .stride = 2, .relu = 1};
    const fpc_val skip = fpc_conv_bn(g, "stem", image, (int32_t)m->stem_dim, halve);

    return fpc_prog_join(g, x, skip, (int32_t)m->half_dim);
}

fpc_val fpc_micro_decode(fpc_graph *g, const struct microsegformer *m, fpc_val image, const fpc_val *map,
                         int32_t classes)
{
    const fpc_conv_args head = {.size = sizeof head, .k = 1, .stride = 1, .bias = 1};
    const fpc_shape at = fpc_shape_of(g, map[0]);
    const int progressive = m->decoder == MICRO_PROGRESSIVE;
    const int32_t dim = (int32_t)(progressive ? m->refine_dim : m->decoder_dim);

    fpc_enter(g, "decoder");
    fpc_val x = progressive ? fpc_prog_top_down(g, (int32_t)m->dims.n, map, dim) : fuse(g, m, map, dim);
    if (m->lmsa)
        x = lmsa(g, x, dim);
    if (m->decoder == MICRO_ENHANCED || m->decoder == MICRO_LIGHTWEIGHT)
        x = enlarge(g, m, x, map[0]);
    else if (progressive || m->decoder == MICRO_REFINE)
        x = to_half(g, m, image, x);
    else
        x = fpc_resize(g, x, 4 * at.h, 4 * at.w, 0);
    x = fpc_conv2d(g, "conv_seg", x, classes, &head);
    fpc_leave(g);
    return x;
}
