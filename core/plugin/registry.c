/* registry.c: finds, opens and checks plugins. A recipe opens only what it names, in a search order that a person can
 * predict; a file that cannot be used is reported with its path and reason, never skipped in silence. Nothing is closed
 * again and nothing is cached on disk. Thread: [main]. */
#define _GNU_SOURCE
#include "plugin/registry.h"
#include "base/message.h"
#include "base/place.h"
#include "plugin/check.h"
#include "base/spelling.h"

#include <dirent.h>
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FOLDERS = 64, MAX_NAMES = 256 };

/* One .so, opened at most once. bad: why it cannot be used. */
typedef struct plugin_file {
    const char *path;
    dev_t dev;
    ino_t ino;
    const char *bad;
    fpc_status status;
    int32_t n, listed; /* listed: its plugins are in `opened` */
    fpc_found *found;
} plugin_file;

struct fpc_registry {
    fpc_ctx *ctx;
    fpc_arena *arena;
    int32_t n_folders, n_files, n_opened;
    const char *folder[MAX_FOLDERS];
    struct {
        dev_t dev;
        ino_t ino;
    } folder_id[MAX_FOLDERS];
    int32_t scanned; /* every file of the folders has been opened */
    plugin_file **file;
    fpc_found *opened;
};

/* ---- folders ---- */

static void add_folder(fpc_registry *reg, const char *path, size_t length)
{
    struct stat st = {0};
    char *name;

    if (length == 0 || reg->n_folders == MAX_FOLDERS)
        return;
    name = fpc_sprintf(reg->arena, "%.*s", (int)length, path);
    if (!name)
        return;
    for (char *end = name + strlen(name); end > name + 1 && end[-1] == '/';)
        *--end = 0;
    if (stat(name, &st) == 0)
        for (int32_t i = 0; i < reg->n_folders; i++)
            if (reg->folder_id[i].dev == st.st_dev && reg->folder_id[i].ino == st.st_ino)
                return;
    reg->folder_id[reg->n_folders].dev = st.st_dev;
    reg->folder_id[reg->n_folders].ino = st.st_ino;
    reg->folder[reg->n_folders++] = name;
}

static void add_folders(fpc_registry *reg, const char *list)
{
    for (; list && *list; list += strcspn(list, ":"), list += *list == ':')
        add_folder(reg, list, strcspn(list, ":"));
}

fpc_status fpc_registry_new(fpc_ctx *ctx, fpc_arena *arena, const char *plugin_path, fpc_registry **out)
{
    const char *own = getenv("FPCORE_PLUGIN_DIR");
    fpc_registry *reg = fpc_alloc(arena, sizeof *reg);

    *out = reg;
    if (!reg)
        return FPC_ENOMEM;
    reg->ctx = ctx;
    reg->arena = arena;
    add_folders(reg, plugin_path);
    add_folders(reg, getenv("FPCORE_PLUGIN_PATH"));
    add_folders(reg, own && *own ? own : fpc_place_plugins());
    return FPC_OK;
}

fpc_ctx *fpc_registry_ctx(const fpc_registry *reg)
{
    return reg->ctx;
}

static const char *folders_text(fpc_registry *reg)
{
    const char *text = "";

    for (int32_t i = 0; text && i < reg->n_folders; i++)
        text = fpc_sprintf(reg->arena, "%s%s%s", text, i ? ", " : "", reg->folder[i]);
    return text && *text ? text : "no folder";
}

/* ---- one file ---- */

typedef const fpc_plugin *const *list_function(void);

/* By the library's table of symbols; an address that is in none is no function that one may call. */
static int is_function(const void *at)
{
    const ElfW(Sym) *symbol = NULL;
    Dl_info info;

    return dladdr1(at, &info, (void **)&symbol, RTLD_DL_SYMENT) && symbol &&
           (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC || ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC);
}

