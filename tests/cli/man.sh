#!/bin/sh
# The pages of the manual and the completions are what the program says today, and whoever reads them can.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

expect ".ci/man writes them" 0 sh "$FPCORE_SRC/.ci/man" "$scratch/man"
for file in fpcore.1 fpcore-recipe.5 fpcore.bash _fpcore; do
    if diff "$FPCORE_SRC/man/$file" "man/$file" >out 2>&1; then
        ok "man/$file is up to date"
    else
        echo "run .ci/man" >>out
        not_ok "man/$file is up to date" out
    fi
done
"$FPCORE" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' >verbs
while read -r verb; do
    "$FPCORE" "$verb" --help | grep -oE '^  (-[a-z], )?--[a-z0-9-]+' | sed 's/.*--/--/' | while read -r option; do
        grep "^    $verb) options=" man/fpcore.bash | grep -qE -- "[\" ]${option}[\" ]" &&
            grep "^$verb) options=" man/_fpcore | grep -qE -- "[( ]${option}[) ]" || echo "$verb $option"
    done >>uncompleted
    grep -qx "\.SS $verb" man/fpcore.1 && grep -q "^    $verb) options=" man/fpcore.bash && grep -q "^$verb) options=" man/_fpcore ||
        not_ok "$verb stands in all of them"
done <verbs
"$FPCORE" -l | awk '/^[a-z]/ { kind = $1 } /^  [a-z]/ { print kind "/" $1 }' | grep -v '^backend/cuda$' >plugins
while read -r plugin; do
    grep -qx "\.SS \"$plugin\"" man/fpcore-recipe.5 || not_ok "$plugin stands in the page"
done <plugins
[ ! -s uncompleted ] && ok "every long option completes, in bash and in zsh" ||
    not_ok "every long option completes, in bash and in zsh" uncompleted
[ -s verbs ] && [ -s plugins ] || not_ok "verbs and plugins are listed"
[ $bad -eq 0 ] && ok "every verb and every plugin stands there"

# ---- pages ----
for page in fpcore.1 fpcore-recipe.5; do
    if command -v groff >/dev/null 2>&1; then
        groff -man -ww -Tutf8 "man/$page" >text 2>out && [ ! -s out ] && ok "$page: groff has no warning" || not_ok "$page: groff has no warning" out
    else
        echo "ok $page: groff # SKIP not installed"
    fi
    if command -v mandoc >/dev/null 2>&1; then
        # a page has no date: it is as old as the program
        mandoc -Tlint -W warning "man/$page" 2>&1 | grep -v 'missing date' >out
        [ ! -s out ] && ok "$page: mandoc has no warning" || not_ok "$page: mandoc has no warning" out
    else
        echo "ok $page: mandoc # SKIP not installed"
    fi
done

# ---- completion ----
# completes WHAT PATTERN WORD...: what bash offers for the last word
cat >ask.bash <<'END'
. "$1"
shift
PATH=$(dirname "$FPCORE"):$PATH
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
compopt() { :; }
_fpcore
printf '%s\n' "${COMPREPLY[@]}"
END
completes() {
    what=$1
    pattern=$2
    shift 2
    bash ask.bash man/fpcore.bash "$@" >out 2>&1
    says "bash completes $what" "$pattern"
}
if command -v bash >/dev/null 2>&1; then
    completes "a verb" '^predict$' fpcore pre
    completes "an option of a verb" '^--overlay$' fpcore predict --ov
    completes "one that is the first letters of two" '^--probabilities$' fpcore predict --prob
    completes "every option that a verb's help lists" '^--tiles$' fpcore predict --t
    completes "an option of every verb" '^--plugin-path$' fpcore eval --pl
    completes "a key" '^run\.epochs=$' fpcore -c r.ini -s run.ep
    completes "a plugin" '^model/microsegformer$' fpcore -h model/micro
    completes "a kind" '^schedule$' fpcore -l sch
    completes "an installed recipe" '^quickstart\.ini$' fpcore -c quick
    touch mine.ini
    completes "a recipe that is here" '^mine\.ini$' fpcore train -c mi
    bash ask.bash man/fpcore.bash fpcore eval --ov >out 2>&1
    grep -q overlay out && not_ok "not another verb's" out || ok "not another verb's"
else
    echo "ok completion by bash # SKIP not installed"
fi
grep -c "^    '[a-z]*:.*\.'$" man/_fpcore >described || true
[ "$(cat described)" -eq "$(wc -l <verbs)" ] && ok "zsh describes each verb by a whole sentence" ||
    not_ok "zsh describes each verb by a whole sentence" described
if command -v zsh >/dev/null 2>&1; then
    expect "zsh reads its own" 0 zsh -n man/_fpcore
else
    echo "ok completion by zsh # SKIP not installed"
fi
exit $bad
