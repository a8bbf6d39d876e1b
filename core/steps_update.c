/* steps_update.c: what happens to the parameters in a step, as programs over the flat buffers: norm and clipping of the
 * gradient, the sum over micro-batches, the optimizer's update with the running average behind it, the excursion of
 * sharpness-aware minimisation (Foret et al. 2021, arXiv:2010.01412) and the mean of stochastic weight averaging
 * (Izmailov et al. 2018, arXiv:1803.05407). */
#include "ops.h"
#include "steps.h"
#include <math.h>

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

/* Where the gradient of a step lies. */
static const char *gradient(const struct fpc_programs *all)
{
    return all->accumulate ? "$accum" : "$grad";
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

static fpc_status compile_norm(fpc_stages *s)
{
    struct fpc_programs *all = s->programs;
    fpc_graph *g;
    fpc_status st = new_graph(s, &g);
    if (st)
        return st;
    fpc_val grad = flat(s, g, gradient(all));
    const fpc_clip_attr clip = {s->run.clip_norm};
    fpc_val out[2], square = fpc_op(g, "sum_squares", "norm", 1, &grad, NULL, NULL);
    fpc_op(g, "clip_scale", "clip", 1, &square, &clip, out);
    fpc_output_mark(g, "scale", out[0]);
    fpc_output_mark(g, "norm", out[1]);
    return compile(s, g, &all->norm);
}

static fpc_status compile_update(fpc_stages *s)
{
    struct fpc_programs *all = s->programs;
    const fpc_optimizer_vtbl *v = s->optimizer.vtbl;
    fpc_graph *g;
    fpc_status st = new_graph(s, &g);
    if (st)
        return st;
    fpc_flat f = {.size = sizeof f,
                  .param = flat(s, g, "$param"),
                  .grad = flat(s, g, gradient(all)),
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

fpc_status fpc_update_accumulate(fpc_stages *s)
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

fpc_status fpc_update_norm(fpc_stages *s, double *norm, double *scale)
{
    struct fpc_programs *all = fpc_programs_of(s);
    fpc_status st = all ? FPC_OK : FPC_ENOMEM;
    st = st || all->norm ? st : compile_norm(s);
    st = st ? st : fpc_program_run(all->norm);
    st = st ? st : fpc_program_read(all->norm, "norm", FPC_F64, norm, 1);
    return st ? st : fpc_program_read(all->norm, "scale", FPC_F64, scale, 1);
}

fpc_status fpc_update_apply(fpc_stages *s, int64_t step, double lr, double scale)
{
    struct fpc_programs *all = s->programs;
    double t = (double)step, decay = s->run.ema;
    fpc_status st = all->update ? FPC_OK : compile_update(s);
    st = st ? st : fpc_program_write(all->update, "scale", FPC_F64, &scale, 1);
    st = st ? st : fpc_program_write(all->update, "lr", FPC_F64, &lr, 1);
    st = st ? st : fpc_program_write(all->update, "step", FPC_F64, &t, 1);
    if (!st && decay > 0) { /* a young average forgets its start faster */
        decay = decay < (1 + t) / (10 + t) ? decay : (1 + t) / (10 + t);
        st = fpc_program_write(all->update, "decay", FPC_F64, &decay, 1);
    }
    return st ? st : fpc_program_run(all->update);
}

/* Norm first, so that a diverged gradient never reaches the parameters. */
fpc_status fpc_stages_update(fpc_stages *s, int64_t step, double lr, double *grad_norm)
{
    double scale = 1;
    const fpc_status st = fpc_update_norm(s, grad_norm, &scale);
    if (st)
        return st;
    return isfinite(*grad_norm) ? fpc_update_apply(s, step, lr, scale) : FPC_ENAN;
}

/* ---- sharpness-aware minimisation: the gradient at w + rho g/|g| takes the place of the gradient g at w ---- */

static fpc_status compile_perturb(fpc_stages *s)
{
    struct fpc_programs *all = s->programs;
    fpc_graph *g;
    fpc_status st = fpc_backend_alloc(s->backend, s->ctx, fpc_bytes(s->state->flat, s->backend->device.real),
                                      "the parameters kept aside", &s->state->kept);
    st = st ? st : new_graph(s, &g);
    if (st)
        return st;
    fpc_op(g, "add_scaled", "perturb", 3,
           (fpc_val[]){flat(s, g, "$param"), flat(s, g, gradient(all)), fpc_input(g, "scale", fpc_vector(1), g->real)},
           NULL, NULL);
    return compile(s, g, &all->perturb);
}

static fpc_status perturb(fpc_stages *s, double norm)
{
    struct fpc_programs *all = s->programs;
    const double scale = s->sam / (norm + 1e-12);
    fpc_status st = all->perturb ? FPC_OK : compile_perturb(s);
    st = st ? st : fpc_state_keep_buffers(s->state, 1);
    st = st ? st
            : fpc_backend_copy(s->backend, s->state->kept, s->state->param,
                               fpc_bytes(s->state->flat, s->backend->device.real), FPC_ON_DEVICE);
    st = st ? st : fpc_program_write(all->perturb, "scale", FPC_F64, &scale, 1);
    return st ? st : fpc_program_run(all->perturb);
}

fpc_status fpc_update_uphill(fpc_stages *s, double norm, fpc_status (*there)(void *arg), void *arg)
{
    fpc_status st = perturb(s, norm), back;
    if (st)
        return st;
    st = there(arg);
    back = fpc_backend_copy(s->backend, s->state->param, s->state->kept,
                            fpc_bytes(s->state->flat, s->backend->device.real), FPC_ON_DEVICE);
    back = back ? back : fpc_state_restore_buffers(s->state, 1);
    return st ? st : back;
}

static fpc_status run_program(void *program)
{
    return fpc_program_run(program);
}

fpc_status fpc_stages_step(fpc_stages *s, fpc_program *program, int64_t step, double lr, double *grad_norm)
{
    double scale = 1;
    fpc_status st = fpc_update_norm(s, grad_norm, &scale);
    if (!st && s->sam > 0 && isfinite(*grad_norm)) {
        st = fpc_update_uphill(s, *grad_norm, run_program, program);
        st = st ? st : fpc_update_norm(s, grad_norm, &scale);
    }
    if (!st && !isfinite(*grad_norm))
        return FPC_ENAN;
    return st ? st : fpc_update_apply(s, step, lr, scale);
}

/* ---- stochastic weight averaging ---- */

fpc_status fpc_stages_swa(fpc_stages *s, int64_t n)
{
    struct fpc_programs *all = fpc_programs_of(s);
    const double decay = (double)n / (double)(n + 1);
    fpc_graph *g;
    fpc_status st = all ? FPC_OK : FPC_ENOMEM;
    if (!st && !all->swa && !(st = new_graph(s, &g))) {
        fpc_op(g, "ema", "swa", 3,
               (fpc_val[]){flat(s, g, "$swa"), flat(s, g, "$param"), fpc_input(g, "decay", fpc_vector(1), g->real)},
               NULL, NULL);
        st = compile(s, g, &all->swa);
    }
    st = st ? st : fpc_program_write(all->swa, "decay", FPC_F64, &decay, 1);
    return st ? st : fpc_program_run(all->swa);
}
