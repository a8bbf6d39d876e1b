/* data.c: what --check finds in data and batches: sides that are taught at random, parts and batches of odd sizes,
 * metrics that depend on them, masks. All of it needs the data set to be open. */
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

/* ---- masks ---- */
enum { LOOKED_AT = 128 }; /* a class in one picture of 25 is missed in one set of 200; a second's work */

typedef struct masks {
    int64_t n, of, void_pixels, pixels[256];
} masks;

static void count_mask(const fpc_dataset_info *info, const fpc_batch *one, masks *m)
{
    for (int64_t p = 0; one->mask && p < (int64_t)one->h * one->w; p++)
        if (one->mask[p] < info->classes && one->mask[p] != info->ignore_label)
            m->pixels[one->mask[p]]++;
        else
            m->void_pixels++;
}

/* Masks of a part, spread evenly. What cannot be read stops a training sooner or later, so its failure stays. */
static fpc_status look_at_masks(lint *l, fpc_part part, int64_t most, masks *m)
{
    const fpc_dataset_info *info = fpc_data_info(l->s->data);
    fpc_arena *scratch = fpc_arena_new(l->s->ctx);
    fpc_status status = scratch ? FPC_OK : FPC_ENOMEM;
    fpc_batch one;

    *m = (masks){.of = info->count[part]};
    m->n = m->of < most ? m->of : most;
    for (int64_t i = 0; i < m->n && !status; i++) {
        fpc_arena_reset(scratch);
        if (!(status = fpc_data_read(l->s->data, scratch, part, i * m->of / m->n, &one)))
            count_mask(info, &one, m);
    }
    fpc_arena_free(scratch);
    return status;
}

/* Whether the pictures are files, as people bring them. A plugin that draws its pictures needs no proof, and takes its
 * time. */
static int has_files(lint *l)
{
    const fpc_dataset_info *info = l->s->data ? fpc_data_info(l->s->data) : NULL;
    char path[4096];

    if (!info || info->count[FPC_TRAIN] < 1 || info->unlabelled[FPC_TRAIN])
        return 0;
    if (!fpc_data_file(l->s->data, FPC_TRAIN, 0, path, sizeof path))
        return *path != 0;
    fpc_ctx_clear(l->s->ctx); /* of a path that is too long */
    return 0;
}

static void absent_classes(lint *l)
{
    const fpc_dataset_info *info = l->s->data ? fpc_data_info(l->s->data) : NULL;
    const char *names = "";
    masks m, checked;
    int64_t all = 0;

    if (!has_files(l) || look_at_masks(l, FPC_VAL, LOOKED_AT / 4, &checked) ||
        look_at_masks(l, FPC_TRAIN, LOOKED_AT, &m))
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

/* ---- files ---- */
typedef struct left_over {
    lint *l;
    int64_t n;
    const char *sentence; /* of the first */
} left_over;

static void take_flaw(void *arg, const char *kind, fpc_part part, const char *name, const char *sentence)
{
    left_over *o = arg;

    (void)kind, (void)part, (void)name;
    if (!o->n++)
        o->sentence = fpc_strdup(o->l->arena, sentence ? sentence : fpc_ctx_error(o->l->s->ctx));
    if (!sentence)
        fpc_ctx_clear(o->l->s->ctx);
}

static void take_size(void *arg, int32_t w, int32_t h)
{
    (void)arg, (void)w, (void)h;
}

/* What an audit finds when it opens a set that a training can open: files that nothing uses. */
static void files_left_over(lint *l)
{
    left_over found = {.l = l};
    const fpc_dataset_audit sink = {.size = sizeof sink, .arg = &found, .flaw = take_flaw, .picture = take_size};
    fpc_data_sources from;
    fpc_data *again;

    if (!has_files(l))
        return;
    if (fpc_data_sources_open(l->s->ctx, l->arena, l->s->registry, l->s->recipe, &from) ||
        fpc_data_new(l->s->ctx, l->arena, &from, 0, &sink, &again) || !found.n)
        return;
    fpc_lint_found(l, "dataset: %s%s", found.sentence,
                   found.n > 1 ? fpc_sprintf(l->arena, " (and %" PRId64 " more; `fpcore data` lists all)", found.n - 1)
                               : "");
}

lint_fn *const fpc_lints_of_data[] = {mirrors_without_exchange, few_images,     last_batch,      one_image_norm,
                                      metric_of_batches,        absent_classes, files_left_over, NULL};
