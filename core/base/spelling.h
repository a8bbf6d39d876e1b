/* spelling.h: what somebody may have meant by a word that is not known. */
#ifndef CORE_BASE_SPELLING_H
#define CORE_BASE_SPELLING_H

#include <stdint.h>

/* The nearest of n names by edit distance (at most 3, less for short words), or NULL. */
const char *fpc_nearest(const char *word, int32_t n, const char *const *names);

#endif
