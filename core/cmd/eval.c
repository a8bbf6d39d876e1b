/* eval.c: `fpcore eval`: every metric and loss term of given weights over a part of the data set, and a table of
 * classes. The numbers are those that training writes for its validation: same batches, same order, same sums. With
 * --scales, --flip or --post the metrics are those of the labels that come of it (experiment/tta.h), which have no
 * loss; with --native they are those of the masks that `fpcore predict` writes, at each picture's own size. */
#include "cmd/args.h"
#include "cmd/line/terminal.h"
#include "cmd/report/report.h"
#include "base/clock.h"
#include "weights/weights.h"
#include "experiment/labels.h"
#include "experiment/predictor.h"
#include "record/validation.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct totals {
    int64_t images;
    double loss, term[FPC_MAX_LOSSES];
    int64_t *labelled, *predicted; /* pixels per class */
    int32_t *counts;               /* [images][classes][3] of all; NULL: not kept */
    int64_t *confusion;            /* [label][predicted] */
} totals;

static int32_t n_terms(const fpc_experiment *s)
{
    return s->n_losses;
}

static const fpc_metric_vtbl *metric_of(const fpc_experiment *s, int32_t i)
{
    return s->metric[i].inst.vtbl;
}

static void add_batch(const fpc_experiment *s, const fpc_step_result *r, totals *t)
{
    const fpc_counts counts = {sizeof counts, r->images, s->classes, r->tp_fp_fn};

    for (int32_t i = 0; i < s->n_metrics; i++)
        FPC_CALL_VOID(s->metric[i].inst.who, metric_of(s, i)->update(s->metric[i].inst.self, &counts));
    t->loss += r->loss * r->images;
    for (int32_t i = 0; i < n_terms(s); i++)
        t->term[i] += r->term[i] * r->images;
    for (int64_t i = 0; i < (int64_t)r->images * s->classes; i++) {
        const int32_t *k = r->tp_fp_fn + 3 * i;
        t->labelled[i % s->classes] += k[0] + k[2];
        t->predicted[i % s->classes] += k[0] + k[1];
    }
    if (t->counts)
        memcpy(t->counts + t->images * s->classes * 3, r->tp_fp_fn,
               (size_t)r->images * (size_t)s->classes * 3 * sizeof *t->counts);
    t->images += r->images;
}

/* Where batches come from. Training pictures are read one by one: the trainer's own order is drawn, and leaves some
 * out. */
typedef struct source {
    fpc_experiment *s;
    fpc_tta_run *tta; /* NULL: the plain prediction */
    int native;       /* each picture at its own size; tta is set */
    int32_t *counts;  /* of a batch's averaged or native predictions */
    uint8_t *labels;  /* of a batch: where the confusion is counted, or of one picture */
    fpc_part part;
    int64_t at, images, batch_size;
    fpc_arena *scratch, *work; /* work: of one picture's labels */
    fpc_batch batch;
} source;

static fpc_status read_batch(source *in)
{
    const int64_t most = fpc_data_options_of(in->s->data)->batch;
    const int64_t n = in->images - in->at < most ? in->images - in->at : most;
    const fpc_dataset_info *info = fpc_data_info(in->s->data);
    const size_t pixels = (size_t)info->h * (size_t)info->w;
    fpc_status status = FPC_OK;

    fpc_arena_reset(in->scratch);
    in->batch = (fpc_batch){.n = (int32_t)n,
                            .h = info->h,
                            .w = info->w,
                            .image = fpc_alloc(in->scratch, (size_t)n * pixels * 3),
                            .mask = fpc_alloc(in->scratch, (size_t)n * pixels)};
    if (!in->batch.image || !in->batch.mask)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < n && !status; i++) {
        fpc_batch one;
        if ((status = fpc_data_read(in->s->data, in->scratch, in->part, in->at + i, &one)))
            return status;
        memcpy(in->batch.image + (size_t)i * pixels * 3, one.image, pixels * 3);
        memcpy(in->batch.mask + (size_t)i * pixels, one.mask, pixels);
    }
    in->at += n;
    return FPC_OK;
}

