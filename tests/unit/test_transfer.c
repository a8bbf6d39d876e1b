/* test_transfer.c: weights for a model that is like the file's and not the same: what is skipped stays as drawn, what
 * is called otherwise is found, and whatever else does not fit is refused with the keys that would take care of it. */
#define _GNU_SOURCE
#include "fixture.h"

#include "weights/weights.h"
#include "base/message.h"
#include "experiment/experiment.h"

static const char tiny[] = "[run]\nmetric = f\n[model]\nuse = microsegformer\ndims = 8,16,24,32\ndepths = 1,1,1,1\n"
                           "decoder_dim = 16\n[loss.ce]\nuse = cross_entropy\n[metric.f]\nuse = fscore_batch\n"
                           "[backend]\nuse = ref\n";

static fpc_state *state_with(bench *b, int32_t n, const char *const *overrides)
{
    fpc_recipe *recipe;
    fpc_experiment *experiment;
    fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", tiny, n, overrides, &recipe);

    if (!status)
        status = fpc_experiment_open(b->ctx, b->arena, NULL, recipe, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &experiment);
    if (status)
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return experiment->state;
}

static fpc_state *state_of(bench *b, const char *override)
{
    return state_with(b, 1, &override);
}

static const float *numbers_of(bench *b, const fpc_state *state, const char *name)
{
    const fpc_state_entry *e = fpc_state_find(state, name);
    float *v = e ? fpc_alloc(b->arena, (size_t)e->count * 8) : NULL;

    assert_non_null(v);
    assert_int_equal(fpc_state_get(state, e, v), FPC_OK);
    return v;
}

static int same(bench *b, const fpc_state *x, const fpc_state *y, const char *name)
{
    return !memcmp(numbers_of(b, x, name), numbers_of(b, y, name), sizeof(float) * 4);
}

/* The weights of a state, each name with `front` before it; what begins with `old` begins with `now` instead. */
static const char *written(bench *b, fpc_state *state, const char *front, const char *old, const char *now)
{
    const char *path = in_folder("w.safetensors");
    fpc_st_file *file;

    assert_int_equal(fpc_weights_save(b->ctx, state, path, 0, NULL), FPC_OK);
    assert_int_equal(fpc_st_read(b->ctx, b->arena, path, &file), FPC_OK);
    for (int32_t i = 0; i < file->n; i++) {
        const char *name = file->tensor[i].name;
        const int begins = *old && !strncmp(name, old, strlen(old));
        file->tensor[i].name =
            fpc_sprintf(b->arena, "%s%s%s", front, begins ? now : "", begins ? name + strlen(old) : name);
    }
    assert_int_equal(fpc_st_write(b->ctx, path, file->n, file->tensor, 0, NULL), FPC_OK);
    return path;
}

static fpc_status transfer(bench *b, fpc_state *to, const char *path, const char *skip, const char *rename,
                           fpc_taken *taken)
{
    return fpc_weights_transfer(b->ctx, b->arena, to, path, &(fpc_transfer){skip, rename}, taken);
}

static void refused(bench *b, fpc_state *to, const char *path, const char *skip, const char *rename, const char *why)
{
    fpc_taken taken;

    assert_int_not_equal(transfer(b, to, path, skip, rename, &taken), FPC_OK);
    said(b, why);
}

static const char *const head[] = {"decoder.conv_seg.weight", "decoder.conv_seg.bias"};

