#!/bin/sh
# docs/augmentations.md has a row for each augmentation with all its options and their defaults; the includes
# conf/augment_*.ini can be used, alone and, on top of each other, in a training.
# shellcheck source=lib_train.sh
. "$FPCORE_SRC/tests/cli/lib_train.sh"

"$FPCORE" -h --all | awk -F'|' '
    /^### / { plugin = "" }
    /^### augment\// { plugin = substr($1, 13); print plugin }
    plugin && /^\| `/ { key = $2; value = $4; gsub(/[ `]/, "", key); gsub(/^ +| +$/, "", value)
                        print plugin " " key " = " value }' >options
grep '^| `' "$FPCORE_SRC/docs/augmentations.md" >rows
[ "$(wc -l <options)" -gt 100 ] || { cp options out && not_ok "there are options" out; }
while read -r plugin option; do
    row=$(grep "^| \`$plugin\`" rows) || echo "$plugin has no row"
    case $row in
    *"\`$option"*) ;;
    *) echo "$plugin: \`$option\` is not in its row" ;;
    esac
done <options >out
if [ -s out ]; then not_ok "docs/augmentations.md is in step with the options" out; else
    ok "docs/augmentations.md is in step with the options"
fi

sed '/^\[augment/,/^$/d' tiny.ini >bare.ini
for include in "$FPCORE_SRC"/conf/augment_*.ini; do
    name=$(basename "$include" .ini)
    { echo "include = $include" && cat bare.ini; } >recipe.ini
    if "$FPCORE" -c recipe.ini --check >out 2>&1 && grep -q '^; no errors' out; then
        ok "$name checks"
    else
        not_ok "$name checks" out
    fi
    grep -q "conf/$name.ini\|$(echo "$name" | sed 's/.*kornia//').ini\`" "$FPCORE_SRC/docs/augmentations.md" ||
        [ "$name" = augment_flip ] || { echo "$name" >out && not_ok "$name is in the docs" out; }
done
{
    echo "include = $FPCORE_SRC/conf/augment_kornia_ultra.ini, $FPCORE_SRC/conf/augment_6_4.ini," \
        "$FPCORE_SRC/conf/augment_mixup_cutmix.ini"
    cat bare.ini
} >recipe.ini
if "$FPCORE" -c recipe.ini -s run.epochs=1 -s augment.mixup.labels=soft >out 2>&1; then
    ok "pipelines on top of each other train"
else
    not_ok "pipelines on top of each other train" out
fi
exit $bad
