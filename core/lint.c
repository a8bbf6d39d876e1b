/* lint.c: settings that are allowed and rarely meant, as a table of small functions. Each looks at the opened stages,
 * not at the recipe's text, so that defaults count as well; each says where, why it matters and what would be usual. */
#define _GNU_SOURCE
#include "lint.h"
#include "option_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct lint {
    fpc_stages *s;
    fpc_arena *arena;
    void (*warn)(void *arg, const char *sentence);
    void *arg;
    int32_t count;
} lint;

static void found(lint *l, const char *sentence)
{
    l->count++;
    l->warn(l->arg, sentence ? sentence : "out of memory");
}

/* "conf/x.ini:7: section.key", or "section.key (default)". */
static const char *where(lint *l, const char *section, const char *key)
{
    const fpc_entry *entry = fpc_section_entry(fpc_recipe_section(l->s->recipe, section), key);
    const char *text = entry ? fpc_sprintf(l->arena, "%s: %s.%s = %s", entry->origin, section, key, entry->value)
                             : fpc_sprintf(l->arena, "%s.%s (default)", section, key);

    return text ? text : key;
}

/* The value of a plugin's BOOL or INT option; 0: it has none of that name. */
static int int_option(const fpc_instance *inst, const char *name, int64_t *out)
{
    const fpc_option_set set = {inst->plugin ? inst->plugin->options : NULL,
                                inst->plugin ? inst->plugin->option_size : 0, NULL};
    fpc_option row;

    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++)
        if (strcmp(row.name, name) == 0 && (row.type == FPC_OPT_BOOL || row.type == FPC_OPT_INT)) {
            memcpy(out, (const char *)inst->self + row.offset, sizeof *out);
            return 1;
        }
    return 0;
}

/* ---- data ---- */

