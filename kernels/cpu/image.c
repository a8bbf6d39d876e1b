/* image.c (cpu): augmentation of a batch from the numbers that were drawn on the host: one geometric resampling of
 * picture and mask, colour maps, noise. Pictures have 3 channels, which is no width for vectors: the warp works on the
 * 4 bytes of a pixel and its neighbour's first, colour and noise on vectors of pixels. */
#include "math.h"
#include "philox.h"

typedef uint8_t bytes_vl __attribute__((vector_size(VL)));

/* x / 255 */
static fpc_status run_to_real(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const int64_t count = rows.count * node->out[0].shape.c;
    const uint8_t *a = node->in[0].data;
    float *y = node->out[0].data;
    for (FPC_COLUMNS(i, n, count)) {
        bytes_vl v = {0};
        memcpy(&v, a + i, (size_t)n);
        vf_put(y + i, __builtin_convertvector(v, vf) / 255.0f, n);
    }
    return FPC_OK;
}

/* ---- warps: coordinates in double, so that nearest pixels are those of the exact matrix ---- */

/* The source of output pixel (x, y) is ((m[0] x + m[1]) / d, (m[2] x + m[3]) / d) with d = m[4] x + m[5]: the matrix
 * for one output line. */
struct line {
    double m[6];
    int affine;
};

static struct line line_of(const fpc_tensor *draws, int64_t image, int64_t y)
{
    const float *m = (const float *)draws->data + image * 8;
    const double at = (double)y;
    return (struct line){{(double)m[0], (double)m[1] * at + (double)m[2], (double)m[3],
                          (double)m[4] * at + (double)m[5], (double)m[6], (double)m[7] * at + 1},
                         m[6] == 0 && m[7] == 0};
}

FPC_INLINE void source_of(const struct line *l, int64_t x, double *sx, double *sy)
{
    *sx = l->m[0] * (double)x + l->m[1];
    *sy = l->m[2] * (double)x + l->m[3];
    if (!l->affine) {
        const double d = l->m[4] * (double)x + l->m[5];
        *sx /= d;
        *sy /= d;
    }
}

/* floor for |a| < 2^31, without a call at the SSE2 level */
FPC_INLINE int32_t whole(double a)
{
    const int32_t i = (int32_t)a;
    return i - (a < i);
}

typedef float f4 __attribute__((vector_size(16)));

/* A pixel as floats; the fourth is the next byte in memory. */
FPC_INLINE f4 pixel_of(const uint8_t *a)
{
    int32_t word;
    memcpy(&word, a, sizeof word);
    const __m128i zero = _mm_setzero_si128(), bytes = _mm_cvtsi32_si128(word);
    return (f4)_mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero));
}

/* Pixels at the picture's border: what lies outside is zero. */
static void sample_slowly(float *to, const uint8_t *image, fpc_shape s, int32_t x0, int32_t y0, float fx, float fy)
{
    for (int64_t c = 0; c < s.c; c++) {
        float corner[2][2];
        for (int32_t j = 0; j < 2; j++)
            for (int32_t i = 0; i < 2; i++) {
                const int64_t y = y0 + j, x = x0 + i;
                const int in = y >= 0 && y < s.h && x >= 0 && x < s.w;
                corner[j][i] = in ? (float)image[(y * s.w + x) * s.c + c] : 0;
            }
        const float top = corner[0][0] + fx * (corner[0][1] - corner[0][0]);
        const float bottom = corner[1][0] + fx * (corner[1][1] - corner[1][0]);
        to[c] = (top + fy * (bottom - top)) * (1.0f / 255);
    }
}

