/* image_colour.c (cpu): the colour maps of a batch. Each pass goes once over the pictures, in chunks of pixels, and
 * applies as many maps as it can to a vector of pixels; a new pass begins where a map needs to know the whole picture
 * that the maps before it made: its mean, its histogram, its range. */
#include "math.h"
#include "image_picture.h"
#include <fpcore/augment.h>

enum { COLOUR_CHUNK = 4096 /* pixels of a task */, COLOUR_SEGMENT = 256 /* of them summed as floats */ };

/* What the first map of a pass knows of an image. */
struct whole_image {
    float offset;           /* affine: g . mean */
    float low[3], scale[3]; /* autocontrast */
    int32_t flat[3];        /* equalize: the channel stays as it is */
    float level[3][256];    /* equalize: of a byte */
};

/* One pass: maps [first, end) (only the first of them may need the whole image), and sums of the result. */
struct colour_job {
    fpc_exec *x;
    const fpc_node *node;
    const float *from;
    double *sums; /* 4 of each chunk */
    struct whole_image *image;
    int64_t chunks;
    int32_t first, end;
};

static int64_t colour_chunks(fpc_shape s)
{
    return ((int64_t)s.h * s.w + COLOUR_CHUNK - 1) / COLOUR_CHUNK;
}

static void need_colour(const fpc_node *node, fpc_need *need)
{
    const fpc_shape s = node->in[0].shape;
    need->shared = (size_t)(s.n * colour_chunks(s)) * 4 * sizeof(double) + (size_t)s.n * sizeof(struct whole_image);
}

static const float *stage_of(const fpc_node *node, int64_t image, int32_t stage)
{
    return (const float *)node->in[1].data + (image * node->in[1].shape.w + stage) * 16;
}
static int stage_is_used(const float *draw)
{
    for (int i = 0; i < 15; i++)
        if (draw[i] != 0)
            return 1;
    return 0;
}
static int kind_of(const float *draw)
{
    return (int)(draw[15] + 0.5f);
}

/* ---- the maps, on a vector of pixels ---- */

static void affine(const float *m, vf p[3], float offset, int clamped)
{
    vf q[3];
    for (int c = 0; c < 3; c++) {
        q[c] = vf_fma(p[2], vf_set(m[c * 4 + 2]), vf_set(m[c * 4 + 3] + offset));
        q[c] = vf_fma(p[0], vf_set(m[c * 4]), vf_fma(p[1], vf_set(m[c * 4 + 1]), q[c]));
    }
    for (int c = 0; c < 3; c++)
        p[c] = clamped ? clamp01(q[c]) : q[c];
}

/* a - 6 where a is 6 or more */
static vf mod_6(vf a)
{
    return vf_select(a >= vf_set(6), a - 6.0f, a);
}

/* The hue h is in sixths of a turn. A channel is high - chroma * ramp(h + its shift), where the ramp rises from 0 at 0
 * to 1 at 1, stays, and falls from 3 to 4: Smith's hexagon without its six cases. */
static void turn_hue(float turns, vf p[3])
{
    const vf high = vf_max(p[0], vf_max(p[1], p[2])), low = vf_min(p[0], vf_min(p[1], p[2])), chroma = high - low;
    const float rest = turns - (float)(int32_t)turns, fraction = rest < 0 ? rest + 1 : rest;
    const vi grey = chroma <= vf_set(0);
    const vf inverse = 1.0f / vf_select(grey, vf_set(1), chroma);
    vf h = vf_select(p[1] == high, 2.0f + (p[2] - p[0]) * inverse, 4.0f + (p[0] - p[1]) * inverse);
    h = vf_select(p[0] == high, (p[1] - p[2]) * inverse, h);
    h = vf_select(h < vf_set(0), h + 6.0f, h);
    h = mod_6(h + vf_set(6 * fraction));
    for (int c = 0; c < 3; c++) {
        const vf k = mod_6(h + (5.0f - 2.0f * (float)c));
        const vf ramp = vf_max(vf_set(0), vf_min(vf_set(1), vf_min(k, 4.0f - k)));
        p[c] = vf_select(grey, p[c], high - chroma * ramp);
    }
}

static vf gamma_map(const float *m, vf x)
{
    const vi positive = x > vf_set(1e-37f);
    const vf zero = vf_set(m[0] > 0 ? 0.0f : m[0] == 0 ? m[1] : m[1] > 0 ? 1.0f : 0.0f);
    const vf power = vf_exp(m[0] * vf_log(vf_select(positive, x, vf_set(1))));
    return clamp01(vf_select(positive, m[1] * power, zero));
}