static fpc_status next_batch(source *in, const fpc_batch **out)
{
    *out = NULL;
    if (in->part != FPC_TRAIN)
        return fpc_data_next(in->s->data, out);
    if (in->at == in->images)
        return FPC_OK;
    *out = &in->batch;
    return read_batch(in);
}

/* One batch by labels of the whole way: averaged, or changed by --post. */
static fpc_status average(source *in, const fpc_batch *b, fpc_step_result *r)
{
    const int64_t pixels = (int64_t)b->h * b->w;
    const size_t each = (size_t)in->s->classes * 3;
    fpc_status status = FPC_OK;

    *r = (fpc_step_result){.images = b->n, .tp_fp_fn = in->counts};
    memset(in->counts, 0, (size_t)b->n * each * sizeof *in->counts);
    for (int32_t i = 0; i < b->n && !status; i++) {
        fpc_arena_reset(in->work);
        if (!(status = fpc_tta_predict(in->tta, in->work, b->image + i * pixels * 3, in->labels + i * pixels)))
            fpc_tta_count(in->s, b->mask + i * pixels, in->labels + i * pixels, pixels, in->counts + (size_t)i * each);
    }
    return status;
}

/* Which labels are taken for which, for --write. */
static void count_pairs(const fpc_experiment *s, const uint8_t *mask, const uint8_t *labels, int64_t pixels, totals *t)
{
    for (int64_t i = 0; i < pixels && t->confusion; i++)
        if (mask[i] != s->ignore && mask[i] < s->classes)
            t->confusion[mask[i] * s->classes + labels[i]]++;
}

static fpc_status confuse(source *in, const fpc_batch *b, totals *t)
{
    const fpc_status status = in->tta ? FPC_OK : fpc_predict_step(in->s, b->n, b->h, b->w, b->image, in->labels);

    if (!status)
        count_pairs(in->s, b->mask, in->labels, (int64_t)b->n * b->h * b->w, t);
    return status;
}

/* The next pictures, as many as a batch has, each at its own size. */
static fpc_status next_native(source *in, fpc_step_result *r, totals *t)
{
    const fpc_experiment *s = in->s;
    const size_t each = (size_t)s->classes * 3;
    fpc_status status;

    *r = (fpc_step_result){.tp_fp_fn = in->counts};
    memset(in->counts, 0, (size_t)in->batch_size * each * sizeof *in->counts);
    for (; r->images < in->batch_size && in->at < in->images; r->images++) {
        fpc_native_sample one;
        fpc_arena_reset(in->scratch);
        if ((status = fpc_data_read_native(s->data, in->scratch, in->part, in->at++, &one)))
            return status;
        const fpc_image picture = {one.w, one.h, 3, one.image};
        const int64_t pixels = (int64_t)one.w * one.h;
        uint8_t *labels = fpc_alloc(in->scratch, (size_t)pixels);
        if (!labels)
            return FPC_ENOMEM;
        if ((status = fpc_tta_mask(in->tta, in->scratch, &picture, labels)))
            return status;
        fpc_tta_count(s, one.mask, labels, pixels, in->counts + (size_t)r->images * each);
        count_pairs(s, one.mask, labels, pixels, t);
    }
    return FPC_OK;
}

/* The counts of the next batch; images 0: there is none. */
static fpc_status next_result(source *in, fpc_step_result *r, totals *t)
{
    const fpc_batch *batch;
    fpc_status status;

    if (in->native)
        return next_native(in, r, t);
    *r = (fpc_step_result){0};
    if ((status = next_batch(in, &batch)) || !batch)
        return status;
    status = in->tta ? average(in, batch, r) : fpc_eval_step(in->s, batch, r);
    return status || !t->confusion ? status : confuse(in, batch, t);
}

