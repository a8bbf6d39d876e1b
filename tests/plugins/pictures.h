/* pictures.h: pictures in the test folder, whole or broken on purpose. Include after fixture.h. */
#ifndef TESTS_PLUGINS_PICTURES_H
#define TESTS_PLUGINS_PICTURES_H

#include <jpeglib.h>

#include "image/image.h"

static inline unsigned char *read_bytes(const char *name, size_t *bytes)
{
    static unsigned char data[1 << 20];
    FILE *f = fopen(in_folder(name), "rb");
    assert_non_null(f);
    *bytes = fread(data, 1, sizeof data, f);
    fclose(f);
    return data;
}

/* A picture whose every pixel tells its place and k. */
static inline fpc_image picture(fpc_arena *arena, int32_t w, int32_t h, int32_t c, int k)
{
    fpc_image image = {w, h, c, fpc_alloc(arena, (size_t)w * (size_t)h * (size_t)c)};
    assert_non_null(image.pixel);
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++)
            for (int32_t i = 0; i < c; i++)
                image.pixel[(y * w + x) * c + i] =
                    (uint8_t)(c == 1 ? (x / 4 + y / 4 + k) % 19 : 8 * x + 5 * y + 60 * i + 31 * k);
    return image;
}

static inline void write_png(bench *b, const char *name, const fpc_image *image, const uint8_t (*palette)[3], int32_t n)
{
    if (fpc_png_write(b->ctx, in_folder(name), image, palette, n))
        fail_msg("%s: %s", name, fpc_ctx_error(b->ctx));
}

/* components: 1 grey, 3 RGB, 4 CMYK. */
static inline void write_jpeg(const char *name, int32_t w, int32_t h, int components, const uint8_t *pixel)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr err;
    FILE *f = fopen(in_folder(name), "wb");
    assert_non_null(f);
    jpeg.err = jpeg_std_error(&err);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, f);
    jpeg.image_width = (JDIMENSION)w;
    jpeg.image_height = (JDIMENSION)h;
    jpeg.input_components = components;
    jpeg.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(pixel + (size_t)jpeg.next_scanline * (size_t)(w * components));
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    assert_int_equal(fclose(f), 0);
}

#endif
