/* folded.c: what a sweep with folds found: F of each fold, F of every picture by networks that have not seen it, which
 * recipe is better by these, and which masks such networks contradict most. */
#include "cmd/report/report.h"
#include "cmd/report/stats.h"
#include "cmd/sweep/sweep.h"
#include "base/text.h"
#include "record/run_files.h"
#include "record/validation.h"
#include <fpcore/logger.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 10 };
#define CSV "out-of-fold.csv"

/* The runs of a recipe. */
typedef struct folded {
    const char *label, *missing; /* missing: why it has no F of all pictures; NULL: it has */
    double **score;              /* [seed][picture] */
    double *fold;                /* [fold] mean over the seeds, and [seed] over all pictures */
    double *fold_sd, *seed;
    double mean, sd, f, f_sd; /* of the folds; of all pictures, over the seeds */
} folded;

typedef struct suspect {
    int64_t picture;
    double f;         /* mean over all runs that judged it */
    int32_t n, class; /* runs; the class with most wrong pixels, -1: none */
    int64_t *wrong;   /* by class */
} suspect;

typedef struct results {
    fpc_sweep *s;
    fpc_arena *arena;
    int32_t classes; /* 0: no run was read */
    const char *const *class_name;
    folded *group;
    suspect *list; /* by picture */
} results;

/* ---- reading ---- */

/* Names that are no UTF-8 were kept with ? in place of some bytes. */
static int same_name(const char *kept, const char *name)
{
    for (; *kept && *name && (*kept == *name || *kept == '?'); kept++)
        name++;
    return !*kept && !*name;
}

static fpc_status other_pictures(const results *r, const fpc_trial *c)
{
    return fpc_fail(r->s->cmd->ctx, FPC_EFORMAT,
                    "%s/%s: not of the pictures of fold %d; remove the run's folder, and the same command trains it "
                    "again",
                    c->folder, FPC_RUN_VALIDATION, c->fold);
}

static fpc_status note_wrong(results *r, const fpc_validation *v, int64_t image, int64_t picture)
{
    suspect *p = &r->list[picture];

    if (!p->wrong && !(p->wrong = fpc_alloc(r->arena, 256 * sizeof *p->wrong)))
        return FPC_ENOMEM;
    for (int32_t c = 0; c < v->classes; c++) {
        const int32_t *k = v->counts + (image * v->classes + c) * 3;
        p->wrong[c] += (int64_t)k[1] + k[2];
    }
    return FPC_OK;
}

/* Pictures are validated in the order of the list, which is sorted. */
static fpc_status take(results *r, const fpc_trial *c, const fpc_validation *v, double *score)
{
    const fpc_folds *f = r->s->pictures;
    int64_t image = 0;
    fpc_status status = FPC_OK;

    for (int64_t i = 0; i < f->n && !status; i++) {
        if (f->fold[i] != c->fold)
            continue;
        if (image == v->images || (v->image_name && !same_name(v->image_name[image], f->name[i])))
            return other_pictures(r, c);
        score[i] = fpc_validation_f_image(v, image);
        if (!isnan(score[i])) {
            r->list[i].f += score[i];
            r->list[i].n++;
            status = note_wrong(r, v, image, i);
        }
        image++;
    }
    return status || image == v->images ? status : other_pictures(r, c);
}

static const char *why_missing(const results *r, const fpc_trial *c)
{
    return fpc_sprintf(r->arena, "the run of fold %d, seed %lld, %s", c->fold, (long long)c->seed,
                       c->state == FPC_TRIAL_DIVERGED ? "diverged" : "is not complete");
}

