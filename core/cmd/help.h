/* help.h: what -l, -h and --help print, made from the descriptors and option tables of the plugins and of the core. */
#ifndef CORE_CMD_HELP_H
#define CORE_CMD_HELP_H

#include "cmd/cmd.h"

void fpc_help_usage(fpc_cmdline *);
void fpc_help_verb(const fpc_cmd *);
/* One line per plugin by kind; kind 0: all kinds that have one. */
fpc_status fpc_help_list(fpc_cmdline *, fpc_registry *, uint32_t kind);
/* cmd/list_recipes.c: the installed recipes with their first lines. */
fpc_status fpc_list_recipes(fpc_ctx *, fpc_arena *);
/* expert: with the options that are rarely needed. */
fpc_status fpc_help_plugin(fpc_cmdline *, const fpc_found *, int expert);
/* A section of the recipe ("run", "dataset", "loss"): the core's keys, and the plugins of that kind. */
fpc_status fpc_help_section(fpc_cmdline *, fpc_registry *, const char *section, int expert);
/* A key of a section ("run", "dataset"; NULL: of any), as the core and every plugin has it; found: how many have. */
fpc_status fpc_help_key(fpc_cmdline *, fpc_registry *, const char *section, const char *key, int32_t *found);
/* The key of the section that was probably meant, and the section; NULL: none is near. */
fpc_status fpc_help_near_key(fpc_cmdline *, fpc_registry *, const char *section, const char *key, const char **near);
const char *fpc_help_near_section(const char *section);
/* Every option of the core and of all plugins, as Markdown. */
fpc_status fpc_help_markdown(fpc_cmdline *, fpc_registry *);
/* "[loss.LABEL]": how a recipe writes the section of a kind. */
const char *fpc_help_header(fpc_arena *, const char *section);

#endif
