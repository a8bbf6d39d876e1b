#!/bin/sh
# fpcore predict --probabilities: what the files hold, by a reader in C and, where there is one, by NumPy: probabilities
# that sum to 1, of which the label's is the highest, whole, mirrored and in tiles; names; which files may be replaced;
# memory; a disk that is full; refusals.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
cat >read.c <<'END'
/* read npy ARRAY MASK, read png16 STEM MASK CLASS...: prints height, width, classes and how far the sums are from 1;
 * fails where they are, or where a class is more probable than the mask's label.
 * read same ARRAY STEM CLASS...: whether the pictures are the array, to half a step of theirs. */
#include <fpcore/image.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
fpc_ctx *fpc_ctx_new(void);
fpc_arena *fpc_arena_new(fpc_ctx *);
static fpc_ctx *ctx;
static fpc_arena *arena;
static int h, w, k;
static double *array(const char *path)
{
    char head[129] = "";
    FILE *f = fopen(path, "rb");
    const char *shape;
    if (!f || fread(head, 1, 128, f) != 128 || memcmp(head, "\x93NUMPY\1\0v", 9) || head[127] != '\n')
        exit(2);
    shape = strstr(head + 10, "'shape': (");
    if (!shape || sscanf(shape, "'shape': (%d, %d, %d)", &h, &w, &k) != 3 || !strstr(head + 10, "'descr': '<f4'") ||
        !strstr(head + 10, "'fortran_order': False"))
        exit(2);
    const size_t n = (size_t)h * (size_t)w * (size_t)k;
    float *v = malloc(n * sizeof *v), more;
    double *p = malloc(n * sizeof *p);
    if (!v || !p || fread(v, sizeof *v, n, f) != n || fread(&more, 1, 1, f))
        exit(2);
    for (size_t i = 0; i < n; i++)
        p[i] = v[i];
    return p;
}
static double *pictures(const char *stem, int n, char **name)
{
    double *p = NULL;
    k = n;
    for (int c = 0; c < n; c++) {
        fpc_image one;
        char path[400];
        snprintf(path, sizeof path, "%s_%s.png", stem, name[c]);
        if (fpc_image_open(ctx, arena, path, FPC_IMAGE_MASK | FPC_IMAGE_CODED, &one, NULL) || one.c != 2 ||
            (p && (one.h != h || one.w != w)))
            exit(2);
        h = one.h, w = one.w;
        p = p ? p : malloc((size_t)h * (size_t)w * (size_t)n * sizeof *p);
        for (int i = 0; i < h * w; i++)
            p[(size_t)i * (size_t)n + (size_t)c] = (one.pixel[2 * i] * 256 + one.pixel[2 * i + 1]) / 65535.0;
    }
    return p;
}
int main(int argc, char **argv)
{
    fpc_image mask;
    double off = 0, differs = 0;
    int more = 0, steps;
    ctx = fpc_ctx_new();
    arena = fpc_arena_new(ctx);
    if (argc < 4)
        return 2;
    if (!strcmp(argv[1], "same")) {
        const double *a = array(argv[2]);
        const int n = k, oh = h, ow = w;
        const double *b = pictures(argv[3], argc - 4, argv + 4);
        for (size_t i = 0; i < (size_t)h * (size_t)w * (size_t)k; i++)
            differs = fmax(differs, fabs(a[i] - b[i]) * 65535);
        return !(n == k && oh == h && ow == w && differs < 0.51);
    }
    steps = !strcmp(argv[1], "png16");
    const double *p = steps ? pictures(argv[2], argc - 4, argv + 4) : array(argv[2]);
    if (fpc_mask_read(ctx, arena, argv[3], &mask) || mask.h != h || mask.w != w)
        return 2;
    for (size_t i = 0; i < (size_t)h * (size_t)w; i++) {
        double sum = 0;
        for (int c = 0; c < k; c++) {
            sum += p[i * (size_t)k + (size_t)c];
            more += p[i * (size_t)k + (size_t)c] > p[i * (size_t)k + mask.pixel[i]] || p[i * (size_t)k + (size_t)c] < 0;
        }
        off = fmax(off, fabs(sum - 1));
    }
    printf("%d x %d x %d, off by %g, above the label: %d\n", h, w, k, off, more);
    return more || off > (steps ? k / 2.0 / 65535 : 1e-6);
}
END
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $san read.c -I"$FPCORE_SRC/include" -L"$FPCORE_BUILD/.libs" -lfpcore -lm \
    -Wl,-rpath,"$FPCORE_BUILD/.libs" -o read || exit 1
