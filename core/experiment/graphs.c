/* graphs.c: from the opened recipe to graphs: that of a training step, of an evaluated batch, of a prediction, and
 * those that probes ask for. */
#include "graph/nodes.h"
#include "graph/passes.h"
#include "experiment/labels.h"
#include "experiment/step.h"

#include <string.h>

fpc_status fpc_experiment_model(fpc_experiment *s, fpc_graph *g, fpc_val image, fpc_val *logits)
{
    const fpc_model_vtbl *v = s->model.vtbl;
    const fpc_shape x = fpc_shape_of(g, image);
    fpc_model_io io = {.size = sizeof io, .classes = s->classes, .logits = {-1}};
    fpc_status status;
    io.image = fpc_normalized_build(s, g, image);
    g->freeze = s->freeze.n ? &s->freeze : NULL;
    g->freeze_stats = (int)s->rules.freeze_stats;
    if ((status = fpc_graph_check(g)) || (status = FPC_ASK(&s->model, "build", v->build(s->model.self, g, &io))) ||
        (status = fpc_graph_closed(g, fpc_sprintf(s->arena, "model/%s", s->model.plugin->name))))
        return status;
    const fpc_shape z = fpc_shape_of(g, io.logits);
    if (!fpc_value_known(g, io.logits))
        return fpc_fail(s->ctx, FPC_EINVAL,
                        "model/%s: build leaves io->logits at the id %d, which is of no value of its graph",
                        s->model.plugin->name, io.logits.id);
    if (z.c != s->classes || z.n != x.n)
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

/* Outputs loss, terms and counts; input loss.weights. */
static fpc_status build_losses(fpc_experiment *s, fpc_graph *g, fpc_val logits, fpc_augmented from, fpc_val *loss)
{
    fpc_label_question question = {s, NULL};
    const fpc_target target = {.size = sizeof target,
                               .mask = from.mask,
                               .mask_b = from.mask_b,
                               .lambda = from.lambda,
                               .classes = s->classes,
                               .ignore = s->ignore,
                               .label_pixels = fpc_labels_answer,
                               .source = &question};
    fpc_val in[FPC_MAX_LOSSES + 1];
    for (int32_t i = 0; i < s->n_losses; i++) {
        const fpc_loss_vtbl *v = s->loss[i].inst.vtbl;
        fpc_loss_io io = {.size = sizeof io, .logits = logits, .target = &target, .term = {-1}};
        fpc_status status;
        const char *label = s->loss[i].inst.self->label, *name = s->loss[i].inst.plugin->name;
        question.term = &s->loss[i];
        if ((status = FPC_ASK(&s->loss[i].inst, "build", v->build(s->loss[i].inst.self, g, &io))) ||
            (status = fpc_graph_closed(g, fpc_sprintf(s->arena, "[%s]: loss/%s", label, name))))
            return status;
        if (!fpc_value_known(g, io.term))
            return fpc_fail(s->ctx, FPC_EINVAL,
                            "[%s]: loss/%s: build leaves io->term at the id %d, which is of no value of its graph",
                            label, name, io.term.id);
        if (fpc_count(fpc_shape_of(g, io.term)) != 1)
            return fpc_fail(s->ctx, FPC_EINVAL, "[%s]: loss/%s must end in one number (1,1,1,1), not %s", label, name,
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
    const fpc_status status = s->backend->device.fuses ? fpc_graph_fuse(g, s->backend->device.fuses) : FPC_OK;
    return status || !half ? status : fpc_graph_cast_half(g, half);
}

/* What the backward pass starts from: the loss, in fp16 times a factor that keeps small gradients above zero. */
static fpc_val scaled_loss(fpc_experiment *s, fpc_graph *g)
{
    const fpc_val loss = fpc_output_find(g, "$loss");
    const fpc_slice_attr factor = {0, 1, 4};
    if (!s->state->scaler)
        return loss;
    const fpc_val state = fpc_buffer(g, fpc_flat_name(FPC_FLAT_SCALER), 1, fpc_vector(4), FPC_F32, FPC_FILL_ZERO);
    return fpc_mul(g, loss, fpc_op(g, "slice", "loss scaling", 1, &state, FPC_ATTR(factor), NULL));
}

/* Rewrites, and for training the backward pass; what nobody needs goes. */
static fpc_status finish_graph(fpc_experiment *s, fpc_graph *g, int backward, fpc_val loss)
{
    fpc_output_mark(g, "$loss", loss);
    fpc_status status = fpc_graph_rewrite(g, (int)s->run.rewrite);
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
        if (kind != FPC_PROGRAM_PREDICT && kind != FPC_PROGRAM_LOGITS)
            *mask = fpc_input(g, "mask", (fpc_shape){n, h, w, 1}, FPC_U8);
        return;
    }
    const fpc_val index = fpc_input(g, "index", (fpc_shape){n, 1, 1, 1}, FPC_I32);
    const fpc_val from[2] = {
        fpc_buffer(g, fpc_flat_name(FPC_FLAT_IMAGES), 1, all, FPC_U8, FPC_FILL_ZERO),
        fpc_buffer(g, fpc_flat_name(FPC_FLAT_MASKS), 1, (fpc_shape){all.n, h, w, 1}, FPC_U8, FPC_FILL_ZERO)};
    *image = fpc_op(g, "take", "images", 2, (fpc_val[]){from[0], index}, NULL, 0, NULL);
    *mask = fpc_op(g, "take", "masks", 2, (fpc_val[]){from[1], index}, NULL, 0, NULL);
}

fpc_status fpc_steps_graph(fpc_experiment *s, fpc_program_kind kind, int32_t n, int32_t h, int32_t w, fpc_graph **out)
{
    fpc_graph *g;
    const int training = kind == FPC_PROGRAM_TRAIN || kind == FPC_PROGRAM_STATS;
    const int draws = training || kind == FPC_PROGRAM_LABELS || kind == FPC_PROGRAM_AUGMENTED;
    fpc_status status = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, training, &g);
    if (status)
        return status;
    *out = g;
    fpc_val image, mask, logits, loss = {-1};
    input_images(s, g, kind, n, h, w, &image, &mask);
    const fpc_augmented in = fpc_augments_build(draws ? fpc_data_augments(s->data) : NULL, g, image, mask);
    if (kind == FPC_PROGRAM_LABELS || kind == FPC_PROGRAM_AUGMENTED) {
        fpc_output_mark(g, "labels", in.mask);
        if (kind == FPC_PROGRAM_AUGMENTED)
            fpc_output_mark(g, "augmented", in.image);
        status = fpc_graph_check(g);
        return status ? status : fpc_graph_rewrite(g, 0);
    }
    if ((status = fpc_experiment_model(s, g, in.image, &logits)))
        return status;
    if (kind == FPC_PROGRAM_STATS) { /* no output: the statistics are effects, the rest goes */
        status = fpc_graph_rewrite(g, (int)s->run.rewrite);
        return status ? status : lower(s, g, 1);
    }
    if (kind == FPC_PROGRAM_PREDICT) {
        const fpc_resize_attr same = {h, w, 0};
        fpc_output_mark(g, "labels", fpc_op(g, "seg_argmax", "labels", 1, &logits, FPC_ATTR(same), NULL));
    } else if (kind == FPC_PROGRAM_LOGITS) {
        fpc_output_mark(g, "logits", logits);
    } else if ((status = build_losses(s, g, logits, in, &loss))) {
        return status;
    }
    return finish_graph(s, g, kind == FPC_PROGRAM_TRAIN, loss);
}

fpc_status fpc_experiment_prediction(fpc_experiment *s, int32_t h, int32_t w, int logits, fpc_graph **out)
{
    const uint32_t precision = s->backend->device.precision;
    if (!fpc_programs_of(s))
        return FPC_ENOMEM;
    s->backend->device.precision = FPC_FP32;
    const fpc_status status = fpc_steps_graph(s, logits ? FPC_PROGRAM_LOGITS : FPC_PROGRAM_PREDICT, 1, h, w, out);
    s->backend->device.precision = precision;
    return status;
}

/* ---- probes ---- */

static fpc_augmented plain_target(fpc_val mask)
{
    return (fpc_augmented){.image = {-1}, .mask = mask, .mask_b = {-1}, .lambda = {-1}};
}

fpc_status fpc_steps_probe_graph(fpc_experiment *s, const fpc_probe_args *a, fpc_graph **out)
{
    fpc_graph *g;
    fpc_val logits, loss = {-1};
    fpc_status status = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, a->training, &g);
    if (status)
        return status;
    *out = g;
    const fpc_val image = fpc_input(g, "image", (fpc_shape){a->n, a->h, a->w, 3}, g->real);
    if ((status = fpc_experiment_model(s, g, image, &logits)))
        return status;
    if (a->logits)
        fpc_output_mark(g, "logits", logits);
    if (a->loss || a->backward) {
        const fpc_val mask = fpc_input(g, "mask", (fpc_shape){a->n, a->h, a->w, 1}, FPC_U8);
        if ((status = build_losses(s, g, logits, plain_target(mask), &loss)))
            return status;
    }
    return finish_graph(s, g, a->backward, loss);
}

fpc_status fpc_experiment_graph(fpc_experiment *s, int32_t n, int32_t h, int32_t w, int training, int rewrite,
                                fpc_graph **out)
{
    fpc_val logits;
    fpc_graph *g;
    fpc_status status = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, training, &g);
    if (status)
        return status;
    *out = g;
    if ((status = fpc_experiment_model(s, g, fpc_input(g, "image", (fpc_shape){n, h, w, 3}, g->real), &logits)))
        return status;
    fpc_output_mark(g, "logits", logits);
    return fpc_graph_rewrite(g, rewrite);
}
