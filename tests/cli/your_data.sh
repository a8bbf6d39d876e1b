#!/bin/sh
# docs/your-data.md with generated pictures: its file of classes and its recipe as they stand there, which is conf/own.ini,
# through all of its steps.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
page=$FPCORE_SRC/docs/your-data.md
FPCORE_RECIPES=$FPCORE_SRC/conf
export FPCORE_RECIPES
draw masks faces 20
awk '/^```ini$/ { n++; on = 1; next } /^```$/ { on = 0 } on { print >("block" n) }' "$page"
mv block1 faces/classes.ini
cp "$FPCORE_SRC/conf/own.ini" faces
grep -v '^;' faces/own.ini >own.bare
holds "the page's recipe is conf/own.ini" diff own.bare block2
mkdir elsewhere
cd elsewhere || exit 1
small="-s run.epochs=1 -s dataset.size=32 -s model.dims=8,16,24,32 -s model.depths=1,1,1,1 -s model.decoder_dim=16"
expect "data" 0 "$FPCORE" data -c ../faces/own.ini
says "its classes" '^ +2 +left_eye '
says "no flaws" '^flaws: 0$'
expect "preview" 0 "$FPCORE" preview -c ../faces/own.ini -n 2 -o p.png
# shellcheck disable=SC2086
expect "check" 0 "$FPCORE" -c ../faces/own.ini --check $small
says "the pictures" '^; data: 18 training, 2 validation'
# shellcheck disable=SC2086
expect "training" 0 "$FPCORE" -c ../faces/own.ini $small
run=$(run_in runs)
# shellcheck disable=SC2086
expect "eval" 0 "$FPCORE" eval -c ../faces/own.ini $small -w "$run/best.safetensors"
expect "predict" 0 "$FPCORE" predict -w "$run" -o masks ../faces/images/pic_03.png
holds "a mask" test -s masks/pic_03.png
# what the page says of rare classes
# shellcheck disable=SC2086
expect "rare classes" 0 "$FPCORE" -c ../faces/own.ini $small -s dataset.sampler=class_balanced \
    -s loss.ce.class_weight_preset=effective
# the steps are those of the page
for verb in data preview '' eval predict; do
    grep -q "^fpcore ${verb:--c own.ini  }" "$page" || not_ok "the page has the step $verb"
done
exit $bad
