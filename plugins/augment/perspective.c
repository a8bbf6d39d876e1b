/* perspective.c: the picture as seen from aside: each of its corners moves inward by drawn shares of half its sides, as
 * torchvision's and Kornia's RandomPerspective do. Stage: geometry. The homography that sends the moved corners back to
 * the picture's is solved here; up to distortion 0.6 the four points are always convex, so it exists.
 * Pure: equal (options, rng) give equal matrices. */
#include "ranges.h"
#include "matrix.h"

struct perspective {
    fpc_self self;
    double distortion, p;
    int64_t convention;
};

/* Gauss with pivots; rows are the matrix and the right side. 0 where there is no solution. */
static int solve(double a[8][9], double x[8])
{
    for (int k = 0; k < 8; k++) {
        int best = k;
        for (int i = k + 1; i < 8; i++)
            best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
        if (fabs(a[best][k]) < 1e-12)
            return 0;
        for (int j = 0; j < 9; j++) {
            const double kept = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = kept;
        }
        for (int i = k + 1; i < 8; i++)
            for (int j = 8; j >= k; j--)
                a[i][j] -= a[i][k] / a[k][k] * a[k][j];
    }
    for (int k = 7; k >= 0; k--) {
        x[k] = a[k][8];
        for (int j = k + 1; j < 8; j++)
            x[k] -= a[k][j] * x[j];
        x[k] /= a[k][k];
    }
    return 1;
}

/* m sends the points to (-1,-1), (1,-1), (1,1), (-1,1). */
static int matrix_to_corners(const double point[4][2], double m[9])
{
    static const double corner[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
    double a[8][9];
    for (int i = 0; i < 4; i++) {
        const double x = point[i][0], y = point[i][1], u = corner[i][0], v = corner[i][1];
        const double rows[2][9] = {{x, y, 1, 0, 0, 0, -u * x, -u * y, u}, {0, 0, 0, x, y, 1, -v * x, -v * y, v}};
        memcpy(a[2 * i], rows, sizeof rows);
    }
    m[8] = 1;
    return solve(a, m);
}

/* Where corner i of the picture comes to rest. */
static void move_corners(const struct perspective *o, fpc_rng rng, const fpc_image_info *image, double point[4][2])
{
    static const double corner[4][2] = {{-1, -1}, {1, -1}, {1, 1}, {-1, 1}};
    const int32_t size[2] = {image->w, image->h};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) {
            const double full = o->convention == CONVENTION_KORNIA && size[k] > 1 ? size[k] / (size[k] - 1.0) : 1;
            const double inward = o->distortion * full * fpc_draw_unit(rng, (uint32_t)(1 + 2 * i + k));
            point[i][k] = corner[i][k] * (1 - inward);
        }
}

/* From edge to edge to Kornia's corner to corner, on the side of the output only. */
static void as_kornia(const fpc_image_info *image, double m[9])
{
    const double x = image->w > 1 ? image->w / (image->w - 1.0) : 1, y = image->h > 1 ? image->h / (image->h - 1.0) : 1;
    const double grid[9] = {x, 0, 0, 0, y, 0, 0, 0, 1};
    multiply_matrices(m, grid, m);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct perspective *o = (const struct perspective *)self;
    fpc_homography *to = out;
    double point[4][2];
    *to = identity_matrix();
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    move_corners(o, rng, image, point);
    if (!matrix_to_corners(point, to->m))
        return fpc_fail(self->ctx, FPC_EINTERNAL, "%s: four corners without a homography", self->label);
    if (o->convention == CONVENTION_KORNIA)
        as_kornia(image, to->m);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_REAL(struct perspective, distortion, "0.2", 0, 0.6, "sides",
                    "each corner moves inward by 0 .. this share of half the width and height"),
    FPC_OPTION_REAL(struct perspective, p, "0.5", 0, 1, "prob", "chance per image"),
    FPC_OPTION_CHOICE(struct perspective, convention, "pixel", conventions, "what the coordinates of the matrix are"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin perspective = {
    FPC_PLUGIN_HEAD,       .kind = FPC_AUGMENT,
    .name = "perspective", .summary = "See the picture from aside: its corners move inward.",
    .version = "1.0",      .license = "MIT",
    .options = options,    .self_size = sizeof(struct perspective),
    .vtbl = &vtbl};
FPC_PLUGINS(&perspective)
