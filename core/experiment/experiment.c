/* experiment.c: opens everything that a recipe names, refuses what it does not know, and prints the recipe as
 * understood. Every section is opened and every key read whatever the verb needs: no key is ignored. */
#include "experiment/experiment.h"
#include "experiment/sections.h"
#include "graph/ops/table.h"
#include "train/loop.h"
#include "experiment/step.h"
#include <stdio.h>
#include <string.h>

enum { DEFAULT_CLASSES = 19 };

typedef struct commons { /* the structs that the core's tables fill */
    fpc_model_common model;
    fpc_optimizer_common optimizer;
    fpc_schedule_common schedule;
    fpc_augment_common augment;
    fpc_data_options data;
} commons;

/* ---- sections ---- */

static const char *const single[] = {"run", "dataset", "augment", "backend", "model", "optimizer", "schedule"};
static const char *const many[] = {"augment.", "loss.", "metric.", "logger."};

static int known_section(const char *name)
{
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (!strcmp(name, single[i]))
            return 1;
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        if (!strncmp(name, many[i], strlen(many[i])) && name[strlen(many[i])])
            return 1;
    return 0;
}

static fpc_status refuse_section(fpc_experiment *s, const fpc_section *sec)
{
    const char *words[] = {"run",       "dataset",  "augment", "backend", "model",
                           "optimizer", "schedule", "loss",    "metric",  "logger"};
    const size_t stem = strcspn(sec->name, ".");
    const char *head = fpc_sprintf(s->arena, "%.*s", (int)stem, sec->name);
    const char *guess = head ? fpc_nearest(head, (int32_t)(sizeof words / sizeof *words), words) : NULL;
    const char *rest = sec->name + stem;
    if (guess && !*rest && (!strcmp(guess, "loss") || !strcmp(guess, "metric") || !strcmp(guess, "logger")))
        rest = ".NAME";
    if (guess)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: [%s]: unknown section; did you mean [%s%s]?", sec->origin,
                               sec->name, guess, rest);
    return fpc_fail_recipe(
        s->ctx, FPC_EINVAL,
        "%s: [%s]: unknown section; there are run, dataset, augment, augment.NAME, model, loss.NAME, "
        "optimizer, schedule, metric.NAME, logger.NAME, backend",
        sec->origin, sec->name);
}

static fpc_opened *remember(fpc_experiment *s, const char *name, const fpc_instance *inst, fpc_option_set common)
{
    fpc_opened *o = &s->opened[s->n_opened++];
    *o = (fpc_opened){.name = name, .common = common};
    if (inst)
        o->inst = *inst;
    return o;
}

static fpc_status core_section(fpc_experiment *s, const char *name, const fpc_option *table, void *object)
{
    const fpc_option_set set = fpc_core_set(table, object);
    const fpc_status status = fpc_options_read(s->ctx, s->arena, name, fpc_recipe_section(s->recipe, name), 1, &set);
    if (!status)
        remember(s, name, NULL, set);
    return status;
}

static fpc_status open_one(fpc_experiment *s, uint32_t kind, const char *name, const char *default_use,
                           const fpc_option *table, void *object, fpc_instance *out)
{
    const fpc_option_set set = fpc_core_set(table, object);
    const fpc_status status = fpc_instance_open(s->registry, s->arena, kind, name, fpc_recipe_section(s->recipe, name),
                                                default_use, set, out);
    if (!status)
        remember(s, name, out, set);
    return status;
}

static int32_t count_sections(const fpc_recipe *r, const char *prefix)
{
    int32_t n = 0;
    for (int32_t i = 0; i < r->n; i++)
        n += !strncmp(r->section[i].name, prefix, strlen(prefix));
    return n;
}

static fpc_status open_losses(fpc_experiment *s)
{
    s->loss = fpc_alloc(s->arena, (size_t)(count_sections(s->recipe, "loss.") + 1) * sizeof *s->loss);
    if (!s->loss)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->recipe->n; i++) {
        const char *name = s->recipe->section[i].name;
        if (strncmp(name, "loss.", 5))
            continue;
        if (s->n_losses == 16)
            return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: [%s]: more than 16 loss terms",
                                   s->recipe->section[i].origin, name);
        fpc_loss_common *common = fpc_alloc(s->arena, sizeof *common);
        fpc_loss_term *t = &s->loss[s->n_losses];
        if (!common)
            return FPC_ENOMEM;
        const fpc_status status = open_one(s, FPC_LOSS, name, NULL, fpc_core_loss, common, &t->inst);
        if (status)
            return status;
        t->curve = common->weight;
        t->weight = fpc_curve_at(&t->curve, 0);
        t->label = name + 5;
        s->n_losses++;
    }
    return FPC_OK;
}

