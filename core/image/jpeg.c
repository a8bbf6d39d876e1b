/* jpeg.c: JPEG through libjpeg-turbo. The library reports errors by a call that must not return: longjmp back
 * into decode. Its warnings are errors here (a truncated file is one), but for those that speak of headers alone and
 * leave the picture whole: phones write scan headers that it warns of. */
#include "image/codec.h"
#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <string.h>

enum { MAX_SCANS = 200 }; /* a progressive file of a few bytes per scan can keep a processor busy for hours */

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr err;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    char said[JMSG_LENGTH_MAX], oddity[JMSG_LENGTH_MAX]; /* the failure; the first warning that was none */
    int orientation;                                     /* 0: no EXIF segment so far */
    uint8_t segment[65536];
};

static void fatal(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    jpeg->err->format_message(jpeg, r->said);
    longjmp(r->back, 1);
}

static void message(j_common_ptr jpeg, int level)
{
    const int code = jpeg->err->msg_code;
    struct reader *r = jpeg->client_data;
    if (level >= 0)
        return;
    if (code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR &&
        code != JWRN_NOT_SEQUENTIAL && code != JWRN_BOGUS_PROGRESSION)
        fatal(jpeg);
    if (!*r->oddity)
        jpeg->err->format_message(jpeg, r->oddity);
}

static void quiet(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void watch(j_common_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    if (jpeg->is_decompressor && r->jpeg.input_scan_number > MAX_SCANS) {
        snprintf(r->said, sizeof r->said, "more scans than any picture needs");
        longjmp(r->back, 1);
    }
}

static int next_byte(j_decompress_ptr jpeg)
{
    struct jpeg_source_mgr *src = jpeg->src;
    if (src->bytes_in_buffer == 0 && !src->fill_input_buffer(jpeg))
        return 0;
    src->bytes_in_buffer--;
    return *src->next_input_byte++;
}

/* A segment APP1 takes no memory of the library, however many of them a file has; the first with EXIF counts. */
static boolean read_app1(j_decompress_ptr jpeg)
{
    struct reader *r = jpeg->client_data;
    const int high = next_byte(jpeg), length = (high << 8 | next_byte(jpeg)) - 2;
    for (int i = 0; i < length; i++)
        r->segment[i] = (uint8_t)next_byte(jpeg);
    if (!r->orientation && length >= 6 && !memcmp(r->segment, "Exif\0\0", 6))
        r->orientation = fpc_exif_orientation(r->segment + 6, (size_t)length - 6);
    return TRUE;
}

/* Everything between the first call of the library and its last; a longjmp ends here with 1 in *broken. */
static fpc_status decode(fpc_ctx *ctx, fpc_arena *arena, const char *path, struct reader *r, FILE *file, int pixels,
                         fpc_image *out, volatile int *broken)
{
    if (setjmp(r->back)) {
        *broken = 1;
        return FPC_EFORMAT;
    }
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.client_data = r;
    r->jpeg.progress = &r->progress;
    r->progress.progress_monitor = watch;
    jpeg_set_marker_processor(&r->jpeg, JPEG_APP0 + 1, read_app1);
    jpeg_stdio_src(&r->jpeg, file);
    jpeg_read_header(&r->jpeg, TRUE);
    const fpc_status status = fpc_image_check_size(ctx, path, r->jpeg.image_width, r->jpeg.image_height);
    if (status != FPC_OK)
        return status;
    *out = (fpc_image){(int32_t)r->jpeg.image_width, (int32_t)r->jpeg.image_height, 3, NULL};
    if (!pixels)
        return FPC_OK;
    if (r->jpeg.num_components != 1 && r->jpeg.num_components != 3)
        return fpc_fail(ctx, FPC_EFORMAT,
                        "%s: a JPEG of %d colour components; pictures are grey or in colour (not CMYK)", path,
                        r->jpeg.num_components);
    out->pixel = fpc_alloc(arena, (size_t)out->w * (size_t)out->h * 3);
    if (!out->pixel)
        return FPC_ENOMEM;
    r->jpeg.out_color_space = JCS_RGB;
    jpeg_start_decompress(&r->jpeg);
    while (r->jpeg.output_scanline < r->jpeg.output_height) {
        JSAMPROW row = out->pixel + (size_t)r->jpeg.output_scanline * (size_t)out->w * 3;
        jpeg_read_scanlines(&r->jpeg, &row, 1);
    }
    jpeg_finish_decompress(&r->jpeg);
    return FPC_OK;
}

fpc_status fpc_jpeg_decode(fpc_ctx *ctx, fpc_arena *arena, const char *path, FILE *file, int pixels, fpc_image *out,
                           fpc_image_facts *facts)
{
    struct reader r;
    volatile int broken = 0;
    memset(&r, 0, sizeof r);
    r.jpeg.err = jpeg_std_error(&r.err);
    r.jpeg.client_data = &r; /* an error may come before the library has set itself up */
    r.err.error_exit = fatal;
    r.err.emit_message = message;
    r.err.output_message = quiet;
    const fpc_status status = decode(ctx, arena, path, &r, file, pixels, out, &broken);
    jpeg_destroy_decompress(&r.jpeg);
    facts->orientation = r.orientation ? r.orientation : 1;
    snprintf(facts->oddity, sizeof facts->oddity, "%.*s", (int)sizeof facts->oddity - 1, r.oddity);
    if (broken)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: broken JPEG: %s", path, r.said);
    return status;
}
