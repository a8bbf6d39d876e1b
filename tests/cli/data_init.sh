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
# trains FOLDER PICTURE TRAINING VALIDATION: what was written trains as it is, and predicts
trains() {
    expect "$1: --check" 0 "$FPCORE" -c "$1.ini" --check
    says "$1: its pictures" "^; data: $3 training, $4 validation"
    says "$1: no warnings" '^; no errors, 0 warnings$'
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

# ---- pictures without masks ----
draw masks some 12
rm some/masks/pic_04.png some/masks/pic_07.png
init some
says "some: are counted" '^10 pictures with masks, 2 without$'
trains some some/images/pic_04.png 8 2
keeps some 'train_list = some.train.txt'

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

# ---- classes of known sets ----
expect "-l classes" 0 "$FPCORE" -l classes
says "lists them with their number" '^  camvid11 +11  '
for set in celebamask19 voc21 cityscapes19 lapa11 helen11 isic2 drive2 camvid11; do
    says "$set" "^  $set +[0-9]+  "
done
exit $bad