read_maps() { ASAN_OPTIONS=detect_leaks=0 ./read "$@"; }

cat >classes.ini <<'END'
[classes]
0 = ground
1 = left/eye 2
2 = left_eye_2
3 = thing
END
names="ground left_eye_2 left_eye_2_2 thing"
draw masks set/train 12
sed -e '/^\[dataset\]/,/^batch/d' -e '/^use = hflip/,/^$/d' -e '/^\[augment/d' tiny.ini >own.ini
cat >>own.ini <<'END'
[dataset]
use = folder
root = set
classes = classes.ini
size = 32
batch = 4
val_split = 0.2
END
expect "a training" 0 "$FPCORE" -c own.ini -s run.epochs=3
run=$(run_in runs)
predict() { "$FPCORE" predict -w "$run" "$@"; }
draw masks large 1 210 150
draw masks same 1 32 32
mkdir pictures
cp large/images/pic_00.png pictures/a.png
cp same/images/pic_00.png pictures/b.png

# ---- what is in them: larger than what the network sees, as large, mirrored, in tiles ----
for how in "" "--flip" "--tiles 48" "--tiles 48 --overlap 30 --flip" "--scales 1,1.5"; do
    rm -rf plain maps array
    # shellcheck disable=SC2086
    expect "a plain prediction ${how:-(whole)}" 0 predict $how -o plain pictures
    # shellcheck disable=SC2086
    expect "with probabilities" 0 predict $how --probabilities -o maps pictures
    # shellcheck disable=SC2086
    expect "as an array" 0 predict $how --probabilities=npy -o array pictures
    for name in a b; do
        holds "$name: the mask is the same" cmp plain/$name.png maps/$name.png
        holds "in all ways" cmp plain/$name.png array/$name.png
        expect "an array sums to 1, and the mask has its highest" 0 read_maps npy array/$name.probabilities.npy maps/$name.png
        [ $name = b ] || says "at the picture's size" '^150 x 210 x 4, '
        # shellcheck disable=SC2086
        expect "so do pictures" 0 read_maps png16 maps/$name maps/$name.png $names
        # shellcheck disable=SC2086
        expect "which hold the same numbers" 0 read_maps same array/$name.probabilities.npy maps/$name $names
    done
    cp array/a.probabilities.npy "last${how%% *}.npy"
done
holds "mirrored, they are others" sh -c '! cmp -s last.npy last--flip.npy'
holds "in tiles, too" sh -c '! cmp -s last.npy last--tiles.npy'
expect "the word png16" 0 predict --probabilities=png16 --scales 1,1.5 -v -o named pictures
says "lists them" '^named/a_left_eye_2_2\.png$'
for name in $names; do
    holds "and means what stands alone: $name" cmp "named/a_$name.png" "maps/a_$name.png"
done
holds "no temporary file stays" sh -c '! ls -A maps array | grep -E "tmp"'
expect "with two threads more" 0 predict --tiles 48 --probabilities=npy -o threads -s backend.use=cpu -s backend.threads=3 pictures
expect "and one" 0 predict --tiles 48 --probabilities=npy -o thread -s backend.use=cpu -s backend.threads=1 pictures
holds "the same" cmp threads/a.probabilities.npy thread/a.probabilities.npy
holds "16 bits, grey" test "$(od -An -tu1 -j24 -N2 maps/a_thing.png | tr -s ' ')" = " 16 0"

# ---- by NumPy ----
python=${FPCORE_PYTHON:-python3}
if "$python" -c 'import numpy' 2>/dev/null; then
    expect "NumPy reads it" 0 "$python" -c '
import numpy
a = numpy.load("array/a.probabilities.npy")
assert a.shape == (150, 210, 4) and a.dtype == numpy.float32 and a.flags.c_contiguous, (a.shape, a.dtype)
assert abs(a.sum(-1) - 1).max() < 1e-6
assert (numpy.load("array/a.probabilities.npy", mmap_mode="r") == a).all()
raw = numpy.fromfile("array/a.probabilities.npy", "<f4", offset=128).reshape(a.shape)
assert (raw == a).all()'
    cat out
else
    echo "# NumPy is not there: the array was read by the reader in C alone"
fi

