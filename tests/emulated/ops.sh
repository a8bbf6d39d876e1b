#!/bin/sh
# The kernels of the cuda backend, on the host: every op case in fp32, bf16 and fp16 against ref in double,
# convolutions in TF32, too; a kernel for every case, gradients of whole models, and what must hold whatever the numbers are (dropout draws as on the CPU).
# shellcheck source=tests/emulated/lib_emulated.sh
. "$FPCORE_SRC/tests/emulated/lib_emulated.sh"

# each WHAT COMMAND...: the cases of a test program, one by one
each() {
    what=$1
    shift
    "$@" >out 2>&1
    status=$?
    sed -n "s/^\[       OK \] /ok $what: /p" out
    if [ $status -eq 77 ]; then
        echo "ok $what: $(tail -n 1 out) # SKIP"
    elif [ $status -ne 0 ]; then
        grep -v -e '^\[       OK' -e '^\[ RUN' out >failed
        not_ok "$what" failed
    fi
}

each agree "$ops/agree" cuda_emulated
if [ $sanitized = 0 ]; then
    for op in conv2d conv2d_grad_x conv2d_grad_w; do # the kernels that have a way of their own for it
        each "agree in tf32" "$ops/agree" cuda_emulated:tf32 $op
    done
    each support "$ops/support"
    each grad "$ops/grad" models
fi
each properties "$ops/properties"
each losses "$ops/losses"
each pictures "$ops/pictures"
each kornia "$ops/kornia"
exit $bad
