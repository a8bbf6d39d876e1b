#!/bin/sh
# A plugin that was built for ABI 1 goes on working when fpcore's structs have grown. tests/abi/abi1 holds the public
# headers as they were when ABI 1 began, and a plugin of each kind; neither is ever edited. They are compiled here, once,
# and loaded by a second build of the core whose public headers have a field more at the end of each struct that may grow;
# so are the plugins of the build tree. What is trained must be what the ordinary build makes of them, to the byte.
# shellcheck source=../cli/lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
frozen=$FPCORE_SRC/tests/abi/abi1
kinds="model loss schedule optimizer augment metric dataset backend logger"
mkdir -p old grown/fpcore objects lib

for kind in $kinds; do
    ${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -I"$frozen" "$frozen/$kind.c" -lm \
        -o "old/${kind}_old.so" || not_ok "the frozen $kind compiles"
done

# Each struct that begins with its size, and those whose size comes beside them, with two numbers more.
for header in "$FPCORE_SRC"/include/fpcore/*.h; do
    awk '
        /^typedef struct fpc_[a-z0-9_]+ \{/ { name = $3; grows = name ~ /_attr$|^fpc_seg_term$|^fpc_option$/; first = 1; print; next }
        first && name { grows = grows || /^ *uint32_t size/; first = 0 }
        name && $0 ~ "^} " name ";" { if (grows) { print "    uint64_t grown[2];"; n++ } name = "" }
        { print }
        END { print n + 0 >>"grown/count" }' "$header" >"grown/fpcore/${header##*/}"
done
n=$(awk '{ n += $1 } END { print n }' grown/count)
if [ "$n" -ge 45 ]; then ok "$n structs have grown"; else not_ok "$n structs have grown, not 45"; fi

# variable NAME: of the build's Makefile, without line ends and without what make would expand
variable() { sed -n "/^$1 = */{s///;:a;/\\\\\$/{N;s/\\\\\n//;ba;};p;q;}" "$FPCORE_BUILD/Makefile"; }
flags="-std=gnu11 -O0 -w -fPIC -ffp-contract=off $(variable SAN_CFLAGS)"
libs=
for part in INIPARSER JANSSON CAIRO PNG JPEG ZIP; do
    flags="$flags $(variable ${part}_CFLAGS)"
    libs="$libs $(variable ${part}_LIBS)"
done
# objects FOLDER SOURCE...: compiles, two at a time
objects() {
    mkdir -p "objects/$1"
    folder=$1
    shift
    printf '%s\n' "$@" | CC="${CC:-cc}" FLAGS="$flags" VERSION="$(variable PACKAGE_VERSION)" folder=$folder xargs -P 2 -n 1 sh -c '
        $CC $FLAGS -Igrown -idirafter "$FPCORE_SRC/include" -iquote "$FPCORE_SRC/core" -iquote "$FPCORE_SRC" -DFPC_LIB_DIR="\"/nowhere\"" \
            -DFPC_PLUGIN_DIR="\"/nowhere\"" -DFPC_DATA_DIR="\"$FPCORE_SRC\"" -DFPC_VERSION="\"$VERSION\"" -c "$0" \
            -o "objects/$folder/$(printf %s "$0" | tr / _).o"' || not_ok "the grown core compiles"
}
# shellcheck disable=SC2046
objects core $(find "$FPCORE_SRC/core" -name '*.c' ! -path '*/core/cmd/*' ! -path '*/core/seg/*')
# shellcheck disable=SC2046
objects cmd $(find "$FPCORE_SRC/core/cmd" -name '*.c' ! -name templates.c ! -name page.c) \
    "$FPCORE_BUILD/core/cmd/templates/templates.c" "$FPCORE_BUILD/core/cmd/report/page/page.c" \
    "$FPCORE_BUILD/core/cmd/serve/page.c"
# The plugins ask for libfpcore.so.0; the one that is loaded already answers.
# shellcheck disable=SC2086
${CC:-cc} $flags -shared objects/core/*.o -Wl,-soname,libfpcore.so.0 \
    -Wl,--version-script="$FPCORE_SRC/core/libfpcore.map" -o lib/libfpcore.so.0 $libs -lm -lpthread -ldl &&
    ${CC:-cc} $flags objects/cmd/*.o lib/libfpcore.so.0 -Wl,-rpath,"$scratch/lib" -o lib/fpcore $libs -lm -lpthread -ldl
if [ -x lib/fpcore ]; then ok "the grown fpcore is built"; else not_ok "the grown fpcore is built"; exit 1; fi

# both WHAT RECIPE: trains with either program and compares what comes out
both() {
    rm -rf a b
    expect "$1: as it is" 0 "$FPCORE" -c "$2" -s run.out=a --plugin-path old
    expect "$1: grown" 0 lib/fpcore -c "$2" -s run.out=b --plugin-path old
    for file in history.csv best.safetensors last.safetensors; do
        if cmp -s a/*/"$file" b/*/"$file"; then ok "$1: the same $file"; else not_ok "$1: the same $file"; fi
    done
}
both "plugins of the build tree" tiny.ini
cat >old.ini <<'INI'
[run]
epochs = 2
seed = 5
metric = old
[dataset]
use = old
size = 32
train = 8
val = 4
batch = 4
[augment.old]
use = old
[model]
use = old
[loss.old]
use = old
[optimizer]
use = old
[schedule]
use = old
[metric.old]
use = old
[logger.old]
use = old
[backend]
use = cpu
INI
both "plugins of ABI 1" old.ini
for kind in $kinds; do
    expect "$kind of ABI 1: described" 0 lib/fpcore -h "$kind/old" --plugin-path old
    says "$kind of ABI 1: comes from its file" "old/${kind}_old\\.so"
done
# The frozen backend has two kernels: what is missing is told by name, of either build.
expect "a backend of ABI 1: as it is" 1 "$FPCORE" -c old.ini -s backend.use=old -s run.out=c --plugin-path old
says "a backend of ABI 1: what is missing" 'backend old has no kernel for: to_real'
cp out first
expect "a backend of ABI 1: grown" 1 lib/fpcore -c old.ini -s backend.use=old -s run.out=c --plugin-path old
cp out second
if diff first second >out; then ok "a backend of ABI 1: the same is missing"; else not_ok "a backend of ABI 1: the same is missing" out; fi
exit $bad
