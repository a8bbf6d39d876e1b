/* thin_plate_spline.c: control points on a grid are shifted at random, and a thin plate that goes through their shifts
 * bends the picture between them (Bookstein, "Principal warps", 1989). Stage: field; the small system for the plate is
 * solved on the host. Kornia's RandomThinPlateSpline has the four corners and the centre: `points = 0`.
 * Pure: equal (options, rng) give equal fields. */
#include "ranges.h"
#include <fpcore/augment.h>
#include <string.h>

enum { N = FPC_FIELD_NODES, MOST_SIDE = 5, MOST = MOST_SIDE * MOST_SIDE, ROWS = MOST + 3 };

struct thin_plate_spline {
    fpc_self self;
    fpc_range shift;
    int64_t points;
    double p;
};

typedef struct plate {
    int n;
    double wide;        /* a point's distance counts in square pixels */
    double at[MOST][2]; /* control points, [-1,1] */
    double is[ROWS][2]; /* wanted shifts; solved: n weights of bends, then 1, x, y */
} plate;

/* U(r) = r^2 ln r^2 */
static double bend(const plate *t, const double a[2], const double b[2])
{
    const double x = (a[0] - b[0]) * t->wide, y = a[1] - b[1], d = x * x + y * y;
    return d > 0 ? d * log(d) : 0;
}

static void place_points(plate *t, int64_t side)
{
    static const double five[5][2] = {{-1, -1}, {1, -1}, {-1, 1}, {1, 1}, {0, 0}};
    t->n = side ? (int)(side * side) : 5;
    for (int i = 0; i < t->n; i++)
        for (int k = 0; k < 2; k++)
            t->at[i][k] = side ? 2.0 * (double)(k ? i / side : i % side) / (double)(side - 1) - 1 : five[i][k];
}

/* Bookstein's system: the plate meets each wanted shift, and its bends have no moment. */
static void fill(const plate *t, double (*a)[ROWS])
{
    const int n = t->n;
    memset(a, 0, sizeof(double[ROWS][ROWS]));
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++)
            a[i][j] = bend(t, t->at[i], t->at[j]);
        a[i][n] = a[n][i] = 1;
        for (int k = 0; k < 2; k++)
            a[i][n + 1 + k] = a[n + 1 + k][i] = t->at[i][k];
    }
}

/* Gauss with pivots, two right sides. 0: no solution. */
static int solve(double (*a)[ROWS], double (*x)[2], int n)
{
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int i = k + 1; i < n; i++)
            best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
        if (fabs(a[best][k]) < 1e-12)
            return 0;
        for (int j = 0; j < n + 2; j++) {
            double *p = j < n ? &a[k][j] : &x[k][j - n], *q = j < n ? &a[best][j] : &x[best][j - n];
            const double kept = *p;
            *p = *q;
            *q = kept;
        }
        for (int i = 0; i < n; i++) {
            const double f = i == k ? 0 : a[i][k] / a[k][k];
            for (int j = k; j < n && f != 0; j++)
                a[i][j] -= f * a[k][j];
            x[i][0] -= f * x[k][0];
            x[i][1] -= f * x[k][1];
        }
    }
    for (int k = 0; k < n; k++)
        for (int j = 0; j < 2; j++)
            x[k][j] /= a[k][k];
    return 1;
}

static void evaluate(const plate *t, fpc_field_draw *field)
{
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            const double p[2] = {2.0 * x / (N - 1) - 1, 2.0 * y / (N - 1) - 1};
            double s[2];
            for (int k = 0; k < 2; k++)
                s[k] = t->is[t->n][k] + t->is[t->n + 1][k] * p[0] + t->is[t->n + 2][k] * p[1];
            for (int i = 0; i < t->n; i++) {
                const double u = bend(t, p, t->at[i]);
                s[0] += t->is[i][0] * u;
                s[1] += t->is[i][1] * u;
            }
            field->shift[y][x][0] = (float)s[0];
            field->shift[y][x][1] = (float)s[1];
        }
}

static fpc_status init(fpc_self *self)
{
    const struct thin_plate_spline *o = (const struct thin_plate_spline *)self;
    return o->points != 1
               ? FPC_OK
               : fpc_fail(self->ctx, FPC_EINVAL,
                          "%s: %s.points = 1: a grid has 2 or more points along a side; 0 is corners and centre",
                          fpc_origin(self, "points"), self->label);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct thin_plate_spline *o = (const struct thin_plate_spline *)self;
    plate t = {.wide = (double)image->w / image->h};
    double a[ROWS][ROWS];
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    place_points(&t, o->points);
    for (int i = 0; i < t.n; i++)
        for (int k = 0; k < 2; k++)
            t.is[i][k] = draw_range(rng, (uint32_t)(1 + 2 * i + k), o->shift);
    fill(&t, a);
    if (!solve(a, t.is, t.n + 3))
        return fpc_fail(self->ctx, FPC_EINTERNAL, "%s: control points without a plate", self->label);
    evaluate(&t, out);
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct thin_plate_spline, shift, "0.1", -1, 1, "half sides",
                     "shift of each point along x and y, a share of half the width and height"),
    FPC_OPTION_INT(struct thin_plate_spline, points, "0", 0, MOST_SIDE, "points",
                   "control points along a side of the grid; 0: four corners and the centre"),
    FPC_OPTION_REAL(struct thin_plate_spline, p, "0.3", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_FIELD, .draw_size = sizeof(fpc_field_draw), .draw = draw};
static const fpc_plugin thin_plate_spline = {FPC_PLUGIN_HEAD,
                                             .kind = FPC_AUGMENT,
                                             .name = "thin_plate_spline",
                                             .summary = "Bend the picture like a thin plate through shifted points.",
                                             .version = "1.0",
                                             .license = "MIT",
                                             .options = options,
                                             .self_size = sizeof(struct thin_plate_spline),
                                             .init = init,
                                             .vtbl = &vtbl};
FPC_PLUGINS(&thin_plate_spline)
