/* test_logger.c: the loggers, told of a training of a few epochs: history.json and CSV read back to the same doubles,
 * the TensorBoard file parses record by record and goes on after a cut, curves.png shows both curves. The console:
 * test_console.c. */
#define _GNU_SOURCE
#include "fixture.h"

#include "told.h"
#include <cairo.h>
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>

/* ---- history ---- */

static void history_json(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.h", "use = history");
    const char *key;
    json_t *root, *array;
    size_t n, c = 0;
    char *text;

    tell(&logger, FPC_RUN_BEGIN, 0, 0, 0);
    text = slurp("history.json", &n);
    root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "lr")), 0);
    json_decref(root);
    free(text);
    tell(&logger, FPC_EPOCH, ROWS, 0, 1);
    text = slurp("history.json", &n);
    root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    json_object_foreach(root, key, array)
    {
        assert_string_equal(key, column[c]);
        assert_int_equal(json_array_size(array), ROWS);
        for (size_t r = 0; r < ROWS; r++) {
            const json_t *number = json_array_get(array, r);
            if (isnan(value[c][r]))
                assert_true(json_is_null(number));
            else
                assert_true(json_is_real(number) && json_real_value(number) == value[c][r]);
        }
        c++;
    }
    assert_int_equal(c, COLUMNS);
    json_decref(root);
    free(text);
}

static void history_csv(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.h", "use = history");
    char *whole, *text, *line;
    size_t n;

    tell(&logger, FPC_RUN_BEGIN, 0, 0, 0);
    tell(&logger, FPC_EPOCH, ROWS, 0, 1);
    whole = text = slurp("history.csv", &n);
    line = strtok_r(text, "\n", &text);
    assert_string_equal(line, "epoch,train_loss,train_f_score,val_loss,val_f_score,lr,val_f1.skin,"
                              "\"val_f1.a \"\"b\"\", c\",grad_norm");
    for (int r = 0; r < ROWS; r++) {
        line = strtok_r(NULL, "\n", &text);
        assert_non_null(line);
        assert_int_equal(strtol(line, &line, 10), r + 1);
        for (int c = 0; c < COLUMNS; c++) {
            assert_int_equal(*line++, ',');
            if (isnan(value[c][r]))
                assert_true(*line == ',');
            else
                assert_true(strtod(line, &line) == value[c][r]);
        }
        assert_int_equal(*line, '\0');
    }
    assert_null(strtok_r(NULL, "\n", &text));
    free(whole);
}

/* A long run: the files are not written after each epoch, the text of one is not made twice, and in the end they say
 * everything, as a run that begins from that record does. */
static void history_of_a_long_run(void **state)
{
    enum { LONG = 5000 };
    static const char *const name[] = {"train_loss", "lr"};
    double *row[2] = {malloc(LONG * sizeof **row), malloc(LONG * sizeof **row)};
    const double *const view[2] = {row[0], row[1]};
    const fpc_field run_dir = {.key = "run_dir", .type = FPC_OPT_TEXT, .v.s = test_folder()};
    fpc_event event = {.size = sizeof event,
                       .what = FPC_RUN_BEGIN,
                       .n = 1,
                       .field = &run_dir,
                       .n_columns = 2,
                       .column = name,
                       .value = view};
    fpc_instance logger = open_plugin(*state, "logger.h", "use = history"),
                 fresh = open_plugin(*state, "logger.g", "use = history");
    const fpc_logger_vtbl *v = logger.vtbl;
    char path[600], *one[2], *two[2];
    int64_t written = 0;
    size_t n;

    snprintf(path, sizeof path, "%s/history.json", test_folder());
    for (int64_t r = 0; r <= LONG; r++) {
        event.n_rows = r;
        assert_int_equal(v->event(logger.self, &event), FPC_OK);
        written += unlink(path) == 0;
        event.what = FPC_EPOCH;
        if (r < LONG)
            row[0][r] = 1.0 / (double)(r + 3), row[1][r] = r % 7 ? 0.001 : NAN;
    }
    assert_true(written > 1000 && written < 3200); /* 1000 at first, then one in 2, 3, 4, 5 */
    event.what = FPC_RUN_END;
    event.n = 0;
    assert_int_equal(v->event(logger.self, &event), FPC_OK);
    one[0] = slurp("history.csv", &n);
    if (!access(path, F_OK))
        unlink(path);
    event.what = FPC_RUN_BEGIN;
    event.n = 1;
    assert_int_equal(v->event(logger.self, &event), FPC_OK); /* begins again with all rows */
    one[1] = slurp("history.json", &n);
    assert_int_equal(v->event(fresh.self, &event), FPC_OK);
    two[0] = slurp("history.csv", &n);
    two[1] = slurp("history.json", &n);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(one[i], two[i]);
        free(one[i]);
        free(two[i]);
        free(row[i]);
    }
}

