/* test_validation.c: the file of what each validation picture scored: it reads back as it was written, its scores are
 * those of the metric plugins bit for bit, and what lies about itself gets its sentence. */
#define _GNU_SOURCE
#include "fixture.h"
#include "weights/weights.h"
#include "record/validation.h"
#include <fpcore/metric.h>
#include <fpcore/rng.h>
#include <math.h>

enum { IMAGES = 7, CLASSES = 5, BATCH = 3 };

typedef struct fixture {
    bench *b;
    int32_t counts[IMAGES * CLASSES * 3];
    int64_t confusion[CLASSES * CLASSES];
    fpc_validation v;
    char path[300];
} fixture;

static const char *const image_name[IMAGES] = {"1.jpg", "2.jpg", "a \"b\".png", "\303\244.png", "5", "6", "7"};
static const char *const class_name[CLASSES] = {"background", "skin", "l_eye", "r_eye", "hair"};
static const uint8_t pairs[][2] = {{2, 3}};

/* Counts of every size; class 4 is labelled nowhere, picture 5 holds no label at all, picture 6 is perfect. */
static int setup(void **state)
{
    static fixture f;
    void *b;

    if (bench_open(&b))
        return -1;
    f = (fixture){.b = b};
    for (uint32_t i = 0; i < IMAGES * CLASSES; i++) {
        const fpc_u32x4 u = fpc_philox4x32(1, 2, i, 0, 0, 0);
        const uint32_t image = i / CLASSES, class = i % CLASSES;
        for (int k = 0; k < 3; k++)
            f.counts[i * 3 + (uint32_t)k] = (int32_t)(u.v[k] >> (8 + i % 12));
        if (class == 4 || image == 5)
            f.counts[i * 3] = f.counts[i * 3 + 2] = 0;
        if (image == 6)
            f.counts[i * 3 + 1] = f.counts[i * 3 + 2] = 0;
        f.confusion[i % (CLASSES * CLASSES)] += u.v[3];
    }
    f.v = (fpc_validation){.epoch = 12,
                           .images = IMAGES,
                           .batch = BATCH,
                           .classes = CLASSES,
                           .counts = f.counts,
                           .confusion = f.confusion,
                           .image_name = image_name,
                           .class_name = class_name,
                           .n_pairs = 1,
                           .pairs = pairs};
    snprintf(f.path, sizeof f.path, "%s", in_folder("validation.safetensors"));
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    void *b = f->b;

    return bench_close(&b);
}

static void reads_back(void **state)
{
    fixture *f = *state;
    fpc_validation *got;

    assert_int_equal(fpc_validation_write(f->b->ctx, f->path, &f->v), FPC_OK);
    if (fpc_validation_read(f->b->ctx, f->b->arena, f->path, &got))
        fail_msg("%s", fpc_ctx_error(f->b->ctx));
    assert_true(got->epoch == 12 && got->images == IMAGES && got->batch == BATCH && got->classes == CLASSES);
    assert_memory_equal(got->counts, f->counts, sizeof f->counts);
    assert_memory_equal(got->confusion, f->confusion, sizeof f->confusion);
    assert_int_equal(got->n_pairs, 1);
    assert_memory_equal(got->pairs, pairs, sizeof pairs);
    for (int i = 0; i < IMAGES; i++)
        assert_string_equal(got->image_name[i], image_name[i]);
    for (int i = 0; i < CLASSES; i++)
        assert_string_equal(got->class_name[i], class_name[i]);
}

static void optional_parts(void **state)
{
    fixture *f = *state;
    fpc_validation *got;

    f->v.confusion = NULL;
    f->v.image_name = f->v.class_name = NULL;
    f->v.n_pairs = 0;
    assert_int_equal(fpc_validation_write(f->b->ctx, f->path, &f->v), FPC_OK);
    assert_int_equal(fpc_validation_read(f->b->ctx, f->b->arena, f->path, &got), FPC_OK);
    assert_true(!got->confusion && !got->image_name && !got->class_name && got->n_pairs == 0);
}

/* A name that is no UTF-8 keeps what it has of it. */
static void odd_name(void **state)
{
    fixture *f = *state;
    const char *name[IMAGES] = {"\377\376.jpg", "2", "3", "4", "5", "6", "7"};
    fpc_validation *got;

    f->v.image_name = name;
    assert_int_equal(fpc_validation_write(f->b->ctx, f->path, &f->v), FPC_OK);
    assert_int_equal(fpc_validation_read(f->b->ctx, f->b->arena, f->path, &got), FPC_OK);
    assert_string_equal(got->image_name[0], "?\?.jpg");
}

/* ---- scores ---- */

