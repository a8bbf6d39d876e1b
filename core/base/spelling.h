/* spelling.h: what somebody may have meant by a word that is not known. */
#ifndef CORE_BASE_SPELLING_H
#define CORE_BASE_SPELLING_H

#include <stdint.h>

/* The nearest of n names by edit distance (at most 3, less for short words), or NULL. */
const char *fpc_nearest(const char *word, int32_t n, const char *const *names);

enum { FPC_LONGEST_WORD = 255 };

/* How many letters to put in, take out, exchange, or swap with their neighbour make the name of the word, neither of
 * them longer than FPC_LONGEST_WORD. wild: * in the word stands for any letters, ? and [abc] for one. *letters: those
 * of the word that stand for themselves. */
int32_t fpc_edits(const char *word, int wild, const char *name, int32_t *letters);

#endif
