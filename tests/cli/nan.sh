#!/bin/sh
# A training that diverges: exit code 3, the step and the first op that went bad by name, the last good checkpoint kept.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

set -- -s optimizer.use=sgd -s optimizer.lr=1e6 -s run.clip_norm=0 -s schedule.use=constant -s schedule.warmup_epochs=0
expect "diverges" 3 "$FPCORE" -c tiny.ini "$@" -s run.out=a
says "names the step" 'error: step [0-9]+: '
says "names the node" 'first value that is not finite comes out of [a-z]'
run=$(run_in a)
holds "run.json says so" grep -q '"status": "diverged"' "$run/run.json"
expect "the checkpoint that stays holds good weights" 0 "$FPCORE" eval -c tiny.ini -w "$run/last.safetensors"
cp "$run/last.safetensors" before
expect "resumed, it diverges again" 3 "$FPCORE" --resume "$run"
holds "and the checkpoint is as it was" cmp before "$run/last.safetensors"
exit $bad
