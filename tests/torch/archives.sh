#!/bin/sh
# Weights of PyTorch wherever a weights file is wanted: predictions, evaluations and trainings by ckpt.pth are those by
# the safetensors file that it was made of. Where FPCORE_PYTHON (python3) has torch, what its torch.save writes now is
# read as the files of make.py beside this are.
# shellcheck source=../cli/lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=../cli/lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
python=${FPCORE_PYTHON:-python3}
make=$FPCORE_SRC/tests/torch/make.py
draw images ds 2

expect "a training" 0 "$FPCORE" -c tiny.ini -s run.epochs=1
run=$(run_in runs)
expect "its network as PyTorch's" 0 "$FPCORE" export -w "$run" --torch net
expect "weights without a recipe" 2 "$FPCORE" predict -w net/ckpt.pth -o none ds/images
says "ask for one" 'ckpt.pth: these weights do not hold their recipe'
expect "with one they predict" 0 "$FPCORE" predict -c tiny.ini -w net/ckpt.pth -o by_torch ds/images
says "and what was read is told" 'ckpt.pth: the [0-9]* tensors of "state_dict" are read'
expect "as do the run's" 0 "$FPCORE" predict -c tiny.ini -w "$run/best.safetensors" -o by_run ds/images
holds "to the same masks" diff -r by_torch by_run
expect "they are measured" 0 "$FPCORE" eval -c tiny.ini -w net/ckpt.pth
grep -v net/ckpt out >measured
expect "as the run's are" 0 "$FPCORE" eval -c tiny.ini -w "$run/best.safetensors"
grep -v best.safetensors out >out2
holds "with the same scores" sh -c '[ "$(grep -o "0\.[0-9]*" measured)" = "$(grep -o "0\.[0-9]*" out2)" ] && grep -q "0\.[0-9]" measured'
expect "a training starts from them" 0 "$FPCORE" -c tiny.ini -s run.out=from -s run.epochs=1 -s run.init_from=net/ckpt.pth
says "and says how many" '[0-9]* tensors taken'
expect "and from the run's" 0 "$FPCORE" -c tiny.ini -s run.out=same -s run.epochs=1 -s run.init_from="$run/best.safetensors"
same_weights() { cmp "$(run_in from)/history.json" "$(run_in same)/history.json"; }
holds "to the same numbers" same_weights
expect "show tells the tensors" 0 "$FPCORE" show net/ckpt.pth
says "by name and size" 'tensors '

if "$python" "$make" has 2>/dev/null && [ -x "$FPCORE_BUILD/tests/torch/test_archive" ]; then
    mkdir made
    expect "PyTorch writes such files" 0 "$python" "$make" made
    expect "they are read" 0 env FPCORE_TORCH_FILES="$(pwd)/made" "$FPCORE_BUILD/tests/torch/test_archive"
else
    echo "ok what PyTorch writes is read # SKIP $python has no torch (FPCORE_PYTHON names another), or cmocka is missing"
fi
if "$python" "$FPCORE_SRC/tests/torch/huggingface.py" has 2>/dev/null && [ -x "$FPCORE_BUILD/tests/torch/test_names" ]; then
    mkdir named
    cp "$FPCORE_SRC/tests/torch/kinds.pth" named
    expect "transformers writes weights" 0 "$python" "$FPCORE_SRC/tests/torch/huggingface.py" named
    expect "they give its logits" 0 env FPCORE_TORCH_FILES="$(pwd)/named" "$FPCORE_BUILD/tests/torch/test_names"
else
    echo "ok what transformers writes is read # SKIP $python has no transformers (FPCORE_PYTHON names another), or cmocka is missing"
fi
exit $bad
