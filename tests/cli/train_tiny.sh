#!/bin/sh
# A tiny training from a recipe: what it leaves, what it prints, and that threads and the run's name change nothing.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

expect "trains" 0 "$FPCORE" -c tiny.ini -s run.out=a
says "a line per epoch" '^  4/4 +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.e-]+ '
says "the best epoch" '^best epoch [1-4]: val_f_score 0\.'
says "how it ended" '^complete after 4 epochs'
run=$(run_in a)
holds "the folder is named after run and time" sh -c 'echo "$1" | grep -qE "^a/tiny-[0-9]{8}-[0-9]{6}$"' sh "$run"
for file in recipe.ini history.json history.csv curves.png samples.png best.safetensors last.safetensors \
    validation.safetensors run.json train.txt val.txt; do
    holds "leaves $file" test -s "$run/$file"
done
holds "nothing else" sh -c '! ls -A "$1" | grep -vxE "recipe.ini|history.(json|csv)|(curves|samples).png|(best|last|validation).safetensors|run.json|(train|val).txt"' sh "$run"
holds "history.json begins with the usual columns" sh -c 'tr -d "\n" <"$1/history.json" | grep -qE "^\{ *\"train_loss\": \[[^]]*\], *\"train_f_score\": .*\"train_accuracy\": .*\"val_loss\": .*\"val_f_score\": .*\"val_accuracy\": .*\"lr\": "' sh "$run"
holds "history.csv has a row per epoch" test "$(wc -l <"$run/history.csv")" -eq 5
holds "run.json says how it ended" grep -q '"status": "complete"' "$run/run.json"
holds "no path and no time is in the results" sh -c '! grep -aqE "$(pwd)|20[0-9]{6}-[0-9]{6}" "$1"/last.safetensors "$1"/best.safetensors "$1"/history.json "$1"/history.csv' sh "$run"
expect "trains again from the resolved recipe under another name" 0 \
    "$FPCORE" -c "$run/recipe.ini" -s run.out=b -s run.name=other -s dataset.readers=3
same "with the same bytes" "$run" "$(run_in b)"
expect "another seed" 0 "$FPCORE" -c tiny.ini -s run.out=c -s run.seed=4
holds "gives another result" sh -c '! cmp -s "$1/history.json" "$2/history.json"' sh "$run" "$(run_in c)"
if "$FPCORE" -l backend 2>/dev/null | grep -qw cpu; then
    for threads in 1 2 7; do
        expect "trains on backend cpu with $threads threads" 0 \
            "$FPCORE" -c tiny.ini -s run.out=t$threads -s backend.use=cpu -s backend.threads=$threads
    done
    same "2 threads: the same bytes" "$(run_in t1)" "$(run_in t2)"
    same "7 threads: the same bytes" "$(run_in t1)" "$(run_in t7)"
else
    echo "ok threads # SKIP no backend cpu"
fi
expect "a batch larger than the set is refused" 2 "$FPCORE" -c tiny.ini -s run.out=d -s dataset.batch=17
says "with both numbers" 'batch = 17.*16 images'
holds "before a folder is made" test ! -e d
touch file
expect "a run.out that is a file is refused" 1 "$FPCORE" -c tiny.ini -s run.out=file
says "with the reason" 'run\.out = file: .*Not a directory'
expect "a run.name that leaves the folder is refused" 2 "$FPCORE" -c tiny.ini -s run.name=../x
says "with the key" 'run\.name = \.\./x'
exit $bad
