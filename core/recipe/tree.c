/* tree.c: what a recipe that was read holds: sections and keys by name, and values as a line states them. */
#include "recipe/recipe.h"

#include <string.h>

const fpc_section *fpc_recipe_section(const fpc_recipe *recipe, const char *name)
{
    for (int32_t i = 0; i < recipe->n; i++)
        if (strcmp(recipe->section[i].name, name) == 0)
            return &recipe->section[i];
    return NULL;
}

const fpc_entry *fpc_section_entry(const fpc_section *section, const char *key)
{
    for (int32_t i = 0; section && i < section->n; i++)
        if (strcmp(section->entry[i].key, key) == 0)
            return &section->entry[i];
    return NULL;
}

const char *fpc_recipe_quote(fpc_arena *arena, const char *value)
{
    const size_t length = strlen(value);
    const char quote = strchr(value, '"') ? '\'' : '"';

    if (length > 0 && !strpbrk(value, ";#") && *value != '"' && *value != '\'' && *value != ' ' && *value != '\t' &&
        value[length - 1] != ' ' && value[length - 1] != '\t' && value[length - 1] != '\\')
        return fpc_strdup(arena, value);
    return fpc_sprintf(arena, "%c%s%c", quote, value, quote);
}
