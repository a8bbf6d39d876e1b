/* check.c: see check.h. Each refusal says where the recipe states what is wrong. */
#define _GNU_SOURCE
#include "train/check.h"
#include "base/message.h"
#include "base/spelling.h"
#include "experiment/continued.h"
#include "train/trainer.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

/* "conf/a.ini:7: run.name", or "run.name" where it is the default. */
static const char *place_of(const fpc_experiment *s, const char *section, const char *key)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(s->recipe, section), key);
    const char *text = fpc_sprintf(s->arena, "%s%s%s.%s", e ? e->origin : "", e ? ": " : "", section, key);

    return text ? text : key;
}

/* "[metric.loss] (conf/a.ini:7)" */
static const char *section_place(const fpc_experiment *s, const char *name)
{
    const fpc_section *section = fpc_recipe_section(s->recipe, name);
    const char *text = fpc_sprintf(s->arena, "[%s] (%s)", name, section ? section->origin : "by default");

    return text ? text : name;
}

/* ---- [run] ---- */

static fpc_status check_run(const fpc_experiment *s)
{
    const fpc_run_options *run = &s->run;

    if (run->beat.n > 1)
        return fpc_fail(s->ctx, FPC_EINVAL, "%s has %lld values; one is wanted, or none", place_of(s, "run", "beat"),
                        (long long)run->beat.n);
    if (!*run->name || *run->name == '.' || strchr(run->name, '/'))
        return fpc_fail(s->ctx, FPC_EINVAL, "%s = %s: a folder's name is wanted, without / and not beginning with .",
                        place_of(s, "run", "name"), run->name);
    if (!*run->out)
        return fpc_fail(s->ctx, FPC_EINVAL, "%s is empty; it names the folder of the runs", place_of(s, "run", "out"));
    return FPC_OK;
}

static fpc_status check_weights(const fpc_experiment *s)
{
    const char *path;

    if (!*s->run.init_from)
        return FPC_OK;
    if (s->run.init_optimizer != FPC_INIT_RESET && (*s->run.init_skip || *s->run.init_rename))
        return fpc_fail(s->ctx, FPC_EINVAL,
                        "%s: the optimizer's state of another run goes with all of its weights; with "
                        "run.init_optimizer = reset weights can be skipped and renamed",
                        place_of(s, "run", *s->run.init_skip ? "init_skip" : "init_rename"));
    if (!(path = fpc_continued_source(s->arena, &s->run)))
        return FPC_ENOMEM;
    return access(path, R_OK) ? fpc_continued_missing(s->ctx, s->arena, s->recipe, path) : FPC_OK;
}

/* ---- loggers ---- */

/* Those that write files of fixed names would write them over each other. */
static fpc_status check_loggers(const fpc_experiment *s)
{
    for (int32_t i = 0; i < s->n_loggers; i++)
        for (int32_t k = 0; k < i; k++) {
            const fpc_plugin *plugin = s->logger[i].plugin;
            if (plugin != s->logger[k].plugin || !(plugin->flags & FPC_PLUGIN_ONCE))
                continue;
            return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                                   "%s and %s are both `use = %s`, of which a run has one: they would write over each "
                                   "other",
                                   section_place(s, s->logger[k].self->label),
                                   section_place(s, s->logger[i].self->label), plugin->name);
        }
    return FPC_OK;
}

/* ---- the columns of the record: train_loss train_M... val_loss val_M... lr, then classes, gradient norm, terms, and
 * the weights of losses that have a schedule ---- */

struct list {
    const fpc_experiment *s;
    fpc_arena *arena;
    int32_t n;
    const char **name;
    const char **from; /* the section that it comes from, NULL: the core */
};

static void add(struct list *l, const char *from, const char *name)
{
    l->from[l->n] = from;
    l->name[l->n++] = name;
}

