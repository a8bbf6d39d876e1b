/* test_golden.c: `fpcore probe` against PyTorch: forward, losses, gradients, batch statistics, whole optimizer steps,
 * on every backend, for the small tensors of this folder and the larger ones of FPCORE_SHARED/golden. And: the graph
 * with and without rewrites is the same function. Bounds are relative to the largest magnitude of the tensor: outputs
 * and losses 1e-4, gradients 1e-3. */
#define _GNU_SOURCE
#include "fixture.h"
#include "weights/weights.h"
#include "cmd/cmd.h"
#include <math.h>

enum { MOST = 24 };

typedef struct golden {
    const char *name, *input; /* input: NULL: NAME.input */
    int shared;
    const char *override[MOST]; /* of golden.ini */
} golden;

#define TINY "model.dims=4,8,8,12", "model.depths=1,1,1,1", "model.sr_ratios=4,2,1,1", "model.decoder_dim=8"
#define MICRO                                                                                                          \
    "model.dims=4,4,6,8", "model.depths=1,1,1,1", "model.sr_ratios=4,2,1,1", "model.decoder_dim=8", "model.dropout=0"
static const golden models[] = {
    {"tiny", NULL, 0, {TINY}},
    {"unet", "unet.input", 0, {"model.use=unet", "model.width=2"}},
    {"unet_transposed", "unet.input", 0, {"model.use=unet", "model.width=1", "model.bilinear=off"}},
    {"micro_convolution", "three.input", 0, {MICRO, "model.attention=off", "model.lmsa=off"}},
    {"micro_single_scale", "three.input", 0, {MICRO, "model.decoder=single_scale"}},
    {"micro_deep_mlp", "three.input", 0, {MICRO, "model.decoder=deep_mlp"}},
    {"micro_enhanced", "three.input", 0, {MICRO, "model.decoder=enhanced"}},
    {"micro_lightweight", "three.input", 0, {MICRO, "model.decoder=lightweight"}},
    {"micro_progressive",
     "three.input",
     0,
     {MICRO, "model.decoder=progressive", "model.refine_dim=8", "model.half_dim=6", "model.stem_dim=4"}},
    {"micro_refine", "three.input", 0, {MICRO, "model.decoder=refine", "model.half_dim=6", "model.stem_dim=4"}},
    {"micro_mix_ffn", "three.input", 0, {MICRO, "model.mix_ffn=on"}},
    {"bisenetv2",
     "three.input",
     0,
     {"model.use=bisenetv2", "model.detail=4,4,6", "model.semantic=4,4,6,8", "model.aggregation=6", "model.head=8",
      "model.expansion=2", "model.dropout=0"}},
    {"segformer_b0",
     "three.input",
     0,
     {"model.use=segformer_b0", "model.dims=4,6,8,8", "model.depths=1,1,2,1", "model.heads=1,2,2,4",
      "model.sr_ratios=4,2,1,1", "model.mlp_ratio=2", "model.decoder_dim=8", "model.drop_path=0", "model.dropout=0"}},
    {"convnext_fpn",
     "three.input",
     0,
     {"model.use=convnext_fpn", "model.dims=4,6,8,8", "model.depths=1,2,1,1", "model.expansion=2", "model.stem_dim=4",
      "model.refine_dim=8", "model.half_dim=6", "model.drop_path=0"}},
    {"model_tiny", NULL, 1, {"model.dims=8,16,24,32", "model.depths=1,1,1,1", "model.decoder_dim=16"}},
    {"model_lmsa", NULL, 1, {NULL}},
    {"model_plain", NULL, 1, {"model.lmsa=off"}},
};
enum { MODELS = sizeof models / sizeof models[0] };
/* What is compared; FPCORE_TEST_BACKENDS names others, apart by blanks. */
static const char *backends[MOST] = {"backend.use=ref", "backend.use=cpu"};
static int n_backends = 2;

static const char *source(bench *b, const char *file)
{
    const char *root = getenv("FPCORE_SRC");
    return fpc_sprintf(b->arena, "%s/tests/golden/%s", root ? root : ".", file);
}