static void a_skipped_head_stays_as_drawn(void **state)
{
    bench *b = *state;
    fpc_state *from = state_of(b, "run.seed=1"), *drawn = state_of(b, "run.seed=2"), *to = state_of(b, "run.seed=2");
    const char *path = written(b, from, "module.", "", "");
    fpc_taken all, most;

    assert_int_equal(transfer(b, to, path, "", "", &all), FPC_OK);
    assert_true(same(b, to, from, head[0]) && !all.n_skipped && !all.n_fresh);
    to = state_of(b, "run.seed=2");
    assert_int_equal(transfer(b, to, path, "decoder.conv_seg.*", "", &most), FPC_OK);
    assert_true(same(b, to, drawn, head[0]) && !same(b, to, from, head[0]));
    assert_true(same(b, to, from, "block1.0.attn.q.weight"));
    assert_int_equal(most.n, all.n - 2);
    assert_int_equal(most.n_skipped, 2);
    assert_int_equal(most.n_fresh, 2);
    assert_string_equal(most.file, path);
    assert_int_equal(all.numbers - most.numbers,
                     fpc_state_find(to, head[0])->count + fpc_state_find(to, head[1])->count);
    assert_true(!strcmp(most.fresh[0], head[0]) || !strcmp(most.fresh[0], head[1]));
}

static void other_shapes_are_skipped_by_name(void **state)
{
    bench *b = *state;
    fpc_state *from = state_of(b, "run.seed=1"), *wider = state_of(b, "model.decoder_dim=24"),
              *drawn = state_of(b, "model.decoder_dim=24");
    const char *path = written(b, from, "", "", "");
    fpc_taken taken;

    refused(b, wider, path, "", "", " leaves them as drawn, run.init_rename = OLD -> NEW takes tensors whose names ");
    assert_true(same(b, wider, drawn, "block1.0.attn.q.weight")); /* what is refused changes nothing */
    assert_int_equal(transfer(b, wider, path, "decoder.*", "", &taken), FPC_OK);
    assert_true(same(b, wider, from, "block1.0.attn.q.weight"));
    assert_true(taken.n_fresh > 2 && taken.n_skipped == taken.n_fresh);
}

/* The example of docs/training.md. */
static void a_head_for_three_classes(void **state)
{
    bench *b = *state;
    static const char classes[] = "[classes]\n0 = ground\n1 = tree\n2 = house\n";
    fpc_state *from = state_of(b, "run.seed=1");
    const char *path = written(b, from, "", "", "");
    fpc_taken taken;

    write_bytes("three.ini", classes, sizeof classes - 1);
    const char *overrides[] = {"dataset.use=folder", fpc_sprintf(b->arena, "dataset.root=%s", test_folder()),
                               "dataset.classes=three.ini"};
    fpc_state *three = state_with(b, 3, overrides);

    assert_int_equal(fpc_state_find(three, head[1])->count, 3);
    refused(b, three, path, "", "", "tensor decoder.conv_seg.weight is (19, 16");
    refused(b, three, path, "", "", "2 tensors do not fit: decoder.conv_seg.weight, decoder.conv_seg.bias. ");
    assert_int_equal(transfer(b, three, path, "decoder.conv_seg.*", "", &taken), FPC_OK);
    assert_int_equal(taken.n_skipped, 2);
    assert_int_equal(taken.n_fresh, 2);
    assert_true(same(b, three, from, "block1.0.attn.q.weight"));
}

static void few_misfits_are_named_with_their_pattern(void **state)
{
    bench *b = *state;
    fpc_state *from = state_of(b, "run.seed=1"), *to = state_of(b, "run.seed=2");
    const char *path = written(b, from, "", "decoder.conv_seg.", "decoder.head.");

    refused(b, to, path, "", "", "it lacks tensor decoder.conv_seg.weight");
    refused(b, to, path, "", "", "4 tensors do not fit: decoder.conv_seg.weight, decoder.conv_seg.bias, ");
    refused(b, to, path, "", "", "run.init_skip = decoder.conv_seg.*, decoder.head.* leaves them as drawn");
}

/* However many tensors a file has that the model does not: the first is told with the nearest name, four are named, the
 * others counted. */
