/* sweep.c: `fpcore sweep`: trains a grid of recipes, or samples of them, times seeds, or tells what it would train
 * (--dry-run), or hands it to Slurm; then compares what came out (cmd/report/compare/compare.h). */
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/report/compare/compare.h"
#include "cmd/sweep/sweep.h"

#include <fpcore/logger.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct options {
    fpc_texts grid, with;
    const char *seeds, *out, *slurm, *baseline;
    int64_t jobs, only, random, random_seed, halving, folds;
    int prune, dry, json;
} options;

/* Runs of two folds are judged by other pictures: what compares single runs would compare pictures. */
static fpc_status check_folds(const fpc_cmdline *cmd, const options *o)
{
    const char *other = o->halving    ? "--halving"
                        : o->prune    ? "--prune"
                        : o->baseline ? "--baseline"
                        : o->json     ? "--json"
                                      : NULL;

    if (!o->folds)
        return FPC_OK;
    if (o->folds == 1)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore sweep: --folds 1: a single fold leaves nothing to train on; give 2 or more");
    return other ? fpc_fail(cmd->ctx, FPC_EINVAL,
                            "fpcore sweep: --folds makes runs that are judged by other pictures each, and %s compares "
                            "runs; leave one out",
                            other)
                 : FPC_OK;
}

static fpc_status read_options(fpc_cmdline *cmd, options *o)
{
    const fpc_arg table[] = {{"grid", 0, FPC_ARG_TEXTS, 0, &o->grid},
                             {"with", 0, FPC_ARG_TEXTS, 0, &o->with},
                             {"seeds", 0, FPC_ARG_TEXT, 0, &o->seeds},
                             {"out", 0, FPC_ARG_TEXT, 0, &o->out},
                             {"jobs", 'j', FPC_ARG_COUNT, 0, &o->jobs},
                             {"only", 0, FPC_ARG_COUNT, 0, &o->only},
                             {"prune", 0, FPC_ARG_FLAG, 0, &o->prune},
                             {"dry-run", 0, FPC_ARG_FLAG, 0, &o->dry},
                             {"slurm", 0, FPC_ARG_TEXT, 0, &o->slurm},
                             {"baseline", 0, FPC_ARG_TEXT, 0, &o->baseline},
                             {"json", 0, FPC_ARG_FLAG, 0, &o->json},
                             {"random", 0, FPC_ARG_COUNT, 0, &o->random},
                             {"random-seed", 0, FPC_ARG_COUNT, 0, &o->random_seed},
                             {"halving", 0, FPC_ARG_COUNT, 0, &o->halving},
                             {"folds", 0, FPC_ARG_COUNT, 0, &o->folds},
                             {0}};
    const fpc_status status = fpc_args_read(cmd, table, NULL, NULL);

    if (!status && o->slurm && (o->dry || o->only))
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore sweep: --slurm writes a script and runs nothing; leave out %s",
                        o->dry ? "--dry-run" : "--only");
    if (!status && o->halving == 1)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore sweep: --halving 1: one of so many goes on behind a rung; give 2 or more");
    if (!status && o->halving && (o->slurm || o->only))
        return fpc_fail(
            cmd->ctx, FPC_EINVAL,
            "fpcore sweep: --halving compares all runs at each rung, which tasks of their own cannot; leave "
            "out %s",
            o->slurm ? "--slurm" : "--only");
    if (!status && o->halving && o->prune)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore sweep: --halving and --prune both stop runs; leave one out");
    if (!status && o->random_seed && !o->random)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore sweep: --random-seed %lld: only --random N draws",
                        (long long)o->random_seed);
    return status ? status : check_folds(cmd, o);
}

