#!/bin/sh
# --resume with other data than before: pictures that are new, gone, renamed, changed or in the other part, other lists,
# sides and classes are refused in words; what only moved is not. --other-data goes on. Weights of another run that
# trained on what validates here are told of; so is a rate that a longer run raises.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

expect "a training" 0 "$FPCORE" -c tiny.ini -s run.epochs=1
first=$(run_in runs)
holds "lists its training pictures" test "$(grep -vc '^#' "$first/train.txt")" -eq 16
holds "and those that validate" grep -qx val000005 "$first/val.txt"

mkdir -p set/train/images other
for i in 0 1 2 3 4 5 6 7 8 9; do cp "$first/samples.png" set/train/images/p$i.png; done
"$FPCORE" predict -c tiny.ini -w "$first/best.safetensors" -o set/train/masks set/train/images >out 2>&1 || not_ok masks out
"$FPCORE" -c tiny.ini -s run.epochs=1 -s run.seed=9 -s run.out=ruins >out 2>&1 || not_ok "a second network" out
"$FPCORE" predict -c tiny.ini -w "$(run_in ruins)/best.safetensors" -o other set/train/images/p0.png >out 2>&1 ||
    not_ok "another mask" out
holds "the masks differ" test "$(cmp -s other/p0.png set/train/masks/p0.png; echo $?)" -eq 1
sed -e '/^\[dataset\]/,/^$/d' -e '/augment/,/hflip/d' tiny.ini >folder.ini
cat >>folder.ini <<'END'
[dataset]
use = folder
root = set
classes = celebamask19
size = 32
batch = 2
val_split = 0.3
END
expect "a folder" 0 "$FPCORE" -c folder.ini -s run.epochs=1 -s run.out=kept
kept=$(run_in kept)
validates=$(grep -v '^#' "$kept/val.txt" | head -n 1)
trains=$(grep -v '^#' "$kept/train.txt" | head -n 1)

# refused WHAT PATTERN: resumes a copy of the run with the folder as it is; all files of the run stay as they are
refused() {
    rm -rf copy
    cp -r "$kept" copy
    expect "$1" 2 "$FPCORE" -c folder.ini --resume copy -s run.epochs=2
    says "$1: is said" "$2"
    holds "$1: nothing is lost" cmp copy/last.safetensors "$kept/last.safetensors"
}
whole() { rm -rf set && cp -r kept_set set; }
cp -r set kept_set

cp set/train/images/p1.png set/train/images/q1.png
cp set/train/masks/p1.png set/train/masks/q1.png
refused "a picture more" \
    'last\.safetensors: the run was made with 7 \+ 3 pictures \(training \+ validation\), here are 8 \+ 3; new: q1 \(training\); in the other part: p7 \(training, now validation\), p4 \(validation, now training\)\. --other-data goes on all the same, with scores that are too good where pictures that were trained on validate; a new run with run\.init_from = copy and dataset\.val_list = copy/val\.txt takes the weights along and validates on the same pictures$'
whole
mv set/train/images/"$trains".png set/train/images/"${trains}a".png
mv set/train/masks/"$trains".png set/train/masks/"${trains}a".png
refused "a picture renamed" "here are 7 \\+ 3; new: ${trains}a \\(training\\); gone: $trains \\(training\\)\\."
whole
cp other/p0.png set/train/masks/"$validates".png
refused "a mask drawn again" "; with another picture or mask: $validates \\(validation\\)\\."
whole
cp "$first/curves.png" set/train/images/"$trains".png
refused "another picture of that name" "; with another picture or mask: $trains \\(training\\)\\."
whole
rm set/train/*/"$trains".png
mv folder.ini split.ini
sed 's/^val_split.*/val_list = val.txt/' split.ini >folder.ini
cp "$kept/val.txt" val.txt
expect "a folder with a list" 2 "$FPCORE" -c folder.ini --resume "$kept" -s run.epochs=2
says "is another recipe" 'dataset\.val_split'

whole
expect "lists of a run" 0 "$FPCORE" -c folder.ini -s run.epochs=1 -s run.out=listed -s dataset.train_list="$kept/train.txt"
holds "train on the same pictures" cmp "$kept/train.txt" "$(run_in listed)/train.txt"
holds "in the same order" cmp "$kept/val.txt" "$(run_in listed)/val.txt"
kept_split=$kept
kept=$(run_in listed)
cp "$kept/train.txt" edited.txt
{
    grep -v '^#' "$kept/val.txt" | sed 1d
    echo "$trains"
} >val.txt
grep -vx "$trains" "$kept/train.txt" >edited.txt
sed -i 's/^val_list.*/&\ntrain_list = edited.txt/' folder.ini
refused "an edited list" "here are 6 \\+ 3; .*in the other part: $trains \\(training, now validation\\)"
cp "$kept/val.txt" val.txt
refused "a shorter list" "here are 6 \\+ 3; gone: $trains \\(training\\)"
{
    grep -v '^#' "$kept/train.txt" | sed 1d
    echo "$trains"
} >edited.txt
refused "a list in another order" "in another order: $(sed -n 1p edited.txt) \\(now the 1\\. of training\\)"
printf '%s exchange\n' "$validates" >sides.txt
cp "$kept/train.txt" edited.txt
expect "a list of sides" 0 "$FPCORE" -c folder.ini -s run.epochs=1 -s run.out=sided -s dataset.sides=sides.txt
kept=$(run_in sided)
: >sides.txt
sed -i 's/^val_list.*/&\nsides = sides.txt/' folder.ini
refused "an edited list of sides" "; with another picture or mask: $validates \\(validation\\)\\."

