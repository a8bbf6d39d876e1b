/* loss_distance.cu: signed_distance, the exact Euclidean distance of each pixel of a mask to each class;
 * kernels/ref/loss_distance.c says what is computed. The two passes of Meijster, Roerdink and Hesselink 2000 in whole
 * numbers: down and up each column for the distance to the nearest pixel of the class there, then along each row the
 * lower envelope of the parabolas that stand on the columns. The distance from a pixel to the nearest one of another
 * class is the smallest of its distances to the other classes, so one field for each class is enough. Labels that are
 * no class make one more field.
 *
 * Fields lie column after column, so that the threads of the second pass, one a row, read side by side. Images go in
 * groups, so that the fields of a group take a bounded amount of memory. */
#include "kernels/cuda/reduce.h"

enum {
    DISTANCE_BLOCK = 128,
    TOGETHER = 1 << 25, /* numbers of the fields of a group */
    LARGEST = 16384,    /* pixels a side: their squares are whole numbers of 32 bits */
    FAR = 0xffff,       /* no site in this column */
    PACK = 8            /* rows that the first pass stores at once */
};

struct distance_job {
    int32_t n, h, w, classes, ignore;
    int32_t first, count; /* the group at hand */
    int32_t deep;         /* h, rounded up to a multiple of PACK */
    float unit;
    const uint8_t *mask;
    float *out;
    int32_t *present; /* [n][classes + 1] */
    uint16_t *column; /* [image of the group][classes + 1][w][deep]: distance within the column */
    uint32_t *square; /* the same shape: the envelope, then the squares of the distances */
};

DEVICE int64_t field_of(const distance_job &j, int32_t g, int32_t c)
{
    return ((int64_t)g * (j.classes + 1) + c) * j.w * j.deep;
}
/* The field that a label belongs to; -1: none. */
DEVICE int32_t class_of(const distance_job &j, int32_t label)
{
    return label == j.ignore ? -1 : label < j.classes ? label : j.classes;
}

/* ---- which classes there are ---- */

static __global__ void clear_present(int32_t *present, int32_t n)
{
    const int32_t i = (int32_t)(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n)
        present[i] = 0;
}

static __global__ void __launch_bounds__(DISTANCE_BLOCK) find_classes(distance_job j)
{
    __shared__ int32_t found[FPC_MAX_CLASSES + 1];
    const int32_t n = (int32_t)blockIdx.y, area = j.h * j.w, me = (int32_t)threadIdx.x;
    for (int32_t c = me; c <= j.classes; c += DISTANCE_BLOCK)
        found[c] = 0;
    __syncthreads();
    for (int32_t r = (int32_t)blockIdx.x * DISTANCE_BLOCK + me; r < area; r += (int32_t)gridDim.x * DISTANCE_BLOCK) {
        const int32_t c = class_of(j, j.mask[(int64_t)n * area + r]);
        if (c >= 0)
            atomicOr(found + c, 1);
    }
    __syncthreads();
    for (int32_t c = me; c <= j.classes; c += DISTANCE_BLOCK)
        if (found[c])
            atomicOr(j.present + (int64_t)n * (j.classes + 1) + c, 1);
}

DEVICE bool is_present(const distance_job &j, int32_t g, int32_t c)
{
    return j.present[(int64_t)(j.first + g) * (j.classes + 1) + c];
}

/* ---- the columns: block (columns, class, image of the group) ---- */

static __global__ void __launch_bounds__(DISTANCE_BLOCK) measure_columns(distance_job j)
{
    typedef pack<uint16_t, PACK> rows;
    const int32_t x = (int32_t)(blockIdx.x * DISTANCE_BLOCK + threadIdx.x), c = (int32_t)blockIdx.y;
    const int32_t g = (int32_t)blockIdx.z;
    if (x >= j.w || !is_present(j, g, c))
        return;
    const uint8_t *const mask = j.mask + (int64_t)(j.first + g) * j.h * j.w + x;
    rows *const to = reinterpret_cast<rows *>(j.column + field_of(j, g, c) + (int64_t)x * j.deep);
    int32_t far = FAR;
    for (int32_t p = j.deep / PACK - 1; p >= 0; p--) { /* up: to the nearest below */
        rows v = {};
#pragma unroll
        for (int q = PACK - 1; q >= 0; q--) {
            const int32_t y = p * PACK + q;
            if (y < j.h)
                far = class_of(j, mask[(int64_t)y * j.w]) == c ? 0 : far < FAR ? far + 1 : FAR;
            v.v[q] = (uint16_t)far;
        }
        to[p] = v;
    }
    far = FAR;
    for (int32_t p = 0; p < j.deep / PACK; p++) { /* down: to the nearest above, or what there is */
        rows v = to[p];
#pragma unroll
        for (int q = 0; q < PACK; q++) {
            far = v.v[q] == 0 ? 0 : far < FAR ? far + 1 : FAR;
            v.v[q] = (uint16_t)min((int32_t)v.v[q], far);
        }
        to[p] = v;
    }
}

