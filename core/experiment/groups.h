/* groups.h: what [optimizer] freeze, no_decay and lr_scale come to: the factors of each parameter. */
#ifndef CORE_EXPERIMENT_GROUPS_H
#define CORE_EXPERIMENT_GROUPS_H

#include "graph/nodes.h"

struct fpc_experiment;

typedef struct fpc_grouped_param {
    const char *name;
    int64_t count;
    int32_t group;      /* 0: both factors are 1; those with equal factors are of one group */
    double rate, decay; /* what the learning rate and the weight decay are multiplied by; frozen: 0 */
} fpc_grouped_param;

typedef struct fpc_groups {
    int32_t n, n_groups;      /* parameters; groups without 0, so that 0 means all factors are 1 */
    fpc_grouped_param *param; /* in the order in which the model declares them */
} fpc_groups;

/* graph: of the model. Each pattern of the recipe has to match a parameter, and some have to be left to train. */
fpc_status fpc_groups_of(const struct fpc_experiment *, fpc_arena *, const fpc_graph *, fpc_groups *out);

#endif
