#!/bin/sh
# What a recipe may ask for, on the backend cuda, on the host: an epoch of two steps each, whose losses are those of cpu
# but for rounding: every augmentation, model, loss, optimizer, and what goes on around a step. In half precision: near.
# shellcheck source=tests/emulated/lib_emulated.sh
. "$FPCORE_SRC/tests/emulated/lib_emulated.sh"

if [ $sanitized = 1 ]; then
    echo "ok skipped: the same kernels run in ops.sh and train.sh # SKIP"
    exit 77
fi
sed -i -e 's/^epochs = .*/epochs = 1/' -e 's/^train = .*/train = 8/' -e 's/^val = .*/val = 4/' \
    -e 's/cosine/constant/' tiny.ini
sed '/^\[model\]/,/^$/d' tiny.ini >bare.ini
# compared NAME BOUND LINES [KEY=VALUE...]: LINES are added to a small recipe; the values hold for cuda_emulated only
compared() {
    case=$1
    bound=$2
    {
        case $3 in
        *'[model]'*) echo 'include = bare.ini' ;;
        *) echo 'include = tiny.ini' ;;
        esac
        printf '%b\n' "$3"
    } >"$case.ini"
    shift 3
    for pair; do
        shift
        set -- "$@" -s "$pair"
    done
    expect "$case on cpu" 0 "$FPCORE" -c "$case.ini" -s backend.use=cpu -s run.out="$case.cpu"
    expect "$case" 0 "$FPCORE" -c "$case.ini" -s backend.use=cuda_emulated -s run.out="$case" "$@"
    near "$case agrees" "$bound" "$case.cpu" "$case"
}

for file in "$FPCORE_SRC"/conf/augment_*.ini; do
    compared "$(basename "$file" .ini)" 1e-5 "$(grep -v -e '^;' -e '^include' "$file")"
done
compared unet 1e-5 '[model]\nuse = unet\nwidth = 4\n'
compared segformer_b0 1e-5 '[model]\nuse = segformer_b0\ndims = 8,12,16,20\nheads = 1,2,4,5\ndepths = 1,1,1,1\n'
bise='use = bisenetv2\ndetail = 4,6,8\nsemantic = 4,6,6,8\naggregation = 6\nhead = 8\nexpansion = 2'
compared bisenetv2 1e-4 "[model]\n$bise\n[dataset]\nsize = 64\n" # at 32 its norms are over four numbers
for loss in focal tversky lovasz_softmax ohem_cross_entropy boundary; do
    compared $loss 1e-5 "[loss.more]\nuse = $loss\n"
done
for optimizer in adam sgd lion; do
    compared $optimizer 1e-5 "[optimizer]\nuse = $optimizer\n"
done
compared sam 1e-5 '[optimizer]\nsam = 0.05\n'
compared accumulate 1e-5 '[run]\naccumulate = 2\n[dataset]\nbatch = 2\n'
compared averages 1e-5 '[run]\nema = 0.9\nswa_start = 1\n'
compared unet_in_bf16 0.01 '[model]\nuse = unet\nwidth = 4\n' run.precision=bf16
compared unet_in_fp16 0.01 '[model]\nuse = unet\nwidth = 4\n' run.precision=fp16
compared losses_in_bf16 0.02 '[loss.b]\nuse = boundary\n[loss.l]\nuse = lovasz_softmax\n' run.precision=bf16
compared sam_in_fp16 0.01 '[optimizer]\nsam = 0.05\n[run]\naccumulate = 2\n' run.precision=fp16
exit $bad