static void mirrors_without_exchange(lint *l)
{
    const fpc_dataset_info *info = l->s->data ? fpc_data_info(l->s->data) : NULL;
    const fpc_augments *augs = l->s->data ? fpc_data_augments(l->s->data) : NULL;

    for (int32_t i = 0; augs && info->n_mirror_pairs > 0 && i < augs->n; i++) {
        const fpc_instance *inst = &augs->inst[i];
        const fpc_augment_vtbl *v = inst->vtbl;
        const uint8_t *pair = info->mirror_pairs[0];
        int64_t exchange;

        if (v->mirrors && int_option(inst, "exchange", &exchange) && !exchange)
            found(l, fpc_sprintf(l->arena,
                                 "%s: pictures are mirrored, but the data set's %d left/right pairs (%s and %s ...) "
                                 "keep their labels, so that the network is taught left and right at random; `on` "
                                 "exchanges them",
                                 where(l, inst->self->label, "exchange"), info->n_mirror_pairs,
                                 info->class_names[pair[0]], info->class_names[pair[1]]));
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
        found(l, fpc_sprintf(l->arena,
                             "%s: a step takes %" PRId64 " x %" PRId64 " pictures, but the training part has only "
                             "%" PRId64,
                             where(l, "dataset", "batch"), o->batch, micro, info->count[FPC_TRAIN]));
    if (info->count[FPC_VAL] == 0)
        found(l, "dataset: the validation part is empty, so that no best checkpoint can be picked");
    if (o->drop_last && !o->shuffle && info->count[FPC_TRAIN] % o->batch)
        found(l, fpc_sprintf(l->arena,
                             "%s: without shuffling, the last %" PRId64 " training pictures are never seen "
                             "(drop_last = on)",
                             where(l, "dataset", "shuffle"), info->count[FPC_TRAIN] % o->batch));
}

/* ---- schedule ---- */

static double rate(const lint *l, int64_t epoch)
{
    return fpc_stages_lr(l->s, epoch, NULL);
}

/* A restart: the rate rises from one epoch to the next and falls again, after the warm-up. */
static int restarts_at(const lint *l, int64_t e)
{
    return rate(l, e) > rate(l, e - 1) && (e + 1 >= l->s->run.epochs || rate(l, e + 1) < rate(l, e));
}

static void patience_and_restarts(lint *l)
{
    const int64_t warmup = (int64_t)l->s->warmup_epochs;
    int64_t longest = 0, begin = warmup, restarts = 0;

    if (!l->s->schedule.plugin || l->s->run.patience == 0)
        return;
    for (int64_t e = warmup + 1; e < l->s->run.epochs; e++)
        if (restarts_at(l, e)) {
            restarts++;
            if (e - begin > longest)
                longest = e - begin;
            begin = e;
        }
    if (restarts && l->s->run.epochs - begin > longest)
        longest = l->s->run.epochs - begin;
    if (restarts && l->s->run.patience < longest)
        found(l,
              fpc_sprintf(l->arena,
                          "%s: the schedule restarts, and its longest period within the run is %" PRId64
                          " epochs; scores fall after a restart and only pass the former best near a period's end, so "
                          "training would stop early; a patience of %" PRId64 " or more waits for it",
                          where(l, "run", "patience"), longest, longest));
}

static void cosine_length(lint *l)
{
    const int64_t usual = l->s->run.epochs - (int64_t)l->s->warmup_epochs;
    int64_t t_max;

    if (!l->s->schedule.plugin || !int_option(&l->s->schedule, "t_max", &t_max) || t_max == 0 || t_max == usual)
        return;
    if (t_max < usual)
        found(l, fpc_sprintf(l->arena,
                             "%s: the rate rises again after epoch %" PRId64 ", up to %.3g in the last one; %" PRId64
                             " (epochs - warmup_epochs) ends at the minimum",
                             where(l, "schedule", "t_max"), t_max + (int64_t)l->s->warmup_epochs,
                             rate(l, l->s->run.epochs - 1), usual));
    else
        found(l, fpc_sprintf(l->arena,
                             "%s: the run ends before the cosine does, at a rate of %.3g; %" PRId64 " (epochs - "
                             "warmup_epochs) ends at the minimum",
                             where(l, "schedule", "t_max"), rate(l, l->s->run.epochs - 1), usual));
}

static void only_warmup(lint *l)
{
    if (l->s->schedule.plugin && l->s->warmup_epochs > 0 && l->s->warmup_epochs >= (double)l->s->run.epochs)
        found(l, fpc_sprintf(l->arena, "%s: the warm-up is as long as the whole run of %" PRId64 " epochs",
                             where(l, "schedule", "warmup_epochs"), l->s->run.epochs));
}

static void zero_rate(lint *l)
{
    if (!l->s->optimizer.plugin)
        return;
    if (l->s->lr == 0)
        found(l, fpc_sprintf(l->arena, "%s: nothing is learned at a rate of 0", where(l, "optimizer", "lr")));
    else if (l->s->schedule.plugin && rate(l, 0) == 0)
        found(l,
              "schedule: the rate of the first epoch is 0, so that it is wasted; a warmup_start above 0 avoids that");
}

/* ---- the rest ---- */

static void idle_losses(lint *l)
{
    for (int32_t i = 0; i < l->s->n_losses; i++)
        if (l->s->loss[i].weight == 0)
            found(l, fpc_sprintf(l->arena, "%s: this term counts nothing; `use = none` removes it",
                                 where(l, l->s->loss[i].inst.self->label, "weight")));
}

static void deprecated_in(lint *l, const fpc_instance *inst)
{
    fpc_option_set set;
    fpc_option row;

    if (!inst->plugin)
        return;
    set = (fpc_option_set){inst->plugin->options, inst->plugin->option_size, NULL};
    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++)
        if ((row.flags & FPC_OPT_DEPRECATED) && fpc_section_entry(inst->section, row.name))
            found(l, fpc_sprintf(l->arena, "%s: this key is deprecated: %s", where(l, inst->self->label, row.name),
                                 row.help ? row.help : ""));
}

static void deprecated(lint *l)
{
    const fpc_augments *augs = l->s->data ? fpc_data_augments(l->s->data) : NULL;

    deprecated_in(l, &l->s->model);
    deprecated_in(l, &l->s->optimizer);
    deprecated_in(l, &l->s->schedule);
    for (int32_t i = 0; i < l->s->n_losses; i++)
        deprecated_in(l, &l->s->loss[i].inst);
    for (int32_t i = 0; i < l->s->n_metrics; i++)
        deprecated_in(l, &l->s->metric[i].inst);
    if (l->s->data)
        deprecated_in(l, fpc_data_instance(l->s->data));
    if (l->s->backend)
        deprecated_in(l, &l->s->backend->inst);
    for (int32_t i = 0; augs && i < augs->n; i++)
        deprecated_in(l, &augs->inst[i]);
}

static void (*const lints[])(lint *) = {mirrors_without_exchange,
                                        few_images,
                                        patience_and_restarts,
                                        cosine_length,
                                        only_warmup,
                                        zero_rate,
                                        idle_losses,
                                        deprecated};

int32_t fpc_lint(fpc_stages *stages, fpc_arena *arena, void (*warn)(void *arg, const char *sentence), void *arg)
{
    lint l = {stages, arena, warn, arg, 0};

    for (size_t i = 0; i < sizeof lints / sizeof *lints; i++)
        lints[i](&l);
    return l.count;
}
