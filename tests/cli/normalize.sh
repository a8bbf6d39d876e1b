#!/bin/sh
# [model] mean and std: `fpcore data` measures them, a training with them goes on to the same bytes, and the weights carry
# them to all that predicts.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks set 6
sed -e '/^use = synthetic/,/^batch/c use = folder\nroot = set\nimages = images\nmasks = masks\nclasses = classes.ini\nsize = 32\nbatch = 2\nval_split = 0.34' \
    tiny.ini >own.ini
printf '[classes]\n0 = ground\n1 = disc\n2 = left\n3 = right\n[mirror]\ndots = 2, 3\n' >classes.ini

# ---- what is measured ----
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $san "$FPCORE_SRC/tests/seg/raw.c" -I"$FPCORE_SRC/include" -L"$FPCORE_BUILD/.libs" -lfpcore \
    -Wl,-rpath,"$FPCORE_BUILD/.libs" -o raw || exit 1
for picture in set/images/*.png; do
    ./raw picture "$picture" one.ppm && tail -c 5760 one.ppm # 48 x 40
done | od -An -v -tu1 -w3 | awk '{ for (c = 1; c <= 3; c++) { s[c] += $c / 255; q[c] += $c * $c / 65025 } }
    END { for (c = 1; c <= 3; c++) { m[c] = s[c] / NR; d[c] = sqrt(q[c] / NR - m[c] * m[c]) }
          printf "mean = %.4f, %.4f, %.4f  std = %.4f, %.4f, %.4f\n", m[1], m[2], m[3], d[1], d[2], d[3] }' >want
expect "the audit of all pictures" 0 "$FPCORE" data -c own.ini --near 0 -s dataset.size=0 -s dataset.val_split=0 --json all.json
says "measures" '^colours of the training pictures, for \[model\]:$'
says "the mean" "^  $(sed 's/  std.*//' want)\$"
says "the deviation" "^  $(sed 's/.*  std/std/' want)\$"
holds "the JSON has them" grep -q '"mean": \[' all.json

# ---- training ----
mean=$(sed 's/^mean = \(.*\)  std.*/\1/' want) std=$(sed 's/.*std = //' want)
sed -i "/^\[model\]\$/a mean = $mean\nstd = $std" own.ini
expect "--check" 0 "$FPCORE" -c own.ini --check
says "resolves it" "^mean = $mean "
expect "two epochs" 0 "$FPCORE" -c own.ini -s run.epochs=2 -s run.out=two
two=$(run_in two)
expect "one epoch" 0 "$FPCORE" -c own.ini -s run.epochs=1 -s run.out=one
one=$(run_in one)
expect "goes on" 0 "$FPCORE" --resume "$one" -s run.epochs=2
same "to the same bytes" "$two" "$one"
expect "but not with another mean" 2 "$FPCORE" -c own.ini --resume "$one" -s run.epochs=3 -s model.mean=0.5
says "which is named" 'model\.mean = 0\.5 \(the run: '
expect "without both" 0 "$FPCORE" -c own.ini -s run.epochs=2 -s run.out=plain -s model.mean= -s model.std=
holds "it is another training" sh -c "! cmp -s $two/best.safetensors $(run_in plain)/best.safetensors"

# ---- weights alone ----
cp "$two/best.safetensors" alone.safetensors
expect "eval" 0 "$FPCORE" eval -w "$two"
cp out evaluated
expect "eval of weights alone" 0 "$FPCORE" eval -w alone.safetensors -s dataset.root=set
holds "says the same" diff evaluated out
expect "predict" 0 "$FPCORE" predict -w "$two" -o masks --probs set/images
expect "predict by weights alone" 0 "$FPCORE" predict -w alone.safetensors -o again --probs set/images
holds "gives the same" diff -r masks again
expect "predict without them" 0 "$FPCORE" predict -c own.ini -w alone.safetensors -o other --probs set/images -s model.mean=
says "warns" '-s model\.mean=.*model\.mean = , but alone\.safetensors was trained with 0\.'
holds "gives something else" sh -c '! diff -rq masks other >/dev/null'
sed 's/mean = 0/;ean = 0/; s/std = 0/;td = 0/' alone.safetensors >older.safetensors # as of before there were such keys
expect "weights that know of none" 0 "$FPCORE" predict -c own.ini -w older.safetensors -o other set/images
says "warn, too" "model\.mean = .*, but older\.safetensors was trained with none"
expect "a training that begins with such" 0 "$FPCORE" -c own.ini -s run.epochs=1 -s run.out=begun -s run.init_from=older.safetensors
says "warns" 'run\.init_from = .*older\.safetensors: those weights were trained with model\.mean = none, and this recipe has 0\.'
expect "one that begins with its like" 0 "$FPCORE" -c own.ini -s run.epochs=1 -s run.out=begun2 -s run.init_from=alone.safetensors
holds "does not" sh -c '! grep -q "other numbers than they know" out'
expect "tiles" 0 "$FPCORE" predict -w alone.safetensors --tiles 24 -o tiles set/images
expect "pack" 0 "$FPCORE" pack -w alone.safetensors -o net.fps
expect "submit" 0 "$FPCORE" submit -c own.ini -w "$two" -o all.zip -s dataset.test_images=images
expect "preview shows pictures as they are" 0 "$FPCORE" preview -w "$two" -o sheet.png

# ---- what is refused ----
expect "two numbers" 2 "$FPCORE" -c own.ini --check --no-data -s model.mean=0.5,0.5
says "are refused" '-s model\.mean=0\.5,0\.5: model\.mean has 2 numbers; pictures have 3 channels'
expect "numbers of 0 .. 255" 2 "$FPCORE" -c own.ini --check --no-data -s model.mean=123.7,116.3,103.5
says "are refused, too" 'model\.mean = 123\.7,116\.3,103\.5: .*out of range; give numbers with commas, each 0 \.\. 1'
exit $bad
