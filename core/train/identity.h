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

/* Many recipes against many: which of them may agree, without comparing each with each. */
typedef struct fpc_identity_line {
    const char *section, *key, *value;
} fpc_identity_line;
/* The lines of a run's recipe, sorted by section and key. NULL: no memory. */
const fpc_identity_line *fpc_identity_lines(fpc_arena *, const char *recipe, int32_t *n);
/* A digest of what the settings are of, all but their values: equal where fpc_identity_digest can be compared. */
uint64_t fpc_identity_tables(const fpc_resolved *, int32_t n);
/* A digest of the values that these settings have in a run's recipe (lines), or by themselves (lines NULL). Where
 * fpc_identity_agrees finds nothing, both are equal; not the other way round, as keys that only the run has are left
 * out, and all of the backend. 0: the run agrees with none of these tables. */
fpc_status fpc_identity_digest(fpc_arena *, const fpc_resolved *, int32_t n, const fpc_identity_line *lines,
                               int32_t n_lines, uint64_t *out);

#endif
