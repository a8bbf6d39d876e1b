/* post.h (experiment): the file that says what is done behind a network (image/post.h): `fpcore tune` writes it, and
 * predict, eval and submit take it with --post.
 *
 *     [post]
 *     holes = 0.0003       # share of the picture
 *     [post.bias]
 *     13 = 0.25            # hair; a label or a class's name
 *     [post.smallest]
 *     13 = 0.001           # share of the picture
 *     [post.sides]
 *     5 = 4                # r_eye lies to the left of l_eye
 *     [classes]
 *     0 = background       # all of the network's, so that no other network is taken for it
 */
#ifndef CORE_EXPERIMENT_POST_H
#define CORE_EXPERIMENT_POST_H

#include <fpcore/dataset.h>
#include "image/post.h"

#define FPC_POST_MARK "# Written by fpcore tune." /* the first line of a file that fpcore tune wrote */
#define FPC_POST_BIAS 10.0                        /* the largest bias in a file */
#define FPC_POST_SHARE 0.25                       /* the largest share */

/* info: classes and names of the network. */
fpc_status fpc_post_read(fpc_ctx *, fpc_arena *, const char *path, const fpc_dataset_info *info, fpc_post *out);
/* Such a file. notes: lines that begin with # or are empty, for people. NULL: no memory. */
const char *fpc_post_text(fpc_arena *, const fpc_post *, const fpc_dataset_info *info, const char *notes);

#endif
