/* png_bytes.h: a place for cairo to write a PNG to: bytes in an arena, which are then written whole or not at all by
 * fpc_write_atomic, or handed to loggers. For cairo_surface_write_to_png_stream(surface, fpc_png_collect, &bytes). */
#ifndef CORE_PNG_BYTES_H
#define CORE_PNG_BYTES_H

#include <cairo.h>
#include <fpcore/base.h>
#include <string.h>

typedef struct fpc_png_bytes {
    fpc_arena *arena;
    unsigned char *data;
    size_t n, cap;
} fpc_png_bytes;

static inline cairo_status_t fpc_png_collect(void *arg, const unsigned char *data, unsigned int n)
{
    fpc_png_bytes *b = arg;

    if (b->n + n > b->cap) {
        const size_t cap = 2 * (b->n + n) + 65536;
        unsigned char *wider = fpc_alloc(b->arena, cap);
        if (!wider)
            return CAIRO_STATUS_NO_MEMORY;
        if (b->n)
            memcpy(wider, b->data, b->n);
        b->data = wider;
        b->cap = cap;
    }
    memcpy(b->data + b->n, data, n);
    b->n += n;
    return CAIRO_STATUS_SUCCESS;
}

#endif
