#!/bin/sh
# Every validated number in a run's record can be measured again from the files: with and without a running average, with
# a mean of weights, a loss whose weight changes, and a smoothed choice of the best.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# column FILE NAME EPOCH: nine digits of a number of history.csv, as eval prints them
column() {
    awk -F, -v name="$2" -v row="$3" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i }
        NR == row + 1 { printf "%.9g\n", $at }' "$1"
}
printed() { sed -n "s/^$1: //p" out; }
# again WHAT FOLDER WEIGHTS EPOCH: eval of the weights gives the record of that epoch
again() {
    "$FPCORE" eval -w "$2/$3" -c "$2/recipe.ini" >out 2>&1 || not_ok "$1: eval" out
    for number in loss f_score accuracy loss.ce loss.dice; do
        wanted=$(column "$2/history.csv" "val_$number" "$4")
        if [ -n "$wanted" ] && [ "$(printed $number)" = "$wanted" ]; then
            ok "$1: $number"
        else
            not_ok "$1: $number is $(printed $number), in the record $wanted" out
        fi
    done
}
best_of() { sed -n 's/.*"best_epoch": \([0-9]*\).*/\1/p' "$1/run.json"; }

# run NAME SETTING...
run() {
    name=$1
    shift
    expect "a training, $name" 0 "$FPCORE" -c tiny.ini -s run.out="$name" "$@"
    run=$(run_in "$name")
    again "best, $name" "$run" best.safetensors "$(best_of "$run")"
    again "last, $name" "$run" last.safetensors 4
}
run plain
run ema -s run.ema=0.7
"$FPCORE" eval -w "$run/last.safetensors" >out 2>&1
says "the average is told of" 'last\.safetensors: the running average of its weights is taken, as in validation'
"$FPCORE" eval -w "$run" >out 2>&1
holds "weights alone have none" test -z "$(grep average out)"
mkdir pictures
cp "$run/samples.png" pictures/a.png
for weights in last best; do
    "$FPCORE" predict -w "$run/$weights.safetensors" -c "$run/recipe.ini" -o "$weights" pictures >out 2>&1 ||
        not_ok "a prediction of $weights" out
done
[ "$(best_of "$run")" != 4 ] || holds "predict takes the average as well" cmp last/a.png best/a.png
run changing -s run.ema=0.5 -s 'loss.dice.weight=0.5 @1, 1.5 @3' -s run.smooth_best=on -s run.smooth=2
run mean -s run.ema=0.7 -s run.swa_start=2
"$FPCORE" eval -w "$run/swa.safetensors" -c "$run/recipe.ini" >out 2>&1 || not_ok "eval of the mean" out
mean=$(sed -n '/"swa"/,/}/s/.*"val_loss": \([-+.e0-9]*\).*/\1/p' "$run/run.json")
if [ "$(awk -v v="$mean" 'BEGIN { printf "%.9g\n", v }')" = "$(printed loss)" ]; then
    ok "the mean's loss"
else
    not_ok "the mean's loss is $(printed loss), in run.json $mean" out
fi
exit $bad
