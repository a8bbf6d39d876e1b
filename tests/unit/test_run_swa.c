/* test_run_swa.c: the mean of weights over epochs against the weights of those epochs, validation.safetensors against
 * the history, and both, with all else that the loop may do, in trainings that are killed and cancelled wherever that
 * could matter. */
#define _GNU_SOURCE
#include "training_files.h"
#include "record/validation.h"

#include <math.h>

static void is_the_mean(void **state)
{
    bench *b = *state;
    static const char *const two[] = {"run.epochs=2"}, *const four[] = {"run.epochs=4"},
                             *const five[] = {"run.epochs=5", "run.swa_start=2", "run.swa_every=2"};
    double largest = 0;
    int compared = 0;

    succeeds("two", 1, two, NULL);
    succeeds("four", 1, four, NULL);
    succeeds("five", 3, five, NULL);
    const fpc_st_file *a = read_file(b, folder_of("two"), "last.safetensors"),
                      *other = read_file(b, folder_of("four"), "last.safetensors"),
                      *mean = read_file(b, folder_of("five"), "swa.safetensors"),
                      *last = read_file(b, folder_of("five"), "last.safetensors");
    for (int32_t i = 0; i < mean->n; i++) {
        const fpc_st_tensor *m = &mean->tensor[i], *x = fpc_st_find(a, m->name), *y = fpc_st_find(other, m->name);
        const fpc_st_tensor *kept = fpc_st_find(last, fpc_sprintf(b->arena, "swa.%s", m->name));
        assert_true(x && y);
        if (strstr(m->name, "num_batches")) {
            assert_true(*(const int64_t *)m->data == 3); /* of one pass */
            continue;
        }
        if (strstr(m->name, "running_"))
            continue;
        assert_non_null(kept);
        assert_memory_equal(kept->data, m->data, (size_t)m->count * sizeof(float));
        for (int64_t k = 0; k < m->count; k++) {
            const double p = (double)((const float *)x->data)[k], q = (double)((const float *)y->data)[k];
            assert_true(fabs((double)((const float *)m->data)[k] - (p + q) / 2) <= 1e-6 * (fabs(p) + fabs(q)));
            largest = fmax(largest, fabs(p - q));
            compared++;
        }
    }
    assert_true(compared > 10000 && largest > 1e-3);
    assert_string_equal(fpc_st_meta_find(mean, "epochs.averaged"), "2");
    json_t *log = json_of(folder_of("five"), "run.json"), *swa = json_object_get(log, "swa");
    assert_int_equal(json_integer_value(json_object_get(swa, "epochs_averaged")), 2);
    assert_true(json_real_value(json_object_get(swa, "val_f_score")) ==
                strtod(fpc_st_meta_find(mean, "val_f_score"), NULL));
    assert_true(json_real_value(json_object_get(swa, "val_loss")) > 0);
    json_decref(log);
}

/* More epochs: the mean goes on, and what was written for the shorter run is written anew. */
static void the_mean_goes_on(void **state)
{
    bench *b = *state;
    static const char *const two[] = {"run.epochs=2", "run.swa_start=1"}, *const three[] = {"run.epochs=3",
                                                                                            "run.swa_start=1"};

    succeeds("three", 2, three, NULL);
    succeeds("two", 2, two, NULL);
    assert_string_equal(fpc_st_meta_find(read_file(b, folder_of("two"), "swa.safetensors"), "epochs.averaged"), "2");
    succeeds("two", 2, three, folder_of("two"));
    same_results(folder_of("three"), folder_of("two"), "two epochs and one more", 0);
}

