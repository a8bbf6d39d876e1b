/* print.h: the output of verbs. The stream belongs to cmd/main.c. Thread: one at a time; a hand of predict prints too.
 */
#ifndef CORE_BASE_PRINT_H
#define CORE_BASE_PRINT_H

#include <stddef.h>

/* Control characters but line end and tab, and what is no UTF-8, are printed as "?". */
void fpc_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A JSON text and a line end; the control characters that JSON lets pass, DEL and C1, are escaped as \u0080. */
void fpc_print_json(const char *text);
/* Bytes as they are. */
void fpc_print_bytes(const void *data, size_t bytes);
/* Where fpc_print writes, for cmd/main.c and tests: a FILE; NULL: nowhere. */
void fpc_print_to(void *file);
/* Flushes; the errno of the first write that failed, or 0. */
int fpc_print_end(void);

#endif
