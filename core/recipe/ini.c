/* ini.c: a plugin's own INI files, by the reader of recipes. */
#include "recipe/recipe.h"
#include <fpcore/ini.h>
#include <string.h>

fpc_status fpc_ini_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, const fpc_ini **out)
{
    fpc_ini *ini = fpc_alloc(arena, sizeof *ini);
    fpc_recipe *file;
    *out = NULL;
    if (!ini)
        return FPC_ENOMEM;
    const fpc_status status = fpc_recipe_read(ctx, arena, path, 0, NULL, &file);
    if (status)
        return status;
    *ini = (fpc_ini){sizeof *ini, file->n, file->section};
    *out = ini;
    return FPC_OK;
}

const fpc_section *fpc_ini_section(const fpc_ini *ini, const char *name)
{
    for (int32_t i = 0; i < ini->n; i++)
        if (!strcmp(ini->section[i].name, name))
            return &ini->section[i];
    return NULL;
}
