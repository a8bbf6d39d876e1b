/* sections.h: the keys that the core itself reads, as tables like those of the plugins: the sections [run] and
 * [augment], and beside the plugin's own keys those of every section of a kind. */
#ifndef CORE_EXPERIMENT_SECTIONS_H
#define CORE_EXPERIMENT_SECTIONS_H

#include "recipe/options.h"

typedef struct fpc_loss_common {
    fpc_curve weight; /* 1 */
} fpc_loss_common;
typedef struct fpc_schedule_common {
    int64_t warmup_epochs; /* 0 */
    double warmup_start;   /* 0.1: factor in the first epoch of the warm-up */
    int64_t begin;         /* 0: epochs of the schedule that are over when training starts */
    int64_t epochs;        /* 0: begin + run.epochs */
} fpc_schedule_common;
typedef struct fpc_optimizer_common {
    fpc_curve lr; /* 1e-3 */
    double sam;   /* 0: off */
} fpc_optimizer_common;
typedef struct fpc_model_common {
    int64_t max_params; /* 0: no limit */
} fpc_model_common;
typedef struct fpc_augment_common {
    int64_t fill;    /* 0 background, 1 ignore */
    int64_t border;  /* an fpc_border */
    int64_t compose; /* on */
    int64_t mix;     /* 0 one_of, 1 all */
} fpc_augment_common;

/* Each ends with {0}. run fills fpc_run_options (experiment/experiment.h), dataset fpc_data_options (data/data.h). */
extern const fpc_option fpc_core_run[], fpc_core_augment[], fpc_core_dataset[], fpc_core_model[], fpc_core_loss[],
    fpc_core_optimizer[], fpc_core_schedule[];

/* What the core reads in every section of a kind; NULL: nothing. */
const fpc_option *fpc_core_options(uint32_t kind);
/* The same by a section's name: "run", "augment", "dataset", "loss.dice"; NULL: nothing. */
const fpc_option *fpc_core_section(const char *section);
/* One sentence about what a core section is for ("run", "dataset" ...); NULL: no such section. */
const char *fpc_core_section_help(const char *section);
/* A set for fpc_options_read or fpc_instance_open. */
static inline fpc_option_set fpc_core_set(const fpc_option *table, void *object)
{
    return (fpc_option_set){table, sizeof(fpc_option), object};
}

#endif
