/* elastic.c: elastic deformation (Simard et al., "Best practices for convolutional neural networks applied to visual
 * document analysis", 2003): each pixel is shifted by alpha pixels times uniform noise of -1 .. 1 that a Gaussian of
 * sigma pixels has smoothed, mirrored at the border. Stage: field.
 * Drawn at the nodes of the field instead of at each pixel: there the smoothed noise is Gaussian with the spread that
 * smoothing leaves, and with the same correlation, which is made by smoothing normal numbers between the nodes. A sigma
 * below the distance of the nodes (1/64 of a side) leaves the spread and widens the correlation to that distance.
 * Pure: equal (options, rng) give equal fields. */
#include "ranges.h"
#include <fpcore/augment.h>

enum { N = FPC_FIELD_NODES, REACH = 4 /* sigmas, as SciPy */, MOST_TAPS = 2 * N };

struct elastic {
    fpc_self self;
    fpc_range alpha, sigma;
    double p;
};

/* Weights of a Gaussian at whole distances 0 .. reach, whose sum over both sides is 1. */
static int gauss(double sigma, double *weight, int most)
{
    const int reach = (int)fmin(ceil(REACH * sigma), most);
    double sum = 0;
    for (int i = 0; i <= reach; i++) {
        weight[i] = sigma > 0 ? exp(-0.5 * i * i / (sigma * sigma)) : i == 0;
        sum += i ? 2 * weight[i] : weight[i];
    }
    for (int i = 0; i <= reach; i++)
        weight[i] /= sum;
    return reach;
}

/* Sum of the squares of those weights: what smoothing leaves of the noise's variance. */
static double power(const double *weight, int reach)
{
    double sum = 0;
    for (int i = 0; i <= reach; i++)
        sum += (i ? 2 : 1) * weight[i] * weight[i];
    return sum;
}

static int mirrored(int i)
{
    while (i < 0 || i >= N)
        i = i < 0 ? -1 - i : 2 * N - 1 - i;
    return i;
}

/* Along one axis: lines of N numbers `step` apart, each smoothed in place. */
static void smooth(double *v, int step, double sigma)
{
    double weight[MOST_TAPS + 1], line[N];
    const int reach = gauss(sigma, weight, MOST_TAPS), across = step == 1 ? N : 1;
    const double keep = sqrt(power(weight, reach));
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++)
            line[k] = v[i * across + k * step];
        for (int k = 0; k < N; k++) {
            double sum = weight[0] * line[k];
            for (int j = 1; j <= reach; j++)
                sum += weight[j] * (line[mirrored(k - j)] + line[mirrored(k + j)]);
            v[i * across + k * step] = sum / keep; /* normal again */
        }
    }
}

/* What a pixel's noise keeps of its spread along one axis. */
static double kept_of(double sigma)
{
    double sum = 1, squares = 1;
    for (int i = 1; i <= REACH * sigma + 0.5 && sigma > 0; i++) {
        const double g = exp(-0.5 * i * i / (sigma * sigma));
        sum += 2 * g;
        squares += 2 * g * g;
    }
    return sqrt(squares) / sum;
}

/* One component, in pixels. */
static void draw_shifts(fpc_rng rng, const fpc_image_info *image, double alpha, double sigma, double *v)
{
    const double spread = alpha * sqrt(1.0 / 3) * kept_of(sigma) * kept_of(sigma);
    for (int i = 0; i < N * N; i++)
        v[i] = spread * fpc_draw_normal(rng, (uint32_t)(16 + i));
    smooth(v, 1, sigma * (N - 1) / image->w);
    smooth(v, N, sigma * (N - 1) / image->h);
}

static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    const struct elastic *o = (const struct elastic *)self;
    fpc_field_draw *field = out;
    double v[N * N];
    if (!fpc_draw_chance(rng, 0, o->p))
        return FPC_OK;
    const double alpha = draw_range(rng, 1, o->alpha), sigma = draw_range(rng, 2, o->sigma);
    for (int axis = 0; axis < 2; axis++) {
        fpc_rng own = rng;
        own.stream = (rng.stream ^ (uint32_t)(axis + 1)) * 16777619u;
        draw_shifts(own, image, alpha, sigma, v);
        for (int i = 0; i < N * N; i++)
            field->shift[i / N][i % N][axis] = (float)(2 * v[i] / (axis ? image->h : image->w));
    }
    return FPC_OK;
}

static const fpc_option options[] = {
    FPC_OPTION_RANGE(struct elastic, alpha, "250, 250", 0, 1e5, "px",
                     "amplitude of the noise before it is smoothed; half of torchvision's alpha"),
    FPC_OPTION_RANGE(struct elastic, sigma, "10, 10", 0.01, 100, "px", "deviation of the smoothing Gaussian"),
    FPC_OPTION_REAL(struct elastic, p, "0.3", 0, 1, "prob", "chance per image"),
    {0}};
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_FIELD, .draw_size = sizeof(fpc_field_draw), .draw = draw};
static const fpc_plugin elastic = {FPC_PLUGIN_HEAD,    .kind = FPC_AUGMENT,
                                   .name = "elastic",  .summary = "Deform the picture like rubber, by smoothed noise.",
                                   .version = "1.0",   .license = "MIT",
                                   .options = options, .self_size = sizeof(struct elastic),
                                   .vtbl = &vtbl};
FPC_PLUGINS(&elastic)
