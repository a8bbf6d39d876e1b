/* loss.h: a loss term appends nodes that end in one scalar (1,1,1,1). The core weights and sums the terms (every loss
 * section has the key `weight`), and merges terms over the same logits with the last upsampling. Thread: [main]. */
#ifndef FPCORE_LOSS_H
#define FPCORE_LOSS_H

#include <fpcore/ops.h>
#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fpc_target {
    uint32_t size;
    fpc_val mask;            /* (n,h,w,1) U8 labels */
    fpc_val mask_b, lambda;  /* id < 0 unless pictures are mixed: image i counts lambda[i] by mask, the rest by mask_b;
                                lambda (n,1,1,1) real */
    int32_t classes, ignore; /* ignore: label that counts nowhere; -1: none */
    /* What fpc_label_pixels asks. NULL where no data set is open. */
    fpc_status (*label_pixels)(void *source, const int64_t **pixels, const int64_t **images);
    void *source;
} fpc_target;

/* What the training masks hold: pixels of each class, and the images that show it. Counted on the first call, which
 * reads every mask (seconds), then kept. FPC_ENOENT, without a sentence, where no data set is open. [main] */
FPC_API fpc_status fpc_label_pixels(const fpc_target *, const int64_t **pixels, const int64_t **images);

typedef struct fpc_loss_io {
    uint32_t size;
    fpc_val logits; /* (n,h,w,classes), already of the mask's size */
    const fpc_target *target;
    fpc_val term; /* set by build */
} fpc_loss_io;

/* What decides a term's normaliser, counted in one micro-batch. */
typedef struct fpc_label_counts {
    uint32_t size;
    int64_t images; /* with at least one labelled pixel */
    int64_t classes;
    const int64_t *pixels; /* per class, without ignored ones */
} fpc_label_counts;

typedef struct fpc_loss_vtbl {
    uint32_t size;
    fpc_status (*build)(fpc_self *, fpc_graph *, fpc_loss_io *);
    /* Most terms are a sum over pixels or images, divided by a number that depends on labels alone: the pixels with a
     * label, say, or their summed class weights. norm returns that number for the labels counted; so a step that is
     * made of several micro-batches weights each as one large batch would. A term that is no such quotient (a mean over
     * a list of the hardest pixels, a ratio of sums) returns c->images: each image then counts alike. build has run
     * before. NULL: the number of labelled pixels. */
    double (*norm)(const fpc_self *, const fpc_label_counts *);
} fpc_loss_vtbl;

/* 1 - lambda, for losses of one's own over mask_b. */
FPC_API fpc_val fpc_other_share(fpc_graph *, const fpc_target *);

/* Appends a seg_loss node with one term (see ops.h) and returns its value; the term, given by FPC_ATTR(term), is copied
 * with its class weights. For loss plugins. Of mixed pictures: lambda L(mask) + (1 - lambda) L(mask_b), image by image.
 */
FPC_API fpc_val fpc_seg_loss(fpc_graph *, const char *name, fpc_val logits, const fpc_target *,
                             const fpc_seg_term *term, size_t term_size);
/* The same for the ops lovasz and ohem, with FPC_ATTR(attr); ignore is the target's. */
FPC_API fpc_val fpc_pixel_loss(fpc_graph *, const char *op, const char *name, fpc_val logits, const fpc_target *,
                               const fpc_pixel_loss_attr *attr, size_t attr_size);
/* And for signed_distance followed by boundary. normalise: distances as shares of the picture's diagonal. */
FPC_API fpc_val fpc_boundary_loss(fpc_graph *, const char *name, fpc_val logits, const fpc_target *, int normalise);

#ifdef __cplusplus
}
#endif
#endif