static fpc_status run_warp_image(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape, out = node->out[0].shape;
    const int64_t plane = (int64_t)out.h * out.w, bytes = (int64_t)s.h * s.w * s.c;
    float *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count;) {
        const int64_t image = (rows.first + row) / plane, in = (rows.first + row) % plane, at = in / out.w;
        const struct line line = line_of(&node->in[1], image, at);
        const uint8_t *a = (const uint8_t *)node->in[0].data + image * bytes;
        for (int64_t px = in % out.w; px < out.w && row < rows.count; px++, row++, y += out.c) {
            double sx, sy;
            source_of(&line, px, &sx, &sy);
            if (!(sx > -1 && sx < s.w && sy > -1 && sy < s.h)) {
                memset(y, 0, (size_t)out.c * sizeof *y);
                continue;
            }
            const int32_t x0 = whole(sx), y0 = whole(sy);
            const float fx = (float)(sx - x0), fy = (float)(sy - y0);
            const int64_t corner = ((int64_t)y0 * s.w + x0) * 3, below = corner + (int64_t)s.w * 3;
            if (s.c != 3 || x0 < 0 || y0 < 0 || x0 + 1 >= s.w || y0 + 1 >= s.h || below + 7 > bytes) {
                sample_slowly(y, a, s, x0, y0, fx, fy);
                continue;
            }
            const f4 p00 = pixel_of(a + corner), p01 = pixel_of(a + corner + 3);
            const f4 p10 = pixel_of(a + below), p11 = pixel_of(a + below + 3);
            const f4 top = p00 + fx * (p01 - p00), bottom = p10 + fx * (p11 - p10);
            const f4 value = (top + fy * (bottom - top)) * (1.0f / 255);
            memcpy(y, &value, 3 * sizeof *y);
        }
    }
    return FPC_OK;
}

static fpc_status run_warp_mask(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape, out = node->out[0].shape;
    const uint8_t fill = (uint8_t)((const fpc_warp_attr *)node->attr)->fill;
    const int64_t plane = (int64_t)out.h * out.w;
    uint8_t *y = node->out[0].data;
    for (int64_t row = 0; row < rows.count;) {
        const int64_t image = (rows.first + row) / plane, in = (rows.first + row) % plane, at = in / out.w;
        const struct line line = line_of(&node->in[1], image, at);
        const uint8_t *a = (const uint8_t *)node->in[0].data + image * s.h * s.w;
        const uint8_t *table = (const uint8_t *)node->in[2].data + image * 256;
        for (int64_t px = in % out.w; px < out.w && row < rows.count; px++, row++) {
            double sx, sy;
            source_of(&line, px, &sx, &sy);
            sx += 0.5, sy += 0.5;
            const int inside = sx >= 0 && sx < s.w && sy >= 0 && sy < s.h;
            y[row] = inside ? table[a[(int64_t)sy * s.w + (int64_t)sx]] : fill;
        }
    }
    return FPC_OK;
}

/* ---- colour ---- */

enum { COLOUR_CHUNK = 4096 /* pixels of a task */, COLOUR_SEGMENT = 256 /* of them summed as floats */ };

/* One pass: stages [first, end) pixel by pixel (only the first of them needs means), and sums of the result. */
struct colour_job {
    fpc_exec *x;
    const fpc_node *node;
    const float *from;
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
    need->shared = (size_t)(s.n * colour_chunks(s)) * 4 * sizeof(double) + (size_t)s.n * sizeof(float);
}

static const float *stage_of(const fpc_node *node, int64_t image, int32_t stage)
{
    return (const float *)node->in[1].data + (image * node->in[1].shape.w + stage) * 16;
}
static int stage_is_used(const float *draw)
{
    for (int i = 0; i < 16; i++)
        if (draw[i] != 0)
            return 1;
    return 0;
}

static vf clamp01(vf a)
{
    return vf_min(vf_set(1), vf_max(vf_set(0), a));
}

