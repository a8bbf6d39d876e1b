/* classes.c: files of classes: what the labels of a data set are called, how they are drawn, which change places in a
 * mirror. Data sets read them, and every run and its weights keep one, so that whoever predicts needs no other file.
 * The INI text goes through the recipe's reader, so mistakes in it carry FILE:LINE. */
#include "data/classes.h"
#include <fpcore/image.h>
#include "recipe/recipe.h"

#include <stdlib.h>
#include <string.h>

/* A decimal number in lo .. hi, and nothing else. */
static int whole_number(const char *text, long lo, long hi, long *out)
{
    char *end;
    *out = strtol(text, &end, 10);
    while (*end == ' ' || *end == '\t')
        end++;
    return end != text && *end == 0 && *out >= lo && *out <= hi;
}

/* n comma-separated numbers in 0 .. max. */
static int number_list(const char *text, int n, long max, uint8_t *out)
{
    for (int i = 0; i < n; i++) {
        char *end;
        const long v = strtol(text, &end, 10);
        if (end == text || v < 0 || v > max)
            return 0;
        out[i] = (uint8_t)v;
        while (*end == ' ' || *end == '\t')
            end++;
        if (*end != (i + 1 < n ? ',' : 0))
            return 0;
        text = end + 1;
    }
    return 1;
}

static fpc_status read_names(fpc_ctx *ctx, fpc_arena *arena, const fpc_section *section, const char *path,
                             fpc_dataset_info *info)
{
    if (!section || section->n < 1 || section->n > 256)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: a section [classes] with 1 to 256 lines `LABEL = name` is needed", path);
    const char **list = fpc_alloc(arena, (size_t)section->n * sizeof *list);
    if (!list)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < section->n; i++) {
        const fpc_entry *e = &section->entry[i];
        long label;
        if (!whole_number(e->key, 0, section->n - 1, &label) || list[label])
            return fpc_fail(ctx, FPC_EFORMAT, "%s: classes.%s: labels are 0 .. %d, each once", e->origin, e->key,
                            section->n - 1);
        if (!*e->value)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: classes.%s has no name", e->origin, e->key);
        for (int32_t k = 0; k < i; k++)
            if (strcmp(section->entry[k].value, e->value) == 0)
                return fpc_fail(ctx, FPC_EFORMAT, "%s and %s: classes %s and %s are both called %s",
                                section->entry[k].origin, e->origin, section->entry[k].key, e->key, e->value);
        if (!(list[label] = fpc_strdup(arena, e->value)))
            return FPC_ENOMEM;
    }
    info->classes = section->n;
    info->class_names = list;
    return FPC_OK;
}

static fpc_status read_palette(fpc_ctx *ctx, fpc_arena *arena, const fpc_section *section, fpc_dataset_info *info)
{
    uint8_t(*list)[3] = fpc_alloc(arena, (size_t)info->classes * 3);
    if (!list)
        return FPC_ENOMEM;
    fpc_palette_make(info->classes, list);
    for (int32_t i = 0; section && i < section->n; i++) {
        const fpc_entry *e = &section->entry[i];
        long label;
        if (!whole_number(e->key, 0, info->classes - 1, &label) || !number_list(e->value, 3, 255, list[label]))
            return fpc_fail(
                ctx, FPC_EFORMAT,
                "%s: palette.%s = %s: a line is `LABEL = red, green, blue` with a label 0 .. %d and 0 .. 255",
                e->origin, e->key, e->value, info->classes - 1);
    }
    info->palette = (const uint8_t(*)[3])list;
    return FPC_OK;
}

static fpc_status read_pairs(fpc_ctx *ctx, fpc_arena *arena, const fpc_section *section, fpc_dataset_info *info)
{
    if (!section || !section->n)
        return FPC_OK;
    uint8_t(*list)[2] = fpc_alloc(arena, (size_t)section->n * 2), seen[256] = {0};
    if (!list)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < section->n; i++) {
        const fpc_entry *e = &section->entry[i];
        if (!number_list(e->value, 2, info->classes - 1, list[i]) || seen[list[i][0]]++ || seen[list[i][1]]++)
            return fpc_fail(
                ctx, FPC_EFORMAT,
                "%s: mirror.%s = %s: a line is `NAME = LABEL, LABEL`, labels 0 .. %d, each in one pair at most",
                e->origin, e->key, e->value, info->classes - 1);
    }
    info->mirror_pairs = (const uint8_t(*)[2])list;
    info->n_mirror_pairs = section->n;
    return FPC_OK;
}

