/* file.h: files are written whole or not at all, and read whole or not at all. */
#ifndef CORE_BASE_FILE_H
#define CORE_BASE_FILE_H

#include <fpcore/logger.h>
#include <stdio.h>

typedef struct fpc_part_of_file {
    const void *data;
    size_t bytes;
} fpc_part_of_file;

/* Temporary name in the same folder, fsync, rename, fsync of the folder. fpc_write_atomic (fpcore/logger.h) writes one
 * part. */
fpc_status fpc_write_parts(fpc_ctx *, const char *path, int32_t n, const fpc_part_of_file *);
/* The same without the rename: beside: the file that becomes `path` when the caller renames it, or that it unlinks;
 * NULL: none was left. */
fpc_status fpc_write_beside(fpc_ctx *, fpc_arena *, const char *path, const void *data, size_t bytes,
                            const char **beside);
/* A new, empty file in the folder of `path`, for whoever writes it piece by piece: its descriptor, or -1 with errno.
 * What was there before never has its name, so that unlinking it takes nothing from anybody. name: of malloc. */
int fpc_create_beside(const char *path, char **name);

/* A text that ends with a line end, whether or not it has one. */
fpc_status fpc_write_text(fpc_ctx *, const char *path, const char *text);

/* Makes the folder `path` and those above it, where they are not there yet. what: whose folder, for the sentence of a
 * failure: "run.out = a/b". */
fpc_status fpc_make_folders(fpc_ctx *, const char *what, const char *path);
/* Whether they could be made, with the same sentence where not. */
fpc_status fpc_check_folders(fpc_ctx *, const char *what, const char *path);

/* A plain file of at most `most` bytes, with a NUL behind them. Anything else is refused, and not waited for: opening a
 * FIFO never hangs. */
fpc_status fpc_read_file(fpc_ctx *, fpc_arena *, const char *path, size_t most, char **text, size_t *bytes);
/* The same for callers with a sentence of their own: why is "cannot be read: No such file or directory". */
fpc_status fpc_read_file_why(fpc_arena *, const char *path, size_t most, char **text, size_t *bytes, const char **why);
/* Opens a plain file, and waits for nothing else either: NULL. For a look at the first bytes. */
FILE *fpc_open_plain(const char *path);
/* Standard input to its end, at most `most` bytes; FPC_ECANCEL where `until`, which may be another thread's context, is
 * cancelled before that end comes. */
fpc_status fpc_read_stdin(fpc_ctx *, const fpc_ctx *until, fpc_arena *, size_t most, char **data, size_t *bytes);

#endif
