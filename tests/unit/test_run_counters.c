/* test_run_counters.c: a last.safetensors whose counters make no sense (negative, no number, near the largest one) is
 * refused with a sentence, and the file stays; under UndefinedBehaviorSanitizer also: no sum of them overflows. */
#define _GNU_SOURCE
#include "training_files.h"

typedef struct counter {
    const char *key, *value, *key2, *value2; /* key2: another counter, so that the two agree */
    const char *want;
} counter;

static char path[1100];

/* The file as the run left it, but for these counters; a counter that it has not is added. */
static void write_with(bench *b, const fpc_st_file *file, const counter *c)
{
    fpc_st_meta *meta = fpc_alloc(b->arena, (size_t)(file->n_meta + 2) * sizeof *meta);
    const char *const key[] = {c->key, c->key2}, *const value[] = {c->value, c->value2};
    int32_t n = file->n_meta;

    memcpy(meta, file->meta, (size_t)n * sizeof *meta);
    for (int k = 0; k < 2 && key[k]; k++) {
        int32_t at = 0;

        while (at < n && strcmp(meta[at].key, key[k]))
            at++;
        meta[at] = (fpc_st_meta){key[k], value[k]};
        n += at == n;
    }
    has_to_succeed(b, fpc_st_write(b->ctx, path, file->n, file->tensor, n, meta), c->key);
}

static const char *const four[] = {"run.epochs=4"};

/* A run of two epochs, its folder and what it left; `path` names that file. */
static const fpc_st_file *two_epochs(bench *b, char folder[1024])
{
    static const char *const two[] = {"run.epochs=2"};

    succeeds("a", 1, two, NULL);
    snprintf(folder, 1024, "%s", folder_of("a"));
    snprintf(path, sizeof path, "%s/last.safetensors", folder);
    return read_file(b, folder, "last.safetensors");
}

static const counter bad[] = {
    {"epoch", "9223372036854775807", 0, 0, "in epoch 9223372036854775807 does not fit"},
    {"epoch", "9223372036854775806", 0, 0, "in epoch 9223372036854775806 does not fit"},
    {"epoch", "9223372036854775808", 0, 0, "metadata epoch = 9223372036854775808 make no sense"},
    {"epoch", "-1", 0, 0, "metadata epoch = -1 make no sense"},
    {"epoch", "-9223372036854775808", 0, 0, "metadata epoch = -9223372036854775808 make no sense"},
    {"epoch", "two", 0, 0, "metadata epoch = two make no sense"},
    {"epoch", "2.0", 0, 0, "metadata epoch = 2.0 make no sense"},
    {"epoch", "", 0, 0, "metadata epoch = "},
    /* The steps agree with the epoch: the record is shorter. */
    {"epoch", "2000000000000000000", "step.first", "-5999999999999999994", "tensor history."},
    {"epoch", "2305843009213693951", "step", "9223372036854775807", "last.safetensors: "},
    {"epoch.steps", "9223372036854775807", 0, 0, "does not fit this data set"},
    {"epoch.steps", "-1", 0, 0, "metadata epoch.steps = -1 make no sense"},
    {"epoch.skipped", "9223372036854775807", 0, 0, "metadata epoch.skipped = 9223372036854775807"},
    {"step", "9223372036854775807", 0, 0, "step 9223372036854775807 in epoch 2 does not fit"},
    {"step", "9223372036854775807", "step.first", "9223372036854775807", "does not fit this data set"},
    {"step.first", "-9223372036854775808", 0, 0, "does not fit this data set"},
    {"best.epoch", "9223372036854775807", 0, 0, "last.safetensors: "},
    {"best.epoch", "-2", 0, 0, "metadata best.epoch = -2 make no sense"},
    {"epochs", "-1", 0, 0, "metadata epochs = -1 make no sense"},
    {"epochs", "many", 0, 0, "metadata epochs = many make no sense"},
    {"epochs.waited", "9223372036854775808", 0, 0, "metadata epochs.waited = "}};

static void makes_no_sense(void **state)
{
    bench *b = *state;
    char folder[1024];
    const fpc_st_file *file = two_epochs(b, folder);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const counter *c = &bad[i];

        write_with(b, file, c);
        if (run_in_child("a", 1, four, folder) != FPC_EFORMAT || !strstr(message, c->want) || !strstr(message, path))
            fail_msg("%s = %s: \"%s\", without \"%s\"", c->key, c->value, message, c->want);
    }
    /* It goes on from the counters that it had. */
    write_with(b, file, &(counter){.key = "epoch", .value = "2"});
    succeeds("a", 1, four, folder);
}

/* How long the run was to be is told alone. */
static void any_length(void **state)
{
    bench *b = *state;
    char folder[1024];
    const fpc_st_file *file = two_epochs(b, folder);

    write_with(b, file, &(counter){"epochs", "9223372036854775807", "epochs.waited", "9223372036854775807", NULL});
    succeeds("a", 1, four, folder);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(makes_no_sense), TEST(any_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
