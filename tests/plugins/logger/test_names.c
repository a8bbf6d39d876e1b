/* test_names.c: names of the user's files in what loggers write: none steers a terminal, makes a line of its own, or is
 * a formula in a spreadsheet; the JSON has them as they are. */
#define _GNU_SOURCE
#include "fixture.h"

#include <fcntl.h>
#include <fpcore/logger.h>
#include <jansson.h>

enum { COLUMNS = 9 };
static const char *const name[COLUMNS] = {
    "train_loss",         "=lr",          "val_f1.=1+1",  "val_f1.a;=1+1",
    "val_f1.a,@x",        "val_f1.-\"+2", "val_f1.a-b=c", "val_f1.\033[2J\302\2332K\2333\177\n=x",
    "val_f1.\303\274\233"};
static const double one = 0.5;
static const double *const value[COLUMNS] = {&one, &one, &one, &one, &one, &one, &one, &one, &one};

static void tell(fpc_instance *logger, uint32_t what)
{
    const fpc_field field[] = {{.key = "run_dir", .type = FPC_OPT_TEXT, .v.s = test_folder()},
                               {.key = "monitor", .type = FPC_OPT_TEXT, .v.s = "val_f1\033[1m"},
                               {.key = "best_epoch", .type = FPC_OPT_INT, .v.i = 0}};
    const fpc_clock clock = {.size = sizeof clock, .epochs = 1};
    const fpc_event event = {.size = sizeof event,
                             .what = what,
                             .clock = &clock,
                             .n = sizeof field / sizeof *field,
                             .field = field,
                             .n_columns = COLUMNS,
                             .n_rows = what == FPC_RUN_BEGIN ? 0 : 1,
                             .column = name,
                             .value = value};

    assert_int_equal(((const fpc_logger_vtbl *)logger->vtbl)->event(logger->self, &event), FPC_OK);
}

static char *slurp(const char *file)
{
    static char text[10000];
    char path[600];

    snprintf(path, sizeof path, "%s/%s", test_folder(), file);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

/* A spreadsheet may split lines at ; as well. */
static void history(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.h", "use = history");

    tell(&logger, FPC_RUN_BEGIN);
    assert_string_equal(slurp("history.csv"),
                        "epoch,train_loss,'=lr,val_f1.'=1+1,\"val_f1.a;'=1+1\",\"val_f1.a,'@x\",\"val_f1.'-\"\"'+2\","
                        "val_f1.a-b=c,\"val_f1.?[2J?"
                        "?2K?3?"
                        "?=x\",val_f1.\303\274?\n");
    tell(&logger, FPC_EPOCH);
    assert_non_null(strstr(slurp("history.csv"), "\n1,0.5,"));
    json_t *root = json_loads(slurp("history.json"), 0, NULL);
    assert_non_null(json_object_get(root, "val_f1.=1+1"));
    assert_int_equal(json_object_size(root), COLUMNS - 1); /* the two that are no UTF-8 are "?" */
    json_decref(root);
}

static void console(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.h", "use = console\nprogress = off");
    char path[600];

    snprintf(path, sizeof path, "%s/stderr", test_folder());
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), saved = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    tell(&logger, FPC_RUN_BEGIN);
    tell(&logger, FPC_EPOCH);
    tell(&logger, FPC_RUN_END);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    const char *text = slurp("stderr");
    assert_non_null(strstr(text, "  ?[2J?"
                                 "?2K?3?"
                                 "?=x"));
    assert_non_null(strstr(text, "  \303\274? "));
    assert_non_null(strstr(text, ": val_f1?[1m "));
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "\302\233"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(history), CASE(console)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
