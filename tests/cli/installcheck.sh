#!/bin/sh
# make installcheck passes on the tree that `make check` has installed, and fails where something is missing.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
cp -R "$FPCORE_BUILD/tests/installed" here || exit 1
here() { "${MAKE:-make}" -s -C "$FPCORE_BUILD" installcheck DESTDIR="$scratch/here"; }
expect "make installcheck" 0 here
says "trains" '^ok quickstart\.ini trains$'
says "runs the example" '^ok the example runs$'
rm "$(find here -name loss_dice.so)"
expect "without a plugin" 2 here
says "it fails" '^not ok fpcore -h loss/dice: '
exit $bad
