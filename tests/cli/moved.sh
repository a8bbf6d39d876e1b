#!/bin/sh
# A run folder and its weights stand for themselves: they work from every folder, after they have been moved and when the
# file of classes has gone; other classes are noticed.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks ds 10
mkdir -p elsewhere/empty moved
sed -e '/^use = synthetic/,/^val = /d' -e 's/^epochs = 4/epochs = 2/' tiny.ini >base.ini
cat >own.ini <<'INI'
include = base.ini
[dataset]
use = folder
root = ds
images = images
masks = masks
classes = dots.ini
size = 32
INI
cat >dots.ini <<'INI'
include = names.ini
[palette]
1 = 250, 10, 20
[mirror]
dots = 2, 3
INI
printf '[classes]\n0 = ground\n1 = disc\n2 = left dot\n3 = "right; dot"\n' >names.ini

expect "a training with classes of one's own" 0 "$FPCORE" -c own.ini
run=$(pwd)/$(run_in runs)
holds "the run keeps the table" grep -q '^3 = "right; dot"$' "$run/classes.ini"
holds "with colours" grep -q '^1 = 250, 10, 20$' "$run/classes.ini"
holds "and pairs" grep -q '= 2, 3$' "$run/classes.ini"
holds "its recipe names it" grep -q '^classes = classes\.ini' "$run/recipe.ini"
holds "and the data from everywhere" grep -q "^root = $(pwd)/ds" "$run/recipe.ini"
holds "the checkpoint holds no path" sh -c '! grep -aq "$1" "$2/last.safetensors"' sh "$(pwd)" "$run"
expect "the same again" 0 "$FPCORE" -c own.ini -s run.out=again
same "gives the same bytes" "$run" "$(run_in again)"
expect "a run that is cut" 0 "$FPCORE" -c own.ini -s run.out=cut -s run.epochs=1
mv "$(run_in cut)" moved/cut
"$FPCORE" predict -c own.ini -w "$run/best.safetensors" -o here ds/images >out 2>&1
cp dots.ini names.ini elsewhere
rm dots.ini names.ini

# masks WHAT ARGUMENTS...: of predict, from an empty folder, are those of the recipe at home
masks() {
    what=$1
    shift
    (cd elsewhere/empty && rm -rf m && expect "$what" 0 "$FPCORE" predict "$@" -o m "$scratch/ds/images" &&
        holds "with the same masks and colours" diff -r m "$scratch/here" && [ $bad -eq 0 ]) || bad=1
}
masks "predict with the run's recipe" -c "$run/recipe.ini" -w "$run/best.safetensors"
masks "with the run alone" -w "$run"
cp "$run/best.safetensors" alone.safetensors
masks "with the weights alone" -w "$scratch/alone.safetensors"
mv "$run" moved/run
run=$scratch/moved/run
masks "with a run that was moved" -w "$run"
cd elsewhere/empty || exit 1
expect "eval of the moved run" 0 "$FPCORE" eval -c "$run/recipe.ini" -w "$run/best.safetensors"
says "its classes by name" 'right; dot'
expect "preview" 0 "$FPCORE" preview -c "$run/recipe.ini" -n 1 -o p.png
expect "a moved run goes on" 0 "$FPCORE" --resume "$scratch/moved/cut" -s run.epochs=2
same "to the same bytes" "$run" "$scratch/moved/cut"
cp -R "$scratch/ds" copied
expect "and with data elsewhere" 0 "$FPCORE" --resume "$scratch/moved/cut" -s run.epochs=3 -s dataset.root=copied
cp -R "$scratch/moved/cut" other
sed -i 's/^2 = left.*/2 = nose/' other/classes.ini
expect "other names are noticed" 2 "$FPCORE" --resume other -s run.epochs=4 -s dataset.root=copied
says "with the first difference" 'other classes: label 2 is called nose \(the run: left dot\)'
cp "$scratch/moved/cut/classes.ini" other
sed -i '/^\[mirror\]/,$d' other/classes.ini
expect "other sides are noticed" 2 "$FPCORE" --resume other -s run.epochs=4 -s dataset.root=copied
says "by label" 'other classes: a mirror makes 2 of label 2, left dot \(the run: 3\)'
cp "$scratch/moved/cut/classes.ini" other
sed -i 's/^1 = 250, 10, 20/1 = 0, 0, 9/' other/classes.ini
expect "other colours are nobody's business" 0 "$FPCORE" --resume other -s run.epochs=4 -s dataset.root=copied
expect "nor is a training of a sweep with other classes" 0 sh -c 'cd "$1" && cp elsewhere/*.ini . &&
    "$FPCORE" sweep -c own.ini --seeds 1 --out swept' sh "$scratch"
cd "$scratch" || exit 1
sed -i 's/left dot/dot/' names.ini
expect "taken for the same" 2 "$FPCORE" sweep -c own.ini --seeds 1 --out swept
says "it is told" 'label 2 is called dot \(the run: left dot\)'
exit $bad
