/* steps.c: from the opened stages to graphs, and from graphs to steps: one optimizer step, one evaluated batch, one
 * prediction. A program is compiled for each batch size that occurs and kept; all share the activation memory. */
#include "ops.h"
#include "stages.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum program_kind { TRAIN = 1, EVAL, PREDICT, LABELS /* the masks as augmentation leaves them */ } program_kind;
enum { MAX_PROGRAMS = 32, MAX_TERMS = 16 };

typedef struct compiled {
    program_kind kind;
    int32_t n, h, w;
    fpc_program *program;
} compiled;

struct fpc_programs {
    int32_t n;
    compiled item[MAX_PROGRAMS];
    fpc_program *norm, *update, *accumulate, *clear;
    int32_t *counts; /* of the last step, all micro-batches */
    int64_t cap_counts;
    double *norms; /* of the step under way: [micro-batch][term] */
    int32_t cap_norms;
};

/* ---- graphs ---- */

static fpc_status build_model(fpc_stages *s, fpc_graph *g, fpc_val image, fpc_val *logits)
{
    const fpc_model_vtbl *v = s->model.vtbl;
    const fpc_shape x = fpc_shape_of(g, image);
    fpc_model_io io = {.size = sizeof io, .image = image, .classes = s->classes, .logits = {-1}};
    fpc_status st = v->build(s->model.self, g, &io);
    st = st ? st : fpc_graph_check(g);
    if (st)
        return st;
    const fpc_shape z = fpc_shape_of(g, io.logits);
    if (io.logits.id < 0 || z.c != s->classes || z.n != x.n)
        return fpc_fail(s->ctx, FPC_EINVAL,
                        "model %s gives logits of %s for %s pictures; %d channels are wanted, one a class",
                        s->model.plugin->name, fpc_shape_text(z), fpc_shape_text(x), s->classes);
    *logits = fpc_resize(g, io.logits, x.h, x.w, 0);
    return FPC_OK;
}

/* The fused loss counts tp, fp, fn on the way; a recipe whose terms do not use it gets a node that does. */
static fpc_val counts_of(fpc_graph *g, fpc_val logits, const fpc_target *target)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->node[i].def->name, "seg_loss") && g->node[i].in[0] == logits.id)
            return (fpc_val){g->node[i].out[3]};
    const fpc_seg_term ce = {.kind = FPC_TERM_CROSS_ENTROPY};
    const fpc_val v = fpc_seg_loss(g, "counts", logits, target, &ce);
    return v.id < 0 ? v : (fpc_val){g->node[g->value[v.id].node].out[3]};
}

/* Outputs loss, terms and counts; input loss.weights. */
static fpc_status build_losses(fpc_stages *s, fpc_graph *g, fpc_val logits, fpc_val mask, fpc_val *loss)
{
    const fpc_target target = {.size = sizeof target,
                               .mask = mask,
                               .mask_b = {-1},
                               .lambda = {-1},
                               .classes = s->classes,
                               .ignore = s->ignore};
    fpc_val in[MAX_TERMS + 1];
    for (int32_t i = 0; i < s->n_losses; i++) {
        const fpc_loss_vtbl *v = s->loss[i].inst.vtbl;
        fpc_loss_io io = {.size = sizeof io, .logits = logits, .target = &target, .term = {-1}};
        fpc_status st = v->build(s->loss[i].inst.self, g, &io);
        st = st ? st : fpc_graph_check(g);
        if (st)
            return st;
        if (io.term.id < 0 || fpc_count(fpc_shape_of(g, io.term)) != 1)
            return fpc_fail(s->ctx, FPC_EINVAL, "[%s]: plugin %s must end in one number (1,1,1,1), not %s",
                            s->loss[i].inst.self->label, s->loss[i].inst.plugin->name,
                            fpc_shape_text(fpc_shape_of(g, io.term)));
        in[i + 1] = io.term;
    }
    in[0] = fpc_input(g, "loss.weights", fpc_vector(s->n_losses), g->real);
    *loss = fpc_op(g, "combine", "loss", s->n_losses + 1, in, NULL, NULL);
    fpc_output_mark(g, "loss", *loss);
    fpc_output_mark(g, "terms", fpc_concat(g, s->n_losses, in + 1));
    fpc_output_mark(g, "counts", counts_of(g, logits, &target));
    return fpc_graph_check(g);
}

