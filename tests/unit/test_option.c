/* test_option.c: values of every type, their ranges, what is refused with which sentence, text that reads back, and
 * tables of another stride. */
#include "fixture.h"
#include "recipe/sections.h"
#include "data/data.h"
#include "base/message.h"
#include "recipe/options.h"
#include "experiment/experiment.h"
#include "base/spelling.h"

#include <inttypes.h>
#include <math.h>

struct sample {
    fpc_self self;
    int64_t on, count, mode, parts, seed;
    double p, free;
    const char *title, *root;
    fpc_ints dims;
    fpc_reals weights;
    fpc_range span, positive;
    fpc_curve factor;
    fpc_extent extent, wide;
};

static const fpc_choice modes[] = {{"fast", 1, ""}, {"exact", 2, ""}, {"both_ways", 3, ""}, {0}};
static const fpc_choice bits[] = {{"image", 1, ""}, {"mask", 2, ""}, {"all", 3, ""}, {0}};
static const fpc_option table[] = {
    FPC_OPTION_BOOL(struct sample, on, "on", "a switch"),
    FPC_OPTION_INT(struct sample, count, "4", 1, 100, "px", "a count"),
    FPC_OPTION_INT(struct sample, seed, "0", 1, 0, "", "any"),
    FPC_OPTION_REAL(struct sample, p, "0.5", 0, 1, "prob", "a chance"),
    FPC_OPTION_REAL(struct sample, free, "0", 1, 0, "", "any"),
    FPC_OPTION_TEXT(struct sample, title, "none yet", "a text"),
    FPC_OPTION_PATH(struct sample, root, "", "a path"),
    FPC_OPTION_CHOICE(struct sample, mode, "fast", modes, "a choice"),
    {"parts", "some", "", "image", 1, 0, bits, FPC_OPT_FLAGS, 0, offsetof(struct sample, parts)},
    FPC_OPTION_INTS(struct sample, dims, "1, 2, 3", 1, 512, "channels", "widths"),
    FPC_OPTION_REALS(struct sample, weights, "", 0, 10, "", "weights"),
    FPC_OPTION_RANGE(struct sample, span, "-1, 2", -180, 180, "deg", "a span"),
    FPC_OPTION_RANGE(struct sample, positive, "0, 1", 0, 10, "", "a span above 0"),
    FPC_OPTION_CURVE(struct sample, factor, "1.0", 0, 10, "", "a factor"),
    FPC_OPTION_SIZE(struct sample, extent, "0", 0, 16384, "px", "a size"),
    FPC_OPTION_SIZE(struct sample, wide, "8x9", 1, 0, "", "a size without bounds"),
    {0}};

static struct sample sample;

static fpc_status read_one(bench *b, const char *key, const char *value)
{
    fpc_entry entry = {key, value, "r.ini:9"};
    const fpc_section section = {"augment.x", "r.ini:7", 1, &entry};
    const fpc_option_set set = {.table = table, .stride = sizeof *table, .object = &sample};

    fpc_ctx_clear(b->ctx);
    memset(&sample, 0, sizeof sample);
    return fpc_options_read(b->ctx, b->arena, "augment.x", &section, 1, &set);
}

static void good(bench *b, const char *key, const char *value)
{
    if (read_one(b, key, value)) {
        print_message("%s\n", fpc_ctx_error(b->ctx));
        fail();
    }
}

static void refused(bench *b, const char *key, const char *value, const char *expected)
{
    char begins[200];

    assert_int_equal(read_one(b, key, value), FPC_EINVAL);
    snprintf(begins, sizeof begins, "r.ini:9: augment.x.%s = %s: ", key, value);
    if (strncmp(fpc_ctx_error(b->ctx), begins, strlen(begins)) != 0 || !strstr(fpc_ctx_error(b->ctx), expected)) {
        print_message("expected: %s%s\ngot:      %s\n", begins, expected, fpc_ctx_error(b->ctx));
        fail();
    }
}

