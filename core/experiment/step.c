/* step.c: from the opened stages to graphs, and from graphs to steps: one optimizer step, one evaluated batch, one
 * prediction. A program is compiled for each batch size that occurs and kept; all share the activation memory. */
#include "graph/ops/table.h"
#include "graph/passes.h"
#include "experiment/step.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- graphs ---- */

fpc_status fpc_experiment_model(fpc_experiment *s, fpc_graph *g, fpc_val image, fpc_val *logits)
{
    const fpc_model_vtbl *v = s->model.vtbl;
    const fpc_shape x = fpc_shape_of(g, image);
    fpc_model_io io = {.size = sizeof io, .image = image, .classes = s->classes, .logits = {-1}};
    fpc_status status;
    if ((status = v->build(s->model.self, g, &io)) || (status = fpc_graph_check(g)))
        return status;
    const fpc_shape z = fpc_shape_of(g, io.logits);
    if (io.logits.id < 0 || z.c != s->classes || z.n != x.n)
        return fpc_fail(s->ctx, FPC_EINVAL,
                        "model %s gives logits of %s for %s pictures; %d channels are wanted, one a class",
                        s->model.plugin->name, fpc_shape_text(z), fpc_shape_text(x), s->classes);
    *logits = fpc_resize(g, io.logits, x.h, x.w, 0);
    return FPC_OK;
}

/* The fused loss counts tp, fp, fn on the way; a recipe whose terms do not use it gets a node that does. Mixed pictures
 * are counted by their first mask. */
static fpc_val counts_of(fpc_graph *g, fpc_val logits, const fpc_target *target)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->node[i].def->name, "seg_loss") && g->node[i].in[0] == logits.id &&
            g->node[i].in[1] == target->mask.id)
            return (fpc_val){g->node[i].out[3]};
    fpc_target own = *target;
    own.mask_b = (fpc_val){-1};
    const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY};
    const fpc_val v = fpc_seg_loss(g, "counts", logits, &own, FPC_ATTR(ce));
    return v.id < 0 ? v : (fpc_val){g->node[g->value[v.id].node].out[3]};
}

static fpc_status label_pixels(void *source, const int64_t **pixels, const int64_t **images)
{
    return fpc_data_label_counts(source, pixels, images, NULL);
}

/* Outputs loss, terms and counts; input loss.weights. */
static fpc_status build_losses(fpc_experiment *s, fpc_graph *g, fpc_val logits, fpc_augmented from, fpc_val *loss)
{
    const fpc_target target = {.size = sizeof target,
                               .mask = from.mask,
                               .mask_b = from.mask_b,
                               .lambda = from.lambda,
                               .classes = s->classes,
                               .ignore = s->ignore,
                               .label_pixels = s->data ? label_pixels : NULL,
                               .source = s->data};
    fpc_val in[FPC_STEP_TERMS + 1];
    for (int32_t i = 0; i < s->n_losses; i++) {
        const fpc_loss_vtbl *v = s->loss[i].inst.vtbl;
        fpc_loss_io io = {.size = sizeof io, .logits = logits, .target = &target, .term = {-1}};
        fpc_status status;
        if ((status = v->build(s->loss[i].inst.self, g, &io)) || (status = fpc_graph_check(g)))
            return status;
        if (io.term.id < 0 || fpc_count(fpc_shape_of(g, io.term)) != 1)
            return fpc_fail(s->ctx, FPC_EINVAL, "[%s]: plugin %s must end in one number (1,1,1,1), not %s",
                            s->loss[i].inst.self->label, s->loss[i].inst.plugin->name,
                            fpc_shape_text(fpc_shape_of(g, io.term)));
        in[i + 1] = io.term;
    }
    in[0] = fpc_input(g, "loss.weights", fpc_vector(s->n_losses), g->real);
    *loss = fpc_op(g, "combine", "loss", s->n_losses + 1, in, NULL, 0, NULL);
    fpc_output_mark(g, "loss", *loss);
    fpc_output_mark(g, "terms", fpc_concat(g, s->n_losses, in + 1));
    fpc_output_mark(g, "counts", counts_of(g, logits, &target));
    return fpc_graph_check(g);
}

uint32_t fpc_half_of(const fpc_experiment *s)
{
    const uint32_t p = s->backend->device.precision;
    return p == FPC_HALF_BF16 ? FPC_BF16 : p == FPC_HALF_FP16 ? FPC_F16 : 0;
}