static fpc_status read_group(results *r, int32_t g)
{
    const fpc_sweep *s = r->s;
    folded *to = &r->group[g];
    fpc_status status = FPC_OK;

    to->label = s->trial[g * s->each].label;
    if (!(to->score = fpc_alloc(r->arena, (size_t)s->n_seeds * sizeof *to->score)))
        return FPC_ENOMEM;
    for (int32_t k = 0; k < s->n_seeds; k++)
        if (!(to->score[k] = fpc_alloc(r->arena, ((size_t)s->pictures->n + 1) * sizeof **to->score)))
            return FPC_ENOMEM;
    for (int32_t i = 0; i < s->each && !status; i++) {
        const fpc_trial *c = &s->trial[g * s->each + i];
        const char *path = c->folder ? fpc_sprintf(r->arena, "%s/%s", c->folder, FPC_RUN_VALIDATION) : NULL;
        fpc_validation *v;
        if (c->state != FPC_TRIAL_DONE || !path) {
            to->missing = why_missing(r, c);
            continue;
        }
        if ((status = fpc_validation_read(s->cmd->ctx, r->arena, path, &v)) ||
            (status = take(r, c, v, to->score[i / s->folds])))
            return status;
        if (r->classes && r->classes != v->classes)
            return fpc_fail(s->cmd->ctx, FPC_EFORMAT, "%s: %d classes, and %d in other runs", path, v->classes,
                            r->classes);
        r->classes = v->classes;
        r->class_name = v->class_name;
    }
    return status;
}

/* ---- numbers ---- */

/* Of the pictures of a fold, 0: of all; those without a labelled pixel count nowhere. */
static double mean_f(const fpc_folds *f, const double *score, int32_t fold)
{
    double sum = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < f->n; i++)
        if ((!fold || f->fold[i] == fold) && !isnan(score[i])) {
            sum += score[i];
            n++;
        }
    return n ? sum / (double)n : NAN;
}

static fpc_status sum_up(results *r, folded *to)
{
    const fpc_sweep *s = r->s;

    to->fold = fpc_alloc(r->arena, (size_t)s->folds * sizeof *to->fold);
    to->fold_sd = fpc_alloc(r->arena, (size_t)s->folds * sizeof *to->fold_sd);
    to->seed = fpc_alloc(r->arena, (size_t)s->n_seeds * sizeof *to->seed);
    if (!to->fold || !to->fold_sd || !to->seed)
        return FPC_ENOMEM;
    for (int32_t k = 0; k < s->folds; k++) {
        for (int32_t i = 0; i < s->n_seeds; i++)
            to->seed[i] = mean_f(s->pictures, to->score[i], k + 1);
        to->fold[k] = fpc_stats_mean(s->n_seeds, to->seed);
        to->fold_sd[k] = s->n_seeds > 1 ? fpc_stats_sd(s->n_seeds, to->seed) : NAN;
    }
    for (int32_t i = 0; i < s->n_seeds; i++)
        to->seed[i] = mean_f(s->pictures, to->score[i], 0);
    to->mean = fpc_stats_mean(s->folds, to->fold);
    to->sd = fpc_stats_sd(s->folds, to->fold);
    to->f = fpc_stats_mean(s->n_seeds, to->seed);
    to->f_sd = s->n_seeds > 1 ? fpc_stats_sd(s->n_seeds, to->seed) : NAN;
    return FPC_OK;
}

/* ---- tables ---- */

