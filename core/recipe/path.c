/* path.c: where a path of a recipe leads. A recipe may lie anywhere and be started from anywhere, so a relative path
 * means what lies beside the file that states it, as `include` does; what -s states is relative to the shell's folder.
 * Two more folders are tried where nothing is there: that of another option (a list lies beside its data), and the
 * folder where fpcore was started, with a note, for recipes that rely on it. What plugins get is absolute, so that the
 * recipe that a run keeps means the same from everywhere. */
#define _GNU_SOURCE
#include "recipe/path.h"
#include "base/message.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of a file with its slash; "" for the current one. */
const char *fpc_folder_of(fpc_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? fpc_sprintf(arena, "%.*s", (int)(slash - path + 1), path) : "";
}

/* Of an origin "FILE:LINE"; NULL: the key comes from no file. */
static const char *folder_of_origin(fpc_arena *arena, const char *origin)
{
    return origin && strncmp(origin, "-s ", 3) ? fpc_folder_of(arena, origin) : NULL;
}

const char *fpc_path_absolute(fpc_arena *arena, const char *path)
{
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);

    while (path[0] == '.' && (path[1] == '/' || !path[1]))
        for (path++; *path == '/';)
            path++;
    const char *absolute =
        here ? fpc_sprintf(arena, "%s%s%s", strcmp(here, "/") ? here : "", *path ? "/" : "", path) : path;
    free(here);
    return absolute && !*absolute ? "/" : absolute;
}

static const char *joined(fpc_arena *arena, const char *folder, const char *path)
{
    const size_t n = strlen(folder);

    if (!strcmp(path, "."))
        return fpc_path_absolute(arena,
                                 fpc_sprintf(arena, "%.*s", (int)(n > 1 && folder[n - 1] == '/' ? n - 1 : n), folder));
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return fpc_path_absolute(arena, fpc_sprintf(arena, "%s%s%s", folder, n && folder[n - 1] != '/' ? "/" : "", path));
}

static int exists(const char *path)
{
    return !access(path, F_OK);
}

const char *fpc_path_of(fpc_ctx *ctx, fpc_arena *arena, const char *section, const fpc_entry *entry, const char *beside)
{
    const char *folder = folder_of_origin(arena, entry->origin), *path = entry->value;

    if (!*path || *path == '/')
        return path;
    const char *first = joined(arena, folder ? folder : "", path), *here = joined(arena, "", path);
    const char *second = beside && *beside ? joined(arena, beside, path) : first;
    if (!first || !here || !second)
        return NULL;
    if (exists(first) || (!exists(second) && !exists(here)))
        return first;
    if (exists(second))
        return second;
    fpc_log_once(
        ctx, FPC_LOG_INFO,
        "note: %s: %s.%s = %s: nothing is there beside the recipe (%s); it was found where fpcore was started: %s",
        entry->origin, section, entry->key, path, first, here);
    return here;
}

const char *fpc_looked(const fpc_self *self, const char *key, const char *beside)
{
    const fpc_entry *entry = fpc_section_entry(self->section, key);
    const char *folder = entry ? folder_of_origin(self->arena, entry->origin) : NULL, *list[3], *text;
    int n = 0;

    if (entry && *entry->value == '/')
        return fpc_folder_of(self->arena, entry->value);
    list[n++] = fpc_path_absolute(self->arena, folder ? folder : "");
    if (beside && *beside)
        list[n++] = fpc_path_absolute(self->arena, beside);
    list[n++] = fpc_path_absolute(self->arena, "");
    text = list[0];
    for (int i = 1; i < n && text && list[i]; i++) {
        int known = 0;
        for (int k = 0; k < i; k++)
            known |= !strcmp(list[i], list[k]);
        if (!known)
            text = fpc_sprintf(self->arena, "%s, then in %s", text, list[i]);
    }
    return text ? text : "";
}
