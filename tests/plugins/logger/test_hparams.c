/* test_hparams.c: what TensorBoard's tab HPARAMS reads (tensorboard/plugins/hparams/plugin_data.proto): the keys of a
 * recipe with types and values, the best value and how the run ended, by a decoder of the test's own; and that a run
 * which is resumed ends once. */
#define _GNU_SOURCE
#include "wire.h"

#include <fpcore/logger.h>

/* ---- the reader ---- */

/* A field of a message: its number and kind, and what it holds. */
typedef struct item {
    uint64_t field, kind, number;
    bytes in;
} item;

static int next(bytes *b, item *out)
{
    if (b->p == b->end)
        return 0;
    const uint64_t key = varint(b);
    *out = (item){.field = key >> 3, .kind = key & 7};
    if (out->kind == 0) {
        out->number = varint(b);
        return 1;
    }
    const uint64_t n = out->kind == 2 ? varint(b) : out->kind == 1 ? 8 : 4;
    assert_true((out->kind == 1 || out->kind == 2 || out->kind == 5) && n <= (uint64_t)(b->end - b->p));
    out->in = (bytes){b->p, b->p + n};
    b->p += n;
    return 1;
}

/* The first field of that number, which has to be there. */
static item field(bytes b, uint64_t number)
{
    item it;

    while (next(&b, &it))
        if (it.field == number)
            return it;
    fail_msg("there is no field %d", (int)number);
    return it;
}

static int is_text(bytes b, const char *want)
{
    return (size_t)(b.end - b.p) == strlen(want) && !memcmp(b.p, want, strlen(want));
}

static double real(bytes b)
{
    double v;

    assert_int_equal(b.end - b.p, 8);
    memcpy(&v, b.p, 8);
    return v;
}

static uint8_t data[1 << 16];
static size_t n_data;

static void read_file(void)
{
    FILE *in = fopen(in_folder("events.out.tfevents.1700000000.fpcore"), "rb");

    assert_non_null(in);
    n_data = fread(data, 1, sizeof data, in);
    fclose(in);
    assert_true(n_data < sizeof data);
}

/* The n-th value (from 0) of that tag in the file; 0: there are not so many. */
static int find(const char *tag, int n, bytes *out)
{
    for (size_t at = 0; at < n_data;) {
        uint64_t length;
        item summary, value;

        memcpy(&length, data + at, 8);
        assert_true(length + 16 <= n_data - at);
        bytes event = {data + at + 12, data + at + 12 + length};
        at += 16 + length;
        while (next(&event, &summary))
            while (summary.field == 5 && next(&summary.in, &value))
                if (is_text(field(value.in, 1).in, tag) && n-- == 0) {
                    *out = value.in;
                    return 1;
                }
    }
    return 0;
}

/* The message in the metadata of that tag, which is there once. */
static bytes message_of(const char *tag, uint64_t kind)
{
    bytes value, again;

    if (!find(tag, 0, &value))
        fail_msg("%s is missing", tag);
    assert_false(find(tag, 1, &again));
    const bytes plugin = field(field(value, 9).in, 1).in;
    assert_true(is_text(field(plugin, 1).in, "hparams"));
    assert_int_equal(field(field(value, 8).in, 1).number, 1); /* an empty tensor of floats */
    return field(field(plugin, 2).in, kind).in;
}

/* ---- the training that it is told of ---- */

static const char recipe[] = "[run]\nname = a = b\nepochs = 12\nema = 1e-05\n\n[model]\nuse = unet\nlmsa = on\n"
                             "; said\ndims = 8, 16\n\n[dataset]\nroot = /d/\xe9t\xc3\xa9\nlist = \n\n"
                             "[logger.csv]\nuse = history\nhide = 1\n\n[backend]\ncheck = off\n";

static void tell(fpc_instance *logger, uint32_t what, int64_t rows, int resumed, const char *status)
{
    static const char *const column[] = {"val_f_score"};
    static const double score[8] = {0.125, 0.25, 0.5}, *const value[] = {score};
    const fpc_field f[] = {{.key = "run_dir", .type = FPC_OPT_TEXT, .v.s = test_folder()},
                           {.key = "resumed", .type = FPC_OPT_INT, .v.i = resumed},
                           {.key = "unix_time", .type = FPC_OPT_REAL, .v.r = 1700000000 + (double)rows},
                           {.key = "recipe", .type = FPC_OPT_TEXT, .v.s = recipe},
                           {.key = "monitor", .type = FPC_OPT_TEXT, .v.s = "val_f_score"},
                           {.key = "status", .type = FPC_OPT_TEXT, .v.s = status},
                           {.key = "best_value", .type = FPC_OPT_REAL, .v.r = rows ? score[rows - 1] : 0}};
    const fpc_clock clock = {.size = sizeof clock, .steps_per_epoch = 1, .epoch = rows - 1, .epochs = 8};
    const fpc_event event = {.size = sizeof event,
                             .what = what,
                             .clock = &clock,
                             .n = sizeof f / sizeof *f,
                             .field = f,
                             .n_columns = 1,
                             .n_rows = rows,
                             .column = column,
                             .value = value};

    assert_int_equal(((const fpc_logger_vtbl *)logger->vtbl)->event(logger->self, &event), FPC_OK);
}

