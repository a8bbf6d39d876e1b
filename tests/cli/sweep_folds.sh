#!/bin/sh
# fpcore sweep --folds: every labelled picture is judged once by a network that has not seen it; going on after a kill;
# what is refused.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks faces 14
cat >faces/classes.ini <<'INI'
[classes]
0 = ground
1 = disc
2 = left
3 = right
[mirror]
dots = 2, 3
INI
sed -e 's/^use = synthetic/use = folder\nroot = faces\nimages = images\nmasks = masks\ntest_images =\nclasses = classes.ini/' \
    -e '/^train = /d; /^val = /d' -e 's/^epochs = .*/epochs = 2/' -e 's/^use = ref/use = cpu/' tiny.ini >own.ini
ls faces/images | sed 's/\.png$//' | sort >names

for k in 2 3 5; do
    expect "$k folds, planned" 0 "$FPCORE" sweep -c own.ini --folds $k --out plan --dry-run
    says "tells them" "^$k runs: 1 recipe or value, 1 seed, $k folds; folder plan\$"
    says "each with its lists" "^   fpcore -c own\.ini .* -s dataset\.train_list=plan/folds/1\.train\.txt -s dataset\.val_list=plan/folds/1\.val\.txt\$"
done
holds "a plan writes nothing" test ! -e plan

set -- sweep -c own.ini --folds 3 --out a
expect "three folds" 0 "$FPCORE" "$@"
holds "three runs" test "$(ls -d a/*-[0-9]*-[0-9]* | wc -l)" -eq 3
for k in 1 2 3; do
    holds "fold $k: training and validation are disjoint" test -z "$(sort a/folds/$k.train.txt a/folds/$k.val.txt | uniq -d)"
    holds "and hold all" sh -c "sort a/folds/$k.train.txt a/folds/$k.val.txt | cmp - names"
    for part in train val; do
        sed '/^#/d' "$(ls -d a/own,s1,f$k-*)/$part.txt" >"used.$part"
        holds "its run had these for $part" cmp "a/folds/$k.$part.txt" "used.$part"
    done
done
holds "every picture is in one fold" sh -c 'cat a/folds/*.val.txt | sort | cmp - names'
says "F of each fold" '^ +3 +4 +0\.[0-9]+ '
says "mean and spread" '^folds: 0\.[0-9]{4} \+- 0\.[0-9]{4} '
says "out of fold, of all pictures" '^out of fold: F per picture 0\.[0-9]{4}, of 14 pictures$'
says "whose masks are contradicted" '^pic_[0-9]+ +[123] +0\.[0-9]+ +[a-z]+$'
says "and where all of them are" '^a/out-of-fold\.csv: all 14 of them$'
holds "fourteen rows and a head" test "$(wc -l <a/out-of-fold.csv)" -eq 15
holds "the lowest F first" sh -c 'sed 1d a/out-of-fold.csv | cut -d, -f4 | sort -cg'
# the numbers are those of the runs
for k in 1 2 3; do
    run=$(ls -d a/own,s1,f$k-*)
    "$FPCORE" eval -w "$run" -s metric.f_image.use=fscore_image | sed -n 's/^f_image: //p'
done >by_hand
awk '/^ +[123] +[45] /{ print $3 }' out >told
awk '{ printf "%.4f\n", $1 }' by_hand >wanted
holds "F of the folds is what eval measures" cmp told wanted
awk -F, 'NR > 1 { f[$2] += $4; n[$2]++ } END { for (k = 1; k <= 3; k++) printf "%.4f\n", f[k] / n[k] }' a/out-of-fold.csv >csv
holds "and the mean of the pictures in the table" cmp csv wanted
cksum a/*/last.safetensors a/folds/* >before
expect "again" 0 "$FPCORE" "$@"
holds "repeats nothing" sh -c 'cksum a/*/last.safetensors a/folds/* | cmp - before'
expect "analyze reads the folder" 0 "$FPCORE" analyze a
holds "without a warning" sh -c '! grep -qE "warning|unreadable|left out" out'
holds "other recipes get the same folds" sh -c \
    '"$FPCORE" sweep -c own.ini --folds 3 --out b -s dataset.val_split=0.5 -s run.epochs=1 && diff -r a/folds b/folds'

# ---- cut, and gone on with ----
"$FPCORE" sweep -c own.ini --folds 3 --out c -s run.epochs=60 >killed 2>&1 &
pid=$!
n=0
while [ ! -s "$(ls -d c/own,s1,f2-* 2>/dev/null | head -n 1)/last.safetensors" ] && [ $n -lt 600 ]; do
    sleep 0.1
    n=$((n + 1))
done
kill -KILL "$pid"
wait "$pid" 2>/dev/null
for log in c/*/run.json; do # a child outlives its sweep; it ends by itself
    n=0
    while grep -q '"running"' "$log" && [ $n -lt 600 ]; do
        sleep 0.1
        n=$((n + 1))
    done