/* A file of the case: of this folder or, where it is there, of the shared one; NULL: absent. */
static const char *file_of(bench *b, const golden *g, const char *name)
{
    const char *root = getenv("FPCORE_SHARED");
    const char *path = g->shared
                           ? fpc_sprintf(b->arena, "%s/golden/%s.safetensors", root && *root ? root : "../shared", name)
                           : source(b, fpc_sprintf(b->arena, "%s.safetensors", name));
    if (!access(path, R_OK))
        return path;
    if (!g->shared)
        fail_msg("%s is missing", path);
    print_message("skipped: %s is not there\n", path);
    return NULL;
}

/* Runs the verb in this process, as main.c would. extra: further overrides; flags: NULL-terminated words of the verb.
 */
static fpc_st_file *probe(bench *b, const golden *g, const char *weights, const char *input, const char *const *extra,
                          const char *const *flags)
{
    static char out[64];
    const char *override[MOST + 8], *argv[16] = {"probe", "-w", weights, "-i", input, "-o", out};
    fpc_cmdline cmd = {.ctx = b->ctx,
                       .arena = fpc_arena_new(b->ctx), /* a backend of a GPU is open once only */
                       .recipe = source(b, "golden.ini"),
                       .overrides = override,
                       .argc = 7,
                       .argv = (char **)(uintptr_t)argv};
    fpc_st_file *f;

    assert_non_null(cmd.arena);
    snprintf(out, sizeof out, "golden.%d.safetensors", (int)getpid());
    for (int i = 0; g->override[i]; i++)
        override[cmd.n_overrides++] = g->override[i];
    for (int i = 0; extra && extra[i]; i++)
        override[cmd.n_overrides++] = extra[i];
    for (int i = 0; flags && flags[i]; i++)
        argv[cmd.argc++] = flags[i];
    if (fpc_cmd_probe.run(&cmd) || fpc_st_read(b->ctx, b->arena, out, &f))
        fail_msg("%s: %s", g->name, fpc_ctx_error(b->ctx));
    fpc_arena_free(cmd.arena);
    unlink(out);
    return f;
}

/* ---- comparison ---- */

static const double *numbers(bench *b, const fpc_st_file *f, const fpc_st_tensor *t)
{
    double *v = fpc_alloc(b->arena, sizeof *v * (size_t)t->count);
    assert_int_equal(fpc_st_as_f64(b->ctx, f, t, v), FPC_OK);
    return v;
}

/* Largest difference over the largest magnitude of `want`, which may hold every step-th pixel of `got` only. */
static double distance(bench *b, const fpc_st_file *gf, const fpc_st_tensor *got, const fpc_st_file *wf,
                       const fpc_st_tensor *want, int64_t *beyond, double bound)
{
    const double *g = numbers(b, gf, got), *w = numbers(b, wf, want);
    const int64_t step = got->rank == 4 ? (got->dims[3] + want->dims[3] - 1) / want->dims[3] : 1;
    const int64_t width = step > 1 ? got->dims[3] : 1, height = step > 1 ? got->dims[2] : 1;
    const int64_t few_w = step > 1 ? want->dims[3] : 1, few_h = step > 1 ? want->dims[2] : 1;
    double most = 0, worst = 0;

    assert_int_equal(got->rank, want->rank);
    assert_int_equal(got->count / (width * height) * few_w * few_h, want->count);
    for (int64_t i = 0; i < want->count; i++)
        most = fmax(most, fabs(w[i]));
    *beyond = 0;
    for (int64_t i = 0; i < want->count; i++) {
        const int64_t plane = i / (few_w * few_h), y = i / few_w % few_h, x = i % few_w;
        const double d = fabs(g[plane * width * height + y * step * width + x * step] - w[i]) / fmax(most, 1e-30);
        assert_false(isnan(d));
        worst = fmax(worst, d);
        *beyond += d > bound;
    }
    return worst;
}

/* A constant that a batch norm takes away again: while training it has no gradient but rounding. */
static int vanishes(const char *name)
{
    static const char *const part[] = {".attn.dw_conv3x3.bias", "decode_head.linear_c", "backbone.norm4.bias",
                                       ".shortcut.0.bn.bias", ".context.bn.bias"};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (!strncmp(name, "grad.", 5) && strstr(name, part[i]) && strstr(name, ".bias"))
            return 1;
    return 0;
}