/* What the device wants of the finished graph. */
static fpc_status lower(fpc_experiment *s, fpc_graph *g, int training)
{
    const uint32_t half = training || !s->run.eval_precision ? fpc_half_of(s) : 0;
    const fpc_status status = s->backend->device.fuses ? fpc_fuse(g) : FPC_OK;
    return status || !half ? status : fpc_narrow(g, half);
}

/* What the backward pass starts from: the loss, in fp16 times a factor that keeps small gradients above zero. */
static fpc_val scaled_loss(fpc_experiment *s, fpc_graph *g)
{
    const fpc_val loss = fpc_output_find(g, "$loss");
    const fpc_slice_attr factor = {0, 1, 4};
    if (!s->state->scaler)
        return loss;
    const fpc_val state = fpc_buffer(g, "$scaler", 1, fpc_vector(4), FPC_F32, FPC_FILL_ZERO);
    return fpc_mul(g, loss, fpc_op(g, "slice", "loss scaling", 1, &state, FPC_ATTR(factor), NULL));
}

/* Rewrites, and for training the backward pass; what nobody needs goes. */
static fpc_status finish_graph(fpc_experiment *s, fpc_graph *g, int backward, fpc_val loss)
{
    fpc_output_mark(g, "$loss", loss);
    fpc_status status = fpc_rewrite(g, (int)s->run.rewrite);
    if (status || !backward)
        return status ? status : lower(s, g, g->training);
    g->n_grads = s->state->n_params;
    g->grad = fpc_alloc(g->arena, (size_t)g->n_grads * sizeof *g->grad);
    if (!g->grad)
        return FPC_ENOMEM;
    if ((status = fpc_autodiff(g, scaled_loss(s, g), g->n_grads, g->grad)) ||
        (status = fpc_graph_sweep(g, g->n_grads, g->grad)))
        return status;
    return lower(s, g, 1);
}

/* The pictures and masks of a batch: inputs, or taken out of the data set that lies on the device. */
static void input_images(fpc_experiment *s, fpc_graph *g, fpc_program_kind kind, int32_t n, int32_t h, int32_t w,
                         fpc_val *image, fpc_val *mask)
{
    const fpc_shape all = s->programs->resident ? fpc_resident_shape(s->programs->resident) : (fpc_shape){0};
    const int batches = kind == FPC_PROGRAM_TRAIN || kind == FPC_PROGRAM_EVAL || kind == FPC_PROGRAM_STATS;
    *mask = (fpc_val){-1};
    if (!batches || !all.n) {
        *image = fpc_input(g, "image", (fpc_shape){n, h, w, 3}, FPC_U8);
        if (kind != FPC_PROGRAM_PREDICT)
            *mask = fpc_input(g, "mask", (fpc_shape){n, h, w, 1}, FPC_U8);
        return;
    }
    const fpc_val index = fpc_input(g, "index", (fpc_shape){n, 1, 1, 1}, FPC_I32);
    const fpc_val from[2] = {fpc_buffer(g, "$images", 1, all, FPC_U8, FPC_FILL_ZERO),
                             fpc_buffer(g, "$masks", 1, (fpc_shape){all.n, h, w, 1}, FPC_U8, FPC_FILL_ZERO)};
    *image = fpc_op(g, "take", "images", 2, (fpc_val[]){from[0], index}, NULL, 0, NULL);
    *mask = fpc_op(g, "take", "masks", 2, (fpc_val[]){from[1], index}, NULL, 0, NULL);
}

