#!/bin/sh
# fpcore and PyTorch in turn on this machine, two threads each: training and inference at 512x512 and 128x128, the median
# of each side's runs, and the ratio of the medians. The PyTorch side is torch_bench.py of the shared oracle; Debian:
# apt-get install python3-torch libopenblas0-openmp (without OpenBLAS its matrix products are no fair opponent).
# usage: tests/perf/against_torch.sh BUILD_DIR [RUNS] [FORM]      RUNS: 3; FORM: plain | rewritten
set -eu
build=$(cd "$1" && pwd)
runs=${2:-3}
form=${3:-plain}
src=$(cd "$(dirname "$0")/../.." && pwd)
shared=${FPCORE_SHARED:-$src/../shared}
python=${PYTHON:-/usr/bin/python3}
FPCORE_PLUGIN_PATH=$build/.libs
export FPCORE_PLUGIN_PATH
[ -f "$shared/oracle/torch_bench.py" ] || { echo "no $shared/oracle/torch_bench.py: set FPCORE_SHARED" >&2; exit 2; }

ours() { # WHICH SIZE BATCH STEPS -> images/s, MiB
    "$build/fpcore" bench -c "$src/conf/lmsa_v1.ini" -s backend.threads=2 --size "$2" --batch "$3" --steps "$4" "--$1" |
        awk -v what="$1:" '$1 == what {rate = $2} /peak memory so far/ {for (i = 1; i < NF; i++) if ($i == "far") mib = $(i + 1)}
            END {print rate, mib}'
}
theirs() {
    flag=
    [ "$1" = infer ] && flag=--infer
    # shellcheck disable=SC2086
    (cd "$shared/oracle" && PYTHONDONTWRITEBYTECODE=1 "$python" torch_bench.py --form "$form" --threads 2 --size "$2" \
        --batch "$3" --steps "$4" $flag) |
        awk '{for (i = 1; i < NF; i++) {if ($(i + 1) == "images/s,") rate = $i; if ($i == "rss") mib = $(i + 1) * 1024}}
            END {print rate, mib}'
}
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '%-6s %9s %6s | %12s %12s %7s | %10s %10s %7s\n' what size batch "fpcore im/s" "torch im/s" ratio "fpcore MiB" "torch MiB" ratio
for case in "train 512 4" "train 128 32" "infer 512 4" "train 512 2"; do
    # shellcheck disable=SC2086
    set -- $case
    : >"$dir/a"
    : >"$dir/b"
    run=0
    while [ $run -lt "$runs" ]; do
        ours "$1" "$2" "$3" 7 >>"$dir/a"
        theirs "$1" "$2" "$3" 3 >>"$dir/b"
        run=$((run + 1))
    done
    a=$(cut -d' ' -f1 "$dir/a" | median)
    b=$(cut -d' ' -f1 "$dir/b" | median)
    am=$(cut -d' ' -f2 "$dir/a" | median)
    bm=$(cut -d' ' -f2 "$dir/b" | median)
    awk -v w="$1" -v s="$2x$2" -v n="$3" -v a="$a" -v b="$b" -v am="$am" -v bm="$bm" \
        'BEGIN {printf "%-6s %9s %6s | %12.2f %12.2f %7.1f | %10.0f %10.0f %7.2f\n", w, s, n, a, b, a / b, am, bm, am / bm}'
done
