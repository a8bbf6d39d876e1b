#!/bin/sh
# The first signal: the step is finished, the middle of the epoch is saved, the exit code is 130 (75 for SIGUSR1), and
# --resume goes on to the bytes of a run that was left alone. The second one ends at once and says so. Verbs that have
# nothing to save end at the first.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# Long enough that a signal arrives in time, no longer: it is trained eight times.
set -- -s run.epochs=6 -s dataset.train=64
"$FPCORE" -c tiny.ini "$@" -s run.out=straight >log 2>&1 || not_ok "a run that is left alone" log

# A shell lets its background jobs ignore SIGINT; env gives it back to them.
for signal in INT TERM HUP USR1 XCPU; do
    env --default-signal=INT,TERM,HUP,USR1,XCPU "$FPCORE" -c tiny.ini "$@" -s run.out=$signal >out 2>&1 &
    pid=$!
    tries=0
    until grep -q '^ *1/6 ' out || [ $tries -gt 1500 ]; do
        sleep 0.02
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
    want=130
    [ $signal != USR1 ] || want=75
    if [ $code -eq $want ]; then ok "SIG$signal: exit code $want"; else not_ok "SIG$signal: exit code $want, not $code" out; fi
    says "SIG$signal: says at once what happens" '^fpcore: finishing the step, then saving; once more ends it at once$'
    says "SIG$signal: and how to go on" "interrupted in epoch [0-9]+ after step [0-9]+ of 16; saved. To go on: fpcore --resume $run"
    holds "SIG$signal: run.json says so" grep -q '"status": "interrupted"' "$run/run.json"
    expect "SIG$signal: it goes on" 0 "$FPCORE" --resume "$run"
    same "SIG$signal: to the same bytes" "$(run_in straight)" "$run"
done

# ---- a limit of time that is over at once: each call makes a step ----
short='-s run.epochs=2 -s dataset.train=32'
# shellcheck disable=SC2086
"$FPCORE" -c tiny.ini $short -s run.out=short >log 2>&1 || not_ok "a short run that is left alone" log
code=75
# shellcheck disable=SC2086
"$FPCORE" -c tiny.ini $short -s run.out=hours -s run.hours=1e-9 >out 2>&1 || code=$?
if [ $code -eq 75 ]; then ok "run.hours: exit code 75"; else not_ok "run.hours: exit code 75, not $code" out; fi
says "run.hours: says how to go on" "run\.hours are over in epoch 1 after step 1 of 8; saved. To go on: fpcore --resume "
holds "run.hours: run.json says so" grep -q '"status": "interrupted"' "$(run_in hours)/run.json"
calls=1
while [ $code -eq 75 ] && [ $calls -lt 40 ]; do
    code=0
    "$FPCORE" --resume "$(run_in hours)" >out 2>&1 || code=$?
    calls=$((calls + 1))
done
if [ $code -eq 0 ]; then ok "run.hours: at last it is complete"; else not_ok "run.hours: at last it is complete" out; fi
holds "run.hours: after as many calls as steps" test $calls -ge 16
same "run.hours: with the bytes of one call" "$(run_in short)" "$(run_in hours)"

# ---- the second signal ----
env --default-signal=INT "$FPCORE" -c tiny.ini "$@" -s run.out=twice >out 2>&1 &
pid=$!
tries=0
until grep -q '^ *1/6 ' out || [ $tries -gt 1500 ]; do
    sleep 0.02
    tries=$((tries + 1))
done
kill -STOP $pid # both arrive before it goes on
kill -INT $pid
kill -CONT $pid
until grep -q 'finishing the step' out || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -INT $pid 2>/dev/null
wait $pid
if grep -q 'without saving' out; then
    says "a second SIGINT says what is lost" 'ended at once, without saving what is under way; '
else
    echo "ok a second SIGINT # SKIP the first had ended the run"
fi
expect "and the run goes on from what was saved" 0 "$FPCORE" --resume "$(run_in twice)"
same "to the same bytes" "$(run_in straight)" "$(run_in twice)"

# ---- the second signal in a step that takes seconds: its words are the last, and name the folder ----
env --default-signal=INT "$FPCORE" -c tiny.ini -s dataset.size=256 -s dataset.batch=16 -s run.out=slow >out 2>&1 &
pid=$!
tries=0
until grep -q 'epochs 1 to 4' out || [ $tries -gt 1500 ]; do
    sleep 0.02
    tries=$((tries + 1))
done
kill -INT $pid
until grep -q 'finishing the step' out || ! kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -INT $pid 2>/dev/null
code=0
wait $pid || code=$?
if [ $code -eq 130 ] && ! grep -q 'interrupted in epoch' out; then ok "in a slow step: ended by the signal"; else not_ok "in a slow step: ended by the signal, not $code" out; fi
holds "in a slow step: the first words stand there once" test "$(grep -c 'finishing the step' out)" = 1
tail -n 1 out >last
holds "in a slow step: the last words say how this run goes on" \
    grep -qx "fpcore: ended at once, without saving what is under way; the training goes on from what it saved last: fpcore --resume $(run_in slow)" last

# ---- ignored by whoever started it (nohup) ----
sh -c 'trap "" HUP; exec "$0" "$@"' "$FPCORE" -c tiny.ini -s run.epochs=3 -s run.out=nohup >out 2>&1 &
pid=$!
sleep 0.3
kill -HUP $pid 2>/dev/null
wait $pid
code=$?
if [ $code -eq 0 ]; then ok "an ignored SIGHUP stays ignored"; else not_ok "an ignored SIGHUP stays ignored, not $code" out; fi

# ---- a verb that has nothing to save: it waits for a file that never comes ----
mkfifo never
"$FPCORE" lr -c never >out 2>&1 &
pid=$!
sleep 0.3
kill -TERM $pid 2>/dev/null
tries=0
while kill -0 $pid 2>/dev/null && [ $tries -lt 100 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
if kill -0 $pid 2>/dev/null; then
    not_ok "a verb with nothing to save ends at the first signal" out
    kill -9 $pid
else
    ok "a verb with nothing to save ends at the first signal"
fi

# ---- a picture on standard input that never comes to its end ----
mkfifo open && sleep 60 >open &
writer=$!
until [ -p open ]; do sleep 0.01; done
for signal in INT TERM USR1; do
    env --default-signal=INT,TERM,USR1 "$FPCORE" predict -w "$(run_in straight)" -o masks - <open >out 2>&1 &
    pid=$!
    sleep 0.5
    kill -s $signal $pid 2>/dev/null
    tries=0
    while kill -0 $pid 2>/dev/null && [ $tries -lt 200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    if kill -0 $pid 2>/dev/null; then
        not_ok "predict - ends at the first SIG$signal" out
        kill -9 $pid
        continue
    fi
    wait $pid
    code=$?
    want=130
    [ $signal != USR1 ] || want=75
    if [ $code -eq $want ]; then ok "predict -, SIG$signal: exit code $want"; else not_ok "predict -, SIG$signal: exit code $want, not $code" out; fi
    says "predict -, SIG$signal: says so" '^fpcore: .*interrupted after 0 of 1 pictures$'
done
kill $writer 2>/dev/null
exit $bad