static fpc_status build_step(fpc_experiment *s, fpc_program_kind kind, int32_t n, int32_t h, int32_t w, fpc_graph **out)
{
    fpc_graph *g;
    const int training = kind == FPC_PROGRAM_TRAIN || kind == FPC_PROGRAM_STATS;
    const int draws = training || kind == FPC_PROGRAM_LABELS || kind == FPC_PROGRAM_AUGMENTED;
    fpc_status status = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, training, &g);
    if (status)
        return status;
    fpc_val image, mask, logits, loss = {-1};
    input_images(s, g, kind, n, h, w, &image, &mask);
    const fpc_augmented in = fpc_augments_build(draws ? fpc_data_augments(s->data) : NULL, g, image, mask);
    if (kind == FPC_PROGRAM_LABELS || kind == FPC_PROGRAM_AUGMENTED) {
        *out = g;
        fpc_output_mark(g, "labels", in.mask);
        if (kind == FPC_PROGRAM_AUGMENTED)
            fpc_output_mark(g, "augmented", in.image);
        status = fpc_graph_check(g);
        return status ? status : fpc_rewrite(g, 0);
    }
    status = fpc_experiment_model(s, g, in.image, &logits);
    if (kind == FPC_PROGRAM_STATS) { /* no output: the statistics are effects, the rest goes */
        *out = g;
        if (!status)
            status = fpc_rewrite(g, (int)s->run.rewrite);
        return status ? status : lower(s, g, 1);
    }
    if (!status && kind == FPC_PROGRAM_PREDICT) {
        const fpc_resize_attr same = {h, w, 0};
        fpc_output_mark(g, "labels", fpc_op(g, "seg_argmax", "labels", 1, &logits, FPC_ATTR(same), NULL));
    } else if (!status) {
        status = build_losses(s, g, logits, in, &loss);
    }
    if (!status)
        status = finish_graph(s, g, kind == FPC_PROGRAM_TRAIN, loss);
    *out = g;
    return status;
}

struct fpc_programs *fpc_programs_of(fpc_experiment *s)
{
    if (!s->programs)
        s->programs = fpc_alloc(s->arena, sizeof *s->programs);
    return s->programs;
}

fpc_status fpc_steps_program(fpc_experiment *s, fpc_program_kind kind, int32_t n, int32_t h, int32_t w,
                             fpc_program **out)
{
    struct fpc_programs *all = fpc_programs_of(s);
    fpc_graph *g;
    if (!all)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < all->n; i++)
        if (all->item[i].kind == kind && all->item[i].n == n && all->item[i].h == h && all->item[i].w == w) {
            *out = all->item[i].program;
            return FPC_OK;
        }
    if (all->n == FPC_MAX_PROGRAMS)
        return fpc_fail(s->ctx, FPC_EINTERNAL, "more than %d sizes of batches", FPC_MAX_PROGRAMS);
    fpc_status status = build_step(s, kind, n, h, w, &g);
    if (!status)
        status = fpc_program_compile(s->ctx, s->arena, s->state, g, out);
    if (!status)
        all->item[all->n++] = (fpc_compiled){kind, n, h, w, *out};
    return status;
}

/* ---- steps ---- */

fpc_status fpc_steps_write(fpc_experiment *s, fpc_program *p, const char *input, uint32_t dtype, const void *host,
                           int64_t count)
{
    return s->programs->queueing ? fpc_queue_write(s->programs->queue, p, input, dtype, host, count)
                                 : fpc_program_write(p, input, dtype, host, count);
}

static fpc_status write_draws(fpc_experiment *s, fpc_program *p, const fpc_batch *b)
{
    const fpc_augments *a = fpc_data_augments(s->data);
    fpc_status status = FPC_OK;
    for (int32_t i = 0; a && i < a->n_inputs && !status; i++)
        if (fpc_program_has(p, a->input[i].name))
            status =
                fpc_steps_write(s, p, a->input[i].name, a->input[i].dtype, b->draws.data[i], b->n * a->input[i].count);
    return status;
}

static fpc_status write_clock(fpc_experiment *s, fpc_program *p, int64_t count)
{
    const uint64_t seed = (uint64_t)s->run.seed;
    const int32_t clock[4] = {(int32_t)(uint32_t)seed, (int32_t)(uint32_t)(seed >> 32), (int32_t)(uint32_t)count, 0};
    return fpc_program_has(p, "clock") ? fpc_steps_write(s, p, "clock", FPC_I32, clock, 4) : FPC_OK;
}

static fpc_status write_weights(fpc_experiment *s, fpc_program *p, const double *share)
{
    double w[FPC_STEP_TERMS];
    for (int32_t t = 0; t < s->n_losses; t++)
        w[t] = s->loss[t].weight * (share ? share[t] : 1);
    return fpc_steps_write(s, p, "loss.weights", FPC_F64, w, s->n_losses);
}

