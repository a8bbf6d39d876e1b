/* tune.c: `fpcore tune`: numbers for what is done behind a network, chosen on the validation pictures, and whether they
 * are worth anything on pictures that they were not chosen on (cmd/tune/tune.h). */
#include "base/clock.h"
#include "base/file.h"
#include "cmd/args.h"
#include "cmd/line/output.h"
#include "cmd/line/terminal.h"
#include "cmd/report/report.h"
#include "cmd/tune/tune.h"
#include "experiment/post.h"
#include "experiment/predictor.h"

#include <math.h>
#include <string.h>

typedef struct job {
    fpc_cmdline *cmd;
    const char *out; /* -o; NULL: only told */
    int64_t folds, seed;
    fpc_tta how;
    fpc_tune_set set;
    fpc_tune_result result;
} job;

static const char *const part_name[FPC_TUNE_PARTS] = {"bias", "sides", "smallest", "holes"};

/* ---- predictions ---- */

/* Logits, or logarithms of mean probabilities, to which a bias is added alike. */
static fpc_status scores_of(const job *j, fpc_predictor *p, fpc_arena *scratch, const fpc_batch *one, float **score)
{
    const int64_t n = (int64_t)j->set.h * j->set.w * j->set.classes;
    const fpc_status status = fpc_tta_scores(fpc_predictor_tta(p), scratch, one->image, score);

    for (int64_t i = 0; i < n && !status && fpc_tta_on(&j->how); i++)
        (*score)[i] = logf(fmaxf((*score)[i], 1e-30f));
    return status;
}

static fpc_status predict_all(job *j, fpc_predictor *p, fpc_arena *scratch)
{
    fpc_experiment *s = fpc_predictor_experiment(p);
    const int64_t n = fpc_data_info(s->data)->count[FPC_VAL];
    const double began = fpc_clock_now();
    fpc_status status = FPC_OK;

    for (int64_t i = 0; i < n && !status; i++) {
        fpc_batch one;
        float *score;
        if (fpc_ctx_cancelled(j->cmd->ctx))
            return fpc_fail(j->cmd->ctx, FPC_ECANCEL, "interrupted after %lld of %lld pictures; nothing is written",
                            (long long)i, (long long)n);
        fpc_arena_reset(scratch);
        if (!(status = fpc_data_read(s->data, scratch, FPC_VAL, i, &one)) &&
            !(status = scores_of(j, p, scratch, &one, &score)))
            status = fpc_tune_add(&j->set, score, one.mask);
        fpc_show_progress(i + 1, n, "pictures", began);
    }
    fpc_end_progress();
    return status;
}

static fpc_status keep_predictions(job *j, fpc_predictor *p)
{
    const fpc_experiment *s = fpc_predictor_experiment(p);
    const fpc_dataset_info *info = fpc_data_info(s->data);
    fpc_arena *scratch;

    if (!info->count[FPC_VAL] || info->unlabelled[FPC_VAL])
        return fpc_fail(j->cmd->ctx, FPC_EINVAL,
                        "fpcore tune: the data set has no validation pictures%s, on which numbers are chosen",
                        info->count[FPC_VAL] ? " with labels" : "");
    j->set = (fpc_tune_set){.ctx = j->cmd->ctx,
                            .arena = j->cmd->arena,
                            .h = info->h,
                            .w = info->w,
                            .classes = s->classes,
                            .ignore = s->ignore,
                            .n_pairs = info->n_mirror_pairs,
                            .pairs = info->mirror_pairs};
    if (!(scratch = fpc_arena_new(j->cmd->ctx)))
        return FPC_ENOMEM;
    const fpc_status status = predict_all(j, p, scratch);
    fpc_arena_free(scratch);
    return status;
}

/* ---- what is told ---- */

