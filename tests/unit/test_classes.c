/* test_classes.c: the table of classes as text: it reads back as it was, holds what names hold, and tells differences
 * that a training would notice. */
#include "fixture.h"
#include "data/classes.h"

static const char *const names[] = {"ground", "left; \"one\"", "right # one"};
static const uint8_t palette[3][3] = {{1, 2, 3}, {4, 5, 6}, {255, 0, 9}};
static const uint8_t pairs[1][2] = {{1, 2}};
static const fpc_dataset_info table = {.size = sizeof table,
                                       .classes = 3,
                                       .class_names = names,
                                       .palette = palette,
                                       .mirror_pairs = pairs,
                                       .n_mirror_pairs = 1};

static fpc_dataset_info read_back(bench *b, const char *text)
{
    fpc_dataset_info out = {.size = sizeof out};

    if (fpc_classes_parse(b->ctx, b->arena, "weights", text, &out))
        fail_msg("%s\n%s", fpc_ctx_error(b->ctx), text);
    return out;
}

static void a_table_reads_back(void **state)
{
    bench *b = *state;
    const char *text = fpc_classes_text(b->arena, &table);
    const fpc_dataset_info out = read_back(b, text);

    assert_int_equal(out.classes, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(out.class_names[i], names[i]);
    assert_memory_equal(out.palette, palette, sizeof palette);
    assert_int_equal(out.n_mirror_pairs, 1);
    assert_memory_equal(out.mirror_pairs, pairs, sizeof pairs);
    assert_string_equal(fpc_classes_text(b->arena, &out), text);
}

static void names_that_no_file_holds_become_numbers(void **state)
{
    bench *b = *state;
    static const char *const odd[] = {"a\nb", "both \" and ' with ;", "fine"};
    fpc_dataset_info t = table;

    t.class_names = odd;
    fpc_dataset_info out = read_back(b, fpc_classes_text(b->arena, &t));
    assert_string_equal(out.class_names[0], "class 0");
    assert_string_equal(out.class_names[1], "class 1");
    assert_string_equal(out.class_names[2], "fine");
    t.class_names = NULL;
    t.palette = NULL;
    t.n_mirror_pairs = 0;
    out = read_back(b, fpc_classes_text(b->arena, &t));
    assert_string_equal(out.class_names[2], "class 2");
    assert_int_equal(out.n_mirror_pairs, 0);
}

static void all_labels_that_there_are(void **state)
{
    bench *b = *state;
    const char *name[256];
    fpc_dataset_info t = {.size = sizeof t, .classes = 256, .class_names = name};

    for (int i = 0; i < 256; i++)
        name[i] = fpc_sprintf(b->arena, "part %d", 255 - i);
    const fpc_dataset_info out = read_back(b, fpc_classes_text(b->arena, &t));
    assert_int_equal(out.classes, 256);
    assert_string_equal(out.class_names[255], "part 0");
}

static const char *difference(bench *b, const fpc_dataset_info *was, const fpc_dataset_info *is)
{
    const char *text = NULL;

    assert_int_equal(fpc_classes_differ(b->ctx, b->arena, "the run", fpc_classes_text(b->arena, was),
                                        fpc_classes_text(b->arena, is), &text),
                     FPC_OK);
    return text;
}

static void differences(void **state)
{
    bench *b = *state;
    static const char *const other[] = {"ground", "left; \"one\"", "nose"}, *const odd[] = {"ground", "a\nb", "nose"};
    static const uint8_t turned[1][2] = {{2, 1}}, grey[3][3] = {{9, 9, 9}};
    const char *text = NULL;
    fpc_dataset_info t = table;

    t.palette = grey;
    t.mirror_pairs = turned;
    assert_string_equal(difference(b, &table, &t), "");
    t.class_names = odd; /* a name that no file could hold is the same one later */
    assert_string_equal(difference(b, &t, &t), "");
    t.class_names = other;
    assert_string_equal(difference(b, &table, &t), "label 2 is called nose (the run: right # one)");
    t = table;
    t.n_mirror_pairs = 0;
    assert_string_equal(difference(b, &table, &t), "a mirror makes 1 of label 1, left; \"one\" (the run: 2)");
    t.classes = 2;
    assert_string_equal(difference(b, &table, &t), "2 classes (the run: 3)");
    assert_int_equal(fpc_classes_differ(b->ctx, b->arena, "the run", "[classes]\n7 = a\n",
                                        fpc_classes_text(b->arena, &table), &text),
                     FPC_EFORMAT);
    assert_string_equal(fpc_ctx_error(b->ctx), "the run:2: classes.7: labels are 0 .. 0, each once");
    fpc_ctx_clear(b->ctx);
}

static void a_text_that_lies_is_refused(void **state)
{
    bench *b = *state;
    fpc_dataset_info out = {.size = sizeof out};

    assert_int_equal(fpc_classes_parse(b->ctx, b->arena, "w: metadata classes", "[classes]\n0 = a\n2 = b\n", &out),
                     FPC_EFORMAT);
    assert_string_equal(fpc_ctx_error(b->ctx), "w: metadata classes:3: classes.2: labels are 0 .. 1, each once");
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_classes_parse(b->ctx, b->arena, "w", "", &out), FPC_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(a_table_reads_back), CASE(names_that_no_file_holds_become_numbers),
                                       CASE(all_labels_that_there_are), CASE(differences),
                                       CASE(a_text_that_lies_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
