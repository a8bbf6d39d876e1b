/* drop_path.h: stochastic depth (Huang et al. 2016, arXiv:1603.09382), for models with residual blocks. */
#ifndef PLUGINS_MODEL_DROP_PATH_H
#define PLUGINS_MODEL_DROP_PATH_H

#include <fpcore/model.h>

/* x is what a block adds: while training it is 0 for a whole picture with chance p, else larger by 1/(1-p). name: of
 * the random stream, as fpc_dropout has it. arena: for constants while they are copied. */
fpc_val fpc_drop_path(fpc_graph *, fpc_arena *, const char *name, fpc_val x, float p);
/* The chance of block `before` + `b` of `blocks`, block b of the stage that `before` blocks come before: 0 in the
 * first, `last` in the last, in equal steps. Rounded as it always was, for trainings have to be repeatable to the bit:
 * a stage begins at its chance in double, and goes on in float. */
float fpc_drop_path_chance(double last, int64_t before, int64_t b, int64_t blocks);

#endif
