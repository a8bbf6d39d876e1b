#!/bin/sh
# `fpcore data --init`: layouts of pictures and masks as people have them, each made of drawn pictures. Of each the recipe is
# written, --check has nothing to say, a training runs, and a picture is predicted, without any edit.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
FPCORE_RECIPES=$FPCORE_SRC/conf
export FPCORE_RECIPES
small="-s run.epochs=1 -s dataset.size=32 -s model.dims=8,16,24,32 -s model.depths=1,1,1,1 -s model.decoder_dim=16
    -s schedule.warmup_epochs=0"

# init FOLDER: writes FOLDER.ini
init() { expect "$1: --init" 0 "$FPCORE" data --init "$1" -o "$1.ini"; }
# checks FOLDER TRAINING VALIDATION: what was written would train as it is
checks() {
    expect "$1: --check" 0 "$FPCORE" -c "$1.ini" --check
    says "$1: its pictures" "^; data: $2 training, $3 validation"
    says "$1: no warnings" '^; no errors, 0 warnings$'
}
# trains FOLDER PICTURE TRAINING VALIDATION: it does, and predicts
trains() {
    checks "$1" "$3" "$4"
    expect "$1: the audit" 0 "$FPCORE" data -c "$1.ini" --near 0
    says "$1: no flaws" '^flaws: 0$'
    # shellcheck disable=SC2086
    expect "$1: a training" 0 "$FPCORE" -c "$1.ini" $small -s run.out="runs-$1"
    expect "$1: predict" 0 "$FPCORE" predict -w "$(run_in "runs-$1")" -o "out-$1" "$2"
    holds "$1: a mask" test -s "out-$1/$(basename "${2%.*}").png"
}
# keeps FOLDER LINE: the recipe has the line
keeps() { holds "$1: $2" grep -qxF "$2" "$1.ini"; }

# ---- two folders ----
draw masks two 20
init two
says "two: a value is a label" '^3 +3  class_3 +1\.04 +20$'
trains two two/images/pic_03.png 18 2
holds "two: labels are called after values" grep -qx '3 = class_3' two.classes.ini
holds "two: pairs are asked for" grep -q '^; .*\[mirror\]' two.classes.ini
keeps two 'root = two'
expect "what is there" 2 "$FPCORE" data --init two -o two.ini
says "is left alone" 'two\.ini is there already and is left alone; -o FILE\.ini names another, --force writes over it'
expect "but for --force" 0 "$FPCORE" data --init two -o two.ini --force
expect "my.ini" 0 "$FPCORE" data --init two
holds "is the usual name" test -s my.ini -a -s my.classes.ini
expect "a recipe in the folder" 0 "$FPCORE" data --init two -o two/own.ini
holds "has the folder for its root" grep -qx 'root = .' two/own.ini
mkdir elsewhere
expect "a recipe elsewhere" 0 "$FPCORE" data --init two -o elsewhere/own.ini
expect "finds the pictures" 0 "$FPCORE" -c elsewhere/own.ini --check

