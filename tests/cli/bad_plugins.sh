#!/bin/sh
# Plugins that cannot be used, named by a recipe: exit code 2, where, why, and what would help; nothing is left behind.
# Then plugins that load and misbehave when they are called: a sentence that names plugin and function.
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

# ---- what the file holds ----
shared '__attribute__((visibility("default"))) const long fpc_plugins_v1[4] = {1, 2, 3, 4};' loss_data
refused "data in place of the function" data 'p/loss_data\.so has data called fpc_plugins_v1, and no function'
# plugin KIND NAME MEMBERS: the end of a source; the functions stand before it
plugin() {
    upper=$(printf %s "$1" | tr '[:lower:]' '[:upper:]')
    printf 'static const fpc_%s_vtbl vtbl = {.size = sizeof vtbl, %s};
static const fpc_plugin p = {FPC_PLUGIN_HEAD, .kind = FPC_%s, .name = "%s", .summary = "S.", .version = "1",
    .license = "MIT", .self_size = sizeof(fpc_self), .vtbl = &vtbl};
FPC_PLUGINS(&p)
' "$1" "$3" "$upper" "$2"
}
# makes KIND NAME MEMBERS CODE: makes p/KIND_NAME.so
makes() {
    shared "$(printf '#include <fpcore/fpcore.h>\n#include <math.h>\n#include <signal.h>\n#include <stdlib.h>\n%s\n' "$4"
        plugin "$1" "$2" "$3")" "$1_$2"
}
model='static fpc_status build(fpc_self *s, fpc_graph *g, fpc_model_io *io)'
loss='static fpc_status build(fpc_self *s, fpc_graph *g, fpc_loss_io *io)'
makes model gce '.build = build' "$model { return FPC_OK; }"
mv p/model_gce.so p/gce.so
refused "a wrong kind" gce 'there is no plugin loss/gce.*; p/gce\.so holds model/gce: what its \.kind says'
shared "#include <fpcore/fpcore.h>
$loss { return FPC_OK; }
$(plugin loss table '.build = build' | sed 's/FPC_LOSS/FPC_MODEL/')" loss_table
refused "a wrong kind beside the right table" table \
    'p/loss_table\.so table: vtbl\.size is 24, but a fpc_model_vtbl has 16 bytes; .*see that \.kind, which says model'

# ---- what it does when it is called ----
# shellcheck disable=SC3045 # where a shell has it
ulimit -c 0 2>/dev/null
cat >base.ini <<'END'
[run]
name = bad
epochs = 2
[dataset]
use = synthetic
size = 32
train = 4
val = 2
batch = 2
[model]
use = unet
width = 2
levels = 2
[loss.ce]
use = cross_entropy
[schedule]
use = constant
[augment.mine]
use = brightness
END
# misbehaves WHAT STATUS SETTING PATTERN: training ends with that; never with a figure of memory that nobody measured
misbehaves() {
    rm -rf runs
    expect "$1" "$2" "$FPCORE" -c base.ini --plugin-path p -s "$3"
    says "$1: why" "$4"
    if grep -q MiB out; then not_ok "$1: no figure of memory" out; else ok "$1: no figure of memory"; fi
}
# crashes WHAT SETTING PATTERN: the signal's default ends the program (or a sanitizer's handler does), after the sentence
crashes() {
    rm -rf runs
    "$FPCORE" -c base.ini --plugin-path p -s "$2" >out 2>&1
    if [ $? -gt 0 ]; then ok "$1 ends the program"; else not_ok "$1 ends the program" out; fi
    says "$1: whose code" "^fpcore: error: crashed inside of $3"
}

for kind in loss model; do
    head=$loss
    [ $kind = loss ] || head=$model
    makes $kind silent '.build = build' "$head { return FPC_EINVAL; }"
    makes $kind later '.build = build' "$head { return FPC_ENOMEM; }"
done
misbehaves "a loss that fails without a word" 2 loss.ce.use=silent \
    'error: build of loss/silent \(\[loss\.ce\]\) failed and gave no reason'
misbehaves "a loss that claims to lack memory" 1 loss.ce.use=later 'build of loss/later \(\[loss\.ce\]\) failed'
misbehaves "a model that fails without a word" 2 model.use=silent 'build of model/silent \(\[model\]\) failed'
expect "--check builds the losses" 2 "$FPCORE" -c base.ini --check --plugin-path p -s loss.ce.use=silent
says "--check says why" 'build of loss/silent'
makes optimizer silent '.build = build, .n_slots = 0' \
    'static fpc_status build(fpc_self *s, fpc_graph *g, const fpc_flat *f) { return FPC_EINVAL; }'
