/* png.c: PNG through libpng, both ways. As in jpeg.c, the library's errors come back by longjmp. Masks keep
 * the file's numbers: the index of a palette, or the grey value; nothing is scaled. */
#define _POSIX_C_SOURCE 200809L
#include "image/codec.h"
#include "base/file.h"
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOFTWARE "Software" /* the keyword of the PNG specification for the program that made a file */

struct said {
    char text[160];
};

static void fatal(png_structp png, png_const_charp text)
{
    struct said *s = png_get_error_ptr(png);
    strncpy(s->text, text, sizeof s->text - 1);
    png_longjmp(png, 1);
}

static void warn(png_structp png, png_const_charp text)
{
    (void)png, (void)text;
}

/* ---- reading ---- */
static const char *const colour_names[] = {"grey", "", "RGB", "palette", "grey with alpha", "", "RGB with alpha"};

static fpc_status check_labels(fpc_ctx *ctx, const char *path, png_structp png, png_infop info)
{
    const int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
    if ((type == PNG_COLOR_TYPE_PALETTE || type == PNG_COLOR_TYPE_GRAY) && depth <= 8)
        return FPC_OK;
    return fpc_fail(ctx, FPC_EFORMAT, "%s: a mask in %d-bit %s; masks have one number per pixel: 8-bit palette or grey",
                    path, depth, type < 7 ? colour_names[type] : "colour");
}

/* Bytes for each pixel of what is read. */
static int32_t channels(png_structp png, png_infop info, unsigned how)
{
    const int type = png_get_color_type(png, info);
    if (!(how & FPC_IMAGE_MASK))
        return 3;
    if (!(how & FPC_IMAGE_CODED) || type == PNG_COLOR_TYPE_PALETTE)
        return 1;
    return type & PNG_COLOR_MASK_COLOR ? 3 : png_get_bit_depth(png, info) == 16 ? 2 : 1;
}

/* Numbers stay as they are; of colours 8 bits are kept. */
static void ask_for_codes(png_structp png, png_infop info)
{
    const int type = png_get_color_type(png, info);
    png_set_packing(png);
    if (type & PNG_COLOR_MASK_ALPHA)
        png_set_strip_alpha(png);
    if (type != PNG_COLOR_TYPE_PALETTE && type & PNG_COLOR_MASK_COLOR)
        png_set_strip_16(png);
}

