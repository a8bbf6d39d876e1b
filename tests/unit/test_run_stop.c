/* test_run_stop.c: when a training stops, which epoch it takes for the best and which checkpoints it keeps, against the
 * same rules computed here from the history that it wrote. */
#define _GNU_SOURCE
#include "training.h"

#include <math.h>

#define FALLING "optimizer.lr=5e-3 @1, 3 @7"

enum { MOST = 40 };

typedef struct rules {
    int patience, min_epochs, smooth, smooth_best;
    double min_delta;
} rules;

static int metric(const char *folder, double *value)
{
    json_t *history = json_of(folder, "history.json"), *list = json_object_get(history, "val_f_score");
    const int n = (int)json_array_size(list);

    assert_true(n > 0 && n <= MOST);
    for (int i = 0; i < n; i++)
        value[i] = json_number_value(json_array_get(list, (size_t)i));
    json_decref(history);
    return n;
}

static double mean(const double *value, int e, int n)
{
    double sum = 0;
    int count = 0;

    for (int i = e; i >= 0 && i > e - n; i--, count++)
        sum += value[i];
    return sum / count;
}

/* Epochs after which training must have stopped, had it had the values. */
static int stops_at(const rules *r, const double *value, int n, int epochs)
{
    double best = -1;
    int waited = 0;

    for (int e = 0; e < n; e++) {
        if (mean(value, e, r->smooth) > best + r->min_delta)
            best = mean(value, e, r->smooth), waited = 0;
        else
            waited++;
        if (r->patience && waited >= r->patience && e + 1 >= r->min_epochs)
            return e + 1;
    }
    return epochs;
}

static int best_of(const rules *r, const double *value, int n)
{
    int best = 0;

    for (int e = 1; e < n; e++)
        if (mean(value, e, r->smooth_best ? r->smooth : 1) > mean(value, best, r->smooth_best ? r->smooth : 1))
            best = e;
    return best + 1;
}

static void stops_by_the_rules(void **state)
{
    static const rules cases[] = {{2, 0, 1, 0, 0},    {2, 7, 1, 0, 0},    {2, 0, 3, 0, 0},    {3, 0, 2, 1, 0},
                                  {2, 0, 1, 0, 0.05}, {2, 0, 3, 1, 0.01}, {0, 5, 4, 1, 0.01}, {1, 3, 1, 0, 0.02}};
    int early = 0, late = 0, other = 0;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rules *r = &cases[i];
        char text[6][64];
        const char *overrides[] = {text[0], text[1], text[2], text[3], text[4], text[5], "optimizer.lr=1e-2"};
        double value[MOST];
        json_t *log;
        int n, stop;

        snprintf(text[0], 64, "run.patience=%d", r->patience);
        snprintf(text[1], 64, "run.min_epochs=%d", r->min_epochs);
        snprintf(text[2], 64, "run.smooth=%d", r->smooth);
        snprintf(text[3], 64, "run.smooth_best=%s", r->smooth_best ? "on" : "off");
        snprintf(text[4], 64, "run.min_delta=%g", r->min_delta);
        snprintf(text[5], 64, "run.epochs=12");
        remove_tree("a");
        succeeds("a", 7, overrides, NULL);
        n = metric(folder_of("a"), value);
        stop = stops_at(r, value, n, 12);
        if (stop != n)
            fail_msg("case %d: it stopped after %d epochs, not %d", (int)i, n, stop);
        log = json_of(folder_of("a"), "run.json");
        assert_string_equal(json_string_value(json_object_get(log, "status")), n < 12 ? "stopped early" : "complete");
        assert_int_equal(json_integer_value(json_object_get(log, "best_epoch")), best_of(r, value, n));
        assert_float_equal(json_number_value(json_object_get(log, "best_value")),
                           mean(value, best_of(r, value, n) - 1, r->smooth_best ? r->smooth : 1), 1e-12);
        json_decref(log);
        early += n < 12;
        late += n == 12;
        other += best_of(r, value, n) != best_of(&cases[0], value, n);
    }
    assert_true(early > 2 && late > 0 && other > 0); /* or else the cases say nothing */
}

