#!/bin/sh
# fpcore show: what a file of weights holds, of a run, moved away, of an older fpcore and of another program.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"
cat >more.ini <<'INI'
include = tiny.ini
[run]
swa_start = 1
ema = 0.9
INI
expect "a training" 0 "$FPCORE" -c more.ini -s run.epochs=2
run=$(run_in runs)
mkdir empty
cp "$run/best.safetensors" empty/w.safetensors
narrow() {
    if awk 'length($0) > 80 { exit 1 }' out; then ok "in 80 columns"; else not_ok "in 80 columns" out; fi
}

expect "a run folder" 0 "$FPCORE" show "$run"
narrow
says "its file" "^$run/best\.safetensors\$"
says "the model" '^  model +microsegformer$'
says "options" '^  options +.*dims=8,16,24,32'
says "parameters" '^  parameters +[0-9]+,[0-9]{3}$'
says "classes" '^  classes +19: background, skin,'
says "the size" '^  input +32x32 \(height x width\)$'
says "the epoch" '^  epoch +[12]$'
says "the score" '^  val_f_score +0\.[0-9]+$'
says "data" '^  data +synthetic$'
says "losses" '^  losses +cross_entropy, dice$'
says "tensors" '^  tensors +[0-9]+ with [0-9,]+ numbers$'
says "the format" '^  written by +fpcore [0-9.]+, model format 1$'
sed 1d out >want
(cd empty && "$FPCORE" show w.safetensors) >out 2>&1
sed 1d out >got
holds "a file that was moved away tells the same" cmp want got
expect "without any plugin" 0 env FPCORE_PLUGIN_PATH=/nowhere "$FPCORE" show "$run"
expect "a checkpoint" 0 "$FPCORE" show "$run/last.safetensors"
says "is in an epoch of several" '^  epoch +2 of 2$'
says "tells its best" '^  best +f_score 0\.[0-9]+ in epoch [12]$'
says "and that it has more" '^  tensors .*, and [0-9]+ of the training.s state$'
narrow
expect "a mean of weights" 0 "$FPCORE" show "$run/swa.safetensors"
says "tells of how many" '^  averaged +the weights of 2 epochs$'
says "and its scores" '^  val_f_score +0\.[0-9]+$'

expect "--tensors" 0 "$FPCORE" show --tensors "$run"
says "has rows" '^decoder\.[a-z0-9_.]+ +\([0-9, ]+\) +F32$'
expect "--recipe" 0 "$FPCORE" show --recipe empty/w.safetensors
cp out recipe.ini
holds "is a recipe" "$FPCORE" -c recipe.ini --check
expect "that evaluates" 0 "$FPCORE" eval -c recipe.ini -w empty/w.safetensors
cp out got
"$FPCORE" eval -w "$run" >want 2>&1
holds "to the same" cmp want got
expect "and trains" 0 "$FPCORE" -c recipe.ini -s run.out=again -s run.swa_start=1 -s run.ema=0.9
holds "to the same weights" cmp "$(run_in again)/best.safetensors" "$run/best.safetensors"
expect "--classes" 0 "$FPCORE" show --classes "$run"
says "is a file of classes" '^13 = hair$'
expect "--json" 0 "$FPCORE" show --json "$run"
says "has the model" '^ "model": "microsegformer",$'
says "and the metadata" '"fpcore\.model": "1"'
"$FPCORE" show --json "$run" >a.json
if command -v python3 >/dev/null; then
    holds "is JSON" python3 -c 'import json
a = json.load(open("a.json"))
assert len(a["classes"]) == 19 and a["metadata"]["input"] == "32x32" and any(len(t["shape"]) == 4 for t in a["tensors"])'
fi
expect "two at once" 2 "$FPCORE" show --json --tensors "$run"
says "are refused" 'each in place of the rest'

# ---- paths, other programs, other formats ----
expect "a training from weights" 0 "$FPCORE" -c tiny.ini -s run.init_from="$run" -s run.out=from -s run.epochs=1
expect "its weights" 0 "$FPCORE" show "$(run_in from)"
says "tell that there were others" '^  files +run\.init_from \(the recipe'
expect "their recipe" 0 "$FPCORE" show --recipe "$(run_in from)"
says "says what is not there" '^; run\.init_from: a path, which weights do not hold$'
tensors='{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"a.running_mean":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}'
# headed HEADER: a file with that header in front of 24 bytes
headed() {
    # shellcheck disable=SC2059
    printf "\\$(printf %o $((${#1} % 256)))\\$(printf %o $((${#1} / 256)))\\0\\0\\0\\0\\0\\0"
    printf %s "$1"
    head -c 24 /dev/zero
}
headed "$tensors" >other.safetensors
expect "a file of another program" 0 "$FPCORE" show other.safetensors
says "has tensors" '^  tensors +2 with 6 numbers$'
says "and parameters" '^  parameters +4$'
says "and no recipe" '^It holds no recipe, so another program wrote it: give -c RECIPE'
narrow
headed '{"__metadata__":{"metric":"a\nmodel  forged\t\u001b[2J\u0085","value":"0.5","val_b\nc":"1","epochs.averaged":"2",'\
'"best.value":"0.25","best.epoch":"9223372036854775807","parameters":"99999999999999999999"},'"${tensors#?}" >hostile.safetensors
expect "metadata that would steer the terminal" 0 "$FPCORE" show hostile.safetensors
says "become a title on one line" '^  a\?model  forged\?\?\[2J\? +0\.5$'
says "and so does a key" '^  val_b\?c +1$'
if grep -q '^model' out; then not_ok "no line is forged" out; else ok "no line is forged"; fi
if grep -q '^  best' out; then not_ok "an epoch beyond all is no epoch" out; else ok "an epoch beyond all is no epoch"; fi
says "nor a number of parameters" '^  parameters +4$'
expect "as JSON" 0 "$FPCORE" show --json hostile.safetensors
says "all is escaped" '"metric": "a\\nmodel  forged\\t\\u001[bB]\[2J\\u0085"'
sed 's/9223372036854775807/0000000000000000007/' hostile.safetensors >best.safetensors
expect "an epoch that may be" 0 "$FPCORE" show best.safetensors
says "is told" '^  best +0\.25 in epoch 8$'
expect "whose recipe is asked for" 2 "$FPCORE" show --recipe other.safetensors
says "is told of" 'other\.safetensors: holds no recipe'
sed 's/"fpcore.model":"1"/"fpcore.model":"7"/' empty/w.safetensors >later.safetensors
expect "a later format" 1 "$FPCORE" show later.safetensors
says "is refused" 'later\.safetensors: model format 7; this fpcore reads 1'
expect "nothing" 2 "$FPCORE" show
says "is too little" 'a run folder or a file of weights is wanted'
expect "a file that is not there" 1 "$FPCORE" show nowhere
says "is named" 'nowhere: cannot be opened'
expect "a file that is none" 1 "$FPCORE" show more.ini
exit $bad
