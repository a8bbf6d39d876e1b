/* init.h: the state that a training starts with. */
#ifndef CORE_TRAIN_INIT_H
#define CORE_TRAIN_INIT_H

#include "experiment/experiment.h"
#include "weights/weights.h"

/* Fresh weights, or those of run.init_from with what comes along; first_step: optimizer steps that were done there;
 * taken: which tensors, file NULL: none. */
fpc_status fpc_run_init(fpc_experiment *, int64_t *first_step, fpc_taken *taken);

#endif
