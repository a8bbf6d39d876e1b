/* print.c: the output of verbs, defused like failures and the log (base/message.h). The stream belongs to main.c; the
 * first failure to write is remembered, so that a full disk behind `>` is an error and not a short file. Thread:
 * [main]. */
#define _GNU_SOURCE
#include "base/print.h"
#include "base/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *stream;
static int failure;

void fpc_print_to(void *file)
{
    stream = file;
    failure = 0;
}

static void put(const char *text)
{
    errno = 0;
    if (fputs(text, stream) < 0)
        failure = errno ? errno : EIO;
}

void fpc_print(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    if (!stream || failure)
        return;
    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0) {
        failure = ENOMEM;
        return;
    }
    fpc_defuse(text, "\n\t");
    put(text);
    free(text);
}

/* In JSON a control character stands within a string, so it can be escaped wherever it is met. */
void fpc_print_json(const char *text)
{
    for (const char *at = text; stream && !failure && *at;) {
        const unsigned char *c = (const unsigned char *)at;
        const int c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        if (c1 || *c == 0x7f) {
            errno = 0;
            if (fprintf(stream, "\\u%04x", c1 ? c[1] : *c) < 0)
                failure = errno ? errno : EIO;
            at += 1 + c1;
            continue;
        }
        size_t n = 1;
        while (at[n] && at[n] != 0x7f && (unsigned char)at[n] != 0xc2)
            n++;
        errno = 0;
        if (fwrite(at, 1, n, stream) != n)
            failure = errno ? errno : EIO;
        at += n;
    }
    if (stream && !failure)
        put("\n");
}

void fpc_print_bytes(const void *data, size_t bytes)
{
    errno = 0;
    if (stream && !failure && fwrite(data, 1, bytes, stream) != bytes)
        failure = errno ? errno : EIO;
}

int fpc_print_end(void)
{
    errno = 0;
    if (stream && !failure && fflush(stream) != 0)
        failure = errno ? errno : EIO;
    return failure;
}
