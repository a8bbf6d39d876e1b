#!/bin/sh
# fpcore sweep: a grid of recipes times seeds is trained, repeated without repeating anything, cut and continued; what it
# refuses; pruning; the job array. And that it ends in a verdict.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

sed 's/^epochs = 4/epochs = 2/' tiny.ini >t.ini && mv t.ini tiny.ini
sum_of() { cksum "$1"/*/last.safetensors "$1"/*/run.json; }
runs_in() { ls -d "$1"/*-[0-9]*-[0-9]* 2>/dev/null | wc -l; }

expect "the example of the help" 0 sh -c \
    'cd "$FPCORE_SRC" && $(fpcore=$FPCORE; "$FPCORE" sweep --help | sed -n "s|^example: fpcore|$fpcore|p")'
says "lists its runs" '^4  quickstart,run\.ema=0\.9,s2  is new$'
says "and their commands" '^   fpcore -c quickstart\.ini -s run\.ema=0\.9 -s run\.seed=2 '
says "and how many" '^4 runs: 2 recipes or values, 2 seeds; folder runs/sweep-quickstart$'

set -- sweep -c tiny.ini --grid loss.dice.weight=1.0,2.0 --seeds 2 --out a
expect "trains the grid, two at once" 0 "$FPCORE" "$@" -j 2
says "each is told" 'tiny,dice\.weight=2\.0,s2: best epoch 1: val_f_score 0\.'
says "and how long it will take" '^fpcore: tiny,.*,s2: starts \([1-3] of 4 done, about [0-9.]+ (s|min) left\)$'
says "it ends in a table" '^by loss\.dice\.weight$'
says "and a verdict" '^B against A: no difference is shown: it is within the noise$'
says "with seeds and pictures" '2 \+ 2 seeds, 6 pictures; shows differences from 0\.'
holds "four runs" test "$(runs_in a)" -eq 4
holds "each with its log" test "$(ls a/logs | wc -l)" -eq 4
holds "sweep.json says what was asked for" grep -q '"loss.dice.weight"' a/sweep.json
sum_of a >before
expect "again" 0 "$FPCORE" "$@"
says "the same verdict" '^B against A: '
holds "repeats nothing" sh -c 'cksum a/*/last.safetensors a/*/run.json | cmp - before'
cp before spelt
expect "the same values in other words" 0 "$FPCORE" sweep -c tiny.ini --grid loss.dice.weight=1,2e0 --seeds 2 --out a
says "the same verdict" '^B against A: '
holds "repeat nothing" sh -c 'cksum a/*/last.safetensors a/*/run.json | cmp - spelt'
# Runs in other words are found by what their recipes say, whatever else they say.
cp -r a older && sed -i '/^beta1 = /d' older/*/recipe.ini
words() { # WHAT COUNT OPTION...
    what=$1 count=$2
    shift 2
    expect "$what" 0 "$FPCORE" sweep -c tiny.ini --grid loss.dice.weight=1,2e0 --seeds 2 --out older --dry-run "$@"
    holds "finds $count of its runs" test "$(grep -c ' is complete$' out)" -eq "$count"
}
words "a run of an older fpcore, without a key" 4
words "the same where the key has another value" 0 -s optimizer.beta1=0.8
words "the same on another backend" 4 -s backend.use=cpu
words "the same with another optimizer" 0 -s optimizer.use=sgd
words "two optimizers" 4 --grid optimizer.use=adamw,sgd
sed -i 's/^beta2 = .*/& \nbeta3 = 1/' older/*,s2-*/recipe.ini
words "a run with a key that is not known" 2
sed -i '/^use = cosine/d' older/*,s1-*/recipe.ini
words "a run without a plugin that is no default" 0
many=$(awk 'BEGIN { for (i = 1; i <= 100; i++) printf "%s%g", (i > 1 ? "," : ""), i / 1000 }')
for value in $(echo "$many" | tr , ' '); do
    mkdir "older/of-$value-20260101-000000"
    sed "s/^lr = .*/lr = $value/" "$(ls -d a/tiny,dice.weight=2.0,s1-*)/recipe.ini" >"older/of-$value-20260101-000000/recipe.ini"
    cp "$(ls -d a/tiny,dice.weight=2.0,s1-*)/run.json" "older/of-$value-20260101-000000"
done
expect "a hundred runs under other names" 0 "$FPCORE" sweep -c tiny.ini -s loss.dice.weight=2 --grid "optimizer.lr=$many" \
    --seeds 1 --out older --dry-run
holds "are found by a hundred trials" test "$(grep -c ' is complete$' out)" -eq 100
expect "the plan" 0 "$FPCORE" sweep -c tiny.ini --grid loss.dice.weight=1,3 --seeds 2 --out a --dry-run
says "knows what is there" '^1  tiny,dice\.weight=1,s1  is complete$'
says "and what is not" '^3  tiny,dice\.weight=3,s1  is new$'
expect "a recipe twice" 2 "$FPCORE" sweep -c tiny.ini --with ./tiny.ini --out twice
says "is refused" '--with \./tiny\.ini: tiny and tiny-2 mean the same recipe; give each once'
expect "a third seed" 0 "$FPCORE" sweep -c tiny.ini --grid loss.dice.weight=1.0,2.0 --seeds 3 --out a --json
says "the table as JSON" '"seeds_a": 3'
holds "is all that is run" test "$(runs_in a)" -eq 6
expect "compare reads the folder too" 0 "$FPCORE" compare a --baseline tiny,dice.weight=2.0
says "with the same runs" '3 \+ 3 seeds, 6 pictures'
mkdir all && cp -r "$(ls -d a/*,s1-* | head -n 1)" all/lone && ln -s ../a all/sweep
expect "compare takes folders of any kind" 0 "$FPCORE" compare all "$(ls -d a/*,s1-* | head -n 1)" a --json
cp out got
holds "and finds all runs, each once" sh -c 'test "$(grep -c "\"path\": " got)" -eq 7'
expect "analyze reads the sweep's folder" 0 "$FPCORE" analyze a
says "all of its runs" '^  complete +6$'
cp out got
holds "and takes no file of it for a run" sh -c '! grep -qE "warning|unreadable|left out" got'
expect "and the folder above" 0 "$FPCORE" analyze all
expect "one of them by hand" 0 "$FPCORE" -c tiny.ini -s loss.dice.weight=2.0 -s run.seed=2 -s run.out=hand
same "has the same bytes" "$(run_in hand)" "$(ls -d a/tiny,dice.weight=2.0,s2-*)"

expect "another recipe in the same folder" 2 "$FPCORE" "$@" -s optimizer.lr=0.1
says "is refused with the key" 'optimizer\.lr = 0\.1 \(the run: 0\.002\)'
expect "another length" 2 "$FPCORE" "$@" -s run.epochs=3
says "is refused too" 'made with run\.epochs = 2, the sweep wants 3; give it another folder \(--out\)'

sed 's/^weight = 1.5/weight = 0.5/' tiny.ini >other.ini
expect "two recipes" 0 "$FPCORE" sweep -c tiny.ini --with other.ini --out two
says "are compared" '^loss\.dice\.weight  (1\.5|0\.5)  (0\.5|1\.5)$'
says "one seed is said to be one" 'with one seed of each the noise between runs is unknown \(fpcore sweep --seeds 3'

# A run that was cut goes on.
"$FPCORE" sweep -c tiny.ini -s run.epochs=60 -s dataset.train=64 --seeds 2 -j 2 --out cut >out 2>&1 &
pid=$!
tries=0
until grep -q '^ *1/' cut/logs/tiny,s1.log 2>/dev/null && grep -q '^ *1/' cut/logs/tiny,s2.log || [ $tries -gt 600 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
kill -TERM $pid
wait $pid
code=$?
if [ $code -eq 0 ]; then
    echo "ok a signal # SKIP the sweep had ended before"
else
    holds "a signal: exit code 130" test $code -eq 130
    holds "both runs have saved" test "$(grep -l '"status": "interrupted"' cut/*/run.json | wc -l)" -eq 2
    expect "the plan" 0 "$FPCORE" sweep -c tiny.ini -s run.epochs=60 -s dataset.train=64 --seeds 2 --out cut --dry-run
    says "says that they go on" 'tiny,s2  goes on behind epoch [0-9]+ of 60$'
    says "with --resume" '--resume cut/tiny,s2-[0-9]'
    expect "a cut run has no verdict" 0 "$FPCORE" compare cut "$(run_in hand)"
    says "and says why" 'none of its runs is finished'
fi

# --prune: a run that learns nothing is stopped when three good ones are there; it is cut first, so that time plays no part.
sed 's/^lr = 2e-3/lr = 1e-12/' tiny.ini >bad.ini
long='-s run.epochs=24 -s schedule.use=constant -s run.metric=accuracy --out prune'
# shellcheck disable=SC2086
expect "three good runs" 0 "$FPCORE" sweep -c tiny.ini $long --seeds 3
# shellcheck disable=SC2086
"$FPCORE" sweep -c bad.ini $long >out 2>&1 &
pid=$!
tries=0
until grep -q '^ *14/' prune/logs/bad,s1.log 2>/dev/null || [ $tries -gt 1200 ]; do
    sleep 0.02
    tries=$((tries + 1))
done
kill -TERM $pid
wait $pid
if [ $? -eq 0 ]; then
    echo "ok pruning # SKIP the run had ended before"
else
    # shellcheck disable=SC2086
    expect "a run that is worse" 0 "$FPCORE" sweep -c tiny.ini --with bad.ini $long --seeds 3 --prune
    says "is stopped with its numbers" 'bad,s1: stopped: at epoch [12][0-9] its mean of 5 epochs is 0\.[01].*3 complete runs'
    holds "sweep.json remembers" grep -q '"bad,s1": "at epoch' prune/sweep.json
fi

# Where a file of a run is a FIFO, nothing waits for a writer.
rm prune/sweep.json && mkfifo prune/sweep.json
# shellcheck disable=SC2086
expect "sweep.json is a FIFO" 0 "$FPCORE" sweep -c tiny.ini $long --seeds 3 --prune
says "is told" 'prune/sweep\.json: is no plain file; runs that were stopped before go on'
fifo() { rm "$(ls -d a/tiny,dice.weight=1.0,s1-*)/$1" && mkfifo "$(ls -d a/tiny,dice.weight=1.0,s1-*)/$1"; }
fifo recipe.ini
expect "recipe.ini is a FIFO" 1 "$FPCORE" "$@"
says "is refused" 'recipe\.ini: is no plain file; remove the folder where the run is not wanted'
fifo run.json
expect "run.json is a FIFO" 1 "$FPCORE" "$@"
says "is told" 'run\.json: is no plain file; how the run ended is unknown'

# The job array runs single runs.
expect "--slurm" 0 "$FPCORE" sweep -c tiny.ini --grid 'optimizer.lr=1e-3,2e-3' --seeds 2 --out 'job s' --slurm job.sh -j 3
says "says how to hand it in" '^job\.sh: 4 tasks; hand it in with: sbatch job\.sh$'
holds "an array of four, three at once" grep -q '^#SBATCH --array=1-4%3$' job.sh
holds "trains nothing" test "$(runs_in 'job s')" -eq 0
holds "tasks look for plugins where this shell does" sh -c 'grep -q "^export FPCORE_PLUGIN_PATH=" job.sh && grep -q "^export FPCORE_PLUGIN_DIR=" job.sh'
expect "a task" 0 env SLURM_ARRAY_TASK_ID=3 LD_LIBRARY_PATH="$FPCORE_BUILD/.libs" sh job.sh
holds "trains its run alone" sh -c 'test -d "$(ls -d "job s/tiny,optimizer.lr=2e-3,s1-"*)" && test "$(ls "job s" | wc -l)" -eq 2'

# A limit of time: each run saves and waits; the same command goes on.
set -- sweep -c tiny.ini --seeds 2 --out hours
expect "run.hours are over" 75 "$FPCORE" "$@" -s run.hours=1e-6
says "says how many wait" 'run\.hours are over for 2 of 2 runs, which are saved\. To go on: .* sweep '
expect "a task of the array" 75 "$FPCORE" "$@" -s run.hours=1e-6 --only 2
says "says so too" 'run\.hours are over for 1 of 2 runs, which is saved'
expect "without the limit" 0 "$FPCORE" "$@"
holds "the same runs go on to their end" sh -c 'test "$(grep -l "\"status\": \"complete\"" hours/*/run.json | wc -l)" -eq 2 && test "$(ls -d hours/*-[0-9]*-[0-9]* | wc -l)" -eq 2'

# What is refused before anything runs.
refused() { # WHAT WANT OPTION...
    what=$1 want=$2
    shift 2
    expect "$what" 2 "$FPCORE" sweep -c tiny.ini --out no "$@"
    says "says: $want" "$want"
}
refused "a grid without values" 'not of the form section\.key=VALUE' --grid loss
refused "an unknown section" 'no section \[loss\.dcie\]; did you mean \[loss\.dice\]\?' --grid loss.dcie.weight=1
refused "an unknown key" 'loss\.dice\.wieght.*did you mean `weight`' --grid loss.dice.wieght=1
refused "a value out of range" 'loss\.dice\.weight = -1' --grid loss.dice.weight=1,-1
refused "a value twice" '1 stands there twice' --grid loss.dice.weight=1,1
refused "a number in two spellings" 'tiny,optimizer\.lr=0\.001 and tiny,optimizer\.lr=1e-3 mean the same' \
    --grid optimizer.lr=0.001,0.002,1e-3
refused "a switch in two spellings" 'model\.lmsa=on and tiny,model\.lmsa=true mean the same' \
    --grid model.lmsa=on,true --seeds 2
refused "a curve in two spellings" 'mean the same' --grid 'loss.ce.weight=1 @1, 2 @2;1.0 @1,2e0 @2'
holds "values that are as good, but others" "$FPCORE" sweep -c tiny.ini --out no --grid backend.threads=1,2 \
    --grid optimizer.lr=0.001,0.0010001 --dry-run -s backend.use=cpu
refused "no seeds" 'not a number of seeds from 1 to 10000' --seeds 0
refused "too many seeds" 'not a number of seeds from 1 to 10000' --seeds 10001
refused "a seed of its own" 'the sweep sets that key by itself' -s run.seed=3
refused "a seed by another spelling" 'the sweep sets that key by itself' -s Run.Seed=3
refused "one key as two" 'optimizer\.lr is given twice' --grid optimizer.lr=1,2 --grid 'Optimizer.LR =3'
refused "a key of the grid once more" 'the grid has values for that key too' --grid optimizer.lr=1,2 -s optimizer.LR=3
refused "a baseline that is no run" '--baseline tiny,lr=9: is none of the sweep.s recipes, which are tiny,optimizer\.lr=1, tiny,optimizer\.lr=2$' \
    --grid optimizer.lr=1,2 --baseline tiny,lr=9 --dry-run
holds "a baseline of the grid" "$FPCORE" sweep -c tiny.ini --grid optimizer.lr=1,2 --baseline tiny,optimizer.lr=2 --dry-run
refused "a missing recipe" 'nowhere\.ini cannot be read' --with nowhere.ini
refused "a run that is not there" 'the sweep has 1 run' --only 2
holds "and leaves no folder" test ! -e no
expect "a folder that cannot be made" 1 "$FPCORE" sweep -c tiny.ini --out /proc/nowhere/a
says "is named, the first of the path" "fpcore sweep: --out: the folder /proc/nowhere cannot be made: "
expect "a training that fails" 1 "$FPCORE" sweep -c tiny.ini -s dataset.batch=17 --out fail --seeds 3
says "stops the sweep with its sentence" 'error: tiny,s1: .*dataset\.batch.*\(all of it: fail/logs/tiny,s1\.log\)'
holds "and starts no other" test "$(ls fail/logs | wc -l)" -eq 1
exit $bad
