/* recordings.h: what the tests of recorded runs share: a scratch folder with histories and run folders in it. */
#ifndef TESTS_UNIT_RECORDINGS_H
#define TESTS_UNIT_RECORDINGS_H

#include "fixture.h"
#include "record/recorded.h"

#include <math.h>

/* Writes a file of the test folder, making its folder; returns the path. */
static inline const char *recorded_write(bench *b, const char *name, const char *text)
{
    char *path = fpc_sprintf(b->arena, "%s/%s", test_folder(), name), *slash = strrchr(path, '/');
    FILE *file;

    *slash = '\0';
    mkdir(path, 0777);
    *slash = '/';
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static inline fpc_recorded *recorded_read(bench *b, const char *path)
{
    fpc_recorded *recorded = NULL;

    if (fpc_recorded_read(b->ctx, b->arena, path, &recorded))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return recorded;
}

#endif