static int is_missing(const json_t *history, const char *column, size_t epoch)
{
    const json_t *list = json_object_get(history, column);

    assert_true(json_array_size(list) > epoch);
    return json_is_null(json_array_get(list, epoch));
}

/* Every third epoch is validated, and the last; only those have values and can be the best, and training is the same as
 * with all of them validated. A rate that is far too high makes the score fall: of the mean over five epochs the
 * largest is that of epoch 8, where epoch 3 has left the window and epoch 9 has not come, but epoch 8 was not
 * validated. */
static void validates_now_and_then(void **state)
{
    static const char *const all[] = {"run.epochs=10", FALLING}, *const some[] = {"run.epochs=10", FALLING,
                                                                                  "run.validate_every=3",
                                                                                  "run.smooth=5", "run.smooth_best=on"};
    double every[MOST], most = -1, passed_over = -1;
    json_t *history, *log;
    int best = -1;

    (void)state;
    remove_tree("a");
    remove_tree("b");
    succeeds("a", 2, all, NULL);
    succeeds("b", 5, some, NULL);
    assert_int_equal(metric(folder_of("a"), every), 10);
    history = json_of(folder_of("b"), "history.json");
    for (int e = 0; e < 10; e++) {
        const int validated = (e + 1) % 3 == 0 || e == 9;
        double sum = 0;
        int n = 0;
        assert_int_equal(is_missing(history, "val_f_score", (size_t)e), !validated);
        assert_int_equal(is_missing(history, "val_loss", (size_t)e), !validated);
        assert_false(is_missing(history, "train_loss", (size_t)e));
        for (int i = e - 4 > 0 ? e - 4 : 0; i <= e; i++)
            if ((i + 1) % 3 == 0 || i == 9)
                sum += every[i], n++;
        if (!validated && n)
            passed_over = fmax(passed_over, sum / n);
        if (!validated)
            continue;
        assert_float_equal(json_number_value(json_array_get(json_object_get(history, "val_f_score"), (size_t)e)),
                           every[e], 1e-12);
        if (sum / n > most)
            most = sum / n, best = e + 1;
    }
    if (passed_over <= most) /* or else the means say nothing */
        fail_msg("%g, %g: %g %g %g %g", passed_over, most, every[2], every[5], every[8], every[9]);
    json_decref(history);
    log = json_of(folder_of("b"), "run.json");
    assert_int_equal(json_integer_value(json_object_get(log, "best_epoch")), best);
    assert_float_equal(json_number_value(json_object_get(log, "best_value")), most, 1e-12);
    json_decref(log);
}

/* Patience counts epochs, and ends a run after a validated one: here it is used up after epoch 5. */
static void stops_where_it_validates(void **state)
{
    static const char *const hasty[] = {"run.epochs=12", "optimizer.lr=1e-2", "run.validate_every=3", "run.patience=2",
                                        "run.min_delta=0.9"};
    json_t *log, *history;

    (void)state;
    remove_tree("a");
    succeeds("a", 5, hasty, NULL);
    log = json_of(folder_of("a"), "run.json");
    assert_string_equal(json_string_value(json_object_get(log, "status")), "stopped early");
    json_decref(log);
    history = json_of(folder_of("a"), "history.json");
    assert_int_equal(json_array_size(json_object_get(history, "val_f_score")), 6);
    json_decref(history);
}

