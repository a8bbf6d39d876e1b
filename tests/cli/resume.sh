#!/bin/sh
# --resume: four epochs are two and two more, byte for byte; what may differ and what not; what cannot be resumed.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

expect "four epochs" 0 "$FPCORE" -c tiny.ini -s schedule.use=constant -s run.out=four
expect "two epochs" 0 "$FPCORE" -c tiny.ini -s schedule.use=constant -s run.out=two -s run.epochs=2
run=$(run_in two)
expect "two more" 0 "$FPCORE" --resume "$run" -s run.epochs=4
says "it says where it goes on" 'resumed: epochs 3 to 4'
same "are four" "$(run_in four)" "$run"
holds "run.json tells how both ended" test "$(grep -c '"status": "complete"' "$run/run.json")" -eq 3
holds "run.json lists both sessions" test "$(grep -c '"started"' "$run/run.json")" -eq 2
expect "a complete run" 0 "$FPCORE" --resume "$run"
says "is said to be complete" 'the run is complete after 4 epochs'
same "and stays as it is" "$(run_in four)" "$run"

curves='-s schedule.use=constant'
# shellcheck disable=SC2086
expect "weights and rates that change" 0 "$FPCORE" -c tiny.ini $curves -s run.out=fourw \
    -s 'loss.dice.weight=1.3 @1, 1.5 @2, 0.25 @4' -s 'optimizer.lr=2e-3 @1, 1e-3 @3'
# shellcheck disable=SC2086
expect "cut behind two epochs" 0 "$FPCORE" -c tiny.ini $curves -s run.out=twow -s run.epochs=2 \
    -s 'loss.dice.weight=1.3 @1, 1.5 @2, 0.25 @4' -s 'optimizer.lr=2e-3 @1, 1e-3 @3'
expect "go on" 0 "$FPCORE" --resume "$(run_in twow)" -s run.epochs=4
same "to the same bytes" "$(run_in fourw)" "$(run_in twow)"
holds "and are in the record" grep -q '^3,.*,1\.5$' "$(run_in twow)/history.csv"
holds "the rate too" grep -q '^4,.*,0\.001,.*,0\.25$' "$(run_in twow)/history.csv"

wide='-s schedule.use=constant -s backend.use=ref -s backend.real=double'
# shellcheck disable=SC2086
expect "four epochs in double" 0 "$FPCORE" -c tiny.ini $wide -s run.out=four64
# shellcheck disable=SC2086
expect "two epochs in double" 0 "$FPCORE" -c tiny.ini $wide -s run.out=two64 -s run.epochs=2
expect "two more in double" 0 "$FPCORE" --resume "$(run_in two64)" -s run.epochs=4
same "lose no digit" "$(run_in four64)" "$(run_in two64)"

expect "another recipe is refused" 2 "$FPCORE" -c tiny.ini -s optimizer.lr=0.1 -s dataset.batch=8 --resume "$run"
says "with the first key" 'optimizer\.lr = 0\.1 \(the run: 0\.002\)'
says "and the second" 'dataset\.batch = 8 \(the run: 4\)'
says "and the third" 'schedule\.use = cosine \(the run: constant\)'
expect "paths, readers and loggers may differ" 0 "$FPCORE" -c "$run/recipe.ini" -s run.out=elsewhere -s dataset.readers=2 \
    -s logger.t.use=tensorboard --resume "$run"

expect "no such folder" 1 "$FPCORE" --resume nowhere
says "is a sentence" 'resume nowhere: no such run folder'
mkdir empty
expect "an empty folder" 1 "$FPCORE" --resume empty
says "lacks its recipe" 'there is no recipe\.ini'
cp "$run/recipe.ini" empty
expect "a folder without checkpoint" 1 "$FPCORE" --resume empty
says "lacks its checkpoint" 'there is no last\.safetensors to go on from'
head -c 100000 "$run/last.safetensors" >empty/last.safetensors
expect "a truncated checkpoint" 1 "$FPCORE" --resume empty
says "is said to be truncated" 'last\.safetensors: truncated: '
cp "$run/best.safetensors" empty/last.safetensors
expect "weights alone" 1 "$FPCORE" --resume empty
says "are no training checkpoint" 'no training checkpoint'
expect "a missing operand" 2 "$FPCORE" --resume
exit $bad
