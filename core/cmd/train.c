/* train.c: `fpcore -c RECIPE [--resume RUN]`: trains. Signals are main.c's; the training loop looks for the
 * cancellation that they leave. */
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/lint/lint.h"
#include "record/run_files.h"
#include "train/loop.h"

static void count(void *arg, const char *sentence)
{
    (void)arg, (void)sentence;
}

/* Their sentences are long; the number is enough to make one look. */
static fpc_status tell_warnings(fpc_cmdline *cmd, fpc_experiment *experiment)
{
    const int32_t n = fpc_lint(experiment, cmd->arena, count, NULL);
    const fpc_status status = fpc_ctx_status(cmd->ctx);

    if (n && !status)
        fpc_log(cmd->ctx, FPC_LOG_WARN, "%d %s rarely meant; --check tells which and why", (int)n,
                fpc_word(n, "setting of the recipe is", "settings of the recipe are"));
    return status;
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *resume = NULL;
    int other_data = 0;
    int64_t until = 0;
    const fpc_arg table[] = {{"resume", 0, FPC_ARG_TEXT, 0, &resume},
                             {"other-data", 0, FPC_ARG_FLAG, 0, &other_data},
                             {"until", 0, FPC_ARG_COUNT, 0, &until},
                             {0}};
    fpc_experiment *experiment;
    fpc_status status = fpc_args_read(cmd, table, NULL, NULL);

    if (status)
        return status;
    if (other_data && !resume)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "--other-data goes with --resume RUN: it lets that run go on with others");
    if (resume && (status = fpc_run_resumable(cmd->ctx, resume)))
        return status;
    if (resume && !cmd->recipe && !(cmd->recipe = fpc_sprintf(cmd->arena, "%s/%s", resume, FPC_RUN_RECIPE)))
        return FPC_ENOMEM;
    if (!cmd->recipe)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "which recipe? fpcore -c RECIPE.ini trains; fpcore --help tells more");
    if ((status = fpc_cmd_open(cmd, FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &experiment)))
        return status;
    if (!resume && (status = tell_warnings(cmd, experiment)))
        return status;
    return fpc_run(experiment, &(fpc_run_args){resume, cmd->full_argc, cmd->full_argv, other_data, until});
}

const fpc_cmd fpc_cmd_train = {
    .name = "train",
    .place = 10,
    .summary = "Train the model of a recipe (what fpcore does without a verb).",
    .needs_recipe = 0,
    .interrupted = "finishing the step, then saving",
    .run = run,
    .help =
        "usage: fpcore -c RECIPE [-s SECTION.KEY=VALUE]... [--resume RUN [--other-data]] [--until N]\n"
        "\n"
        "Trains into the folder <run.out>/<run.name>-<time>: best.safetensors and last.safetensors, history.json,\n"
        "curves.png, samples.png, validation.safetensors (what each validation picture scored with the best weights),\n"
        "train.txt and val.txt (names of the pictures), recipe.ini as it was resolved, run.json. SIGINT, SIGTERM, "
        "SIGHUP, SIGUSR1 and\n"
        "SIGXCPU finish the step and save; a second one ends at once.\n"
        "\n"
        "  --resume RUN   go on in this run folder, bit for bit as if the run had not been cut; without -c its own "
        "recipe\n"
        "                 is taken. -c and -s may change only what does not touch results (paths, threads, loggers)\n"
        "                 and run.epochs, hours, patience, min_epochs, min_delta, keep_best, name.\n"
        "\n"
        "  --until N      save and end after epoch N; the learning rate is that of all of run.epochs, and --resume "
        "goes\n"
        "                 on to the bytes of a run that was not stopped\n"
        "\n"
        "exit: 0 done, 1 failed, 2 bad recipe or usage, 3 diverged, 130 interrupted after saving, 75 the\n"
        "same by SIGUSR1, run.hours or --until\n"
        "example: fpcore -c conf/quickstart.ini -s run.epochs=2\n"};
