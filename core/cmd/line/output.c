/* output.c: see output.h. */
#define _POSIX_C_SOURCE 200809L
#include "cmd/line/output.h"
#include "base/message.h"
#include <sys/stat.h>

fpc_output_state fpc_output_look(const char *path, int may_replace)
{
    struct stat about;

    if (stat(path, &about)) {
        if (lstat(path, &about))
            return FPC_OUTPUT_FREE; /* or out of reach, which writing it will tell */
        return may_replace ? FPC_OUTPUT_REPLACED : FPC_OUTPUT_TAKEN;
    }
    if (S_ISDIR(about.st_mode))
        return FPC_OUTPUT_FOLDER;
    if (!S_ISREG(about.st_mode))
        return FPC_OUTPUT_SPECIAL;
    return may_replace ? FPC_OUTPUT_REPLACED : FPC_OUTPUT_TAKEN;
}

fpc_status fpc_output_check(fpc_ctx *ctx, const char *path, const char *verb, const char *other, int may_replace)
{
    switch (fpc_output_look(path, may_replace)) {
    case FPC_OUTPUT_FREE:
    case FPC_OUTPUT_REPLACED:
        return FPC_OK;
    case FPC_OUTPUT_FOLDER:
        return fpc_fail(ctx, FPC_EINVAL, "%s: is a folder; give another %s", path, other);
    case FPC_OUTPUT_SPECIAL:
        return fpc_fail(ctx, FPC_EINVAL, "%s: is no plain file and stays as it is; give another %s", path, other);
    case FPC_OUTPUT_TAKEN:
        break;
    }
    return fpc_fail(ctx, FPC_EINVAL,
                    "%s: is there already, and %s did not write it; give another %s, or --force to replace it", path,
                    verb, other);
}
