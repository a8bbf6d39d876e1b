#!/bin/sh
# An installed tree that was moved, and a build tree, work as they are: plugins and recipes are found from where the
# library lies, without any variable of the environment; an installed program has nothing of the build tree.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1
unset FPCORE_PLUGIN_PATH FPCORE_PLUGIN_DIR FPCORE_RECIPES LD_LIBRARY_PATH PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

# ---- a tree that was moved twice, so that its first place is gone ----
cp -R "$FPCORE_BUILD/tests/installed" first || exit 1
expect "it works at its first place" 0 "$(find "$scratch/first" -path '*/bin/fpcore')" -h loss/dice
says "by its own plugins" "^file $scratch/first/.*/fpcore/1/loss_dice\.so"
mv first second
bin=$(dirname "$(find "$scratch/second" -path '*/bin/fpcore')")
PATH=$bin:$PATH
expect "it works at its second place" 0 fpcore -h loss/dice
says "by the plugins there" "^file $scratch/second/.*/fpcore/1/loss_dice\.so"
expect "-l" 0 fpcore -l
for plugin in microsegformer cross_entropy adamw hflip cpu ref folder console; do
    says "-l has $plugin" "^  $plugin "
done
expect "-l recipes" 0 fpcore -l recipes
says "they are those there" "^recipes in $scratch/second/.*/conf:$"
says "quickstart.ini is one" '^  quickstart\.ini '
expect "quickstart.ini trains" 0 fpcore -c quickstart.ini -s run.epochs=1 -s dataset.size=32 -s dataset.train=8 \
    -s dataset.val=4 -s dataset.batch=4
[ -s "$(find runs -name best.safetensors)" ] && ok "weights are saved" || not_ok "weights are saved" out
expect "fpcore-conform finds the library" 1 fpcore-conform ./nothing.so
if grep -q 'shared libraries' out; then not_ok "which it says nothing of" out; else ok "which it says nothing of"; fi
mkdir links && ln -s "$bin/fpcore" links/fpcore
expect "by a link" 0 links/fpcore -h loss/dice
says "the same plugins" "^file $scratch/second/"

# ---- the package file ----
pc=$(find "$scratch/second" -name fpcore.pc)
for name in confdir:quickstart.ini plugindir:loss_dice.so includedir:fpcore/plugin.h libdir:libfpcore.so; do
    folder=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --variable="${name%%:*}" fpcore)
    case $folder in
    "$scratch/second/"*) [ -e "$folder/${name#*:}" ] && ok "pkg-config: ${name%%:*}" || not_ok "pkg-config: ${name%%:*} = $folder" ;;
    *) not_ok "pkg-config: ${name%%:*} = $folder" ;;
    esac
done

# ---- documents, the manual and completion ----
for file in README.md CHANGELOG.md SECURITY.md CITATION.cff COPYING recipes.md; do
    [ -n "$(find "$scratch/second" -path "*/share/doc/fpcore/$file")" ] && ok "$file is installed" || not_ok "$file is installed"
done
for file in man/man1/fpcore.1 man/man5/fpcore-recipe.5 bash-completion/completions/fpcore.bash zsh/site-functions/_fpcore; do
    [ -n "$(find "$scratch/second" -path "*/share/$file")" ] && ok "$file is installed" || not_ok "$file is installed"
done
version=$("$FPCORE" -V | sed -n 's/^fpcore //p')
grep -qx "version: $version" "$FPCORE_SRC/CITATION.cff" && grep -q "^## $version" "$FPCORE_SRC/CHANGELOG.md" &&
    ok "the documents know the version" || not_ok "the documents know the version"

# ---- what an installed tree has nothing of ----
if command -v readelf >/dev/null; then
find "$scratch/second" -name 'fpcore*' -path '*/bin/*' -o -name '*.so*' | while read -r file; do
    readelf -d "$file" 2>/dev/null | grep -E 'R(UN)?PATH' | grep -F "$FPCORE_BUILD"
done >out
[ ! -s out ] && ok "no path into the build tree" || not_ok "no path into the build tree" out
else
    echo "ok no path into the build tree # SKIP readelf is not installed"
fi

find "$scratch/second" -name '*.la' >out
[ ! -s out ] && ok "no file of libtool" || not_ok "no file of libtool" out

# ---- the variables go first ----
mkdir own && printf '; Mine.\n' >own/mine.ini
expect "FPCORE_RECIPES goes first" 0 env FPCORE_RECIPES="$scratch/own" fpcore -l recipes
says "with its recipes" '^  mine\.ini  +Mine\.'
expect "FPCORE_PLUGIN_DIR goes first" 0 env FPCORE_PLUGIN_DIR="$scratch/own" fpcore -l
[ ! -s out ] && ok "with its plugins" || not_ok "with its plugins" out

# ---- a build tree ----
expect "the program of the build tree" 0 "$FPCORE" -h loss/dice
says "takes the plugins that were built" "^file $FPCORE_BUILD/\.libs/loss_dice\.so"
expect "recipes of the sources" 0 "$FPCORE" -c quickstart.ini --check
says "are found" "^epochs = 20 .*/conf/quickstart\.ini:"
exit $bad
