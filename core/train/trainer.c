/* trainer.c: what all files of the training ask of it: where it stands, how long it will take, paths in its folder,
 * fields of events. */
#include "train/trainer.h"
#include "base/clock.h"

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

/* By steps and validated batches alone: what else an epoch does is not known before one is over. */
static double left_of(const fpc_trainer *t, int64_t epochs, int64_t val_done)
{
    const int64_t steps = epochs * t->steps_per_epoch - t->train.steps, evals = epochs * t->val_batches - val_done;
    const double eval_seconds = t->eval_seconds > 0 ? t->eval_seconds : t->step_seconds / 3; /* backward costs twice */

    return (double)(steps > 0 ? steps : 0) * t->step_seconds + (double)(evals > 0 ? evals : 0) * eval_seconds;
}

/* Whole epochs count as they were, with validation, files and loggers; that under way for what of it is left, though
 * not for less than its batches will take. */
double fpc_trainer_left(const fpc_trainer *t, int64_t val_done)
{
    const int64_t epochs = t->experiment->run.epochs - t->epoch, whole = t->epoch - t->whole_from;

    if (t->whole_began <= 0 || whole <= 0 || epochs <= 0)
        return left_of(t, epochs, val_done);
    const double mean = (t->whole_ended - t->whole_began) / (double)whole;
    if (t->epoch_began < t->whole_ended) /* between epochs */
        return (double)epochs * mean;
    const double batches = left_of(t, 1, val_done), rest = mean - (fpc_clock_now() - t->epoch_began);
    return (double)(epochs - 1) * mean + (rest > batches ? rest : batches);
}

void fpc_trainer_time_epoch(fpc_trainer *t)
{
    t->epoch_began = fpc_clock_now();
    if (t->whole_began > 0)
        t->whole_ended = t->epoch_began; /* what followed the last one belongs to it */
    else if (!t->train.steps) {          /* one that was cut is not whole */
        t->whole_began = t->epoch_began;
        t->whole_from = t->epoch;
    }
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
