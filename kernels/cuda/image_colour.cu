/* image_colour.cu: the colour maps of a batch in one pass over the pictures: a thread reads four pixels, applies all
 * maps of its image to them and writes them. A map that needs to know the whole picture as the maps before it left it
 * (its mean, its histogram, its range) is preceded by a pass that only reads: it applies those maps again and keeps
 * what is asked, one partial result per block. Which maps these are stands in device memory, so passes are queued for
 * as many as there could be; the blocks of an image that has no such map left end at once. */
#include "kernels/cuda/image_picture.h"
#include "kernels/cuda/reduce.h"
#include <fpcore/augment.h>

enum { THREADS = 256, CHUNK = 4096 /* pixels of a block */, DRAW = 16 /* numbers of a map */ };

/* What a map needs to know of its whole image. */
struct knowledge {
    float offset;           /* affine: g . mean */
    float low[3], range[3]; /* autocontrast */
    int32_t flat[3];        /* equalize: the channel stays as it is */
    uint8_t level[3][256];  /* equalize: of a byte */
};

/* The same of a chunk of the image. */
union piece {
    double sum[3];
    struct {
        float low[3], high[3];
    } range;
    uint32_t count[3][256];
};

struct picture_set {
    const float *x, *draws;
    float *y;
    piece *pieces;    /* [image][chunk] */
    knowledge *known; /* [image][stage] */
    int32_t stages, chunks;
    int64_t pixels;
};

/* ---- the maps ---- */

DEVICE int byte_of(float v)
{
    return (int)(clamp01(v) * 255.0f);
}

/* The kind of a map; -1: the picture stays as it is. */
DEVICE int kind_of(const float *draw)
{
    bool used = false;
    for (int i = 0; i < 15; i++)
        used |= draw[i] != 0.0f;
    return used ? (int)(draw[15] + 0.5f) : -1;
}

DEVICE bool needs_image(const float *draw)
{
    const int kind = kind_of(draw);
    if (kind == FPC_COLOUR_EQUALIZE || kind == FPC_COLOUR_AUTOCONTRAST)
        return true;
    return (kind == FPC_COLOUR_AFFINE || kind == FPC_COLOUR_CLAMPED) &&
           (draw[12] != 0.0f || draw[13] != 0.0f || draw[14] != 0.0f);
}

DEVICE void affine(const float *m, float offset, bool clamped, float p[3])
{
    const float r = p[0], g = p[1], b = p[2];
    for (int c = 0; c < 3; c++) {
        const float v = m[c * 4] * r + m[c * 4 + 1] * g + m[c * 4 + 2] * b + (m[c * 4 + 3] + offset);
        p[c] = clamped ? clamp01(v) : v;
    }
}

DEVICE float mod_6(float a)
{
    return a >= 6.0f ? a - 6.0f : a;
}

/* The hue h is in sixths of a turn. A channel is high - chroma * ramp(h + its shift), where the ramp rises from 0 at 0
 * to 1 at 1, stays, and falls from 3 to 4: Smith's hexagon without its six cases. */
DEVICE void turn_hue(float turns, float p[3])
{
    const float high = fmaxf(p[0], fmaxf(p[1], p[2])), chroma = high - fminf(p[0], fminf(p[1], p[2]));
    const float rest = turns - truncf(turns), inverse = 1.0f / chroma;
    if (!(chroma > 0.0f))
        return;
    float h = p[0] == high   ? (p[1] - p[2]) * inverse
              : p[1] == high ? 2.0f + (p[2] - p[0]) * inverse
                             : 4.0f + (p[0] - p[1]) * inverse;
    h = mod_6((h < 0.0f ? h + 6.0f : h) + 6.0f * (rest < 0.0f ? rest + 1.0f : rest));
    for (int c = 0; c < 3; c++) {
        const float k = mod_6(h + (5.0f - 2.0f * (float)c));
        p[c] = high - chroma * fmaxf(0.0f, fminf(1.0f, fminf(k, 4.0f - k)));
    }
}

DEVICE float gamma_map(float exponent, float gain, float v)
{
    const float black = exponent > 0.0f ? 0.0f : exponent == 0.0f ? gain : gain > 0.0f ? 1.0f : 0.0f;
    return clamp01(v > 0.0f ? gain * exp2f(exponent * log2f(v)) : black);
}

DEVICE float posterize(int bits, float v)
{
    return bits >= 8 ? v : (float)(byte_of(v) >> (8 - bits) << (8 - bits)) / 255.0f;
}

DEVICE float solarize(float threshold, float more, float v)
{
    const float lit = clamp01(v + more);
    return lit < threshold ? lit : 1.0f - lit;
}

