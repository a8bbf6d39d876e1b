/* training_files.h: training.h, for tests that also read what trainings leave: a context of their own, for setup and
 * teardown of a test, and tensors from a run's folder. */
#ifndef TESTS_UNIT_TRAINING_FILES_H
#define TESTS_UNIT_TRAINING_FILES_H

#include "training.h"

static fpc_ctx *ctx;
static fpc_arena *arena;

static int open_both(void **state)
{
    ctx = fpc_ctx_new();
    arena = fpc_arena_new(ctx);
    return setup(state);
}

static int close_both(void **state)
{
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return teardown(state);
}

static fpc_st_file *read_file(const char *folder, const char *name)
{
    fpc_st_file *file;

    if (fpc_st_read(ctx, arena, fpc_sprintf(arena, "%s/%s", folder, name), &file))
        fail_msg("%s", fpc_ctx_error(ctx));
    return file;
}

#endif
