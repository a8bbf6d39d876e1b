#!/bin/sh
# Masks in parts (`parts` of dataset/folder): the same training as by whole masks, in all verbs; a run that goes on to the same
# bytes and notices another part.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
draw masks whole 12
draw parts cut 12
# As CelebAMask-HQ has them: numbers with zeros in front, in folders of so many pictures each; of one picture some are absent.
mkdir -p faces/images faces/anno/0 faces/anno/1
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
    from=pic_$(printf %02d $i) to=$(printf %05d $i)
    cp cut/images/"$from".png faces/images/$i.png
    cp whole/masks/"$from".png whole/masks/$i.png
    cp cut/images/"$from".png whole/images/$i.png
    for part in skin l_eye r_eye; do cp "cut/parts/${from}_$part.png" "faces/anno/$((i / 6))/${to}_$part.png"; done
done
rm whole/*/pic_*
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
[mirror]
eyes = 2, 3
INI
sed -e '/^use = synthetic/,/^batch/c use = folder\nroot = faces\nimages = images\nmasks = anno\nparts = all\nclasses = classes.ini\nsize = 32\nbatch = 2\nval_split = 0.25' \
    tiny.ini >faces.ini
sed -e 's/^root = .*/root = whole/' -e 's/^masks = .*/masks = masks/' -e '/^parts = /d' faces.ini >whole.ini

expect "-h" 0 "$FPCORE" -h dataset/folder
says "explains the option" 'NAME_CLASS\.png for each class that a picture shows'
expect "--check" 0 "$FPCORE" -c faces.ini --check
says "resolves it" '^parts = all '
says "and finds nothing wrong" 'no errors'
expect "whole masks" 0 "$FPCORE" -c whole.ini -s run.epochs=2 -s run.out=whole-run
expect "parts" 0 "$FPCORE" -c faces.ini -s run.epochs=2 -s run.out=two
two=$(run_in two) one=
cp "$(run_in whole-run)/history.csv" want
holds "measure the same" cmp want "$two/history.csv"
expect "one epoch" 0 "$FPCORE" -c faces.ini -s run.epochs=1 -s run.out=one
one=$(run_in one)
cp -r "$one" changed
expect "goes on" 0 "$FPCORE" --resume "$one" -s run.epochs=2
same "to the same bytes" "$two" "$one"
expect "the cache changes nothing" 0 "$FPCORE" -c faces.ini -s run.epochs=2 -s run.out=uncached -s dataset.cache_mb=0
holds "nothing at all" cmp "$two/history.csv" "$(run_in uncached)/history.csv"
expect "eval" 0 "$FPCORE" eval -w "$two" --native
expect "predict" 0 "$FPCORE" predict -w "$two" -o masks faces/images
holds "writes index masks" test -s masks/3.png
expect "preview" 0 "$FPCORE" preview -w "$two" -o sheet.png
expect "the audit" 0 "$FPCORE" data -c faces.ini --near 0
grep -E '^ +[0-3]  ' out >got
"$FPCORE" data -c whole.ini --near 0 | grep -E '^ +[0-3]  ' >want
holds "counts as of whole masks" cmp want got

# ---- parts that change, and such as are absent ----
mv faces/anno/0/00004_l_eye.png kept.png
expect "goes on without a part" 2 "$FPCORE" --resume changed -s run.epochs=2
says "is refused with the picture" 'with another picture or mask: 4 \(validation\)'
mv kept.png faces/anno/0/00004_l_eye.png
rm faces/anno/0/00003_*eye.png
expect "a picture without eyes" 0 "$FPCORE" data -c faces.ini --near 0
says "has none" '^ +2 +l_eye .* 11( |$)'

# ---- what is wrong is told of all files ----
cp faces/anno/0/00002_skin.png faces/anno/0/00002_beard.png
cp faces/anno/0/00002_skin.png faces/anno/2_skin.png
rm faces/anno/1/00007_*
cp faces/anno/1/00008_skin.png faces/anno/1/00099_skin.png
cp faces/images/6.png faces/anno/1/00006_skin.png
expect "the audit of flaws" 1 "$FPCORE" data -c faces.ini --near 0
says "a part of no class" '00002_beard\.png: no class is called so'
says "a part twice" 'are the same part of picture 2; remove one'
says "a picture without any" '7\.png has no mask: .*anno/7_CLASS\.png is not there'
says "parts without picture" '1/00099_skin\.png: .* has no picture of that name'
says "a part that is a picture" '00006_skin\.png: a part is black where its class is not'
says "five in all" '^flaws: 5$'
expect "training stops at the first" 1 "$FPCORE" -c faces.ini -s run.out=none
says "with its name" 'no class is called so'
exit $bad
