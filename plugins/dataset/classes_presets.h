/* classes_presets.h: classes of data sets that many people have: their names, colours, sides, and the label that counts
 * nowhere, as their authors define them. */
#ifndef DATASET_CLASSES_PRESETS_H
#define DATASET_CLASSES_PRESETS_H

#include <fpcore/dataset.h>
#include <fpcore/option.h>

typedef struct fpc_class_preset {
    const char *preset;
    int32_t n, n_pairs, ignore_label; /* ignore_label -1: none */
    const char *const *name;
    const uint8_t (*palette)[3]; /* NULL: the authors give none, so that it is the usual one */
    const uint8_t (*pair)[2];
    const uint8_t *void_colour; /* of ignore_label in masks in RGB; NULL: none */
} fpc_class_preset;

/* All presets, those of CelebAMask-HQ too; a choice's value is the number of its classes. */
extern const fpc_choice fpc_class_presets[];
/* NULL: the table has none of that name. */
const fpc_class_preset *fpc_class_preset_of(const char *name);
/* The label that counts nowhere, and its colour, of what the option `classes` names; -1 and NULL: there is none. */
int32_t fpc_classes_void(const char *name, const uint8_t **colour);

#endif
