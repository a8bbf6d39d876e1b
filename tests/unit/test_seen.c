/* test_seen.c: how two sets of pictures differ, in words, the worst first; and what a checkpoint says of them, read
 * back or refused. */
#define _GNU_SOURCE
#include "fixture.h"
#include "data/classes.h"
#include "train/seen.h"

static const char tiny[] = "[dataset]\nuse = synthetic\nsize = 16\ntrain = 4\nval = 3\nbatch = 2\n";

static fpc_experiment *open_data(bench *b)
{
    fpc_recipe *recipe;
    fpc_experiment *s;

    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "test.ini", tiny, 0, NULL, &recipe), FPC_OK);
    assert_int_equal(fpc_experiment_open(b->ctx, b->arena, NULL, recipe, FPC_OPEN_DATA, &s), FPC_OK);
    return s;
}

/* A copy of which a test changes what it likes. */
static fpc_seen copy_of(bench *b, const fpc_seen *seen, uint64_t (*sample[2])[2])
{
    fpc_seen copy = *seen;

    for (int p = 0; p < 2; p++) {
        sample[p] = fpc_alloc(b->arena, 16 * sizeof *sample[p]);
        memcpy(sample[p], seen->sample[p], (size_t)seen->n[p] * sizeof *sample[p]);
        copy.sample[p] = (const uint64_t(*)[2])sample[p];
    }
    return copy;
}

static void swap_rows(uint64_t a[2], uint64_t b[2])
{
    const uint64_t kept[2] = {a[0], a[1]};

    a[0] = b[0], a[1] = b[1];
    b[0] = kept[0], b[1] = kept[1];
}

static const char *advice; /* of the last difference */

static const char *difference(bench *b, const fpc_seen *was, const fpc_seen *is, const fpc_experiment *s,
                              const char *folder)
{
    const char *text = NULL;

    assert_int_equal(fpc_seen_difference(b->ctx, b->arena, was, is, s->data, folder, &text, &advice), FPC_OK);
    return text;
}

static void differences(void **state)
{
    bench *b = *state;
    const fpc_experiment *s = open_data(b);
    uint64_t(*row[2])[2];
    fpc_seen is, was;
    const char *text;

    assert_int_equal(fpc_seen_of(s, b->arena, &is), FPC_OK);
    assert_int_equal(is.n[0], 4);
    assert_int_equal(is.n[1], 3);
    was = copy_of(b, &is, row);
    assert_string_equal(difference(b, &was, &is, s, "nowhere"), "");

    row[1][2][1]++;
    text = difference(b, &was, &is, s, "nowhere");
    assert_non_null(strstr(text, "here are 4 + 3; with another picture or mask: val000002 (validation)"));
    swap_rows(row[0][0], row[0][1]); /* an order comes after contents */
    assert_string_equal(difference(b, &was, &is, s, "nowhere"), text);
    row[1][2][1]--;
    text = difference(b, &was, &is, s, "nowhere");
    assert_non_null(strstr(text, "; in another order: train000000 (now the 1. of training), train000001 (now the 2."));

    row[0][4][0] = 1;
    was.n[0] = 5;
    text = difference(b, &was, &is, s, "nowhere");
    assert_non_null(strstr(text, "5 + 3 pictures (training + validation), here are 4 + 3"));
    assert_non_null(strstr(text, "; gone: picture 5 (training)"));
    row[0][3][0] = 2;
    text = difference(b, &was, &is, s, "nowhere");
    assert_non_null(strstr(text, "; new: train000003 (training); gone: picture 4 (training), picture 5 (training)"));
    assert_string_equal(advice, "--other-data goes on all the same; a new run with run.init_from = nowhere takes the "
                                "weights along");
    swap_rows(row[0][0], row[1][1]);
    text = difference(b, &was, &is, s, "nowhere");
    assert_non_null(strstr(text, "; in the other part: val000001 (training, now validation), train000001 (validation, "
                                 "now training)"));
    assert_non_null(strstr(advice, "with scores that are too good"));
    for (int i = 0; i < 4; i++)
        row[0][i][0] = 10 + (uint64_t)i;
    text = difference(b, &was, &is, s, "nowhere");
    assert_non_null(strstr(text, "picture 3 (training) and 2 more; in the other part"));

    was = copy_of(b, &is, row);
    was.classes = "[classes]\n0 = background\n1 = skin\n";
    text = difference(b, &was, &is, s, "nowhere");
    assert_string_equal(text, "the run was made with other classes: 19 classes (the run: 2)");
}

