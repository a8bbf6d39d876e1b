#!/bin/sh
# Pictures of one's own: what is asked for first, a map of mask values through all verbs, and sets that are only measured:
# a test part alone, or fewer pictures than a batch. The pictures are those that a tiny run leaves.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

expect "a training" 0 "$FPCORE" -c tiny.ini
run=$(run_in runs)
mkdir -p set/train/images alone/test
for i in a b c d e; do cp "$run/samples.png" set/train/images/$i.png; done
expect "masks for it" 0 "$FPCORE" predict -c tiny.ini -w "$run/best.safetensors" -o set/train/masks set/train/images

# ---- what the labels are called ----
sed '/^\[dataset\]/,/^batch/d' tiny.ini >own.ini
cat >>own.ini <<'END'
[dataset]
use = folder
root = set
size = 32
batch = 2
val_split = 0.2
END
expect "labels without names" 2 "$FPCORE" -c own.ini --check
says "are asked for, with the lines to write" \
    'the key `classes` is missing; .*`\[classes\]`, `0 = background`, `1 = NAME`.* for faces celebamask19'
printf 'include = own.ini\n[run]\nname = mine\n' >mine.ini
expect "of a recipe that includes another" 2 "$FPCORE" -c mine.ini --check
says "in the recipe that was given" '^fpcore: error: mine\.ini: \[dataset\] \(own\.ini:[0-9]+\): the key `classes` is missing; '
printf '[classes]\n0 = ground\n1 = something\n' >classes.ini
echo 'classes = classes.ini' >>own.ini
for check in "" --check; do
    # shellcheck disable=SC2086
    expect "masks of other values $check" 1 "$FPCORE" -c own.ini $check -s dataset.map=255:1
    says "are refused with their place" \
        'masks/[a-e]\.png: value [0-9]+ at x [0-9]+, y [0-9]+ is not in dataset\.map = 255:1'
done

# ---- all parts are one class ----
map=0:0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do map="$map, $i:1"; done
echo "map = $map" >>own.ini
expect "a training with a map" 0 "$FPCORE" -c own.ini -s run.out=own
own=$(run_in own)
holds "the run holds it" grep -q '^map = 0:0, 1:1, ' "$own/recipe.ini"
expect "it goes on" 0 "$FPCORE" --resume "$own" -s run.epochs=5
expect "the same map in other words goes on" 0 "$FPCORE" -c own.ini --resume "$own" \
    -s "dataset.map=18:1,$(echo "${map%, 18:1}" | tr -d ' ' | sed 's/:/ : /')"
expect "with another map it is another recipe" 2 "$FPCORE" -c own.ini --resume "$own" -s 'dataset.map=0:1, 1:0'
says "which is named" 'dataset\.map = 0:1, 1:0 \(the run: 0:0, 1:1'
expect "the audit" 0 "$FPCORE" data -c own.ini --near 0
says "counts labels, not values" '^ +1  something +[0-9.]+ +5 '
expect "a value that is not in the map" 1 "$FPCORE" data -c own.ini --near 0 -s dataset.map=255:1
says "is a flaw" 'masks/a\.png: value [0-9]+ at x 0, y 0 is not in dataset\.map = 255:1'
expect "a map that is none" 2 "$FPCORE" -c own.ini --check --no-data -s dataset.map=0:0,1
says "is named" 'dataset\.map = 0:0,1: `1` is not VALUE:LABEL'
expect "eval" 0 "$FPCORE" eval -w "$own"
says "with the map of the run" '^ +1  something +[0-9.]+'

