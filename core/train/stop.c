/* stop.c: what the monitored metric decides: which epoch is the best, and when to stop. All of it is a function of the
 * record (and of the epoch under way) alone, so that a resumed run decides the same. */
#define _GNU_SOURCE
#include "base/message.h"
#include "record/run_files.h"
#include "train/trainer.h"

#include <math.h>

/* The metric of epoch e, from 0: of a finished one, or of the one under way. */
static double metric_of(const fpc_trainer *t, int64_t e)
{
    const fpc_record *record = &t->events->record;

    return e < record->n_rows ? record->value[t->monitor_column][e] : t->row[t->monitor_column];
}

int fpc_trainer_validates(const fpc_trainer *t, int64_t epoch)
{
    const fpc_run_options *run = &t->experiment->run;

    return !t->val_images || (epoch + 1) % run->validate_every == 0 || epoch + 1 == run->epochs;
}

/* Its mean over the last n epochs up to e; NAN where none of them has a value. An epoch that was not validated has none
 * of its own: a mean that rises because an old value leaves the window is no news of its weights. */
static double trailing_mean(const fpc_trainer *t, int64_t e, int64_t n)
{
    double sum = 0;
    int64_t count = 0;

    if (t->experiment->run.validate_every > 1 && isnan(metric_of(t, e)))
        return NAN;
    for (int64_t i = e - n + 1 > 0 ? e - n + 1 : 0; i <= e; i++)
        if (!isnan(metric_of(t, i))) {
            sum += metric_of(t, i);
            count++;
        }
    return count ? sum / (double)count : NAN;
}

/* What picks the best. */
double fpc_trainer_score_at(const fpc_trainer *t, int64_t e)
{
    return t->experiment->run.smooth_best ? trailing_mean(t, e, t->experiment->run.smooth) : metric_of(t, e);
}

int fpc_trainer_passes(const fpc_trainer *t, double value, double other)
{
    return t->higher ? value > other : value < other;
}

double fpc_trainer_score(const fpc_trainer *t)
{
    return fpc_trainer_score_at(t, t->epoch);
}

int fpc_trainer_better(const fpc_trainer *t, double value)
{
    const double other = t->best_epoch >= 0 ? t->best : t->beat;

    return !isnan(value) && (isnan(other) || fpc_trainer_passes(t, value, other));
}

int64_t fpc_trainer_waited(const fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;
    double best = t->beat;
    int64_t waited = 0;

    for (int64_t e = 0; e < t->events->record.n_rows; e++) {
        const double value = trailing_mean(t, e, run->smooth);
        const double least = best + (t->higher ? run->min_delta : -run->min_delta);
        if (!isnan(value) && (isnan(best) || fpc_trainer_passes(t, value, least))) {
            best = value;
            waited = 0;
        } else {
            waited++;
        }
    }
    return waited;
}

int fpc_trainer_out_of_patience(const fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;

    return run->patience > 0 && t->waited >= run->patience && t->epoch >= run->min_epochs &&
           fpc_trainer_validates(t, t->epoch - 1);
}
