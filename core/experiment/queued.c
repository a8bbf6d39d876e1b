/* queued.c: steps that a device works on while the host goes on: inputs go through pinned memory, results come back
 * up to FPC_QUEUE_DEPTH steps later. The same programs, draws, order and numbers as in fpc_train_step. A step whose
 * gradient is not finite leaves the weights as they are; steps behind it were queued before anybody knew. */
#include "experiment/step.h"
#include "runtime/dtype.h"
#include <math.h>
#include <string.h>

static fpc_status memory_of_training(fpc_experiment *s, size_t *bytes)
{
    const fpc_dataset_info *info = fpc_data_info(s->data);
    return fpc_experiment_memory(s, (int32_t)fpc_data_options_of(s->data)->batch, info->h, info->w, bytes);
}

/* These look at each result before they go on. */
static int one_by_one(const fpc_experiment *s)
{
    return s->run.accumulate > 1 || s->sam > 0;
}

static fpc_status memory_beside(fpc_experiment *s, size_t *needed)
{
    *needed = 0;
    return fpc_backend_queues(s->backend) && fpc_data_options_of(s->data)->cache != FPC_CACHE_STREAM
               ? memory_of_training(s, needed)
               : FPC_OK;
}

fpc_status fpc_experiment_queue_check(fpc_experiment *s)
{
    int64_t mode;
    size_t needed;
    fpc_status status;
    if (one_by_one(s))
        return FPC_OK;
    status = memory_beside(s, &needed);
    return status ? status : fpc_resident_choose(s, needed, &mode);
}

fpc_status fpc_experiment_queue(fpc_experiment *s)
{
    struct fpc_programs *all = fpc_programs_of(s);
    const int queues = fpc_backend_queues(s->backend);
    size_t needed;
    fpc_status status;
    if (!all)
        return FPC_ENOMEM;
    if (all->queue || one_by_one(s))
        return FPC_OK;
    if ((status = memory_beside(s, &needed)))
        return status;
    if ((status = fpc_resident_open(s, needed, &all->resident)))
        return status;
    return queues ? fpc_queue_new(s->ctx, s->arena, s->backend, &all->queue) : FPC_OK;
}

fpc_status fpc_experiment_queue_batch(fpc_experiment *s, const fpc_batch *b)
{
    struct fpc_programs *all = fpc_programs_of(s);
    fpc_status status = all ? fpc_resident_batch(s, b, &all->resident) : FPC_ENOMEM;
    return status ? status : fpc_queue_new(s->ctx, s->arena, s->backend, &all->queue);
}

int fpc_experiment_queued(const fpc_experiment *s)
{
    return s->programs && s->programs->queue;
}

/* Pinned memory for the inputs and results of one step. */
static size_t room_for(fpc_experiment *s, const fpc_batch *b)
{
    const struct fpc_programs *all = s->programs;
    const fpc_augments *a = fpc_data_augments(s->data);
    const size_t n = (size_t)b->n, area = (size_t)b->h * (size_t)b->w, slack = 64;
    size_t bytes = 64 * slack + n * (size_t)s->classes * 3 * sizeof(int32_t) + 4 * FPC_MAX_LOSSES * sizeof(double);
    for (int32_t i = 0; a && i < a->n_inputs; i++)
        bytes += n * a->input[i].bytes + slack;
    return bytes + (all->resident ? fpc_resident_room(all->resident, b) : n * area * 4 + 2 * slack);
}

static fpc_status begin(fpc_experiment *s, const fpc_batch *b, fpc_program_kind kind, fpc_pending *p)
{
    struct fpc_programs *all = s->programs;
    fpc_status status = fpc_steps_program(s, kind, b->n, b->h, b->w, &p->program);
    p->n = b->n;
    return status ? status : fpc_queue_begin(all->queue, room_for(s, b));
}

static fpc_status ask_for_results(fpc_queue *q, fpc_pending *p)
{
    fpc_status status;
    if ((status = fpc_queue_read(q, p->program, "loss", &p->loss)) ||
        (status = fpc_queue_read(q, p->program, "terms", &p->terms)))
        return status;
    return fpc_queue_read(q, p->program, "counts", &p->counts);
}

