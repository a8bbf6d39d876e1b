#!/bin/sh
# Whole trainings of the cuda backend, on the host: golden models and steps, agreement with cpu, the same bits in every
# run, with and without recorded steps and however late the queue runs; resuming, also on the other backend; half
# precision; what is refused, and how.
# shellcheck source=tests/emulated/lib_emulated.sh
. "$FPCORE_SRC/tests/emulated/lib_emulated.sh"

# train OUT KEY=VALUE...: an epoch is four steps
train() {
    out=$1
    shift
    for pair; do
        shift
        set -- "$@" -s "$pair"
    done
    "$FPCORE" -c tiny.ini -s schedule.use=constant -s run.out="$out" -s backend.use=cuda_emulated "$@"
}

FPCORE_SHARED=none "$FPCORE_BUILD/tests/golden/test_golden" >golden 2>&1
golden=$?
sed -n 's/^\[       OK \] /ok golden: /p' golden
[ $golden -eq 0 ] || not_ok golden golden

expect "two epochs on cpu" 0 train cpu backend.use=cpu run.epochs=2
expect "two epochs" 0 train two run.epochs=2
near "are those of cpu but for rounding" 1e-5 cpu two
expect "two epochs, op by op" 0 train steps run.epochs=2 backend.capture=off
same "have the bits of recorded ones" "$(run_in two)" "$(run_in steps)"
expect "two epochs, run as late as a device might" 0 env FPCORE_EMULATED_QUEUE=lazy "$FPCORE" -c tiny.ini \
    -s schedule.use=constant -s backend.use=cuda_emulated -s run.epochs=2 -s run.out=lazy
same "have the same bits" "$(run_in two)" "$(run_in lazy)"
[ $sanitized = 0 ] || exit $bad
for cache in pinned stream; do
    expect "two epochs, dataset.cache = $cache" 0 train $cache run.epochs=2 dataset.cache=$cache
    same "have the same bits" "$(run_in two)" "$(run_in $cache)"
done

expect "one epoch" 0 train one run.epochs=1
run=$(run_in one)
expect "and one more" 0 "$FPCORE" --resume "$run" -s run.epochs=2
same "are two" "$(run_in two)" "$run"
expect "one epoch on cpu" 0 train from_cpu run.epochs=1 backend.use=cpu
expect "goes on here" 0 "$FPCORE" --resume "$(run_in from_cpu)" -s run.epochs=2 -s backend.use=cuda_emulated
near "where cpu had gone, but for rounding" 1e-5 cpu from_cpu
expect "one epoch here" 0 train to_cpu run.epochs=1
expect "goes on on cpu" 0 "$FPCORE" --resume "$(run_in to_cpu)" -s run.epochs=2 -s backend.use=cpu
near "where this had gone" 1e-5 two to_cpu

for half in bf16 fp16; do
    expect "two epochs in $half" 0 train $half run.epochs=2 run.precision=$half
    near "are near those in fp32" 0.01 two $half
    expect "again, op by op" 0 train ${half}_steps run.epochs=2 run.precision=$half backend.capture=off
    same "have the same bits" "$(run_in $half)" "$(run_in ${half}_steps)"
done

expect "a batch that does not fit" 1 env FPCORE_EMULATED_MEMORY=1000000 "$FPCORE" -c tiny.ini \
    -s backend.use=cuda_emulated -s run.out=full
says "is refused with the largest that does" 'needs [0-9]+ MiB .*dataset\.batch = [0-9]+ is the largest that fits'
holds "before a folder is made" test ! -e full
expect "no GPU" 1 env FPCORE_EMULATED_DEVICES=0 "$FPCORE" -c tiny.ini -s backend.use=cuda_emulated
says "is a sentence" 'error: \[backend\] use = cuda_emulated: no GPU can be used: .*; use = cpu does without'
expect "no driver" 1 env FPCORE_EMULATED_DRIVER=0 "$FPCORE" -c tiny.ini -s backend.use=cuda_emulated
says "is a sentence" 'this machine has no NVIDIA driver; use = cpu runs on its processors'
expect "a driver that is too old" 1 env FPCORE_EMULATED_DRIVER=9000 "$FPCORE" -c tiny.ini -s backend.use=cuda_emulated
says "is a sentence" 'the NVIDIA driver knows CUDA up to 9\.0, this build needs [0-9.]+; a newer driver'
expect "a GPU that is not there" 2 train none backend.device=7
says "is a sentence" 'backend\.device = 7: there .* numbered from 0'
exit $bad
