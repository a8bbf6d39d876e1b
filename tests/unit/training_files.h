/* training_files.h: training.h, for tests that also read what trainings leave: a context of their own, for setup and
 * teardown of a test, and tensors from a run's folder. */
#ifndef TESTS_UNIT_TRAINING_FILES_H
#define TESTS_UNIT_TRAINING_FILES_H

#include "training.h"

static fpc_st_file *read_file(bench *b, const char *folder, const char *name)
{
    fpc_st_file *file;

    if (fpc_st_read(b->ctx, b->arena, fpc_sprintf(b->arena, "%s/%s", folder, name), &file))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return file;
}

#endif