static void ask_for_rgb(png_structp png, png_infop info)
{
    const int type = png_get_color_type(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    if (type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_GRAY_ALPHA)
        png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

/* rows: set before anything can fail, so that the caller's copy stays valid across a longjmp. */
static fpc_status decode(fpc_ctx *ctx, fpc_arena *arena, const char *path, png_structp png, png_infop info, FILE *file,
                         int pixels, unsigned how, fpc_image *out, volatile int *broken)
{
    if (setjmp(png_jmpbuf(png))) {
        *broken = 1;
        return FPC_EFORMAT;
    }
    png_init_io(png, file);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); /* our own sentence instead of the library's */
    png_set_chunk_malloc_max(png, 8 << 20);
    png_read_info(png, info);
    fpc_status status =
        fpc_image_check_size(ctx, path, png_get_image_width(png, info), png_get_image_height(png, info));
    if (status == FPC_OK && (how & (FPC_IMAGE_MASK | FPC_IMAGE_CODED)) == FPC_IMAGE_MASK)
        status = check_labels(ctx, path, png, info);
    if (status != FPC_OK)
        return status;
    *out = (fpc_image){(int32_t)png_get_image_width(png, info), (int32_t)png_get_image_height(png, info),
                       channels(png, info, how), NULL};
    if (!pixels)
        return FPC_OK;
    if (how & FPC_IMAGE_MASK)
        ask_for_codes(png, info);
    else
        ask_for_rgb(png, info);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t stride = (size_t)out->w * (size_t)out->c;
    if (png_get_rowbytes(png, info) != stride)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: a kind of PNG that is not read here", path);
    out->pixel = fpc_alloc(arena, stride * (size_t)out->h);
    png_bytepp rows = fpc_alloc(arena, (size_t)out->h * sizeof *rows);
    if (!out->pixel || !rows)
        return FPC_ENOMEM;
    for (int32_t y = 0; y < out->h; y++)
        rows[y] = out->pixel + (size_t)y * stride;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    return FPC_OK;
}

/* The orientation that a chunk eXIf tells of. The chunk may stand behind the pixels, where the library does not come
 * when only the size is asked for, so the chunks are walked here. The file is back at its beginning afterwards. */
static int find_orientation(FILE *file)
{
    enum { MOST_CHUNKS = 100000, MOST_BYTES = 65536 };
    uint8_t head[8], exif[MOST_BYTES];
    int orientation = 1;

    for (int i = 0; i < MOST_CHUNKS && fseek(file, i ? 0 : 8, i ? SEEK_CUR : SEEK_SET) == 0 &&
                    fread(head, 1, sizeof head, file) == sizeof head && memcmp(head + 4, "IEND", 4) != 0;
         i++) {
        const uint32_t length =
            (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | (uint32_t)head[3];
        if (!memcmp(head + 4, "eXIf", 4)) {
            if (length <= MOST_BYTES && fread(exif, 1, length, file) == length)
                orientation = fpc_exif_orientation(exif, length);
            break;
        }
        if (length > INT32_MAX || fseek(file, (long)length + 4, SEEK_CUR) != 0)
            break;
    }
    rewind(file);
    return orientation;
}

fpc_status fpc_png_decode(fpc_ctx *ctx, fpc_arena *arena, const char *path, FILE *file, int pixels, unsigned how,
                          fpc_image *out, fpc_image_facts *facts)
{
    struct said said = {""};
    volatile int broken = 0;
    facts->orientation = find_orientation(file);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &said, fatal, warn);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for libpng", path);
    }
    const fpc_status status = decode(ctx, arena, path, png, info, file, pixels, how, out, &broken);
    png_destroy_read_struct(&png, &info, NULL);
    if (broken)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: broken PNG: %s", path, said.text);
    return status;
}

/* The chunk stands before the pixels, where `encode` puts it. */
int fpc_png_says(const char *path, const char *software)
{
    enum { MOST_CHUNKS = 64, MOST_BYTES = 128 };
    static const uint8_t magic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t head[8], text[MOST_BYTES] = {0};
    int says = 0;
    FILE *file = fpc_open_plain(path);

    if (!file)
        return 0;
    int goes_on = fread(head, 1, sizeof head, file) == sizeof head && !memcmp(head, magic, sizeof magic);
    for (int i = 0; goes_on && i < MOST_CHUNKS && fread(head, 1, sizeof head, file) == sizeof head; i++) {
        const uint32_t length =
            (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | (uint32_t)head[3];
        if (!memcmp(head + 4, "IDAT", 4) || length > INT32_MAX)
            break;
        if (!memcmp(head + 4, "tEXt", 4) && length == sizeof SOFTWARE + strlen(software) && length <= MOST_BYTES) {
            says = fread(text, 1, length, file) == length && !memcmp(text, SOFTWARE, sizeof SOFTWARE) &&
                   !memcmp(text + sizeof SOFTWARE, software, length - sizeof SOFTWARE);
            break;
        }
        goes_on = fseek(file, (long)length + 4, SEEK_CUR) == 0;
    }
    fclose(file);
    return says;
}

/* ---- writing ---- */
/* What goes into a file. software NULL: nothing is said of the program. */
struct content {
    const fpc_image *image;
    const uint8_t (*palette)[3];
    int32_t n;
    const char *software;
};

static void encode(png_structp png, png_infop info, FILE *file, const struct content *c)
{
    const fpc_image *image = c->image;
    const int type = image->c == 3 ? PNG_COLOR_TYPE_RGB : c->palette ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_GRAY;
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)image->w, (png_uint_32)image->h, 8, type, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_color colours[256];
        for (int32_t i = 0; i < 256; i++) { /* entries past the classes: greys, so that any label can be written */
            const png_byte grey = (png_byte)i;
            colours[i] = i < c->n ? (png_color){c->palette[i][0], c->palette[i][1], c->palette[i][2]}
                                  : (png_color){grey, grey, grey};
        }
        png_set_PLTE(png, info, colours, 256);
    }
    if (c->software) {
        png_text note = {.compression = PNG_TEXT_COMPRESSION_NONE,
                         .key = (png_charp)(uintptr_t)SOFTWARE,
                         .text = (png_charp)(uintptr_t)c->software,
                         .text_length = strlen(c->software)};
        png_set_text(png, info, &note, 1);
    }
    png_write_info(png, info);
    for (int32_t y = 0; y < image->h; y++)
        png_write_row(png, image->pixel + (size_t)y * (size_t)image->w * (size_t)image->c);
    png_write_end(png, NULL);
}

