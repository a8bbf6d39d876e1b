/* sections.c: the tables of the keys that the core itself reads. Defaults, ranges and help stand here only;
 * experiment/experiment.c, data/dataset.c and data/augment.c fill their structs from these tables, cmd/help.c prints
 * them. */
#include "experiment/sections.h"
#include <fpcore/ops.h>
#include "data/data.h"
#include "plugin/registry.h"
#include "experiment/experiment.h"

#include <string.h>

#define RESUMABLE(row_type, T, field, def_, min_, max_, unit_, help_, type_)                                           \
    {                                                                                                                  \
#field, help_, unit_, def_, min_, max_, NULL, row_type, FPC_OPT_RESUMABLE, FPC_FIELD_(T, field, type_)         \
    }
#define RESUMABLE_INT(T, field, def_, min_, max_, unit_, help_)                                                        \
    RESUMABLE(FPC_OPT_INT, T, field, def_, min_, max_, unit_, help_, int64_t)

static const fpc_choice inits[] = {
    {"reset", FPC_INIT_RESET, "nothing: optimizer, rate and schedule begin anew (of a run folder: best.safetensors)"},
    {"keep", FPC_INIT_KEEP,
     "the optimizer's state, [optimizer] and [schedule] with its position, the best value to beat (last.safetensors)"},
    {"hybrid", FPC_INIT_HYBRID, "the optimizer's state only; [optimizer] and [schedule] are this recipe's"},
    {0}};

static const fpc_choice precisions[] = {
    {"fp32", FPC_FP32, "fp32 throughout"},
    {"tf32", FPC_TF32, "products with 10 bits of mantissa"},
    {"bf16", FPC_HALF_BF16, "bfloat16; parameters, statistics, losses and sums stay fp32"},
    {"fp16", FPC_HALF_FP16, "the same in half precision, with dynamic loss scaling"},
    {0}};
static const fpc_choice eval_precisions[] = {{"same", 0, "as in training"}, {"fp32", 1, "without half precision"}, {0}};

const fpc_option fpc_core_run[] = {
    RESUMABLE(FPC_OPT_TEXT, fpc_run_options, name, "run", 1, 0, "", "name of the run; its folder is OUT/NAME-TIME",
              const char *),
    FPC_OPTION_PATH(fpc_run_options, out, "runs", "folder in which run folders are made"),
    FPC_OPTION_INT(fpc_run_options, seed, "0", 0, 9007199254740992.0, "",
                   "key of every random number: weights, order, augmentation, dropout"),
    RESUMABLE_INT(fpc_run_options, epochs, "1", 1, 1e6, "epochs", "length of the training"),
    RESUMABLE_INT(fpc_run_options, patience, "0", 0, 1e6, "epochs",
                  "stop after so many epochs without a better one; 0: never"),
    RESUMABLE_INT(fpc_run_options, min_epochs, "0", 0, 1e6, "epochs", "no stop by patience before so many epochs"),
    RESUMABLE(FPC_OPT_REAL, fpc_run_options, min_delta, "0", 0, 1e9, "",
              "patience counts an epoch as better only where the metric is better by more than this", double),
    FPC_OPTION_INT(fpc_run_options, smooth, "1", 1, 1e6, "epochs",
                   "patience looks at the mean of the metric over the last so many epochs"),
    FPC_OPTION_BOOL(fpc_run_options, smooth_best, "off", "that mean picks the best checkpoint too"),
    RESUMABLE_INT(fpc_run_options, keep_best, "1", 1, 1000, "files",
                  "above 1: best-EPOCH.safetensors of so many best epochs beside best.safetensors"),
    FPC_OPTION_INT(fpc_run_options, accumulate, "1", 1, 65536, "batches", "micro-batches per optimizer step"),
    FPC_OPTION_REAL(fpc_run_options, clip_norm, "0", 0, 1e9, "",
                    "largest global norm of the gradient, longer ones are scaled down to it; 0: off"),
    FPC_OPTION_REAL(fpc_run_options, ema, "0", 0, 0.999999999, "",
                    "decay of a running average of the weights, used to evaluate; 0: off"),
    FPC_OPTION_INT(fpc_run_options, swa_start, "0", 0, 1e6, "",
                   "first epoch, counted from 1, whose weights go into the mean in swa.safetensors; 0: no mean"),
    FPC_OPTION_INT(fpc_run_options, swa_every, "1", 1, 1e6, "epochs", "then the weights of every so-many-th epoch"),
    FPC_OPTION_TEXT(fpc_run_options, metric, "f_score",
                    "label of the [metric.LABEL] section that picks the best checkpoint"),
    FPC_OPTION_PATH(
        fpc_run_options, init_from, "",
        "weights and batch-norm statistics to start from: a safetensors file, or a run folder; empty: none"),
    {"init_optimizer", "what else is taken from there, where training goes on from another run", "", "reset", 1, 0,
     inits, FPC_OPT_CHOICE, FPC_OPT_RESUMABLE, FPC_FIELD_(fpc_run_options, init_optimizer, int64_t)},
    FPC_OPTION_REALS(fpc_run_options, beat, "", 1, 0, "",
                     "one value of the metric that the first best has to pass; empty: any is good"),
    {"precision", "what activations and matrix products are computed in, where the backend can", "", "fp32", 0, 0,
     precisions, FPC_OPT_CHOICE, FPC_OPT_RESUMABLE, FPC_FIELD_(fpc_run_options, precision, int64_t)},
    {"eval_precision", "the same in validation and evaluation", "", "same", 0, 0, eval_precisions, FPC_OPT_CHOICE,
     FPC_OPT_RESUMABLE, FPC_FIELD_(fpc_run_options, eval_precision, int64_t)},
    FPC_OPTION_BOOL(fpc_run_options, rewrite, "on", "simplify the graph by exact identities before it runs"),
    {0}};

