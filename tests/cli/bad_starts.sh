#!/bin/sh
# What training refuses at once is refused by --check too, with the same sentence and the place in the recipe, and leaves
# no run folder; training tells how many of --check's warnings there are.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# refused WHAT PATTERN SETTING...: with the exit code $code
code=2
refused() {
    what=$1
    pattern=$2
    shift 2
    expect "$what" $code "$FPCORE" -c "${recipe-tiny.ini}" "$@"
    says "$what: is said" "$pattern"
    expect "$what: --check" $code "$FPCORE" -c "${recipe-tiny.ini}" "$@" --check
    says "$what: --check says the same" "$pattern"
    holds "$what: leaves nothing" test ! -e runs
}
refused "two values to beat" '-s run\.beat=1,2: run\.beat has 2 values; one is wanted' -s run.beat=1,2
refused "no name" 'run\.name = : a folder.s name is wanted' -s run.name=
refused "a name that leads out" 'run\.name = \.\./x: a folder.s name is wanted' -s run.name=../x
refused "no folder for runs" 'run\.out is empty' -s run.out=
refused "weights that are not there" 'run\.init_from: /nope: No such file or directory; looked for in' -s run.init_from=/nope
refused "a metric called loss" \
    'the record itself and \[metric\.loss\] \(-s metric\.loss\.use=miou\) both make the column train_loss of the record' \
    -s metric.loss.use=miou
refused "two histories" \
    '\[logger\.a\] \(-s logger\.a\.use=history\) and \[logger\.b\] \(-s logger\.b\.use=history\) are both `use = history`' \
    -s logger.a.use=history -s logger.b.use=history

refused "a cache that the backend does not have" \
    '-s dataset\.cache=device: dataset\.cache = device: backend ref computes in the host.s memory' -s dataset.cache=device
code=1
touch file
refused "a file where runs should go" 'run\.out = file/runs: the folder file cannot be made: Not a directory' -s run.out=file/runs
code=2

printf '[classes]\n0 = a\n1 = b\n2 = a\n' >twice.ini
sed '/^\[dataset\]/,/^$/d' tiny.ini >folder.ini
printf '[dataset]\nuse = folder\nroot = .\nclasses = twice.ini\nbatch = 1\n' >>folder.ini
for check in --check --no-check; do
    [ $check = --check ] || check=
    # shellcheck disable=SC2086
    expect "two classes of one name $check" 1 "$FPCORE" -c folder.ini $check
    says "with both places" 'twice\.ini:2 and .*twice\.ini:4: classes 0 and 2 are both called a'
done
printf '[classes]\n0 = a\n1 =\n' >twice.ini
expect "a class without a name" 1 "$FPCORE" -c folder.ini --check
says "is said" 'twice\.ini:3: classes\.1 has no name'

"$FPCORE" -c tiny.ini -s run.epochs=1 -s run.out=kept >out 2>&1 || not_ok "a training" out
expect "weights of another model" 1 "$FPCORE" -c tiny.ini -s model.decoder_dim=8 -s run.init_from="$(run_in kept)" --check
says "are refused by --check" 'for another model'

# ---- a start that fails behind the making of the folder ----
cp "$(run_in kept)/samples.png" a.png
mkdir -p set/train/images set/train/masks
for i in 1 2 3 4 5 6 7 8; do cp a.png set/train/images/$i.png; done
"$FPCORE" predict -c tiny.ini -w "$(run_in kept)" -o set/train/masks set/train/images >out 2>&1 || not_ok masks out
printf 'broken' >set/train/images/3.png
sed -e '/^\[dataset\]/,/^$/d' -e '/augment/,/hflip/d' tiny.ini >folder.ini
printf '[dataset]\nuse = folder\nroot = set\nclasses = celebamask19\nsize = 32\nbatch = 2\n' >>folder.ini
expect "a picture that is broken" 1 "$FPCORE" -c folder.ini -s run.out=failed
says "is named" '3\.png'
holds "no results are promised" test -z "$(grep 'results in' out)"
holds "no run folder stays" test -z "$(ls -A failed)"
cp a.png set/train/images/3.png
printf '[classes]\n0 = ground\n' >one.ini
code=1 recipe=folder.ini
refused "values that are no labels" 'set/train/masks/[1-8]\.png: value [0-9]+ at x [0-9]+, y [0-9]+ is not in dataset\.map' \
    -s dataset.map=255:1
code=2
refused "a single class" 'dataset/folder: there is one class alone, ground; a training needs two or more' -s dataset.classes=one.ini
code=2 recipe=tiny.ini
expect "a run" 0 "$FPCORE" -c folder.ini -s run.out=failed -s run.epochs=1
printf 'broken' >set/train/images/3.png
expect "one that has epochs" 1 "$FPCORE" --resume "$(run_in failed)" -s run.epochs=2 --other-data
holds "stays" test -s "$(run_in failed)/last.safetensors"

# ---- warnings ----
cp a.png set/train/images/3.png
cp set/train/masks/3.png set/train/masks/lone.png
expect "a mask without picture" 0 "$FPCORE" -c folder.ini --check
says "is warned about" '^; warning: dataset: .*set/train/masks/lone\.png: .*set/train/images has no picture of that name$'
expect "it is a flaw of the data set" 1 "$FPCORE" data -c folder.ini --near 0
says "in the same words" 'set/train/masks/lone\.png: .*set/train/images has no picture of that name$'
cp set/train/masks/3.png set/train/masks/other.png
expect "two of them" 0 "$FPCORE" -c folder.ini --check
says "are one warning" '^; warning: dataset: .*has no picture of that name \(and 1 more; `fpcore data` lists all\)$'
rm set/train/masks/lone.png set/train/masks/other.png
expect "a recipe that is rarely meant" 0 "$FPCORE" -c tiny.ini -s run.epochs=1 -s dataset.batch=7 -s dataset.val=3
says "is told of in one line" 'warning: [1-9] settings? of the recipe (is|are) rarely meant; --check tells which and why$'
warnings=$(sed -n 's/.*warning: \([0-9]*\) setting.*/\1/p' out)
expect "--check of it" 0 "$FPCORE" -c tiny.ini -s run.epochs=1 -s dataset.batch=7 -s dataset.val=3 --check
says "tells as many" "^; no errors, $warnings warnings?$"
ln -s "$FPCORE_SRC/conf" conf
expect "the first recipe" 0 "$FPCORE" -c conf/quickstart.ini --check
says "has none" '^; no errors, 0 warnings$'
exit $bad
