#!/bin/sh
# make installcheck: what `make install` put into its place works there, as a user meets it: the plugins, a training of a
# few steps, a plugin of one's own by `pkg-config fpcore`, the example of docs/libfpseg.md by `pkg-config fpseg`.
# installcheck.sh BIN LIB DOC: where programs, libraries and documents were installed, DESTDIR before them.
# FPCORE_SRC: the sources, for the example alone.
set -u
export LC_ALL=C COLUMNS=1000
[ $# -eq 3 ] || exit 2
bin=$1 lib=$2 doc=$3
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
# Nothing of a build tree, nor of another installation.
unset FPCORE_PLUGIN_PATH FPCORE_PLUGIN_DIR FPCORE_RECIPES PKG_CONFIG_SYSROOT_DIR LD_LIBRARY_PATH
PATH=$bin:$PATH
PKG_CONFIG_PATH=$lib/pkgconfig
export PATH PKG_CONFIG_PATH
bad=0

# check WHAT COMMAND...: output into the file `out`
check() {
    what=$1
    shift
    if "$@" >out 2>&1; then
        echo "ok $what"
    else
        echo "not ok $what: $*"
        sed 's/^/    /' out
        bad=1
    fi
}
# says WHAT PATTERN: the last output has a line like that
says() {
    if grep -qE -- "$2" out; then
        echo "ok $1"
    else
        echo "not ok $1: no line matches $2"
        sed 's/^/    /' out
        bad=1
    fi
}

# ---- the tree ----
for file in "$bin/fpcore" "$bin/fpcore-conform" "$lib/libfpcore.so" "$lib/libfpseg.so" "$doc/COPYING" "$doc/README.md"; do
    check "${file##*/} is installed" test -s "$file"
done
find "$lib" -name '*.la' -path '*fpc*' -o -name 'libfp*.la' >la 2>/dev/null
check "no file of libtool's" test ! -s la
check "fpcore is the installed one" test "$(command -v fpcore)" = "$bin/fpcore"

# ---- plugins, and a training ----
check "fpcore -l" fpcore -l
for plugin in microsegformer cross_entropy adamw hflip cpu ref folder console; do
    says "has $plugin" "^  $plugin "
done
check "fpcore -h loss/dice" fpcore -h loss/dice
says "names the installed file" "^file $lib/fpcore/[0-9]+/loss_dice\.so"
check "quickstart.ini trains" fpcore -c quickstart.ini -s run.epochs=1 -s dataset.size=32 -s dataset.train=8 \
    -s dataset.val=4 -s dataset.batch=4
run=$(dirname "$(find runs -name best.safetensors)")
check "weights are saved" test -s "$run/best.safetensors"

# ---- a plugin of one's own ----
check "pkg-config knows fpcore" pkg-config --exists fpcore
check "fpcore new" fpcore new loss my_loss
# shellcheck disable=SC2046
check "the plugin compiles" ${CC:-cc} -std=c11 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden my_loss.c \
    $(pkg-config --cflags --libs fpcore) -o my_loss.so
check "fpcore-conform passes it" fpcore-conform ./my_loss.so
check "fpcore -l loss" fpcore -l loss --plugin-path .
says "shows it" '^  my_loss '

# ---- libfpseg ----
check "pkg-config knows fpseg" pkg-config --exists fpseg
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "${FPCORE_SRC:-.}/docs/libfpseg.md" >segment.c
# shellcheck disable=SC2046
check "its example compiles" ${CC:-cc} -O2 segment.c -o segment $(pkg-config --cflags --libs fpseg)
check "fpcore pack" fpcore pack -w "$run" -o face.fps
{ printf 'P6 40 30 255\n' && head -c 3600 /dev/zero; } >photo.ppm
check "the example runs" env LD_LIBRARY_PATH="$lib" ./segment face.fps photo.ppm labels.pgm
says "and names a class" ': the pixel in the middle is [a-z]'
check "labels are of the picture's size" test "$(wc -c <labels.pgm)" -eq 1213
exit $bad
