/* test_predictor.c: the door for programs that embed a network: it gives what the program's own path gives, to the bit;
 * wrong arguments and files get a sentence and no crash; handles are independent of each other; nothing is printed. */
#define _GNU_SOURCE
#include "tiny.h"
#include "base/message.h"
#include "data/classes.h"
#include "experiment/trained.h"
#include "experiment/tta.h"
#include "image/image.h"
#include "weights/weights.h"

#include <fpcore/experiment.h>
#include <locale.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static bench own; /* the network whose weights are in the folder */

static void write_text(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "w");

    assert_true(out && fputs(text, out) >= 0 && !fclose(out));
}

static int group_open(void **state)
{
    const fpc_st_meta meta[] = {{"format", "pt"}, {"recipe", TINY "[run]\nseed = 5\n"}};

    (void)state;
    make_folder("run");
    bench_experiment(&own, TINY, "run.seed=5", OPEN_ALL);
    write_text("tiny.ini", TINY "[run]\nseed = 1\n");
    write_text("other.ini", TINY_DATA "[model]\nuse = unet\nwidth = 4\n" TINY_LOSS);
    return fpc_weights_save(own.ctx, own.s->state, in_folder("run/best.safetensors"), 2, meta) ||
           fpc_weights_save(own.ctx, own.s->state, in_folder("bare.safetensors"), 1, meta);
}

static int group_close(void **state)
{
    (void)state;
    bench_free(&own);
    return 0;
}

static fpc_predictor *opened(const fpc_predictor_args *args)
{
    fpc_predictor *p;

    if (fpc_predictor_open(args, &p))
        fail_msg("%s", fpc_predictor_error(p));
    return p;
}

static void draw(uint8_t *rgb, int32_t h, int32_t w, int seed)
{
    for (int64_t i = 0; i < (int64_t)h * w * 3; i++)
        rgb[i] = (uint8_t)(i * 7 + i / (w * 3) * 11 + seed);
}

/* ---- what it gives ---- */

/* At the network's size the labels of its own program; at any other one the highest of the enlarged logits. */
static void labels_are_the_programs(void **state)
{
    enum { H = 50, W = 44 };
    static uint8_t rgb[H * W * 3], labels[H * W], want[H * W];
    const fpc_predictor_args args = {.size = sizeof args, .weights = in_folder("run")};
    fpc_predictor *p = opened(&args);
    fpc_image picture = {W, H, 3, rgb}, small;
    float *logits;
    int kinds = 0;

    (void)state;
    draw(rgb, H, W, 3);
    assert_int_equal(fpc_image_resize(own.ctx, own.arena, &picture, 32, 32, &small), FPC_OK);
    assert_int_equal(fpc_predict_step(own.s, 1, 32, 32, small.pixel, want), FPC_OK);
    assert_int_equal(fpc_predictor_labels(p, 32, 32, small.pixel, labels), FPC_OK);
    assert_memory_equal(labels, want, 32 * 32);
    assert_int_equal(fpc_predictor_labels(p, H, W, rgb, labels), FPC_OK);
    assert_int_equal(fpc_logits_step(own.s, own.arena, 32, 32, small.pixel, &logits), FPC_OK);
    assert_int_equal(fpc_scores_labels(own.arena, logits, 32, 32, 19, H, W, want), FPC_OK);
    assert_memory_equal(labels, want, sizeof labels);
    for (int i = 1; i < H * W; i++)
        kinds += labels[i] != labels[0];
    assert_true(kinds > 0); /* an answer of one label alone would prove little */
    fpc_predictor_close(p);
}

/* The same from the mean probabilities where mirror images are averaged. */
static void averages_are_enlarged_too(void **state)
{
    enum { H = 21, W = 67 };
    static uint8_t rgb[H * W * 3], labels[H * W], want[H * W];
    static float mean[32 * 32 * 19];
    const fpc_predictor_args args = {.size = sizeof args, .weights = in_folder("run"), .flip = 1};
    fpc_predictor *p = opened(&args);

    (void)state;
    draw(rgb, H, W, 5);
    assert_int_equal(fpc_predictor_labels(p, H, W, rgb, labels), FPC_OK);
    assert_int_equal(fpc_predictor_probabilities(p, H, W, rgb, mean), FPC_OK);
    assert_int_equal(fpc_scores_labels(own.arena, mean, 32, 32, 19, H, W, want), FPC_OK);
    assert_memory_equal(labels, want, sizeof labels);
    fpc_predictor_close(p);
}

