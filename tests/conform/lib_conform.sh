# lib_conform.sh: what scripts that check plugins share: a scratch folder, results as `ok` / `not ok` lines, a compiler
# that works on the build tree. Read by `. "$FPCORE_SRC/tests/conform/lib_conform.sh"`.
# shellcheck shell=sh disable=SC2034
export LC_ALL=C
: "${FPCORE:?set by make check}" "${FPCORE_CONFORM:?}" "${FPCORE_SRC:?}" "${FPCORE_BUILD:?}"
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0

ok() { echo "ok $1"; }
not_ok() {
    echo "not ok $1"
    [ ! -s "${2-}" ] || sed 's/^/    /' "$2"
    bad=1
}
# expect WHAT STATUS COMMAND...: runs it and compares the exit code; the output stays in $scratch/out
expect() {
    what=$1
    wanted=$2
    shift 2
    "$@" >"$scratch/out" 2>&1
    got=$?
    if [ $got -eq "$wanted" ]; then
        ok "$what"
    else
        echo "exit code $got instead of $wanted: $*" >>"$scratch/out"
        not_ok "$what" "$scratch/out"
    fi
}
# says WHAT PATTERN: the last output has a line like that
says() {
    if grep -qE -- "$2" "$scratch/out"; then
        ok "$1"
    else
        echo "no line matches: $2" >>"$scratch/out"
        not_ok "$1" "$scratch/out"
    fi
}
# compile SOURCE OUT.so: against the build tree
compile() {
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden "$1" -I"$FPCORE_SRC/include" \
        -L"$FPCORE_BUILD/.libs" -lfpcore -lm -o "$2"
}