/* ---- the rows: block (rows, class, image of the group) ---- */

/* A parabola of the envelope: the column that it stands on, where it begins to be the lowest, the distance there. */
struct parabola {
    int32_t at, from, height;
};
DEVICE int32_t square_at(const parabola &p, int32_t x)
{
    return (x - p.at) * (x - p.at) + p.height * p.height;
}

static __global__ void __launch_bounds__(DISTANCE_BLOCK) measure_rows(distance_job j)
{
    const int32_t y = (int32_t)(blockIdx.x * DISTANCE_BLOCK + threadIdx.x), c = (int32_t)blockIdx.y;
    const int32_t g = (int32_t)blockIdx.z;
    if (y >= j.h || !is_present(j, g, c))
        return;
    const uint16_t *const column = j.column + field_of(j, g, c) + y;
    uint32_t *const stack = j.square + field_of(j, g, c) + y; /* from * 2^16 + at */
    parabola top = {0, 0, 0};
    int32_t last = -1; /* of the stack; its last entry is `top` */
    const auto pop = [&]() {
        if (--last < 0)
            return;
        const uint32_t entry = stack[(int64_t)last * j.deep];
        top = {(int32_t)(entry & 0xffff), (int32_t)(entry >> 16), 0};
        top.height = column[(int64_t)top.at * j.deep];
    };
    for (int32_t x = 0; x < j.w; x++) {
        parabola p = {x, 0, column[(int64_t)x * j.deep]};
        if (p.height == FAR)
            continue;
        while (last >= 0 && square_at(top, top.from) > square_at(p, top.from))
            pop();
        if (last >= 0) /* where p is lower than the one before; not negative, because it is not at top.from */
            p.from = 1 + (p.at * p.at - top.at * top.at + p.height * p.height - top.height * top.height) /
                             (2 * (p.at - top.at));
        if (p.from >= j.w)
            continue;
        top = p;
        stack[(int64_t)++last * j.deep] = (uint32_t)p.from << 16 | (uint32_t)p.at;
    }
    for (int32_t x = j.w - 1; x >= 0; x--) { /* the squares take the stack's place behind its end */
        stack[(int64_t)x * j.deep] = (uint32_t)square_at(top, x);
        if (x == top.from)
            pop();
    }
}

/* ---- the distances: a block for 32 columns and PACK rows of the group's images ---- */

enum { WRITE_W = 32, WRITE_BLOCK = WRITE_W * PACK, WRITE_CLASSES = 32, WRITE_STRIDE = WRITE_CLASSES + 1 };

static __global__ void __launch_bounds__(WRITE_BLOCK) write_distances(distance_job j)
{
    __shared__ float room[WRITE_BLOCK * WRITE_STRIDE];
    const int32_t me = (int32_t)threadIdx.x, g = (int32_t)blockIdx.z, n = j.first + g;
    const int32_t x0 = (int32_t)blockIdx.x * WRITE_W, y0 = (int32_t)blockIdx.y * PACK, dx = me / PACK, dy = me % PACK;
    const bool inside = x0 + dx < j.w && y0 + dy < j.h;
    const int64_t at = (int64_t)(x0 + dx) * j.deep + y0 + dy;
    const int32_t label = inside ? class_of(j, j.mask[((int64_t)n * j.h + y0 + dy) * j.w + x0 + dx]) : -1;
    uint32_t nearest = UINT32_MAX; /* of another class */
    for (int32_t c = 0; c <= j.classes && label >= 0; c++)
        if (c != label && is_present(j, g, c))
            nearest = min(nearest, j.square[field_of(j, g, c) + at]);
    for (int32_t first = 0; first < j.classes; first += WRITE_CLASSES) {
        const int32_t count = min((int32_t)WRITE_CLASSES, j.classes - first);
        float *const mine = room + (dy * WRITE_W + dx) * WRITE_STRIDE;
        for (int32_t i = 0; i < count; i++) {
            const int32_t c = first + i;
            float d = 0;
            if (label == c)
                d = nearest < UINT32_MAX ? 1 - sqrtf((float)nearest) : 0;
            else if (label >= 0 && is_present(j, g, c))
                d = sqrtf((float)j.square[field_of(j, g, c) + at]);
            mine[i] = d * j.unit;
        }
        __syncthreads();
        for (int32_t o = me; o < WRITE_BLOCK * count; o += WRITE_BLOCK) {
            const int32_t pixel = o / count, i = o - pixel * count, x = x0 + pixel % WRITE_W, y = y0 + pixel / WRITE_W;
            if (x < j.w && y < j.h)
                j.out[(((int64_t)n * j.h + y) * j.w + x) * j.classes + first + i] = room[pixel * WRITE_STRIDE + i];
        }
        __syncthreads();
    }
}

