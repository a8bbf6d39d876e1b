/* png_bytes.c: what cairo writes of a surface, gathered in an arena. Used by whatever draws: samples.c, cmd_lr.c,
 * cmd/inspect/preview_sheet.c. */
#include "cmd/inspect/png_bytes.h"

#include <cairo.h>
#include <string.h>

static cairo_status_t collect(void *arg, const unsigned char *data, unsigned int n)
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

int fpc_png_surface(struct _cairo_surface *surface, fpc_png_bytes *bytes)
{
    return (int)cairo_surface_write_to_png_stream(surface, collect, bytes);
}
