/* test_pattern.c: patterns over names of tensors, and what a pattern that matches nothing may have meant. */
#include "fixture.h"

#include "base/pattern.h"

static const char *const names[] = {"patch_embed1.proj.weight", "block1.0.norm1.weight", "block1.0.norm1.bias",
                                    "block1.0.attn.q.weight",   "decoder.conv_seg.bias", "decoder.conv_seg.weight"};
enum { NAMES = sizeof names / sizeof *names };

static void items_lose_their_blanks(void **state)
{
    bench *b = *state;
    fpc_patterns p;

    assert_int_equal(fpc_patterns_read(b->arena, "  a.* ,*.b ,, c\t", &p), FPC_OK);
    assert_int_equal(p.n, 3);
    assert_string_equal(p.v[0], "a.*");
    assert_string_equal(p.v[1], "*.b");
    assert_string_equal(p.v[2], "c");
    assert_int_equal(fpc_patterns_find(&p, "x.b"), 1);
    assert_int_equal(fpc_patterns_find(&p, "cc"), -1);
    assert_int_equal(fpc_patterns_read(b->arena, "", &p), FPC_OK);
    assert_int_equal(p.n, 0);
}

static void a_star_goes_beyond_dots(void **state)
{
    (void)state;
    assert_true(fpc_pattern_matches("block1.*", "block1.0.norm1.weight"));
    assert_true(fpc_pattern_matches("*.norm?.*", "block1.0.norm1.weight"));
    assert_true(fpc_pattern_matches("block[12].*", "block1.0.norm1.weight"));
    assert_false(fpc_pattern_matches("block1", "block1.0.norm1.weight"));
    assert_false(fpc_pattern_matches("norm1.*", "block1.0.norm1.weight"));
}

static void nearest_is(const char *pattern, const char *name)
{
    const char *found = fpc_pattern_nearest(pattern, NAMES, names);

    if (name ? !found || strcmp(found, name) : found != NULL)
        fail_msg("%s: found %s, expected %s", pattern, found ? found : "nothing", name ? name : "nothing");
}

static void a_slip_finds_what_was_meant(void **state)
{
    (void)state;
    nearest_is("*.nrom1.weight", "block1.0.norm1.weight");
    nearest_is("*.nrom*", "block1.0.norm1.weight");
    nearest_is("decoder.conv_sge.*", "decoder.conv_seg.bias");
    nearest_is("patch_embed.*", "patch_embed1.proj.weight");
    nearest_is("blokc[12].*.q.*", "block1.0.attn.q.weight");
    nearest_is("decoder.conv_seg.weigth", "decoder.conv_seg.weight");
    nearest_is("quite.another", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(items_lose_their_blanks), CASE(a_star_goes_beyond_dots),
                                       CASE(a_slip_finds_what_was_meant)};
    return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
