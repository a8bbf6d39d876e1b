#!/bin/sh
# fpcore -l: every shipped plugin by kind, folders in order, files that are no plugins.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

"$FPCORE" -l >out 2>err
[ $? -eq 0 ] && ok "-l" || not_ok "-l" err
[ ! -s err ] && ok "no warnings" || not_ok "no warnings" err
# Listing reads descriptions alone: a backend opens the libraries of its machine where it is used.
LD_DEBUG=files LD_DEBUG_OUTPUT=$scratch/opened "$FPCORE" -l >/dev/null 2>&1
cat opened.* >opened 2>/dev/null
if grep -q 'backend_ref\.so' opened; then
    if grep -E 'file=lib(cu|nv)[^ ]*\.so' opened >got; then not_ok "no library of a GPU is opened" got; else ok "no library of a GPU is opened"; fi
else
    ok "no library of a GPU is opened # SKIP this loader has no LD_DEBUG"
fi
for kind in model loss schedule optimizer augment metric dataset backend logger; do
    says "$kind is listed" "^$kind\$"
done
for file in "$FPCORE_SRC"/plugins/*/*.c; do
    grep -q '^FPC_PLUGINS' "$file" || continue
    kind=$(basename "$(dirname "$file")")
    for name in $(sed -n 's/.*\.name = "\([a-z0-9_]*\)".*/\1/p' "$file"); do
        "$FPCORE" -l "$kind" >one 2>&1
        grep -qE "^  $name +[^ ].*\.\$" one && ok "$kind/$name has its line" || not_ok "$kind/$name has its line" one
    done
done
cp out got
if grep -qE '^comm|no plugin of' got; then not_ok "a kind without plugins is left out" got; else ok "a kind without plugins is left out"; fi
expect "-l of a kind without plugins" 0 "$FPCORE" -l comm
says "says so" '^  \(no plugin of this kind\)$'
expect "-l KIND" 0 "$FPCORE" -l loss
says "it has that kind" '^  dice '
if grep -q '^model$' out; then not_ok "and no other" out; else ok "and no other"; fi
expect "an unknown kind" 2 "$FPCORE" -l losses
says "the nearest is named" '`losses` is no kind of plugin; did you mean `loss`\?'
expect "too many words" 2 "$FPCORE" -l loss model
says "one is enough" 'one KIND at most'

# A folder of one's own comes first, and what is no plugin there is told about.
mkdir mine
cat >mine.c <<'END'
#include <fpcore/schedule.h>
static double factor(const fpc_self *s, const fpc_clock *c, const fpc_history *h)
{
    (void)s;
    (void)c;
    (void)h;
    return 1;
}
static const fpc_schedule_vtbl vtbl = {.size = sizeof vtbl, .factor = factor};
static const fpc_plugin plugin = {FPC_PLUGIN_HEAD, .kind = FPC_SCHEDULE, .name = "cosine", .summary = "Mine.",
                                  .version = "1", .license = "MIT", .self_size = sizeof(fpc_self), .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
END
compile mine.c mine/schedule_cosine.so && ok "a plugin compiles" || not_ok "a plugin compiles"
echo text >mine/notes.so
echo text >mine/notes.txt
expect "--plugin-path" 0 "$FPCORE" --plugin-path mine -l schedule
says "one's own hides the shipped one" '^  cosine +Mine\.$'
says "the others are still there" '^  poly '
says "a file that is no plugin is told about" 'warning: mine/notes\.so is not a shared library'
if grep -q 'notes\.txt\|Half a cosine' out; then not_ok "other files are left alone" out; else ok "other files are left alone"; fi
FPCORE_PLUGIN_PATH=mine:$FPCORE_PLUGIN_PATH expect "FPCORE_PLUGIN_PATH" 0 "$FPCORE" -l schedule
says "it is searched in order" '^  cosine +Mine\.$'
mkdir recipes && mkfifo recipes/pipe.ini && echo "; Mine." >recipes/mine.ini
FPCORE_RECIPES=$scratch/recipes expect "a FIFO among the recipes is not waited for" 0 timeout 60 "$FPCORE" -l recipes
says "the others are listed" '^ *mine(\.ini)? +Mine\.$'
exit $bad
