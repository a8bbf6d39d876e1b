/* int8_ranges.c: see int8.h. Runs of a program give its tensors; of each a histogram is kept, and of that the range is
 * taken whose rounding errs the least. All is counted by one thread, in the order of the pictures. */
#include "cmd/export/int8.h"
#include "base/message.h"
#include <math.h>
#include <string.h>

enum { BINS = 2048, STEPS = 100, LEVELS = 255 };
#define SCALE_LEAST 1e-30

typedef struct tensor {
    int32_t value;
    const char *output; /* in the program */
    const char *maker;  /* the node that makes it, for messages */
    int64_t count;
    int is_picture; /* bytes by 255: their range is known, and rounding them loses nothing */
    double low, high;
    int64_t *bin; /* from low to high */
} tensor;

struct fpc_int8_ranges {
    fpc_ctx *ctx;
    fpc_program *program;
    int32_t n;
    tensor *all;
    float *room; /* for the largest */
};

static fpc_status take(fpc_int8_ranges *r, fpc_arena *arena, const fpc_graph *g, int32_t v)
{
    tensor *t = &r->all[r->n++];
    const int32_t node = g->value[v].node;

    *t = (tensor){.value = v,
                  .output = fpc_sprintf(arena, "%d", v),
                  .maker = node >= 0 ? g->node[node].name : g->value[v].name,
                  .count = fpc_count(g->value[v].shape),
                  .is_picture = node >= 0 && !strcmp(g->node[node].def->name, "to_real"),
                  .bin = fpc_alloc(arena, BINS * sizeof *t->bin)};
    return t->output && t->bin ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_int8_ranges_new(fpc_ctx *ctx, fpc_arena *arena, const fpc_int8 *q, fpc_program *program,
                               fpc_int8_ranges **out)
{
    fpc_int8_ranges *r = *out = fpc_alloc(arena, sizeof *r);
    int64_t most = 1;
    fpc_status status;

    if (!r)
        return FPC_ENOMEM;
    *r = (fpc_int8_ranges){
        .ctx = ctx, .program = program, .all = fpc_alloc(arena, (size_t)q->g->n_values * sizeof *r->all)};
    for (int32_t v = 0; v < q->g->n_values && r->all; v++)
        if (q->wanted[v]) {
            if ((status = take(r, arena, q->g, v)))
                return status;
            most = r->all[r->n - 1].count > most ? r->all[r->n - 1].count : most;
        }
    r->room = fpc_alloc(arena, (size_t)most * sizeof *r->room);
    return r->all && r->room ? FPC_OK : FPC_ENOMEM;
}

static fpc_status widen(const fpc_int8_ranges *r, tensor *t)
{
    for (int64_t i = 0; i < t->count; i++) {
        const double x = (double)r->room[i];
        if (!isfinite(x))
            return fpc_fail(r->ctx, FPC_ENAN,
                            "export --int8: %s gives a number that is not finite for a calibration picture; such a "
                            "network has no range",
                            t->maker);
        t->low = x < t->low ? x : t->low;
        t->high = x > t->high ? x : t->high;
    }
    return FPC_OK;
}

static void spread(const fpc_int8_ranges *r, tensor *t)
{
    const double by = t->high > t->low ? BINS / (t->high - t->low) : 0;

    for (int64_t i = 0; i < t->count; i++) {
        const int at = (int)(((double)r->room[i] - t->low) * by);
        t->bin[at < 0 ? 0 : at < BINS ? at : BINS - 1]++;
    }
}

fpc_status fpc_int8_ranges_add(fpc_int8_ranges *r, int pass)
{
    fpc_status status = FPC_OK;

    for (int32_t i = 0; i < r->n && !status; i++) {
        tensor *t = &r->all[i];
        if (t->is_picture)
            continue;
        if (!(status = fpc_program_read(r->program, t->output, FPC_F32, r->room, t->count)) && !pass)
            status = widen(r, t);
        if (!status && pass)
            spread(r, t);
    }
    return status;
}

/* ---- from a histogram to a point ---- */

/* Zero is one of the 256 numbers, since padding and ReLU give it. */
static fpc_int8_point point_of(double low, double high)
{
    const double scale = (high - low) / LEVELS;

    if (!(scale > SCALE_LEAST))
        return (fpc_int8_point){1, 0};
    const double zero = rint(-low / (double)(float)scale);
    return (fpc_int8_point){(float)scale, (int32_t)(zero < 0 ? 0 : zero > LEVELS ? LEVELS : zero)};
}

/* The sum of squares of what rounding changes. */
static double error_of(const tensor *t, double low, double high)
{
    const fpc_int8_point p = point_of(low, high);
    const double width = (t->high - t->low) / BINS, s = (double)p.scale;
    double sum = 0;

    for (int b = 0; b < BINS; b++) {
        const double x = t->low + (b + 0.5) * width;
        double q = rint(x / s) + p.zero;
        q = q < 0 ? 0 : q > LEVELS ? LEVELS : q;
        const double off = x - s * (q - p.zero);
        sum += (double)t->bin[b] * off * off;
    }
    return sum;
}

/* Of the ends *end * k / STEPS the best one, the other end being kept; the widest of equal ones. */
static void shrink(const tensor *t, double *low, double *high, double *end)
{
    const double whole = *end;
    double best = error_of(t, *low, *high), kept = whole;

    for (int k = STEPS - 1; k > 0; k--) {
        *end = whole * k / STEPS;
        const double error = error_of(t, *low, *high);
        if (error < best) {
            best = error;
            kept = *end;
        }
    }
    *end = kept;
}

void fpc_int8_ranges_points(const fpc_int8_ranges *r, fpc_int8 *q)
{
    for (int32_t i = 0; i < r->n; i++) {
        const tensor *t = &r->all[i];
        double low = t->low, high = t->high;

        shrink(t, &low, &high, &high);
        shrink(t, &low, &high, &low);
        q->point[t->value] = t->is_picture ? (fpc_int8_point){1.0f / LEVELS, 0} : point_of(low, high);
    }
}