static fpc_status write_to(fpc_ctx *ctx, const char *path, FILE *file, const struct content *c)
{
    struct said said = {""};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &said, fatal, warn);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        return fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for libpng", path);
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return fpc_fail(ctx, FPC_EIO, "%s: cannot write: %s (%s)", path, said.text, strerror(errno));
    }
    encode(png, info, file, c);
    png_destroy_write_struct(&png, &info);
    return FPC_OK;
}

static fpc_status check_shape(fpc_ctx *ctx, const char *path, const fpc_image *image, int32_t n)
{
    if (image->w < 1 || image->h < 1 || (image->c != 1 && image->c != 3) || n < 0 || n > 256)
        return fpc_fail(ctx, FPC_EINVAL, "%s: a picture of %d x %d x %d cannot be written", path, image->w, image->h,
                        image->c);
    return FPC_OK;
}

fpc_status fpc_png_encode(fpc_ctx *ctx, fpc_arena *arena, const char *name, const fpc_image *image,
                          const uint8_t (*palette)[3], int32_t n, const char *software, const uint8_t **data,
                          size_t *bytes)
{
    char *made = NULL;
    fpc_status status = check_shape(ctx, name, image, n);
    FILE *file = status ? NULL : open_memstream(&made, bytes);
    if (status)
        return status;
    if (!file)
        return fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for it", name);
    status = write_to(ctx, name, file, &(struct content){image, palette, n, software});
    if ((fclose(file) != 0 || !made) && status == FPC_OK) /* glibc may close well though it has no memory */
        status = fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for it", name);
    uint8_t *copy = status ? NULL : fpc_alloc(arena, *bytes);
    if (copy)
        memcpy(copy, made, *bytes);
    free(made);
    *data = copy;
    return status ? status : copy ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_mask_decode(fpc_ctx *ctx, fpc_arena *arena, const char *name, const uint8_t *data, size_t bytes,
                           fpc_image *out, uint8_t palette[256][3], int32_t *n_palette)
{
    const fpc_status status = fpc_image_decode(ctx, arena, name, data, bytes, FPC_IMAGE_MASK, out);

    *n_palette = 0;
    /* chunks: length, name, data, checksum; those of a picture that was decoded are whole */
    for (size_t at = 8; status == FPC_OK && at + 12 <= bytes;) {
        const size_t length =
            (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 | (size_t)data[at + 3];
        if (length > bytes - at - 12)
            break;
        if (!memcmp(data + at + 4, "PLTE", 4) && length <= 768) {
            memcpy(palette, data + at + 8, length);
            *n_palette = (int32_t)(length / 3);
            break;
        }
        at += length + 12;
    }
    return status;
}

fpc_status fpc_png_write_saying(fpc_ctx *ctx, const char *path, const fpc_image *image, const uint8_t (*palette)[3],
                                int32_t n, const char *software)
{
    char *temporary;
    const fpc_status wrong = check_shape(ctx, path, image, n);
    if (wrong != FPC_OK)
        return wrong;
    const int fd = fpc_create_beside(path, &temporary);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!file) {
        const fpc_status made = fpc_fail(ctx, FPC_EIO, "%s: cannot be made: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(temporary);
            free(temporary);
        }
        return made;
    }
    fpc_status status = write_to(ctx, path, file, &(struct content){image, palette, n, software});
    if (fclose(file) != 0 && status == FPC_OK)
        status = fpc_fail(ctx, FPC_EIO, "%s: cannot write: %s", path, strerror(errno));
    if (status == FPC_OK && rename(temporary, path) != 0)
        status = fpc_fail(ctx, FPC_EIO, "%s: cannot be put in place: %s", path, strerror(errno));
    if (status != FPC_OK)
        unlink(temporary);
    free(temporary);
    return status;
}

fpc_status fpc_png_write(fpc_ctx *ctx, const char *path, const fpc_image *image, const uint8_t (*palette)[3], int32_t n)
{
    return fpc_png_write_saying(ctx, path, image, palette, n, NULL);
}

/* ---- writing by rows ---- */

struct fpc_png_rows {
    fpc_ctx *ctx;
    const char *path;
    char *temporary; /* NULL: there is no file */
    FILE *file;
    png_structp png;
    png_infop info;
    struct said said;
    int32_t left;
};

static fpc_status rows_fail(fpc_png_rows *r)
{
    return fpc_fail(r->ctx, FPC_EIO, "%s: cannot write: %s (%s)", r->path, r->said.text, strerror(errno));
}

/* Smooth numbers: the row above says most of it. All filters at level 6 make files that are a third smaller, in five
 * times the time. */
static fpc_status rows_begin(fpc_png_rows *r, int32_t w, const char *software)
{
    png_text note = {.compression = PNG_TEXT_COMPRESSION_NONE,
                     .key = (png_charp)(uintptr_t)SOFTWARE,
                     .text = (png_charp)(uintptr_t)software,
                     .text_length = strlen(software)};

    if (setjmp(png_jmpbuf(r->png)))
        return rows_fail(r);
    png_init_io(r->png, r->file);
    png_set_filter(r->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    png_set_compression_level(r->png, 1);
    png_set_IHDR(r->png, r->info, (png_uint_32)w, (png_uint_32)r->left, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_text(r->png, r->info, &note, 1);
    png_write_info(r->png, r->info);
    return FPC_OK;
}

fpc_status fpc_png_rows_open(fpc_ctx *ctx, fpc_arena *arena, const char *path, int32_t w, int32_t h,
                             const char *software, fpc_png_rows **out)
{
    fpc_png_rows *r = *out = fpc_alloc(arena, sizeof *r);

    if (!r)
        return FPC_ENOMEM;
    *r = (fpc_png_rows){.ctx = ctx, .path = path, .left = h};
    const int fd = fpc_create_beside(path, &r->temporary);
    if (fd < 0 || !(r->file = fdopen(fd, "wb"))) {
        const fpc_status status = fpc_fail(ctx, FPC_EIO, "%s: cannot be made: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        else
            r->temporary = NULL;
        return status;
    }
    r->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &r->said, fatal, warn);
    r->info = r->png ? png_create_info_struct(r->png) : NULL;
    return r->info ? rows_begin(r, w, software) : fpc_fail(ctx, FPC_ENOMEM, "%s: no memory for libpng", path);
}

fpc_status fpc_png_rows_add(fpc_png_rows *r, const uint8_t *row)
{
    if (setjmp(png_jmpbuf(r->png)))
        return rows_fail(r);
    png_write_row(r->png, row);
    r->left--;
    return FPC_OK;
}

static fpc_status rows_finish(fpc_png_rows *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return rows_fail(r);
    png_write_end(r->png, NULL);
    return FPC_OK;
}

fpc_status fpc_png_rows_end(fpc_png_rows *r, fpc_status so_far)
{
    fpc_status status = so_far;

    if (!r)
        return status;
    if (!status)
        status = r->left ? fpc_fail(r->ctx, FPC_EINVAL, "%s: %d rows are missing", r->path, r->left) : rows_finish(r);
    png_destroy_write_struct(&r->png, &r->info);
    if (r->file && fclose(r->file) != 0 && !status)
        status = fpc_fail(r->ctx, FPC_EIO, "%s: cannot write: %s", r->path, strerror(errno));
    if (!status && rename(r->temporary, r->path) != 0)
        status = fpc_fail(r->ctx, FPC_EIO, "%s: cannot be put in place: %s", r->path, strerror(errno));
    if (status && r->temporary)
        unlink(r->temporary);
    free(r->temporary);
    return status;
}
