/* bench_costs.c: the ceilings of the machine (arithmetic in registers, a large matrix product, a large copy), and for
 * each group of nodes of a training step how long it takes against its floor: the larger of its multiply-accumulates at
 * the one rate and its bytes at the other. A step cannot be faster than the sum of the floors with the groups as they
 * are. */
#include "cmd/line/terminal.h"
#include "cmd/bench.h"
#include "runtime/dtype.h"
#include "graph/nodes.h"
#include "experiment/experiment.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

/* One row of the table: the groups of one combination of ops, or a single group. */
typedef struct cost {
    const char *op, *name;
    double seconds, floor;
    int64_t macs, bytes;
    int32_t n;
} cost;

typedef struct costs {
    const fpc_bench *bench;
    fpc_arena *arena;
    int separate, failed;
    int32_t n, cap;
    cost *row;
} costs;

/* ---- ceilings ---- */

/* The shortest of several runs: of three where they take long, on a slow machine or a program built to find faults. */
#define LONG 0.5 /* seconds */
static fpc_status shortest(fpc_program *p, int runs, double *seconds)
{
    const double began = fpc_clock_now();
    fpc_status status = fpc_program_run(p); /* warms up */

    *seconds = 1e30;
    for (int k = 0; k < runs && (k < 3 || fpc_clock_now() - began < LONG) && !status; k++) {
        const double start = fpc_clock_now();
        status = fpc_program_run(p);
        const double took = fpc_clock_now() - start;
        *seconds = took < *seconds ? took : *seconds;
    }
    return status;
}

/* Numbers in [-1, 1], the same few over and over: a device is faster with zeros than it ever is with real data. */
static fpc_status fill_noise(fpc_bench *b, fpc_program *p, const char *input)
{
    enum { SOME = 65536 };
    static float noise[SOME];
    static double wide[SOME];
    fpc_tensor t;
    fpc_status status = fpc_program_tensor(p, input, -1, &t);

    for (uint32_t i = 0; i < SOME; i++)
        noise[i] = 2 * fpc_unit(fpc_philox4x32(5, 6, i, 0, 0, 0).v[0]) - 1;
    if (!status)
        fpc_dtype_convert(wide, t.dtype, noise, FPC_F32, SOME);
    const size_t bytes = status ? 0 : fpc_bytes(t.shape, t.dtype), most = SOME * fpc_dtype_size(t.dtype);
    for (size_t at = 0; at < bytes && !status; at += most)
        status = fpc_backend_copy(b->s->backend, (char *)t.data + at, wide, bytes - at < most ? bytes - at : most,
                                  FPC_TO_DEVICE);
    return status;
}

/* Memory that was taken since there were `before` blocks, but for what all programs share. */
static void release_inputs(fpc_bench *b, int32_t before)
{
    fpc_backend *be = b->s->backend;

    for (int32_t i = be->n_blocks - 1; i >= before; i--)
        if (be->block[i].data != b->s->state->work && be->block[i].data != b->s->state->scratch)
            fpc_backend_release(be, be->block[i].data);
}

/* A graph of one node: `linear` of rows by width x width in what the training computes in, or
 * `copy` of rows x width numbers. */
static fpc_status one_node(fpc_bench *b, int product, int32_t rows, int32_t width, double *seconds)
{
    const uint32_t real = b->s->backend->device.real;
    const int32_t blocks = b->s->backend->n_blocks;
    fpc_arena *arena = fpc_arena_new(b->cmd->ctx);
    fpc_graph *g;
    fpc_program *p;
    fpc_status status = arena ? fpc_graph_new(b->cmd->ctx, arena, b->s->ops, real, 0, &g) : FPC_ENOMEM;

    if (status)
        return status;
    const fpc_val in[] = {fpc_input(g, "x", (fpc_shape){1, 1, rows, width}, real),
                          product ? fpc_input(g, "w", (fpc_shape){1, 1, width, width}, real) : (fpc_val){-1}};
    const fpc_val y = fpc_op(g, product ? "linear" : "copy", "ceiling", 1 + product, in, NULL, 0, NULL);
    const uint32_t half = fpc_half_of(b->s);
    fpc_output_mark(g, "y", y);
    status = fpc_graph_check(g);
    for (int32_t v = 0; v < g->n_values && !status && half; v++)
        g->value[v].dtype = half;
    if (!status)
        status = fpc_program_compile(b->cmd->ctx, arena, b->s->state, g, &p);
    if (!status)
        status = fill_noise(b, p, "x");
    status = status || !product ? status : fill_noise(b, p, "w");
    if (!status)
        status = shortest(p, 20, seconds);
    fpc_arena_free(arena);
    release_inputs(b, blocks);
    return status;
}

/* Sizes grow until a run takes a few milliseconds, so that starting it costs nothing beside it. */
enum { MOST_ROWS = 16384, MOST_WIDTH = 4096, MOST_BYTES = 1 << 30 };
#define LONG_ENOUGH 2e-3

