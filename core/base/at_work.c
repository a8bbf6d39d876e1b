/* at_work.c: a small stack for each thread of whose code it is in. The handler of a crash reads it on the thread that
 * crashed, so it is volatile and of the kind of thread-local memory that is there without a call (initial-exec). */
#include "base/at_work.h"

#include <stddef.h>

enum { DEPTH = 8 }; /* what is nested deeper counts as its caller's */

static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    const char *volatile who[DEPTH];
    volatile int depth;
} here;

void fpc_at_work_enter(const char *who)
{
    const int at = here.depth;

    if (at < DEPTH)
        here.who[at] = who ? who : at > 0 ? here.who[at - 1] : NULL;
    here.depth = at + 1;
}

void fpc_at_work_leave(void)
{
    here.depth = here.depth - 1;
}

const char *fpc_at_work(void)
{
    const int at = here.depth < DEPTH ? here.depth : DEPTH;

    return at > 0 ? here.who[at - 1] : NULL;
}
