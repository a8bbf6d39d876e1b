/* classes.c: what the values of masks mean. Files do not say what is called how, so classes are called after their
 * values, unless the masks are plainly those of a known data set: its layout with all of its labels, or its colours. */
#include "cmd/setup/setup.h"
#include "experiment/experiment.h"

#include <fpcore/image.h>

#include <string.h>

enum { VOID = 255 };

/* The classes of a preset of dataset/folder. */
static fpc_status open_preset(fpc_cmdline *cmd, const char *preset, fpc_dataset_info *out)
{
    fpc_recipe *recipe;
    fpc_experiment *s;
    const char *text = fpc_sprintf(cmd->arena, "[dataset]\nuse = folder\nroot = .\nclasses = %s\n", preset);
    fpc_status status = text ? FPC_OK : FPC_ENOMEM;

    if (status || (status = fpc_recipe_parse(cmd->ctx, cmd->arena, preset, text, 0, NULL, &recipe)) ||
        (status = fpc_experiment_open(cmd->ctx, cmd->arena, cmd->plugin_path, recipe, 0, &s)))
        return status;
    *out = s->info;
    return FPC_OK;
}

/* Whether numbers are all labels of the preset, with what it ignores or without. */
static int are_labels(const fpc_mask_values *v, const fpc_dataset_info *info)
{
    int32_t labels = 0;

    for (int32_t i = 0; i < v->n; i++)
        if (v->value[i].value < (uint32_t)info->classes)
            labels++;
        else if ((int64_t)v->value[i].value != info->ignore_label)
            return 0;
    return !v->colours && labels == info->classes;
}

/* Whether colours are those of the preset, but for one at most, which is what it ignores. Most have to be there: many
 * programs colour classes of one's own as Pascal VOC colours its first ones. */
static int are_colours(const fpc_mask_values *v, const fpc_dataset_info *info, fpc_setup_classes *out)
{
    int32_t strangers = 0;

    for (int32_t i = 0; i < v->n; i++) {
        const uint32_t rgb = v->value[i].value;
        int32_t label = 0;
        while (label < info->classes && (uint32_t)(info->palette[label][0] << 16 | info->palette[label][1] << 8 |
                                                   info->palette[label][2]) != rgb)
            label++;
        if (label == info->classes) {
            strangers++;
            out->ignored = i;
            label = info->ignore_label;
        }
        out->label[i] = (int16_t)label;
    }
    return v->colours && strangers <= (info->ignore_label >= 0) && 2 * (v->n - strangers) > info->classes;
}

static fpc_status find_preset(fpc_cmdline *cmd, const fpc_layout *layout, const fpc_mask_values *v,
                              fpc_setup_classes *out)
{
    static const char *const coloured[] = {"voc21", "cityscapes19", "camvid11", "celebamask19", NULL};
    const char *const by_layout[] = {layout->preset, NULL}, *const *name = v->colours ? coloured : by_layout;

    for (; *name; name++) {
        const fpc_status status = open_preset(cmd, *name, &out->info);
        out->ignored = -1;
        if (status)
            return status;
        if (v->colours ? !are_colours(v, &out->info, out) : !are_labels(v, &out->info))
            continue;
        for (int32_t i = 0; i < v->n && !v->colours; i++) {
            out->label[i] = (int16_t)v->value[i].value;
            out->ignored = out->label[i] == out->info.ignore_label ? i : out->ignored;
        }
        out->preset = *name;
        return FPC_OK;
    }
    return FPC_OK;
}

/* 255 beside labels that are counted from 0 on is what nobody drew: borders, places of doubt. Beside values that are
 * spread over the whole range it is one of them. */
static int ends_in_void(const fpc_mask_values *v)
{
    return !v->colours && v->n > 2 && v->value[v->n - 1].value == VOID &&
           v->value[v->n - 2].value <= 2 * (uint32_t)(v->n - 2);
}

static const char *name_of(fpc_arena *arena, const fpc_mask_values *v, int32_t classes, int32_t label)
{
    if (classes == 2)
        return label ? "object" : "background";
    return fpc_sprintf(arena, "class_%u", v->colours ? (unsigned)label : (unsigned)v->value[label].value);
}