static void a_mean_that_never_began(void **state)
{
    static const char *const late[] = {"run.epochs=1", "run.swa_start=2"};
    char path[1200];

    (void)state;
    succeeds("a", 2, late, NULL);
    snprintf(path, sizeof path, "%s/swa.safetensors", folder_of("a"));
    assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- validation.safetensors ---- */

static void validation_is_of_the_best_epoch(void **state)
{
    bench *b = *state;
    static const char *const overrides[] = {"run.epochs=4", "optimizer.lr=1e-2", "dataset.val=10"};
    fpc_validation *v;
    double sum = 0;
    int batches = 0;

    succeeds("a", 3, overrides, NULL);
    json_t *log = json_of(folder_of("a"), "run.json"), *history = json_of(folder_of("a"), "history.json");
    const int64_t best = json_integer_value(json_object_get(log, "best_epoch"));
    if (fpc_validation_read(b->ctx, b->arena, fpc_sprintf(b->arena, "%s/validation.safetensors", folder_of("a")), &v))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    assert_true(v->epoch == best && v->images == 10 && v->batch == 4 && v->classes == 19 && v->n_pairs > 0);
    assert_string_equal(v->class_name[1], "skin");
    for (int64_t k = 0; k < fpc_validation_batches(v); k++) {
        sum += fpc_validation_f_batch(v, k);
        batches++;
    }
    assert_int_equal(batches, 3);
    assert_float_equal(sum / batches,
                       json_number_value(json_array_get(json_object_get(history, "val_f_score"), (size_t)best - 1)),
                       1e-12);
    /* the confusion's diagonal, rows and columns are the counts */
    assert_non_null(v->confusion);
    for (int32_t c = 0; c < 19; c++) {
        int64_t tp = 0, fp = 0, fn = 0, row = 0, column = 0;
        for (int64_t i = 0; i < v->images; i++) {
            tp += v->counts[(i * 19 + c) * 3];
            fp += v->counts[(i * 19 + c) * 3 + 1];
            fn += v->counts[(i * 19 + c) * 3 + 2];
        }
        for (int32_t k = 0; k < 19; k++) {
            row += v->confusion[c * 19 + k];
            column += v->confusion[k * 19 + c];
        }
        assert_true(v->confusion[c * 19 + c] == tp && row - tp == fn && column - tp == fp);
    }
    json_decref(log);
    json_decref(history);
}

/* A file that was lost or spoilt comes back. */
static void validation_comes_back(void **state)
{
    char folder[1024], path[1200];
    size_t n, m;

    (void)state;
    succeeds("a", 0, NULL, NULL);
    snprintf(folder, sizeof folder, "%s", folder_of("a"));
    snprintf(path, sizeof path, "%s/validation.safetensors", folder);
    char *was = slurp(folder, "validation.safetensors", &n);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(i ? truncate(path, 99) : unlink(path), 0);
        succeeds("a", 0, NULL, folder);
        char *is = slurp(folder, "validation.safetensors", &m);
        assert_int_equal(n, m);
        assert_memory_equal(was, is, n);
        free(is);
    }
    free(was);
}

/* ---- all of it, cut ---- */

/* But curves and samples, which take most of a tiny training's time; test_run.c cuts runs that draw them. */
static const char *const all[] = {"run.swa_start=1",
                                  "run.swa_every=2",
                                  "run.keep_best=2",
                                  "run.smooth=2",
                                  "run.smooth_best=on",
                                  "run.patience=9",
                                  "run.ema=0.9",
                                  "run.accumulate=2",
                                  "optimizer.sam=0.05",
                                  "optimizer.lr=2e-3 @1, 1e-3 @3",
                                  "loss.dice.weight=1.3 @1, 1.5 @2",
                                  "logger.tensorboard.pictures=2",
                                  "logger.tensorboard.histograms=3",
                                  "logger.plot.use=none"};
enum { ALL = 14 };

static void killed_at_every_rename(void **state)
{
    char straight[1024];
    int points = 0;

    (void)state;
    succeeds("straight", ALL, all, NULL);
    snprintf(straight, sizeof straight, "%s", folder_of("straight"));
    for (int at = 1; at < 200; at++) {
        int killed = 0;
        for (int after = 0; after < 2; after++) {
            remove_tree("cut");
            kill_before_rename = after ? 0 : at;
            kill_after_rename = after ? at : 0;
            killed = run_in_child("cut", ALL, all, NULL) == 1;
            clear_points();
            if (!*folder_of("cut")) {
                assert_true(at <= 6);
                continue;
            }
            succeeds("cut", ALL, all, folder_of("cut"));
            same_results(straight, folder_of("cut"), after ? "killed after rename" : "killed before rename", at);
            points += killed;
        }
        if (!killed)
            break;
    }
    assert_true(points > 30);
}

static void cancelled_at_events(void **state)
{
    char straight[1024];
    int points = 0;

    (void)state;
    succeeds("straight", ALL, all, NULL);
    snprintf(straight, sizeof straight, "%s", folder_of("straight"));
    for (int at = 2; at < 400; at += at < 30 ? 3 : 40) { /* the histograms are many */
        remove_tree("cut");
        cancel_at_event = at;
        const int status = run_in_child("cut", ALL, all, NULL);
        clear_points();
        if (status == 0)
            break;
        assert_int_equal(status, FPC_ECANCEL);
        assert_non_null(strstr(message, "fpcore --resume "));
        succeeds("cut", ALL, all, folder_of("cut"));
        same_results(straight, folder_of("cut"), "cancelled at event", at);
        points++;
    }
    assert_true(points > 8);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_the_mean),
        TEST(the_mean_goes_on),
        TEST(a_mean_that_never_began),
        TEST(validation_is_of_the_best_epoch),
        TEST(validation_comes_back),
        TEST(killed_at_every_rename),
        TEST(cancelled_at_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
