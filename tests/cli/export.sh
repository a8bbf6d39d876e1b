#!/bin/sh
# fpcore export --onnx, --torch: every model and variant, a network of every op that has a form, what is refused. Where
# FPCORE_PYTHON (python3) has onnx and onnxruntime, or torch, what comes out is run and held against the backend ref.
# shellcheck source=../conform/lib_conform.sh
. "$FPCORE_SRC/tests/conform/lib_conform.sh"
cd "$scratch" || exit 1
python=${FPCORE_PYTHON:-python3}
golden=$FPCORE_SRC/tests/golden
agrees=$FPCORE_SRC/tests/cli/onnx_agrees.py
holds() {
    what=$1
    shift
    if "$@" >out 2>&1; then ok "$what"; else not_ok "$what" out; fi
}
if "$python" "$agrees" has 2>/dev/null; then runs=1; else runs=0; fi
if "$python" "$FPCORE_SRC/tests/cli/torch_agrees.py" has 2>/dev/null; then torch=1; else torch=0; fi

# The recipe that a case is written from and probed with; names of cases whose files are compared in the end.
recipe=$golden/golden.ini
cases=
# export_case NAME WEIGHTS HxW SETTINGS: three outputs, of any number of pictures, of two and of one
export_case() {
    case=$1.$3 model=$1 weights=$2 size=$3
    # shellcheck disable=SC2086
    set -- $4
    for setting; do
        set -- "$@" -s "$setting"
        shift
    done
    for how in labels.free logits.free probabilities.free logits.2 labels.1; do
        "$FPCORE" export -c "$recipe" -w "$weights" "$@" --size "$size" --output "${how%.*}" --batch "${how#*.}" \
            --onnx "$case.$how.onnx" >out 2>&1 || { not_ok "$case.$how.onnx is written" out; return; }
    done
    "$FPCORE" export -c "$recipe" -w "$weights" "$@" --size "$size" --torch "$case.torch" >out 2>&1 ||
        { not_ok "$case.torch is written" out; return; }
    ok "$case is written"
    [ $runs = 1 ] || [ $torch = 1 ] || return 0
    "$python" "$agrees" pictures "$model" "$size" &&
        "$FPCORE" probe -c "$recipe" -w "$weights" "$@" -s backend.use=ref -s backend.real=double \
            -i "$case.in.safetensors" -o "$case.out.safetensors" >out 2>&1 || not_ok "$case: fpcore probe" out
    cases="$cases $case"
}

# ---- every model, at sizes that are not square, with weights that PyTorch made ----

# shellcheck source=lib_networks.sh
. "$FPCORE_SRC/tests/cli/lib_networks.sh"
while read -r name sizes settings; do
    for size in $(echo "$sizes" | tr , ' '); do
        export_case "$name" "$golden/$name.weights.safetensors" "$size" "$settings"
    done
done <models
export_case tiny "$golden/tiny.weights.safetensors" 40x64 "$tiny run.rewrite=off"
export_case tiny "$golden/tiny.weights.safetensors" 48x64 "$tiny model.mean=0.485,0.456,0.406 model.std=0.229,0.224,0.225"
"$FPCORE" -l model | sed -n 's/^  \([a-z0-9_]*\) .*/\1/p' | while read -r model; do
    grep -q "model.use=$model " models || echo "$model"
done >out
for file in "$golden"/*.weights.safetensors; do
    name=$(basename "$file" .weights.safetensors)
    [ "$name" = steps ] || grep -q "^$name " models || echo "$name, of which there are weights in tests/golden"
done >>out
[ ! -s out ] && ok "no model is left out" || not_ok "no model is left out" out

# ---- a network of every op that has a form, in shapes that the models do not have ----

cat >every.c <<'END'
#include <fpcore/model.h>
#include <fpcore/ops.h>

struct every {
    fpc_self self;
    int64_t own;
};

static fpc_val conv(fpc_graph *g, const char *name, fpc_val x, int32_t out, int32_t k, int32_t stride, int32_t groups)
{
    const fpc_conv_args a = {.size = sizeof a, .k = k, .stride = stride, .pad = 1, .groups = groups, .bias = 1};
    return fpc_conv2d(g, name, x, out, &a);
}

/* Two groups, a stride that leaves a row and a column to add, a norm behind it. */
static fpc_val transposed(fpc_graph *g, fpc_val x)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_conv_attr a = {3, 3, 2, 1, 2, 2 * s.h, 2 * s.w - 1};
    const fpc_val in[] = {x, fpc_param(g, "up.weight", 4, (fpc_shape){s.c, 3, 3, 5}, FPC_FILL_UNIFORM_FAN_IN, 9 * s.c),
                          fpc_param(g, "up.bias", 1, (fpc_shape){1, 1, 1, 10}, FPC_FILL_UNIFORM_FAN_IN, 9 * s.c)};
    x = fpc_op(g, "conv2d_grad_x", "up", 3, in, FPC_ATTR(a), NULL);
    return fpc_relu(g, fpc_batch_norm(g, "up.norm", x, 1e-3f, 0.3f));
}

