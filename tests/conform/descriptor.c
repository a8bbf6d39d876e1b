/* descriptor.c: the fields of fpc_plugin, its options, ops and kernels, and instances made from it. */
#include "conform.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static int one_line(const char *text)
{
    return text && *text && !strchr(text, '\n') && strlen(text) <= 100;
}

/* What opening the file has not looked at already (core/plugin/check.c refuses bad names, defaults, ranges). */
static const char *option_bad(const conform *c, const fpc_option *o)
{
    if (!o->unit)
        return "has no unit; write \"\" where there is none";
    if (isnan(o->min) || isnan(o->max))
        return "has a bound that is no number";
    if (strchr(o->help, '\n'))
        return "has a help of several lines; paragraphs belong into .detail";
    for (const fpc_option *p = c->plugin->options; p < o; p++)
        if (p->offset == o->offset)
            return "fills the same field as an earlier option";
    return NULL;
}

static void check_options(conform *c)
{
    const char *bad = NULL, *name = "";

    for (const fpc_option *o = c->plugin->options; o && o->type != FPC_OPT_END && !bad; o++) {
        bad = option_bad(c, o);
        name = o->name;
    }
    check(c, !bad, "options are well described", "`%s` %s", name, bad ? bad : "");
}

/* Kernels beside a backend's own table: for ops of this plugin, or better ones for built-in ops. */
static void check_kernels(conform *c)
{
    const char *bad = NULL;
    const fpc_kernel *k = c->plugin->kernels;

    for (; k && k->op; k++) {
        if (k->size != sizeof *k)
            bad = "has another size than sizeof(fpc_kernel)";
        else if (!fpc_op_find(c->ops, k->op))
            bad = "is for an op that does not exist";
        else if (!k->name || !k->run || !k->dtypes)
            bad = "needs a name, run and dtypes";
        else if (!(k->flags & FPC_KERNEL_DETERMINISTIC))
            bad = "is not marked deterministic";
        if (bad)
            break;
    }
    check(c, !bad, "kernels are well formed", "the kernel for `%s` %s", bad ? k->op : "", bad ? bad : "");
}

int check_descriptor(conform *c, const fpc_found *found)
{
    const fpc_plugin *p = c->plugin;
    const fpc_op_rows ops[2] = {fpc_builtin_rows, {found->plugin->ops, found->who}};

    check(c, islower((unsigned char)p->name[0]), "name begins with a letter", "it is `%s`", p->name);
    check(c, one_line(p->summary), "summary is one line", "it is empty, has several lines or more than 100 characters");
    check(c, *p->version && *p->license, "version and license say something", "one is empty");
    check_options(c);
    if (!check(c, fpc_op_table_new(c->ctx, c->arena, 2, ops, &c->ops) == FPC_OK, "ops do not clash", "op table"))
        return 0;
    check_kernels(c);
    return 1;
}

/* An instance that has its options and of which the plugin knows nothing yet, or NULL. */
static fpc_self *with_options(conform *c)
{
    const fpc_plugin *p = c->plugin;
    const fpc_option_set set = {
        .table = p->options, .stride = p->option_size, .object = fpc_alloc(c->arena, p->self_size)};
    fpc_self *self = set.object;
    fpc_recipe *recipe = NULL;

    if (!self)
        return NULL;
    const char *kind = fpc_kind_name(p->kind), *text = fpc_sprintf(c->arena, "[%s.conform]\n", kind);
    const char **settings = fpc_alloc(c->arena, ((size_t)c->n_settings + 1) * sizeof *settings);
    if (!text || !settings)
        return NULL;
    for (int32_t i = 0; i < c->n_settings; i++)
        if (!(settings[i] = fpc_sprintf(c->arena, "%s.conform.%s", kind, c->setting[i])))
            return NULL;
    if (fpc_recipe_parse(c->ctx, c->arena, "fpcore-conform", text, c->n_settings, settings, &recipe))
        return NULL;
    for (int32_t i = 0; recipe->n && i < recipe->section[0].n; i++) /* "-s loss.conform.q=5", and the user wrote q=5 */
        recipe->section[0].entry[i].origin += strlen("-s .conform.") + strlen(kind);
    self->ctx = c->ctx;
    self->arena = c->arena;
    self->label = fpc_sprintf(c->arena, "%s.conform", kind);
    const fpc_section *section = c->n_settings && recipe->n ? &recipe->section[0] : NULL;
    if (!self->label || fpc_options_read(c->ctx, c->arena, self->label, section, 1, &set))
        return NULL;
    return self;
}

fpc_self *make_instance(conform *c)
{
    const fpc_plugin *p = c->plugin;
    fpc_self *self = with_options(c);

    if (!self || (p->init && p->init(self)))
        return NULL;
    if (p->fini && fpc_arena_defer(c->arena, (void (*)(void *))(void *)p->fini, self))
        return NULL;
    return self;
}

/* Recipes are written from the options of instances: one that a plugin fills in would be read back as given. */
void check_options_stay(conform *c)
{
    const fpc_self *given = with_options(c);
    const fpc_option *other = NULL;

    for (const fpc_option *o = c->plugin->options; given && o && o->type != FPC_OPT_END && !other; o++) {
        const char *was = fpc_option_text(c->arena, o, given), *is = fpc_option_text(c->arena, o, c->self);
        if (!was || !is || strcmp(was, is) != 0)
            other = o;
    }
    check(c, given && !other, "options stay as they were given",
          "`%s` was changed; what the plugin makes of an option has a field of its own", other ? other->name : "");
}
