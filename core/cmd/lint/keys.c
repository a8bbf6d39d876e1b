/* keys.c: keys that are valid and do nothing in this recipe, because another key switches off what they are about;
 * keys that will go; files that are not there yet. */
#define _POSIX_C_SOURCE 200809L
#include "cmd/lint/lint_private.h"
#include "recipe/option_value.h"

#include <inttypes.h>
#include <string.h>

static const char *default_in(fpc_option_set set, const char *key)
{
    fpc_option row;

    for (int32_t i = 0; set.table && (row = fpc_opt_row(&set, i)).name; i++)
        if (!strcmp(row.name, key))
            return row.def;
    return NULL;
}

/* A key that repeats its default says nothing, as in a recipe that was printed with all of them. */
static int says_something(const lint *l, const char *section, const char *key)
{
    const fpc_entry *entry = fpc_section_entry(fpc_recipe_section(l->s->recipe, section), key);

    for (int32_t i = 0; entry && i < l->s->n_opened; i++) {
        const fpc_opened *o = &l->s->opened[i];
        const fpc_option_set own = {.table = o->inst.plugin ? o->inst.plugin->options : NULL,
                                    .stride = o->inst.plugin ? o->inst.plugin->option_size : 0,
                                    .object = NULL};
        const char *def = strcmp(o->name, section) ? NULL : default_in(own, key);

        if (!def && !strcmp(o->name, section))
            def = default_in(o->common, key);
        if (def && !strcmp(def, entry->value))
            return 0;
    }
    return entry != NULL;
}

/* section.key is given, but has no effect because of `why`; `what` to do. */
static void idle(lint *l, const char *section, const char *key, int without_effect, const char *why, const char *what)
{
    if (without_effect && says_something(l, section, key))
        fpc_lint_found(l, "%s: this key has no effect, because %s; %s", fpc_lint_where(l, section, key), why, what);
}

static void idle_run_keys(lint *l)
{
    const fpc_run_options *r = &l->s->run;
    const int never_stops = r->patience == 0;
    static const char *const waits[] = {"min_epochs", "min_delta"};

    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        idle(l, "run", waits[i], never_stops, "run.patience is 0 and nothing stops early",
             "set run.patience or leave it");
    if (r->patience >= r->epochs)
        fpc_lint_found(l,
                       "%s: this key has no effect, because the run has %" PRId64
                       " epochs and never waits that long; make it shorter, or 0",
                       fpc_lint_where(l, "run", "patience"), r->epochs);
    idle(l, "run", "smooth", never_stops && !r->smooth_best,
         "neither run.patience nor run.smooth_best looks at the mean", "set one of them or leave it");
    idle(l, "run", "smooth_best", r->smooth == 1, "run.smooth is 1", "set run.smooth or leave it");
    idle(l, "run", "swa_every", r->swa_start == 0, "run.swa_start is 0 and no weights are averaged",
         "set run.swa_start or leave it");
    static const char *const init[] = {"init_optimizer", "init_skip", "init_rename"};
    for (int i = 0; i < 3; i++)
        idle(l, "run", init[i], !*r->init_from, "run.init_from is empty", "say where to start from or leave it");
    idle(l, "optimizer", "freeze_stats", !*l->s->rules.freeze, "optimizer.freeze is empty",
         "say what is frozen or leave it");
    if (*l->s->rules.freeze && !*r->init_from)
        fpc_lint_found(
            l,
            "%s: what is frozen keeps the numbers that are drawn for it, because run.init_from is empty; say "
            "where to start from",
            fpc_lint_where(l, "optimizer", "freeze"));
    idle(l, "schedule", "warmup_start", l->s->warmup_epochs == 0, "schedule.warmup_epochs is 0",
         "set schedule.warmup_epochs or leave it");
}

/* Sections that are a list of steps, all of which are off unless their ranges say more: 1 for a factor, else 0. */
static int changes_nothing(const fpc_instance *inst)
{
    const fpc_option_set set = {.table = inst->plugin->options, .stride = inst->plugin->option_size, .object = NULL};
    fpc_option row;

    if (strcmp(inst->plugin->name, "affine") && strcmp(inst->plugin->name, "color_jitter"))
        return 0;
    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++) {
        const double neutral = row.unit && !strcmp(row.unit, "factor");
        fpc_range range;

        if (row.type != FPC_OPT_RANGE)
            continue;
        memcpy(&range, (const char *)inst->self + row.offset, sizeof range);
        if (range.lo != neutral || range.hi != neutral)
            return 0;
    }
    return 1;
}

static void idle_data_keys(lint *l)
{
    const fpc_augments *a = l->s->data ? fpc_data_augments(l->s->data) : NULL;
    int32_t geometry = 0, covers = 0;

    for (int32_t i = 0; a && i < a->n; i++) {
        const fpc_augment_item *it = &a->item[i];
        double p;

        geometry += it->warp >= 0;
        covers += ((const fpc_augment_vtbl *)it->inst.vtbl)->build_mask != NULL;
        if (fpc_lint_real(&it->inst, "p", &p) && p == 0)
            fpc_lint_found(l, "%s: this augmentation is never applied; `use = none` removes it",
                           fpc_lint_where(l, it->inst.self->label, "p"));
        else if (changes_nothing(&it->inst))
            fpc_lint_found(l,
                           "%s: this augmentation changes nothing, because all of its ranges are neutral; "
                           "`fpcore -h augment/%s` lists them",
                           fpc_lint_where(l, it->inst.self->label, "use"), it->inst.plugin->name);
    }
    if (!a)
        return;
    idle(l, "augment", "fill", !geometry && !covers, "no section moves or covers pixels", "leave it");
    idle(l, "augment", "border", !geometry, "no section moves pixels", "leave it");
    idle(l, "augment", "compose", geometry < 2, "fewer than two sections move pixels", "leave it");
    idle(l, "augment", "mix", a->n_mix_sections < 2, "fewer than two sections mix pictures", "leave it");
}

/* A key of a plugin that only counts where another option of the same section has a certain value. */
static void idle_plugin_keys(lint *l)
{
    for (int32_t i = 0; i < l->s->n_losses; i++) {
        const fpc_instance *inst = &l->s->loss[i].inst;
        int64_t preset = 0;

        if (fpc_lint_int(inst, "class_weight_preset", &preset))
            idle(l, inst->self->label, "beta", !preset, "class_weight_preset is none",
                 "choose `effective` or leave it");
    }
}

static void deprecated(lint *l)
{
    for (int32_t k = 0; k < l->s->n_opened; k++) {
        const fpc_opened *o = &l->s->opened[k];
        const fpc_option_set set = {.table = o->inst.plugin ? o->inst.plugin->options : NULL,
                                    .stride = o->inst.plugin ? o->inst.plugin->option_size : 0,
                                    .object = NULL};
        fpc_option row;

        for (int32_t i = 0; set.table && (row = fpc_opt_row(&set, i)).name; i++)
            if ((row.flags & FPC_OPT_DEPRECATED) && fpc_lint_given(l, o->name, row.name))
                fpc_lint_found(l, "%s: this key is deprecated: %s", fpc_lint_where(l, o->name, row.name),
                               row.help ? row.help : "");
    }
}

lint_fn *const fpc_lints_of_keys[] = {idle_run_keys, idle_data_keys, idle_plugin_keys, deprecated, NULL};
