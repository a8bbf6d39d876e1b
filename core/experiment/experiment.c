/* experiment.c: opens everything that a recipe names, each plugin once, and refuses what it does not know. Every
 * section is opened and every key read whatever the verb needs: no key is ignored. */
#include "experiment/experiment.h"
#include "recipe/sections.h"
#include "graph/nodes.h"
#include "experiment/continued.h"
#include "experiment/step.h"
#include "base/spelling.h"
#include <stdio.h>
#include <string.h>

enum { DEFAULT_CLASSES = 19 };

typedef struct commons { /* the structs that the core's tables fill */
    fpc_model_common model;
    fpc_optimizer_common optimizer;
    fpc_schedule_common schedule;
} commons;

/* ---- sections ---- */

/* "run, dataset, augment, augment.NAME ..." */
static const char *all_sections(fpc_arena *arena)
{
    const char *list = "";

    for (const fpc_section_row *r = fpc_section_rows; r->name && list; r++)
        if (!r->later)
            list = fpc_sprintf(arena, "%s%s%s%s", list, *list ? ", " : "", r->name, r->labelled ? ".NAME" : "");
    return list;
}

static fpc_status refuse_section(fpc_experiment *s, const fpc_section *sec)
{
    const char *words[32];
    const size_t stem = strcspn(sec->name, ".");
    const char *head = fpc_sprintf(s->arena, "%.*s", (int)stem, sec->name), *list = all_sections(s->arena);
    const char *rest = sec->name + stem;
    int32_t n = 0;
    for (const fpc_section_row *r = fpc_section_rows; r->name && n < 32; r++)
        if (!r->later)
            words[n++] = r->name;
    const char *guess = head ? fpc_nearest(head, n, words) : NULL;
    if (guess && !*rest && !fpc_section_row_of(guess))
        rest = ".NAME";
    if (guess)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: [%s]: unknown section; did you mean [%s%s]?", sec->origin,
                               sec->name, guess, rest);
    return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: [%s]: unknown section; there are %s", sec->origin, sec->name,
                           list ? list : "others");
}

/* No section is ignored. */
static fpc_status check_sections(fpc_experiment *s)
{
    for (int32_t i = 0; i < s->recipe->n; i++) {
        const fpc_section_row *row = fpc_section_row_of(s->recipe->section[i].name);
        if (!row || row->later)
            return refuse_section(s, &s->recipe->section[i]);
    }
    return FPC_OK;
}

static fpc_opened *remember(fpc_experiment *s, const char *name, const fpc_instance *inst, fpc_option_set common)
{
    fpc_opened *o = &s->opened[s->n_opened++];
    *o = (fpc_opened){.name = name, .common = common};
    if (inst)
        o->inst = *inst;
    return o;
}

/* A section that the core alone reads. */
static fpc_status core_section(fpc_experiment *s, const char *name, void *object)
{
    fpc_option_set set = fpc_core_set(fpc_core_section(name), object);
    set.recipe = s->recipe->path;
    const fpc_status status = fpc_options_read(s->ctx, s->arena, name, fpc_recipe_section(s->recipe, name), 1, &set);
    if (!status)
        remember(s, name, NULL, set);
    return status;
}

static fpc_status open_use(fpc_experiment *s, uint32_t kind, const char *name, const char *use, void *object,
                           fpc_instance *out)
{
    fpc_option_set set = fpc_core_set(fpc_core_options(kind), object);
    if (s->known && s->known->bare)
        set.bare = &s->bare;
    set.recipe = s->recipe->path;
    const fpc_status status =
        fpc_instance_open(s->registry, s->arena, kind, name, fpc_recipe_section(s->recipe, name), use, set, out);
    if (!status)
        remember(s, name, out, set);
    return status;
}

/* The one section of a kind. object: what the core's keys there go to. */
static fpc_status open_single(fpc_experiment *s, uint32_t kind, void *object, fpc_instance *out)
{
    const fpc_section_row *row = fpc_section_row_of_kind(kind);
    return open_use(s, kind, row->name, row->use, object, out);
}

static int32_t count_sections(const fpc_recipe *r, uint32_t kind)
{
    int32_t n = 0;
    for (int32_t i = 0; i < r->n; i++)
        n += fpc_section_kind(r->section[i].name) == kind;
    return n;
}

