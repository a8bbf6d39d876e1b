/* classes.h: what the labels of a data set are called, how they are drawn, and which change places in a mirror: a
 * preset of a known data set, or an INI file. */
#ifndef DATASET_CLASSES_H
#define DATASET_CLASSES_H

#include <fpcore/dataset.h>
#include "classes_presets.h"

enum {
    BACKGROUND,
    SKIN,
    NOSE,
    GLASSES,
    L_EYE,
    R_EYE,
    L_BROW,
    R_BROW,
    L_EAR,
    R_EAR,
    MOUTH,
    U_LIP,
    L_LIP,
    HAIR,
    HAT,
    EARRING,
    NECKLACE,
    NECK,
    CLOTH,
    FACE_CLASSES
};

/* Fills classes, class_names, palette and mirror pairs of info: from the preset `celebamask19` (in the order above),
 * `celebamask19_parsing` (brows, eyes, glasses, ears, earring, nose ... hair, hat) or another of classes_presets.h, or
 * from the INI file `which`:
 *     [classes]            [palette]               [mirror]
 *     0 = background       0 = 0, 0, 0             left_eye = 1, 2
 *     1 = left_eye         1 = 204, 0, 0
 * [palette] and [mirror] may be absent. */
fpc_status fpc_classes_open(fpc_self *, const char *which, fpc_dataset_info *info);

#endif
