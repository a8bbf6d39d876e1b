#!/bin/sh
# SIGINT and SIGTERM: the step is finished, the middle of the epoch is saved, the exit code is 130, and --resume goes on
# to the bytes of a run that was left alone.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

set -- -s run.epochs=40 -s dataset.train=64
"$FPCORE" -c tiny.ini "$@" -s run.out=straight >log 2>&1 || not_ok "a run that is left alone" log

# A shell lets its background jobs ignore SIGINT; env gives it back to them.
for signal in INT TERM; do
    env --default-signal=INT,TERM "$FPCORE" -c tiny.ini "$@" -s run.out=$signal >out 2>&1 &
    pid=$!
    tries=0
    until grep -q '^epoch 1/' out || [ $tries -gt 600 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    kill -s $signal $pid
    wait $pid
    code=$?
    run=$(run_in $signal)
    if [ $code -eq 0 ]; then
        echo "ok SIG$signal # SKIP the run had ended before"
        continue
    fi
    if [ $code -eq 130 ]; then ok "SIG$signal: exit code 130"; else not_ok "SIG$signal: exit code 130, not $code" out; fi
    says "SIG$signal: and how to go on" "interrupted in epoch [0-9]+ after step [0-9]+ of 16; saved. To go on: fpcore --resume $run"
    holds "SIG$signal: run.json says so" grep -q '"status": "interrupted"' "$run/run.json"
    expect "SIG$signal: it goes on" 0 "$FPCORE" --resume "$run"
    same "SIG$signal: to the same bytes" "$(run_in straight)" "$run"
done
exit $bad
