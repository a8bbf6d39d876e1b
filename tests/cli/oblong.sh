#!/bin/sh
# Pictures that are no squares: `size = HxW` and `fit` in all verbs, runs that go on to the same bytes, and values that
# are none.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks set 8 96 48
sed -e '/^\[dataset\]/,/^$/d' -e '/^\[schedule\]/,/^$/d' tiny.ini >wide.ini
printf '[classes]\n0 = ground\n1 = disc\n2 = left\n3 = right\n[mirror]\ndots = 2, 3\n' >classes.ini
cat >>wide.ini <<'INI'
[dataset]
use = folder
root = set
images = images
masks = masks
classes = classes.ini
size = 32x64
batch = 2
val_split = 0.25
test_images = images
[augment.turn]
use = rotate
[augment.affine]
use = affine
[augment.perspective]
use = perspective
[augment.cutmix]
use = cutmix
INI

expect "-h" 0 "$FPCORE" -h dataset/folder
says "says what a size may be" 'type size, default 0, range 0 \.\. 16384, or HxW \(height x width\), as 384x512, unit px'
expect "--check" 0 "$FPCORE" -c wide.ini --check
says "tells it, width first" '64 ?x ?32'
says "and resolves it" '^size = 32x64 '
expect "two epochs" 0 "$FPCORE" -c wide.ini -s run.epochs=2 -s run.out=two
two=$(run_in two)
holds "the run holds the size" grep -qx 'size = 32x64' "$two/recipe.ini"
expect "one epoch" 0 "$FPCORE" -c wide.ini -s run.epochs=1 -s run.out=one
one=$(run_in one)
expect "goes on" 0 "$FPCORE" --resume "$one" -s run.epochs=2
same "to the same bytes" "$two" "$one"
expect "of another size it is another recipe" 2 "$FPCORE" -c wide.ini --resume "$one" -s run.epochs=3 -s dataset.size=64x32
says "which is named" 'dataset\.size = 64x32 \(the run: 32x64\)'
cp "$two/best.safetensors" alone.safetensors

expect "eval" 0 "$FPCORE" eval -w "$two"
says "measures at that size" 'measured at: 32 x 64 \(height x width\)'
cp out evaluated
expect "eval of weights alone" 0 "$FPCORE" eval -w alone.safetensors -s dataset.root=set
holds "says the same" diff evaluated out
expect "eval --flip --scales" 0 "$FPCORE" eval -w "$two" --flip --scales 1,1.5
expect "eval --native" 0 "$FPCORE" eval -w "$two" --native
expect "show" 0 "$FPCORE" show alone.safetensors
says "tells the size" 'input +32x64 \(height x width\)'
expect "predict" 0 "$FPCORE" predict -w alone.safetensors -o masks set/images
# size_of FILE.png: width and height, of one byte each
size_of() { od -An -tu1 -j16 -N8 "$1" | tr -s ' ' | sed 's/^ 0 0 0 \([0-9]*\) 0 0 0 /\1 /'; }
holds "a mask has its picture's size" test "$(size_of masks/pic_00.png)" = "96 48"
expect "predict at the size of the weights" 0 "$FPCORE" predict -w alone.safetensors -o again --size 32x64 set/images
holds "gives the same" diff -r masks again
expect "predict with another size" 0 "$FPCORE" predict -c wide.ini -w "$two" -s dataset.size=64x32 -o other set/images
says "warns" 'dataset\.size = 64x32: pictures of 64x32 \(height x width\), but .* was trained at 32x64'
expect "the audit" 0 "$FPCORE" data -c wide.ini --near 0
says "measures at that size" 'measured at: 64 x 32'
expect "preview" 0 "$FPCORE" preview -w "$two" -o sheet.png
expect "export --onnx" 0 "$FPCORE" export -w "$two" --onnx net.onnx
says "for pictures of that size" 'image uint8 \(1,32,64,3\)'
expect "export --torch" 0 "$FPCORE" export -w "$two" --torch net
says "as well" 'image float \(n,3,32,64\)'
expect "submit" 0 "$FPCORE" submit -w "$two" -o all.zip
says "writes masks" 'masks'

# ---- sizes that are none ----
# refused SIZE WHAT
refused() {
    expect "size = $1" 2 "$FPCORE" -c wide.ini --check --no-data -s "dataset.size=$1"
    says "is answered with what would be right" "-s dataset\.size=.*: dataset\.size = $1: $2"
}
refused 12x 'is no size; give 0 \.\. 16384 px, or HxW \(height x width\), as 384x512'
refused 0x5 'has a side of 0; give 0 \.\. 16384 px, or HxW'
refused 5x99999 'is out of range; give 0 \.\. 16384 px, or HxW'
refused wide 'is not a whole number; give 0 \.\. 16384 px, or HxW'

