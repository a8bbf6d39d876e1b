/* cmdline.c: the command line up to the verb. Options that all verbs share (-c -s --plugin-path --help) may stand
 * before or after it; what remains is the verb's. -l, -h and --check are short names of the verbs list, describe and
 * check, and a recipe without a verb is trained. */
#define _GNU_SOURCE
#include "weights/weights.h"
#include "cmd/cmd.h"
#include "cmd/help.h"
#include "base/spelling.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct parser {
    fpc_cmdline *cmd;
    int argc, at;
    char **argv;
    const fpc_cmd *verb;
    const char **overrides;
    char **rest; /* rest[0] is left for the verb's name */
    int n_rest;
    int help;
} parser;

static const fpc_cmd *verb_of(const fpc_cmdline *cmd, const char *name)
{
    for (int i = 0; cmd->verbs && cmd->verbs[i]; i++)
        if (strcmp(cmd->verbs[i]->name, name) == 0)
            return cmd->verbs[i];
    return NULL;
}

static fpc_status unknown_verb(fpc_cmdline *cmd, const char *word)
{
    const char *names[64], *near;
    const size_t n_word = strlen(word);
    int32_t n = 0;

    for (; cmd->verbs && cmd->verbs[n] && n < 64; n++)
        names[n] = cmd->verbs[n]->name;
    near = fpc_nearest(word, n, names);
    if (n_word > 4 && strcmp(word + n_word - 4, ".ini") == 0)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL, "`%s` is no verb; did you mean `fpcore -c %s`?", word, word);
    return fpc_fail_recipe(cmd->ctx, FPC_EINVAL, "`%s` is no verb%s%s%s `fpcore --help` lists them", word,
                           near ? "; did you mean `" : ";", near ? near : "", near ? "`?" : "");
}

/* The value behind an option; NULL after a failure. */
static const char *value_of(parser *p, const char *option, const char *what)
{
    if (p->at < p->argc)
        return p->argv[p->at++];
    fpc_fail_recipe(p->cmd->ctx, FPC_EINVAL, "%s: %s is missing behind it", option, what);
    return NULL;
}

static fpc_status set_once(parser *p, const char **slot, const char *option, const char *value)
{
    if (!value)
        return FPC_EINVAL;
    if (*slot)
        return fpc_fail_recipe(p->cmd->ctx, FPC_EINVAL, "%s is given twice: %s and %s", option, *slot, value);
    *slot = value;
    return FPC_OK;
}

/* Whether `text`, of a verb's help, names a long option that begins with those n letters. */
static int names_option(const char *text, const char *letters, size_t n)
{
    for (const char *at = text; (at = strstr(at, "--")); at += 2)
        if (!strncmp(at + 2, letters, n))
            return 1;
    return 0;
}

/* The whole of a long option that all verbs share and that `arg` begins, as `--plug` does --plugin-path, unless the
 * verb has one that begins so: then it is his to read. Before the verb also those that choose one. Others: arg as it
 * is. */
static const char *whole_option(const parser *p, const char *arg)
{
    static const char *const names[] = {"--help", "--plugin-path", "--version", "--list", "--check"};
    const fpc_cmd *verb = p->verb ? p->verb : verb_of(p->cmd, "train");
    const size_t n = strcspn(arg, "=");

    if (n < 3 || strncmp(arg, "--", 2) != 0)
        return arg;
    for (int i = 0; i < (p->verb || p->n_rest ? 2 : 5); i++)
        if (!strncmp(arg, names[i], n))
            return strlen(names[i]) == n || !verb || !names_option(verb->help, arg + 2, n - 2)
                       ? fpc_sprintf(p->cmd->arena, "%s%s", names[i], arg + n)
                       : arg;
    return arg;
}

/* The value of an option that `arg` begins, in the same word (-cFILE, --plugin-path=DIR) or in the next one. 0: arg is
 * another option. *value NULL: a failure. */
static int value_option(parser *p, const char *arg, const char *option, const char *what, const char **value)
{
    const size_t n = strlen(option);

    if (strncmp(arg, option, n) != 0 || (n > 2 && arg[n] && arg[n] != '='))
        return 0;
    *value = arg[n] ? arg + n + (n > 2) : value_of(p, option, what);
    return 1;
}

/* Options of every verb. *taken 0: it is none of them. */
static fpc_status shared_option(parser *p, const char *arg, int *taken)
{
    fpc_cmdline *cmd = p->cmd;
    const char *value;

    *taken = 1;
    if (value_option(p, arg, "-c", "a recipe", &value))
        return set_once(p, &cmd->recipe, "-c", value);
    if (value_option(p, arg, "--plugin-path", "a folder", &value))
        return set_once(p, &cmd->plugin_path, "--plugin-path", value);
    if (value_option(p, arg, "-s", "section.key=value", &value)) {
        if (!value)
            return FPC_EINVAL;
        p->overrides[cmd->n_overrides++] = value;
        return FPC_OK;
    }
    if (strcmp(arg, "--help") == 0 || (strcmp(arg, "-h") == 0 && p->verb)) {
        p->help = 1;
        return FPC_OK;
    }
    *taken = 0;
    return FPC_OK;
}

static void keep(parser *p, char *arg)
{
    p->rest[++p->n_rest] = arg;
}

/* -l KIND, -h KIND/NAME and --check choose a verb. */
static int verb_option(parser *p, const char *arg)
{
    static const char *const names[][3] = {
        {"-l", "--list", "list"}, {"-h", "-h", "describe"}, {"--check", "--check", "check"}};

    for (int i = 0; i < 3 && !p->verb; i++)
        if (strcmp(arg, names[i][0]) == 0 || strcmp(arg, names[i][1]) == 0) {
            p->verb = verb_of(p->cmd, names[i][2]);
            return p->verb != NULL;
        }
    return 0;
}

