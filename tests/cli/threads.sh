#!/bin/sh
# backend.threads: any number of threads trains to the same bytes, in fp32 and in bf16, tied to processors or not; more of
# them than processors is said once.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# Large enough that groups have up to 64 parts, short enough to be trained fourteen times.
train() {
    "$FPCORE" -c tiny.ini -s backend.use=cpu -s run.epochs=1 -s dataset.size=128 -s dataset.train=8 -s dataset.val=4 \
        -s model.dims=32,32,48,64 "$@"
}

for precision in fp32 bf16; do
    expect "one thread, $precision" 0 train -s run.precision=$precision -s run.out=$precision-1 -s backend.threads=1
    for threads in 2 3 7 33 64 200; do
        expect "$threads threads, $precision" 0 \
            train -s run.precision=$precision -s run.out=$precision-$threads -s backend.threads=$threads
        same "the same bytes" "$(run_in $precision-1)" "$(run_in $precision-$threads)"
    done
done
expect "7 threads, bound" 0 train -s run.out=bound -s backend.threads=7 -s backend.bind=on
same "bound threads: the same bytes" "$(run_in fp32-1)" "$(run_in bound)"

expect "far more threads than processors" 0 train -s run.out=many -s backend.threads=1024
says "are warned of" 'backend\.threads = 1024: this process may use [0-9]+ processors?, so threads take turns'
warned=$(grep -c 'threads take turns' out)
holds "once" test "$warned" -eq 1
expect "one thread" 0 train -s run.out=few -s backend.threads=1
warned=$(grep -c 'threads take turns' out)
holds "is no reason to warn" test "$warned" -eq 0
exit $bad
