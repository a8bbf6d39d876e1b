/* scan.h: one INI text to sections and keys with their lines, read twice: by a scan and by iniparser. */
#ifndef CORE_RECIPE_SCAN_H
#define CORE_RECIPE_SCAN_H

#include "recipe/recipe.h"

enum { FPC_RECIPE_BYTES = 1 << 20, FPC_RECIPE_LINE = 1000, FPC_RECIPE_VALUE = 900, FPC_RECIPE_KEYS = 4096 };

typedef struct fpc_scan {
    fpc_recipe recipe; /* what stands in this text alone */
    fpc_entry include; /* value NULL: none */
} fpc_scan;

fpc_status fpc_recipe_scan(fpc_ctx *, fpc_arena *, const char *name, const char *text, size_t bytes, fpc_scan *out);
/* Reads a whole file of at most FPC_RECIPE_BYTES. where: "a.ini:1: include = b.ini: " or "". */
fpc_status fpc_recipe_slurp(fpc_ctx *, fpc_arena *, const char *where, const char *path, char **text, size_t *bytes);

/* Appends; the arrays grow in the arena. NULL after FPC_ENOMEM. */
fpc_section *fpc_recipe_add_section(fpc_arena *, fpc_recipe *, const char *name, const char *origin);
fpc_entry *fpc_section_add_entry(fpc_arena *, fpc_section *, const char *key, const char *value, const char *origin);
/* NULL: a good name. Otherwise what is wrong with it. */
const char *fpc_recipe_bad_section(const char *name);
const char *fpc_recipe_bad_key(const char *key);

#endif