static fpc_status print_folds(const results *r, const folded *g)
{
    static const fpc_column column[] = {{"fold", "fold", FPC_AS_COUNT, NULL},
                                        {"pictures", "pictures", FPC_AS_COUNT, NULL},
                                        {"f", "F per picture", FPC_AS_SCORE, NULL},
                                        {"sd", "over seeds +-", FPC_AS_SCORE, NULL},
                                        {0}};
    const fpc_folds *f = r->s->pictures;
    fpc_report report = {.arena = r->arena};
    fpc_table *table = fpc_table_new(&report, "folds", column);
    fpc_status status;

    for (int32_t k = 0; k < r->s->folds; k++) {
        int64_t n = 0;
        for (int64_t i = 0; i < f->n; i++)
            n += f->fold[i] == k + 1;
        fpc_report_add(&report, table, fpc_cell_number(k + 1), fpc_cell_number((double)n), fpc_cell_number(g->fold[k]),
                       fpc_cell_number(g->fold_sd[k]));
    }
    fpc_print("%s\n", fpc_report_clean(r->arena, g->label));
    if (report.failed)
        return FPC_ENOMEM;
    if ((status = fpc_table_print(r->arena, table, "")))
        return status;
    fpc_print("folds: %.4f +- %.4f (mean and standard deviation)\n", g->mean, g->sd);
    if (r->s->n_seeds > 1)
        fpc_print("out of fold: F per picture %.4f +- %.4f over %d seeds, of %lld pictures\n\n", g->f, g->f_sd,
                  r->s->n_seeds, (long long)f->n);
    else
        fpc_print("out of fold: F per picture %.4f, of %lld pictures\n\n", g->f, (long long)f->n);
    return FPC_OK;
}

static int32_t best_group(const results *r)
{
    int32_t best = -1;

    for (int32_t g = 0; g < r->s->n_groups; g++)
        if (!r->group[g].missing && (best < 0 || r->group[g].f > r->group[best].f))
            best = g;
    return best;
}

/* The scores of the pictures that count in all runs. */
static fpc_status shared_scores(const results *r, int32_t n, const int32_t *which, fpc_group *to, int64_t *items)
{
    const int64_t pictures = r->s->pictures->n;

    *items = 0;
    for (int32_t g = 0; g < n; g++) {
        double **score = fpc_alloc(r->arena, (size_t)r->s->n_seeds * sizeof *score);
        for (int32_t k = 0; score && k < r->s->n_seeds; k++)
            if (!(score[k] = fpc_alloc(r->arena, ((size_t)pictures + 1) * sizeof **score)))
                return FPC_ENOMEM;
        if (!score)
            return FPC_ENOMEM;
        to[g] = (fpc_group){r->s->n_seeds, (const double *const *)score};
    }
    for (int64_t i = 0; i < pictures; i++) {
        int known = 1;
        for (int32_t g = 0; g < n; g++)
            for (int32_t k = 0; k < r->s->n_seeds; k++)
                known &= !isnan(r->group[which[g]].score[k][i]);
        for (int32_t g = 0; g < n && known; g++)
            for (int32_t k = 0; k < r->s->n_seeds; k++)
                ((double *)(uintptr_t)to[g].score[k])[*items] = r->group[which[g]].score[k][i];
        *items += known;
    }
    return FPC_OK;
}

static const char *verdict_of(const results *r, const fpc_difference *d, double corrected)
{
    if (d->equal)
        return "the scores are the same";
    if (r->s->n_seeds < 2)
        return "no verdict: one seed does not show the noise between runs";
    if (corrected < FPC_STATS_LEVEL && (d->lo > 0 || d->hi < 0))
        return d->value > 0 ? "better" : "worse";
    return "within the noise";
}

