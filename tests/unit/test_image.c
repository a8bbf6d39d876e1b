/* test_image.c: pictures come back as they were written; every way in which a file can lie or break gets its sentence;
 * resizing agrees with the filter's definition. */
#define _GNU_SOURCE
#include "fixture.h"
#include "plugins/pictures.h"
#include "plugins/tagged.h"
#include "image/codec.h"
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static void png_round_trip(void **state)
{
    bench *b = *state;
    static const uint8_t palette[19][3] = {{0, 0, 0}, {204, 0, 0}, {76, 153, 0}};
    const fpc_image rgb = picture(b->arena, 13, 9, 3, 1), mask = picture(b->arena, 13, 9, 1, 2);
    fpc_image back;
    int32_t w, h;

    write_png(b, "a.png", &rgb, NULL, 0);
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("a.png"), &back), FPC_OK);
    assert_true(back.w == 13 && back.h == 9 && back.c == 3);
    assert_memory_equal(back.pixel, rgb.pixel, 13 * 9 * 3);
    for (int i = 0; i < 2; i++) { /* palette and grey: the numbers, not the colours */
        write_png(b, "m.png", &mask, i ? palette : NULL, i ? 19 : 0);
        assert_int_equal(fpc_mask_read(b->ctx, b->arena, in_folder("m.png"), &back), FPC_OK);
        assert_true(back.w == 13 && back.h == 9 && back.c == 1);
        assert_memory_equal(back.pixel, mask.pixel, 13 * 9);
    }
    /* the mask with a palette, read as a picture, shows the palette's colours */
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("m.png"), &back), FPC_OK);
    for (int i = 0; i < 13 * 9; i++)
        assert_memory_equal(back.pixel + 3 * i, palette[mask.pixel[i]], 3);
    assert_int_equal(fpc_image_size(b->ctx, in_folder("a.png"), &w, &h), FPC_OK);
    assert_true(w == 13 && h == 9);
}

static void jpeg_reads(void **state)
{
    bench *b = *state;
    uint8_t flat[32 * 24 * 4];
    fpc_image back;
    int32_t w, h;

    for (int i = 0; i < 32 * 24; i++)
        memcpy(flat + 3 * i, (uint8_t[]){200, 100, 50}, 3);
    write_jpeg("a.jpg", 32, 24, 3, flat);
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("a.jpg"), &back), FPC_OK);
    assert_true(back.w == 32 && back.h == 24 && back.c == 3);
    for (int i = 0; i < 32 * 24 * 3; i++)
        assert_in_range(back.pixel[i], flat[i] - 3, flat[i] + 3);
    assert_int_equal(fpc_image_size(b->ctx, in_folder("a.jpg"), &w, &h), FPC_OK);
    assert_true(w == 32 && h == 24);
    memset(flat, 77, sizeof flat);
    write_jpeg("grey.jpg", 32, 24, 1, flat);
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("grey.jpg"), &back), FPC_OK);
    assert_in_range(back.pixel[5], 75, 79);
    write_jpeg("cmyk.jpg", 32, 24, 4, flat);
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("cmyk.jpg"), &back), FPC_EFORMAT);
    said(b, "4 colour components");
}

static void refuse(bench *b, const char *name, int mask, fpc_status wanted, const char *want)
{
    fpc_image out;
    const fpc_status status = (mask ? fpc_mask_read : fpc_image_read)(b->ctx, b->arena, in_folder(name), &out);
    assert_int_equal(status, wanted);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), name));
    said(b, want);
}

static void no_pictures(void **state)
{
    bench *b = *state;
    refuse(b, "absent.jpg", 0, FPC_ENOENT, "No such file");
    write_bytes("empty.png", "", 0);
    refuse(b, "empty.png", 0, FPC_EFORMAT, "the file is empty");
    refuse(b, "empty.png", 1, FPC_EFORMAT, "the file is empty");
    write_bytes("text.jpg", "this is a text", 14);
    refuse(b, "text.jpg", 0, FPC_EFORMAT, "neither a JPEG nor a PNG");
    make_folder("dir.png");
    refuse(b, "dir.png", 0, FPC_EFORMAT, "not a file");
}

