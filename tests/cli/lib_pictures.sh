# lib_pictures.sh: pictures and masks of one's own for scripts: a program that draws them, compiled once. Read by
# `. "$FPCORE_SRC/tests/cli/lib_pictures.sh"` behind lib_train.sh.
# shellcheck shell=sh
cat >draw.c <<'END'
/* draw KIND FOLDER N [W H]: N pictures of 48 x 40, or W x H, in FOLDER/images: a disc (label 1) with a left (2) and a right (3) dot, on a
 * ground (0). masks: FOLDER/masks/NAME.png; parts: FOLDER/parts/NAME_{skin,l_eye,r_eye}.png. Other kinds of masks:
 * binary: grey 0 and 255; spread: grey 0, 80, 160, 240; void: labels 0 to 3 in a frame of 255; eleven: labels 0 to 10;
 * colours: RGB; voc: RGB in the first twelve colours of Pascal VOC, with its frame; tints: RGB, four colours in each mask
 * that no other has; smooth: grey, of many values; long: as masks, in files whose names have 200 characters more. */
#include <fpcore/image.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
enum { MOST = 256 };
static int W = 48, H = 40;
fpc_ctx *fpc_ctx_new(void);
void fpc_ctx_free(fpc_ctx *);
static const uint8_t colour[4][3] = {{20, 30, 120}, {220, 170, 140}, {20, 200, 40}, {230, 30, 30}};
static const uint8_t binary[2][3] = {{0, 0, 0}, {255, 255, 255}};
static int label(int i, int x, int y)
{
    const int cx = 20 + i % 7, cy = 18 + i % 5, dx = x - cx, dy = y - cy;
    if (dy < 0 && dy > -5 && dx > 3 && dx < 9)
        return 2;
    if (dy < 0 && dy > -5 && dx < -3 && dx > -9)
        return 3;
    return dx * dx + dy * dy < 200;
}
/* The mask that a kind makes of labels; its channels. */
static int code(const char *kind, int i, const uint8_t *labels, uint8_t *out)
{
    static const uint8_t frame[3] = {224, 224, 192};
    const int tints = !strcmp(kind, "tints"), rgb = tints || !strcmp(kind, "colours") || !strcmp(kind, "voc");
    for (int p = 0; p < W * H; p++) {
        const int at_edge = p % W < 2 || p / W < 2, v = p % W / 4;
        const uint8_t voc[3] = {(v & 1) << 7 | (v & 8) << 3, (v & 2) << 6 | (v & 16) << 2, (v & 4) << 5};
        const uint8_t tint[3] = {(uint8_t)i, 40 * labels[p], 100};
        if (tints)
            memcpy(out + 3 * p, tint, 3);
        else if (rgb)
            memcpy(out + 3 * p, strcmp(kind, "voc") ? colour[labels[p]] : at_edge ? frame : voc, 3);
        else
            out[p] = (uint8_t)(!strcmp(kind, "binary")   ? 255 * (labels[p] > 0)
                               : !strcmp(kind, "spread") ? 80 * labels[p]
                               : !strcmp(kind, "void")   ? at_edge ? 255 : labels[p]
                               : !strcmp(kind, "eleven") ? p % W / 4 % 11
                               : !strcmp(kind, "smooth") ? p % 251
                                                         : labels[p]);
    }
    return rgb ? 3 : 1;
}
static int write(fpc_ctx *ctx, const char *folder, const char *sub, int i, const char *tail, const fpc_image *image,
                 const uint8_t (*palette)[3], int n)
{
    char path[500];
    snprintf(path, sizeof path, "%s/%s", folder, sub);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/pic_%02d%s.png", folder, sub, i, tail);
    return fpc_png_write(ctx, path, image, palette, n) != FPC_OK;
}
int main(int argc, char **argv)
{
    static const char *const part[] = {"", "_skin", "_l_eye", "_r_eye"};
    static uint8_t rgb[MOST * MOST * 3], mask[MOST * MOST], one[MOST * MOST], coded[MOST * MOST * 3];
    char more[201] = "";
    fpc_ctx *ctx = fpc_ctx_new();
    if (argc == 6)
        sscanf(argv[4], "%d", &W), sscanf(argv[5], "%d", &H);
    if (W < 1 || H < 1 || W > MOST || H > MOST)
        return 2;
    const fpc_image picture = {W, H, 3, rgb}, labels = {W, H, 1, mask}, alone = {W, H, 1, one};
    int n = 0, bad = 0;
    if ((argc != 4 && argc != 6) || !ctx)
        return 2;
    sscanf(argv[3], "%d", &n);
    if (!strcmp(argv[1], "long"))
        memset(more, 'n', sizeof more - 1);
    for (int i = 0; i < n; i++) {
        for (int p = 0; p < W * H; p++) {
            mask[p] = (uint8_t)label(i, p % W, p / W);
            memcpy(rgb + 3 * p, colour[mask[p]], 3);
        }
        bad |= write(ctx, argv[2], "images", i, more, &picture, NULL, 0);
        if (!strcmp(argv[1], "masks") || *more)
            bad |= write(ctx, argv[2], "masks", i, more, &labels, colour, 4);
        else if (strcmp(argv[1], "parts")) {
            const fpc_image other = {W, H, code(argv[1], i, mask, coded), coded};
            bad |= write(ctx, argv[2], "masks", i, "", &other, NULL, 0);
        }
        for (int k = 1; k < 4 && !strcmp(argv[1], "parts"); k++) {
            for (int p = 0; p < W * H; p++)
                one[p] = mask[p] == k || (k == 1 && mask[p]);
            bad |= write(ctx, argv[2], "parts", i, part[k], &alone, binary, 2);
        }
    }
    fpc_ctx_free(ctx);
    return bad;
}
END
# A library that was built with a sanitizer wants programs that are, too.
san=
case $(readelf -d "$FPCORE_BUILD/.libs/libfpcore.so" 2>/dev/null) in
*libasan*) san=-fsanitize=address,undefined ;;
*libtsan*) san=-fsanitize=thread ;;
esac
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $san draw.c -I"$FPCORE_SRC/include" -L"$FPCORE_BUILD/.libs" -lfpcore -Wl,-rpath,"$FPCORE_BUILD/.libs" \
    -o draw || exit 1
# draw KIND FOLDER N [W H]
draw() {
    mkdir -p "$2"
    ./draw "$@" || exit 1
}