static void defaults(void **state)
{
    bench *b = *state;
    const fpc_option_set set = {.table = table, .stride = sizeof *table, .object = &sample};

    assert_int_equal(fpc_options_read(b->ctx, b->arena, "augment.x", NULL, 1, &set), FPC_OK);
    assert_int_equal(sample.on, 1);
    assert_int_equal(sample.count, 4);
    assert_true(sample.p == 0.5);
    assert_string_equal(sample.title, "none yet");
    assert_string_equal(sample.root, "");
    assert_int_equal(sample.mode, 1);
    assert_int_equal(sample.parts, 1);
    assert_int_equal(sample.dims.n, 3);
    assert_int_equal(sample.dims.v[2], 3);
    assert_int_equal(sample.weights.n, 0);
    assert_true(sample.span.lo == -1 && sample.span.hi == 2);
}

static void good_values(void **state)
{
    bench *b = *state;

    good(b, "on", "off"), assert_int_equal(sample.on, 0);
    good(b, "on", "Yes"), assert_int_equal(sample.on, 1);
    good(b, "on", "0"), assert_int_equal(sample.on, 0);
    good(b, "count", "100"), assert_int_equal(sample.count, 100);
    good(b, "seed", "-9223372036854775808"), assert_true(sample.seed == INT64_MIN);
    good(b, "p", "8e-1"), assert_true(sample.p == 0.8);
    good(b, "p", "1"), assert_true(sample.p == 1);
    good(b, "free", "-inf"), assert_true(isinf(sample.free));
    good(b, "title", ""), assert_string_equal(sample.title, "");
    good(b, "mode", "exact"), assert_int_equal(sample.mode, 2);
    good(b, "parts", "mask, image"), assert_int_equal(sample.parts, 3);
    good(b, "parts", ""), assert_int_equal(sample.parts, 0);
    good(b, "dims", "512"), assert_int_equal(sample.dims.n, 1);
    good(b, "weights", "0.5,1 , 2"), assert_true(sample.weights.n == 3 && sample.weights.v[2] == 2);
    good(b, "span", "15"), assert_true(sample.span.lo == -15 && sample.span.hi == 15);
    good(b, "span", "3, 3"), assert_true(sample.span.lo == 3 && sample.span.hi == 3);
    good(b, "use", "anything");
}

