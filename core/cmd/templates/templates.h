/* templates.h: the sources that `fpcore new` writes, one per kind. The build makes templates.c from core/templates/. */
#ifndef CORE_CMD_TEMPLATES_TEMPLATES_H
#define CORE_CMD_TEMPLATES_TEMPLATES_H

typedef struct fpc_template {
    const char *kind; /* NULL ends the list */
    const char *text; /* @NAME@ stands for the plugin's name */
} fpc_template;

extern const fpc_template fpc_templates[];

#endif