static fpc_status measure(fpc_cmdline *cmd, source *in, totals *t)
{
    const fpc_experiment *s = in->s;
    const double began = fpc_clock_now();
    fpc_step_result r;
    fpc_status status = in->part == FPC_TRAIN || in->native ? FPC_OK : fpc_data_start(s->data, in->part, 0, 0);

    for (int32_t i = 0; i < s->n_metrics; i++)
        FPC_CALL_VOID(s->metric[i].inst.who, metric_of(s, i)->reset(s->metric[i].inst.self, s->classes));
    while (!status && !(status = next_result(in, &r, t)) && r.images) {
        add_batch(s, &r, t);
        fpc_show_progress(t->images, in->images, "pictures", began);
        if (fpc_ctx_cancelled(cmd->ctx) && t->images < in->images)
            status = fpc_fail(cmd->ctx, FPC_ECANCEL, "interrupted after %lld of %lld pictures", (long long)t->images,
                              (long long)in->images);
    }
    fpc_end_progress();
    return status;
}

static fpc_part part_named(const char *name)
{
    return !strcmp(name, "train") ? FPC_TRAIN : !strcmp(name, "val") ? FPC_VAL : !strcmp(name, "test") ? FPC_TEST : 0;
}

/* A row per class: share of labelled and of predicted pixels, and every metric that has values per class. */
static fpc_status print_classes(fpc_cmdline *cmd, const fpc_experiment *s, const totals *t)
{
    enum { FIRST = 4 };
    const fpc_dataset_info *info = fpc_data_info(s->data);
    const size_t classes = (size_t)s->classes;
    fpc_report report = {.arena = cmd->arena};
    fpc_column *column = fpc_alloc(cmd->arena, sizeof *column * (size_t)(FIRST + s->n_metrics + 1));
    double *value = fpc_alloc(cmd->arena, sizeof *value * classes * (size_t)(s->n_metrics + 1));
    double labelled = 0;
    int32_t n = 0;

    if (!column || !value)
        return FPC_ENOMEM;
    for (size_t c = 0; c < classes; c++)
        labelled += (double)t->labelled[c];
    column[0] = (fpc_column){"index", "index", FPC_AS_COUNT, NULL};
    column[1] = (fpc_column){"class", "class", FPC_AS_TEXT, NULL};
    column[2] = (fpc_column){"labelled", "label %", FPC_AS_FINE, NULL};
    column[3] = (fpc_column){"predicted", "predict %", FPC_AS_FINE, NULL};
    for (int32_t i = 0; i < s->n_metrics; i++)
        if (metric_of(s, i)->per_class) {
            metric_of(s, i)->per_class(s->metric[i].inst.self, value + (size_t)n * classes);
            column[FIRST + n++] = (fpc_column){s->metric[i].label, s->metric[i].label, FPC_AS_FINE, NULL};
        }
    fpc_table *table = fpc_table_new(&report, "classes", column);
    for (size_t c = 0; c < classes; c++) {
        fpc_cell *row = fpc_report_row(&report, table);
        row[0] = fpc_cell_number((double)c);
        row[1] = fpc_cell_text(info->class_names ? info->class_names[c] : "");
        row[2] = fpc_cell_number(labelled > 0 ? 100 * (double)t->labelled[c] / labelled : 0);
        row[3] = fpc_cell_number(labelled > 0 ? 100 * (double)t->predicted[c] / labelled : 0);
        for (int32_t i = 0; i < n; i++)
            row[FIRST + i] = fpc_cell_number(value[(size_t)i * classes + c]);
    }
    if (report.failed)
        return FPC_ENOMEM;
    fpc_print("\n");
    return fpc_table_print(cmd->arena, table, "");
}