/* offset: of the means, for the first stage */
static void colour_pixels(const struct colour_job *job, int64_t image, vf p[3], float offset)
{
    for (int32_t stage = job->first; stage < job->end; stage++) {
        const float *m = stage_of(job->node, image, stage);
        if (!stage_is_used(m))
            continue;
        const float more = stage == job->first ? offset : 0;
        vf q[3];
        for (int c = 0; c < 3; c++) {
            q[c] = vf_fma(p[2], vf_set(m[c * 4 + 2]), vf_set(m[c * 4 + 3] + more));
            q[c] = vf_fma(p[0], vf_set(m[c * 4]), vf_fma(p[1], vf_set(m[c * 4 + 1]), q[c]));
        }
        for (int c = 0; c < 3; c++)
            p[c] = m[15] != 0 ? clamp01(q[c]) : q[c];
    }
}

static void colour_task(void *arg, int32_t i, int32_t thread)
{
    (void)thread;
    const struct colour_job *job = arg;
    const fpc_shape s = job->node->in[0].shape;
    const int64_t plane = (int64_t)s.h * s.w, image = i / job->chunks, first = i % job->chunks * COLOUR_CHUNK;
    const int64_t end = first + COLOUR_CHUNK < plane ? first + COLOUR_CHUNK : plane;
    double *sums = (double *)fpc_exec_shared(job->x) + (int64_t)i * 4;
    const float offset = ((const float *)((double *)fpc_exec_shared(job->x) + s.n * job->chunks * 4))[image];
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
        colour_pixels(job, image, p, offset);
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

static int needs_mean(const fpc_node *node, int32_t stage)
{
    for (int64_t n = 0; n < node->in[0].shape.n; n++) {
        const float *g = stage_of(node, n, stage) + 12;
        if (g[0] != 0 || g[1] != 0 || g[2] != 0)
            return 1;
    }
    return 0;
}

/* As few passes as there are stages that need the mean of what the stages before them made. */
static fpc_status run_colour(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)rows;
    const fpc_shape s = node->in[0].shape;
    const int32_t stages = node->in[1].shape.w;
    struct colour_job job = {.x = x, .node = node, .from = node->in[0].data, .chunks = colour_chunks(s)};
    double *sums = fpc_exec_shared(x);
    float *offset = (float *)(sums + s.n * job.chunks * 4);
    memset(offset, 0, (size_t)s.n * sizeof *offset);
    for (int means = 0; !means || job.end < stages; means = 1) {
        for (int64_t n = 0; means && n < s.n; n++) {
            const float *g = stage_of(node, n, job.end) + 12;
            double k = 0;
            for (int c = 0; c < 3; c++) {
                double sum = 0;
                for (int64_t i = 0; i < job.chunks; i++)
                    sum += sums[(n * job.chunks + i) * 4 + c];
                k += (double)g[c] * (sum / ((double)s.h * s.w));
            }
            offset[n] = (float)k;
        }
        job.first = job.end;
        if (means || stages == 0 || !needs_mean(node, 0))
            while (job.end < stages && (job.end == job.first || !needs_mean(node, job.end)))
                job.end++;
        fpc_exec_parallel(x, (int32_t)(s.n * job.chunks), colour_task, &job);
        job.from = node->out[0].data;
    }
    return FPC_OK;
}

/* ---- noise ---- */

enum { NOISE_BLOCK = 2 * VL }; /* elements made at a time, aligned: VL/2 counters of 4 words */

static void noise_words(int32_t words[NOISE_BLOCK], uint64_t counter, const int32_t *clock, uint32_t stream)
{
    const vq low = (vq){0} + 0xffffffffu, m0 = (vq){0} + 0xD2511F53u, m1 = (vq){0} + 0xCD9E8D57u;
    vq at = (vq){0} + counter;
    for (int i = 0; i < PHILOX_LANES; i++)
        at[i] += (uint64_t)i;
    vq c0 = at & low, c1 = at >> 32, c2 = (vq){0} + (uint32_t)clock[2], c3 = (vq){0} + stream;
    for (uint32_t r = 0; r < 10; r++) {
        const vq k0 = (vq){0} + (uint32_t)((uint32_t)clock[0] + r * 0x9E3779B9u);
        const vq k1 = (vq){0} + (uint32_t)((uint32_t)clock[1] + r * 0xBB67AE85u);
        const vq p0 = philox_mul(m0, c0), p1 = philox_mul(m1, c2);
        c0 = (p1 >> 32) ^ c1 ^ k0;
        c2 = (p0 >> 32) ^ c3 ^ k1;
        c1 = p1;
        c3 = p0;
    }
    philox_store((uint16_t *)words, (c0 & low) | (c1 << 32), (c2 & low) | (c3 << 32));
}