/* Cut at every length and damaged at every byte: a sentence or a picture, nothing else. */
static void broken_everywhere(bench *b, const char *whole, const char *name)
{
    size_t n;
    unsigned char *data = read_bytes(whole, &n), copy[1 << 16];
    fpc_image out;
    int refused = 0;

    assert_true(n < sizeof copy);
    memcpy(copy, data, n);
    for (size_t cut = 0; cut < n - 12; cut++) { /* the last bytes are an end mark that nobody needs */
        write_bytes(name, copy, cut);
        assert_int_not_equal(fpc_image_read(b->ctx, b->arena, in_folder(name), &out), FPC_OK);
        said(b, name);
    }
    for (size_t i = 0; i < n; i++) {
        copy[i] ^= 0x55;
        write_bytes(name, copy, n);
        if (fpc_image_read(b->ctx, b->arena, in_folder(name), &out)) {
            said(b, name);
            refused++;
        }
        copy[i] ^= 0x55;
    }
    assert_true(refused > 20);
}

static void truncated(void **state)
{
    bench *b = *state;
    const fpc_image rgb = picture(b->arena, 24, 16, 3, 3);
    size_t n;

    write_jpeg("whole.jpg", 24, 16, 3, rgb.pixel);
    write_png(b, "whole.png", &rgb, NULL, 0);
    const unsigned char *data = read_bytes("whole.jpg", &n);
    write_bytes("half.jpg", data, n / 2 + n / 4);
    refuse(b, "half.jpg", 0, FPC_EFORMAT, "broken JPEG: Premature end of JPEG file");
    data = read_bytes("whole.png", &n);
    write_bytes("half.png", data, n / 2);
    refuse(b, "half.png", 0, FPC_EFORMAT, "broken PNG");
    broken_everywhere(b, "whole.png", "b.png");
    broken_everywhere(b, "whole.jpg", "b.jpg");
}

/* CRC-32 of PNG chunks. */
static uint32_t crc(const unsigned char *p, size_t n)
{
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    }
    return ~c;
}

static void put_be(unsigned char *to, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
}

/* A header of 60000 x 60000 is refused before memory is taken, whatever follows. */
static void lying_headers(void **state)
{
    bench *b = *state;
    const fpc_image rgb = picture(b->arena, 24, 16, 3, 3);
    unsigned char copy[1 << 14];
    size_t n, i;

    write_png(b, "a.png", &rgb, NULL, 0);
    memcpy(copy, read_bytes("a.png", &n), sizeof copy);
    put_be(copy + 16, 60000, 4);
    put_be(copy + 20, 60000, 4);
    put_be(copy + 29, crc(copy + 12, 17), 4);
    write_bytes("huge.png", copy, n);
    refuse(b, "huge.png", 0, FPC_EFORMAT, "the header says 60000 x 60000");
    put_be(copy + 16, 0x7fffffff, 4);
    put_be(copy + 20, 0x7fffffff, 4);
    put_be(copy + 29, crc(copy + 12, 17), 4);
    write_bytes("huger.png", copy, n);
    refuse(b, "huger.png", 0, FPC_EFORMAT, "the header says 2147483647 x 2147483647");

    write_jpeg("a.jpg", 24, 16, 3, rgb.pixel);
    memcpy(copy, read_bytes("a.jpg", &n), sizeof copy);
    for (i = 2; i + 9 < n && !(copy[i] == 0xff && copy[i + 1] == 0xc0); i++)
        ;
    assert_true(i + 9 < n);
    put_be(copy + i + 5, 60000, 2);
    put_be(copy + i + 7, 60000, 2);
    write_bytes("huge.jpg", copy, n);
    refuse(b, "huge.jpg", 0, FPC_EFORMAT, "the header says 60000 x 60000");
    put_be(copy + i + 5, 500, 2); /* possible, but the data end early */
    put_be(copy + i + 7, 500, 2);
    write_bytes("short.jpg", copy, n);
    refuse(b, "short.jpg", 0, FPC_EFORMAT, "broken JPEG");
}