static void probabilities_add_up(void **state)
{
    static uint8_t rgb[32 * 32 * 3], labels[32 * 32];
    static float p[32 * 32 * 19], mirrored[32 * 32 * 19];
    const fpc_predictor_args plain = {
        .size = sizeof plain, .weights = in_folder("bare.safetensors"), .recipe = in_folder("tiny.ini")};
    fpc_predictor_args flip = plain;
    fpc_predictor *a = opened(&plain), *b;
    int differ = 0;

    (void)state;
    flip.flip = 1;
    b = opened(&flip);
    draw(rgb, 32, 32, 9);
    assert_int_equal(fpc_predictor_probabilities(a, 32, 32, rgb, p), FPC_OK);
    assert_int_equal(fpc_predictor_labels(a, 32, 32, rgb, labels), FPC_OK);
    assert_int_equal(fpc_predictor_probabilities(b, 32, 32, rgb, mirrored), FPC_OK);
    for (int i = 0; i < 32 * 32; i++) {
        double sum = 0, most = 0;
        for (int c = 0; c < 19; c++) {
            sum += (double)p[i * 19 + c];
            most = fmax(most, (double)p[i * 19 + c]);
            differ += p[i * 19 + c] != mirrored[i * 19 + c];
        }
        assert_float_equal(sum, 1, 1e-5);
        assert_true((double)p[i * 19 + labels[i]] >= most - 1e-6);
    }
    assert_true(differ > 1000);
    fpc_predictor_close(a);
    fpc_predictor_close(b);
}

static void describes_itself(void **state)
{
    static const char *const set[] = {"dataset.size=40"};
    fpc_predictor_args args = {.size = sizeof args, .weights = in_folder("run"), .overrides = set, .n_overrides = 1};
    fpc_predictor_info info = {.size = sizeof info};
    fpc_predictor *p = opened(&args);
    struct {
        uint32_t size;
        int32_t h, w;
        int32_t beyond;
    } older = {12, 0, 0, -7}; /* of a program that knows less */

    (void)state;
    fpc_predictor_describe(p, &info);
    assert_true(info.h == 40 && info.w == 40 && info.classes == 19 && info.n_mirror_pairs > 0);
    assert_string_equal(info.class_names[1], "skin");
    assert_non_null(info.palette);
    assert_string_equal(info.model, "microsegformer");
    assert_string_equal(info.backend, own.s->backend->inst.plugin->name);
    assert_int_equal(info.parameters, own.s->state->n_trainable);
    fpc_predictor_describe(p, (fpc_predictor_info *)(void *)&older);
    assert_true(older.h == 40 && older.w == 40 && older.beyond == -7);
    fpc_predictor_close(p);
    args.h = args.w = 64; /* as the network sees them, whatever the recipe says */
    p = opened(&args);
    fpc_predictor_describe(p, &info);
    assert_true(info.h == 64 && info.w == 64);
    fpc_predictor_close(p);
}

/* ---- what it refuses ---- */

static void refuse(const fpc_predictor_args *args, fpc_status wanted, const char *text)
{
    static uint8_t rgb[12], labels[4];
    fpc_predictor_info info = {.size = sizeof info};
    fpc_predictor *p;
    const fpc_status status = fpc_predictor_open(args, &p);

    if (status != wanted || !strstr(fpc_predictor_error(p), text))
        fail_msg("status %d and \"%s\" instead of %d and \"%s\"", status, fpc_predictor_error(p), wanted, text);
    fpc_predictor_describe(p, &info);
    assert_int_equal(info.classes, 0);
    assert_int_equal(fpc_predictor_labels(p, 2, 2, rgb, labels), FPC_EINVAL);
    fpc_predictor_close(p);
}

static void wrong_openings(void **state)
{
    static const char *const slip[] = {"run.sed=3"};
    fpc_predictor_args a = {.size = sizeof a};

    (void)state;
    refuse(&a, FPC_EINVAL, "no weights are named");
    refuse(NULL, FPC_EINVAL, "no weights are named");
    a.weights = "/nowhere/w.safetensors";
    refuse(&a, FPC_ENOENT, "/nowhere/w.safetensors: cannot be opened");
    a.weights = in_folder("bare.safetensors");
    refuse(&a, FPC_EINVAL, "these weights do not hold their recipe");
    a.recipe = "/nowhere/r.ini";
    refuse(&a, FPC_ENOENT, "/nowhere/r.ini");
    a.recipe = in_folder("other.ini");
    refuse(&a, FPC_EFORMAT, "bare.safetensors");
    a.weights = in_folder("run");
    a.recipe = NULL;
    a.overrides = slip;
    a.n_overrides = 1;
    refuse(&a, FPC_EINVAL, "did you mean");
    a.overrides = NULL;
    refuse(&a, FPC_EINVAL, "1 overrides are announced");
    a.n_overrides = 0;
    a.h = 20000;
    a.w = 5;
    refuse(&a, FPC_EINVAL, "5 x 20000");
    a.h = a.w = 0;
    a.n_scales = 1;
    a.scale[0] = NAN;
    refuse(&a, FPC_EINVAL, "0.1 to 10");
    a.n_scales = 99;
    refuse(&a, FPC_EINVAL, "99 scales");
}