static fpc_status open_metric(fpc_experiment *s, const char *name, const char *default_use)
{
    fpc_experiment_metric *m = &s->metric[s->n_metrics];
    const fpc_status status = open_one(s, FPC_METRIC, name, default_use, NULL, NULL, &m->inst);
    m->label = name + strlen("metric.");
    s->n_metrics += !status;
    return status;
}

/* A recipe that says nothing of metrics gets the two of the reports' histories. */
static fpc_status open_metrics(fpc_experiment *s)
{
    const int32_t n = count_sections(s->recipe, "metric.");
    s->metric = fpc_alloc(s->arena, (size_t)(n + 2) * sizeof *s->metric);
    if (!s->metric)
        return FPC_ENOMEM;
    fpc_status status = n ? FPC_OK : open_metric(s, "metric.f_score", "fscore_batch");
    status = status || n ? status : open_metric(s, "metric.accuracy", "pixel_accuracy");
    for (int32_t i = 0; i < s->recipe->n && !status; i++)
        if (!strncmp(s->recipe->section[i].name, "metric.", 7))
            status = open_metric(s, s->recipe->section[i].name, NULL);
    return status;
}

/* Loggers and augmentations are opened again by those who use them; here it is their keys that are checked. */
static fpc_status open_rest(fpc_experiment *s)
{
    for (int32_t i = 0; i < s->recipe->n; i++) {
        const char *name = s->recipe->section[i].name;
        fpc_instance inst;
        const uint32_t kind = !strncmp(name, "augment.", 8)  ? FPC_AUGMENT
                              : !strncmp(name, "logger.", 7) ? FPC_LOGGER
                                                             : 0;
        const fpc_status status = kind ? open_one(s, kind, name, NULL, NULL, NULL, &inst) : FPC_OK;
        if (status)
            return status;
    }
    return FPC_OK;
}

/* Which metric picks the best checkpoint must be there. */
static fpc_status check_monitor(fpc_experiment *s)
{
    const char *names[64];
    int32_t n = 0;
    for (int32_t i = 0; i < s->n_metrics; i++) {
        if (!strcmp(s->metric[i].label, s->run.metric))
            return FPC_OK;
        if (n < 64)
            names[n++] = s->metric[i].label;
    }
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(s->recipe, "run"), "metric");
    const char *guess = fpc_nearest(s->run.metric, n, names);
    return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                           "%s: run.metric = %s: there is no [metric.%s]%s%s%s; it picks the best checkpoint",
                           e ? e->origin : "default", s->run.metric, s->run.metric, guess ? "; did you mean `" : "",
                           guess ? guess : "", guess ? "`?" : "");
}

static fpc_status open_sections(fpc_experiment *s, commons *c, unsigned what, fpc_instance *dataset)
{
    for (int32_t i = 0; i < s->recipe->n; i++)
        if (!known_section(s->recipe->section[i].name))
            return refuse_section(s, &s->recipe->section[i]);
    fpc_status status = core_section(s, "run", fpc_core_run, &s->run);
    if (!status && (what & FPC_OPEN_TRAIN)) /* else the recipe's own [optimizer] is as good */
        status = fpc_init_recipe(s->ctx, s->arena, s->recipe, &s->run, &s->recipe);
    if (!status)
        status = open_one(s, FPC_DATASET, "dataset", "synthetic", fpc_core_dataset, &c->data, dataset);
    if (!status)
        status = core_section(s, "augment", fpc_core_augment, &c->augment);
    if (!status)
        status = open_one(s, FPC_MODEL, "model", "microsegformer", fpc_core_model, &c->model, &s->model);
    if (!status)
        status = open_losses(s);
    if (!status)
        status = open_one(s, FPC_OPTIMIZER, "optimizer", "adamw", fpc_core_optimizer, &c->optimizer, &s->optimizer);
    if (!status)
        status = open_one(s, FPC_SCHEDULE, "schedule", "constant", fpc_core_schedule, &c->schedule, &s->schedule);
    if (!status)
        status = open_metrics(s);
    if (!status)
        status = open_rest(s);
    if (status)
        return status;
    s->max_params = c->model.max_params;
    s->lr = c->optimizer.lr;
    s->sam = c->optimizer.sam;
    s->schedule_begin = c->schedule.begin;
    s->schedule_epochs = c->schedule.epochs ? c->schedule.epochs : c->schedule.begin + s->run.epochs;
    s->warmup_epochs = (double)c->schedule.warmup_epochs;
    s->warmup_start = c->schedule.warmup_start;
    return FPC_OK;
}

