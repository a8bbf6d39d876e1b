/* logger.h: loggers are told what happens; they never change it. Thread: [main]. */
#ifndef FPCORE_LOGGER_H
#define FPCORE_LOGGER_H

#include <fpcore/plugin.h>
#include <fpcore/schedule.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fpc_what {
    FPC_RUN_BEGIN = 1, /* run_dir name epochs steps_per_epoch params train_images val_images batch resumed(int)
                          recipe(text): as in recipe.ini, with every default */
    FPC_STEP,          /* loss lr images_per_s; every step */
    FPC_EPOCH,         /* one epoch is done: every key of history.json with its new value, plus best(int) seconds */
    FPC_EVAL,          /* progress of the validation: done(int) total(int) */
    FPC_CHECKPOINT,    /* path best(int) */
    FPC_RUN_END,       /* status(text) best_value best_epoch(int) seconds */
    /* Only where a logger's `wants` says so; behind FPC_EPOCH, of the same epoch: */
    FPC_PICTURE,   /* tag(text); pictures: what the validated weights make of them */
    FPC_HISTOGRAM, /* tag(text) min max count(int) sum sum_squares limits(reals) counts(reals): bin i holds what lies
                     above limit i-1 and not above limit i; tags parameters/NAME and gradients/NAME */
    /* The same, of the best weights so far: when they are found (not more often than once a minute, and before that
     * epoch's FPC_EPOCH), and when the run ends: */
    FPC_SAMPLES /* pictures: those of the validation that score worst and best */
} fpc_what;

enum { FPC_FIELD_BYTES = 100 }; /* beside the fpc_opt_type of option.h that a field may have */

typedef struct fpc_blob {
    int64_t n;
    const void *data;
} fpc_blob;

/* In arrays, so it never grows. */
typedef struct fpc_field {
    const char *key;
    uint32_t type; /* FPC_OPT_INT, FPC_OPT_REAL, FPC_OPT_TEXT, FPC_OPT_REALS, FPC_FIELD_BYTES */
    union {
        int64_t i;
        double r;
        const char *s;
        fpc_reals list;
        fpc_blob bytes;
    } v;
} fpc_field;

/* Pictures, their labels and the labels that the model gives them, as the data set has them: without augmentation. */
typedef struct fpc_pictures {
    uint32_t size;
    int32_t n, h, w;
    const uint8_t *image;              /* (n,h,w,3) RGB */
    const uint8_t *label, *prediction; /* (n,h,w) */
    int32_t classes;
    const char *const *class_names; /* NULL: none */
    const uint8_t (*palette)[3];    /* NULL: none */
    const double *score;            /* n of them, rising: F of each picture; NULL: they were not chosen by it */
    const char *const *name;        /* n of them, of the pictures; NULL: none */
} fpc_pictures;

typedef struct fpc_event {
    uint32_t size, what;
    int32_t n;              /* fields */
    const fpc_clock *clock; /* clock->epoch: 0-based epoch that this is about */
    const fpc_field *field;
    /* The whole record so far, by column, in a fixed order: what history.json holds. n_rows finished epochs. */
    int32_t n_columns;
    int64_t n_rows;
    const char *const *column;
    const double *const *value;
    const fpc_pictures *pictures; /* FPC_PICTURE, FPC_SAMPLES; else NULL */
} fpc_event;

typedef struct fpc_logger_vtbl {
    uint32_t size;
    fpc_status (*event)(fpc_self *, const fpc_event *);
    /* Optional: whether FPC_PICTURE, FPC_HISTOGRAM or FPC_SAMPLES of the epoch clock->epoch (from 0) should be made.
     * Every logger is then told of it. */
    int (*wants)(const fpc_self *, uint32_t what, const fpc_clock *clock);
} fpc_logger_vtbl;

/* The field of that key, or NULL. */
FPC_API const fpc_field *fpc_event_field(const fpc_event *, const char *key);
/* Writes a file whole or not at all: temporary name, sync, rename. FPC_EIO with a sentence where that fails. */
FPC_API fpc_status fpc_write_atomic(fpc_ctx *, const char *path, const void *data, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
