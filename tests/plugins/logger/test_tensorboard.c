/* test_tensorboard.c: pictures and histograms in the event file, read by a decoder of TFRecord and protocol buffers of
 * the test's own (tensorflow/core/framework/summary.proto), and what is left of them when a run is resumed. */
#define _GNU_SOURCE
#include "wire.h"

#include <fpcore/logger.h>
#include <math.h>
#include <sys/stat.h>

enum { SCALARS = 1, PICTURE, HISTOGRAM, MOST = 64, BINS = 3 };

typedef struct seen {
    int64_t step;
    int kind;
    char tag[64];
    uint64_t width, height, colours;
    size_t png_bytes;
    uint8_t png[64];
    double number[5]; /* min max num sum sum_squares */
    int n_limits, n_counts;
    double limit[8], count[8];
} seen;

static seen list[MOST];
static int n_seen;

/* ---- the reader ---- */

static double real(bytes *b)
{
    double v;

    assert_true(b->end - b->p >= 8);
    memcpy(&v, b->p, 8);
    b->p += 8;
    return v;
}

static bytes inner(bytes *b)
{
    const uint64_t n = varint(b);

    assert_true(n <= (uint64_t)(b->end - b->p));
    const bytes in = {b->p, b->p + n};
    b->p += n;
    return in;
}

static void read_image(bytes b, seen *s)
{
    s->kind = PICTURE;
    while (b.p < b.end) {
        const uint64_t key = varint(&b);
        if (key == (1 << 3 | 0))
            s->height = varint(&b);
        else if (key == (2 << 3 | 0))
            s->width = varint(&b);
        else if (key == (3 << 3 | 0))
            s->colours = varint(&b);
        else {
            assert_int_equal(key, 4 << 3 | 2);
            const bytes png = inner(&b);
            s->png_bytes = (size_t)(png.end - png.p);
            assert_true(s->png_bytes > sizeof s->png);
            memcpy(s->png, png.p, sizeof s->png);
            assert_memory_equal(png.end - 8, "IEND", 4); /* whole */
        }
    }
}

static void read_histogram(bytes b, seen *s)
{
    s->kind = HISTOGRAM;
    while (b.p < b.end) {
        const uint64_t key = varint(&b), field = key >> 3;
        if ((key & 7) == 1) {
            assert_true(field >= 1 && field <= 5);
            s->number[field - 1] = real(&b);
        } else {
            assert_true((key & 7) == 2 && (field == 6 || field == 7));
            bytes packed = inner(&b);
            while (packed.p < packed.end) {
                assert_true(s->n_limits < 8 && s->n_counts < 8);
                if (field == 6)
                    s->limit[s->n_limits++] = real(&packed);
                else
                    s->count[s->n_counts++] = real(&packed);
            }
        }
    }
}

static void read_value(bytes b, seen *s)
{
    while (b.p < b.end) {
        const uint64_t key = varint(&b);
        if (key == (1 << 3 | 2)) {
            const bytes tag = inner(&b);
            snprintf(s->tag, sizeof s->tag, "%.*s", (int)(tag.end - tag.p), (const char *)tag.p);
        } else if (key == (2 << 3 | 5)) {
            s->kind = SCALARS;
            b.p += 4;
        } else if (key == (4 << 3 | 2)) {
            read_image(inner(&b), s);
        } else {
            assert_int_equal(key, 5 << 3 | 2);
            read_histogram(inner(&b), s);
        }
    }
}

