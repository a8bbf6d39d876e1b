/* fill_picture.c: inputs of the ops that augment pictures. Numbers lie where a jitter of OP_JITTER decides nothing:
 * levels between bytes, thresholds between levels, shares away from one half. */
#include "cases.h"
#include <fpcore/augment.h>
#include <math.h>
#include <string.h>

static double number(const uint32_t key[2], uint64_t i, double lo, double hi)
{
    return (double)(float)(lo + (hi - lo) * op_unit(key[0], key[1], i));
}

/* Levels from lo to hi, the dark ones more often. 0.35: neither floor(255 x) nor floor(256 x) is near a step. */
static void fill_levels(const op_input *in, const uint32_t key[2], double *p)
{
    for (int64_t i = 0; i < fpc_count(in->shape); i++) {
        const double u = op_unit(key[0], key[1], (uint64_t)i);
        p[i] = (double)(float)((floor(in->lo + (in->hi - in->lo) * u * u) + 0.35) / 255);
    }
}

/* of_mean: an affine map also takes from the mean. */
static void colour_map(int kind, int of_mean, uint64_t at, const uint32_t key[2], double *m)
{
    at *= 16;
    m[15] = kind;
    switch (kind) {
    case FPC_COLOUR_HUE:
        m[0] = number(key, at, -1.2, 1.2);
        break;
    case FPC_COLOUR_GAMMA:
        m[0] = number(key, at, 0.3, 2.5);
        m[1] = number(key, at + 1, 0.8, 1.2);
        break;
    case FPC_COLOUR_POSTERIZE:
        m[0] = 1 + floor(number(key, at, 0, 8));
        break;
    case FPC_COLOUR_SOLARIZE:
        m[0] = number(key, at, 0.3, 0.7);
        m[1] = number(key, at + 1, -0.1, 0.1);
        break;
    case FPC_COLOUR_EQUALIZE:
    case FPC_COLOUR_AUTOCONTRAST:
        m[0] = 1;
        break;
    default:
        for (int i = 0; i < 15; i++)
            m[i] = i >= 12 && !of_mean ? 0 : number(key, at + (uint64_t)i, -0.1, 0.1) + (i < 12 && i % 4 == i / 4);
    }
}

/* lo: kind of the first stage of every image; -1: all kinds, another order for each image. Every third image's second
 * half of the stages is all zero, as is every fourth image. */
static void fill_kinds(const op_input *in, const uint32_t key[2], double *p)
{
    const int32_t stages = in->shape.w;
    for (int32_t n = 0; n < in->shape.n; n++)
        for (int32_t k = 0; k < stages; k++) {
            if (n % 4 == 3 || (n % 3 == 2 && k > stages / 2))
                continue;
            const int kind = in->lo < 0 ? (k * 3 + n) % 8 : ((int)in->lo + k) % 8;
            colour_map(kind, k % 2 == 0, (uint64_t)(n * stages + k), key, p + (n * stages + k) * 16);
        }
}

/* Weights of k x k: any; a product of two lines; a stroke; none. */
static void fill_windows(const op_input *in, const uint32_t key[2], double *p)
{
    const int32_t count = in->shape.c, k = (int32_t)(sqrt((double)count) + 0.5);
    for (int32_t n = 0; n < in->shape.n; n++)
        for (int32_t i = 0; i < count; i++) {
            const double y = i / k - k / 2, x = i % k - k / 2;
            const double kind[4] = {number(key, (uint64_t)(n * count + i), -0.5, 1) / k, exp(-(x * x + y * y) / k) / k,
                                    i / k == i % k ? 1.0 / k : 0, 0};
            p[n * count + i] = (double)(float)kind[n % 4];
        }
}

/* x0 y0 x1 y1 r g b on; some reach out of the picture, every third is off, every fourth begins and ends at centres of
 * pixels of a picture of 16 x 16. */
static void fill_boxes(const op_input *in, const uint32_t key[2], double *p)
{
    for (int64_t b = 0; b < in->shape.n * (in->shape.c / 8); b++, p += 8) {
        const uint64_t at = (uint64_t)b * 8;
        p[0] = number(key, at, -1.4, 0.9);
        p[1] = number(key, at + 1, -1.4, 0.9);
        p[2] = (double)(float)(p[0] + number(key, at + 2, 0, 1));
        p[3] = (double)(float)(p[1] + number(key, at + 3, 0, 1));
        for (uint64_t c = 4; c < 7; c++)
            p[c] = number(key, at + c, 0, 1);
        for (int i = 0; i < 4 && b % 4 == 1; i++)
            p[i] = (floor(p[i] * 8) + 0.5) / 8;
        p[7] = b % 3 != 2;
    }
}

/* lo: 1: odd images are soft. Layers, in another order for each image: the whole picture at a share; a box; a quarter
 * that shows all of the partner; labels of the partner, moved and zoomed. */
static void fill_plan(const op_input *in, const uint32_t key[2], double *p)
{
    for (int32_t n = 0; n < in->shape.n; n++) {
        double *head = p + n * in->shape.w * in->shape.c;
        head[0] = in->lo > 0 && n % 2;
        head[1] = head[0] > 0 ? n % 4 == 1 ? 0.25 : 0.75 : 1;
        for (int32_t k = 0; k < in->shape.w - 1; k++) {
            const uint64_t at = (uint64_t)(n * 64 + k * 8);
            const double x0 = number(key, at, -1.2, 0.5), y0 = number(key, at + 1, -1.2, 0.5);
            const double kind[4][10] = {
                {0.375, -1, -1, 1, 1, 0, 0, 0, 0, 1},
                {1, x0, y0, x0 + 0.9, y0 + 0.7, 1, 1, 0, 0, 1},
                {1, 0, -1, 1, 0, 2, 2, -1, 1, 1},
                {0.75, -1, -1, 1, 1, 0.8125, 1.25, 0.125, -0.0625, 0},
            };
            double *layer = head + (k + 1) * in->shape.c;
            layer[0] = (n + k + 1) % in->shape.n;
            for (int i = 0; i < 10; i++)
                layer[1 + i] = (double)(float)kind[(k + n) % 4][i];
        }
    }
}

int op_fill_picture(const op_input *in, uint32_t a, uint32_t b, void *data)
{
    const uint32_t key[2] = {a, b};
    switch (in->fill) {
    case FILL_LEVELS:
        fill_levels(in, key, data);
        return 1;
    case FILL_KINDS:
        fill_kinds(in, key, data);
        return 1;
    case FILL_WINDOWS:
        fill_windows(in, key, data);
        return 1;
    case FILL_BOXES:
        fill_boxes(in, key, data);
        return 1;
    case FILL_PLAN:
        fill_plan(in, key, data);
        return 1;
    case FILL_BITS:
        for (int64_t i = 0; i < fpc_count(in->shape); i++)
            ((uint8_t *)data)[i] = op_unit(a, b, (uint64_t)i) < 0.5;
        return 1;
    default:
        return 0;
    }
}
