#!/bin/sh
# fpcore tune: what it tells is what eval measures; its file in predict, eval and submit; what is refused.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
cat >>tiny.ini <<'INI'

[metric.f_image]
use = fscore_image
INI
# number NAME: of a line of eval, in four digits
number() { awk -v name="$1:" '$1 == name { printf "%.4f\n", $2 }' out; }
told() { sed -n "s/^$1: *\([0-9.]*\).*/\1/p" out; }

expect "a training" 0 "$FPCORE" -c tiny.ini -s dataset.val=24 -s run.epochs=6
run=$(run_in runs)
expect "tune" 0 "$FPCORE" tune -w "$run" -o tuned.ini
says "tells pictures and folds" '^pictures: 24 of the part val, in 5 folds \(seed 1\)$'
says "each part" '^bias +\+0\.[0-9]+ +\+0\.[0-9]+ +yes$'
says "an interval" '^F on pictures held out: +0\.[0-9]+ \(\+0\.[0-9]+, 95 % \+0\.[0-9]+ to \+0\.[0-9]+, p '
says "the optimism" '^optimism: +\+0\.[0-9]+$'
says "that it is a gain" '^A gain: '
says "and what to do with it" '^tuned\.ini: for fpcore predict, eval and submit: --post tuned\.ini$'
without=$(told 'F per picture without')
with=$(told 'F on the pictures chosen on')
sed 1d out | grep -v tuned >first
cp tuned.ini kept.ini
holds "the file tells the numbers" grep -q '^# F on pictures held out: ' tuned.ini
expect "again" 0 "$FPCORE" tune -w "$run" -o tuned.ini
holds "is the same" cmp tuned.ini kept.ini
expect "without a file" 0 "$FPCORE" tune -w "$run"
says "it says how to get one" '^-o FILE writes it\.$'
expect "with other folds" 0 "$FPCORE" tune -w "$run" --folds 3 --seed 4
says "it tells them" '^pictures: 24 of the part val, in 3 folds \(seed 4\)$'
expect "of averages" 0 "$FPCORE" tune -w "$run" --flip
says "it tells them" '^average of: scales 1, mirrored with exchanged labels$'

expect "eval" 0 "$FPCORE" eval -w "$run"
holds "has the F that tune had without" test "$(number f_image)" = "$without"
expect "eval --post" 0 "$FPCORE" eval -w "$run" --post tuned.ini
holds "has the F that tune had with" test "$(number f_image)" = "$with"
says "it says by what" '^changed by: tuned\.ini$'
holds "there is no loss" sh -c '! grep -q "^loss" out'
expect "on training pictures" 0 "$FPCORE" eval -w "$run" --post tuned.ini --part train --flip

# The masks that predict writes are those that eval --native measures: as truth they score 1.
expect "pictures" 0 "$FPCORE" preview -w "$run" -n 3 -o sheet.png
mkdir -p own/images own/masks
cp sheet.png own/images/a.png
cp "$run/samples.png" own/images/b.png
expect "predict --post" 0 "$FPCORE" predict -w "$run" --post tuned.ini -o own/masks own/images
expect "predict" 0 "$FPCORE" predict -w "$run" -o plain own/images
holds "gives other masks" sh -c '! cmp -s plain/a.png own/masks/a.png'
set -- -s dataset.use=folder -s dataset.root=own -s dataset.test_images=images \
    -s dataset.test_masks=masks -s dataset.classes=celebamask19 -s dataset.size=32
sed '/^train = 16$/d; /^val = 6$/d' tiny.ini >folder.ini
expect "eval --native --post" 0 "$FPCORE" eval -c folder.ini "$@" -w "$run/best.safetensors" --part test --native \
    --post tuned.ini
holds "finds the same masks" test "$(number f_image)" = 1.0000
expect "eval --native" 0 "$FPCORE" eval -c folder.ini "$@" -w "$run/best.safetensors" --part test --native
holds "finds others" test "$(number f_image)" != 1.0000
expect "an empty choice" 0 sh -c 'grep -A 99 "classes" tuned.ini >none.ini'
expect "predict with it" 0 "$FPCORE" predict -w "$run" --post none.ini -o same own/images
holds "gives the masks of none" cmp plain/a.png same/a.png
expect "tiles" 0 "$FPCORE" predict -w "$run" --post tuned.ini --tiles 64 -o tiles own/images
expect "submit" 0 "$FPCORE" submit -w "$run" --post tuned.ini -o s.zip
says "its script gives the same masks" 'read back and found whole; its solution ran$'
if command -v python3 >/dev/null; then
    python3 -m zipfile -e s.zip s
    holds "the archive has the file" grep -q '^\[post' s/solution/post.ini
    holds "the script names it" grep -q -- '--post "\$here/post\.ini"' s/solution/run.sh
fi

expect "no validation pictures" 2 "$FPCORE" tune -w "$run" -s dataset.val=0 -o none
says "are refused" 'fpcore tune: the data set has no validation pictures, on which numbers are chosen'
expect "few pictures" 2 "$FPCORE" tune -w "$run" -s dataset.val=7
says "are refused" '7 pictures with labels: 5 folds want 10 or more, two in each; fewer folds, or more pictures'
expect "one fold" 2 "$FPCORE" tune -w "$run" --folds 1
says "is refused" 'fpcore tune: --folds 1: 2 to 100 are possible'
sed 's/^3 = .*/3 = nose_tip/' tuned.ini >other.ini
expect "a file for other classes" 1 "$FPCORE" eval -w "$run" --post other.ini
says "is refused" 'other\.ini:[0-9]+: label 3 is nose_tip, and [a-z_]+ in this network; fpcore tune -w WEIGHTS makes one for it'
printf '[post.bias]\nbeard = 1\n' | cat - none.ini >beard.ini
expect "an unknown class" 1 "$FPCORE" predict -w "$run" --post beard.ini -o x own/images
says "is refused" 'beard\.ini:2: post\.bias\.beard: no class is called beard; the network has the labels 0 '
expect "with probabilities" 2 "$FPCORE" predict -w "$run" --post tuned.ini --probabilities=npy -o x own/images
says "one of them" '^fpcore: error: fpcore predict: --probabilities writes what the network says, and --post changes '
echo "notes" >notes.ini
expect "another's file" 2 "$FPCORE" tune -w "$run" -o notes.ini
says "is not replaced" 'notes\.ini: is there already, and fpcore tune did not write it; give another name to -o'
# on four pictures no gain is larger than the noise
expect "where nothing is shown" 0 "$FPCORE" tune -w "$run" -s dataset.val=4 --folds 2 -o nothing.ini
says "it says so" '^Nothing to gain: '
says "and writes nothing" '^nothing\.ini is not written\.$'
holds "indeed" test ! -e nothing.ini
exit $bad
