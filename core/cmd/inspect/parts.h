/* parts.h: masks that come as a black and white picture for each part of a picture, as CelebAMask-HQ has them, made
 * into one index mask for each picture. */
#ifndef CORE_CMD_INSPECT_PARTS_H
#define CORE_CMD_INSPECT_PARTS_H

#include <fpcore/dataset.h>

/* Files NAME_CLASS.png in `folder` and in the folders in it; CLASS is a name of info. Writes out/NAME.png: the parts
 * painted in the order of their labels, the later over the earlier, on 0. What is there already stays. keep_names 0: a
 * name of digits loses its leading zeros, as pictures of CelebAMask-HQ are called 7.jpg and their parts 00007_hair.png.
 */
fpc_status fpc_parts_join(fpc_ctx *, fpc_arena *, const fpc_dataset_info *info, const char *folder, const char *out,
                          int keep_names);

#endif
