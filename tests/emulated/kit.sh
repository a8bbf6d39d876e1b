#!/bin/sh
# The kit that is carried to a machine with a GPU, tried with the emulation: it holds its test programs or is not made,
# keeps to its size, gives its libraries to its own programs only, and a step whose program is gone is a failure.
# shellcheck source=lib_emulated.sh
. "$FPCORE_SRC/tests/emulated/lib_emulated.sh"
if [ $sanitized = 1 ]; then
    echo "programs with sanitizers are larger than a kit may be; the script is the same"
    exit 77
fi
cd "$scratch" || exit 1
BACKEND=cuda_emulated
FPCORE_SHARED=$scratch/shared
export BACKEND FPCORE_SHARED
mkdir -p shared/golden
for name in model_plain.weights train_steps.expect model_lmsa.input metrics; do
    echo "$name" >"shared/golden/$name.safetensors"
done
kit() { sh "$FPCORE_SRC/tests/cuda.sh" --kit "$@"; }

expect "a kit" 0 kit carried "$FPCORE_BUILD"
says "its size is told" '^carried: [0-9]+ MiB of at most 60$'
for name in fpcore agree support grad properties losses pictures kornia shapes bench test_golden; do
    if [ -x "carried/bin/$name" ]; then ok "it has $name"; else not_ok "it has $name"; fi
done
expect "the small golden tensors" 0 test -s carried/shared/golden/model_lmsa.input.safetensors
expect "not the large ones" 1 test -e carried/shared/golden/model_plain.weights.safetensors
expect "a kit that would be too large" 1 env KIT_MIB=1 sh "$FPCORE_SRC/tests/cuda.sh" --kit large "$FPCORE_BUILD"
says "says so" 'larger than KIT_MIB = 1'

# a tree that was built without its tests
mkdir -p bare/.libs bare/tests/emulated/.libs
cp "$FPCORE_BUILD"/.libs/backend_cpu.so "$FPCORE_BUILD"/.libs/libfpcore.so* bare/.libs/
cp "$FPCORE_BUILD"/.libs/fpcore bare/.libs/
cp "$FPCORE_BUILD"/tests/emulated/.libs/backend_cuda_emulated.so bare/tests/emulated/.libs/
expect "a kit of a tree without test programs" 1 kit none bare
says "says which are missing" 'bare has no agree support .*; the kit needs them'
expect "and is not made" 1 test -e none/bin

# a run of it
printf '#!/bin/sh\necho "libraries: $LD_LIBRARY_PATH" >>%s/asked\n' "$scratch" >python
chmod +x python
run() { env LD_LIBRARY_PATH=users PYTHON="$scratch/python" ONLY="support losses kernels" "$@" sh carried/cuda.sh logs; }
expect "a run" 0 run SECONDS_IN_ALL=400
says "passes" '^support +ok '
says "tells what was left out" '^kernels +skipped '
says "counts" '0 failed; logs: .*/logs\.tar\.gz'
gzip -dc logs.tar.gz | tar tf - >out
says "the archive has the table" '^logs/table$'
says "and the logs" '^logs/support\.log$'
cp asked out
says "Python has the user's libraries" '^libraries: users$'
if grep -q carried asked; then not_ok "and not the kit's" asked; else ok "and not the kit's"; fi
expect "a run without time" 0 run SECONDS_IN_ALL=0
says "skips" '^support +skipped +- +no time left'
rm carried/bin/losses
expect "a kit that lost a program" 1 run SECONDS_IN_ALL=400
says "fails" '^losses +FAILED +- +the kit has no losses'
exit $bad
