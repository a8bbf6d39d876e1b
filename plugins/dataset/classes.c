/* classes.c: see classes.h. The INI file is read by the recipe's reader, so mistakes in it carry FILE:LINE. */
#include "classes.h"
#include <fpcore/ini.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The 19 names of CelebAMask-HQ in the two orders in which masks are numbered: that of classes.h, and the one in which
 * pairs stand side by side in front, as many a network for face parsing counts. */
static const char *const names[FACE_CLASSES] = {"background", "skin",  "nose",   "eye_g", "l_eye", "r_eye", "l_brow",
                                                "r_brow",     "l_ear", "r_ear",  "mouth", "u_lip", "l_lip", "hair",
                                                "hat",        "ear_r", "neck_l", "neck",  "cloth"};

static const uint8_t palette[FACE_CLASSES][3] = {
    {0, 0, 0},       {204, 0, 0},   {76, 153, 0}, {204, 204, 0},  {51, 51, 255}, {204, 0, 204}, {0, 255, 255},
    {255, 204, 204}, {102, 51, 0},  {255, 0, 0},  {102, 204, 0},  {255, 255, 0}, {0, 0, 153},   {0, 0, 204},
    {255, 51, 153},  {0, 204, 204}, {0, 51, 0},   {255, 153, 51}, {0, 204, 0}};

static const uint8_t pairs[][2] = {{L_EYE, R_EYE}, {L_BROW, R_BROW}, {L_EAR, R_EAR}};

static const uint8_t parsing[FACE_CLASSES] = {BACKGROUND, SKIN,     L_BROW,  R_BROW, L_EYE, R_EYE, GLASSES,
                                              L_EAR,      R_EAR,    EARRING, NOSE,   MOUTH, U_LIP, L_LIP,
                                              NECK,       NECKLACE, CLOTH,   HAIR,   HAT};

/* The names in the order of `number`; NULL: that of classes.h. */
static fpc_status preset(fpc_self *self, const uint8_t *number, fpc_dataset_info *info)
{
    enum { PAIRS = sizeof pairs / sizeof *pairs };
    const char **name = fpc_alloc(self->arena, FACE_CLASSES * sizeof *name);
    uint8_t(*colour)[3] = fpc_alloc(self->arena, sizeof palette);
    uint8_t(*pair)[2] = fpc_alloc(self->arena, sizeof pairs), label[FACE_CLASSES];

    if (!name || !colour || !pair)
        return FPC_ENOMEM;
    for (int i = 0; i < FACE_CLASSES; i++) {
        const int part = number ? number[i] : i;
        name[i] = names[part];
        memcpy(colour[i], palette[part], 3);
        label[part] = (uint8_t)i;
    }
    for (int i = 0; i < PAIRS; i++)
        for (int side = 0; side < 2; side++)
            pair[i][side] = label[pairs[i][side]];
    info->classes = FACE_CLASSES;
    info->class_names = name;
    info->palette = (const uint8_t(*)[3])colour;
    info->mirror_pairs = (const uint8_t(*)[2])pair;
    info->n_mirror_pairs = PAIRS;
    return FPC_OK;
}

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

static fpc_status read_names(fpc_self *self, const fpc_section *section, const char *path, fpc_dataset_info *info)
{
    if (!section || section->n < 1 || section->n > 256)
        return fpc_fail(self->ctx, FPC_EFORMAT, "%s: a section [classes] with 1 to 256 lines `LABEL = name` is needed",
                        path);
    const char **list = fpc_alloc(self->arena, (size_t)section->n * sizeof *list);
    if (!list)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < section->n; i++) {
        const fpc_entry *e = &section->entry[i];
        long label;
        if (!whole_number(e->key, 0, section->n - 1, &label) || list[label])
            return fpc_fail(self->ctx, FPC_EFORMAT, "%s: classes.%s: labels are 0 .. %d, each once", e->origin, e->key,
                            section->n - 1);
        if (!*e->value)
            return fpc_fail(self->ctx, FPC_EFORMAT, "%s: classes.%s has no name", e->origin, e->key);
        for (int32_t k = 0; k < i; k++)
            if (strcmp(section->entry[k].value, e->value) == 0)
                return fpc_fail(self->ctx, FPC_EFORMAT, "%s and %s: classes %s and %s are both called %s",
                                section->entry[k].origin, e->origin, section->entry[k].key, e->key, e->value);
        if (!(list[label] = fpc_strdup(self->arena, e->value)))
            return FPC_ENOMEM;
    }
    info->classes = section->n;
    info->class_names = list;
    return FPC_OK;
}

