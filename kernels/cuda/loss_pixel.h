/* loss_pixel.h: what lovasz, ohem and boundary share (loss_pixel.cu, loss_lovasz.cu): the labels that there are, the
 * softmax of each pixel as two numbers, and the plan of their work memory. Images go in groups of a bounded number of
 * pixels; only the Lovasz loss of a whole batch, which is one list, takes them all at once. */
#ifndef KERNELS_CUDA_LOSS_PIXEL_H
#define KERNELS_CUDA_LOSS_PIXEL_H

#include "kernels/cuda/loss_gather.h"
#include "kernels/cuda/loss_rank.h"

enum { PIXEL_BLOCK = 256, PIXELS_TOGETHER = 1 << 23 };

struct pixel_loss {
    upsampling u;
    int32_t ignore, corners, id, area;
    int32_t together;     /* images of a group */
    int32_t first, count; /* the group at hand */
    const float *logits, *weights;
    const uint8_t *mask;
    float *loss, *slope; /* the outputs */
    int32_t *fault;
    int32_t *found;             /* [n][K]: labelled pixels of each class */
    int32_t *labelled, *images; /* [n]; [1]: images with a labelled pixel */
    double *image_loss;         /* [n] */
    seen *pixel;                /* [image of the group][area] */
};

/* slot: of the images' weights. whole: all images are one group. */
static inline pixel_loss pixel_loss_of(const fpc_node *node, int32_t slot, bool whole, char *base, size_t *at)
{
    const fpc_pixel_loss_attr *attr = static_cast<const fpc_pixel_loss_attr *>(node->attr);
    const fpc_shape z = node->in[0].shape, m = node->in[1].shape;
    pixel_loss j = {};
    j.u = upsampling_of(z, m, base, at);
    j.ignore = attr->ignore;
    j.corners = attr->align_corners;
    j.id = (int32_t)node->id;
    j.area = m.h * m.w;
    j.together = whole || (int64_t)z.n * j.area <= PIXELS_TOGETHER ? z.n
                 : j.area >= PIXELS_TOGETHER                       ? 1
                                                                   : PIXELS_TOGETHER / j.area;
    j.logits = data_of<const float>(node->in[0]);
    j.weights = node->n_in > slot ? data_of<const float>(node->in[slot]) : nullptr;
    j.mask = data_of<const uint8_t>(node->in[1]);
    j.loss = data_of<float>(node->out[0]);
    j.slope = data_of<float>(node->out[1]);
    j.found = piece<int32_t>(base, at, (int64_t)z.n * z.c);
    j.labelled = piece<int32_t>(base, at, z.n);
    j.images = piece<int32_t>(base, at, 1);
    j.image_loss = piece<double>(base, at, z.n);
    j.pixel = piece<seen>(base, at, (int64_t)j.together * j.area);
    return j;
}
static inline int32_t pixel_blocks(const pixel_loss &j)
{
    return (int32_t)blocks_for(j.area, PIXEL_BLOCK, INT32_MAX).x;
}
static inline dim3 pixel_grid(const pixel_loss &j)
{
    return dim3((unsigned)pixel_blocks(j), (unsigned)j.count);
}
static inline int32_t group_at(const pixel_loss &j, int32_t first)
{
    return j.u.n - first < j.together ? j.u.n - first : j.together;
}

DEVICE corners pixel_at(const pixel_loss &j, int32_t r)
{
    return corners_of(j.u.ty[r / j.u.w], j.u.tx[r % j.u.w], j.u.lh, j.u.lw, j.u.k);
}
DEVICE const float *image_at(const pixel_loss &j, int32_t n)
{
    return j.logits + (int64_t)n * j.u.lh * j.u.lw * j.u.k;
}
DEVICE int32_t label_at(const pixel_loss &j, int32_t n, int32_t r)
{
    return j.mask[(int64_t)n * j.area + r];
}
DEVICE bool counts_at(const pixel_loss &j, int32_t n, int32_t r)
{
    return is_counted(label_at(j, n, r), j.u.k, j.ignore);
}

/* loss_pixel.cu: taps, found, labelled, images. */
fpc_status fpc_cuda_pixel_begin(fpc_exec *, const fpc_node *, const pixel_loss &);
/* loss_lovasz.cu; its row stands in the table of loss_pixel.cu. */
void fpc_cuda_need_lovasz(const fpc_node *, fpc_need *);
fpc_status fpc_cuda_run_lovasz(fpc_exec *, const fpc_node *, fpc_rows);

#endif
