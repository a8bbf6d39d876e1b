/* draws.c: the draws of one image: what the plugins drew becomes the numbers that the ops warp_image, warp_mask,
 * colour, mix_image and mix_mask take. Pure: a function of (seed, epoch, batch, sample, row).
 *
 * Order of geometry: each draw maps the picture that it makes to the picture that it takes, so that of the sections
 * A, B, C of a recipe (A first) a pixel of the result goes through C's map first, A's last. With matrices alone the
 * composed map is M_A M_B M_C, and exact. Where fields take part, the composed map is written as the product of all
 * matrices plus a field of what is missing, at the nodes of fpc_field_draw. The picture is resampled once. Labels
 * change sides when an odd number of the draws that mirror ask for it. */
#define _POSIX_C_SOURCE 200809L
#include "data/augments.h"
#include <fpcore/draw.h>
#include "base/message.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN = 12, MAX_FIELDS = 4, NODES = FPC_FIELD_NODES };
static const double LEAST_DETERMINANT = 1e-9;

/* ---- matrices ---- */
static void multiply(const double a[9], const double b[9], double out[9])
{
    double m[9];
    for (int i = 0; i < 9; i++)
        m[i] = a[i / 3 * 3] * b[i % 3] + a[i / 3 * 3 + 1] * b[i % 3 + 3] + a[i / 3 * 3 + 2] * b[i % 3 + 6];
    memcpy(out, m, sizeof m);
}

/* A number that differs from a whole (or half) one by rounding only becomes it: flips and the identity then permute
 * pixels exactly, at every size. */
static double snap(double x)
{
    const double whole = rint(x * 2) / 2;
    return fabs(x - whole) < 1e-9 ? whole + 0.0 : x;
}

static double determinant(const double m[9])
{
    return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
}

/* From [-1,1] edge to edge to pixel indices: u = (2x+1)/w - 1. 0 where the matrix has no inverse or m22 is 0. */
static int to_pixels(const double m[9], int32_t h, int32_t w, float out[8])
{
    const double in[9] = {2.0 / w, 0, 1.0 / w - 1, 0, 2.0 / h, 1.0 / h - 1, 0, 0, 1};
    const double back[9] = {w / 2.0, 0, (w - 1) / 2.0, 0, h / 2.0, (h - 1) / 2.0, 0, 0, 1};
    double p[9];
    multiply(m, in, p);
    multiply(back, p, p);
    if (!(fabs(p[8]) > 1e-6) || !(fabs(determinant(m)) > LEAST_DETERMINANT))
        return 0;
    for (int i = 0; i < 8; i++) {
        out[i] = (float)snap(p[i] / p[8]);
        if (!isfinite(out[i]))
            return 0;
    }
    return 1;
}

static int mirrors(const double m[9])
{
    return m[0] * m[4] - m[1] * m[3] < 0;
}

/* ---- the geometry of one image in one resampling ---- */
typedef struct step { /* one section: a matrix, or a field */
    double m[9];
    const fpc_field_draw *field;
} step;

typedef struct pose {
    double m[9]; /* product of the matrices */
    int exchange, n_steps, n_fields;
    step *steps; /* [sections]; only kept where the group has fields */
} pose;

static void map_point(const double m[9], double p[2])
{
    const double d = m[6] * p[0] + m[7] * p[1] + m[8];
    const double x = (m[0] * p[0] + m[1] * p[1] + m[2]) / d, y = (m[3] * p[0] + m[4] * p[1] + m[5]) / d;
    p[0] = x;
    p[1] = y;
}

/* The node below a coordinate and the share of the next; outside the border's node counts. */
static int node_below(double u, double *share)
{
    const double at = fmin(fmax((u + 1) / 2 * (NODES - 1), 0), NODES - 1);
    const int below = at < NODES - 1 ? (int)at : NODES - 2;
    *share = at - below;
    return below;
}

static void shift_point(const fpc_field_draw *f, double p[2])
{
    double fx, fy, to[2];
    const int x = node_below(p[0], &fx), y = node_below(p[1], &fy);
    for (int k = 0; k < 2; k++) {
        const double top = f->shift[y][x][k] * (1 - fx) + f->shift[y][x + 1][k] * fx;
        const double bottom = f->shift[y + 1][x][k] * (1 - fx) + f->shift[y + 1][x + 1][k] * fx;
        to[k] = p[k] + top * (1 - fy) + bottom * fy;
    }
    p[0] = to[0];
    p[1] = to[1];
}

