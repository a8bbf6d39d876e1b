#!/bin/sh
# Ten layouts as people have them, each made of the same drawn pictures: `fpcore data --init`, a training, a prediction, with
# no edit by hand, and the masks that come out show the right classes in the right places.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
FPCORE_RECIPES=$FPCORE_SRC/conf
export FPCORE_RECIPES
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $san "$FPCORE_SRC/tests/seg/raw.c" -I"$FPCORE_SRC/include" -L"$FPCORE_BUILD/.libs" -lfpcore \
    -Wl,-rpath,"$FPCORE_BUILD/.libs" -o raw || exit 1
draw masks truth 12
# A network that learns four colours in a second.
small="-s dataset.size=40x48 -s dataset.batch=2 -s run.epochs=20 -s model.use=unet -s model.width=4 -s optimizer.lr=1e-2
    -s schedule.use=constant -s schedule.warmup_epochs=0 -s loss.ce.class_weight_preset=sqrt -s backend.threads=1"

# learns LAYOUT FOLDER PICTURE NUMBER LABELS: the recipe for FOLDER, a training by it, and the mask of the PICTURE, which is
# that of pic_NUMBER; LABELS: by what was drawn (ground, disc, two dots) what it is called there
learns() {
    what=$1 folder=$2 picture=$3 number=$4 labels=$5
    name=$(basename "$folder")
    expect "$what: --init" 0 "$FPCORE" data --init "$folder" -o "$name.ini"
    # shellcheck disable=SC2086
    expect "$what: a training" 0 "$FPCORE" -c "$name.ini" $small -s run.out="runs-$name"
    expect "$what: predict" 0 "$FPCORE" predict -w "$(run_in "runs-$name")" -o "out-$name" "$picture"
    for mask in "out-$name"/*.png "truth/masks/pic_$number.png"; do
        ./raw mask "$mask" bytes && od -An -v -tu1 -w1 bytes >"$(dirname "$mask" | tr / -).txt"
    done
    paste "out-$name.txt" truth-masks.txt | awk -v labels="$labels" 'BEGIN { split(labels, to, " ") }
        { want = to[$2 + 1]; n[want]++; hit[want] += $1 == want; all += $1 == want }
        END { bad = all < 0.9 * NR
              for (c in n) { printf "label %d: %d of %d pixels\n", c, hit[c], n[c]; bad = bad || hit[c] < 0.6 * n[c] }
              exit bad }' >out && ok "$what: the right classes" || not_ok "$what: the right classes" out
}
# move FROM TO: a folder, into one that may not be there yet
move() { mkdir -p "$(dirname "$2")" && mv "$1" "$2"; }

draw masks two 12
learns "two folders" two two/images/pic_03.png 03 "0 1 2 3"

draw binary lesions 12
move lesions/images lesions/Imgs
move lesions/masks lesions/GT
for f in lesions/GT/*.png; do mv "$f" "${f%.png}_segmentation.png"; done
learns "black and white, with a suffix" lesions lesions/Imgs/pic_04.png 04 "0 1 1 1"

draw masks both 12
for f in both/images/*.png; do
    mv "$f" "${f%.png}_rgb.png"
    mv "both/masks/$(basename "$f")" "both/masks/$(basename "${f%.png}")_ids.png"
done
learns "suffixes of both" both both/images/pic_05_rgb.png 05 "0 1 2 3"

draw spread one 12
for f in one/masks/*.png; do mv "$f" "one/images/$(basename "${f%.png}")_seg.png"; done
mv one/images/* one
rmdir one/images one/masks
learns "one folder, values from 0 to 240" one one/pic_06.png 06 "0 1 2 3"

for part in train val test; do
    draw masks inner/$part 10
    move inner/$part/masks inner/$part/labels
done
learns "train, val and test" inner inner/test/images/pic_07.png 07 "0 1 2 3"

for part in train val; do
    draw masks x 10
    move x/images outer/images/$part
    move x/masks outer/labels/$part
done
learns "images/train and labels/train" outer outer/images/val/pic_08.png 08 "0 1 2 3"

for part in train val; do
    draw masks x 10
    move x/images camvid/$part
    move x/masks camvid/${part}annot
done
learns "train and trainannot" camvid camvid/val/pic_09.png 09 "0 1 2 3"

draw void voc/VOC2012 12
move voc/VOC2012/images voc/VOC2012/JPEGImages
move voc/VOC2012/masks voc/VOC2012/SegmentationClass
mkdir -p voc/VOC2012/ImageSets/Segmentation
printf 'pic_%02d\n' 0 1 2 3 4 5 6 7 >voc/VOC2012/ImageSets/Segmentation/train.txt
printf 'pic_%02d\n' 8 9 >voc/VOC2012/ImageSets/Segmentation/val.txt
learns "Pascal VOC, with a frame that counts nowhere" voc voc/VOC2012/JPEGImages/pic_10.png 10 "0 1 2 3"

draw colours rgb 12
learns "colours, in the order of their numbers" rgb rgb/images/pic_11.png 11 "0 2 1 3"

draw parts faces 12
mkdir faces/parts/0 faces/parts/1
mv faces/parts/pic_0[0-5]* faces/parts/0
mv faces/parts/pic_* faces/parts/1
learns "masks in parts" faces faces/images/pic_02.png 02 "0 1 2 3"
exit $bad