static int is_rounding(bench *b, const fpc_st_file *f, const fpc_st_tensor *t)
{
    const double *v = numbers(b, f, t);
    for (int64_t i = 0; i < t->count; i++)
        if (!(fabs(v[i]) <= 1e-6))
            return 0;
    return 1;
}

/* Every tensor of `want` whose name begins with one of the prefixes; logits_eval and logits_train are `logits`. */
static void compare(bench *b, const char *what, const fpc_st_file *got, const fpc_st_file *want, const char *prefix,
                    double bound, double share)
{
    int compared = 0;

    for (int32_t i = 0; i < want->n; i++) {
        const fpc_st_tensor *w = &want->tensor[i];
        int64_t beyond;
        if (strncmp(w->name, prefix, strlen(prefix)))
            continue;
        const fpc_st_tensor *g = fpc_st_find(got, strncmp(w->name, "logits", 6) ? w->name : "logits");
        if (!g)
            fail_msg("%s: there is no `%s`", what, w->name);
        if (vanishes(w->name) && is_rounding(b, want, w) && is_rounding(b, got, g)) {
            compared++;
            continue;
        }
        const double d = distance(b, got, g, want, w, &beyond, bound);
        if ((double)beyond > share * (double)w->count)
            fail_msg("%s: `%s` differs by %.3g of its largest magnitude in %lld of %lld places; the bound is %g", what,
                     w->name, d, (long long)beyond, (long long)w->count, bound);
        compared++;
    }
    if (!compared)
        fail_msg("%s: nothing begins with `%s`", what, prefix);
}

static fpc_st_file *load(bench *b, const char *path)
{
    fpc_st_file *f;
    if (fpc_st_read(b->ctx, b->arena, path, &f))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return f;
}

static int has(const fpc_st_file *f, const char *prefix)
{
    for (int32_t i = 0; i < f->n; i++)
        if (!strncmp(f->tensor[i].name, prefix, strlen(prefix)))
            return 1;
    return 0;
}

/* ---- tests ---- */

static void check_model(bench *b, const golden *g, const char *const *extra)
{
    static const char *const train[] = {"--train", "--backward", NULL};
    const char *weights = file_of(b, g, fpc_sprintf(b->arena, "%s.weights", g->name));
    const char *input = file_of(b, g, g->input ? g->input : fpc_sprintf(b->arena, "%s.input", g->name));
    const char *expect = file_of(b, g, fpc_sprintf(b->arena, "%s.expect", g->name));
    const char *what = fpc_sprintf(b->arena, "%s, %s", g->name, extra[0]);

    if (!weights || !input || !expect)
        return;
    const fpc_st_file *want = load(b, expect), *eval = probe(b, g, weights, input, extra, NULL);
    compare(b, what, eval, want, "logits_eval", 1e-4, 0);
    assert_null(fpc_st_find(eval, "grad.decoder.conv_seg.bias"));
    const fpc_st_file *got = probe(b, g, weights, input, extra, train);
    compare(b, what, got, want, "logits_train", 1e-4, 0);
    compare(b, what, got, want, "loss", 1e-4, 0);
    compare(b, what, got, want, "grad.", 1e-3, 0);
    if (has(want, "buffer."))
        compare(b, what, got, want, "buffer.", 1e-4, 0);
}

static void models_on(bench *b, const char *backend)
{
    const char *const extra[] = {backend, NULL};
    for (int i = 0; i < MODELS; i++)
        check_model(b, &models[i], extra);
}

static void models_on_the_first(void **state)
{
    models_on(*state, backends[0]);
}
static void models_on_the_others(void **state)
{
    for (int i = 1; i < n_backends; i++)
        models_on(*state, backends[i]);
}

