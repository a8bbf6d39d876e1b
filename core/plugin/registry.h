/* registry.h: finds, opens and checks plugins. Search order: --plugin-path, FPCORE_PLUGIN_PATH (colon separated),
 * $libdir/fpcore/<abi major>/ (base/place.h: it moves along with libfpcore.so) or, in its place, FPCORE_PLUGIN_DIR.
 * KIND/NAME is looked for as KIND_NAME.so, then NAME.so, then in the other .so files of those folders, so that a recipe
 * opens only what it names. RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE; nothing is cached on disk; failures carry dlerror's
 * text. */
#ifndef CORE_PLUGIN_REGISTRY_H
#define CORE_PLUGIN_REGISTRY_H

#include <fpcore/plugin.h>
#include "base/at_work.h"
#include "recipe/recipe.h"
#include "recipe/sections.h"

typedef struct fpc_registry fpc_registry;

typedef struct fpc_found {
    const fpc_plugin *plugin;
    const char *file, *who; /* who: "loss/gce (d/gce.so)", for FPC_CALL */
} fpc_found;

typedef struct fpc_instance {
    const fpc_plugin *plugin;
    fpc_self *self;
    const void *vtbl;
    const fpc_section *section; /* NULL: defaults */
    const char *who;            /* as in fpc_found */
} fpc_instance;

const char *fpc_kind_name(uint32_t kind); /* "loss"; NULL beyond the last */
uint32_t fpc_kind_of(const char *name);   /* 0: unknown */

fpc_status fpc_registry_new(fpc_ctx *, fpc_arena *, const char *plugin_path, fpc_registry **out);
fpc_ctx *fpc_registry_ctx(const fpc_registry *);
/* origin: "FILE:LINE" of the `use`, or NULL; a miss names the folders searched, the nearest name and what there is. */
fpc_status fpc_registry_find(fpc_registry *, uint32_t kind, const char *name, const char *origin,
                             const fpc_found **out);
/* The file where KIND/NAME would be found by its file's name, without opening it; NULL: there is none. */
const char *fpc_registry_path(fpc_registry *, uint32_t kind, const char *name);
/* Opens everything; sorted by kind and name. Files that are no plugins or fail to load are reported by fpc_log WARN. */
fpc_status fpc_registry_all(fpc_registry *, int32_t *n, const fpc_found **out);
/* Opens one file by path and checks every plugin in it (fpcore-conform). */
fpc_status fpc_registry_open_file(fpc_registry *, const char *file, int32_t *n, const fpc_found **out);

/* Makes an instance for a section with `use`: finds the plugin, allocates, reads its options together with the core's
 * own table for that kind (common, may have table NULL), calls init. fini runs when the arena is freed.
 * section NULL: `default_use` with default options under the label `name`. */
fpc_status fpc_instance_open(fpc_registry *, fpc_arena *, uint32_t kind, const char *name, const fpc_section *section,
                             const char *default_use, fpc_option_set common, fpc_instance *out);
/* Of a call of the plugin's `function`: the status; a failure without a sentence gets "build of loss/dice ([loss.x])
 * failed and gave no reason". */
fpc_status fpc_instance_says(const fpc_instance *, const char *function, fpc_status);
/* A fallible call of a plugin: FPC_ASK(&inst, "build", v->build(inst.self, g, &io)). */
#define FPC_ASK(inst, function, call) fpc_instance_says((inst), (function), FPC_CALL((inst)->who, (call)))
/* Ops and kernels that the opened plugins bring, in the order of opening. */
int32_t fpc_registry_opened(const fpc_registry *, const fpc_found **out);

#endif