/* Rewrites, and for training the backward pass; what nobody needs goes. */
static fpc_status finish_graph(fpc_stages *s, fpc_graph *g, int backward, fpc_val loss)
{
    fpc_output_mark(g, "$loss", loss);
    fpc_status st = fpc_rewrite(g, (int)s->run.rewrite);
    if (st || !backward)
        return st;
    g->n_grads = s->state->n_params;
    g->grad = fpc_alloc(g->arena, (size_t)g->n_grads * sizeof *g->grad);
    if (!g->grad)
        return FPC_ENOMEM;
    st = fpc_autodiff(g, fpc_output_find(g, "$loss"), g->n_grads, g->grad);
    return st ? st : fpc_graph_sweep(g, g->n_grads, g->grad);
}

static fpc_status build_step(fpc_stages *s, program_kind kind, int32_t n, int32_t h, int32_t w, fpc_graph **out)
{
    fpc_graph *g;
    const int draws = kind == TRAIN || kind == LABELS;
    fpc_status st = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, kind == TRAIN, &g);
    if (st)
        return st;
    fpc_val image = fpc_input(g, "image", (fpc_shape){n, h, w, 3}, FPC_U8), mask = {-1}, logits, loss = {-1};
    if (kind != PREDICT)
        mask = fpc_input(g, "mask", (fpc_shape){n, h, w, 1}, FPC_U8);
    fpc_augments_build(draws ? fpc_data_augments(s->data) : NULL, g, image, mask, &image, &mask);
    if (kind == LABELS) {
        *out = g;
        fpc_output_mark(g, "labels", mask);
        return fpc_rewrite(g, 0);
    }
    st = build_model(s, g, image, &logits);
    if (!st && kind == PREDICT) {
        const fpc_resize_attr same = {h, w, 0};
        fpc_output_mark(g, "labels", fpc_op(g, "seg_argmax", "labels", 1, &logits, &same, NULL));
    } else if (!st) {
        st = build_losses(s, g, logits, mask, &loss);
    }
    st = st ? st : finish_graph(s, g, kind == TRAIN, loss);
    *out = g;
    return st;
}

static struct fpc_programs *programs(fpc_stages *s)
{
    if (!s->programs)
        s->programs = fpc_alloc(s->arena, sizeof *s->programs);
    return s->programs;
}

static fpc_status get_program(fpc_stages *s, program_kind kind, int32_t n, int32_t h, int32_t w, fpc_program **out)
{
    struct fpc_programs *all = programs(s);
    fpc_graph *g;
    if (!all)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < all->n; i++)
        if (all->item[i].kind == kind && all->item[i].n == n && all->item[i].h == h && all->item[i].w == w) {
            *out = all->item[i].program;
            return FPC_OK;
        }
    if (all->n == MAX_PROGRAMS)
        return fpc_fail(s->ctx, FPC_EINTERNAL, "more than %d sizes of batches", MAX_PROGRAMS);
    fpc_status st = build_step(s, kind, n, h, w, &g);
    st = st ? st : fpc_program_compile(s->ctx, s->arena, s->state, g, out);
    if (!st)
        all->item[all->n++] = (compiled){kind, n, h, w, *out};
    return st;
}

/* ---- the optimizer's programs, over the flat buffers ---- */

static fpc_val flat(fpc_stages *s, fpc_graph *g, const char *name)
{
    return fpc_buffer(g, name, 1, s->state->flat, FPC_F32, FPC_FILL_ZERO);
}

static fpc_status new_graph(fpc_stages *s, fpc_graph **g)
{
    return fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, 1, g);
}

