/* dataset.h: where pictures and label masks come from. Augmentation, order, batches and caching are the core's. */
#ifndef FPCORE_DATASET_H
#define FPCORE_DATASET_H

#include <fpcore/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* UNLABELLED: pictures without masks beside the training part, for trainings that learn from such too. The part has its
 * place; no training of this fpcore reads it yet. */
typedef enum fpc_part { FPC_TRAIN = 1, FPC_VAL, FPC_TEST, FPC_UNLABELLED } fpc_part;
enum { FPC_PART_SLOTS = 8 }; /* of arrays by fpc_part; slot 0 and those beyond the last part are 0 */

typedef struct fpc_dataset_info {
    uint32_t size;
    int64_t count[FPC_PART_SLOTS];    /* pictures, by fpc_part */
    int32_t h, w, c, classes;         /* every sample has this size; c may be 1 .. 64, of which this fpcore takes 3 */
    const char *const *class_names;   /* classes of them */
    const uint8_t (*palette)[3];      /* classes of them, RGB */
    const uint8_t (*mirror_pairs)[2]; /* labels that change places when a picture is mirrored */
    int32_t n_mirror_pairs;
    int32_t ignore_label;               /* -1: none */
    int32_t unlabelled[FPC_PART_SLOTS]; /* by fpc_part; 1: pictures without masks (a contest's test set) */
    int32_t as_stored; /* 1: pictures are read as their files have them, FPC_IMAGE_STORED; predictions do the same */
    int32_t fit;       /* fpc_fit (image.h): how pictures of other shapes come to h x w; predictions do the same */
} fpc_dataset_info;

/* The core's buffers: image h*w*c bytes, interleaved (c 3: RGB), mask h*w labels (NULL: not wanted), id: a name for
 * messages and files. */
typedef struct fpc_sample {
    uint32_t size;
    uint8_t *image, *mask;
    char *id;
    size_t id_cap;
} fpc_sample;

/* A sample at the size of its own picture, before it is resized to that of the set: image (h,w,3), mask (h,w) with
 * labels as `read` gives them, in the scratch arena; mask NULL: the part has none. */
typedef struct fpc_native_sample {
    uint32_t size;
    int32_t h, w;
    uint8_t *image, *mask;
} fpc_native_sample;

/* What an audit of a data set's files finds. kind: a few words, the same for flaws alike ("missing mask"); part: 0
 * where the file is in none; sentence NULL: that of the failure which was just reported by fpc_fail, which is then
 * forgotten. picture: the size of a picture's file. note: what is no flaw and worth knowing; the sentence of the first
 * of a kind is told, and how many there are. NULL in cores that know of none. */
typedef struct fpc_dataset_audit {
    uint32_t size;
    void *arg;
    void (*flaw)(void *arg, const char *kind, fpc_part part, const char *name, const char *sentence);
    void (*picture)(void *arg, int32_t w, int32_t h);
    void (*note)(void *arg, const char *kind, const char *sentence);
} fpc_dataset_audit;

typedef struct fpc_dataset_vtbl {
    uint32_t size;
    fpc_status (*open)(fpc_self *, fpc_dataset_info *); /* [main] */
    fpc_status (*read)(const fpc_self *, fpc_arena *scratch, fpc_part, int64_t index,
                       fpc_sample *); /* [reader: re-entrant] */
    /* [main] Optional: fills classes, class_names, palette, mirror pairs, ignore_label (and h, w where the options say)
     * without touching a picture, after init and before open: for verbs that need no data. Where info->class_names is
     * set already, the classes are those of trained weights: the four fields stay, and no file need be read for them;
     * in open likewise. */
    fpc_status (*describe)(fpc_self *, fpc_dataset_info *);
    fpc_status (*name)(const fpc_self *, fpc_part, int64_t index, char *id, size_t id_cap); /* [any] without reading */
    /* [main] Optional, instead of open: reports every flaw of the files and goes on with what can be used; read then
     * reports each sample's flaws too, beside its failure. The audit lives as long as the instance. */
    fpc_status (*audit)(fpc_self *, fpc_dataset_info *, const fpc_dataset_audit *);
    /* [any] Optional: path of the file with a sample's picture; "" where there is none. */
    fpc_status (*file)(const fpc_self *, fpc_part, int64_t index, char *path, size_t cap);
    /* [reader: re-entrant] Optional, for sets that resize what they read: `fpcore eval --native` measures on these.
     * Without it the pictures have the size of the set. */
    fpc_status (*read_native)(const fpc_self *, fpc_arena *scratch, fpc_part, int64_t index, fpc_native_sample *out);
    /* [any] Optional: a number that changes with the contents of a sample, its picture and its mask, for runs that go
     * on another day: they refuse a sample that is another one by then. Cheap, so sizes of files rather than their
     * bytes; the same wherever the files lie. What follows from the recipe's keys alone has no part in it. */
    fpc_status (*fingerprint)(const fpc_self *, fpc_part, int64_t index, uint64_t *out);
} fpc_dataset_vtbl;

/* Reads a file of classes, which fills classes, class_names, palette and mirror pairs:
 *     [classes]            [palette]               [mirror]
 *     0 = background       0 = 0, 0, 0             eyes = 1, 2
 *     1 = left_eye         1 = 204, 0, 0
 * [palette] and [mirror] may be absent. The option that names it gets FPC_OPT_CLASSES (option.h). [main] */
FPC_API fpc_status fpc_classes_read(fpc_ctx *, fpc_arena *, const char *path, fpc_dataset_info *info);

/* A split by seed as NumPy draws it, so that one that was drawn in Python can be drawn again: perm[0 .. n) becomes what
 * numpy.random.seed(seed); numpy.random.permutation(n) gives. n at most 2^32. Any thread. */
FPC_API fpc_status fpc_split_permutation(fpc_ctx *, uint32_t seed, int64_t n, int64_t *perm);

#ifdef __cplusplus
}
#endif
#endif