/* What the whole chain does beyond the product of its matrices. */
static void write_field(const pose *of, float *out)
{
    for (int y = 0; y < NODES; y++)
        for (int x = 0; x < NODES; x++, out += 2) {
            const double u[2] = {2.0 * x / (NODES - 1) - 1, 2.0 * y / (NODES - 1) - 1};
            double all[2] = {u[0], u[1]}, straight[2] = {u[0], u[1]};
            for (int i = of->n_steps - 1; i >= 0; i--)
                if (of->steps[i].field)
                    shift_point(of->steps[i].field, all);
                else
                    map_point(of->steps[i].m, all);
            map_point(of->m, straight);
            for (int k = 0; k < 2; k++) {
                const double d = all[k] - straight[k];
                out[k] = isfinite(d) ? (float)d : 0;
            }
        }
}

static void label_table(const fpc_augments *a, int exchange, uint8_t table[256])
{
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)i;
    for (int32_t i = 0; exchange && i < a->info.n_mirror_pairs; i++) {
        const uint8_t *pair = a->info.mirror_pairs[i];
        table[pair[0]] = pair[1];
        table[pair[1]] = pair[0];
    }
}

/* ---- mixing ---- */
static fpc_status write_plan(const fpc_augments *a, const fpc_augment_item *it, const fpc_mix *mix, int32_t row,
                             int32_t rows, fpc_draws *out)
{
    const fpc_mix_group *g = &a->mix[it->mix];
    float *plan = (float *)out->data[g->plan] + row * a->input[g->plan].count;
    uint8_t *table = (uint8_t *)out->data[g->table] + row * a->input[g->table].count;
    plan[0] = (float)mix->soft;
    plan[1] = mix->soft ? mix->lambda : 1;
    for (int k = 0; k < FPC_MIX_LAYERS; k++) {
        const fpc_mix_layer *l = &mix->layer[k];
        const int placed = l->sx != 0 || l->sy != 0 || l->tx != 0 || l->ty != 0;
        uint32_t any = 0;
        if (l->partner < 0 || l->partner >= rows)
            return fpc_fail(it->inst.self->ctx, FPC_EINTERNAL,
                            "%s: plugin augment/%s mixes picture %d into the batch; the batch has %d",
                            it->inst.self->label, it->inst.plugin->name, l->partner, rows);
        for (int i = 0; i < 8; i++)
            any |= l->classes[i];
        const float to[PLAN] = {(float)l->partner,  l->alpha,           l->x0, l->y0, l->x1,   l->y1,
                                placed ? l->sx : 1, placed ? l->sy : 1, l->tx, l->ty, any == 0};
        memcpy(plan + (k + 1) * PLAN, to, sizeof to);
        for (int c = 0; c < 256; c++)
            table[k * 256 + c] = !any || (l->classes[c / 32] >> (c % 32) & 1);
    }
    if (a->lambda >= 0 && mix->soft) {
        float *lambda = (float *)out->data[a->lambda] + row;
        *lambda = mix->lambda > 0.5f ? mix->lambda : 1 - mix->lambda; /* of the first mask: that of the larger share */
    }
    return FPC_OK;
}

/* Which of the mix sections has this batch: a fair die that all its images see alike; -1: all have. */
static int32_t chosen_mix(const fpc_augments *a, uint64_t seed, int64_t epoch, int64_t batch)
{
    const fpc_rng rng = {
        {(uint32_t)seed, (uint32_t)(seed >> 32)}, fpc_hash("augment.mix"), (uint32_t)epoch, (uint32_t)batch};
    return a->mix_all ? -1 : (int32_t)fpc_draw_below(rng, 0, a->n_mix_sections);
}

/* ---- one image ---- */
typedef struct drawing {
    const fpc_augments *a;
    fpc_rng rng;
    fpc_image_info image;
    fpc_draws *out;
    pose *poses;            /* [n_warps] */
    fpc_field_draw *fields; /* [MAX_FIELDS] */
    int n_fields;
} drawing;

static void add_matrix(drawing *d, const fpc_augment_item *it, const fpc_homography *h)
{
    pose *p = &d->poses[it->warp];
    p->exchange ^= mirrors(h->m) && !h->keep_labels;
    multiply(p->m, h->m, p->m);
    if (p->steps) {
        memcpy(p->steps[p->n_steps].m, h->m, sizeof h->m);
        p->steps[p->n_steps++].field = NULL;
    }
}

/* What a plugin drew that nobody can use: named with its section and the image, in place of a result that is wrong. */
static fpc_status refuse(const drawing *d, const fpc_augment_item *it, const char *what)
{
    return fpc_fail(it->inst.self->ctx, FPC_EINVAL, "[%s]: augment/%s draws %s for image %u of epoch %u",
                    it->inst.self->label, it->inst.plugin->name, what, d->rng.sample, d->rng.epoch);
}

