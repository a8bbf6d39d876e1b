#!/bin/sh
# What fpcore says about itself: usage, version, verbs, sections, plugins; and what a wrong command line gets.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1
verbs=$(sed -n 's/^VERB(\(.*\))$/\1/p' "$FPCORE_SRC/core/cmd/verbs.def")
[ "$(echo "$verbs" | wc -l)" -ge 19 ] && ok "the verbs are known" || not_ok "the verbs are known" "$FPCORE_SRC/core/cmd/verbs.def"

expect "--help" 0 "$FPCORE" --help
says "--help has the usage" '^  fpcore -c RECIPE\.ini \[--resume RUN\]'
says "--help tells the exit codes" '130 interrupted after saving; 75 the same'
for verb in $verbs; do
    says "--help lists $verb" "^  $verb +[A-Za-z].*[a-z]"
done
expect "-V" 0 "$FPCORE" -V
says "-V has the version" '^fpcore [0-9]+\.[0-9]+\.[0-9]+$'
says "-V has the plugin ABI" '^plugin ABI 1\.[0-9]+$'
says "-V has the checkpoint format" '^checkpoint format [0-9]+$'
says "and that of weights" '^model format 1$'
for verb in $verbs; do
    expect "$verb --help" 0 "$FPCORE" $verb --help
    says "$verb --help has its usage" '^usage: fpcore '
    [ $verb = model ] && continue # a section as well
    expect "-h $verb" 0 "$FPCORE" -h $verb
    says "-h $verb is the same" '^usage: fpcore '
done

expect "-h model/microsegformer" 0 "$FPCORE" -h model/microsegformer
says "it has the summary" '^model/microsegformer [0-9.]+: MicroSegFormer'
says "it has an option with type, default and range" '^      type ints, default 32, 64, 128, 192, range whole numbers with commas, each$'
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

# A key, by its section or alone; words that people try.
for key in run.ema ema Run.EMA; do
    expect "-h $key" 0 "$FPCORE" -h $key
    says "-h $key describes it" '^      decay of a running average of the weights'
done
expect "-h dataset.size" 0 "$FPCORE" -h dataset.size
says "each plugin's own is told" '^\[dataset\] use = synthetic$'
expect "-h loss.dice.weight" 0 "$FPCORE" -h loss.dice.weight
says "the core's of every loss" '^\[loss\.LABEL\]$'
expect "a key that is none" 2 "$FPCORE" -h run.emma
says "is said to be none" '\[run\] has no key `emma`; did you mean `ema`\? `fpcore -h run` lists'
expect "a plugin's key that is none" 2 "$FPCORE" -h dataset.rot
says "gets a guess too" '\[dataset\] has no key `rot`; did you mean `root`\? '
expect "a section that is none" 2 "$FPCORE" -h rum.ema
says "gets one as well" 'there is no section \[rum\]; did you mean \[run\]\? '
expect "help VERB" 0 "$FPCORE" help eval
says "is its help" '^usage: fpcore eval '
expect "help" 0 "$FPCORE" help
says "is the usage" '^verbs:$'
expect "version" 0 "$FPCORE" version
says "is the version" '^plugin ABI '
expect "a plugin folder that is not there" 0 "$FPCORE" --plugin-path /nope -l loss
says "gets a word" 'warning: --plugin-path /nope: there is no such folder'

# Options as users of getopt_long expect them, those of every verb too.
expect "a part of a name" 0 "$FPCORE" --vers
says "is enough where no other begins so" '^plugin ABI '
expect "of --list" 0 "$FPCORE" --li loss
says "as well" '^  dice '
expect "of --check, behind -cFILE and -sKEY=VALUE" 0 "$FPCORE" -cquickstart.ini -srun.epochs=7 --che --no-d
says "which were read" '^epochs = 7 '
expect "of --help behind a verb" 0 "$FPCORE" eval --he
says "as well" '^usage: fpcore eval '
expect "of --plugin-path" 0 "$FPCORE" --plug=/nope -l loss
says "with =" '--plugin-path /nope: there is no such folder'
expect "too little of a name" 2 "$FPCORE" predict --ov
says "names those that begin so" '^fpcore: error: fpcore predict: --ov may be --overlay or --overlap; write more of it$'
expect "too little of a name, which a verb shares" 2 "$FPCORE" predict --p
says "names the verb's" 'fpcore predict: --p may be --probs or --probabilities or --post; '
expect "letters in one word, behind an operand" 1 "$FPCORE" predict nowhere -rvw nothing -omasks
says "are read" '^fpcore: error: nowhere: No such file or directory$'

# What a verb does not read is no option of it.
for verb in list describe show new compare; do
    for option in "-s a.b=c" "-c quickstart.ini"; do
        # shellcheck disable=SC2086
        expect "$verb with $option" 2 "$FPCORE" $verb $option
        says "is refused" "^fpcore: error: fpcore $verb: ${option%% *} is of no use here, for it reads no recipe\$"
    done
done
for verb in show compare analyze; do
    expect "$verb with --plugin-path" 2 "$FPCORE" $verb --plugin-path / x
    says "is refused" "^fpcore: error: fpcore $verb: --plugin-path is of no use here, for it opens no plugins\$"
done

# Help fits 80 columns, examples too, and is broken once: no line that ends early goes on in the next.
wide=$(for verb in $verbs; do
    "$FPCORE" $verb --help
done | awk 'length($0) > 80')
[ -z "$wide" ] && ok "verbs' help fits 80 columns" || { printf '%s\n' "$wide" >out; not_ok "verbs' help fits 80 columns" out; }
"$FPCORE" --help >out && ! awk 'length($0) > 80 { found = 1 } END { exit !found }' out && ok "so does the usage" || not_ok "so does the usage" out
"$FPCORE" -l | awk '/^[a-z]/ { kind = $1 } /^  [a-z]/ { print kind "/" $1 }' >plugins
while read -r plugin; do "$FPCORE" -h "$plugin" --all; done <plugins | grep -v '^file ' | awk 'length($0) > 80' >out
[ ! -s out ] && ok "and every plugin's" || not_ok "and every plugin's" out
COLUMNS=50 "$FPCORE" sweep --help | grep -v '^example: ' | awk 'length($0) > 50' >out
[ ! -s out ] && ok "COLUMNS is heeded" || not_ok "COLUMNS is heeded" out

# A wrong command line: exit code 2 and a sentence.
expect "no arguments" 2 "$FPCORE"
[ "$(wc -l <out)" -le 11 ] && ok "in ten lines" || not_ok "in ten lines" out
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
says "it is no section" 'no plugin, section, verb or key of that name'
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
