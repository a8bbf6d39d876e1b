/* list_recipes.c: `fpcore -l recipes`: what lies in the folder of the installed recipes, by name, with the first
 * comment of each. */
#define _GNU_SOURCE
#include "base/file.h"
#include "cmd/help.h"
#include "recipe/recipe.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 1024, DEEPEST = 4 };

/* The first line of the file without its comment sign; "" where it is none. */
static const char *first_comment(fpc_arena *arena, const char *path)
{
    FILE *file = fpc_open_plain(path);
    char line[LINE] = "";
    const char *text = line;

    if (file && !fgets(line, sizeof line, file))
        *line = '\0';
    if (file)
        fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    if (*text != ';' && *text != '#')
        return "";
    text += strspn(text, ";# ");
    return fpc_strdup(arena, text);
}

static int is_recipe(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && (entry->d_type == DT_DIR || (n > 4 && !strcmp(entry->d_name + n - 4, ".ini")));
}

/* The recipes of a folder of the recipes, then those of its folders. sub: "" or "recorded/". */
static fpc_status list(fpc_ctx *ctx, fpc_arena *arena, const char *root, const char *sub, int depth)
{
    const char *folder = fpc_sprintf(arena, "%s/%s", root, sub);
    struct dirent **entry = NULL;
    fpc_status status = FPC_OK;
    const int n = folder ? scandir(folder, &entry, is_recipe, alphasort) : 0;

    if (!folder)
        return FPC_ENOMEM;
    if (n < 0)
        return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO,
                        "%s: the folder of the installed recipes cannot be read: %s", folder, strerror(errno));
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n && !status; i++) {
            const char *name = fpc_sprintf(arena, "%s%s", sub, entry[i]->d_name);
            if ((entry[i]->d_type == DT_DIR) != pass || !name)
                continue;
            if (pass && depth < DEEPEST)
                status = list(ctx, arena, root, fpc_sprintf(arena, "%s/", name), depth + 1);
            else if (!pass)
                fpc_print("  %-28s  %s\n", name, first_comment(arena, fpc_sprintf(arena, "%s/%s", root, name)));
        }
    for (int i = 0; i < n; i++)
        free(entry[i]);
    free(entry);
    return status;
}

fpc_status fpc_list_recipes(fpc_ctx *ctx, fpc_arena *arena)
{
    fpc_print("recipes in %s:\n", fpc_recipes_folder());
    return list(ctx, arena, fpc_recipes_folder(), "", 0);
}