# ---- a picture that lies on its side in its file ----
# turned FILE: with a chunk eXIf behind the header that says orientation 6
turned() {
    head -c 33 "$1"
    printf '\000\000\000\032\145\130\111\146\111\111\052\000\010\000\000\000\001\000\022\001\003\000\001\000\000\000\006\000\000\000\000\000\000\000\267\110\021\051'
    tail -c +34 "$1"
}
mkdir tagged
turned "$run/samples.png" >tagged/t.png
# width and height stand in bytes 16 to 23 of a PNG
head_of() { od -An -tx1 -j16 -N8 "$1" | tr -d ' \n'; }
stored=$(head_of tagged/t.png)
shown=$(echo "$stored" | sed 's/^\(........\)\(........\)$/\2\1/')
for way in apply file; do
    expect "predict, orientation = $way" 0 "$FPCORE" predict -c own.ini -w "$own/best.safetensors" -o "$way" tagged \
        -s dataset.orientation=$way
    expect "submit, orientation = $way" 0 "$FPCORE" submit -c own.ini -w "$own/best.safetensors" -o $way.zip \
        -s dataset.orientation=$way -s dataset.root=. -s dataset.test_images=tagged
    ! command -v python3 >/dev/null || python3 -m zipfile -e $way.zip $way.d
done
holds "the picture is not a square" test "$stored" != "$shown"
holds "its mask has the shown size" test "$(head_of apply/t.png)" = "$shown"
holds "or the stored one" test "$(head_of file/t.png)" = "$stored"
if [ -d file.d ]; then
    holds "and so it is in the archive" test "$(head_of apply.d/masks/t.png)" = "$shown"
    holds "either way" test "$(head_of file.d/masks/t.png)" = "$stored"
fi
mv tagged/t.png set/train/images/a.png
expect "the audit, of a mask drawn over the stored pixels" 1 "$FPCORE" data -c own.ini --near 0
says "is told" 'masks/a\.png: .*; it lies on its side\. Pictures .*dataset\.orientation = file reads them as they are'
expect "which is right for that set" 0 "$FPCORE" data -c own.ini --near 0 -s dataset.orientation=file
says "and noted" '^note: picture with the orientation tag 6, read as it is stored: 1, first .*set/train/images/a\.png$'
cp "$run/samples.png" set/train/images/a.png

# ---- fewer pictures than a batch ----
expect "a training needs a batch" 2 "$FPCORE" -c own.ini -s dataset.batch=32
says "which is said" 'dataset\.batch = 32 is larger than the training set of 4 images'
expect "a preview does not" 0 "$FPCORE" preview -c own.ini -s dataset.batch=32 -n 8
says "and shows what there is" '^preview\.png: 4 samples'
expect "nor eval" 0 "$FPCORE" eval -w "$own" -s dataset.batch=32 --part train
says "of all" '^images: 4$'

# ---- a test part alone ----
cp -R set/train/images set/train/masks alone/test
printf 'a exchange\nb exchange_test\n' >sides.txt
for verb in "eval --part test" "submit -o s.zip"; do
    # shellcheck disable=SC2086
    expect "$verb of a test part alone" 0 "$FPCORE" $verb -c own.ini -w "$own/best.safetensors" \
        -s dataset.root=alone -s dataset.test_masks=test/masks -s dataset.sides=sides.txt
    says "says that it is" 'alone/train/images .*: No such file or directory; the data set has its test part alone'
done
expect "its pictures tell the size" 0 "$FPCORE" eval --part test -c own.ini -w "$own/best.safetensors" \
    -s dataset.root=alone -s dataset.test_masks=test/masks -s dataset.size=0 -s backend.use=cpu
says "all of them" '^images: 5$'
expect "an audit of it" 0 "$FPCORE" data -c own.ini -s dataset.root=alone -s dataset.test_masks=test/masks --near 0
says "counts it" '^test +5 +5 +0$'
expect "no training" 2 "$FPCORE" -c own.ini -s dataset.root=alone
says "is possible" 'dataset/folder: there are no training pictures'
expect "nor where nothing is" 1 "$FPCORE" eval --part test -c own.ini -w "$own/best.safetensors" -s dataset.root=nowhere
says "the pictures are missed" 'nowhere/train/images \(dataset\.root and dataset\.images\): No such file'
exit $bad
