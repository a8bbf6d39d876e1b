#!/bin/sh
# The schedule plateau sees the history that a checkpoint holds: its rates fall in a run, and a run that is cut right
# after a fall goes on to the same bytes as one that is not.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# Any improvement is too small, so the rate is halved after each epoch but the first.
curve='-s schedule.use=plateau -s schedule.factor=0.5 -s schedule.patience=0 -s schedule.threshold=9'
curve="$curve -s schedule.threshold_mode=abs"
# shellcheck disable=SC2086
expect "five epochs" 0 "$FPCORE" -c tiny.ini $curve -s run.out=five -s run.epochs=5
run=$(run_in five)
rates=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "lr") at = i; next } { printf "%s ", $at }' "$run/history.csv")
echo "$rates" >out
says "the rate falls after the warm-up's epoch and one more" '^0\.0002 0\.002 0\.002 0\.001 0\.0005 $'
# shellcheck disable=SC2086
expect "three epochs" 0 "$FPCORE" -c tiny.ini $curve -s run.out=three -s run.epochs=3
expect "two more" 0 "$FPCORE" --resume "$(run_in three)" -s run.epochs=5
same "are five" "$run" "$(run_in three)"

# shellcheck disable=SC2086
expect "lr before a run" 0 "$FPCORE" lr -c tiny.ini $curve --csv
says "shows the rate of a run that never stops improving" '^4,0\.002$'
exit $bad
