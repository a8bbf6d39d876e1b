/* thread.h: threads of the core's own. */
#ifndef CORE_BASE_THREAD_H
#define CORE_BASE_THREAD_H

#include <pthread.h>

/* pthread_create for a thread that no signal of the program reaches: those stay with the main thread, but for those of
 * a crash, which are the crashing thread's own. 1: it runs; 0: the system gives no more threads. */
int fpc_thread_start(pthread_t *, void *(*fn)(void *), void *arg);

#endif