static fpc_val attend(fpc_graph *g, fpc_val x)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_val small = fpc_max_pool(g, x, 3, 2);
    fpc_val y = fpc_attention(g, "attention", fpc_linear(g, "q", fpc_layer_norm(g, "norm", x, 1e-4f), 12, 1),
                              fpc_linear(g, "k", small, 12, 0), fpc_linear(g, "v", small, 12, 1), 3, 0);
    y = fpc_gelu(g, fpc_linear(g, "proj", y, s.c, 1));
    return fpc_add(g, y, x);
}

/* By the whole picture's means and sums: gates, and a map of one number. */
static fpc_val gates(fpc_graph *g, fpc_val x)
{
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_broadcast_attr over = {s.h, s.w, 0.125f / (float)(s.h * s.w)};
    const fpc_val sum = fpc_op(g, "pool_sum", "sum", 1, &x, NULL, 0, NULL);
    const fpc_val gate = fpc_sigmoid(g, fpc_linear(g, "gate", fpc_pool_mean(g, x), s.c, 1));
    fpc_val y = fpc_add(g, fpc_mul(g, x, gate), gate);
    y = fpc_add(g, y, fpc_op(g, "broadcast", "over", 1, &sum, FPC_ATTR(over), NULL));
    return fpc_mul(g, y, fpc_op(g, "copy", "copy", 1, &x, NULL, 0, NULL));
}

/* Padding, cutting off, both at once. */
static fpc_val windows(fpc_graph *g, fpc_val x)
{
    const fpc_shape s = fpc_shape_of(g, x);
    x = fpc_pad(g, x, 2, 1, s.h + 3, s.w + 5);
    x = fpc_pad(g, x, -1, -2, s.h, s.w + 1);
    return fpc_pad(g, x, -2, 3, s.h, s.w - 1);
}

static fpc_status build(fpc_self *self, fpc_graph *g, fpc_model_io *io)
{
    const double third[] = {0.5, -0.25, 1.5, 0.75, 2, -1, 0.5, 0.25};
    fpc_val x = fpc_relu(g, conv(g, "first", io->image, 8, 3, 2, 1));
    const fpc_shape s = fpc_shape_of(g, x);
    const fpc_val c = fpc_const(g, (fpc_shape){1, 1, 1, 8}, third);

    x = fpc_add(g, fpc_mul(g, conv(g, "grouped", x, 8, 3, 1, 4), c), c);
    x = attend(g, x);
    x = gates(g, x);
    const fpc_val part[] = {fpc_slice(g, x, 5, 3), x, fpc_slice(g, x, 0, 4)};
    x = windows(g, fpc_concat(g, 3, part));
    x = fpc_resize(g, fpc_resize(g, x, 9, 7, 1), s.h - 2, s.w - 3, 0);
    x = fpc_op(g, "softmax", "share", 1, &x, NULL, 0, NULL);
    const fpc_val wide = conv(g, "wide", x, 6, 3, 1, 1);
    x = transposed(g, fpc_concat(g, 2, (const fpc_val[]){wide, fpc_linear(g, "beside", wide, 2, 1)}));
    x = fpc_op(g, "softmax", "share2", 1, &x, NULL, 0, NULL);
    if (((struct every *)self)->own)
        x = fpc_op(g, "half_wave", "wave", 1, &x, NULL, 0, NULL);
    fpc_enter(g, "head");
    io->logits = fpc_linear(g, "seg", x, io->classes, 1);
    fpc_leave(g);
    return FPC_OK;
}

