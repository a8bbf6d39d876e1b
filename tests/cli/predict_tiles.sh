#!/bin/sh
# fpcore predict --tiles: the labels of a picture that is larger than what the network was trained at, also where a thing
# lies across the borders of tiles; a picture that is one tile; memory; eval --native --tiles; refusals.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
cat >scene.c <<'END'
/* scene W H N PICTURE MASK: a bright disc (label 1) on a dark ground (0), as large as N mod 12 says, from nothing to more
 * than the picture. N 0: of a third of the picture, in its middle, and a small one left above it.
 * scene check W H MASK FAR: prints how many pixels are not as in N 0, those left out that are at most FAR from a border;
 * fails where there are any. */
#include <fpcore/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
fpc_ctx *fpc_ctx_new(void);
fpc_arena *fpc_arena_new(fpc_ctx *);
static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}
static int in_disc(double x, double y, double r)
{
    return r > 0 && x * x + y * y < r * r;
}
/* Whether the pixel lies in a disc that is larger by `more`. */
static int thing(int n, int w, int h, int x, int y, double more)
{
    const int side = w < h ? w : h;
    const double cx = w * (n * 37 % 101 / 101.0), cy = h * (n * 53 % 97 / 97.0);
    if (n)
        return n % 12 && in_disc(x - cx, y - cy, side * 0.12 * (n % 12));
    return in_disc(x - w / 2.0, y - h / 2.0, side / 3.0 + more) ||
           in_disc(x - w / 2.0 + side / 2.2, y - h / 2.0 + side / 3.0, side / 10.0 + more);
}
int main(int argc, char **argv)
{
    static const uint8_t colour[2][3] = {{20, 30, 120}, {220, 170, 140}};
    const int check = argc == 6 && !strcmp(argv[1], "check");
    if (argc != 6)
        return 2;
    const int w = number(argv[1 + check]), h = number(argv[2 + check]), last = number(argv[check ? 5 : 3]);
    const size_t pixels = (size_t)w * (size_t)h;
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_image picture = {w, h, 3, malloc(pixels * 3)}, mask = {w, h, 1, malloc(pixels)};
    int wrong = 0;
    if (check && (fpc_mask_read(ctx, fpc_arena_new(ctx), argv[4], &mask) || mask.w != w || mask.h != h))
        return 2;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const size_t i = (size_t)y * (size_t)w + (size_t)x;
            if (check) {
                wrong += mask.pixel[i] ? !thing(0, w, h, x, y, last) : thing(0, w, h, x, y, -last);
                continue;
            }
            mask.pixel[i] = (uint8_t)thing(last, w, h, x, y, 0);
            memcpy(picture.pixel + 3 * i, colour[mask.pixel[i]], 3);
        }
    if (check)
        printf("%d pixels are wrong\n", wrong);
    return check ? wrong != 0 : fpc_png_write(ctx, argv[4], &picture, NULL, 0) || fpc_png_write(ctx, argv[5], &mask, colour, 2);
}
END
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $san scene.c -I"$FPCORE_SRC/include" -L"$FPCORE_BUILD/.libs" -lfpcore \
    -Wl,-rpath,"$FPCORE_BUILD/.libs" -o scene || exit 1
scene() { ASAN_OPTIONS=detect_leaks=0 ./scene "$@"; }

# ---- a network that tells bright from dark ----
mkdir -p set/train/images set/train/masks large
i=1
while [ $i -le 48 ]; do
    scene 32 32 $i set/train/images/$i.png set/train/masks/$i.png || exit 1
    i=$((i + 1))
done
printf '[classes]\n0 = ground\n1 = thing\n' >classes.ini
sed -e '/^\[dataset\]/,/^batch/d' -e '/^use = hflip/,/^$/d' -e '/^\[augment/d' tiny.ini >own.ini
cat >>own.ini <<'END'
[dataset]
use = folder
root = set
classes = classes.ini
size = 32
batch = 4
val_split = 0.1
END
expect "a training" 0 "$FPCORE" -c own.ini -s run.epochs=8 -s model.dropout=0
run=$(run_in runs)
predict() { "$FPCORE" predict -w "$run" "$@"; }

# ---- a thing across tiles ----
scene 330 250 0 large/scene.png truth.png || exit 1
for how in "--tiles 64" "--tiles 64 --overlap 0" "--tiles 50 --overlap 30" "--tiles 64 --flip" "--tiles 96 --scales 1,1.5"; do
    # shellcheck disable=SC2086
    expect "predict $how" 0 predict $how -o tiled large
    cp out said
    expect "has the right labels but near borders ($how)" 0 scene check 330 250 tiled/scene.png 5
done
expect "tiles" 0 predict --tiles 64 -o tiled large
says "are counted" '^tiled: 1 mask of 35 tiles$'
cp tiled/scene.png first.png
for threads in 1 3; do
    expect "with $threads threads" 0 predict --tiles 64 -o threads.$threads -s backend.use=cpu -s backend.threads=$threads large