static void wrong_pictures(void **state)
{
    static uint8_t rgb[3 * 16], labels[16];
    const fpc_predictor_args args = {.size = sizeof args, .weights = in_folder("run")};
    fpc_predictor *p = opened(&args);

    (void)state;
    assert_int_equal(fpc_predictor_labels(p, 0, 4, rgb, labels), FPC_EFORMAT);
    assert_non_null(strstr(fpc_predictor_error(p), "0 x 0"));
    assert_int_equal(fpc_predictor_labels(p, 4, -1, rgb, labels), FPC_EFORMAT);
    assert_int_equal(fpc_predictor_labels(p, 16384, 16384, rgb, labels), FPC_EFORMAT);
    assert_int_equal(fpc_predictor_labels(p, 4, 4, NULL, labels), FPC_EINVAL);
    assert_non_null(strstr(fpc_predictor_error(p), "no picture is given"));
    assert_int_equal(fpc_predictor_labels(p, 4, 4, rgb, NULL), FPC_EINVAL);
    assert_int_equal(fpc_predictor_probabilities(p, 4, 4, rgb, NULL), FPC_EINVAL);
    assert_int_equal(fpc_predictor_labels(p, 4, 4, rgb, labels), FPC_OK); /* and goes on */
    assert_string_equal(fpc_predictor_error(p), "");
    fpc_predictor_close(p);
    fpc_predictor_close(NULL);
    assert_string_equal(fpc_predictor_error(NULL), "out of memory");
    assert_int_equal(fpc_predictor_open(&args, NULL), FPC_EINVAL);
    assert_int_equal(fpc_predictor_labels(NULL, 4, 4, rgb, labels), FPC_EINVAL);
    assert_int_equal(fpc_predictor_probabilities(NULL, 4, 4, rgb, NULL), FPC_EINVAL);
    fpc_predictor_describe(NULL, NULL);
    fpc_predictor_info info = {.size = sizeof info, .classes = 7};
    fpc_predictor_describe(NULL, &info);
    assert_int_equal(info.classes, 0);
}

/* ---- many handles ---- */

static void *ask(void *arg)
{
    static const fpc_predictor_args plain = {.size = sizeof plain};
    const uint8_t *want = arg;
    fpc_predictor_args args = plain;
    uint8_t rgb[32 * 32 * 3], labels[32 * 32];
    fpc_predictor *p;
    void *bad = NULL;

    args.weights = want ? (const char *)(want + 32 * 32) : NULL;
    draw(rgb, 32, 32, 1);
    for (int i = 0; i < 5 && !bad; i++) {
        if (fpc_predictor_open(&args, &p) || fpc_predictor_labels(p, 32, 32, rgb, labels) ||
            memcmp(labels, want, sizeof labels))
            bad = arg;
        fpc_predictor_close(p);
    }
    return bad;
}

static void in_two_threads(void **state)
{
    struct {
        uint8_t want[32 * 32];
        char weights[300];
    } task;
    uint8_t rgb[32 * 32 * 3];
    pthread_t thread[2];
    void *bad;

    (void)state;
    snprintf(task.weights, sizeof task.weights, "%s", in_folder("run"));
    draw(rgb, 32, 32, 1);
    assert_int_equal(fpc_predict_step(own.s, 1, 32, 32, rgb, task.want), FPC_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, ask, task.want), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], &bad);
        assert_null(bad);
    }
}

/* Neither success nor failure writes to stdout or stderr; who wants the notes gets them. */
static void hear(void *arg, int level, const char *line)
{
    (void)level, (void)line;
    ++*(int *)arg;
}

static void prints_nothing(void **state)
{
    int heard = 0, saved[2];
    const fpc_predictor_args good = {.size = sizeof good, .weights = in_folder("run"), .log = hear, .log_arg = &heard},
                             bad = {.size = sizeof bad, .weights = "/nowhere"};
    fpc_predictor *p;
    struct stat st;
    FILE *file = fopen(in_folder("said"), "w");

    (void)state;
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        saved[i] = dup(i + 1);
        dup2(fileno(file), i + 1);
    }
    fpc_status status = fpc_predictor_open(&good, &p);
    fpc_predictor_close(p);
    fpc_status refused = fpc_predictor_open(&bad, &p);
    fpc_predictor_close(p);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    fclose(file);
    assert_int_equal(status, FPC_OK);
    assert_int_equal(refused, FPC_ENOENT);
    assert_true(!stat(in_folder("said"), &st) && st.st_size == 0);
}