static fpc_status fill(fpc_sweep *s, const options *o)
{
    fpc_cmdline *cmd = s->cmd;
    fpc_status status = FPC_OK;

    s->n_recipes = 1 + o->with.n;
    s->recipe = fpc_alloc(cmd->arena, (size_t)s->n_recipes * sizeof *s->recipe);
    s->axis = fpc_alloc(cmd->arena, (size_t)(o->grid.n + 1) * sizeof *s->axis);
    if (!s->recipe || !s->axis)
        return FPC_ENOMEM;
    s->recipe[0] = cmd->recipe;
    for (int32_t i = 0; i < o->with.n; i++)
        s->recipe[i + 1] = o->with.text[i];
    for (int32_t i = 0; i < o->grid.n && !status; i++)
        status = fpc_sweep_axis(cmd->ctx, cmd->arena, o->grid.text[i], &s->axis[s->n_axes++]);
    if (!status)
        status = fpc_sweep_seeds(cmd->ctx, cmd->arena, o->seeds ? o->seeds : "1", &s->n_seeds, &s->seed);
    if (!status)
        status = fpc_sweep_plan(s);
    if (!status)
        status = fpc_sweep_folds_look(s);
    if (!status && o->only > s->n)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore sweep: --only %lld: the sweep has %d %s", (long long)o->only,
                        (int)s->n, fpc_word(s->n, "run", "runs"));
    if (status || (status = fpc_sweep_look(s)) || (s->halving && (status = fpc_sweep_halving_check(s))))
        return status;
    return o->baseline ? fpc_sweep_baseline(s, o->baseline) : FPC_OK;
}

/* ---- --dry-run ---- */

static const char *state_text(const fpc_sweep *s, const fpc_trial *c)
{
    switch (c->state) {
    case FPC_TRIAL_DONE:
        return "is complete";
    case FPC_TRIAL_DIVERGED:
        return "diverged; is not repeated";
    case FPC_TRIAL_CUT:
        return fpc_sprintf(s->cmd->arena, "goes on behind epoch %lld of %lld", (long long)c->epochs_done,
                           (long long)c->epochs);
    default:
        return "is new";
    }
}

static fpc_status print_plan(fpc_sweep *s)
{
    for (int32_t i = 0; i < s->n; i++) {
        const fpc_trial *c = &s->trial[i];
        const char *state = state_text(s, c), **word;
        const char *line = (word = fpc_sweep_command(s, c, "fpcore")) ? fpc_shell_line(s->cmd->arena, word) : NULL;
        if (!state || !line)
            return FPC_ENOMEM;
        fpc_print("%d  %s  %s\n", (int)i + 1, c->name, state);
        if (c->state == FPC_TRIAL_NEW || c->state == FPC_TRIAL_CUT)
            fpc_print("   %s\n", line);
    }
    const char *folds = s->folds ? fpc_sprintf(s->cmd->arena, ", %d folds", s->folds) : "";
    if (!folds)
        return FPC_ENOMEM;
    fpc_print("%d %s: %d %s, %d %s%s; folder %s\n", (int)s->n, fpc_word(s->n, "run", "runs"), (int)s->n_groups,
              fpc_word(s->n_groups, "recipe or value", "recipes or values"), (int)s->n_seeds,
              fpc_word(s->n_seeds, "seed", "seeds"), folds, s->out);
    if (s->halving)
        fpc_sweep_halving_plan(s);
    return FPC_OK;
}

/* ---- --slurm ---- */

static const char *program(const fpc_cmdline *cmd)
{
    char *real = strchr(cmd->full_argv[0], '/') ? realpath(cmd->full_argv[0], NULL) : NULL;
    const char *name = fpc_strdup(cmd->arena, real ? real : cmd->full_argv[0]);

    free(real);
    return name;
}

