/* fpcore-conform FILE.so [KEY=VALUE ...]: whether a plugin keeps the rules of its kind. One line per check; exit code 0
 * when all hold. The plugin runs in a child process, so that one which crashes is reported like any other. */
#define _GNU_SOURCE
#include "conform.h"

#include <fpcore/rng.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The child's exit codes; any other, 0 included, is the plugin's doing. */
enum { CHECKS_PASSED = 100, CHECKS_FAILED };

static const char *title(const conform *c)
{
    static char text[160];

    if (!c->plugin)
        return c->file;
    const char *kind = fpc_kind_name(c->plugin->kind);
    snprintf(text, sizeof text, "%s/%s", kind ? kind : "?", c->plugin->name ? c->plugin->name : "?");
    return text;
}

int check(conform *c, int ok, const char *what, const char *fmt, ...)
{
    const char *error = fpc_ctx_error(c->ctx);
    char reason[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    if (ok)
        printf("ok %s: %s\n", title(c), what);
    else
        printf("not ok %s: %s: %s%s%s\n", title(c), what, reason, *reason && *error ? ": " : "", error);
    fflush(stdout);
    c->failed += !ok;
    fpc_ctx_clear(c->ctx);
    return ok;
}

void skip(conform *c, const char *what, const char *why)
{
    printf("ok %s: %s # SKIP %s\n", title(c), what, why);
    fflush(stdout);
    fpc_ctx_clear(c->ctx);
}

double noise(uint32_t i)
{
    return 2 * (double)fpc_unit(fpc_philox4x32(2, 7, i, 0, 0, 0).v[0]) - 1;
}

static void check_kind(conform *c)
{
    static void (*const by_kind[])(conform *) = {
        [FPC_MODEL] = check_model,         [FPC_LOSS] = check_loss,       [FPC_SCHEDULE] = check_schedule,
        [FPC_OPTIMIZER] = check_optimizer, [FPC_AUGMENT] = check_augment, [FPC_METRIC] = check_metric,
        [FPC_DATASET] = check_dataset,     [FPC_BACKEND] = check_backend, [FPC_LOGGER] = check_logger};

    if (c->plugin->kind < sizeof by_kind / sizeof *by_kind && by_kind[c->plugin->kind])
        by_kind[c->plugin->kind](c);
    else
        skip(c, "behaviour", "this fpcore knows no checks for the kind");
}

/* A plugin that needs what only the user has (a folder of pictures) is checked as far as its table goes. */
static const char *required_option(const conform *c)
{
    for (const fpc_option *o = c->plugin->options; o && o->type != FPC_OPT_END; o++)
        if (o->flags & FPC_OPT_REQUIRED && !c->n_settings)
            return fpc_sprintf(c->arena, "the option `%s` is required: fpcore-conform %s %s=VALUE", o->name, c->file,
                               o->name);
    return NULL;
}

static void check_plugin(conform *c, const fpc_found *found)
{
    c->plugin = found->plugin;
    if (!check_descriptor(c, found))
        return;
    const char *required = required_option(c);
    if (required) {
        skip(c, "behaviour", required);
        return;
    }
    c->self = make_instance(c);
    if (!check(c, c->self != NULL, "an instance can be made", "init"))
        return;
    check_kind(c);
    check_options_stay(c);
}

static int run_checks(conform *c, const char *file)
{
    const fpc_found *found;
    int32_t n = 0;

    c->file = file;
    c->ctx = fpc_ctx_new();
    c->arena = c->ctx ? fpc_arena_new(c->ctx) : NULL;
    if (!c->arena || fpc_registry_new(c->ctx, c->arena, NULL, &c->registry)) {
        fprintf(stderr, "fpcore-conform: no memory\n");
        return 1;
    }
    if (check(c, fpc_registry_open_file(c->registry, file, &n, &found) == FPC_OK, "opens as a plugin", "registry")) {
        check_symbols(c);
        for (int32_t i = 0; i < n; i++)
            check_plugin(c, &found[i]);
    }
    const int bad = c->failed != 0;
    fpc_arena_free(c->arena);
    fpc_ctx_free(c->ctx);
    return bad;
}

static int usage(FILE *to)
{
    fprintf(to,
            "usage: fpcore-conform FILE.so [KEY=VALUE ...]\n"
            "Checks that the plugins in FILE.so keep the rules of their kind: one line per check, exit code 0 when\n"
            "all hold. KEY=VALUE sets an option of the plugin; the others keep their defaults. Further plugins (the\n"
            "backend `ref`, for numeric checks) are looked for where fpcore looks for them.\n"
            "\n"
            "example: fpcore-conform ./my_loss.so\n");
    return to == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
    static conform c;
    int status;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
        return usage(stdout);
    if (argc < 2 || argv[1][0] == '-')
        return usage(stderr);
    for (int i = 2; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (!equals || equals == argv[i])
            return usage(stderr);
    }
    c.n_settings = argc - 2;
    c.setting = argv + 2;
    const pid_t child = fork();
    if (child == 0) {
        const int bad = run_checks(&c, argv[1]);
        fflush(NULL);
        return bad ? CHECKS_FAILED : CHECKS_PASSED;
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fprintf(stderr, "fpcore-conform: cannot start a process\n");
        return 1;
    }
    if (WIFSIGNALED(status))
        printf("not ok %s: the plugin crashed after the last line above: %s\n", argv[1], strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != CHECKS_PASSED && WEXITSTATUS(status) != CHECKS_FAILED)
        printf("not ok %s: the plugin crashed after the last line above: it ended the process with exit code %d\n",
               argv[1], WEXITSTATUS(status));
    return !WIFEXITED(status) || WEXITSTATUS(status) != CHECKS_PASSED;
}