/* The plugin list of an open library, or NULL with what it is instead. */
static list_function *list_of(fpc_registry *reg, void *handle, plugin_file *f)
{
    list_function *list;
    char name[32];

    *(void **)&list = dlsym(handle, "fpc_plugins_v1");
    f->status = FPC_EFORMAT;
    if (list && !is_function(*(void **)&list)) {
        f->bad = "has data called fpc_plugins_v1, and no function; the source of a plugin ends with FPC_PLUGINS(...)";
        return NULL;
    }
    if (list)
        return list;
    f->status = FPC_EABI;
    for (int v = 0; v <= 16; v++) {
        snprintf(name, sizeof name, "fpc_plugins_v%d", v);
        if (dlsym(handle, name)) {
            f->bad = fpc_sprintf(reg->arena,
                                 "is a plugin for ABI %d, this fpcore has ABI %d; rebuild it against the "
                                 "installed headers",
                                 v, FPC_ABI_MAJOR);
            return NULL;
        }
    }
    f->status = FPC_EFORMAT;
    f->bad = "is a shared library, but no plugin: it has no symbol fpc_plugins_v1 (the source of a plugin ends with "
             "FPC_PLUGINS(...))";
    return NULL;
}

static void adopt(fpc_registry *reg, plugin_file *f, const fpc_plugin *const *list)
{
    int32_t n = 0;

    while (list && list[n] && n < MAX_NAMES)
        n++;
    f->status = FPC_EFORMAT;
    if (n == 0)
        f->bad = "has an empty list of plugins";
    f->found = fpc_alloc(reg->arena, (size_t)n * sizeof *f->found);
    for (int32_t i = 0; i < n && !f->bad && f->found; i++) {
        const fpc_plugin *plugin;
        const char *who = NULL;

        f->bad = fpc_plugin_take(reg->arena, list[i], &f->status, &plugin);
        for (int32_t j = 0; j < i && !f->bad; j++)
            if (f->found[j].plugin->kind == plugin->kind && strcmp(f->found[j].plugin->name, plugin->name) == 0)
                f->bad = fpc_sprintf(reg->arena, "has %s/%s twice", fpc_kind_name(plugin->kind), plugin->name);
        if (!f->bad &&
            !(who = fpc_sprintf(reg->arena, "%s/%s (%s)", fpc_kind_name(plugin->kind), plugin->name, f->path)))
            f->bad = "needs memory that is not there";
        f->found[i] = (fpc_found){plugin, f->path, who};
    }
    f->n = f->bad || !f->found ? 0 : n;
}

static void load(fpc_registry *reg, plugin_file *f)
{
    void *handle;
    list_function *list;

    f->status = FPC_EFORMAT;
    f->bad = fpc_library_bad(reg->arena, f->path);
    if (f->bad)
        return;
    dlerror();
    handle = FPC_CALL(f->path, dlopen(f->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)); /* constructors run */
    if (!handle) {
        const char *why = dlerror();

        f->bad = fpc_sprintf(reg->arena, "does not load: %s", why ? why : "no reason given");
        return;
    }
    list = list_of(reg, handle, f);
    if (list)
        adopt(reg, f, FPC_CALL(f->path, list()));
    if (!f->bad)
        f->status = FPC_OK;
}

/* Opens a file, or remembers it. NULL: there is no such file, or no memory. */
static plugin_file *open_file(fpc_registry *reg, const char *path)
{
    struct stat st;
    plugin_file *f;

    if (!path || stat(path, &st) != 0)
        return NULL;
    for (int32_t i = 0; i < reg->n_files; i++)
        if (reg->file[i]->dev == st.st_dev && reg->file[i]->ino == st.st_ino)
            return reg->file[i];
    if ((reg->n_files & (reg->n_files - 1)) == 0) {
        plugin_file **bigger = fpc_alloc(reg->arena, (reg->n_files ? 2 * (size_t)reg->n_files : 1) * sizeof(*bigger));

        if (!bigger)
            return NULL;
        if (reg->n_files)
            memcpy(bigger, reg->file, (size_t)reg->n_files * sizeof(*bigger));
        reg->file = bigger;
    }
    f = fpc_alloc(reg->arena, sizeof *f);
    if (!f)
        return NULL;
    f->path = fpc_strdup(reg->arena, path);
    f->dev = st.st_dev;
    f->ino = st.st_ino;
    if (!f->path)
        return NULL;
    load(reg, f);
    return reg->file[reg->n_files++] = f;
}