done
cksum c/folds/* >before
expect "a killed sweep goes on" 0 "$FPCORE" sweep -c own.ini --folds 3 --out c -s run.epochs=60
says "to all pictures" '^out of fold: F per picture 0\.[0-9]{4}, of 14 pictures$'
holds "with the same folds" sh -c 'cksum c/folds/* | cmp - before'
holds "and three runs" test "$(ls -d c/own,s1,f?-* | wc -l)" -eq 3

# ---- recipes and seeds ----
expect "a grid, two seeds" 0 "$FPCORE" sweep -c own.ini --folds 2 --seeds 2 --grid optimizer.lr=2e-3,1e-5 --out g -j 2
says "spread over seeds" '^out of fold: F per picture 0\.[0-9]{4} \+- 0\.[0-9]{4} over 2 seeds, of 14 pictures$'
says "the recipes are set against each other" '^recipes, by the F of each picture out of its fold; p corrected for 1 comparison'
says "with a verdict" '^own,optimizer\.lr=[0-9e-]+ +0\.[0-9]+ +-0\.[0-9]+ .*(worse|within the noise)$'
holds "eight runs" test "$(ls -d g/*,s?,f?-* | wc -l)" -eq 8
holds "a row for each picture, of four runs" sh -c 'test "$(cut -d, -f3 g/out-of-fold.csv | grep -c "^4$")" -eq 14'
expect "one seed" 0 "$FPCORE" sweep -c own.ini --folds 2 --grid optimizer.lr=2e-3,1e-5 --out g
says "is no verdict" 'no verdict: one seed does not show the noise between runs$'
expect "one of a job array" 0 "$FPCORE" sweep -c own.ini --folds 2 --out h --only 2
holds "has the lists" test -s h/folds/1.val.txt
holds "and trained one" test "$(ls -d h/*,s1,f2-* | wc -l)" -eq 1
expect "the array's script" 0 "$FPCORE" sweep -c own.ini --folds 2 --out h --slurm h.sh
holds "knows the folds" grep -q -- '--folds 2 --seeds 1 ' h.sh

# ---- refusals ----
refused() { # WHAT PATTERN OPTION...
    what=$1 pattern=$2
    shift 2
    expect "$what" 2 "$FPCORE" sweep "$@" --dry-run
    says "is refused" "$pattern"
}
refused "one fold" '--folds 1: a single fold leaves nothing to train on; give 2 or more' -c own.ini --folds 1
refused "more folds than pictures" '--folds 15: own has 14 pictures to train and validate with; as many folds at most' \
    -c own.ini --folds 15
refused "no number" 'folds' -c own.ini --folds x
refused "halving" '--folds makes runs that are judged by other pictures each, and --halving compares runs; leave one out' \
    -c own.ini --folds 2 --halving 2 --grid optimizer.lr=1,2
refused "pruning" 'and --prune compares runs' -c own.ini --folds 2 --prune
refused "JSON" 'and --json compares runs' -c own.ini --folds 2 --json
refused "a data set without lists" 'dataset/synthetic takes no lists of pictures' -c tiny.ini --folds 2
refused "lists in the grid" '--grid: --folds sets dataset\.val_list by itself' -c own.ini --folds 2 \
    --grid dataset.val_list=x,y
refused "another number of folds there" 'a/folds/1\.train\.txt:[0-9]+: the folds there are of other pictures, or of another number' \
    -c own.ini --folds 4 --out a
refused "fewer" 'a/folds/3\.val\.txt: the folder holds a sweep of more than 2 folds; give another \(--out\)' \
    -c own.ini --folds 2 --out a
refused "no folds" 'a/folds: the folder holds a sweep with --folds; give that, or another folder \(--out\)' -c own.ini --out a
refused "another seed of the split" 'a/folds/1\.[a-z]+\.txt:[0-9]+: the folds there are of other pictures' \
    -c own.ini --folds 3 --out a -s dataset.split_seed=7
draw masks more 15
refused "a further picture" 'a/folds/[0-9]\.[a-z]+\.txt:[0-9]+: the folds there are of other pictures' \
    -c own.ini --folds 3 --out a -s dataset.root=more -s dataset.classes=faces/classes.ini
sed 's/^root = faces/root = more/' own.ini >more.ini
cp faces/classes.ini more
refused "recipes of other pictures" 'own has 14 pictures and more 15, and the folds are not the same \(pic_14\)' \
    -c own.ini --with more.ini --folds 2
mkdir more/val && cp -r more/images more/val/images && cp -r more/masks more/val/masks
refused "validation in a folder of its own" '\(dataset\.val_images = val/images\), which leaves nothing to lists' \
    -c more.ini --folds 2 -s dataset.val_images=val/images -s dataset.val_masks=val/masks
mv faces/images/pic_03.png 'faces/images/#3.png' && mv faces/masks/pic_03.png 'faces/masks/#3.png'
refused "a name that no list holds" "the picture .#3. has a name that cannot stand in a list" -c own.ini --folds 2
exit $bad