static vi byte_of(vf x)
{
    return __builtin_convertvector(clamp01(x) * 255.0f, vi) & 255; /* NaN is some byte */
}

static vf posterize(int bits, vf x)
{
    const vi kept = vi_set(bits >= 8 ? -1 : (int32_t)(0xffffffffu << (8 - (bits > 0 ? bits : 0))));
    return bits >= 8 ? x : (vf)(__builtin_convertvector(byte_of(x) & kept, vf) / 255.0f);
}

static vf solarize(const float *m, vf x)
{
    const vf v = clamp01(x + m[1]);
    return vf_select(v < vf_set(m[0]), v, 1.0f - v);
}

static vf equalize(const struct whole_image *w, int c, vf x)
{
    int32_t byte[VL];
    float to[VL];
    if (w->flat[c])
        return x;
    vi_store(byte, byte_of(x));
    for (int i = 0; i < VL; i++)
        to[i] = w->level[c][byte[i]];
    return vf_load(to);
}

static void colour_pixels(const struct colour_job *job, int64_t image, vf p[3])
{
    const struct whole_image *w = &job->image[image];
    for (int32_t stage = job->first; stage < job->end; stage++) {
        const float *m = stage_of(job->node, image, stage);
        if (!stage_is_used(m))
            continue;
        switch (kind_of(m)) {
        case FPC_COLOUR_HUE:
            turn_hue(m[0], p);
            break;
        case FPC_COLOUR_GAMMA:
            for (int c = 0; c < 3; c++)
                p[c] = gamma_map(m, p[c]);
            break;
        case FPC_COLOUR_POSTERIZE:
            for (int c = 0; c < 3; c++)
                p[c] = posterize((int)(m[0] + 0.5f), p[c]);
            break;
        case FPC_COLOUR_SOLARIZE:
            for (int c = 0; c < 3; c++)
                p[c] = solarize(m, p[c]);
            break;
        case FPC_COLOUR_EQUALIZE:
            for (int c = 0; c < 3; c++)
                p[c] = equalize(w, c, p[c]);
            break;
        case FPC_COLOUR_AUTOCONTRAST:
            for (int c = 0; c < 3; c++)
                p[c] = (p[c] - w->low[c]) * w->scale[c];
            break;
        default:
            affine(m, p, stage == job->first ? w->offset : 0, m[15] != 0);
        }
    }
}

static void colour_task(void *arg, int32_t i, int32_t thread)
{
    (void)thread;
    const struct colour_job *job = arg;
    const fpc_shape s = job->node->in[0].shape;
    const int64_t plane = (int64_t)s.h * s.w, image = i / job->chunks, first = i % job->chunks * COLOUR_CHUNK;
    const int64_t end = first + COLOUR_CHUNK < plane ? first + COLOUR_CHUNK : plane;
    double *sums = job->sums + (int64_t)i * 4;
    const float *from = job->from + (image * plane + first) * 3;
    float *to = (float *)job->node->out[0].data + (image * plane + first) * 3;
    vf sum[3] = {{0}};
    sums[0] = sums[1] = sums[2] = 0;
    for (int64_t at = first; at < end; at += VL, from += 3 * VL, to += 3 * VL) {
        const int64_t n = end - at < VL ? end - at : VL;
        float lane[3][VL] = {{0}};
        vf p[3];
        for (int64_t k = 0; k < n; k++)
            for (int c = 0; c < 3; c++)
                lane[c][k] = from[k * 3 + c];
        for (int c = 0; c < 3; c++)
            p[c] = vf_load(lane[c]);
        colour_pixels(job, image, p);
        for (int c = 0; c < 3; c++) {
            sum[c] += n == VL ? p[c] : vf_first(p[c], n);
            vf_store(lane[c], p[c]);
        }
        for (int64_t k = 0; k < n; k++)
            for (int c = 0; c < 3; c++)
                to[k * 3 + c] = lane[c][k];
        for (int c = 0; c < 3 && (at + VL >= end || (at + VL) % COLOUR_SEGMENT == 0); c++) {
            sums[c] += (double)vf_sum(sum[c]);
            sum[c] = vf_set(0);
        }
    }
}

/* ---- what a map needs to know of the whole image ---- */

