/* zip_archive.h: ZIP archives in memory, through libzip: made of named pieces, and taken apart again. */
#ifndef CORE_CMD_SUBMIT_ZIP_ARCHIVE_H
#define CORE_CMD_SUBMIT_ZIP_ARCHIVE_H

#include <fpcore/base.h>

typedef struct fpc_zip_entry {
    const char *name; /* "masks/a7.png" */
    const void *data;
    size_t bytes;
    int store; /* 1: as it is; 0: deflated */
} fpc_zip_entry;

/* Entries carry no time, so equal pieces make equal archives. what: the archive's name in messages. comment: of the
 * archive, or NULL. */
fpc_status fpc_zip_make(fpc_ctx *, fpc_arena *, const char *what, const char *comment, int32_t n, const fpc_zip_entry *,
                        const void **data, size_t *bytes);
/* Whether the file is an archive with that comment. */
int fpc_zip_says(const char *path, const char *comment);
/* Every entry, unpacked, its checksum compared. data has to stay. */
fpc_status fpc_zip_read(fpc_ctx *, fpc_arena *, const char *what, const void *data, size_t bytes, int32_t *n,
                        fpc_zip_entry **);
const fpc_zip_entry *fpc_zip_find(int32_t n, const fpc_zip_entry *, const char *name);

#endif
