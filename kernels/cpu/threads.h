/* threads.h: the threads of the cpu backend. Work items are handed out by a counter, so which thread runs what is left
 * to chance: a body must not let its result depend on its thread number, which only names a piece of scratch memory. */
#ifndef KERNELS_CPU_THREADS_H
#define KERNELS_CPU_THREADS_H

#include <stdint.h>

typedef struct fpc_threads fpc_threads;

/* `threads` counts the caller of fpc_threads_run, so 1 starts none. NULL where memory or threads are refused. */
fpc_threads *fpc_threads_new(int32_t threads);
void fpc_threads_free(fpc_threads *);
/* Calls body(arg, i, thread) for i in [0, n), thread < threads; returns when all are done. From one thread at a time;
 * called from within a body it runs on that body's thread alone. */
void fpc_threads_run(fpc_threads *, int32_t n, void (*body)(void *arg, int32_t i, int32_t thread), void *arg);

/* Processors that this process may use, at least 1. */
int32_t fpc_threads_processors(void);

#endif
