#!/bin/sh
# Plugins that cannot be used, named by a recipe: exit code 2, where, why, and what would help. No data is read, nothing is
# left behind.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1
mkdir p

# refused WHAT NAME PATTERN: the recipe names loss/NAME of the folder p
refused() {
    printf '[dataset]\nuse = synthetic\n[loss.mine]\nuse = %s\n' "$2" >r.ini
    expect "$1" 2 "$FPCORE" -c r.ini --plugin-path p
    says "$1: where" '^fpcore: error: r\.ini:4: loss\.mine\.use = '
    says "$1: why" "$3"
    if [ -e runs ]; then not_ok "$1: no run folder"; else ok "$1: no run folder"; fi
}
# shared SOURCE NAME
shared() {
    printf '%s\n' "$1" >x.c
    ${CC:-cc} -w -shared -fPIC -I"$FPCORE_SRC/include" x.c -o "p/$2.so" || not_ok "$2 compiles"
}

refused "a missing plugin" dcie 'there is no plugin loss/dcie; did you mean `dice`\? Plugins of kind loss: .*cross_entropy'
refused "a missing plugin: folders" dcie 'Searched: p, '
shared '#include <stdint.h>
__attribute__((visibility("default"))) const void *fpc_plugins_v3(void) { return 0; }' loss_abi3
refused "another ABI" abi3 'p/loss_abi3\.so is a plugin for ABI 3, this fpcore has ABI 1; rebuild it'
shared '#include <fpcore/loss.h>
static const fpc_plugin p = {.size = sizeof p, .abi = FPC_ABI + 7, .name = "later"};
FPC_PLUGINS(&p)' loss_later
refused "a later minor" later 'p/loss_later\.so was built for plugin ABI 1\.[0-9]+, this fpcore has 1\.[0-9]+; rebuild'
shared 'int f(void) { return 1; }' loss_library
refused "a library that is no plugin" library 'is a shared library, but no plugin: it has no symbol fpc_plugins_v1'
shared '#include <fpcore/loss.h>
extern int this_is_nowhere(void);
static int use(void) { return this_is_nowhere(); }
int (*keep)(void) = use;
FPC_PLUGINS(0)' loss_undefined
refused "an undefined symbol" undefined 'p/loss_undefined\.so does not load: .*undefined symbol: this_is_nowhere'
shared '#include <fpcore/loss.h>
static const fpc_loss_vtbl vtbl = {.size = sizeof vtbl};
static const fpc_plugin p = {FPC_PLUGIN_HEAD, .kind = FPC_LOSS, .name = "hollow", .summary = "S.", .version = "1",
    .license = "MIT", .self_size = sizeof(fpc_self), .vtbl = &vtbl};
FPC_PLUGINS(&p)' loss_hollow
refused "a missing function" hollow 'p/loss_hollow\.so hollow: vtbl\.build is missing; every loss plugin needs it'
echo 'not a library' >p/loss_text.so
refused "a text file" text 'p/loss_text\.so is not a shared library'
: >p/loss_empty.so
refused "an empty file" empty 'p/loss_empty\.so is not a shared library'
size=$(wc -c <p/loss_hollow.so)
for bytes in 10 63 64 200 1000 4097 $((size - 1)); do
    head -c $bytes p/loss_hollow.so >p/loss_cut.so
    refused "the first $bytes bytes" cut 'p/loss_cut\.so is (truncated|not a )'
done
mkdir p/loss_folder.so
refused "a folder" folder 'p/loss_folder\.so is not a file'
refused "a path" ../evil "use = \\.\\./evil: a plugin's name is made of lower case letters"
refused "an empty name" '' "use = : a plugin's name is made of"
exit $bad
