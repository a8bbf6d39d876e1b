#!/bin/sh
# fpcore-conform finds what it is there to find: each case takes a source that `fpcore new` writes, breaks one thing,
# and expects the line that says so. The unbroken sources pass (tests/cli/new_plugin.sh).
# shellcheck source=lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1

# broken KIND WHAT SED-SCRIPT PATTERN: the edit must change the source, compile, and be found
broken() {
    kind=$1
    what="$1: $2"
    sed 's/@NAME@/broken/g' "$FPCORE_SRC/core/cmd/templates/$kind.c.in" >whole.c
    sed "$3" whole.c >broken.c
    if cmp -s whole.c broken.c; then
        not_ok "$what (the edit does not apply)"
        return
    fi
    if ! compile broken.c broken.so >out 2>&1; then
        not_ok "$what (does not compile)" out
        return
    fi
    expect "$what is refused" 1 "$FPCORE_CONFORM" ./broken.so
    says "$what is named" "^not ok .*$4"
}

broken schedule "a negative factor" 's/return fmax(.*/return s->floor - 0.5 * (double)clock->epoch;/' 'finite and not negative: epoch 1 gives'
broken schedule "state between calls" 's/return fmax(.*/static double last = 1; return (last *= 0.9) + 0 * s->floor * (double)clock->epoch;/' 'pure function'
broken schedule "a crash" 's/(void)history;.*/return history->value[history->n - 1000000000];/' 'crashed after'
broken schedule "the end of the process" 's/^#include <math.h>/&\n#include <stdlib.h>/; s/(void)history;.*/exit((int)(0 * clock->epoch + 0 * history->n));/' 'crashed after .* exit code 0'
broken schedule "a default out of range" 's/"0.97", 0, 1,/"1.97", 0, 1,/' 'option `gamma`: its default "1.97" is out of range'
broken schedule "an option twice" 's/FPC_OPTION_REAL(struct schedule, floor.*/FPC_OPTION_REAL(struct schedule, gamma, "1", 0, 1, "", "again"),/' 'stands twice'
broken schedule "an option of the core" 's/gamma/warmup_start/g' 'fpcore reads this key'
broken schedule "an option without help" 's/"factor from one epoch to the next"/""/' 'its help is missing'
broken schedule "two options on one field" 's/FPC_OPTION_REAL(struct schedule, floor, \(.*\)),$/{"floor", "x", "", "0", 0, 1, NULL, FPC_OPT_REAL, 0, offsetof(struct schedule, gamma)},/' 'same field'
broken schedule "another symbol" 's/^static double factor/double helper(void); __attribute__((visibility("default"))) double helper(void) { return 1; }\n&/' 'also exports helper'
broken schedule "no version" 's/\.version = "1.0",//' 'version'
broken schedule "no callback" 's/, \.factor = factor//; s/^static double factor/__attribute__((unused)) &/' 'factor'
broken metric "a reset that forgets nothing" '/memset(m/d' 'reset forgets|have better values'
broken metric "the wrong direction" 's/higher_is_better = 1/higher_is_better = 0/' 'better predictions'
broken metric "a value beyond the last class" 's/for (int32_t c = 0; c < m->classes; c++)/for (int32_t c = 0; c <= m->classes; c++)/' 'beyond the last class'
broken augment "an impure draw" 's/    const double grey = .*/    static _Atomic uint32_t calls; const double grey = fpc_draw_between(rng, ++calls, a->least, 1);/' 'equal counters'
broken augment "a draw that is too large" 's/colour->m\[row \* 4 + k\]/colour[1].m[row * 4 + k]/; s/(!fpc_draw_chance(rng, 0, a->p))/(fpc_draw_chance(rng, 0, 0))/' 'within draw_size|crashed'
broken augment "a draw that is no number" 's/(float)(grey \* luminance\[k\]/(float)(0.0 \/ (grey - grey) * luminance[k]/' 'finite'
broken loss "a wrong gradient" 's/const double scale = pixels > 0 ? 2 \*/const double scale = pixels > 0 ? -2 */' 'gradient is that of the loss'
broken loss "a gradient at ignored pixels" 's/mask\[r\] == a->ignore ? 0 : scale/scale/' 'ignored pixels'
broken loss "no term" 's/io->term = fpc_op/fpc_op/' 'one number: io->term is not set'
broken loss "an op that exists already" 's/"loss_broken"/"softmax"/' 'exists already'
broken loss "a kernel in float only" 's/(FPC_DTYPE_BIT(FPC_F32) | FPC_DTYPE_BIT(FPC_F64))/FPC_DTYPE_BIT(FPC_F32)/' 'no kernel computes'
broken optimizer "uphill steps" 's/- lr \* (sign/+ lr * (sign/' 'get lower'
broken optimizer "padding that is touched" 's/(c > 0) - (c < 0);/(c >= 0) - (c < 0);/' 'padding'
broken optimizer "a node that updates nothing" 's/FPC_OP_NOGRAD | FPC_OP_INPLACE | FPC_OP_EFFECT/FPC_OP_NOGRAD | FPC_OP_EFFECT/' 'in-place'
broken model "parameters of training alone" 's/x = fpc_dropout(.*/if (fpc_training(g)) x = conv(g, "more", x, width, 1, 1, 1);/' 'equal parameters: they differ in `more'
broken model "too few channels" 's/io->classes, 1);/io->classes - 1, 1);/' 'channel for each class'
broken model "a name used twice" 's/"stem2"/"stem1"/' 'used twice'
broken dataset "a label beyond the classes" 's/out->mask\[at\] = (uint8_t)label/out->mask[at] = (uint8_t)(label + 1)/' 'labels are classes: label 3'
broken dataset "a sample that changes" 's/    const double disc_x = fpc_draw_unit(rng, 0)/    static uint32_t calls; const double disc_x = fpc_draw_unit(rng, 6 + calls++)/' 'same when read again'
broken dataset "an option that is filled in" 's/if (d->train + d->val == 0)/((struct dataset *)self)->seed += d->seed < 2;\n    &/' 'options stay as they were given: `seed` was changed'
broken dataset "a palette that is missing" '/info->palette = palette;/d; s/static const uint8_t palette/__attribute__((unused)) &/' 'names and colours'
broken logger "a field taken for granted" 's/dir && dir->type == FPC_OPT_TEXT ? \(.*\) : NULL;/\1;/' 'crashed'
broken loss "a kernel for no op" 's/\.op = "loss_broken\.grad"/.op = "loss_brokn.grad"/' 'is for an op that does not exist'
broken backend "an unknown op" 's/\.op = "relu"/.op = "rellu"/' 'does not exist'
broken backend "a kernel without run" 's/, \.run = run_add//; s/^static fpc_status run_add/__attribute__((unused)) &/' 'has no run'
broken backend "a kernel in two tables" 's/= {table, NULL}/= {table, table, NULL}/' 'stands twice'
broken model "a number of classes of its own" 's/io->classes, 1);/7, 1);/' 'channel for each of 2 classes: 7 channels'
broken model "a scope that is left open" 's/return FPC_OK;/fpc_enter(g, "down0"); return FPC_OK;/' 'leaves the scope `down0` open'
broken model "a value that is none" 's/return FPC_OK;/io->logits.id = 99999; return FPC_OK;/' 'sets logits: io->logits is the id 99999'
broken model "a name that is no UTF-8" 's/"stem1"/"stem\\351"/' 'is no UTF-8'
broken model "shapes that do not fit" 's/return FPC_OK;/io->logits = fpc_add(g, io->logits, io->image); return FPC_OK;/' 'fpc_add of '
broken model "another kind" 's/FPC_MODEL/FPC_LOSS/' 'vtbl.size is 16, but a fpc_loss_vtbl has 24 bytes'
broken loss "another kind" 's/FPC_LOSS/FPC_MODEL/' 'vtbl.size is 24, but a fpc_model_vtbl has 16 bytes'
broken loss "a value that is none" 's/io->term = fpc_op.*/&\n    io->term.id = 99999;/' 'one number: io->term is the id 99999'
broken loss "a scope that is left open" 's/io->term = fpc_op/fpc_enter(g, "more"); &/' 'leaves the scope `more` open'
broken loss "a number of classes of its own" 's/if (node->in\[0\].shape.c > FPC_MAX_CLASSES)/if (node->in[0].shape.c != 4)/' 'builds for 2 classes'
broken augment "a rare draw that is no number" 's/(float)(grey \* luminance\[k\]/(float)((grey > 0.999 * a->least + 0.001 ? grey : NAN) * luminance[k]/; s/^#include <fpcore\/augment.h>/&\n#include <math.h>/' 'draws are finite.* is not finite'
broken dataset "a class without a name" 's/info->palette = palette;/&\n    static const char *const none[8] = {"a", NULL};\n    info->class_names = none;/' 'class 1 of . has no name'
broken dataset "pairs that are not there" 's/info->palette = palette;/&\n    info->n_mirror_pairs = 2;/' '2 mirror pairs and no list'

