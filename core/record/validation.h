/* validation.h: validation.safetensors of a run folder: what each validation picture scored at the best epoch. It is
 * what a later comparison of runs resamples, and what tells which classes and sides a network confuses. */
#ifndef CORE_RECORD_VALIDATION_H
#define CORE_RECORD_VALIDATION_H

#include <fpcore/base.h>

typedef struct fpc_validation {
    int64_t epoch;                 /* 1-based: the best */
    int64_t images, batch;         /* batch: pictures per validation batch; the last one may be shorter */
    int32_t classes;               /* 1 to 256 */
    const int32_t *counts;         /* [images][classes][3] pixels: tp fp fn */
    const int64_t *confusion;      /* [label][predicted] pixels of the whole set, or NULL */
    const char *const *image_name; /* images of them in their order, or NULL */
    const char *const *class_name; /* classes of them, or NULL */
    int32_t n_pairs;
    const uint8_t (*pairs)[2]; /* labels that change places when a picture is mirrored */
    int native;                /* 1: counted at the pictures' own size, not at that of the data set */
} fpc_validation;

/* Whole or not at all; the same numbers give the same bytes. */
fpc_status fpc_validation_write(fpc_ctx *, const char *path, const fpc_validation *);
/* Checks everything: shapes, signs, labels, the numbers of names. The file's bytes live in the arena. */
fpc_status fpc_validation_read(fpc_ctx *, fpc_arena *, const char *path, fpc_validation **);

/* Pure; NAN where no label of the pictures (the class) has a pixel. The arithmetic is that of plugins/metric: the mean
 * over fpc_validation_f_image that are no NAN is fscore_image, bit for bit, and so on. */
double fpc_validation_f_image(const fpc_validation *, int64_t image); /* of one picture */
double fpc_validation_f_batch(const fpc_validation *, int64_t batch); /* pixels of a batch pooled */
double fpc_validation_f_class(const fpc_validation *, int32_t class); /* pixels of the whole set pooled */
int64_t fpc_validation_batches(const fpc_validation *);
/* Precision and recall of a class over the whole set, by the same formula. */
void fpc_validation_pr_class(const fpc_validation *, int32_t class, double *precision, double *recall);

#endif
