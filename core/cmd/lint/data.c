/* data.c: what --check finds in data, batches and memory: sides that are taught at random, parts and batches of
 * odd sizes, metrics that depend on them, memory that is not there. All of it needs the data set to be open. */
#include "cmd/lint/lint_private.h"

#include <inttypes.h>
#include <string.h>

static void mirrors_without_exchange(lint *l)
{
    const fpc_dataset_info *info = l->s->data ? fpc_data_info(l->s->data) : NULL;
    const fpc_augments *augs = l->s->data ? fpc_data_augments(l->s->data) : NULL;

    for (int32_t i = 0; augs && info->n_mirror_pairs > 0 && i < augs->n; i++) {
        const fpc_instance *inst = &augs->item[i].inst;
        const fpc_augment_vtbl *v = inst->vtbl;
        const uint8_t *pair = info->mirror_pairs[0];
        int64_t exchange;
        double p = 1;

        fpc_lint_real(inst, "p", &p);
        if (v->mirrors && p > 0 && fpc_lint_int(inst, "exchange", &exchange) && !exchange)
            fpc_lint_found(
                l,
                "%s: %.0f %% of the pictures are mirrored, but the data set's %d left/right pairs (%s and %s "
                "...) keep their labels, so that the network is taught left and right at random; `on` "
                "exchanges them",
                fpc_lint_where(l, inst->self->label, "exchange"), 100 * p, info->n_mirror_pairs,
                info->class_names[pair[0]], info->class_names[pair[1]]);
    }
}

static void few_images(lint *l)
{
    const fpc_data_options *o = l->s->data ? fpc_data_options_of(l->s->data) : NULL;
    const fpc_dataset_info *info = o ? fpc_data_info(l->s->data) : NULL;
    const int64_t micro = l->s->run.accumulate;

    if (!o)
        return;
    if (info->count[FPC_TRAIN] < o->batch * micro)
        fpc_lint_found(l,
                       "%s: a step takes %" PRId64 " x %" PRId64 " pictures, but the training part has only %" PRId64
                       "; make the batch or run.accumulate smaller",
                       fpc_lint_where(l, "dataset", "batch"), o->batch, micro, info->count[FPC_TRAIN]);
    if (info->count[FPC_VAL] == 0)
        fpc_lint_found(l, "dataset: the validation part is empty, so that no best checkpoint can be picked; give a "
                          "share or a list of pictures to validate on");
}

/* The last batch of an epoch: left out, or so small that its step is noise. */
static void last_batch(lint *l)
{
    const fpc_data_options *o = l->s->data ? fpc_data_options_of(l->s->data) : NULL;
    const int64_t n = o ? fpc_data_info(l->s->data)->count[FPC_TRAIN] : 0, rest = o ? n % o->batch : 0;

    if (!rest || n < o->batch)
        return;
    if (o->drop_last && !o->shuffle)
        fpc_lint_found(l,
                       "%s: without shuffling, the last %" PRId64 " training pictures are never seen (drop_last = on)",
                       fpc_lint_where(l, "dataset", "shuffle"), rest);
    else if (o->drop_last && rest * 10 > n)
        fpc_lint_found(l,
                       "%s: each epoch leaves out %" PRId64 " of the %" PRId64
                       " training pictures, others each time; a batch that divides %" PRId64
                       " or drop_last = off uses all",
                       fpc_lint_where(l, "dataset", "drop_last"), rest, n, n);
    else if (!o->drop_last && rest * 4 <= o->batch)
        fpc_lint_found(
            l,
            "%s: the last batch of each epoch has %" PRId64 " of %" PRId64
            " pictures, and its step is as long as any other: its gradient has %.1f times the variance; drop_last = on "
            "leaves it out",
            fpc_lint_where(l, "dataset", "drop_last"), rest, o->batch, (double)o->batch / (double)rest);
}

/* Statistics over one small map have no spread. */
static void one_image_norm(lint *l)
{
    const fpc_data_options *o = l->s->data ? fpc_data_options_of(l->s->data) : NULL;
    int64_t lmsa = 0;

    if (o && o->batch == 1 && fpc_lint_int(&l->s->model, "lmsa", &lmsa) && lmsa)
        fpc_lint_found(l,
                       "%s: the batch norm of model.lmsa takes its statistics from one picture, while evaluation uses "
                       "those of all; two pictures or more, or model.lmsa = off",
                       fpc_lint_where(l, "dataset", "batch"));
}

/* Reference, fact 4. */
static void metric_of_batches(lint *l)
{
    const fpc_data_options *o = l->s->data ? fpc_data_options_of(l->s->data) : NULL;
    const int64_t n = o ? fpc_data_info(l->s->data)->count[FPC_VAL] : 0;

    for (int32_t i = 0; o && n > 0 && i < l->s->n_metrics; i++) {
        const fpc_experiment_metric *m = &l->s->metric[i];
        const int64_t rest = n % o->batch, batches = (n + o->batch - 1) / o->batch;
        int64_t version = 0;

        if (strcmp(m->label, l->s->run.metric) || strcmp(m->inst.plugin->name, "fscore_batch"))
            continue;
        if (fpc_lint_int(&m->inst, "version", &version) && version)
            continue;
        if (rest && batches > 1)
            fpc_lint_found(l,
                           "%s: the best checkpoint is picked by an F-score per batch: the last %" PRId64 " of %" PRId64
                           " validation pictures make a batch of their own and carry %.0f %% of it; fscore_image "
                           "counts pictures alike",
                           fpc_lint_where(l, "run", "metric"), rest, n, 100.0 / (double)batches);
    }
}

