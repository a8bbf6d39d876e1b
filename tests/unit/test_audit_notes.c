/* test_audit_notes.c: what an audit tells beside flaws: kinds of files with their number and the first of each, in the
 * text's order and as JSON, and masks of faces that are numbered in the other order of the names. */
#define _GNU_SOURCE
#include "fixture.h"
#include "plugins/pictures.h"
#include "plugins/tagged.h"
#include <jansson.h>
#include "cmd/inspect/audit.h"

enum { SIDE = 64 };

static void put(bench *b, int i, const fpc_image *mask)
{
    const fpc_image picture_of = picture(b->arena, SIDE, SIDE, 3, i);
    make_folder("set/train/images");
    make_folder("set/train/masks");
    write_png(b, fpc_sprintf(b->arena, "set/train/images/p%d.png", i), &picture_of, NULL, 0);
    write_png(b, fpc_sprintf(b->arena, "set/train/masks/p%d.png", i), mask, NULL, 0);
}

static fpc_audit *audit(bench *b, const char *more)
{
    fpc_recipe *recipe;
    fpc_data_sources from;
    fpc_audit *a;
    const char *text =
        fpc_sprintf(b->arena, "[dataset]\nuse = folder\nroot = %s\nbatch = 2\n%s", in_folder("set"), more);
    if (fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe) ||
        fpc_data_sources_open(b->ctx, b->arena, b->registry, recipe, &from) ||
        fpc_audit_run(b->ctx, b->arena, &from, 0, &a))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return a;
}

static int n_json_notes(bench *b, const fpc_audit *a)
{
    assert_int_equal(fpc_audit_json(a, in_folder("a.json")), FPC_OK);
    json_t *all = json_load_file(in_folder("a.json"), 0, NULL);
    const json_t *list = json_object_get(all, "notes"), *first = json_array_get(list, 0);
    const int n = (int)json_array_size(list);
    if (n) {
        assert_string_equal(json_string_value(json_object_get(first, "kind")), a->note[0].kind);
        assert_string_equal(json_string_value(json_object_get(first, "sentence")), a->note[0].sentence);
        assert_int_equal(json_integer_value(json_object_get(first, "files")), a->note[0].n);
    }
    (void)b;
    json_decref(all);
    return n;
}

/* The parts of a face with about their share of the pixels, in thousandths. */
static const struct {
    const char *name;
    int share, one, other; /* labels in celebamask19 and celebamask19_parsing */
} parts[] = {{"skin", 300, 1, 1},  {"hair", 290, 13, 17},  {"neck", 45, 17, 14}, {"nose", 21, 2, 10},
             {"mouth", 3, 10, 11}, {"l_brow", 4, 6, 2},    {"r_brow", 4, 7, 3},  {"l_lip", 6, 12, 13},
             {"u_lip", 4, 11, 12}, {"background", 1, 0, 0}};

static fpc_image face(bench *b, int other)
{
    fpc_image mask = {SIDE, SIDE, 1, fpc_alloc(b->arena, SIDE * SIDE)};
    int at = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (int k = 0; k < parts[i].share * SIDE * SIDE / 1000; k++)
            mask.pixel[at++] = (uint8_t)(other ? parts[i].other : parts[i].one);
    return mask;
}

static void order_of_labels(void **state)
{
    bench *b = *state;
    static const char *const preset[] = {"celebamask19", "celebamask19_parsing"};
    for (int masks = 0; masks < 2; masks++) {
        for (int i = 0; i < 4; i++) {
            const fpc_image mask = face(b, masks);
            put(b, i, &mask);
        }
        for (int read = 0; read < 2; read++) {
            const fpc_audit *a = audit(b, fpc_sprintf(b->arena, "classes = %s\n", preset[read]));
            assert_int_equal(a->n_flaws, 0);
            assert_int_equal(n_json_notes(b, a), masks != read);
            if (masks == read)
                continue;
            assert_int_equal(a->note[0].n, 0);
            const char *want = fpc_sprintf(b->arena, "dataset.classes = %s is that order", preset[masks]);
            if (!strstr(a->note[0].sentence, want) || !strstr(a->note[0].sentence, "(there hair) 29.0 %"))
                fail_msg("%s", a->note[0].sentence);
        }
    }
    /* other names: nothing is guessed */
    write_bytes("own.ini", "[classes]\n0 = a\n", 16);
    const fpc_image empty = {SIDE, SIDE, 1, fpc_alloc(b->arena, SIDE * SIDE)};
    for (int i = 0; i < 4; i++)
        put(b, i, &empty);
    assert_int_equal(audit(b, fpc_sprintf(b->arena, "classes = %s\n", in_folder("own.ini")))->n_notes, 0);
    assert_int_equal(audit(b, "classes = celebamask19\n")->n_notes, 0); /* faces without a pixel of one */
}

static void kinds_of_files(void **state)
{
    bench *b = *state;
    static uint8_t grey[SIDE * SIDE * 3];
    const fpc_image mask = face(b, 0);
    for (int i = 0; i < 6; i++)
        put(b, i, &mask);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        grey[i] = (uint8_t)(i * 7);
    write_jpeg("plain.jpg", SIDE, SIDE, 3, grey);
    for (int i = 0; i < 6; i++) {
        const char *name = fpc_sprintf(b->arena, "set/train/images/p%d.jpg", i);
        assert_int_equal(remove(in_folder(fpc_sprintf(b->arena, "set/train/images/p%d.png", i))), 0);
        if (i < 3)
            tag_jpeg("plain.jpg", name, i ? 6 : 1, 0);
        else if (i == 3)
            tag_jpeg("plain.jpg", name, 3, 1);
        else
            phone_jpeg("plain.jpg", name);
    }
    const fpc_audit *a = audit(b, "classes = celebamask19\nval_split = 0\nsize = 32\n");
    assert_int_equal(a->n_flaws, 0);
    assert_int_equal(n_json_notes(b, a), 3);
    int64_t n[3] = {0};
    for (int i = 0; i < 3; i++) {
        const fpc_audit_note *note = &a->note[i];
        assert_non_null(strstr(note->sentence, "set/train/images/p"));
        n[strstr(note->kind, "tag 6") ? 0 : strstr(note->kind, "tag 3") ? 1 : 2] = note->n;
    }
    assert_true(n[0] == 2 && n[1] == 1 && n[2] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(order_of_labels), CASE(kinds_of_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