static fpc_status print_parts(const job *j)
{
    static const fpc_column column[] = {{"part", "part", FPC_AS_TEXT, NULL},
                                        {"gain", "gain, held out", FPC_AS_SLOPE, NULL},
                                        {"se", "standard error", FPC_AS_SLOPE, NULL},
                                        {"kept", "kept", FPC_AS_TEXT, NULL},
                                        {0}};
    fpc_report report = {.arena = j->cmd->arena};
    fpc_table *table = fpc_table_new(&report, "parts", column);

    for (int k = 0; k < FPC_TUNE_PARTS; k++)
        fpc_report_add(&report, table, fpc_cell_text(part_name[k]), fpc_cell_number(j->result.part[k].gain),
                       fpc_cell_number(j->result.part[k].se), fpc_cell_text(j->result.part[k].kept ? "yes" : "no"));
    return report.failed ? FPC_ENOMEM : fpc_table_print(j->cmd->arena, table, "");
}

static const char *verdict(const job *j)
{
    const fpc_tune_result *r = &j->result;

    if (!r->any)
        return "Nothing to gain: no part helps on pictures that its numbers were not chosen on.";
    if (!r->shown)
        return "Nothing to gain: what is left on pictures held out is within the noise of the pictures.";
    return "A gain: on pictures held out it is larger than the noise of the pictures.";
}

/* The same for the terminal and for the file, where `mark` begins each line. */
static const char *numbers(const job *j, const char *mark)
{
    const fpc_tune_result *r = &j->result;
    const double seen = r->with - r->without;

    return fpc_sprintf(j->cmd->arena,
                       "%sF per picture without:            %.4f\n"
                       "%sF on the pictures chosen on:      %.4f (%+.4f)\n"
                       "%sF on pictures held out:           %.4f (%+.4f, 95 %% %+.4f to %+.4f, p %.2g)\n"
                       "%soptimism:                         %+.4f\n",
                       mark, r->without, mark, r->with, seen, mark, r->held, r->gained.value, r->gained.lo,
                       r->gained.hi, r->gained.p, mark, seen - r->gained.value);
}

static fpc_status print_result(const job *j)
{
    const char *text = numbers(j, "");
    fpc_status status;

    if (!text)
        return FPC_ENOMEM;
    fpc_print("pictures: %d of the part val, in %lld folds (seed %lld)\n", j->set.n, (long long)j->folds,
              (long long)j->seed);
    if (j->set.unlabelled)
        fpc_print("left out: %d, of which no pixel counts\n", j->set.unlabelled);
    fpc_print("measured at: %d x %d (height x width), the size of the data set\n", j->set.h, j->set.w);
    if (fpc_tta_on(&j->how))
        fpc_print("average of: %s\n", fpc_tta_text(j->cmd->arena, &j->how));
    fpc_print("\n");
    if ((status = print_parts(j)))
        return status;
    fpc_print("\n%s\n%s\n", text, verdict(j));
    return FPC_OK;
}

/* ---- the file ---- */

static int is_ours(const char *path)
{
    char head[sizeof FPC_POST_MARK] = "";
    FILE *file = fpc_open_plain(path);
    const size_t n = file ? fread(head, 1, sizeof head - 1, file) : 0;

    if (file)
        fclose(file);
    return n == sizeof head - 1 && !memcmp(head, FPC_POST_MARK, n);
}

static fpc_status write_file(const job *j, const fpc_dataset_info *info)
{
    const char *told = numbers(j, "# ");
    const char *notes = told ? fpc_sprintf(j->cmd->arena, "# %d pictures, %lld folds, seed %lld.\n%s", j->set.n,
                                           (long long)j->folds, (long long)j->seed, told)
                             : NULL;
    const char *text = notes ? fpc_post_text(j->cmd->arena, &j->result.post, info, notes) : NULL;
    fpc_status status;

    if (!text)
        return FPC_ENOMEM;
    if ((status = fpc_write_text(j->cmd->ctx, j->out, text)))
        return status;
    fpc_print("%s: for fpcore predict, eval and submit: --post %s\n", fpc_report_clean(j->cmd->arena, j->out),
              fpc_report_clean(j->cmd->arena, j->out));
    return FPC_OK;
}

static double began;

static void show_fold(int32_t done, int32_t n)
{
    fpc_show_progress(done, n, "choices", began);
}