static int needs_image(const float *draw)
{
    const int kind = kind_of(draw);
    if (kind == FPC_COLOUR_EQUALIZE || kind == FPC_COLOUR_AUTOCONTRAST)
        return stage_is_used(draw);
    return kind <= FPC_COLOUR_CLAMPED && (draw[12] != 0 || draw[13] != 0 || draw[14] != 0);
}
static int starts_pass(const fpc_node *node, int32_t stage)
{
    for (int64_t n = 0; n < node->in[0].shape.n; n++)
        if (needs_image(stage_of(node, n, stage)))
            return 1;
    return 0;
}

static float offset_of(const struct colour_job *job, int64_t image, const float *g)
{
    const fpc_shape s = job->node->in[0].shape;
    double k = 0;
    for (int c = 0; c < 3; c++) {
        double sum = 0;
        for (int64_t i = 0; i < job->chunks; i++)
            sum += job->sums[(image * job->chunks + i) * 4 + c];
        k += (double)g[c] * (sum / ((double)s.h * s.w));
    }
    return (float)k;
}

static void equalize_table(struct whole_image *w, const float *x, int64_t pixels)
{
    int64_t histogram[3][256] = {{0}};
    for (int64_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++) {
            const float v = x[i * 3 + c] * 256;
            histogram[c][v > 0 ? v < 255 ? (int)v : 255 : 0]++;
        }
    for (int c = 0; c < 3; c++) {
        int brightest = 255;
        while (brightest > 0 && !histogram[c][brightest])
            brightest--;
        const int64_t step = (pixels - histogram[c][brightest]) / 255;
        w->flat[c] = step == 0;
        int64_t below = 0;
        for (int i = 0; i < 256 && step; below += histogram[c][i++]) {
            const int64_t level = i ? (below + step / 2) / step : 0;
            w->level[c][i] = (float)(level < 255 ? level : 255) / 255.0f;
        }
    }
}

static void range_of(struct whole_image *w, const float *x, int64_t pixels)
{
    float high[3] = {x[0], x[1], x[2]};
    memcpy(w->low, x, sizeof w->low);
    for (int64_t i = 0; i < pixels * 3; i += 3)
        for (int c = 0; c < 3; c++) {
            w->low[c] = x[i + c] < w->low[c] ? x[i + c] : w->low[c];
            high[c] = x[i + c] > high[c] ? x[i + c] : high[c];
        }
    for (int c = 0; c < 3; c++) {
        const int flat = !(high[c] > w->low[c]);
        w->scale[c] = flat ? 1 : 1 / (high[c] - w->low[c]);
        w->low[c] = flat ? 0 : w->low[c];
    }
}

/* For the map at job->end, from what the pass before made. */
static void look_at_image(void *arg, int32_t image, int32_t thread)
{
    (void)thread;
    const struct colour_job *job = arg;
    const fpc_shape s = job->node->in[0].shape;
    const float *draw = stage_of(job->node, image, job->end);
    const int64_t pixels = (int64_t)s.h * s.w;
    const float *x = job->from + image * pixels * 3;
    struct whole_image *w = &job->image[image];
    w->offset = 0;
    if (!needs_image(draw))
        return;
    if (kind_of(draw) == FPC_COLOUR_EQUALIZE)
        equalize_table(w, x, pixels);
    else if (kind_of(draw) == FPC_COLOUR_AUTOCONTRAST)
        range_of(w, x, pixels);
    else
        w->offset = offset_of(job, image, draw + 12);
}

static fpc_status run_colour(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    const fpc_shape s = node->in[0].shape;
    const int32_t stages = node->in[1].shape.w;
    struct colour_job job = {.x = x, .node = node, .from = node->in[0].data, .chunks = colour_chunks(s)};
    job.sums = fpc_exec_shared(x);
    job.image = (struct whole_image *)(job.sums + s.n * job.chunks * 4);
    for (int64_t n = 0; n < s.n; n++)
        job.image[n].offset = 0;
    for (int again = 0; !again || job.end < stages; again = 1) {
        if (again)
            fpc_exec_parallel(x, s.n, look_at_image, &job);
        job.first = job.end;
        if (again || stages == 0 || !starts_pass(node, 0))
            while (job.end < stages && (job.end == job.first || !starts_pass(node, job.end)))
                job.end++;
        fpc_exec_parallel(x, (int32_t)(s.n * job.chunks), colour_task, &job);
        job.from = node->out[0].data;
    }
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(image_colour)[] = {
    FPC_CPU_ROW(colour, .need = need_colour, .run = run_colour),
    {.op = NULL},
};