static fpc_status check_matrix(const drawing *d, const fpc_augment_item *it, const double m[9])
{
    for (int i = 0; i < 9; i++)
        if (!isfinite(m[i]))
            return refuse(d, it, "a matrix with a number that is not finite");
    return fabs(determinant(m)) > LEAST_DETERMINANT ? FPC_OK : refuse(d, it, "a matrix that cannot be inverted");
}

static fpc_status check_floats(const drawing *d, const fpc_augment_item *it, const void *from, size_t count)
{
    const float *x = from;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return refuse(d, it, "a number that is not finite");
    return FPC_OK;
}

static fpc_status draw_geometry(drawing *d, const fpc_augment_item *it, const fpc_augment_vtbl *v)
{
    fpc_homography h = {{0}, 0};
    fpc_status status = FPC_CALL(it->inst.who, v->draw(it->inst.self, d->rng, &d->image, &h));
    if (status || (status = check_matrix(d, it, h.m)))
        return status;
    add_matrix(d, it, &h);
    return FPC_OK;
}

static fpc_status draw_field(drawing *d, const fpc_augment_item *it, const fpc_augment_vtbl *v)
{
    pose *p = &d->poses[it->warp];
    fpc_field_draw *f = &d->fields[d->n_fields++];
    p->steps[p->n_steps++].field = f;
    const fpc_status status = FPC_CALL(it->inst.who, v->draw(it->inst.self, d->rng, &d->image, f));
    return status ? status : check_floats(d, it, &f->shift[0][0][0], sizeof *f / sizeof(float));
}

static float *colours_of(const drawing *d, const fpc_augment_item *it)
{
    return (float *)d->out->data[d->a->colour] + d->image.row * d->a->input[d->a->colour].count + it->colour * 16;
}

static float *pixels_of(const drawing *d, const fpc_augment_item *it)
{
    return (float *)d->out->data[it->pixel] + d->image.row * d->a->input[it->pixel].count;
}

static fpc_status draw_composite(drawing *d, const fpc_augment_item *it, const fpc_augment_vtbl *v)
{
    fpc_composite c;
    memset(&c, 0, sizeof c);
    fpc_status status = FPC_CALL(it->inst.who, v->draw(it->inst.self, d->rng, &d->image, &c));
    if (status || (status = check_floats(d, it, (const float *)c.colour, sizeof c.colour / (sizeof(float)))) ||
        (status = check_floats(d, it, c.pixel, sizeof c.pixel / sizeof(float))))
        return status;
    static const double zero[9];
    if (memcmp(c.geometry.m, zero, sizeof zero)) {
        if ((status = check_matrix(d, it, c.geometry.m)))
            return status;
        add_matrix(d, it, &c.geometry);
    }
    memcpy(colours_of(d, it), c.colour, sizeof c.colour);
    if (it->pixel >= 0)
        memcpy(pixels_of(d, it), c.pixel, d->a->input[it->pixel].bytes);
    return FPC_OK;
}

static fpc_status draw_mix(drawing *d, const fpc_augment_item *it, const fpc_augment_vtbl *v)
{
    fpc_mix mix;
    memset(&mix, 0, sizeof mix);
    mix.lambda = 1;
    fpc_status status = FPC_CALL(it->inst.who, v->draw(it->inst.self, d->rng, &d->image, &mix));
    for (int k = 0; k < FPC_MIX_LAYERS && !status; k++) {
        const fpc_mix_layer *l = &mix.layer[k];
        const float x[] = {l->alpha, l->x0, l->y0, l->x1, l->y1, l->sx, l->sy, l->tx, l->ty, mix.lambda};
        status = check_floats(d, it, x, sizeof x / sizeof *x);
    }
    return status ? status : write_plan(d->a, it, &mix, d->image.row, d->image.rows, d->out);
}

static fpc_status draw_floats(drawing *d, const fpc_augment_item *it, const fpc_augment_vtbl *v, float *to)
{
    const fpc_status status = FPC_CALL(it->inst.who, v->draw(it->inst.self, d->rng, &d->image, to));
    return status ? status : check_floats(d, it, to, v->draw_size / sizeof *to);
}

static fpc_status draw_section(drawing *d, const fpc_augment_item *it)
{
    const fpc_augment_vtbl *v = it->inst.vtbl;
    switch (it->stage) {
    case FPC_STAGE_GEOMETRY:
        return draw_geometry(d, it, v);
    case FPC_STAGE_FIELD:
        return draw_field(d, it, v);
    case FPC_STAGE_COLOUR:
        return draw_floats(d, it, v, colours_of(d, it));
    case FPC_STAGE_PIXEL:
        return draw_floats(d, it, v, pixels_of(d, it));
    case FPC_STAGE_COMPOSITE:
        return draw_composite(d, it, v);
    default:
        return draw_mix(d, it, v);
    }
}