/* Classes and pairs, from the data set's description where the data themselves are not opened. */
static fpc_status describe_data(fpc_experiment *s, const fpc_instance *dataset)
{
    const fpc_dataset_vtbl *v = dataset->vtbl;
    s->info = (fpc_dataset_info){.size = sizeof s->info, .c = 3, .classes = DEFAULT_CLASSES, .ignore_label = -1};
    return v->describe ? v->describe(dataset->self, &s->info) : FPC_OK;
}

static fpc_status open_backend(fpc_experiment *s)
{
    fpc_status status = fpc_backend_open(s->ctx, s->arena, s->registry, fpc_recipe_section(s->recipe, "backend"),
                                         (uint32_t)s->run.precision, &s->backend);
    if (!status)
        remember(s, "backend", &s->backend->inst, (fpc_option_set){0});
    return status;
}

/* Counts the parameters on a graph of one small picture, before any tensor's memory is taken. */
static fpc_status make_state(fpc_experiment *s, int frozen)
{
    const fpc_optimizer_vtbl *opt = s->optimizer.vtbl;
    fpc_graph *g;
    const int32_t h = s->info.h > 0 ? s->info.h : 64, w = s->info.w > 0 ? s->info.w : 64;
    fpc_status status = fpc_experiment_graph(s, 1, h, w, 0, 0, &g);
    if (status)
        return status;
    int64_t params = 0;
    for (int32_t i = 0; i < g->n_values; i++)
        params += g->value[i].role == FPC_ROLE_PARAM ? fpc_count(g->value[i].shape) : 0;
    if (s->max_params > 0 && params > s->max_params) {
        const fpc_entry *e = fpc_section_entry(fpc_recipe_section(s->recipe, "model"), "max_params");
        return fpc_fail_recipe(
            s->ctx, FPC_EINVAL,
            "%s: model.max_params = %lld: the model has %lld parameters, %lld too many; make it smaller or raise "
            "the limit",
            e ? e->origin : "default", (long long)s->max_params, (long long)params,
            (long long)(params - s->max_params));
    }
    if (opt->n_slots < 0 || opt->n_slots > 4)
        return fpc_fail(s->ctx, FPC_EABI, "optimizer: plugin %s has %d slots; 0 to 4 are possible",
                        s->optimizer.plugin->name, opt->n_slots);
    const unsigned keep = (s->run.ema > 0 ? FPC_KEEP_AVERAGE : 0u) | (s->run.swa_start > 0 ? FPC_KEEP_SWA : 0u) |
                          (s->backend->device.precision == FPC_HALF_FP16 ? FPC_KEEP_SCALER : 0u) |
                          (fpc_half_of(s) ? FPC_KEEP_HALF : 0u) | (frozen ? FPC_KEEP_WEIGHTS : 0u);
    status = fpc_state_new(s->ctx, s->arena, s->backend, g, opt->n_slots, opt->slot_names, keep, &s->state);
    return status ? status : fpc_state_init(s->state, (uint64_t)s->run.seed);
}

fpc_status fpc_experiment_open(fpc_ctx *ctx, fpc_arena *arena, const char *plugin_path, const fpc_recipe *recipe,
                               unsigned what, fpc_experiment **out)
{
    fpc_experiment *s = fpc_alloc(arena, sizeof *s);
    commons *c = fpc_alloc(arena, sizeof *c);
    fpc_instance dataset;
    if (!s || !c)
        return FPC_ENOMEM;
    *s = (fpc_experiment){.ctx = ctx, .arena = arena, .recipe = recipe};
    s->opened = fpc_alloc(arena, (size_t)(recipe->n + 18) * sizeof *s->opened);
    if (!s->opened)
        return FPC_ENOMEM;
    fpc_status status = fpc_registry_new(ctx, arena, plugin_path, &s->registry);
    if (!status)
        status = open_sections(s, c, what, &dataset);
    if (!status)
        status = describe_data(s, &dataset);
    if (!status && (what & FPC_OPEN_DATA)) {
        status = fpc_data_open(ctx, arena, s->registry, recipe, (uint64_t)s->run.seed, &s->data);
        if (!status)
            s->info = *fpc_data_info(s->data);
    }
    if (status)
        return status;
    s->classes = s->info.classes;
    s->ignore = s->data ? fpc_data_augments(s->data)->ignore : s->info.ignore_label;
    if (what & FPC_OPEN_TRAIN) {
        if (!s->n_losses)
            return fpc_fail_recipe(ctx, FPC_EINVAL,
                                   "%s: there is no [loss.NAME] section; training needs at least one, for example "
                                   "[loss.ce] use = cross_entropy",
                                   recipe->path);
        status = check_monitor(s);
    }
    if (!status)
        status = open_backend(s);
    const fpc_found *opened;
    const int32_t n = status ? 0 : fpc_registry_opened(s->registry, &opened);
    if (!status)
        status = fpc_op_table_new(ctx, arena, n, opened, &s->ops);
    if (!status && !fpc_programs_of(s))
        return FPC_ENOMEM;
    if (!status && (what & FPC_OPEN_BACKEND))
        status = make_state(s, (what & FPC_OPEN_FROZEN) != 0);
    *out = s;
    return status;
}

