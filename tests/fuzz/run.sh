#!/bin/sh
# Fuzzes the readers of hostile files for SECONDS each (default 60) with clang's libFuzzer, ASan and UBSan, as many at
# once as there are processors.
# usage: tests/fuzz/run.sh [SECONDS [TARGET...]]   from anywhere; builds in a folder of its own, which it removes.
# FUZZ_JOBS: how much is compiled or run at once (default: one for each processor); CLANG: the compiler.
# Exits with 77 where clang's fuzzer is absent.
set -eu
src=$(cd "$(dirname "$0")/../.." && pwd)
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- recipe weights torch image recorded packed misc
CLANG=${CLANG:-clang}
jobs=${FUZZ_JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

printf 'int LLVMFuzzerTestOneInput(const char *data, unsigned long size);\n%s\n' \
    'int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return data == (void *)size; }' >"$scratch/try.c"
$CLANG -fsanitize=fuzzer,address,undefined "$scratch/try.c" -o "$scratch/try" >"$scratch/try.log" 2>&1 || {
    echo "check-fuzz: skipped: clang or its fuzzer library is missing (Debian: apt-get install clang libclang-rt-14-dev)"
    exit 77
}
packages="jansson libpng libjpeg cairo libzip"
# What each compilation is given; the folder of objects is also that of the sources that the build makes.
flags="-std=gnu11 -gline-tables-only -O1 -Wno-format-zero-length -fsanitize=address,undefined -fno-sanitize-recover=undefined -I$src/include -I$src/core -I$src"
# shellcheck disable=SC2086,SC2089
flags="$flags $(pkg-config --cflags $packages) -DFPC_LIB_DIR=\"/nowhere\" -DFPC_PLUGIN_DIR=\"/nowhere\" -DFPC_DATA_DIR=\"/nowhere\" -DFPC_VERSION=\"fuzz\""
# shellcheck disable=SC2086
libs="$(pkg-config --libs $packages) -liniparser -lm -lpthread -ldl"
# shellcheck disable=SC2090
export CLANG flags scratch src

echo "check-fuzz: compiling the readers"
mkdir "$scratch/objects"
(cd "$src" && sh core/cmd/templates/embed.sh core/cmd/templates/*.c.in) >"$scratch/templates.c"
(cd "$src/core/cmd/report/page" && sh ./embed.sh cmd/report/page/page.h fpc_page_css=analyze.css fpc_page_js=analyze.js) >"$scratch/page.c"
(cd "$src/core/cmd" && sh report/page/embed.sh cmd/serve/answer.h fpc_serve_page=serve/page.html) >"$scratch/serve_page.c"
{
    # of libfpseg what reads files: sessions need the kernels
    find "$src/core" -name '*.c' ! -path '*/cmd/main.c' ! -path '*/seg/backend.c' ! -path '*/seg/session.c'
    printf '%s\n' "$src/plugins/logger/tensorboard.c" "$src/plugins/logger/hparams.c" "$src/plugins/logger/sheet.c" "$scratch/templates.c" "$scratch/page.c" "$scratch/serve_page.c"
} | xargs -P "$jobs" -n 4 sh -c '
    for file; do
        $CLANG $flags -fsanitize=fuzzer-no-link -c "$file" \
            -o "$scratch/objects/$(printf %s "${file#"$src/"}" | tr / _).o" || exit 255
    done' sh

# run TARGET: links it and runs it on what the tree has of such files
run() {
    mkdir "$scratch/$1"
    # shellcheck disable=SC2086,SC2090
    $CLANG $flags -Werror -fsanitize=fuzzer "$src/tests/fuzz/fuzz_$1.c" "$scratch"/objects/*.o -o "$scratch/fuzz_$1" $libs
    case $1 in
    recipe) cp "$src"/conf/*.ini "$scratch/$1" ;;
    weights) cp "$src"/tests/golden/*input.safetensors "$scratch/$1" ;;
    torch) # each as an archive, and some as the pickle in it
        for file in "$src"/tests/torch/*.pth; do
            { printf a && cat "$file"; } >"$scratch/$1/$(basename "$file")"
        done
        for file in kinds views training parameters; do
            { printf p && unzip -p "$src/tests/torch/$file.pth" "$file/data.pkl"; } >"$scratch/$1/$file" 2>/dev/null || true
        done
        ;;
    recorded)
        for epochs in 1 30; do # histories of so many
            awk -v n=$epochs 'BEGIN {
                split("train_loss train_f_score val_f_score lr", name)
                for (c = 0; c < 4; c++) {
                    printf "%s\"%s\": [", (c ? ", " : "{"), name[c + 1]
                    for (e = 1; e <= n; e++)
                        printf "%s%g", (e > 1 ? ", " : ""), (c == 3 ? 0.1 / e : 0.5 + 0.01 * e - 0.001 * c)
                    printf "]"
                }
                printf "}\n~~~\n{\"status\": \"complete\", \"sessions\": []}\n~~~\n[run]\nmetric = f_score\nseed = 1\n"
            }' >"$scratch/$1/$epochs"
        done
        ;;
    packed) { printf p && cat "$src/tests/fuzz/packed.json"; } >"$scratch/$1/net" ;;
    misc) printf '\003loss.a.weight=1,2;3' >"$scratch/$1/words" ;;
    esac
    mkdir "$scratch/$1.at" # what it finds or writes stays apart
    (cd "$scratch/$1.at" && "../fuzz_$1" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -verbosity=0 \
        -print_final_stats=1 "../$1") >"$scratch/$1.log" 2>&1 || {
        cat "$scratch/$1.log"
        echo "check-fuzz: $1 FAILED"
        return 1
    }
    echo "check-fuzz: $1, $seconds s: $(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/$1.log") inputs"
}

# Of $jobs at once each has its share.
lane() {
    turn=0
    for target; do
        [ $((turn % jobs)) -ne "$mine" ] || run "$target" || return 1
        turn=$((turn + 1))
    done
}
lanes=
mine=0
while [ "$mine" -lt "$jobs" ]; do
    lane "$@" &
    lanes="$lanes $!"
    mine=$((mine + 1))
done
held=1
for lane in $lanes; do
    wait "$lane" || held=0
done
[ $held = 1 ] || exit 1
echo "check-fuzz: all readers held"
