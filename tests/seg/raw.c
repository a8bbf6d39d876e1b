/* raw.c: what tests of libfpseg compare with, without a library of pictures in the way: a PNG's pixels as bytes.
 *   raw picture FILE.png OUT.ppm     RGB as PPM
 *   raw mask FILE.png OUT            labels, a byte each */
#include <fpcore/image.h>
#include <stdio.h>
#include <string.h>

/* base/message.h, which programs outside do not have */
fpc_ctx *fpc_ctx_new(void);
void fpc_ctx_free(fpc_ctx *);
fpc_arena *fpc_arena_new(fpc_ctx *);
void fpc_arena_free(fpc_arena *);

int main(int argc, char **argv)
{
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_arena *arena = fpc_arena_new(ctx);
    const int mask = argc == 4 && !strcmp(argv[1], "mask");
    fpc_image image;
    FILE *out = argc == 4 ? fopen(argv[3], "wb") : NULL;
    int bad = !out || fpc_image_open(ctx, arena, argv[2], mask ? FPC_IMAGE_MASK : 0, &image, NULL);

    if (!bad) {
        const size_t n = (size_t)image.w * (size_t)image.h * (size_t)image.c;
        bad = !mask && fprintf(out, "P6 %d %d 255\n", image.w, image.h) < 0;
        bad |= fwrite(image.pixel, 1, n, out) != n;
    }
    bad |= out && fclose(out);
    fpc_arena_free(arena);
    fpc_ctx_free(ctx);
    return bad;
}
