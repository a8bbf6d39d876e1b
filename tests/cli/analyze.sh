#!/bin/sh
# fpcore analyze: text, JSON and page of recorded runs, of a run trained here, and the sentences of what is no run. The
# page is opened in Chromium where there is one.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

# record FILE EPOCHS BEST: a score that rises to its best at that epoch and falls a little behind it
record() {
    awk -v n="$2" -v best="$3" 'BEGIN {
        for (e = 1; e <= n; e++) {
            s = e == 1 ? "" : ", "
            v = e <= best ? 0.7 * e / best : 0.65 - (e % 2) / 100
            val = val s v; train = train s (v + 0.01); loss = loss s (2 - v); lr = lr s (e <= 3 ? e / 3 : (n - e) / n) / 1000
        }
        printf "{\"train_loss\": [%s], \"train_f_score\": [%s], \"val_loss\": [%s], \"val_f_score\": [%s], \"lr\": [%s]}\n",
            loss, train, loss, val, lr
    }' >"$1"
}

# A run that was trained here, by the example of the help.
expect "a training" 0 "$FPCORE" -c tiny.ini -s run.name=lmsa_v1
mv runs/lmsa_v1-* runs/lmsa_v1-20251007-153857
example=$("$FPCORE" analyze --help | sed -n 's/^example: //p')
expect "the help's example" 0 sh -c "$(printf '%s' "$example" | sed "s|^fpcore|'$FPCORE'|")"
says "it is headed by the run" '^==== lmsa_v1 \(1007_153857\)$'
says "knows how it ended" '^  ended +complete$'
says "knows what was planned" '^  planned epochs +4$'
says "has stages" '^  from +to +val mean +σ +train mean +gap +gap % +trend/epoch +σ\(Δval\) +lr used$'
says "has the classes" '^  background +[0-9]+ +[0-9.]+ +6 +[0-9.]+ +[0-9.]+ +[0-9.]+$'
says "has left and right" '^  l_eye +r_eye '
says "has the batches" '^  +2 +2 +[0-9.]+ +25\.00$'
says "says what the last batch weighs" 'The last validation batch has 2 of 6 pictures.* 50 % of the weight'
holds "writes the page" test -s lmsa_v1.html

expect "the history of a run folder" 0 "$FPCORE" analyze runs/lmsa_v1-20251007-153857/history.json
says "means the run" '^==== lmsa_v1 \(1007_153857\)$'
says "with its papers" '^  planned epochs +4$'

# Lone files.
record up.json 60 40
record cut_20260101_000000.json 50 50
expect "a lone file" 0 "$FPCORE" analyze up.json --stages 1-30,31-60 --epochs 41-60 --at 1,40,99
says "knows its best" '^  best +0\.7000$'
says "and its epoch" '^  best epoch +40$'
says "says how long it went on" 'The record ends 20 epochs after its best, as a patience of 20'
says "has the stages asked for" '^ +1 +30 +0\.2712 +0\.1515 +0\.2812 +\+0\.0100 +\+3\.69 '
says "has the rate that was used beside the recorded one" '^ +40  best +0\.7000 .* 3\.500e-04 +3\.333e-04 '
says "an epoch that it does not have is named" '^- --at 99: the record ends at epoch 60\.$'
says "has the volatility asked for" '^  from epoch +41$'
expect "a record that is cut" 0 "$FPCORE" analyze cut_20260101_000000.json
says "is said to be" 'The record is truncated: it ends exactly at its best epoch \(50 of 50\)'
expect "with the recipe that ends there" 0 "$FPCORE" analyze cut_20260101_000000.json -c tiny.ini -s run.epochs=50
says "it is whole" '^  ended +complete$'
expect "with a longer one" 0 "$FPCORE" analyze cut_20260101_000000.json -c tiny.ini -s run.epochs=51
says "it is not" '^  ended +truncated$'
expect "rates of the other kind" 0 "$FPCORE" analyze up.json --lr used --at 40
says "stand with their epoch" '^ +40  best .* 3\.333e-04 +33\.33$'
expect "another measure" 0 "$FPCORE" analyze up.json --metric val_loss
says "is used" '^  best +1\.3000$'

