#!/bin/sh
# Every loss in a training: alone, together, over mixed pictures and with accumulation; weights of classes computed from
# the training masks, and what is said where that cannot be.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

sed '/^\[loss/,/^$/d' tiny.ini >base.ini
# recipe NAME LINES: tiny.ini with these losses instead of its own, two epochs of two steps
recipe() {
    {
        echo 'include = base.ini'
        printf '[run]\nepochs = 2\nname = %s\n[dataset]\ntrain = 8\nval = 4\n[backend]\nuse = cpu\n%b' "$1" "$2"
    } >"$1.ini"
}
# value of the last epoch: column FILE NAME
column() {
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i } END { print $c }' "$1"
}

for loss in tversky lovasz_softmax ohem_cross_entropy boundary; do
    recipe $loss "[loss.term]\nuse = $loss\n"
    expect "$loss trains alone" 0 "$FPCORE" -c $loss.ini -s run.out=$loss
    holds "$loss leaves a number" sh -c 'echo "$1" | grep -qE "^-?[0-9]"' sh "$(column "$(run_in $loss)/history.csv" val_loss)"
done

all='[loss.ce]\nuse = cross_entropy\nclass_weight_preset = sqrt\n[loss.dice]\nuse = dice\n[loss.focal]\nuse = focal\n[loss.tversky]\nuse = tversky\ngamma = 1.33\n[loss.lovasz]\nuse = lovasz_softmax\n[loss.ohem]\nuse = ohem_cross_entropy\nclass_weight_preset = median\n[loss.boundary]\nuse = boundary\nweight = 0.5\n'
recipe together "$all"
expect "all losses together" 0 "$FPCORE" -c together.ini -s run.out=together
expect "and with rewriting off" 0 "$FPCORE" -c together.ini -s run.out=plain -s run.rewrite=off
a=$(column "$(run_in together)/history.csv" val_loss) b=$(column "$(run_in plain)/history.csv" val_loss)
holds "the same number but for rounding: $a, $b" awk "BEGIN { d = $a - $b; exit !(d < 1e-3 && d > -1e-3) }"
expect "and on ref" 0 "$FPCORE" -c together.ini -s run.out=ref -s backend.use=ref
b=$(column "$(run_in ref)/history.csv" val_loss)
holds "the same number but for rounding: $a, $b" awk "BEGIN { d = $a - $b; exit !(d < 1e-3 && d > -1e-3) }"

recipe mixed "${all}[augment.mix]\nuse = mixup\np = 1\nlabels = soft\n"
expect "mixed pictures, soft labels" 0 "$FPCORE" -c mixed.ini -s run.out=mixed
b=$(column "$(run_in mixed)/history.csv" train_loss) a=$(column "$(run_in together)/history.csv" train_loss)
holds "mixing changes the loss: $a, $b" sh -c 'test -n "$1" && test "$1" != "$2"' sh "$b" "$a"

recipe micro "$all"
expect "micro-batches" 0 "$FPCORE" -c micro.ini -s run.out=micro -s run.accumulate=2 -s dataset.batch=2 -s model.dropout=0

recipe inverse '[loss.ce]\nuse = cross_entropy\nclass_weight_preset = inverse\n'
expect "weights computed from the masks" 0 "$FPCORE" -c inverse.ini -s run.out=inverse -s run.epochs=1
expect "--check does not read the masks" 0 "$FPCORE" -c inverse.ini --check
says "and prints the preset" '^class_weight_preset = inverse'

# The counts stand in the weights: losses weigh as in training where no picture is for training, too.
kept=$(run_in inverse)
for weights in best last; do
    holds "$weights.safetensors holds the counts" grep -aqE '"class\.images":"[0-9]+( [0-9]+){18}"' "$kept/$weights.safetensors"
done
holds "without a preset it holds none" sh -c '! grep -aq class.images "$1/best.safetensors"' sh "$(run_in tversky)"
expect "eval" 0 "$FPCORE" eval -w "$kept"
a=$(column "$kept/history.csv" val_loss)
says "eval gives what training wrote, $a" "^loss: $(printf %.6s "$a")"
mkdir -p set/test/images
for i in 0 1 2 3; do
    cp "$kept/samples.png" set/test/images/p$i.png
done
"$FPCORE" predict -c inverse.ini -w "$kept" -o set/test/masks set/test/images >out 2>&1 || not_ok masks out
sed '/^\[dataset\]/,/^$/d' tiny.ini | sed '/^\[loss/,/^$/d' >test.ini
printf '[dataset]\nuse = folder\nroot = set\nclasses = celebamask19\nsize = 32\nbatch = 2\ntest_masks = test/masks\n' >>test.ini
printf '[loss.ce]\nuse = cross_entropy\nclass_weight_preset = inverse\n[loss.dice]\nuse = dice\n' >>test.ini
expect "eval of a test part alone" 0 "$FPCORE" eval -c test.ini -w "$kept" --part test
says "has the metrics" '^f_score: '
says "and the loss" '^loss\.ce: [0-9]'
expect "with weights that do not tell" 0 "$FPCORE" eval -c test.ini -w "$(run_in tversky)" --part test
says "it has the metrics" '^f_score: '
says "the other term" '^loss\.dice: [0-9]'
says "and says what is left out" 'warning: \[loss\.ce\] is not measured: .* give the numbers as loss\.ce\.class_weights'
holds "and leaves it out" sh -c '! grep -E "^loss(\.ce)?:" "$1"' sh "$scratch/out"
expect "bench weighs all classes alike" 0 "$FPCORE" bench -c inverse.ini --size 32 --batch 1 --steps 1
says "and gives a speed" '^train: [0-9]'

recipe twice '[loss.ce]\nuse = cross_entropy\nclass_weights = 1,2,3\nclass_weight_preset = inverse\n'
expect "two ways at once" 2 "$FPCORE" -c twice.ini
says "both lines" 'twice.ini:[0-9]+: loss.ce.class_weights gives 3 numbers, and .*twice.ini:[0-9]+: loss.ce.class_weight_preset = inverse'

exit $bad
