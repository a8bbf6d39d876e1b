/* place.c: fpcore's own folders. configure has said where library, plugins and recipes are to lie; how these three lie
 * to each other stays true when the installed tree is moved, so the folders are looked for from where the library is
 * now, and only where nothing is there, at the places of configure. A build tree is known by its shape: the library in
 * .libs, the plugins beside it, and one folder up `recipes`, a link that the build makes; the folder of an installed
 * library has another name. */
#define _GNU_SOURCE
#include "base/place.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static pthread_once_t found = PTHREAD_ONCE_INIT;
static char plugins[PATH_MAX], recipes[PATH_MAX];

int fpc_place_moved(const char *here, const char *from, const char *to, char *out, int n)
{
    size_t common = 0;
    int at;

    for (size_t i = 0;; i++) {
        const int from_ends = !from[i] || from[i] == '/', to_ends = !to[i] || to[i] == '/';
        if (from_ends && to_ends)
            common = i;
        if (!from[i] || from[i] != to[i])
            break;
    }
    at = snprintf(out, (size_t)n, "%s", here);
    for (const char *p = from + common; *p && at < n; p++)
        if (*p == '/' && p[1] && p[1] != '/')
            at += snprintf(out + at, (size_t)(n - at), "/..");
    if (at < n)
        at += snprintf(out + at, (size_t)(n - at), "%s", to + common);
    return at < n ? 0 : -1;
}

static int is_folder(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The folder of the library, links followed; 0: the system does not tell. */
static int folder_of_library(char *here)
{
    Dl_info info;
    char *name;

    if (!dladdr(plugins, &info) || !info.dli_fname || !realpath(info.dli_fname, here))
        return 0;
    name = strrchr(here, '/');
    *name = '\0';
    return name != here;
}

/* out: the folder `to` of configure, where it is now. */
static void find(const char *here, const char *to, char *out)
{
    char path[PATH_MAX];

    if (fpc_place_moved(here, FPC_LIB_DIR, to, path, sizeof path) || !is_folder(path) || !realpath(path, out))
        snprintf(out, PATH_MAX, "%s", to);
}

static int find_in_build(const char *here, char *beside)
{
    const char *name = strrchr(here, '/');

    if (strcmp(name, "/.libs") != 0 || fpc_place_moved(here, "/.libs", "/recipes", beside, PATH_MAX) ||
        !is_folder(beside))
        return 0;
    snprintf(plugins, sizeof plugins, "%s", here);
    return realpath(beside, recipes) != NULL;
}

static void find_all(void)
{
    char here[PATH_MAX], beside[PATH_MAX];

    if (!folder_of_library(here)) {
        snprintf(plugins, sizeof plugins, "%s", FPC_PLUGIN_DIR);
        snprintf(recipes, sizeof recipes, "%s", FPC_DATA_DIR "/conf");
    } else if (!find_in_build(here, beside)) {
        find(here, FPC_PLUGIN_DIR, plugins);
        find(here, FPC_DATA_DIR "/conf", recipes);
    }
}

const char *fpc_place_plugins(void)
{
    pthread_once(&found, find_all);
    return plugins;
}

const char *fpc_place_recipes(void)
{
    pthread_once(&found, find_all);
    return recipes;
}
