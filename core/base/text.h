/* text.h: text files that people write, on whatever system: one place that says what is read. fpc_text_read
 * (fpcore/ini.h) reads a file so. And small work on texts: lists, numbers and the words behind them. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <fpcore/ini.h>

/* Cleans a text in place: takes off the mark of UTF-8 at its front and ends every line with \n (\r\n of Windows, \r of
 * old Macs). text has a NUL behind its bytes, before and after. NULL: done; else what is wrong, "is text in UTF-16,
 * ...": UTF-16 and bytes 0 are not guessed at. */
const char *fpc_text_clean(fpc_arena *, char *text, size_t *bytes);
/* Takes the blanks off both ends, in place. */
char *fpc_trim(char *text);
/* The items of a list with commas between them, trimmed; an empty text has none. NULL: no memory. */
char **fpc_split(fpc_arena *, const char *text, int64_t *n);
/* 1747923 as "1,747,923", of a number that is not negative. */
const char *fpc_grouped(fpc_arena *, int64_t);

/* The order of two pointers to texts, for qsort and bsearch. */
int fpc_by_text(const void *, const void *);

/* The word behind a number: "1 flaw", "2 flaws". */
static inline const char *fpc_word(int64_t n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

#endif
