/* print.h: the output of verbs. The stream belongs to cmd/main.c. Thread: [main]. */
#ifndef CORE_BASE_PRINT_H
#define CORE_BASE_PRINT_H

void fpc_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Where fpc_print writes, for cmd/main.c and tests: a FILE; NULL: nowhere. */
void fpc_print_to(void *file);
/* Flushes; the errno of the first write that failed, or 0. */
int fpc_print_end(void);

#endif
