/* png_bytes.h: a drawn surface as the bytes of a PNG, to be written whole or not at all by fpc_write_atomic, or handed
 * to loggers. */
#ifndef CORE_CMD_INSPECT_PNG_BYTES_H
#define CORE_CMD_INSPECT_PNG_BYTES_H

#include <fpcore/base.h>

typedef struct fpc_png_bytes {
    fpc_arena *arena; /* set before */
    unsigned char *data;
    size_t n, cap;
} fpc_png_bytes;

/* Returns a cairo_status_t. (struct _cairo_surface is cairo_surface_t.) */
struct _cairo_surface;
int fpc_png_surface(struct _cairo_surface *, fpc_png_bytes *);

#endif
