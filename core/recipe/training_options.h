/* training_options.h: what the core reads in [model], in every [loss.NAME], in [optimizer] and in [schedule], beside
 * the plugin's own keys. */
#ifndef CORE_RECIPE_TRAINING_OPTIONS_H
#define CORE_RECIPE_TRAINING_OPTIONS_H

#include "recipe/options.h"

typedef struct fpc_loss_common {
    fpc_curve weight; /* 1 */
} fpc_loss_common;
typedef struct fpc_schedule_common {
    int64_t warmup_epochs; /* 0 */
    double warmup_start;   /* 0.1: factor in the first epoch of the warm-up */
    int64_t begin;         /* 0: epochs of the schedule that are over when training starts */
    int64_t epochs;        /* 0: begin + run.epochs */
} fpc_schedule_common;
typedef struct fpc_optimizer_common {
    fpc_curve lr;                  /* 1e-3 */
    double sam;                    /* 0: off */
    const char *freeze, *no_decay; /* patterns of parameters, "" */
    const char *lr_scale;          /* "PATTERN: FACTOR, ...", "" */
    int64_t freeze_stats;          /* 0 */
} fpc_optimizer_common;
typedef struct fpc_model_common {
    int64_t max_params;  /* 0: no limit */
    fpc_reals mean, std; /* of the channels of pictures in 0 .. 1, one number or one a channel; none: as they are */
} fpc_model_common;

extern const fpc_option fpc_core_model[], fpc_core_loss[], fpc_core_optimizer[], fpc_core_schedule[];

/* The rows stand here, below the struct that they fill, so that an option is added in one place; recipe/sections.c
 * makes the table of them. */
#ifdef FPC_OPTION_ROWS
#define FPC_OPTION_PATTERNS_(T, field, help_)                                                                          \
    {                                                                                                                  \
#field, help_, "", "", 1, 0, NULL, FPC_OPT_TEXT, FPC_OPT_ITEMS, FPC_FIELD_(T, field, const char *)             \
    }

const fpc_option fpc_core_model[] = {
    FPC_OPTION_INT(fpc_model_common, max_params, "0", 0, 9007199254740992.0, "",
                   "refuse a model with more trainable numbers, before memory is taken; 0: no limit"),
    FPC_OPTION_REALS(fpc_model_common, mean, "", 0, 1, "of 0 .. 1",
                     "what is taken from each channel of a picture (red, green, blue), or one number for all; then it "
                     "is divided by std. `fpcore data` measures both; none: pictures are 0 .. 1"),
    FPC_OPTION_REALS(fpc_model_common, std, "", 1e-4, 1, "of 0 .. 1", "what each channel is then divided by; none: 1"),
    {0}};

const fpc_option fpc_core_loss[] = {
    FPC_OPTION_CURVE(fpc_loss_common, weight, "1.0", 0, 1e9, "", "factor of this term in the sum that is minimised"),
    {0}};

const fpc_option fpc_core_optimizer[] = {
    FPC_OPTION_CURVE(fpc_optimizer_common, lr, "1e-3", 0, 1e6, "", "learning rate, before [schedule]'s factor"),
    FPC_OPTION_REAL(fpc_optimizer_common, sam, "0", 0, 1e3, "",
                    "sharpness-aware minimisation: the gradient is taken this far uphill; steps cost twice; 0: off"),
    FPC_OPTION_PATTERNS_(
        fpc_optimizer_common, freeze,
        "patterns, with commas between, of parameters that stay as they are: block1.*, patch_embed1.*"),
    FPC_OPTION_BOOL(fpc_optimizer_common, freeze_stats, "off",
                    "batch norms whose parameters are all frozen keep their statistics, and use them in training"),
    FPC_OPTION_PATTERNS_(fpc_optimizer_common, no_decay,
                         "patterns of parameters without weight decay: *.bias, *.norm*"),
    FPC_OPTION_TEXT(
        fpc_optimizer_common, lr_scale, "",
        "PATTERN: FACTOR with commas between, what multiplies the rate of parameters; the first pattern that "
        "matches counts"),
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
#endif

#endif
