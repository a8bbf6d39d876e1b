/* test_index.c: names and their places: found, not found, after growth, after a clear; and a recipe of many keys and
 * sections in many files, merged as the rules of precedence say. */
#include "fixture.h"
#include "recipe/index.h"

static void names(void **state)
{
    bench *b = *state;
    fpc_index in = {0};

    assert_int_equal(fpc_index_find(&in, "a"), -1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++)
            assert_int_equal(fpc_index_add(b->arena, &in, fpc_sprintf(b->arena, "k%d", i), i + round), FPC_OK);
        for (int i = 0; i < 1000; i++)
            assert_int_equal(fpc_index_find(&in, fpc_sprintf(b->arena, "k%d", i)), i + round);
        assert_int_equal(fpc_index_find(&in, "k1000"), -1);
        assert_int_equal(fpc_index_find(&in, ""), -1);
        fpc_index_clear(&in);
        assert_int_equal(fpc_index_find(&in, "k1"), -1);
    }
}

/* Files that state the same keys: the last one wins, in the place where a key stood first. */
static void many_keys(void **state)
{
    enum { FILES = 20, KEYS = 2000 };
    bench *b = *state;
    char *list = fpc_strdup(b->arena, "");
    fpc_recipe *recipe;

    for (int f = 0; f < FILES; f++) {
        const char *name = fpc_sprintf(b->arena, "f%d.ini", f);
        FILE *out = fopen(in_folder(name), "w");
        assert_non_null(out);
        fprintf(out, "[common]\n");
        for (int k = 0; k < KEYS; k++)
            fprintf(out, "k%d = %d\n", k, f);
        fprintf(out, "[own.a%d]\nuse = p\n", f);
        for (int k = 0; k < KEYS / 2; k++)
            fprintf(out, "[s%d.x]\nk = %d\n", k, f);
        if (f)
            fprintf(out, "[own.a%d]\nuse = none\n", f - 1);
        fclose(out);
        list = fpc_sprintf(b->arena, "%s%s%s", list, f ? ", " : "", name);
    }
    FILE *out = fopen(in_folder("all.ini"), "w");
    assert_non_null(out);
    fprintf(out, "include = %s\n[s7.x]\nk = last\n", list);
    fclose(out);
    if (fpc_recipe_read(b->ctx, b->arena, in_folder("all.ini"), 0, NULL, &recipe))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    assert_int_equal(recipe->n, 1 + KEYS / 2 + 1);
    assert_string_equal(recipe->section[0].name, "common");
    assert_int_equal(recipe->section[0].n, KEYS);
    for (int k = 0; k < KEYS; k++) {
        assert_string_equal(recipe->section[0].entry[k].key, fpc_sprintf(b->arena, "k%d", k));
        assert_string_equal(recipe->section[0].entry[k].value, "19");
    }
    assert_string_equal(recipe->section[1].name, "s0.x");
    assert_string_equal(fpc_section_entry(fpc_recipe_section(recipe, "s6.x"), "k")->value, "19");
    assert_string_equal(fpc_section_entry(fpc_recipe_section(recipe, "s7.x"), "k")->value, "last");
    assert_string_equal(recipe->section[recipe->n - 1].name, "own.a19");
    assert_null(fpc_recipe_section(recipe, "own.a18"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(names), CASE(many_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
