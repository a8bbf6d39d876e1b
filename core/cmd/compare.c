/* compare.c: `fpcore compare`: which of several runs is really better (compare.h). */
#include "cmd/args.h"
#include "cmd/report/compare/compare.h"

static fpc_status run(fpc_cmdline *cmd)
{
    fpc_compare_args a = {0};
    const char **path;
    const fpc_arg table[] = {{"metric", 0, FPC_ARG_TEXT, 0, &a.metric},
                             {"by", 0, FPC_ARG_TEXT, 0, &a.by},
                             {"baseline", 0, FPC_ARG_TEXT, 0, &a.baseline},
                             {"json", 0, FPC_ARG_FLAG, 0, &a.json},
                             {0}};
    const fpc_status status = fpc_args_read(cmd, table, &a.n, &path);

    if (status)
        return status;
    if (a.n < 1)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore compare: which runs? Run folders, a folder of them, or history files are wanted");
    a.run = path;
    return fpc_compare(cmd, &a);
}

const fpc_cmd fpc_cmd_compare = {
    .name = "compare",
    .place = 130,
    .no_plugins = 1,
    .no_recipe = 1,
    .summary = "Say which of several runs is really better.",
    .run = run,
    .help =
        "usage: fpcore compare RUN... [--metric COLUMN] [--by KEY] [--baseline RUN] [--json]\n"
        "\n"
        "RUN is a run folder, a folder of these (or of sweeps), or a history file, of which less can be said. Runs\n"
        "whose recipes differ in seed and name alone are taken as seeds of one recipe. Prints the runs ranked, the\n"
        "settings that differ, their values at equal epochs, a table by the key that differs, and for each recipe a\n"
        "verdict against the best: is the difference of F per validation picture larger than the noise of pictures "
        "and\n"
        "seeds (bootstrap, corrected for the number of comparisons), and how small a difference these runs could "
        "show.\n"
        "No verdict is given where pictures, labels or the metric are not the same, or a run was cut; it says why.\n"
        "docs/compare.md explains the numbers.\n"
        "\n"
        "  --metric COLUMN  column that ranks the runs; else the first that a recipe watches and all runs have\n"
        "  --by KEY         table by this key of the recipes, such as loss.dice.weight, though others differ too\n"
        "  --baseline RUN   verdicts against this run's recipe instead of the best one\n"
        "  --json           everything, all pairs, as JSON\n"
        "\n"
        "example: fpcore compare runs\n"};