static void bad_values(void **state)
{
    bench *b = *state;

    refused(b, "on", "onn", "is neither on nor off; give on or off");
    refused(b, "count", "0", "is out of range; give 1 .. 100 px");
    refused(b, "count", "101", "out of range");
    refused(b, "count", "8e1", "whole numbers are written out: 80");
    refused(b, "count", "4.0", "whole numbers are written out: 4");
    refused(b, "count", "4.5", "is not a whole number; give 1 .. 100 px");
    refused(b, "count", "4 px", "is not a whole number");
    refused(b, "count", "", "has no value; give 1 .. 100 px");
    refused(b, "count", "0x10", "is not a whole number");
    refused(b, "seed", "9223372036854775808", "does not fit 64 bits");
    refused(b, "p", "1.5", "is out of range; give 0 .. 1 prob");
    refused(b, "p", "-0.1", "out of range");
    refused(b, "p", "0.5x", "is not a number; give 0 .. 1 prob");
    refused(b, "p", "0,5", "is not a number");
    refused(b, "p", "0x1p-1", "is not a number");
    refused(b, "p", "nan", "is not a finite number");
    refused(b, "p", "inf", "is not a finite number");
    refused(b, "free", "nan", "is not a finite number");
    refused(b, "free", "1e999", "is too large for a double");
    refused(b, "free", "1e-999", "is too close to zero");
    refused(b, "mode", "fsat", "is not among the choices; did you mean `fast`? Give one of fast, exact, both_ways");
    refused(b, "mode", "", "has no value; give one of fast");
    refused(b, "parts", "image, msak", "`msak` is not among the choices; did you mean `mask`?");
    refused(b, "dims", "1,,2", "has an empty place in its list");
    refused(b, "dims", "1, 600", "`600` is out of range; give whole numbers with commas, each 1 .. 512 channels");
    refused(b, "weights", "1, x", "`x` is not a number");
    refused(b, "span", "2, 1", "upside down; give the smaller number first: 1, 2");
    refused(b, "span", "-15", "upside down: one number a means -a, a; give 15");
    refused(b, "span", "1, 2, 3", "is no range; give lo, hi (or one number a for -a, a) within -180 .. 180 deg");
    refused(b, "span", "-200, 0", "is out of range");
    refused(b, "span", "", "is no range");
    refused(b, "positive", "1", "is one number a, which would mean -a, a; give both ends, lo, hi, within 0 .. 10");
    refused(b, "positive", "-1, 1", "is out of range; give both ends, lo, hi, within 0 .. 10");
    refused(b, "positive", "nan, 1", "is not a finite number");
    refused(b, "factor", "", "has no value; give 0 .. 10; VALUE @EPOCH, VALUE @EPOCH ... changes it");
    refused(b, "factor", "11", "is out of range; give 0 .. 10");
    refused(b, "factor", "1 @1, 11 @5", "`11` is out of range");
    refused(b, "factor", "1, 2", "`1` has no epoch; in a list each value begins at one");
    refused(b, "factor", "1 @1, 2", "`2` has no epoch");
    refused(b, "factor", "1 @1,, 2 @3", "has an empty place in its list");
    refused(b, "factor", "1 @1, 2 @3,", "has an empty place in its list");
    refused(b, "factor", "1 @2", "says nothing of the epochs before 2; the first value is that of @1");
    refused(b, "factor", "1 @0, 2 @3", "`@0` is no epoch; epochs are counted from 1");
    refused(b, "factor", "1 @1, 2 @3, 1 @3", "has @3 behind @3; give the epochs in rising order");
    refused(b, "factor", "1 @1, 2 @9, 1 @3", "has @3 behind @9");
    refused(b, "factor", "1 @1, 2 @x", "`@x` is no epoch");
    refused(b, "factor", "1 @1, 2 @3.5", "`@3.5` is no epoch");
    refused(b, "factor", "1 @1 @2", "`@1 @2` is no epoch");
    refused(b, "factor", "1 @1, two @3", "`two` is not a number");
    refused(b, "factor", "1 @1, nan @3", "`nan` is not a finite number");
}

/* Report D's schedule: a value from its epoch on; epochs of the text count from 1, those of the clock from 0. */
static void curves(void **state)
{
    bench *b = *state;

    good(b, "factor", "2.5");
    assert_true(sample.factor.n == 1 && fpc_curve_at(&sample.factor, 0) == 2.5);
    assert_true(fpc_curve_at(&sample.factor, 1000) == 2.5);
    good(b, "factor", "1.3 @1, 1.5@51 ,1.7 @ 101");
    assert_true(sample.factor.n == 3);
    assert_true(fpc_curve_at(&sample.factor, 0) == 1.3 && fpc_curve_at(&sample.factor, 49) == 1.3);
    assert_true(fpc_curve_at(&sample.factor, 50) == 1.5 && fpc_curve_at(&sample.factor, 99) == 1.5);
    assert_true(fpc_curve_at(&sample.factor, 100) == 1.7 && fpc_curve_at(&sample.factor, 100000) == 1.7);
    assert_string_equal(fpc_option_text(b->arena, &table[13], &sample), "1.3 @1, 1.5 @51, 1.7 @101");
    good(b, "factor", "4 @1"), assert_string_equal(fpc_option_text(b->arena, &table[13], &sample), "4");
}