/* Between two vectors of pairs and a vector of first and one of second numbers. */
#if VL == 16
#define EVEN ((vi){0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30})
#define PAIRS ((vi){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23})
#elif VL == 8
#define EVEN ((vi){0, 2, 4, 6, 8, 10, 12, 14})
#define PAIRS ((vi){0, 8, 1, 9, 2, 10, 3, 11})
#else
#define EVEN ((vi){0, 2, 4, 6})
#define PAIRS ((vi){0, 4, 1, 5})
#endif

/* N(0,1) for elements [first, first + NOISE_BLOCK), first a multiple of it: Box and Muller, a pair from two words. */
static void noise_block(float z[NOISE_BLOCK], int64_t first, const int32_t *clock, uint32_t stream)
{
    int32_t words[NOISE_BLOCK];
    noise_words(words, (uint64_t)first / 4, clock, stream);
    const vi low = vi_load(words), high = vi_load(words + VL);
    const vi u = __builtin_shuffle(low, high, EVEN), v = __builtin_shuffle(low, high, EVEN + 1);
    const vf radial = 1.0f - __builtin_convertvector((vi)((vu)u >> 8), vf) * 0x1p-24f;
    const vf radius = vf_sqrt(-2.0f * vf_log(radial));
    vf sine;
    const vf cosine = radius * vf_turn(__builtin_convertvector((vi)((vu)v >> 8), vf) * 0x1p-24f, &sine);
    sine *= radius;
    vf_store(z, __builtin_shuffle(cosine, sine, PAIRS));
    vf_store(z + VL, __builtin_shuffle(cosine, sine, PAIRS + VL / 2));
}

static fpc_status run_gaussian_noise(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    (void)x;
    const fpc_shape s = node->in[0].shape;
    const int64_t image_size = (int64_t)s.h * s.w * s.c, begin = rows.first * s.c, end = begin + rows.count * s.c;
    const uint32_t stream = ((const fpc_noise_attr *)node->attr)->stream;
    const float *a = node->in[0].data, *sigma = node->in[1].data;
    const int32_t *clock = node->in[2].data;
    float *y = node->out[0].data, z[NOISE_BLOCK];
    int64_t made = -1;
    for (int64_t e = begin; e < end;) {
        const int64_t image = e / image_size, block = e / NOISE_BLOCK * NOISE_BLOCK;
        int64_t stop = block + NOISE_BLOCK;
        stop = stop < end ? stop : end;
        stop = stop < (image + 1) * image_size ? stop : (image + 1) * image_size;
        if (sigma[image] != 0 && made != block)
            noise_block(z, made = block, clock, stream);
        for (int64_t i = 0; i < stop - e; i += VL) {
            const int64_t n = stop - e - i < VL ? stop - e - i : VL;
            vf v = vf_get(a + (e - begin) + i, n);
            if (sigma[image] != 0)
                v = vf_fma(vf_set(sigma[image]), vf_get(z + (e - block) + i, n), v);
            vf_put(y + (e - begin) + i, clamp01(v), n);
        }
        e = stop;
    }
    return FPC_OK;
}

const fpc_kernel FPC_CPU_TABLE(image)[] = {
    FPC_CPU_ROW(to_real, .run = run_to_real),
    FPC_CPU_ROW(warp_image, .run = run_warp_image),
    FPC_CPU_ROW(warp_mask, .run = run_warp_mask),
    FPC_CPU_ROW(colour, .need = need_colour, .run = run_colour),
    FPC_CPU_ROW(gaussian_noise, .run = run_gaussian_noise),
    {.op = NULL},
};
