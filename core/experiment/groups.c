/* groups.c: patterns over the names of parameters, to factors of rate and decay. A slip in a pattern would train
 * something else all night, so none may match nothing. */
#include "experiment/groups.h"
#include "experiment/experiment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct maker {
    const fpc_experiment *s;
    fpc_arena *arena;
    fpc_groups *out;
    const char **name; /* of all parameters */
} maker;

/* "conf/a.ini:12: optimizer.freeze" */
static const char *place_of(const maker *m, const char *key)
{
    const fpc_entry *e = fpc_section_entry(fpc_recipe_section(m->s->recipe, "optimizer"), key);
    const char *text = fpc_sprintf(m->arena, "%s%soptimizer.%s", e ? e->origin : "", e ? ": " : "", key);

    return text ? text : key;
}

static fpc_status list_params(maker *m, const fpc_graph *g)
{
    int32_t n = 0;

    for (int32_t i = 0; i < g->n_values; i++)
        n += g->value[i].role == FPC_ROLE_PARAM;
    *m->out = (fpc_groups){.param = fpc_alloc(m->arena, ((size_t)n + 1) * sizeof *m->out->param)};
    m->name = fpc_alloc(m->arena, ((size_t)n + 1) * sizeof *m->name);
    if (!m->out->param || !m->name)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < g->n_values; i++) {
        const fpc_value *v = &g->value[i];
        if (v->role != FPC_ROLE_PARAM)
            continue;
        const char *name = fpc_strdup(m->arena, v->name);
        if (!name)
            return FPC_ENOMEM;
        m->name[m->out->n] = name;
        m->out->param[m->out->n++] = (fpc_grouped_param){name, fpc_count(v->shape), 0, 1, 1};
    }
    return FPC_OK;
}

/* A pattern that decides nothing. taken: others before it match all that it does. */
static fpc_status nobody(const maker *m, const char *key, const char *pattern, int taken)
{
    const char *nearest = fpc_pattern_nearest(pattern, m->out->n, m->name);

    if (taken)
        return fpc_fail_recipe(m->s->ctx, FPC_EINVAL,
                               "%s: %s has no effect: the patterns before it match all that it does", place_of(m, key),
                               pattern);
    return fpc_fail_recipe(m->s->ctx, FPC_EINVAL, "%s: %s matches none of the %d parameters%s%s", place_of(m, key),
                           pattern, (int)m->out->n, nearest ? "; the nearest name is " : "", nearest ? nearest : "");
}

/* Calls take for each parameter with the first of the patterns that matches it. */
static fpc_status match(const maker *m, const char *key, const fpc_patterns *p, const double *value,
                        void (*take)(fpc_grouped_param *, double value))
{
    for (int32_t k = 0; k < p->n; k++) {
        int found = 0, first = 0;
        for (int32_t i = 0; i < m->out->n; i++)
            if (fpc_pattern_matches(p->v[k], m->name[i])) {
                found = 1;
                if (!value || fpc_patterns_find(p, m->name[i]) == k) {
                    first = 1;
                    take(&m->out->param[i], value ? value[k] : 0);
                }
            }
        if (!first)
            return nobody(m, key, p->v[k], found);
    }
    return FPC_OK;
}

static void take_rate(fpc_grouped_param *p, double value)
{
    p->rate = value;
}

static void take_decay(fpc_grouped_param *p, double value)
{
    p->decay = value;
}

static void take_frozen(fpc_grouped_param *p, double value)
{
    p->rate = p->decay = value;
}

/* "PATTERN: FACTOR, ..." to patterns, and a factor for each. */
static fpc_status read_scales(const maker *m, fpc_patterns *p, double **value)
{
    if (fpc_patterns_read(m->arena, m->s->rules.lr_scale, p) ||
        !(*value = fpc_alloc(m->arena, ((size_t)p->n + 1) * sizeof **value)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < p->n; i++) {
        const char *colon = strrchr(p->v[i], ':');
        char *end = NULL;
        size_t n = colon ? (size_t)(colon - p->v[i]) : 0;
        while (n && (p->v[i][n - 1] == ' ' || p->v[i][n - 1] == '\t'))
            n--;
        (*value)[i] = n ? strtod(colon + 1, &end) : 0;
        if (!n || end == colon + 1 || *end || !((*value)[i] > 0) || !((*value)[i] <= 1e6))
            return fpc_fail_recipe(m->s->ctx, FPC_EINVAL,
                                   "%s: `%s` is not PATTERN: FACTOR, with a factor above 0 and up to 1e6; "
                                   "optimizer.freeze is for what does not move",
                                   place_of(m, "lr_scale"), p->v[i]);
        if (!(p->v[i] = fpc_sprintf(m->arena, "%.*s", (int)n, p->v[i])))
            return FPC_ENOMEM;
    }
    return FPC_OK;
}

/* Parameters with equal factors get one number, in the order in which they come. */
static void number_groups(fpc_groups *g)
{
    for (int32_t i = 0; i < g->n; i++) {
        fpc_grouped_param *p = &g->param[i];
        int32_t k = 0;
        if (p->rate == 1 && p->decay == 1)
            continue;
        while (k < i && (g->param[k].rate != p->rate || g->param[k].decay != p->decay))
            k++;
        p->group = k < i ? g->param[k].group : ++g->n_groups;
    }
}

fpc_status fpc_groups_of(const fpc_experiment *s, fpc_arena *arena, const fpc_graph *graph, fpc_groups *out)
{
    maker m = {s, arena, out, NULL};
    fpc_patterns scale, no_decay;
    double *factor;
    int trains = 0;
    fpc_status status;

    if ((status = list_params(&m, graph)) || !s->rules.lr_scale) /* an experiment without [optimizer] */
        return status;
    if ((status = read_scales(&m, &scale, &factor)) ||
        (status = fpc_patterns_read(arena, s->rules.no_decay, &no_decay)) ||
        (status = match(&m, "lr_scale", &scale, factor, take_rate)) ||
        (status = match(&m, "no_decay", &no_decay, NULL, take_decay)) ||
        (status = match(&m, "freeze", &s->freeze, NULL, take_frozen)))
        return status;
    for (int32_t i = 0; i < out->n; i++)
        trains |= out->param[i].rate > 0;
    if (out->n && !trains)
        return fpc_fail_recipe(s->ctx, FPC_EINVAL, "%s leaves none of the %d parameters to train",
                               place_of(&m, "freeze"), (int)out->n);
    number_groups(out);
    return FPC_OK;
}
