/* fit.c: which groups of runs may be compared, and the table of their scores. Scores fit together only where
 * they were taken in the same way of the same pictures: that is checked by names and by the labelled pixels of every
 * class in every picture, and what does not fit gets no verdict, with the reason. */
#define _GNU_SOURCE
#include "cmd/report/compare/compare.h"

#include <math.h>
#include <string.h>

const char fpc_compare_no_noise[] =
    "neither scores per picture (validation.safetensors) nor a second seed tell of its noise";

double fpc_compare_score(const fpc_run_group *g)
{
    return g->run[0]->recorded->higher_is_better ? g->best : -g->best;
}

/* ---- do the scores fit together? ---- */

static const char *labels_differ(fpc_arena *arena, const fpc_validation *a, const fpc_validation *b)
{
    for (int64_t i = 0; i < a->images; i++) {
        for (int32_t k = 0; k < a->classes; k++) {
            const int32_t *x = a->counts + (i * a->classes + k) * 3, *y = b->counts + (i * a->classes + k) * 3;
            if ((int64_t)x[0] + x[2] != (int64_t)y[0] + y[2])
                return fpc_sprintf(arena,
                                   "the labels of validation picture %lld (%s) are not the same: another size or other "
                                   "masks",
                                   (long long)i + 1, a->image_name ? a->image_name[i] : "no name");
        }
    }
    return NULL;
}

/* Why the scores per picture of two runs may not be set against each other; NULL: they may. */
static const char *scores_apart(fpc_arena *arena, const fpc_validation *a, const fpc_validation *b)
{
    if (a->images != b->images || a->classes != b->classes)
        return fpc_sprintf(arena, "other validation data: %lld pictures of %d classes, and %lld of %d",
                           (long long)a->images, (int)a->classes, (long long)b->images, (int)b->classes);
    for (int64_t i = 0; a->image_name && b->image_name && i < a->images; i++)
        if (strcmp(a->image_name[i], b->image_name[i]))
            return fpc_sprintf(arena, "other validation pictures: picture %lld is %s in one and %s in the other",
                               (long long)i + 1, a->image_name[i], b->image_name[i]);
    return labels_differ(arena, a, b);
}

const char *fpc_compare_apart(fpc_arena *arena, const fpc_compared_run *a, const fpc_compared_run *b)
{
    const int by_picture = a->scores && b->scores; /* then what picked the epoch counts, else what ranks */
    const char *x = by_picture ? a->recorded->watched : a->recorded->monitor,
               *y = by_picture ? b->recorded->watched : b->recorded->monitor;

    if (strcmp(x, y))
        return fpc_sprintf(arena, "other metrics pick the best epoch: %s and %s", x, y);
    if (strcmp(a->metric, b->metric) && !strcmp(x, a->recorded->watched) && !strcmp(y, b->recorded->watched))
        return fpc_sprintf(arena, "other metrics pick the best epoch: %s and %s",
                           *a->metric ? a->metric : "an unknown one", *b->metric ? b->metric : "an unknown one");
    return a->scores && b->scores ? scores_apart(arena, a->scores, b->scores) : NULL;
}

static int counts(const fpc_comparison *c, const fpc_compared_run *r)
{
    return r->finished && (r->scores || !c->pictures);
}

static const fpc_compared_run *first_counted(const fpc_comparison *c, const fpc_run_group *g)
{
    for (int32_t i = 0; i < g->n; i++)
        if (counts(c, g->run[i]))
            return g->run[i];
    return NULL;
}

/* What speaks against a group by itself. */
static const char *own_fault(fpc_comparison *c, const fpc_run_group *g)
{
    const fpc_compared_run *first = first_counted(c, g);
    int finished = 0, counted = 0;

    for (int32_t i = 0; i < g->n; i++) {
        finished += g->run[i]->finished;
        counted += counts(c, g->run[i]);
    }
    if (!finished)
        return g->n > 1 ? "none of its runs is finished" : g->run[0]->remark;
    if (!counted)
        return "it has no validation.safetensors, the scores per picture";
    if (!c->pictures && counted < 2)
        return fpc_compare_no_noise;
    if (!c->pictures && !c->measure)
        return "no column measures all runs, and there are no scores per picture";
    for (int32_t i = 0; i < g->n; i++) {
        const char *why = counts(c, g->run[i]) ? fpc_compare_apart(c->arena, first, g->run[i]) : NULL;
        if (why)
            return fpc_sprintf(c->arena, "its own runs do not fit together: %s", why);
    }
    return NULL;
}

/* ---- numbers of a group ---- */

static fpc_status gather(fpc_comparison *c, fpc_run_group *g)
{
    double *best = fpc_alloc(c->arena, (size_t)g->n * sizeof *best);
    int32_t n = 0;

    if (!best)
        return FPC_ENOMEM;
    g->n_finished = 0;
    for (int32_t i = 0; i < g->n; i++)
        g->n_finished += counts(c, g->run[i]);
    for (int32_t i = 0; i < g->n; i++)
        if (counts(c, g->run[i]) || !g->n_finished)
            best[n++] = g->run[i]->summary.best;
    g->best = fpc_stats_mean(n, best);
    g->best_sd = n > 1 ? fpc_stats_sd(n, best) : NAN;
    g->score = g->score_sd = NAN;
    return FPC_OK;
}