static void sizes(void **state)
{
    static const struct {
        const char *text, *again;
        int32_t h, w;
    } read[] = {{"0", "0", 0, 0},
                {"512", "512", 512, 512},
                {"384x512", "384x512", 384, 512},
                {"512x512", "512", 512, 512},
                {"1x16384", "1x16384", 1, 16384},
                {"007", "7", 7, 7}};
    bench *b = *state;

    for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
        good(b, "extent", read[i].text);
        assert_int_equal(sample.extent.h, read[i].h);
        assert_int_equal(sample.extent.w, read[i].w);
        assert_string_equal(fpc_option_text(b->arena, &table[14], &sample), read[i].again);
    }
    assert_string_equal(fpc_option_range_text(b->arena, &table[14]),
                        "0 .. 16384 px, or HxW (height x width), as 384x512");
    assert_string_equal(fpc_option_type_text(&table[14]), "size");
    assert_int_equal(read_one(b, "p", "1"), FPC_OK);
    assert_true(sample.wide.h == 8 && sample.wide.w == 9);
    for (const char *const *bad = (const char *const[]){"12x", "x12", "x", "12 x 5", "12x5x3", "-1x5", "12x+5",
                                                        "12x5.5", "9999999999x5", "99999999999999999999x5", NULL};
         *bad; bad++)
        refused(b, "extent", *bad, "is no size; give 0 .. 16384 px, or HxW (height x width), as 384x512");
    refused(b, "extent", "0x5", "has a side of 0; give 0 .. 16384 px, or HxW");
    refused(b, "extent", "5x0", "has a side of 0; give 0 .. 16384 px, or HxW");
    refused(b, "extent", "5x16385", "is out of range; give 0 .. 16384 px, or HxW");
    refused(b, "extent", "16385x5", "is out of range");
    refused(b, "extent", "16385", "is out of range; give 0 .. 16384 px");
    refused(b, "extent", "-1", "is out of range");
    refused(b, "extent", "", "has no value; give 0 .. 16384 px, or HxW");
    refused(b, "extent", "1e3", "whole numbers are written out: 1000");
    refused(b, "extent", "large", "is not a whole number; give 0 .. 16384 px, or HxW");
    refused(b, "wide", "4294967297", "is out of range");
}

static void unknown_keys(void **state)
{
    bench *b = *state;

    refused(b, "cuont", "1", "unknown key; did you mean `count`?");
    refused(b, "tilte", "x", "unknown key; did you mean `title`?");
    refused(b, "qqqqqqqq", "x", "unknown key; [augment.x] takes use, on, count, seed, p");
    refused(b, "include", "a.ini", "belongs before the first section");
}

static void required_values(void **state)
{
    bench *b = *state;
    static const fpc_option required[] = {{"root", "folder of the pictures", "", NULL, 1, 0, NULL, FPC_OPT_PATH,
                                           FPC_OPT_REQUIRED, offsetof(struct sample, root)},
                                          {0}};
    const fpc_option_set set = {.table = required, .stride = sizeof *required, .object = &sample};
    fpc_entry entry = {"root", "", "r.ini:9"};
    fpc_section section = {"dataset", "r.ini:7", 0, &entry};

    assert_int_equal(fpc_options_read(b->ctx, b->arena, "dataset", &section, 1, &set), FPC_EINVAL);
    assert_string_equal(fpc_ctx_error(b->ctx),
                        "r.ini:7: [dataset]: the key `root` is missing; it has no default: give a path, "
                        "folder of the pictures");
    /* the section stands in a file that was included */
    fpc_option_set of_recipe = set;
    of_recipe.recipe = "mine.ini";
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_options_read(b->ctx, b->arena, "dataset", &section, 1, &of_recipe), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "mine.ini: [dataset] (r.ini:7): the key `root` is missing;"));
    of_recipe.recipe = "r.ini";
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_options_read(b->ctx, b->arena, "dataset", &section, 1, &of_recipe), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "r.ini:7: [dataset]: the key `root` is missing;"));
    section.n = 1;
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_options_read(b->ctx, b->arena, "dataset", &section, 1, &set), FPC_EINVAL);
    assert_string_equal(fpc_ctx_error(b->ctx), "r.ini:9: dataset.root = : has no value");
}

/* ---- paths ---- */

static const char *last_line;
static int lines;
static void keep_line(void *arg, int level, const char *line)
{
    (void)level;
    last_line = fpc_strdup(arg, line);
    lines++;
}

static const fpc_choice presets[] = {{"faces", 0, ""}, {0}};
static const fpc_option paths[] = {
    {"root", "folder", "", NULL, 1, 0, NULL, FPC_OPT_PATH, FPC_OPT_REQUIRED, offsetof(struct sample, root)},
    FPC_OPTION_PATH_BESIDE(struct sample, title, "", "root", "a file"),
    {0}};
