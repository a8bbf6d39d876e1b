/* int8.h: a network whose products are of whole numbers of eight bits. What a file with QuantizeLinear and
 * DequantizeLinear computes is said here once: int8.c decides which tensors are quantised and holds the numbers,
 * int8_ranges.c finds the ranges of activations, int8_graph.c makes of it a graph that computes in fp32 exactly those
 * rounded numbers, onnx_int8.c writes the file. int8_export.c brings pictures through both networks and tells what the
 * rounding costs.
 *
 * Weights are int8, symmetric, with a scale for each output channel; activations uint8 with a zero point, one scale a
 * tensor; biases int32, in the scale of the sums that they are added to. A product is linear, conv2d or conv2d_grad_x
 * with a constant weight. What a Conv of the file gives is rounded as well, since runtimes compute one in whole numbers
 * only where its result is one, but for the last: logits stay real. So does all else: attention, softmax, norms, GELU,
 * sums, resizing, and the bias of a transposed convolution. */
#ifndef CORE_CMD_EXPORT_INT8_H
#define CORE_CMD_EXPORT_INT8_H

#include "cmd/export/export.h"
#include "cmd/line/line.h"
#include "experiment/predictor.h"

/* What an activation is rounded to: scale * (q - zero), q from 0 to 255. */
typedef struct fpc_int8_point {
    float scale;
    int32_t zero;
} fpc_int8_point;

typedef struct fpc_int8 {
    const fpc_graph *g;
    uint8_t *product, *conv;   /* by node: it is quantised; it is a Conv in the file */
    uint8_t *wanted;           /* by value: it is rounded where products read it */
    uint8_t *behind;           /* by value, wanted too: rounded where it is made, for all that read it */
    fpc_int8_point *point;     /* by value that is wanted, once ranges are known */
    float **weight;            /* by product: the scale of each channel */
    int32_t n_products, n_all; /* how many of all products */
} fpc_int8;

/* ---- int8.c ---- */

/* conv: by node, whether its form in the file is a Conv (fpc_onnx_convolutions). Points are not known yet. */
fpc_status fpc_int8_plan(fpc_ctx *, fpc_arena *, const fpc_graph *, uint8_t *conv, fpc_int8 **out);
/* The scales of weights; after the points are known, since biases are whole numbers of the two scales' product.
 * A weight that is not finite is refused by its name. */
fpc_status fpc_int8_weigh(fpc_ctx *, fpc_arena *, fpc_int8 *);
int32_t fpc_int8_channels(const fpc_graph *, const fpc_gnode *product);
/* The channel that number `at` of the product's weight has the scale of. */
int32_t fpc_int8_channel(const fpc_graph *, const fpc_gnode *product, int64_t at);
int32_t fpc_int8_whole(double weight, float scale);
/* Whether the product's bias is in whole numbers too; its scale and its number for output channel c. */
int fpc_int8_has_bias(const fpc_int8 *, const fpc_gnode *product);
float fpc_int8_bias_scale(const fpc_int8 *, const fpc_gnode *product, int32_t c);
int32_t fpc_int8_bias(const fpc_int8 *, const fpc_gnode *product, int32_t c);

/* ---- int8_graph.c ---- */

/* The graph again, for another experiment's ops and in its real type, with what q says rounded to what it says. q NULL:
 * as it is. wanted: by value, what is marked as an output too, called by its number ("12"); or NULL. */
fpc_status fpc_int8_graph(fpc_experiment *, fpc_arena *, const fpc_graph *, const fpc_int8 *q, const uint8_t *wanted,
                          fpc_graph **out);

/* ---- int8_ranges.c ---- */

typedef struct fpc_int8_ranges fpc_int8_ranges;
/* Of the program's outputs that fpc_int8_graph marked. */
fpc_status fpc_int8_ranges_new(fpc_ctx *, fpc_arena *, const fpc_int8 *, fpc_program *, fpc_int8_ranges **);
/* After each run of the program: first all pictures with pass 0, least and largest numbers, then all with pass 1, how
 * the numbers are spread. A number that is not finite is refused by the tensor's name. */
fpc_status fpc_int8_ranges_add(fpc_int8_ranges *, int pass);
/* The points: of a tensor's histogram the range whose rounding has the least mean square error. A tensor that is all
 * zeros gets the scale 1. */
void fpc_int8_ranges_points(const fpc_int8_ranges *, fpc_int8 *);

/* ---- int8_export.c ---- */

typedef struct fpc_int8_args {
    fpc_cmdline *cmd;
    const fpc_predictor_args *open; /* what the network is opened with */
    const char *pictures;           /* --calibrate: a folder or picture; NULL: training pictures of the data set */
    fpc_export_output output;       /* what the graph gives */
    int32_t h, w;
} fpc_int8_args;
/* g: of one picture. Says what it used and what the rounding costs; calibrated: how many pictures gave the ranges. */
fpc_status fpc_int8_calibrate(const fpc_int8_args *, const fpc_graph *g, uint8_t *conv, fpc_int8 **out,
                              int32_t *calibrated);

#endif