done
holds "the same" cmp threads.1/scene.png threads.3/scene.png
expect "the default overlap" 0 predict --tiles 64 --overlap 16 -o tiled large
holds "is a quarter" cmp tiled/scene.png first.png
expect "whole" 0 predict -o whole large
holds "is another mask" sh -c '! cmp -s whole/scene.png tiled/scene.png'
expect "with an overlay, and listed" 0 predict --tiles 64 --overlay -v -o tiled large
says "there is one" '^tiled: 1 mask of 35 tiles with overlays; '
"$FPCORE" predict -w "$run" --tiles 64 -o - large/scene.png >piped.png 2>out
holds "to standard output" cmp piped.png first.png

# ---- one tile ----
for how in "" "--flip" "--size 48x32"; do
    for tiles in 330 16384; do
        # shellcheck disable=SC2086
        expect "a picture of one tile of $tiles $how" 0 predict $how --tiles $tiles -o one large
        # shellcheck disable=SC2086
        expect "and whole" 0 predict $how -o whole large
        holds "is the same mask" cmp one/scene.png whole/scene.png
    done
done
says "whole, nothing is counted" '^whole: 1 mask$'

# ---- memory ----
# 24 MB are picture and mask. The scores of 19 classes at every pixel would be 456 MB more, those of all tiles on
# their grids 92. One arena: each further one of malloc reserves 64 MB of addresses, or does not, as threads meet.
mkdir huge
scene 3000 2000 0 huge/scene.png truth.png || exit 1
if [ "$san" ]; then echo "# memory: not under a sanitizer, which takes all addresses"; else
    expect "a training with 19 classes" 0 "$FPCORE" -c tiny.ini -s run.epochs=1 -s run.out=nineteen
    for how in "" "--tiles 96"; do
        # shellcheck disable=SC2086
        expect "3000 x 2000 in 120 MB ${how:-whole}" 0 sh -c 'ulimit -v 120000 && exec "$@"' - \
            env MALLOC_ARENA_MAX=1 "$FPCORE" predict -w "$(run_in nineteen)" $how -o huge.masks huge
    done
    says "in tiles" '^huge\.masks: 1 mask of 1176 tiles$'
fi
expect "3000 x 2000" 0 predict --tiles 256 -o huge.masks huge
expect "has the right labels" 0 scene check 3000 2000 huge.masks/scene.png 20

# ---- a signal does not wait for the picture ----
# 371259 tiles take more than a minute.
env --default-signal=INT "$FPCORE" predict -w "$run" --tiles 16 --overlap 12 -o stopped huge >out 2>&1 &
pid=$!
sleep 3
kill -s INT $pid
wait $pid
code=$?
if [ $code -eq 130 ]; then ok "SIGINT within a picture"; else not_ok "SIGINT within a picture: exit code $code" out; fi
says "is answered at once" '^fpcore: stopping after this picture, or this tile of it; once more ends it at once$'
says "and says how far it was" 'interrupted after 0 of 1 pictures$'
holds "no mask is left" test ! -e stopped/scene.png

# ---- what it is worth ----
expect "eval --native" 0 "$FPCORE" eval -w "$run" --native
cp out whole.eval
expect "eval --native --tiles" 0 "$FPCORE" eval -w "$run" --native --tiles 16
says "says so" '^tiles: 16 x 16, overlapping by 4$'
says "and measures" '^accuracy: '
holds "something else" sh -c '! grep "^accuracy" whole.eval | cmp -s - out'
expect "in one tile" 0 "$FPCORE" eval -w "$run" --native --tiles 32
grep -v '^tiles: ' out >one.eval
holds "the same" cmp one.eval whole.eval

# ---- refusals: before a picture is looked at ----
refuse() {
    what=$1
    pattern=$2
    shift 2
    expect "$what" 2 predict -o refused "$@" large
    says "is refused" "^fpcore: error: fpcore predict: $pattern\$"
    holds "before anything is made" test ! -e refused
}
for n in 15 0 -64 16385 64x64 64. x '' 99999999999999999999; do
    refuse "--tiles $n" "--tiles $n: not a whole number of pixels from 16 to 16384" --tiles "$n"
done
for n in 64 65 -1 x ''; do
    refuse "--overlap $n" "--overlap $n: not a whole number of pixels from 0 to 63, less than a tile has" --tiles 64 --overlap "$n"
done
refuse "--overlap alone" "--overlap 8 says by how many pixels tiles overlap; add --tiles N" --overlap 8
refuse "probabilities" "--probs writes what the model says of the whole picture, and with --tiles it never sees that; --probabilities goes with tiles" \
    --tiles 64 --probs
expect "eval --tiles without --native" 2 "$FPCORE" eval -w "$run" --tiles 64
says "is refused" '^fpcore: error: fpcore eval: --tiles cuts pictures of their own size, .*; add --native$'
expect "eval --overlap alone" 2 "$FPCORE" eval -w "$run" --native --overlap 8
says "is refused" '^fpcore: error: fpcore eval: --overlap 8 says by how many pixels tiles overlap; add --tiles N$'
exit $bad