static const fpc_choice borders[] = {{"fill", FPC_BORDER_FILL, "black, with the label of `fill`"},
                                     {"reflect", FPC_BORDER_REFLECT, "mirrored about the border pixels, labels too"},
                                     {"edge", FPC_BORDER_EDGE, "the border pixel, label too"},
                                     {0}};
static const fpc_choice mixes[] = {{"one_of", 0, "each batch has one of the mixing sections, drawn with equal chances"},
                                   {"all", 1, "each batch goes through all of them"},
                                   {0}};
static const fpc_choice fills[] = {{"background", 0, "label 0"}, {"ignore", 1, "the label that counts nowhere"}, {0}};

const fpc_option fpc_core_augment[] = {
    FPC_OPTION_CHOICE(fpc_augment_common, fill, "ignore", fills,
                      "label of the area that geometry brings in from outside of the picture, or that is covered"),
    FPC_OPTION_CHOICE(fpc_augment_common, border, "fill", borders, "what lies outside of the picture"),
    FPC_OPTION_BOOL(fpc_augment_common, compose, "on",
                    "all geometry in one resampling; off: a resampling for each section, as other frameworks do"),
    FPC_OPTION_CHOICE(fpc_augment_common, mix, "one_of", mixes, "what happens where several sections mix pictures"),
    {0}};

static const fpc_choice samplers[] = {
    {"shuffled", FPC_SAMPLER_SHUFFLED, "each picture once an epoch"},
    {"class_balanced", FPC_SAMPLER_BALANCED, "with replacement, pictures that show rare classes more often"},
    {0}};

static const fpc_choice caches[] = {
    {"auto", FPC_CACHE_AUTO, "on the device where they fit beside training, else pinned, else stream"},
    {"device", FPC_CACHE_DEVICE, "on the device, uploaded once"},
    {"pinned", FPC_CACHE_PINNED, "in host memory that the device copies from by itself, within cache_mb"},
    {"stream", FPC_CACHE_STREAM, "each batch is copied as the readers bring it"},
    {0}};