static fpc_status compile(fpc_stages *s, fpc_graph *g, fpc_program **out)
{
    fpc_status st = fpc_graph_check(g);
    st = st ? st : fpc_graph_sweep(g, 0, NULL);
    return st ? st : fpc_program_compile(s->ctx, s->arena, s->state, g, out);
}

/* What the optimizer left as the parameters: the in-place output that is them. */
static fpc_val updated(const fpc_graph *g, fpc_val param)
{
    for (int32_t i = g->n_nodes - 1; i >= 0; i--)
        for (int32_t o = 0; o < g->node[i].n_out && (g->node[i].def->flags & FPC_OP_INPLACE); o++)
            if (g->node[i].in[o] == param.id)
                return (fpc_val){g->node[i].out[o]};
    return param;
}

static fpc_status compile_update(fpc_stages *s, const char *grad_name)
{
    struct fpc_programs *all = s->programs;
    const fpc_optimizer_vtbl *v = s->optimizer.vtbl;
    fpc_graph *g;
    fpc_status st = new_graph(s, &g);
    if (st)
        return st;
    fpc_val grad = flat(s, g, grad_name);
    const fpc_clip_attr clip = {s->run.clip_norm};
    fpc_val out[2], square = fpc_op(g, "sum_squares", "norm", 1, &grad, NULL, NULL);
    fpc_op(g, "clip_scale", "clip", 1, &square, &clip, out);
    fpc_output_mark(g, "scale", out[0]);
    fpc_output_mark(g, "norm", out[1]);
    st = compile(s, g, &all->norm);
    st = st ? st : new_graph(s, &g);
    if (st)
        return st;
    fpc_flat f = {.size = sizeof f,
                  .param = flat(s, g, "$param"),
                  .grad = flat(s, g, grad_name),
                  .scale = fpc_input(g, "scale", fpc_vector(1), g->real),
                  .lr = fpc_input(g, "lr", fpc_vector(1), g->real),
                  .step = fpc_input(g, "step", fpc_vector(1), g->real)};
    static const char *const slots[4] = {"$slot0", "$slot1", "$slot2", "$slot3"};
    for (int32_t i = 0; i < v->n_slots; i++)
        f.slot[i] = flat(s, g, slots[i]);
    st = v->build(s->optimizer.self, g, &f);
    if (st)
        return st;
    if (s->run.ema > 0)
        fpc_op(g, "ema", "average", 3,
               (fpc_val[]){flat(s, g, "$average"), updated(g, f.param), fpc_input(g, "decay", fpc_vector(1), g->real)},
               NULL, NULL);
    return compile(s, g, &all->update);
}

static fpc_status compile_accumulate(fpc_stages *s)
{
    struct fpc_programs *all = s->programs;
    fpc_graph *g;
    fpc_status st = fpc_backend_alloc(s->backend, s->ctx, fpc_bytes(s->state->flat, s->backend->device.real),
                                      "the accumulated gradients", &s->state->accum);
    st = st ? st : new_graph(s, &g);
    if (st)
        return st;
    fpc_op(g, "accumulate", "accumulate", 2, (fpc_val[]){flat(s, g, "$accum"), flat(s, g, "$grad")}, NULL, NULL);
    st = compile(s, g, &all->accumulate);
    st = st ? st : new_graph(s, &g);
    if (st)
        return st;
    const fpc_val acc = flat(s, g, "$accum");
    fpc_op(g, "zero", "clear", 1, &acc, NULL, NULL);
    return compile(s, g, &all->clear);
}

