/* descriptor.c: the fields of fpc_plugin, the option table, and instances made from it. */
#include "conform.h"
#include "core_options.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int one_line(const char *text)
{
    return text && *text && !strchr(text, '\n') && strlen(text) <= 100;
}

/* An option's default and bounds; NULL: all well. */
static const char *option_bad(conform *c, const fpc_option *o)
{
    if (!o->help || !*o->help)
        return "has no help";
    if (!o->unit)
        return "has no unit; write \"\" where there is none";
    if (!o->def && !(o->flags & FPC_OPT_REQUIRED))
        return "has no default and is not required";
    if (o->type > FPC_OPT_RANGE)
        return "has an unknown type";
    if ((o->type == FPC_OPT_CHOICE || o->type == FPC_OPT_FLAGS) && (!o->choices || !o->choices[0].name))
        return "has no list of choices";
    if (isnan(o->min) || isnan(o->max))
        return "has a bound that is no number";
    if (o->offset < sizeof(fpc_self) || o->offset >= c->plugin->self_size)
        return "lies outside of the plugin's struct, or on its fpc_self";
    for (const char *p = o->name; *p; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
            return "is not made of lower-case letters, digits and underscores";
    return NULL;
}

/* use and the keys that the core reads in the same section are taken. */
static const char *clash(const conform *c, const fpc_option *o)
{
    for (const fpc_option *p = c->plugin->options; p < o; p++)
        if (!strcmp(p->name, o->name))
            return "stands twice";
    for (const fpc_option *p = fpc_core_options(c->plugin->kind); p && p->type != FPC_OPT_END; p++)
        if (!strcmp(p->name, o->name))
            return "is a key of the core in every section of this kind";
    return strcmp(o->name, "use") ? NULL : "is the key that names the plugin";
}

/* The default goes through the recipe's own parser, with its range checks. */
static const char *default_bad(conform *c, const fpc_option *o)
{
    const fpc_option table[] = {*o, {0}};
    const fpc_option_set set = {table, sizeof *table, fpc_alloc(c->arena, c->plugin->self_size)};

    if (o->flags & FPC_OPT_REQUIRED || !set.object)
        return NULL;
    return fpc_options_read(c->ctx, c->arena, "default", NULL, 1, &set) ? "has a default that its own type or range refuses" : NULL;
}

static void check_options(conform *c)
{
    int32_t n = 0;

    for (const fpc_option *o = c->plugin->options; o && o->type != FPC_OPT_END; o++, n++) {
        const char *bad = !o->name || !*o->name ? "has no name" : option_bad(c, o);
        if (!bad)
            bad = clash(c, o);
        if (!bad)
            bad = default_bad(c, o);
        if (bad) {
            check(c, 0, "options", "option %d, `%s`, %s", n + 1, o->name ? o->name : "", bad);
            return;
        }
    }
    check(c, 1, "options", "%s", "");
}

void check_descriptor(conform *c)
{
    const fpc_plugin *p = c->plugin;

    check(c, p->size == sizeof *p && p->abi / 1000 == FPC_ABI_MAJOR && p->option_size == sizeof(fpc_option),
          "descriptor begins with FPC_PLUGIN_HEAD", "size %u, abi %u, option_size %u; expected %zu, %d, %zu", p->size, p->abi,
          p->option_size, sizeof *p, FPC_ABI, sizeof(fpc_option));
    check(c, p->name && islower((unsigned char)p->name[0]), "name begins with a letter", "it is `%s`", p->name ? p->name : "");
    check(c, one_line(p->summary), "summary is one line", "it is missing, has several lines or more than 100 characters");
    check(c, p->version && *p->version, "version is given", "`fpcore -l` and run.json print it");
    check(c, p->license && *p->license, "license is given", "`fpcore -h` prints it");
    check(c, p->self_size >= sizeof(fpc_self), "self_size holds the plugin's struct",
          "it is %u; set it to sizeof the struct that begins with fpc_self", p->self_size);
    check_options(c);
}

fpc_self *make_instance(conform *c)
{
    const fpc_plugin *p = c->plugin;
    const fpc_option_set set = {p->options, p->option_size, fpc_alloc(c->arena, p->self_size)};
    fpc_self *self = set.object;
    fpc_recipe *recipe = NULL;

    if (!self)
        return NULL;
    const char *kind = fpc_kind_name(p->kind);
    const char *text = fpc_sprintf(c->arena, "[%s.conform]\n%s", kind, c->settings);
    if (!text || fpc_recipe_parse(c->ctx, c->arena, "command line", text, 0, NULL, &recipe))
        return NULL;
    self->ctx = c->ctx;
    self->arena = c->arena;
    self->label = fpc_sprintf(c->arena, "%s.conform", kind);
    const fpc_section *section = *c->settings && recipe->n ? &recipe->section[0] : NULL;
    if (!self->label || fpc_options_read(c->ctx, c->arena, self->label, section, 1, &set))
        return NULL;
    if (p->init && p->init(self))
        return NULL;
    if (p->fini && fpc_arena_defer(c->arena, (void (*)(void *))(void *)p->fini, self))
        return NULL;
    return self;
}
