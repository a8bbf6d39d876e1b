#!/bin/sh
# What a terminal of 80 columns shows of a training: a warning takes the place of the bar, it does not follow it on its
# line, and no sentence is wider than the terminal. Elsewhere than on a terminal a sentence is one line.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
command -v script >/dev/null || { echo "ok terminal # SKIP there is no script(1)" && exit 0; }
unset COLUMNS

# So few pictures show not every class: the first epoch warns while its bar stands there.
few='-s dataset.train=2 -s dataset.val=1 -s dataset.batch=1 -s run.epochs=2'
# shellcheck disable=SC2086
expect "a training into a file" 0 "$FPCORE" -c tiny.ini $few -s run.out=plain
says "its warning is one line" '^fpcore: warning: none of the 2 training masks of the first epoch shows '
# shellcheck disable=SC2086
TERM=xterm script -qec "stty cols 80; '$FPCORE' -c tiny.ini $few -s run.name=a_name_that_makes_long_lines -s run.out=live" typescript >/dev/null </dev/null
esc=$(printf '\033')
cr=$(printf '\r')
# What is left to see: behind the last erasure of each line.
sed -e "s/$cr*\$//" -e "s/.*$cr$esc\[K//" typescript | grep -v '^Script ' >seen
holds "a bar was drawn" grep -q "$cr.*epoch 1/2 .*left " typescript
holds "the warning is there" grep -q 'fpcore: warning: none of the 2' seen
grep -n 'fpcore: warning' seen | grep -v '^[0-9]*:fpcore: ' >misplaced
[ -s misplaced ] && not_ok "a warning begins its line" misplaced || ok "a warning begins its line"
grep -v "$cr" seen | awk 'length($0) > 80' >wide
[ -s wide ] && not_ok "no sentence is wider than the terminal" wide || ok "no sentence is wider than the terminal"
exit $bad
