/* cmd.h: one file per verb of the command line, each with one entry struct. */
#ifndef CORE_CMD_CMD_H
#define CORE_CMD_CMD_H

#include "cmd/line/line.h"

typedef struct fpc_cmd {
    const char *name;    /* "probe" */
    int place;           /* in the list of verbs, rising */
    const char *summary; /* one line */
    const char *help;    /* `fpcore VERB --help`: usage, options, one example that works */
    int needs_recipe;
    int no_recipe;  /* it reads none: -c and -s are refused, for nothing is ignored */
    int no_plugins; /* it opens none: nor is --plugin-path of use */
    /* What the first SIGINT, SIGTERM, SIGHUP, SIGUSR1 or SIGXCPU makes the verb do, for a message: it looks at
     * fpc_ctx_cancelled. NULL: the signal ends the program at once. */
    const char *interrupted;
    fpc_status (*run)(fpc_cmdline *);
} fpc_cmd;

/* The verbs: verbs.def is written by .ci/sources from the files that hold one. */
#define VERB(name) extern const fpc_cmd fpc_cmd_##name;
#include "cmd/verbs.def"
#undef VERB

/* Reads the options that all verbs share, wherever they stand, and finds the verb. *verb NULL: only help or the version
 * was asked for and has been printed. What the verb reads itself is left in cmd->argv. */
fpc_status fpc_cmdline_read(fpc_cmdline *, int argc, char **argv, const fpc_cmd **verb);

#endif
