#!/bin/sh
# kill -9 at moments that nobody chose, again and again: the run goes on from its folder to the bytes of a run that was
# left alone. (tests/unit/test_run.c kills at each single rename.)
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# train_and_kill SECONDS COMMAND...
train_and_kill() {
    seconds=$1
    shift
    "$@" >>log 2>&1 &
    pid=$!
    sleep "$seconds"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
}

set -- -s run.epochs=20 -s run.ema=0.9 -s run.validate_every=3 -s run.smooth=4 -s run.smooth_best=on -s run.keep_best=2
expect "a run that is left alone" 0 "$FPCORE" -c tiny.ini "$@" -s run.out=straight
for after in 0.05 0.15 0.25 0.4 0.7; do
    rm -rf cut
    train_and_kill $after "$FPCORE" -c tiny.ini "$@" -s run.out=cut
    run=$(run_in cut)
    if [ -z "$run" ]; then
        echo "ok killed after $after s # SKIP before the run began"
        continue
    fi
    for again in 0.05 0.11 0.23; do
        train_and_kill $again "$FPCORE" --resume "$run"
    done
    expect "killed after $after s and three times more, it goes on" 0 "$FPCORE" --resume "$run"
    same "to the same bytes" "$(run_in straight)" "$run"
    holds "and leaves no temporary files" sh -c '! ls -A "$1" | grep tmp' sh "$run"
done
exit $bad
