/* test_post.c: the file of --post: what is written is read again, and what is wrong in one is said. */
#include "fixture.h"
#include "experiment/post.h"

static const char *const names[] = {"ground", "Left eye", "right_eye", "hair"};
static const uint8_t pairs[1][2] = {{1, 2}};
static const fpc_dataset_info four = {
    .size = sizeof four, .classes = 4, .class_names = names, .mirror_pairs = pairs, .n_mirror_pairs = 1};
#define TABLE "[classes]\n0 = ground\n1 = Left eye\n2 = right_eye\n3 = hair\n"

static void what_is_written_is_read(void **state)
{
    bench *b = *state;
    const fpc_post p = {.classes = 4,
                        .biased = 1,
                        .bias = {0, -0.25f, 0, 0.05f},
                        .smallest = {0, 0.0003, 0, 0.001},
                        .holes = 0.003,
                        .n_sides = 1,
                        .side = {{2, 1}}};
    const fpc_post none = {.classes = 4};
    fpc_post got;
    const char *text = fpc_post_text(b->arena, &p, &four, "# 0.5\n");

    assert_non_null(text);
    assert_true(!strncmp(text, FPC_POST_MARK "\n# 0.5\n", strlen(FPC_POST_MARK) + 7));
    write_bytes("a.ini", text, strlen(text));
    has_to_succeed(b, fpc_post_read(b->ctx, b->arena, in_folder("a.ini"), &four, &got), text);
    assert_memory_equal(&got, &p, sizeof p);
    text = fpc_post_text(b->arena, &none, &four, "");
    write_bytes("b.ini", text, strlen(text));
    has_to_succeed(b, fpc_post_read(b->ctx, b->arena, in_folder("b.ini"), &four, &got), text);
    assert_memory_equal(&got, &none, sizeof none);
}

static void names_stand_for_labels(void **state)
{
    bench *b = *state;
    static const char text[] = "[post.bias]\n1 = 1\nHAIR = -1\n[post.sides]\nright_eye = 1\n" TABLE;
    fpc_post got;

    write_bytes("a.ini", text, strlen(text));
    has_to_succeed(b, fpc_post_read(b->ctx, b->arena, in_folder("a.ini"), &four, &got), text);
    assert_true(got.bias[1] == 1 && got.bias[3] == -1 && got.biased);
    assert_true(got.n_sides == 1 && got.side[0][0] == 2 && got.side[0][1] == 1);
}

static void names_that_no_file_holds(void **state)
{
    bench *b = *state;
    static const char *const odd[] = {"a \"b\" 'c'", ""};
    const fpc_dataset_info two = {.size = sizeof two, .classes = 2, .class_names = odd};
    const fpc_post p = {.classes = 2, .biased = 1, .bias = {0.5f}};
    fpc_post got;
    const char *text = fpc_post_text(b->arena, &p, &two, "");

    write_bytes("a.ini", text, strlen(text));
    has_to_succeed(b, fpc_post_read(b->ctx, b->arena, in_folder("a.ini"), &two, &got), text);
    assert_memory_equal(&got, &p, sizeof p);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {"[post]\nholes = 0.1\n", "a.ini: no section [classes], which says for which network it was made"},
        {"[classes]\n0 = ground\n1 = hair\n", "a.ini: made for a network of 2 classes, and this one has 4"},
        {"[classes]\n0 = ground\n1 = hair\n2 = right_eye\n3 = Left eye\n",
         "a.ini:3: label 1 is hair, and Left eye in this network"},
        {"[classes]\n0 = ground\n1 = Left eye\n2 = right_eye\n7 = hair\n", "[classes] has no label 3"},
        {"[post.bias]\nbeard = 1\n" TABLE,
         "a.ini:2: post.bias.beard: no class is called beard; the network has the labels 0 (ground) to 3 (hair)"},
        {"[post.bias]\n4 = 1\n" TABLE, "a.ini:2: post.bias.4: no class is called 4"},
        {"[post.bias]\n3 = much\n" TABLE, "a.ini:2: post.bias.3 = much: not a number from -10 to 10"},
        {"[post.bias]\n3 = nan\n" TABLE, "not a number from -10 to 10"},
        {"[post.bias]\n3 = 1\nhair = 1\n" TABLE, "a.ini:3: post.bias has the class 3 twice"},
        {"[post.smallest]\n3 = 0.3\n" TABLE, "a.ini:2: post.smallest.3 = 0.3: not a number from 0 to 0.25"},
        {"[post]\nholes = -1\n" TABLE, "a.ini:2: post.holes = -1: not a number from 0 to 0.25"},
        {"[post]\nhole = 0\n" TABLE, "a.ini:2: post.hole: no such key; there is `holes`"},
        {"[post.sides]\n1 = 3\n" TABLE, "a.ini:2: post.sides.1 = 3: a line is `LEFT = RIGHT`, two labels that"},
        {"[post.sides]\n1 = 2\n2 = 1\n" TABLE, "a.ini:3: post.sides.2 = 1: a line is `LEFT = RIGHT`"},
        {"[run]\nseed = 1\n" TABLE, "[run]: a file for --post has [post], [post.bias]"}};
    bench *b = *state;
    fpc_post got;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_bytes("a.ini", bad[i].text, strlen(bad[i].text));
        has_to_fail(b, fpc_post_read(b->ctx, b->arena, in_folder("a.ini"), &four, &got), bad[i].text, bad[i].want);
    }
    has_to_fail(b, fpc_post_read(b->ctx, b->arena, in_folder("none.ini"), &four, &got), "no file", "none.ini");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(what_is_written_is_read), CASE(names_stand_for_labels),
                                       CASE(names_that_no_file_holds), CASE(what_is_wrong_is_said)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
