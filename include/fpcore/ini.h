/* ini.h: small INI files of a plugin's own (names of classes, lists), read as recipes are: `[section]`, `key = value`,
 * comments behind ; and #. At most 1 MiB, 4096 keys, values of 900 bytes. Each key carries the place it came from, for
 * messages. `include = FILE` before the first section works as in recipes. Thread: [main]. */
#ifndef FPCORE_INI_H
#define FPCORE_INI_H

#include <fpcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Never grows. */
typedef struct fpc_entry {
    const char *key, *value;
    const char *origin; /* "conf/base.ini:12", or "-s loss.dice.weight=2" */
} fpc_entry;

/* Never grows. */
typedef struct fpc_section {
    const char *name; /* "loss.dice" */
    const char *origin;
    int32_t n;
    fpc_entry *entry;
} fpc_section;

typedef struct fpc_ini {
    uint32_t size;
    int32_t n;
    const fpc_section *section; /* in the order of first appearance, included files first */
} fpc_ini;

/* A key or section twice, a line that is neither, a file that cannot be read: a sentence with FILE:LINE. */
FPC_API fpc_status fpc_ini_read(fpc_ctx *, fpc_arena *, const char *path, const fpc_ini **out);
/* Any other text file of at most `most` bytes, with a NUL behind it: a mark of UTF-8 at its front is taken off, and
 * lines end with \n whatever the system that wrote it. UTF-16, bytes 0 and what is no plain file: a sentence. */
FPC_API fpc_status fpc_text_read(fpc_ctx *, fpc_arena *, const char *path, size_t most, char **text, size_t *bytes);
/* NULL: absent (or a NULL section). */
FPC_API const fpc_section *fpc_ini_section(const fpc_ini *, const char *name);
FPC_API const fpc_entry *fpc_section_entry(const fpc_section *, const char *key);

#ifdef __cplusplus
}
#endif
#endif