static void of_many_misfits_the_first_is_told(void **state)
{
    enum { MANY = 3000 };
    bench *b = *state;
    fpc_state *to = state_of(b, "run.seed=2");
    const char *path = written(b, to, "", "", "");
    fpc_st_file *file;

    assert_int_equal(fpc_st_read(b->ctx, b->arena, path, &file), FPC_OK);
    fpc_st_tensor *all = fpc_alloc(b->arena, ((size_t)file->n + MANY) * sizeof *all);
    memcpy(all, file->tensor, (size_t)file->n * sizeof *all);
    for (int32_t i = 0; i < MANY; i++) {
        all[file->n + i] = file->tensor[0];
        all[file->n + i].name = fpc_sprintf(b->arena, "zlock1.%d.atn.q.weight", (int)i);
    }
    assert_int_equal(fpc_st_write(b->ctx, path, file->n + MANY, all, 0, NULL), FPC_OK);
    refused(b, to, path, "", "",
            "its tensor zlock1.0.atn.q.weight is not in the model (nearest: block1.0.attn.q.weight); the file holds ");
    refused(b, to, path, "", "",
            "3000 tensors do not fit: zlock1.0.atn.q.weight, zlock1.1.atn.q.weight, zlock1.2.atn.q.weight, "
            "zlock1.3.atn.q.weight and 2996 more. run.init_skip = PATTERNS leaves them");
    for (int32_t i = 0; i < MANY; i++)
        all[file->n + i].name = fpc_sprintf(b->arena, "zlock%d.0.atn.q.n%d", (int)(i % 4), (int)i);
    assert_int_equal(fpc_st_write(b->ctx, path, file->n + MANY, all, 0, NULL), FPC_OK);
    refused(b, to, path, "", "",
            "run.init_skip = zlock0.0.atn.q.*, zlock1.0.atn.q.*, zlock2.0.atn.q.*, zlock3.0.atn.q.* leaves them");
}

/* Wherever the two stand in the file, and whatever lies between them. */
static void renamed_tensors_have_names_of_their_own(void **state)
{
    bench *b = *state;
    fpc_state *from = state_of(b, "run.seed=1"), *to = state_of(b, "run.seed=2");
    const char *path = written(b, from, "", "decoder.conv_seg.bias", "aside.bias");

    refused(b, to, path, "", "aside.bias -> block1.0.attn.q.bias",
            "w.safetensors would be called block1.0.attn.q.bias");
    refused(b, to, path, "", "aside -> decoder.conv_seg, decoder.conv_seg.weight -> decoder.conv_seg.bias",
            "w.safetensors would be called decoder.conv_seg.bias");
}

static void other_beginnings_are_found(void **state)
{
    bench *b = *state;
    fpc_state *from = state_of(b, "run.seed=1"), *to = state_of(b, "run.seed=2");
    const char *path = written(b, from, "net.", "decoder.conv_seg.", "head.");
    fpc_taken taken;

    assert_int_equal(transfer(b, to, path, "", "net. ->, net.head.-> decoder.conv_seg.", &taken), FPC_OK);
    assert_true(same(b, to, from, head[0]) && same(b, to, from, "block1.0.attn.q.weight"));
    assert_int_equal(taken.n_fresh, 0);
    refused(b, to, path, "", "nte. ->", "begins with `nte.`; the nearest name is net.");
    refused(b, to, path, "", "net.", "`net.` is not OLD -> NEW");
    refused(b, to, path, "", "net.head.weight -> net.head.bias", "two tensors of ");
}

static void a_pattern_without_a_tensor_is_refused(void **state)
{
    bench *b = *state;
    fpc_state *to = state_of(b, "run.seed=2");
    const char *path = written(b, to, "", "", "");

    refused(b, to, path, "decoder.conv_sge.*", "",
            "run.init_skip: decoder.conv_sge.* matches no tensor of the model and none of ");
    refused(b, to, path, "decoder.conv_sge.*", "", "; the nearest name is decoder.conv_seg.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_skipped_head_stays_as_drawn),     CASE(other_shapes_are_skipped_by_name),
        CASE(of_many_misfits_the_first_is_told), CASE(renamed_tensors_have_names_of_their_own),
        CASE(a_head_for_three_classes),          CASE(few_misfits_are_named_with_their_pattern),
        CASE(other_beginnings_are_found),        CASE(a_pattern_without_a_tensor_is_refused)};
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