static fpc_status check_sections(fpc_ctx *ctx, const fpc_ini *file)
{
    for (int32_t i = 0; i < file->n; i++) {
        const char *name = file->section[i].name;
        if (strcmp(name, "classes") != 0 && strcmp(name, "palette") != 0 && strcmp(name, "mirror") != 0)
            return fpc_fail(ctx, FPC_EFORMAT, "%s: [%s]: a file of classes has [classes], [palette] and [mirror] only",
                            file->section[i].origin, name);
    }
    return FPC_OK;
}

static fpc_status take(fpc_ctx *ctx, fpc_arena *arena, const fpc_ini *file, const char *path, fpc_dataset_info *info)
{
    fpc_status status;

    if ((status = check_sections(ctx, file)) ||
        (status = read_names(ctx, arena, fpc_ini_section(file, "classes"), path, info)) ||
        (status = read_palette(ctx, arena, fpc_ini_section(file, "palette"), info)))
        return status;
    return read_pairs(ctx, arena, fpc_ini_section(file, "mirror"), info);
}

fpc_status fpc_classes_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_dataset_info *info)
{
    const fpc_ini *file;
    const fpc_status status = fpc_ini_read(ctx, arena, path, &file);

    return status ? status : take(ctx, arena, file, path, info);
}

fpc_status fpc_classes_parse(fpc_ctx *ctx, fpc_arena *arena, const char *name, const char *text, fpc_dataset_info *info)
{
    fpc_recipe *file;
    const fpc_status status = fpc_recipe_parse(ctx, arena, name, text, 0, NULL, &file);

    if (status)
        return status;
    const fpc_ini ini = {sizeof ini, file->n, file->section};
    return take(ctx, arena, &ini, name, info);
}

const char *fpc_classes_text(fpc_arena *arena, const fpc_dataset_info *info)
{
    const char *text = "[classes]\n";

    for (int32_t i = 0; i < info->classes && text; i++) {
        const char *name = info->class_names ? info->class_names[i] : fpc_sprintf(arena, "class %d", i);
        if (!name || !*name || fpc_recipe_bad_value(name))
            name = fpc_sprintf(arena, "class %d", i); /* the name of a plugin that no file could hold */
        name = name ? fpc_recipe_quote(arena, name) : NULL;
        text = name ? fpc_sprintf(arena, "%s%d = %s\n", text, i, name) : NULL;
    }
    for (int32_t i = 0; i < info->classes && text && info->palette; i++)
        text = fpc_sprintf(arena, "%s%s%d = %d, %d, %d\n", text, i ? "" : "\n[palette]\n", i, info->palette[i][0],
                           info->palette[i][1], info->palette[i][2]);
    for (int32_t i = 0; i < info->n_mirror_pairs && text; i++)
        text = fpc_sprintf(arena, "%s%spair%d = %d, %d\n", text, i ? "" : "\n[mirror]\n", i + 1,
                           info->mirror_pairs[i][0], info->mirror_pairs[i][1]);
    return text;
}

static int32_t other_side(const fpc_dataset_info *info, int32_t label)
{
    for (int32_t i = 0; i < info->n_mirror_pairs; i++)
        for (int side = 0; side < 2; side++)
            if (info->mirror_pairs[i][side] == label)
                return info->mirror_pairs[i][!side];
    return label;
}

/* NULL: no memory. */
static const char *first_difference(fpc_arena *arena, const fpc_dataset_info *was, const fpc_dataset_info *is)
{
    if (was->classes != is->classes)
        return fpc_sprintf(arena, "%d classes (the run: %d)", is->classes, was->classes);
    for (int32_t i = 0; i < is->classes; i++) {
        const char *before = was->class_names[i], *now = is->class_names[i];
        if (strcmp(before, now))
            return fpc_sprintf(arena, "label %d is called %s (the run: %s)", i, now, before);
        if (other_side(was, i) != other_side(is, i))
            return fpc_sprintf(arena, "a mirror makes %d of label %d, %s (the run: %d)", other_side(is, i), i, now,
                               other_side(was, i));
    }
    return "";
}

fpc_status fpc_classes_differ(fpc_ctx *ctx, fpc_arena *arena, const char *origin, const char *was, const char *is,
                              const char **difference)
{
    fpc_dataset_info before = {.size = sizeof before}, now = {.size = sizeof now};
    fpc_status status;

    if ((status = fpc_classes_parse(ctx, arena, origin, was, &before)) ||
        (status = fpc_classes_parse(ctx, arena, "classes", is, &now)))
        return status;
    return (*difference = first_difference(arena, &before, &now)) ? FPC_OK : FPC_ENOMEM;
}
