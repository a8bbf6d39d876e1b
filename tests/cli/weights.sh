#!/bin/sh
# eval, probe and bench on the weights of a tiny training.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

cat >more.ini <<'END'
include = tiny.ini
[metric.f_class]
use = f1_class
[metric.f_image]
use = fscore_image
END
expect "a training" 0 "$FPCORE" -c more.ini
run=$(run_in runs)
best=$run/best.safetensors

# ---- eval: the numbers that training wrote ----
expect "eval" 0 "$FPCORE" eval -c more.ini -w "$run/last.safetensors"
cp out eval
says "the part" '^part: val$'
says "its pictures" '^images: 6$'
says "terms" '^loss\.dice: [0-9.]+$'
says "a class with its name" '^ +13  hair +[0-9.]+ +[0-9.]+ +([0-9.]+|-)$'
# column NAME FILE: the last row of history.csv
column() {
    awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } END { printf "%.7g\n", $at }' \
        "$run/history.csv"
}
value() { awk -v name="$1:" '$1 == name { printf "%.7g\n", $2 }' eval; }
for pair in loss:val_loss f_score:val_f_score f_image:val_f_image f_class:val_f_class accuracy:val_accuracy; do
    holds "${pair%:*} is that of the history" test "$(value "${pair%:*}")" = "$(column "${pair#*:}")"
done
expect "eval on the training pictures" 0 "$FPCORE" eval -c more.ini -w "$best" --part train
says "all of them" '^images: 16$'
expect "a part that is none" 2 "$FPCORE" eval -c more.ini -w "$best" --part all
says "is named" '--part all: not one of train, val, test'
expect "an empty part" 2 "$FPCORE" eval -c more.ini -w "$best" --part test -s dataset.test=0
says "is said" 'the part `test` of the data set has no pictures'
expect "no weights" 2 "$FPCORE" eval -c more.ini
says "are missed" '--weights is missing'
expect "weights of another model" 1 "$FPCORE" eval -c more.ini -w "$best" -s model.decoder_dim=8
says "are refused" 'best\.safetensors.*decoder\.'

# ---- bench ----
expect "bench" 0 "$FPCORE" bench -c more.ini -s backend.use=cpu --size 32 --batch 2 --steps 1
says "training" '^train: [0-9.]+ images/s$'
says "inference" '^infer: [0-9.]+ images/s$'
says "a batch as asked for" '^model: microsegformer, [0-9]+ parameters, 2x32x32$'
says "memory" 'peak memory so far [0-9]+ MiB'
says "the peak" '^peak: [0-9.]+ GMAC/s \(multiply-accumulates in registers, on all threads\)$'
says "the product's share of it" '^matrix-product peak: [0-9.]+ GMAC/s \(4096x512 by 512x512\), [0-9]+ % of it$'
says "where the time goes" ' whole step$'
expect "bench without --batch" 0 "$FPCORE" bench -c more.ini --size 32 --steps 1 --infer -s dataset.batch=3
says "takes that of the recipe" '^model: microsegformer, [0-9]+ parameters, 3x32x32$'
expect "bench --jobs" 0 "$FPCORE" bench -c more.ini --size 32 --batch 2 --steps 1 --jobs -s backend.use=cpu \
    -s backend.threads=1
says "lists groups of a training step" '^group train [0-9.]+ .*linear_grad_w'
says "and of inference" '^group infer [0-9.]+ .*attention'
says "and their jobs" '^job train [0-9]+ [0-9.]+ [0-9.]+$'
expect "bench --jobs with two threads" 2 "$FPCORE" bench -c more.ini --size 32 --batch 2 --steps 1 --jobs \
    -s backend.use=cpu -s backend.threads=2
says "is refused" 'what 2 threads do at once cannot be told apart; use -s backend\.threads=1'
expect "bench --against" 0 "$FPCORE" bench -c more.ini -s backend.use=cpu --size 32 --batch 2 --steps 1 --rounds 3 \
    --against "run.precision=bf16 backend.threads=1"
says "training and its pairs" \
    '^train: [0-9.]+ images/s, against [0-9.]+: [0-9.]+ times as fast$'
says "and how many" '^  median of 3 pairs, [0-9.]+ to [0-9.]+$'
says "inference" '^infer: [0-9.]+ images/s, against '
expect "against a setting that is none" 2 "$FPCORE" bench -c more.ini --against run.precision=bf17
says "says which side failed, and why" \
    '^fpcore: error: fpcore bench --against, side B \(run\.precision=bf17\): -s run\.precision=bf17: run\.precision = bf17: '
expect "a setting of both that is none" 2 "$FPCORE" bench -c more.ini -s run.epochs=x --against run.precision=bf16
says "is side A's" '^fpcore: error: fpcore bench --against, side A \(this setting\): -s run\.epochs=x: '
expect "against a program that is none" 2 "$FPCORE" bench -c more.ini --against ./fpcore-of-before
says "is named" 'fpcore-of-before: neither SECTION\.KEY=VALUE, nor a program that can be run'
expect "bench --infer" 0 "$FPCORE" bench -c more.ini -s backend.use=cpu --size 32 --batch 2 --steps 1 --infer
if grep -q '^train:' out; then not_ok "bench --infer does not train" out; else ok "bench --infer does not train"; fi
exit $bad
