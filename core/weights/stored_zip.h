/* stored_zip.h: ZIP archives whose entries are stored as they are, as torch.save writes them: where each of them lies.
 * What unpacks and writes archives is libzip, with the program (cmd/submit/zip_archive.h): with it libfpcore would need
 * three more libraries, one of them for ciphers, and an archive would lie in memory twice. */
#ifndef CORE_WEIGHTS_STORED_ZIP_H
#define CORE_WEIGHTS_STORED_ZIP_H

#include <fpcore/base.h>

typedef struct fpc_stored {
    const char *name;          /* "archive/data.pkl" */
    const unsigned char *data; /* in the archive; NULL: it is compressed */
    size_t bytes;
} fpc_stored;

/* The entries of the archive `data`, whose checksums are compared, in the directory's order. what: the archive's name
 * in messages. Refused are entries that overlap, so that in sum they are larger than the archive, that are encrypted,
 * or lie in another file. Source: PKWARE, .ZIP File Format Specification (APPNOTE.TXT), 6.3.10, with ZIP64. */
fpc_status fpc_stored_read(fpc_ctx *, fpc_arena *, const char *what, const unsigned char *data, size_t bytes,
                           int32_t *n, fpc_stored **);

#endif
