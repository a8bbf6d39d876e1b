#!/bin/sh
# The same source by another compiler and for another processor: builds everything there, tries every op of the backend
# cpu against `ref` in double, and trains for an epoch; then the same training here, whose numbers must agree, and exports
# of the same weights to ONNX, whose bytes must.
# usage: tests/portable/run.sh [clang|aarch64]...   (default: both), from anywhere; builds in a folder of its own, which it
# removes. What is not installed is skipped by name; exits with 77 where nothing could be tried.
# For aarch64 on Debian: dpkg --add-architecture arm64; apt-get install gcc-aarch64-linux-gnu qemu-user, and libiniparser-dev,
# libjansson-dev, libpng-dev, libjpeg-dev, libcairo2-dev, libzip-dev, libcmocka-dev, each with :arm64 behind.
# FPCORE_BUILD: a folder where this source is built, to compare with (default: it is built once more).
# PORTABLE_CFLAGS: for clang; -O0 takes a third of the time.
# PORTABLE_OPS: ops to try, one by one (default: all, which takes minutes under qemu).
set -u
src=$(cd "$(dirname "$0")/../.." && pwd)
[ -z "${FPCORE_BUILD:-}" ] || FPCORE_BUILD=$(cd "$FPCORE_BUILD" && pwd) || exit 1
jobs=${FPCORE_JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}
[ $# -gt 0 ] || set -- clang aarch64
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tried=0
failed=0

ok() { echo "ok portable: $1"; }
not_ok() {
    echo "not ok portable: $1"
    [ $# -lt 2 ] || tail -n 30 "$2"
    failed=1
}

# build NAME CONFIGURE-ARGUMENT...: fpcore, its plugins and the test of ops, in $scratch/NAME
build() {
    name=$1
    shift
    mkdir "$scratch/$name" && cd "$scratch/$name" || exit 1
    if "$src/configure" --without-cuda --enable-werror "$@" >configure.log 2>&1 &&
        make -j "$jobs" all tests/ops/agree >make.log 2>&1; then
        ok "$name: all compiles without a warning"
    else
        [ -s make.log ] || cp configure.log make.log
        not_ok "$name: all compiles without a warning" make.log
        return 1
    fi
}

# on NAME PROGRAM...: runs a program of that build; under qemu where the build is for another processor
on() {
    of=$scratch/$1
    program=$2
    shift 2
    set -- "$of/$program" "$@"
    [ "$(basename "$of")" != aarch64 ] || set -- qemu-aarch64 -E "LD_LIBRARY_PATH=$of/.libs" "$@"
    LD_LIBRARY_PATH=$of/.libs FPCORE_PLUGIN_PATH=$of/.libs FPCORE_RECIPES=$src/conf "$@"
}

# The loss and the metric of validation after an epoch of 64 drawn faces: the last line of history.csv.
train() {
    on "$1" .libs/fpcore -c "$src/conf/quickstart.ini" -s run.epochs=1 -s dataset.train=64 -s dataset.val=16 \
        -s dataset.size=48 -s run.out="$scratch/$1/runs" >"$scratch/$1/train.log" 2>&1 &&
        tail -n 1 "$scratch/$1"/runs/*/history.csv
}

try() {
    name=$1
    tried=1
    for op in ${PORTABLE_OPS:-all}; do
        set -- cpu "$op"
        [ "$op" != all ] || set -- cpu
        if on "$name" tests/ops/agree "$@" >"$scratch/agree.log" 2>&1; then
            ok "$name: agrees with ref: $op ops"
        else
            not_ok "$name: agrees with ref: $op ops" "$scratch/agree.log"
        fi
    done
    if train "$name" >"$scratch/$name.last"; then
        ok "$name: a training"
    else
        not_ok "$name: a training" "$scratch/$name/train.log"
    fi
}

# compare NAME: whose validation loss (column 8) lies within a hundredth of that of the build here. What differs are last
# bits, which AdamW's first steps enlarge: it divides small slopes by their own size.
compare() {
    if awk -F, 'FNR == 1 && NR > 1 { d = ($8 - v) / v; exit !(d < 0.01 && d > -0.01) } { v = $8 }' \
        "$scratch/here.last" "$scratch/$1.last"; then
        ok "$1: its numbers are those of the build here"
    else
        cat "$scratch/here.last" "$scratch/$1.last" >"$scratch/both"
        not_ok "$1: its numbers are those of the build here" "$scratch/both"
    fi
}

# Networks that have most ops between them, with the weights that PyTorch made: name of the weights, settings.
networks() {
    micro="model.dims=4,4,6,8 model.depths=1,1,1,1 model.sr_ratios=4,2,1,1 model.decoder_dim=8 model.dropout=0"
    echo "tiny model.dims=4,8,8,12 model.depths=1,1,1,1 model.sr_ratios=4,2,1,1 model.decoder_dim=8"
    echo "micro_enhanced $micro model.decoder=enhanced"
    echo "micro_progressive $micro model.decoder=progressive model.refine_dim=8 model.half_dim=6 model.stem_dim=4"
    echo "unet_transposed model.use=unet model.width=1 model.bilinear=off"
    echo "bisenetv2 model.use=bisenetv2 model.detail=4,4,6 model.semantic=4,4,6,8 model.aggregation=6 model.head=8" \
        "model.expansion=2"
}

# export_onnx NAME: each of them in that build, $scratch/NAME.onnx/WEIGHTS.HOW.onnx
export_onnx() {
    build=$1
    mkdir "$scratch/$build.onnx"
    networks | while read -r weights settings; do
        # shellcheck disable=SC2086
        set -- $settings
        for setting; do
            set -- "$@" -s "$setting"
            shift
        done
        for batch in 1 free; do
            on "$build" .libs/fpcore export -c "$src/tests/golden/golden.ini" "$@" --size 38x52 --batch $batch \
                -w "$src/tests/golden/$weights.weights.safetensors" --onnx "$scratch/$build.onnx/$weights.$batch.onnx" ||
                exit 1
        done
    done >"$scratch/export.log" 2>&1
}

# same_onnx NAME: no byte of a file may depend on who compiled its writer, in which order C lets arguments be made
same_onnx() {
    if ! { [ -d "$scratch/here.onnx" ] || export_onnx here; } || ! export_onnx "$1"; then
        not_ok "$1: exports to ONNX" "$scratch/export.log"
        return
    fi
    set -- "$1" "$scratch/here.onnx"/*.onnx
    name=$1
    shift
    for file; do
        cmp "$file" "$scratch/$name.onnx/$(basename "$file")" || echo "$(basename "$file") differs"
    done >"$scratch/export.log" 2>&1
    if [ ! -s "$scratch/export.log" ]; then
        ok "$name: $# exports to ONNX are byte for byte those of the build here"
    else
        not_ok "$name: exports to ONNX are byte for byte those of the build here" "$scratch/export.log"
    fi
}

here() {
    [ -s "$scratch/here.last" ] && return 0
    if [ -n "${FPCORE_BUILD:-}" ]; then
        mkdir "$scratch/here" && ln -s "$FPCORE_BUILD/.libs" "$scratch/here/.libs"
    else
        build here
    fi && train here >"$scratch/here.last"
}

for target; do
    case $target in
    clang)
        if ! command -v clang >/dev/null; then
            echo "check-portable: skipped: clang is not installed"
        elif build clang CC="${CCACHE:-} clang" ${PORTABLE_CFLAGS:+CFLAGS="$PORTABLE_CFLAGS"}; then
            try clang
            if here; then compare clang; same_onnx clang; else not_ok "here: a training" "$scratch/here/train.log"; fi
        fi
        ;;
    aarch64)
        if ! command -v aarch64-linux-gnu-gcc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
            echo "check-portable: skipped: aarch64-linux-gnu-gcc or qemu-aarch64 is not installed"
        elif [ ! -e /usr/lib/aarch64-linux-gnu/pkgconfig/jansson.pc ]; then
            echo "check-portable: skipped: the libraries for aarch64 are not installed (libjansson-dev:arm64 and others)"
        elif build aarch64 --host=aarch64-linux-gnu CC="${CCACHE:-} aarch64-linux-gnu-gcc" \
            PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig; then
            try aarch64
            if here; then compare aarch64; same_onnx aarch64; else not_ok "here: a training" "$scratch/here/train.log"; fi
        fi
        ;;
    *)
        echo "check-portable: $target: clang or aarch64 is wanted" >&2
        exit 2
        ;;
    esac
done
[ $failed -eq 0 ] || exit 1
[ $tried -eq 1 ] || exit 77