misbehaves "an optimizer that fails without a word" 2 optimizer.use=silent 'build of optimizer/silent \(\[optimizer\]\) failed'
expect "an optimizer that looks at no factors" 2 "$FPCORE" -c base.ini --check --plugin-path p -s optimizer.use=silent \
    -s 'optimizer.no_decay=*.bias'
says "is not asked to" 'optimizer/silent has one rate and one decay for all parameters; freeze, no_decay and lr_scale need'

for id in 99999 -5; do
    makes loss id '.build = build' "$loss { io->term.id = $id; return FPC_OK; }"
    misbehaves "a loss whose term is $id" 2 loss.ce.use=id \
        "\\[loss\\.ce\\]: loss/id: build leaves io->term at the id $id, which is of no value"
    makes model id '.build = build' "$model { io->logits.id = $id; return FPC_OK; }"
    misbehaves "a model whose logits are $id" 2 model.use=id "model/id: build leaves io->logits at the id $id"
    makes loss verb '.build = build' "$loss { io->term = fpc_relu(g, (fpc_val){$id}); return FPC_OK; }"
    misbehaves "a verb that is handed $id" 2 loss.ce.use=verb "fpc_relu: input 0 does not exist: the id $id is of no value"
    makes augment id '.stage = FPC_STAGE_PIXEL, .draw_size = 4, .draw = draw, .build = build' \
        "static fpc_status draw(const fpc_self *s, fpc_rng r, const fpc_image_info *i, void *o) { return FPC_OK; }
static fpc_val build(fpc_self *s, fpc_graph *g, fpc_val x, fpc_val d) { return (fpc_val){$id}; }"
    misbehaves "an augmentation that returns $id" 2 augment.mine.use=id \
        "\\[augment\\.mine\\]: build of augment/id returns the id $id"
done
makes loss term '.build = build' "$loss { io->term = io->logits; return FPC_OK; }"
misbehaves "a loss that is no number" 2 loss.ce.use=term \
    '\[loss\.ce\]: loss/term must end in one number \(1,1,1,1\), not 2x32x32x'
