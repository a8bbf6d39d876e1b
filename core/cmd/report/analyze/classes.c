/* classes.c: classes, sides and batches of the validation: precision, recall and F of each
 * class, how often left is taken for right, and what each batch and its pictures weigh in an epoch's score. From
 * validation.safetensors of a run folder; F per class by epoch from the columns of the record. */
#define _GNU_SOURCE
#include "cmd/report/analyze/analyze.h"
#include "record/run_files.h"
#include <fpcore/metric.h>
#include "base/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORST = 8 /* pictures and confusions shown */ };

static const char *name_of(fpc_report *r, const fpc_validation *v, int32_t class)
{
    return v->class_name ? v->class_name[class] : fpc_sprintf(r->arena, "class %d", (int)class);
}

static double share(double part, double of)
{
    return of > 0 ? 100 * part / of : NAN;
}

/* ---- classes ---- */

static const fpc_column classes[] = {{"class", "class", FPC_AS_TEXT, ""},
                                     {"pixels", "pixels", FPC_AS_COUNT, "labelled with the class in all pictures"},
                                     {"share", "share %", FPC_AS_PERCENT, "of all labelled pixels"},
                                     {"images", "pictures", FPC_AS_COUNT, "in which it is labelled"},
                                     {"precision", "precision", FPC_AS_SCORE, "over the pixels of all pictures"},
                                     {"recall", "recall", FPC_AS_SCORE, "over the pixels of all pictures"},
                                     {"f", "F", FPC_AS_SCORE, "over the pixels of all pictures"},
                                     {0}};

/* Labelled pixels of a class, or of all (-1); *images: where it is labelled. */
static double labelled(const fpc_validation *v, int32_t class, int64_t *images)
{
    double sum = 0;

    *images = 0;
    for (int64_t i = 0; i < v->images; i++) {
        int64_t here = 0;
        for (int32_t c = class < 0 ? 0 : class; c < (class < 0 ? v->classes : class + 1); c++) {
            const int32_t *k = v->counts + (i * v->classes + c) * 3;
            here += (int64_t)k[0] + k[2];
        }
        sum += (double)here;
        *images += here > 0;
    }
    return sum;
}

static void add_classes(fpc_report *r, fpc_chapter *chapter, const fpc_validation *v)
{
    fpc_table *t =
        fpc_report_table(r, chapter, "classes",
                         fpc_sprintf(r->arena, "Classes, validation of epoch %lld", (long long)v->epoch), classes);
    int64_t images;
    const double all = labelled(v, -1, &images);

    for (int32_t i = 0; i < v->classes; i++) {
        const double pixels = labelled(v, i, &images);
        double precision, recall;
        fpc_validation_pr_class(v, i, &precision, &recall);
        fpc_report_add(r, t, fpc_cell_text(name_of(r, v, i)), fpc_cell_number(pixels),
                       fpc_cell_number(share(pixels, all)), fpc_cell_number((double)images), fpc_cell_number(precision),
                       fpc_cell_number(recall), fpc_cell_number(fpc_validation_f_class(v, i)));
    }
}

/* ---- sides ---- */

static const fpc_column sides[] = {
    {"first", "side", FPC_AS_TEXT, "one class of the pair"},
    {"second", "other side", FPC_AS_TEXT, "the class that it becomes in a mirror"},
    {"first_as_second", "taken for other %", FPC_AS_PERCENT,
     "of the pixels labelled `side` and predicted as either side, those predicted as the other"},
    {"second_as_first", "other for it %", FPC_AS_PERCENT, "the same the other way"},
    {"first_f", "F", FPC_AS_SCORE, "of `side`"},
    {"second_f", "F other", FPC_AS_SCORE, "of the other side"},
    {"either_f", "F either", FPC_AS_SCORE, "of both as one class: what F would be if no side were mistaken"},
    {0}};

static double pixels_of(const fpc_validation *v, int32_t label, int32_t predicted)
{
    return (double)v->confusion[(int64_t)label * v->classes + predicted];
}

/* F of two classes taken for one. */
static double either_f(const fpc_validation *v, int32_t a, int32_t b)
{
    const double tp = pixels_of(v, a, a) + pixels_of(v, a, b) + pixels_of(v, b, a) + pixels_of(v, b, b);
    double label = 0, predicted = 0;

    for (int32_t i = 0; i < v->classes; i++) {
        label += pixels_of(v, a, i) + pixels_of(v, b, i);
        predicted += pixels_of(v, i, a) + pixels_of(v, i, b);
    }
    return label > 0 ? fpc_f_score(tp, predicted, label) : NAN;
}

