/* compare.c: groups the runs, ranks them, and decides of each pair of groups whether they differ by more than the
 * noise. Scores may be compared only where they were taken in the same way of the same pictures: that is checked by
 * names and by the labelled pixels of every class in every picture, and what does not fit gets no verdict, with the
 * reason. */
#define _GNU_SOURCE
#include "cmd/report/compare/compare.h"
#include "base/message.h"
#include "recipe/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- groups ---- */

static int same_settings(const fpc_compared_run *a, const fpc_compared_run *b)
{
    if (!a->n_settings || a->n_settings != b->n_settings)
        return 0;
    for (int32_t i = 0; i < a->n_settings; i++)
        if (strcmp(a->setting[i].key, b->setting[i].key) || strcmp(a->setting[i].value, b->setting[i].value))
            return 0;
    return 1;
}

/* A run that is repeated with the same seed is the same run, whatever its name: it must not count twice. */
static int same_run(const fpc_compared_run *a, const fpc_compared_run *b)
{
    return !strcmp(a->seed, b->seed) && a->recorded->epochs == b->recorded->epochs &&
           !memcmp(a->val, b->val, (size_t)a->recorded->epochs * sizeof *a->val);
}

static fpc_status note(fpc_comparison *c, const char *sentence)
{
    if (!sentence)
        return FPC_ENOMEM;
    if (c->n_notes < (int32_t)(sizeof c->note / sizeof *c->note))
        c->note[c->n_notes++] = sentence;
    return FPC_OK;
}