static void masks_of_colours(void **state)
{
    bench *b = *state;
    const fpc_image rgb = picture(b->arena, 8, 8, 3, 0);
    write_png(b, "rgb.png", &rgb, NULL, 0);
    refuse(b, "rgb.png", 1, FPC_EFORMAT, "a mask in 8-bit RGB; masks have one number per pixel");
    write_jpeg("mask.jpg", 8, 8, 3, rgb.pixel);
    refuse(b, "mask.jpg", 1, FPC_EFORMAT, "a mask as JPEG");
}

static void unwritable(void **state)
{
    bench *b = *state;
    const fpc_image rgb = picture(b->arena, 8, 8, 3, 0);
    assert_int_equal(fpc_png_write(b->ctx, in_folder("no/such/folder.png"), &rgb, NULL, 0), FPC_EIO);
    said(b, "cannot be made");
    const fpc_image big = picture(b->arena, 300, 300, 3, 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){64, before.rlim_max}), 0); /* as if the disk were full */
    const fpc_status status = fpc_png_write(b->ctx, in_folder("full.png"), &big, NULL, 0);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, FPC_EIO);
    said(b, "cannot write");
    assert_int_not_equal(access(in_folder("full.png"), F_OK), 0);
    assert_int_not_equal(access(in_folder("full.png.tmp"), F_OK), 0);
}

/* What a program says of itself in a PNG is found again, and nothing else is taken for it. */
static void says_who_wrote_it(void **state)
{
    bench *b = *state;
    static const uint8_t palette[2][3] = {{0, 0, 0}, {9, 8, 7}};
    const fpc_image rgb = picture(b->arena, 9, 8, 3, 0), mask = picture(b->arena, 9, 8, 1, 0);
    fpc_image back;
    size_t bytes;

    assert_int_equal(fpc_png_write_saying(b->ctx, in_folder("said.png"), &rgb, NULL, 0, "a program"), FPC_OK);
    assert_int_equal(fpc_png_write_saying(b->ctx, in_folder("mask.png"), &mask, palette, 2, "a program"), FPC_OK);
    write_png(b, "silent.png", &rgb, NULL, 0);
    assert_true(fpc_png_says(in_folder("said.png"), "a program"));
    assert_true(fpc_png_says(in_folder("mask.png"), "a program"));
    assert_false(fpc_png_says(in_folder("said.png"), "a programme"));
    assert_false(fpc_png_says(in_folder("said.png"), "a progra"));
    assert_false(fpc_png_says(in_folder("said.png"), "b program"));
    assert_false(fpc_png_says(in_folder("silent.png"), "a program"));
    assert_false(fpc_png_says(in_folder("nowhere.png"), "a program"));
    assert_false(fpc_png_says(test_folder(), "a program"));
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("said.png"), &back), FPC_OK);
    assert_memory_equal(back.pixel, rgb.pixel, 9 * 8 * 3);
    const unsigned char *data = read_bytes("said.png", &bytes);
    for (size_t n = 0; n < 8 + 25 + 8 + 18; n++) { /* cut anywhere before the text's end it says nothing */
        write_bytes("cut.png", data, n);
        assert_false(fpc_png_says(in_folder("cut.png"), "a program"));
    }
}

