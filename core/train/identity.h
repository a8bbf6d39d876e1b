/* identity.h: which recipe a run is of. */
#ifndef CORE_TRAIN_IDENTITY_H
#define CORE_TRAIN_IDENTITY_H

#include "experiment/experiment.h"

/* The resolved recipe, and the same without what may differ when a run is resumed. */
fpc_status fpc_identity_of(const fpc_experiment *, fpc_arena *, const char **recipe, const char **identity);
/* Whether a run of that recipe (its identity, or all of it) is one of the experiment's: else one failure that names
 * every key whose value differs and may not. origin: where the run's recipe stands. */
fpc_status fpc_identity_agrees(const fpc_experiment *, fpc_arena *, const char *recipe, const char *origin);

#endif
