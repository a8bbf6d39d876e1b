#!/bin/sh
# The program of docs/embedding.md, compiled as it stands there against an installed tree: it gives the labels that
# `fpcore predict` writes, loads no X11 and no cairo, and fails with a sentence. What the library and a plugin need.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

cp -R "$FPCORE_BUILD/tests/installed" root || exit 1
pc=$(find root -name fpcore.pc | head -n 1)
lib=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$scratch/$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$scratch/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
export LD_LIBRARY_PATH="$scratch/$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# ---- the page's program ----
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$FPCORE_SRC/docs/embedding.md" >shares.c
holds "the page has a program of about 40 lines" awk 'END { exit !(NR > 25 && NR < 55) }' shares.c
# A library that was built with a sanitizer wants programs that are, too.
san=
case $(readelf -d "$lib/libfpcore.so" 2>/dev/null) in
*libasan*) san=-fsanitize=address,undefined ;;
*libtsan*) san=-fsanitize=thread ;;
esac
# shellcheck disable=SC2046,SC2086
expect "it compiles without a warning" 0 ${CC:-cc} -std=c11 -Wall -Wextra -Werror $san $(pkg-config --cflags fpcore) shares.c -o shares \
    $(pkg-config --libs fpcore)

# ---- its labels are those of the program ----
# a logger that draws by cairo: it belongs to the training
cat >>tiny.ini <<'INI'

[logger.curves]
use = plot
INI
expect "a run" 0 "$FPCORE" -c tiny.ini -s run.epochs=6 -s dataset.train=64 -s run.out=runs
run=$(run_in runs)
# a light face before dark hair
awk 'BEGIN {
    printf "P6 40 56 255\n"
    for (i = 0; i < 40 * 56; i++) {
        x = i % 40 - 20
        y = int(i / 40) - 30
        if (x * x + y * y < 300) printf "%c%c%c", 126, 105, 95; else printf "%c%c%c", 40, 33, 60
    }
}' >face.ppm
expect "the program runs" 0 ./shares "$run" face.ppm labels.pgm
says "it says what it saw" '^ *[0-9]+\.[0-9] %  [a-z_]+$'
holds "labels of the picture's size" test "$(wc -c <labels.pgm)" -eq $((40 * 56 + 13))
if command -v python3 >/dev/null && python3 -c 'import PIL' 2>/dev/null; then
    python3 -c 'from PIL import Image; Image.open("face.ppm").save("face.png")'
    expect "fpcore predict writes a mask" 0 "$FPCORE" predict -w "$run" -o masks face.png
    holds "with the same labels" python3 -c 'from PIL import Image
a = Image.open("masks/face.png").tobytes()
b = open("labels.pgm", "rb").read()[13:]
assert a == b, (len(a), len(b))
assert len(set(a)) > 1, set(a)'
else
    echo "ok the labels of fpcore predict # SKIP Python with Pillow is not installed; tests/unit/test_predictor compares them"
fi
expect "a file that is missing" 1 ./shares nowhere face.ppm labels.pgm
says "has its sentence" '^nowhere: cannot be opened: No such file'

# ---- what is loaded ----
loaded() { LD_DEBUG=files "$@" 2>&1 | sed -n 's/.*calling init: //p'; }
loaded ./shares "$run" face.ppm labels.pgm >libraries
holds "the program's libraries are seen" grep -q libfpcore libraries
holds "and the backend's plugin" grep -q backend_ref libraries
if grep -E 'libX11|libcairo|libzip|libxcb' libraries >out; then not_ok "it loads neither X11, cairo nor libzip" out; else ok "it loads neither X11, cairo nor libzip"; fi

# allowed WHAT FILE: what it names as needed
allowed() {
    readelf -d "$2" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' >needed
    grep -vE '^(lib(iniparser|jansson|png16|png|jpeg|dl|m|c|pthread|fpcore|asan|ubsan|tsan|gcc_s)\.so|ld-linux)' needed >out
    if [ -s needed ] && [ ! -s out ]; then ok "$1"; else not_ok "$1" out; fi
}
if command -v readelf >/dev/null; then
    allowed "libfpcore.so needs iniparser, jansson, libpng, libjpeg, libdl, libm" "$lib/libfpcore.so"
    for plugin in model_microsegformer dataset_folder loss_dice backend_ref backend_cpu logger_console; do
        allowed "$plugin.so needs no more" "$(find "$lib" -name "$plugin.so")"
    done
else
    echo "ok what libraries are needed # SKIP readelf is not installed"
fi
exit $bad
