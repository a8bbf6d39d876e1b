/* recordings.h: what the tests of recorded runs share: a scratch folder with histories and run folders in it. */
#ifndef TESTS_UNIT_RECORDINGS_H
#define TESTS_UNIT_RECORDINGS_H

#include "plugins/open.h"
#include "record/recorded.h"

#include <ftw.h>
#include <math.h>
#include <sys/stat.h>

static char pasts_root[64];

static inline int pasts_open(void **state)
{
    snprintf(pasts_root, sizeof pasts_root, "%s/fpc_pasts_XXXXXX", P_tmpdir);
    return bench_open(state) || !mkdtemp(pasts_root);
}

static inline int pasts_remove(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static inline int pasts_close(void **state)
{
    nftw(pasts_root, pasts_remove, 8, FTW_DEPTH | FTW_PHYS);
    return bench_close(state);
}

/* Writes ROOT/name, making its folder; returns the path. */
static inline const char *pasts_write(bench *b, const char *name, const char *text)
{
    char *path = fpc_sprintf(b->arena, "%s/%s", pasts_root, name), *slash = strrchr(path, '/');
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

static inline fpc_recorded *pasts_read(bench *b, const char *path)
{
    fpc_recorded *recorded = NULL;

    if (fpc_recorded_read(b->ctx, b->arena, path, &recorded))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return recorded;
}

#endif
