/* test_checkpoint.c: weights in and out of files: the same numbers, under PyTorch's names; files of other models,
 * broken numbers and unknown names are refused with a sentence and change nothing. */
#define _GNU_SOURCE
#include "fixture.h"

#include "weights/weights.h"
#include "base/message.h"
#include "experiment/experiment.h"

#include <math.h>

struct fixture {
    bench b;
    fpc_state *state;
    char path[300];
    fpc_st_file *file;         /* what fpc_weights_save wrote */
    fpc_st_tensor tensor[400]; /* the same, to change */
};

static const char tiny[] = "[run]\nmetric = f\n[model]\nuse = microsegformer\ndims = 8,16,24,32\ndepths = 1,1,1,1\n"
                           "decoder_dim = 16\n[loss.ce]\nuse = cross_entropy\n[metric.f]\nuse = fscore_batch\n"
                           "[backend]\nuse = ref\n";

static fpc_state *state_of(struct fixture *f, const char *ini, const char *override)
{
    fpc_recipe *recipe;
    fpc_experiment *experiment;
    fpc_status status = fpc_recipe_parse(f->b.ctx, f->b.arena, "test.ini", ini, override ? 1 : 0, &override, &recipe);

    if (!status)
        status =
            fpc_experiment_open(f->b.ctx, f->b.arena, NULL, recipe, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &experiment);
    if (status)
        fail_msg("%s", fpc_ctx_error(f->b.ctx));
    return experiment->state;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const fpc_st_meta meta = {"format", "pt"};

    *state = f;
    bench_new(&f->b);
    snprintf(f->path, sizeof f->path, "%s", in_folder("w.safetensors"));
    f->state = state_of(f, tiny, NULL);
    if (fpc_weights_save(f->b.ctx, f->state, f->path, 1, &meta) || fpc_st_read(f->b.ctx, f->b.arena, f->path, &f->file))
        return -1;
    for (int32_t i = 0; i < f->file->n; i++)
        f->tensor[i] = f->file->tensor[i];
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    bench_free(&f->b);
    test_folder_remove();
    free(f);
    return 0;
}

static int32_t index_of(const struct fixture *f, const char *name)
{
    for (int32_t i = 0; i < f->file->n; i++)
        if (!strcmp(f->tensor[i].name, name))
            return i;
    fail_msg("the file lacks %s", name);
    return -1;
}

static void write_changed(struct fixture *f, int32_t n)
{
    assert_int_equal(fpc_st_write(f->b.ctx, f->path, n, f->tensor, 0, NULL), FPC_OK);
}

static void refused(struct fixture *f, const char *text)
{
    assert_int_not_equal(fpc_weights_load(f->b.ctx, f->state, f->path), FPC_OK);
    if (!strstr(fpc_ctx_error(f->b.ctx), text) || !strstr(fpc_ctx_error(f->b.ctx), f->path))
        fail_msg("expected \"%s\" in \"%s\"", text, fpc_ctx_error(f->b.ctx));
    fpc_ctx_clear(f->b.ctx);
}

/* All weights of a state, for comparison. */
static double *weights_of(struct fixture *f, const fpc_state *state)
{
    double *out = fpc_alloc(f->b.arena, 1 << 20), sum = 0;
    int64_t n = 0;

    for (int32_t i = 0; i < state->n; i++) {
        const fpc_state_entry *e = &state->entry[i];
        float *v;
        if (e->kind != FPC_STATE_PARAM && e->kind != FPC_STATE_BUFFER)
            continue;
        v = fpc_alloc(f->b.arena, (size_t)e->count * 8);
        assert_int_equal(fpc_state_get(state, e, v), FPC_OK);
        sum = 0;
        for (int64_t k = 0; k < e->count; k++)
            sum += e->dtype == FPC_I64 ? (double)((int64_t *)(void *)v)[k] : (double)v[k] * (double)(k % 7 + 1);
        out[++n] = sum;
    }
    out[0] = (double)n;
    return out;
}

static void same_weights(const double *a, const double *b)
{
    assert_true(a[0] == b[0] && a[0] > 10);
    for (int i = 1; i <= (int)a[0]; i++)
        assert_true(a[i] == b[i]);
}

static void round_trip(void **state)
{
    struct fixture *f = *state;
    fpc_state *other = state_of(f, tiny, "run.seed=77");
    double *mine = weights_of(f, f->state), *theirs = weights_of(f, other);
    int differ = 0;

    for (int i = 1; i <= (int)mine[0]; i++)
        differ += mine[i] != theirs[i];
    assert_true(differ > 10); /* another seed, other weights */
    assert_int_equal(fpc_weights_load(f->b.ctx, other, f->path), FPC_OK);
    same_weights(mine, weights_of(f, other));
    assert_string_equal(fpc_st_meta_find(f->file, "format"), "pt");
    assert_non_null(fpc_st_find(f->file, "block1.0.attn.q.weight"));
    assert_int_equal(fpc_st_find(f->file, "patch_embed1.proj.weight")->dims[1], 3); /* (out, in, kh, kw) */
}

static void another_model(void **state)
{
    struct fixture *f = *state;
    fpc_state *wider = state_of(f, tiny, "model.dims=8,16,24,40"), *plain = state_of(f, tiny, "model.lmsa=off"),
              *mine = f->state;

    f->state = wider;
    refused(f, "for another model: tensor ");
    assert_int_not_equal(fpc_weights_load(f->b.ctx, wider, f->path), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "numbers in "));
    fpc_ctx_clear(f->b.ctx);
    f->state = plain;
    refused(f, "for another model: its tensor decoder.lmsa.");
    f->state = mine;
    write_changed(f, f->file->n - 1);
    refused(f, "for another model: it lacks tensor ");
}

