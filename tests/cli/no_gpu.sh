#!/bin/sh
# The backend cuda where there is no GPU: it loads, is listed, and says in one sentence what is missing. This is what
# machines that build for a cluster, and those that test, see.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

if [ ! -f "$FPCORE_BUILD/.libs/backend_cuda.so" ]; then
    echo "ok skipped: this build has no backend cuda # SKIP"
    exit 77
fi
if [ -e /dev/nvidiactl ] || [ -e /dev/dxg ] || [ -e /dev/nvhost-gpu ]; then
    echo "ok skipped: there is an NVIDIA driver # SKIP"
    exit 77
fi

expect "fpcore -l names it" 0 "$FPCORE" -l backend
says "with a line of its own" '^  cuda '
expect "its options are told" 0 "$FPCORE" -h backend/cuda
expect "training ends with 1" 1 "$FPCORE" -c "$FPCORE_SRC/conf/quickstart.ini" -s backend.use=cuda -s run.out="$scratch/runs"
says "one sentence says why" 'use = cuda: this machine has no NVIDIA driver'
[ "$(wc -l <out)" -le 2 ] && ok "and it is all there is" || not_ok "and it is all there is" out
[ -e runs ] && [ -n "$(ls runs)" ] && not_ok "no run is left behind" || ok "no run is left behind"
# Nothing of CUDA is linked by the program or its library; the plugin opens the large libraries when it opens a GPU.
if command -v ldd >/dev/null; then
    ldd "$FPCORE_BUILD/.libs/libfpcore.so" >out 2>&1
    grep -qE 'libcu|nvidia' out && not_ok "libfpcore needs no CUDA" out || ok "libfpcore needs no CUDA"
    ldd "$FPCORE_BUILD/.libs/backend_cuda.so" >out 2>&1
    grep -qE 'libcublas|libcudnn' out && not_ok "the plugin loads without its libraries" out ||
        ok "the plugin loads without its libraries"
fi
exit $bad
