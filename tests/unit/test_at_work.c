/* Whose code runs: nesting, what is deeper than is kept, a thread of its own; and which bytes are text. */
#include "case.h"

#include "base/at_work.h"
#include "base/utf8.h"

#include <pthread.h>

static int named(const char *who)
{
    return fpc_at_work() && !strcmp(fpc_at_work(), who);
}

static int inner(void)
{
    return named("dataset/folder (f.so)");
}

static int outer(void)
{
    return named("loss/dice (d.so)") && FPC_CALL("dataset/folder (f.so)", inner()) && named("loss/dice (d.so)") &&
           FPC_CALL(NULL, named("loss/dice (d.so)"));
}

static void calls_nest(void **state)
{
    (void)state;
    assert_null(fpc_at_work());
    assert_true(FPC_CALL("loss/dice (d.so)", outer()));
    assert_null(fpc_at_work());
    assert_true(FPC_CALL(NULL, fpc_at_work() == NULL));
    FPC_CALL_VOID("a", assert_true(named("a")));
    assert_null(fpc_at_work());
}

static int deep(int n)
{
    return n == 0 || FPC_CALL("deep", named("deep") && deep(n - 1));
}

static void what_is_too_deep_counts_as_its_callers(void **state)
{
    (void)state;
    assert_true(FPC_CALL("first", deep(100)));
    assert_null(fpc_at_work());
}

static void *elsewhere(void *arg)
{
    *(int *)arg = fpc_at_work() == NULL && FPC_CALL("there", named("there"));
    return NULL;
}

static int thread_sees_its_own(void)
{
    pthread_t thread;
    int fine = 0;
    return !pthread_create(&thread, NULL, elsewhere, &fine) && !pthread_join(thread, NULL) && fine && named("here");
}

static void each_thread_sees_its_own(void **state)
{
    (void)state;
    assert_true(FPC_CALL("here", thread_sees_its_own()));
}

static void bytes_that_are_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int bytes;
    } of[] = {{"a", 1},        {"\xc3\xa9", 2},        {"\xe2\x82\xac", 3}, {"\xf0\x9f\x98\x80", 4},
              {"\xe9", 0},     {"\xc0\x80", 0},        {"\xed\xa0\x80", 0}, {"\x1b", 0},
              {"\xc2\x9b", 0}, {"\xf4\x90\x80\x80", 0}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        assert_int_equal(fpc_utf8_character(of[i].text), of[i].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_nest), cmocka_unit_test(what_is_too_deep_counts_as_its_callers),
        cmocka_unit_test(each_thread_sees_its_own), cmocka_unit_test(bytes_that_are_text)};
    return cmocka_run_group_tests_name("at_work", tests, NULL, NULL);
}