static void names_of_pictures(void **state)
{
    static const char *const yes[] = {"a.jpg", "b.JPEG", "c.Png", "a.b.png"};
    static const char *const no[] = {"._a.jpg", ".png", "a", "a.gif", "jpg", "a.jpg.txt", ""};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(fpc_image_named(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(fpc_image_named(no[i]));
}

/* Bright, all different, and the first dozen far apart: by channels, which is not how they are chosen. */
static void colours_are_told_apart(void **state)
{
    uint8_t few[13][3], many[256][3];

    (void)state;
    fpc_palette_make(13, few);
    fpc_palette_make(256, many);
    assert_memory_equal(few, many, sizeof few);
    assert_memory_equal(few[0], ((uint8_t[]){0, 0, 0}), 3);
    for (int i = 1; i < 256; i++) {
        const int most = many[i][0] > many[i][1] ? many[i][0] : many[i][1];
        assert_true((most > many[i][2] ? most : many[i][2]) >= 127);
        for (int k = 1; k < i; k++) {
            int apart = 0;
            for (int c = 0; c < 3; c++)
                apart += abs(many[i][c] - many[k][c]);
            assert_true(apart > (i < 13 ? 90 : 0));
        }
    }
}

/* The triangle filter by its definition, in double, both directions at once. */
static double by_definition(const fpc_image *in, int32_t w, int32_t h, int32_t x, int32_t y, int32_t c)
{
    const double sx = (double)in->w / w, sy = (double)in->h / h, kx = sx > 1 ? sx : 1, ky = sy > 1 ? sy : 1;
    double sum = 0, weights = 0;
    for (int32_t j = 0; j < in->h; j++)
        for (int32_t i = 0; i < in->w; i++) {
            const double dx = fabs(i + 0.5 - (x + 0.5) * sx) / kx, dy = fabs(j + 0.5 - (y + 0.5) * sy) / ky;
            const double weight = dx < 1 && dy < 1 ? (1 - dx) * (1 - dy) : 0;
            weights += weight;
            sum += weight * in->pixel[(j * in->w + i) * 3 + c];
        }
    return sum / weights;
}

static void resize_by_definition(void **state)
{
    bench *b = *state;
    static const int32_t sizes[][4] = {{7, 5, 3, 4},  {16, 16, 4, 4}, {3, 3, 8, 7},
                                       {20, 4, 5, 9}, {9, 9, 9, 9},   {1, 6, 3, 1}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int32_t *s = sizes[k];
        const fpc_image in = picture(b->arena, s[0], s[1], 3, (int)k);
        fpc_image out;
        assert_int_equal(fpc_image_resize(b->ctx, b->arena, &in, s[2], s[3], &out), FPC_OK);
        assert_true(out.w == s[2] && out.h == s[3] && out.c == 3);
        for (int32_t i = 0; i < s[2] * s[3] * 3; i++) {
            const double want = by_definition(&in, s[2], s[3], i / 3 % s[2], i / 3 / s[2], i % 3);
            if (fabs(want - out.pixel[i]) > 1.01) /* two roundings of half a level each */
                fail_msg("%dx%d -> %dx%d at %d: %d for %g", s[0], s[1], s[2], s[3], i, out.pixel[i], want);
        }
    }
    const fpc_image same = picture(b->arena, 6, 6, 3, 9);
    fpc_image out;
    assert_int_equal(fpc_image_resize(b->ctx, b->arena, &same, 6, 6, &out), FPC_OK);
    assert_memory_equal(out.pixel, same.pixel, 6 * 6 * 3);
    /* 255 * 0.75 / 1.75 = 109.3 and 255 * 1 / 1.75 = 145.7 */
    uint8_t row[12] = {0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255};
    const fpc_image stripes = {4, 1, 3, row};
    assert_int_equal(fpc_image_resize(b->ctx, b->arena, &stripes, 2, 1, &out), FPC_OK);
    assert_int_equal(out.pixel[0], 109);
    assert_int_equal(out.pixel[3], 146);
}

static void masks_take_the_nearest(void **state)
{
    bench *b = *state;
    uint8_t in[6] = {0, 1, 2, 3, 4, 5};
    const fpc_image mask = {3, 2, 1, in};
    fpc_image out;
    static const uint8_t twice[] = {0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 3, 3, 4, 4, 5, 5};

    assert_int_equal(fpc_mask_resize(b->ctx, b->arena, &mask, 6, 4, &out), FPC_OK);
    assert_memory_equal(out.pixel, twice, sizeof twice);
    assert_int_equal(fpc_mask_resize(b->ctx, b->arena, &mask, 1, 1, &out), FPC_OK);
    assert_int_equal(out.pixel[0], 4); /* floor(0.5 * 3), floor(0.5 * 2) */
    assert_int_equal(fpc_mask_resize(b->ctx, b->arena, &mask, 0, 4, &out), FPC_EINVAL);
    said(b, "sides are 1 .. 16384");
}

/* The bytes of a file, without the file; and masks from bytes with their palette. */
static void in_memory(void **state)
{
    bench *b = *state;
    static const uint8_t colours[3][3] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
    const fpc_image mask = picture(b->arena, 33, 17, 1, 2), photo = picture(b->arena, 9, 5, 3, 1);
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff, 0xe0};
    const uint8_t *data;
    uint8_t palette[256][3];
    size_t bytes, in_file;
    int32_t n;
    fpc_image back;
    for (int k = 0; k < 3; k++) {
        const fpc_image *image = k == 2 ? &photo : &mask;
        write_png(b, "memory.png", image, k == 0 ? colours : NULL, k == 0 ? 3 : 0);
        const uint8_t *file = read_bytes("memory.png", &in_file);
        assert_int_equal(fpc_png_encode(b->ctx, b->arena, "m.png", image, k == 0 ? colours : NULL, k == 0 ? 3 : 0, NULL,
                                        &data, &bytes),
                         FPC_OK);
        assert_int_equal(bytes, in_file);
        assert_memory_equal(data, file, bytes);
        const fpc_status status = fpc_mask_decode(b->ctx, b->arena, "m.png", data, bytes, &back, palette, &n);
        if (k == 2) {
            assert_int_equal(status, FPC_EFORMAT);
            said(b, "m.png: a mask in 8-bit RGB");
            continue;
        }
        assert_int_equal(status, FPC_OK);
        assert_true(back.w == 33 && back.h == 17 && n == (k ? 0 : 256));
        assert_memory_equal(back.pixel, mask.pixel, 33 * 17);
        if (!k)
            assert_true(!memcmp(palette, colours, 9) && palette[200][1] == 200);
    }
    assert_int_equal(fpc_png_encode(b->ctx, b->arena, "m.png", &mask, colours, 3, NULL, &data, &bytes), FPC_OK);
    for (size_t cut = 0; cut < bytes; cut++) { /* every truncation is told, and harmless */
        uint8_t *part = malloc(cut + 1);
        memcpy(part, data, cut);
        const fpc_status status = fpc_mask_decode(b->ctx, b->arena, "cut.png", part, cut, &back, palette, &n);
        if (cut + 12 < bytes)
            assert_int_equal(status, FPC_EFORMAT);
        fpc_ctx_clear(b->ctx);
        free(part);
    }
    assert_int_equal(fpc_mask_decode(b->ctx, b->arena, "m.jpg", jpeg, sizeof jpeg, &back, palette, &n), FPC_EFORMAT);
    said(b, "m.jpg: a mask as JPEG; masks are PNG files");
    const fpc_image none = {0, 5, 1, mask.pixel};
    assert_int_equal(fpc_png_encode(b->ctx, b->arena, "m.png", &none, NULL, 0, NULL, &data, &bytes), FPC_EINVAL);
    said(b, "a picture of 0 x 5 x 1 cannot be written");
}

/* ---- orientation ---- */

/* The rows of a 3 x 2 picture 1 2 3 / 4 5 6 as each tag shows it: EXIF names the sides where row 0 and column 0 lie. */
static const struct {
    int w;
    const char *shown;
} turned[9] = {{0, ""},       {3, "123456"}, {3, "321654"}, {3, "654321"}, {3, "456123"},
               {2, "142536"}, {2, "415263"}, {2, "635241"}, {2, "362514"}};

static void orientation_of_png(void **state)
{
    bench *b = *state;
    uint8_t stored[6 * 3];
    fpc_image rgb = {3, 2, 3, stored}, mask = {3, 2, 1, stored}, back;
    int32_t w, h;

    for (int tag = 1; tag <= 8; tag++)
        for (int k = 0; k < 8; k++) { /* byte order, place of the chunk, picture or mask */
            const int is_mask = k / 4;
            for (int i = 0; i < 18; i++)
                stored[i] = (uint8_t)(is_mask ? i + 1 : i / 3 + 1);
            write_png(b, "stored.png", is_mask ? &mask : &rgb, NULL, 0);
            tag_png("stored.png", "turned.png", tag, k & 1, k & 2);
            assert_int_equal(
                (is_mask ? fpc_mask_read : fpc_image_read)(b->ctx, b->arena, in_folder("turned.png"), &back), FPC_OK);
            assert_int_equal(back.w, turned[tag].w);
            assert_int_equal(back.h, 6 / turned[tag].w);
            for (int i = 0; i < 6; i++)
                for (int c = 0; c < back.c; c++)
                    assert_int_equal(back.pixel[i * back.c + c], turned[tag].shown[i] - '0');
            assert_int_equal(fpc_image_size(b->ctx, in_folder("turned.png"), &w, &h), FPC_OK);
            assert_true(w == back.w && h == back.h);
        }
}

static void orientation_of_jpeg(void **state)
{
    bench *b = *state;
    static uint8_t flat[48 * 32 * 3]; /* six tiles of 16 x 16 in greys: 10 20 .. 60 */
    fpc_image back;
    int32_t w, h;

    for (int i = 0; i < 48 * 32; i++)
        memset(flat + 3 * i, 10 * (i / 48 / 16 * 3 + i % 48 / 16 + 1), 3);
    write_jpeg("stored.jpg", 48, 32, 3, flat);
    for (int tag = 1; tag <= 8; tag++)
        for (int big = 0; big < 2; big++) {
            tag_jpeg("stored.jpg", "turned.jpg", tag, big);
            assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("turned.jpg"), &back), FPC_OK);
            assert_int_equal(back.w, 16 * turned[tag].w);
            assert_int_equal(back.h, 16 * (6 / turned[tag].w));
            for (int i = 0; i < 6; i++) {
                const int x = i % turned[tag].w * 16 + 8, y = i / turned[tag].w * 16 + 8;
                const int want = 10 * (turned[tag].shown[i] - '0');
                assert_in_range(back.pixel[(y * back.w + x) * 3], want - 3, want + 3);
            }
            assert_int_equal(fpc_image_size(b->ctx, in_folder("turned.jpg"), &w, &h), FPC_OK);
            assert_true(w == back.w && h == back.h);
        }
    tag_jpeg("turned.jpg", "twice.jpg", 1, 0); /* the first tag counts */
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("twice.jpg"), &back), FPC_OK);
    assert_true(back.w == 48 && back.h == 32);
}