static void check_steps(bench *b, const golden *g, const char *weights, const char *input, const char *expect,
                        const char *k)
{
    const char *const flags[] = {"--steps", k, NULL};

    for (int i = 0; i < n_backends; i++) {
        const char *const extra[] = {backends[i], NULL};
        const char *w = file_of(b, g, weights), *in = file_of(b, g, input), *e = file_of(b, g, expect);
        const char *what = fpc_sprintf(b->arena, "%s, %s", g->name, backends[i]);
        if (!w || !in || !e)
            return;
        const fpc_st_file *got = probe(b, g, w, in, extra, flags), *want = load(b, e);
        compare(b, what, got, want, "lr", 1e-12, 0);
        compare(b, what, got, want, "loss", 1e-4, 0);
        compare(b, what, got, want, "grad_norm", 1e-4, 0);
        /* Where a gradient is all rounding, Adam's step is rounding over rounding: PyTorch itself is then up to 1.7e-4
         * from the oracle in double. Such places are rare, and bounded too. */
        compare(b, what, got, want, "after.", 1e-4, 5e-5);
        compare(b, what, got, want, "after.", 1e-3, 0);
    }
}

static void adamw_steps(void **state)
{
    const golden g = {"adamw steps",
                      NULL,
                      0,
                      {TINY, "run.epochs=3", "schedule.warmup_epochs=1", "optimizer.lr=1e-2",
                       "optimizer.weight_decay=1e-2", "optimizer.eps=1e-5"}};
    check_steps(*state, &g, "steps.weights", "steps.input", "steps.adamw", "3");
}

static void adam_steps(void **state)
{
    const golden g = {"adam steps",
                      NULL,
                      0,
                      {TINY, "run.epochs=3", "schedule.warmup_epochs=1", "optimizer.use=adam", "optimizer.lr=1e-2",
                       "optimizer.weight_decay=1e-2", "optimizer.eps=1e-5"}};
    check_steps(*state, &g, "steps.weights", "steps.input", "steps.adam", "3");
}

static void sam_steps(void **state)
{
    const golden g = {"sam steps",
                      NULL,
                      0,
                      {TINY, "run.epochs=3", "schedule.warmup_epochs=1", "optimizer.sam=0.05", "optimizer.lr=1e-2",
                       "optimizer.weight_decay=1e-2", "optimizer.eps=1e-5"}};
    check_steps(*state, &g, "steps.weights", "steps.input", "steps.sam", "3");
}

static void sgd_steps(void **state)
{
    const golden g = {"sgd steps",
                      NULL,
                      0,
                      {TINY, "run.epochs=3", "schedule.warmup_epochs=1", "optimizer.use=sgd", "optimizer.nesterov=on",
                       "optimizer.weight_decay=1e-2", "optimizer.lr=1e-2"}};
    check_steps(*state, &g, "steps.weights", "steps.input", "steps.sgd", "3");
}

static void recorded_steps(void **state)
{
    const golden g = {"train_steps", NULL, 1, {NULL}};
    check_steps(*state, &g, "train_steps.weights", "train_steps.expect", "train_steps.expect", "6");
}

/* In double the rewritten graph must agree to what a float of the file can hold, in both modes. */
static void rewrites_change_nothing(void **state)
{
    static const char *const on[] = {"backend.use=ref", "backend.real=double", NULL};
    static const char *const off[] = {"backend.use=ref", "backend.real=double", "run.rewrite=off", NULL};
    static const char *const flags[][3] = {{"--train", "--backward", NULL}, {"--backward", NULL}};
    bench *b = *state;

    for (int i = 0; i < MODELS; i++) {
        const golden *g = &models[i];
        const char *weights = file_of(b, g, fpc_sprintf(b->arena, "%s.weights", g->name));
        const char *input = file_of(b, g, g->input ? g->input : fpc_sprintf(b->arena, "%s.input", g->name));
        for (int k = 0; k < 2 && weights && input; k++) {
            const fpc_st_file *fast = probe(b, g, weights, input, on, flags[k]);
            const fpc_st_file *plain = probe(b, g, weights, input, off, flags[k]);
            compare(b, g->name, fast, plain, "", 1e-6, 0);
        }
    }
}

/* ---- what is refused ---- */

