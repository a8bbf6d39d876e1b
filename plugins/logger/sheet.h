/* sheet.h: what the loggers that draw share (cairo): a surface as PNG, and the sheet of pictures. */
#ifndef PLUGINS_LOGGER_SHEET_H
#define PLUGINS_LOGGER_SHEET_H

#include "text.h"

#include <cairo.h>

/* The surface as the bytes of a PNG, in place of what `png` held. */
cairo_status_t surface_png(cairo_surface_t *, text *png, fpc_arena *);
/* One row for each picture: image, label, prediction (label colours), where they differ; above it what it scored and
 * its name, where known; and the classes that occur below. The first 16. */
fpc_status sheet_png(fpc_ctx *, fpc_arena *, const fpc_pictures *, text *png);

#endif