static fpc_status name_by_value(fpc_arena *arena, const fpc_mask_values *v, fpc_setup_classes *out)
{
    const int32_t n = v->n - ends_in_void(v);
    const char **name = fpc_alloc(arena, (size_t)n * sizeof *name);
    uint8_t(*colour)[3] = fpc_alloc(arena, (size_t)n * sizeof *colour);

    if (!name || !colour)
        return FPC_ENOMEM;
    *out = (fpc_setup_classes){.ignored = n < v->n ? n : -1};
    out->info = (fpc_dataset_info){.size = sizeof out->info, .classes = n, .ignore_label = n < v->n ? VOID : -1};
    fpc_palette_make(n, colour);
    for (int32_t i = 0; i < n; i++) {
        if (!(name[i] = name_of(arena, v, n, i)))
            return FPC_ENOMEM;
        for (int c = 0; c < 3 && v->colours; c++)
            colour[i][c] = (uint8_t)(v->value[i].value >> (16 - 8 * c));
        out->label[i] = (int16_t)i;
        out->mapped |= !v->colours && v->value[i].value != (uint32_t)i;
    }
    if (n < v->n)
        out->label[n] = VOID;
    out->info.class_names = name;
    out->info.palette = (const uint8_t(*)[3])colour;
    return FPC_OK;
}

/* ---- masks in parts, whose names say what they are ---- */

static int32_t label_of(const fpc_dataset_info *info, const char *name)
{
    for (int32_t i = 0; i < info->classes; i++)
        if (!strcmp(info->class_names[i], name))
            return i;
    return -1;
}

/* Whether the parts are those of CelebAMask-HQ, more than half of them. */
static fpc_status find_faces(fpc_cmdline *cmd, const fpc_cut *cut, fpc_setup_classes *out)
{
    static const char faces[] = "celebamask19";
    const fpc_status status = open_preset(cmd, faces, &out->info);

    if (status || 2 * cut->classes < out->info.classes)
        return status;
    for (int32_t i = 0; i < cut->classes; i++) {
        const int32_t label = label_of(&out->info, cut->class[i].name);
        if (label < 1)
            return FPC_OK;
        out->label[i + 1] = (int16_t)label;
    }
    out->preset = faces;
    return FPC_OK;
}

/* l_eye and r_eye, left_eye and right_eye. */
static int32_t find_sides(const fpc_dataset_info *info, uint8_t (*pair)[2])
{
    static const char *const side[][2] = {{"l_", "r_"}, {"left_", "right_"}};
    int32_t n = 0;

    for (int32_t i = 1; i < info->classes; i++)
        for (int k = 0; k < 2; k++) {
            const size_t l = strlen(side[k][0]), r = strlen(side[k][1]);
            for (int32_t j = 1; j < info->classes && !strncmp(info->class_names[i], side[k][0], l); j++)
                if (!strncmp(info->class_names[j], side[k][1], r) &&
                    !strcmp(info->class_names[i] + l, info->class_names[j] + r)) {
                    pair[n][0] = (uint8_t)i;
                    pair[n++][1] = (uint8_t)j;
                }
        }
    return n;
}

/* In the order in which they were counted, the larger ones first. */
static fpc_status name_by_part(fpc_arena *arena, const fpc_cut *cut, fpc_setup_classes *out)
{
    const int32_t n = cut->classes + 1;
    const char **name = fpc_alloc(arena, (size_t)n * sizeof *name);
    uint8_t(*colour)[3] = fpc_alloc(arena, (size_t)n * sizeof *colour);
    uint8_t(*pair)[2] = fpc_alloc(arena, (size_t)n * sizeof *pair);

    if (!name || !colour || !pair)
        return FPC_ENOMEM;
    *out = (fpc_setup_classes){.ignored = -1};
    out->info = (fpc_dataset_info){.size = sizeof out->info, .classes = n, .ignore_label = -1};
    fpc_palette_make(n, colour);
    name[0] = "background";
    for (int32_t i = 0; i < n; i++) {
        name[i] = i ? cut->class[i - 1].name : name[0];
        out->label[i] = (int16_t)i;
    }
    out->info.class_names = name;
    out->info.palette = (const uint8_t(*)[3])colour;
    out->info.n_mirror_pairs = find_sides(&out->info, pair);
    out->info.mirror_pairs = (const uint8_t(*)[2])pair;
    return FPC_OK;
}

static fpc_status find_parts(fpc_cmdline *cmd, const fpc_layout *layout, fpc_setup_classes *out)
{
    const fpc_status status = find_faces(cmd, layout->cut, out);

    return status || out->preset ? status : name_by_part(cmd->arena, layout->cut, out);
}

fpc_status fpc_setup_classes_find(fpc_cmdline *cmd, const fpc_layout *layout, const fpc_mask_values *v,
                                  fpc_setup_classes *out)
{
    *out = (fpc_setup_classes){.ignored = -1};
    if (layout->cut)
        return find_parts(cmd, layout, out);
    const fpc_status status = find_preset(cmd, layout, v, out);

    return status || out->preset ? status : name_by_value(cmd->arena, v, out);
}
