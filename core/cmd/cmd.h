/* cmd.h: one file per verb of the command line, each with one entry struct; main.c holds the list. */
#ifndef CORE_CMD_CMD_H
#define CORE_CMD_CMD_H

#include "base/message.h"
#include "base/print.h"
#include "recipe/recipe.h"
#include "plugin/registry.h"

typedef struct fpc_cmdline {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const char *recipe; /* -c; NULL: not given */
    int32_t n_overrides;
    const char *const *overrides; /* -s, in order */
    const char *plugin_path;      /* --plugin-path; NULL */
    int argc;                     /* what the common parser left: the verb's own options and operands */
    char **argv;                  /* argv[0] is the verb's name */
    int full_argc;                /* the whole command line, for run.json */
    char **full_argv;
    const struct fpc_cmd *const *verbs; /* all of them, ends with NULL; NULL in tests of one verb */
} fpc_cmdline;

typedef struct fpc_cmd {
    const char *name;    /* "probe" */
    const char *summary; /* one line */
    const char *help;    /* `fpcore VERB --help`: usage, options, one example that works */
    int needs_recipe;
    /* What the first SIGINT, SIGTERM, SIGHUP, SIGUSR1 or SIGXCPU makes the verb do, for a message: it looks at
     * fpc_ctx_cancelled. NULL: the signal ends the program at once. */
    const char *interrupted;
    fpc_status (*run)(fpc_cmdline *);
} fpc_cmd;

extern const fpc_cmd fpc_cmd_train, fpc_cmd_check, fpc_cmd_list, fpc_cmd_describe, fpc_cmd_model, fpc_cmd_lr,
    fpc_cmd_eval, fpc_cmd_predict, fpc_cmd_probe, fpc_cmd_bench, fpc_cmd_new, fpc_cmd_analyze, fpc_cmd_compare,
    fpc_cmd_sweep, fpc_cmd_data, fpc_cmd_preview, fpc_cmd_submit;

/* Reads the options that all verbs share, wherever they stand, and finds the verb. *verb NULL: only help or the version
 * was asked for and has been printed. What the verb reads itself is left in cmd->argv. */
fpc_status fpc_cmdline_read(fpc_cmdline *, int argc, char **argv, const fpc_cmd **verb);

#endif
