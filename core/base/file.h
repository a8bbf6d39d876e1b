/* file.h: files are written whole or not at all. */
#ifndef CORE_BASE_FILE_H
#define CORE_BASE_FILE_H

#include <fpcore/logger.h>

typedef struct fpc_part_of_file {
    const void *data;
    size_t bytes;
} fpc_part_of_file;

/* Temporary name in the same folder, fsync, rename, fsync of the folder. fpc_write_atomic (fpcore/logger.h) writes one
 * part. */
fpc_status fpc_write_parts(fpc_ctx *, const char *path, int32_t n, const fpc_part_of_file *);

#endif
