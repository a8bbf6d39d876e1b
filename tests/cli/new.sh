#!/bin/sh
# fpcore new: writes a source and says how to compile it; refuses what it cannot do, in a sentence.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

expect "writes a loss" 0 "$FPCORE" new loss my_loss
says "says what it wrote" '^wrote my_loss\.c'
says "prints the compile command" 'cc -std=c11 -shared -fPIC -fvisibility=hidden my_loss\.c \$\(pkg-config --cflags --libs fpcore\) -o my_loss\.so$'
says "says how to list it" 'FPCORE_PLUGIN_PATH=\. fpcore -l loss'
says "says how a recipe uses it" '^ *\[loss\.my_loss\]'
sed 's/@NAME@/my_loss/g' "$FPCORE_SRC/core/cmd/templates/loss.c.in" >expected.c
expect "the source is the template with the name filled in" 0 cmp my_loss.c expected.c

echo keep >kept.c
expect "an existing file is refused" 2 "$FPCORE" new metric kept
says "the sentence names the file" 'kept\.c exists already'
expect "the existing file is as it was" 0 grep -qx keep kept.c
ln -s nowhere dangling.c
expect "a dangling link is refused" 2 "$FPCORE" new metric dangling

for name in '' Upper 9lives with-dash ../up a/b 'a b' none; do
    expect "the name \`$name\` is refused" 2 "$FPCORE" new loss "$name"
done
expect "a very long name is refused" 2 "$FPCORE" new loss "$(printf 'a%.0s' $(seq 100))"
expect "an unknown kind is refused" 2 "$FPCORE" new los my_thing
says "with a guess" 'did you mean `loss`'
says "and the list of kinds" 'model'
expect "a missing name is refused" 2 "$FPCORE" new loss
says "with an example" 'fpcore new loss my_loss'
expect "too many words are refused" 2 "$FPCORE" new loss a b
expect "an unknown option is refused" 2 "$FPCORE" new --force loss a
expect "nothing else was written" 1 sh -c 'ls | grep -vxE "my_loss.c|kept.c|dangling.c|expected.c|out"'
if [ "$(id -u)" != 0 ]; then
    mkdir closed && chmod 500 closed && cd closed || exit 1
    expect "a folder that cannot be written is refused" 1 "$FPCORE" new loss my_loss
    says "with the reason" 'my_loss\.c: Permission denied'
    cd ..
else
    echo "ok a folder that cannot be written is refused # SKIP root writes everywhere"
fi
expect "help" 0 "$FPCORE" new --help
says "help has an example" 'fpcore new loss my_loss'
exit $bad