const fpc_option fpc_core_dataset[] = {
    FPC_OPTION_INT(fpc_data_options, batch, "32", 1, 65536, "images", "pictures per (micro-)batch"),
    RESUMABLE_INT(fpc_data_options, readers, "1", 1, 64, "threads", "threads that read and draw ahead of training"),
    RESUMABLE_INT(fpc_data_options, cache_mb, "4096", 0, 1073741824.0, "MiB",
                  "decoded pictures are kept in memory up to this budget"),
    {"cache", "where pictures wait for a backend that has memory of its own", "", "auto", 0, 0, caches, FPC_OPT_CHOICE,
     FPC_OPT_RESUMABLE, FPC_FIELD_(fpc_data_options, cache, int64_t)},
    FPC_OPTION_BOOL(fpc_data_options, drop_last, "on", "leave out a last training batch that is not full"),
    FPC_OPTION_BOOL(fpc_data_options, shuffle, "on", "another order of the training pictures in each epoch"),
    FPC_OPTION_CHOICE(fpc_data_options, sampler, "shuffled", samplers,
                      "how the training pictures of an epoch are drawn"),
    {0}};

const fpc_option fpc_core_model[] = {
    FPC_OPTION_INT(fpc_model_common, max_params, "0", 0, 9007199254740992.0, "",
                   "refuse a model with more trainable numbers, before memory is taken; 0: no limit"),
    {0}};

const fpc_option fpc_core_loss[] = {
    FPC_OPTION_CURVE(fpc_loss_common, weight, "1.0", 0, 1e9, "", "factor of this term in the sum that is minimised"),
    {0}};

const fpc_option fpc_core_optimizer[] = {
    FPC_OPTION_CURVE(fpc_optimizer_common, lr, "1e-3", 0, 1e6, "", "learning rate, before [schedule]'s factor"),
    FPC_OPTION_REAL(fpc_optimizer_common, sam, "0", 0, 1e3, "",
                    "sharpness-aware minimisation: the gradient is taken this far uphill; steps cost twice; 0: off"),
    {0}};

const fpc_option fpc_core_schedule[] = {
    FPC_OPTION_INT(fpc_schedule_common, warmup_epochs, "0", 0, 1e6, "epochs",
                   "epochs in which the rate rises in a line before the schedule begins"),
    FPC_OPTION_REAL(fpc_schedule_common, warmup_start, "0.1", 0, 1, "", "factor of the rate in the first of them"),
    FPC_OPTION_INT(fpc_schedule_common, begin, "0", 0, 1e6, "epochs",
                   "epochs of the schedule (and of lr's @EPOCH) that are over when training starts"),
    FPC_OPTION_INT(fpc_schedule_common, epochs, "0", 0, 1e6, "epochs",
                   "length of the schedule, warm-up and begin included; 0: begin + run.epochs"),
    {0}};

const fpc_option *fpc_core_options(uint32_t kind)
{
    switch (kind) {
    case FPC_DATASET:
        return fpc_core_dataset;
    case FPC_MODEL:
        return fpc_core_model;
    case FPC_LOSS:
        return fpc_core_loss;
    case FPC_OPTIMIZER:
        return fpc_core_optimizer;
    case FPC_SCHEDULE:
        return fpc_core_schedule;
    default:
        return NULL;
    }
}

const fpc_option *fpc_core_section(const char *section)
{
    if (strcmp(section, "run") == 0)
        return fpc_core_run;
    if (strcmp(section, "augment") == 0)
        return fpc_core_augment;
    return fpc_core_options(fpc_section_kind(section));
}

static const struct {
    const char *section, *help;
} about[] = {
    {"run", "The run as a whole: name, seed, length, when to stop."},
    {"dataset", "Where pictures and masks come from; `use` names a dataset plugin."},
    {"augment",
     "What all augmentations share. Each [augment.LABEL] names a plugin that draws; they run in this order."},
    {"model", "The network; `use` names a model plugin."},
    {"loss", "Each [loss.LABEL] is one term of the sum that is minimised; `use` names a loss plugin."},
    {"metric", "Each [metric.LABEL] is one number per epoch; [run] metric says which one picks the best checkpoint."},
    {"optimizer", "How gradients change weights; `use` names an optimizer plugin."},
    {"schedule", "How the learning rate changes over the epochs; `use` names a schedule plugin."},
    {"logger", "Each [logger.LABEL] is told what happens and writes it somewhere."},
    {"backend", "What computes; `use` names a backend plugin."},
    {"comm", "Sums between processes; `use` names a comm plugin."},
};

const char *fpc_core_section_help(const char *section)
{
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (strcmp(section, about[i].section) == 0)
            return about[i].help;
    return NULL;
}