static fpc_status open_losses(fpc_experiment *s)
{
    s->loss = fpc_alloc(s->arena, (size_t)(count_sections(s->recipe, FPC_LOSS) + 1) * sizeof *s->loss);
    if (!s->loss)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->recipe->n; i++) {
        const fpc_section *section = &s->recipe->section[i];
        if (fpc_section_kind(section->name) != FPC_LOSS)
            continue;
        if (s->n_losses == FPC_MAX_LOSSES)
            return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s: [%s]: more than %d loss terms", section->origin,
                                   section->name, FPC_MAX_LOSSES);
        fpc_loss_common *common = fpc_alloc(s->arena, sizeof *common);
        fpc_loss_term *t = &s->loss[s->n_losses];
        if (!common)
            return FPC_ENOMEM;
        const fpc_status status = open_use(s, FPC_LOSS, section->name, NULL, common, &t->inst);
        if (status)
            return status;
        t->curve = common->weight;
        t->weight = fpc_curve_at(&t->curve, 0);
        t->label = fpc_section_label(section->name);
        s->n_losses++;
    }
    return FPC_OK;
}

static fpc_status open_metric(fpc_experiment *s, const char *name, const char *default_use)
{
    fpc_experiment_metric *m = &s->metric[s->n_metrics];
    const fpc_status status = open_use(s, FPC_METRIC, name, default_use, NULL, &m->inst);
    m->label = fpc_section_label(name);
    s->n_metrics += !status;
    return status;
}

/* A recipe that says nothing of metrics gets the two of the reports' histories. */
static fpc_status open_metrics(fpc_experiment *s)
{
    const int32_t n = count_sections(s->recipe, FPC_METRIC);
    fpc_status status;
    s->metric = fpc_alloc(s->arena, (size_t)(n + 2) * sizeof *s->metric);
    if (!s->metric)
        return FPC_ENOMEM;
    if (!n && ((status = open_metric(s, "metric.f_score", "fscore_batch")) ||
               (status = open_metric(s, "metric.accuracy", "pixel_accuracy"))))
        return status;
    for (int32_t i = 0; i < s->recipe->n; i++)
        if (fpc_section_kind(s->recipe->section[i].name) == FPC_METRIC &&
            (status = open_metric(s, s->recipe->section[i].name, NULL)))
            return status;
    return FPC_OK;
}

/* The sections that may stand any number of times and whose plugins the data and the training use. */
static fpc_status open_rest(fpc_experiment *s)
{
    fpc_augment_sources *augments = &s->sources.augments;
    fpc_status status;
    augments->section = fpc_recipe_section(s->recipe, "augment");
    augments->inst = fpc_alloc(s->arena, (size_t)(count_sections(s->recipe, FPC_AUGMENT) + 1) * sizeof *augments->inst);
    s->logger = fpc_alloc(s->arena, (size_t)(count_sections(s->recipe, FPC_LOGGER) + 1) * sizeof *s->logger);
    if (!augments->inst || !s->logger)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < s->recipe->n; i++) {
        const char *name = s->recipe->section[i].name;
        const uint32_t kind = fpc_section_kind(name);
        if (kind != FPC_AUGMENT && kind != FPC_LOGGER)
            continue;
        fpc_instance *inst = kind == FPC_AUGMENT ? &augments->inst[augments->n++] : &s->logger[s->n_loggers++];
        if ((status = open_use(s, kind, name, NULL, NULL, inst)))
            return status;
    }
    return FPC_OK;
}

