/* args.h: the options of a verb: one table, one reader, one kind of sentence for what is wrong. Words are read as
 * getopt_long reads them: --name VALUE, --name=VALUE, as much of a name as no other begins with, -oVALUE, -rv for -r
 * -v, options behind operands, -- before words that are none. */
#ifndef CORE_CMD_ARGS_H
#define CORE_CMD_ARGS_H

#include <fpcore/experiment.h>
#include "cmd/cmd.h"
#include "experiment/experiment.h"

typedef enum fpc_arg_kind {
    FPC_ARG_FLAG = 1, /* int: becomes 1 */
    FPC_ARG_TEXT,     /* const char * */
    FPC_ARG_COUNT,    /* int64_t, 1 to 2^31 - 1 */
    FPC_ARG_SIZE,     /* fpc_hw: "512" or "480x640" (height x width), 1 to 16384 */
    FPC_ARG_TEXTS,    /* fpc_texts: may be given several times */
    FPC_ARG_MAYBE     /* const char *: a value behind = only; "" where there is none */
} fpc_arg_kind;

typedef struct fpc_hw {
    int32_t h, w; /* 0, 0: not given */
} fpc_hw;

typedef struct fpc_arg {
    const char *name; /* "weights": --weights W or --weights=W */
    char letter;      /* 'w': -w W; 0: none */
    uint8_t kind;
    uint8_t required;
    void *out;
} fpc_arg;

/* Reads what the common parser left. The table ends with {0}. operands: the other words, in order, or NULL where the
 * verb takes none. */
fpc_status fpc_args_read(fpc_cmdline *, const fpc_arg *table, int32_t *n_operands, const char ***operands);

/* Reads -c with -s and opens what it names (FPC_OPEN_* of experiment/experiment.h). */
fpc_status fpc_cmd_open(fpc_cmdline *, unsigned what, fpc_experiment **);
/* "conf/x.ini:7: section.key" where the recipe states the key, else "section.key"; for messages. */
const char *fpc_cmd_origin(fpc_cmdline *, const fpc_recipe *, const char *section, const char *key);
/* The common options as arguments for opening a predictor. */
fpc_predictor_args fpc_cmd_predictor(const fpc_cmdline *);
/* The size given, or that of the data set's pictures, or 512. */
fpc_hw fpc_cmd_size(const fpc_experiment *, fpc_hw given);

#endif