# singular geometry: the template draws colours, so this source is its own
cat >broken.c <<'END'
#include <fpcore/augment.h>
static fpc_status draw(const fpc_self *self, fpc_rng rng, const fpc_image_info *image, void *out)
{
    fpc_homography *h = out;
    (void)self, (void)rng, (void)image;
    h->m[1] = -1, h->m[3] = 1;
    return FPC_OK;
}
static const fpc_augment_vtbl vtbl = {
    .size = sizeof vtbl, .stage = FPC_STAGE_GEOMETRY, .draw_size = sizeof(fpc_homography), .draw = draw};
static const fpc_plugin rot90 = {FPC_PLUGIN_HEAD, .kind = FPC_AUGMENT, .name = "rot90", .summary = "A quarter turn.",
    .version = "1.0", .license = "MIT", .self_size = sizeof(fpc_self), .vtbl = &vtbl};
FPC_PLUGINS(&rot90)
END
compile broken.c broken.so >out 2>&1 || not_ok "the geometry compiles" out
expect "a matrix without an inverse is refused" 1 "$FPCORE_CONFORM" ./broken.so
says "a matrix without an inverse is named" 'matrix that cannot be inverted \(m\[8\] of a plain map is 1\)'
sed 's/h->m\[3\] = 1;/h->m[3] = h->m[8] = 1;/' broken.c >whole.c
compile whole.c whole.so >out 2>&1 || not_ok "the geometry compiles" out
expect "with m[8] it passes" 0 "$FPCORE_CONFORM" ./whole.so

# where an option's value comes from
sed 's/@NAME@/option/g' "$FPCORE_SRC/core/cmd/templates/schedule.c.in" >option.c
compile option.c option.so >out 2>&1 || not_ok "the schedule compiles" out
expect "an option out of range is refused" 1 "$FPCORE_CONFORM" ./option.so gamma=5
says "and named as it was given" '^not ok .*: gamma=5: schedule\.conform\.gamma = 5: is out of range'
expect "two options" 0 "$FPCORE_CONFORM" ./option.so gamma=0.5 floor=0.1
expect "an unknown option is refused" 1 "$FPCORE_CONFORM" ./option.so gama=5
says "with a guess" 'gama=5: .*did you mean `gamma`'
exit $bad
