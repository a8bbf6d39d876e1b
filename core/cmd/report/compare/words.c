/* words.c: what text and JSON of a comparison share: the verdict in words, values at equal epochs,
 * the rows of a sweep table. */
#define _GNU_SOURCE
#include "cmd/report/compare/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- verdict ---- */

static const char *who_is_alone(fpc_arena *arena, const fpc_run_group *a, const fpc_run_group *b)
{
    if (a->n_finished < 2 && b->n_finished < 2)
        return "with one seed of each";
    return fpc_sprintf(arena, "with one seed of %s", a->n_finished < 2 ? a->label : b->label);
}

/* How many seeds would tell, by the noise between runs that is known; "" where none is. */
static const char *seeds_hint(const fpc_comparison *c, const fpc_verdict *v)
{
    const char *source;

    if (v->seeds_needed < 0)
        return "";
    source = c->spread_df
                 ? fpc_sprintf(c->arena, "hint: the seeds of the recipes here spread by %.4f", c->spread)
                 : fpc_sprintf(c->arena,
                               "hint: two runs of one recipe of the reports, with the same number of pictures, "
                               "size and about as long, differ by %.4f",
                               FPC_COMPARE_RECORDED_GAP);
    if (!source)
        return NULL;
    return v->seeds_needed == 0
               ? fpc_sprintf(c->arena, "; %s; no number of seeds would show so small a difference", source)
               : fpc_sprintf(c->arena, "; %s; by that measure %.4f takes %d seeds of each", source, fabs(v->d.value),
                             (int)v->seeds_needed);
}

static const char *alone_text(const fpc_comparison *c, const fpc_verdict *v)
{
    const char *alone = who_is_alone(c->arena, &c->group[v->a], &c->group[v->b]), *hint = seeds_hint(c, v);
    const char *networks = !v->shown        ? "these networks do not differ by more than the noise of the pictures"
                           : v->d.value > 0 ? "this network scores better by more than the noise of the pictures"
                                            : "this network scores worse by more than the noise of the pictures";

    return alone && hint ? fpc_sprintf(c->arena,
                                       "no verdict: %s the noise between runs is unknown (fpcore sweep --seeds 3 "
                                       "trains more); %s%s",
                                       alone, networks, hint)
                         : NULL;
}

const char *fpc_verdict_text(const fpc_comparison *c, const fpc_verdict *v)
{
    const char *hint;

    switch (v->kind) {
    case FPC_VERDICT_EQUAL:
        return c->group[v->a].n_finished + c->group[v->b].n_finished > 2
                   ? "no difference: the scores are the same, one by one"
                   : "no verdict: the scores are the same, one by one, but one seed each does not show the noise "
                     "between "
                     "runs (fpcore sweep --seeds 3 trains more)";
    case FPC_VERDICT_WITHIN:
        return "no difference is shown: it is within the noise";
    case FPC_VERDICT_ALONE:
        return alone_text(c, v);
    case FPC_VERDICT_LARGER: /* scores rise, see fill_scores */
        return fpc_sprintf(c->arena, "%s: the difference is larger than the noise",
                           v->d.value > 0 ? "better" : "worse");
    default:
        return (hint = seeds_hint(c, v)) ? fpc_sprintf(c->arena, "no verdict: %s%s", v->why ? v->why : "?", hint)
                                         : NULL;
    }
}

/* ---- equal epochs ---- */

static int64_t common_epochs(const fpc_run_group *g)
{
    int64_t n = g->run[0]->recorded->epochs;

    for (int32_t k = 1; k < g->n; k++)
        n = g->run[k]->recorded->epochs < n ? g->run[k]->recorded->epochs : n;
    return n;
}

void fpc_compare_at(const fpc_run_group *g, int64_t epoch, double *value, double *so_far)
{
    *value = *so_far = 0;
    for (int32_t k = 0; k < g->n; k++) {
        const fpc_compared_run *r = g->run[k];
        const int64_t best = fpc_series_best(epoch, r->val, r->recorded->higher_is_better);
        *value += r->val[epoch - 1] / g->n;
        *so_far += (best < 0 ? NAN : r->val[best]) / g->n;
    }
}

int32_t fpc_compare_epochs(const fpc_run_group *a, const fpc_run_group *b, int64_t epoch[4])
{
    const int64_t x = common_epochs(a), y = common_epochs(b), n = x < y ? x : y;
    int32_t count = 0;

    for (int i = 1; i <= 4; i++) {
        const int64_t e = (n * i + 2) / 4;
        if (e > 0 && (count == 0 || epoch[count - 1] != e))
            epoch[count++] = e;
    }
    return count;
}

/* ---- sweep ---- */

static int by_value(const void *a, const void *b)
{
    const fpc_sweep_row *x = a, *y = b;
    char *end_x, *end_y;
    const double p = strtod(x->value, &end_x), q = strtod(y->value, &end_y);

    if (!*end_x && !*end_y && *x->value && *y->value && p != q)
        return p < q ? -1 : 1;
    return strcmp(x->value, y->value) ? strcmp(x->value, y->value) : x->group - y->group;
}

static int is_weight(const char *key)
{
    const size_t n = strlen(key);

    return !strncmp(key, "loss.", 5) && n > 12 && !strcmp(key + n - 7, ".weight");
}

/* The part of the sum of all loss weights that this one has; NAN where the key is none or weights change in time. */
static double share_of(const fpc_run_group *g, const char *key)
{
    double sum = 0, mine = NAN;

    if (!is_weight(key))
        return NAN;
    for (int32_t i = 0; i < g->run[0]->n_settings; i++) {
        const fpc_setting *s = &g->run[0]->setting[i];
        char *end;
        if (!is_weight(s->key))
            continue;
        const double w = strtod(s->value, &end);
        if (*end)
            return NAN;
        sum += w;
        if (!strcmp(s->key, key))
            mine = w;
    }
    return sum > 0 ? mine / sum : NAN;
}

static fpc_sweep_row row_of(const fpc_comparison *c, int32_t group)
{
    const fpc_run_group *g = &c->group[group];
    fpc_sweep_row r = {.value = fpc_compare_value(g, c->by), .group = group, .best = g->best, .best_sd = g->best_sd};

    r.share = share_of(g, c->by);
    r.score = g->score;
    for (int32_t k = 0; k < g->n; k++) {
        const fpc_run_summary *s = &g->run[k]->summary;
        if (g->n_finished && !g->run[k]->finished)
            continue;
        r.runs++;
        r.best_epoch += (double)s->best_epoch, r.train += s->train, r.gap += s->gap, r.last += s->last;
        r.drop += s->drop;
    }
    r.best_epoch /= r.runs, r.train /= r.runs, r.gap /= r.runs, r.last /= r.runs, r.drop /= r.runs;
    return r;
}

int32_t fpc_compare_sweep(const fpc_comparison *c, fpc_sweep_row **out)
{
    fpc_sweep_row *row = fpc_alloc(c->arena, (size_t)c->n * sizeof *row);
    int32_t n = 0;

    for (int32_t g = 0; row && g < c->n; g++)
        if (fpc_compare_value(&c->group[g], c->by))
            row[n++] = row_of(c, g);
    if (n)
        qsort(row, (size_t)n, sizeof *row, by_value);
    *out = row;
    return n;
}