/* A tag that cannot be read means: as stored. No length or offset in it is believed. */
static void hostile_exif(void **state)
{
    bench *b = *state;
    uint8_t block[32], bad[32];
    fpc_image back;
    const size_t n = exif(block, 6, 0);

    assert_int_equal(fpc_exif_orientation(block, n), 6);
    for (size_t cut = 0; cut < n - 4; cut++) {
        uint8_t *part = malloc(cut + 1); /* of its own, so that the sanitizers see a read beyond it */
        memcpy(part, block, cut);
        assert_int_equal(fpc_exif_orientation(part, cut), 1);
        free(part);
    }
    for (size_t i = 0; i < n; i++)
        for (int v = 0; v < 256; v++) {
            memcpy(bad, block, n);
            bad[i] = (uint8_t)v;
            assert_in_range(fpc_exif_orientation(bad, n), 1, 8);
        }
    for (int v = 0; v < 256; v += 9) {
        exif(block, v, 1);
        assert_int_equal(fpc_exif_orientation(block, n), v >= 1 && v <= 8 ? v : 1);
    }
    /* a segment that says it is longer than the file */
    static uint8_t flat[16 * 16 * 3];
    static const uint8_t lying[4] = {0xff, 0xe1, 0xff, 0xff};
    write_jpeg("stored.jpg", 16, 16, 3, flat);
    insert("stored.jpg", "lying.jpg", 2, lying, sizeof lying);
    assert_int_not_equal(fpc_image_read(b->ctx, b->arena, in_folder("lying.jpg"), &back), FPC_OK);
}