/* A patience that was changed counts from the record, as if it had always been so. */
static void patience_may_change(void **state)
{
    static const char *const patient[] = {"run.epochs=6", "optimizer.lr=1e-2", "run.keep_best=2"},
                             *const hasty[] = {"run.epochs=12", "optimizer.lr=1e-2", "run.patience=2",
                                               "run.min_delta=0.05", "run.keep_best=2"};
    const rules r = {2, 0, 1, 0, 0.05};
    double value[MOST];
    int n;

    (void)state;
    succeeds("a", 3, patient, NULL);
    succeeds("a", 5, hasty, folder_of("a"));
    n = metric(folder_of("a"), value);
    assert_true(n >= 6);
    assert_true(stops_at(&r, value, n, 12) <= n);
    assert_true(n == 6 || stops_at(&r, value, n, 12) == n);
}

/* ---- the checkpoints of the best epochs ---- */

static int rank_of(const double *value, int n, int e)
{
    int rank = 1;

    for (int i = 0; i < n; i++)
        rank += value[i] > value[e] || (i < e && value[i] == value[e]);
    return rank;
}

static void keeps_the_best(void **state)
{
    static const char *const overrides[] = {"run.epochs=9", "optimizer.lr=1e-2", "run.keep_best=3"};
    const char *folder;
    double value[MOST];
    int n, kept = 0;

    (void)state;
    succeeds("a", 3, overrides, NULL);
    folder = folder_of("a");
    n = metric(folder, value);
    for (int e = 0; e < n; e++) {
        char name[64], path[1200];
        snprintf(name, sizeof name, "best-%d.safetensors", e + 1);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (!access(path, F_OK) != (rank_of(value, n, e) <= 3))
            fail_msg("%s, the epoch of rank %d, is %s", name, rank_of(value, n, e),
                     access(path, F_OK) ? "gone" : "there");
        kept += !access(path, F_OK);
        if (rank_of(value, n, e) == 1) { /* the best one twice, byte for byte */
            size_t na, nb;
            char *a = slurp(folder, name, &na), *b = slurp(folder, "best.safetensors", &nb);
            assert_int_equal(na, nb);
            assert_memory_equal(a, b, na);
            free(a);
            free(b);
        }
    }
    assert_int_equal(kept, 3);
}

/* What a killed process left, and files of the user. */
static void removes_its_own_only(void **state)
{
    static const char *const overrides[] = {"run.epochs=2", "run.keep_best=2"}, *const more[] = {"run.epochs=3",
                                                                                                 "run.keep_best=2"};
    static const char *const stays[] = {"best-of-all.safetensors", "best-0.safetensors", "best-7.txt"},
                             *const goes[] = {"best-77.safetensors", "best-2.safetensors.tmp"};
    char path[1200], folder[1024];

    (void)state;
    succeeds("a", 2, overrides, NULL);
    snprintf(folder, sizeof folder, "%s", folder_of("a"));
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i < 3 ? stays[i] : goes[i - 3]);
        fclose(fopen(path, "w"));
    }
    succeeds("a", 2, more, folder);
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i < 3 ? stays[i] : goes[i - 3]);
        if (!access(path, F_OK) != (i < 3))
            fail_msg("%s is %s", path, i < 3 ? "gone" : "there");
    }
}

static void beats_a_value(void **state)
{
    static const char *const never[] = {"run.beat=0.99", "run.epochs=2"}, *const two[] = {"run.beat=0.1, 0.2"};
    char path[1200];
    json_t *log;

    (void)state;
    succeeds("a", 2, never, NULL);
    snprintf(path, sizeof path, "%s/best.safetensors", folder_of("a"));
    assert_int_not_equal(access(path, F_OK), 0);
    log = json_of(folder_of("a"), "run.json");
    assert_true(json_is_null(json_object_get(log, "best_epoch")));
    json_decref(log);
    assert_int_equal(run_in_child("b", 1, two, NULL), FPC_EINVAL);
    assert_non_null(strstr(message, "run.beat has 2 values; one is wanted, or none"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(validates_now_and_then), TEST(stops_where_it_validates), TEST(stops_by_the_rules),
        TEST(patience_may_change),    TEST(keeps_the_best),           TEST(removes_its_own_only),
        TEST(beats_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
