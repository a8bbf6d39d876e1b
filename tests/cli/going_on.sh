#!/bin/sh
# What a training does beside steps, as a user sees it: the mean of weights scores what eval says of it, a stop by
# patience, a run that goes on from another, and what is refused.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

expect "a mean of weights" 0 "$FPCORE" -c tiny.ini -s run.out=a -s run.swa_start=2 -s run.keep_best=2
run=$(run_in a)
said=$(sed -n 's/^    "val_f_score": \([0-9.]*\),*$/\1/p' "$run/run.json" | cut -c -9)
holds "has a score" test -n "$said"
expect "is what eval evaluates" 0 "$FPCORE" eval -c tiny.ini -w "$run/swa.safetensors"
says "to the same score" "^f_score: $said"
holds "two best epochs stay" sh -c 'test $(ls "$1"/best-*.safetensors | wc -l) -eq 2' sh "$run"
expect "predict takes them too" 0 "$FPCORE" eval -c tiny.ini -w "$run/$(cd "$run" && ls best-*.safetensors | head -n 1)"

expect "a rate of 0 with patience" 0 "$FPCORE" -c tiny.ini -s run.out=b -s optimizer.lr=0 -s run.epochs=30 \
    -s run.patience=2 -s run.min_epochs=5 -s run.min_delta=1
says "ends early" '^stopped early after 5 epochs'

expect "a run that goes on from another" 0 "$FPCORE" -c tiny.ini -s run.out=c -s run.init_from="$run" \
    -s run.init_optimizer=keep -s optimizer.lr=0.5 -s run.epochs=2
says "says so" 'keep: \[optimizer\] and \[schedule\] are those of .*/a/tiny-.*/last\.safetensors'
holds "has the other's rate in its recipe" grep -qx 'lr = 0\.002' "$(run_in c)/recipe.ini"
holds "and place in the schedule" grep -qx 'begin = 4' "$(run_in c)/recipe.ini"
expect "--check shows the same" 0 "$FPCORE" -c tiny.ini -s run.init_from="$run" -s run.init_optimizer=keep --check
says "with where it comes from" '^lr = 0\.002 +; .*/a/tiny-.*/last\.safetensors:[0-9]+'
says "the best value to beat" '^beat = 0\.[0-9]+ +; .*/a/tiny-.*/last\.safetensors$'
says "and the way" '^init_optimizer = hybrid +; -s run\.init_optimizer=keep, keep$'
expect "one epoch, behind the warm-up" 0 "$FPCORE" -c tiny.ini -s run.init_from="$run" -s run.init_optimizer=keep \
    -s run.epochs=1 --check
holds "is no warm-up alone" sh -c '! grep "the warm-up is as long" out'
expect "weights alone cannot be gone on from" 2 "$FPCORE" -c tiny.ini -s run.init_from="$run/best.safetensors" \
    -s run.init_optimizer=keep
says "is said" 'best\.safetensors holds weights and no state of an optimizer'
expect "a run with a head of its own" 0 "$FPCORE" -c tiny.ini -s run.out=d -s run.init_from="$run" -s run.epochs=1 \
    -s 'run.init_skip=decoder.conv_seg.*'
says "tells what it takes" '^fpcore: [0-9]+ tensors taken \([0-9,]+ numbers\), 2 skipped by init_skip, 2 fresh$'
holds "run.json has the names" grep -q '"decoder\.conv_seg\.weight"' "$(run_in d)/run.json"
expect "a slip in a pattern" 2 "$FPCORE" -c tiny.ini -s run.init_from="$run" -s 'run.init_skip=decoder.conv_sge.*' --check
says "gets a guess" 'run\.init_skip: decoder\.conv_sge\.\* matches no tensor .*; the nearest name is decoder\.conv_seg\.'
expect "the optimizer's state of a part" 2 "$FPCORE" -c tiny.ini -s run.init_from="$run" -s run.init_optimizer=hybrid \
    -s 'run.init_skip=decoder.conv_seg.*'
says "is refused" 'run\.init_skip: the optimizer.s state of another run goes with all of its weights'
expect "groups of parameters" 0 "$FPCORE" model -c tiny.ini --groups -s 'optimizer.freeze=block1.*' \
    -s 'optimizer.lr_scale=decoder.*: 1, *: 0.1'
says "with the factors of each" '^ +1 +0\.1 +1 +[0-9]+ +[0-9,]+$'
says "and what is frozen" '^ +2 +0 +0 +[0-9]+ +[0-9,]+ +frozen$'
expect "a run with a frozen front" 0 "$FPCORE" -c tiny.ini -s run.out=e -s run.init_from="$run" -s run.epochs=1 \
    -s 'optimizer.freeze=block1.*' -s optimizer.freeze_stats=on
expect "a misspelt way" 2 "$FPCORE" -c tiny.ini -s run.init_optimizer=kepe
says "gets a guess" 'did you mean `keep`'
expect "a weight of a broken schedule" 2 "$FPCORE" -c tiny.ini -s 'loss.dice.weight=1 @5, 2 @9'
says "gets its sentence" 'loss\.dice\.weight = 1 @5, 2 @9: says nothing of the epochs before 5'
exit $bad
