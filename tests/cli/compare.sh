#!/bin/sh
# fpcore compare on runs that were trained a moment ago: seeds are found, settings set against each other, verdicts given
# and refused. What a verdict is made of: tests/unit/test_compare.c and test_stats.c.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

sed 's/^epochs = 4/epochs = 2/' tiny.ini >t.ini && mv t.ini tiny.ini
train() {
    out=$1
    shift
    "$FPCORE" -c tiny.ini -s run.out="$out" "$@" >log 2>&1 || not_ok "a training for $out" log
}
train runs -s run.seed=1
train runs -s run.seed=2
train runs -s run.seed=1 -s optimizer.lr=1e-2 -s run.name=fast
train runs -s run.seed=2 -s optimizer.lr=1e-2 -s run.name=fast -s dataset.readers=2

expect "the example of the help" 0 sh -c '$(fpcore=$FPCORE; "$FPCORE" compare --help | sed -n "s|^example: fpcore|$fpcore|p")'
says "ranks the runs" '^ +4  B  tiny \([0-9_-]+\) +0\.[0-9]{4} @ 1/2 '
says "finds the seeds" '^A  fast +2  1 2  +0\.[0-9]{4} \+- 0\.[0-9]{4}  0\.[0-9]{4} \+- 0\.[0-9]{4}$'
says "finds what differs" '^optimizer\.lr  0\.01  0\.002$'
says "makes a table of it" '^by optimizer\.lr$'
says "at equal epochs" '^B +1  0\.'
says "says whether it is more than noise" '^B against A: worse: the difference is larger than the noise$'
says "with numbers" '^    [-+]0\.[0-9]{4}, 95 % [-+]0\.[0-9]{4} to [-+]0\.[0-9]{4}, p .*, corrected .*; 2 \+ 2 seeds, 6 pictures; shows differences from 0\.'
holds "the same answer twice" sh -c '"$FPCORE" compare runs >1 && "$FPCORE" compare runs/* >2 && cmp 1 2'
expect "as JSON" 0 "$FPCORE" compare runs --json
says "with the seeds" '"seeds_a": 2'
says "and the pictures" '^ "pictures": 6,$'
fast=$(ls -d runs/fast-* | head -n 1)
tiny=$(ls -d runs/tiny-* | head -n 1)
expect "one seed of each" 0 "$FPCORE" compare "$fast" "$tiny" --baseline "$tiny"
says "no verdict" '^[AB] against [AB]: no verdict: with one seed of each the noise between runs is unknown \(fpcore sweep --seeds 3'
says "the baseline is what was asked for" '^verdicts against [AB] \(tiny\)'
cp out got
holds "no number of other data" sh -c '! grep -qE "reports|enough" got'

expect "a run against itself" 0 "$FPCORE" compare "$tiny" "$tiny"
says "is one run" '^no verdict: all runs are of one recipe$'
cp -r "$tiny" copy
expect "a copy" 0 "$FPCORE" compare "$tiny" copy
says "counts once" 'once more, the same recipe, seed and numbers; it counts once$'

train other -s dataset.val=5 -s run.seed=7
train other -s dataset.size=48 -s run.seed=7
train other -s metric.miou.use=miou -s run.metric=miou -s run.seed=7
expect "other data" 0 "$FPCORE" compare "$tiny" "$fast" other
says "another number of pictures" 'no verdict: other validation data: 6 pictures of 19 classes, and 5 of 19$'
says "another size" 'no verdict: the labels of validation picture 1 \(.*\) are not the same: another size or other masks$'
says "another metric" 'no verdict: other metrics pick the best epoch: val_f_score and val_miou$'
says "ranked by a column of both" '^Ranked by val_f_score, the first column that all runs have: tiny .* watched val_miou\.'
cp -r "$tiny" noscores && rm noscores/validation.safetensors
sed -i 's/^lr = .*/lr = 0.5/' noscores/recipe.ini
expect "no scores per picture" 0 "$FPCORE" compare "$tiny" noscores
says "no verdict" 'no verdict: it has no validation\.safetensors'
sed -i 's/"status": "complete"/"status": "running"/' noscores/run.json
expect "a killed run" 0 "$FPCORE" compare "$tiny" noscores
says "is said to be one" '\* .*: was killed behind epoch 2 of 2$'

cp "$tiny/history.json" one.json
cp "$fast/history.json" two.json
expect "lone histories" 0 "$FPCORE" compare one.json two.json
says "have no verdict" 'no verdict: neither scores per picture '
says "and say what is missing" '^note: a history without its run folder tells neither settings'
if [ -d "${FPCORE_SHARED:-/nowhere}/reference/histories" ]; then
    expect "the reports' focal runs" 0 "$FPCORE" compare "$FPCORE_SHARED"/reference/histories/lmsa_focal_v1__*.json
    says "have no verdict" 'no verdict: neither scores per picture '
    says "robust columns as the reports give them" '0\.6702 @ 78/98 +-0\.0008 +0\.6444 +0\.0257 +0\.6409 +0\.6334 +0\.6630 +0\.6513 \(86\) +0\.0262$'
else
    echo "ok the reports' histories # SKIP FPCORE_SHARED is not there"
fi

expect "no runs" 2 "$FPCORE" compare
says "a sentence" 'which runs\?'
expect "a run that is not there" 1 "$FPCORE" compare nowhere
says "its name" 'nowhere: cannot be read: No such file'
mkdir empty
expect "an empty folder" 1 "$FPCORE" compare empty
says "what is missing" 'empty: neither a run folder \(no recipe\.ini\) nor a folder that holds some, or folders of some$'
expect "an unknown key" 2 "$FPCORE" compare runs --by loss.dice.wieght
says "the nearest" 'did you mean `loss\.dice\.weight`\?'
expect "a baseline that is not compared" 2 "$FPCORE" compare runs --baseline other
says "its sentence" 'other: is none of the runs that are compared'
head -c 300 "$tiny/validation.safetensors" >copy/validation.safetensors
expect "a cut validation.safetensors" 1 "$FPCORE" compare copy "$fast"
says "is refused" 'copy/validation\.safetensors: '
echo '{"val_f_score": [1, "x"]}' >h.json
expect "a history with a text" 1 "$FPCORE" compare h.json
says "names the epoch" 'h\.json: val_f_score, epoch 2: is neither a number nor null'
# Columns of different meaning are not set against each other, however far apart they are.
printf '{"val_f_score": [0.5, 0.6, 0.55], "train_f_score": [0.6, 0.6, 0.6]}' >score.json
printf '{"val_accuracy": [0.8, 0.9, 0.85], "train_accuracy": [0.9, 0.9, 0.9]}' >accuracy.json
expect "histories of different metrics" 0 "$FPCORE" compare score.json accuracy.json
says "have no verdict" 'no verdict: other metrics pick the best epoch: val_(f_score and val_accuracy|accuracy and val_f_score)$'
says "and no ranking" '^No ranking: no column measures all runs\. score watched val_f_score, accuracy watched val_accuracy,'
cp out got
holds "nor any column of both" sh -c '! grep -qE "0\.[0-9]{4}" got'
expect "a column that one lacks" 2 "$FPCORE" compare score.json accuracy.json --metric val_f_score
says "is named" 'fpcore compare: --metric val_f_score: accuracy\.json has no such column; it has: val_accuracy, train_accuracy$'
exit $bad
