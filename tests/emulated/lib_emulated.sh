# lib_emulated.sh: what the scripts of this folder share: where the test plugin cuda_emulated lies (the kernels of the
# cuda backend compiled for the host), and what lib_train.sh has. Without the plugin the script is skipped.
# shellcheck shell=sh disable=SC2034
: "${FPCORE_BUILD:?set by make check}"
emulated=$FPCORE_BUILD/tests/emulated/.libs
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
