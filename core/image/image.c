/* image.c: opens a picture and hands it to the decoder that its first bytes call for; the name's ending is not trusted.
 */
#define _POSIX_C_SOURCE 200809L
#include "image/codec.h"
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum kind { NEITHER, JPEG, PNG };

static fpc_status open_file(fpc_ctx *ctx, const char *path, FILE **file)
{
    struct stat about;
    *file = NULL;
    if (stat(path, &about) != 0)
        return fpc_fail(ctx, errno == ENOENT ? FPC_ENOENT : FPC_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) /* opening a pipe would wait for ever */
        return fpc_fail(ctx, FPC_EFORMAT, "%s: not a file", path);
    *file = fopen(path, "rb");
    return *file ? FPC_OK : fpc_fail(ctx, FPC_EIO, "%s: %s", path, strerror(errno));
}

/* By the first bytes; the file stands at its beginning afterwards. */
static fpc_status kind_of(fpc_ctx *ctx, const char *path, FILE *file, enum kind *kind)
{
    static const unsigned char jpeg[] = {0xff, 0xd8, 0xff}, png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    unsigned char head[8] = {0};
    const size_t got = fread(head, 1, sizeof head, file);
    *kind = got >= sizeof jpeg && memcmp(head, jpeg, sizeof jpeg) == 0 ? JPEG
            : got == sizeof png && memcmp(head, png, sizeof png) == 0  ? PNG
                                                                       : NEITHER;
    rewind(file);
    if (*kind != NEITHER)
        return FPC_OK;
    return fpc_fail(ctx, FPC_EFORMAT, "%s: %s", path, got ? "neither a JPEG nor a PNG file" : "the file is empty");
}

static fpc_status decode(fpc_ctx *ctx, fpc_arena *arena, const char *path, FILE *file, unsigned how, fpc_image *out,
                         fpc_image_facts *facts)
{
    const int labels = (how & FPC_IMAGE_MASK) != 0, pixels = arena != NULL;
    enum kind kind = NEITHER;
    fpc_status status = kind_of(ctx, path, file, &kind);

    if (status != FPC_OK)
        return status;
    if (kind == JPEG && labels) /* its losses change labels */
        return fpc_fail(ctx, FPC_EFORMAT, "%s: a mask as JPEG; masks are PNG files with a palette or grey values",
                        path);
    status = kind == JPEG ? fpc_jpeg_decode(ctx, arena, path, file, pixels, out, facts)
                          : fpc_png_decode(ctx, arena, path, file, pixels, how, out, facts);
    return status || how & FPC_IMAGE_STORED ? status : fpc_image_turn(arena, facts->orientation, out);
}

fpc_status fpc_image_decode(fpc_ctx *ctx, fpc_arena *arena, const char *name, const void *data, size_t bytes,
                            unsigned how, fpc_image *out)
{
    fpc_image_facts facts = {.size = sizeof facts, .orientation = 1};
    FILE *file = bytes ? fmemopen((void *)(uintptr_t)data, bytes, "rb") : NULL; /* only read */

    *out = (fpc_image){0};
    if (!file)
        return fpc_fail(ctx, bytes ? FPC_ENOMEM : FPC_EFORMAT, "%s: %s", name, bytes ? "no memory" : "it is empty");
    const fpc_status status = decode(ctx, arena, name, file, how, out, &facts);
    fclose(file);
    return status;
}

fpc_status fpc_image_open(fpc_ctx *ctx, fpc_arena *arena, const char *path, unsigned how, fpc_image *out,
                          fpc_image_facts *facts)
{
    fpc_image_facts found = {.size = sizeof found, .orientation = 1};

    *out = (fpc_image){0};
    if (how & ~(unsigned)(FPC_IMAGE_MASK | FPC_IMAGE_STORED | FPC_IMAGE_CODED))
        return fpc_fail(ctx, FPC_EINVAL, "%s: this fpcore knows no way %#x of reading a picture", path, how);
    FILE *file;
    fpc_status status = open_file(ctx, path, &file);
    if (status)
        return status;
    status = decode(ctx, arena, path, file, how, out, &found);
    fclose(file);
    if (facts) { /* its size is the caller's, who may know of more or fewer fields */
        facts->orientation = found.orientation;
        memcpy(facts->oddity, found.oddity, sizeof found.oddity);
    }
    return status;
}

int fpc_image_named(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && name[0] != '.' && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg") || !strcasecmp(dot, ".png"));
}

fpc_status fpc_image_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_image *out)
{
    return fpc_image_open(ctx, arena, path, 0, out, NULL);
}

fpc_status fpc_image_size(fpc_ctx *ctx, const char *path, int32_t *w, int32_t *h)
{
    fpc_image image;
    const fpc_status status = fpc_image_open(ctx, NULL, path, 0, &image, NULL);
    *w = image.w;
    *h = image.h;
    return status;
}

fpc_status fpc_mask_read(fpc_ctx *ctx, fpc_arena *arena, const char *path, fpc_image *out)
{
    return fpc_image_open(ctx, arena, path, FPC_IMAGE_MASK, out, NULL);
}
