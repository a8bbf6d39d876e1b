/* matrix.h: 3x3 matrices of geometry, output -> input, in [-1,1] from edge to edge (fpcore/augment.h): what the plugins
 * that draw a fpc_homography share. Angles and shears are those of square pixels, so they take the picture's shape.
 *
 * Conventions. `pixel`: the map that the parameters name, exactly. `kornia`: Kornia makes its matrix for coordinates
 * that run from corner pixel to corner pixel, and then samples with coordinates from edge to edge; its affine maps are
 * off by about one part in the picture's width, its perspective also enlarges by w / (w - 1). Its masks are sampled
 * from corner to corner, which is `pixel`. */
#ifndef PLUGINS_AUGMENT_MATRIX_H
#define PLUGINS_AUGMENT_MATRIX_H

#include <fpcore/augment.h>
#include <fpcore/option.h>
#include <math.h>
#include <string.h>

enum { CONVENTION_PIXEL = 0, CONVENTION_KORNIA = 1 };
static const fpc_choice conventions[] = {
    {"pixel", CONVENTION_PIXEL, "exact in pixels"},
    {"kornia", CONVENTION_KORNIA, "as Kornia 0.6 samples pictures: off by less than a pixel"},
    {0}};

#define DEGREE 0.017453292519943295

static inline fpc_homography identity_matrix(void)
{
    return (fpc_homography){{1, 0, 0, 0, 1, 0, 0, 0, 1}, 0};
}

/* out = a b; out may be one of them. */
static inline void multiply_matrices(const double a[9], const double b[9], double out[9])
{
    double m[9];
    for (int i = 0; i < 9; i++)
        m[i] = a[i / 3 * 3] * b[i % 3] + a[i / 3 * 3 + 1] * b[i % 3 + 3] + a[i / 3 * 3 + 2] * b[i % 3 + 6];
    memcpy(out, m, sizeof m);
}

/* What is done to the picture: sheared (x' = x - tan(shear_x) y, then y' = y - tan(shear_y) x', as torchvision and
 * Kornia), scaled, turned counter-clockwise as seen, shifted by shares of its sides. */
typedef struct affine_map {
    double degrees, scale_x, scale_y, shear_x, shear_y, translate_x, translate_y;
} affine_map;

/* The inverse of that map, about the centre. */
static inline fpc_homography affine_matrix(const affine_map *a, int32_t h, int32_t w, int64_t convention)
{
    const int corner = convention == CONVENTION_KORNIA && h > 1 && w > 1;
    const double width = corner ? w - 1 : w, height = corner ? h - 1 : h, wide = width / height;
    const double tx = 2 * a->translate_x * w / width, ty = 2 * a->translate_y * h / height;
    const double kx = tan(a->shear_x * DEGREE), ky = tan(a->shear_y * DEGREE);
    const double c = cos(a->degrees * DEGREE), s = sin(a->degrees * DEGREE);
    const double unturn[4] = {c / a->scale_x, -s / a->scale_x, s / a->scale_y, c / a->scale_y};
    const double unshear[4] = {1 + kx * ky, kx, ky, 1};
    const double m00 = unshear[0] * unturn[0] + unshear[1] * unturn[2];
    const double m01 = (unshear[0] * unturn[1] + unshear[1] * unturn[3]) / wide;
    const double m10 = (unshear[2] * unturn[0] + unshear[3] * unturn[2]) * wide;
    const double m11 = unshear[2] * unturn[1] + unshear[3] * unturn[3];
    return (fpc_homography){{m00, m01, -m00 * tx - m01 * ty, m10, m11, -m10 * tx - m11 * ty, 0, 0, 1}, 0};
}

/* The result shows the window about (cx, cy) whose sides are the shares sx, sy of the picture's. */
static inline fpc_homography window_matrix(double cx, double cy, double sx, double sy)
{
    return (fpc_homography){{sx, 0, cx, 0, sy, cy, 0, 0, 1}, 0};
}

#endif