/* Cameras write scan headers whose numbers the library warns of, while the picture is whole. */
static void jpeg_of_a_phone(void **state)
{
    bench *b = *state;
    static uint8_t flat[32 * 24 * 3];
    fpc_image sound, phone;
    fpc_image_facts facts = {.size = sizeof facts};

    for (int i = 0; i < 32 * 24 * 3; i++)
        flat[i] = (uint8_t)(i * 7);
    write_jpeg("sound.jpg", 32, 24, 3, flat);
    phone_jpeg("sound.jpg", "phone.jpg");
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("sound.jpg"), &sound), FPC_OK);
    assert_int_equal(fpc_image_read(b->ctx, b->arena, in_folder("phone.jpg"), &phone), FPC_OK);
    assert_memory_equal(sound.pixel, phone.pixel, 32 * 24 * 3);
    assert_int_equal(fpc_image_open(b->ctx, b->arena, in_folder("phone.jpg"), 0, &phone, &facts), FPC_OK);
    assert_non_null(strstr(facts.oddity, "SOS parameters"));
    assert_int_equal(fpc_image_open(b->ctx, b->arena, in_folder("sound.jpg"), 0, &phone, &facts), FPC_OK);
    assert_string_equal(facts.oddity, "");
}

/* As the files store them: what the tag says is told, and nothing is turned. */
static void as_stored(void **state)
{
    bench *b = *state;
    static uint8_t flat[48 * 32 * 3];
    uint8_t stored[6] = {1, 2, 3, 4, 5, 6};
    const fpc_image mask = {3, 2, 1, stored};
    fpc_image back;

    write_jpeg("stored.jpg", 48, 32, 3, flat);
    write_png(b, "stored.png", &mask, NULL, 0);
    for (int tag = 1; tag <= 8; tag++)
        for (int pixels = 0; pixels < 2; pixels++) {
            fpc_image_facts facts = {.size = sizeof facts};
            fpc_arena *arena = pixels ? b->arena : NULL;
            tag_jpeg("stored.jpg", "tagged.jpg", tag, 0);
            tag_png("stored.png", "tagged.png", tag, 1, pixels);
            assert_int_equal(fpc_image_open(b->ctx, arena, in_folder("tagged.jpg"), FPC_IMAGE_STORED, &back, &facts),
                             FPC_OK);
            assert_true(back.w == 48 && back.h == 32 && back.c == 3 && facts.orientation == tag);
            facts.orientation = 0;
            assert_int_equal(fpc_image_open(b->ctx, arena, in_folder("tagged.png"), FPC_IMAGE_STORED | FPC_IMAGE_MASK,
                                            &back, &facts),
                             FPC_OK);
            assert_true(back.w == 3 && back.h == 2 && back.c == 1 && facts.orientation == tag);
            assert_true(pixels ? !memcmp(back.pixel, stored, 6) : !back.pixel);
            assert_int_equal(fpc_image_open(b->ctx, arena, in_folder("tagged.png"), FPC_IMAGE_MASK, &back, NULL),
                             FPC_OK);
            assert_int_equal(back.w, tag < 5 ? 3 : 2);
        }
    assert_int_equal(fpc_image_open(b->ctx, b->arena, in_folder("tagged.png"), 8, &back, NULL), FPC_EINVAL);
    said(b, "knows no way 0x8 of reading");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(png_round_trip),
                                       CASE(jpeg_reads),
                                       CASE(no_pictures),
                                       CASE(truncated),
                                       CASE(lying_headers),
                                       CASE(masks_of_colours),
                                       CASE(unwritable),
                                       CASE(says_who_wrote_it),
                                       CASE(names_of_pictures),
                                       CASE(colours_are_told_apart),
                                       CASE(resize_by_definition),
                                       CASE(masks_take_the_nearest),
                                       CASE(in_memory),
                                       CASE(orientation_of_png),
                                       CASE(orientation_of_jpeg),
                                       CASE(hostile_exif),
                                       CASE(jpeg_of_a_phone),
                                       CASE(as_stored)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
