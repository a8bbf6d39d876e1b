/* check.c: checks of plugin files and descriptors. A plugin is code and could do anything; the checks are there
 * so that a mistake of its author, a file of another machine, a half-copied file or a plugin for another fpcore gets a
 * sentence that names the field, and not a crash. */
#define _GNU_SOURCE
#include "plugin/check.h"
#include "recipe/sections.h"
#include "recipe/option_value.h"
#include "plugin/registry.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fpcore/augment.h>
#include <fpcore/backend.h>
#include <fpcore/dataset.h>
#include <fpcore/logger.h>
#include <fpcore/loss.h>
#include <fpcore/metric.h>
#include <fpcore/model.h>
#include <fpcore/optimizer.h>
#include <fpcore/schedule.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

/* The header of the library that this is compiled into says what machine others have to be for. */
static const ElfW(Ehdr) * own_header(void)
{
    extern const ElfW(Ehdr) __ehdr_start __attribute__((weak, visibility("hidden")));

    return &__ehdr_start;
}

static const char *segments_bad(int fd, const ElfW(Ehdr) * head, uint64_t size)
{
    ElfW(Phdr) segment;

    if (head->e_phentsize != sizeof segment || head->e_phnum == 0)
        return "is not a complete shared library";
    /* Section headers come last in what linkers write, so a file that was cut anywhere lacks some of them. */
    if (head->e_shoff > size || (uint64_t)head->e_shnum * head->e_shentsize > size - head->e_shoff)
        return "is truncated";
    for (unsigned i = 0; i < head->e_phnum; i++) {
        const uint64_t at = head->e_phoff + (uint64_t)i * sizeof segment;

        if (at > size || pread(fd, &segment, sizeof segment, (off_t)at) != (ssize_t)sizeof segment)
            return "is truncated";
        if (segment.p_type == PT_LOAD && (segment.p_offset > size || segment.p_filesz > size - segment.p_offset))
            return "is truncated";
    }
    return NULL;
}

const char *fpc_library_bad(fpc_arena *arena, const char *file)
{
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const ElfW(Ehdr) *own = own_header();
    const char *bad = NULL;
    ElfW(Ehdr) head;
    struct stat st;
    ssize_t got;

    if (fd < 0)
        return fpc_sprintf(arena, "cannot be read: %s", strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        bad = "is not a file";
    } else {
        got = pread(fd, &head, sizeof head, 0);
        if (got < SELFMAG || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
            bad = "is not a shared library";
        else if (got < (ssize_t)sizeof head)
            bad = "is truncated";
        else if (head.e_ident[EI_CLASS] != own->e_ident[EI_CLASS] || head.e_machine != own->e_machine)
            bad = "is a library for another kind of machine";
        else if (head.e_type != ET_DYN)
            bad = "is an ELF file, but not a shared library (compile with -shared -fPIC)";
        else
            bad = segments_bad(fd, &head, (uint64_t)st.st_size);
    }
    close(fd);
    return bad;
}

/* ---- the descriptor ---- */

int fpc_plugin_name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n <= 64 && !name[n];
}

/* The functions that a kind's table must have, by offset. */
typedef struct need {
    uint32_t kind, size;
    const char *type;
    struct {
        const char *name;
        uint32_t offset;
    } fn[3];
} need;

#define FN(T, field)                                                                                                   \
    {                                                                                                                  \
#field, (uint32_t)offsetof(T, field)                                                                           \
    }
static const need needs[] = {
    {FPC_MODEL, sizeof(fpc_model_vtbl), "fpc_model_vtbl", {FN(fpc_model_vtbl, build)}},
    {FPC_LOSS, sizeof(fpc_loss_vtbl), "fpc_loss_vtbl", {FN(fpc_loss_vtbl, build)}},
    {FPC_SCHEDULE, sizeof(fpc_schedule_vtbl), "fpc_schedule_vtbl", {FN(fpc_schedule_vtbl, factor)}},
    {FPC_OPTIMIZER, sizeof(fpc_optimizer_vtbl), "fpc_optimizer_vtbl", {FN(fpc_optimizer_vtbl, build)}},
    {FPC_AUGMENT, sizeof(fpc_augment_vtbl), "fpc_augment_vtbl", {FN(fpc_augment_vtbl, draw)}},
    {FPC_METRIC,
     sizeof(fpc_metric_vtbl),
     "fpc_metric_vtbl",
     {FN(fpc_metric_vtbl, reset), FN(fpc_metric_vtbl, update), FN(fpc_metric_vtbl, value)}},
    {FPC_DATASET,
     sizeof(fpc_dataset_vtbl),
     "fpc_dataset_vtbl",
     {FN(fpc_dataset_vtbl, open), FN(fpc_dataset_vtbl, read), FN(fpc_dataset_vtbl, name)}},
    {FPC_BACKEND,
     sizeof(fpc_backend_vtbl),
     "fpc_backend_vtbl",
     {FN(fpc_backend_vtbl, open), FN(fpc_backend_vtbl, kernels)}},
    {FPC_LOGGER, sizeof(fpc_logger_vtbl), "fpc_logger_vtbl", {FN(fpc_logger_vtbl, event)}},
};

