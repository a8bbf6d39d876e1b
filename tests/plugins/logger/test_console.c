/* test_console.c: the logger `console`, told of a training of a few epochs: what it says in a file and beside a bar. */
#define _GNU_SOURCE
#include "fixture.h"

#include "told.h"
#include <fcntl.h>

static char *console_output(void **state, const char *options, int bar)
{
    fpc_instance logger = open_plugin(*state, "logger.c", options);
    const int saved = dup(STDERR_FILENO);
    char path[600];
    size_t n;
    int fd;

    snprintf(path, sizeof path, "%s/stderr", test_folder());
    fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    assert_true(fd >= 0 && saved >= 0);
    fflush(stderr);
    dup2(fd, STDERR_FILENO);
    tell(&logger, FPC_RUN_BEGIN, 0, 0, 0);
    tell(&logger, FPC_STEP, 0, 0, bar ? 1 : 30);
    tell(&logger, FPC_STEP, 0, 0, 70);
    tell(&logger, FPC_EVAL, 0, 0, 71);
    for (int r = 1; r <= ROWS; r++)
        tell(&logger, FPC_EPOCH, r, 0, 80 + r);
    tell(&logger, FPC_RUN_END, ROWS, 0, 100);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fd);
    return slurp("stderr", &n);
}

static void contains(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void console_in_a_file(void **state)
{
    char *text = console_output(state, "use = console", 0), *at;
    int lines = 0;

    assert_null(strchr(text, '\r'));
    contains(text, "epoch 1/5  loss 1.2500  0.0 images/s 7/28  left 1:02:03\n"); /* one a minute */
    contains(text, "epoch  train_loss  val_loss  val_f_score         lr     time     left\n");
    contains(text, "\n  3/5      0.6667    0.7333       0.2000     0.0002    0.0 s  1:02:03 best\n");
    contains(text, "best epoch 5: val_f_score 0.4000");
    contains(text, "  class                   f1\n  skin                4.3333\n");
    for (at = text; (at = strstr(at, "epoch 1/5")); at++)
        lines++;
    assert_int_equal(lines, 1);                     /* progress, once */
    for (at = text; *at; at = strchr(at, '\n') + 1) /* 80 columns and no terminal: every line of the table fits */
        assert_true(strchr(at, '\n') - at <= 80 || (*at != ' ' && strncmp(at, "epoch", 5)));
    free(text);
}

static void console_of_named_columns(void **state)
{
    char *text = console_output(state, "use = console\nmetrics = lr,val_f_score,f_score", 0);

    contains(text, "epoch  train_loss  val_loss  val_f_score         lr     time     left\n");
    assert_null(strstr(text, "left out")); /* named twice, and the rate has its place already */
    free(text);
}

static void console_says_what_does_not_fit(void **state)
{
    char *text = console_output(state, "use = console\nmetrics = f1.skin,train_f_score,grad_norm,train_f_score", 0);

    contains(text, "epoch  train_loss  val_loss  val_f1.skin         lr     time     left\n"); /* the user's order */
    contains(text,
             ".metrics: train_f_score, grad_norm: no room in 80 columns: left out\n"); /* though one is named twice */
    assert_null(strstr(strstr(text, "left out") + 1, "left out"));                     /* once */
    free(text);
}

static void console_with_a_bar(void **state)
{
    char *text = console_output(state, "use = console\nprogress = on\nclasses = off", 1);

    contains(text, "\repoch 1/5 [=====>               ] 7/28  loss 1.2500  0.0 images/s  left 1:02:03\033[K"); /* 79 */
    contains(text, "3/4  validation  left 1:02:03");
    contains(text, "\r\033[Kepoch  train_loss");
    contains(text, "\n  1/5 ");
    assert_null(strstr(text, "skin"));
    free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(console_in_a_file),
        TEST(console_of_named_columns),
        TEST(console_says_what_does_not_fit),
        TEST(console_with_a_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
