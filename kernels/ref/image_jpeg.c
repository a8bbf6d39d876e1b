/* image_jpeg.c (reference): what JPEG loses of a picture: 8 x 8 blocks of JFIF's colours (4:4:4) whose cosine transform
 * is rounded to multiples of the steps in image_jpeg.h. */
#include "image_border.h"
#include "image_jpeg.h"
#include "ref.h"

/* The discrete cosine transform of 8 numbers: t[u][x]; its transpose is its inverse. */
static void cosines(real t[8][8])
{
    for (int u = 0; u < 8; u++)
        for (int x = 0; x < 8; x++)
            t[u][x] = (u ? (real)0.5 : (real)0.35355339059327376220) *
                      cos((real)(3.14159265358979323846 / 16) * (real)((2 * x + 1) * u));
}

/* b = t a t' (forward), or t' a t (back) */
static void transform(real t[8][8], real a[8][8], int back)
{
    real half[8][8] = {{0}}, whole[8][8] = {{0}};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            for (int k = 0; k < 8; k++)
                half[i][j] += (back ? t[k][i] : t[i][k]) * a[k][j];
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            for (int k = 0; k < 8; k++)
                whole[i][j] += half[i][k] * (back ? t[k][j] : t[j][k]);
    memcpy(a, whole, sizeof whole);
}

/* JFIF's colours, Y about 128: 0 .. 255 each. */
static void to_ycc(const real *p, real *y, real *cb, real *cr)
{
    const real r = p[0] * 255, g = p[1] * 255, b = p[2] * 255;
    *y = (real)0.299 * r + (real)0.587 * g + (real)0.114 * b - 128;
    *cb = (real)-0.168735892 * r - (real)0.331264108 * g + (real)0.5 * b;
    *cr = (real)0.5 * r - (real)0.418687589 * g - (real)0.081312411 * b;
}
static void to_rgb(real *p, real y, real cb, real cr)
{
    p[0] = clamp01((y + 128 + (real)1.402 * cr) / 255);
    p[1] = clamp01((y + 128 - (real)0.344136286 * cb - (real)0.714136286 * cr) / 255);
    p[2] = clamp01((y + 128 + (real)1.772 * cb) / 255);
}

/* The block whose first pixel is (y0, x0). Beyond the picture its last pixels go on. */
static void jpeg_block(const real *x, real *y, fpc_shape s, int32_t y0, int32_t x0, int32_t quality)
{
    real t[8][8], plane[3][8][8];
    cosines(t);
    for (int32_t i = 0; i < 64; i++) {
        const int64_t at = row_of(s, 0, border_index(y0 + i / 8, s.h, FPC_BORDER_EDGE),
                                  border_index(x0 + i % 8, s.w, FPC_BORDER_EDGE));
        to_ycc(x + at * 3, &plane[0][i / 8][i % 8], &plane[1][i / 8][i % 8], &plane[2][i / 8][i % 8]);
    }
    for (int c = 0; c < 3; c++) {
        transform(t, plane[c], 0);
        for (int32_t i = 0; i < 64; i++) {
            const real step = (real)jpeg_step(c ? jpeg_chroma : jpeg_luma, i, quality);
            plane[c][i / 8][i % 8] = rint(plane[c][i / 8][i % 8] / step) * step;
        }
        transform(t, plane[c], 1);
    }
    for (int32_t i = 0; i < 64; i++)
        if (y0 + i / 8 < s.h && x0 + i % 8 < s.w)
            to_rgb(y + row_of(s, 0, y0 + i / 8, x0 + i % 8) * 3, plane[0][i / 8][i % 8], plane[1][i / 8][i % 8],
                   plane[2][i / 8][i % 8]);
}

/* jpeg(x, quality) -> y */
static fpc_status jpeg(fpc_exec *exec, const fpc_node *node, fpc_rows rows)
{
    (void)exec;
    (void)rows;
    const fpc_shape s = node->in[0].shape;
    real *y = node->out[0].data;
    memcpy(y, node->in[0].data, (size_t)fpc_count(s) * sizeof *y);
    for (int64_t n = 0; n < s.n; n++) {
        const int32_t quality = jpeg_quality((double)((const real *)node->in[1].data)[n]);
        const int64_t first = n * image_rows(s) * 3;
        for (int32_t y0 = 0; y0 < s.h && quality; y0 += 8)
            for (int32_t x0 = 0; x0 < s.w; x0 += 8)
                jpeg_block((const real *)node->in[0].data + first, y + first, s, y0, x0, quality);
    }
    return FPC_OK;
}

const fpc_kernel REF_TABLE(image_jpeg)[] = {REF_ROW(jpeg), {0}};