/* A term whose weights of classes nobody knows has no value, and so has the sum. */
static void print_losses(const fpc_experiment *s, const totals *t)
{
    int assumed = 0;

    for (int32_t i = 0; i < n_terms(s); i++)
        if (s->loss[i].assumed) {
            assumed = 1;
            fpc_log(s->ctx, FPC_LOG_WARN,
                    "[%s] is not measured: its weights of classes come from the training masks, which are not here, "
                    "and these weights do not hold their counts; give the numbers as %s.class_weights",
                    s->loss[i].inst.self->label, s->loss[i].inst.self->label);
        }
    if (!assumed)
        fpc_print("loss: %.9g\n", t->loss / (double)t->images);
    for (int32_t i = 0; i < n_terms(s); i++)
        if (!s->loss[i].assumed)
            fpc_print("loss.%s: %.9g\n", s->loss[i].label, t->term[i] / (double)t->images);
}

/* Where no training masks are and the weights do not tell of theirs, the metrics can be measured all the same. */
static fpc_status stand_in(fpc_experiment *s)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);

    return s->labels.pixels || (info->count[FPC_TRAIN] > 0 && !info->unlabelled[FPC_TRAIN]) ? FPC_OK
                                                                                            : fpc_labels_assume(s);
}

static void print_totals(const fpc_experiment *s, const totals *t, int losses)
{
    if (losses)
        print_losses(s, t);
    for (int32_t i = 0; i < s->n_metrics; i++)
        fpc_print("%s: %.9g\n", s->metric[i].label,
                  FPC_CALL(s->metric[i].inst.who, metric_of(s, i)->value(s->metric[i].inst.self)));
}

/* validation.safetensors of weights that were trained elsewhere or otherwise. */
static fpc_status write_validation(fpc_cmdline *cmd, const source *in, const totals *t, const char *weights,
                                   const char *path)
{
    const fpc_dataset_info *info = fpc_data_info(in->s->data);
    const char **name = fpc_alloc(cmd->arena, sizeof *name * (size_t)in->images);
    const char *text;
    int64_t epoch = 0;
    fpc_st_file *file;
    fpc_status status = name ? fpc_st_read(cmd->ctx, cmd->arena, weights, &file) : FPC_ENOMEM;

    for (int64_t i = 0; i < in->images && !status; i++) {
        char id[256];
        if (!(status = fpc_data_name(in->s->data, in->part, i, id, sizeof id)) &&
            !(name[i] = fpc_strdup(cmd->arena, id)))
            status = FPC_ENOMEM;
    }
    if (status)
        return status;
    if ((text = fpc_st_meta_find(file, "epoch"))) /* those of a run say of which epoch they are */
        epoch = strtoll(text, NULL, 10);
    const fpc_validation v = {.epoch = epoch > 0 ? epoch : 1,
                              .images = in->images,
                              .batch = in->batch_size,
                              .classes = in->s->classes,
                              .counts = t->counts,
                              .confusion = t->confusion,
                              .image_name = name,
                              .class_name = info->class_names,
                              .n_pairs = info->n_mirror_pairs,
                              .pairs = info->mirror_pairs,
                              .native = in->native};
    if (!(status = fpc_validation_write(cmd->ctx, path, &v)))
        fpc_print("\n%s: counts of %lld pictures\n", path, (long long)in->images);
    return status;
}

static fpc_status make_room(fpc_cmdline *cmd, source *in, totals *t, int keep)
{
    const fpc_dataset_info *info = fpc_data_info(in->s->data);
    const size_t classes = (size_t)in->s->classes, most = (size_t)in->batch_size;

    t->labelled = fpc_alloc(cmd->arena, sizeof *t->labelled * classes);
    t->predicted = fpc_alloc(cmd->arena, sizeof *t->predicted * classes);
    in->counts = fpc_alloc(cmd->arena, sizeof *in->counts * most * classes * 3);
    in->labels = fpc_alloc(cmd->arena, most * (size_t)info->h * (size_t)info->w);
    if (keep) {
        t->counts = fpc_alloc(cmd->arena, sizeof *t->counts * (size_t)in->images * classes * 3);
        t->confusion = fpc_alloc(cmd->arena, sizeof *t->confusion * classes * classes);
    }
    return t->labelled && t->predicted && in->counts && in->labels && (!keep || (t->counts && t->confusion))
               ? FPC_OK
               : FPC_ENOMEM;
}

