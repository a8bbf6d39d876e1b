#!/bin/sh
# fpcore data --join-parts: part masks become the index masks that they were cut from; what is there stays; what is wrong
# is named before anything is written.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks whole 12
draw parts cut 12
mkdir cut/parts/0 cut/parts/1
mv cut/parts/pic_0[0-4]* cut/parts/0
mv cut/parts/pic_0[5-9]* cut/parts/1
cat >classes.ini <<'INI'
[classes]
0 = background
1 = skin
2 = l_eye
3 = r_eye
[palette]
0 = 20, 30, 120
1 = 220, 170, 140
2 = 20, 200, 40
3 = 230, 30, 30
INI
join() { "$FPCORE" data --join-parts cut/parts -o "$@"; }
expect "parts are joined" 0 join joined -s dataset.classes=classes.ini
says "and counted" '^joined: 12 masks of 36 parts; 0 of the masks were there$'
holds "to the masks that they were cut from" diff -r joined whole/masks
rm joined/pic_03.png
printf 'whole' >joined/pic_04.png
expect "again" 0 join joined -s dataset.classes=classes.ini
says "only what is missing" '^joined: 12 masks of 36 parts; 11 of the masks were there$'
holds "it is made" cmp joined/pic_03.png whole/masks/pic_03.png
holds "what was there stays" grep -q '^whole$' joined/pic_04.png
printf '[dataset]\nuse = folder\nroot = .\nclasses = classes.ini\n' >r.ini
expect "the classes of a recipe" 0 join again -c r.ini
holds "are the same" cmp again/pic_11.png whole/masks/pic_11.png

# ---- as CelebAMask-HQ is called ----
mkdir -p faces/0
for part in skin l_eye r_eye; do cp cut/parts/0/pic_01_$part.png faces/0/00017_$part.png; done
expect "its 19 classes are the default" 0 "$FPCORE" data --join-parts faces -o made
holds "its pictures are called 17.jpg" test -s made/17.png
expect "names as they are" 0 "$FPCORE" data --join-parts faces -o made --keep-names
holds "are an option" test -s made/00017.png
mkdir -p set/images
cp whole/images/pic_01.png set/images/17.png
cp whole/images/pic_01.png set/images/00017.png
mv made set/masks
expect "what was made can be trained on" 0 "$FPCORE" data -c r.ini -s dataset.root=set -s dataset.images=images \
    -s dataset.masks=masks -s dataset.classes=celebamask19 -s dataset.val_split=0.5
says "with the parts' classes" '^ +4 +l_eye +1\.0417'

# ---- what is wrong ----
cp cut/parts/0/pic_01_skin.png faces/00018_beard.png
expect "a part that no class is called after" 1 "$FPCORE" data --join-parts faces -o bad
says "is named with the classes" 'faces/00018_beard\.png: no class is called so; .*NAME_CLASS\.png, and the classes are background, skin, nose'
mv faces/00018_beard.png faces/00017_skin.png
expect "a part that is there twice" 1 "$FPCORE" data --join-parts faces -o bad
says "is named" '00017_skin\.png and .*00017_skin\.png are the same part of picture 17'
cp whole/images/pic_02.png faces/00018_hair.png
cp "$FPCORE_SRC/docs/quickstart.png" faces/00018_hat.png
rm faces/00017_skin.png
holds "nothing was written" test ! -e bad
expect "parts of two sizes" 1 "$FPCORE" data --join-parts faces -o bad
says "are named" '00018_hat\.png: [0-9]+ x [0-9]+, but another part of picture 18 is 48 x 40'
head -c 100 cut/parts/0/pic_01_skin.png >faces/00018_hat.png
expect "a broken part" 1 "$FPCORE" data --join-parts faces -o bad
says "is named" 'faces/00018_hat\.png: '
holds "no half mask" sh -c 'test -s bad/17.png && test ! -e bad/18.png'
mkdir none
expect "no parts" 1 "$FPCORE" data --join-parts none -o bad
says "what is wanted" 'none: no parts in it; wanted are files NAME_CLASS\.png'
expect "no folder" 1 "$FPCORE" data --join-parts nowhere -o bad
says "is named" 'nowhere: the folder of parts cannot be read'
expect "no place for masks" 2 "$FPCORE" data --join-parts faces
says "is asked for" '-o FOLDER is missing'
expect "masks of no parts" 2 "$FPCORE" data -c r.ini -o bad
says "are refused" '-o belongs to --init FOLDER or --join-parts FOLDER, --keep-names to the latter'
expect "an audit without a recipe" 2 "$FPCORE" data
says "asks for it" 'fpcore data: the recipe is missing'
exit $bad
