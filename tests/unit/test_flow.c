/* test_flow.c: pictures go through the three hands of `fpcore predict` in order, each once; what cannot be read is
 * passed over; what cannot be computed or written ends the run with its sentence, and what was computed before is
 * written. */
#include "cmd/predict/flow.h"
#include "fixture.h"
#include <stdatomic.h>

enum { MOST = 64 };

struct hands {
    int32_t n_read, n_computed, n_written; /* each belongs to one hand */
    int32_t computed[MOST], written[MOST];
    int32_t unreadable, fails_to_compute, fails_to_write; /* numbers of pictures; -1: none */
    int32_t w;                                            /* of the pictures; 0: 4 */
    int32_t pause; /* microseconds that the n-th hand takes: pause / 100, pause / 10 % 10, pause % 10 */
    atomic_int in_memory, most_in_memory, wrong; /* cmocka's own checks belong to the main thread */
};

static void expect(struct hands *h, int holds)
{
    atomic_fetch_or(&h->wrong, !holds);
}

static void take_time(int32_t us)
{
    if (us)
        usleep((useconds_t)us * 300);
}

static fpc_status read_it(void *arg, fpc_ctx *ctx, fpc_flow_slot *slot)
{
    struct hands *h = arg;

    take_time(h->pause / 100);
    expect(h, slot->number == h->n_read++);
    if (slot->number == h->unreadable)
        return fpc_fail(ctx, FPC_EFORMAT, "picture %d is broken", slot->number);
    const int now = atomic_fetch_add(&h->in_memory, 1) + 1;
    if (now > atomic_load(&h->most_in_memory))
        atomic_store(&h->most_in_memory, now);
    slot->picture = (fpc_image){h->w ? h->w : 4, h->w ? h->w : 4, 3, fpc_alloc(slot->arena, 48)};
    memset(slot->picture.pixel, slot->number, 48);
    return FPC_OK;
}

static fpc_status compute_it(void *arg, fpc_flow_slot *slot)
{
    struct hands *h = arg;

    take_time(h->pause / 10 % 10);
    if (slot->status) {
        char want[64];
        snprintf(want, sizeof want, "picture %d is broken", slot->number);
        assert_int_equal(slot->number, h->unreadable);
        assert_int_equal(slot->status, FPC_EFORMAT);
        assert_string_equal(slot->why, want);
        assert_null(slot->picture.pixel);
        return FPC_OK;
    }
    if (slot->number == h->fails_to_compute)
        return FPC_EDEVICE;
    assert_int_equal(slot->picture.pixel[47], slot->number);
    slot->mask = (fpc_image){4, 4, 1, fpc_alloc(slot->arena, 16)};
    memset(slot->mask.pixel, slot->number + 100, 16);
    h->computed[h->n_computed++] = slot->number;
    return FPC_OK;
}

static fpc_status write_it(void *arg, fpc_ctx *ctx, fpc_flow_slot *slot)
{
    struct hands *h = arg;

    take_time(h->pause % 10);
    expect(h, slot->mask.pixel[15] == slot->number + 100);
    if (slot->number == h->fails_to_write)
        return fpc_fail(ctx, FPC_EIO, "picture %d: the disk is full", slot->number);
    h->written[h->n_written++] = slot->number;
    atomic_fetch_sub(&h->in_memory, 1);
    return FPC_OK;
}

static fpc_status run(bench *b, struct hands *h, int32_t n)
{
    const fpc_flow_hands hands = {read_it, compute_it, write_it, h};

    const fpc_status status = fpc_flow_run(b->ctx, n, &hands);
    assert_false(atomic_load(&h->wrong));
    return status;
}

static const struct hands none = {.unreadable = -1, .fails_to_compute = -1, .fails_to_write = -1};

static void each_picture_once_and_in_order(void **state)
{
    static const int32_t counts[] = {0, 1, 2, 3, 4, 5, 40}, pauses[] = {0, 1, 10, 100, 211, 12};

    for (size_t p = 0; p < sizeof pauses / sizeof *pauses; p++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            struct hands h = none;
            h.pause = pauses[p];
            assert_int_equal(run(*state, &h, counts[c]), FPC_OK);
            assert_int_equal(h.n_written, counts[c]);
            for (int32_t i = 0; i < counts[c]; i++) {
                assert_int_equal(h.computed[i], i);
                assert_int_equal(h.written[i], i);
            }
            assert_true(atomic_load(&h.most_in_memory) <= 3);
        }
}

static void an_unreadable_picture_is_passed_over(void **state)
{
    bench *b = *state;

    for (int32_t bad = 0; bad < 6; bad++) {
        struct hands h = none;
        h.unreadable = bad;
        assert_int_equal(run(b, &h, 6), FPC_OK);
        assert_int_equal(h.n_written, 5);
        for (int32_t i = 0; i < 5; i++)
            assert_int_equal(h.written[i], i < bad ? i : i + 1);
        assert_int_equal(fpc_ctx_status(b->ctx), FPC_OK);
    }
}

static void a_failure_to_compute_ends_it_and_what_came_before_is_written(void **state)
{
    for (int32_t bad = 0; bad < 8; bad++) {
        struct hands h = none;
        h.fails_to_compute = bad;
        h.pause = 2;
        assert_int_equal(run(*state, &h, 8), FPC_EDEVICE);
        assert_int_equal(h.n_computed, bad);
        assert_int_equal(h.n_written, bad);
    }
}

static void a_failure_to_write_ends_it_with_its_sentence(void **state)
{
    bench *b = *state;

    for (int32_t bad = 0; bad < 8; bad++) {
        char want[64];
        struct hands h = none;
        h.fails_to_write = bad;
        snprintf(want, sizeof want, "picture %d: the disk is full", bad);
        assert_int_equal(run(b, &h, 8), FPC_EIO);
        assert_string_equal(fpc_ctx_error(b->ctx), want);
        assert_int_equal(h.n_written, bad);
        fpc_ctx_clear(b->ctx);
    }
}

static void of_large_pictures_one_is_in_memory(void **state)
{
    struct hands h = none;

    h.w = 5000;
    h.pause = 2;
    assert_int_equal(run(*state, &h, 7), FPC_OK);
    assert_int_equal(h.n_written, 7);
    assert_int_equal(atomic_load(&h.most_in_memory), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_picture_once_and_in_order),
        CASE(an_unreadable_picture_is_passed_over),
        CASE(a_failure_to_compute_ends_it_and_what_came_before_is_written),
        CASE(a_failure_to_write_ends_it_with_its_sentence),
        CASE(of_large_pictures_one_is_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
