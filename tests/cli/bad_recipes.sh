#!/bin/sh
# Recipes that cannot be meant: exit code 2 before any data is read, FILE:LINE, section.key = value, what is wrong and what
# would be right. And what no recipe is at all: no crash.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

# refused WHAT PATTERN [ARGUMENT...]: the recipe comes from stdin
refused() {
    what=$1
    pattern=$2
    shift 2
    cat >r.ini
    expect "$what" 2 "$FPCORE" -c r.ini "$@"
    says "$what: the sentence" "^fpcore: error: $pattern"
    if [ -e runs ]; then not_ok "$what: no run folder"; else ok "$what: no run folder"; fi
}
base='[run]
epochs = 1
[dataset]
use = synthetic
[loss.ce]
use = cross_entropy
[metric.f_score]
use = fscore_batch
'
# with WHAT LINES PATTERN: the base recipe (8 lines) and these lines
with() { printf '%s%s\n' "$base" "$2" | refused "$1" "$3"; }

# ---- the text ----
refused "a duplicate key" 'r\.ini:3: run\.seed = 2: this key stands already at r\.ini:2 \(= 1\)' <<'END'
[run]
seed = 1
seed = 2
END
refused "a duplicate section" 'r\.ini:3: \[run\]: this section stands already at r\.ini:1' <<'END'
[run]
seed = 1
[run]
END
refused "a key outside of sections" 'r\.ini:1: seed = 1: only `include` may stand before the first section' <<'END'
seed = 1
END
refused "a line without =" 'r\.ini:2: seed 1: this is neither' <<'END'
[run]
seed 1
END
refused "a quote that is not closed" 'r\.ini:2: run\.name = "a: this quote is not closed' <<'END'
[run]
name = "a
END
refused "an include of nothing" 'r\.ini:1: include = absent\.ini: the recipe absent\.ini cannot be read: No such file.*neither beside .* FPCORE_RECIPES names another' <<'END'
include = absent.ini
END
refused "an include of itself" 'r\.ini:1: include = r\.ini: r\.ini includes itself' <<'END'
include = r.ini
END
expect "no such recipe" 2 "$FPCORE" -c nowhere.ini
says "it is named" 'the recipe nowhere\.ini cannot be read: No such file'
expect "a folder as recipe" 2 "$FPCORE" -c .
says "it is told" 'the recipe \. cannot be read: Is a directory'

# ---- keys and values ----
with "a misspelt key" '[optimizer]
use = adamw
weight_dekay = 1' 'r\.ini:11: optimizer\.weight_dekay = 1: unknown key; did you mean `weight_decay`\?'
with "a misspelt core key" '[schedule]
use = cosine
warmup_epoch = 1' 'r\.ini:11: schedule\.warmup_epoch = 1: unknown key; did you mean `warmup_epochs`\?'
with "a misplaced key" '[model]
use = microsegformer
weight_decay = 1' 'r\.ini:11: model\.weight_decay = 1: unknown key'
with "a key of another plugin" '[optimizer]
use = sgd
beta1 = 0.9' 'r\.ini:11: optimizer\.beta1 = 0\.9: unknown key'
with "a value out of range" '[model]
use = microsegformer
dropout = 1.5' 'r\.ini:11: model\.dropout = 1\.5: is out of range; give 0 \.\. 1'
with "a number with junk" '[model]
use = microsegformer
dropout = 0.1x' 'r\.ini:11: model\.dropout = 0\.1x: is not a number'
with "nan" '[optimizer]
use = adamw
lr = nan' 'r\.ini:11: optimizer\.lr = nan: is not a finite number'
with "a huge number" '[optimizer]
use = adamw
lr = 1e99999' 'r\.ini:11: optimizer\.lr = 1e99999: is too large'
with "a switch that is none" '[model]
use = microsegformer
lmsa = maybe' 'r\.ini:11: model\.lmsa = maybe: is neither on nor off; give on or off'
printf '%s' "$base" | sed 's/epochs = 1/epochs = 8e2/' | refused "a real for a whole number" \
    'r\.ini:2: run\.epochs = 8e2: is not a whole number; whole numbers are written out: 800'
printf '%s' "$base" | sed 's/epochs = 1/epochs = 99999999999999999999/' | refused "a number beyond 64 bits" \
    'r\.ini:2: run\.epochs = 99999999999999999999: does not fit 64 bits'
printf '%s' "$base" | sed 's/epochs = 1/epochs = 0/' | refused "no epochs" \
    'r\.ini:2: run\.epochs = 0: is out of range; give 1 \.\. '

# ---- sections ----
with "an unknown section" '[optimiser]
use = adamw' 'r\.ini:9: .*optimiser.*optimizer'
with "a section without use" '[loss.dice]
weight = 1' 'r\.ini:9: \[loss\.dice\]: the key `use` is missing; it names the loss plugin: .*cross_entropy, dice, focal'
with "a section of a misspelt kind" '[los.dice]
use = dice' 'r\.ini:9: .*los\.dice'
with "a kind without its label" '[loss]
use = dice' 'r\.ini:9: .*loss'

# ---- overrides ----
printf '%s' "$base" | refused "an override with a misspelt key" \
    '-s run\.epoch=3: run\.epoch = 3: unknown key; did you mean `epochs`\?' -s run.epoch=3
printf '%s' "$base" | refused "an override of a misspelt section" \
    '-s loss\.ec\.weight=3: the recipe has no section \[loss\.ec\]; did you mean \[loss\.ce\]\?' -s loss.ec.weight=3
printf '%s' "$base" | refused "an override without =" '-s run\.epochs: there is no =' -s run.epochs
printf '%s' "$base" | refused "an override without section" '-s epochs=3: the key has no section' -s epochs=3

# ---- no recipe at all ----
# ends WHAT: exit code 2 and a sentence that begins with the file's name
ends() {
    expect "$1" 2 "$FPCORE" -c r.ini
    says "$1: a sentence" '^fpcore: error: .*r\.ini'
}
printf 'name\000 = x\n[run]\n' >r.ini
ends "a NUL byte"
cp "$FPCORE_SRC/tests/golden/tiny.weights.safetensors" r.ini
ends "a binary file"
awk 'BEGIN { printf "[run]\nname = "; for (i = 0; i < 300000; i++) printf "x"; print "" }' >r.ini
ends "a line of 300 kB"
awk 'BEGIN { for (i = 0; i < 200000; i++) print "# a comment" }' >r.ini
ends "a file of 2 MB"
awk 'BEGIN { print "[run]"; for (i = 0; i < 60000; i++) print "k" i " = 1" }' >r.ini
ends "60,000 keys"
awk 'BEGIN { for (i = 0; i < 30; i++) { f = "deep" i ".ini"; print "include = deep" (i + 1) ".ini" >f } print "" >"deep30.ini" }'
echo 'include = deep0.ini' >r.ini
expect "includes 30 deep" 2 "$FPCORE" -c r.ini
says "includes 30 deep: a sentence" 'nested more than 16 deep'
printf '\033]0;title\007[run]\nseed = \033[2J1\n' >r.ini
ends "escape sequences"
if tr -d '\n\t -~' <out | grep -q .; then not_ok "none of them is printed" out; else ok "none of them is printed"; fi
exit $bad
