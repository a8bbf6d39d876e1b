/* submit.c: `fpcore submit`: the archive for a contest, written and then checked. */
#include <fpcore/logger.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "weights/weights.h"
#include "cmd/submit/submit.h"
#include "cmd/args.h"

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
    const fpc_status status = fpc_zip_make(s->cmd->ctx, s->cmd->arena, s->out, s->n, s->entry, &data, &bytes);
    return status ? status : fpc_write_atomic(s->cmd->ctx, s->part, data, bytes);
}

/* The archive has its name when it was read back and its solution has run. */
static fpc_status publish(fpc_submit *s)
{
    fpc_status status;

    if (!(s->part = fpc_sprintf(s->cmd->arena, "%s.part", s->out)))
        return FPC_ENOMEM;
    if (!(status = write_archive(s)) && !(status = fpc_submit_check(s)) && !(status = fpc_submit_trial(s)) &&
        rename(s->part, s->out))
        status = fpc_fail(s->cmd->ctx, FPC_EIO, "%s: cannot be written: %s", s->out, strerror(errno));
    if (status)
        unlink(s->part);
    return status;
}

static fpc_status run(fpc_cmdline *cmd)
{
    int flip = 0, no_exchange = 0;
    int64_t epoch;
    fpc_submit s = {.cmd = cmd, .limit = FPC_SUBMIT_LIMIT};
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &s.weights},
                            {"out", 'o', FPC_ARG_TEXT, 1, &s.out},
                            {"scales", 0, FPC_ARG_TEXT, 0, &s.scales},
                            {"flip", 0, FPC_ARG_FLAG, 0, &flip},
                            {"no-exchange", 0, FPC_ARG_FLAG, 0, &no_exchange},
                            {"limit", 0, FPC_ARG_COUNT, 0, &s.limit},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status || (status = fpc_tta_read(cmd->ctx, "submit", s.scales, flip, no_exchange, &s.how)) ||
        (status = fpc_cmd_open(cmd, FPC_OPEN_DATA | FPC_OPEN_BACKEND | FPC_OPEN_FROZEN, &s.experiment)) ||
        (status = check_limit(&s)) ||
        (status = fpc_weights_load_validated(cmd->ctx, s.experiment->state, s.weights, &epoch)))
        return status;
    const fpc_dataset_info *info = fpc_data_info(s.experiment->data);
    if ((status = fpc_tta_open(s.experiment, cmd->arena, &s.how, info->h, info->w, &s.tta)) ||
        (status = fpc_submit_masks(&s)) || (status = fpc_submit_solution(&s)) || (status = publish(&s)))
        return status;
    fpc_print(
        "%s: %d masks, %lld parameters (fewer than %lld are allowed); read back and found whole; its solution ran\n",
        s.out, s.n_masks, (long long)s.experiment->state->n_trainable, (long long)s.limit);
    return FPC_OK;
}

const fpc_cmd fpc_cmd_submit = {
    .name = "submit",
    .place = 170,
    .summary = "Write the archive for a contest: masks of the test pictures, weights, recipe.",
    .needs_recipe = 1,
    .interrupted = "stopping after this picture; no archive is written",
    .run = run,
    .help = "usage: fpcore submit -c RECIPE -w WEIGHTS.safetensors -o FILE.zip [-s SECTION.KEY=VALUE]...\n"
            "                     [--scales S,S...] [--flip [--no-exchange]] [--limit N]\n"
            "\n"
            "Writes masks/NAME.png for every picture of the data set's test part (8-bit palette, the index is the "
            "class, the\n"
            "size is the picture's) and solution/: weights as safetensors and as ckpt.pth for PyTorch, the recipe, a "
            "script\n"
            "with --input --output --weights, and a description. Then reads the archive back and compares everything, "
            "and\n"
            "runs the script in an empty folder on one picture. Only then the archive gets its name.\n"
            "\n"
            "  -w, --weights FILE   weights of the recipe's model\n"
            "  -o, --out FILE       the archive\n"
            "  --scales, --flip, --no-exchange\n"
            "                       as in `fpcore predict`\n"
            "  --limit N            refuse a model with N trainable parameters or more (default: " FPC_SUBMIT_TEXT_OF(
                FPC_SUBMIT_LIMIT) ")\n"
                                  "\n"
                                  "example: fpcore submit -c conf/quickstart.ini -w runs/quickstart-*/best.safetensors "
                                  "-o submission.zip\n"};