static fpc_status measure_peak(fpc_bench *b)
{
    const int host = b->s->backend->device.host;
    int32_t rows = host ? 4096 : 256, width = host ? 512 : 128;
    double seconds;

    for (;;) {
        const fpc_status status = one_node(b, 1, rows, width, &seconds);
        if (status)
            return status;
        if (host || seconds > LONG_ENOUGH || rows >= MOST_ROWS || width >= MOST_WIDTH)
            break;
        rows *= 2;
        width *= 2;
    }
    const fpc_backend *be = b->s->backend;
    const double product = (double)rows * width * width / seconds,
                 registers = be->vtbl->peak ? FPC_CALL(be->inst.who, be->vtbl->peak(be->inst.self)) : 0;
    b->peak = registers > product ? registers : product;
    if (registers > 0)
        fpc_print("peak: %.2f GMAC/s (multiply-accumulates in registers, on all threads)\n", registers / 1e9);
    fpc_print("matrix-product peak: %.2f GMAC/s (%dx%d by %dx%d)", product / 1e9, rows, width, width, width);
    if (registers > 0)
        fpc_print(", %.0f %% of it", 100 * product / registers);
    fpc_print("\n");
    return FPC_OK;
}

static fpc_status measure_bandwidth(fpc_bench *b)
{
    const int host = b->s->backend->device.host;
    int64_t bytes = host ? 64 << 20 : 1 << 20;
    double seconds;

    for (;;) {
        const int32_t width = 1024;
        const int64_t each = (int64_t)fpc_dtype_size(fpc_half_of(b->s) ? FPC_BF16 : b->s->backend->device.real);
        const fpc_status status = one_node(b, 0, (int32_t)(bytes / width / each), width, &seconds);
        if (status)
            return status;
        if (host || seconds > LONG_ENOUGH || bytes >= MOST_BYTES || bytes > (int64_t)(b->s->backend->device.free / 64))
            break;
        bytes *= 4;
    }
    b->bandwidth = 2 * (double)bytes / seconds;
    fpc_print("memory bandwidth: %.1f GB/s (a copy of %lld MiB, read and written)\n", b->bandwidth / 1e9,
              (long long)(bytes >> 20));
    return FPC_OK;
}

/* ---- costs ---- */

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
    const double products = (double)macs / c->bench->peak, moves = (double)bytes / c->bench->bandwidth;
    r->floor += products > moves ? products : moves;
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

static int by_distance(const void *a, const void *b)
{
    const cost *r = a, *o = b;
    const double x = r->seconds - r->floor, y = o->seconds - o->floor;

    return (x < y) - (x > y);
}

/* What a row is of stands beneath its numbers where it does not fit beside them. */
static void print_named(fpc_arena *arena, const char *numbers, const char *op, const char *name)
{
    const char *text = fpc_sprintf(arena, "%s%s%s", op, *name ? "  " : "", name);
    const int width = fpc_table_width();

    if (!text || !numbers)
        return;
    if ((int)(strlen(numbers) + 2 + strlen(text)) <= width) {
        fpc_print("%s  %s\n", numbers, text);
        return;
    }
    fpc_print("%s\n", numbers);
    fpc_print_folded("      ", "      ", text, width);
}

static void print_row(const fpc_bench *b, const cost *r, double all_seconds, const char *name)
{
    const double rate = r->seconds > 0 ? (double)r->macs / r->seconds : 0;

    print_named(b->cmd->arena,
                fpc_sprintf(b->cmd->arena, "%8.3f %6.1f %4d %8.1f %7.2f %6.1f %7.1f %6.1f %8.3f %7.1f",
                            1e3 * r->seconds, 100 * r->seconds / all_seconds, r->n, (double)r->macs / 1e6, rate / 1e9,
                            100 * rate / b->peak, (double)r->bytes / 1048576,
                            r->seconds > 0 ? (double)r->bytes / r->seconds / 1e9 : 0, 1e3 * r->floor,
                            r->seconds > 0 ? 100 * r->floor / r->seconds : 0),
                r->op, name);
}

static void print_costs(fpc_bench *b, costs *c)
{
    enum { FURTHEST = 10 };
    cost all = {.op = "whole step"};

    for (int32_t i = 0; i < c->n; i++) {
        all.seconds += c->row[i].seconds;
        all.macs += c->row[i].macs;
        all.bytes += c->row[i].bytes;
        all.floor += c->row[i].floor;
        all.n += c->row[i].n;
    }
    if (!c->separate)
        qsort(c->row, (size_t)c->n, sizeof *c->row, by_seconds);
    fpc_print("\n");
    print_named(b->cmd->arena,
                fpc_sprintf(b->cmd->arena, "%8s %6s %4s %8s %7s %6s %7s %6s %8s %7s", "ms", "time %", "runs", "MMAC",
                            "GMAC/s", "peak %", "MiB", "GB/s", "floor ms", "floor %"),
                c->separate ? "ops, first node" : "ops that run together", "");
    for (int32_t i = 0; i < c->n; i++)
        print_row(b, &c->row[i], all.seconds, c->separate ? c->row[i].name : "");
    print_row(b, &all, all.seconds, "");
    qsort(c->row, (size_t)c->n, sizeof *c->row, by_distance);
    fpc_print("\nfurthest from their floor:\n");
    for (int32_t i = 0; i < c->n && i < FURTHEST; i++)
        print_named(b->cmd->arena,
                    fpc_sprintf(b->cmd->arena, "%9.3f ms above a floor of %.3f:",
                                1e3 * (c->row[i].seconds - c->row[i].floor), 1e3 * c->row[i].floor),
                    c->row[i].op, c->separate ? c->row[i].name : "");
}

