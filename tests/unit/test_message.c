/* test_message.c: the first failure wins from any thread; the log reaches its sink; escapes do not reach a terminal. */
#include "fixture.h"
#include "base/print.h"
#include "base/message.h"

#include <pthread.h>

static void first_failure_wins(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;

    assert_int_equal(fpc_ctx_status(ctx), FPC_OK);
    assert_string_equal(fpc_ctx_error(ctx), "");
    assert_int_equal(fpc_fail(ctx, FPC_EIO, "a/b.ini:%d: cause", 7), FPC_EIO);
    assert_int_equal(fpc_fail(ctx, FPC_EINVAL, "consequence"), FPC_EINVAL);
    assert_int_equal(fpc_ctx_status(ctx), FPC_EIO);
    assert_string_equal(fpc_ctx_error(ctx), "a/b.ini:7: cause");
    fpc_ctx_clear(ctx);
    assert_int_equal(fpc_ctx_status(ctx), FPC_OK);
    assert_string_equal(fpc_ctx_error(ctx), "");
    assert_int_equal(fpc_fail(ctx, FPC_OK, "a failure without a status"), FPC_EINTERNAL);
    assert_int_equal(fpc_ctx_status(ctx), FPC_EINTERNAL);
    assert_int_equal(fpc_fail(NULL, FPC_EIO, "nobody listens"), FPC_EIO);
}

static void recipe_faults_are_told_apart(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;

    fpc_fail(ctx, FPC_ENOENT, "a picture is missing");
    assert_false(fpc_ctx_recipe_fault(ctx));
    fpc_ctx_clear(ctx);
    fpc_fail_recipe(ctx, FPC_ENOENT, "a plugin is missing");
    assert_true(fpc_ctx_recipe_fault(ctx));
    assert_int_equal(fpc_ctx_status(ctx), FPC_ENOENT);
    fpc_ctx_clear(ctx);
    fpc_fail(ctx, FPC_EINVAL, "a value makes no sense");
    assert_true(fpc_ctx_recipe_fault(ctx));
}

static void escapes_are_defused(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;

    fpc_fail(ctx, FPC_EINVAL, "file \x1b[2Jname\x07");
    assert_string_equal(fpc_ctx_error(ctx), "file ?[2Jname?");
}

/* C0 but what is kept, DEL, C1 (one character each, or a bare byte), what is no UTF-8; letters of all lengths stay. */
static void defused_by_character(void **state)
{
    (void)state;
    static const struct {
        const char *text, *kept, *want;
    } of[] = {{"a\nb\tc\rd", "\n\t", "a\nb\tc?d"},
              {"a\nb\tc", "", "a?b?c"},
              {"\302\200x\302\233y\302\237z\302\240", "", "?x?y?z\302\240"},
              {"\2332J\177\033", "\n", "?2J??"},
              {"\303\274 \342\202\254 \360\237\230\200", "", "\303\274 \342\202\254 \360\237\230\200"},
              {"\303 \342\202 \360\237\230 \300\257 \355\240\200", "", "? ?? ??? ?? ???"},
              {"\302", "", "?"},
              {"", "", ""}};

    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", of[i].text);
        fpc_defuse(text, of[i].kept);
        assert_string_equal(text, of[i].want);
    }
}

static char *printed(void (*print)(const char *), const char *text)
{
    char *out = NULL;
    size_t n;
    FILE *file = open_memstream(&out, &n);

    fpc_print_to(file);
    print(text);
    assert_int_equal(fpc_print_end(), 0);
    fpc_print_to(NULL);
    fclose(file);
    return out;
}

static void print_name(const char *name)
{
    fpc_print("%-8s|\n", name);
}

/* Text is defused, JSON is escaped: what it says stays. */
static void output_is_defused(void **state)
{
    (void)state;
    char *text = printed(print_name, "\033]0;x\007\302\233");

    assert_string_equal(text, "?]0;x??|\n");
    free(text);
    text = printed(fpc_print_json, "{\"\302\233a\177\303\274\302\251\": \"\\u001b\"}");
    assert_string_equal(text, "{\"\\u009ba\\u007f\303\274\302\251\": \"\\u001b\"}\n");
    free(text);
}

static void *fail_a_lot(void *arg)
{
    fpc_ctx *ctx = arg;

    for (int i = 0; i < 1000; i++) {
        fpc_fail(ctx, FPC_EIO, "sentence %d of a thread", i);
        fpc_log(ctx, FPC_LOG_INFO, "line %d", i);
    }
    return NULL;
}

static void count_lines(void *arg, int level, const char *line)
{
    assert_int_equal(level, FPC_LOG_INFO);
    assert_true(strncmp(line, "line ", 5) == 0);
    ++*(int *)arg;
}

static void threads_may_fail_and_log(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;
    pthread_t thread[4];
    int lines = 0;

    fpc_ctx_log_sink(ctx, count_lines, &lines);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, fail_a_lot, ctx), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    assert_string_equal(fpc_ctx_error(ctx), "sentence 0 of a thread");
    assert_int_equal(lines, 4000);
}

static void levels_and_cancel(void **state)
{
    fpc_ctx *ctx = ((bench *)*state)->ctx;
    int lines = 0;

    fpc_ctx_log_sink(ctx, count_lines, &lines);
    fpc_log(ctx, FPC_LOG_DEBUG, "line that is too fine");
    assert_int_equal(lines, 0);
    fpc_log(ctx, FPC_LOG_INFO, "line that arrives");
    assert_int_equal(lines, 1);
    fpc_ctx_log_level(ctx, FPC_LOG_WARN);
    fpc_log(ctx, FPC_LOG_INFO, "line below the level");
    assert_int_equal(lines, 1);
    assert_false(fpc_ctx_cancelled(ctx));
    fpc_ctx_cancel(ctx);
    assert_true(fpc_ctx_cancelled(ctx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(first_failure_wins),  CASE(recipe_faults_are_told_apart),
        CASE(escapes_are_defused), CASE(defused_by_character),
        CASE(output_is_defused),   CASE(threads_may_fail_and_log),
        CASE(levels_and_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