static fpc_status draw_sections(drawing *d, uint64_t seed, int64_t epoch, int64_t batch, int64_t sample)
{
    const int32_t chosen = chosen_mix(d->a, seed, epoch, batch);
    for (int32_t i = 0, mixes = 0; i < d->a->n; i++) {
        const fpc_augment_item *it = &d->a->item[i];
        if (it->stage == FPC_STAGE_MIX && mixes++ != chosen && chosen >= 0)
            continue;
        d->rng.stream = fpc_hash(it->inst.self->label);
        d->image.shared = d->rng;
        d->image.shared.stream = d->rng.stream * 16777619u ^ 0xb47c4u;
        d->image.shared.sample = (uint32_t)batch;
        const fpc_status status = draw_section(d, it);
        if (status != FPC_OK)
            return fpc_fail(it->inst.self->ctx, status,
                            "[%s]: augment/%s failed to draw for image %lld of epoch %lld and gave no reason",
                            it->inst.self->label, it->inst.plugin->name, (long long)sample, (long long)epoch);
    }
    return FPC_OK;
}

static fpc_status write_warps(drawing *d, int64_t sample, int64_t epoch)
{
    const fpc_augments *a = d->a;
    const int64_t row = d->image.row;
    for (int32_t i = 0; i < a->n_warps; i++) {
        const fpc_warp_group *g = &a->warp[i];
        const pose *p = &d->poses[i];
        if (!to_pixels(p->m, d->image.h, d->image.w, (float *)d->out->data[g->matrix] + row * 8))
            return fpc_fail(a->item[0].inst.self->ctx, FPC_EINVAL,
                            "the geometry that the [augment.*] sections draw for image %lld of epoch %lld can be "
                            "inverted section by section, but not as a whole",
                            (long long)sample, (long long)epoch);
        label_table(a, p->exchange, (uint8_t *)d->out->data[g->labels] + row * 256);
        if (g->field >= 0)
            write_field(p, (float *)d->out->data[g->field] + row * a->input[g->field].count);
    }
    return FPC_OK;
}

/* Nothing drawn: buffers zero, plans without layers, one mask. */
static void clear_row(const fpc_augments *a, int32_t row, fpc_draws *out)
{
    for (int32_t i = 0; i < a->n_inputs; i++)
        memset((char *)out->data[i] + (size_t)row * a->input[i].bytes, 0, a->input[i].bytes);
    for (int32_t i = 0; i < a->n_mixes; i++)
        ((float *)out->data[a->mix[i].plan])[row * a->input[a->mix[i].plan].count + 1] = 1;
    if (a->lambda >= 0)
        ((float *)out->data[a->lambda])[row] = 1;
}

static fpc_status draw_image(drawing *d, uint64_t seed, int64_t epoch, int64_t batch, int64_t sample)
{
    static const double identity[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const fpc_augments *a = d->a;
    step *steps = (step *)(d->fields + MAX_FIELDS);
    for (int32_t i = 0; i < a->n_warps; i++) {
        memcpy(d->poses[i].m, identity, sizeof identity);
        d->poses[i].steps = a->warp[i].field >= 0 ? steps + (size_t)i * (size_t)a->n : NULL;
    }
    clear_row(a, d->image.row, d->out);
    const fpc_status status = draw_sections(d, seed, epoch, batch, sample);
    return status ? status : write_warps(d, sample, epoch);
}

fpc_status fpc_augments_draw(const fpc_augments *a, uint64_t seed, int64_t epoch, int64_t batch, int64_t sample,
                             int32_t row, int32_t rows, int32_t h, int32_t w, fpc_draws *out)
{
    drawing d = {
        .a = a,
        .rng = {{(uint32_t)seed, (uint32_t)(seed >> 32)}, 0, (uint32_t)epoch, (uint32_t)sample},
        .image = {.size = sizeof d.image, .h = h, .w = w, .c = 3, .rows = rows, .row = row, .classes = a->info.classes},
        .out = out};
    if (a->n == 0)
        return FPC_OK;
    int has_fields = 0;
    for (int32_t i = 0; i < a->n_warps; i++)
        has_fields |= a->warp[i].field >= 0;
    const size_t steps = (size_t)a->n_warps * (size_t)a->n * sizeof(step);
    d.poses = calloc((size_t)a->n_warps + 1, sizeof *d.poses);
    d.fields = has_fields ? calloc(1, MAX_FIELDS * sizeof *d.fields + steps) : NULL;
    fpc_status status = FPC_OK;
    if (!d.poses || (has_fields && !d.fields))
        status = fpc_fail(a->item[0].inst.self->ctx, FPC_ENOMEM, "no memory for the draws of an image");
    if (!status)
        status = draw_image(&d, seed, epoch, batch, sample);
    free(d.fields);
    free(d.poses);
    return status;
}
