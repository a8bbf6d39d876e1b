#!/bin/sh
# fpcore preview: the sheet and the numbers under it; the same for the same epoch and seed, others for others.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
ln -s "$FPCORE_SRC/conf" conf

expect "the example of the help" 0 sh -c \
    '$(fpcore=$FPCORE; "$FPCORE" preview --help | sed -n "s|^example: fpcore|$fpcore|p")'
says "it tells what it wrote" '^preview\.png: 4 samples of epoch 1$'
says "and what was drawn" '^  geometry: (mirrored, left and right labels exchanged|as it is)$'
# width in bytes 16 to 19 of a PNG: 5 tiles of 192 at least
holds "the sheet is a PNG" sh -c 'test "$(head -c 4 preview.png | tail -c 3)" = PNG'

cat >turn.ini <<'END'
include = tiny.ini
[augment.turn]
use = rotate
p = 1
[augment.noise]
use = gaussian_noise
p = 1
END
expect "a recipe with geometry and noise" 0 "$FPCORE" preview -c turn.ini -o a.png -n 6
cp out first
says "the angle" '^  geometry: .*turned -?[0-9.]+ deg'
says "the noise" '^  noise: [0-9.]+'
holds "six samples" test "$(grep -c '^train[0-9]*$' first)" -eq 6
expect "again" 0 "$FPCORE" preview -c turn.ini -o b.png -n 6
sed 's/^b\.png/a.png/' out >second
holds "says the same" cmp first second
holds "and draws the same" cmp a.png b.png
expect "another epoch" 0 "$FPCORE" preview -c turn.ini -o b.png -n 6 --epoch 2
holds "is another" sh -c '! cmp -s a.png b.png'
expect "another seed" 0 "$FPCORE" preview -c turn.ini -o b.png -n 6 -s run.seed=4
holds "is another" sh -c '! cmp -s a.png b.png'
expect "more than there are" 0 "$FPCORE" preview -c turn.ini -o b.png -n 60
says "all of them" '^b\.png: 16 samples of epoch 1$'
expect "no augmentation" 0 "$FPCORE" preview -c tiny.ini -s augment.flip.use=none -o b.png
says "is said" '^  no \[augment\.\*\] section$'

expect "too many samples" 2 "$FPCORE" preview -c tiny.ini -n 65
says "are refused" '-n 65: at most 64 samples'
expect "no samples" 2 "$FPCORE" preview -c tiny.ini -n 0
expect "no epoch" 2 "$FPCORE" preview -c tiny.ini --epoch 0
expect "no training pictures" 2 "$FPCORE" preview -c tiny.ini -s dataset.train=0
says "are missed" 'has no training images'
expect "a sheet that cannot be written" 1 "$FPCORE" preview -c tiny.ini -o nowhere/a.png
says "is named" 'nowhere/a\.png: cannot be written'
exit $bad
