/* int8_export.c: see int8.h: the pictures that give the ranges, and the validation pictures that tell what rounding
 * costs. Both networks run on the backend cpu, whatever the recipe names, one picture at a time. */
#include "cmd/export/int8.h"
#include "base/clock.h"
#include "base/message.h"
#include "base/text.h"
#include "cmd/line/terminal.h"
#include "cmd/predict/predict.h"
#include "experiment/predictor.h"
#include "experiment/tta.h"
#include <fpcore/rng.h>
#include <string.h>

enum { PICTURES = 32 }; /* that give the ranges, where there are as many */

typedef struct job {
    const fpc_int8_args *a;
    fpc_ctx *ctx;
    fpc_arena *arena, *scratch; /* scratch: of a picture */
    fpc_predictor *predictor;
    fpc_experiment *s;
    const char *no_data; /* why there is no data set to measure on; NULL: there is one */
    int32_t n;           /* calibration pictures */
    int64_t *index;      /* of the training part, or of `files` */
    fpc_predict_files files;
    fpc_program *real, *whole; /* the network as it is, and rounded */
    float *scores;             /* of a picture, where the network gives no labels */
    uint8_t *labels[2];        /* of a picture by both */
} job;

/* ---- opening ---- */

/* The pictures have the size of the network's, by the data set itself. */
static fpc_status open_predictor(job *j, unsigned what)
{
    fpc_predictor_args open = *j->a->open;
    const char **all = fpc_alloc(j->arena, ((size_t)open.n_overrides + 2) * sizeof *all);
    const char *size = j->a->h == j->a->w ? fpc_sprintf(j->arena, "dataset.size=%d", j->a->h)
                                          : fpc_sprintf(j->arena, "dataset.size=%dx%d", j->a->h, j->a->w);

    if (!all || !size)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < open.n_overrides; i++)
        all[i] = open.overrides[i];
    all[open.n_overrides] = "backend.use=cpu";
    all[open.n_overrides + 1] = size;
    open.overrides = all;
    open.n_overrides += 1 + !!(what & FPC_OPEN_DATA);
    open.h = j->a->h;
    open.w = j->a->w;
    fpc_predictor_close(j->predictor);
    j->predictor = NULL;
    const fpc_status status = fpc_predictor_open_in(j->ctx, &open, what | FPC_OPEN_USED, &j->predictor);
    j->s = status ? NULL : fpc_predictor_experiment(j->predictor);
    return status;
}

/* Pictures from elsewhere need no data set; where there is one, it tells what rounding costs. */
static fpc_status open_all(job *j)
{
    fpc_status status = open_predictor(j, FPC_OPEN_DATA | FPC_OPEN_TRAIN);

    if (status && j->a->pictures && status != FPC_ENOMEM && !fpc_ctx_cancelled(j->ctx)) {
        j->no_data = fpc_strdup(j->arena, fpc_ctx_error(j->ctx));
        fpc_ctx_clear(j->ctx);
        status = j->no_data ? open_predictor(j, 0) : FPC_ENOMEM;
    }
    return status;
}

/* ---- pictures ---- */

/* Some of `of` numbers, in an order of their own that is the same each time: those of a shuffle's beginning. */
static fpc_status choose(job *j, int64_t of)
{
    int64_t *all = fpc_alloc(j->arena, (size_t)of * sizeof *all);
    const fpc_rng rng = {.stream = fpc_hash("int8.calibration")};

    if (!all)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < of; i++)
        all[i] = i;
    j->n = of < PICTURES ? (int32_t)of : PICTURES;
    for (int32_t i = 0; i < j->n; i++) {
        const fpc_u32x4 draw = fpc_philox(rng, (uint32_t)i);
        const int64_t at = i + (int64_t)(((uint64_t)draw.v[0] << 21 | draw.v[1] >> 11) % (uint64_t)(of - i));
        const int64_t kept = all[i];
        all[i] = all[at];
        all[at] = kept;
    }
    j->index = all;
    return FPC_OK;
}

static fpc_status find_pictures(job *j)
{
    fpc_status status;

    if (j->a->pictures) {
        j->files = (fpc_predict_files){.cmd = j->a->cmd, .out = "", .recursive = 1};
        if ((status = fpc_predict_add(&j->files, j->a->pictures)))
            return status;
        return choose(j, j->files.n);
    }
    const int64_t n = fpc_data_info(j->s->data)->count[FPC_TRAIN];
    if (n < 1)
        return fpc_fail(j->ctx, FPC_EINVAL,
                        "export --int8: no calibration pictures: the data set has no training part; --calibrate FOLDER "
                        "takes pictures from elsewhere");
    return choose(j, n);
}

