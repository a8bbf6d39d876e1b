/* recipe.h: text to ordered sections, each key with the place it came from. iniparser reads the INI; a scan of the same
 * file gives line numbers, finds duplicates and includes. Order of precedence: included file < including file < -s. */
#ifndef CORE_RECIPE_RECIPE_H
#define CORE_RECIPE_RECIPE_H

#include <fpcore/ini.h>

typedef struct fpc_recipe {
    const char *path;
    int32_t n;
    fpc_section *section; /* in the order of first appearance, included files first */
} fpc_recipe;

/* Reads PATH, what it includes (`include = a.ini, b.ini` before the first section; paths relative to the including
 * file, else to the installed recipes; a cycle is an error), then the overrides "section.key=value". Duplicate keys or
 * sections within one file are errors. `use` of a section given again replaces the plugin and drops the keys that the
 * former plugin had. A section is removed by `use = none`. */
/* A relative PATH that is not there is looked for among the installed recipes, with or without `conf/` before it. */
fpc_status fpc_recipe_read(fpc_ctx *, fpc_arena *, const char *path, int32_t n_overrides, const char *const *overrides,
                           fpc_recipe **out);
/* From memory (tests, resumed runs); `name` stands for the file in messages. */
fpc_status fpc_recipe_parse(fpc_ctx *, fpc_arena *, const char *name, const char *text, int32_t n_overrides,
                            const char *const *overrides, fpc_recipe **out);

/* The folder of the installed recipes (base/place.h); the environment's FPCORE_RECIPES names another. */
const char *fpc_recipes_folder(void);

const fpc_section *fpc_recipe_section(const fpc_recipe *, const char *name); /* NULL: absent */
/* The key "section.key" before the = of an override (all of a text without one) as it is read: without blanks around
 * it, in small letters. NULL without memory. */
char *fpc_recipe_key(fpc_arena *, const char *text);
/* The value as a recipe's line states it: quoted where it has to be to read back as it is. */
const char *fpc_recipe_quote(fpc_arena *, const char *value);
/* Why no line `key = value` can state it (iniparser knows no escapes); NULL: one can. */
const char *fpc_recipe_bad_value(const char *value);

#endif