static fpc_status write_batch(fpc_experiment *s, fpc_program *p, const fpc_batch *b)
{
    const int64_t area = (int64_t)b->n * b->h * b->w;
    if (s->programs->resident)
        return fpc_resident_write(s->programs->resident, s, p, b);
    const fpc_status status = fpc_steps_write(s, p, "image", FPC_U8, b->image, area * 3);
    return status || !fpc_program_has(p, "mask") ? status : fpc_steps_write(s, p, "mask", FPC_U8, b->mask, area);
}

fpc_status fpc_steps_inputs(fpc_experiment *s, fpc_program *p, const fpc_batch *b, int64_t clock, const double *share)
{
    fpc_status status = write_batch(s, p, b);
    if (!status)
        status = write_draws(s, p, b);
    if (!status)
        status = write_clock(s, p, clock);
    return status || !fpc_program_has(p, "loss.weights") ? status : write_weights(s, p, share);
}

/* Normalisers of each term, so that micro-batches add up to what one large batch gives. mask: after augmentation, which
 * may have moved labels out of the picture. */
static void term_norms(const fpc_experiment *s, const fpc_batch *b, const uint8_t *mask, double *norm)
{
    int64_t pixels[FPC_MAX_CLASSES] = {0}, images = 0, labelled = 0;
    const int64_t area = (int64_t)b->h * b->w;
    for (int32_t i = 0; i < b->n; i++) {
        int64_t here = 0;
        for (int64_t p = 0; p < area; p++) {
            const int32_t label = mask[i * area + p];
            if (label != s->ignore && label < s->classes)
                pixels[label]++, here++;
        }
        images += here > 0;
        labelled += here;
    }
    const fpc_label_counts counts = {sizeof counts, images, s->classes, pixels};
    for (int32_t t = 0; t < s->n_losses; t++) {
        const fpc_loss_vtbl *v = s->loss[t].inst.vtbl;
        norm[t] = v->norm ? v->norm(s->loss[t].inst.self, &counts) : (double)labelled;
    }
}

/* The normalisers of every micro-batch, [n_micro][n_losses], and their totals. */
static fpc_status all_norms(fpc_experiment *s, int32_t n_micro, const fpc_batch *const *batches, double *norm,
                            double *total)
{
    const fpc_augments *a = fpc_data_augments(s->data);
    for (int32_t k = 0; k < n_micro; k++) {
        const fpc_batch *b = batches[k];
        const int64_t pixels = (int64_t)b->n * b->h * b->w;
        fpc_program *p;
        uint8_t *mask = NULL;
        fpc_status status = FPC_OK;
        if (a && a->changes_labels) {
            mask = malloc((size_t)pixels);
            status = mask ? fpc_steps_program(s, FPC_PROGRAM_LABELS, b->n, b->h, b->w, &p)
                          : fpc_fail(s->ctx, FPC_ENOMEM, "no memory for %d masks", b->n);
            if (!status)
                status = fpc_program_write(p, "mask", FPC_U8, b->mask, pixels);
            if (!status)
                status = write_draws(s, p, b);
            if (!status)
                status = fpc_program_run(p);
            if (!status)
                status = fpc_program_read(p, "labels", FPC_U8, mask, pixels);
        }
        if (!status)
            term_norms(s, b, mask ? mask : b->mask, norm + k * s->n_losses);
        free(mask);
        if (status)
            return status;
        for (int32_t t = 0; t < s->n_losses; t++)
            total[t] += norm[k * s->n_losses + t];
    }
    return FPC_OK;
}

/* Adds one batch's loss, terms and counts to the result. */
static fpc_status read_results(fpc_experiment *s, fpc_program *p, const double *share, fpc_step_result *out, int32_t n)
{
    struct fpc_programs *all = s->programs;
    double loss = 0, term[FPC_STEP_TERMS];
    const int64_t per_image = (int64_t)s->classes * 3, need = (out->images + n) * per_image;
    if (need > all->cap_counts) {
        int32_t *more = fpc_alloc(s->arena, (size_t)need * 2 * sizeof *more);
        if (!more)
            return FPC_ENOMEM;
        if (out->images)
            memcpy(more, all->counts, (size_t)(out->images * per_image) * sizeof *more);
        all->counts = more;
        all->cap_counts = need * 2;
    }
    fpc_status status;
    if ((status = fpc_program_read(p, "loss", FPC_F64, &loss, 1)) ||
        (status = fpc_program_read(p, "terms", FPC_F64, term, s->n_losses)) ||
        (status = fpc_program_read(p, "counts", FPC_I32, all->counts + out->images * per_image, n * per_image)))
        return status;
    out->loss += loss;
    for (int32_t t = 0; t < s->n_losses; t++)
        out->term[t] += term[t] * (share ? share[t] : 1);
    out->images += n;
    out->tp_fp_fn = all->counts;
    return FPC_OK;
}

