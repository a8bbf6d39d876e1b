/* cmd_bench.c: `fpcore bench`: images per second of whole training steps and of inference, memory, and where the time
 * goes, on random pictures: no data set is read, nothing is augmented. The matrix-product peak is that of the backend's
 * own kernel on a product large enough to hide everything else. */
#include "args.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

typedef struct bench {
    fpc_cmdline *cmd;
    fpc_stages *s;
    fpc_hw size;
    int64_t batch, steps, warmup;
    int ops;
    uint8_t *image, *mask, *labels;
    double *seconds; /* one per step */
    double peak;     /* MACs a second */
} bench;

/* One row of the table: the groups of one combination of ops, or a single group. */
typedef struct cost {
    const char *op, *name;
    double seconds;
    int64_t macs, bytes;
    int32_t n;
} cost;

typedef struct costs {
    fpc_arena *arena;
    int separate, failed;
    int32_t n, cap;
    cost *row;
} costs;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, int64_t n)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Random colours, labels in blocks of 8x8. */
static fpc_status fill(bench *b)
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

static fpc_status train_once(bench *b, int64_t k)
{
    const fpc_batch batch = {
        .n = (int32_t)b->batch, .h = b->size.h, .w = b->size.w, .image = b->image, .mask = b->mask};
    const fpc_batch *const list[] = {&batch};
    fpc_step_result r;

    return fpc_train_step(b->s, 1, list, k + 1, fpc_stages_lr(b->s, 0, NULL), &r);
}

static fpc_status infer_once(bench *b, int64_t k)
{
    (void)k;
    return fpc_predict_step(b->s, (int32_t)b->batch, b->size.h, b->size.w, b->image, b->labels);
}

/* Median seconds of a step. */
static fpc_status measure(bench *b, const char *what, fpc_status (*once)(bench *, int64_t), double *seconds)
{
    struct rusage use;
    fpc_status st = FPC_OK;

    for (int64_t k = 0; k < b->warmup + b->steps && !st; k++) {
        const double start = now();
        st = fpc_ctx_cancelled(b->cmd->ctx) ? fpc_fail(b->cmd->ctx, FPC_ECANCEL, "interrupted") : once(b, k);
        if (k >= b->warmup)
            b->seconds[k - b->warmup] = now() - start;
    }
    if (st)
        return st;
    *seconds = median(b->seconds, b->steps);
    getrusage(RUSAGE_SELF, &use);
    fpc_print(b->cmd, "%s: %.3f images/s\n", what, (double)b->batch / *seconds);
    fpc_print(b->cmd, "  median of %lld steps of %lld pictures, %.3f to %.3f images/s; peak memory so far %.0f MiB\n",
              (long long)b->steps, (long long)b->batch, (double)b->batch / b->seconds[b->steps - 1],
              (double)b->batch / b->seconds[0], (double)use.ru_maxrss / 1024);
    return FPC_OK;
}

/* The best of five products of 4096x512 by 512x512. */
static fpc_status measure_peak(bench *b)
{
    enum { ROWS = 4096, WIDTH = 512 };
    const uint32_t real = b->s->backend->device.real;
    fpc_graph *g;
    fpc_program *p;
    fpc_status st = fpc_graph_new(b->cmd->ctx, b->cmd->arena, b->s->ops, real, 0, &g);

    if (st)
        return st;
    const fpc_val in[] = {fpc_input(g, "x", (fpc_shape){1, 1, ROWS, WIDTH}, real),
                          fpc_input(g, "w", (fpc_shape){1, 1, WIDTH, WIDTH}, real)};
    fpc_output_mark(g, "y", fpc_op(g, "linear", "peak", 2, in, NULL, NULL));
    if ((st = fpc_graph_check(g)) || (st = fpc_program_compile(b->cmd->ctx, b->cmd->arena, b->s->state, g, &p)))
        return st;
    for (int k = 0; k < 20 && !st; k++) { /* the best of many short runs: a peak is no median */
        const double start = now();
        st = fpc_program_run(p);
        const double rate = (double)ROWS * WIDTH * WIDTH / (now() - start);
        if (k && rate > b->peak)
            b->peak = rate;
    }
    return st;
}

