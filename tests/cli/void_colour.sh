#!/bin/sh
# Masks in RGB by a preset that has a colour for what counts nowhere (voc21: 224, 224, 192): what the preset says holds
# wherever the recipe comes from: a run that goes on, its weights, what --check wrote.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw voc set 8
sed -e '/^\[dataset\]/,/^$/d' -e '/augment/,/hflip/d' -e '/^\[schedule\]/,/^$/d' tiny.ini >voc.ini
cat >>voc.ini <<'INI'
[dataset]
use = folder
root = set
images = images
masks = masks
classes = voc21
size = 32
batch = 2
val_split = 0.25
INI

expect "two epochs" 0 "$FPCORE" -c voc.ini -s run.epochs=2 -s run.out=two
two=$(run_in two)
said=$(sed -n 's/^best epoch [12]: val_f_score \([0-9.]*\)$/\1/p' out)
holds "has a score" test -n "$said"
holds "the recipe stays as it was given" grep -qx 'ignore_label = -1' "$two/recipe.ini"
expect "one epoch" 0 "$FPCORE" -c voc.ini -s run.epochs=1 -s run.out=one
one=$(run_in one)
expect "goes on" 0 "$FPCORE" --resume "$one" -s run.epochs=2
same "to the same bytes" "$two" "$one"
expect "eval" 0 "$FPCORE" eval -w "$two"
says "has the score of the training" "^f_score: $said"
cp out evaluated
expect "--check" 0 "$FPCORE" -c voc.ini --check
cp out checked.ini
expect "what it wrote is a recipe" 0 "$FPCORE" -c checked.ini -s run.epochs=2 -s run.out=again
same "of the same training" "$two" "$(run_in again)"
cp "$two/best.safetensors" alone.safetensors
expect "eval of weights alone" 0 "$FPCORE" eval -w alone.safetensors -s dataset.root=set
holds "says the same" diff evaluated out

# a label of one's own takes the colour over
"$FPCORE" data -c voc.ini --near 0 >usual 2>&1
says_void='^pixels that count nowhere: [1-9][0-9]*$'
for label in 255 77; do
    expect "the label $label, given" 0 "$FPCORE" data -c voc.ini --near 0 -s dataset.ignore_label=$label
    says "has its pixels" "$says_void"
    holds "as many as without" diff usual out
done
expect "a folder keeps the rules of plugins" 0 "$FPCORE_CONFORM" "$FPCORE_BUILD/.libs/dataset_folder.so" root="$PWD/set" \
    images=images masks=masks classes=voc21 size=32
says "of options too" '^ok dataset/folder: options stay as they were given$'
exit $bad
