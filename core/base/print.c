/* print.c: the output of verbs. The stream belongs to main.c; the first failure to write is remembered, so that a full
 * disk behind `>` is an error and not a short file. Thread: [main]. */
#define _GNU_SOURCE
#include "base/print.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static FILE *stream;
static int failure;

void fpc_print_to(void *file)
{
    stream = file;
    failure = 0;
}

void fpc_print(const char *fmt, ...)
{
    va_list args;

    if (!stream || failure)
        return;
    va_start(args, fmt);
    errno = 0;
    if (vfprintf(stream, fmt, args) < 0)
        failure = errno ? errno : EIO;
    va_end(args);
}

int fpc_print_end(void)
{
    errno = 0;
    if (stream && !failure && fflush(stream) != 0)
        failure = errno ? errno : EIO;
    return failure;
}