/* ---- signed_distance(mask) -> d ---- */

static size_t take(size_t *at, size_t bytes)
{
    const size_t here = *at;
    *at += (bytes + 255) & ~(size_t)255;
    return here;
}

struct distance_plan {
    int32_t together, deep;
    size_t present, column, square, bytes;
};

static distance_plan plan_distance(const fpc_node *node)
{
    const fpc_shape s = node->in[0].shape;
    const int32_t classes = static_cast<const fpc_distance_attr *>(node->attr)->classes;
    distance_plan p = {1, (s.h + PACK - 1) / PACK * PACK, 0, 0, 0, 0};
    const int64_t each = (int64_t)(classes + 1) * s.w * p.deep;
    if (each < TOGETHER)
        p.together = (int32_t)(TOGETHER / each < s.n ? TOGETHER / each : s.n);
    p.present = take(&p.bytes, (size_t)s.n * (size_t)(classes + 1) * sizeof(int32_t));
    p.column = take(&p.bytes, (size_t)(p.together * each) * sizeof(uint16_t));
    p.square = take(&p.bytes, (size_t)(p.together * each) * sizeof(uint32_t));
    return p;
}

static int signed_distance_match(const fpc_node *node)
{
    return node->in[0].shape.h <= LARGEST && node->in[0].shape.w <= LARGEST;
}

static void signed_distance_need(const fpc_node *node, fpc_need *need)
{
    need->shared = plan_distance(node).bytes;
}

static distance_job job_of(const fpc_node *node, const distance_plan &p, char *work)
{
    const fpc_distance_attr *a = static_cast<const fpc_distance_attr *>(node->attr);
    const fpc_shape s = node->in[0].shape;
    const double diagonal = sqrt((double)s.h * s.h + (double)s.w * s.w);
    distance_job j = {};
    j.n = s.n, j.h = s.h, j.w = s.w;
    j.classes = a->classes;
    j.ignore = a->ignore;
    j.deep = p.deep;
    j.unit = a->normalise ? (float)(1 / diagonal) : 1;
    j.mask = data_of<const uint8_t>(node->in[0]);
    j.out = data_of<float>(node->out[0]);
    j.present = reinterpret_cast<int32_t *>(work + p.present);
    j.column = reinterpret_cast<uint16_t *>(work + p.column);
    j.square = reinterpret_cast<uint32_t *>(work + p.square);
    return j;
}

static fpc_status one_group(fpc_exec *x, const fpc_node *node, const distance_job &j)
{
    const unsigned fields = (unsigned)j.classes + 1, images = (unsigned)j.count;
    const dim3 columns(blocks_for(j.w, DISTANCE_BLOCK).x, fields, images);
    const dim3 rows(blocks_for(j.h, DISTANCE_BLOCK).x, fields, images);
    const dim3 tiles(blocks_for(j.w, WRITE_W).x, blocks_for(j.h, PACK).x, images);
    fpc_status st = launch(measure_columns, columns, dim3(DISTANCE_BLOCK), 0, x, node, j);
    if (!st)
        st = launch(measure_rows, rows, dim3(DISTANCE_BLOCK), 0, x, node, j);
    return st ? st : launch(write_distances, tiles, dim3(WRITE_BLOCK), 0, x, node, j);
}

static fpc_status signed_distance(fpc_exec *x, const fpc_node *node, fpc_rows)
{
    const distance_plan p = plan_distance(node);
    distance_job j = job_of(node, p, static_cast<char *>(fpc_exec_shared(x)));
    const int32_t flags = j.n * (j.classes + 1);
    fpc_status st = launch(clear_present, blocks_for(flags, DISTANCE_BLOCK, INT32_MAX), dim3(DISTANCE_BLOCK), 0, x,
                           node, j.present, flags);
    if (!st)
        st = launch(find_classes, dim3(blocks_for((int64_t)j.h * j.w, DISTANCE_BLOCK * 16).x, (unsigned)j.n),
                    dim3(DISTANCE_BLOCK), 0, x, node, j);
    for (j.first = 0; j.first < j.n && !st; j.first += p.together) {
        j.count = j.n - j.first < p.together ? j.n - j.first : p.together;
        st = one_group(x, node, j);
    }
    return st;
}

const fpc_kernel fpc_cuda_loss_distance[] = {
    FPC_CUDA_ROW("signed_distance", "plain", 0, FPC_CUDA_FLOAT, signed_distance_match, signed_distance_need,
                 signed_distance),
    FPC_CUDA_END,
};