static void numbers_that_are_none(void **state)
{
    struct fixture *f = *state;
    fpc_st_tensor *t = &f->tensor[index_of(f, "block2.0.mlp.fc1.weight")];
    float *v = fpc_alloc(f->b.arena, (size_t)t->count * sizeof *v);
    double *before = weights_of(f, f->state), *d;

    memcpy(v, t->data, (size_t)t->count * sizeof *v);
    v[5] = NAN;
    t->data = v;
    write_changed(f, f->file->n);
    refused(f, "tensor block2.0.mlp.fc1.weight holds NaN at element 5");
    v[5] = 0;
    v[7] = -INFINITY;
    write_changed(f, f->file->n);
    refused(f, "tensor block2.0.mlp.fc1.weight holds infinity at element 7");
    d = fpc_alloc(f->b.arena, (size_t)t->count * sizeof *d);
    d[2] = 1e60; /* finite here, but not as a weight */
    t->data = d;
    t->dtype = FPC_F64;
    write_changed(f, f->file->n);
    refused(f, "holds infinity at element 2");
    same_weights(before, weights_of(f, f->state)); /* nothing was taken over */
}

static void names(void **state)
{
    struct fixture *f = *state;
    const int32_t n = f->file->n;
    static const float numbers[4];

    f->tensor[n] = (fpc_st_tensor){
        .name = "block1.0.attn.q.weigth", .dtype = FPC_F32, .rank = 1, .dims = {4}, .count = 4, .data = numbers};
    write_changed(f, n + 1);
    refused(f, "its tensor block1.0.attn.q.weigth is not in the model (nearest: block1.0.attn.q.weight)");
    f->tensor[n].name = "optimizer.m.anything";
    f->tensor[n + 1] = f->tensor[n];
    f->tensor[n + 1].name = "average.anything";
    write_changed(f, n + 2);
    assert_int_equal(fpc_weights_load(f->b.ctx, f->state, f->path), FPC_OK);
}

static void count_notes(void *arg, int level, const char *line)
{
    *(int *)arg += level == FPC_LOG_INFO && strstr(line, ", which a wrapper of PyTorch put there") != NULL;
}

/* Saved from a wrapped PyTorch model: the wrapper's name stands before each tensor's, and is no part of it. */
static void wrapped_names(void **state)
{
    static const char *const wrapper[] = {"module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."};
    struct fixture *f = *state;
    double *mine = weights_of(f, f->state);
    int notes = 0;

    fpc_ctx_log_sink(f->b.ctx, count_notes, &notes);
    for (size_t w = 0; w < sizeof wrapper / sizeof *wrapper; w++) {
        fpc_state *other = state_of(f, tiny, "run.seed=78");
        for (int32_t i = 0; i < f->file->n; i++)
            f->tensor[i].name = fpc_sprintf(f->b.arena, "%s%s", wrapper[w], f->file->tensor[i].name);
        write_changed(f, f->file->n);
        assert_int_equal(fpc_weights_load(f->b.ctx, other, f->path), FPC_OK);
        same_weights(mine, weights_of(f, other));
        assert_int_equal(notes, w + 1);
    }
    f->tensor[3].name = f->file->tensor[3].name; /* not all of them: these are other names */
    write_changed(f, f->file->n);
    refused(f, "it lacks tensor");
}

static void counters_may_be_missing(void **state)
{
    struct fixture *f = *state;
    int32_t n = 0, dropped = 0;

    for (int32_t i = 0; i < f->file->n; i++) {
        if (strstr(f->tensor[i].name, "num_batches_tracked"))
            dropped++;
        else
            f->tensor[n++] = f->tensor[i];
    }
    assert_true(dropped > 0);
    write_changed(f, n);
    assert_int_equal(fpc_weights_load(f->b.ctx, f->state, f->path), FPC_OK);
}

static void half_precision(void **state)
{
    struct fixture *f = *state;
    fpc_st_tensor *t = &f->tensor[index_of(f, "block1.0.norm1.weight")];
    uint16_t *half = fpc_alloc(f->b.arena, (size_t)t->count * sizeof *half);
    float got[64];

    for (int64_t i = 0; i < t->count; i++)
        half[i] = (uint16_t)(0x3c00 + i); /* 1 + i/1024 */
    t->data = half;
    t->dtype = FPC_F16;
    write_changed(f, f->file->n);
    assert_int_equal(fpc_weights_load(f->b.ctx, f->state, f->path), FPC_OK);
    assert_true(t->count <= 64);
    assert_int_equal(fpc_state_get(f->state, fpc_state_find(f->state, t->name), got), FPC_OK);
    for (int64_t i = 0; i < t->count; i++)
        assert_true(got[i] == 1 + (float)i / 1024);
}

static void golden_weights(void **state)
{
    struct fixture *f = *state;
    const char *shared = getenv("FPCORE_SHARED"), *path;

    path =
        fpc_sprintf(f->b.arena, "%s/golden/model_lmsa.weights.safetensors", shared && *shared ? shared : "../shared");
    if (access(path, R_OK)) {
        print_message("%s is not here\n", path);
        skip();
    }
    f->state = state_of(f,
                        "[run]\nmetric = f\n[model]\nuse = microsegformer\n[loss.ce]\nuse = cross_entropy\n"
                        "[metric.f]\nuse = fscore_batch\n[backend]\nuse = ref\n",
                        NULL);
    if (fpc_weights_load(f->b.ctx, f->state, path))
        fail_msg("%s", fpc_ctx_error(f->b.ctx));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(round_trip),    TEST(another_model),           TEST(numbers_that_are_none), TEST(names),
        TEST(wrapped_names), TEST(counters_may_be_missing), TEST(half_precision),        TEST(golden_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
