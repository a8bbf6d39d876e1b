#!/bin/sh
# fpcore --check: the recipe with every default and its origin, and the warnings.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1
export LC_ALL=C

cat >base.ini <<'END'
[run]
name = base
epochs = 10
[dataset]
use = synthetic
size = 32
batch = 4
[augment.flip]
use = hflip
p = 0.5
[loss.ce]
use = cross_entropy
[metric.f_score]
use = fscore_batch
[optimizer]
use = adamw
[backend]
use = ref
END
cat >r.ini <<'END'
include = base.ini
[run]
name = checked ; and a comment
[schedule]
use = cosine
warmup_epochs = 2
END
check() {
    what=$1
    shift
    expect "$what" 0 "$FPCORE" -c r.ini --check "$@"
}
check "a good recipe"
says "it ends well" '^; no errors, 0 warnings$'
says "the name" '^name = checked ?.*r\.ini:3'
says "what was included" '^epochs = 10 ?.*base\.ini:3'
says "a default" '^seed = 0 ?.*default'
says "the core's keys of a section" '^warmup_start = 0\.1 ?.*default'
says "parameters" '1747923 parameters'
[ -e runs ] && not_ok "nothing is written" || ok "nothing is written"

# What is printed is a recipe: it means the same.
cp out resolved.ini
expect "the resolved recipe is a recipe" 0 "$FPCORE" -c resolved.ini --check
sed 's/ *;.*//' resolved.ini | grep -v '^$' >a
sed 's/ *;.*//' out | grep -v '^$' >b
cmp -s a b && ok "and means the same" || { diff a b >d; not_ok "and means the same" d; }
# The same of every recipe that trains by itself: printed, and printed again. Parts of recipes, and those that go on from
# weights or name data of one's own, do not.
: >refused
for recipe in "$FPCORE_SRC"/conf/*.ini "$FPCORE_SRC"/conf/*/*.ini; do
    "$FPCORE" -c "$recipe" --check --no-data >first.ini 2>/dev/null || { echo "$recipe" >>refused && continue; }
    "$FPCORE" -c first.ini --check --no-data >second.ini 2>errors
    for i in first second; do sed 's/ *;.*//' $i.ini | grep -v '^$' >$i; done
    cmp -s first second || { echo "$recipe" && cat errors && diff first second; } >>differs
    echo "$recipe" >>printed
done
grep -vE '/(augment_[a-z0-9_]+|own|lmsa_continue_v2|lmsa_continue_conservative|lmsa_finetune_ultralow)\.ini$' refused >wrong
[ -s printed ] && [ ! -s wrong ] && ok "recipes are printed" || not_ok "recipes are printed" wrong
[ -s differs ] && not_ok "each as a recipe of its meaning" differs || ok "each as a recipe of its meaning"

# ---- warnings: allowed, rarely meant ----
check "a flip that keeps labels" -s augment.flip.exchange=off
says "it is warned about" '^; warning: -s augment\.flip\.exchange=off: augment\.flip\.exchange = off: 50 % of the pictures are mirrored'
says "it is counted" '^; no errors, 1 warning$'
check "patience shorter than a restart's period" -s schedule.use=warm_restarts -s schedule.t_0=4 -s schedule.t_mult=1 \
    -s run.patience=2 -s schedule.warmup_epochs=0
says "it is warned about" "^; warning: -s run\\.patience=2: run\\.patience = 2: the schedule restarts, and its longest period .* is 4 epochs"
check "patience longer than that" -s schedule.use=warm_restarts -s schedule.t_0=4 -s schedule.t_mult=1 -s run.patience=5 \
    -s schedule.warmup_epochs=0 -s run.epochs=8
says "it is fine" '^; no errors, 0 warnings$'
check "a cosine that is too short" -s schedule.t_max=4
says "it is warned about" 'schedule\.t_max = 4: the rate rises again after epoch 6'
says "and what would be right" '; 8 \(epochs - warmup_epochs\)'
check "a cosine that is too long" -s schedule.t_max=80
says "it is warned about" 'schedule\.t_max = 80: the run ends before the cosine does'
check "a cosine of the run's length" -s schedule.t_max=8
says "it is fine" '^; no errors, 0 warnings$'
check "nothing but warm-up" -s schedule.warmup_epochs=10
says "it is warned about" 'warmup_epochs = 10: the warm-up is as long as the whole run of 10 epochs'
check "a loss term that counts nothing" -s loss.ce.weight=0
says "it is warned about" 'loss\.ce\.weight = 0: this term counts nothing'
check "a rate of 0" -s optimizer.lr=0
says "it is warned about" 'optimizer\.lr = 0: nothing is learned'
check "without data" --no-data
says "it is fine" '^; no errors, '

# ---- errors ----
expect "a model that is too large" 2 "$FPCORE" -c r.ini --check -s model.max_params=1000000
says "it is refused" 'max_params'
says "with its size" '1,?747,?923'
expect "an unknown option" 2 "$FPCORE" -c r.ini --check --what
says "it is named" '^fpcore: error: fpcore check: unknown option --what; '
exit $bad
