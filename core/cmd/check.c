/* check.c: `fpcore -c R.ini --check`: opens everything that the recipe names, as training would, then prints the
 * recipe resolved with the origin of every value, and what looks unintended. Trains nothing and writes nothing. */
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/line/terminal.h"
#include "cmd/lint/lint.h"
#include "experiment/experiment.h"
#include "train/check.h"
#include "train/init.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* All but the recipe itself is a comment, so that what is printed is a recipe. Where no person reads, a warning is a
 * line. */
static void print_warning(void *arg, const char *sentence)
{
    (void)arg;
    fpc_print_folded("; warning: ", ";   ", sentence, isatty(STDOUT_FILENO) ? fpc_terminal_width() : INT_MAX);
}

static void print_sizes(const fpc_experiment *s)
{
    const fpc_dataset_info *info = s->data ? fpc_data_info(s->data) : NULL;

    if (info)
        fpc_print("; data: %" PRId64 " training, %" PRId64 " validation, %" PRId64
                  " test pictures of %dx%d, %d classes\n",
                  info->count[FPC_TRAIN], info->count[FPC_VAL], info->count[FPC_TEST], info->w, info->h, info->classes);
    if (s->state && s->max_params)
        fpc_print("; model: %" PRId64 " parameters, model.max_params allows %" PRId64 "\n", s->state->n_trainable,
                  s->max_params);
    else if (s->state)
        fpc_print("; model: %" PRId64 " parameters\n", s->state->n_trainable);
}

static fpc_status run(fpc_cmdline *cmd)
{
    unsigned what = FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND;
    fpc_recipe *recipe;
    fpc_experiment *experiment;
    const char *resolved;
    fpc_status status;
    int32_t warnings;
    fpc_taken taken;
    int64_t step;
    int no_data = 0;
    const fpc_arg table[] = {{"no-data", 0, FPC_ARG_FLAG, 0, &no_data}, {0}};

    if ((status = fpc_args_read(cmd, table, NULL, NULL)))
        return status;
    what &= no_data ? ~(unsigned)FPC_OPEN_DATA : ~0u;
    status = fpc_recipe_read(cmd->ctx, cmd->arena, cmd->recipe, cmd->n_overrides, cmd->overrides, &recipe);
    if (!status)
        status = fpc_experiment_open(cmd->ctx, cmd->arena, cmd->plugin_path, recipe, what, &experiment);
    if (status)
        return status;
    if ((status = fpc_run_check(experiment, 0)) || (status = fpc_run_init(experiment, &step, &taken)) ||
        (status = fpc_run_check_start(experiment)))
        return status;
    resolved = fpc_experiment_resolved(experiment, cmd->arena, 1);
    if (!resolved)
        return fpc_fail(cmd->ctx, FPC_ENOMEM, "the resolved recipe does not fit into memory");
    fpc_print("%s%s", resolved, *resolved && resolved[strlen(resolved) - 1] != '\n' ? "\n" : "");
    print_sizes(experiment);
    warnings = fpc_lint(experiment, cmd->arena, print_warning, cmd);
    if ((status = fpc_ctx_status(cmd->ctx))) /* the warnings asked plugins: a schedule's factor may be none */
        return status;
    fpc_print("; no errors, %d %s\n", warnings, fpc_word(warnings, "warning", "warnings"));
    return FPC_OK;
}

const fpc_cmd fpc_cmd_check = {
    .name = "check",
    .place = 20,
    .summary = "Lint a recipe and print it with all defaults (--check).",
    .help =
        "usage: fpcore -c RECIPE.ini --check [--no-data] [-s SECTION.KEY=VALUE]...\n\n"
        "Opens everything that the recipe names, prints the recipe with every default and the origin of every value,\n"
        "and warns about settings that are allowed and rarely meant, each with the reason, the numbers of this recipe "
        "and\n"
        "what to do: mirroring without exchanging left and right labels; a rate that rises again, cycles that are cut, "
        "a\n"
        "patience that ends a run before its rate has fallen; averages that never forget their start; batches that "
        "are\n"
        "left out or tiny, and a metric that depends on them; class weights of more than 100 to 1; smoothing and "
        "class\n"
        "weights on different terms; masks that no picture has; keys that have no effect. docs/recipes.md explains "
        "them.\n"
        "What would stop a training at its start, or at one of the masks looked at, stops this with the same sentence "
        "and\n"
        "exit code: 2 for the recipe, 1 for files and memory. Trains nothing. Ends with \"; no errors, N warnings\" "
        "and\n"
        "exit code 0 where there is nothing of that kind. What it prints is a recipe: the rest are comments.\n\n"
        "  --no-data   leave the data set closed (its section is still checked)\n\n"
        "example: fpcore -c conf/quickstart.ini --check\n",
    .needs_recipe = 1,
    .run = run};