makes loss shapes '.build = build' "$loss
{ fpc_enter(g, \"mine\"); io->term = fpc_add(g, io->logits, fpc_slice(g, io->logits, 0, 2)); fpc_leave(g); return FPC_OK; }"
misbehaves "shapes that do not fit" 2 loss.ce.use=shapes \
    'fpc_add in mine of .*, mine\.slice: 2x32x32x2 cannot be spread over 2x32x32x'
makes loss open '.build = build' "$loss
{ fpc_enter(g, \"down0\"); io->term = fpc_const(g, (fpc_shape){1, 1, 1, 1}, NULL); return FPC_OK; }"
misbehaves "a scope that is left open" 2 loss.ce.use=open \
    '\[loss\.ce\]: loss/open: its build leaves the scope `down0` open.*fpc_leave'
makes loss leave '.build = build' "$loss { fpc_leave(g); return FPC_OK; }"
misbehaves "a scope that was never entered" 2 loss.ce.use=leave 'fpc_leave without fpc_enter'
makes model name '.build = build' "$model
{ io->logits = fpc_linear(g, \"caf\\351\", io->image, io->classes, 1); return FPC_OK; }"
misbehaves "a parameter's name that is no UTF-8" 2 model.use=name 'the name `caf.*\.weight` is no UTF-8'

for factor in -1 NAN; do
    makes schedule bad '.factor = factor' \
        "static double factor(const fpc_self *s, const fpc_clock *c, const fpc_history *h) { return c->epoch ? $factor : 1; }"
    misbehaves "a schedule's factor of $factor" 2 schedule.use=bad \
        '\[schedule\]: schedule/bad gives the factor (-1|-?nan) for epoch 1; factors are numbers from 0 on'
    expect "--check finds a schedule's factor of $factor" 2 "$FPCORE" -c base.ini --check --plugin-path p -s schedule.use=bad
done

# draw STAGE TYPE STATEMENT: an augmentation
draw() {
    makes augment draws ".stage = FPC_STAGE_$1, .draw_size = sizeof($2), .draw = draw" \
        "static fpc_status draw(const fpc_self *s, fpc_rng r, const fpc_image_info *i, void *out) { $2 *o = out; $3 return FPC_OK; }"
}
draw GEOMETRY fpc_homography 'o->m[0] = o->m[4] = 1;'
misbehaves "a geometry without an inverse" 2 augment.mine.use=draws \
    '\[augment\.mine\]: augment/draws draws a matrix that cannot be inverted for image [0-3] of epoch 0'
draw COLOUR fpc_colour 'o->m[0] = NAN;'
misbehaves "a colour that is no number" 2 augment.mine.use=draws \
    '\[augment\.mine\]: augment/draws draws a number that is not finite for image [0-3]'
draw MIX fpc_mix 'o->layer[0].alpha = INFINITY;'
misbehaves "a mix that is no number" 2 augment.mine.use=draws 'augment/draws draws a number that is not finite'

# data OPEN: a data set of two classes, with what OPEN does to its description
data() {
    makes dataset set '.open = open, .read = read, .name = name' "
static const char *const names[] = {\"a\", \"b\"}, *const gap[] = {\"a\", 0};
static const uint8_t palette[2][3], far[1][2] = {{0, 7}}, same[1][2] = {{1, 1}};
static fpc_status open(fpc_self *s, fpc_dataset_info *i)
{ i->h = i->w = 32; i->classes = 2; i->class_names = names; i->palette = palette; i->count[1] = i->count[2] = 2; $1 return FPC_OK; }
static fpc_status read(const fpc_self *s, fpc_arena *a, fpc_part p, int64_t n, fpc_sample *o) { return FPC_OK; }
static fpc_status name(const fpc_self *s, fpc_part p, int64_t n, char *id, size_t cap) { return FPC_OK; }"
    sed '/^size\|^train\|^val/d; s/synthetic/set/' base.ini >set.ini
    expect "a data set with $1" 2 "$FPCORE" -c set.ini --plugin-path p
    says "a data set with $1: why" "dataset/set: $2"
}
data 'i->class_names = gap;' 'class 1 of 2 has no name'
data 'i->n_mirror_pairs = 3;' '3 mirror pairs and no list of them'
data 'i->n_mirror_pairs = 1, i->mirror_pairs = far;' 'mirror pair 0-7; it has to name two classes of 0 \.\. 1'
data 'i->n_mirror_pairs = 1, i->mirror_pairs = same;' 'mirror pair 1-1'
data 'i->count[1] = -4;' '-4 training pictures'
data 'i->count[2] = INT64_MAX;' '9223372036854775807 validation pictures'

makes loss crash '.build = build' "$loss { io->term = *(volatile fpc_val *)8; return FPC_OK; }"
crashes "a crash in build" loss.ce.use=crash 'loss/crash \(p/loss_crash\.so\): SIGSEGV'
makes loss crash '.build = build' "static int deep(volatile int n) { volatile char c[4096]; c[0] = n; return deep(n + 1) + c[0]; }
$loss { return deep(0); }"
crashes "a recursion without an end" loss.ce.use=crash 'loss/crash \(p/loss_crash\.so\): SIGSEGV'
makes loss crash '.build = build' "$loss { abort(); }"
crashes "an assertion" loss.ce.use=crash 'loss/crash \(p/loss_crash\.so\): SIGABRT'
draw COLOUR fpc_colour 'raise(SIGFPE);'
crashes "a crash in a reader's thread" augment.mine.use=draws 'augment/draws \(p/augment_draws\.so\): SIGFPE'
makes schedule bad '.factor = factor' \
    "static double factor(const fpc_self *s, const fpc_clock *c, const fpc_history *h) { return h->value[-1000000000]; }"
crashes "a crash in factor" schedule.use=bad 'schedule/bad \(p/schedule_bad\.so\): SIGSEGV'
sed 's/@NAME@/kernel/g; s/^static fpc_status run(fpc_exec .*/&/' "$FPCORE_SRC/core/cmd/templates/loss.c.in" |
    sed '/^static fpc_status run(fpc_exec/,/^{/s/^{/{ *(volatile int *)16 = 1;/' >x.c
compile x.c p/loss_kernel.so >out 2>&1 || not_ok "the kernel compiles" out
crashes "a crash in a kernel's run" loss.ce.use=kernel 'loss/kernel \(p/loss_kernel\.so\): SIGSEGV'
exit $bad