static const fpc_option preset[] = {
    {"title", "", "", "", 1, 0, presets, FPC_OPT_PATH, 0, offsetof(struct sample, title)}, {0}};
static const fpc_option here[] = {
    {"title", "", "", "", 1, 0, NULL, FPC_OPT_PATH, FPC_OPT_HERE, offsetof(struct sample, title)}, {0}};

/* Reads `root` and `title` as they stand in a recipe in the folder conf. */
static const char *read_title(bench *b, const fpc_option *rows, const char *origin, const char *root, const char *title)
{
    fpc_entry entry[] = {{"title", title, origin}, {"root", root, origin}};
    const fpc_section section = {"dataset", origin, rows == paths ? 2 : 1, entry};
    const fpc_option_set set = {.table = rows, .stride = sizeof *rows, .object = &sample};

    memset(&sample, 0, sizeof sample);
    assert_int_equal(fpc_options_read(b->ctx, b->arena, "dataset", &section, 1, &set), FPC_OK);
    return sample.title;
}

static void a_path_lies_beside_the_recipe_its_root_or_the_shell(void **state)
{
    bench *b = *state;
    char before[4096];

    assert_non_null(getcwd(before, sizeof before));
    make_folder("conf/data");
    make_folder("data");
    write_bytes("data/list", "x", 1);
    write_bytes("conf/list", "x", 1);
    write_bytes("both", "x", 1);
    write_bytes("conf/both", "x", 1);
    write_bytes("here", "x", 1);
    assert_int_equal(chdir(test_folder()), 0);
    fpc_ctx_log_sink(b->ctx, keep_line, b->arena);
    lines = 0;

    assert_string_equal(read_title(b, paths, "conf/r.ini:3", "data", "both"), in_folder("conf/both"));
    assert_string_equal(sample.root, in_folder("conf/data"));
    assert_string_equal(read_title(b, paths, "-s dataset.x=y", "data", "both"), in_folder("both"));
    assert_string_equal(sample.root, in_folder("data"));
    assert_string_equal(read_title(b, paths, "-s dataset.x=y", "data", "list"), in_folder("data/list"));
    assert_string_equal(read_title(b, paths, "r.ini:3", "./data", "./list"), in_folder("data/list"));
    assert_string_equal(read_title(b, paths, "r.ini:3", "data", "/etc/list"), "/etc/list");
    assert_string_equal(read_title(b, paths, "r.ini:3", "data", ""), "");
    assert_string_equal(read_title(b, paths, "conf/r.ini:3", "data", "nowhere"), in_folder("conf/nowhere"));
    assert_int_equal(lines, 0); /* nothing of that needs a word */

    assert_string_equal(read_title(b, paths, "conf/r.ini:3", "data", "here"), in_folder("here"));
    assert_string_equal(last_line, fpc_sprintf(b->arena,
                                               "note: conf/r.ini:3: dataset.title = here: nothing is there beside the "
                                               "recipe (%s); it was found where fpcore was started: %s",
                                               in_folder("conf/here"), in_folder("here")));
    read_title(b, paths, "conf/r.ini:3", "data", "here");
    assert_int_equal(lines, 1); /* and that one is said once */

    assert_string_equal(read_title(b, preset, "conf/r.ini:3", "", "faces"), "faces");
    assert_string_equal(read_title(b, preset, "conf/r.ini:3", "", "both"), in_folder("conf/both"));
    assert_string_equal(read_title(b, here, "conf/r.ini:3", "", "both"), "both");
    assert_int_equal(chdir(before), 0);
}

static void what_no_recipe_could_state_stays_relative(void **state)
{
    bench *b = *state;
    char before[4096];

    assert_non_null(getcwd(before, sizeof before));
    make_folder("a\"b'c;d");
    assert_int_equal(chdir(in_folder("a\"b'c;d")), 0);
    assert_string_equal(read_title(b, paths, "r.ini:3", "data", "list"), "list");
    assert_int_equal(chdir(before), 0);
}