static double plugin_value(fixture *f, const char *name, double *per_class)
{
    const fpc_instance m = open_plugin(f->b, "metric.m", fpc_sprintf(f->b->arena, "use = %s", name));
    const fpc_metric_vtbl *vtbl = m.vtbl;

    vtbl->reset(m.self, CLASSES);
    for (int32_t first = 0; first < IMAGES; first += BATCH) {
        const fpc_counts counts = {.size = sizeof counts,
                                   .images = IMAGES - first < BATCH ? IMAGES - first : BATCH,
                                   .classes = CLASSES,
                                   .tp_fp_fn = f->counts + (int64_t)first * CLASSES * 3};
        vtbl->update(m.self, &counts);
    }
    if (per_class)
        vtbl->per_class(m.self, per_class);
    return vtbl->value(m.self);
}

static void near(double a, double b, double bound)
{
    if (!(fabs(a - b) <= bound))
        fail_msg("%.17g is not %.17g +- %g", a, b, bound);
}

static void same_bits(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static void scores_of_the_plugins(void **state)
{
    fixture *f = *state;
    double per_class[CLASSES], sum = 0, precision, recall;
    int n = 0;

    for (int64_t i = 0; i < IMAGES; i++) {
        const double one = fpc_validation_f_image(&f->v, i);
        assert_int_equal(isnan(one), i == 5);
        if (i != 5)
            sum += one, n++;
    }
    same_bits(sum / n, plugin_value(f, "fscore_image", NULL));
    assert_true(fpc_validation_f_image(&f->v, 6) > 1 - 1e-6 && fpc_validation_f_image(&f->v, 6) < 1);

    assert_int_equal(fpc_validation_batches(&f->v), 3);
    sum = 0;
    for (int64_t i = 0; i < 3; i++)
        sum += fpc_validation_f_batch(&f->v, i);
    same_bits(sum / 3, plugin_value(f, "fscore_batch", NULL));

    plugin_value(f, "f1_class", per_class);
    for (int32_t c = 0; c < 4; c++) {
        same_bits(fpc_validation_f_class(&f->v, c), per_class[c]);
        fpc_validation_pr_class(&f->v, c, &precision, &recall);
        near(2 * precision * recall / (precision + recall), per_class[c], 1e-7);
    }
    assert_true(isnan(fpc_validation_f_class(&f->v, 4)));
    fpc_validation_pr_class(&f->v, 4, &precision, &recall);
    assert_true(isnan(precision) && isnan(recall));
}

/* A small example worked by hand. */
static void golden(void **state)
{
    static const int32_t counts[2][4][3] = {{{0, 0, 2}, {0, 1, 2}, {0, 1, 0}, {0, 2, 0}},
                                            {{1, 0, 1}, {0, 2, 2}, {1, 0, 3}, {0, 4, 0}}};
    const fpc_validation v = {.epoch = 1, .images = 2, .batch = 2, .classes = 4, .counts = &counts[0][0][0]};

    (void)state;
    near(fpc_validation_f_class(&v, 0), 0.39999995, 1e-7);
    near(fpc_validation_f_class(&v, 1), 0, 0);
    near(fpc_validation_f_class(&v, 2), 0.33333328, 1e-7);
    assert_true(isnan(fpc_validation_f_class(&v, 3)));
    near(fpc_validation_f_batch(&v, 0), 0.2444444099, 1e-9);
}

/* ---- refusals ---- */

static void refuse_write(fixture *f, const char *want)
{
    assert_int_equal(fpc_validation_write(f->b->ctx, f->path, &f->v), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(f->b->ctx), want));
    assert_int_not_equal(access(f->path, F_OK), 0);
    fpc_ctx_clear(f->b->ctx);
}

static void bad_writes(void **state)
{
    fixture *f = *state;

    f->v.images = 0;
    refuse_write(f, "no counts of pictures");
    f->v.images = IMAGES;
    f->v.classes = 257;
    refuse_write(f, "1 to 256 classes");
    f->v.classes = CLASSES;
    f->v.epoch = 0;
    refuse_write(f, "epoch and batch count from 1");
}

/* Three tensors and five texts, one of which lies. */
typedef struct lie {
    fpc_st_tensor tensor[3];
    fpc_st_meta meta[5];
} lie;

static lie truth(const fixture *f)
{
    return (lie){{{"counts", FPC_I32, 3, {IMAGES, CLASSES, 3}, IMAGES * CLASSES * 3, f->counts},
                  {"confusion", FPC_I64, 2, {CLASSES, CLASSES}, CLASSES * CLASSES, f->confusion},
                  {"pairs", FPC_U8, 2, {1, 2}, 2, pairs}},
                 {{"format", "fpcore validation 1"},
                  {"epoch", "12"},
                  {"batch", "3"},
                  {"image_names", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\"]"},
                  {"class_names", "[\"a\",\"b\",\"c\",\"d\",\"e\"]"}}};
}

