#!/bin/sh
# Every verb's output on drawn data fits 80 columns, but for paths, commands to copy and the names that a person chose;
# and one of a thing is not called by its plural.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
# shellcheck source=lib_pictures.sh
. "$FPCORE_SRC/tests/cli/lib_pictures.sh"
unset COLUMNS

# Names of a usual length: recipes that differ, a seed each.
sed -e 's/^name = .*/name = lmsa_dice_warm_restart/' -e 's/^use = ref/use = cpu/' -e 's/^val = 6/val = 6\ntest = 3/' tiny.ini >first.ini
cat >>first.ini <<'END_OF'

[metric.f1]
use = f1_class

[metric.f_image]
use = fscore_image

[logger.history]
use = history
END_OF
sed -e 's/^weight = 1.5/weight = 1.7/' -e 's/^lr = 2e-3/lr = 0.00123/' first.ini >second.ini
sed -e 's/^use = cosine/use = warm_restarts\nt_0 = 1/' first.ini >third.ini

# fits WHAT COMMAND...: runs it; its standard output is kept in `told` too
fits() {
    what=$1
    shift
    "$FPCORE" "$@" >out 2>err || { cat err >>out && not_ok "$what ends well" out; }
    cat out >>told
    # a path or a command to copy is not broken, nor a comment of a recipe; awk counts bytes
    sed -e 's/σ/x/g' -e 's/Δ/x/g' -e 's/±/x/g' out |
        awk 'length($0) > 80 && !/(^|[ :;])[^ ]*\/[^ ]*\.[a-z]+/ && !/^ *fpcore / && !/^; warning: / { print length($0) ": " $0 }' >wide
    [ -s wide ] && not_ok "$what fits 80 columns" wide || ok "$what fits 80 columns"
}
fits training -c first.ini
fits "another" -c second.ini
fits "a third" -c third.ini
fits "a fourth" -c first.ini -s run.seed=4
run=$(find runs -mindepth 1 -maxdepth 1 | sort | head -n 1)
fits "sweep" sweep -c first.ini --grid loss.dice.weight=1.25,1.5 --grid optimizer.lr=0.001,0.0015 --seeds 2 -s run.epochs=1 --out s
fits "sweep --dry-run" sweep -c first.ini --grid loss.dice.weight=1.25,1.5 --seeds 3 -s run.epochs=1 --out s --dry-run
fits "analyze of one run" analyze "$run"
fits "analyze of several" analyze runs --details
fits "analyze of a sweep" analyze s
fits "compare" compare runs
fits "compare of a sweep" compare s
fits "compare --by" compare s --by loss.dice.weight
fits "data" data -c first.ini
fits "data with one picture" data -c first.ini -s dataset.train=1 -s dataset.val=1 -s dataset.test=1 -s dataset.batch=1
fits "eval" eval -c first.ini -w "$run/best.safetensors"
fits "eval --flip" eval -c first.ini -w "$run/best.safetensors" --flip --native
fits "bench" bench -c first.ini --size 32 --steps 1
fits "bench of one" bench -c first.ini --size 32 --steps 1 --batch 1 --ops
fits "bench --against" bench -c first.ini --size 32 --steps 1 --rounds 1 --against "run.precision=bf16 backend.threads=1"
fits "show" show "$run/best.safetensors"
fits "show --tensors" show "$run" --tensors
fits "show of a run" show "$run"
fits "model" model -c first.ini
fits "model --nodes" model -c first.ini --nodes
fits "lr" lr -c first.ini
fits "preview" preview -c first.ini -n 1 -o sheet.png
fits "predict" predict -c first.ini -w "$run/best.safetensors" -o masks sheet.png
fits "submit" submit -c first.ini -w "$run/best.safetensors" -o sub.zip
fits "describe" -h run.ema
draw masks two 20
fits "data --init" data --init two
fits "check" -c first.ini --check
fits "model --groups" model -c first.ini --groups
fits "export" export -w "$run" --onnx network_of_a_name_that_is_longer.onnx
fits "export --torch" export -w "$run" --torch network_of_a_name_that_is_longer

grep -vE ' [+] 1 ' told | grep -nE '(^|[^0-9.,-])1 (further )?[a-z]*(classes|epochs|files|flaws|images|masks|ones|pairs|parameters|pictures|pixels|recipes|runs|samples|seeds|settings|steps|tasks|values|warnings)([^a-z]|$)' >plurals
[ -s plurals ] && not_ok "one is not many" plurals || ok "one is not many"
exit $bad
