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
    fpc_curve lr; /* 1e-3 */
    double sam;   /* 0: off */
} fpc_optimizer_common;
typedef struct fpc_model_common {
    int64_t max_params; /* 0: no limit */
} fpc_model_common;

extern const fpc_option fpc_core_model[], fpc_core_loss[], fpc_core_optimizer[], fpc_core_schedule[];

/* The rows stand here, below the struct that they fill, so that an option is added in one place; recipe/sections.c
 * makes the table of them. */
#ifdef FPC_OPTION_ROWS
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
#endif

#endif