static uint32_t crc_of(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (((crc ^ (uint32_t)(p[i] >> bit)) & 1) ? 0x82f63b78u : 0);
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void read_event(bytes b, int first)
{
    seen *s = &list[n_seen];

    *s = (seen){0};
    while (b.p < b.end) {
        const uint64_t key = varint(&b);
        if (key == (1 << 3 | 1)) {
            assert_true(real(&b) >= 1700000000);
        } else if (key == (2 << 3 | 0)) {
            s->step = (int64_t)varint(&b);
        } else if (key == (3 << 3 | 2)) {
            assert_true(first);
            inner(&b);
        } else {
            assert_int_equal(key, 5 << 3 | 2);
            bytes summary = inner(&b);
            while (summary.p < summary.end) {
                assert_int_equal(varint(&summary), 1 << 3 | 2);
                read_value(inner(&summary), s);
            }
        }
    }
    n_seen += !first;
    assert_true(n_seen < MOST);
}

static const char *path_of(void)
{
    static char path[600];

    snprintf(path, sizeof path, "%s/events.out.tfevents.1700000000.fpcore", test_folder());
    return path;
}

static void read_file(void)
{
    static uint8_t data[1 << 20];
    FILE *in = fopen(path_of(), "rb");
    int first = 1;

    assert_non_null(in);
    const size_t n = fread(data, 1, sizeof data, in);
    fclose(in);
    n_seen = 0;
    for (size_t at = 0; at < n; first = 0) {
        assert_true(n - at >= 16);
        const size_t length = word(data + at);
        assert_true(length <= n - at - 16);
        assert_int_equal(word(data + at + 8), crc_of(data + at, 8));
        assert_int_equal(word(data + at + 12 + length), crc_of(data + at + 12, length));
        read_event((bytes){data + at + 12, data + at + 12 + length}, first);
        at += 16 + length;
    }
}

/* ---- the training that it is told of ---- */

static void tell(fpc_instance *logger, uint32_t what, int64_t epoch, int resumed)
{
    static const char *const column[] = {"lr"};
    static const double rate[8] = {1, 2, 3, 4, 5, 6, 7, 8}, *const value[] = {rate};
    static const uint8_t image[2 * 3 * 3], label[2 * 3] = {0, 1, 1}, prediction[2 * 3];
    static const fpc_pictures pictures = {sizeof pictures, 1, 2,    3,    image, label,
                                          prediction,      2, NULL, NULL, NULL,  NULL};
    static const double limits[BINS] = {-0.5, 0.25, 2}, counts[BINS] = {3, 0, 4};
    const int64_t rows = what == FPC_RUN_BEGIN ? epoch : epoch + 1;
    const fpc_field field[] = {
        {.key = "run_dir", .type = FPC_OPT_TEXT, .v.s = test_folder()},
        {.key = "resumed", .type = FPC_OPT_INT, .v.i = resumed},
        {.key = "unix_time", .type = FPC_OPT_REAL, .v.r = 1700000000},
        {.key = "tag", .type = FPC_OPT_TEXT, .v.s = what == FPC_PICTURE ? "samples" : "parameters/head.weight"},
        {.key = "min", .type = FPC_OPT_REAL, .v.r = -1.5},
        {.key = "max", .type = FPC_OPT_REAL, .v.r = 2},
        {.key = "count", .type = FPC_OPT_INT, .v.i = 7},
        {.key = "sum", .type = FPC_OPT_REAL, .v.r = 0.125},
        {.key = "sum_squares", .type = FPC_OPT_REAL, .v.r = 9},
        {.key = "limits", .type = FPC_OPT_REALS, .v.list = {BINS, limits}},
        {.key = "counts", .type = FPC_OPT_REALS, .v.list = {BINS, counts}}};
    const fpc_clock clock = {.size = sizeof clock, .steps_per_epoch = 1, .epoch = epoch, .epochs = 8};
    const fpc_event event = {.size = sizeof event,
                             .what = what,
                             .clock = &clock,
                             .n = sizeof field / sizeof *field,
                             .field = field,
                             .n_columns = 1,
                             .n_rows = rows,
                             .column = column,
                             .value = value,
                             .pictures = what == FPC_PICTURE ? &pictures : NULL};

    assert_int_equal(((const fpc_logger_vtbl *)logger->vtbl)->event(logger->self, &event), FPC_OK);
}

static void train(fpc_instance *logger, int64_t from, int64_t to)
{
    for (int64_t e = from; e < to; e++) {
        tell(logger, FPC_EPOCH, e, 0);
        tell(logger, FPC_PICTURE, e, 0);
        tell(logger, FPC_HISTOGRAM, e, 0);
    }
}

static void expect(int64_t epochs)
{
    read_file();
    assert_int_equal(n_seen, 3 * epochs);
    for (int i = 0; i < n_seen; i++) {
        assert_int_equal(list[i].step, i / 3 + 1);
        assert_int_equal(list[i].kind, i % 3 + 1);
    }
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void reads_back(void **state)
{
    fpc_instance logger = open_plugin(*state, "logger.t", "use = tensorboard");

    tell(&logger, FPC_RUN_BEGIN, 0, 0);
    train(&logger, 0, 2);
    expect(2);
    for (int i = 0; i < n_seen; i += 3) {
        const seen *picture = &list[i + 1], *histogram = &list[i + 2];
        assert_string_equal(list[i].tag, "lr");
        assert_string_equal(picture->tag, "samples");
        /* three tiles of 240 x 160 with gaps of 8, a title of 24 and a legend below */
        assert_true(picture->width == 8 + 4 * 248 && picture->height > 24 + 168 && picture->colours == 3);
        assert_memory_equal(picture->png + 1, "PNG", 3);
        assert_int_equal(big_endian(picture->png + 16), picture->width);
        assert_int_equal(big_endian(picture->png + 20), picture->height);
        assert_string_equal(histogram->tag, "parameters/head.weight");
        assert_true(histogram->number[0] == -1.5 && histogram->number[1] == 2 && histogram->number[2] == 7);
        assert_true(histogram->number[3] == 0.125 && histogram->number[4] == 9);
        assert_true(histogram->n_limits == BINS && histogram->n_counts == BINS);
        assert_true(histogram->limit[0] == -0.5 && histogram->limit[1] == 0.25 && histogram->limit[2] == 2);
        assert_true(histogram->count[0] == 3 && histogram->count[1] == 0 && histogram->count[2] == 4);
    }
}

/* Wherever the file was cut: scalars of finished epochs come back, no record is torn, and the run goes on. */
static void goes_on_after_a_cut(void **state)
{
    struct stat st;
    fpc_instance first = open_plugin(*state, "logger.t", "use = tensorboard");

    tell(&first, FPC_RUN_BEGIN, 0, 0);
    train(&first, 0, 2);
    assert_int_equal(stat(path_of(), &st), 0);
    char command[1400];
    snprintf(command, sizeof command, "cp '%s' '%s/whole'", path_of(), test_folder());
    assert_int_equal(system(command), 0);
    for (off_t size = st.st_size; size > 40; size -= 17) {
        int scalars = 0;
        snprintf(command, sizeof command, "cp '%s/whole' '%s'", test_folder(), path_of());
        assert_int_equal(system(command), 0);
        assert_int_equal(truncate(path_of(), size), 0);
        fpc_instance second = open_plugin(*state, "logger.t", "use = tensorboard");
        tell(&second, FPC_RUN_BEGIN, 2, 1);
        train(&second, 2, 3);
        read_file();
        for (int i = 0; i < n_seen; i++) {
            assert_true(i == 0 || list[i].step >= list[i - 1].step);
            scalars += list[i].kind == SCALARS;
            assert_true(list[i].kind != SCALARS || list[i].step == scalars);
        }
        assert_int_equal(scalars, 3);
        assert_true(list[n_seen - 1].kind == HISTOGRAM && list[n_seen - 1].step == 3);
    }
    /* the file is ahead of the checkpoint: what comes after goes, with its pictures */
    snprintf(command, sizeof command, "cp '%s/whole' '%s'", test_folder(), path_of());
    assert_int_equal(system(command), 0);
    fpc_instance third = open_plugin(*state, "logger.t", "use = tensorboard");
    tell(&third, FPC_RUN_BEGIN, 1, 1);
    expect(1);
    train(&third, 1, 2);
    expect(2);
}

static void asks_for_what_it_wants(void **state)
{
    fpc_instance usual = open_plugin(*state, "logger.t", "use = tensorboard"),
                 other = open_plugin(*state, "logger.t", "use = tensorboard\npictures = 3\nhistograms = 0");
    const fpc_logger_vtbl *v = usual.vtbl;

    for (int64_t e = 0; e < 40; e++) {
        const fpc_clock clock = {.size = sizeof clock, .epoch = e, .epochs = 40};
        const int last = 39;
        assert_int_equal(v->wants(usual.self, FPC_PICTURE, &clock), e == 0 || e == last || (e + 1) % 10 == 0);
        assert_int_equal(v->wants(usual.self, FPC_HISTOGRAM, &clock), e == 0 || e == last || (e + 1) % 10 == 0);
        assert_int_equal(v->wants(other.self, FPC_PICTURE, &clock), e == 0 || e == last || (e + 1) % 3 == 0);
        assert_int_equal(v->wants(other.self, FPC_HISTOGRAM, &clock), 0);
        assert_int_equal(v->wants(usual.self, FPC_STEP, &clock), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(reads_back),
        CASE(goes_on_after_a_cut),
        CASE(asks_for_what_it_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
