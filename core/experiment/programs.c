/* programs.c: from graphs to programs. One is compiled for each kind and batch size that occurs and kept; all share the
 * activation memory. And how much memory training takes. */
#include "experiment/step.h"

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
    fpc_status status;
    if ((status = fpc_steps_graph(s, kind, n, h, w, &g)) ||
        (status = fpc_program_compile(s->ctx, s->arena, s->state, g, out)))
        return status;
    all->item[all->n++] = (fpc_compiled){kind, n, h, w, *out};
    return FPC_OK;
}

fpc_status fpc_experiment_probe(fpc_experiment *s, const fpc_probe_args *a, fpc_program **out)
{
    fpc_graph *g;
    fpc_status status;
    if ((status = fpc_steps_probe_graph(s, a, &g)) ||
        (status = fpc_program_compile(s->ctx, s->arena, s->state, g, out)) || (status = fpc_steps_clock(s, *out, 0)))
        return status;
    return fpc_program_has(*out, "loss.weights") ? fpc_steps_weights(s, *out, NULL) : FPC_OK;
}

fpc_status fpc_experiment_memory(fpc_experiment *s, int32_t n, int32_t h, int32_t w, size_t *bytes)
{
    fpc_graph *g;
    fpc_status status;
    if ((status = fpc_steps_graph(s, FPC_PROGRAM_TRAIN, n, h, w, &g)) ||
        (status = fpc_program_measure(s->ctx, s->arena, s->state, g, bytes)))
        return status;
    *bytes += s->backend->allocated;
    return FPC_OK;
}

static fpc_status fits(fpc_experiment *s, int32_t n, size_t *needed, int *yes)
{
    const fpc_status status = fpc_experiment_memory(s, n, s->info.h, s->info.w, needed);
    *yes = !status && *needed <= s->backend->device.free;
    return status;
}

fpc_status fpc_experiment_fit(fpc_experiment *s)
{
    const double mebi = 1048576, has = (double)s->backend->device.free;
    const int32_t batch = (int32_t)fpc_data_options_of(s->data)->batch, h = s->info.h, w = s->info.w;
    int32_t good = 0, bad = batch;
    size_t needed = 0, other = 0;
    int yes = 1;
    fpc_status status = s->backend->device.free ? fits(s, batch, &needed, &yes) : FPC_OK;
    if (status || yes)
        return status; /* a failure is of something else than memory */
    while (bad - good > 1) {
        const int32_t middle = good + (bad - good) / 2;
        if ((status = fits(s, middle, &other, &yes)))
            return status;
        *(yes ? &good : &bad) = middle;
    }
    const char *what = good ? fpc_sprintf(s->arena, "dataset.batch = %d is the largest that fits", good)
                       : h == w
                           ? fpc_sprintf(s->arena, "not even one picture fits; dataset.size = %d may", h / 2)
                           : fpc_sprintf(s->arena, "not even one picture fits; dataset.size = %dx%d may", h / 2, w / 2);
    return fpc_fail(s->ctx, FPC_ENOMEM,
                    "dataset.batch = %d at %dx%d needs %.0f MiB for training, of which backend %s has %.0f free; %s",
                    batch, w, h, (double)needed / mebi, s->backend->inst.plugin->name, has / mebi, what ? what : "");
}
