/* threads.h: the threads of the cpu backend. Which thread runs an item is left to chance where one thread helps
 * another: a body must not let its result depend on its thread number, which only names a piece of scratch memory. */
#ifndef KERNELS_CPU_THREADS_H
#define KERNELS_CPU_THREADS_H

#include <stdint.h>

typedef struct fpc_threads fpc_threads;

/* `threads` counts the caller of fpc_threads_run, so 1 starts none. processors: how many of them the threads may keep
 * busy; waiting threads spin for a while only where there is one for each. NULL where memory or threads are refused. */
fpc_threads *fpc_threads_new(int32_t threads, int32_t processors);
void fpc_threads_free(fpc_threads *);
/* Ties each started thread to one of the processors that the process may use, in turn; the caller stays free, because
 * threads that it starts later would inherit the tie. Threads then spin longer, since nobody else is to run there. How
 * many threads the system left untied. */
int32_t fpc_threads_bind(fpc_threads *);
/* Calls body(arg, i, thread) for i in [0, n), thread < threads; returns when all are done. Item i is offered first to
 * thread i * threads / n, so that jobs of one length find their data in the same caches. From one thread at a time;
 * called from within a body it runs on that body's thread alone. */
void fpc_threads_run(fpc_threads *, int32_t n, void (*body)(void *arg, int32_t i, int32_t thread), void *arg);

#endif