/* Not the libraries beside the plugins of a build tree. */
static int is_so(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);

    return n > 3 && strcmp(entry->d_name + n - 3, ".so") == 0 && entry->d_name[0] != '.' &&
           strncmp(entry->d_name, "libfpcore", 9) != 0 && strncmp(entry->d_name, "libfpseg", 8) != 0;
}

/* Opens the .so files of all folders, by name within a folder. */
static void open_all(fpc_registry *reg)
{
    if (reg->scanned)
        return;
    reg->scanned = 1;
    for (int32_t i = 0; i < reg->n_folders; i++) {
        struct dirent **entry;
        const int n = scandir(reg->folder[i], &entry, is_so, alphasort);

        for (int k = 0; k < n; k++) {
            open_file(reg, fpc_sprintf(reg->arena, "%s/%s", reg->folder[i], entry[k]->d_name));
            free(entry[k]);
        }
        if (n >= 0)
            free(entry);
    }
}

/* ---- lookup ---- */

static const fpc_found *find_in(const plugin_file *f, uint32_t kind, const char *name)
{
    for (int32_t i = 0; f && i < f->n; i++)
        if (f->found[i].plugin->kind == kind && strcmp(f->found[i].plugin->name, name) == 0)
            return &f->found[i];
    return NULL;
}

/* From now on the file's plugins count as opened: their ops and kernels join. */
static fpc_status list_file(fpc_registry *reg, const plugin_file *file)
{
    plugin_file *f = (plugin_file *)file;
    fpc_found *bigger;

    if (f->listed)
        return FPC_OK;
    bigger = fpc_alloc(reg->arena, (size_t)(reg->n_opened + f->n) * sizeof *bigger);
    if (!bigger)
        return FPC_ENOMEM;
    if (reg->n_opened)
        memcpy(bigger, reg->opened, (size_t)reg->n_opened * sizeof *bigger);
    memcpy(bigger + reg->n_opened, f->found, (size_t)f->n * sizeof *bigger);
    reg->opened = bigger;
    reg->n_opened += f->n;
    f->listed = 1;
    return FPC_OK;
}

int32_t fpc_registry_opened(const fpc_registry *reg, const fpc_found **out)
{
    *out = reg->opened;
    return reg->n_opened;
}

static fpc_status missing(fpc_registry *reg, uint32_t kind, const char *name, const char *origin)
{
    const char *names[MAX_NAMES], *near, *list = "", *bad = "";
    int32_t n = 0;

    for (int32_t i = 0; i < reg->n_files; i++) {
        const plugin_file *f = reg->file[i];

        if (f->bad)
            bad = fpc_sprintf(reg->arena, "%s; %s %s", bad, f->path, f->bad);
        for (int32_t k = 0; k < f->n; k++) {
            int32_t known = n;

            if (f->found[k].plugin->kind != kind && !strcmp(f->found[k].plugin->name, name))
                bad = fpc_sprintf(reg->arena, "%s; %s holds %s/%s: what its .kind says", bad, f->path,
                                  fpc_kind_name(f->found[k].plugin->kind), name);

            if (f->found[k].plugin->kind == kind)
                for (known = 0; known < n && strcmp(names[known], f->found[k].plugin->name) != 0;)
                    known++;
            if (f->found[k].plugin->kind != kind || known < n || n == MAX_NAMES)
                continue;
            names[n++] = f->found[k].plugin->name;
            list = fpc_sprintf(reg->arena, "%s%s%s", list, n > 1 ? ", " : "", names[n - 1]);
        }
        if (!list || !bad)
            return FPC_ENOMEM;
    }
    near = fpc_nearest(name, n, names);
    return fpc_fail_recipe(reg->ctx, FPC_ENOENT,
                           "%s%sthere is no plugin %s/%s%s%s%s Plugins of kind %s: %s. Searched: "
                           "%s%s",
                           origin ? origin : "", origin ? ": " : "", fpc_kind_name(kind), name,
                           near ? "; did you mean `" : ".", near ? near : "", near ? "`?" : "", fpc_kind_name(kind),
                           n ? list : "none", folders_text(reg), bad);
}

/* KIND_NAME.so, then NAME.so. */
static const char *file_of(fpc_registry *reg, const char *folder, int second, uint32_t kind, const char *name)
{
    return second ? fpc_sprintf(reg->arena, "%s/%s.so", folder, name)
                  : fpc_sprintf(reg->arena, "%s/%s_%s.so", folder, fpc_kind_name(kind), name);
}

