#!/bin/sh
# A plugin of every kind, from outside of the tree: fpcore new writes it, the one printed command compiles it against an
# installed fpcore, fpcore-conform passes, fpcore -l and -h show it, and a recipe uses it.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

# ---- an installed tree ----
# `make check` has put it there; here it is moved to another place first, which it must survive
# (installed.sh).
cp -R "$FPCORE_BUILD/tests/installed" root || exit 1
pc=$(find root -name fpcore.pc | head -n 1)
fpcore=$(find "$scratch/root" -path '*/bin/fpcore' | head -n 1)
if [ -z "$pc" ] || [ -z "$fpcore" ]; then
    find root -type f >out
    not_ok "installs fpcore.pc and fpcore" out
    exit 1
fi
PKG_CONFIG_PATH=$scratch/$(dirname "$pc")
FPCORE_PLUGIN_PATH=$scratch
PATH=$(dirname "$fpcore"):$PATH
export PKG_CONFIG_PATH FPCORE_PLUGIN_PATH PATH
unset FPCORE_PLUGIN_DIR FPCORE_RECIPES PKG_CONFIG_SYSROOT_DIR
[ "$(find root -path '*include/fpcore/*.h' | wc -l)" -eq "$(find "$FPCORE_SRC/include/fpcore" -name '*.h' | wc -l)" ] &&
    ok "every public header is installed" || not_ok "every public header is installed"

# ---- each kind by the printed command ----
kinds='model loss schedule optimizer augment metric dataset backend logger'
for kind in $kinds; do
    expect "$kind: fpcore new" 0 fpcore new "$kind" "my_$kind"
    command=$(sed -n 's/^ *\(cc -std=c11 .*\)/\1/p' out)
    # -Wall -Werror beside it: what we hand out has no warnings
    expect "$kind: the printed command compiles it" 0 sh -c "${CC:-cc} -Wall -Wextra -Werror ${command#cc}"
    expect "$kind: fpcore-conform passes" 0 fpcore-conform "./my_$kind.so"
    expect "$kind: fpcore -l" 0 fpcore -l "$kind"
    says "$kind: fpcore -l shows it" "my_$kind"
    expect "$kind: fpcore -h" 0 fpcore -h "$kind/my_$kind"
    says "$kind: fpcore -h has its summary" '[A-Z].*\.'
done

# ---- one recipe with all of them ----
cat >mine.ini <<'END'
[run]
name = mine
epochs = 2
metric = recall
[dataset]
use = my_dataset
size = 32
train = 8
val = 4
batch = 4
[augment.grey]
use = my_augment
p = 1
[model]
use = my_model
width = 8
blocks = 1
[loss.brier]
use = my_loss
weight = 1.0
[loss.ce]
use = cross_entropy
[optimizer]
use = my_optimizer
lr = 1e-3
[schedule]
use = my_schedule
gamma = 0.5
[metric.recall]
use = my_metric
[logger.text]
use = my_logger
file = epochs.txt
END
expect "a recipe of all of them is right" 0 fpcore -c mine.ini --check
says "--check prints their options" 'gamma *= *0\.5'
expect "fpcore lr shows the schedule" 0 fpcore lr -c mine.ini --csv
says "the second epoch has half the rate" '^2,0?\.0005|^2,5e-0?4'
expect "the recipe trains" 0 fpcore -c mine.ini
run=$(find runs -maxdepth 1 -name 'mine-*' | head -n 1)
cp "${run:-.}/epochs.txt" out 2>/dev/null || echo "no epochs.txt in $run" >out
says "the logger wrote the second epoch" '^epoch=2 .*lr=0\.0005'
if [ -n "$run" ] && [ -s "$run/best.safetensors" ]; then ok "weights are saved"; else not_ok "weights are saved"; fi
expect "a wrong option of a plugin from outside is refused" 2 fpcore -c mine.ini -s model.widht=4 --check
says "with a guess" 'did you mean `width`'
expect "a backend with too few kernels is refused" 1 fpcore -c mine.ini -s backend.use=my_backend
says "with the list of what is missing" 'conv2d'
exit $bad