/* P pixels, one map. */
template <int P> DEVICE void apply_map(int kind, const float *m, const knowledge *known, float p[P][3])
{
    switch (kind) {
    case -1:
        break;
    case FPC_COLOUR_HUE:
        for (int i = 0; i < P; i++)
            turn_hue(m[0], p[i]);
        break;
    case FPC_COLOUR_GAMMA:
        for (int i = 0; i < P * 3; i++)
            p[i / 3][i % 3] = gamma_map(m[0], m[1], p[i / 3][i % 3]);
        break;
    case FPC_COLOUR_POSTERIZE:
        for (int i = 0; i < P * 3; i++)
            p[i / 3][i % 3] = posterize((int)(m[0] + 0.5f), p[i / 3][i % 3]);
        break;
    case FPC_COLOUR_SOLARIZE:
        for (int i = 0; i < P * 3; i++)
            p[i / 3][i % 3] = solarize(m[0], m[1], p[i / 3][i % 3]);
        break;
    case FPC_COLOUR_EQUALIZE:
        for (int i = 0; i < P * 3; i++)
            if (!known->flat[i % 3])
                p[i / 3][i % 3] = (float)known->level[i % 3][byte_of(p[i / 3][i % 3])] / 255.0f;
        break;
    case FPC_COLOUR_AUTOCONTRAST:
        for (int i = 0; i < P * 3; i++)
            p[i / 3][i % 3] = (p[i / 3][i % 3] - known->low[i % 3]) / known->range[i % 3];
        break;
    default:
        for (int i = 0; i < P; i++)
            affine(m, m[12] != 0.0f || m[13] != 0.0f || m[14] != 0.0f ? known->offset : 0.0f, m[15] != 0.0f, p[i]);
    }
}

/* ---- a block's part of an image ---- */

/* The maps of an image in shared memory: their numbers, then their kinds, then whether they need the image. */
struct map_list {
    const float *m;
    const int32_t *kind, *needs;
    int32_t stages;

    /* The stage before which pass `pass` looks at the image; -1: none. */
    DEVICE int32_t stage_of_pass(int32_t pass) const
    {
        for (int32_t k = 0; k < stages; k++)
            if (needs[k] && pass-- == 0)
                return k;
        return -1;
    }
};

/* room: MAP_BYTES for each stage */
enum { MAP_BYTES = DRAW * sizeof(float) + 2 * sizeof(int32_t) };
DEVICE map_list load_maps(const picture_set &s, int64_t image, float *room)
{
    const float *from = s.draws + image * s.stages * DRAW;
    int32_t *kind = reinterpret_cast<int32_t *>(room + s.stages * DRAW), *needs = kind + s.stages;
    for (int32_t i = (int32_t)threadIdx.x; i < s.stages * DRAW; i += THREADS)
        room[i] = from[i];
    __syncthreads();
    for (int32_t k = (int32_t)threadIdx.x; k < s.stages; k += THREADS) {
        kind[k] = kind_of(room + k * DRAW);
        needs[k] = needs_image(room + k * DRAW);
    }
    __syncthreads();
    return {room, kind, needs, s.stages};
}

/* P pixels, which are 3 P numbers. P is 4 where images begin at whole packs, else 1. */
template <int P> DEVICE void load_pixels(const float *from, float p[P][3])
{
    const int n = P == 4 ? 4 : 1;
    for (int i = 0; i < P * 3; i += n) {
        const pack<float, n> v = *reinterpret_cast<const pack<float, n> *>(from + i);
        for (int j = 0; j < n; j++)
            p[(i + j) / 3][(i + j) % 3] = v.v[j];
    }
}

template <int P> DEVICE void store_pixels(float *to, const float p[P][3])
{
    const int n = P == 4 ? 4 : 1;
    for (int i = 0; i < P * 3; i += n) {
        pack<float, n> v;
        for (int j = 0; j < n; j++)
            v.v[j] = p[(i + j) / 3][(i + j) % 3];
        *reinterpret_cast<pack<float, n> *>(to + i) = v;
    }
}

/* Calls f(p, at) for the pixels of this block after the maps [0, end): P of them, `at` is the first one's place. */
template <int P, class F> DEVICE void each_pixel(const picture_set &s, const map_list &maps, int32_t end, F f)
{
    const knowledge *known = s.known + (int64_t)blockIdx.y * s.stages;
    const int64_t begin = (int64_t)blockIdx.x * CHUNK, last = begin + CHUNK < s.pixels ? begin + CHUNK : s.pixels;
    for (int64_t at = begin + (int32_t)threadIdx.x * P; at < last; at += THREADS * P) {
        float p[P][3];
        load_pixels<P>(s.x + (blockIdx.y * s.pixels + at) * 3, p);
        for (int32_t k = 0; k < end; k++)
            apply_map<P>(maps.kind[k], maps.m + k * DRAW, known + k, p);
        f(p, at);
    }
}