static void refused(bench *b, const char *weights, const char *input, const char *flag, const char *value,
                    const char *want)
{
    const char *argv[12] = {"probe", "-w", weights, "-i", input, "-o", "never.safetensors", flag, value};
    const char *override[] = {TINY, "backend.use=ref"};
    fpc_cmdline cmd = {.ctx = b->ctx,
                       .arena = b->arena,
                       .recipe = source(b, "golden.ini"),
                       .overrides = override,
                       .n_overrides = 5,
                       .argc = flag ? value ? 9 : 8 : 7,
                       .argv = (char **)(uintptr_t)argv};

    assert_int_not_equal(fpc_cmd_probe.run(&cmd), FPC_OK);
    if (!strstr(fpc_ctx_error(b->ctx), want))
        fail_msg("the sentence is \"%s\", without \"%s\"", fpc_ctx_error(b->ctx), want);
    fpc_ctx_clear(b->ctx);
    assert_int_not_equal(access("never.safetensors", F_OK), 0);
}

static void refusals(void **state)
{
    bench *b = *state;
    const char *w = source(b, "tiny.weights.safetensors"), *in = source(b, "tiny.input.safetensors");
    const char *bad = "golden.bad.safetensors";
    const float zero[3 * 32 * 32] = {0};
    const int32_t high[32 * 32] = {[7] = 19};
    const fpc_st_tensor image = {
        .name = "image", .dtype = FPC_F32, .rank = 4, .dims = {1, 3, 32, 32}, .count = 3 * 32 * 32, .data = zero};
    const fpc_st_tensor mask = {
        .name = "mask", .dtype = FPC_I32, .rank = 3, .dims = {1, 32, 32}, .count = 32 * 32, .data = high};
    const fpc_st_tensor grey = {
        .name = "image", .dtype = FPC_F32, .rank = 4, .dims = {3, 1, 32, 32}, .count = 3 * 32 * 32, .data = zero};

    refused(b, w, in, "--steps", "2", "tensor `image` is (2, 3, 32, 40); it must be (steps, n, 3, h, w)");
    refused(b, w, in, "--steps", "0", "--steps 0: not a whole number from 1 on");
    refused(b, w, in, "--stepps", "2", "unknown option --stepps; did you mean --steps?");
    refused(b, w, in, "--train", "--train", "--train is given twice");
    refused(b, w, in, "more", NULL, "`more` is one word too many");
    refused(b, w, w, NULL, NULL, "there is no tensor `image`");
    refused(b, source(b, "unet.weights.safetensors"), in, NULL, NULL, "unet.weights.safetensors");
    assert_int_equal(fpc_st_write(b->ctx, bad, 2, (const fpc_st_tensor[]){image, mask}, 0, NULL), FPC_OK);
    refused(b, w, bad, NULL, NULL, "tensor `mask` holds the label 19; labels are 0 to 18");
    assert_int_equal(fpc_st_write(b->ctx, bad, 1, &grey, 0, NULL), FPC_OK);
    refused(b, w, bad, NULL, NULL, "tensor `image` is (3, 1, 32, 32); it must be (n, 3, h, w)");
    assert_int_equal(fpc_st_write(b->ctx, bad, 1, &image, 0, NULL), FPC_OK);
    refused(b, w, bad, "--backward", NULL, "there is no tensor `mask`, and --backward needs one");
    unlink(bad);
}

static void choose_backends(const char *names)
{
    static char text[MOST][64], copy[1024];
    char *rest = NULL;
    n_backends = 0;
    snprintf(copy, sizeof copy, "%s", names);
    for (char *word = strtok_r(copy, " ", &rest); word && n_backends < MOST; word = strtok_r(NULL, " ", &rest)) {
        snprintf(text[n_backends], sizeof text[0], "backend.use=%s", word);
        backends[n_backends] = text[n_backends];
        n_backends++;
    }
}

int main(void)
{
    const char *names = getenv("FPCORE_TEST_BACKENDS");
    if (names && *names)
        choose_backends(names);
    const struct CMUnitTest tests[] = {
        CASE(models_on_the_first),
        CASE(models_on_the_others),
        CASE(adamw_steps),
        CASE(adam_steps),
        CASE(sam_steps),
        CASE(sgd_steps),
        CASE(recorded_steps),
        CASE(rewrites_change_nothing),
        CASE(refusals),
    };
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