static void history_without_csv(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.h", "use = history\ncsv = off");
    char path[600];

    tell(&logger, FPC_RUN_BEGIN, 0, 0, 0);
    snprintf(path, sizeof path, "%s/history.csv", test_folder());
    assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- tensorboard: an independent reader ---- */

static uint32_t crc_slow(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            const uint32_t mix = (crc ^ (uint32_t)(p[i] >> bit)) & 1;
            crc = crc >> 1 ^ (mix ? 0x82f63b78u : 0);
        }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static uint64_t varint(const uint8_t **p)
{
    uint64_t v = 0;
    int shift = 0;

    do
        v |= (uint64_t)(**p & 127) << shift, shift += 7;
    while (*(*p)++ & 128);
    return v;
}

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* One Summary.Value; checks it against the tables above. */
static void read_value(const uint8_t *p, const uint8_t *end, int64_t row)
{
    char tag[64] = "";
    float number = NAN;

    while (p < end) {
        const uint64_t key = varint(&p);
        if (key == (1 << 3 | 2)) {
            const uint64_t n = varint(&p);
            assert_true(n < sizeof tag);
            memcpy(tag, p, n);
            tag[n] = '\0';
            p += n;
        } else {
            assert_int_equal(key, 2 << 3 | 5);
            const uint32_t bits = word(p);
            memcpy(&number, &bits, 4);
            p += 4;
        }
    }
    for (int c = 0; c < COLUMNS; c++)
        if (!strcmp(tag, tags[c])) {
            assert_true(number == (float)value[c][row]);
            return;
        }
    fail_msg("unknown tag %s", tag);
}

/* The steps in the event file, in order; checks framing and values. */
static int read_events(int64_t *step, int most)
{
    DIR *dir = opendir(test_folder());
    const struct dirent *entry;
    const uint8_t *p, *end;
    int n = 0, files = 0;
    size_t size;
    char *data = NULL;

    while ((entry = readdir(dir)))
        if (!strncmp(entry->d_name, "events.out.tfevents.", 20)) {
            data = slurp(entry->d_name, &size);
            files++;
        }
    closedir(dir);
    assert_int_equal(files, 1);
    p = (const uint8_t *)data;
    end = p + size;
    for (int record = 0; p < end; record++) {
        const uint64_t length = word(p);
        const uint8_t *at = p + 12, *stop = at + length;
        assert_true(end - p >= 16 && length <= (uint64_t)(end - p) - 16);
        assert_int_equal(word(p + 8), crc_slow(p, 8));
        assert_int_equal(word(stop), crc_slow(at, length));
        assert_int_equal(*at, 1 << 3 | 1);
        at += 9;
        if (record == 0) {
            assert_int_equal(*at, 3 << 3 | 2);
            assert_memory_equal(at + 2, "brain.Event:2", 13);
        } else if (at[1] == 0) { /* of no epoch: the layout, which names both tags of a chart */
            assert_true(record == 1 && memmem(at, (size_t)(stop - at), "custom_scalars__config__", 24));
            assert_non_null(memmem(at, (size_t)(stop - at), "\n\nloss/train\n\x08loss/val", 22));
        } else {
            assert_int_equal(*at++, 2 << 3 | 0);
            assert_true(n < most);
            step[n] = (int64_t)varint(&at);
            assert_int_equal(*at++, 5 << 3 | 2);
            const uint64_t size_of_summary = varint(&at);
            assert_int_equal(size_of_summary, stop - at);
            while (at < stop) {
                assert_int_equal(*at++, 1 << 3 | 2);
                const uint64_t size_of_value = varint(&at);
                read_value(at, at + size_of_value, step[n] - 1);
                at += size_of_value;
            }
            n++;
        }
        p = stop + 4;
    }
    free(data);
    return n;
}

static void expect_steps(int n)
{
    int64_t step[32];

    assert_int_equal(read_events(step, 32), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(step[i], i + 1);
}

static void tensorboard_records(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.t", "use = tensorboard");

    assert_int_equal(crc_slow((const uint8_t *)"123456789", 9),
                     ((0xe3069283u >> 15 | 0xe3069283u << 17) + 0xa282ead8u));
    tell(&logger, FPC_RUN_BEGIN, 0, 0, 0);
    expect_steps(0);
    for (int r = 1; r <= 3; r++)
        tell(&logger, FPC_EPOCH, r, 0, r);
    expect_steps(3);
}

/* Files of other programs in the run folder stay as they are, whatever their names sort to. */
static void tensorboard_leaves_others(void **state)
{
    fpc_instance first = open_plugin(*state, "logger.t", "use = tensorboard"), second;
    char path[600];
    size_t n;

    tell(&first, FPC_RUN_BEGIN, 0, 0, 0);
    tell(&first, FPC_EPOCH, 1, 0, 1);
    snprintf(path, sizeof path, "%s/events.out.tfevents.1800000000.host", test_folder());
    FILE *out = fopen(path, "w");
    assert_true(out && fputs("of another program", out) >= 0 && !fclose(out));
    second = open_plugin(*state, "logger.t", "use = tensorboard");
    tell(&second, FPC_RUN_BEGIN, 1, 1, 100);
    tell(&second, FPC_EPOCH, 2, 1, 101);
    char *text = slurp("events.out.tfevents.1800000000.host", &n);
    assert_string_equal(text, "of another program");
    free(text);
    unlink(path);
    expect_steps(2);
}

static void tensorboard_goes_on(void **state)
{
    fpc_instance first = open_plugin(*state, "logger.t", "use = tensorboard"), second;
    char path[600];
    struct stat st;

    tell(&first, FPC_RUN_BEGIN, 0, 0, 0);
    for (int r = 1; r <= 3; r++)
        tell(&first, FPC_EPOCH, r, 0, r);
    snprintf(path, sizeof path, "%s/events.out.tfevents.1700000000.fpcore", test_folder());
    assert_int_equal(stat(path, &st), 0);
    for (int cut = 0; cut < 40; cut += 13) { /* a torn record at the end */
        assert_int_equal(truncate(path, st.st_size - cut), 0);
        second = open_plugin(*state, "logger.t", "use = tensorboard");
        tell(&second, FPC_RUN_BEGIN, 3, 1, 100);
        expect_steps(3); /* what was torn comes again from the record */
    }
    second = open_plugin(*state, "logger.t", "use = tensorboard");
    tell(&second, FPC_RUN_BEGIN, 2, 1, 200); /* the file is ahead of the checkpoint */
    expect_steps(2);
    tell(&second, FPC_EPOCH, 3, 1, 201);
    tell(&second, FPC_EPOCH, 4, 1, 202);
    expect_steps(4);
}

/* ---- plot ---- */

static int near(uint32_t pixel, int r, int g, int b)
{
    return abs((int)(pixel >> 16 & 255) - r) < 12 && abs((int)(pixel >> 8 & 255) - g) < 12 &&
           abs((int)(pixel & 255) - b) < 12;
}

/* Image, label and prediction side by side, in the colours of the palette, and in red what is wrong; the score's line
 * above. */
static void plot_shows_samples(void **state)
{
    static const uint8_t image[2 * 2 * 3] = {250, 0, 0, 250, 0, 0, 250, 0, 0, 250, 0, 0};
    static const uint8_t label[2 * 2] = {0, 1, 0, 1}, prediction[2 * 2] = {1, 1, 1, 1};
    static const uint8_t palette[2][3] = {{0, 250, 0}, {0, 0, 250}};
    static const char *const names[] = {"one", "two"};
    static const double score[] = {0.25};
    static const char *const name[] = {"face_7"};
    const fpc_pictures pictures = {sizeof pictures, 1, 2, 2, image, label, prediction, 2, names, palette, score, name};
    const fpc_clock clock = {.size = sizeof clock};
    const fpc_event event = {.size = sizeof event, .clock = &clock, .what = FPC_SAMPLES, .pictures = &pictures};
    fpc_instance logger = open_plugin(*state, "logger.p", "use = plot");
    const fpc_logger_vtbl *v = logger.vtbl;
    char path[600];
    cairo_surface_t *surface;

    snprintf(path, sizeof path, "%s/samples.png", test_folder());
    unlink(path);
    assert_int_equal(v->event(logger.self, &event), FPC_OK); /* before the run has a folder */
    assert_int_not_equal(access(path, F_OK), 0);
    tell(&logger, FPC_RUN_BEGIN, 0, 0, 0);
    assert_int_equal(v->wants(logger.self, FPC_SAMPLES, &clock), 1);
    assert_int_equal(v->wants(logger.self, FPC_PICTURE, &clock), 0);
    assert_int_equal(v->event(logger.self, &event), FPC_OK);
    surface = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    {
        const uint8_t *data = cairo_image_surface_get_data(surface);
        const int stride = cairo_image_surface_get_stride(surface), y = 24 + 20 + 80;
        const int x[6] = {8 + 80, 8 + 168 + 40, 8 + 168 + 120, 8 + 2 * 168 + 40, 8 + 3 * 168 + 40, 8 + 3 * 168 + 120};
        const int rgb[6][3] = {{250, 0, 0}, {0, 250, 0}, {0, 0, 250}, {0, 0, 250}, {214, 26, 26}, {174, 174, 174}};
        int dark = 0;
        for (int i = 8; i < 8 + 168; i++) { /* the line above the picture is written */
            uint32_t pixel;
            memcpy(&pixel, data + (24 + 9) * stride + 4 * i, sizeof pixel);
            dark += (pixel & 255) < 100;
        }
        assert_true(dark > 5);
        for (int i = 0; i < 6; i++) {
            uint32_t pixel;
            memcpy(&pixel, data + y * stride + 4 * x[i], sizeof pixel);
            assert_true(near(pixel, rgb[i][0], rgb[i][1], rgb[i][2]));
        }
    }
    cairo_surface_destroy(surface);
}

static void plot_shows_both_curves(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.p", "use = plot\ninterval = 10");
    char path[600];
    cairo_surface_t *surface;
    int blue = 0, orange = 0, white = 0, w, h;

    snprintf(path, sizeof path, "%s/curves.png", test_folder());
    tell(&logger, FPC_RUN_BEGIN, 0, 0, 0);
    tell(&logger, FPC_RUN_END, 0, 0, 0);
    assert_int_not_equal(access(path, F_OK), 0); /* nothing to draw yet */
    tell(&logger, FPC_EPOCH, 1, 0, 1);
    assert_int_equal(access(path, F_OK), 0);
    unlink(path);
    tell(&logger, FPC_EPOCH, 2, 0, 5);
    assert_int_not_equal(access(path, F_OK), 0); /* too soon */
    tell(&logger, FPC_RUN_END, ROWS, 0, 6);
    surface = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    w = cairo_image_surface_get_width(surface);
    h = cairo_image_surface_get_height(surface);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint32_t pixel;
            memcpy(&pixel, cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface) + 4 * x,
                   4);
            blue += near(pixel, 31, 102, 191);
            orange += near(pixel, 224, 102, 13);
            white += near(pixel, 255, 255, 255);
        }
    cairo_surface_destroy(surface);
    assert_true(w >= 1000 && h >= 600);
    assert_true(blue > 1000 && orange > 600 && white > w * h / 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(history_json),
        TEST(history_csv),
        TEST(history_without_csv),
        TEST(history_of_a_long_run),
        TEST(tensorboard_records),
        TEST(tensorboard_goes_on),
        TEST(tensorboard_leaves_others),
        TEST(plot_shows_both_curves),
        TEST(plot_shows_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