/* y = all maps of x */
template <int P> static __global__ void __launch_bounds__(THREADS) apply_maps(picture_set s)
{
    FPC_DYNAMIC_SHARED(float, room);
    const map_list maps = load_maps(s, blockIdx.y, room);
    each_pixel<P>(s, maps, s.stages,
                  [&](const float p[P][3], int64_t at) { store_pixels<P>(s.y + (blockIdx.y * s.pixels + at) * 3, p); });
}

/* ---- looking at the image ---- */

template <int P> DEVICE void sum_chunk(const picture_set &s, const map_list &maps, int32_t end, piece *to)
{
    __shared__ double room[32];
    float sum[3] = {0.0f, 0.0f, 0.0f};
    each_pixel<P>(s, maps, end, [&](const float p[P][3], int64_t) {
        for (int i = 0; i < P * 3; i++)
            sum[i % 3] += p[i / 3][i % 3];
    });
    for (int c = 0; c < 3; c++) {
        const double total = block_sum((double)sum[c], room);
        if (threadIdx.x == 0)
            to->sum[c] = total;
    }
}

/* The largest x of the block, for every thread. room: as for block_sum. */
DEVICE float block_max(float x, float *room)
{
    x = warp_max(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0)
        room[threadIdx.x / 32] = x;
    __syncthreads();
    for (int i = 0; i < THREADS / 32; i++)
        x = fmaxf(x, room[i]);
    return x;
}

template <int P> DEVICE void range_of_chunk(const picture_set &s, const map_list &maps, int32_t end, piece *to)
{
    __shared__ float room[32];
    float low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    each_pixel<P>(s, maps, end, [&](const float p[P][3], int64_t) {
        for (int i = 0; i < P * 3; i++) {
            low[i % 3] = fminf(low[i % 3], p[i / 3][i % 3]);
            high[i % 3] = fmaxf(high[i % 3], p[i / 3][i % 3]);
        }
    });
    for (int c = 0; c < 3; c++) {
        const float least = -block_max(-low[c], room), most = block_max(high[c], room);
        if (threadIdx.x == 0) {
            to->range.low[c] = least;
            to->range.high[c] = most;
        }
    }
}

template <int P> DEVICE void count_chunk(const picture_set &s, const map_list &maps, int32_t end, piece *to)
{
    __shared__ uint32_t count[3 * 256];
    for (int i = (int)threadIdx.x; i < 3 * 256; i += THREADS)
        count[i] = 0;
    __syncthreads();
    each_pixel<P>(s, maps, end, [&](const float p[P][3], int64_t) {
        for (int i = 0; i < P * 3; i++) {
            const int bin = (int)(clamp01(p[i / 3][i % 3]) * 256.0f);
            atomicAdd(&count[i % 3 * 256 + (bin < 255 ? bin : 255)], 1u);
        }
    });
    __syncthreads();
    for (int i = (int)threadIdx.x; i < 3 * 256; i += THREADS)
        to->count[i / 256][i % 256] = count[i];
}

/* What the pass's map of each image needs, of each chunk. */
template <int P> static __global__ void __launch_bounds__(THREADS) look(picture_set s, int32_t pass)
{
    FPC_DYNAMIC_SHARED(float, room);
    const map_list maps = load_maps(s, blockIdx.y, room);
    const int32_t stage = maps.stage_of_pass(pass);
    if (stage < 0)
        return;
    piece *to = s.pieces + (int64_t)blockIdx.y * s.chunks + blockIdx.x;
    const int kind = maps.kind[stage];
    if (kind == FPC_COLOUR_EQUALIZE)
        count_chunk<P>(s, maps, stage, to);
    else if (kind == FPC_COLOUR_AUTOCONTRAST)
        range_of_chunk<P>(s, maps, stage, to);
    else
        sum_chunk<P>(s, maps, stage, to);
}

/* ---- what the chunks say together: one block per image ---- */

DEVICE void know_mean(const picture_set &s, const piece *from, const float *g, knowledge *to)
{
    __shared__ double room[32];
    double k = 0.0;
    for (int c = 0; c < 3; c++) {
        double sum = 0.0;
        for (int32_t i = (int32_t)threadIdx.x; i < s.chunks; i += THREADS)
            sum += from[i].sum[c];
        k += (double)g[c] * (block_sum(sum, room) / (double)s.pixels);
    }
    if (threadIdx.x == 0)
        to->offset = (float)k;
}

