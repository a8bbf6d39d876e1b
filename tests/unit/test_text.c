/* test_text.c: text files of other systems: what is cleaned, what is named, and recipes of that kind. */
#define _GNU_SOURCE
#include "fixture.h"
#include "base/text.h"

#include <sys/stat.h>

static void cleans(void **state)
{
    bench *b = *state;
    static const struct {
        const char *from, *to;
    } texts[] = {{"", ""},
                 {"a", "a"},
                 {"a\nb\n", "a\nb\n"},
                 {"a\r\nb\r\n", "a\nb\n"},
                 {"a\rb\r", "a\nb\n"},
                 {"\r\n\r\r\n", "\n\n\n"},
                 {"\xef\xbb\xbf", ""},
                 {"\xef\xbb\xbf\r\nx", "\nx"},
                 {"x\xef\xbb\xbf", "x\xef\xbb\xbf"}, /* a mark in the middle is none */
                 {"\xef\xbb", "\xef\xbb"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t bytes = strlen(texts[i].from);
        char *text = malloc(bytes + 1); /* of its own, so that the sanitizers see a byte beyond it */
        memcpy(text, texts[i].from, bytes + 1);
        assert_null(fpc_text_clean(b->arena, text, &bytes));
        assert_string_equal(text, texts[i].to);
        assert_int_equal(bytes, strlen(texts[i].to));
        free(text);
    }
    char sixteen[] = "\xff\xfe[\0r\0", big[] = "\xfe\xff\0[", zero[] = "ab\0c";
    size_t bytes = 6;
    assert_non_null(strstr(fpc_text_clean(b->arena, sixteen, &bytes), "UTF-16"));
    bytes = 4;
    assert_non_null(strstr(fpc_text_clean(b->arena, big, &bytes), "UTF-16"));
    assert_non_null(strstr(fpc_text_clean(b->arena, zero, &bytes), "holds a byte 0 (byte 3)"));
}

static void reads(void **state)
{
    bench *b = *state;
    char *text;
    size_t bytes;
    write_bytes("t.txt",
                "\xef\xbb\xbf"
                "a\r\nb",
                7);
    assert_int_equal(fpc_text_read(b->ctx, b->arena, in_folder("t.txt"), 100, &text, &bytes), FPC_OK);
    assert_string_equal(text, "a\nb");
    assert_int_equal(bytes, 3);
    assert_int_not_equal(fpc_text_read(b->ctx, b->arena, in_folder("t.txt"), 6, &text, &bytes), FPC_OK);
    said(b, "t.txt: is larger than 6 bytes");
    assert_int_equal(fpc_text_read(b->ctx, b->arena, in_folder("no.txt"), 6, &text, &bytes), FPC_ENOENT);
    said(b, "no.txt: cannot be read: No such file");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0); /* is not waited for */
    assert_int_not_equal(fpc_text_read(b->ctx, b->arena, in_folder("pipe"), 6, &text, &bytes), FPC_OK);
    said(b, "pipe: is no plain file");
    write_bytes("t.txt",
                "\xff\xfe"
                "a\0",
                4);
    assert_int_equal(fpc_text_read(b->ctx, b->arena, in_folder("t.txt"), 100, &text, &bytes), FPC_EFORMAT);
    said(b, "t.txt is text in UTF-16, as some editors on Windows save it; save it as UTF-8");
}

static void recipes(void **state)
{
    bench *b = *state;
    static const char *const good[] = {"\xef\xbb\xbfinclude = base.ini\r\n[run]\r\nname = x ; a word\r\n",
                                       "include = base.ini\r[run]\rname = x\r",
                                       "include = base.ini\r\n[run]\nname = x"};
    fpc_recipe *recipe;
    write_bytes("base.ini", "\xef\xbb\xbf[run]\r\nseed = 7\r\n", 20);
    for (int i = 0; i < 3; i++) {
        write_bytes("r.ini", good[i], strlen(good[i]));
        if (fpc_recipe_read(b->ctx, b->arena, in_folder("r.ini"), 0, NULL, &recipe))
            fail_msg("%s", fpc_ctx_error(b->ctx));
        const fpc_entry *name = fpc_section_entry(fpc_recipe_section(recipe, "run"), "name");
        assert_string_equal(name->value, "x");
        assert_non_null(strstr(name->origin, "r.ini:3"));
        assert_string_equal(fpc_section_entry(fpc_recipe_section(recipe, "run"), "seed")->value, "7");
    }
    write_bytes("r.ini", "\xff\xfe[\0r\0u\0n\0]\0", 12);
    assert_int_not_equal(fpc_recipe_read(b->ctx, b->arena, in_folder("r.ini"), 0, NULL, &recipe), FPC_OK);
    said(b, "r.ini is text in UTF-16");
    write_bytes("r.ini", "include = base.ini\n", 19);
    write_bytes("base.ini", "[run]\nname = a\0b\n", 17);
    assert_int_not_equal(fpc_recipe_read(b->ctx, b->arena, in_folder("r.ini"), 0, NULL, &recipe), FPC_OK);
    said(b, "base.ini holds a byte 0 (byte 15)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(cleans), CASE(reads), CASE(recipes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