/* The sweep's own command, for one task of the array. */
static const char *task_command(const fpc_sweep *s, const options *o)
{
    const fpc_cmdline *cmd = s->cmd;
    const char **word =
        fpc_alloc(cmd->arena, (size_t)(22 + 2 * (o->grid.n + o->with.n + cmd->n_overrides)) * sizeof *word);
    int n = 0;

    if (!word)
        return NULL;
    word[n++] = program(cmd);
    word[n++] = "sweep";
    if (cmd->plugin_path)
        word[n++] = "--plugin-path", word[n++] = cmd->plugin_path;
    word[n++] = "-c", word[n++] = cmd->recipe;
    for (int32_t i = 0; i < o->with.n; i++)
        word[n++] = "--with", word[n++] = o->with.text[i];
    for (int32_t i = 0; i < cmd->n_overrides; i++)
        word[n++] = "-s", word[n++] = cmd->overrides[i];
    for (int32_t i = 0; i < o->grid.n; i++)
        word[n++] = "--grid", word[n++] = o->grid.text[i];
    if (s->random) {
        word[n++] = "--random", word[n++] = fpc_sprintf(cmd->arena, "%lld", (long long)s->random);
        word[n++] = "--random-seed", word[n++] = fpc_sprintf(cmd->arena, "%lld", (long long)s->random_seed);
        if (!word[n - 1] || !word[n - 3])
            return NULL;
    }
    if (s->folds) {
        word[n++] = "--folds";
        if (!(word[n++] = fpc_sprintf(cmd->arena, "%d", s->folds)))
            return NULL;
    }
    word[n++] = "--seeds", word[n++] = o->seeds ? o->seeds : "1";
    word[n++] = "--out", word[n++] = s->out;
    return word[0] ? fpc_shell_line(cmd->arena, word) : NULL;
}

static fpc_status write_slurm(fpc_sweep *s, const options *o)
{
    fpc_arena *arena = s->cmd->arena;
    char folder[PATH_MAX], limit[32] = "";
    const char *command = task_command(s, o), *in, *text, *export = "";
    fpc_status status;

    if (!getcwd(folder, sizeof folder))
        return fpc_fail(s->cmd->ctx, FPC_EIO, "fpcore sweep: the present folder has no name");
    if (o->jobs)
        snprintf(limit, sizeof limit, "%%%lld", (long long)o->jobs);
    in = fpc_shell_line(arena, (const char *const[]){"cd", folder, NULL});
    for (int i = 0; export && i < 3; i++) { /* where plugins and recipes are looked for */
        static const char *const name[] = {"FPCORE_PLUGIN_PATH", "FPCORE_PLUGIN_DIR", "FPCORE_RECIPES"};
        const char *value = getenv(name[i]);
        if (value)
            export = fpc_sprintf(arena, "%sexport %s=%s\n", export, name[i],
                                 fpc_shell_line(arena, (const char *const[]){value, NULL}));
    }
    if (!command || !in || !export)
        return FPC_ENOMEM;
    text =
        fpc_sprintf(arena,
                    "#!/bin/sh\n"
                    "# Written by `fpcore sweep --slurm`: %d %s, a task each. A task that is cut saves; when it\n"
                    "# is started again it goes on, and what is complete is not repeated. Add partition, time and\n"
                    "# memory as your cluster wants them. The table at the end: the last line without --only.\n"
                    "#SBATCH --job-name=fpcore-sweep\n"
                    "#SBATCH --array=1-%d%s\n"
                    "#SBATCH --output=%s/logs/slurm-%%A_%%a.out\n"
                    "#SBATCH --open-mode=append\n"
                    "#SBATCH --signal=B:TERM@120\n"
                    "#SBATCH --requeue\n"
                    "%s || exit 1\n%s"
                    "exec %s --only \"$SLURM_ARRAY_TASK_ID\"\n",
                    (int)s->n, fpc_word(s->n, "training", "trainings"), (int)s->n, limit, s->out, in, export, command);
    if (!text)
        return FPC_ENOMEM;
    if ((status = fpc_sweep_folders(s)) || (status = fpc_write_atomic(s->cmd->ctx, o->slurm, text, strlen(text))))
        return status;
    fpc_print("%s: %d %s; hand it in with: sbatch %s\n", o->slurm, (int)s->n, fpc_word(s->n, "task", "tasks"),
              o->slurm);
    return FPC_OK;
}

/* ---- the table ---- */