static void add_cost(void *arg, const char *op, const char *name, double seconds, int64_t macs, int64_t bytes)
{
    costs *c = arg;
    cost *r = NULL;

    for (int32_t i = 0; i < c->n && !c->separate && !r; i++)
        if (!strcmp(c->row[i].op, op))
            r = &c->row[i];
    if (!r && c->n == c->cap) {
        const int32_t cap = c->cap ? 2 * c->cap : 256;
        cost *more = fpc_alloc(c->arena, sizeof *more * (size_t)cap);
        if (!more) {
            c->failed = 1;
            return;
        }
        if (c->n)
            memcpy(more, c->row, sizeof *more * (size_t)c->n);
        c->row = more;
        c->cap = cap;
    }
    if (!r) {
        r = &c->row[c->n++];
        *r = (cost){.op = op, .name = name};
    }
    r->seconds += seconds;
    r->macs += macs;
    r->bytes += bytes;
    r->n++;
}

static int by_seconds(const void *a, const void *b)
{
    const double x = ((const cost *)a)->seconds, y = ((const cost *)b)->seconds;

    return (x < y) - (x > y);
}

static void print_costs(bench *b, costs *c)
{
    cost all = {0};

    for (int32_t i = 0; i < c->n; i++) {
        all.seconds += c->row[i].seconds;
        all.macs += c->row[i].macs;
        all.bytes += c->row[i].bytes;
    }
    if (!c->separate)
        qsort(c->row, (size_t)c->n, sizeof *c->row, by_seconds);
    fpc_print(b->cmd, "\n%9s %6s %5s %9s %9s %6s %8s  %s\n", "ms", "time %", "runs", "MMAC", "GMAC/s", "peak %", "GB/s",
              c->separate ? "ops, first node" : "ops that run together");
    for (int32_t i = 0; i < c->n; i++) {
        const cost *r = &c->row[i];
        const double rate = r->seconds > 0 ? (double)r->macs / r->seconds : 0;
        fpc_print(b->cmd, "%9.3f %6.1f %5d %9.1f %9.2f %6.1f %8.2f  %.100s%s%s\n", 1e3 * r->seconds,
                  100 * r->seconds / all.seconds, r->n, (double)r->macs / 1e6, rate / 1e9, 100 * rate / b->peak,
                  r->seconds > 0 ? (double)r->bytes / r->seconds / 1e9 : 0, r->op, c->separate ? "  " : "",
                  c->separate ? r->name : "");
    }
    fpc_print(b->cmd, "%9.3f %6.1f %5s %9.1f %9.2f %6.1f %8.2f  forward and backward\n", 1e3 * all.seconds, 100., "",
              (double)all.macs / 1e6, (double)all.macs / all.seconds / 1e9,
              100 * (double)all.macs / all.seconds / b->peak, (double)all.bytes / all.seconds / 1e9);
}

/* Where a training step's time goes. macs: of one step. */
static fpc_status profile(bench *b, costs *c, int64_t *macs)
{
    const fpc_probe_args args = {
        .n = (int32_t)b->batch, .h = b->size.h, .w = b->size.w, .training = 1, .backward = 1, .loss = 1};
    const int64_t n = b->batch * b->size.h * b->size.w;
    const int32_t clock[] = {0, 0, 1, 0};
    float *image = fpc_alloc(b->cmd->arena, sizeof *image * (size_t)n * 3);
    fpc_program *p;
    fpc_status st = image ? fpc_stages_probe(b->s, &args, &p) : FPC_ENOMEM;

    for (int64_t i = 0; i < n * 3 && !st; i++)
        image[i] = (float)b->image[i] / 255.0f;
    if (st || (st = fpc_program_write(p, "image", FPC_F32, image, n * 3)) ||
        (st = fpc_program_write(p, "mask", FPC_U8, b->mask, n)) ||
        (fpc_program_has(p, "clock") && (st = fpc_program_write(p, "clock", FPC_I32, clock, 4))))
        return st;
    *c = (costs){.arena = b->cmd->arena, .separate = b->ops};
    if ((st = fpc_program_profile(p, (int)b->steps, add_cost, c)))
        return st;
    for (int32_t i = 0; i < c->n; i++)
        *macs += c->row[i].macs;
    return c->failed ? FPC_ENOMEM : FPC_OK;
}

