#!/bin/sh
# make check-faults: calls that fail, one at a time, in training and in verbs (fault.c): the program ends with a code of
# its own and a sentence, never by a signal; a training that was cut goes on to the bytes of one that was left alone.
# usage: tests/faults/run.sh [SAMPLE]   how many calls of each kind are tried, spread over all; `all`: each one.
# shellcheck source=../cli/lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
sample=${1:-4}
tries=0
# shellcheck disable=SC2086
${CC:-cc} -shared -fPIC -O1 "$FPCORE_SRC/tests/faults/fault.c" -o fault.so -ldl || exit 1

# faulty CALL AT ON ERRNO COMMAND...: the exit code is in `code`, what was said in `out`
faulty() {
    call=$1 at=$2 on=$3 errno=$4
    shift 4
    LD_PRELOAD=$scratch/fault.so FAULT_CALL=$call FAULT_AT=$at FAULT_ON=$on FAULT_ERRNO=$errno FAULT_TELL=$scratch/count \
        timeout 120 "$@" >out 2>&1
    code=$?
}

# complain WHAT: the try is wrong
complain() {
    echo "FAULT_CALL=$call FAULT_AT=$at FAULT_ON=$on FAULT_ERRNO=$errno: $1" >>out
    not_ok "$what: $call $at of $calls" out
    wrong=1
}

# judge FOLDER: of the last try; FOLDER: the run that it was to make, or nothing
judge() {
    case $code in
    0) ;;
    1 | 2) [ -s out ] || complain "no sentence" ;;
    *) complain "ended with $code" ;;
    esac
    run=${1:+$(run_in "$1")}
    [ -n "$run" ] && [ -s "$run/last.safetensors" ] || return 0
    "$FPCORE" --resume "$run" >out 2>&1 || complain "cannot be resumed"
    for file in last.safetensors best.safetensors history.json history.csv; do
        cmp "$straight/$file" "$run/$file" >>out 2>&1 || complain "$file is another one"
    done
}

# try WHAT FOLDER CALL ERRNO COMMAND...: with the sampled calls, alone and with all behind
try() {
    what=$1 folder=$2 kind=$3 number=$4 wrong=0 tried=0
    shift 4
    rm -f count
    [ -z "$folder" ] || rm -rf "$folder"
    faulty "$kind" 0 0 "$number" "$@"
    calls=$(cat count 2>/dev/null || echo 0)
    step=1
    [ "$sample" = all ] || step=$(((calls + sample - 1) / sample))
    n=1
    while [ "$n" -le "$calls" ]; do
        for onward in 0 1; do
            [ -z "$folder" ] || rm -rf "$folder"
            faulty "$kind" "$n" $onward "$number" "$@"
            judge "$folder"
            tried=$((tried + 1))
        done
        n=$((n + step))
    done
    tries=$((tries + tried))
    [ $wrong = 1 ] || ok "$what: $kind: $tried tries, $calls calls"
}

set -- -c tiny.ini -s run.epochs=2 -s dataset.train=8 -s dataset.val=4
expect "a run that is left alone" 0 "$FPCORE" "$@" -s run.out=straight
straight=$(run_in straight)
# The errors of errno.h: 5 EIO, 11 EAGAIN, 12 ENOMEM, 24 EMFILE, 28 ENOSPC.
for pair in alloc:12 write:28 fsync:5 close:5 rename:28 mkdir:28 open:24 fopen:28 fclose:28 mmap:12 pthread_create:11; do
    try "training" cut "${pair%:*}" "${pair#*:}" "$FPCORE" "$@" -s run.out=cut
done
for pair in alloc:12 read:5 open:24 fopen:24 opendir:24 mmap:12; do
    try "--check" "" "${pair%:*}" "${pair#*:}" "$FPCORE" "$@" --check
    try "analyze" "" "${pair%:*}" "${pair#*:}" "$FPCORE" analyze "$straight" --html page.html --json page.json
    try "eval" "" "${pair%:*}" "${pair#*:}" "$FPCORE" eval -c tiny.ini -w "$straight/best.safetensors"
done
echo "check-faults: $tries tries"
exit $bad