# ---- pictures whose shapes a square does not bear ----
holds "two: a square bears them" sh -c '! grep -q "^fit" two.ini'
draw masks broad 20 90 40
init broad
keeps broad 'fit = pad'
holds "broad: with its reason" grep -q '^; Width through height is 2\.25 to 2\.25: squeezed' broad.ini
trains broad broad/images/pic_03.png 18 2
draw masks mixed 10 60 44
draw masks standing 10 44 60
for f in standing/*/*.png; do mv "$f" "mixed/$(basename "$(dirname "$f")")/up_$(basename "$f")"; done
init mixed
keeps mixed 'fit = pad'
holds "mixed: with its reason" grep -q '^; Width through height is 0\.73 to 1\.36: squeezed' mixed.ini

# ---- other names, binary masks, names with a suffix ----
draw binary lesions 20
mv lesions/images lesions/Imgs
mv lesions/masks lesions/GT
for f in lesions/GT/*.png; do mv "$f" "${f%.png}_segmentation.png"; done
for f in lesions/Imgs/*.png; do mv "$f" "${f%.png}.JPG"; done
init lesions
trains lesions lesions/Imgs/pic_03.JPG 18 2
keeps lesions 'map = 0:0, 255:1'
keeps lesions 'mask_suffix = _segmentation'
holds "binary masks have an object" grep -qx '1 = object' lesions.classes.ini

# ---- suffixes of both, numbers for names, a folder that has to be quoted ----
draw masks 'a b; 1' 12
for f in 'a b; 1'/images/*.png; do
    i=$(expr "$f" : '.*pic_0*\([0-9]*\)\.png')
    i=$((${i:-0} + 1))
    mv "$f" "a b; 1/images/${i}_rgb.png"
    mv "a b; 1/masks/$(basename "$f")" "a b; 1/masks/${i}_ids.png"
done
expect "quoted: --init" 0 "$FPCORE" data --init './a b; 1/' -o quoted.ini
trains quoted 'a b; 1/images/3_rgb.png' 10 2
keeps quoted 'image_suffix = _rgb'
keeps quoted 'name = a_b__1'

# ---- one folder ----
draw spread one 12
for f in one/masks/*.png; do mv "$f" "one/images/$(basename "${f%.png}")_seg.png"; done
mv one/images one/all
mv one/all/* one
rmdir one/masks one/all
init one
trains one one/pic_03.png 10 2
keeps one 'images = .'
keeps one 'mask_suffix = _seg'
keeps one 'map = 0:0, 80:1, 160:2, 240:3'

# ---- parts ----
draw eleven lapa/train 11
draw eleven lapa/val 4
draw eleven lapa/test 3
for part in train val test; do mv lapa/$part/masks lapa/$part/labels; done
init lapa
trains lapa lapa/test/images/pic_01.png 11 4
keeps lapa 'val_masks = val/labels'
keeps lapa 'test_masks = test/labels'
holds "LaPa has its names" grep -qx '10 = hair' lapa.classes.ini
holds "and pairs" grep -qx 'pair1 = 2, 3' lapa.classes.ini
draw masks other/x 8
draw masks other/y 4
mkdir other/images other/labels
mv other/x/images other/images/train
mv other/x/masks other/labels/train
mv other/y/images other/images/val
mv other/y/masks other/labels/val
rmdir other/x other/y
init other
trains other other/images/val/pic_01.png 8 4
keeps other 'masks = labels/train'
draw masks camvid/x 8
mv camvid/x/images camvid/train
mv camvid/x/masks camvid/trainannot
draw masks camvid/x 4
mv camvid/x/images camvid/val
mv camvid/x/masks camvid/valannot
rmdir camvid/x
init camvid
trains camvid camvid/val/pic_01.png 8 4
keeps camvid 'val_masks = valannot'

# ---- Pascal VOC, in the folder of its archive ----
draw void voc/VOC2012 10
mv voc/VOC2012/images voc/VOC2012/JPEGImages
mv voc/VOC2012/masks voc/VOC2012/SegmentationClass
rm voc/VOC2012/SegmentationClass/pic_09.png
mkdir -p voc/VOC2012/ImageSets/Segmentation
printf 'pic_0%d\n' 0 1 2 3 4 5 >voc/VOC2012/ImageSets/Segmentation/train.txt
printf 'pic_0%d\n' 6 7 8 >voc/VOC2012/ImageSets/Segmentation/val.txt
init voc
says "voc: the frame" '^255 +255  \(counts nowhere\) '
trains voc voc/VOC2012/JPEGImages/pic_09.png 6 3
keeps voc 'ignore_label = 255'
keeps voc 'train_list = ImageSets/Segmentation/train.txt'
holds "voc: four classes are not its 21" grep -qx '1 = class_1' voc.classes.ini

# ---- folders with the name of masks that hold something else, or masks of something else ----
# objects FOLDER N: masks of FOLDER/images that number objects, in FOLDER/masks. The colours would be classes of their own.
objects() {
    draw spread "$1/o" "$2"
    mv "$1/o/masks" "$1/SegmentationObject"
    rm -r "$1/o"
}
# beside FOLDER KIND: in FOLDER a file NAME.KIND for each of its pictures
beside() {
    mkdir -p "$1"
    for i in 0 1 2 3 4 5 6 7 8; do echo "0 0.5 0.5 0.1 0.1" >"$1/pic_0$i.$2"; done
}
# vocfull FOLDER: as the archive has it, with 9 pictures, 5 of them to train and 2 to validate
vocfull() {
    draw void "$1" 9
    mv "$1/images" "$1/JPEGImages"
    mv "$1/masks" "$1/SegmentationClass"
    objects "$1" 9
    beside "$1/Annotations" xml
    mkdir -p "$1/ImageSets/Segmentation" "$1/ImageSets/Main"
    printf 'pic_0%d\n' 0 1 2 3 4 >"$1/ImageSets/Segmentation/train.txt"
    printf 'pic_0%d\n' 5 6 >"$1/ImageSets/Segmentation/val.txt"
    printf 'pic_0%d\n' 0 1 2 3 4 5 6 >"$1/ImageSets/Segmentation/trainval.txt"
}
vocfull vocfull
init vocfull
trains vocfull vocfull/JPEGImages/pic_08.png 5 2
keeps vocfull 'masks = SegmentationClass'
keeps vocfull 'images = JPEGImages'
keeps vocfull 'val_list = ImageSets/Segmentation/val.txt'
# What is chosen by the number of pictures goes by those of the lists: with 8 of all 9 the batch would be 2.
keeps vocfull 'batch = 5'
keeps vocfull '; 5 training pictures make 1 step of an epoch.'
holds "vocfull: the lists' pictures are counted" grep -q '^; .* train (5) and which validate (2)\.' vocfull.ini
# Annotations of one's own in PNG, of other things than classes, have the same names.
vocfull vocpng
cp vocpng/SegmentationObject/* vocpng/Annotations
init vocpng
keeps vocpng 'masks = SegmentationClass'
# labelme writes arrays into SegmentationClass, and masks beside it.
vocfull labelme
mv labelme/SegmentationClass labelme/SegmentationClassPNG
beside labelme/SegmentationClass npy
init labelme
checks labelme 5 2
keeps labelme 'masks = SegmentationClassPNG'
# Lists as dataset/folder reads them; and such as it does not: of pictures that are not here, twice, of none.
vocfull lists
printf '# ours\n\n pic_00.png \t\npic_01\r\npic_02\npic_03\npic_04' >lists/ImageSets/Segmentation/train.txt
init lists
checks lists 5 2
rm lists/SegmentationClass/pic_03.png
init_again() { expect "lists: $1" 0 "$FPCORE" data --init lists -o lists.ini --force; }
init_again "a mask is gone"
says "lists: are left alone" 'Pascal VOC: JPEGImages, SegmentationClass; its lists are left alone, as line 6 of ImageSets/Segmentation/train\.txt names no picture that has a mask here\.$'
checks lists 7 1
printf 'pic_00\npic_05\n' >lists/ImageSets/Segmentation/train.txt
init_again "in both"
says "lists: in both" 'left alone, as line 1 of ImageSets/Segmentation/val\.txt names a picture a second time'
printf '\n' >lists/ImageSets/Segmentation/val.txt
init_again "of none"
says "lists: of none" 'left alone, as no name is in ImageSets/Segmentation/val\.txt'
rm lists/ImageSets/Segmentation/val.txt
init_again "one alone"
says "lists: one alone" 'there is no ImageSets/Segmentation/val\.txt\.$'
keeps lists 'train_list = lists.train.txt'

# YOLO: labels/ has a text for each picture.
draw masks yolo 9
mv yolo/masks yolo/gt
beside yolo/labels txt
init yolo
checks yolo 8 1
keeps yolo 'masks = gt'
for part in train val; do
    draw masks yoloparts/$part 9
    mkdir -p yoloparts/images yoloparts/gt
    mv yoloparts/$part/images yoloparts/images/$part
    mv yoloparts/$part/masks yoloparts/gt/$part
    beside yoloparts/labels/$part txt
    rmdir yoloparts/$part
done
init yoloparts
checks yoloparts 9 9
keeps yoloparts 'masks = gt/train'
# A second kind of masks, which is in one part alone or has more of a part, is not that of another.
draw spread yoloparts/o 9
rm -r yoloparts/labels/val
mv yoloparts/o/masks yoloparts/labels/val
rm -r yoloparts/o yoloparts/gt/val/pic_07.png yoloparts/images/val/pic_07.png yoloparts/gt/val/pic_08.png
expect "yoloparts: other masks" 0 "$FPCORE" data --init yoloparts -o yoloparts.ini --force
keeps yoloparts 'val_masks = gt/val'
# train beside train_labels, which holds texts, and train_gt
draw masks around/x 9
mv around/x/images around/train
mv around/x/masks around/train_gt
beside around/train_labels txt
rmdir around/x
init around
keeps around 'masks = train_gt'

# COCO: annotations/ has one text for all.
draw masks coco 9
mv coco/masks coco/gt
mkdir coco/annotations
echo '{"images": []}' >coco/annotations/instances.json
init coco
checks coco 8 1
keeps coco 'masks = gt'
# Several folders of pictures as well: small ones for a page.
draw masks thumbs 9
mv thumbs/images thumbs/photos
mkdir thumbs/images
cp thumbs/photos/pic_00.png thumbs/images
init thumbs
keeps thumbs 'images = photos'

# Two masks of a picture in one folder: classes, and numbers of objects.
draw masks cities 9
for f in cities/masks/*.png; do
    cp "$f" "${f%.png}_instance.png"
    cp "$f" "${f%.png}_overlay.jpg"
    mv "$f" "${f%.png}_semantic.png"
done
init cities
keeps cities 'mask_suffix = _semantic'

# ---- masks in parts ----
draw parts cut 12
init cut
says "cut: the larger part first" '^1 +1  skin '
trains cut cut/images/pic_03.png 10 2
keeps cut 'parts = all'
keeps cut 'masks = parts'
holds "cut: classes are called after the parts" grep -qx '1 = skin' cut.classes.ini
holds "cut: with their pairs" grep -qE '^pair1 = (2, 3|3, 2)$' cut.classes.ini
draw masks cut/whole 12
# table OPTION...: the audit's rows of classes
table() { "$FPCORE" data -c cut.ini --near 0 "$@" 2>&1 | grep -E '^ +[0-3]  '; }
table >got
table -s dataset.masks=whole/masks -s dataset.parts= >want
holds "cut: the labels of whole masks" sh -c 'test -s want && cmp want got'
rm cut/parts/pic_05_l_eye.png
expect "cut: an eye is absent" 0 "$FPCORE" data --init cut -o cut.ini --force
table >got
holds "cut: in one picture" grep -qE '^ +2  +l_eye +[0-9.]+ +11 ' got
# as CelebAMask-HQ comes, in the folder of its archive; a picture has no parts
hq=faces/CelebAMask-HQ
mkdir -p $hq/CelebA-HQ-img $hq/CelebAMask-HQ-mask-anno/0 $hq/CelebAMask-HQ-mask-anno/1
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
    p=$(printf %02d $i)
    cp cut/images/pic_$p.png $hq/CelebA-HQ-img/$i.png
    for part in skin nose l_brow r_brow hair neck cloth mouth u_lip l_lip; do
        [ $i = 9 ] || cp cut/parts/pic_${p}_skin.png "$hq/CelebAMask-HQ-mask-anno/$((i / 6))/000${p}_$part.png"
    done
    for part in l_eye r_eye; do
        [ $i = 9 ] || [ ! -e cut/parts/pic_${p}_$part.png ] ||
            cp cut/parts/pic_${p}_$part.png "$hq/CelebAMask-HQ-mask-anno/$((i / 6))/000${p}_$part.png"
    done
done
init faces
says "faces: their labels are those of the known set" '^[0-9]+ +13  hair '
says "faces: one picture has none" '^11 pictures with masks, 1 without$'
expect "faces: --check" 0 "$FPCORE" -c faces.ini --check # each part hides the one before: it warns of classes without pixels
says "faces: its pictures" '^; data: 9 training, 2 validation'
# shellcheck disable=SC2086
expect "faces: a training" 0 "$FPCORE" -c faces.ini $small -s run.out=runs-faces
expect "faces: predict" 0 "$FPCORE" predict -w "$(run_in runs-faces)" -o out-faces $hq/CelebA-HQ-img/9.png
holds "faces: a mask" test -s out-faces/9.png
holds "faces: and its pairs" grep -q ' = 4, 5$' faces.classes.ini
keeps faces 'masks = CelebAMask-HQ-mask-anno'
# Two kinds of whole masks are no parts, nor are those of pictures whose names go on.
draw masks kinds 9
for f in kinds/masks/*.png; do
    cp "$f" "${f%.png}_fine.png"
    mv "$f" "${f%.png}_coarse.png"
done
init kinds
holds "kinds: are no parts" sh -c '! grep -q "^parts" kinds.ini'
draw binary goes_on 9
for d in images masks; do
    mv goes_on/$d/pic_00.png goes_on/$d/pic.png
done
init goes_on
holds "goes_on: are no parts" sh -c '! grep -q "^parts" goes_on.ini'
keeps goes_on 'map = 0:0, 255:1'

# ---- pictures without masks ----
draw masks some 12
rm some/masks/pic_04.png some/masks/pic_07.png
init some
says "some: are counted" '^10 pictures with masks, 2 without$'
trains some some/images/pic_04.png 8 2
keeps some 'train_list = some.train.txt'

# in sets whose parts have folders of their own each part has its list; one that is whole needs none
for part in train val test; do draw masks holes/$part 9; done
rm holes/train/masks/pic_04.png holes/val/masks/pic_07.png holes/test/masks/pic_00.png holes/test/masks/pic_01.png
init holes
says "holes: are counted" '^23 pictures with masks, 4 without$'
trains holes holes/train/images/pic_04.png 8 8
keeps holes 'train_list = holes.train.txt'
keeps holes 'val_list = holes.val.txt'
keeps holes 'test_list = holes.test.txt'
holds "holes: a list has those with a mask" sh -c 'test "$(wc -l <holes.test.txt)" = 7 && ! grep -q pic_07 holes.val.txt && grep -q pic_04 holes.val.txt'
cp holes/train/masks/pic_03.png holes/train/masks/pic_04.png
rm holes.*
init holes
holds "holes: the training is whole" test ! -e holes.train.txt -a -e holes.val.txt
checks holes 9 8

# ---- lists of many ----
# What is written grows with the names, and not with their square.
draw long long 1500
rm long/masks/pic_04n*.png
if [ "$san" ]; then echo "# lists of many: not under a sanitizer, which takes all addresses"; else
    expect "long: --init in 120 MB" 0 sh -c 'ulimit -v 120000 && exec "$FPCORE" data --init long -o long.ini'
    says "long: all are paired" '^1499 pictures with masks, 1 without$'
    holds "long: the lists have all" test "$(cat long.train.txt long.val.txt | sort -u | wc -l)" = 1499
fi

# ---- colours ----
draw colours rgb 12
init rgb
says "rgb: are named" '^#146428|^#14c828 +'
trains rgb rgb/images/pic_03.png 10 2
holds "rgb: stand in the palette" grep -q '= 230, 30, 30$' rgb.classes.ini
draw voc vocrgb 12
init vocrgb
says "vocrgb: those of a known set have its names" '^#800000 +1  aeroplane '
says "vocrgb: with what counts nowhere" '^#e0e0c0 +255  \(counts nowhere\) '
keeps vocrgb 'ignore_colour = 224, 224, 192'
expect "vocrgb: the audit" 0 "$FPCORE" data -c vocrgb.ini --near 0
says "vocrgb: no flaws" '^flaws: 0$'
# Of colours a mask has few, though all together have many.
draw tints tints 20
init tints
says "tints: 80 colours in 20 masks" '^#130064 +76  class_76 .* 1$'
draw tints toomany 80
expect "toomany: 320 colours" 1 "$FPCORE" data --init toomany -o toomany.ini
says "toomany: is said with the mask that goes too far" \
    'masks/pic_64\.png: with this mask there are more than 256 different colours in the 65 masks up to it; there are at most 256 classes'
sed 's/^ignore_colour.*//' vocrgb.ini >strict.ini
expect "vocrgb: without it" 1 "$FPCORE" data -c strict.ini --near 0
says "vocrgb: the colour is refused with its place" \
    'masks/pic_00\.png: colour 224, 224, 192 at x 0, y 0 is that of no class'

