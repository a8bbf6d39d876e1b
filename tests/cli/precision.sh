#!/bin/sh
# run.precision = bf16 on the backend cpu: deterministic, whatever the threads; resumes to the byte; eval_precision = fp32
# evaluates as fp32 does; what a backend cannot do is refused with what it can.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
sed -i 's/^use = ref$/use = cpu/' tiny.ini
bf16="-s run.precision=bf16"

# shellcheck disable=SC2086
train() {
    out_dir=$1
    shift
    "$FPCORE" -c tiny.ini $bf16 -s run.out="$out_dir" "$@"
}
expect "a training in bf16" 0 train a -s backend.threads=1
expect "with three threads" 0 train b -s backend.threads=3
same "is the same to the byte" "$(run_in a)" "$(run_in b)"
expect "in two parts" 0 train c -s run.epochs=2 -s schedule.epochs=4
expect "resumed" 0 "$FPCORE" --resume "$(run_in c)" -s run.epochs=4
same "is the same to the byte" "$(run_in a)" "$(run_in c)"
expect "resumed in fp32" 2 "$FPCORE" --resume "$(run_in a)" -s run.epochs=5 -s run.precision=fp32
says "is refused as any other change" 'run\.precision = fp32 \(the run: bf16\)'
says "and how to train on all the same" 'start a run from its weights: run\.init_from'
expect "in fp32" 0 "$FPCORE" -c tiny.ini -s run.out=d
if cmp -s "$(run_in a)/last.safetensors" "$(run_in d)/last.safetensors"; then
    not_ok "bf16 is another precision"
else
    ok "bf16 is another precision"
fi

best=$(run_in a)/best.safetensors
expect "eval in fp32" 0 "$FPCORE" eval -c tiny.ini -w "$best"
cp out fp32
# shellcheck disable=SC2086
expect "eval of a bf16 recipe in fp32" 0 "$FPCORE" eval -c tiny.ini $bf16 -s run.eval_precision=fp32 -w "$best"
cp out again
holds "is the same" cmp fp32 again

for precision in tf32 fp16; do
    expect "$precision" 2 "$FPCORE" -c tiny.ini -s run.precision=$precision --check
    says "is refused" "run\.precision = $precision: backend cpu computes in fp32, bf16; that, or another backend\.use"
done
expect "bf16 of ref" 2 "$FPCORE" -c tiny.ini $bf16 -s backend.use=ref --check
says "is refused" 'run\.precision = bf16: backend ref computes in fp32; that, or another backend\.use, is needed$'
exit $bad