/* As predict brings a picture to the network: one that was trained on the middle of pictures sees them whole. */
static fpc_status read_picture(job *j, int32_t i, const uint8_t **out)
{
    const fpc_fit fit = j->s->info.fit == FPC_FIT_SQUEEZE ? FPC_FIT_SQUEEZE : FPC_FIT_PAD;
    fpc_image picture, seen;
    fpc_batch one;
    fpc_status status;

    fpc_arena_reset(j->scratch);
    if (!j->a->pictures) {
        status = fpc_data_read(j->s->data, j->scratch, FPC_TRAIN, j->index[i], &one);
        *out = one.image;
        return status;
    }
    const char *path = j->files.item[j->index[i]].picture;
    if ((status = fpc_predict_read(j->ctx, j->ctx, j->scratch, path, j->s->info.as_stored ? FPC_IMAGE_STORED : 0,
                                   &picture)) ||
        (status = fpc_image_fit(j->ctx, j->scratch, &picture, fit, j->a->w, j->a->h, &seen)))
        return status;
    *out = seen.pixel;
    return FPC_OK;
}

/* ---- both networks ---- */

static fpc_status compile(job *j, const fpc_graph *g, const fpc_int8 *q, const uint8_t *wanted, fpc_program **out)
{
    fpc_graph *copy;
    const fpc_status status = fpc_int8_graph(j->s, j->arena, g, q, wanted, &copy);

    return status ? status : fpc_program_compile(j->ctx, j->arena, j->s->state, copy, out);
}

static fpc_status run_picture(const job *j, fpc_program *p, const uint8_t *image)
{
    const fpc_status status = fpc_program_write(p, "image", FPC_U8, image, (int64_t)j->a->h * j->a->w * 3);

    return status ? status : fpc_program_run(p);
}

/* By the network's own labels, or the first of the highest scores. */
static fpc_status label(const job *j, fpc_program *p, const uint8_t *image, uint8_t *labels)
{
    const char *output = fpc_export_outputs[j->a->output];
    const int64_t pixels = (int64_t)j->a->h * j->a->w;
    const int32_t classes = j->s->classes;
    fpc_status status = run_picture(j, p, image);

    if (status)
        return status;
    if (j->a->output == FPC_EXPORT_LABELS)
        return fpc_program_read(p, output, FPC_U8, labels, pixels);
    status = fpc_program_read(p, output, FPC_F32, j->scores, pixels * classes);
    for (int64_t i = 0; i < pixels && !status; i++) {
        const float *score = j->scores + i * classes;
        int32_t best = 0;
        for (int32_t c = 1; c < classes; c++)
            best = score[c] > score[best] ? c : best;
        labels[i] = (uint8_t)best;
    }
    return status;
}

static fpc_status check_cancelled(const job *j, int64_t done, int64_t total)
{
    return fpc_ctx_cancelled(j->ctx) ? fpc_fail(j->ctx, FPC_ECANCEL, "interrupted after %lld of %lld pictures",
                                                (long long)done, (long long)total)
                                     : FPC_OK;
}

static fpc_status find_ranges(job *j, const fpc_graph *g, fpc_int8 *q)
{
    const double began = fpc_clock_now();
    fpc_int8_ranges *ranges;
    fpc_program *p;
    const uint8_t *image;
    fpc_status status = compile(j, g, NULL, q->wanted, &p);

    if (!status)
        status = fpc_int8_ranges_new(j->ctx, j->arena, q, p, &ranges);
    for (int32_t i = 0; i < 2 * j->n && !status; i++) {
        if (!(status = check_cancelled(j, i % j->n, j->n)) && !(status = read_picture(j, i % j->n, &image)) &&
            !(status = run_picture(j, p, image)))
            status = fpc_int8_ranges_add(ranges, i >= j->n);
        fpc_show_progress(i + 1, 2 * j->n, "runs for ranges", began);
    }
    fpc_end_progress();
    if (!status)
        fpc_int8_ranges_points(ranges, q);
    return status;
}

/* ---- what it costs ---- */

typedef struct cost {
    int64_t pictures, pixels, equal;
    int32_t *counts[2]; /* [pictures][classes][3] by both networks */
} cost;

static fpc_status add_picture(const job *j, const uint8_t *image, const uint8_t *mask, cost *t)
{
    const int64_t pixels = (int64_t)j->a->h * j->a->w;
    const size_t each = (size_t)j->s->classes * 3;
    fpc_status status = label(j, j->real, image, j->labels[0]);

    if (!status)
        status = label(j, j->whole, image, j->labels[1]);
    for (int64_t i = 0; i < pixels && !status; i++)
        t->equal += j->labels[0][i] == j->labels[1][i];
    for (int k = 0; k < 2 && mask && !status; k++)
        fpc_tta_count(j->s, mask, j->labels[k], pixels, t->counts[k] + (size_t)t->pictures * each);
    t->pixels += pixels;
    t->pictures++;
    return status;
}

static fpc_status validate(job *j, int64_t of, cost *t)
{
    const double began = fpc_clock_now();
    const int64_t pixels = (int64_t)j->a->h * j->a->w;
    const fpc_batch *batch;
    fpc_status status = fpc_data_start(j->s->data, FPC_VAL, 0, 0);

    while (!status && !(status = fpc_data_next(j->s->data, &batch)) && batch)
        for (int32_t i = 0; i < batch->n && !status; i++) {
            if (!(status = check_cancelled(j, t->pictures, of)))
                status = add_picture(j, batch->image + i * pixels * 3, batch->mask + i * pixels, t);
            fpc_show_progress(t->pictures, of, "validation pictures", began);
        }
    fpc_end_progress();
    return status;
}

