#!/bin/sh
# fpcore export --onnx --int8: every model and variant in whole numbers of eight bits, what is printed of the loss, what
# is refused, equal bytes. Where FPCORE_PYTHON (python3) has onnx and onnxruntime, the files are run and held against what
# fpcore says of them; where it has openvino, that opens one.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
cd "$scratch" || exit 1
python=${FPCORE_PYTHON:-python3}
golden=$FPCORE_SRC/tests/golden
agrees=$FPCORE_SRC/tests/cli/onnx_int8_agrees.py
if "$python" "$FPCORE_SRC/tests/cli/onnx_agrees.py" has 2>/dev/null; then runs=1; else runs=0; fi

# ---- every model, at the sizes of the golden tensors ----

# Random weights, not trained ones: labels are decided by little, so fewer of them stay than in a network of use.
# shellcheck source=lib_networks.sh
. "$FPCORE_SRC/tests/cli/lib_networks.sh"
cat >data.ini <<END
include = $golden/golden.ini
[dataset]
use = synthetic
train = 6
val = 4
batch = 2
END
while read -r name sizes settings; do
    size=${sizes%%,*} weights=$golden/$name.weights.safetensors
    # shellcheck disable=SC2086
    set -- $settings
    for setting; do
        set -- "$@" -s "$setting"
        shift
    done
    expect "$name, by its data set" 0 "$FPCORE" export -c data.ini -w "$weights" "$@" --size 64 --int8 --batch 2 \
        --output logits --onnx "$name.two.onnx"
    says "tells how much" '^'"$name"'\.two\.onnx: [0-9]+ of [0-9]+ products in int8, by the ranges of 6 pictures'
    says "what stays" '^int8 keeps the labels of [0-9.]+ % of the pixels of 4 validation'
    says "and what F loses" '^f_score: fp32 [0-9.]+, int8 [0-9.]+, lost -?[0-9.]+$'
    [ $runs = 1 ] || continue
    "$python" "$agrees" pictures "$name.pictures" "$size"
    expect "$name, by a folder" 0 "$FPCORE" export -c "$golden/golden.ini" -w "$weights" "$@" --size "$size" --int8 \
        --batch free --calibrate "$name.pictures" --onnx "$name.int8.onnx"
    cp out "$name.said"
    says "tells why F is not there" '^the loss in F is not measured: '
    expect "the same in fp32" 0 "$FPCORE" export -c "$golden/golden.ini" -w "$weights" "$@" --size "$size" --batch free \
        --onnx "$name.fp32.onnx"
    "$python" "$agrees" compare "$name" "$size" >agreed 2>&1
    cat agreed
    ! grep -q '^not ok' agreed || bad=1
done <models
if [ $runs = 0 ]; then
    echo "ok ONNX Runtime agrees # SKIP $python has no onnx and onnxruntime (FPCORE_PYTHON names another)"
elif "$python" -c "import openvino" 2>/dev/null; then
    holds "OpenVINO opens it" "$python" -c "import openvino; openvino.Core().compile_model('unet.int8.onnx', 'CPU')"
else
    echo "ok OpenVINO opens it # SKIP $python has no openvino"
fi

# ---- bytes, files, words ----

net="-c data.ini -w $golden/tiny.weights.safetensors --size 64"
for setting in model.use=microsegformer $tiny; do
    net="$net -s $setting"
done
# shellcheck disable=SC2086
int8() {
    "$FPCORE" export $net --int8 "$@"
}
expect "by one thread" 0 int8 -s backend.threads=1 --onnx one.onnx
expect "by two" 0 int8 -s backend.threads=2 --onnx two.onnx
holds "come the same bytes" cmp one.onnx two.onnx
expect "and again" 0 int8 --onnx two.onnx
holds "the same" cmp one.onnx two.onnx
holds "the file says what it is" grep -qaF '{"weights":"int8 by output channel","activations":"uint8","pictures":6}' one.onnx
# shellcheck disable=SC2086
"$FPCORE" export $net --onnx real.onnx >out 2>&1
holds "whole numbers are in it" sh -c 'grep -qa QuantizeLinear one.onnx && grep -qa DequantizeLinear one.onnx'
holds "fp32 has nothing of it" sh -c '! grep -qa QuantizeLinear real.onnx'

# ---- what is refused ----

# shellcheck disable=SC2086
expect "--int8 without --onnx" 2 "$FPCORE" export $net --int8 --torch net
says "is refused" 'fpcore export: --int8 is for --onnx FILE, which is not given$'
# shellcheck disable=SC2086
expect "--calibrate without --int8" 2 "$FPCORE" export $net --onnx no.onnx --calibrate .
says "is refused" 'fpcore export: --calibrate gives pictures to --int8, which is not given$'
mkdir empty
expect "a folder without pictures" 1 int8 --onnx no.onnx --calibrate empty
says "is refused" 'empty: holds no pictures \(\.jpg, \.jpeg, \.png\)$'
expect "one that is not there" 1 int8 --onnx no.onnx --calibrate nowhere
says "is refused" 'nowhere: No such file or directory$'
mkdir broken && echo "no picture" >broken/face.png
expect "a picture that cannot be read" 1 int8 --onnx no.onnx --calibrate broken
says "is told by its name" 'broken/face\.png: '
expect "a data set without training pictures" 2 int8 --onnx no.onnx -s dataset.train=0
says "is refused" 'export --int8: no calibration pictures: the data set has no training part; --calibrate FOLDER takes pictures'
holds "and nothing is written" test ! -e no.onnx
exit $bad
