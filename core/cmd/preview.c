/* preview.c: `fpcore preview`: training samples as the recipe's augmentation leaves them: exactly the batches that
 * a training draws in that epoch. */
#include <string.h>
#include "base/text.h"
#include "cmd/args.h"
#include "cmd/inspect/preview.h"
#include "cmd/report/report.h"
#include "experiment/trained.h"

enum { OPENED = FPC_OPEN_DATA | FPC_OPEN_BACKEND | FPC_OPEN_FROZEN };

typedef struct job {
    fpc_cmdline *cmd;
    fpc_experiment *s;
    const char *out;
    int64_t n, epoch;
    fpc_preview_sample *sample;
} job;

static const void *copy(fpc_arena *arena, const void *from, size_t bytes)
{
    void *to = fpc_alloc(arena, bytes);
    if (to)
        memcpy(to, from, bytes);
    return to;
}

static fpc_status take_batch(job *j, const fpc_batch *b, int64_t *done)
{
    fpc_arena *arena = j->cmd->arena;
    const size_t pixels = (size_t)b->h * (size_t)b->w;
    float *image = fpc_alloc(arena, (size_t)b->n * pixels * 3 * sizeof *image);
    uint8_t *mask = fpc_alloc(arena, (size_t)b->n * pixels);
    const char **names = fpc_alloc(arena, (size_t)b->n * sizeof *names);
    fpc_status status = image && mask && names ? FPC_OK : FPC_ENOMEM;
    for (int32_t i = 0; i < b->n && !status; i++) {
        char id[256];
        status = fpc_data_name(j->s->data, FPC_TRAIN, b->index[i], id, sizeof id);
        if (!status && !(names[i] = fpc_strdup(arena, id)))
            status = FPC_ENOMEM;
    }
    if (!status)
        status = fpc_augmented_step(j->s, b, image, mask);
    for (int32_t i = 0; i < b->n && *done < j->n && !status; i++) {
        fpc_preview_sample *p = &j->sample[(*done)++];
        p->name = names[i];
        p->image = copy(arena, b->image + (size_t)i * pixels * 3, pixels * 3);
        p->mask = copy(arena, b->mask + (size_t)i * pixels, pixels);
        p->augmented = image + (size_t)i * pixels * 3;
        p->labels = mask + (size_t)i * pixels;
        status = p->image && p->mask ? fpc_preview_describe(arena, fpc_data_augments(j->s->data), b, i, names, p)
                                     : FPC_ENOMEM;
    }
    return status;
}

static fpc_status preview(job *j)
{
    const fpc_dataset_info *info = fpc_data_info(j->s->data);
    const fpc_batch *b = NULL;
    int64_t done = 0;
    j->sample = fpc_alloc(j->cmd->arena, (size_t)j->n * sizeof *j->sample);
    fpc_status status = j->sample ? fpc_data_start(j->s->data, FPC_TRAIN, j->epoch - 1, 0) : FPC_ENOMEM;
    while (!status && done < j->n && !(status = fpc_data_next(j->s->data, &b)) && b)
        status = take_batch(j, b, &done);
    if (status)
        return status;
    const char *title = fpc_sprintf(j->cmd->arena, "%s, epoch %lld, seed %lld", j->s->recipe->path, (long long)j->epoch,
                                    (long long)j->s->run.seed);
    if (!title ||
        (status = fpc_preview_draw(j->cmd->ctx, j->cmd->arena, info, j->out, title, (int32_t)done, j->sample)))
        return title ? status : FPC_ENOMEM;
    for (int64_t i = 0; i < done; i++) {
        fpc_print("%s\n", fpc_report_clean(j->cmd->arena, j->sample[i].name));
        for (int32_t k = 0; k < j->sample[i].n_lines; k++)
            fpc_print("  %s\n", j->sample[i].line[k]);
    }
    fpc_print("%s: %lld %s of epoch %lld\n", j->out, (long long)done, fpc_word(done, "sample", "samples"),
              (long long)j->epoch);
    return FPC_OK;
}

/* As the run of these weights was trained. */
static fpc_status open_trained(fpc_cmdline *cmd, const char *weights, fpc_experiment **out)
{
    fpc_trained *t = fpc_alloc(cmd->arena, sizeof *t); /* the experiment goes on looking at it */
    fpc_status status = t ? FPC_OK : FPC_ENOMEM;

    if (!status &&
        !(status = fpc_trained_read(cmd->ctx, cmd->arena, weights, NULL, cmd->n_overrides, cmd->overrides, t)))
        status = fpc_trained_open(cmd->ctx, cmd->arena, t, cmd->plugin_path, OPENED, out);
    return status;
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *weights = NULL;
    job j = {.cmd = cmd, .out = "preview.png", .n = 8, .epoch = 1};
    const fpc_arg args[] = {{"out", 'o', FPC_ARG_TEXT, 0, &j.out},
                            {"weights", 'w', FPC_ARG_TEXT, 0, &weights},
                            {"number", 'n', FPC_ARG_COUNT, 0, &j.n},
                            {"epoch", 0, FPC_ARG_COUNT, 0, &j.epoch},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status)
        return status;
    if (j.n > FPC_PREVIEW_MOST)
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore preview: -n %lld: at most %d samples fit on a sheet",
                        (long long)j.n, FPC_PREVIEW_MOST);
    if (!weights == !cmd->recipe)
        return fpc_fail_recipe(cmd->ctx, FPC_EINVAL,
                               weights ? "fpcore preview: -c and -w are two recipes; give one of them"
                                       : "fpcore preview: the recipe is missing; give -c RECIPE.ini, or -w RUN");
    status = weights ? open_trained(cmd, weights, &j.s) : fpc_cmd_open(cmd, OPENED, &j.s);
    return status ? status : preview(&j);
}

const fpc_cmd fpc_cmd_preview = {
    .name = "preview",
    .place = 160,
    .summary = "Draw augmented training samples with their masks and drawn parameters.",
    .needs_recipe = 0,
    .run = run,
    .help = "usage: fpcore preview -c RECIPE|-w RUN [-s SECTION.KEY=VALUE]... [-o FILE.png]\n"
            "                      [-n N] [--epoch E]\n"
            "\n"
            "Writes a sheet with the first samples of an epoch as training sees them: picture\n"
            "and mask before and after augmentation, the mask laid over the picture, and what\n"
            "was drawn for each; prints the same numbers. What counts nowhere is magenta.\n"
            "\n"
            "  -w, --weights FILE   in place of -c: a run folder or its weights, for the recipe\n"
            "                       that they were trained with\n"
            "  -o, --out FILE       the sheet (default: preview.png)\n"
            "  -n, --number N       samples, at most 64 (default: 8)\n"
            "  --epoch E            of the training, from 1 (default: 1)\n"
            "\n"
            "example: fpcore preview -c conf/quickstart.ini -o preview.png -n 4\n"};
