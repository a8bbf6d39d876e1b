#!/bin/sh
# Weights stand for themselves: every verb that works with them takes a run folder, a file of it and a file that was
# moved away alike; what is missing is said with the way to give it; another recipe than their own is noticed.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks ds 12
draw masks ds/test 3
ls ds/images | sed -n '3p;7p;9p' >val.txt
printf '[classes]\n0 = ground\n1 = disc\n2 = left dot\n3 = right dot\n[mirror]\ndots = 2, 3\n' >dots.ini
sed -e '/^use = synthetic/,/^batch/d' -e 's/^epochs = 4/epochs = 2/' tiny.ini >base.ini
cat >own.ini <<'INI'
include = base.ini
[dataset]
use = folder
root = ds
images = images
masks = masks
test_images = test/images
classes = dots.ini
size = 32
batch = 2
INI
expect "a training" 0 "$FPCORE" -c own.ini
run=$scratch/$(run_in runs)
mkdir away
cp "$run/best.safetensors" away/moved.safetensors
cp "$run/last.safetensors" away/last.safetensors

# ---- eval: the same numbers whichever way the weights are named ----
mkdir empty && cd empty || exit 1
expect "eval of the recipe and the file" 0 "$FPCORE" eval -c "$scratch/own.ini" -w "$run/best.safetensors"
cp out want
# alike WHAT ARGUMENTS...
alike() {
    what=$1
    shift
    expect "$what" 0 "$FPCORE" eval "$@"
    cp out got
    holds "gives the same numbers" cmp want got
}
alike "eval of the run folder" -w "$run"
alike "with a slash" -w "$run/"
alike "of the file in it" -w "$run/best.safetensors"
alike "of the file moved away, with the data" -w "$scratch/away/moved.safetensors" -s "dataset.root=$scratch/ds"
mv "$scratch/dots.ini" "$scratch/gone.ini"
alike "without the file of classes" -w "$scratch/away/moved.safetensors" -s "dataset.root=$scratch/ds"
mv "$scratch/gone.ini" "$scratch/dots.ini"
expect "last.safetensors" 0 "$FPCORE" eval -w "$run/last.safetensors"
cp out want
(cd "$run" && "$FPCORE" eval -w last.safetensors) >got 2>&1
holds "from the run folder itself" cmp want got
alike "and moved away" -w "$scratch/away/last.safetensors" -s "dataset.root=$scratch/ds"
expect "without the data" 2 "$FPCORE" eval -w "$scratch/away/moved.safetensors"
says "the key is named, and how to give it" \
    'moved\.safetensors.*the recipe that weights hold has no paths, and `root` of \[dataset\] is missing, folder of .*: -s dataset\.root=FOLDER gives it, or -c the recipe'
cd "$scratch" || exit 1

# ---- a split by a list is not forgotten ----
expect "a training with a list of validation pictures" 0 "$FPCORE" -c own.ini -s run.out=listed -s run.epochs=1 \
    -s dataset.val_list=val.txt
listed=$(run_in listed)
cp "$listed/best.safetensors" away/listed.safetensors
expect "its eval" 0 "$FPCORE" eval -w "$listed"
says "has those pictures" '^images: 3$'
cp out want
expect "moved away, with the data alone" 2 "$FPCORE" eval -w away/listed.safetensors -s dataset.root=ds
says "the list is missed" '`val_list` of \[dataset\] is missing, .*: -s dataset\.val_list=FILE gives it'
alike "with both" -w away/listed.safetensors -s dataset.root=ds -s dataset.val_list=val.txt

# ---- submit and preview ----
expect "submit of the recipe and the file" 0 "$FPCORE" submit -c own.ini -w "$run/best.safetensors" -o a.zip
expect "of the run folder" 0 "$FPCORE" submit -w "$run" -o b.zip
expect "of the file in it" 0 "$FPCORE" submit -w "$run/best.safetensors" -o c.zip
expect "of the file moved away" 0 "$FPCORE" submit -w away/moved.safetensors -o d.zip -s "dataset.root=$scratch/ds"
holds "folder and file are alike" cmp b.zip c.zip
if command -v python3 >/dev/null; then
    for zip in a b d; do
        python3 -m zipfile -e $zip.zip $zip || not_ok "the archive opens"
    done
    holds "the masks are alike" diff -r a/masks b/masks
    holds "and alike" diff -r a/masks d/masks
    holds "the packed weights stand for themselves" "$FPCORE" predict -w d/solution/weights.safetensors -o m ds/test/images
    holds "with the masks of the run" sh -c '"$0" predict -w "$1" -o n ds/test/images && diff -r m n' "$FPCORE" "$run"
fi
expect "without the data" 2 "$FPCORE" submit -w away/moved.safetensors -o e.zip
says "the key is named" '-s dataset\.root=FOLDER gives it'
expect "preview of the recipe" 0 "$FPCORE" preview -c own.ini -n 2 -o p.png
sed '/^p\.png/d' out >want
expect "of the run" 0 "$FPCORE" preview -w "$run/last.safetensors" -n 2 -o q.png
sed '/^q\.png/d' out >got
holds "has the same samples" cmp want got
expect "of the file moved away" 0 "$FPCORE" preview -w away/moved.safetensors -s dataset.root=ds -n 2 -o q.png
expect "both at once" 2 "$FPCORE" preview -w "$run" -c own.ini
says "are refused" 'two recipes; give one of them'
expect "neither" 2 "$FPCORE" preview
says "is refused" 'the recipe is missing; give -c RECIPE\.ini, or -w RUN'