static fpc_status bench_run(bench *b, int train, int infer)
{
    double step = 0, forward = 0;
    int64_t macs = 0;
    costs c;
    fpc_status st;

    fpc_print(b->cmd, "model: %s, %lld parameters, %lldx%dx%d\n", b->s->model.plugin->name,
              (long long)b->s->state->n_trainable, (long long)b->batch, b->size.h, b->size.w);
    fpc_print(b->cmd, "backend: %s, %s\n", b->s->backend->inst.plugin->name, b->s->backend->device.name);
    if ((st = fill(b)) || (train && (st = measure(b, "train", train_once, &step))) ||
        (infer && (st = measure(b, "infer", infer_once, &forward))) || !train)
        return st;
    if ((st = measure_peak(b)) || (st = profile(b, &c, &macs)))
        return st;
    fpc_print(b->cmd, "matrix-product peak: %.2f GMAC/s (4096x512 by 512x512)\n", b->peak / 1e9);
    fpc_print(b->cmd, "training step: %.3f GMAC in %.3f s, %.2f GMAC/s, %.1f %% of the peak\n", (double)macs / 1e9,
              step, (double)macs / step / 1e9, 100 * (double)macs / step / b->peak);
    print_costs(b, &c);
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    bench b = {.cmd = cmd, .batch = 4, .steps = 5, .warmup = 2};
    int train = 0, infer = 0;
    const fpc_arg args[] = {{"size", 0, FPC_ARG_SIZE, 0, &b.size},
                            {"batch", 0, FPC_ARG_COUNT, 0, &b.batch},
                            {"steps", 0, FPC_ARG_COUNT, 0, &b.steps},
                            {"ops", 0, FPC_ARG_FLAG, 0, &b.ops},
                            {"train", 0, FPC_ARG_FLAG, 0, &train},
                            {"infer", 0, FPC_ARG_FLAG, 0, &infer},
                            {0}};
    fpc_status st = fpc_args_read(cmd, args, NULL, NULL);

    if (st || (st = fpc_cmd_open(cmd, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &b.s)))
        return st;
    b.size = fpc_cmd_size(b.s, b.size);
    return bench_run(&b, train || !infer, infer || !train);
}

const fpc_cmd fpc_cmd_bench = {
    .name = "bench",
    .summary = "Measure the speed and memory of training and inference.",
    .needs_recipe = 1,
    .run = run,
    .help =
        "usage: fpcore bench -c RECIPE [-s SECTION.KEY=VALUE]... [--size N|HxW] [--batch N] [--steps N] [--train]\n"
        "                    [--infer] [--ops]\n"
        "\n"
        "Runs whole training steps (forward, losses, backward, clipping, update) and inference on random pictures and\n"
        "prints `train: X images/s` and `infer: X images/s` (medians), peak memory, and a table of where a step's "
        "time\n"
        "goes, against the matrix-product peak of the backend on this machine.\n"
        "\n"
        "  --size N    picture size (default: dataset.size, else 512)\n"
        "  --batch N   pictures in a batch (default 4)\n"
        "  --steps N   measured steps, after two others (default 5)\n"
        "  --train     training only\n"
        "  --infer     inference only\n"
        "  --ops       a row for every group of nodes, in order\n"
        "\n"
        "example: fpcore bench -c conf/lmsa_v1.ini --size 128 --batch 32\n"};
