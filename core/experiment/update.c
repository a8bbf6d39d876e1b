/* update.c: what happens to the parameters in a step, as programs over the flat buffers: norm and clipping of the
 * gradient, the sum over micro-batches, the optimizer's update with the running average behind it, the excursion of
 * sharpness-aware minimisation (Foret et al. 2021, arXiv:2010.01412) and the mean of stochastic weight averaging
 * (Izmailov et al. 2018, arXiv:1803.05407). */
#include "graph/nodes.h"
#include "experiment/step.h"
#include <math.h>
#include <string.h>

static fpc_val flat(fpc_experiment *s, fpc_graph *g, fpc_flat_buffer which)
{
    return fpc_buffer(g, fpc_flat_name(which), 1, s->state->flat, FPC_F32, FPC_FILL_ZERO);
}

static fpc_status new_graph(fpc_experiment *s, fpc_graph **g)
{
    return fpc_graph_new(s->ctx, s->arena, s->ops, s->backend->device.real, 1, g);
}

static fpc_status compile(fpc_experiment *s, fpc_graph *g, fpc_program **out)
{
    fpc_status status;
    if ((status = fpc_graph_check(g)) || (status = fpc_graph_sweep(g, 0, NULL)))
        return status;
    return fpc_program_compile(s->ctx, s->arena, s->state, g, out);
}