static fpc_status infer(fpc_ctx *ctx, fpc_node *n)
{
    (void)ctx;
    n->out[0].shape = n->in[0].shape;
    return FPC_OK;
}

static const fpc_op_def ops[] = {{.size = sizeof *ops, .name = "half_wave", .min_in = 1, .max_in = 1, .n_out = 1,
                                  .in = "r", .out = "r", .infer = infer, .flags = FPC_OP_NOGRAD}, {.name = NULL}};
static const fpc_option options[] = {FPC_OPTION_BOOL(struct every, own, "off", "an op that only this plugin knows"), {0}};
static const fpc_model_vtbl vtbl = {.size = sizeof vtbl, .build = build};
static const fpc_plugin plugin = {FPC_PLUGIN_HEAD, .kind = FPC_MODEL, .name = "every", .summary = "Every op.",
                                  .version = "1.0", .license = "MIT", .options = options, .ops = ops,
                                  .self_size = sizeof(struct every), .vtbl = &vtbl};
FPC_PLUGINS(&plugin)
END
cat >every.ini <<'END'
[run]
name = every
epochs = 2
out = runs
[dataset]
use = synthetic
size = 32
train = 16
val = 4
batch = 4
[model]
use = every
[loss.ce]
use = cross_entropy
[optimizer]
use = adamw
lr = 1e-2
[backend]
use = cpu
END
expect "a model of every op compiles" 0 compile every.c model_every.so
FPCORE_PLUGIN_PATH=.${FPCORE_PLUGIN_PATH:+:$FPCORE_PLUGIN_PATH}
export FPCORE_PLUGIN_PATH
expect "and trains" 0 "$FPCORE" -c every.ini
run=$(ls -d runs/every-*)
recipe=every.ini
export_case every "$run/best.safetensors" 38x52
export_case every "$run/best.safetensors" 45x33 "run.rewrite=off"

# ---- what is refused, and what is not ----

expect "an op without a form" 1 "$FPCORE" export -w "$run" -s model.own=on --onnx own.onnx
says "is refused by its name and place" 'export --onnx: op half_wave \(wave\) has no ONNX form$'
holds "and nothing is written" test ! -e own.onnx
expect "without a recipe" 0 "$FPCORE" export -w "$run" --onnx a.onnx
says "it tells what goes in and comes out" '^a\.onnx: every, [0-9]+ parameters, [0-9.]+ MB; image uint8 \(1,32,32,3\) to labels$'
cp a.onnx b.onnx
expect "its own file is replaced" 0 "$FPCORE" export -w "$run/best.safetensors" --onnx b.onnx -s backend.use=ref
holds "by the same bytes" cmp a.onnx b.onnx
holds "nothing else was left" sh -c '! ls -- *.tmp 2>/dev/null'
holds "no path is in it" sh -c "! grep -q '$scratch' a.onnx"
echo "notes" >c.onnx
expect "another's file" 2 "$FPCORE" export -w "$run" --onnx c.onnx
says "is not" 'c\.onnx: is there already, and fpcore export did not write it; give another name to --onnx, or --force'
expect "but with --force" 0 "$FPCORE" export -w "$run" --onnx c.onnx --force
holds "it is" cmp a.onnx c.onnx
mkdir folder
expect "a folder" 2 "$FPCORE" export -w "$run" --onnx folder
says "is none" 'folder: is a folder; give another name to --onnx$'
mkfifo pipe
for force in "" --force; do
    # shellcheck disable=SC2086
    expect "a FIFO ${force:+with $force}" 2 timeout 60 "$FPCORE" export -w "$run" --onnx pipe $force
    says "is not waited for" 'pipe: is no plain file and stays as it is; give another name to --onnx$'
done
mkdir pipes && mv pipe pipes/model.py
expect "nor is one in the place of the source" 2 timeout 60 "$FPCORE" export -w "$run" --torch pipes
says "which is told" 'pipes/model\.py: is no plain file and stays as it is; give another name to --torch$'
holds "and stays one" test -p pipes/model.py
ln -s nowhere/at/all.onnx link.onnx
expect "a link that leads nowhere" 2 "$FPCORE" export -w "$run" --onnx link.onnx
says "is somebody's too" 'link\.onnx: is there already'
echo "notes" >d.onnx.tmp
mkfifo e.onnx.tmp
for name in d e; do
    expect "a file beside $name.onnx that is called as a temporary one could be" 0 timeout 60 "$FPCORE" export -w "$run" \
        --onnx $name.onnx
    holds "does no harm" cmp a.onnx $name.onnx
