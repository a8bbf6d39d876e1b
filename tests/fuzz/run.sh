#!/bin/sh
# Fuzzes the readers of hostile files for SECONDS each (default 60) with clang's libFuzzer, ASan and UBSan.
# usage: tests/fuzz/run.sh [SECONDS]   from anywhere; builds in a folder of its own, which it removes.
set -eu
src=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-60}
command -v clang >/dev/null || {
    echo "check-fuzz: clang is missing (Debian: apt-get install clang libclang-rt-14-dev)"
    exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
flags="-std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -I$src/include -I$src/core"
flags="$flags $(pkg-config --cflags jansson libpng libjpeg)"
# shellcheck disable=SC2089
flags="$flags -DFPC_PLUGIN_DIR=\"/nowhere\" -DFPC_DATA_DIR=\"/nowhere\" -DFPC_VERSION=\"fuzz\""
libs="$(pkg-config --libs jansson libpng libjpeg) -liniparser -lm -lpthread -ldl"

echo "check-fuzz: compiling the readers"
find "$src/core" -name '*.c' ! -path '*/cmd/*' | while read -r f; do
    # shellcheck disable=SC2086,SC2090
    clang $flags -fsanitize=fuzzer-no-link -c "$f" -o "$dir/$(printf '%s' "${f#"$src/core/"}" | tr / _).o"
done
for target in recipe weights image; do
    # shellcheck disable=SC2086,SC2090
    clang $flags -fsanitize=fuzzer "$src/tests/fuzz/fuzz_$target.c" "$dir"/*.o -o "$dir/fuzz_$target" $libs
    mkdir "$dir/$target"
    case $target in
    recipe) cp "$src"/conf/*.ini "$dir/$target" ;;
    weights) cp "$src"/tests/golden/*input.safetensors "$dir/$target" ;;
    esac
    echo "check-fuzz: $target, $seconds s"
    (cd "$dir" && "./fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -verbosity=0 "$target") || {
        echo "check-fuzz: $target FAILED"
        exit 1
    }
done
echo "check-fuzz: all readers held"
