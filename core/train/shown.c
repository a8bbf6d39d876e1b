/* shown.c: what the masks of an epoch showed, from the counts that its metrics are made of anyway: no picture is read
 * for it. Masks in which nothing counts teach nothing, and a metric that never has a value picks no best checkpoint;
 * both are errors, because a run that says "complete" is taken for one that has learned. */
#include "base/message.h"
#include "train/trainer.h"

#include <math.h>

enum { NAMED = 12 }; /* classes that one sentence names */

/* Labelled pixels of each class; the number of classes that have any. */
static int32_t labelled(const fpc_meter *meter, int32_t classes, int64_t *sum)
{
    int32_t shown = 0;

    for (int32_t c = 0; c < classes; c++) {
        sum[c] = 0;
        for (int64_t i = 0; i < meter->images; i++) {
            const int32_t *tp_fp_fn = meter->counts + (i * classes + c) * 3;
            sum[c] += tp_fp_fn[0] + tp_fp_fn[2];
        }
        shown += sum[c] > 0;
    }
    return shown;
}

static fpc_status refuse(const fpc_trainer *t, const fpc_meter *meter, const char *part)
{
    const fpc_dataset_info *info = fpc_data_info(t->experiment->data);

    if (info->ignore_label < 0)
        return fpc_fail(t->ctx, FPC_EFORMAT, "epoch %lld: no pixel of its %lld %s masks counts",
                        (long long)t->epoch + 1, (long long)meter->images, part);
    return fpc_fail(t->ctx, FPC_EFORMAT,
                    "epoch %lld: no pixel of its %lld %s masks counts; all have label %d, which counts nowhere "
                    "(ignore_label), so that nothing can be learned or measured",
                    (long long)t->epoch + 1, (long long)meter->images, part, info->ignore_label);
}

/* "hat, ear_r and 3 more"; NULL without memory. */
static const char *absent_names(fpc_arena *arena, const fpc_dataset_info *info, const int64_t *sum)
{
    const char *list = "";
    int32_t absent = 0;

    for (int32_t c = 0; c < info->classes && list; c++)
        if (!sum[c] && absent++ < NAMED)
            list = fpc_sprintf(arena, "%s%s%s", list, *list ? ", " : "", info->class_names[c]);
    return list && absent > NAMED ? fpc_sprintf(arena, "%s and %d more", list, absent - NAMED) : list;
}

static void tell_absent(const fpc_trainer *t, const int64_t *sum, int32_t shown)
{
    const fpc_dataset_info *info = fpc_data_info(t->experiment->data);
    fpc_arena *arena = fpc_arena_new(t->ctx);
    const char *names = arena ? absent_names(arena, info, sum) : NULL;

    if (names)
        fpc_log(t->ctx, FPC_LOG_WARN, "none of the %lld training masks of the first epoch shows %s%s",
                (long long)t->train.images, names,
                shown == 1 ? "; all that counts in them is one class, so that there is nothing to tell apart" : "");
    fpc_arena_free(arena);
}

fpc_status fpc_trainer_check_shown(fpc_trainer *t)
{
    int64_t sum[FPC_MAX_CLASSES];
    const int32_t classes = t->experiment->classes, shown = labelled(&t->train, classes, sum);

    if (!shown && t->train.images)
        return refuse(t, &t->train, "training");
    if (t->epoch == 0 && shown < classes)
        tell_absent(t, sum, shown);
    return FPC_OK;
}

fpc_status fpc_trainer_check_validated(fpc_trainer *t)
{
    int64_t sum[FPC_MAX_CLASSES];

    if (t->val.images && !labelled(&t->val, t->experiment->classes, sum))
        return refuse(t, &t->val, "validation");
    if (t->epoch < t->experiment->run.validate_every && isnan(t->row[t->monitor_column]))
        fpc_log(t->ctx, FPC_LOG_WARN, "%s has no value in the first %s; without one no best checkpoint is picked",
                t->events->record.column[t->monitor_column],
                t->experiment->run.validate_every > 1 ? "epoch that was validated" : "epoch");
    return FPC_OK;
}

fpc_status fpc_trainer_check_scored(fpc_trainer *t)
{
    const fpc_record *record = &t->events->record;

    for (int64_t e = 0; e < record->n_rows; e++)
        if (!isnan(record->value[t->monitor_column][e]))
            return FPC_OK;
    if (!record->n_rows)
        return FPC_OK;
    return fpc_fail(t->ctx, FPC_EFORMAT,
                    "%s had no value in any of the %lld epochs (run.metric = %s): there is no best checkpoint; "
                    "last.safetensors holds the weights of the last epoch",
                    record->column[t->monitor_column], (long long)record->n_rows, t->experiment->run.metric);
}
