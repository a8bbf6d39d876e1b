#!/bin/sh
# --scales and --flip of eval and predict, and eval --write.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
expect "a training" 0 "$FPCORE" -c tiny.ini
run=$(run_in runs)
best=$run/best.safetensors

expect "plain" 0 "$FPCORE" eval -c tiny.ini -w "$best"
cp out plain
expect "scale 1 alone" 0 "$FPCORE" eval -c tiny.ini -w "$best" --scales 1
cp out one
holds "is the plain prediction" cmp plain one
expect "scales and mirror images" 0 "$FPCORE" eval -c tiny.ini -w "$best" --scales 1,1.5,2 --flip
says "it says what was averaged" '^average of: scales 1, 1\.5, 2, mirrored with exchanged labels$'
says "it has metrics" '^f_score: [0-9.]+$'
says "and classes" '^ +13  hair '
if grep -q '^loss' out; then not_ok "averages have no loss" out; else ok "averages have no loss"; fi
expect "on the training pictures" 0 "$FPCORE" eval -c tiny.ini -w "$best" --part train --flip --no-exchange
says "labels as they are" '^average of: scales 1, mirrored as it is$'
expect "a scale that the model cannot take" 2 "$FPCORE" eval -c tiny.ini -w "$best" --scales 0.3
says "is refused" 'use larger pictures'

# ---- eval --write: what a run keeps of its validation ----
expect "eval --write" 0 "$FPCORE" eval -c tiny.ini -w "$best" --write again.safetensors
says "it says so" '^again\.safetensors: counts of 6 pictures$'
holds "it is that of the run" cmp again.safetensors "$run/validation.safetensors"
expect "of averaged predictions" 0 "$FPCORE" eval -c tiny.ini -w "$best" --flip --write flip.safetensors
holds "is there" test -s flip.safetensors
expect "a file that cannot be written" 1 "$FPCORE" eval -c tiny.ini -w "$best" --write nowhere/x.safetensors
says "is named" 'nowhere/x\.safetensors'

# ---- predict ----
mkdir pictures
cp "$run/samples.png" pictures/a.png
expect "predict" 0 "$FPCORE" predict -c tiny.ini -w "$best" -o plain_masks pictures
expect "predict at scale 1" 0 "$FPCORE" predict -c tiny.ini -w "$best" -o same_masks --scales 1.0 pictures
holds "is the plain one" cmp plain_masks/a.png same_masks/a.png
expect "predict from averages" 0 "$FPCORE" predict -c tiny.ini -w "$best" -o masks --scales 1,1.25 --flip -v pictures
says "writes masks" '^masks/a\.png$'

expect "no number" 2 "$FPCORE" eval -c tiny.ini -w "$best" --scales 1,x
says "is refused" 'fpcore eval: --scales 1,x: '
expect "a scale twice" 2 "$FPCORE" predict -c tiny.ini -w "$best" -o masks --scales 1,1 pictures
says "is refused" 'fpcore predict: --scales 1,1: 1 stands there twice'
expect "--no-exchange alone" 2 "$FPCORE" eval -c tiny.ini -w "$best" --no-exchange
says "is refused" 'add --flip'
exit $bad