/* ---- the recipe as understood ---- */

typedef struct text {
    fpc_arena *arena;
    char *s;
    size_t n, cap;
} text;

static void put(text *t, const char *line)
{
    const size_t n = strlen(line);
    if (t->n + n + 1 > t->cap) {
        const size_t cap = 2 * (t->n + n + 1024);
        char *more = fpc_alloc(t->arena, cap);
        if (!more)
            return;
        memcpy(more, t->s ? t->s : "", t->n);
        t->s = more;
        t->cap = cap;
    }
    memcpy(t->s + t->n, line, n + 1);
    t->n += n;
}

static void put_options(text *t, const fpc_recipe *recipe, const char *section, fpc_option_set set, int with_origin)
{
    const fpc_section *sec = fpc_recipe_section(recipe, section);
    for (const char *p = (const char *)set.table; p && ((const fpc_option *)(const void *)p)->name; p += set.stride) {
        const fpc_option *o = (const fpc_option *)(const void *)p;
        const fpc_entry *e = fpc_section_entry(sec, o->name);
        put(t, fpc_sprintf(t->arena, "%s = %s\n", o->name, fpc_option_text(t->arena, o, set.object)));
        if (with_origin) {
            t->n--; /* the origin goes on the same line */
            put(t, fpc_sprintf(t->arena, "   ; %s\n", e ? e->origin : "default"));
        }
    }
}

const char *fpc_experiment_resolved(fpc_experiment *s, fpc_arena *arena, int with_origin)
{
    text t = {.arena = arena};
    for (int32_t i = 0; i < s->n_opened; i++) {
        const fpc_opened *o = &s->opened[i];
        put(&t, fpc_sprintf(arena, "%s[%s]\n", i ? "\n" : "", o->name));
        if (o->inst.plugin) {
            const fpc_entry *e = fpc_section_entry(o->inst.section, "use");
            put(&t, with_origin
                        ? fpc_sprintf(arena, "use = %s   ; %s\n", o->inst.plugin->name, e ? e->origin : "default")
                        : fpc_sprintf(arena, "use = %s\n", o->inst.plugin->name));
            const fpc_option_set own = {o->inst.plugin->options, o->inst.plugin->option_size, o->inst.self};
            put_options(&t, s->recipe, o->name, own, with_origin);
        }
        put_options(&t, s->recipe, o->name, o->common, with_origin);
    }
    return t.s ? t.s : "";
}

int fpc_curve_varies(const fpc_curve *c)
{
    for (int64_t i = 1; i < c->n; i++)
        if (c->value[i] != c->value[0])
            return 1;
    return 0;
}

void fpc_experiment_epoch(fpc_experiment *s, int64_t epoch)
{
    for (int32_t i = 0; i < s->n_losses; i++)
        s->loss[i].weight = fpc_curve_at(&s->loss[i].curve, epoch);
}

double fpc_experiment_base_lr(const fpc_experiment *s, int64_t epoch)
{
    return fpc_curve_at(&s->lr, s->schedule_begin + epoch);
}

double fpc_experiment_lr(const fpc_experiment *s, int64_t epoch, const fpc_history *history)
{
    const fpc_schedule_vtbl *v = s->schedule.vtbl;
    const int64_t warm = (int64_t)s->warmup_epochs, at = s->schedule_begin + epoch;
    const double lr = fpc_experiment_base_lr(s, epoch);
    if (at < warm)
        return lr * (s->warmup_start + (1 - s->warmup_start) * (double)at / (double)warm);
    const fpc_clock clock = {
        .size = sizeof clock, .epoch = at - warm, .epochs = s->schedule_epochs - warm, .base_lr = lr};
    return lr == 0 ? 0 : lr * v->factor(s->schedule.self, &clock, history);
}
