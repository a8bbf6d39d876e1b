/* ranked.c: best-EPOCH.safetensors, the checkpoints of the run.keep_best best epochs: which are written and which go
 * again, by the record alone. */
#define _GNU_SOURCE
#include "train/trainer.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether epoch e is among the k best up to `last`; of equal ones the earlier is better. */
static int among_best(const fpc_trainer *t, int64_t e, int64_t last, int64_t k)
{
    const double value = fpc_trainer_score_at(t, e);
    int64_t before = 0;

    for (int64_t i = 0; i <= last && before < k; i++)
        before += i != e && !isnan(fpc_trainer_score_at(t, i)) &&
                  (i < e ? !fpc_trainer_passes(t, value, fpc_trainer_score_at(t, i))
                         : fpc_trainer_passes(t, fpc_trainer_score_at(t, i), value));
    return !isnan(value) && before < k;
}

fpc_status fpc_trainer_save_ranked(fpc_trainer *t)
{
    const int64_t k = t->experiment->run.keep_best;
    const char *path;

    if (k < 2 || !among_best(t, t->epoch, t->epoch, k))
        return FPC_OK;
    path = fpc_sprintf(t->arena, "%s/best-%lld.safetensors", t->folder, (long long)t->epoch + 1);
    return path ? fpc_trainer_save_best(t, path, t->epoch + 1, fpc_trainer_score_at(t, t->epoch)) : FPC_ENOMEM;
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