/* One that is in both parts, before or now, did not move: it is new in a part, or gone from it. */
static void in_both_parts(void **state)
{
    bench *b = *state;
    const fpc_experiment *s = open_data(b);
    uint64_t(*was_row[2])[2], (*row[2])[2];
    fpc_seen is, was;
    const char *text;

    assert_int_equal(fpc_seen_of(s, b->arena, &is), FPC_OK);
    was = copy_of(b, &is, was_row);
    is = copy_of(b, &is, row);
    was.n[1] = 2; /* the third is new, and a picture that trains on */
    memcpy(row[1][2], row[0][0], sizeof *row[1]);
    text = difference(b, &was, &is, s, "nowhere");
    assert_string_equal(text, "the run was made with 4 + 2 pictures (training + validation), here are 4 + 3; new: "
                              "val000002 (validation, beside training)");
    assert_non_null(strstr(advice, "with scores that are too good"));
    row[1][2][1]++; /* another picture of that name, in folders of the validation's own */
    assert_string_equal(difference(b, &was, &is, s, "nowhere"), text);
    assert_null(strstr(advice, "too good"));
    row[1][2][1]--;

    text = difference(b, &is, &was, s, "nowhere");
    assert_string_equal(text, "the run was made with 4 + 3 pictures (training + validation), here are 4 + 2; gone: "
                              "picture 3 (validation, still training)");
    assert_null(strstr(advice, "too good"));

    is = copy_of(b, &was, row); /* it trained, now it validates alone; its mask may be another one */
    is.n[0] = is.n[1] = 3;
    memcpy(row[1][2], row[0][3], sizeof *row[1]);
    for (int changed = 0; changed < 2; changed++, row[1][2][1]++) {
        text = difference(b, &was, &is, s, "nowhere");
        assert_string_equal(text, "the run was made with 4 + 2 pictures (training + validation), here are 3 + 3; in "
                                  "the other part: val000002 (training, now validation)");
        assert_non_null(strstr(advice, "with scores that are too good"));
    }
    row[1][2][1] -= 2;
    text = difference(b, &is, &was, s, "nowhere");
    assert_non_null(strstr(text, "; in the other part: train000003 (validation, now training)"));
    assert_null(strstr(advice, "too good"));
}

/* The list of a run names what is gone. */
static void names_from_the_list(void **state)
{
    bench *b = *state;
    const fpc_experiment *s = open_data(b);
    uint64_t(*row[2])[2];
    fpc_seen is, was;

    assert_int_equal(fpc_seen_of(s, b->arena, &is), FPC_OK);
    assert_int_equal(fpc_seen_lists(b->ctx, s->data, test_folder()), FPC_OK);
    was = copy_of(b, &is, row);
    was.n[0] = is.n[0]--;
    assert_non_null(strstr(difference(b, &was, &is, s, test_folder()), "gone: train000003 (training)"));
}

static void through_a_checkpoint(void **state)
{
    bench *b = *state;
    const fpc_experiment *s = open_data(b);
    fpc_st_meta meta = {FPC_META_CLASSES, NULL};
    fpc_st_tensor tensor[FPC_SEEN_TENSORS];
    fpc_st_file file = {"a.safetensors", FPC_SEEN_TENSORS, 1, tensor, &meta};
    fpc_seen is, was;

    assert_int_equal(fpc_seen_of(s, b->arena, &is), FPC_OK);
    meta.value = is.classes;
    fpc_seen_tensors(&is, tensor);
    assert_int_equal(fpc_seen_read(b->ctx, &file, &was), FPC_OK);
    assert_string_equal(difference(b, &was, &is, s, "nowhere"), "");

    tensor[1].rank = 1;
    assert_int_equal(fpc_seen_read(b->ctx, &file, &was), FPC_EFORMAT);
    assert_string_equal(fpc_ctx_error(b->ctx),
                        "a.safetensors: tensor samples.val or metadata class.table make no sense");
    tensor[1].rank = 2;
    tensor[0].dims[1] = 3;
    assert_int_equal(fpc_seen_read(b->ctx, &file, &was), FPC_EFORMAT);
    tensor[0].dims[1] = 2;
    file.n = 1;
    assert_int_equal(fpc_seen_read(b->ctx, &file, &was), FPC_EFORMAT);
    file.n = 0;
    assert_int_equal(fpc_seen_read(b->ctx, &file, &was), FPC_OK);
    assert_null(was.sample[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(differences), CASE(in_both_parts), CASE(names_from_the_list),
                                       CASE(through_a_checkpoint)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
