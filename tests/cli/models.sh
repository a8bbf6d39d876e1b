#!/bin/sh
# The table of docs/models.md: every row's parameters and work, as `fpcore model` prints them.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
sed '/^\[model\]/,/^$/d' tiny.ini >bare.ini

# measure SIZE OPTIONS: prints "PARAMETERS STATED REWRITTEN"; OPTIONS as in the table, separated by "; "
measure() {
    size=$1
    IFS=';'
    set -f
    # shellcheck disable=SC2086
    set -- $2
    unset IFS
    for pair; do
        set -- "$@" -s "model.$(echo "$pair" | sed 's/^ *//; s/ = /=/; s/, /,/g')"
        shift
    done
    "$FPCORE" model -c bare.ini --size "$size" "$@" >out 2>&1 || return 1
    sed -nE 's/^parameters: //p; s/^forward MACs: (\S+) G as stated, (\S+) G after rewrites$/\1 \2/p' out | xargs
}

n=0
grep '^| .*`use = ' "$FPCORE_SRC/docs/models.md" >rows
while IFS='|' read -r _ name options parameters large small _; do
    n=$((n + 1))
    options=$(echo "$options" | tr -d '`' | sed 's/^ *//; s/ *$//')
    parameters=$(echo "$parameters" | tr -d ' ')
    name=$(echo "$name" | xargs)
    for size in 512 128; do
        [ $size = 512 ] && work=$large || work=$small
        echo "$parameters $work" | sed 's/→//' | xargs >want
        measure $size "$options" >got
        if cmp -s got want; then
            ok "$name at $size"
        else
            cat want got >>out
            not_ok "$name at $size" out
        fi
    done
done <rows
[ $n -ge 22 ] || { echo "only $n rows" >out; not_ok "the table has its rows" out; }
exit $bad
