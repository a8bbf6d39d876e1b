/* pairs.h: folders as they are listed, and the pairs of pictures and masks that the names of their files make; for
 * layout.c, which knows where to look. Thread: [main]. */
#ifndef CORE_CMD_SETUP_PAIRS_H
#define CORE_CMD_SETUP_PAIRS_H

#include "cmd/setup/setup.h"

/* What lies in a folder. */
typedef struct fpc_listing {
    const char *sub; /* in the root; "." is the root */
    int there;
    int64_t n, n_subs, n_others, room, subs_room;
    const char **name, **subs; /* pictures (fpc_image_named) and folders, sorted */
    const char *other;         /* the first file of another kind */
} fpc_listing;

typedef struct fpc_finder {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_layout *out;
    fpc_status status; /* the first failure */
} fpc_finder;

const char *fpc_finder_join(fpc_finder *, const char *a, const char *b); /* "" after a failure */

/* A folder that is not there is empty. */
fpc_listing fpc_finder_look(fpc_finder *, const char *sub);

/* Folders of a listing that are called one of `names` with `tail` behind it, in any letter case. */
typedef struct fpc_named {
    const fpc_listing *in;
    const char *const *names, *tail;
    int64_t at; /* the next folder to look at, under the first of the names that are left */
} fpc_named;

/* The next of them, in the order of the names; NULL: there is none left. */
const char *fpc_named_next(fpc_named *);

/* Whether one pairing is to be had rather than another: with the masks of classes rather than those of single objects,
 * then with more pairs. */
int fpc_pairs_better(const fpc_pairs *, const fpc_pairs *than);

/* Pairs of two folders, which may be one. n 0: none. */
fpc_pairs fpc_pairs_find(fpc_finder *, const fpc_listing *images, const fpc_listing *masks);

/* Whether a name's end is one that people give to whole masks: "mask" of 7_mask.png. */
int fpc_pairs_suffix(const char *tail);

/* cut.c: masks in parts. 0: there are none, and nothing of f->out is set. */
int fpc_cut_find(fpc_finder *, const fpc_listing *top);

#endif
