/* trainer.c: what all files of the training ask of it: where it stands, how long it will take, paths in its folder,
 * fields of events. */
#include "train/trainer.h"

const char *fpc_trainer_path(fpc_trainer *t, const char *name)
{
    const char *path = fpc_sprintf(t->arena, "%s/%s", t->folder, name);

    return path ? path : name;
}

fpc_clock fpc_trainer_clock(const fpc_trainer *t)
{
    return (fpc_clock){.size = sizeof(fpc_clock),
                       .step = t->train.steps,
                       .steps_per_epoch = t->steps_per_epoch,
                       .epoch = t->epoch,
                       .epochs = t->experiment->run.epochs,
                       .base_lr = fpc_experiment_base_lr(t->experiment, t->epoch)};
}

double fpc_trainer_left(const fpc_trainer *t, int64_t val_done)
{
    const int64_t epochs = t->experiment->run.epochs - t->epoch;
    const int64_t steps = epochs * t->steps_per_epoch - t->train.steps, evals = epochs * t->val_batches - val_done;
    const double eval_seconds = t->eval_seconds > 0 ? t->eval_seconds : t->step_seconds / 3; /* backward costs twice */

    return (double)(steps > 0 ? steps : 0) * t->step_seconds + (double)(evals > 0 ? evals : 0) * eval_seconds;
}

fpc_field fpc_field_int(const char *key, int64_t i)
{
    return (fpc_field){.key = key, .type = FPC_OPT_INT, .v.i = i};
}

fpc_field fpc_field_real(const char *key, double r)
{
    return (fpc_field){.key = key, .type = FPC_OPT_REAL, .v.r = r};
}

fpc_field fpc_field_text(const char *key, const char *s)
{
    return (fpc_field){.key = key, .type = FPC_OPT_TEXT, .v.s = s};
}