/* Batches are those of the recipe, as in `eval` and training. */
static double value_of(const fpc_experiment *s, const fpc_experiment_metric *m, const cost *t, int which)
{
    const fpc_metric_vtbl *metric = m->inst.vtbl;
    const int64_t most = fpc_data_options_of(s->data)->batch;

    FPC_CALL_VOID(m->inst.who, metric->reset(m->inst.self, s->classes));
    for (int64_t at = 0; at < t->pictures; at += most) {
        const int32_t n = (int32_t)(t->pictures - at < most ? t->pictures - at : most);
        const fpc_counts counts = {sizeof counts, n, s->classes, t->counts[which] + at * s->classes * 3};
        FPC_CALL_VOID(m->inst.who, metric->update(m->inst.self, &counts));
    }
    return FPC_CALL(m->inst.who, metric->value(m->inst.self));
}

static void print_cost(const job *j, const cost *t, const char *pictures)
{
    fpc_say("int8 keeps the labels of %.2f %% of the pixels of %lld %s", 100 * (double)t->equal / (double)t->pixels,
            (long long)t->pictures, pictures);
    for (int32_t i = 0; t->counts[0] && i < j->s->n_metrics; i++) {
        const double before = value_of(j->s, &j->s->metric[i], t, 0), after = value_of(j->s, &j->s->metric[i], t, 1);
        fpc_say("%s: fp32 %.5f, int8 %.5f, lost %.5f", j->s->metric[i].label, before, after, before - after);
    }
}

/* Where no masks are to measure by, how many labels stay is told of the calibration pictures. */
static fpc_status measure(job *j)
{
    const fpc_dataset_info *info = j->no_data ? NULL : fpc_data_info(j->s->data);
    const int64_t n = info && !info->unlabelled[FPC_VAL] ? info->count[FPC_VAL] : 0;
    const size_t each = (size_t)j->s->classes * 3;
    const uint8_t *image;
    cost t = {0};
    fpc_status status = FPC_OK;

    for (int k = 0; k < 2 && n; k++)
        if (!(t.counts[k] = fpc_alloc(j->arena, (size_t)n * each * sizeof **t.counts)))
            return FPC_ENOMEM;
    if (n)
        status = validate(j, n, &t);
    for (int32_t i = 0; i < j->n && !n && !status; i++)
        if (!(status = check_cancelled(j, i, j->n)) && !(status = read_picture(j, i, &image)))
            status = add_picture(j, image, NULL, &t);
    if (status)
        return status;
    print_cost(j, &t,
               fpc_word(t.pictures, n ? "validation picture" : "calibration picture",
                        n ? "validation pictures" : "calibration pictures"));
    if (!n)
        fpc_say("the loss in F is not measured: %s",
                j->no_data ? j->no_data : "the data set has no validation pictures with masks");
    return FPC_OK;
}

/* ---- all of it ---- */

static fpc_status make_room(job *j)
{
    const size_t pixels = (size_t)j->a->h * (size_t)j->a->w;

    if (j->a->output != FPC_EXPORT_LABELS &&
        !(j->scores = fpc_alloc(j->arena, pixels * (size_t)j->s->classes * sizeof *j->scores)))
        return FPC_ENOMEM;
    j->labels[0] = fpc_alloc(j->arena, pixels);
    j->labels[1] = fpc_alloc(j->arena, pixels);
    return j->labels[0] && j->labels[1] ? FPC_OK : FPC_ENOMEM;
}

static fpc_status calibrate(job *j, const fpc_graph *g, uint8_t *conv, fpc_int8 **out)
{
    fpc_status status;

    if ((status = fpc_int8_plan(j->ctx, j->arena, g, conv, out)) || (status = open_all(j)) ||
        (status = find_pictures(j)) || (status = make_room(j)) || (status = find_ranges(j, g, *out)) ||
        (status = fpc_int8_weigh(j->ctx, j->arena, *out)) || (status = compile(j, g, NULL, NULL, &j->real)) ||
        (status = compile(j, g, *out, NULL, &j->whole)))
        return status;
    return measure(j);
}

fpc_status fpc_int8_calibrate(const fpc_int8_args *a, const fpc_graph *g, uint8_t *conv, fpc_int8 **out,
                              int32_t *calibrated)
{
    job j = {.a = a, .ctx = a->cmd->ctx, .arena = a->cmd->arena, .scratch = fpc_arena_new(a->cmd->ctx)};
    const fpc_status status = j.scratch ? calibrate(&j, g, conv, out) : FPC_ENOMEM;

    *calibrated = j.n;
    fpc_predictor_close(j.predictor);
    fpc_arena_free(j.scratch);
    return status;
}
