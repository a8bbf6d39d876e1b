/* inputs.c: what a batch's program takes: pictures, masks, draws, the clock of random numbers, the weights of the
 * losses. */
#include "experiment/step.h"

fpc_status fpc_steps_draws(fpc_experiment *s, fpc_program *p, const fpc_batch *b)
{
    const fpc_augments *a = fpc_data_augments(s->data);
    fpc_status status = FPC_OK;
    for (int32_t i = 0; a && i < a->n_inputs && !status; i++)
        if (fpc_program_has(p, a->input[i].name))
            status =
                fpc_steps_write(s, p, a->input[i].name, a->input[i].dtype, b->draws.data[i], b->n * a->input[i].count);
    return status;
}

fpc_status fpc_steps_clock(fpc_experiment *s, fpc_program *p, int64_t count)
{
    const uint64_t seed = (uint64_t)s->run.seed;
    const int32_t clock[4] = {(int32_t)(uint32_t)seed, (int32_t)(uint32_t)(seed >> 32), (int32_t)(uint32_t)count, 0};
    return fpc_program_has(p, "clock") ? fpc_steps_write(s, p, "clock", FPC_I32, clock, 4) : FPC_OK;
}

fpc_status fpc_steps_weights(fpc_experiment *s, fpc_program *p, const double *share)
{
    double w[FPC_MAX_LOSSES];
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
    fpc_status status;
    if ((status = write_batch(s, p, b)) || (status = fpc_steps_draws(s, p, b)) ||
        (status = fpc_steps_clock(s, p, clock)))
        return status;
    return fpc_program_has(p, "loss.weights") ? fpc_steps_weights(s, p, share) : FPC_OK;
}