static fpc_status table(fpc_sweep *s, const options *o)
{
    const char **folder = fpc_alloc(s->cmd->arena, ((size_t)s->n + 1) * sizeof *folder);
    int32_t n = 0;

    if (!folder)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->n; i++)
        if (s->trial[i].folder)
            folder[n++] = s->trial[i].folder;
    return n ? fpc_compare(s->cmd, &(fpc_compare_args){.n = n, .run = folder, .baseline = o->baseline, .json = o->json})
             : FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    options o = {0};
    fpc_sweep *s = fpc_alloc(cmd->arena, sizeof *s);
    fpc_status status = s ? read_options(cmd, &o) : FPC_ENOMEM;

    if (status)
        return status;
    *s = (fpc_sweep){.cmd = cmd,
                     .out = o.out,
                     .jobs = o.jobs ? o.jobs : 1,
                     .only = o.only,
                     .prune = o.prune,
                     .lock = -1,
                     .halving = o.halving,
                     .folds = (int32_t)o.folds,
                     .random = o.random,
                     .random_seed = o.random_seed ? o.random_seed : 1};
    if ((status = fill(s, &o)))
        return status;
    if (o.dry)
        return print_plan(s);
    if (o.slurm)
        return write_slurm(s, &o);
    status = fpc_sweep_run(s);
    if (status || s->only)
        return status;
    status = s->folds ? fpc_sweep_folded(s) : table(s, &o);
    if (!status && s->halving && !o.json)
        fpc_sweep_halving_told(s);
    return status;
}

const fpc_cmd fpc_cmd_sweep = {
    .name = "sweep",
    .place = 140,
    .summary = "Train a grid or samples of recipes times seeds, then compare.",
    .needs_recipe = 1,
    .interrupted = "stopping the trainings, which save",
    .run = run,
    .help =
        "usage: fpcore sweep -c RECIPE [--with RECIPE]... [--grid KEY=V,V...]... [--seeds N] [--out DIR] [-j N]\n"
        "                    [-s SECTION.KEY=VALUE]... [--random N] [--folds K] [--prune | --halving R] [--dry-run]\n"
        "                    [--slurm FILE]\n"
        "\n"
        "Trains every recipe with every combination of the values and every seed, each in its own run folder below\n"
        "DIR, and ends with the tables and verdicts of `fpcore compare`. The same command again runs what is missing,\n"
        "goes on with what was cut and repeats nothing that is complete, also where a value is spelt in another way\n"
        "(1e-3, 0.001); a run in DIR that was made with another\n"
        "recipe is refused with the keys that differ.\n"
        "\n"
        "  --with RECIPE   a further recipe; as often as there are recipes\n"
        "  --grid KEY=V,V  values of a key, as often as there are keys; values that hold commas: KEY=V;V\n"
        "  --random N      N samples in place of all combinations: of every key one of its values, by chance, or of "
        "its\n"
        "                  range KEY=LO..HI a number, whole where the option is; KEY=LO..HI:log: evenly by the "
        "logarithm.\n"
        "                  The same command draws the same samples, a larger N further ones\n"
        "  --random-seed S other samples (default 1)\n"
        "  --seeds N       seeds 1 to N (default 1), or a list: --seeds 3,7,11\n"
        "  --folds K       every recipe and seed K times, each time without one of K parts of all labelled pictures, "
        "which\n"
        "                  judges it: F of every picture by a network that has not seen it (docs/compare.md)\n"
        "  --out DIR       default runs/sweep-<recipe>\n"
        "  -j N            so many trainings at once; they share the processor's threads (default 1)\n"
        "  --prune         stop runs that are worse than complete runs of the best recipe at the same epoch by more\n"
        "                  than the noise (docs/compare.md has the rule); they stay stopped while --prune is given\n"
        "  --halving R     train all to a first rung, the best one of R from there to the next, and so on to the end; "
        "rungs\n"
        "                  lie at run.epochs / R, / R^2 ... (docs/compare.md). What was stopped goes on without "
        "--halving\n"
        "  --baseline RUN  compare with this run's recipe instead of the best one\n"
        "  --dry-run       print the runs, what is there of them, and their commands\n"
        "  --slurm FILE    write a script for a Slurm job array instead of training; -j limits its tasks at once\n"
        "  --only K        train the K-th run alone (what a task of the array does)\n"
        "  --json          the comparison as JSON\n"
        "\n"
        "exit: 0 done, 1 a training failed, 2 usage or recipe, 75 trainings saved and wait to be started again\n"
        "(run.hours), 130 interrupted after all trainings saved\n"
        "example: fpcore sweep -c quickstart.ini --grid run.ema=0,0.9 --seeds 2 --dry-run\n"};