/* Colours that tell neighbours apart where the file gives none. */
static void default_colour(int32_t label, uint8_t rgb[3])
{
    for (int c = 0; c < 3; c++) {
        int value = 0;
        for (int bit = 0; bit < 8; bit++) /* the VOC rule: bits of the label, highest first, one channel each in turn */
            value |= ((label >> (3 * bit + c)) & 1) << (7 - bit);
        rgb[c] = (uint8_t)value;
    }
}

static fpc_status read_palette(fpc_self *self, const fpc_section *section, fpc_dataset_info *info)
{
    uint8_t(*list)[3] = fpc_alloc(self->arena, (size_t)info->classes * 3);
    if (!list)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < info->classes; i++)
        default_colour(i, list[i]);
    for (int32_t i = 0; section && i < section->n; i++) {
        const fpc_entry *e = &section->entry[i];
        long label;
        if (!whole_number(e->key, 0, info->classes - 1, &label) || !number_list(e->value, 3, 255, list[label]))
            return fpc_fail(
                self->ctx, FPC_EFORMAT,
                "%s: palette.%s = %s: a line is `LABEL = red, green, blue` with a label 0 .. %d and 0 .. 255",
                e->origin, e->key, e->value, info->classes - 1);
    }
    info->palette = (const uint8_t(*)[3])list;
    return FPC_OK;
}

static fpc_status read_pairs(fpc_self *self, const fpc_section *section, fpc_dataset_info *info)
{
    if (!section || !section->n)
        return FPC_OK;
    uint8_t(*list)[2] = fpc_alloc(self->arena, (size_t)section->n * 2), seen[256] = {0};
    if (!list)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < section->n; i++) {
        const fpc_entry *e = &section->entry[i];
        if (!number_list(e->value, 2, info->classes - 1, list[i]) || seen[list[i][0]]++ || seen[list[i][1]]++)
            return fpc_fail(
                self->ctx, FPC_EFORMAT,
                "%s: mirror.%s = %s: a line is `NAME = LABEL, LABEL`, labels 0 .. %d, each in one pair at most",
                e->origin, e->key, e->value, info->classes - 1);
    }
    info->mirror_pairs = (const uint8_t(*)[2])list;
    info->n_mirror_pairs = section->n;
    return FPC_OK;
}

static fpc_status check_sections(fpc_self *self, const fpc_ini *file)
{
    for (int32_t i = 0; i < file->n; i++) {
        const char *name = file->section[i].name;
        if (strcmp(name, "classes") != 0 && strcmp(name, "palette") != 0 && strcmp(name, "mirror") != 0)
            return fpc_fail(self->ctx, FPC_EFORMAT,
                            "%s: [%s]: a file of classes has [classes], [palette] and [mirror] only",
                            file->section[i].origin, name);
    }
    return FPC_OK;
}

fpc_status fpc_classes_open(fpc_self *self, const char *which, fpc_dataset_info *info)
{
    if (strcmp(which, "celebamask19") == 0)
        return preset(self, NULL, info);
    if (strcmp(which, "celebamask19_parsing") == 0)
        return preset(self, parsing, info);
    const fpc_ini *file = NULL;
    if (access(which, R_OK))
        return fpc_fail(self->ctx, FPC_ENOENT,
                        "%s.classes = %s: neither a preset (celebamask19, celebamask19_parsing) nor a file that can "
                        "be read: %s",
                        self->label, which, strerror(errno));
    fpc_status status = fpc_ini_read(self->ctx, self->arena, which, &file);
    if (status == FPC_OK)
        status = check_sections(self, file);
    if (status == FPC_OK)
        status = read_names(self, fpc_ini_section(file, "classes"), which, info);
    if (status == FPC_OK)
        status = read_palette(self, fpc_ini_section(file, "palette"), info);
    if (status == FPC_OK)
        status = read_pairs(self, fpc_ini_section(file, "mirror"), info);
    return status;
}
