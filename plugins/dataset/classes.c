/* classes.c: see classes.h. The INI file is read by the recipe's reader, so mistakes in it carry FILE:LINE. */
#include "classes.h"
#include <errno.h>
#include <fpcore/image.h>
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

static fpc_status from_table(fpc_self *self, const fpc_class_preset *p, fpc_dataset_info *info)
{
    uint8_t(*colour)[3] = fpc_alloc(self->arena, (size_t)p->n * sizeof *colour);

    if (!colour)
        return FPC_ENOMEM;
    if (p->palette)
        memcpy(colour, p->palette, (size_t)p->n * sizeof *colour);
    else
        fpc_palette_make(p->n, colour);
    info->classes = p->n;
    info->class_names = p->name;
    info->palette = (const uint8_t(*)[3])colour;
    info->mirror_pairs = p->pair;
    info->n_mirror_pairs = p->n_pairs;
    return FPC_OK;
}

static const char *preset_names(fpc_arena *arena)
{
    const char *list = "";

    for (const fpc_choice *p = fpc_class_presets; p->name && list; p++)
        list = fpc_sprintf(arena, "%s%s%s", list, *list ? ", " : "", p->name);
    return list ? list : "";
}

fpc_status fpc_classes_open(fpc_self *self, const char *which, fpc_dataset_info *info)
{
    if (strcmp(which, "celebamask19") == 0)
        return preset(self, NULL, info);
    if (strcmp(which, "celebamask19_parsing") == 0)
        return preset(self, parsing, info);
    const fpc_class_preset *known = fpc_class_preset_of(which);
    if (known)
        return from_table(self, known, info);
    if (access(which, R_OK))
        return fpc_fail(self->ctx, FPC_ENOENT,
                        "%s.classes = %s: neither a preset (%s) nor a file that can be read: %s; looked for in %s, and "
                        "in %s.root",
                        self->label, which, preset_names(self->arena), strerror(errno),
                        fpc_looked(self, "classes", NULL), self->label);
    return fpc_classes_read(self->ctx, self->arena, which, info);
}
