/* option.h (core): option tables at work: parse a section into a struct, print a struct as a section, spelling help. */
#ifndef CORE_RECIPE_OPTIONS_H
#define CORE_RECIPE_OPTIONS_H

#include <fpcore/option.h>
#include "recipe/recipe.h"

/* The recipe in weights holds no paths. */
typedef struct fpc_bare {
    int wanted; /* 0: paths are for nothing that is done, and required ones may be missing; 1: a refusal of what is
                 * missing says how to give it; a file of classes may be missing in any case */
    const char *lost; /* "dataset.root dataset.val_list": keys that the training had; or NULL */
} fpc_bare;

/* One table and the object it fills. A section is read by several: the plugin's own and the core's for that kind
 * (loss: weight; schedule: warmup_epochs ...). */
typedef struct fpc_option_set {
    const fpc_option *table; /* may be NULL */
    uint32_t stride;         /* sizeof(fpc_option) as the table's compiler saw it */
    void *object;
    const fpc_bare *bare; /* of a recipe that weights hold; NULL: a recipe as any other */
    const char *recipe;   /* the file that a missing key would be written into; NULL: where the section is */
} fpc_option_set;

/* Fills the objects from defaults, then from the section (NULL: defaults only). Any key that no table knows, except
 * `use`, fails with "FILE:LINE: section.key = value: unknown key; did you mean `...`?". So do bad values, values out of
 * range, missing required ones. name: of the section, for messages when section is NULL. Texts live in the arena. */
fpc_status fpc_options_read(fpc_ctx *, fpc_arena *, const char *name, const fpc_section *section, int32_t n_sets,
                            const fpc_option_set *sets);

/* Where a key that is missing in a section belongs, for messages: "mine.ini:7: [dataset]", or, where the section stands
 * in a file that the recipe includes alone, "mine.ini: [dataset] (base.ini:12)". section NULL: it is nowhere. */
const char *fpc_section_place(fpc_arena *, const char *recipe, const char *name, const fpc_section *section);

/* The value of one option of an object as text, as the recipe would state it. */
const char *fpc_option_text(fpc_arena *, const fpc_option *, const void *object);
/* "0 .. 180 deg", "on | off", "one of a, b, c": for help and messages. */
const char *fpc_option_range_text(fpc_arena *, const fpc_option *);
/* Whether the text is one of the option's choices. */
int fpc_option_is_choice(const fpc_option *, const char *text);
const char *fpc_option_type_text(const fpc_option *);

#endif
