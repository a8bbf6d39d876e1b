/* audit.h: what a look at every file of a data set finds: counts, flaws, masks whose left and right are exchanged,
 * pictures that are nearly the same. It goes on after whatever is wrong with one sample. */
#ifndef CORE_CMD_INSPECT_AUDIT_H
#define CORE_CMD_INSPECT_AUDIT_H

#include "base/message.h"
#include "base/print.h"
#include "data/data.h"

enum { FPC_THUMB = 32, FPC_AUDIT_PAIRS = 128 };

typedef struct fpc_flaw {
    const char *kind, *name, *sentence; /* kind: alike for flaws alike */
    fpc_part part;                      /* 0: the file is in none */
} fpc_flaw;

typedef struct fpc_audit_sample {
    fpc_part part;
    int64_t index; /* in its part */
    const char *name;
    int32_t usable;
    int32_t side;  /* 1: left and right as in most masks; -1: exchanged; 0: cannot be told */
    int8_t *order; /* by mirror pair: 1: the first label lies to the right of the second; -1: left; 0: not both there */
    uint64_t hash[2]; /* of the picture, and of its mirror image */
    uint8_t *thumb;   /* FPC_THUMB x FPC_THUMB grey levels */
} fpc_audit_sample;

/* Two pictures that are nearly the same. distance: bits in which their hashes differ; similarity: correlation of their
 * small grey pictures. */
typedef struct fpc_near_duplicate {
    int64_t a, b; /* samples of the audit, a < b */
    int32_t distance, mirrored;
    double similarity;
} fpc_near_duplicate;

typedef struct fpc_audit_size {
    int32_t w, h;
    int64_t n;
} fpc_audit_size;

/* What is no flaw, but worth knowing. n 0: it is about the set as a whole. */
typedef struct fpc_audit_note {
    const char *kind, *sentence; /* of the first file */
    int64_t n;
} fpc_audit_note;

typedef struct fpc_audit {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_data *data;
    const fpc_dataset_info *info;
    fpc_dataset_audit sink;
    int64_t n, n_flaws, cap_flaws, n_at_open, n_sizes, cap_sizes, n_duplicates, cap_duplicates, n_notes, cap_notes;
    fpc_audit_sample *sample;
    fpc_flaw *flaw;
    fpc_audit_size *size;
    fpc_near_duplicate *duplicate;
    fpc_audit_note *note;
    int64_t usable[4], ignored[4];                         /* by part: samples; pixels that count nowhere */
    int64_t pixels[4][256], images[4][256];                /* by part and class */
    int64_t seen, sum[3], squares[3];                      /* of the training pictures: pixels, bytes by channel */
    int64_t both[FPC_AUDIT_PAIRS], right[FPC_AUDIT_PAIRS]; /* by mirror pair: masks with both; first one on the right */
    int64_t decidable, exchanged;                          /* masks */
    int32_t near;                                          /* largest distance of hashes that is looked at */
    fpc_status failed;                                     /* memory ran out in a callback */
} fpc_audit;

/* Opens the data set of the recipe and reads every sample. */
fpc_status fpc_audit_run(fpc_ctx *, fpc_arena *, const fpc_data_sources *, int32_t near, fpc_audit **out);

/* cmd/inspect/audit_notes.c: takes a note (the callback of the sink); notes that the labels look as if they were
 * numbered in the other order of the 19 names of faces. */
void fpc_audit_take_note(void *audit, const char *kind, const char *sentence);
void fpc_audit_face_order(fpc_audit *);
/* Room for one more; NULL without memory. */
void *fpc_audit_grow(fpc_arena *, void *list, int64_t n, int64_t *cap, size_t item);

/* cmd/inspect/audit_sides.c. A class of fewer pixels than this decides nothing. */
int64_t fpc_audit_least(int32_t h, int32_t w);
/* order[p] of each mirror pair in one mask. */
void fpc_audit_order(const fpc_dataset_info *, const uint8_t *mask, int32_t h, int32_t w, int8_t *order);
/* From every sample's order: the rule of the data set, and which samples break it. */
void fpc_audit_sides(fpc_audit *);
/* Whether most decidable masks agree well enough to call the others wrong. */
int fpc_audit_sided(const fpc_audit *);
/* The list that dataset/folder reads: `sides = FILE`. */
fpc_status fpc_audit_write_sides(const fpc_audit *, const char *path);

/* cmd/inspect/audit_duplicates.c. rgb: h*w*3. mirrored 1: as seen in a mirror. */
uint64_t fpc_picture_hash(const uint8_t *rgb, int32_t h, int32_t w, int mirrored);
void fpc_picture_thumb(const uint8_t *rgb, int32_t h, int32_t w, uint8_t *thumb);
double fpc_thumb_similarity(const uint8_t *a, const uint8_t *b, int mirrored);
fpc_status fpc_audit_duplicates(fpc_audit *);

/* Mean and deviation of a channel of the training pictures, of 0 .. 1, as [model] mean and std take them. No picture:
 * 0 and 0. */
double fpc_audit_mean(const fpc_audit *, int32_t channel);
double fpc_audit_std(const fpc_audit *, int32_t channel);

/* cmd/inspect/audit_report.c */
const char *fpc_part_word(fpc_part); /* "training" */
fpc_status fpc_audit_print(const fpc_audit *);
fpc_status fpc_audit_json(const fpc_audit *, const char *path);

#endif