/* Where the gradient of a step lies. */
static fpc_flat_buffer gradient(const struct fpc_programs *all)
{
    return all->accumulate ? FPC_FLAT_ACCUM : FPC_FLAT_GRAD;
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

/* Square of the norm of the gradient, and what clipping makes of it: out[0] scale, out[1] norm. */
static fpc_val add_norm(fpc_experiment *s, fpc_graph *g, fpc_val grad, fpc_val scaler, fpc_val out[2])
{
    const fpc_clip_attr clip = {s->run.clip_norm};
    const fpc_val square = fpc_op(g, "sum_squares", "norm", 1, &grad, NULL, 0, NULL);
    fpc_op(g, "clip_scale", "clip", scaler.id < 0 ? 1 : 2, (fpc_val[]){square, scaler}, FPC_ATTR(clip), out);
    fpc_output_mark(g, "norm", out[1]);
    return out[0];
}

static fpc_val scaler_of(fpc_experiment *s, fpc_graph *g)
{
    return s->state->scaler ? fpc_buffer(g, fpc_flat_name(FPC_FLAT_SCALER), 1, fpc_vector(4), FPC_F32, FPC_FILL_ZERO)
                            : (fpc_val){-1};
}

static fpc_status compile_norm(fpc_experiment *s)
{
    struct fpc_programs *all = s->programs;
    fpc_graph *g;
    fpc_val out[2];
    fpc_status status = new_graph(s, &g);
    if (status)
        return status;
    add_norm(s, g, flat(s, g, gradient(all)), scaler_of(s, g), out);
    return compile(s, g, &all->norm);
}

/* What optimizers see of the parameters that lie in the flat buffers. */
static fpc_status list_tensors(fpc_experiment *s, fpc_graph *g, fpc_flat *f)
{
    const fpc_state *state = s->state;
    fpc_flat_tensor *tensor = fpc_alloc(g->arena, (size_t)state->n_params * sizeof *tensor);
    const fpc_flat_tensor **list = fpc_alloc(g->arena, (size_t)state->n_params * sizeof(void *));
    const size_t number = fpc_dtype_size(s->backend->device.real);
    if (!tensor || !list)
        return FPC_ENOMEM;
    f->tensor = list;
    for (int32_t i = 0; i < state->n && f->n_tensors < state->n_params; i++) {
        const fpc_state_entry *e = &state->entry[i];
        const int32_t dims[4] = {e->shape.n, e->shape.h, e->shape.w, e->shape.c};
        if (e->kind != FPC_STATE_PARAM)
            continue;
        *tensor = (fpc_flat_tensor){.size = sizeof *tensor,
                                    .rank = e->rank,
                                    .offset = ((const char *)e->data - (const char *)state->param) / (ptrdiff_t)number,
                                    .count = e->count,
                                    .group = s->groups.n ? s->groups.param[f->n_tensors].group : 0,
                                    .name = e->name};
        memcpy(tensor->dims, dims + 4 - e->rank, (size_t)e->rank * sizeof *dims);
        list[f->n_tensors++] = tensor++;
    }
    return FPC_OK;
}

/* The factors of all numbers, where some are not 1: a pair for each FPC_FLAT_ALIGN of them, so that none is of two
 * parameters. What lies between and behind the parameters is zero and stays so. */
static fpc_status add_factors(fpc_experiment *s, fpc_graph *g, fpc_flat *f, fpc_val *factors)
{
    const fpc_shape shape = fpc_factors_shape(s->state->flat);
    const size_t bytes = fpc_bytes(shape, s->backend->device.real);
    fpc_status status;
    if (!s->groups.n_groups)
        return FPC_OK;
    if (!s->state->factors) {
        void *host = fpc_alloc(g->arena, bytes);
        if (!host)
            return FPC_ENOMEM;
        for (int32_t i = 0; i < f->n_tensors; i++) {
            const fpc_grouped_param *p = &s->groups.param[i];
            const int64_t first = f->tensor[i]->offset / FPC_FLAT_ALIGN,
                          end = first + fpc_flat_step(f->tensor[i]->count) / FPC_FLAT_ALIGN;
            for (int64_t k = first; k < end; k++)
                for (int j = 0; j < 2; j++)
                    if (s->backend->device.real == FPC_F64)
                        ((double *)host)[2 * k + j] = j ? p->decay : p->rate;
                    else
                        ((float *)host)[2 * k + j] = (float)(j ? p->decay : p->rate);
        }
        if ((status =
                 fpc_backend_alloc(s->backend, s->ctx, bytes, "the factors of rate and decay", &s->state->factors)) ||
            (status = fpc_backend_copy(s->backend, s->state->factors, host, bytes, FPC_TO_DEVICE)))
            return status;
    }
    *factors = fpc_buffer(g, fpc_flat_name(FPC_FLAT_FACTORS), 1, shape, FPC_F32, FPC_FILL_ZERO);
    f->factors = factors;
    return FPC_OK;
}

/* Norm, clipping, optimizer and running average in one: the step number comes from the host, or, where steps may be
 * skipped, from the device's own count of those taken. A norm that is not finite leaves everything as it is. */
fpc_status fpc_update_program(fpc_experiment *s, fpc_program **out)
{
    struct fpc_programs *all = fpc_programs_of(s);
    const fpc_optimizer_vtbl *v = s->optimizer.vtbl;
    fpc_graph *g;
    fpc_val norm[2], factors;
    if (!all || all->update) {
        *out = all ? all->update : NULL;
        return all ? FPC_OK : FPC_ENOMEM;
    }
    fpc_status status = new_graph(s, &g);
    if (status)
        return status;
    const fpc_val scaler = scaler_of(s, g);
    fpc_flat f = {.size = sizeof f,
                  .param = flat(s, g, FPC_FLAT_PARAM),
                  .grad = flat(s, g, gradient(all)),
                  .lr = fpc_input(g, "lr", fpc_vector(1), g->real)};
    f.scale = add_norm(s, g, f.grad, scaler, norm);
    if (scaler.id < 0) {
        f.step = fpc_input(g, "step", fpc_vector(1), g->real);
    } else {
        const fpc_scaler_attr every = {2000};
        const fpc_slice_attr taken = {2, 1, 4};
        const fpc_val next = fpc_op(g, "scaler", "scaler", 2, (fpc_val[]){scaler, norm[1]}, FPC_ATTR(every), NULL);
        f.step = fpc_op(g, "slice", "steps taken", 1, &next, FPC_ATTR(taken), NULL);
        fpc_output_mark(g, "scaler", next);
    }
    for (int32_t i = 0; i < v->n_slots; i++)
        f.slot[i] = flat(s, g, FPC_FLAT_SLOT0 + (fpc_flat_buffer)i);
    if ((status = list_tensors(s, g, &f)) || (status = add_factors(s, g, &f, &factors)) ||
        (status = fpc_graph_check(g)) ||
        (status = FPC_ASK(&s->optimizer, "build", v->build(s->optimizer.self, g, &f))) ||
        (status = fpc_graph_closed(g, fpc_sprintf(s->arena, "optimizer/%s", s->optimizer.plugin->name))))
        return status;
    if (s->run.ema > 0)
        fpc_op(g, "ema", "average", 4,
               (fpc_val[]){flat(s, g, FPC_FLAT_AVERAGE), updated(g, f.param),
                           fpc_input(g, "decay", fpc_vector(1), g->real), f.scale},
               NULL, 0, NULL);
    status = compile(s, g, &all->update);
    *out = all->update;
    return status;
}

fpc_status fpc_update_accumulate(fpc_experiment *s)
{
    struct fpc_programs *all = s->programs;
    fpc_graph *g;
    fpc_status status;
    if ((status = fpc_backend_alloc(s->backend, s->ctx, fpc_bytes(s->state->flat, s->backend->device.real),
                                    "the accumulated gradients", &s->state->accum)) ||
        (status = new_graph(s, &g)))
        return status;
    fpc_op(g, "accumulate", "accumulate", 2, (fpc_val[]){flat(s, g, FPC_FLAT_ACCUM), flat(s, g, FPC_FLAT_GRAD)}, NULL,
           0, NULL);
    if ((status = compile(s, g, &all->accumulate)) || (status = new_graph(s, &g)))
        return status;
    const fpc_val acc = flat(s, g, FPC_FLAT_ACCUM);
    fpc_op(g, "zero", "clear", 1, &acc, NULL, 0, NULL);
    return compile(s, g, &all->clear);
}

static fpc_status gradient_norm(fpc_experiment *s, double *norm)
{
    struct fpc_programs *all = fpc_programs_of(s);
    fpc_status status = all ? FPC_OK : FPC_ENOMEM;
    if ((status = status || all->norm ? status : compile_norm(s)) || (status = fpc_program_run(all->norm)))
        return status;
    return fpc_program_read(all->norm, "norm", FPC_F64, norm, 1);
}

double fpc_update_decay(const fpc_experiment *s, int64_t step)
{
    const double t = (double)step, young = (1 + t) / (10 + t); /* a young average forgets its start faster */
    return s->run.ema < young ? s->run.ema : young;
}

int fpc_scaler_goes_on(const void *state)
{
    return ((const float *)state)[0] > 1;
}

/* Whether an update whose gradient was not finite counts as skipped: FPC_OK, or FPC_ENAN. */
static fpc_status skipped(fpc_experiment *s, fpc_program *p)
{
    float state[4];
    const fpc_status status = s->state->scaler ? fpc_program_read(p, "scaler", FPC_F32, state, 4) : FPC_ENAN;
    return status ? status : fpc_scaler_goes_on(state) ? FPC_OK : FPC_ENAN;
}

fpc_status fpc_update_apply(fpc_experiment *s, int64_t step, double lr, double *norm)
{
    const double t = (double)step, decay = fpc_update_decay(s, step);
    fpc_program *p;
    fpc_status status;
    if ((status = fpc_update_program(s, &p)) || (status = fpc_program_write(p, "lr", FPC_F64, &lr, 1)) ||
        (fpc_program_has(p, "step") && (status = fpc_program_write(p, "step", FPC_F64, &t, 1))) ||
        (fpc_program_has(p, "decay") && (status = fpc_program_write(p, "decay", FPC_F64, &decay, 1))) ||
        (status = fpc_program_run(p)) || (status = fpc_program_read(p, "norm", FPC_F64, norm, 1)))
        return status;
    return isfinite(*norm) ? FPC_OK : skipped(s, p);
}

fpc_status fpc_experiment_update(fpc_experiment *s, int64_t step, double lr, double *grad_norm)
{
    return fpc_update_apply(s, step, lr, grad_norm);
}

/* ---- sharpness-aware minimisation: the gradient at w + rho g/|g| takes the place of the gradient g at w ---- */

static fpc_status compile_perturb(fpc_experiment *s)
{
    struct fpc_programs *all = s->programs;
    fpc_graph *g;
    fpc_status status;
    if ((status = fpc_backend_alloc(s->backend, s->ctx, fpc_bytes(s->state->flat, s->backend->device.real),
                                    "the parameters kept aside", &s->state->saved_param)) ||
        (status = new_graph(s, &g)))
        return status;
    fpc_op(g, "add_scaled", "perturb", 3,
           (fpc_val[]){flat(s, g, FPC_FLAT_PARAM), flat(s, g, gradient(all)),
                       fpc_input(g, "scale", fpc_vector(1), g->real)},
           NULL, 0, NULL);
    return compile(s, g, &all->perturb);
}

static fpc_status perturb(fpc_experiment *s, double norm)
{
    struct fpc_programs *all = s->programs;
    float factor[4] = {1, 0, 0, 0}; /* of the gradients in memory, which `norm` leaves out */
    fpc_status status;
    if ((!all->perturb && (status = compile_perturb(s))) ||
        (s->state->scaler &&
         (status = fpc_backend_copy(s->backend, factor, s->state->scaler, sizeof factor, FPC_TO_HOST))))
        return status;
    const double scale = s->sam / ((norm + 1e-12) * (double)factor[0]);
    if ((status = fpc_state_save_buffers(s->state, 1)) ||
        (status = fpc_backend_copy(s->backend, s->state->saved_param, s->state->param,
                                   fpc_bytes(s->state->flat, s->backend->device.real), FPC_ON_DEVICE)) ||
        (status = fpc_program_write(all->perturb, "scale", FPC_F64, &scale, 1)))
        return status;
    return fpc_program_run(all->perturb);
}

fpc_status fpc_update_ascend(fpc_experiment *s, fpc_status (*there)(void *arg), void *arg)
{
    double norm = 0;
    fpc_status status, back;
    if ((status = gradient_norm(s, &norm)))
        return status;
    if (!isfinite(norm)) /* nothing to follow: the update finds it and leaves everything as it is */
        return FPC_OK;
    if ((status = perturb(s, norm)))
        return status;
    status = there(arg);
    back = fpc_backend_copy(s->backend, s->state->param, s->state->saved_param,
                            fpc_bytes(s->state->flat, s->backend->device.real), FPC_ON_DEVICE);
    fpc_state_changed(s->state);
    if (!back)
        back = fpc_state_restore_buffers(s->state, 1);
    return status ? status : back;
}

static fpc_status run_program(void *program)
{
    return fpc_program_run(program);
}

fpc_status fpc_experiment_step(fpc_experiment *s, fpc_program *program, int64_t step, double lr, double *grad_norm)
{
    const fpc_status status = s->sam > 0 ? fpc_update_ascend(s, run_program, program) : FPC_OK;
    return status ? status : fpc_update_apply(s, step, lr, grad_norm);
}

/* ---- stochastic weight averaging ---- */

fpc_status fpc_experiment_swa(fpc_experiment *s, int64_t n)
{
    struct fpc_programs *all = fpc_programs_of(s);
    const double decay = (double)n / (double)(n + 1);
    fpc_graph *g;
    fpc_status status;
    if (!all)
        return FPC_ENOMEM;
    if (!all->swa) {
        if ((status = new_graph(s, &g)))
            return status;
        fpc_op(g, "ema", "swa", 3,
               (fpc_val[]){flat(s, g, FPC_FLAT_SWA), flat(s, g, FPC_FLAT_PARAM),
                           fpc_input(g, "decay", fpc_vector(1), g->real)},
               NULL, 0, NULL);
        if ((status = compile(s, g, &all->swa)))
            return status;
    }
    status = fpc_program_write(all->swa, "decay", FPC_F64, &decay, 1);
    return status ? status : fpc_program_run(all->swa);
}