/* Which metric picks the best checkpoint; it must be there. */
static fpc_status find_monitor(fpc_experiment *s)
{
    const char *names[64];
    int32_t n = 0;
    for (int32_t i = 0; i < s->n_metrics; i++) {
        if (!strcmp(s->metric[i].label, s->run.metric)) {
            s->monitor = i;
            s->higher = ((const fpc_metric_vtbl *)s->metric[i].inst.vtbl)->higher_is_better;
            return FPC_OK;
        }
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

static fpc_status open_sections(fpc_experiment *s, commons *c, unsigned what)
{
    fpc_status status;
    if ((status = check_sections(s)) || (status = core_section(s, "run", &s->run)))
        return status;
    if ((what & FPC_OPEN_TRAIN) && /* else the recipe's own [optimizer] is as good */
        (status = fpc_continued_recipe(s->ctx, s->arena, s->recipe, &s->run, &s->recipe)))
        return status;
    const int all = !(what & FPC_OPEN_USED), measures = all || (what & FPC_OPEN_TRAIN);
    const int reads = all || (what & FPC_OPEN_DATA) || !s->known || !s->known->whole;
    if ((reads && (status = open_single(s, FPC_DATASET, &s->sources.options, &s->sources.dataset))) ||
        (status = core_section(s, "augment", &s->sources.augments.shared)) ||
        (status = open_single(s, FPC_MODEL, &c->model, &s->model)) || (measures && (status = open_losses(s))) ||
        (all && (status = open_single(s, FPC_OPTIMIZER, &c->optimizer, &s->optimizer))) ||
        (all && (status = open_single(s, FPC_SCHEDULE, &c->schedule, &s->schedule))) ||
        (measures && (status = open_metrics(s))) || (all && (status = open_rest(s))))
        return status;
    s->max_params = c->model.max_params;
    if ((status = fpc_normalized_read(s, &c->model)))
        return status;
    s->lr = c->optimizer.lr;
    s->sam = c->optimizer.sam;
    if (all) {
        s->rules = c->optimizer;
        if ((status = fpc_patterns_read(s->arena, s->rules.freeze, &s->freeze)))
            return status;
    }
    s->schedule_begin = c->schedule.begin;
    s->schedule_epochs = c->schedule.epochs ? c->schedule.epochs : c->schedule.begin + s->run.epochs;
    s->warmup_epochs = (double)c->schedule.warmup_epochs;
    s->warmup_start = c->schedule.warmup_start;
    return FPC_OK;
}

/* Weights know better than a file, which may be elsewhere or another by now. */
static void take_known(fpc_experiment *s)
{
    const fpc_dataset_info *table = s->known && s->known->table.classes ? &s->known->table : NULL;

    if (!table)
        return;
    s->info.classes = table->classes;
    s->info.class_names = table->class_names;
    s->info.palette = table->palette;
    s->info.mirror_pairs = table->mirror_pairs;
    s->info.n_mirror_pairs = table->n_mirror_pairs;
}

/* For comparison, where the recipe is not that of the weights: what it says of the classes, if its files are there. */
static void take_stated(fpc_experiment *s, const fpc_dataset_vtbl *v)
{
    s->stated = (fpc_dataset_info){.size = sizeof s->stated, .c = 3, .ignore_label = -1};
    if (s->info.class_names && !s->known->bare && v->describe(s->sources.dataset.self, &s->stated)) {
        fpc_ctx_clear(s->ctx);
        s->stated.classes = 0;
    }
}

/* Classes and pairs, from the data set's description where the data themselves are not opened. */
static fpc_status describe_data(fpc_experiment *s)
{
    const fpc_dataset_vtbl *v = s->sources.dataset.vtbl;
    s->info = (fpc_dataset_info){.size = sizeof s->info, .c = 3, .classes = DEFAULT_CLASSES, .ignore_label = -1};
    if (!v) {
        s->info = s->known->table;
        return FPC_OK;
    }
    take_known(s);
    if (!v->describe)
        return FPC_OK;
    if (s->known)
        take_stated(s, v);
    const fpc_status status = FPC_ASK(&s->sources.dataset, "describe", v->describe(s->sources.dataset.self, &s->info));
    take_known(s); /* a plugin of an older fpcore does not look whether they are there */
    return status ? status : fpc_data_classes_check(s->ctx, s->sources.dataset.plugin->name, &s->info);
}

static fpc_status open_data(fpc_experiment *s, int trains)
{
    fpc_status status;
    if (s->known && s->known->bare && s->known->table.classes)
        s->sources.known = &s->known->table;
    status = fpc_data_new(s->ctx, s->arena, &s->sources, (uint64_t)s->run.seed, NULL, &s->data);
    if (status || (trains && (status = fpc_data_check_training(s->data))))
        return status;
    s->info = *fpc_data_info(s->data);
    return FPC_OK;
}

static fpc_status open_backend(fpc_experiment *s, int exact)
{
    static fpc_entry entry[] = {{"use", "ref", "fpcore"}, {"real", "double", "fpcore"}};
    static const fpc_section plain = {"backend", "fpcore", 2, entry};
    const fpc_section *section = exact ? &plain : fpc_recipe_section(s->recipe, "backend");
    const uint32_t precision = exact ? 0 : (uint32_t)s->run.precision;
    const fpc_status status = fpc_backend_open(s->ctx, s->arena, s->registry, section, precision, &s->backend);
    if (!status)
        remember(s, "backend", &s->backend->inst, (fpc_option_set){0});
    return status;
}

static fpc_status check_slots(fpc_experiment *s, const fpc_optimizer_vtbl *opt)
{
    const char *name = opt ? s->optimizer.plugin->name : "";
    if (!opt)
        return FPC_OK;
    if (opt->n_slots < 0 || opt->n_slots > 4)
        return fpc_fail(s->ctx, FPC_EABI, "optimizer: plugin %s has %d slots; 0 to 4 are possible, each with a name",
                        name, opt->n_slots);
    for (int32_t i = 0; i < opt->n_slots; i++)
        if (!opt->slot_names[i] || !*opt->slot_names[i])
            return fpc_fail(s->ctx, FPC_EABI, "optimizer: slot %d of plugin %s has no name", i, name);
    return FPC_OK;
}

/* Factors that an optimizer does not look at would be ignored. */
static fpc_status check_factors(fpc_experiment *s, const fpc_optimizer_vtbl *opt)
{
    if (!s->groups.n_groups || (opt->flags & FPC_OPTIMIZER_FACTORS))
        return FPC_OK;
    return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                           "[optimizer]: optimizer/%s has one rate and one decay for all parameters; freeze, no_decay "
                           "and lr_scale need one that says FPC_OPTIMIZER_FACTORS, as adam, adamw, lion and sgd do",
                           s->optimizer.plugin->name);
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
    if ((status = check_slots(s, opt)))
        return status;
    const unsigned keep = (s->run.ema > 0 ? FPC_KEEP_AVERAGE : 0u) | (s->run.swa_start > 0 ? FPC_KEEP_SWA : 0u) |
                          (s->backend->device.precision == FPC_HALF_FP16 ? FPC_KEEP_SCALER : 0u) |
                          (fpc_half_of(s) ? FPC_KEEP_HALF : 0u) | (frozen ? FPC_KEEP_WEIGHTS : 0u);
    if (opt && !frozen && ((status = fpc_groups_of(s, s->arena, g, &s->groups)) || (status = check_factors(s, opt))))
        return status;
    status = fpc_state_new(s->ctx, s->arena, s->backend, g, opt ? opt->n_slots : 0, opt ? opt->slot_names : NULL, keep,
                           &s->state);
    return status || frozen ? status : fpc_state_init(s->state, (uint64_t)s->run.seed);
}

/* The core's ops and those of all plugins that are open. */
static fpc_status collect_ops(fpc_experiment *s)
{
    const fpc_found *opened;
    const int32_t n = fpc_registry_opened(s->registry, &opened);
    fpc_op_rows *from = fpc_alloc(s->arena, ((size_t)n + 1) * sizeof *from);
    if (!from)
        return FPC_ENOMEM;
    from[0] = fpc_builtin_rows;
    for (int32_t i = 0; i < n; i++)
        from[i + 1] = (fpc_op_rows){opened[i].plugin->ops, opened[i].who};
    return fpc_op_table_new(s->ctx, s->arena, n + 1, from, &s->ops);
}

static fpc_status check_training(fpc_experiment *s)
{
    if (!s->n_losses)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL,
                               "%s: there is no [loss.NAME] section; training needs at least one, for example "
                               "[loss.ce] use = cross_entropy",
                               s->recipe->path);
    return find_monitor(s);
}