# Several.
expect "several runs" 0 "$FPCORE" analyze up.json cut_20260101_000000.json runs --against cut --json all.json --html all.html \
    --test up=0.66
says "are ranked" '^  lmsa_v1 \(1007_153857\) +0\.'
says "are held against one" '^Against cut \(0101_000000\) \(0\.7000\)$'
says "are counted" '^  truncated +1$'
says "have their scores on the test set" '^  up +0\.7000  0\.6600 +\+0\.0400  \+5\.71$'
says "the one that is cut is named" '^- Truncated: cut \(0101_000000\)\. Its record ends'
cp out got
holds "details only on demand" sh -c '! grep -q ==== got'
expect "with details" 0 "$FPCORE" analyze up.json cut_20260101_000000.json --details
says "each has its chapter" '^==== up$'
expect "the JSON file" 1 "$FPCORE" analyze all.json
says "is JSON, though no history" 'all\.json: is no history: `overview` is no array of numbers'
expect "JSON instead of text" 0 "$FPCORE" analyze up.json --json -
says "begins as JSON" '^\{$'
says "has the numbers by name" '^ +"gap_percent": 1\.428571428571'
cp out got
holds "and nothing else" sh -c 'tail -n 1 got | grep -qx "}" && ! grep -q "^In numbers" got'
mkdir none && echo '[run]' >none/recipe.ini
cp -r none runs/cut-short
expect "a folder of runs" 0 "$FPCORE" analyze runs up.json
says "counts those without history" '^  no history +1$'

# A run that was cut in its first epoch.
cp -r runs/lmsa_v1-20251007-153857 begun
echo '{"train_loss": [], "val_f_score": []}' >begun/history.json
cp begun/history.json begun.json
sed 's/"epochs_done": *[0-9]*/"epochs_done": 0/' runs/lmsa_v1-20251007-153857/run.json >begun/run.json
expect "a run without an epoch among others" 0 "$FPCORE" analyze begun up.json begun.json cut_20260101_000000.json
says "is left out" 'begun: no epoch is finished; the run is left out$'
says "as is a lone history" 'begun\.json: no epoch is finished; the run is left out$'
says "and the others are reported" '^  up +0\.7000 '
expect "alone" 1 "$FPCORE" analyze begun
says "it has nothing to report" 'begun/history\.json: the history holds no epoch yet'
expect "or with such alone" 1 "$FPCORE" analyze begun begun.json
says "neither" 'none of the 2 runs found has a history that can be read'

echo '{"val_loss": [3, 2, 2.5]}' >loss.json
expect "runs of two measures" 0 "$FPCORE" analyze up.json loss.json --json two.json --html two.html
says "are ranked by the first that all have" '^Ranking by val_loss$'
says "which is said" '^- Ranked by val_loss, the first column that all runs have: up watched val_f_score\.'
says "best first" '^  up +1\.3000 +40 '
printf '{"val_accuracy": [0.8, 0.95, 0.9]}' >accuracy.json
expect "runs without a measure in common" 0 "$FPCORE" analyze up.json accuracy.json --details --json two.json --html two.html
says "are not ranked" '^- No ranking: no column measures all runs\. up watched val_f_score, accuracy watched val_accuracy,'
says "each has its own chapter" '^==== accuracy$'
cp out got
holds "neither in the text" sh -c '! grep -qE "^Ranking|^Against|^Less" got'
holds "nor in the JSON" sh -c '! grep -qE "\"(ranking|against|robust)\":" two.json && grep -q "No ranking" two.json'
holds "nor on the page" sh -c '! grep -qE "Ranking by|chart-measure" two.html && grep -q "No ranking" two.html'
mkdir -p same/a same/b
for run in a b; do
    printf '{"val_f_score": [0.5, 0.%s]}' "$(test $run = a && echo 6 || echo 9)" >same/$run/history.json
    printf '[run]\nmetric = f_score\nepochs = 2\n[metric.f_score]\nuse = fscore_%s\n' \
        "$(test $run = a && echo image || echo batch)" >same/$run/recipe.ini
