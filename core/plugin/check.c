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

enum { MAX_ROWS = 1000 }; /* of a table that should have ended */

int fpc_plugin_name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n > 0 && n <= 64 && !name[n];
}

/* What a kind's table must have: the fields of ABI 1, which end with `last`, and among them these functions. */
typedef struct need {
    uint32_t kind, least, size;
    const char *type;
    struct {
        const char *name;
        uint32_t offset;
    } fn[3];
} need;

#define END(T, last) (uint32_t)(offsetof(T, last) + sizeof(((T *)0)->last))
#define VTBL(T, last) END(T, last), sizeof(T), #T
#define FN(T, field)                                                                                                   \
    {                                                                                                                  \
#field, (uint32_t)offsetof(T, field)                                                                           \
    }
static const need needs[] = {
    {FPC_MODEL, VTBL(fpc_model_vtbl, build), {FN(fpc_model_vtbl, build)}},
    {FPC_LOSS, VTBL(fpc_loss_vtbl, norm), {FN(fpc_loss_vtbl, build)}},
    {FPC_SCHEDULE, VTBL(fpc_schedule_vtbl, factor), {FN(fpc_schedule_vtbl, factor)}},
    {FPC_OPTIMIZER, VTBL(fpc_optimizer_vtbl, build), {FN(fpc_optimizer_vtbl, build)}},
    {FPC_AUGMENT, VTBL(fpc_augment_vtbl, soft), {FN(fpc_augment_vtbl, draw)}},
    {FPC_METRIC,
     VTBL(fpc_metric_vtbl, per_class),
     {FN(fpc_metric_vtbl, reset), FN(fpc_metric_vtbl, update), FN(fpc_metric_vtbl, value)}},
    {FPC_DATASET,
     VTBL(fpc_dataset_vtbl, file),
     {FN(fpc_dataset_vtbl, open), FN(fpc_dataset_vtbl, read), FN(fpc_dataset_vtbl, name)}},
    {FPC_BACKEND, VTBL(fpc_backend_vtbl, forget), {FN(fpc_backend_vtbl, open), FN(fpc_backend_vtbl, kernels)}},
    {FPC_LOGGER, VTBL(fpc_logger_vtbl, wants), {FN(fpc_logger_vtbl, event)}},
};

static const need *need_of(uint32_t kind)
{
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (needs[i].kind == kind)
            return &needs[i];
    return NULL;
}

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
    const need *n = need_of(plugin->kind);

    for (size_t f = 0; n && f < 3 && n->fn[f].name; f++) {
        void (*fn)(void);

        memcpy(&fn, (const char *)plugin->vtbl + n->fn[f].offset, sizeof fn);
        if (!fn)
            return fpc_sprintf(arena, "vtbl.%s is missing; every %s plugin needs it", n->fn[f].name,
                               fpc_kind_name(plugin->kind));
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
    const fpc_option_set set = {.table = plugin->options, .stride = plugin->option_size, .object = NULL};
    fpc_option row;

    for (int32_t i = 0; (row = fpc_opt_row(&set, i)).name; i++) {
        const char *what = i + 1 < MAX_ROWS ? option_bad(arena, plugin, &row) : "options do not end with {0}";

        for (int32_t j = 0; j < i && !what; j++)
            if (strcmp(fpc_opt_row(&set, j).name, row.name) == 0)
                what = fpc_sprintf(arena, "option `%s` stands twice", row.name);
        if (what)
            return what;
    }
    return NULL;
}

static const char *head_bad(fpc_arena *arena, const fpc_plugin *plugin)
{
    const uint32_t flags = FPC_PLUGIN_ONNX | FPC_PLUGIN_CAPTURE | FPC_PLUGIN_ONCE;
    const struct {
        const char *name;
        const void *value;
    } mandatory[] = {{"summary", plugin->summary},
                     {"version", plugin->version},
                     {"license", plugin->license},
                     {"vtbl", plugin->vtbl}};

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
    if (plugin->flags & ~flags)
        return fpc_sprintf(arena, "%s: flags are 0x%x, of which this fpcore knows 0x%x (FPC_PLUGIN_ONNX ...)",
                           plugin->name, plugin->flags, flags);
    if (plugin->self_size < sizeof(fpc_self) || plugin->self_size > 1u << 26)
        return fpc_sprintf(arena, "%s: self_size is %u; it is sizeof the plugin's struct, which begins with fpc_self",
                           plugin->name, plugin->self_size);
    return NULL;
}

/* ---- copies: older plugins have shorter structs ---- */

/* `from`, whose compiler saw `theirs` bytes, as a struct of `ours` bytes that begins with its size. */
static void *own_struct(fpc_arena *arena, const void *from, uint32_t theirs, uint32_t ours)
{
    void *own = fpc_alloc(arena, ours);

    if (own)
        memcpy(own, from, theirs < ours ? theirs : ours);
    return own;
}