static fpc_status tune(job *j, fpc_predictor *p)
{
    fpc_dataset_info info = fpc_predictor_experiment(p)->info;
    fpc_status status;

    if ((status = keep_predictions(j, p)))
        return status;
    began = fpc_clock_now();
    status = fpc_tune_choose(&j->set, (int32_t)j->folds, j->seed, show_fold, &j->result);
    fpc_end_progress();
    if (status || (status = print_result(j)))
        return status;
    info.classes = j->set.classes;
    if (j->result.shown && j->out)
        return write_file(j, &info);
    if (j->result.shown)
        fpc_print("-o FILE writes it.\n");
    else if (j->out)
        fpc_print("%s is not written.\n", fpc_report_clean(j->cmd->arena, j->out));
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *scales = NULL;
    int flip = 0, no_exchange = 0, force = 0;
    job j = {.cmd = cmd, .folds = 5, .seed = 1};
    fpc_predictor_args open = fpc_cmd_predictor(cmd);
    fpc_predictor *predictor = NULL;
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &open.weights},
                            {"out", 'o', FPC_ARG_TEXT, 0, &j.out},
                            {"folds", 0, FPC_ARG_COUNT, 0, &j.folds},
                            {"seed", 0, FPC_ARG_COUNT, 0, &j.seed},
                            {"scales", 0, FPC_ARG_TEXT, 0, &scales},
                            {"flip", 0, FPC_ARG_FLAG, 0, &flip},
                            {"no-exchange", 0, FPC_ARG_FLAG, 0, &no_exchange},
                            {"force", 0, FPC_ARG_FLAG, 0, &force},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (!status && (j.folds < 2 || j.folds > 100))
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore tune: --folds %lld: 2 to 100 are possible", (long long)j.folds);
    if (status || (status = fpc_tta_read(cmd->ctx, "tune", scales, flip, no_exchange, &j.how)) ||
        (j.out && (status = fpc_output_check(cmd->ctx, j.out, "fpcore tune", "name to -o", force || is_ours(j.out)))))
        return status;
    fpc_predictor_take_tta(&open, &j.how);
    if (!(status =
              fpc_predictor_open_in(cmd->ctx, &open, FPC_OPEN_DATA | (cmd->recipe ? 0 : FPC_OPEN_USED), &predictor)))
        status = tune(&j, predictor);
    fpc_predictor_close(predictor);
    return status;
}

const fpc_cmd fpc_cmd_tune = {.name = "tune",
                              .place = 75,
                              .summary = "Choose what is done behind a network, by pictures held out.",
                              .needs_recipe = 0,
                              .interrupted = "stopping; nothing is written",
                              .run = run,
                              .help = "usage: fpcore tune [-c RECIPE] -w RUN|WEIGHTS.safetensors [-o FILE]\n"
                                      "                   [-s SECTION.KEY=VALUE]... [--folds K] [--seed S]\n"
                                      "                   [--scales S,S...] [--flip [--no-exchange]] [--force]\n"
                                      "\n"
                                      "Chooses on the validation pictures: a bias for each class's logits, whether\n"
                                      "left and right are put right by where they lie, the smallest blob of each\n"
                                      "class and the largest hole that is filled. The measure is F per picture. The\n"
                                      "whole choice is repeated without each fold of the pictures and measured on\n"
                                      "that fold, so what is told is worth on other pictures what it says. Where\n"
                                      "that gain is within the noise of the pictures, no file is written. The page\n"
                                      "docs/tune.md tells how.\n"
                                      "\n"
                                      "FILE is for --post of predict, eval and submit. Packed and exported networks\n"
                                      "(pack, export) do not carry it.\n"
                                      "\n"
                                      "  -c RECIPE            default: that of the run folder, or what the weights\n"
                                      "                       hold; these have no paths: -s dataset.root=FOLDER\n"
                                      "  -w, --weights FILE   weights of the recipe's model, or a run folder: its\n"
                                      "                       best.safetensors\n"
                                      "  -o, --out FILE       the INI file; one that fpcore tune wrote is replaced\n"
                                      "  --folds K            folds of the pictures (default 5)\n"
                                      "  --seed S             which picture is in which fold (default 1)\n"
                                      "  --scales, --flip, --no-exchange\n"
                                      "                       as in `fpcore predict`, which then wants them too\n"
                                      "  --force              replace a file that fpcore tune did not write\n"
                                      "\n"
                                      "example: fpcore tune -w runs/quickstart-* -o tuned.ini\n"};