fpc_status fpc_steps_diverged(fpc_experiment *s, fpc_program *p, int64_t step, const char *what, double value)
{
    const char *where = fpc_program_find_nan(p);
    return fpc_fail(
        s->ctx, FPC_ENAN,
        "step %lld: the %s is %g; the first value that is not finite comes out of %s. The last checkpoint is good; "
        "a lower optimizer.lr or run.clip_norm = 1 may help",
        (long long)step, what, fabs(value), where ? where : "no node (the sum overflowed)");
}

static fpc_status need_labels(fpc_experiment *s, const fpc_batch *b)
{
    return b->mask ? FPC_OK
                   : fpc_fail(s->ctx, FPC_EINVAL, "these pictures have no labels; losses and metrics need them");
}

/* Runs the micro-batches of a step forward and backward; out NULL: once more, at other parameters, for the gradient
 * alone. *last: the last program, for diverged. */
static fpc_status gradient(fpc_experiment *s, int32_t n_micro, const fpc_batch *const *batches, int64_t step,
                           const double *total, fpc_step_result *out, fpc_program **last)
{
    struct fpc_programs *all = s->programs;
    const int accumulating = s->run.accumulate > 1;
    double share[FPC_STEP_TERMS], loss = 0;
    fpc_program *p = NULL;
    fpc_status status = accumulating ? fpc_program_run(all->clear) : FPC_OK;
    for (int32_t k = 0; k < n_micro && !status; k++) {
        const fpc_batch *b = batches[k];
        for (int32_t t = 0; t < s->n_losses; t++)
            share[t] = n_micro > 1 && total[t] > 0 ? all->norms[k * s->n_losses + t] / total[t] : 1;
        status = fpc_steps_program(s, FPC_PROGRAM_TRAIN, b->n, b->h, b->w, &p);
        if (!status)
            status = fpc_steps_inputs(s, p, b, step * s->run.accumulate + k, share);
        if (!status)
            status = fpc_program_run(p);
        if (!status)
            status = out ? read_results(s, p, share, out, b->n) : fpc_program_read(p, "loss", FPC_F64, &loss, 1);
        loss = out ? out->loss : loss;
        if (!status && !isfinite(loss))
            return fpc_steps_diverged(s, p, step, out ? "loss" : "loss at the weights that optimizer.sam tries", loss);
        status = status || !accumulating ? status : fpc_program_run(all->accumulate);
    }
    *last = p;
    return status;
}

typedef struct step_args { /* of the step under way, for the second gradient of optimizer.sam */
    fpc_experiment *s;
    int32_t n_micro;
    const fpc_batch *const *batches;
    int64_t step;
    const double *total;
    fpc_program *last;
    int uphill; /* the second gradient was made */
} step_args;

/* Same batches, same draws, same dropout at other weights. */
static fpc_status second_gradient(void *arg)
{
    step_args *a = arg;
    a->uphill = 1;
    return gradient(a->s, a->n_micro, a->batches, a->step, a->total, NULL, &a->last);
}

static fpc_status prepare_step(fpc_experiment *s, int32_t n_micro, const fpc_batch *const *batches, double *total)
{
    struct fpc_programs *all = fpc_programs_of(s);
    fpc_status status = !all ? FPC_ENOMEM
                        : s->state->grad
                            ? FPC_OK
                            : fpc_fail(s->ctx, FPC_EINTERNAL, "opened to evaluate only, and asked to train");
    for (int32_t k = 0; k < n_micro && !status; k++)
        status = need_labels(s, batches[k]);
    if (!status && s->run.accumulate > 1 && !all->accumulate)
        status = fpc_update_accumulate(s);
    if (!status && n_micro > all->cap_norms) {
        all->norms = fpc_alloc(s->arena, (size_t)n_micro * FPC_STEP_TERMS * sizeof *all->norms);
        all->cap_norms = all->norms ? n_micro : 0;
        status = all->norms ? FPC_OK : FPC_ENOMEM;
    }
    if (status || n_micro == 1)
        return status;
    fpc_program *p; /* made before the normalisers are asked for: losses may take class weights from the data */
    status = fpc_steps_program(s, FPC_PROGRAM_TRAIN, batches[0]->n, batches[0]->h, batches[0]->w, &p);
    return status ? status : all_norms(s, n_micro, batches, all->norms, total);
}

