#!/bin/sh
# Every plugin that this tree builds passes fpcore-conform.
# shellcheck source=lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"

n=0
for file in "$FPCORE_BUILD"/.libs/*_*.so "$FPCORE_BUILD"/tests/emulated/.libs/*_*.so; do
    [ -e "$file" ] || continue
    n=$((n + 1))
    name=$(basename "$file" .so)
    if "$FPCORE_CONFORM" "$file" >"$scratch/out" 2>"$scratch/err"; then
        ok "$name"
    else
        grep '^not ok' "$scratch/out" >"$scratch/bad"
        cat "$scratch/err" >>"$scratch/bad"
        not_ok "$name" "$scratch/bad"
    fi
done
[ $n -ge 20 ] || { echo "only $n plugins were found in $FPCORE_BUILD/.libs" >"$scratch/out"; not_ok "there are plugins" "$scratch/out"; }
exit $bad
