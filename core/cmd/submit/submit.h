/* submit.h: the archive that a contest takes: masks/ with a mask for each test picture, solution/ with
 * weights, recipe and how to use them. */
#ifndef CORE_CMD_SUBMIT_SUBMIT_H
#define CORE_CMD_SUBMIT_SUBMIT_H

#include "cmd/line/line.h"
#include "experiment/tta.h"
#include "cmd/submit/zip_archive.h"

#define FPC_SUBMIT_LIMIT 1821085 /* the contest: fewer trainable parameters than this; a macro, for the help */
#define FPC_SUBMIT_TEXT(number) #number
#define FPC_SUBMIT_TEXT_OF(number) FPC_SUBMIT_TEXT(number)

/* The comment of an archive of ours, so that a later one may replace it and no other file. */
#define FPC_SUBMIT_MARK "fpcore submit"

typedef struct fpc_submit_mask {
    const char *stem, *path; /* path: of the picture; "": the data set gives the picture itself */
    int32_t w, h;            /* of the picture */
    uint64_t digest;         /* of the labels */
} fpc_submit_mask;

typedef struct fpc_submit {
    fpc_cmdline *cmd;
    fpc_experiment *experiment;
    const char *weights, *out, *scales; /* files; --scales as given or NULL */
    int force;                          /* whatever has the archive's name may go */
    const char *part;                   /* the archive until it has its name; NULL: not written so far */
    fpc_tta how;
    fpc_tta_run *tta;
    const fpc_post *post; /* what --post says; NULL: nothing */
    int64_t limit;
    int32_t n_masks;
    fpc_submit_mask *mask;
    int32_t n, cap;
    fpc_zip_entry *entry;
} fpc_submit;

/* The palette of the contest's masks: the first 16 colours of PASCAL VOC's (Everingham et al. 2010) with 191 for its
 * 192; entries from 16 on are grey. */
extern const uint8_t fpc_submit_palette[16][3];
fpc_status fpc_submit_add(fpc_submit *, const char *name, const void *data, size_t bytes, int store);

/* cmd/submit/submit.c: entries masks/STEM.png for every picture of the test part. */
fpc_status fpc_submit_masks(fpc_submit *);
/* cmd/submit/solution.c: entries solution/... */
fpc_status fpc_submit_solution(fpc_submit *);
/* cmd/submit/check.c: reads the written archive back and compares everything with what it should hold. */
fpc_status fpc_submit_check(fpc_submit *);
/* cmd/submit/trial.c: runs the packed solution on one picture in an empty folder. */
fpc_status fpc_submit_trial(fpc_submit *);

#endif