static void add_sides(fpc_report *r, fpc_chapter *chapter, const fpc_validation *v)
{
    fpc_table *t = fpc_report_table(r, chapter, "sides", "Left and right", sides);
    double mistaken = 0, of = 0;

    for (int32_t i = 0; i < v->n_pairs; i++) {
        const int32_t a = v->pairs[i][0], b = v->pairs[i][1];
        const double ab = pixels_of(v, a, b), ba = pixels_of(v, b, a), aa = pixels_of(v, a, a), bb = pixels_of(v, b, b);
        fpc_report_add(r, t, fpc_cell_text(name_of(r, v, a)), fpc_cell_text(name_of(r, v, b)),
                       fpc_cell_number(share(ab, aa + ab)), fpc_cell_number(share(ba, bb + ba)),
                       fpc_cell_number(fpc_validation_f_class(v, a)), fpc_cell_number(fpc_validation_f_class(v, b)),
                       fpc_cell_number(either_f(v, a, b)));
        mistaken += ab + ba;
        of += aa + ab + ba + bb;
    }
    if (v->n_pairs && share(mistaken, of) > 10)
        fpc_report_note(r, chapter,
                        "%.1f %% of the pixels found to be one of a left/right pair are put on the wrong side: flips "
                        "without exchange of the labels teach that (dataset pairs, augment exchange).",
                        share(mistaken, of));
}

/* ---- confusions ---- */

static const fpc_column confusions[] = {{"label", "labelled", FPC_AS_TEXT, "the true class"},
                                        {"predicted", "predicted", FPC_AS_TEXT, "what the network says"},
                                        {"pixels", "pixels", FPC_AS_COUNT, ""},
                                        {"share", "% of labelled", FPC_AS_PERCENT, "of the pixels with that label"},
                                        {0}};

/* The next largest confusion behind one already shown, in the order pixels, label, predicted; -1: none. */
static int64_t next_confusion(const fpc_validation *v, int64_t last)
{
    const int64_t n = (int64_t)v->classes * v->classes, *k = v->confusion;
    int64_t best = -1;

    for (int64_t i = 0; i < n; i++) {
        if (i / v->classes == i % v->classes || !k[i])
            continue;
        if (last >= 0 && (k[i] > k[last] || (i <= last && k[i] == k[last])))
            continue;
        if (best < 0 || k[i] > k[best])
            best = i;
    }
    return best;
}

static double row_sum(const fpc_validation *v, int64_t label)
{
    double sum = 0;

    for (int32_t i = 0; i < v->classes; i++)
        sum += pixels_of(v, (int32_t)label, i);
    return sum;
}

static void add_confusions(fpc_report *r, fpc_chapter *chapter, const fpc_validation *v)
{
    fpc_table *t = fpc_report_table(r, chapter, "confusions", "Largest confusions", confusions);
    int64_t at = -1;

    for (int i = 0; i < WORST && (at = next_confusion(v, at)) >= 0; i++) {
        fpc_report_add(r, t, fpc_cell_text(name_of(r, v, (int32_t)(at / v->classes))),
                       fpc_cell_text(name_of(r, v, (int32_t)(at % v->classes))),
                       fpc_cell_number((double)v->confusion[at]),
                       fpc_cell_number(share((double)v->confusion[at], row_sum(v, at / v->classes))));
    }
}

/* Rows are labels, columns predictions, cells percent of the label: for the page and JSON. */
static void add_matrix(fpc_report *r, fpc_chapter *chapter, const fpc_validation *v)
{
    fpc_column *column = fpc_alloc(r->arena, ((size_t)v->classes + 2) * sizeof *column);
    fpc_table *t;

    if (!column) {
        r->failed = 1;
        return;
    }
    column[0] = (fpc_column){"label", "label \\ predicted", FPC_AS_TEXT, "rows are labels, columns predictions"};
    for (int32_t i = 0; i < v->classes; i++)
        column[i + 1] = (fpc_column){fpc_sprintf(r->arena, "%d", (int)i), fpc_report_clean(r->arena, name_of(r, v, i)),
                                     FPC_AS_PERCENT, "percent of the pixels with the row's label"};
    if (!(t = fpc_report_table(r, chapter, "confusion", "Confusion matrix, percent of the labelled pixels", column)))
        return;
    t->shaded = 1;
    for (int32_t i = 0; i < v->classes; i++) {
        fpc_cell *c = fpc_report_row(r, t);
        const double all = row_sum(v, i);
        *c++ = fpc_cell_text(name_of(r, v, i));
        for (int32_t k = 0; k < v->classes; k++)
            *c++ = fpc_cell_number(share(pixels_of(v, i, k), all));
    }
}

/* ---- batches and pictures ---- */

static const fpc_column batches[] = {
    {"batch", "batch", FPC_AS_COUNT, "of the validation, in order"},
    {"images", "pictures", FPC_AS_COUNT, "in it"},
    {"f", "F", FPC_AS_SCORE, "pixels of the batch pooled, mean over its classes"},
    {"weight", "a picture's weight %", FPC_AS_PERCENT, "in a score that is the mean over batches"},
    {0}};
static const fpc_column pictures[] = {
    {"image", "picture", FPC_AS_TEXT, ""}, {"f", "F", FPC_AS_SCORE, "mean over the classes of the picture"}, {0}};