fpc_status fpc_train_step(fpc_experiment *s, int32_t n_micro, const fpc_batch *const *batches, int64_t step, double lr,
                          fpc_step_result *out)
{
    double total[FPC_STEP_TERMS] = {0};
    step_args a = {s, n_micro, batches, step, total, NULL, 0};
    *out = (fpc_step_result){0};
    fpc_status status;
    if ((status = prepare_step(s, n_micro, batches, total)) || (status = fpc_state_keep_buffers(s->state, 0)))
        return status;
    status = gradient(s, n_micro, batches, step, total, out, &a.last);
    if (!status && s->sam > 0)
        status = fpc_update_ascend(s, second_gradient, &a);
    if (!status)
        status = fpc_update_apply(s, step, lr, &out->grad_norm);
    out->skipped = !status && !isfinite(out->grad_norm);
    if (status == FPC_ENAN && !isfinite(out->grad_norm))
        status = fpc_steps_diverged(s, a.last, step,
                                    a.uphill ? "norm of the gradient at the weights that optimizer.sam tries"
                                             : "norm of the gradient",
                                    out->grad_norm);
    if (status) /* batch norm has not seen a batch that failed */
        fpc_state_restore_buffers(s->state, 0);
    return status;
}

/* The k-th batch (from 1) of a pass that makes the running statistics again: each weighs 1/k when it comes, so that in
 * the end all count the same. */
fpc_status fpc_stats_step(fpc_experiment *s, const fpc_batch *b, int64_t step, int64_t k)
{
    fpc_program *p;
    fpc_status status = fpc_steps_program(s, FPC_PROGRAM_STATS, b->n, b->h, b->w, &p);
    if (status)
        return status;
    const fpc_graph *g = fpc_program_graph(p);
    if (g->n_nodes == 0) /* a model without such statistics */
        return FPC_OK;
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->node[i].def->name, "running_stats"))
            ((fpc_norm_attr *)g->node[i].attr)->momentum = (float)(1 / (double)k);
    fpc_program_changes(p);
    status = fpc_steps_inputs(s, p, b, step, NULL);
    return status ? status : fpc_program_run(p);
}

fpc_status fpc_eval_step(fpc_experiment *s, const fpc_batch *b, fpc_step_result *out)
{
    fpc_program *p;
    *out = (fpc_step_result){0};
    fpc_status status;
    if ((status = need_labels(s, b)) || (status = fpc_steps_program(s, FPC_PROGRAM_EVAL, b->n, b->h, b->w, &p)) ||
        (status = fpc_steps_inputs(s, p, b, 0, NULL)) || (status = fpc_program_run(p)))
        return status;
    return read_results(s, p, NULL, out, b->n);
}

fpc_status fpc_predict_step(fpc_experiment *s, int32_t n, int32_t h, int32_t w, const uint8_t *image, uint8_t *labels)
{
    fpc_program *p;
    fpc_status status;
    if ((status = fpc_steps_program(s, FPC_PROGRAM_PREDICT, n, h, w, &p)) ||
        (status = fpc_program_write(p, "image", FPC_U8, image, (int64_t)n * h * w * 3)) ||
        (status = fpc_program_run(p)))
        return status;
    return fpc_program_read(p, "labels", FPC_U8, labels, (int64_t)n * h * w);
}

fpc_status fpc_augmented_step(fpc_experiment *s, const fpc_batch *b, float *image, uint8_t *mask)
{
    const int64_t pixels = (int64_t)b->n * b->h * b->w;
    fpc_program *p;
    fpc_status status;
    if ((status = need_labels(s, b)) || (status = fpc_steps_program(s, FPC_PROGRAM_AUGMENTED, b->n, b->h, b->w, &p)) ||
        (status = fpc_steps_inputs(s, p, b, 0, NULL)) || (status = fpc_program_run(p)) ||
        (status = fpc_program_read(p, "augmented", FPC_F32, image, pixels * 3)))
        return status;
    return fpc_program_read(p, "labels", FPC_U8, mask, pixels);
}

