/* classes.h: the table of a data set's classes as text: in the run folder, in the weights' metadata. The public part,
 * fpc_classes_read, is in fpcore/dataset.h. */
#ifndef CORE_DATA_CLASSES_H
#define CORE_DATA_CLASSES_H

#include <fpcore/dataset.h>

#define FPC_META_CLASSES "class.table" /* key of the weights' metadata */

/* A file of classes that says what info does; names that no file could hold become "class N". NULL: no memory. */
const char *fpc_classes_text(fpc_arena *, const fpc_dataset_info *info);
/* Such text; `name` stands for the file in messages. Fills classes, class_names, palette and mirror pairs. */
fpc_status fpc_classes_parse(fpc_ctx *, fpc_arena *, const char *name, const char *text, fpc_dataset_info *info);
/* The first difference between two such texts that a training would notice (number, names, sides; colours are nobody's
 * business); "": none. origin: where `was` stands, in messages. */
fpc_status fpc_classes_differ(fpc_ctx *, fpc_arena *, const char *origin, const char *was, const char *is,
                              const char **difference);

#endif
