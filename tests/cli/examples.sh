#!/bin/sh
# Every verb's help ends with an example, and every example works, in a folder that has what it names: recipes of the
# names in it (tiny ones), pictures, weights, a run.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

mkdir conf
sed -e 's/^name = tiny/name = quickstart/' -e 's/^use = ref/use = cpu/' -e 's/^val = 6/val = 10\ntest = 3/' tiny.ini >conf/quickstart.ini
sed 's/^name = .*/name = lmsa_v1/' conf/quickstart.ini >conf/lmsa_v1.ini
cp "$FPCORE_SRC/tests/golden/tiny.input.safetensors" in.safetensors

# example VERB [BEFORE]: runs it as it stands, through a shell
example() {
    "$FPCORE" "$1" --help >help
    line=$(sed -n 's/^example: //p' help)
    holds "$1: the help ends with an example" test -n "$line" -a "$line" = "$(sed -n '$s/^example: //p' help)"
    expect "$1: $line" 0 sh -c "${2-}$(printf '%s' "$line" | sed "s|^fpcore|'$FPCORE'|")"
}

example train
run=$(run_in runs)
holds "it trained two epochs" sh -c "tail -n 1 '$run/history.csv' | grep -q '^2,'"
cp "$run/best.safetensors" .
mkdir photos
cp "$run/samples.png" photos
cp -r "$run" runs/lmsa_v1-20251007-153857
example check
says "it is without warnings" '^; no errors, '
example list
says "it lists losses" '^ +dice '
example describe
example model
example lr
holds "it drew" test -s lr.png
example eval
says "it measured" '^f_score: 0\.'
example tune
says "it tells what is worth it" '^optimism: '
example predict
holds "it wrote masks and overlays" test -s masks/samples.png -a -s masks/samples.overlay.png
example show
says "it tells the model" "^  model  *[a-z]"
example export
holds "it wrote a network" test -s face.onnx
example pack
holds "it wrote a network" test -s face.fps
# This one goes on until a signal comes: as soon as it has said where it is.
"$FPCORE" serve --port 0 nowhere >out 2>&1
if grep -q 'without libmicrohttpd' out; then
    echo "ok serve # SKIP this build is without libmicrohttpd"
else
    : >out
    (
        tries=0
        until grep -q '^http' out || [ $tries -gt 1500 ]; do sleep 0.02 && tries=$((tries + 1)); done
        kill "$(cat pid)"
    ) &
    example serve 'echo $$ >pid; exec '
    says "it said where it was" '^http://127\.0\.0\.1:[0-9]+/$'
fi
example probe
holds "it wrote tensors" test -s out.safetensors
example bench
says "it measured" '^train: [0-9.]+ images/s'
example new
holds "it wrote a source" test -s my_loss.c
example analyze
holds "it wrote a page" grep -q '</html>' lmsa_v1.html
example compare
example sweep
example data
holds "it wrote JSON" test -s audit.json
example preview
holds "it drew" test -s preview.png
example submit
holds "it wrote an archive" test -s submission.zip

# No verb is forgotten here.
"$FPCORE" --help | sed -n "s/^  \([a-z][a-z]*\)  *[A-Z].*/\1/p" | grep -v "^fpcore$" >verbs
for verb in $(cat verbs); do
    holds "$verb has its example above" grep -qE "^ *example $verb( |\$)" "$FPCORE_SRC/tests/cli/examples.sh"
done
exit $bad
