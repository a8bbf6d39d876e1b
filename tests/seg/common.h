/* common.h: what the programs of this folder share, which know libfpseg and libc alone. */
#ifndef TESTS_SEG_COMMON_H
#define TESTS_SEG_COMMON_H

#include <fpseg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char why[300];

static inline void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static inline uint8_t *get(size_t n)
{
    uint8_t *p = malloc(n ? n : 1);

    if (!p)
        fail("memory");
    return p;
}

static inline uint8_t *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;

    if (!f || fseek(f, 0, SEEK_END))
        fail(path);
    *n = (size_t)ftell(f);
    rewind(f);
    data = get(*n);
    if (fread(data, 1, *n, f) != *n)
        fail(path);
    fclose(f);
    return data;
}

static inline fps_session *begin(fps_model *m, int threads)
{
    const fps_options o = {.size = sizeof o, .threads = threads};
    fps_session *s;

    if (fps_session_new(m, &o, &s, why, sizeof why))
        fail("session");
    return s;
}

#endif
