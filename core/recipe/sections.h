/* sections.h: the sections of a recipe, one table of all that is known about them. Who reads a section, how often it
 * may stand in a recipe, which plugin it has where the recipe says nothing, what the core itself reads in it: no other
 * place of the code knows. */
#ifndef CORE_RECIPE_SECTIONS_H
#define CORE_RECIPE_SECTIONS_H

#include "recipe/data_options.h"
#include "recipe/run_options.h"
#include "recipe/training_options.h"

typedef struct fpc_section_row {
    const char *name;          /* "loss" */
    uint32_t kind;             /* of the plugin that `use` names, an fpc_kind; 0: the core alone reads the section */
    int labelled;              /* 1: any number of [loss.LABEL]; 0: one [model] */
    int later;                 /* 1: a kind of plugin that no recipe can name yet */
    const char *use;           /* the plugin where the recipe names none; NULL: it has to */
    const fpc_option *options; /* what the core reads there; ends with {0}; NULL: nothing */
    const char *help;          /* one sentence; NULL: it stands in another row of that name */
} fpc_section_row;

/* In the order in which people write them. Ends with name NULL. */
extern const fpc_section_row fpc_section_rows[];

/* The row of a section as a recipe has it: "run", "augment", "augment.flip", "loss.dice"; NULL: no such section. */
const fpc_section_row *fpc_section_row_of(const char *section);
/* The row of a kind of plugins; NULL: no such kind. */
const fpc_section_row *fpc_section_row_of_kind(uint32_t kind);
/* "dice" of "loss.dice"; "" of a section without a label. */
const char *fpc_section_label(const char *section);
/* The kind that a recipe's section belongs to: "loss.dice" -> FPC_LOSS, "model" -> FPC_MODEL; 0: none ("run"). */
uint32_t fpc_section_kind(const char *section);

/* What the core reads in every section of a kind; NULL: nothing. */
const fpc_option *fpc_core_options(uint32_t kind);
/* The same by a section's name: "run", "augment", "dataset", "loss.dice"; NULL: nothing. */
const fpc_option *fpc_core_section(const char *section);
/* One sentence about what a core section is for ("run", "dataset" ...); NULL: no such section. */
const char *fpc_core_section_help(const char *section);
/* A set for fpc_options_read or fpc_instance_open. */
static inline fpc_option_set fpc_core_set(const fpc_option *table, void *object)
{
    return (fpc_option_set){.table = table, .stride = sizeof(fpc_option), .object = object};
}

#endif