/* All recipes against the best one. which[0] is that. */
static fpc_status print_verdicts(const results *r, int32_t n, const int32_t *which)
{
    static const fpc_column column[] = {{"recipe", "recipe", FPC_AS_TEXT, NULL},
                                        {"f", "out of fold", FPC_AS_SCORE, NULL},
                                        {"difference", "difference", FPC_AS_DIFF, NULL},
                                        {"lo", "95 % from", FPC_AS_DIFF, NULL},
                                        {"hi", "to", FPC_AS_DIFF, NULL},
                                        {"p", "p corrected", FPC_AS_BRIEF, NULL},
                                        {"verdict", "", FPC_AS_TEXT, NULL},
                                        {0}};
    fpc_report report = {.arena = r->arena};
    fpc_table *table = fpc_table_new(&report, "verdicts", column);
    fpc_group *group = fpc_alloc(r->arena, (size_t)n * sizeof *group);
    fpc_difference *d = fpc_alloc(r->arena, (size_t)n * sizeof *d);
    double *p = fpc_alloc(r->arena, (size_t)n * sizeof *p);
    fpc_resampled *all;
    int64_t items;
    fpc_status status = group && d && p ? shared_scores(r, n, which, group, &items) : FPC_ENOMEM;

    if (!status)
        status = fpc_stats_resample(r->s->cmd->ctx, r->arena, items, n, group, FPC_STATS_ROUNDS, &all);
    for (int32_t i = 1; i < n && !status; i++)
        if (!(status = fpc_stats_difference(all, r->arena, i, 0, FPC_STATS_LEVEL / (n - 1), &d[i])))
            p[i - 1] = d[i].p;
    if (status || (status = fpc_stats_holm(r->arena, n - 1, p, p)))
        return status;
    for (int32_t i = 0; i < n; i++) {
        const folded *g = &r->group[which[i]];
        const double none = i ? 0 : NAN;
        fpc_report_add(&report, table, fpc_cell_text(g->label), fpc_cell_number(g->f),
                       fpc_cell_number(i ? d[i].value : none), fpc_cell_number(i ? d[i].lo : none),
                       fpc_cell_number(i ? d[i].hi : none), fpc_cell_number(i ? p[i - 1] : none),
                       fpc_cell_text(i ? verdict_of(r, &d[i], p[i - 1]) : "the best"));
    }
    if (report.failed)
        return FPC_ENOMEM;
    fpc_print("recipes, by the F of each picture out of its fold; p corrected for %d %s (Holm)\n", n - 1,
              fpc_word(n - 1, "comparison", "comparisons"));
    status = fpc_table_print(r->arena, table, "");
    fpc_print("\n");
    return status;
}

static fpc_status compare(const results *r)
{
    int32_t *which = fpc_alloc(r->arena, ((size_t)r->s->n_groups + 1) * sizeof *which), n = 0;
    const int32_t best = best_group(r);

    if (!which)
        return FPC_ENOMEM;
    if (best >= 0)
        which[n++] = best;
    for (int32_t g = 0; g < r->s->n_groups; g++)
        if (!r->group[g].missing && g != best)
            which[n++] = g;
    return n > 1 ? print_verdicts(r, n, which) : FPC_OK;
}

/* ---- pictures whose masks are contradicted ---- */

static int by_f(const void *a, const void *b)
{
    const suspect *x = a, *y = b;

    if (x->f != y->f)
        return x->f < y->f ? -1 : 1;
    return (x->picture > y->picture) - (x->picture < y->picture);
}

static int32_t rank(results *r)
{
    int32_t n = 0;

    for (int64_t i = 0; i < r->s->pictures->n; i++) {
        suspect one = r->list[i];
        if (!one.n)
            continue;
        one.picture = i;
        one.f /= one.n;
        one.class = -1;
        for (int32_t c = 0; c < r->classes; c++)
            if (one.wrong[c] > 0 && (one.class < 0 || one.wrong[c] > one.wrong[one.class]))
                one.class = c;
        r->list[n++] = one; /* n <= i */
    }
    qsort(r->list, (size_t)n, sizeof *r->list, by_f);
    return n;
}

static const char *class_of(const results *r, const suspect *one)
{
    if (one->class < 0)
        return "";
    return r->class_name ? r->class_name[one->class] : fpc_sprintf(r->arena, "%d", one->class);
}

/* A field in quotes; a sign that makes a spreadsheet take it for a formula has a ' before it. */
static const char *field(fpc_arena *arena, const char *text)
{
    char *out = text ? fpc_alloc(arena, 2 * strlen(text) + 4) : NULL, *to = out;

    if (!out)
        return NULL;
    *to++ = '"';
    if (*text && strchr("=+-@", *text))
        *to++ = '\'';
    for (; *text; text++) {
        if (*text == '"')
            *to++ = '"';
        *to++ = *text;
    }
    *to = '"';
    return out;
}