static const char *class_column(const struct list *l, const fpc_experiment_metric *m, int32_t c)
{
    const fpc_dataset_info *info = &l->s->info;

    if (info->class_names && info->class_names[c])
        return fpc_sprintf(l->arena, "val_%s.%s", m->label, info->class_names[c]);
    return fpc_sprintf(l->arena, "val_%s.%d", m->label, (int)c);
}

static int has_classes(const fpc_experiment_metric *m)
{
    const fpc_metric_vtbl *v = m->inst.vtbl;

    return v->per_class != NULL;
}

static void add_columns(struct list *l, int32_t monitor, int validates, int32_t *monitor_column)
{
    const fpc_experiment *s = l->s;
    const int32_t terms = s->n_losses < FPC_MAX_LOSSES ? s->n_losses : FPC_MAX_LOSSES;

    for (int part = 0; part < 2; part++) {
        const char *word = part ? "val" : "train";
        add(l, NULL, fpc_sprintf(l->arena, "%s_loss", word));
        for (int32_t i = 0; i < s->n_metrics; i++) {
            if (i == monitor && part == validates)
                *monitor_column = l->n;
            add(l, s->metric[i].inst.self->label, fpc_sprintf(l->arena, "%s_%s", word, s->metric[i].label));
        }
    }
    add(l, NULL, "lr");
    for (int32_t i = 0; i < s->n_metrics; i++)
        for (int32_t c = 0; has_classes(&s->metric[i]) && c < s->classes; c++)
            add(l, s->metric[i].inst.self->label, class_column(l, &s->metric[i], c));
    add(l, NULL, "grad_norm");
    for (int part = 0; part < 2; part++)
        for (int32_t i = 0; i < terms; i++)
            add(l, s->loss[i].inst.self->label,
                fpc_sprintf(l->arena, "%s_loss.%s", part ? "val" : "train", s->loss[i].label));
    for (int32_t i = 0; i < s->n_losses; i++)
        if (fpc_curve_varies(&s->loss[i].curve))
            add(l, s->loss[i].inst.self->label, fpc_sprintf(l->arena, "weight.%s", s->loss[i].label));
}

static const char *origin_of(const struct list *l, int64_t i)
{
    return l->from[i] ? section_place(l->s, l->from[i]) : "the record itself";
}

/* A file of the record holds each column under its name, in UTF-8. */
static fpc_status check_columns(const struct list *l)
{
    json_t *seen = json_object();
    fpc_status status = seen ? FPC_OK : FPC_ENOMEM;

    for (int32_t i = 0; i < l->n && !status; i++) {
        const json_t *other = json_object_get(seen, l->name[i]);
        if (other)
            status = fpc_fail_recipe(l->s->ctx, FPC_EINVAL,
                                     "%s and %s both make the column %s of the record; give one another name",
                                     origin_of(l, json_integer_value(other)), origin_of(l, i), l->name[i]);
        else if (json_object_set_new(seen, l->name[i], json_integer(i)))
            status = fpc_fail_recipe(l->s->ctx, FPC_EINVAL, "%s: the column %s of the record is no UTF-8",
                                     origin_of(l, i), l->name[i]);
    }
    json_decref(seen);
    return status;
}

fpc_status fpc_columns_of(const fpc_experiment *s, fpc_arena *arena, int validates, fpc_columns *out)
{
    const size_t most = 4 + (size_t)s->n_metrics * (2 + (size_t)s->classes) + 3 * (size_t)s->n_losses;
    struct list l = {.s = s, .arena = arena};

    l.name = fpc_alloc(arena, most * sizeof *l.name);
    l.from = fpc_alloc(arena, most * sizeof *l.from);
    if (!l.name || !l.from)
        return FPC_ENOMEM;
    add_columns(&l, s->monitor, validates, &out->monitor);
    for (int32_t i = 0; i < l.n; i++)
        if (!l.name[i])
            return FPC_ENOMEM;
    out->n = l.n;
    out->name = l.name;
    return check_columns(&l);
}

