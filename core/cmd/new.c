/* new.c: `fpcore new KIND NAME` writes NAME.c, a plugin that works as it stands, and says how to compile, check and
 * use it. The text comes from core/templates/KIND.c.in; nothing that exists is overwritten. */
#define _GNU_SOURCE
#include "cmd/args.h"
#include "cmd/cmd.h"
#include "cmd/templates/templates.h"
#include "base/spelling.h"
#include "plugin/registry.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_KINDS = 32, MAX_NAME = 48 };

static const fpc_template *template_of(fpc_cmdline *cmd, const char *kind)
{
    const char *names[MAX_KINDS] = {0}, *list = "";
    int32_t n = 0;

    for (const fpc_template *t = fpc_templates; t->kind && n < MAX_KINDS; t++) {
        if (!strcmp(t->kind, kind))
            return t;
        names[n++] = t->kind;
        list = fpc_sprintf(cmd->arena, "%s%s%s", list, *list ? ", " : "", t->kind);
    }
    const char *near = fpc_nearest(kind, n, names);
    fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore new: there is no kind `%s`%s%s%s; kinds are %s", kind,
             near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "", list ? list : "");
    return NULL;
}

/* What the registry accepts in a descriptor, and what a file name can be on any system. */
static fpc_status check_name(fpc_cmdline *cmd, const char *name)
{
    const size_t n = strlen(name);

    if (n < 1 || n > MAX_NAME || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != n)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore new: `%s` cannot be a plugin's name; use lower-case letters, digits and underscores, "
                        "beginning with a letter, at most %d",
                        name, MAX_NAME);
    if (!strcmp(name, "none"))
        return fpc_fail(cmd->ctx, FPC_EINVAL, "fpcore new: `none` means no plugin in a recipe; choose another name");
    return FPC_OK;
}

/* template with every @NAME@ replaced. */
static char *fill(fpc_arena *arena, const char *text, const char *name)
{
    static const char mark[] = "@NAME@";
    const size_t mark_len = sizeof mark - 1, name_len = strlen(name);
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, mark)); at += mark_len)
        n++;
    char *out = fpc_alloc(arena, strlen(text) + n * name_len + 1), *to = out;
    for (const char *at; out && (at = strstr(text, mark)); text = at + mark_len) {
        to = mempcpy(to, text, (size_t)(at - text));
        to = mempcpy(to, name, name_len);
    }
    if (out)
        memcpy(to, text, strlen(text) + 1);
    return out;
}

static fpc_status write_source(fpc_cmdline *cmd, const char *path, const char *text)
{
    /* O_EXCL: never over something that exists, not even a dangling link */
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    const size_t n = strlen(text);
    size_t done = 0;

    if (fd < 0 && errno == EEXIST)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore new: %s exists already and is left alone; choose another name or folder", path);
    if (fd < 0)
        return fpc_fail(cmd->ctx, FPC_EIO, "fpcore new: cannot create %s: %s", path, strerror(errno));
    while (done < n) {
        const ssize_t k = write(fd, text + done, n - done);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            break;
        done += (size_t)k;
    }
    const int error = done < n ? errno : 0;
    if (close(fd) || error) {
        const int why = error ? error : errno;
        unlink(path);
        return fpc_fail(cmd->ctx, FPC_EIO, "fpcore new: cannot write %s: %s", path, strerror(why));
    }
    return FPC_OK;
}

static const char *section_of(fpc_cmdline *cmd, const char *kind, const char *name)
{
    static const char *const single[] = {"model", "optimizer", "schedule", "dataset", "backend", NULL};

    for (int i = 0; single[i]; i++)
        if (!strcmp(single[i], kind))
            return kind;
    return fpc_sprintf(cmd->arena, "%s.%s", kind, name);
}

/* A plugin of that name that is there already would be the one or the other from now on, by the order of folders. */
static fpc_status say_what_it_hides(fpc_cmdline *cmd, const char *kind, const char *name)
{
    fpc_registry *registry;
    const char *path;
    const fpc_status status = fpc_registry_new(cmd->ctx, cmd->arena, cmd->plugin_path, &registry);

    if (status || !(path = fpc_registry_path(registry, fpc_kind_of(kind), name)))
        return status;
    fpc_print(
        "warning: there is a plugin %s/%s already: %s. Recipes that say `use = %s` get yours in its place where its "
        "folder comes first (--plugin-path, FPCORE_PLUGIN_PATH); another name avoids that.\n",
        kind, name, path, name);
    return FPC_OK;
}

static fpc_status run(fpc_cmdline *cmd)
{
    static const fpc_arg table[] = {{0}};
    const char **word;
    int32_t n;
    const fpc_status status = fpc_args_read(cmd, table, &n, &word);

    if (status)
        return status;
    if (n != 2)
        return fpc_fail(cmd->ctx, FPC_EINVAL,
                        "fpcore new: say the kind and the name of the plugin: fpcore new loss my_loss");
    const char *kind = word[0], *name = word[1];
    const fpc_template *t = template_of(cmd, kind);
    if (!t || check_name(cmd, name))
        return FPC_EINVAL;
    const char *path = fpc_sprintf(cmd->arena, "%s.c", name), *text = fill(cmd->arena, t->text, name);
    if (!path || !text)
        return FPC_ENOMEM;
    const fpc_status written = write_source(cmd, path, text);
    if (written)
        return written;
    fpc_print("wrote %s. Compile it:\n", path);
    fpc_print("  cc -std=c11 -shared -fPIC -fvisibility=hidden %s.c $(pkg-config --cflags --libs fpcore) -o %s.so\n",
              name, name);
    fpc_print("Check it and see it:\n");
    fpc_print("  fpcore-conform ./%s.so\n", name);
    fpc_print("  FPCORE_PLUGIN_PATH=. fpcore -l %s\n", kind);
    fpc_print("  FPCORE_PLUGIN_PATH=. fpcore -h %s/%s\n", kind, name);
    fpc_print("Use it in a recipe:\n  [%s]\n  use = %s\n", section_of(cmd, kind, name), name);
    return say_what_it_hides(cmd, kind, name);
}

const fpc_cmd fpc_cmd_new = {
    .name = "new",
    .place = 110,
    .no_recipe = 1,
    .summary = "Write the source of a new plugin.",
    .help = "usage: fpcore new KIND NAME\n"
            "\n"
            "Writes NAME.c into the folder where you are: a commented plugin of that kind that works as it stands, to\n"
            "start from. Prints the command that compiles it. An existing file is left alone.\n"
            "\n"
            "  KIND   model, loss, schedule, optimizer, augment, metric, dataset, backend or logger\n"
            "  NAME   lower-case letters, digits and underscores; what `use = NAME` will say in a recipe\n"
            "\n"
            "example: fpcore new loss my_loss\n",
    .run = run};