static void add_batches(fpc_report *r, fpc_chapter *chapter, const fpc_validation *v)
{
    const int64_t n = fpc_validation_batches(v), tail = v->images - (n - 1) * v->batch;
    fpc_table *t = fpc_report_table(r, chapter, "batches", "Validation batches", batches);

    for (int64_t i = 0; i < n; i++) {
        const int64_t images = i < n - 1 ? v->batch : tail;
        fpc_report_add(r, t, fpc_cell_count(i + 1), fpc_cell_count(images),
                       fpc_cell_number(fpc_validation_f_batch(v, i)),
                       fpc_cell_number(100 / (double)n / (double)images));
    }
    if (n > 1 && tail * 2 <= v->batch)
        fpc_report_note(r, chapter,
                        "The last validation batch has %lld of %lld pictures: in a score that is the mean over batches "
                        "(fscore_batch) it has %.0f %% of the weight, where a mean over pictures gives it %.1f %%.",
                        (long long)tail, (long long)v->images, 100 / (double)n, share((double)tail, (double)v->images));
}

typedef struct scored {
    int64_t image;
    double f;
} scored;

static int by_score(const void *a, const void *b)
{
    const scored *x = a, *y = b;

    return x->f != y->f ? (x->f > y->f) - (x->f < y->f) : (x->image > y->image) - (x->image < y->image);
}

static void add_pictures(fpc_report *r, fpc_chapter *chapter, const fpc_validation *v)
{
    scored *s = fpc_alloc(r->arena, (size_t)v->images * sizeof *s);
    int64_t n = 0;
    double sum = 0;

    if (!s) {
        r->failed = 1;
        return;
    }
    for (int64_t i = 0; i < v->images; i++) {
        const double f = fpc_validation_f_image(v, i);
        if (isnan(f))
            continue;
        s[n++] = (scored){i, f};
        sum += f;
    }
    qsort(s, (size_t)n, sizeof *s, by_score);
    fpc_table *t = fpc_report_table(
        r, chapter, "worst_pictures",
        fpc_sprintf(r->arena, "Worst pictures (mean over %lld: %.4f)", (long long)n, n ? sum / (double)n : NAN),
        pictures);
    for (int64_t i = 0; i < n && i < WORST; i++) {
        fpc_cell *c = fpc_report_row(r, t);
        c[0] = fpc_cell_text(v->image_name ? v->image_name[s[i].image]
                                           : fpc_sprintf(r->arena, "%lld", (long long)s[i].image + 1));
        c[1] = fpc_cell_number(s[i].f);
    }
}

/* ---- classes in the record ---- */

static const fpc_column by_epoch[] = {{"column", "class", FPC_AS_TEXT, "column of the record"},
                                      {"at_best", "at the best epoch", FPC_AS_SCORE, "of the monitored column"},
                                      {"own_best", "own best", FPC_AS_SCORE, "the class's own best value"},
                                      {"own_epoch", "@", FPC_AS_COUNT, "its epoch"},
                                      {"last10", "last-10", FPC_AS_SCORE, "mean of the last 10 epochs"},
                                      {"sigma", "σ", FPC_AS_SCORE, "over the last half of the run"},
                                      {0}};

static void add_history(fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    const fpc_recorded *p = a->recorded;
    fpc_table *t = fpc_report_table(r, chapter, "class_history", "Classes in the record", by_epoch);

    for (int32_t i = 0; i < p->n_columns; i++) {
        const double *v = p->value[i];
        const int64_t best = fpc_series_best(a->n, v, 1);
        if (strncmp(p->column[i], "val_", 4) || !strncmp(p->column[i], "val_loss.", 9) || !strchr(p->column[i], '.') ||
            best < 0)
            continue;
        fpc_report_add(r, t, fpc_cell_text(p->column[i] + 4), fpc_cell_number(fpc_analysis_at(a, v, a->best_epoch)),
                       fpc_cell_number(v[best]), fpc_cell_count(best + 1),
                       fpc_cell_number(fpc_series_last(a->n, v, 10)),
                       fpc_cell_number(fpc_series_sigma(a->n - a->n / 2, v + a->n / 2)));
    }
}

fpc_status fpc_analyze_classes(fpc_analyses *all, fpc_report *r, fpc_chapter *chapter, const fpc_analysis *a)
{
    const char *path =
        a->recorded->folder ? fpc_sprintf(r->arena, "%s/%s", a->recorded->folder, FPC_RUN_VALIDATION) : NULL;
    fpc_validation *v = NULL;
    fpc_status status;

    add_history(r, chapter, a);
    if (!path || access(path, F_OK))
        return FPC_OK;
    if ((status = fpc_validation_read(all->ctx, all->arena, path, &v)))
        return status;
    add_classes(r, chapter, v);
    if (v->confusion) {
        add_sides(r, chapter, v);
        add_confusions(r, chapter, v);
        add_matrix(r, chapter, v);
    }
    add_batches(r, chapter, v);
    add_pictures(r, chapter, v);
    return FPC_OK;
}