/* ---- somebody else's program ---- */

/* In a language that writes 0,5: recipes and the defaults of options have points, and the program keeps its language.
 */
static void speaks_other_languages(void **state)
{
    static const char *const set[] = {"model.dropout=0.25", "optimizer.lr=2.5e-3"};
    const fpc_predictor_args args = {
        .size = sizeof args, .weights = in_folder("run"), .overrides = set, .n_overrides = 2};
    static uint8_t rgb[32 * 32 * 3], labels[32 * 32];
    char command[400];

    (void)state;
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' 2>/dev/null", test_folder());
    const int warned = system(command); /* a mere warning, too, is a failure to it; what was made decides */
    (void)warned;
    setenv("LOCPATH", test_folder(), 1);
    if (!setlocale(LC_ALL, "de_DE.UTF-8") || strcmp(localeconv()->decimal_point, ",") != 0) {
        setlocale(LC_ALL, "C");
        unsetenv("LOCPATH");
        skip(); /* no such language can be had here */
    }
    fpc_predictor *p;
    const fpc_status status = fpc_predictor_open(&args, &p);
    const fpc_status asked = fpc_predictor_labels(p, 32, 32, rgb, labels);
    const int kept = !strcmp(localeconv()->decimal_point, ",") && uselocale((locale_t)0) == LC_GLOBAL_LOCALE;
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
    if (status || asked)
        fail_msg("%s", fpc_predictor_error(p));
    assert_true(kept);
    fpc_predictor_close(p);
}

/* What only a training needs is not there, and not missed. */
static void leaves_training_out(void **state)
{
    static const char *const set[] = {"logger.fax.use=fax",  "logger.fax.number=1", "loss.fax.use=fax",
                                      "augment.fax.use=fax", "optimizer.use=fax",   "schedule.use=fax",
                                      "metric.fax.use=fax"};
    const fpc_predictor_args args = {
        .size = sizeof args, .weights = in_folder("run"), .overrides = set, .n_overrides = 7};

    (void)state;
    fpc_predictor_close(opened(&args));
}

/* Metadata that tell nonsense, or of a later format, are refused or not believed. */
static void odd_metadata(void **state)
{
    static const struct {
        const char *key, *value, *says; /* says NULL: it opens */
    } odd[] = {{FPC_META_MODEL, "1", NULL},
               {FPC_META_MODEL, "2", "odd.safetensors: model format 2; this fpcore reads 1"},
               {FPC_META_MODEL, "0", "metadata fpcore.model = 0 make no sense"},
               {FPC_META_MODEL, "one", "metadata fpcore.model = one make no sense"},
               {FPC_META_CLASSES, "[classes]\n0 = a\n0 = b\n", "odd.safetensors: metadata class.table"},
               {FPC_META_INPUT, "0x32", NULL},
               {FPC_META_INPUT, "32x", NULL},
               {FPC_META_INPUT, "99999999999999999999x32", NULL},
               {FPC_META_ORIENTATION, "", NULL},
               {FPC_META_PATHS, "  dataset.root  . ", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        const fpc_st_meta meta[] = {{"recipe", TINY}, {odd[i].key, odd[i].value}};
        const char *path = in_folder("odd.safetensors");
        const fpc_predictor_args args = {.size = sizeof args, .weights = path};
        fpc_predictor *p;
        assert_int_equal(fpc_weights_save(own.ctx, own.s->state, path, 2, meta), FPC_OK);
        assert_int_equal(fpc_predictor_open(&args, &p) != FPC_OK, odd[i].says != NULL);
        if (odd[i].says && !strstr(fpc_predictor_error(p), odd[i].says))
            fail_msg("`%s` is not in: %s", odd[i].says, fpc_predictor_error(p));
        fpc_predictor_close(p);
    }
}

static void opens_again_and_again(void **state)
{
    const fpc_predictor_args args = {.size = sizeof args, .weights = in_folder("run")};

    (void)state;
    for (int i = 0; i < 20; i++)
        fpc_predictor_close(opened(&args));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(labels_are_the_programs),
                                       cmocka_unit_test(averages_are_enlarged_too),
                                       cmocka_unit_test(probabilities_add_up),
                                       cmocka_unit_test(describes_itself),
                                       cmocka_unit_test(wrong_openings),
                                       cmocka_unit_test(wrong_pictures),
                                       cmocka_unit_test(in_two_threads),
                                       cmocka_unit_test(prints_nothing),
                                       cmocka_unit_test(speaks_other_languages),
                                       cmocka_unit_test(leaves_training_out),
                                       cmocka_unit_test(odd_metadata),
                                       cmocka_unit_test(opens_again_and_again)};
    return cmocka_run_group_tests(tests, group_open, group_close);
}
