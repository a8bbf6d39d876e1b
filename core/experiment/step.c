/* step.c: one optimizer step, one evaluated batch, one prediction, by the programs of programs.c. */
#include "graph/nodes.h"
#include "experiment/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
        norm[t] = v->norm ? FPC_CALL(s->loss[t].inst.who, v->norm(s->loss[t].inst.self, &counts)) : (double)labelled;
    }
}

/* The masks of a batch as augmentation leaves them. */
static fpc_status augmented_masks(fpc_experiment *s, const fpc_batch *b, uint8_t *mask)
{
    const int64_t pixels = (int64_t)b->n * b->h * b->w;
    fpc_program *p;
    fpc_status status;
    if ((status = fpc_steps_program(s, FPC_PROGRAM_LABELS, b->n, b->h, b->w, &p)) ||
        (status = fpc_program_write(p, "mask", FPC_U8, b->mask, pixels)) || (status = fpc_steps_draws(s, p, b)) ||
        (status = fpc_program_run(p)))
        return status;
    return fpc_program_read(p, "labels", FPC_U8, mask, pixels);
}

/* The normalisers of every micro-batch, [n_micro][n_losses], and their totals. */
static fpc_status all_norms(fpc_experiment *s, int32_t n_micro, const fpc_batch *const *batches, double *norm,
                            double *total)
{
    const fpc_augments *a = fpc_data_augments(s->data);
    for (int32_t k = 0; k < n_micro; k++) {
        const fpc_batch *b = batches[k];
        uint8_t *mask = NULL;
        fpc_status status = FPC_OK;
        if (a && a->changes_labels) {
            mask = malloc((size_t)b->n * (size_t)b->h * (size_t)b->w);
            status = mask ? augmented_masks(s, b, mask) : fpc_fail(s->ctx, FPC_ENOMEM, "no memory for %d masks", b->n);
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
    double loss = 0, term[FPC_MAX_LOSSES];
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
    double share[FPC_MAX_LOSSES], loss = 0;
    fpc_program *p = NULL;
    fpc_status status;
    if (accumulating && (status = fpc_program_run(all->clear)))
        return status;
    for (int32_t k = 0; k < n_micro; k++) {
        const fpc_batch *b = batches[k];
        for (int32_t t = 0; t < s->n_losses; t++)
            share[t] = n_micro > 1 && total[t] > 0 ? all->norms[k * s->n_losses + t] / total[t] : 1;
        if ((status = fpc_steps_program(s, FPC_PROGRAM_TRAIN, b->n, b->h, b->w, &p)) ||
            (status = fpc_steps_inputs(s, p, b, step * s->run.accumulate + k, share)) ||
            (status = fpc_program_run(p)) ||
            (status = out ? read_results(s, p, share, out, b->n) : fpc_program_read(p, "loss", FPC_F64, &loss, 1)))
            return status;
        loss = out ? out->loss : loss;
        if (!isfinite(loss))
            return fpc_steps_diverged(s, p, step, out ? "loss" : "loss at the weights that optimizer.sam tries", loss);
        if (accumulating && (status = fpc_program_run(all->accumulate)))
            return status;
    }
    *last = p;
    return FPC_OK;
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
    fpc_status status;
    if (!all)
        return FPC_ENOMEM;
    if (!s->state->grad)
        return fpc_fail(s->ctx, FPC_EINTERNAL, "opened to evaluate only, and asked to train");
    for (int32_t k = 0; k < n_micro; k++)
        if ((status = need_labels(s, batches[k])))
            return status;
    if (s->run.accumulate > 1 && !all->accumulate && (status = fpc_update_accumulate(s)))
        return status;
    if (n_micro > all->cap_norms) {
        all->norms = fpc_alloc(s->arena, (size_t)n_micro * FPC_MAX_LOSSES * sizeof *all->norms);
        all->cap_norms = all->norms ? n_micro : 0;
        if (!all->norms)
            return FPC_ENOMEM;
    }
    if (n_micro == 1)
        return FPC_OK;
    fpc_program *p; /* made before the normalisers are asked for: losses may take class weights from the data */
    status = fpc_steps_program(s, FPC_PROGRAM_TRAIN, batches[0]->n, batches[0]->h, batches[0]->w, &p);
    return status ? status : all_norms(s, n_micro, batches, all->norms, total);
}

fpc_status fpc_train_step(fpc_experiment *s, int32_t n_micro, const fpc_batch *const *batches, int64_t step, double lr,
                          fpc_step_result *out)
{
    double total[FPC_MAX_LOSSES] = {0};
    step_args a = {s, n_micro, batches, step, total, NULL, 0};
    *out = (fpc_step_result){0};
    fpc_status status;
    if ((status = prepare_step(s, n_micro, batches, total)) || (status = fpc_state_save_buffers(s->state, 0)))
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

fpc_status fpc_logits_step(fpc_experiment *s, fpc_arena *arena, int32_t h, int32_t w, const uint8_t *image, float **out)
{
    const int64_t pixels = (int64_t)h * w;
    fpc_program *p;
    fpc_status status;
    if ((status = fpc_steps_program(s, FPC_PROGRAM_LOGITS, 1, h, w, &p)))
        return status;
    if (!(*out = fpc_alloc(arena, (size_t)(pixels * s->classes) * sizeof **out)))
        return FPC_ENOMEM;
    if ((status = fpc_program_write(p, "image", FPC_U8, image, pixels * 3)) || (status = fpc_program_run(p)))
        return status;
    return fpc_program_read(p, "logits", FPC_F32, *out, pixels * s->classes);
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