done
holds "and gets none" sh -c 'test "$(cat d.onnx.tmp)" = notes && test -p e.onnx.tmp'
holds "nothing else is there" sh -c '! ls -A | grep "^\.fpcore"'
expect "a place that is not there" 1 "$FPCORE" export -w "$run" --onnx nowhere/a.onnx
says "is told" 'nowhere/a\.onnx: cannot be written: No such file or directory'
expect "an output that is none" 2 "$FPCORE" export -w "$run" --onnx d.onnx --output masks
says "gets those that are" '--output masks: not one of labels, logits, probabilities$'
for n in 0 -1 2x frei 70000; do
    expect "--batch $n" 2 "$FPCORE" export -w "$run" --onnx d.onnx --batch "$n"
    says "is refused" "--batch $n: a number of pictures from 1 to 65536, or free\$"
done
expect "--torch with an output" 2 "$FPCORE" export -w "$run" --torch none --output labels
says "of which it knows nothing" 'fpcore export: --output is for --onnx, which is not given: what --torch writes takes any'
expect "--torch with a batch" 2 "$FPCORE" export -w "$run" --torch none --batch free
says "of which it knows nothing" 'fpcore export: --batch is for --onnx, which is not given'
holds "and nothing is written" test ! -e none
expect "no file" 2 "$FPCORE" export -w "$run"
says "is told" 'fpcore export: none of --onnx FILE, --torch FOLDER and --c FILE says what to write$'
expect "PyTorch: an op without a form" 1 "$FPCORE" export -w "$run" -s model.own=on --torch own
says "is refused by its name and place" 'export --torch: op half_wave \(wave\) has no PyTorch form$'
holds "and nothing is written" test ! -e own
expect "C: an op without a form" 1 "$FPCORE" export -w "$run" -s model.own=on --c own.c
says "is refused by its name and place" 'export --c: op half_wave \(wave\) has no form in C$'
holds "and nothing is written" test ! -e own.c
expect "both at once" 0 "$FPCORE" export -w "$run" --onnx b.onnx --torch made/net --output labels --batch 1
says "each has its line" '^made/net/model\.py, made/net/ckpt\.pth: every, [0-9]+ parameters; image float$'
says "which breaks at blanks" '^  \(n,3,32,32\) to logits$'
cp -r made/net again
expect "its own source is replaced" 0 "$FPCORE" export -w "$run" --torch again
holds "by the same bytes" diff -r made/net again
echo "# mine" >again/model.py
expect "another's source" 2 "$FPCORE" export -w "$run" --torch again
says "is not" 'again/model\.py: is there already, and fpcore export did not write it; give another name to --torch'
rm again/model.py
expect "nor are weights that stand alone" 2 "$FPCORE" export -w "$run" --torch again
says "which are told" 'again/ckpt\.pth: is there already'
expect "but with --force" 0 "$FPCORE" export -w "$run" --torch again --force
holds "they are" diff -r made/net again
expect "a backend that is not installed is not asked for" 0 "$FPCORE" export -w "$run" --onnx b.onnx \
    -s backend.use=cuda
holds "and changes nothing" cmp a.onnx b.onnx

# ---- what comes out, run ----

if [ $torch = 1 ]; then
    # shellcheck disable=SC2086
    "$python" "$FPCORE_SRC/tests/cli/torch_agrees.py" compare $cases >out 2>&1 || echo "not ok the comparison ends" >>out
    cat out
    ! grep -q '^not ok' out || bad=1
else
    echo "ok PyTorch agrees # SKIP $python has no torch (FPCORE_PYTHON names another)"
fi
if [ $runs = 1 ]; then
    # shellcheck disable=SC2086
    "$python" "$agrees" compare $cases >out 2>&1 || echo "not ok the comparison ends" >>out
    cat out
    ! grep -q '^not ok' out || bad=1
else
    echo "ok ONNX Runtime agrees # SKIP $python has no onnx and onnxruntime (FPCORE_PYTHON names another)"
fi
exit $bad