static fpc_status update(fpc_experiment *s, int64_t step, double lr, fpc_pending *p)
{
    const double t = (double)step, decay = fpc_update_decay(s, step);
    fpc_queue *q = s->programs->queue;
    fpc_program *u;
    fpc_status status;
    if ((status = fpc_update_program(s, &u)) || (status = fpc_queue_write(q, u, "lr", FPC_F64, &lr, 1)) ||
        (fpc_program_has(u, "step") && (status = fpc_queue_write(q, u, "step", FPC_F64, &t, 1))) ||
        (fpc_program_has(u, "decay") && (status = fpc_queue_write(q, u, "decay", FPC_F64, &decay, 1))) ||
        (status = fpc_program_queue(u)) || (status = fpc_queue_read(q, u, "norm", &p->norm)))
        return status;
    return s->state->scaler ? fpc_queue_read(q, u, "scaler", &p->scaler) : FPC_OK;
}

/* Whatever happened, the entry of the queue is complete, so that what was queued can be waited for. */
static fpc_status end(fpc_experiment *s, const fpc_pending *p, fpc_status status)
{
    struct fpc_programs *all = s->programs;
    const fpc_status marked = fpc_queue_end(all->queue);
    all->queueing = 0;
    if (!status && !marked)
        all->pending[all->n_pending++] = *p;
    return status ? status : marked;
}

fpc_status fpc_train_queue(fpc_experiment *s, const fpc_batch *b, int64_t step, double lr)
{
    struct fpc_programs *all = s->programs;
    fpc_pending p = {.step = step};
    fpc_status status = begin(s, b, FPC_PROGRAM_TRAIN, &p);
    if (status)
        return status;
    all->queueing = 1;
    status = fpc_steps_inputs(s, p.program, b, step, NULL);
    if (!status)
        status = fpc_program_queue(p.program);
    if (!status)
        status = ask_for_results(all->queue, &p);
    if (!status)
        status = update(s, step, lr, &p);
    return end(s, &p, status);
}

fpc_status fpc_eval_queue(fpc_experiment *s, const fpc_batch *b)
{
    struct fpc_programs *all = s->programs;
    fpc_pending p = {0};
    fpc_status status = begin(s, b, FPC_PROGRAM_EVAL, &p);
    if (status)
        return status;
    all->queueing = 1;
    status = fpc_steps_inputs(s, p.program, b, 0, NULL);
    if (!status)
        status = fpc_program_queue(p.program);
    if (!status)
        status = ask_for_results(all->queue, &p);
    return end(s, &p, status);
}

/* The oldest step's numbers. A loss that is not finite, or a gradient where nothing scales it, ends the training. */
static fpc_status results(fpc_experiment *s, const fpc_pending *p, fpc_step_result *out)
{
    const uint32_t real = s->backend->device.real;
    double loss, norm = 0;
    fpc_dtype_convert(&loss, FPC_F64, p->loss, real, 1);
    fpc_dtype_convert(out->term, FPC_F64, p->terms, real, s->n_losses);
    if (p->norm)
        fpc_dtype_convert(&norm, FPC_F64, p->norm, real, 1);
    out->loss = loss;
    out->grad_norm = norm;
    out->images = p->n;
    out->tp_fp_fn = p->counts;
    out->skipped = !isfinite(norm) && p->scaler && fpc_scaler_goes_on(p->scaler);
    if (!p->step || (isfinite(loss) && (isfinite(norm) || out->skipped)))
        return FPC_OK;
    const fpc_status status = fpc_queue_again(s->programs->queue);
    const int by_loss = !isfinite(loss);
    return status ? status
                  : fpc_steps_diverged(s, p->program, p->step, by_loss ? "loss" : "norm of the gradient",
                                       by_loss ? loss : norm);
}

fpc_status fpc_queue_take(fpc_experiment *s, int all_of_them, fpc_step_result *out, int *got)
{
    struct fpc_programs *all = s->programs;
    *got = 0;
    if (!all || !all->n_pending || (!all_of_them && all->n_pending < FPC_QUEUE_DEPTH))
        return FPC_OK;
    const fpc_pending oldest = all->pending[0];
    memmove(all->pending, all->pending + 1, (size_t)--all->n_pending * sizeof oldest);
    *out = (fpc_step_result){0};
    const fpc_status status = fpc_queue_wait(all->queue);
    *got = !status;
    return status ? status : results(s, &oldest, out);
}
