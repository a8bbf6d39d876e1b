/* path.h: where a path of a recipe leads. */
#ifndef CORE_RECIPE_PATH_H
#define CORE_RECIPE_PATH_H

#include <fpcore/ini.h>

/* The path that an entry of [section] means: absolute; of a relative one the first of these that exists: beside the
 * file that states it (the shell's folder for -s), in the folder `beside` (may be NULL), in the shell's folder with a
 * note. Where none exists: the first. NULL: no memory. */
const char *fpc_path_of(fpc_ctx *, fpc_arena *, const char *section, const fpc_entry *, const char *beside);
/* The same file by a path that means it from every folder; NULL: no memory. */
const char *fpc_path_absolute(fpc_arena *, const char *path);
/* The folder of a file with its slash; "" for the current one. */
const char *fpc_folder_of(fpc_arena *, const char *path);

#endif