fpc_status fpc_registry_find(fpc_registry *reg, uint32_t kind, const char *name, const char *origin,
                             const fpc_found **out)
{
    const char *prefix = origin ? origin : "";
    const char *colon = origin ? ": " : "";
    const fpc_found *found = NULL;

    *out = NULL;
    if (!fpc_kind_name(kind))
        return fpc_fail_recipe(reg->ctx, FPC_EINVAL, "%s%s%u is no kind of plugin", prefix, colon, kind);
    if (!fpc_plugin_name_ok(name))
        return fpc_fail_recipe(reg->ctx, FPC_EINVAL,
                               "%s%suse = %s: a plugin's name is made of lower case letters, digits "
                               "and _",
                               prefix, colon, name);
    for (int p = 0; p < 2 && !found; p++)
        for (int32_t i = 0; i < reg->n_folders && !found; i++) {
            const plugin_file *f = open_file(reg, file_of(reg, reg->folder[i], p, kind, name));

            if (f && f->bad)
                return fpc_fail_recipe(reg->ctx, f->status, "%s%s%s %s", prefix, colon, f->path, f->bad);
            found = find_in(f, kind, name);
            if (found && list_file(reg, f))
                return FPC_ENOMEM;
        }
    if (!found)
        open_all(reg);
    for (int32_t i = 0; i < reg->n_files && !found; i++) {
        found = find_in(reg->file[i], kind, name);
        if (found && list_file(reg, reg->file[i]))
            return FPC_ENOMEM;
    }
    *out = found;
    return found ? FPC_OK : missing(reg, kind, name, origin);
}

const char *fpc_registry_path(fpc_registry *reg, uint32_t kind, const char *name)
{
    struct stat st;

    for (int32_t i = 0; i < reg->n_folders; i++)
        for (int p = 0; p < 2; p++) {
            const char *path = file_of(reg, reg->folder[i], p, kind, name);

            if (path && stat(path, &st) == 0)
                return path;
        }
    return NULL;
}

static int by_kind_and_name(const void *a, const void *b)
{
    const fpc_plugin *p = ((const fpc_found *)a)->plugin, *q = ((const fpc_found *)b)->plugin;

    return p->kind != q->kind ? (p->kind < q->kind ? -1 : 1) : strcmp(p->name, q->name);
}

fpc_status fpc_registry_all(fpc_registry *reg, int32_t *n, const fpc_found **out)
{
    fpc_found *all;
    int32_t total = 0, count = 0;

    open_all(reg);
    for (int32_t i = 0; i < reg->n_files; i++)
        total += reg->file[i]->n;
    all = fpc_alloc(reg->arena, (size_t)total * sizeof *all);
    if (!all)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < reg->n_files; i++) {
        const plugin_file *f = reg->file[i];

        if (f->bad)
            fpc_log(reg->ctx, FPC_LOG_WARN, "%s %s", f->path, f->bad);
        for (int32_t k = 0; k < f->n; k++) {
            int32_t earlier = 0; /* the same name in an earlier folder hides this one */

            while (earlier < count && by_kind_and_name(&all[earlier], &f->found[k]) != 0)
                earlier++;
            if (earlier == count)
                all[count++] = f->found[k];
        }
    }
    qsort(all, (size_t)count, sizeof *all, by_kind_and_name);
    *n = count;
    *out = all;
    return FPC_OK;
}

fpc_status fpc_registry_open_file(fpc_registry *reg, const char *file, int32_t *n, const fpc_found **out)
{
    /* dlopen searches the system's folders for a name without a slash */
    const char *path = strchr(file, '/') ? file : fpc_sprintf(reg->arena, "./%s", file);
    const plugin_file *f = open_file(reg, path);

    *n = 0;
    *out = NULL;
    if (!f)
        return fpc_fail_recipe(reg->ctx, FPC_ENOENT, "%s: there is no such file", file);
    if (f->bad)
        return fpc_fail_recipe(reg->ctx, f->status, "%s %s", f->path, f->bad);
    *n = f->n;
    *out = f->found;
    return list_file(reg, f);
}