/* Norm first, so that a diverged gradient never reaches the parameters. */
fpc_status fpc_stages_update(fpc_stages *s, int64_t step, double lr, double *grad_norm)
{
    struct fpc_programs *all = programs(s);
    if (!all)
        return FPC_ENOMEM;
    fpc_status st = all->update ? FPC_OK : compile_update(s, all->accumulate ? "$accum" : "$grad");
    double scale = 1, t = (double)step, decay = s->run.ema;
    st = st ? st : fpc_program_run(all->norm);
    st = st ? st : fpc_program_read(all->norm, "norm", FPC_F64, grad_norm, 1);
    st = st ? st : fpc_program_read(all->norm, "scale", FPC_F64, &scale, 1);
    if (st)
        return st;
    if (!isfinite(*grad_norm))
        return FPC_ENAN;
    st = fpc_program_write(all->update, "scale", FPC_F64, &scale, 1);
    st = st ? st : fpc_program_write(all->update, "lr", FPC_F64, &lr, 1);
    st = st ? st : fpc_program_write(all->update, "step", FPC_F64, &t, 1);
    if (!st && decay > 0) { /* a young average forgets its start faster */
        decay = decay < (1 + t) / (10 + t) ? decay : (1 + t) / (10 + t);
        st = fpc_program_write(all->update, "decay", FPC_F64, &decay, 1);
    }
    return st ? st : fpc_program_run(all->update);
}

/* ---- steps ---- */

static fpc_status write_draws(fpc_program *p, const fpc_augments *a, const fpc_batch *b)
{
    fpc_status st = FPC_OK;
    if (fpc_program_has(p, "draw.warp"))
        st = fpc_program_write(p, "draw.warp", FPC_F32, b->draws.warp, (int64_t)b->n * 8);
    if (!st && fpc_program_has(p, "draw.labels"))
        st = fpc_program_write(p, "draw.labels", FPC_U8, b->draws.labels, (int64_t)b->n * 256);
    if (!st && fpc_program_has(p, "draw.colour"))
        st = fpc_program_write(p, "draw.colour", FPC_F32, b->draws.colour, (int64_t)b->n * a->n_colour * 16);
    for (int32_t i = 0; a && i < a->n_pixel && !st; i++) {
        char name[512];
        snprintf(name, sizeof name, "draw.%s", a->pixel[i].inst.self->label);
        if (fpc_program_has(p, name))
            st = fpc_program_write(p, name, FPC_F32, b->draws.pixel[i], (int64_t)b->n * a->pixel[i].floats);
    }
    return st;
}

static fpc_status write_clock(fpc_stages *s, fpc_program *p, int64_t count)
{
    const uint64_t seed = (uint64_t)s->run.seed;
    const int32_t clock[4] = {(int32_t)(uint32_t)seed, (int32_t)(uint32_t)(seed >> 32), (int32_t)(uint32_t)count, 0};
    return fpc_program_has(p, "clock") ? fpc_program_write(p, "clock", FPC_I32, clock, 4) : FPC_OK;
}

static fpc_status write_weights(fpc_stages *s, fpc_program *p, const double *share)
{
    double w[MAX_TERMS];
    for (int32_t t = 0; t < s->n_losses; t++)
        w[t] = s->loss[t].weight * (share ? share[t] : 1);
    return fpc_program_write(p, "loss.weights", FPC_F64, w, s->n_losses);
}

static fpc_status write_batch(fpc_program *p, const fpc_batch *b)
{
    const int64_t area = (int64_t)b->n * b->h * b->w;
    const fpc_status st = fpc_program_write(p, "image", FPC_U8, b->image, area * 3);
    return st ? st : fpc_program_write(p, "mask", FPC_U8, b->mask, area);
}

/* Normalisers of each term, so that micro-batches add up to what one large batch gives. mask: after augmentation, which
 * may have moved labels out of the picture. */
static void term_norms(const fpc_stages *s, const fpc_batch *b, const uint8_t *mask, double *norm)
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
    const fpc_label_counts counts = {images, s->classes, pixels};
    for (int32_t t = 0; t < s->n_losses; t++) {
        const fpc_loss_vtbl *v = s->loss[t].inst.vtbl;
        norm[t] = v->norm ? v->norm(s->loss[t].inst.self, &counts) : (double)labelled;
    }
}