enum { STRING = 1, SWITCH = 2, NUMBER = 3 };
static const struct key {
    const char *name;
    uint64_t type;
    double number;
    const char *text;
} keys[] = {{"run.name", STRING, 0, "a = b"},
            {"run.epochs", NUMBER, 12, NULL},
            {"run.ema", NUMBER, 1e-5, NULL},
            {"model.use", STRING, 0, "unet"},
            {"model.lmsa", SWITCH, 1, NULL},
            {"model.dims", STRING, 0, "8, 16"},
            {"dataset.root", STRING, 0, "/d/?t\xc3\xa9"},
            {"dataset.list", STRING, 0, ""},
            {"backend.check", SWITCH, 0, NULL}};
enum { N_KEYS = sizeof keys / sizeof *keys };

static void experiment(void)
{
    bytes b = message_of("_hparams_/experiment", 2);
    item it;
    int n = 0, metrics = 0;

    while (next(&b, &it))
        if (it.field == 4) {
            assert_true(n < N_KEYS);
            if (!is_text(field(it.in, 1).in, keys[n].name))
                fail_msg("key %d is not %s", n, keys[n].name);
            assert_int_equal(field(it.in, 4).number, keys[n].type);
            n++;
        } else {
            assert_int_equal(it.field, 5);
            assert_true(is_text(field(field(it.in, 1).in, 2).in, "best/f_score"));
            metrics++;
        }
    assert_true(n == N_KEYS && metrics == 1);
}

static void values(void)
{
    bytes b = message_of("_hparams_/session_start_info", 3);
    item it;
    int n = 0;

    while (next(&b, &it)) {
        if (it.field == 5) {
            assert_true(real(it.in) == 1700000000);
            continue;
        }
        assert_true(it.field == 1 && n < N_KEYS && is_text(field(it.in, 1).in, keys[n].name));
        const bytes v = field(it.in, 2).in;
        if (keys[n].type == NUMBER)
            assert_true(real(field(v, 2).in) == keys[n].number);
        else if (keys[n].type == SWITCH)
            assert_true((double)field(v, 4).number == keys[n].number);
        else
            assert_true(is_text(field(v, 3).in, keys[n].text));
        n++;
    }
    assert_int_equal(n, N_KEYS);
}

/* The file as it is: the run has ended once, with that status and best value. */
static void ended(uint64_t status, double time, float best)
{
    bytes b, value;
    float got;

    read_file();
    experiment();
    values();
    b = message_of("_hparams_/session_end_info", 4);
    assert_int_equal(field(b, 1).number, status);
    assert_true(real(field(b, 2).in) == time);
    assert_true(find("best/f_score", 0, &value) && field(value, 2).in.end - field(value, 2).in.p == 4);
    memcpy(&got, field(value, 2).in.p, 4);
    assert_true(got == best);
    assert_false(find("best/f_score", 1, &value));
}

static void a_run(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.t", "use = tensorboard");
    bytes value;

    tell(&logger, FPC_RUN_BEGIN, 0, 0, "");
    tell(&logger, FPC_EPOCH, 1, 0, "");
    read_file();
    experiment();
    values();
    assert_false(find("_hparams_/session_end_info", 0, &value));
    tell(&logger, FPC_RUN_END, 1, 0, "interrupted");
    ended(0, 1700000001, 0.125f);

    fpc_instance again = open_plugin(*state, "logger.t", "use = tensorboard");
    tell(&again, FPC_RUN_BEGIN, 1, 1, "");
    read_file();
    assert_false(find("_hparams_/session_end_info", 0, &value));
    tell(&again, FPC_EPOCH, 2, 0, "");
    tell(&again, FPC_RUN_END, 2, 0, "diverged");
    ended(2, 1700000002, 0.25f);

    fpc_instance third = open_plugin(*state, "logger.t", "use = tensorboard");
    tell(&third, FPC_RUN_BEGIN, 2, 1, "");
    tell(&third, FPC_EPOCH, 3, 0, "");
    tell(&third, FPC_RUN_END, 3, 0, "complete");
    ended(1, 1700000003, 0.5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(a_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
