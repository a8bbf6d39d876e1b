/* stop.c: what the monitored metric decides: which epoch is the best, which checkpoints stay, and when to stop. All
 * of it is a function of the record (and of the epoch under way) alone, so that a resumed run decides the same. */
#define _GNU_SOURCE
#include "base/message.h"
#include "record/run_files.h"
#include "train/trainer.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The metric of epoch e, from 0: of a finished one, or of the one under way. */
static double metric_of(const fpc_trainer *t, int64_t e)
{
    const fpc_record *record = &t->events->record;

    return e < record->n_rows ? record->value[t->monitor_column][e] : t->row[t->monitor_column];
}

/* Its mean over the last n epochs up to e; NAN where none of them has a value. */
static double trailing_mean(const fpc_trainer *t, int64_t e, int64_t n)
{
    double sum = 0;
    int64_t count = 0;

    for (int64_t i = e - n + 1 > 0 ? e - n + 1 : 0; i <= e; i++)
        if (!isnan(metric_of(t, i))) {
            sum += metric_of(t, i);
            count++;
        }
    return count ? sum / (double)count : NAN;
}

/* What picks the best. */
static double score(const fpc_trainer *t, int64_t e)
{
    return t->experiment->run.smooth_best ? trailing_mean(t, e, t->experiment->run.smooth) : metric_of(t, e);
}

static int passes(const fpc_trainer *t, double value, double other)
{
    return t->higher ? value > other : value < other;
}

double fpc_trainer_score(const fpc_trainer *t)
{
    return score(t, t->epoch);
}

int fpc_trainer_better(const fpc_trainer *t, double value)
{
    const double other = t->best_epoch >= 0 ? t->best : t->beat;

    return !isnan(value) && (isnan(other) || passes(t, value, other));
}

int64_t fpc_trainer_waited(const fpc_trainer *t)
{
    const fpc_run_options *run = &t->experiment->run;
    double best = t->beat;
    int64_t waited = 0;

    for (int64_t e = 0; e < t->events->record.n_rows; e++) {
        const double value = trailing_mean(t, e, run->smooth);
        const double least = best + (t->higher ? run->min_delta : -run->min_delta);
        if (!isnan(value) && (isnan(best) || passes(t, value, least))) {
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

    return run->patience > 0 && t->waited >= run->patience && t->epoch >= run->min_epochs;
}

/* ---- the checkpoints of the best epochs ---- */

/* Whether epoch e is among the k best up to `last`; of equal ones the earlier is better. */
static int among_best(const fpc_trainer *t, int64_t e, int64_t last, int64_t k)
{
    const double value = score(t, e);
    int64_t before = 0;

    for (int64_t i = 0; i <= last && before < k; i++)
        before +=
            i != e && !isnan(score(t, i)) && (i < e ? !passes(t, value, score(t, i)) : passes(t, score(t, i), value));
    return !isnan(value) && before < k;
}

fpc_status fpc_trainer_save_ranked(fpc_trainer *t)
{
    const int64_t k = t->experiment->run.keep_best;
    const char *path;

    if (k < 2 || !among_best(t, t->epoch, t->epoch, k))
        return FPC_OK;
    path = fpc_sprintf(t->arena, "%s/" FPC_RUN_RANKED, t->folder, (long long)t->epoch + 1);
    return path ? fpc_trainer_save_best(t, path, t->epoch + 1, score(t, t->epoch)) : FPC_ENOMEM;
}

/* The epoch, from 1, in best-EPOCH.safetensors or what is left of writing it; 0: another file. */
static int64_t epoch_of(const char *name)
{
    char *end;
    int64_t epoch;

    if (strncmp(name, "best-", 5) || name[5] < '1' || name[5] > '9')
        return 0;
    epoch = strtoll(name + 5, &end, 10);
    return !strcmp(end, ".safetensors") || !strcmp(end, ".safetensors.tmp") ? epoch : 0;
}

void fpc_trainer_prune(fpc_trainer *t)
{
    const int64_t k = t->experiment->run.keep_best, last = t->events->record.n_rows - 1;
    DIR *dir = k > 1 ? opendir(t->folder) : NULL;
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        const int64_t epoch = epoch_of(entry->d_name);
        const int whole = epoch > 0 && !strstr(entry->d_name, ".tmp");
        if (epoch > 0 && !(whole && epoch <= last + 1 && among_best(t, epoch - 1, last, k)))
            unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}