DEVICE void know_range(const picture_set &s, const piece *from, knowledge *to)
{
    __shared__ float room[32];
    for (int c = 0; c < 3; c++) {
        float low = INFINITY, high = -INFINITY;
        for (int32_t i = (int32_t)threadIdx.x; i < s.chunks; i += THREADS) {
            low = fminf(low, from[i].range.low[c]);
            high = fmaxf(high, from[i].range.high[c]);
        }
        low = -block_max(-low, room);
        high = block_max(high, room);
        if (threadIdx.x == 0) { /* a flat channel stays as it is */
            to->low[c] = high > low ? low : 0.0f;
            to->range[c] = high > low ? high - low : 1.0f;
        }
    }
}

/* Thread i has bin i. */
DEVICE void know_levels(const picture_set &s, const piece *from, int c, knowledge *to)
{
    __shared__ int64_t below[256];
    __shared__ int64_t step;
    const int bin = (int)threadIdx.x;
    int64_t count = 0, sum = 0;
    for (int32_t i = 0; i < s.chunks; i++)
        count += from[i].count[c][bin];
    __syncthreads(); /* the channel before is done with below and step */
    below[bin] = count;
    __syncthreads();
    for (int i = 0; i < bin; i++)
        sum += below[i];
    if (count > 0 && sum + count == s.pixels) /* the brightest bin of all that are not empty */
        step = (s.pixels - count) / 255;
    __syncthreads();
    const int64_t level = bin && step ? (sum + step / 2) / step : 0;
    to->level[c][bin] = (uint8_t)(level < 255 ? level : 255);
    if (bin == 0)
        to->flat[c] = step == 0;
}

static __global__ void __launch_bounds__(THREADS) know(picture_set s, int32_t pass)
{
    FPC_DYNAMIC_SHARED(float, room);
    const map_list maps = load_maps(s, blockIdx.x, room);
    const int32_t stage = maps.stage_of_pass(pass);
    if (stage < 0)
        return;
    const piece *from = s.pieces + (int64_t)blockIdx.x * s.chunks;
    knowledge *to = s.known + (int64_t)blockIdx.x * s.stages + stage;
    const int kind = maps.kind[stage];
    if (kind == FPC_COLOUR_AUTOCONTRAST)
        know_range(s, from, to);
    else if (kind != FPC_COLOUR_EQUALIZE)
        know_mean(s, from, maps.m + stage * DRAW + 12, to);
    else
        for (int c = 0; c < 3; c++)
            know_levels(s, from, c, to);
}

/* ---- the op ---- */

static int64_t pixels_of(const fpc_node *node)
{
    return (int64_t)node->in[0].shape.h * node->in[0].shape.w;
}

static int64_t chunks_of(const fpc_node *node)
{
    return (pixels_of(node) + CHUNK - 1) / CHUNK;
}

static void colour_need(const fpc_node *node, fpc_need *need)
{
    const int64_t images = node->in[0].shape.n;
    need->shared =
        (size_t)(images * chunks_of(node)) * sizeof(piece) + (size_t)(images * node->in[1].shape.w) * sizeof(knowledge);
}

template <int P> static fpc_status run_colour(fpc_exec *x, const fpc_node *node, const picture_set &s)
{
    const unsigned images = (unsigned)node->in[0].shape.n;
    const size_t shared = (size_t)s.stages * MAP_BYTES;
    const dim3 grid((unsigned)s.chunks, images);
    fpc_status st = FPC_OK;
    for (int32_t pass = 0; pass < s.stages && !st; pass++) {
        st = launch(look<P>, grid, dim3(THREADS), shared, x, node, s, pass);
        st = st ? st : launch(know, dim3(images), dim3(THREADS), shared, x, node, s, pass);
    }
    return st ? st : launch(apply_maps<P>, grid, dim3(THREADS), shared, x, node, s);
}

static fpc_status colour(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    picture_set s;
    s.x = data_of<const float>(node->in[0]);
    s.draws = data_of<const float>(node->in[1]);
    s.y = data_of<float>(node->out[0]);
    s.stages = node->in[1].shape.w;
    s.pixels = pixels_of(node);
    s.chunks = (int32_t)chunks_of(node);
    s.pieces = static_cast<piece *>(fpc_exec_shared(x));
    s.known = reinterpret_cast<knowledge *>(s.pieces + (int64_t)node->in[0].shape.n * s.chunks);
    return s.pixels % 4 == 0 ? run_colour<4>(x, node, s) : run_colour<1>(x, node, s);
}

const fpc_kernel fpc_cuda_image_colour[] = {
    FPC_CUDA_ROW("colour", "plain", 0, FPC_CUDA_FLOAT, nullptr, colour_need, colour), FPC_CUDA_END};
