#!/bin/sh
# Where files are looked for: a path in a recipe is relative to the recipe's file, that of -s to the shell's folder, a
# list may lie in the data set's folder, and the shell's folder is what remains, with a note. What is not there is told
# with its key, the folders where it was looked for, what is wanted and how to say where it is.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
here=$(pwd)
draw masks project/ds 10
mkdir -p project/recipes elsewhere
sed -e '/^use = synthetic/,/^val = /d' -e 's/^epochs = 4/epochs = 1/' tiny.ini >base.ini
cp base.ini project/recipes/base.ini
cat >project/recipes/own.ini <<'INI'
include = base.ini
[dataset]
use = folder
root = ../ds
images = images
masks = masks
size = 32
train_list = train.txt
classes = celebamask19
INI
printf 'pic_0%d\n' 0 1 2 3 4 5 >project/ds/train.txt
cd elsewhere || exit 1

expect "a recipe works from every folder" 0 "$FPCORE" -c ../project/recipes/own.ini --check
says "its data lie beside it" "^root = $here/elsewhere/\.\./project/recipes/\.\./ds "
says "a list lies in the data set's folder" "^train_list = $here/elsewhere/\.\./project/recipes/\.\./ds/train\.txt "
says "all of the list are trained on" '^; data: 6 training, 4 validation'
if grep -q 'note: ' out; then not_ok "that needs no note" out; else ok "that needs no note"; fi
printf 'pic_0%d\n' 0 1 2 3 >../project/recipes/train.txt
expect "a list beside the recipe is nearer" 0 "$FPCORE" -c ../project/recipes/own.ini --check
says "it is taken" '^; data: 4 training, 6 validation'
printf 'pic_0%d\n' 0 1 2 3 4 5 6 >mine.txt
expect "what -s says lies in the shell's folder" 0 "$FPCORE" -c ../project/recipes/own.ini --check -s dataset.train_list=mine.txt
says "it is taken" '^; data: 7 training, 3 validation'
expect "an included file's paths are its own" 0 sh -c 'echo "include = ../project/recipes/own.ini" >r.ini; "$FPCORE" -c r.ini --check'
says "they are" '^; data: 4 training, 6 validation'

# ---- the shell's folder, for recipes that rely on it ----
mkdir conf
sed 's/^root = .*/root = project\/ds/' ../project/recipes/own.ini >conf/old.ini
cp ../base.ini conf
cd ..
expect "a path from the shell's folder" 0 "$FPCORE" -c elsewhere/conf/old.ini --check
says "is found, with a note" "note: elsewhere/conf/old\.ini:4: dataset\.root = project/ds: nothing is there beside the recipe \($here/elsewhere/conf/project/ds\); it was found where fpcore was started: $here/project/ds"
if [ "$(grep -c 'note: ' out)" -eq 1 ]; then ok "which is one line"; else not_ok "which is one line" out; fi
cd elsewhere || exit 1

# ---- what is not there ----
expect "no data set" 1 "$FPCORE" -c conf/old.ini
says "where the pictures would be" "$here/elsewhere/conf/project/ds/images \(dataset\.root and dataset\.images\): No such file"
says "where it was looked for" "dataset\.root was looked for in $here/elsewhere/conf/, then in $here/elsewhere\."
says "what is wanted" 'Wanted are pictures \(NAME\.jpg, NAME\.png\) in ROOT/images'
says "how to say where" '-s dataset\.root=FOLDER says where ROOT is'
expect "no folder of masks" 1 "$FPCORE" -c ../project/recipes/own.ini -s dataset.masks=none
says "its key" '\.\./ds/none \(dataset\.root and dataset\.masks\): No such file.*Wanted are masks \(NAME\.png\) in ROOT/none'
if grep -q 'looked for' out; then not_ok "the root is there" out; else ok "the root is there"; fi
expect "no list" 1 "$FPCORE" -c ../project/recipes/own.ini -s dataset.val_list=v.txt
says "its key, its folders" "$here/elsewhere/v\.txt \(dataset\.val_list\): No such file or directory; looked for in $here/elsewhere, then in .*/ds\. Wanted is a text file"
says "how to say where" '-s dataset\.val_list=FILE says where it is'
expect "no list of sides" 1 "$FPCORE" -c ../project/recipes/own.ini -s dataset.sides=s.txt
says "its key" "$here/elsewhere/s\.txt \(dataset\.sides\): No such file"
printf '[run]\ninit_from = w/best.safetensors\n' >../project/recipes/more.ini
printf 'include = ../project/recipes/own.ini, ../project/recipes/more.ini\n' >going.ini
expect "no weights to start from" 2 "$FPCORE" -c going.ini
says "its key, its folders" "more\.ini:2: run\.init_from: .*/recipes/w/best\.safetensors: No such file or directory; looked for in .*recipes/, then in $here/elsewhere\."

# ---- installed recipes ----
cd "$scratch" || exit 1
mkdir -p installed/more
printf '; What this shows\n; and more\ninclude = base.ini\n[run]\nname = one\n[dataset]\nuse = synthetic\nsize = 32\n' >installed/one.ini
cp base.ini installed
printf '# Another.\ninclude = ../one.ini\n' >installed/more/two.ini
FPCORE_RECIPES=$scratch/installed
export FPCORE_RECIPES
cd elsewhere || exit 1
for name in one.ini conf/one.ini more/two.ini; do
    expect "-c $name is installed" 0 "$FPCORE" -c $name --check
    says "it is that one" "^name = one .*$FPCORE_RECIPES/"
done
printf '[run]\nname = mine\n[loss.ce]\nuse = cross_entropy\n' >one.ini
expect "one that is here" 0 "$FPCORE" -c one.ini --check
says "is nearer" '^name = mine '
expect "one that is nowhere" 2 "$FPCORE" -c three.ini
says "where it was looked for" "the recipe three\.ini cannot be read: No such file or directory; it is neither there, from $here/elsewhere on, nor among the installed recipes \($FPCORE_RECIPES; .fpcore -l recipes. lists them\)"
expect "they are listed" 0 "$FPCORE" -l recipes
says "with the folder" "^recipes in $FPCORE_RECIPES:"
says "by their first line" '^  one\.ini +What this shows$'
says "those in folders too" '^  more/two\.ini +Another\.$'
expect "the help" 0 "$FPCORE" --help
says "names the folder" "^  $FPCORE_RECIPES$"
exit $bad
