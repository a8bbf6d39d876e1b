# lib_emulated.sh: what the scripts of this folder share: where the test plugin cuda_emulated lies (the kernels of the
# cuda backend compiled for the host; FPCORE_EMULATED: another one, for make check-races), and what lib_train.sh has.
# Without the plugin the script is skipped.
# shellcheck shell=sh disable=SC2034
: "${FPCORE_BUILD:?set by make check}"
emulated=${FPCORE_EMULATED:-$FPCORE_BUILD/tests/emulated}/.libs
if [ ! -f "$emulated/backend_cuda_emulated.so" ]; then
    echo "ok skipped: there is no $emulated/backend_cuda_emulated.so # SKIP"
    exit 77
fi
# shellcheck source=tests/cli/lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
FPCORE_PLUGIN_PATH=$FPCORE_PLUGIN_PATH:$emulated
FPCORE_TEST_BACKENDS=cuda_emulated
export FPCORE_PLUGIN_PATH FPCORE_TEST_BACKENDS
ops=$FPCORE_BUILD/tests/ops
# Under the address sanitizer all of this takes four times as long: what tests no further kernel is left out.
sanitized=0
grep -q __asan_init "$FPCORE_BUILD/.libs/libfpcore.so" && sanitized=1
# near WHAT BOUND RUN RUN: losses, rates and gradients of all epochs agree to a relative bound
near() {
    if awk -F, -v bound="$2" '
        NR == FNR { line[FNR] = $0; next }
        FNR == 1 { if ($0 != line[1]) bad = 1; for (i = 1; i <= NF; i++) wanted[i] = $i ~ /loss|^lr$|grad_norm/ }
        FNR > 1 {
            split(line[FNR], was, ",")
            for (i = 1; i <= NF; i++) {
                d = $i - was[i]; size = was[i] < 0 ? -was[i] : was[i]
                if (wanted[i] && (d < 0 ? -d : d) > bound * size) { print FNR, i, was[i], $i; bad = 1 }
            }
        }
        END { exit bad || FNR < 2 }' "$(run_in "$3")/history.csv" "$(run_in "$4")/history.csv" >out 2>&1; then
        ok "$1"
    else
        not_ok "$1" out
    fi
}