/* The normalisers of every micro-batch, [n_micro][n_losses], and their totals. */
static fpc_status all_norms(fpc_stages *s, int32_t n_micro, const fpc_batch *const *batches, double *norm,
                            double *total)
{
    const fpc_augments *a = fpc_data_augments(s->data);
    for (int32_t k = 0; k < n_micro; k++) {
        const fpc_batch *b = batches[k];
        const int64_t pixels = (int64_t)b->n * b->h * b->w;
        fpc_program *p;
        uint8_t *mask = NULL;
        fpc_status st = FPC_OK;
        if (a && a->has_geometry) {
            mask = malloc((size_t)pixels);
            st = mask ? get_program(s, LABELS, b->n, b->h, b->w, &p)
                      : fpc_fail(s->ctx, FPC_ENOMEM, "no memory for %d masks", b->n);
            st = st ? st : fpc_program_write(p, "mask", FPC_U8, b->mask, pixels);
            st = st ? st : write_draws(p, a, b);
            st = st ? st : fpc_program_run(p);
            st = st ? st : fpc_program_read(p, "labels", FPC_U8, mask, pixels);
        }
        if (!st)
            term_norms(s, b, mask ? mask : b->mask, norm + k * s->n_losses);
        free(mask);
        if (st)
            return st;
        for (int32_t t = 0; t < s->n_losses; t++)
            total[t] += norm[k * s->n_losses + t];
    }
    return FPC_OK;
}

/* Adds one batch's loss, terms and counts to the result. */
static fpc_status read_results(fpc_stages *s, fpc_program *p, const double *share, fpc_step_result *out, int32_t n)
{
    struct fpc_programs *all = s->programs;
    double loss = 0, term[MAX_TERMS];
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
    fpc_status st = fpc_program_read(p, "loss", FPC_F64, &loss, 1);
    st = st ? st : fpc_program_read(p, "terms", FPC_F64, term, s->n_losses);
    st = st ? st : fpc_program_read(p, "counts", FPC_I32, all->counts + out->images * per_image, n * per_image);
    out->loss += loss;
    for (int32_t t = 0; t < s->n_losses; t++)
        out->term[t] += term[t] * (share ? share[t] : 1);
    out->images += n;
    out->tp_fp_fn = all->counts;
    return st;
}

static fpc_status diverged(fpc_stages *s, fpc_program *p, int64_t step, const char *what, double value)
{
    const char *where = fpc_program_find_nan(p);
    return fpc_fail(
        s->ctx, FPC_ENAN,
        "step %lld: the %s is %g; the first value that is not finite comes out of %s. The last checkpoint is good; "
        "a lower optimizer.lr or run.clip_norm = 1 may help",
        (long long)step, what, fabs(value), where ? where : "no node (the sum overflowed)");
}

static fpc_status need_labels(fpc_stages *s, const fpc_batch *b)
{
    return b->mask ? FPC_OK
                   : fpc_fail(s->ctx, FPC_EINVAL, "these pictures have no labels; losses and metrics need them");
}

fpc_status fpc_train_step(fpc_stages *s, int32_t n_micro, const fpc_batch *const *batches, int64_t step, double lr,
                          fpc_step_result *out)
{
    double total[MAX_TERMS] = {0}, share[MAX_TERMS];
    struct fpc_programs *all = programs(s);
    const int accumulating = s->run.accumulate > 1;
    fpc_program *p = NULL;
    fpc_status st = all ? FPC_OK : FPC_ENOMEM;
    *out = (fpc_step_result){0};
    for (int32_t k = 0; k < n_micro && !st; k++)
        st = need_labels(s, batches[k]);
    if (!st && accumulating && !all->accumulate)
        st = compile_accumulate(s);
    if (!st && n_micro > all->cap_norms) {
        all->norms = fpc_alloc(s->arena, (size_t)n_micro * MAX_TERMS * sizeof *all->norms);
        all->cap_norms = all->norms ? n_micro : 0;
        st = all->norms ? FPC_OK : FPC_ENOMEM;
    }
    st = st || n_micro == 1 ? st : all_norms(s, n_micro, batches, all->norms, total);
    st = st || !accumulating ? st : fpc_program_run(all->clear);
    for (int32_t k = 0; k < n_micro && !st; k++) {
        const fpc_batch *b = batches[k];
        for (int32_t t = 0; t < s->n_losses; t++)
            share[t] = n_micro > 1 && total[t] > 0 ? all->norms[k * s->n_losses + t] / total[t] : 1;
        st = get_program(s, TRAIN, b->n, b->h, b->w, &p);
        st = st ? st : write_batch(p, b);
        st = st ? st : write_draws(p, fpc_data_augments(s->data), b);
        st = st ? st : write_clock(s, p, step * s->run.accumulate + k);
        st = st ? st : write_weights(s, p, share);
        st = st ? st : fpc_program_run(p);
        st = st ? st : read_results(s, p, share, out, b->n);
        if (!st && !isfinite(out->loss))
            return diverged(s, p, step, "loss", out->loss);
        st = st || !accumulating ? st : fpc_program_run(all->accumulate);
    }
    st = st ? st : fpc_stages_update(s, step, lr, &out->grad_norm);
    return st == FPC_ENAN ? diverged(s, p, step, "norm of the gradient", out->grad_norm) : st;
}

