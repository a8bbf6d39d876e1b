#!/bin/sh
# What fpcore says about itself: usage, version, verbs, sections, plugins; and what a wrong command line gets.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

expect "--help" 0 "$FPCORE" --help
says "--help has the usage" '^  fpcore -c RECIPE\.ini \[--resume RUN\]'
says "--help tells the exit codes" '130 interrupted after saving'
for verb in train check list describe model lr eval predict probe bench new analyze compare sweep data preview submit; do
    says "--help lists $verb" "^  $verb +[A-Za-z].*[a-z]"
done
expect "-V" 0 "$FPCORE" -V
says "-V has the version" '^fpcore [0-9]+\.[0-9]+\.[0-9]+$'
says "-V has the plugin ABI" '^plugin ABI 1\.[0-9]+$'
says "-V has the checkpoint format" '^checkpoint format [0-9]+$'
for verb in train check list describe model lr eval predict probe bench new analyze compare sweep data preview submit; do
    expect "$verb --help" 0 "$FPCORE" $verb --help
    says "$verb --help has its usage" '^usage: fpcore '
    [ $verb = model ] && continue # a section as well
    expect "-h $verb" 0 "$FPCORE" -h $verb
    says "-h $verb is the same" '^usage: fpcore '
done

expect "-h model/microsegformer" 0 "$FPCORE" -h model/microsegformer
says "it has the summary" '^model/microsegformer [0-9.]+: MicroSegFormer'
says "it has an option with type, default and range" '^      type ints, default 32, 64, 128, 192, range .*1 \.\. 4096, unit channels$'
says "it has the core's key of every model" '^  max_params$'
expect "-h takes a bare name" 0 "$FPCORE" -h microsegformer
says "which is the same plugin" '^model/microsegformer '
for section in run dataset augment model loss metric optimizer schedule logger backend comm; do
    expect "-h $section" 0 "$FPCORE" -h $section
    says "-h $section names the section" "^\\[$section(\\.LABEL)?\\]: [A-Z]"
done
expect "-h model" 0 "$FPCORE" -h model
says "-h model names the verb as well" '^The verb of that name: fpcore model --help$'
expect "-h --all" 0 "$FPCORE" -h --all
says "the reference has the sections" '^## \[loss\.LABEL\]$'
says "the reference has the plugins" '^### optimizer/adamw$'
says "the reference has their options" '^\| `dropout` \| real \| '
[ -z "$(awk -F '|' '/^\|/ { gsub(/\\\|/, ""); if (NF != 8) print }' out)" ] && ok "its tables have six columns" ||
    not_ok "its tables have six columns" out

# A wrong command line: exit code 2 and a sentence.
expect "no arguments" 2 "$FPCORE"
says "they are explained" 'nothing to do; `fpcore -c RECIPE\.ini` trains'
expect "an unknown verb" 2 "$FPCORE" porbe
says "the nearest is named" '`porbe` is no verb; did you mean `probe`\?'
expect "a recipe without -c" 2 "$FPCORE" conf/x.ini
says "-c is proposed" 'did you mean `fpcore -c conf/x\.ini`\?'
expect "an unknown option" 2 "$FPCORE" --verbose
says "it is named" 'unknown option --verbose'
expect "a verb without its recipe" 2 "$FPCORE" model
says "the recipe is asked for" 'fpcore model: the recipe is missing; give -c RECIPE\.ini'
expect "-c without a value" 2 "$FPCORE" -c
says "the value is asked for" '-c: a recipe is missing behind it'
expect "-c twice" 2 "$FPCORE" -c a.ini -c b.ini
says "both are named" '-c is given twice: a\.ini and b\.ini'
expect "-h of nothing" 2 "$FPCORE" -h model/microsegfomer
says "the nearest plugin is named" 'there is no plugin model/microsegfomer; did you mean `microsegformer`\?'
expect "-h of an unknown kind" 2 "$FPCORE" -h modle/unet
says "the kind is named" '`modle` is no kind of plugin'
expect "-h of an unknown word" 2 "$FPCORE" -h optimiser
says "it is no section" 'no plugin, section or verb of that name'
expect "-h of a path" 2 "$FPCORE" -h model/../../x
says "it is no name" "a plugin's name is made of lower case letters"

# Output that cannot be written is a failure; a reader that leaves early is none.
if [ -w /dev/full ]; then
    "$FPCORE" -h --all >/dev/full 2>out
    [ $? -eq 1 ] && ok "a full disk fails" || not_ok "a full disk fails"
    says "it says so" 'standard output cannot be written: No space left'
fi
("$FPCORE" -h --all 2>err; echo $? >code) | head -n 1 >/dev/null
[ "$(cat code)" = 0 ] && [ ! -s err ] && ok "| head is no failure" || not_ok "| head is no failure" err
exit $bad
