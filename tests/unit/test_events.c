/* test_events.c: the record grows by rows and reaches the loggers; a logger that fails is dropped with its sentence,
 * one that cannot write ends the run; a recipe without loggers gets the usual ones. */

#include "fixture.h"
#include "train/events.h"
#include "base/message.h"

struct fake {
    fpc_self self;
    fpc_status status;
    int calls;
    int64_t rows;
    double last;
    const char *text;
};

static fpc_status on_event(fpc_self *self, const fpc_event *e)
{
    struct fake *f = (struct fake *)self;
    const fpc_field *field = fpc_event_field(e, "text");

    f->calls++;
    f->rows = e->n_rows;
    f->last = e->n_rows ? e->value[e->n_columns - 1][e->n_rows - 1] : -1;
    f->text = field ? field->v.s : NULL;
    return f->status ? fpc_fail(self->ctx, f->status, "the fake failed") : FPC_OK;
}

static const fpc_logger_vtbl vtbl = {.size = sizeof vtbl, .event = on_event};

static char logged[512];

static void sink(void *arg, int level, const char *line)
{
    (void)arg;
    (void)level;
    snprintf(logged, sizeof logged, "%s", line);
}

struct fixture {
    bench b;
    fpc_events events;
    fpc_instance logger[2];
    struct fake fake[2];
};

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    bench_new(&f.b);
    fpc_ctx_log_sink(f.b.ctx, sink, NULL);
    f.events = (fpc_events){.ctx = f.b.ctx, .n = 2, .logger = f.logger};
    for (int i = 0; i < 2; i++) {
        f.fake[i].self = (fpc_self){.ctx = f.b.ctx, .arena = f.b.arena, .label = i ? "logger.second" : "logger.first"};
        f.logger[i].self = &f.fake[i].self;
        f.logger[i].vtbl = &vtbl;
    }
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    bench_free(&f->b);
    return 0;
}

static void the_record_grows(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"a", "b", "c"};
    const fpc_clock clock = {0};
    double row[3];

    assert_int_equal(fpc_events_columns(&f->events, f->b.arena, 3, names), FPC_OK);
    for (int i = 0; i < 1000; i++) {
        row[0] = i, row[1] = 2 * i, row[2] = 0.5 * i;
        assert_int_equal(fpc_events_row(&f->events, f->b.arena, row), FPC_OK);
    }
    for (int i = 0; i < 1000; i++) {
        assert_true(f->events.record.value[0][i] == i && f->events.record.value[1][i] == 2 * i);
        assert_true(f->events.record.value[2][i] == 0.5 * i);
    }
    const fpc_field field = {.key = "text", .type = FPC_OPT_TEXT, .v.s = "hello"};
    assert_int_equal(fpc_events_send(&f->events, FPC_EPOCH, &clock, 1, &field), FPC_OK);
    assert_int_equal(f->fake[1].rows, 1000);
    assert_true(f->fake[1].last == 0.5 * 999);
    assert_string_equal(f->fake[1].text, "hello");
}

static void a_failing_logger_is_dropped(void **state)
{
    struct fixture *f = *state;
    const fpc_clock clock = {0};

    f->fake[0].status = FPC_EINVAL;
    assert_int_equal(fpc_events_send(&f->events, FPC_STEP, &clock, 0, NULL), FPC_OK);
    assert_string_equal(logged, "logger.first: the fake failed; this logger is left out from here on");
    assert_int_equal(fpc_ctx_status(f->b.ctx), FPC_OK);
    assert_int_equal(fpc_events_send(&f->events, FPC_STEP, &clock, 0, NULL), FPC_OK);
    assert_int_equal(f->fake[0].calls, 1);
    assert_int_equal(f->fake[1].calls, 2);
}

static void a_full_disk_ends_the_run(void **state)
{
    struct fixture *f = *state;
    const fpc_clock clock = {0};

    f->fake[0].status = FPC_EIO;
    assert_int_equal(fpc_events_send(&f->events, FPC_STEP, &clock, 0, NULL), FPC_EIO);
    assert_string_equal(fpc_ctx_error(f->b.ctx), "the fake failed");
    assert_int_equal(f->fake[1].calls, 1); /* the others still hear of it */
}

static void an_earlier_failure_is_kept(void **state)
{
    struct fixture *f = *state;
    const fpc_clock clock = {0};

    fpc_fail(f->b.ctx, FPC_ENAN, "diverged");
    f->fake[0].status = FPC_EINVAL;
    assert_int_equal(fpc_events_send(&f->events, FPC_RUN_END, &clock, 0, NULL), FPC_OK);
    assert_string_equal(fpc_ctx_error(f->b.ctx), "diverged");
}

static int wants_pictures(const fpc_self *self, uint32_t what, const fpc_clock *clock)
{
    (void)self;
    return what == FPC_PICTURE && clock->epoch == 4;
}

/* One that asks is enough; older loggers, whose struct ends before `wants`, ask for nothing. */
static void asks_the_loggers(void **state)
{
    struct fixture *f = *state;
    const fpc_clock clock = {.epoch = 4}, other = {.epoch = 5};
    fpc_logger_vtbl asking = *(const fpc_logger_vtbl *)f->events.logger[1].vtbl;

    assert_int_equal(fpc_events_wanted(&f->events, FPC_PICTURE, &clock), 0);
    asking.wants = wants_pictures;
    f->events.logger[1].vtbl = &asking;
    assert_int_equal(fpc_events_wanted(&f->events, FPC_PICTURE, &clock), 1);
    assert_int_equal(fpc_events_wanted(&f->events, FPC_PICTURE, &other), 0);
    assert_int_equal(fpc_events_wanted(&f->events, FPC_HISTOGRAM, &clock), 0);
}

static const char *plugins_of(struct fixture *f, const char *ini)
{
    fpc_registry *registry;
    fpc_recipe *recipe;
    fpc_events *events;
    const char *list = "";

    assert_int_equal(fpc_registry_new(f->b.ctx, f->b.arena, NULL, &registry), FPC_OK);
    assert_int_equal(fpc_recipe_parse(f->b.ctx, f->b.arena, "test.ini", ini, 0, NULL, &recipe), FPC_OK);
    fpc_instance logger[2];
    int32_t n = 0;
    for (int32_t i = 0; i < recipe->n; i++)
        if (fpc_section_kind(recipe->section[i].name) == FPC_LOGGER)
            assert_int_equal(fpc_instance_open(registry, f->b.arena, FPC_LOGGER, recipe->section[i].name,
                                               &recipe->section[i], NULL, (fpc_option_set){0}, &logger[n++]),
                             FPC_OK);
    if (fpc_events_new(f->b.ctx, f->b.arena, registry, n, logger, &events))
        fail_msg("%s", fpc_ctx_error(f->b.ctx));
    for (int32_t i = 0; i < events->n; i++)
        list = fpc_sprintf(f->b.arena, "%s%s ", list, events->logger[i].plugin->name);
    return list;
}

static void usual_loggers(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(plugins_of(f, "[run]\nname = a\n"), "console plot history ");
    assert_string_equal(plugins_of(f, "[logger.c]\nuse = console\nprogress = off\n"), "console history ");
    assert_string_equal(plugins_of(f, "[logger.h]\nuse = history\n[logger.t]\nuse = tensorboard\n"),
                        "history tensorboard ");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_record_grows),         TEST(a_failing_logger_is_dropped),
        TEST(a_full_disk_ends_the_run), TEST(an_earlier_failure_is_kept),
        TEST(asks_the_loggers),         TEST(usual_loggers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