static fpc_status check_part(fpc_cmdline *cmd, const source *in, const char *part_name)
{
    if (in->images && !fpc_data_info(in->s->data)->unlabelled[in->part])
        return FPC_OK;
    return fpc_fail(cmd->ctx, FPC_EINVAL,
                    in->images ? "fpcore eval: the part `%s` of the data set has no labels to compare with; "
                                 "`fpcore predict` writes masks for its pictures"
                               : "fpcore eval: the part `%s` of the data set has no pictures",
                    part_name);
}

typedef struct wishes {
    const char *part, *post, *write; /* words of the command line; the last two may be NULL */
    fpc_tta how;
    fpc_tiles tiles;
    int native;
} wishes;

static void print_how(const fpc_cmdline *cmd, const wishes *w, const fpc_dataset_info *info)
{
    if (w->native)
        fpc_print("measured at: the size of each picture, on the masks that fpcore predict writes\n");
    else
        fpc_print("measured at: %d x %d (height x width), the size of the data set\n", info->h, info->w);
    if (w->tiles.side)
        fpc_print("tiles: %d x %d, overlapping by %d\n", w->tiles.side, w->tiles.side, w->tiles.overlap);
    if (fpc_tta_on(&w->how))
        fpc_print("average of: %s\n", fpc_tta_text(cmd->arena, &w->how));
    if (w->post)
        fpc_print("changed by: %s\n", fpc_report_clean(cmd->arena, w->post));
}

static fpc_status evaluate(fpc_cmdline *cmd, fpc_predictor *predictor, const wishes *w)
{
    fpc_experiment *s = fpc_predictor_experiment(predictor);
    const fpc_part part = part_named(w->part);
    totals t = {0};
    const fpc_post *post;
    fpc_status status = fpc_predictor_post(predictor, w->post, &post);
    const fpc_dataset_info *info = fpc_data_info(s->data);
    const int64_t batch = fpc_data_options_of(s->data)->batch;
    source in = {.s = s,
                 .part = part,
                 .images = info->count[part],
                 .native = w->native,
                 .tta = fpc_tta_on(&w->how) || w->native || post ? fpc_predictor_tta(predictor) : NULL};
    in.batch_size = batch < in.images ? batch : in.images;
    if (status || (status = check_part(cmd, &in, w->part)) || (status = stand_in(s)) ||
        (status = make_room(cmd, &in, &t, w->write != NULL)))
        return status;
    in.scratch = fpc_arena_new(cmd->ctx);
    in.work = fpc_arena_new(cmd->ctx);
    fpc_tta_cut(fpc_predictor_tta(predictor), w->tiles, (fpc_tta_watch){NULL, NULL});
    status = in.scratch && in.work ? measure(cmd, &in, &t) : FPC_ENOMEM;
    fpc_arena_free(in.scratch);
    fpc_arena_free(in.work);
    if (status)
        return status;
    fpc_print("part: %s\nimages: %lld\n", w->part, (long long)t.images);
    print_how(cmd, w, info);
    print_totals(s, &t, !in.tta);
    status = print_classes(cmd, s, &t);
    return status || !w->write ? status : write_validation(cmd, &in, &t, fpc_predictor_weights(predictor), w->write);
}