# ---- what may not be replaced ----
printf 'my thesis' >thesis.zip
cp thesis.zip kept
expect "a file that submit did not write" 2 "$FPCORE" submit -w "$run" -o thesis.zip
says "stays" '^fpcore: error: thesis\.zip: is there already, and fpcore submit did not write it; .* --force'
holds "as it was" cmp thesis.zip kept
cp thesis.zip f.zip.part
cp thesis.zip f.zip.tmp
expect "nor what it may be called while it is written" 0 "$FPCORE" submit -w "$run" -o f.zip
holds "both stay as they were" sh -c 'cmp f.zip.part kept && cmp f.zip.tmp kept'
mkdir g.zip
expect "nor a folder" 2 "$FPCORE" submit -w "$run" -o g.zip --force
says "which is told" 'g\.zip: is a folder'
expect "an archive of ours" 0 "$FPCORE" submit -w "$run" -o b.zip
holds "is replaced" cmp b.zip c.zip
expect "by force" 0 "$FPCORE" submit -w "$run" -o thesis.zip --force
holds "any file is" cmp thesis.zip b.zip

# ---- another recipe than that of the weights ----
quiet() {
    if grep -q 'warning' out; then not_ok "$1" out; else ok "$1"; fi
}
expect "predict with the run's recipe" 0 "$FPCORE" predict -c own.ini -w "$run" -o m ds/test/images
quiet "nothing is warned of"
sed -e 's/^size = 32/size = 64/' own.ini >large.ini
# warned PATTERN ARGUMENTS...: by all verbs
warned() {
    pattern=$1
    shift
    for verb in "eval" "predict -o m" "submit -o b.zip"; do
        operand=
        [ "${verb%% *}" != predict ] || operand=ds/test/images
        # shellcheck disable=SC2086
        expect "${verb%% *}" 0 "$FPCORE" $verb "$@" $operand
        says "warns" "$pattern"
    done
}
warned 'large\.ini:9: dataset\.size = 64: pictures of 64x64 \(height x width\), but .*best\.safetensors was trained at 32x32' \
    -c large.ini -w "$run"
warned '-s dataset\.size=64: dataset\.size = 64: pictures of 64x64 .*trained at 32x32' -w "$run" -s dataset.size=64
for key in dataset.size Dataset.Size ' dataset.size '; do
    expect "a size of the data set, as $key" 0 "$FPCORE" predict -w "$run" -s "$key=48" -o "as$key" ds/test/images
done
holds "means the same in every spelling" sh -c 'diff -r asdataset.size asDataset.Size && diff -r asdataset.size "as dataset.size "'
expect "a size that is meant" 0 "$FPCORE" predict -w "$run" --size 64 -o m ds/test/images
quiet "is not warned of"
cp own.ini other.ini
printf '[model]\nlmsa = off\n' >>other.ini
sed 's/left dot/nose/' dots.ini >nose.ini
sed 's/^classes = dots/classes = nose/' own.ini >named.ini
warned 'named\.ini:8: dataset\.classes: other classes than those that .*best\.safetensors was trained with: label 2 is called nose \(the run: left dot\)' \
    -c named.ini -w "$run"
warned 'model\.dropout = 0\.25, but .*best\.safetensors was trained with 0\.1' -c own.ini -w "$run" -s model.dropout=0.25

# ---- what a prediction does not use need not be there ----
# Weights whose recipe names plugins that nobody has: the names in the header become others of the same length.
sed -e 's/use = dice/use = xyzw/' -e 's/use = hflip/use = xyzwv/' -e 's/use = adamw/use = xyzwv/' \
    -e 's/use = cosine/use = xyzwvu/' -e 's/use = folder/use = xyzwvu/' -e 's/use = fscore_batch/use = xyzwv_batch/' \
    away/moved.safetensors | sed 's/xyzwv_batch/xyzwvu_batch/' >away/strange.safetensors
holds "strange weights" sh -c '[ "$(wc -c <away/strange.safetensors)" -eq "$(wc -c <away/moved.safetensors)" ]'
expect "predict with plugins that are not there" 0 "$FPCORE" predict -w away/strange.safetensors -o strange ds/test/images
rm -rf m
expect "predict with those that are" 0 "$FPCORE" predict -w away/moved.safetensors -o m ds/test/images
holds "gives the same masks" diff -r m strange
expect "what eval uses" 2 "$FPCORE" eval -w away/strange.safetensors
says "is missed" 'xyzw'
# ---- the number of the format ----
sed 's/"fpcore.model":"1"/"fpcore.model":"2"/' "$run/best.safetensors" >away/later.safetensors
for verb in "eval" "predict -o m ds/test/images" "submit -o b.zip" "preview"; do
    # shellcheck disable=SC2086
    expect "${verb%% *} of a later format" 1 "$FPCORE" $verb -w away/later.safetensors
    says "is refused" 'later\.safetensors: model format 2; this fpcore reads 1$'
done
for file in best last; do
    holds "$file has it" grep -aq '"fpcore.model":"1"' "$run/$file.safetensors"
done
sed 's/"fpcore.model":"1"/"fpcore.lodel":"1"/' "$run/best.safetensors" >away/older.safetensors
rm -rf m
expect "predict of an older one" 0 "$FPCORE" predict -w away/older.safetensors -o m ds/test/images
holds "gives the same masks" diff -r m strange
exit $bad
