/* line.h: what the command line said, as far as all verbs share it. */
#ifndef CORE_CMD_LINE_LINE_H
#define CORE_CMD_LINE_LINE_H

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

/* The values of an option that may be given several times. */
typedef struct fpc_texts {
    int32_t n;
    const char **text;
} fpc_texts;

#endif
