/* bench.c: `fpcore bench`: images per second of whole training steps and of inference, memory, and where the time
 * goes, on random pictures: no data set is read, nothing is augmented. The peak is what the backend says it does
 * in registers alone; the matrix-product peak that of its own kernel on a product large enough to hide all else. */
#include "base/text.h"
#include "cmd/bench.h"
#include "experiment/labels.h"
#include "runtime/queue.h"
#include "base/clock.h"
#include "cmd/args.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double fpc_bench_median(double *v, int64_t n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Random colours, labels in blocks of 8x8. */
static fpc_status fill(fpc_bench *b)
{
    const int64_t pixels = (int64_t)b->size.h * b->size.w, n = b->batch * pixels;

    b->image = fpc_alloc(b->cmd->arena, (size_t)n * 3);
    b->mask = fpc_alloc(b->cmd->arena, (size_t)n);
    b->labels = fpc_alloc(b->cmd->arena, (size_t)n);
    b->seconds = fpc_alloc(b->cmd->arena, sizeof(double) * (size_t)b->steps);
    if (!b->image || !b->mask || !b->labels || !b->seconds)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < n * 3; i++)
        b->image[i] = (uint8_t)fpc_philox4x32(1, 2, (uint32_t)i, 0, 0, 0).v[0];
    for (int64_t i = 0; i < n; i++) {
        const int64_t y = i % pixels / b->size.w / 8, x = i % b->size.w / 8;
        b->mask[i] = (uint8_t)(fpc_philox4x32(3, 4, (uint32_t)(i / pixels), (uint32_t)y, (uint32_t)x, 0).v[0] %
                               (uint32_t)b->s->classes);
    }
    return FPC_OK;
}

/* Where the device has memory of its own, the pictures are there, as in training: only what they give is waited for. */
static fpc_status open_queue(fpc_bench *b)
{
    b->whole = (fpc_batch){.n = (int32_t)b->batch,
                           .h = b->size.h,
                           .w = b->size.w,
                           .part = FPC_TRAIN,
                           .image = b->image,
                           .mask = b->mask,
                           .index = fpc_alloc(b->cmd->arena, (size_t)b->batch * sizeof(int64_t)),
                           .borrowed = fpc_alloc(b->cmd->arena, (size_t)b->batch * sizeof(uint8_t *))};
    if (!b->whole.index || !b->whole.borrowed)
        return FPC_ENOMEM;
    for (int64_t i = 0; i < b->batch; i++)
        b->whole.index[i] = i;
    return fpc_backend_queues(b->s->backend) ? fpc_experiment_queue_batch(b->s, &b->whole) : FPC_OK;
}

static fpc_status train_once(fpc_bench *b, int64_t k)
{
    const fpc_batch *const list[] = {&b->whole};
    const double lr = fpc_experiment_lr(b->s, 0, NULL);
    fpc_step_result r;
    fpc_status status;
    int got;

    if (isnan(lr))
        return fpc_ctx_status(b->s->ctx);

    if (!fpc_experiment_queued(b->s))
        return fpc_train_step(b->s, 1, list, k + 1, lr, &r);
    status = fpc_train_queue(b->s, &b->whole, k + 1, lr);
    return status ? status : fpc_queue_take(b->s, 1, &r, &got);
}

static fpc_status infer_once(fpc_bench *b, int64_t k)
{
    fpc_program *p;
    fpc_status status;

    if (!fpc_experiment_queued(b->s) || k == 0)
        return fpc_predict_step(b->s, (int32_t)b->batch, b->size.h, b->size.w, b->image, b->labels);
    status = fpc_steps_program(b->s, FPC_PROGRAM_PREDICT, (int32_t)b->batch, b->size.h, b->size.w, &p);
    return status ? status : fpc_program_run(p);
}

/* Median seconds of a step. */
static fpc_status measure(fpc_bench *b, const char *what, fpc_status (*once)(fpc_bench *, int64_t), double *seconds)
{
    struct rusage use;
    fpc_status status = FPC_OK;

    for (int64_t k = 0; k < b->warmup + b->steps && !status; k++) {
        const double start = fpc_clock_now();
        status = fpc_ctx_cancelled(b->cmd->ctx) ? fpc_fail(b->cmd->ctx, FPC_ECANCEL, "interrupted") : once(b, k);
        if (k >= b->warmup)
            b->seconds[k - b->warmup] = fpc_clock_now() - start;
    }
    if (status)
        return status;
    *seconds = fpc_bench_median(b->seconds, b->steps);
    getrusage(RUSAGE_SELF, &use);
    fpc_print("%s: %.3f images/s\n", what, (double)b->batch / *seconds);
    fpc_print("  median of %lld %s of %lld %s, %.3f to %.3f images/s\n"
              "  peak memory so far %.0f MiB\n",
              (long long)b->steps, fpc_word(b->steps, "step", "steps"), (long long)b->batch,
              fpc_word(b->batch, "picture", "pictures"), (double)b->batch / b->seconds[b->steps - 1],
              (double)b->batch / b->seconds[0], (double)use.ru_maxrss / 1024);
    if (!b->s->backend->device.host)
        fpc_print("  memory of the device: %.0f MiB\n", (double)b->s->backend->allocated / 1048576);
    return FPC_OK;
}