/* A table whose rows are `theirs` bytes apart and which ends where the pointer at byte `key` is NULL. */
static void *own_rows(fpc_arena *arena, const void *table, uint32_t theirs, uint32_t ours, uint32_t key)
{
    const char *row = table;
    int32_t n = 0;
    void *name;

    for (; n < MAX_ROWS && (memcpy(&name, row + (size_t)n * theirs + key, sizeof name), name); n++)
        ;
    char *own = fpc_alloc(arena, (size_t)(n + 1) * ours);
    for (int32_t i = 0; own && i < n; i++)
        memcpy(own + (size_t)i * ours, row + (size_t)i * theirs, theirs < ours ? theirs : ours);
    return own;
}

const fpc_kernel *fpc_kernels_own(fpc_arena *arena, const fpc_kernel *theirs, uint32_t row, const char **bad)
{
    fpc_kernel *own = NULL;

    *bad = NULL;
    if (row < END(fpc_kernel, end))
        *bad =
            fpc_sprintf(arena, "size of the kernels is %u, but an fpc_kernel has %zu bytes", row, sizeof(fpc_kernel));
    else if (!(own = own_rows(arena, theirs, row, sizeof *own, offsetof(fpc_kernel, op))))
        *bad = "no memory";
    for (fpc_kernel *k = own; k && k->op; k++) {
        if (k->size != row && !*bad)
            *bad =
                fpc_sprintf(arena, "kernel for `%s`: size is %u, but %u in the table's first row", k->op, k->size, row);
        k->size = sizeof *k;
    }
    return *bad ? NULL : own;
}

static const char *own_ops(fpc_arena *arena, fpc_plugin *own)
{
    const uint32_t row = own->ops->size;
    fpc_op_def *ops;

    if (!own->ops->name) /* an empty table has no size */
        return own->ops = NULL, NULL;
    if (row < END(fpc_op_def, half))
        return fpc_sprintf(arena, "op `%s`: size is %u, but an fpc_op_def has %zu bytes; begin each row with .size",
                           own->ops->name, row, sizeof(fpc_op_def));
    own->ops = ops = own_rows(arena, own->ops, row, sizeof *ops, offsetof(fpc_op_def, name));
    for (; ops && ops->name; ops++) {
        if (ops->size != row)
            return fpc_sprintf(arena, "op `%s`: size is %u, but %u in the table's first row", ops->name, ops->size,
                               row);
        ops->size = sizeof *ops;
    }
    return own->ops ? NULL : "no memory";
}

/* The tables of a descriptor that is the core's already. */
static const char *own_tables(fpc_arena *arena, fpc_plugin *own)
{
    const need *n = need_of(own->kind);
    const char *bad = NULL;
    uint32_t size;

    if (own->options && own->option_size < END(fpc_option, offset))
        return fpc_sprintf(arena, "option_size is %u, not %zu; begin the descriptor with FPC_PLUGIN_HEAD",
                           own->option_size, sizeof(fpc_option));
    if (n) {
        memcpy(&size, own->vtbl, sizeof size);
        if (size < n->least || size > n->size) /* that of a later fpcore has been refused by its version */
            return fpc_sprintf(arena,
                               "vtbl.size is %u, but a %s has %u bytes; begin the table with .size = sizeof vtbl, and "
                               "see that .kind, which says %s, is that of the table",
                               size, n->type, n->size, fpc_kind_name(own->kind));
        own->vtbl = own_struct(arena, own->vtbl, size, n->size);
        if (!own->vtbl)
            return "no memory";
        memcpy((void *)own->vtbl, &n->size, sizeof n->size);
    }
    if (own->options)
        own->options = own_rows(arena, own->options, own->option_size, sizeof(fpc_option), offsetof(fpc_option, name));
    own->option_size = sizeof(fpc_option);
    if (own->ops)
        bad = own_ops(arena, own);
    if (own->kernels && !bad)
        own->kernels = own->kernels->op ? fpc_kernels_own(arena, own->kernels, own->kernels->size, &bad) : NULL;
    return bad;
}

const char *fpc_plugin_take(fpc_arena *arena, const fpc_plugin *plugin, fpc_status *status, const fpc_plugin **out)
{
    const char *what;
    fpc_plugin *own;

    *out = NULL;
    *status = FPC_EABI;
    if (plugin->abi / 1000 != FPC_ABI_MAJOR || plugin->abi % 1000 > FPC_ABI_MINOR)
        return fpc_sprintf(arena,
                           "was built for plugin ABI %u.%u, this fpcore has %d.%d; rebuild it against the installed "
                           "headers",
                           plugin->abi / 1000, plugin->abi % 1000, FPC_ABI_MAJOR, FPC_ABI_MINOR);
    if (plugin->size < END(fpc_plugin, kernels))
        return fpc_sprintf(arena, "descriptor's size is %u, not %zu; begin it with FPC_PLUGIN_HEAD", plugin->size,
                           sizeof *plugin);
    own = own_struct(arena, plugin, plugin->size, sizeof *own);
    if (!own)
        return "no memory";
    own->size = sizeof *own;
    *status = FPC_EFORMAT;
    what = head_bad(arena, own);
    if (what)
        return what;
    if (!(what = own_tables(arena, own)) && !(what = vtbl_bad(arena, own)))
        what = options_bad(arena, own);
    *out = own;
    return what ? fpc_sprintf(arena, "%s: %s", own->name, what) : NULL;
}
