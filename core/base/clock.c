/* clock.c: the two clocks that the core reads. */
#define _GNU_SOURCE
#include "base/clock.h"

#include <time.h>

double fpc_clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double fpc_clock_unix(void)
{
    return (double)time(NULL);
}
