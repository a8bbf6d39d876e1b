/* test_names.c: `init_rename = huggingface`: weights that transformers wrote (huggingface.py) give the logits here that
 * they give there, all of them are used, and what does not belong together is refused. FPCORE_TORCH_FILES: another
 * folder of what huggingface.py writes, with the names of version 5 of transformers in huggingface.pth. */
#define _GNU_SOURCE
#include "fixture.h"

#include "cmd/cmd.h"
#include "weights/weights.h"

#include <math.h>

#define MODEL                                                                                                          \
    "[run]\nmetric = f\n[model]\nuse = segformer_b0\ndims = 4,6,8,8\ndepths = 1,1,2,1\nheads = 1,2,2,4\n"              \
    "sr_ratios = 4,2,1,1\nmlp_ratio = 2\ndecoder_dim = 8\ndrop_path = 0\ndropout = 0\n[loss.ce]\nuse = "               \
    "cross_entropy\n"                                                                                                  \
    "[metric.f]\nuse = fscore_batch\n[backend]\nuse = ref\n"

static const char *saved(bench *b, const char *name)
{
    const char *folder = getenv("FPCORE_TORCH_FILES"), *root = getenv("FPCORE_SRC");

    return folder ? fpc_sprintf(b->arena, "%s/%s", folder, name)
                  : fpc_sprintf(b->arena, "%s/tests/torch/%s", root ? root : ".", name);
}

static fpc_state *state_of(bench *b)
{
    return open_experiment(b, MODEL, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND)->state;
}

static fpc_status transfer(bench *b, fpc_state *to, const char *path, const char *skip, fpc_taken *taken)
{
    fpc_ctx_clear(b->ctx);
    return fpc_weights_transfer(b->ctx, b->arena, to, path, &(fpc_transfer){skip, "huggingface"}, taken);
}

/* fpcore probe on these weights. */
static const fpc_st_file *logits_of(bench *b, const char *weights, const char *input)
{
    const char *argv[] = {"probe", "-w", weights, "-i", input, "-o", NULL};
    fpc_cmdline cmd = {.ctx = b->ctx, .arena = b->arena, .argc = 7, .argv = (char **)(uintptr_t)argv};
    fpc_st_file *out;

    write_bytes("model.ini", MODEL, sizeof MODEL - 1);
    cmd.recipe = fpc_strdup(b->arena, in_folder("model.ini"));
    argv[6] = fpc_strdup(b->arena, in_folder("out.safetensors"));
    if (fpc_cmd_probe.run(&cmd) || fpc_st_read(b->ctx, b->arena, argv[6], &out))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return out;
}

static void gives_the_same_logits(bench *b, const char *weights)
{
    fpc_state *state = state_of(b);
    const char *path = fpc_strdup(b->arena, in_folder("w.safetensors")),
               *input = saved(b, "huggingface.expect.safetensors");
    fpc_taken taken;
    fpc_st_file *want;

    has_to_succeed(b, transfer(b, state, saved(b, weights), "", &taken), weights);
    assert_int_equal(taken.n_skipped, 0);
    assert_int_equal(taken.n_fresh, 0);
    assert_int_equal(taken.n, 128);
    assert_int_equal(fpc_weights_save(b->ctx, state, path, 0, NULL), FPC_OK);
    const fpc_st_file *got = logits_of(b, path, input);
    assert_int_equal(fpc_st_read(b->ctx, b->arena, input, &want), FPC_OK);
    const fpc_st_tensor *g = fpc_st_find(got, "logits"), *w = fpc_st_find(want, "logits");
    assert_true(g && w && g->rank == 4 && g->count > w->count);
    const float *x = g->data, *y = w->data;
    double most = 0, worst = 0;
    /* transformers' logits are at a quarter of the size; what is compared is enlarged as PyTorch enlarges */
    const int64_t h = w->dims[2], wide = w->dims[3], H = g->dims[2], W = g->dims[3];
    for (int64_t c = 0; c < w->dims[1]; c++)
        for (int64_t i = 0; i < H * W; i++) {
            const double sy = fmax(0, (double)(i / W) / 4 + 0.125 - 0.5),
                         sx = fmax(0, (double)(i % W) / 4 + 0.125 - 0.5);
            const int64_t y0 = (int64_t)sy, x0 = (int64_t)sx, y1 = y0 + 1 < h ? y0 + 1 : y0,
                          x1 = x0 + 1 < wide ? x0 + 1 : x0;
            const float *p = y + c * h * wide;
            const double fy = sy - (double)y0, fx = sx - (double)x0;
            const double v = (1 - fy) * ((1 - fx) * (double)p[y0 * wide + x0] + fx * (double)p[y0 * wide + x1]) +
                             fy * ((1 - fx) * (double)p[y1 * wide + x0] + fx * (double)p[y1 * wide + x1]);
            most = fmax(most, fabs(v));
            worst = fmax(worst, fabs(v - (double)x[c * H * W + i]));
        }
    assert_true(most > 0.1);
    if (worst > 1e-4 * most)
        fail_msg("%s: logits differ by %g of %g", weights, worst, most);
}