static void refuse_read(fixture *f, const lie *l, const char *want)
{
    fpc_validation *v;

    assert_int_equal(fpc_st_write(f->b->ctx, f->path, 3, l->tensor, 5, l->meta), FPC_OK);
    if (!want) {
        assert_int_equal(fpc_validation_read(f->b->ctx, f->b->arena, f->path, &v), FPC_OK);
        return;
    }
    assert_int_equal(fpc_validation_read(f->b->ctx, f->b->arena, f->path, &v), FPC_EFORMAT);
    if (!strstr(fpc_ctx_error(f->b->ctx), want) || !strstr(fpc_ctx_error(f->b->ctx), f->path))
        fail_msg("the sentence is \"%s\", without \"%s\"", fpc_ctx_error(f->b->ctx), want);
    fpc_ctx_clear(f->b->ctx);
}

static void lies_in_tensors(void **state)
{
    static const uint8_t beyond[][2] = {{2, 5}}, same[][2] = {{2, 2}};
    fixture *f = *state;
    lie l = truth(f);

    refuse_read(f, &l, NULL);
    l.tensor[0].name = "count";
    refuse_read(f, &l, "tensor counts is missing");
    l = truth(f);
    l.tensor[0].dims[1] = 3, l.tensor[0].dims[2] = CLASSES;
    refuse_read(f, &l, "tensor counts has shape (7, 3, 5)");
    l = truth(f);
    l.tensor[0].dims[0] = l.tensor[0].count = 0;
    refuse_read(f, &l, "tensor counts has shape (0, 5, 3)");
    l = truth(f);
    f->counts[2 * CLASSES * 3 + 3] = -4;
    refuse_read(f, &l, "tensor counts: picture 2, class 1 has -4 pixels");
    f->counts[2 * CLASSES * 3 + 3] = 4;
    l.tensor[1].dims[0] = 1, l.tensor[1].dims[1] = CLASSES * CLASSES;
    refuse_read(f, &l, "tensor confusion must be (5, 5) of I64");
    l = truth(f);
    f->confusion[3] = INT64_MIN;
    refuse_read(f, &l, "tensor confusion holds -9223372036854775808 pixels");
    f->confusion[3] = 3;
    l.tensor[2].data = beyond;
    refuse_read(f, &l, "2 and 5 are no pair of the 5 classes");
    l.tensor[2].data = same;
    refuse_read(f, &l, "2 and 2 are no pair of the 5 classes");
}

static void lies_in_texts(void **state)
{
    fixture *f = *state;
    lie l = truth(f);

    l.meta[0].value = "pt";
    refuse_read(f, &l, "is no validation file of a run: format \"pt\"");
    l = truth(f);
    l.meta[1].value = "0";
    refuse_read(f, &l, "`epoch` is \"0\", not a whole number from 1 on");
    l.meta[1].value = "99999999999999999999";
    refuse_read(f, &l, "`epoch` is \"99999999999999999999\"");
    l = truth(f);
    l.meta[2].value = "3 pictures";
    refuse_read(f, &l, "`batch` is \"3 pictures\"");
    l.meta[2] = (fpc_st_meta){"batches", "3"};
    refuse_read(f, &l, "`batch` is missing");
    l = truth(f);
    l.meta[3].value = "[\"1\"]";
    refuse_read(f, &l, "`image_names` is not a list of 7 names");
    l.meta[3].value = "[1,2,3,4,5,6,7]";
    refuse_read(f, &l, "`image_names`: entry 1 is no name");
    l = truth(f);
    l.meta[4].value = "[\"a\", \"b\"";
    refuse_read(f, &l, "`class_names` is not a list of 5 names");
}

static void truncated(void **state)
{
    fixture *f = *state;
    fpc_validation *v;

    assert_int_equal(fpc_validation_write(f->b->ctx, f->path, &f->v), FPC_OK);
    assert_int_equal(truncate(f->path, 400), 0);
    assert_int_equal(fpc_validation_read(f->b->ctx, f->b->arena, f->path, &v), FPC_EFORMAT);
    assert_non_null(strstr(fpc_ctx_error(f->b->ctx), "truncated"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_back), TEST(optional_parts), TEST(odd_name),        TEST(scores_of_the_plugins),
        TEST(golden),     TEST(bad_writes),     TEST(lies_in_tensors), TEST(lies_in_texts),
        TEST(truncated)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