/* Pictures on which every run that counts has a score. */
static fpc_status usable(fpc_comparison *c, int64_t images, uint8_t **out)
{
    uint8_t *use = fpc_alloc(c->arena, (size_t)images);

    if (!use)
        return FPC_ENOMEM;
    c->pictures = 0;
    for (int64_t i = 0; i < images; i++) {
        use[i] = 1;
        for (int32_t g = 0; g < c->n; g++)
            for (int32_t k = 0; k < c->group[g].n && !c->group[g].unfit; k++) {
                const fpc_compared_run *r = c->group[g].run[k];
                if (r->finished && r->scores && isnan(fpc_validation_f_image(r->scores, i)))
                    use[i] = 0;
            }
        c->pictures += use[i];
    }
    c->n_excluded = (int32_t)(images - c->pictures);
    *out = use;
    return FPC_OK;
}

/* The table that is resampled: a row per run that counts. Without pictures its only number is the best value. */
static fpc_status fill_scores(fpc_comparison *c, fpc_run_group *g, const uint8_t *use)
{
    const double **row = fpc_alloc(c->arena, (size_t)g->n * sizeof *row);
    double *mean = fpc_alloc(c->arena, (size_t)g->n * sizeof *mean);
    int32_t n = 0;

    if (!row || !mean)
        return FPC_ENOMEM;
    for (int32_t k = 0; k < g->n; k++) {
        const fpc_compared_run *r = g->run[k];
        double *score = fpc_alloc(c->arena, (size_t)(c->pictures ? c->pictures : 1) * sizeof *score);
        int64_t at = 0;
        if (!score)
            return FPC_ENOMEM;
        if (!counts(c, r))
            continue;
        for (int64_t i = 0; use && i < r->scores->images; i++)
            if (use[i])
                score[at++] = fpc_validation_f_image(r->scores, i);
        if (!use)
            score[at++] = r->recorded->higher_is_better ? r->summary.best : -r->summary.best;
        mean[n] = fpc_stats_mean(at, score);
        row[n++] = score;
    }
    g->scores = (fpc_group){n, row};
    if (c->pictures) {
        g->score = fpc_stats_mean(n, mean);
        g->score_sd = n > 1 ? fpc_stats_sd(n, mean) : NAN;
    }
    return FPC_OK;
}

/* ---- who may be compared with whom ---- */

/* The group whose runs fit the most others: first the baseline's, else the earliest of the best. */
static const fpc_run_group *centre(fpc_comparison *c, const fpc_compared_run *baseline)
{
    const fpc_run_group *best = NULL;
    int32_t most = -1;

    for (int32_t g = 0; g < c->n; g++) {
        int32_t fits = 0;
        if (c->group[g].unfit)
            continue;
        for (int32_t h = 0; h < c->n; h++)
            fits += !c->group[h].unfit &&
                    !fpc_compare_apart(c->arena, first_counted(c, &c->group[g]), first_counted(c, &c->group[h]));
        if (baseline && &c->group[baseline->group] == &c->group[g])
            return &c->group[g];
        if (fits > most || (fits == most && fpc_compare_score(&c->group[g]) > fpc_compare_score(best))) {
            most = fits;
            best = &c->group[g];
        }
    }
    return best;
}

static fpc_status find_faults(fpc_comparison *c, const fpc_compared_run *baseline)
{
    const fpc_run_group *middle;

    for (int32_t g = 0; g < c->n; g++)
        c->group[g].unfit = own_fault(c, &c->group[g]);
    if (!(middle = centre(c, baseline)))
        return FPC_OK;
    for (int32_t g = 0; g < c->n; g++)
        if (!c->group[g].unfit && &c->group[g] != middle)
            c->group[g].unfit = fpc_compare_apart(c->arena, first_counted(c, middle), first_counted(c, &c->group[g]));
    return FPC_OK;
}

/* Scores per picture are what is compared as soon as one finished run has them. */
fpc_status fpc_compare_fit(fpc_comparison *c, const fpc_compared_run *baseline)
{
    const fpc_validation *any = NULL;
    uint8_t *use = NULL;
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < c->n_runs; i++)
        if (c->run[i].finished && c->run[i].scores)
            c->pictures = 1;
    for (int32_t g = 0; g < c->n && !status; g++)
        status = gather(c, &c->group[g]);
    if (status || (status = find_faults(c, baseline)))
        return status;
    for (int32_t g = 0; g < c->n; g++)
        if (c->pictures && !c->group[g].unfit)
            any = first_counted(c, &c->group[g])->scores;
    if (any && (status = usable(c, any->images, &use)))
        return status;
    if (any && !c->pictures)
        for (int32_t g = 0; g < c->n; g++)
            c->group[g].unfit = c->group[g].unfit ? c->group[g].unfit : "no validation picture has a labelled pixel";
    for (int32_t g = 0; g < c->n && !status; g++)
        if (!c->group[g].unfit)
            status = fill_scores(c, &c->group[g], use);
    return status;
}
