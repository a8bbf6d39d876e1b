# lib_train.sh: what scripts that train share: a scratch folder, results as `ok` / `not ok` lines, and a recipe that trains a
# tiny network in a moment. Read by `. "$FPCORE_SRC/tests/cli/lib_train.sh"`.
# shellcheck shell=sh disable=SC2034
export LC_ALL=C COLUMNS=1000 # of a table a row, of a sentence all is in a line
: "${FPCORE:?set by make check}" "${FPCORE_SRC:?}"
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
bad=0

cat >tiny.ini <<'INI'
[run]
name = tiny
seed = 3
epochs = 4
clip_norm = 1

[dataset]
use = synthetic
size = 32
train = 16
val = 6
batch = 4

[augment.flip]
use = hflip

[model]
use = microsegformer
dims = 8,16,24,32
depths = 1,1,1,1
decoder_dim = 16
dropout = 0.1

[loss.ce]
use = cross_entropy

[loss.dice]
use = dice
weight = 1.5

[optimizer]
use = adamw
lr = 2e-3

[schedule]
use = cosine
warmup_epochs = 1

[metric.f_score]
use = fscore_batch

[metric.accuracy]
use = pixel_accuracy

[backend]
use = ref
INI

ok() { echo "ok $1"; }
not_ok() {
    echo "not ok $1"
    [ ! -s "${2-}" ] || sed 's/^/    /' "$2"
    bad=1
}
# expect WHAT STATUS COMMAND...: runs it and compares the exit code; stdout and stderr stay in the file `out`
expect() {
    what=$1
    wanted=$2
    shift 2
    "$@" >out 2>&1
    got=$?
    if [ $got -eq "$wanted" ]; then
        ok "$what"
    else
        echo "exit code $got instead of $wanted: $*" >>out
        not_ok "$what" out
    fi
}
# says WHAT PATTERN: the last output has a line like that
says() {
    if grep -qE -- "$2" out; then
        ok "$1"
    else
        echo "no line matches: $2" >>out
        not_ok "$1" out
    fi
}
# holds WHAT COMMAND...
holds() {
    what=$1
    shift
    if "$@" >held 2>&1; then ok "$what"; else not_ok "$what" held; fi # what `expect` left in `out` stays
}
# the one run folder below DIR
run_in() { ls -d "$1"/*-[0-9]* 2>/dev/null | head -n 1; }
# same WHAT RUN RUN: the results of two trainings, byte for byte
same() {
    for file in last.safetensors best.safetensors history.json history.csv; do
        cmp "$2/$file" "$3/$file" || return 1
    done >out 2>&1 && ok "$1" || not_ok "$1" out
}
