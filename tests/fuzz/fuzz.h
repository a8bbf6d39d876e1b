/* fuzz.h: what the fuzz targets share: the input as a file that the readers under test can open by path. Each target is
 * one function for libFuzzer (make check-fuzz, clang). A target fails by crashing, hanging, or leaking: a refusal with
 * a sentence is a pass, a refusal without one is not. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#define _GNU_SOURCE
#include "base/message.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct fuzz_file {
    int fd;
    char path[64];
} fuzz_file;

static inline fuzz_file fuzz_open(const uint8_t *data, size_t size)
{
    fuzz_file f = {.fd = memfd_create("fuzz", 0)};
    if (f.fd < 0 || write(f.fd, data, size) != (ssize_t)size)
        abort();
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

/* A failure must have said why. */
static inline void fuzz_judge(fpc_ctx *ctx, fpc_status status)
{
    if (status && (!fpc_ctx_error(ctx) || strlen(fpc_ctx_error(ctx)) < 10))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