static fpc_status run(fpc_cmdline *cmd)
{
    const char *scales = NULL, *tiled = NULL, *overlap = NULL;
    int flip = 0, no_exchange = 0;
    unsigned what = FPC_OPEN_DATA | FPC_OPEN_TRAIN;
    fpc_predictor *predictor;
    fpc_predictor_args open = fpc_cmd_predictor(cmd);
    wishes w = {.part = "val"};
    const fpc_arg args[] = {{"weights", 'w', FPC_ARG_TEXT, 1, &open.weights},
                            {"part", 0, FPC_ARG_TEXT, 0, &w.part},
                            {"scales", 0, FPC_ARG_TEXT, 0, &scales},
                            {"flip", 0, FPC_ARG_FLAG, 0, &flip},
                            {"no-exchange", 0, FPC_ARG_FLAG, 0, &no_exchange},
                            {"native", 0, FPC_ARG_FLAG, 0, &w.native},
                            {"tiles", 0, FPC_ARG_TEXT, 0, &tiled},
                            {"overlap", 0, FPC_ARG_TEXT, 0, &overlap},
                            {"post", 0, FPC_ARG_TEXT, 0, &w.post},
                            {"write", 0, FPC_ARG_TEXT, 0, &w.write},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (status || (status = fpc_tta_read(cmd->ctx, "eval", scales, flip, no_exchange, &w.how)) ||
        (status = fpc_tta_read_tiles(cmd->ctx, "eval", tiled, overlap, &w.tiles)))
        return status;
    if (w.tiles.side && !w.native)
        return fpc_fail(
            cmd->ctx, FPC_EINVAL,
            "fpcore eval: --tiles cuts pictures of their own size, and here they have that of the data set; "
            "add --native");
    if (!part_named(w.part))
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore eval: --part %s: not one of train, val, test", w.part);
    fpc_predictor_take_tta(&open, &w.how);
    if (!cmd->recipe) /* one that is given is checked whole; that of the weights was, when they were trained */
        what |= FPC_OPEN_USED;
    if (!(status = fpc_predictor_open_in(cmd->ctx, &open, what, &predictor)))
        status = evaluate(cmd, predictor, &w);
    fpc_predictor_close(predictor);
    return status;
}

const fpc_cmd fpc_cmd_eval = {
    .name = "eval",
    .place = 70,
    .summary = "Measure weights on a part of the data set.",
    .needs_recipe = 0,
    .interrupted = "stopping after this batch",
    .run = run,
    .help =
        "usage: fpcore eval [-c RECIPE] -w RUN|WEIGHTS.safetensors [-s SECTION.KEY=VALUE]... [--part train|val|test]\n"
        "                   [--native [--tiles N [--overlap M]]] [--scales S,S...] [--flip [--no-exchange]]\n"
        "                   [--post FILE] [--write FILE]\n"
        "\n"
        "Prints every metric and loss term of the recipe, in lines `NAME: VALUE`, and a table with a row for each "
        "class.\n"
        "Training pictures are taken without augmentation.\n"
        "\n"
        "  -c RECIPE            default: that of the run folder, or what the weights hold; these have no paths:\n"
        "                       -s dataset.root=FOLDER\n"
        "  -w, --weights FILE   a run folder (its best.safetensors), weights of one, moved elsewhere or not, or a\n"
        "                       PyTorch state dict as safetensors (with -c)\n"
        "  --part PART          train, val (default) or test\n"
        "  --native             measure at the pictures' own size, on the masks that predict and submit write, "
        "instead\n"
        "                       of at dataset.size; there is no loss then\n"
        "  --tiles N            with --native: on the masks that predict --tiles N writes\n"
        "  --overlap M          pixels that neighbouring tiles share at least (default: a quarter of N)\n"
        "  --scales S,S...      predict from the mean probabilities at these sizes, 1 being the data set's\n"
        "  --flip               and those of the mirrored pictures, mirrored back\n"
        "  --no-exchange        leave the labels of the mirrored branch as they are: for models trained so\n"
        "  --post FILE          with what fpcore tune found; there is no loss then\n"
        "  --write FILE         a validation.safetensors of these weights, for `fpcore compare`\n"
        "\n"
        "example: fpcore eval -w runs/quickstart-*\n"};