static const char *augment_bad(fpc_arena *arena, const fpc_augment_vtbl *v)
{
    static const struct {
        const char *name, *type;
        uint32_t size;
        int many; /* a multiple will do */
    } stage[] = {[FPC_STAGE_GEOMETRY] = {"geometry", "fpc_homography", sizeof(fpc_homography), 0},
                 [FPC_STAGE_COLOUR] = {"colour", "fpc_colour", sizeof(fpc_colour), 1},
                 [FPC_STAGE_PIXEL] = {"pixel", "float", sizeof(float), 1},
                 [FPC_STAGE_MIX] = {"mix", "fpc_mix", sizeof(fpc_mix), 0},
                 [FPC_STAGE_FIELD] = {"field", "fpc_field_draw", sizeof(fpc_field_draw), 0},
                 [FPC_STAGE_COMPOSITE] = {"composite", "fpc_composite", sizeof(fpc_composite), 0}};
    const uint32_t n = sizeof stage / sizeof *stage;

    if (v->stage < FPC_STAGE_GEOMETRY || v->stage >= n)
        return fpc_sprintf(arena, "vtbl.stage is %u; this fpcore has stages %d to %u (fpc_stage of fpcore/augment.h)",
                           v->stage, FPC_STAGE_GEOMETRY, n - 1);
    const uint32_t size = stage[v->stage].size;
    if (v->draw_size == 0 || (stage[v->stage].many ? v->draw_size % size != 0 : v->draw_size != size))
        return fpc_sprintf(arena, "vtbl.draw_size of a %s stage must be %ssizeof(%s)", stage[v->stage].name,
                           stage[v->stage].many ? "a multiple of " : "", stage[v->stage].type);
    if (v->stage == FPC_STAGE_PIXEL && v->draw_size > FPC_PIXEL_FLOATS * sizeof(float))
        return fpc_sprintf(arena, "vtbl.draw_size of a pixel stage must be 1 to %d floats", FPC_PIXEL_FLOATS);
    if (v->stage == FPC_STAGE_COMPOSITE && v->pixel_floats > FPC_PIXEL_FLOATS)
        return fpc_sprintf(arena, "vtbl.pixel_floats is %u; at most %d", v->pixel_floats, FPC_PIXEL_FLOATS);
    if ((v->stage == FPC_STAGE_PIXEL || (v->stage == FPC_STAGE_COMPOSITE && v->pixel_floats > 0)) && !v->build)
        return "vtbl.build is missing; a stage that works on pixels needs it";
    return NULL;
}

static const char *vtbl_bad(fpc_arena *arena, const fpc_plugin *plugin)
{
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        uint32_t size;

        if (needs[i].kind != plugin->kind)
            continue;
        memcpy(&size, plugin->vtbl, sizeof size);
        if (size < needs[i].size)
            return fpc_sprintf(arena,
                               "vtbl.size is %u, but a %s has %u bytes; begin the table with .size = sizeof vtbl", size,
                               needs[i].type, needs[i].size);
        for (size_t f = 0; f < 3 && needs[i].fn[f].name; f++) {
            void (*fn)(void);

            memcpy(&fn, (const char *)plugin->vtbl + needs[i].fn[f].offset, sizeof fn);
            if (!fn)
                return fpc_sprintf(arena, "vtbl.%s is missing; every %s plugin needs it", needs[i].fn[f].name,
                                   fpc_kind_name(plugin->kind));
        }
    }
    return plugin->kind == FPC_AUGMENT ? augment_bad(arena, plugin->vtbl) : NULL;
}

static int in_table(const fpc_option *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return 1;
    return 0;
}