static fpc_status write_csv(const results *r, int32_t n)
{
    const char *path = fpc_sprintf(r->arena, "%s/" CSV, r->s->out), **row;
    char *text, *to;
    size_t bytes = 64;

    if (!path || !(row = fpc_alloc(r->arena, ((size_t)n + 1) * sizeof *row)))
        return FPC_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        const suspect *one = &r->list[i];
        const char *name = field(r->arena, r->s->pictures->name[one->picture]),
                   *class = field(r->arena, class_of(r, one));
        row[i] = name && class ? fpc_sprintf(r->arena, "%s,%d,%d,%.6f,%s,%lld\n", name,
                                             r->s->pictures->fold[one->picture], one->n, one->f, class,
                                             (long long)(one->class < 0 ? 0 : one->wrong[one->class] / one->n))
                               : NULL;
        if (!row[i])
            return FPC_ENOMEM;
        bytes += strlen(row[i]);
    }
    if (!(text = to = fpc_alloc(r->arena, bytes)))
        return FPC_ENOMEM;
    for (int32_t i = -1; i < n; i++) {
        const char *one = i < 0 ? "picture,fold,runs,f,class,wrong_pixels\n" : row[i];
        const size_t length = strlen(one);
        memcpy(to, one, length);
        to += length;
    }
    return fpc_write_atomic(r->s->cmd->ctx, path, text, (size_t)(to - text));
}

static fpc_status print_suspects(const results *r, int32_t n)
{
    static const fpc_column column[] = {{"picture", "picture", FPC_AS_TEXT, NULL},
                                        {"fold", "fold", FPC_AS_COUNT, NULL},
                                        {"f", "F", FPC_AS_SCORE, NULL},
                                        {"class", "most wrong", FPC_AS_TEXT, NULL},
                                        {0}};
    fpc_report report = {.arena = r->arena};
    fpc_table *table = fpc_table_new(&report, "pictures", column);

    for (int32_t i = 0; i < n && i < LISTED; i++)
        fpc_report_add(&report, table, fpc_cell_text(r->s->pictures->name[r->list[i].picture]),
                       fpc_cell_number(r->s->pictures->fold[r->list[i].picture]), fpc_cell_number(r->list[i].f),
                       fpc_cell_text(class_of(r, &r->list[i])));
    if (report.failed)
        return FPC_ENOMEM;
    fpc_print("masks that networks contradict most which have not seen them: look here for faults of labels\n");
    const fpc_status status = fpc_table_print(r->arena, table, "");
    fpc_print("%s/" CSV ": all %d of them\n", fpc_report_clean(r->arena, r->s->out), n);
    return status;
}

/* ---- all of it ---- */

fpc_status fpc_sweep_folded(fpc_sweep *s)
{
    results r = {.s = s, .arena = s->cmd->arena};
    fpc_status status = FPC_OK;

    r.group = fpc_alloc(r.arena, (size_t)s->n_groups * sizeof *r.group);
    r.list = fpc_alloc(r.arena, ((size_t)s->pictures->n + 1) * sizeof *r.list);
    if (!r.group || !r.list)
        return FPC_ENOMEM;
    for (int32_t g = 0; g < s->n_groups && !status; g++)
        if (!(status = read_group(&r, g)) && !r.group[g].missing && !(status = sum_up(&r, &r.group[g])))
            status = print_folds(&r, &r.group[g]);
    for (int32_t g = 0; g < s->n_groups && !status; g++)
        if (r.group[g].missing)
            fpc_print("%s: no F out of fold: %s\n\n", fpc_report_clean(r.arena, r.group[g].label), r.group[g].missing);
    if (status || (status = compare(&r)))
        return status;
    const int32_t n = rank(&r);
    if (!n)
        return FPC_OK;
    return (status = write_csv(&r, n)) ? status : print_suspects(&r, n);
}
