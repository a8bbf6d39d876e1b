/* test_place.c: where fpcore's own folders are when the library is elsewhere than configure said. */
#include "fixture.h"
#include "base/place.h"

#include <limits.h>
#include <sys/stat.h>

static void becomes(const char *here, const char *from, const char *to, const char *wanted)
{
    char out[PATH_MAX];

    assert_int_equal(fpc_place_moved(here, from, to, out, sizeof out), 0);
    assert_string_equal(out, wanted);
}

static void what_two_places_have_in_common_moves_along(void **state)
{
    (void)state;
    becomes("/b/lib", "/usr/local/lib", "/usr/local/lib/fpcore/1", "/b/lib/fpcore/1");
    becomes("/b/lib", "/usr/local/lib", "/usr/local/share/fpcore", "/b/lib/../share/fpcore");
    becomes("/b/lib/arm", "/usr/lib/arm", "/usr/share/fpcore", "/b/lib/arm/../../share/fpcore");
    becomes("/b/lib", "/a/lib", "/a/library/x", "/b/lib/../library/x"); /* a folder, not its first letters */
    becomes("/b/lib", "/a/library", "/a/lib", "/b/lib/../lib");
    becomes("/b/lib", "/opt/fpcore/lib", "/var/fpcore", "/b/lib/../../../var/fpcore");
    becomes("/b/lib", "/a/lib/", "/a//share", "/b/lib/..//share");
    becomes("/b", "/lib", "/share", "/b/../share");
}

static void a_path_that_is_too_long_is_none(void **state)
{
    char out[16];

    (void)state;
    assert_int_equal(fpc_place_moved("/b/lib", "/a/lib", "/a/lib/x", out, 9), 0);
    assert_int_equal(fpc_place_moved("/b/lib", "/a/lib", "/a/lib/x", out, 8), -1);
    assert_int_equal(fpc_place_moved("/a-long-folder-that-fills-all", "/a", "/b", out, sizeof out), -1);
}

/* This program runs in a build tree. */
static void a_build_tree_has_its_own(void **state)
{
    const char *plugins = fpc_place_plugins();
    struct stat st;

    (void)state;
    assert_int_equal(plugins[0], '/');
    assert_string_equal(strrchr(plugins, '/'), "/.libs");
    assert_string_equal(plugins, fpc_place_plugins());
    assert_int_equal(stat(fpc_place_recipes(), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_string_equal(strrchr(fpc_place_recipes(), '/'), "/conf");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {CASE(what_two_places_have_in_common_moves_along),
                                              CASE(a_path_that_is_too_long_is_none), CASE(a_build_tree_has_its_own)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
