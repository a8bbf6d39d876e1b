/* identity.h: which recipe a run is of. */
#ifndef CORE_TRAIN_IDENTITY_H
#define CORE_TRAIN_IDENTITY_H

#include "experiment/experiment.h"

/* The resolved recipe as a run keeps it, beside classes.ini where n_classes is not 0, and the same without what may
 * differ when a run is resumed. */
fpc_status fpc_identity_of(const fpc_experiment *, fpc_arena *, const char **recipe, const char **identity,
                           int32_t *n_classes);
/* Whether the classes of a run, as its weights or its classes.ini hold them, are the experiment's. */
fpc_status fpc_identity_classes(const fpc_experiment *, fpc_arena *, const char *text, const char *origin);
/* Whether a run of that recipe (its identity, or all of it) is one of the experiment's: else one failure that names
 * every key whose value differs and may not. origin: where the run's recipe stands. */
fpc_status fpc_identity_agrees(const fpc_experiment *, fpc_arena *, const char *recipe, const char *origin);

#endif