/* Forward and backward as a graph of its own, whose pictures are there already. */
static fpc_status training_program(fpc_bench *b, fpc_program **out)
{
    const fpc_probe_args args = {
        .n = (int32_t)b->batch, .h = b->size.h, .w = b->size.w, .training = 1, .backward = 1, .loss = 1};
    const int64_t n = b->batch * b->size.h * b->size.w;
    const int32_t clock[] = {0, 0, 1, 0};
    float *image = fpc_alloc(b->cmd->arena, sizeof *image * (size_t)n * 3);
    fpc_status status = image ? fpc_experiment_probe(b->s, &args, out) : FPC_ENOMEM;

    for (int64_t i = 0; i < n * 3 && !status; i++)
        image[i] = (float)b->image[i] / 255.0f;
    if (!status)
        status = fpc_program_write(*out, "image", FPC_F32, image, n * 3);
    if (!status)
        status = fpc_program_write(*out, "mask", FPC_U8, b->mask, n);
    if (!status && fpc_program_has(*out, "clock"))
        status = fpc_program_write(*out, "clock", FPC_I32, clock, 4);
    return status;
}

static fpc_status profile(fpc_bench *b, costs *c)
{
    fpc_program *p, *update;
    fpc_status status;

    if ((status = training_program(b, &p)) || (status = fpc_program_profile(p, (int)b->steps, add_cost, c)) ||
        (status = fpc_update_program(b->s, &update)) ||
        (status = fpc_program_profile(update, (int)b->steps, add_cost, c)))
        return status;
    return c->failed ? FPC_ENOMEM : FPC_OK;
}

fpc_status fpc_bench_costs(fpc_bench *b, double step)
{
    costs c = {.bench = b, .arena = b->cmd->arena, .separate = b->ops};
    double floor = 0, macs = 0, bytes = 0;
    fpc_status status = measure_peak(b);

    if (status || (status = measure_bandwidth(b)) || (status = profile(b, &c)))
        return status;
    for (int32_t i = 0; i < c.n; i++) {
        floor += c.row[i].floor;
        macs += (double)c.row[i].macs;
        bytes += (double)c.row[i].bytes;
    }
    fpc_print("training step: %.3f GMAC in %.3f s, %.2f GMAC/s, %.1f %% of the peak\n", macs / 1e9, step,
              macs / step / 1e9, 100 * macs / step / b->peak);
    fpc_say("floor of the step: %.3f ms for these products and %.1f MiB moved, which is %.1f %% of it", 1e3 * floor,
            bytes / 1048576, 100 * floor / step);
    print_costs(b, &c);
    return FPC_OK;
}

/* ---- jobs ---- */

static void print_jobs(void *arg, const char *op, double seconds, const fpc_jobs *jobs)
{
    double alone = seconds;

    for (int32_t i = 0; i < jobs->n; i++)
        alone -= jobs->job[i].seconds;
    fpc_print("group %s %.3f %s\n", (const char *)arg, 1e6 * (alone > 0 ? alone : 0), op);
    for (int32_t i = 0; i < jobs->n; i++)
        fpc_print("job %s %d %.3f %.3f\n", (const char *)arg, jobs->job[i].items, 1e6 * jobs->job[i].seconds,
                  1e6 * jobs->job[i].longest);
}

fpc_status fpc_bench_jobs(fpc_bench *b, int train, int infer)
{
    const int runs = (int)b->steps;
    fpc_program *p;
    fpc_status status = FPC_OK;

    if (b->s->backend->device.threads > 1)
        return fpc_fail(b->cmd->ctx, FPC_EINVAL,
                        "--jobs: what %d threads do at once cannot be told apart; use -s backend.threads=1",
                        b->s->backend->device.threads);
    if (train && ((status = training_program(b, &p)) ||
                  (status = fpc_program_jobs(p, runs, print_jobs, (void *)(uintptr_t) "train")) ||
                  (status = fpc_update_program(b->s, &p)) ||
                  (status = fpc_program_jobs(p, runs, print_jobs, (void *)(uintptr_t) "train"))))
        return status;
    if (infer && !(status = fpc_predict_step(b->s, (int32_t)b->batch, b->size.h, b->size.w, b->image, b->labels)) &&
        !(status = fpc_steps_program(b->s, FPC_PROGRAM_PREDICT, (int32_t)b->batch, b->size.h, b->size.w, &p)))
        status = fpc_program_jobs(p, runs, print_jobs, (void *)(uintptr_t) "infer");
    return status;
}
