#!/bin/sh
# fpcore data: what it tells of a sound set and of one with flaws, the list that puts reversed masks right, and bad
# command lines. The folder is made of a tiny run's own pictures.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
ln -s "$FPCORE_SRC/conf" conf

expect "the example of the help" 0 sh -c \
    '$(fpcore=$FPCORE; "$FPCORE" data --help | sed -n "s|^example: fpcore|$fpcore|p")'
says "counts of a part" '^training +512 +512 +0$'
says "a class" '^ +13 +hair +[0-9.]+ +[0-9]+ +'
says "no masks are reversed" '^reversed masks: 0 of [1-9][0-9]* decidable'
says "no flaws" '^flaws: 0$'
holds "the JSON is there" grep -q '"near_duplicates": \[\]' audit.json

# ---- a folder ----
expect "a training" 0 "$FPCORE" -c tiny.ini
run=$(run_in runs)
mkdir -p set/train/images
for i in a b c d; do cp "$run/samples.png" set/train/images/$i.png; done
cp "$run/curves.png" set/train/images/e.png
expect "masks for it" 0 "$FPCORE" predict -c tiny.ini -w "$run/best.safetensors" -o set/train/masks set/train/images
cat >folder.ini <<'END'
[dataset]
use = folder
root = set
classes = celebamask19
size = 32
batch = 2
val_split = 0.4
END
expect "a sound folder" 0 "$FPCORE" data -c folder.ini
says "files of two sizes" '^sizes of the pictures: .*, '
says "copies across parts" '^near-duplicates: [3-9] pairs across parts'
says "by name" '  training [a-e] and validation [a-e]: likeness 1\.0000, hashes differ in 0 of 64 bits$'
expect "no pairs are looked for" 0 "$FPCORE" data -c folder.ini --near 0
expect "masks without eyes" 1 "$FPCORE" data -c folder.ini --fix-sides list.txt
says "tell no sides" 'list\.txt is not written: no mask shows both labels of a pair'
holds "nothing is written" test ! -e list.txt
printf '# by hand\nc exchange\n' >list.txt
holds "the list is read" "$FPCORE" data -c folder.ini -s dataset.sides=list.txt
expect "a training with it" 0 "$FPCORE" -c folder.ini -s dataset.sides=list.txt -s model.dims=8,16,24,32 \
    -s model.depths=1,1,1,1 -s model.decoder_dim=16 -s loss.ce.use=cross_entropy -s run.out=runs2

# Names of files are shown, and steer no terminal; in the JSON they are what they are.
evil=$(printf 'e\033]0;x\007\302\233\nflaws: 9')
cp set/train/images/e.png "set/train/images/$evil.png"
cp set/train/masks/e.png "set/train/masks/$evil.png"
expect "a name with control characters" 0 "$FPCORE" data -c folder.ini --json audit.json
says "is shown without them" 'e\?\]0;x\?\?\?flaws: 9'
cp out got
holds "no escape, no line of its own" sh -c '! LC_ALL=C grep -q "$(printf "[\\033\\233\\007]")" got && test "$(grep -c "^flaws: " got)" = 1'
holds "its name in the JSON" grep -qiF 'e\u001b]0;x\u0007' audit.json
rm "set/train/images/$evil.png" "set/train/masks/$evil.png"

# ---- every flaw is told, not the first one ----
rm set/train/masks/a.png
head -c 300 "$run/samples.png" >set/train/images/b.png
cp set/train/masks/e.png set/train/masks/c.png
cp set/train/masks/d.png set/train/masks/nobody.png
expect "a folder with flaws" 1 "$FPCORE" data -c folder.ini --json audit.json
says "they are counted" '^flaws: 4$'
says "a missing mask" 'set/train/images/a\.png has no mask: .*masks/a\.png is not there'
says "a broken picture" 'set/train/images/b\.png: '
says "a mask of another size" 'masks/c\.png: [0-9]+ x [0-9]+, but its picture'
says "a mask without picture" 'masks/nobody\.png: .* has no picture of that name'
says "the failure" 'error: the data set has 4 flaws'
holds "the JSON tells them too" grep -q '"kind": "missing mask"' audit.json
expect "a training stops there" 1 "$FPCORE" -c folder.ini -s model.dims=8,16,24,32 -s loss.ce.use=cross_entropy

# ---- command lines ----
expect "a distance that is none" 2 "$FPCORE" data -c tiny.ini --near 65
says "is named" '--near 65: a number of bits, 0 to 64'
expect "nor is a word" 2 "$FPCORE" data -c tiny.ini --near few
expect "a data set that reads no list" 2 "$FPCORE" data -c tiny.ini --fix-sides x.txt
says "is told" 'dataset/synthetic has no option `sides`'
expect "a folder that is not there" 1 "$FPCORE" data -c folder.ini -s dataset.root=nowhere
says "is named" 'nowhere/train/images'
expect "a JSON file that cannot be written" 1 "$FPCORE" data -c tiny.ini --json nowhere/audit.json
says "is named" 'nowhere/audit\.json: cannot be written'
expect "one word too many" 2 "$FPCORE" data -c tiny.ini set

# ---- the sampler ----
cat >balanced.ini <<'END'
include = tiny.ini
[dataset]
sampler = class_balanced
[schedule]
use = constant
END
expect "a balanced training" 0 "$FPCORE" -c balanced.ini -s run.out=balanced
expect "cut in the middle" 0 "$FPCORE" -c balanced.ini -s run.out=cut -s run.epochs=2
expect "goes on" 0 "$FPCORE" -c balanced.ini -s run.out=cut --resume "$(run_in cut)"
holds "to the same bytes" cmp "$(run_in balanced)/best.safetensors" "$(run_in cut)/best.safetensors"
holds "and the same record" cmp "$(run_in balanced)/history.json" "$(run_in cut)/history.json"
expect "a shuffled training" 0 "$FPCORE" -c balanced.ini -s dataset.sampler=shuffled -s run.out=shuffled
expect "a sampler without effect" 2 "$FPCORE" -c tiny.ini -s dataset.sampler=class_balanced -s dataset.shuffle=off
says "is refused" 'dataset.shuffle = off .* use either'
holds "and the order is another" \
    sh -c "! cmp -s $(run_in balanced)/best.safetensors $(run_in shuffled)/best.safetensors"
exit $bad