done
expect "one name for two metrics" 0 "$FPCORE" analyze same
says "is no measure" '^- No ranking: val_f_score is not one measure in all runs: a has "use=fscore_image", b has "use=fscore_batch"'
expect "unless it is asked for" 0 "$FPCORE" analyze same --metric val_f_score
says "which is said" '^- val_f_score is not one measure in all runs: b has "use=fscore_batch", a another one\.'
expect "one measure for both" 0 "$FPCORE" analyze up.json loss.json --metric val_loss
cp out got
holds "are comparable" sh -c '! grep -q "first column that all" got'

# Seeds of a recipe share its colour, the verdicts of compare are in the page, what does not differ has no table.
for seed in 1 2; do
    for rate in 2e-3 1e-2; do
        "$FPCORE" -c tiny.ini -s run.out=seeds -s run.seed=$seed -s optimizer.lr=$rate -s run.name=lr$rate >log 2>&1 ||
            not_ok "a training of seed $seed" log
    done
done
expect "seeds" 0 "$FPCORE" analyze seeds --html seeds.html --json seeds.json
says "have the verdict" '^  B: lr2e-3 +A: lr1e-2 +-0\.[0-9]{4} +-0\.[0-9]{4} +\+0\.[0-9]{4}  no difference is shown: '
cp out got
holds "and no table of equal parameters" sh -c '! grep -q "^Parameters" got'
holds "one verdict in the page" sh -c 'grep -q "Verdicts of fpcore compare" seeds.html && grep -q "\"verdicts\"" seeds.json'
holds "two colours for four runs" test "$(grep -o '"recipe":[0-9]' seeds.html | sort | uniq -c | awk '{ printf "%s ", $1 }')" = "2 2 "
expect "one seed of each" 0 "$FPCORE" analyze "$(ls -d seeds/lr2e-3-* | head -n 1)" "$(ls -d seeds/lr1e-2-* | head -n 1)"
says "is no verdict" '  no verdict: with one seed of each'
for rate in 2e-3 1e-2; do
    "$FPCORE" -c tiny.ini -s run.out=same -s optimizer.lr=$rate -s run.name=same >log 2>&1 || not_ok "a training" log