# ---- which files may be replaced ----
expect "again" 0 predict --probabilities -o maps pictures
expect "again" 0 predict --probabilities=npy -o array pictures
expect "among the pictures" 0 predict --probabilities -o pictures/out -r pictures
expect "they are passed over" 0 predict --probabilities -o pictures/out -r pictures
says "and told of" '^passed over: 10 files that fpcore predict wrote$'
if "$python" -c 'import numpy' 2>/dev/null; then
    "$python" -c 'import numpy; numpy.save("array/a.probabilities.npy", numpy.zeros((150, 210, 4), "f4"))'
else
    { printf '\223NUMPY\1\0v\0'; printf "%-117s\n" "{'descr': '<f4', 'fortran_order': False, 'shape': (150, 210, 4), }"; } >array/a.probabilities.npy
fi
cp array/a.probabilities.npy theirs.npy
expect "an array of somebody else" 2 predict --probabilities=npy -o array pictures
says "is not replaced" 'array/a\.probabilities\.npy: is there already, and fpcore predict did not write it'
holds "and stays as it is" cmp array/a.probabilities.npy theirs.npy
expect "but by force" 0 predict --force --probabilities=npy -o array pictures
cp pictures/a.png pictures/b_ground.png
expect "a picture called as the map of another" 2 predict --probabilities -o clash pictures
says "is told of" '^fpcore: error: clash/b_ground\.png: would be written for pictures/b.* and for pictures/b'
holds "before the folder is made" test ! -e clash
rm pictures/b_ground.png

# ---- memory: 6 megapixels and 4 classes are 96 MB of floats ----
cat >wide.c <<'END'
/* wide W H FILE: a picture of stripes */
#include <fpcore/image.h>
#include <stdlib.h>
fpc_ctx *fpc_ctx_new(void);
int main(int argc, char **argv)
{
    const int w = argc == 4 ? atoi(argv[1]) : 0, h = argc == 4 ? atoi(argv[2]) : 0;
    const fpc_image picture = {w, h, 3, calloc((size_t)w * (size_t)h, 3)};
    for (int i = 0; i < w * h; i++)
        picture.pixel[3 * i] = (unsigned char)(i % w / 40 * 50);
    return fpc_png_write(fpc_ctx_new(), argv[3], &picture, NULL, 0) != FPC_OK;
}
END
mkdir huge
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $san wide.c -I"$FPCORE_SRC/include" -L"$FPCORE_BUILD/.libs" -lfpcore \
    -Wl,-rpath,"$FPCORE_BUILD/.libs" -o wide && ASAN_OPTIONS=detect_leaks=0 ./wide 3000 2000 huge/a.png || exit 1
if [ "$san" ]; then echo "# memory: not under a sanitizer, which takes all addresses"; else
    for how in "--probabilities=npy" "--probabilities" "--probabilities=npy --tiles 96"; do
        # shellcheck disable=SC2086
        expect "3000 x 2000 in 120 MB $how" 0 sh -c 'ulimit -v 120000 && exec "$@"' - \
            env MALLOC_ARENA_MAX=1 "$FPCORE" predict -w "$run" $how -o huge.maps huge
    done
fi
# ---- a disk that is full: a file of more than a block cannot be written ----
for how in png16:a_ground.png npy:a.probabilities.npy; do
    expect "files may be 50 kB (--probabilities=${how%:*})" 1 \
        sh -c 'ulimit -f 100; trap "" XFSZ; exec "$@"' - "$FPCORE" predict -w "$run" --probabilities="${how%:*}" -o full huge
    says "is told" "^fpcore: error: full/${how#*:}: cannot write: .*File too large"
    holds "nothing is left" sh -c 'test ! -d full || test -z "$(ls -A full)"'
done
mkdir -p taken
: >taken/file
expect "a folder that cannot be made" 1 predict --probabilities -o taken/file/maps pictures
says "is told" '^fpcore: error: fpcore predict: --out: the folder taken/file cannot be made: Not a directory$'

# ---- refusals ----
expect "another word" 2 predict --probabilities=png8 -o maps pictures
says "is refused" '^fpcore: error: fpcore predict: --probabilities=png8: png16 \(a grey PNG for each class\) or npy \(one array\) can be written$'
expect "standard output" 2 predict --probabilities -o - pictures/a.png
says "takes a mask alone" '-o - takes the mask of one picture and nothing else, not --probabilities; give a folder'
exit $bad
