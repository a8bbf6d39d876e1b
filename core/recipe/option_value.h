/* option_value.h: the text of one option to its value and back, by type. */
#ifndef CORE_RECIPE_OPTION_VALUE_H
#define CORE_RECIPE_OPTION_VALUE_H

#include "recipe/options.h"

/* Large enough for every type; which member counts follows from the option's type. */
typedef union fpc_opt_value {
    int64_t i; /* BOOL INT CHOICE FLAGS */
    double r;
    const char *s; /* TEXT PATH */
    fpc_ints ints;
    fpc_reals reals;
    fpc_range range;
    fpc_curve curve;
    fpc_extent extent;
} fpc_opt_value;

/* NULL: parsed and within its range. Otherwise what is wrong and what would be right: "is no number; give 0 .. 1". */
const char *fpc_opt_parse(fpc_arena *, const fpc_option *, const char *text, fpc_opt_value *out);
void fpc_opt_store(const fpc_option *, const fpc_opt_value *, void *object);
/* Bytes that a value of the type takes in the object; 0: no such type. */
uint32_t fpc_opt_size(uint32_t type);
/* The i-th row of a set by its stride; name NULL ends the table. */
fpc_option fpc_opt_row(const fpc_option_set *, int32_t i);

#endif