# ---- the ratio is kept ----
sed -e 's/^size = .*/size = 32/' -e '/^\[augment.turn\]/,$d' wide.ini >kept.ini
expect "squeezed" 0 "$FPCORE" -c kept.ini -s run.out=squeeze
squeeze=$(run_in squeeze)
for fit in pad crop; do
    expect "$fit: two epochs" 0 "$FPCORE" -c kept.ini -s dataset.fit=$fit -s run.epochs=2 -s run.out=$fit-two
    two=$(run_in $fit-two)
    expect "$fit: one epoch" 0 "$FPCORE" -c kept.ini -s dataset.fit=$fit -s run.epochs=1 -s run.out=$fit
    one=$(run_in $fit)
    expect "$fit: goes on" 0 "$FPCORE" --resume "$one" -s run.epochs=2
    same "$fit: to the same bytes" "$two" "$one"
    expect "$fit: not with another fit" 2 "$FPCORE" -c kept.ini --resume "$one" -s run.epochs=3
    says "$fit: which is named" "dataset\.fit = squeeze \(the run: $fit\)"
    cp "$two/best.safetensors" $fit.safetensors
    expect "$fit: show" 0 "$FPCORE" show $fit.safetensors
    says "$fit: tells it" "input +32x32 \(height x width\), fit = $fit"
    expect "$fit: eval" 0 "$FPCORE" eval -w "$two"
    cp out evaluated
    expect "$fit: eval of weights alone" 0 "$FPCORE" eval -w $fit.safetensors -s dataset.root=set
    holds "$fit: says the same" diff evaluated out
    expect "$fit: eval of another fit" 0 "$FPCORE" eval -w $fit.safetensors -s dataset.root=set -s dataset.fit=squeeze
    says "$fit: warns" "-s dataset\.fit=squeeze: dataset\.fit = squeeze, but $fit\.safetensors was trained with $fit"
    expect "$fit: eval by a recipe that states none" 0 "$FPCORE" eval -c kept.ini -w $fit.safetensors
    says "$fit: warns, too" "dataset\.fit = squeeze \(default\), but $fit\.safetensors was trained with $fit"
    expect "$fit: eval --native" 0 "$FPCORE" eval -w "$two" --native
    for way in "-w $fit.safetensors" "-w $two" "-c kept.ini -w $fit.safetensors"; do
        rm -rf "$fit-masks"
        # shellcheck disable=SC2086
        expect "$fit: predict $way" 0 "$FPCORE" predict $way -o $fit-masks --probs set/images
        holds "$fit: without a warning" sh -c '! grep -q warning out'
        [ -d "$fit-want" ] || cp -r "$fit-masks" "$fit-want"
        holds "$fit: gives the same" diff -r "$fit-want" "$fit-masks"
    done
    expect "$fit: predict, squeezed" 0 "$FPCORE" predict -w $fit.safetensors -s dataset.fit=squeeze -o $fit-other --probs set/images
    says "$fit: warns as well" "dataset\.fit = squeeze, but .* was trained with $fit"
    holds "$fit: gives something else" sh -c "! diff -rq $fit-other $fit-masks >/dev/null"
    expect "$fit: submit" 0 "$FPCORE" submit -w "$two" -o $fit.zip
    says "$fit: writes masks" "^$fit\\.zip: [0-9]+ masks"
    expect "$fit: preview" 0 "$FPCORE" preview -w "$two" -o $fit.png
    expect "$fit: export" 0 "$FPCORE" export -w $fit.safetensors --onnx $fit.onnx --torch $fit-torch
    holds "$fit: says so" grep -qaF "\"fit\":\"$fit\"" $fit.onnx
    holds "$fit: to people" grep -q 'Pictures keep their ratio' $fit-torch/model.py
done
expect "export of the squeezed" 0 "$FPCORE" export -w "$squeeze" --onnx squeeze.onnx --torch squeeze-torch
holds "says nothing of it" sh -c '! grep -qa "\"fit\":" squeeze.onnx && ! grep -q "keep their ratio" squeeze-torch/model.py'
expect "show" 0 "$FPCORE" show "$squeeze/best.safetensors"
says "neither" 'input +32x32 \(height x width\)$'
holds "nor do the weights" sh -c "! grep -qa 'input\.fit' '$squeeze/best.safetensors'"

# The border counts nowhere: pictures of 96 x 48 in 64 x 64 lie there as they do in 64 x 32, so that the audit counts as many.
expect "the audit of the size" 0 "$FPCORE" data -c kept.ini --near 0 -s dataset.size=32x64
grep -E '^ +[0-3]  ' out >want
expect "of the padded" 0 "$FPCORE" data -c kept.ini --near 0 -s dataset.size=64 -s dataset.fit=pad
grep -E '^ +[0-3]  ' out >got
holds "counts the same pixels" cmp want got
expect "--check" 0 "$FPCORE" -c kept.ini --check -s dataset.fit=pad
says "has no warnings of it" 'no errors, 0 warnings'

expect "fit = stretch" 2 "$FPCORE" -c kept.ini --check --no-data -s dataset.fit=stretch
says "is answered with what there is" 'dataset\.fit = stretch: is not among the choices; give one of squeeze, pad, crop'
expect "fit = padd" 2 "$FPCORE" -c kept.ini --check --no-data -s dataset.fit=padd
says "gets a guess" 'did you mean `pad`'
exit $bad
