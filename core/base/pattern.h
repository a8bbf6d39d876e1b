/* pattern.h: shell-style patterns over names of tensors, as recipes list them: `block1.*, *.bias`. */
#ifndef CORE_BASE_PATTERN_H
#define CORE_BASE_PATTERN_H

#include <fpcore/base.h>

typedef struct fpc_patterns {
    int32_t n;
    const char **v;
} fpc_patterns;

/* The items of a text with commas between them, without the blanks around each; empty ones are left out. */
fpc_status fpc_patterns_read(fpc_arena *, const char *text, fpc_patterns *out);
/* Whether the whole name is what the pattern says: * any characters, dots too; ? one; [abc] one of them. */
int fpc_pattern_matches(const char *pattern, const char *name);
/* The first that matches; -1: none. */
int32_t fpc_patterns_find(const fpc_patterns *, const char *name);
/* The name that the pattern misses by the fewest letters, what * and ? stand for not counted; NULL: none is near. */
const char *fpc_pattern_nearest(const char *pattern, int32_t n, const char *const *names);

#endif