static fpc_status make_groups(fpc_comparison *c)
{
    fpc_status status = FPC_OK;

    if (!(c->group = fpc_alloc(c->arena, (size_t)c->n_runs * sizeof *c->group)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < c->n_runs && !status; i++) {
        fpc_compared_run *r = &c->run[i];
        int32_t g = 0, copy = -1;
        while (g < c->n && !same_settings(c->group[g].run[0], r))
            g++;
        if (g == c->n) {
            c->group[c->n++] = (fpc_run_group){.name = r->recipe, .score = NAN};
            if (!(c->group[g].run = fpc_alloc(c->arena, (size_t)c->n_runs * sizeof *c->group[g].run)))
                return FPC_ENOMEM;
        }
        for (int32_t k = 0; k < c->group[g].n; k++)
            if (same_run(c->group[g].run[k], r))
                copy = k;
        if (copy >= 0) {
            r->finished = 0;
            r->remark = fpc_sprintf(c->arena, "is %s once more, the same recipe, seed and numbers; it counts once",
                                    c->group[g].run[copy]->recorded->label);
        }
        r->group = g;
        c->group[g].run[c->group[g].n++] = r;
        status = copy >= 0 && !r->remark ? FPC_ENOMEM : FPC_OK;
    }
    return status;
}

/* ---- ranks ---- */

static int nan_last(double a, double b)
{
    return isnan(a) || isnan(b) ? isnan(a) - isnan(b) : (a < b) - (a > b);
}

static double value_of_run(const fpc_compared_run *r)
{
    return r->recorded->higher_is_better ? r->summary.best : -r->summary.best;
}

static int by_best(const void *a, const void *b)
{
    const fpc_compared_run *x = a, *y = b;
    const int order = nan_last(value_of_run(x), value_of_run(y));

    return order ? order : strcmp(x->recorded->label, y->recorded->label);
}

static int group_by_best(const void *a, const void *b)
{
    const fpc_run_group *x = a, *y = b;
    int order = !!x->unfit - !!y->unfit;

    if (!order)
        order = nan_last(x->score, y->score);
    if (!order)
        order = nan_last(fpc_compare_score(x), fpc_compare_score(y));
    return order ? order : strcmp(x->name, y->name);
}

static int by_seed(const void *a, const void *b)
{
    const fpc_compared_run *x = *(fpc_compared_run *const *)a, *y = *(fpc_compared_run *const *)b;
    const size_t n = strlen(x->seed), m = strlen(y->seed);

    return n != m ? (n > m) - (n < m) : strcmp(x->seed, y->seed);
}

/* A, B ... Z, A1, B1 ... */
static fpc_status name_groups(fpc_comparison *c)
{
    qsort(c->group, (size_t)c->n, sizeof *c->group, group_by_best);
    for (int32_t g = 0; g < c->n; g++) {
        fpc_run_group *e = &c->group[g];
        e->label = g < 26 ? fpc_sprintf(c->arena, "%c", 'A' + g) : fpc_sprintf(c->arena, "%c%d", 'A' + g % 26, g / 26);
        if (!e->label)
            return FPC_ENOMEM;
        qsort(e->run, (size_t)e->n, sizeof(fpc_compared_run *), by_seed);
        for (int32_t k = 0; k < e->n; k++)
            e->run[k]->group = g;
    }
    return FPC_OK;
}

/* ---- verdicts ---- */

/* Whether a group's runs are like those of the reports: their 100 validation faces at 512x512, as many epochs. Then the
 * noise between those may be mentioned. */
static int like_the_reports(const fpc_run_group *g)
{
    enum { FACES = 100, CLASSES = 19, SIZE = 512, SHORT = 100, LONG = 300 /* epochs: theirs may last 250 */ };
    const fpc_compared_run *r = g->run[0];
    const int64_t epochs = fpc_recorded_number(r->recorded, "run", "epochs", 0);

    return r->scores && r->scores->images == FACES && r->scores->classes == CLASSES &&
           fpc_recorded_number(r->recorded, "dataset", "size", 0) == SIZE && epochs >= SHORT && epochs <= LONG;
}

/* The noise between runs of one recipe, pooled over all that were trained more than once; else that of the reports
 * where all runs are like theirs; else it is unknown. */
static void find_spread(fpc_comparison *c)
{
    double sum = 0;
    int alike = 1;

    for (int32_t g = 0; g < c->n; g++) {
        const fpc_run_group *e = &c->group[g];
        const double sd = c->pictures ? e->score_sd : e->best_sd;
        alike = alike && like_the_reports(e);
        if (e->unfit || e->n_finished < 2 || isnan(sd))
            continue;
        sum += (e->n_finished - 1) * sd * sd;
        c->spread_df += e->n_finished - 1;
    }
    c->spread = c->spread_df ? sqrt(sum / c->spread_df) : alike ? FPC_COMPARE_RECORDED_GAP / sqrt(2) : NAN;
}

static int32_t seeds_for(const fpc_comparison *c, double difference)
{
    return isnan(c->spread) ? -1 : fpc_stats_seeds_needed(c->spread, difference);
}

static void decide(fpc_comparison *c, fpc_verdict *v)
{
    const fpc_run_group *a = &c->group[v->a], *b = &c->group[v->b];

    v->shown = v->corrected < FPC_STATS_LEVEL && (v->d.lo > 0 || v->d.hi < 0);
    v->seeds_needed = -1;
    if (v->d.equal) {
        v->kind = FPC_VERDICT_EQUAL;
    } else if (isnan(v->corrected)) {
        v->kind = FPC_VERDICT_NONE;
        v->why = "a single picture and a single seed tell nothing of noise";
    } else if (a->n_finished > 1 && b->n_finished > 1) {
        v->kind = v->shown ? FPC_VERDICT_LARGER : FPC_VERDICT_WITHIN;
    } else {
        v->kind = FPC_VERDICT_ALONE;
        v->seeds_needed = seeds_for(c, v->d.value);
    }
}

static fpc_status measure(fpc_comparison *c, int32_t n, const int32_t *fit)
{
    fpc_group *group = fpc_alloc(c->arena, (size_t)n * sizeof *group);
    const int32_t pairs = n * (n - 1) / 2;
    double *p = fpc_alloc(c->arena, (size_t)(pairs + 1) * sizeof *p);
    fpc_resampled *r;
    fpc_arena *scratch;
    fpc_status status;

    if (!group || !p)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++)
        group[i] = c->group[fit[i]].scores;
    if ((status = fpc_stats_resample(c->ctx, c->arena, c->pictures ? c->pictures : 1, n, group, FPC_STATS_ROUNDS, &r)))
        return status;
    if (!(scratch = fpc_arena_new(c->ctx)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n && !status; i++)
        for (int32_t k = i + 1; k < n && !status; k++) {
            fpc_verdict *v = &c->verdict[c->n_verdicts];
            v->a = fit[k], v->b = fit[i];
            status = fpc_stats_difference(r, scratch, k, i, FPC_STATS_LEVEL / pairs, &v->d);
            p[c->n_verdicts++] = v->d.equal ? NAN : v->d.p; /* two copies are no comparison */
            fpc_arena_reset(scratch);
        }
    if (!status)
        status = fpc_stats_holm(scratch, c->n_verdicts, p, p);
    for (int32_t i = 0; i < c->n_verdicts && !status; i++) {
        c->verdict[i].corrected = c->verdict[i].d.equal ? 1 : p[i];
        decide(c, &c->verdict[i]);
    }
    fpc_arena_free(scratch);
    return status;
}

static fpc_status judge(fpc_comparison *c)
{
    int32_t *fit = fpc_alloc(c->arena, (size_t)c->n * sizeof *fit), n = 0;
    fpc_status status = FPC_OK;

    c->verdict = fpc_alloc(c->arena, ((size_t)c->n * (size_t)c->n / 2 + (size_t)c->n) * sizeof *c->verdict);
    if (!fit || !c->verdict)
        return FPC_ENOMEM;
    for (int32_t g = 0; g < c->n; g++)
        if (!c->group[g].unfit)
            fit[n++] = g;
    if (n > 1 && (status = measure(c, n, fit)))
        return status;
    for (int32_t g = 0; g < c->n; g++) {
        const char *why = c->group[g].unfit ? c->group[g].unfit : c->group[c->reference].unfit;
        if (g == c->reference || !why)
            continue;
        fpc_verdict *v = &c->verdict[c->n_verdicts++];
        *v = (fpc_verdict){.a = g, .b = c->reference, .why = why, .seeds_needed = -1};
        const char *apart = fpc_compare_apart(c->arena, c->group[g].run[0], c->group[c->reference].run[0]);
        if (why == fpc_compare_no_noise && apart)
            v->why = apart;
        else if (why == fpc_compare_no_noise) { /* what is known of such runs in general is said */
            v->d.value = c->group[g].best - c->group[c->reference].best;
            v->seeds_needed = isnan(v->d.value) ? -1 : seeds_for(c, v->d.value);
        }
    }
    return FPC_OK;
}

static fpc_status add_notes(fpc_comparison *c)
{
    const char *batch = "dataset.batch";
    int batches = 0, lone = 0;

    for (int32_t i = 0; i < c->n_differing; i++)
        batches += !strcmp(c->differing[i], batch);
    for (int32_t g = 0; g < c->n; g++)
        lone += !c->group[g].run[0]->n_settings;
    if (batches && !strcmp(c->run[0].metric, "fscore_batch")) {
        const fpc_status status =
            note(c, "dataset.batch differs: fscore_batch pools the pixels of a batch, so its column depends on it");
        if (status)
            return status;
    }
    return lone ? note(c, "a history without its run folder tells neither settings nor seed nor scores per picture")
                : FPC_OK;
}

static fpc_compared_run *find_baseline(fpc_comparison *c, const char *path)
{
    for (int32_t i = 0; i < c->n_runs; i++)
        if (!strcmp(c->run[i].recorded->path, path) || !strcmp(c->run[i].recorded->label, path) ||
            !strcmp(c->run[i].recipe, path) || !strcmp(c->run[i].recorded->name, path))
            return &c->run[i];
    return NULL;
}

fpc_status fpc_compare_runs(fpc_comparison *c, const char *by, const char *baseline)
{
    fpc_compared_run *base;
    fpc_status status;

    qsort(c->run, (size_t)c->n_runs, sizeof *c->run, by_best);
    base = baseline ? find_baseline(c, baseline) : NULL;
    if (baseline && !base)
        return fpc_fail(c->ctx, FPC_EINVAL, "fpcore compare: --baseline %s: is none of the runs that are compared",
                        baseline);
    if ((status = make_groups(c)) || (status = fpc_compare_fit(c, base)) || (status = name_groups(c)))
        return status;
    c->reference = base ? base->group : 0;
    find_spread(c);
    if ((status = fpc_compare_settings(c, by)) || (status = add_notes(c)))
        return status;
    return judge(c);
}

fpc_status fpc_compare(fpc_cmdline *cmd, const fpc_compare_args *args)
{
    fpc_comparison c = {.ctx = cmd->ctx, .arena = cmd->arena};
    fpc_status status = fpc_compare_read(&c, args->n, args->run, args->metric);

    if (!status && c.n_runs < 1)
        return fpc_fail(cmd->ctx, FPC_ENOENT, "fpcore compare: none of the runs has a finished epoch");
    if (status || (status = fpc_compare_runs(&c, args->by, args->baseline)))
        return status;
    return args->json ? fpc_compare_print_json(cmd, &c) : fpc_compare_print(cmd, &c);
}
