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
# names that mean something already
mkdir other && cd other || exit 1
expect "a loss called as one that is there" 0 "$FPCORE" new loss dice
says "says which it hides" '^warning: there is a plugin loss/dice already: .*loss_dice\.so\. Recipes that say `use = dice` get yours'
expect "a loss of a new name" 0 "$FPCORE" new loss mine
if grep -q warning out; then not_ok "has no warning" out; else ok "has no warning"; fi
# the ops of two plugins from the template have names of their own, whatever the plugins are called
expect "a loss with a longer name" 0 "$FPCORE" new loss mine_grad
grep -ho '\.name = "loss_[^"]*"' mine.c mine_grad.c | sort | uniq -d >out
if [ -s out ]; then not_ok "no op is defined twice" out; else ok "no op is defined twice"; fi
cd .. && rm -r other
expect "nothing else was written" 1 sh -c 'ls | grep -vxE "my_loss.c|kept.c|dangling.c|expected.c|out"'
if [ "$(id -u)" != 0 ]; then
    mkdir closed && chmod 500 closed && cd closed || exit 1
    expect "a folder that cannot be written is refused" 1 "$FPCORE" new loss my_loss
    says "with the reason" 'my_loss\.c: Permission denied'
    cd ..
else
    echo "ok a folder that cannot be written is refused # SKIP root writes everywhere"
fi

# ---- the commands of docs/writing-a-plugin.md for a build that is not installed ----
mkdir uninstalled && cd uninstalled || exit 1
sed -n '/^Against a build that is not installed/,/^```$/p' "$FPCORE_SRC/docs/writing-a-plugin.md" | sed -n '/^export/,/^```/p' |
    sed -e '/^```/d' -e "s|SRC|$(cd "$FPCORE_SRC" && pwd)|g" -e "s|BUILD|$(cd "$FPCORE_BUILD" && pwd)|g" >commands.sh
expect "the page has commands for a build that is not installed" 0 test "$(grep -c . commands.sh)" -eq 5
expect "they compile and check a plugin" 0 sh -e commands.sh
says "which passes" '^ok loss/my_loss: the gradient is that of the loss$'
says "and is found" '^loss/my_loss 1\.0: '
cd .. && rm -r uninstalled

expect "help" 0 "$FPCORE" new --help
says "help has an example" 'fpcore new loss my_loss'
exit $bad