static void memory(lint *l)
{
    const fpc_data_options *o = l->s->data ? fpc_data_options_of(l->s->data) : NULL;
    const fpc_dataset_info *info = o ? fpc_data_info(l->s->data) : NULL;
    const size_t there = l->s->backend ? l->s->backend->device.free : 0;
    size_t need = 0, one = 0;

    if (!o || !l->s->state || !there || !l->s->n_losses)
        return;
    const int32_t n = (int32_t)(o->batch < info->count[FPC_TRAIN] ? o->batch : info->count[FPC_TRAIN]);
    if (n < 1 || fpc_experiment_memory(l->s, n, info->h, info->w, &need) || need <= there)
        return;
    if (fpc_experiment_memory(l->s, 1, info->h, info->w, &one))
        return;
    const double each = n > 1 ? (double)(need - one) / (n - 1) : 0;
    const int64_t fits = one > there ? 0 : 1 + (each > 0 ? (int64_t)((double)(there - one) / each) : 0);
    fpc_lint_found(l,
                   "%s: training takes %.1f GiB at this batch, and %s has %.1f GiB free; %s%" PRId64
                   " pictures would fit (run.accumulate makes larger steps of them)",
                   fpc_lint_where(l, "dataset", "batch"), (double)need / 0x1p30, l->s->backend->device.name,
                   (double)there / 0x1p30, fits ? "about " : "not even one picture fits: ", fits);
}

/* ---- masks ---- */
enum { LOOKED_AT = 128 }; /* a class in one picture of 25 is missed in one set of 200; a second's work */

typedef struct masks {
    int64_t n, of, void_pixels, pixels[256];
} masks;

/* Training masks, spread evenly. 0: one could not be read, which was told. */
static int look_at_masks(lint *l, masks *m)
{
    const fpc_dataset_info *info = fpc_data_info(l->s->data);
    fpc_arena *scratch = fpc_arena_new(l->s->ctx);
    fpc_batch one;

    m->of = info->count[FPC_TRAIN];
    m->n = m->of < LOOKED_AT ? m->of : LOOKED_AT;
    for (int64_t i = 0; scratch && i < m->n; i++) {
        fpc_arena_reset(scratch);
        if (fpc_data_read(l->s->data, scratch, FPC_TRAIN, i * m->of / m->n, &one)) {
            fpc_lint_found(l, "dataset: %s; a training would stop there (`fpcore data` tells of all such)",
                           fpc_ctx_error(l->s->ctx));
            fpc_ctx_clear(l->s->ctx);
            fpc_arena_free(scratch);
            return 0;
        }
        for (int64_t p = 0; p < (int64_t)one.h * one.w; p++)
            if (one.mask[p] < info->classes && one.mask[p] != info->ignore_label)
                m->pixels[one.mask[p]]++;
            else
                m->void_pixels++;
    }
    fpc_arena_free(scratch);
    return scratch != NULL;
}

/* Of masks in files, as people bring them. A plugin that draws its pictures needs no proof, and takes its time. */
static void absent_classes(lint *l)
{
    const fpc_dataset_info *info = l->s->data ? fpc_data_info(l->s->data) : NULL;
    const char *names = "";
    char path[4096];
    masks m = {0};
    int64_t all = 0;

    if (!info || info->count[FPC_TRAIN] < 1 || info->unlabelled[FPC_TRAIN] ||
        fpc_data_file(l->s->data, FPC_TRAIN, 0, path, sizeof path) || !*path) {
        fpc_ctx_clear(l->s->ctx); /* of a path that is too long */
        return;
    }
    if (!look_at_masks(l, &m))
        return;
    for (int32_t c = 0; c < info->classes && names; c++) {
        all += m.pixels[c];
        if (!m.pixels[c])
            names = fpc_sprintf(l->arena, "%s%s%s", names, *names ? ", " : "", info->class_names[c]);
    }
    if (!names || !*names)
        return;
    fpc_lint_found(l, "dataset: none of the %" PRId64 " training masks%s shows %s%s", m.n,
                   m.n < m.of ? fpc_sprintf(l->arena, " that were looked at, of %" PRId64 ",", m.of) : "",
                   all ? names : "a pixel that counts",
                   m.void_pixels
                       ? fpc_sprintf(l->arena, "; label %d, which counts nowhere, has %.1f %% of their pixels",
                                     info->ignore_label, 100.0 * (double)m.void_pixels / (double)(m.void_pixels + all))
                       : "");
}

lint_fn *const fpc_lints_of_data[] = {mirrors_without_exchange, few_images,     last_batch, one_image_norm,
                                      metric_of_batches,        absent_classes, memory,     NULL};
