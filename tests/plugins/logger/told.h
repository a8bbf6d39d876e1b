/* told.h: what tests of the loggers share: the columns of a training of a few epochs, and who tells a logger of it. */
#ifndef TESTS_PLUGINS_LOGGER_TOLD_H
#define TESTS_PLUGINS_LOGGER_TOLD_H

#include "fixture.h"

#include <fpcore/logger.h>
#include <math.h>
#include <sys/stat.h>

enum { COLUMNS = 8, ROWS = 5 };
static const char *const column[COLUMNS] = {"train_loss", "train_f_score", "val_loss",          "val_f_score",
                                            "lr",         "val_f1.skin",   "val_f1.a \"b\", c", "grad_norm"};
/* In the event file. */
static const char *const tags[COLUMNS] = {"loss/train", "f_score/train", "loss/val",      "f_score/val",
                                          "lr",         "f1/skin",       "f1/a \"b\", c", "grad_norm"};
static double value[COLUMNS][ROWS];
static const double *const values[COLUMNS] = {value[0], value[1], value[2], value[3],
                                              value[4], value[5], value[6], value[7]};

static inline int setup(void **state)
{
    for (int r = 0; r < ROWS; r++) {
        value[0][r] = 2 / (r + 1.0);
        value[1][r] = 1 - 1 / (r + 1.5);
        value[2][r] = 2.2 / (r + 1.0);
        value[3][r] = 0.1 * r;
        value[4][r] = 1e-3 / (r + 3.0);
        value[5][r] = 1.0 / 3 + r;
        value[6][r] = r == 2 ? NAN : r; /* whole numbers, and one that does not exist */
        value[7][r] = 1e300 * r;
    }
    return bench_open(state);
}

static inline void tell(fpc_instance *logger, uint32_t what, int64_t rows, int resumed, double elapsed)
{
    const fpc_field field[] = {{.key = "run_dir", .type = FPC_OPT_TEXT, .v.s = test_folder()},
                               {.key = "name", .type = FPC_OPT_TEXT, .v.s = "a run"},
                               {.key = "resumed", .type = FPC_OPT_INT, .v.i = resumed},
                               {.key = "best_epoch", .type = FPC_OPT_INT, .v.i = rows - 1},
                               {.key = "best_value", .type = FPC_OPT_REAL, .v.r = 0.4},
                               {.key = "best", .type = FPC_OPT_INT, .v.i = 1},
                               {.key = "monitor", .type = FPC_OPT_TEXT, .v.s = "val_f_score"},
                               {.key = "unix_time", .type = FPC_OPT_REAL, .v.r = 1700000000 + elapsed},
                               {.key = "elapsed", .type = FPC_OPT_REAL, .v.r = elapsed},
                               {.key = "seconds_left", .type = FPC_OPT_REAL, .v.r = 3723},
                               {.key = "loss", .type = FPC_OPT_REAL, .v.r = 1.25},
                               {.key = "done", .type = FPC_OPT_INT, .v.i = 3},
                               {.key = "total", .type = FPC_OPT_INT, .v.i = 4},
                               {.key = "status", .type = FPC_OPT_TEXT, .v.s = "complete"}};
    const fpc_clock clock = {.size = sizeof clock,
                             .step = 7,
                             .steps_per_epoch = 28,
                             .epoch = what == FPC_EPOCH ? rows - 1 : rows,
                             .epochs = ROWS};
    const fpc_event event = {.size = sizeof event,
                             .what = what,
                             .clock = &clock,
                             .n = sizeof field / sizeof *field,
                             .field = field,
                             .n_columns = COLUMNS,
                             .n_rows = rows,
                             .column = column,
                             .value = values};
    const fpc_logger_vtbl *vtbl = logger->vtbl;

    assert_int_equal(vtbl->event(logger->self, &event), FPC_OK);
}

static inline char *slurp(const char *name, size_t *n)
{
    char path[600], *data = calloc(1, 1 << 20);
    FILE *in;

    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    in = fopen(path, "rb");
    if (!in)
        fail_msg("%s is missing", path);
    *n = fread(data, 1, (1 << 20) - 1, in);
    fclose(in);
    return data;
}

#endif
