#!/bin/sh
# cores.sh [BUILD] [RUNS] [FPCORE OPTION...]: what many cores would give, as a table in Markdown. It is a model and no
# measurement: the program runs with one thread, and from the times of its jobs (`fpcore bench --jobs`, the least of RUNS
# runs) the table computes what p threads would take: a job of n items takes n/p, rounded up, times an item, and 1.5 us +
# 0.02 us for each thread to hand it out and to wait for its end; what is in no job takes what it took. Memory's
# bandwidth, caches that are shared, and clocks that sink where many cores work are not in it, so it is an upper bound.
set -eu
export LC_ALL=C
build=${1:-build}
runs=${2:-3}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift
src=$(cd "$(dirname "$0")/../.." && pwd)
[ -x "$build/fpcore" ] || {
    echo "cores.sh: $build/fpcore: there is no such program; usage: cores.sh BUILD [RUNS] [FPCORE OPTION...]" >&2
    exit 2
}
jobs=$(mktemp)
trap 'rm -f "$jobs"' EXIT

# measure LABEL FPCORE OPTION...: appends the jobs of each run
measure() {
    label=$1
    shift
    run=0
    while [ "$run" -lt "$runs" ]; do
        run=$((run + 1))
        FPCORE_PLUGIN_PATH="$build/.libs" "$build/fpcore" bench -c "$src/conf/lmsa_v1.ini" --jobs --steps 3 \
            -s backend.threads=1 "$@" | sed -n "s/^\(group\|job\) [a-z]*/\1 $label/p" | sed "s/^/$run /" >>"$jobs"
    done
}

measure training_512_b4 --train --size 512 --batch 4 "$@"
measure training_128_b32 --train --size 128 --batch 32 "$@"
measure inference_512_b1 --infer --size 512 --batch 1 "$@"

echo "A model, computed from the jobs of one thread (tests/perf/cores.sh); nothing here was measured on so many cores."
echo
awk '
# one line each: run, kind, label, then of a group what it does alone, of a job items and microseconds of all
$1 != run || $3 != label { run = $1; label = $3; line = 0; if (!(label in lines)) order[++labels] = label }
{
    line++
    at = label SUBSEP line
    us = $2 == "job" ? $5 : $4
    items[at] = $2 == "job" ? $4 : 1
    least[at] = run == 1 || us < least[at] ? us : least[at]
    lines[label] = line
}
function seconds(label, p,    i, at, n, turns, sum) {
    for (i = 1; i <= lines[label]; i++) {
        at = label SUBSEP i
        n = items[at]
        turns = int((n + p - 1) / p)
        sum += n > 1 && p > 1 ? least[at] / n * turns + 1.5 + 0.02 * p : least[at]
    }
    return sum / 1e6
}
END {
    head = "| threads |"
    rule = "| --: |"
    for (l = 1; l <= labels; l++) {
        name = order[l]
        gsub("_", " ", name)
        sub(" b", ", batch ", name)
        head = head " " name ": ms | speed-up |"
        rule = rule " --: | --: |"
    }
    print head "\n" rule
    count = split("1 2 4 8 16 32 48 64 96 128 192", threads, " ")
    for (t = 1; t <= count; t++) {
        row = "| " threads[t] " |"
        for (l = 1; l <= labels; l++) {
            took = seconds(order[l], threads[t])
            row = row sprintf(" %.1f | %.1f |", 1e3 * took, seconds(order[l], 1) / took)
        }
        print row
    }
}' "$jobs"