/* ---- probes ---- */

static fpc_augmented plain_target(fpc_val mask)
{
    return (fpc_augmented){.image = {-1}, .mask = mask, .mask_b = {-1}, .lambda = {-1}};
}

static fpc_status build_probe(fpc_experiment *s, const fpc_probe_args *a, fpc_graph **out)
{
    fpc_graph *g;
    fpc_val logits, loss = {-1};
    fpc_status status = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, a->training, &g);
    if (status)
        return status;
    const fpc_val image = fpc_input(g, "image", (fpc_shape){a->n, a->h, a->w, 3}, g->real);
    status = fpc_experiment_model(s, g, image, &logits);
    if (!status && a->logits)
        fpc_output_mark(g, "logits", logits);
    if (!status && (a->loss || a->backward))
        status = build_losses(s, g, logits,
                              plain_target(fpc_input(g, "mask", (fpc_shape){a->n, a->h, a->w, 1}, FPC_U8)), &loss);
    if (!status)
        status = finish_graph(s, g, a->backward, loss);
    *out = g;
    return status;
}

fpc_status fpc_experiment_probe(fpc_experiment *s, const fpc_probe_args *a, fpc_program **out)
{
    fpc_graph *g;
    fpc_status status = build_probe(s, a, &g);
    if (!status)
        status = fpc_program_compile(s->ctx, s->arena, s->state, g, out);
    if (!status)
        status = write_clock(s, *out, 0);
    return status || !fpc_program_has(*out, "loss.weights") ? status : write_weights(s, *out, NULL);
}

fpc_status fpc_experiment_memory(fpc_experiment *s, int32_t n, int32_t h, int32_t w, size_t *bytes)
{
    fpc_graph *g;
    fpc_status status;
    if ((status = build_step(s, FPC_PROGRAM_TRAIN, n, h, w, &g)) ||
        (status = fpc_program_measure(s->ctx, s->arena, s->state, g, bytes)))
        return status;
    *bytes += s->backend->allocated;
    return FPC_OK;
}

static int fits(fpc_experiment *s, int32_t n, size_t *needed)
{
    return !fpc_experiment_memory(s, n, s->info.h, s->info.w, needed) && *needed <= s->backend->device.free;
}

fpc_status fpc_experiment_fit(fpc_experiment *s)
{
    const double mebi = 1048576, has = (double)s->backend->device.free;
    const int32_t batch = (int32_t)fpc_data_options_of(s->data)->batch;
    int32_t good = 0, bad = batch;
    size_t needed, other;
    if (!s->backend->device.free || fits(s, batch, &needed))
        return FPC_OK;
    if (fpc_ctx_status(s->ctx) != FPC_OK) /* it is something else that is wrong */
        return fpc_ctx_status(s->ctx);
    while (bad - good > 1) {
        const int32_t middle = good + (bad - good) / 2;
        *(fits(s, middle, &other) ? &good : &bad) = middle;
    }
    return fpc_fail(s->ctx, FPC_ENOMEM,
                    good
                        ? "dataset.batch = %d at %dx%d needs %.0f MiB for training, of which backend %s has %.0f free; "
                          "dataset.batch = %d is the largest that fits"
                        : "dataset.batch = %d at %dx%d needs %.0f MiB for training, of which backend %s has %.0f free; "
                          "not even one picture fits; dataset.size = %d may",
                    batch, s->info.w, s->info.h, (double)needed / mebi, s->backend->inst.plugin->name, has / mebi,
                    good ? good : s->info.h / 2);
}

fpc_status fpc_experiment_graph(fpc_experiment *s, int32_t n, int32_t h, int32_t w, int training, int rewrite,
                                fpc_graph **out)
{
    fpc_val logits;
    fpc_graph *g;
    fpc_status status = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, training, &g);
    if (status)
        return status;
    status = fpc_experiment_model(s, g, fpc_input(g, "image", (fpc_shape){n, h, w, 3}, g->real), &logits);
    if (!status)
        fpc_output_mark(g, "logits", logits);
    if (!status)
        status = fpc_rewrite(g, rewrite);
    *out = g;
    return status;
}
