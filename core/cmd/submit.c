/* submit.c: `fpcore submit`: the archive for a contest, written and then checked. */
#include <fpcore/logger.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "experiment/predictor.h"
#include "cmd/submit/submit.h"
#include "cmd/args.h"
#include "cmd/line/output.h"
#include "base/file.h"

/* Before a picture is read. */
static fpc_status check_limit(const fpc_submit *s)
{
    const int64_t n = s->experiment->state->n_trainable;
    if (n < s->limit)
        return FPC_OK;
    return fpc_fail(s->cmd->ctx, FPC_EINVAL,
                    "fpcore submit: the model has %lld trainable parameters; the contest takes fewer than %lld. "
                    "model.max_params = %lld keeps a recipe below it; --limit N is for another contest",
                    (long long)n, (long long)s->limit, (long long)s->limit - 1);
}

static fpc_status write_archive(fpc_submit *s)
{
    const void *data;
    size_t bytes;
    const fpc_status status =
        fpc_zip_make(s->cmd->ctx, s->cmd->arena, s->out, FPC_SUBMIT_MARK, s->n, s->entry, &data, &bytes);
    return status ? status : fpc_write_beside(s->cmd->ctx, s->cmd->arena, s->out, data, bytes, &s->part);
}

/* The archive has its name when it was read back and its solution has run. */
static fpc_status publish(fpc_submit *s)
{
    fpc_status status;

    if (!(status = write_archive(s)) && !(status = fpc_submit_check(s)) && !(status = fpc_submit_trial(s)) &&
        rename(s->part, s->out))
        status = fpc_fail(s->cmd->ctx, FPC_EIO, "%s: cannot be written: %s", s->out, strerror(errno));
    if (status && s->part)
        unlink(s->part);
    return status;
}

static fpc_status submit(fpc_submit *s, fpc_predictor *predictor)
{
    fpc_status status;

    s->experiment = fpc_predictor_experiment(predictor);
    s->tta = fpc_predictor_tta(predictor);
    s->weights = fpc_predictor_weights(predictor);
    if ((status = check_limit(s)) || (status = fpc_submit_masks(s)) || (status = fpc_submit_solution(s)) ||
        (status = publish(s)))
        return status;
    fpc_print("%s: %d %s, %lld parameters (fewer than %lld are allowed);\n"
              "read back and found whole; its solution ran\n",
              s->out, s->n_masks, fpc_word(s->n_masks, "mask", "masks"), (long long)s->experiment->state->n_trainable,
              (long long)s->limit);
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    int flip = 0, no_exchange = 0;
    const char *post = NULL;
    fpc_submit s = {.cmd = cmd, .limit = FPC_SUBMIT_LIMIT};
    fpc_predictor_args open = fpc_cmd_predictor(cmd);
    fpc_predictor *predictor = NULL;
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &open.weights},
                            {"out", 'o', FPC_ARG_TEXT, 1, &s.out},
                            {"scales", 0, FPC_ARG_TEXT, 0, &s.scales},
                            {"flip", 0, FPC_ARG_FLAG, 0, &flip},
                            {"no-exchange", 0, FPC_ARG_FLAG, 0, &no_exchange},
                            {"limit", 0, FPC_ARG_COUNT, 0, &s.limit},
                            {"force", 0, FPC_ARG_FLAG, 0, &s.force},
                            {"post", 0, FPC_ARG_TEXT, 0, &post},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status || (status = fpc_tta_read(cmd->ctx, "submit", s.scales, flip, no_exchange, &s.how)) ||
        (status = fpc_output_check(cmd->ctx, s.out, "fpcore submit", "name to --out",
                                   s.force || fpc_zip_says(s.out, FPC_SUBMIT_MARK))))
        return status;
    fpc_predictor_take_tta(&open, &s.how);
    /* A recipe that is given is packed with every default, so all that it names is opened. */
    const unsigned what = FPC_OPEN_DATA | (cmd->recipe ? 0 : FPC_OPEN_USED);
    if (!(status = fpc_predictor_open_in(cmd->ctx, &open, what, &predictor)) &&
        !(status = fpc_predictor_post(predictor, post, &s.post)))
        status = submit(&s, predictor);
    fpc_predictor_close(predictor);
    return status;
}

const fpc_cmd fpc_cmd_submit = {
    .name = "submit",
    .place = 170,
    .summary = "Write the archive for a contest: masks of the test pictures, weights, recipe.",
    .needs_recipe = 0,
    .interrupted = "stopping after this picture; no archive is written",
    .run = run,
    .help = "usage: fpcore submit [-c RECIPE] -w RUN|WEIGHTS.safetensors -o FILE.zip\n"
            "                     [-s SECTION.KEY=VALUE]... [--scales S,S...]\n"
            "                     [--flip [--no-exchange]] [--post FILE]\n"
            "                     [--limit N] [--force]\n"
            "\n"
            "Writes masks/NAME.png for every picture of the data set's test part (8-bit\n"
            "palette, the index is the class, the size is the picture's) and solution/:\n"
            "weights as safetensors and as ckpt.pth for PyTorch, the recipe, a script with\n"
            "--input --output --weights, and a description. Then reads the archive back and\n"
            "compares everything, and runs the script in an empty folder on one picture. Only\n"
            "then the archive gets its name.\n"
            "\n"
            "An archive that fpcore submit wrote is replaced; any other file of that name ends\n"
            "the program before it begins.\n"
            "\n"
            "  -c RECIPE            default: that of the run folder, or what the weights\n"
            "                       hold; these have no paths: -s dataset.root=FOLDER\n"
            "  -w, --weights FILE   weights of the recipe's model, or a run folder: its\n"
            "                       best.safetensors\n"
            "  -o, --out FILE       the archive\n"
            "  --scales, --flip, --no-exchange, --post FILE\n"
            "                       as in `fpcore predict`\n"
            "  --limit N            refuse a model with N trainable parameters or more\n"
            "                       (default: " FPC_SUBMIT_TEXT_OF(
                FPC_SUBMIT_LIMIT) ")\n"
                                  "  --force              replace a file that fpcore submit did not write\n"
                                  "\n"
                                  "example: fpcore submit -w runs/quickstart-* -o submission.zip\n"};
