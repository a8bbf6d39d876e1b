/* image_pixels.h: one thread per pixel of a picture, in tiles of 32 x 8 of which a warp has one line. Three floats per
 * pixel would be written 12 bytes apart; the lanes of a warp leave them in shared memory and write the line together.
 * Needs a block of dim3(PIXELS_W, PIXELS_H) and a grid of pixel_blocks. */
#ifndef KERNELS_CUDA_IMAGE_PIXELS_H
#define KERNELS_CUDA_IMAGE_PIXELS_H

#include "kernels/cuda/device.h"

enum { PIXELS_W = 32, PIXELS_H = 8, PIXELS_MOST = 65535 /* of a grid's y and z */ };

struct pixel_place {
    int x, y;
    bool inside;
};

DEVICE pixel_place pixel_of(int h, int w)
{
    const int x = (int)(blockIdx.x * PIXELS_W + threadIdx.x), y = (int)(blockIdx.y * PIXELS_H + threadIdx.y);
    return {x, y, x < w && y < h};
}

/* Images beyond the grid's z: kernels stride over them. */
static inline dim3 pixel_blocks(fpc_shape s)
{
    return dim3((unsigned)((s.w + PIXELS_W - 1) / PIXELS_W), (unsigned)((s.h + PIXELS_H - 1) / PIXELS_H),
                (unsigned)(s.n < PIXELS_MOST ? s.n : PIXELS_MOST));
}

/* Each lane brings its pixel (those outside of the picture too); the warp writes its line of the tile. line: PIXELS_W *
 * 3 floats of shared memory for each warp. */
DEVICE void write_line(float *image, int h, int w, pixel_place at, const float v[3], float (*lines)[PIXELS_W * 3])
{
    float *line = lines[threadIdx.y];
    __syncwarp(); /* what it held has been read */
    for (int c = 0; c < 3; c++)
        line[threadIdx.x * 3 + c] = v[c];
    __syncwarp();
    const int first = (int)(blockIdx.x * PIXELS_W), count = (w - first < PIXELS_W ? w - first : PIXELS_W) * 3;
    float *to = image + ((int64_t)at.y * w + first) * 3;
    for (int i = (int)threadIdx.x; i < count && at.y < h; i += PIXELS_W)
        to[i] = line[i];
}

/* Whether the centre of a pixel lies in the box x0 y0 x1 y1, first edges included. In double, as on the CPU. px, py: of
 * the centre, in [-1,1]. */
DEVICE double centre_of(int i, int n)
{
    return (double)(2 * i + 1) / (double)n - 1;
}
DEVICE bool box_covers(const float *box, double px, double py)
{
    return px >= (double)box[0] && px < (double)box[2] && py >= (double)box[1] && py < (double)box[3];
}

#endif