# ---- what is not known ----
mkdir -p strange/left strange/right
cp two/images/pic_00.png strange/left
: >strange/notes.txt
expect "no masks" 1 "$FPCORE" data --init strange
says "is said with what was found" 'strange: .*Found: 0 pictures .*1 other files \(notes\.txt\), left/ with 1 pictures'
says "and what is known" 'Known are: images/ and masks/'
expect "no folder" 1 "$FPCORE" data --init nowhere
says "is said" 'nowhere: the folder of pictures cannot be read: No such file'
draw smooth smooth 4
expect "smoothed masks" 1 "$FPCORE" data --init smooth -o smooth.ini
says "are refused" 'masks/pic_00\.png: the mask holds more than 64 different values, as one does that was smoothed'
holds "and nothing is written" test ! -e smooth.ini
draw masks pair 2
expect "two pictures" 2 "$FPCORE" data --init pair -o pair.ini
says "are too few" 'pair: 2 pictures with a mask; a training needs three at least'
expect "--init with a recipe" 2 "$FPCORE" data --init two -c two.ini
says "is refused" '--init two: it goes with -o and --force alone'
expect "--init with -s" 2 "$FPCORE" data --init two -s dataset.size=64 -o overridden.ini
says "is refused, too" '--init two: -s dataset\.size=64 changes a recipe, and this one is not written yet; --init goes with -o'
holds "and nothing is written" test ! -e overridden.ini

# ---- classes of known sets ----
expect "-l classes" 0 "$FPCORE" -l classes
says "lists them with their number" '^  camvid11 +11  '
for set in celebamask19 voc21 cityscapes19 lapa11 helen11 isic2 drive2 camvid11; do
    says "$set" "^  $set +[0-9]+  "
done
exit $bad