kept=$kept_split
sed 's/^classes.*/classes = classes.ini/' split.ini >folder.ini
{
    echo '[classes]'
    for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do echo "$i = c$i"; done
} >classes.ini
expect "a file of classes" 0 "$FPCORE" -c folder.ini -s run.epochs=1 -s run.out=named
kept=$(run_in named)
sed -i 's/^3 = c3/3 = nose/' classes.ini
refused "another name of a class" 'the run was made with other classes: label 3 is called nose \(the run: c3\)'
sed -i 's/^3 = nose/3 = c3/' classes.ini
printf '[mirror]\neyes = 4, 5\n' >>classes.ini
refused "another pair" 'the run was made with other classes: a mirror makes 5 of label 4, c4 \(the run: 4\)'

# ---- folders of the validation's own ----
holds "a list says which key takes it" test "$(sed -n 1p "$kept_split/val.txt")" = \
    "# 3 validation pictures, in the order of the run; dataset.val_list takes this file"
holds "where a key does" test "$(sed -n 1p "$first/train.txt")" = "# 16 training pictures, in the order of the run"
mkdir -p set/own/images set/own/masks
for kind in images masks; do cp set/train/$kind/p0.png set/own/$kind/v0.png; done
sed 's|^val_split.*|val_images = own/images\nval_masks = own/masks|' split.ini >folder.ini
expect "a validation of its own" 0 "$FPCORE" -c folder.ini -s run.epochs=1 -s run.out=apart
kept=$(run_in apart)
holds "takes no list" test "$(sed -n 1p "$kept/val.txt")" = "# 1 validation picture, in the order of the run"
holds "of either part" test "$(sed -n 1p "$kept/train.txt")" = "# 10 training pictures, in the order of the run"
mkdir -p kept_set/own
cp -r set/own kept_set
for kind in images masks; do cp set/train/$kind/p0.png set/own/$kind/p1.png; done
refused "a name that trains on" 'here are 10 \+ 2; new: p1 \(validation, beside training\)\. --other-data goes on all the same, with scores that are too good where'
says "is not told of lists" '; a new run with run\.init_from = copy takes the weights along$'
cp other/p0.png set/own/masks/p1.png
refused "a name that trains on, of another picture" '; new: p1 \(validation, beside training\)\. --other-data goes on all the same; a'
rm set/train/*/p1.png
refused "a picture that moved" 'here are 9 \+ 2; in the other part: p1 \(training, now validation\)\. --other-data'
whole
rm -r set/own

# ---- what is allowed ----
cp split.ini folder.ini
kept=$kept_split
rm -rf uncut moved
cp -r "$kept" uncut
cp -r "$kept" moved
expect "the same data" 0 "$FPCORE" -c folder.ini --resume uncut -s run.epochs=2
mv set elsewhere
expect "moved data" 0 "$FPCORE" -c folder.ini --resume moved -s run.epochs=2 -s dataset.root=elsewhere
same "change no byte" uncut moved
mv elsewhere set
expect "--other-data alone" 2 "$FPCORE" -c folder.ini --other-data
says "is a mistake" '--other-data goes with --resume'
cp set/train/images/p1.png set/train/images/q1.png
cp set/train/masks/p1.png set/train/masks/q1.png
rm -rf copy
cp -r "$kept" copy
expect "other data that are meant" 0 "$FPCORE" -c folder.ini --resume copy --other-data -s run.epochs=3
says "are told of" 'warning: copy: the run was made with 7 \+ 3 pictures'
holds "and noted" grep -q '"other_data": "the run was made with 7 + 3' copy/run.json
holds "the list is theirs" test "$(grep -vc '^#' copy/train.txt)" -eq 8
holds "so are the pictures that are compared" "$FPCORE" -c folder.ini --resume copy -s run.epochs=4

# ---- in the middle of an epoch ----
# shellcheck disable=SC2016
expect "cut in an epoch" 130 sh -c '"$FPCORE" -c folder.ini -s dataset.batch=1 -s run.out=cut -s run.epochs=300 & p=$!
    while ! grep -q " 2$" cut/*/run.json 2>/dev/null && [ ! -s "$(echo cut/*/history.csv)" ]; do sleep 0.05; done; kill $p; wait $p'
cut=$(run_in cut)
rm set/train/*/q1.png
expect "its epoch begins again" 0 "$FPCORE" -c folder.ini -s dataset.batch=1 --resume "$cut" --other-data \
    -s "run.epochs=$(($(grep -c , "$cut/history.csv") + 1))"
holds "and can be resumed" "$FPCORE" --resume "$cut" -s "run.epochs=$(($(grep -c , "$cut/history.csv")))"

# ---- weights and rates ----
expect "weights of the same split" 0 "$FPCORE" -c folder.ini -s run.epochs=1 -s run.out=again -s run.init_from="$kept"
holds "are not told of" test -z "$(grep 'trained on there' out)"
expect "weights of another split" 0 "$FPCORE" -c folder.ini -s dataset.split_seed=1 -s run.epochs=1 -s run.out=third \
    -s run.init_from="$kept"
says "are" 'warning: run\.init_from = .*: [1-3] of the 3 pictures that validate here were trained on there, the first p'
expect "four epochs of a cosine" 0 "$FPCORE" -c tiny.ini -s run.out=longer
expect "and four more" 0 "$FPCORE" --resume "$(run_in longer)" -s run.epochs=8
says "raise the rate" 'warning: run\.epochs = 8, so far 4: epoch 5 has rate 0\.00[0-9]*, the one before had'
expect "the same length" 0 "$FPCORE" --resume "$(run_in longer)"
holds "does not" test -z "$(grep 'has rate' out)"

exit $bad