static fpc_status bench_run(fpc_bench *b, int train, int infer)
{
    double step = 0, forward = 0;
    fpc_status status;

    fpc_print("model: %s, %lld parameters, %lldx%dx%d\n", b->s->model.plugin->name, (long long)b->s->state->n_trainable,
              (long long)b->batch, b->size.h, b->size.w);
    fpc_print("backend: %s, %s\n", b->s->backend->inst.plugin->name, b->s->backend->device.name);
    if (b->jobs)
        return (status = fill(b)) ? status : fpc_bench_jobs(b, train, infer);
    if ((status = fill(b)) || (status = open_queue(b)) ||
        (train && (status = measure(b, "train", train_once, &step))) ||
        (infer && (status = measure(b, "infer", infer_once, &forward))) || !train || b->rates)
        return status;
    return fpc_bench_costs(b, step);
}

static fpc_status run(fpc_cmdline *cmd)
{
    fpc_bench b = {.cmd = cmd, .steps = 5, .warmup = 2};
    const char *against = NULL;
    int64_t rounds = 5;
    int train = 0, infer = 0;
    const fpc_arg args[] = {{"size", 0, FPC_ARG_SIZE, 0, &b.size},
                            {"batch", 0, FPC_ARG_COUNT, 0, &b.batch},
                            {"steps", 0, FPC_ARG_COUNT, 0, &b.steps},
                            {"ops", 0, FPC_ARG_FLAG, 0, &b.ops},
                            {"jobs", 0, FPC_ARG_FLAG, 0, &b.jobs},
                            {"train", 0, FPC_ARG_FLAG, 0, &train},
                            {"infer", 0, FPC_ARG_FLAG, 0, &infer},
                            {"rates", 0, FPC_ARG_FLAG, 0, &b.rates},
                            {"against", 0, FPC_ARG_TEXT, 0, &against},
                            {"rounds", 0, FPC_ARG_COUNT, 0, &rounds},
                            {0}};
    fpc_status status = fpc_args_read(cmd, args, NULL, NULL);

    if (!status && against)
        return fpc_bench_against(&b, against, rounds, train || !infer, infer || !train);
    if (status || (status = fpc_cmd_open(cmd, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &b.s)))
        return status;
    if ((status = fpc_labels_assume(b.s))) /* weights of classes cost the same, whatever they are */
        return status;
    b.size = fpc_cmd_size(b.s, b.size);
    if (!b.batch)
        b.batch = b.s->sources.options.batch;
    return bench_run(&b, train || !infer, infer || !train);
}

const fpc_cmd fpc_cmd_bench = {
    .name = "bench",
    .place = 100,
    .summary = "Measure the speed and memory of training and inference.",
    .needs_recipe = 1,
    .interrupted = "stopping after this run",
    .run = run,
    .help =
        "usage: fpcore bench -c RECIPE [-s SECTION.KEY=VALUE]... [--size N|HxW] [--batch N] [--steps N] [--train]\n"
        "                    [--infer] [--ops | --jobs | --rates] [--against SETTING|PROGRAM [--rounds N]]\n"
        "\n"
        "Runs whole training steps (forward, losses, backward, clipping, update) and inference on random pictures and\n"
        "prints `train: X images/s` and `infer: X images/s` (medians), peak memory, and a table of where a step's "
        "time\n"
        "goes, against what the machine could do at most: multiply-accumulates in registers alone (where the backend "
        "tells; else in a large matrix product), and a large copy.\n"
        "\n"
        "  --size N     picture size (default: dataset.size, else 512)\n"
        "  --batch N    pictures in a batch (default: dataset.batch)\n"
        "  --steps N    measured steps, after two others (default 5)\n"
        "  --train      training only\n"
        "  --infer      inference only\n"
        "  --ops        a row for every group of nodes, in order\n"
        "  --rates      nothing but the rates\n"
        "  --against X  the rates of this setting and of another one in turn, each in a process of its own, and their "
        "ratio:\n"
        "               speeds drift. X is SECTION.KEY=VALUE (several apart by blanks) or another fpcore\n"
        "  --rounds N   pairs of them (default 5)\n"
        "  --jobs       instead of all that: what each group does alone and in which jobs, in microseconds, with one\n"
        "               thread; a line `group WHAT ALONE OPS`, then for each job `job WHAT ITEMS ALL LONGEST`\n"
        "\n"
        "example: fpcore bench -c conf/lmsa_v1.ini --against run.precision=bf16\n"};