/* ---- columns that a logger is to show ---- */

static int is_column(const fpc_columns *c, const char *name)
{
    for (int32_t i = 0; i < c->n; i++)
        if (!strcmp(c->name[i], name) || (!strncmp(c->name[i], "val_", 4) && !strcmp(c->name[i] + 4, name)))
            return 1;
    return 0;
}

/* The nearest is looked for among the names with and without val_; all are listed as the record has them. */
static fpc_status no_column(const fpc_experiment *s, const fpc_columns *c, const char *place, const char *name)
{
    const char **known = fpc_alloc(s->arena, 2 * (size_t)c->n * sizeof *known), *near, *list = "";
    int32_t n = 0;

    if (!known)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < c->n && list; i++) {
        known[n++] = c->name[i];
        if (!strncmp(c->name[i], "val_", 4))
            known[n++] = c->name[i] + 4;
        list = fpc_sprintf(s->arena, "%s%s%s", list, i ? ", " : "", c->name[i]);
    }
    if (!list)
        return FPC_ENOMEM;
    near = fpc_nearest(name, n, known);
    return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: the record has no column `%s`%s%s%s; it has %s", place, name,
                           near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "", list);
}

static fpc_status check_shown(const fpc_experiment *s, const fpc_columns *c, const char *place, const char *names)
{
    for (const char *at = names + strspn(names, ", "); *at; at += strspn(at, ", ")) {
        const int n = (int)strcspn(at, ", ");
        const char *name = fpc_sprintf(s->arena, "%.*s", n, at);

        if (!name)
            return FPC_ENOMEM;
        if (!is_column(c, name))
            return no_column(s, c, place, name);
        at += n;
    }
    return FPC_OK;
}

static fpc_status check_all_shown(const fpc_experiment *s, const fpc_columns *c)
{
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < s->n_loggers; i++) {
        const fpc_instance *logger = &s->logger[i];
        const fpc_option *o = logger->plugin->options;
        for (; o && o->name && !status; o++)
            if (o->type == FPC_OPT_TEXT && (o->flags & FPC_OPT_COLUMNS))
                status = check_shown(s, c, place_of(s, logger->self->label, o->name),
                                     *(const char *const *)((const char *)logger->self + o->offset));
    }
    return status;
}

/* Checkpoints hold the names in JSON. */
static fpc_status check_classes(const fpc_experiment *s)
{
    for (int32_t i = 0; i < s->info.classes && s->info.class_names; i++) {
        json_t *name = json_string(s->info.class_names[i]);
        if (!name)
            return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: the name of class %d, `%s`, is no UTF-8",
                                   place_of(s, "dataset", "classes"), (int)i, s->info.class_names[i]);
        json_decref(name);
    }
    return FPC_OK;
}

fpc_status fpc_run_check(const fpc_experiment *s, int resume)
{
    fpc_columns columns;
    fpc_status status;

    if ((status = check_run(s)) || (status = check_loggers(s)) || (status = check_classes(s)) ||
        (status = fpc_columns_of(s, s->arena, 1, &columns)) || (status = check_all_shown(s, &columns)))
        return status;
    return resume ? FPC_OK : check_weights(s);
}

fpc_status fpc_run_check_start(fpc_experiment *s)
{
    fpc_events *events;
    fpc_seen seen;
    size_t bytes;
    fpc_status status;

    if ((status = fpc_events_new(s->ctx, s->arena, s->registry, s->n_loggers, s->logger, &events)) ||
        (status = fpc_trainer_out_check(s)) || !s->data)
        return status;
    if ((status = fpc_experiment_memory(s, (int32_t)fpc_data_options_of(s->data)->batch, s->info.h, s->info.w,
                                        &bytes)) || /* it builds the graphs, also where memory has no limit */
        (status = fpc_experiment_fit(s)) ||
        (status = fpc_experiment_queue_check(s)))
        return status;
    return fpc_seen_of(s, s->arena, &seen);
}
