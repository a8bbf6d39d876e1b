/* drop_path.c: stochastic depth, made from what there is: a dropout of one number for each picture, spread over the
 * channels by a linear map of ones. */
#include "drop_path.h"

fpc_val fpc_drop_path(fpc_graph *g, fpc_arena *arena, const char *name, fpc_val x, float p)
{
    const fpc_shape s = fpc_shape_of(g, x);

    if (!fpc_training(g) || p <= 0)
        return x;
    const int32_t most = s.n > s.c ? s.n : s.c;
    double *ones = fpc_alloc(arena, sizeof *ones * (size_t)most);
    if (!ones)
        return fpc_graph_fail(g, FPC_ENOMEM, "no memory for the constants of %s", name);
    for (int32_t i = 0; i < most; i++)
        ones[i] = 1;
    const fpc_val keep = fpc_dropout(g, name, fpc_const(g, (fpc_shape){s.n, 1, 1, 1}, ones), p, 1);
    const fpc_val in[] = {keep, fpc_const(g, (fpc_shape){1, 1, s.c, 1}, ones)};
    return fpc_mul(g, x, fpc_op(g, "linear", name, 2, in, NULL, 0, NULL));
}

float fpc_drop_path_chance(double last, int64_t before, int64_t b, int64_t blocks)
{
    const double step = blocks > 1 ? last / (double)(blocks - 1) : 0;

    return (float)(step * (double)before) + (float)b * (float)step;
}