done
# labelled RATE: what the run of that rate is called, as a pattern: by the folder, same-20251007-153857 or, of the same
# second, same-20251007-153857-2
labelled() {
    grep -lx "lr = $1" same/*/recipe.ini | sed 's|^same/same-....\(....\)-\([-0-9]*\)/.*|same \\(\1_\2\\)|'
}
expect "two recipes of one name" 0 "$FPCORE" analyze same
says "are told apart in the verdict" "^  B: $(labelled 0.002) +A: $(labelled 0.01) +-0\.[0-9]{4} "

# Names are hostile.
evil='<img src=x onerror=alert(1)>&"'\''</script>'
evil=$(printf '%s' "$evil" | tr -d /)
cp up.json "$evil.json"
printf '{"val_f_score": [0.1, 0.2, 0.15], "val_per_class.</script><b>": [1, 2, 3]}' >class.json
expect "names with markup" 0 "$FPCORE" analyze "$evil.json" class.json --html evil.html
holds "are escaped" sh -c '! grep -qiE "<img|</script><b>|<b>" evil.html && grep -q "&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;" evil.html'
holds "a page has two scripts and their ends" sh -c 'test "$(grep -c "<script" evil.html)" = 2 && test "$(grep -c "</script>" evil.html)" = 2'
holds "asks for no other file" sh -c '! sed "s|http://www.w3.org/2000/svg||" all.html | grep -nE "https?:|src=|@import|url\([^#]|<link rel=\"style"'
escape=$(printf '\033')
printf '{"val_f_score": [0.1]}' >"${escape}[31m.json"
expect "names with control characters" 0 "$FPCORE" analyze "${escape}[31m.json"
says "do not reach the terminal" '^==== \?\[31m$'

# What is no run.
refused() {
    expect "$1" "$2" "$FPCORE" analyze ${4+"$4"} ${5+"$5"} ${6+"$6"}
    says "has its sentence" "$3"
}
refused "nothing named" 2 'fpcore analyze: a run folder or a history\.json is needed'
refused "a missing file" 1 'nowhere\.json: cannot be read: No such file' nowhere.json
head -c 700 up.json >half.json
refused "a truncated file" 1 'half\.json:1: is no JSON, or only a part of it: ' half.json
echo '{"val_f_score": [1, 2], "lr": [1]}' >unequal.json
refused "arrays of unequal length" 1 'unequal\.json: `val_f_score` has 2 epochs and `lr` 1: arrays of equal length' unequal.json
echo '{"val_f_score": [1, "x"]}' >text.json
refused "an entry that is no number" 1 'text\.json: val_f_score, epoch 2: is neither a number nor null' text.json
refused "a run without history" 1 '^fpcore: error: none: is no run folder, or its run finished no epoch: there is no history' none
mkdir empty
refused "an empty folder" 1 'empty: is no run folder and holds none' empty
mkdir broken && cp -r runs/lmsa_v1-* broken/run && head -c 200 broken/run/validation.safetensors >v && mv v broken/run/validation.safetensors
refused "a broken validation file" 1 'broken/run/validation\.safetensors' broken/run
echo '{"x": [1, 2]}' >other.json
refused "no column to rank by" 2 'other\.json: no column says which epoch is the best; --metric COLUMN' other.json
refused "an unknown column" 2 '--metric val_x: up\.json has no such column; it has: train_loss, ' up.json --metric val_x
refused "stages that fall" 2 '--stages 30-1: epochs count from 1 and a range rises, like 1-30,31-60' up.json --stages 30-1
refused "no range" 2 '--epochs 61-112,3: at most 1 range of epochs' up.json --epochs 61-112,3
refused "no epoch" 2 '--at 0: epochs count from 1' up.json --at 0
refused "no such run" 2 '--against other: no run of this name was given' up.json --against other
refused "a score without a number" 2 '--test up: RUN=SCORE is needed' up.json --test up
refused "a rate of a third kind" 2 '--lr last: `used` .* or `next`' up.json --lr last
refused "a recipe for a run folder" 2 'a run folder has its own' runs/lmsa_v1-20251007-153857 -c tiny.ini
refused "a key without a recipe" 2 '-s run.epochs=9: changes the recipe of -c, which is missing' up.json -s run.epochs=9
refused "a page that cannot be written" 1 'nowhere/x\.html: cannot be written' up.json --html nowhere/x.html

# The page in a browser: no error on its console, curves drawn, names shown as they are.
browser=$(command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "ok the page in Chromium # SKIP no Chromium on PATH"
    exit $bad
fi
printf '{"val_f_score": [0.1, 0.3, 0.2], "lr": [2e-3, 1e-3, 0], "grad_norm": [1, 1, 1]}' >rates.json
expect "rates up to 0.002" 0 "$FPCORE" analyze rates.json --html rates.html
for page in lmsa_v1 all evil seeds rates; do
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$scratch/profile" --enable-logging=stderr \
        --virtual-time-budget=2000 --host-resolver-rules='MAP * ~NOTFOUND' --dump-dom "file://$scratch/$page.html" >dom 2>log
    holds "$page.html: the browser's console is empty" sh -c '! grep CONSOLE log'
    holds "$page.html: its curves are drawn" sh -c 'test "$(grep -o "class=\"curve" dom | wc -l)" -ge 2'
done
grep -o '>[0-9.]*e-[0-9]*</text>' dom >ticks # of the last page
holds "ticks of the rates differ" sh -c 'test "$(sort -u ticks | wc -l)" -ge 4 && test -z "$(sort ticks | uniq -d)"'
holds "hostile names stay text" sh -c '! grep -qi "<img" dom'
# A folder may hold JSON that is no history of the measure; a file that is named may not be one.
mkdir mixed && printf '{"foo": [1, 2]}' >mixed/foo.json && printf '{"val_f_score": [0.1, 0.3, 0.2]}' >mixed/good.json
expect "a folder with another kind of file" 0 "$FPCORE" analyze mixed
says "names what is left out" 'mixed/foo\.json: no column says which epoch is the best; left out'
says "and shows the rest" '^==== good'
expect "that file itself" 2 "$FPCORE" analyze mixed/foo.json
says "is refused" 'mixed/foo\.json: no column says which epoch is the best; --metric COLUMN names one'
exit $bad
