/* experiment.h: a trained network in a program of one's own: open a recipe with weights, ask what it knows, get labels
 * or probabilities of pictures. Nothing here prints or ends the process, and setlocale changes nothing: numbers in
 * recipes have points. Of the recipe only what a prediction uses is opened: no losses, optimizer, augmentations or
 * loggers. A handle belongs to one thread at a time (to the one that opened it where [backend] use = cuda has another
 * device than the first); any number of them may be open, also in several threads. Link with `pkg-config --cflags
 * --libs fpcore`. */
#ifndef FPCORE_EXPERIMENT_H
#define FPCORE_EXPERIMENT_H

#include <fpcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FPC_PREDICTOR_SCALES = 16 };

/* What to open. Set size to sizeof and the rest to 0 but for what is wanted: {.size = sizeof args, .weights = "RUN"}.
 */
typedef struct fpc_predictor_args {
    uint32_t size;
    int32_t h, w;                 /* of the pictures as the network sees them; 0: as the recipe says, else 512 */
    const char *weights;          /* a .safetensors file, or a run folder: its best.safetensors */
    const char *recipe;           /* an INI file; NULL: that of the run folder around them, or what the weights hold */
    const char *const *overrides; /* "section.key=value", as -s of the program */
    int32_t n_overrides;
    int32_t flip;       /* 1: the mean with the prediction of the mirrored picture */
    int32_t keep_sides; /* 1: labels of the mirrored picture do not change sides: for networks trained so */
    int32_t n_scales;   /* the mean over these sizes, 1 being h x w; 0: h x w alone */
    double scale[FPC_PREDICTOR_SCALES];
    const char *plugin_path; /* folders of plugins, colon separated, before FPCORE_PLUGIN_PATH and the installed */
    /* Warnings and notes, a line each (FPC_LOG_WARN ...), from any thread, in the locale C; NULL: nobody is told. */
    void (*log)(void *arg, int level, const char *line);
    void *log_arg;
} fpc_predictor_args;

/* What an open predictor is. All of it lives as long as the predictor. */
typedef struct fpc_predictor_info {
    uint32_t size;
    int32_t h, w; /* of the pictures as the network sees them; 0 where opening failed, as all else */
    int32_t classes;
    const char *const *class_names; /* [classes]; NULL: the data set names none */
    const uint8_t (*palette)[3];    /* [classes] RGB; NULL: none */
    int32_t n_mirror_pairs;
    const uint8_t (*mirror_pairs)[2]; /* left and right of a pair of classes */
    const char *model, *backend;      /* names of the plugins */
    int64_t parameters;               /* that were trained */
} fpc_predictor_info;

typedef struct fpc_predictor fpc_predictor;

/* *out: the predictor; where opening fails, one that can only tell its error and be closed, or NULL without memory.
 * FPC_EINVAL, FPC_ENOENT, FPC_EFORMAT: arguments, recipe or weights; FPC_EDEVICE: the backend. A handle of NULL is
 * FPC_EINVAL. */
FPC_API fpc_status fpc_predictor_open(const fpc_predictor_args *, fpc_predictor **out);
FPC_API void fpc_predictor_describe(const fpc_predictor *, fpc_predictor_info *out); /* out->size: set before */
/* The class of each pixel: labels (h,w), of the caller. rgb: (h,w,3), 1 to 16384 on a side and at most 64 megapixels;
 * it is resized to the network's size, as `dataset.fit` of the training says (with pad or crop whole, its ratio kept,
 * on black), and the network's logits (the mean probabilities with flip or scales) back to the picture's, bilinearly,
 * where the highest decides. */
FPC_API fpc_status fpc_predictor_labels(fpc_predictor *, int32_t h, int32_t w, const uint8_t *rgb, uint8_t *labels);
/* The probability of each class at the network's size: (info.h,info.w,classes), of the caller; they add up to 1. The
 * grid lies over the whole picture, also where the network saw it with its ratio kept. */
FPC_API fpc_status fpc_predictor_probabilities(fpc_predictor *, int32_t h, int32_t w, const uint8_t *rgb, float *out);
/* The sentence of the call that failed last; "" where it did not. It lives until the next call. */
FPC_API const char *fpc_predictor_error(const fpc_predictor *);
FPC_API void fpc_predictor_close(fpc_predictor *); /* NULL: nothing happens */

#ifdef __cplusplus
}
#endif
#endif