static void where_a_path_was_looked_for(void **state)
{
    bench *b = *state;
    char before[4096];
    fpc_entry entry[] = {
        {"list", "x", "/a/conf/r.ini:3"}, {"fixed", "/b/c/x", "r.ini:4"}, {"given", "x", "-s d.given=x"}};
    const fpc_section section = {"dataset", "r.ini:1", 3, entry};
    const fpc_self self = {b->ctx, b->arena, "dataset", &section};

    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir("/"), 0);
    assert_string_equal(fpc_looked(&self, "list", "/data"), "/a/conf/, then in /data, then in /");
    assert_string_equal(fpc_looked(&self, "list", NULL), "/a/conf/, then in /");
    assert_string_equal(fpc_looked(&self, "fixed", "/data"), "/b/c/");
    assert_string_equal(fpc_looked(&self, "given", NULL), "/");
    assert_int_equal(chdir(before), 0);
}

static void a_bad_default_is_the_plugins_fault(void **state)
{
    bench *b = *state;
    static const fpc_option bad[] = {FPC_OPTION_REAL(struct sample, p, "2", 0, 1, "", "chance"), {0}};
    const fpc_option_set set = {.table = bad, .stride = sizeof *bad, .object = &sample};

    assert_int_equal(fpc_options_read(b->ctx, b->arena, "augment.x", NULL, 1, &set), FPC_EABI);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "augment.x.p: its default \"2\""));
}

/* What an object states as text is read back to the same object. */
static void text_reads_back(void **state)
{
    bench *b = *state;
    static const char *const values[][2] = {
        {"p", "0.1"},
        {"p", "0.30000000000000004"},
        {"free", "-1.7976931348623157e+308"},
        {"free", "5e-300"},
        {"free", "0.00080000000000000004"},
        {"count", "77"},
        {"on", "off"},
        {"mode", "both_ways"},
        {"parts", "mask"},
        {"dims", "3, 1, 2"},
        {"weights", "0.1, 0.2"},
        {"weights", ""},
        {"span", "-0.1, 0.7"},
        {"title", "a; b"},
        {"title", " x"},
        {"title", "it's"},
        {"seed", "-5"},
        {"factor", "0.1"},
        {"factor", "1.3 @1, 1.5 @51, 0.30000000000000004 @101"},
    };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct sample first;
        const char *ini = "[s]\n";
        fpc_recipe *recipe;
        const fpc_option_set set = {.table = table, .stride = sizeof *table, .object = &sample};

        good(b, values[i][0], values[i][1]);
        first = sample;
        for (const fpc_option *o = table; o->name; o++)
            ini = fpc_sprintf(b->arena, "%s%s = %s\n", ini, o->name, fpc_option_text(b->arena, o, &first));
        assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "text", ini, 0, NULL, &recipe), FPC_OK);
        assert_int_equal(fpc_options_read(b->ctx, b->arena, "s", fpc_recipe_section(recipe, "s"), 1, &set), FPC_OK);
        assert_true(first.p == sample.p && first.free == sample.free && first.count == sample.count);
        assert_true(first.on == sample.on && first.mode == sample.mode && first.parts == sample.parts);
        assert_true(first.seed == sample.seed && first.span.lo == sample.span.lo && first.span.hi == sample.span.hi);
        assert_string_equal(first.title, sample.title);
        assert_int_equal(first.dims.n, sample.dims.n);
        assert_memory_equal(first.dims.v, sample.dims.v, (size_t)first.dims.n * sizeof(int64_t));
        assert_int_equal(first.factor.n, sample.factor.n);
        for (int64_t k = 0; k < first.factor.n; k++)
            assert_true(first.factor.epoch[k] == sample.factor.epoch[k] &&
                        first.factor.value[k] == sample.factor.value[k]);
        assert_int_equal(first.weights.n, sample.weights.n);
        for (int64_t k = 0; k < first.weights.n; k++)
            assert_true(first.weights.v[k] == sample.weights.v[k]);
    }
}