static void weights_of_transformers(void **state)
{
    gives_the_same_logits(*state, "huggingface.weights.safetensors");
}

/* As torch.save(model.state_dict()) has them by version 5, which calls its modules otherwise than its files. */
static void modules_of_transformers(void **state)
{
    bench *b = *state;

    if (access(saved(b, "huggingface.pth"), R_OK))
        skip();
    gives_the_same_logits(b, "huggingface.pth");
}

/* A file with some of the tensors left out or changed. */
static const char *changed(bench *b, const char *without, const char *shorter)
{
    const char *path = fpc_strdup(b->arena, in_folder("changed.safetensors"));
    fpc_st_file *file;
    int32_t n = 0;

    assert_int_equal(fpc_st_read(b->ctx, b->arena, saved(b, "huggingface.weights.safetensors"), &file), FPC_OK);
    for (int32_t i = 0; i < file->n; i++) {
        fpc_st_tensor t = file->tensor[i];
        if (*shorter && strstr(t.name, shorter)) {
            t.dims[0]--;
            t.count -= t.rank > 1 ? t.dims[1] : 1;
        }
        if (!*without || !strstr(t.name, without))
            file->tensor[n++] = t;
    }
    assert_int_equal(fpc_st_write(b->ctx, path, n, file->tensor, 0, NULL), FPC_OK);
    return path;
}

static void what_does_not_belong_together(void **state)
{
    bench *b = *state;
    fpc_state *to = state_of(b);
    fpc_taken taken;

    has_to_fail(b, transfer(b, to, changed(b, "block.2.1.attention.self.value.bias", ""), "", &taken), "no value",
                "beside tensor segformer.encoder.block.2.1.attention.self.key.bias there is none with the rest of the "
                "model's backbone.block3.1.attn.kv.bias");
    has_to_fail(b, transfer(b, to, changed(b, "block.2.1.attention.self.key.bias", ""), "", &taken), "no key",
                "second parts of tensors (backbone.block1.0.attn.kv.bias)");
    has_to_fail(b, transfer(b, to, changed(b, "", "block.0.0.attention.self.key.weight"), "", &taken), "another size",
                "differ in size or type");
    has_to_fail(b, transfer(b, to, changed(b, "encoder.norm", "classifier"), "", &taken), "another head",
                "tensor decode_head.linear_pred.weight is (18, 8, 1, 1) there and (19, 8, 1, 1) in the model");
    has_to_succeed(b, transfer(b, to, changed(b, "", "classifier"), "decode_head.linear_pred.*", &taken),
                   "a fresh head");
    assert_int_equal(taken.n_fresh, 2);
    assert_int_equal(taken.n_skipped, 2);
    fpc_ctx_clear(b->ctx);
    has_to_fail(b,
                fpc_weights_transfer(b->ctx, b->arena, to, saved(b, "huggingface.weights.safetensors"),
                                     &(fpc_transfer){"", "huginface"}, &taken),
                "a slip", "nor is it a set of names, of which there is `huggingface`");
    has_to_fail(b, transfer(b, to, saved(b, "kinds.pth"), "", &taken), "another model",
                "run.init_rename: huggingface: no tensor of ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(weights_of_transformers), CASE(modules_of_transformers),
                                       CASE(what_does_not_belong_together)};

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