static fpc_status open_all(fpc_experiment *s, commons *c, const char *plugin_path, unsigned what)
{
    fpc_status status;
    const int described = !(what & FPC_OPEN_DATA) || !s->known; /* the data say it themselves */
    s->bare = (fpc_bare){(what & (FPC_OPEN_DATA | FPC_OPEN_TRAIN)) != 0, s->known ? s->known->lost : NULL};
    if ((status = fpc_registry_new(s->ctx, s->arena, plugin_path, &s->registry)) ||
        (status = open_sections(s, c, what)) || (described && (status = describe_data(s))) ||
        ((what & FPC_OPEN_DATA) && (status = open_data(s, (what & FPC_OPEN_TRAIN) && !(what & FPC_OPEN_FROZEN)))))
        return status;
    s->classes = s->info.classes;
    s->ignore = s->data ? fpc_data_augments(s->data)->ignore : s->info.ignore_label;
    if (((what & FPC_OPEN_TRAIN) && (status = check_training(s))) ||
        (status = open_backend(s, (what & FPC_OPEN_EXACT) != 0)) || (status = collect_ops(s)))
        return status;
    if (!fpc_programs_of(s))
        return FPC_ENOMEM;
    return what & FPC_OPEN_BACKEND ? make_state(s, (what & FPC_OPEN_FROZEN) != 0) : FPC_OK;
}

fpc_status fpc_experiment_open_known(fpc_ctx *ctx, fpc_arena *arena, const char *plugin_path, const fpc_recipe *recipe,
                                     unsigned what, const fpc_known *known, fpc_experiment **out)
{
    fpc_experiment *s = fpc_alloc(arena, sizeof *s);
    commons *c = fpc_alloc(arena, sizeof *c);
    if (!s || !c)
        return FPC_ENOMEM;
    *s = (fpc_experiment){.ctx = ctx, .arena = arena, .recipe = recipe, .known = known, .monitor = -1};
    s->opened = fpc_alloc(arena, (size_t)(recipe->n + 18) * sizeof *s->opened);
    if (!s->opened)
        return FPC_ENOMEM;
    const fpc_status status = open_all(s, c, plugin_path, what);
    *out = s;
    return status;
}

fpc_status fpc_experiment_open(fpc_ctx *ctx, fpc_arena *arena, const char *plugin_path, const fpc_recipe *recipe,
                               unsigned what, fpc_experiment **out)
{
    return fpc_experiment_open_known(ctx, arena, plugin_path, recipe, what, NULL, out);
}
