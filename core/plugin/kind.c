/* kind.c: the kinds of plugins by name. A kind is called as the section of the recipe that names its plugins. */
#include "plugin/registry.h"
#include "recipe/sections.h"

#include <string.h>

const char *fpc_kind_name(uint32_t kind)
{
    const fpc_section_row *row = fpc_section_row_of_kind(kind);

    return row ? row->name : NULL;
}

uint32_t fpc_kind_of(const char *name)
{
    for (const fpc_section_row *r = fpc_section_rows; r->name; r++)
        if (r->kind && !strcmp(r->name, name))
            return r->kind;
    return 0;
}