static void texts_are_short(void **state)
{
    bench *b = *state;

    good(b, "p", "8e-4"), assert_string_equal(fpc_option_text(b->arena, &table[3], &sample), "0.0008");
    good(b, "free", "1e-30"), assert_string_equal(fpc_option_text(b->arena, &table[4], &sample), "1e-30");
    good(b, "free", "-0"), assert_string_equal(fpc_option_text(b->arena, &table[4], &sample), "-0");
    assert_string_equal(fpc_option_range_text(b->arena, &table[1]), "1 .. 100 px");
    assert_string_equal(fpc_option_range_text(b->arena, &table[2]), "a whole number");
    assert_string_equal(fpc_option_range_text(b->arena, &table[0]), "on | off");
    assert_string_equal(fpc_option_type_text(&table[11]), "range");
}

/* A plugin built against a later header has longer rows. */
static void other_strides(void **state)
{
    bench *b = *state;
    struct {
        fpc_option row;
        const char *future[3];
    } wide[3] = {{FPC_OPTION_INT(struct sample, count, "5", 1, 100, "", "c"), {"x", "y", "z"}},
                 {FPC_OPTION_REAL(struct sample, p, "0.25", 0, 1, "", "p"), {"x", "y", "z"}}};
    const fpc_option_set set = {.table = &wide[0].row, .stride = sizeof *wide, .object = &sample};

    assert_int_equal(fpc_options_read(b->ctx, b->arena, "s", NULL, 1, &set), FPC_OK);
    assert_int_equal(sample.count, 5);
    assert_true(sample.p == 0.25);
}

static void nearest(void **state)
{
    static const char *const names[] = {"weight", "weight_decay", "lr", "beta1", "p", "cross_entropy"};

    (void)state;
    assert_string_equal(fpc_nearest("wieght", 6, names), "weight");
    assert_string_equal(fpc_nearest("weight_dekay", 6, names), "weight_decay");
    assert_string_equal(fpc_nearest("rl", 6, names), "lr");
    assert_string_equal(fpc_nearest("crossentropy", 6, names), "cross_entropy");
    assert_null(fpc_nearest("momentum", 6, names));
    assert_null(fpc_nearest("", 6, names));
    assert_null(fpc_nearest("q", 6, names)); /* replacing all of a word is no guess */
    assert_null(fpc_nearest("x", 0, NULL));
}

static void the_cores_own_defaults(void **state)
{
    bench *b = *state;
    fpc_run_options run;
    fpc_data_options data;
    fpc_schedule_common schedule;
    fpc_option_set set = fpc_core_set(fpc_core_run, &run);

    assert_int_equal(fpc_options_read(b->ctx, b->arena, "run", NULL, 1, &set), FPC_OK);
    assert_string_equal(run.name, "run");
    assert_string_equal(run.out, "runs");
    assert_string_equal(run.metric, "f_score");
    assert_int_equal(run.epochs, 1);
    assert_int_equal(run.accumulate, 1);
    assert_int_equal(run.rewrite, 1);
    assert_true(run.clip_norm == 0 && run.ema == 0);
    set = fpc_core_set(fpc_core_dataset, &data);
    assert_int_equal(fpc_options_read(b->ctx, b->arena, "dataset", NULL, 1, &set), FPC_OK);
    assert_true(data.batch == 32 && data.readers == 0 && data.cache_mb == 4096 && data.drop_last && data.shuffle);
    set = fpc_core_set(fpc_core_section("schedule"), &schedule);
    assert_int_equal(fpc_options_read(b->ctx, b->arena, "schedule", NULL, 1, &set), FPC_OK);
    assert_true(schedule.warmup_epochs == 0 && schedule.warmup_start == 0.1);
    assert_ptr_equal(fpc_core_section("loss.dice"), fpc_core_loss);
    assert_null(fpc_core_section("metric.f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(defaults),
        CASE(good_values),
        CASE(bad_values),
        CASE(curves),
        CASE(sizes),
        CASE(unknown_keys),
        CASE(required_values),
        CASE(a_path_lies_beside_the_recipe_its_root_or_the_shell),
        CASE(what_no_recipe_could_state_stays_relative),
        CASE(where_a_path_was_looked_for),
        CASE(a_bad_default_is_the_plugins_fault),
        CASE(text_reads_back),
        CASE(texts_are_short),
        CASE(other_strides),
        CASE(nearest),
        CASE(the_cores_own_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