static const char *option_bad(fpc_arena *arena, const fpc_plugin *plugin, const fpc_option *row)
{
    const uint32_t size = fpc_opt_size(row->type);
    const char *what = NULL;
    fpc_opt_value value;

    if (!fpc_plugin_name_ok(row->name))
        return fpc_sprintf(arena, "option `%s`: a name is made of lower case letters, digits and _", row->name);
    if (strcmp(row->name, "use") == 0 || in_table(fpc_core_options(plugin->kind), row->name))
        return fpc_sprintf(arena, "option `%s`: fpcore reads this key of a %s section itself; choose another name",
                           row->name, fpc_kind_name(plugin->kind));
    if (size == 0)
        return fpc_sprintf(arena, "option `%s`: its type %u is unknown", row->name, row->type);
    if (row->offset < sizeof(fpc_self) || row->offset > plugin->self_size || size > plugin->self_size - row->offset)
        return fpc_sprintf(arena,
                           "option `%s`: its field at byte %u lies outside of the plugin's struct (self_size %u)",
                           row->name, row->offset, plugin->self_size);
    if (!row->help || !*row->help)
        return fpc_sprintf(arena, "option `%s`: its help is missing", row->name);
    if ((row->type == FPC_OPT_CHOICE || row->type == FPC_OPT_FLAGS) && (!row->choices || !row->choices->name))
        return fpc_sprintf(arena, "option `%s`: its choices are missing", row->name);
    if (!(row->flags & FPC_OPT_REQUIRED)) {
        what = fpc_opt_parse(arena, row, row->def ? row->def : "", &value);
        if (what)
            return fpc_sprintf(arena, "option `%s`: its default \"%s\" %s", row->name, row->def ? row->def : "", what);
    }
    return NULL;
}

static const char *options_bad(fpc_arena *arena, const fpc_plugin *plugin)
{
    const fpc_option_set set = {plugin->options, plugin->option_size, NULL};
    fpc_option row;

    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++) {
        const char *what = i < 1000 ? option_bad(arena, plugin, &row) : "options do not end with {0}";

        for (int32_t j = 0; j < i && !what; j++)
            if (strcmp(fpc_opt_row(&set, j).name, row.name) == 0)
                what = fpc_sprintf(arena, "option `%s` stands twice", row.name);
        if (what)
            return what;
    }
    return NULL;
}

const char *fpc_plugin_bad(fpc_arena *arena, const fpc_plugin *plugin, fpc_status *status)
{
    const struct {
        const char *name;
        const void *value;
    } mandatory[] = {{"summary", plugin->summary},
                     {"version", plugin->version},
                     {"license", plugin->license},
                     {"vtbl", plugin->vtbl}};
    const char *what;

    *status = FPC_EABI;
    if (plugin->abi / 1000 != FPC_ABI_MAJOR || plugin->abi % 1000 > FPC_ABI_MINOR)
        return fpc_sprintf(arena,
                           "was built for plugin ABI %u.%u, this fpcore has %d.%d; rebuild it against the installed "
                           "headers",
                           plugin->abi / 1000, plugin->abi % 1000, FPC_ABI_MAJOR, FPC_ABI_MINOR);
    if (plugin->size < sizeof *plugin)
        return fpc_sprintf(arena, "descriptor's size is %u, not %zu; begin it with FPC_PLUGIN_HEAD", plugin->size,
                           sizeof *plugin);
    *status = FPC_EFORMAT;
    if (!plugin->name)
        return "descriptor's name is missing";
    if (!fpc_plugin_name_ok(plugin->name))
        return fpc_sprintf(arena, "descriptor's name \"%s\" must be lower case letters, digits and _", plugin->name);
    if (strcmp(plugin->name, "none") == 0)
        return "descriptor's name is none, which removes a section in a recipe";
    if (!fpc_kind_name(plugin->kind))
        return fpc_sprintf(arena, "%s: kind %u is unknown", plugin->name, plugin->kind);
    for (size_t i = 0; i < sizeof mandatory / sizeof *mandatory; i++)
        if (!mandatory[i].value)
            return fpc_sprintf(arena, "%s: %s is missing in the descriptor", plugin->name, mandatory[i].name);
    if (plugin->self_size < sizeof(fpc_self) || plugin->self_size > 1u << 26)
        return fpc_sprintf(arena, "%s: self_size is %u; it is sizeof the plugin's struct, which begins with fpc_self",
                           plugin->name, plugin->self_size);
    if (plugin->options && plugin->option_size < sizeof(fpc_option))
        return fpc_sprintf(arena, "%s: option_size is %u, not %zu; begin the descriptor with FPC_PLUGIN_HEAD",
                           plugin->name, plugin->option_size, sizeof(fpc_option));
    what = vtbl_bad(arena, plugin);
    if (!what)
        what = options_bad(arena, plugin);
    return what ? fpc_sprintf(arena, "%s: %s", plugin->name, what) : NULL;
}
