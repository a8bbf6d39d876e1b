#!/bin/sh
# fpcore sweep --halving: the better ones go on from rung to rung, with the bytes of runs that were never stopped; what was
# stopped is written down; a sweep that is cut decides as one that was not. And fpcore --until.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

sed -e 's/^epochs = 4/epochs = 9/' -e 's/^train = 16/train = 8/' tiny.ini >t.ini && mv t.ini tiny.ini
done_in() { cat "$1"/*/run.json | sed -n 's/.*"epochs_done": \([0-9]*\).*/\1/p' | sort -n | uniq -c | awk '{ printf "%sx%s ", $1, $2 }'; }
holds_epochs() { # WHAT FOLDER WANT
    if [ "$(done_in "$2")" = "$3 " ]; then ok "$1: $3"; else
        done_in "$2" >out
        not_ok "$1: $3" out
    fi
}
stopped_in() { sed -n '/"pruned"/,$p' "$1/sweep.json" | sort; }

# ---- --until ----
expect "a run that is left alone" 0 "$FPCORE" -c tiny.ini -s run.out=straight
expect "--until" 75 "$FPCORE" -c tiny.ini -s run.out=until --until 2
says "says where it is" "epoch 2 of 9 is over \(--until\); saved\. To go on: fpcore --resume $(run_in until)"
holds "is kept as a cut run" grep -q '"status": "interrupted"' "$(run_in until)/run.json"
expect "--until once more" 75 "$FPCORE" --resume "$(run_in until)" --until 2
expect "a later one" 75 "$FPCORE" --resume "$(run_in until)" --until 5
says "goes on to there" "epoch 5 of 9 is over"
expect "--until behind the end" 0 "$FPCORE" --resume "$(run_in until)" --until 100
same "--until: the bytes of one call" "$(run_in straight)" "$(run_in until)"

# ---- rungs ----
expect "a plan" 0 "$FPCORE" sweep -c tiny.ini -s run.epochs=27 --random 20 --grid optimizer.lr=1e-5..1e-2:log --halving 3 --dry-run
says "tells its rungs" '^halving: 20 to epoch 3, the best 6 to epoch 9, the best 2 to epoch 27$'
expect "a short training" 0 "$FPCORE" sweep -c tiny.ini -s run.epochs=2 --random 20 --grid optimizer.lr=1e-5..1e-2:log --halving 2 --dry-run
says "has few" '^halving: 20 to epoch 1, the best 10 to epoch 2$'

set -- sweep -c tiny.ini --random 9 --grid optimizer.lr=1e-5..1e-2:log --halving 3
expect "nine samples" 0 "$FPCORE" "$@" --out h -j 2
says "are stopped at the rungs" '^halving: 6 stopped at epoch 1, 2 stopped at epoch 3; of 9 recipes or values$'
holds_epochs "have trained so far" h "6x1 2x3 1x9"
holds "sweep.json notes six at the first" test "$(grep -c 'halving, rung 1, epoch 1: place [4-9] of 9 by its best val_f_score so far, ' h/sweep.json)" -eq 6
holds "and two at the second" test "$(grep -c 'halving, rung 2, epoch 3: place [23] of 3 by' h/sweep.json)" -eq 2
best_of() { # RUN EPOCHS: the best value of its first epochs
    tr -d ' \n' <"$1/history.json" | sed 's/.*"val_f_score":\[\([^]]*\)\].*/\1/' | tr , '\n' | head -n "$2" | sort -g | tail -n 1
}
for run in h/*-2*; do
    echo "$(best_of "$run" 1) $(sed -n 's/.*"epochs_done": \([0-9]*\).*/\1/p' "$run/run.json")"
done | sort -gr >ranked
holds "the best three at epoch 1 went on" sh -c 'head -n 3 ranked | awk "\$2 < 3 { exit 1 }" && tail -n 6 ranked | awk "\$2 != 1 { exit 1 }"'
top=$(grep -l '"status": "complete"' h/*/run.json | sed 's|/run.json||')
lr=$(echo "$top" | sed 's/.*lr=\([0-9.e-]*\),s1-.*/\1/')
expect "the winner by hand" 0 "$FPCORE" -c tiny.ini -s optimizer.lr="$lr" -s run.seed=1 -s run.out=hand
same "has the bytes of a run that was never stopped" "$(run_in hand)" "$top"
stopped_in h >wanted
cksum h/*/last.safetensors >before
expect "again" 0 "$FPCORE" "$@" --out h
says "says the same" '^halving: 6 stopped at epoch 1, 2 stopped at epoch 3; of 9 recipes or values$'
stopped_in h >got
holds "by what was known at each rung" cmp got wanted
holds "trains nothing" sh -c 'cksum h/*/last.safetensors | cmp - before && ! grep -qE ": (starts|goes on)" out'
expect "--json" 0 "$FPCORE" "$@" --out h --json
holds "is the comparison alone" sh -c '! grep -q "^halving:" out'

# Cut by the clock in every call: it ends where the other did.
code=75 calls=0
while [ $code -eq 75 ] && [ $calls -lt 5 ]; do
    code=0
    "$FPCORE" "$@" --out cut -s run.hours=3e-6 >out 2>&1 || code=$?
    [ $calls -gt 0 ] || says "a cut one says how many wait" 'run\.hours are over for [0-9] of 9 runs'
    calls=$((calls + 1))
done
expect "a cut one, at last" 0 "$FPCORE" "$@" --out cut
holds_epochs "has trained as far" cut "6x1 2x3 1x9"
stopped_in cut >got
holds "and stopped the same ones" cmp got wanted

expect "more samples" 0 "$FPCORE" sweep -c tiny.ini --random 12 --grid optimizer.lr=1e-5..1e-2:log --halving 3 --out h
says "are judged together" '^halving: 8 stopped at epoch 1, 3 stopped at epoch 3; of 12 recipes or values$'
expect "without --halving" 0 "$FPCORE" "$@" --out h --dry-run
says "what was stopped goes on" 'goes on behind epoch 1 of 9$'

# Seeds of a sample stay together; one that diverges is behind all others.
expect "samples with seeds" 0 "$FPCORE" sweep -c tiny.ini -s run.epochs=3 --grid optimizer.lr=1e-3,1e-8,1e5 -s run.clip_norm=0 \
    -s optimizer.use=sgd --seeds 2 --halving 3 --out seeds
says "two of three are stopped" '^halving: 2 stopped at epoch 1; of 3 recipes or values$'
holds "both seeds of the winner are complete" sh -c 'test "$(grep -l "\"status\": \"complete\"" seeds/*/run.json | sed "s/,s[12]-.*//" | uniq -c | awk "{ print \$1 }")" = 2'

refused() { # WHAT WANT OPTION...
    what=$1 want=$2
    shift 2
    expect "$what" 2 "$FPCORE" sweep -c tiny.ini --out no "$@"
    says "says: $want" "$want"
}
three='--grid optimizer.lr=1,2,3'
# shellcheck disable=SC2086
{
    refused "none goes" '--halving 1: one of so many goes on behind a rung; give 2 or more' $three --halving 1
    refused "too few" '--halving 4: the sweep has 3 recipes or values to choose from; give 4 or more' $three --halving 4
    refused "too short" '--halving 3: of 2 epochs none lies at one part in 3 of them' $three --halving 3 -s run.epochs=2
    refused "lengths that differ" 'tiny,run\.epochs=3 has 3 epochs and tiny,run\.epochs=4 4; rungs are for runs of one length' \
        --grid run.epochs=3,4,5 --halving 3
    refused "metrics that differ" 'is judged by val_f_score and .* by val_accuracy; run\.metric has to be one' \
        --grid run.metric=f_score,accuracy --halving 2
    refused "a job array" '--halving compares all runs at each rung.*leave out --slurm' $three --halving 3 --slurm job.sh
    refused "a task" 'leave out --only' $three --halving 3 --only 1
    refused "--prune too" '--halving and --prune both stop runs; leave one out' $three --halving 3 --prune
}
holds "nothing of it runs" test ! -e no
exit $bad