fpc_status fpc_eval_step(fpc_stages *s, const fpc_batch *b, fpc_step_result *out)
{
    fpc_program *p;
    *out = (fpc_step_result){0};
    fpc_status st = need_labels(s, b);
    st = st ? st : get_program(s, EVAL, b->n, b->h, b->w, &p);
    st = st ? st : write_batch(p, b);
    st = st ? st : write_weights(s, p, NULL);
    st = st ? st : fpc_program_run(p);
    return st ? st : read_results(s, p, NULL, out, b->n);
}

fpc_status fpc_predict_step(fpc_stages *s, int32_t n, int32_t h, int32_t w, const uint8_t *image, uint8_t *labels)
{
    fpc_program *p;
    fpc_status st = get_program(s, PREDICT, n, h, w, &p);
    st = st ? st : fpc_program_write(p, "image", FPC_U8, image, (int64_t)n * h * w * 3);
    st = st ? st : fpc_program_run(p);
    return st ? st : fpc_program_read(p, "labels", FPC_U8, labels, (int64_t)n * h * w);
}

/* ---- probes ---- */

static fpc_status build_probe(fpc_stages *s, const fpc_probe_args *a, fpc_graph **out)
{
    fpc_graph *g;
    fpc_val logits, loss = {-1};
    fpc_status st = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, a->training, &g);
    if (st)
        return st;
    const fpc_val image = fpc_input(g, "image", (fpc_shape){a->n, a->h, a->w, 3}, g->real);
    st = build_model(s, g, image, &logits);
    if (!st && a->logits)
        fpc_output_mark(g, "logits", logits);
    if (!st && (a->loss || a->backward))
        st = build_losses(s, g, logits, fpc_input(g, "mask", (fpc_shape){a->n, a->h, a->w, 1}, FPC_U8), &loss);
    st = st ? st : finish_graph(s, g, a->backward, loss);
    *out = g;
    return st;
}

fpc_status fpc_stages_probe(fpc_stages *s, const fpc_probe_args *a, fpc_program **out)
{
    fpc_graph *g;
    fpc_status st = build_probe(s, a, &g);
    st = st ? st : fpc_program_compile(s->ctx, s->arena, s->state, g, out);
    st = st ? st : write_clock(s, *out, 0);
    return st || !fpc_program_has(*out, "loss.weights") ? st : write_weights(s, *out, NULL);
}

fpc_status fpc_stages_graph(fpc_stages *s, int32_t n, int32_t h, int32_t w, int training, int rewrite, fpc_graph **out)
{
    fpc_val logits;
    fpc_graph *g;
    fpc_status st = fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, training, &g);
    if (st)
        return st;
    st = build_model(s, g, fpc_input(g, "image", (fpc_shape){n, h, w, 3}, g->real), &logits);
    if (!st)
        fpc_output_mark(g, "logits", logits);
    st = st ? st : fpc_rewrite(g, rewrite);
    *out = g;
    return st;
}