static fpc_status read_argument(parser *p)
{
    static char version[] = "-V";
    char *arg = p->argv[p->at++];
    fpc_status status;
    int taken;

    if (strcmp(arg, "--") == 0) {
        keep(p, arg);
        while (p->at < p->argc)
            keep(p, p->argv[p->at++]);
        return FPC_OK;
    }
    const char *whole = whole_option(p, arg);
    if (!whole)
        return FPC_ENOMEM;
    status = shared_option(p, whole, &taken);
    if (taken || status)
        return status;
    if (p->n_rest == 0 && verb_option(p, whole))
        return FPC_OK;
    if (!p->verb && p->n_rest == 0 && arg[0] != '-') {
        if (strcmp(arg, "version") == 0) {
            keep(p, version);
            return FPC_OK;
        }
        if (strcmp(arg, "help") == 0) { /* `fpcore help eval` */
            p->verb = verb_of(p->cmd, "describe");
            return p->verb ? FPC_OK : unknown_verb(p->cmd, arg);
        }
        p->verb = verb_of(p->cmd, arg);
        return p->verb ? FPC_OK : unknown_verb(p->cmd, arg);
    }
    keep(p, !p->verb && strcmp(whole, "--version") == 0 ? version : arg);
    return FPC_OK;
}

static void print_version(void)
{
    fpc_print("fpcore %s\nplugin ABI %d.%d\ncheckpoint format %d\nmodel format %d\n", FPC_VERSION, FPC_ABI_MAJOR,
              FPC_ABI_MINOR, FPC_CHECKPOINT_FORMAT, FPC_MODEL_FORMAT);
}

static fpc_status choose(parser *p, const fpc_cmd **verb)
{
    fpc_cmdline *cmd = p->cmd;

    *verb = NULL;
    if (!p->verb && p->n_rest == 1 && (strcmp(p->rest[1], "-V") == 0 || strcmp(p->rest[1], "--version") == 0)) {
        print_version();
        return FPC_OK;
    }
    if (p->help) {
        if (p->verb)
            fpc_help_verb(p->verb);
        else
            fpc_help_usage(cmd);
        return FPC_OK;
    }
    if (!p->verb && (cmd->recipe || (p->n_rest && strncmp(p->rest[1], "--resume", 8) == 0)))
        p->verb = verb_of(cmd, "train");
    if (!p->verb && p->n_rest)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL, "unknown option %s; `fpcore --help` lists them", p->rest[1]);
    if (!p->verb)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL,
                               "nothing to do; `fpcore -c RECIPE.ini` trains\n"
                               "  fpcore -c RECIPE.ini --check      look at a recipe before it trains\n"
                               "  fpcore --resume RUN               go on with a run that was cut\n"
                               "  fpcore data -c RECIPE.ini         audit the data set\n"
                               "  fpcore predict -w RUN -o FOLDER PICTURE...   masks for pictures\n"
                               "  fpcore analyze RUN...             what runs did\n"
                               "  fpcore compare RUN...             which of them is better\n"
                               "  fpcore -l                         the plugins\n"
                               "  fpcore -h KIND/NAME | KEY | VERB  one of them, a key, a verb\n"
                               "  fpcore --help                     all verbs and options");
    if (p->verb->no_recipe && (cmd->recipe || cmd->n_overrides))
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL, "fpcore %s: %s is of no use here, for it reads no recipe",
                               p->verb->name, cmd->recipe ? "-c" : "-s");
    if (p->verb->no_plugins && cmd->plugin_path)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL,
                               "fpcore %s: --plugin-path is of no use here, for it opens no plugins", p->verb->name);
    if (p->verb->needs_recipe && !cmd->recipe)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL, "fpcore %s: the recipe is missing; give -c RECIPE.ini",
                               p->verb->name);
    p->rest[0] = fpc_strdup(cmd->arena, p->verb->name);
    cmd->argv = p->rest;
    cmd->argc = p->n_rest + 1;
    *verb = p->verb;
    return p->rest[0] ? FPC_OK : FPC_ENOMEM;
}

/* A folder of --plugin-path that is not there is a slip of the pen; one that only holds nothing is none. */
static void warn_of_folders(fpc_cmdline *cmd)
{
    struct stat st;

    for (const char *at = cmd->plugin_path; at && *at; at += *at == ':') {
        const size_t n = strcspn(at, ":");
        const char *folder = fpc_sprintf(cmd->arena, "%.*s", (int)n, at);
        if (n && folder && (stat(folder, &st) || !S_ISDIR(st.st_mode)))
            fpc_log(cmd->ctx, FPC_LOG_WARN, "--plugin-path %s: there is no such folder", folder);
        at += n;
    }
}

fpc_status fpc_cmdline_read(fpc_cmdline *cmd, int argc, char **argv, const fpc_cmd **verb)
{
    parser p = {.cmd = cmd, .argc = argc, .at = 1, .argv = argv};
    fpc_status status = FPC_OK;

    cmd->full_argc = argc;
    cmd->full_argv = argv;
    p.overrides = fpc_alloc(cmd->arena, ((size_t)argc + 1) * sizeof(*p.overrides));
    p.rest = fpc_alloc(cmd->arena, ((size_t)argc + 2) * sizeof(*p.rest));
    if (!p.overrides || !p.rest)
        return FPC_ENOMEM;
    cmd->overrides = p.overrides;
    while (p.at < argc && !status)
        status = read_argument(&p);
    if (!status)
        warn_of_folders(cmd);
    return status ? status : choose(&p, verb);
}
