/* test_synthetic.c: drawn faces are pure functions of (seed, part, index), show every class at about the frequencies of
 * CelebAMask-HQ, and keep left and right on their sides. */
#define _GNU_SOURCE
#include "fixture.h"
#include <fpcore/dataset.h>
#include <math.h>

enum { CLASSES = 19, SIZE = 64, IMAGES = 800 };

static uint8_t image[512 * 512 * 3], mask[512 * 512], again[512 * 512 * 3];
static char id[64];

static fpc_instance open_set(bench *b, const char *text, fpc_dataset_info *info)
{
    const fpc_instance inst = open_plugin(b, "dataset", fpc_sprintf(b->arena, "use = synthetic\n%s", text));
    *info = (fpc_dataset_info){.size = sizeof *info};
    assert_int_equal(((const fpc_dataset_vtbl *)inst.vtbl)->open(inst.self, info), FPC_OK);
    return inst;
}

static void read_face(bench *b, const fpc_instance *inst, fpc_part part, int64_t index)
{
    static fpc_arena *scratch;
    static bench *whose;
    if (whose != b || !scratch)
        scratch = fpc_arena_new(b->ctx), whose = b;
    fpc_sample sample = {sizeof sample, image, mask, id, sizeof id};
    fpc_arena_reset(scratch);
    assert_int_equal(((const fpc_dataset_vtbl *)inst->vtbl)->read(inst->self, scratch, part, index, &sample), FPC_OK);
}

static void describes_itself(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    open_set(b, "size = 48\ntrain = 7\nval = 5\ntest = 3\n", &info);
    assert_true(info.h == 48 && info.w == 48 && info.c == 3 && info.classes == CLASSES && info.ignore_label == -1);
    assert_true(info.count[FPC_TRAIN] == 7 && info.count[FPC_VAL] == 5 && info.count[FPC_TEST] == 3);
    static const uint8_t pairs[3][2] = {{4, 5}, {6, 7}, {8, 9}};
    assert_int_equal(info.n_mirror_pairs, 3);
    assert_memory_equal(info.mirror_pairs, pairs, sizeof pairs);
    assert_string_equal(info.class_names[4], "l_eye");
    assert_memory_equal(info.palette[13], ((uint8_t[]){0, 0, 204}), 3);
    refuse_plugin(b, "dataset", "use = synthetic\nsize = 8\n", "dataset.size");
}

static void pure(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    const fpc_instance inst = open_set(b, "size = 40\n", &info), same = open_set(b, "size = 40\ntrain = 9\n", &info),
                       other = open_set(b, "size = 40\nseed = 2\n", &info);
    for (int i = 0; i < 6; i++) {
        read_face(b, &inst, FPC_TRAIN, i);
        memcpy(again, image, 40 * 40 * 3);
        read_face(b, &inst, FPC_TRAIN, 5 - i); /* order plays no part */
        read_face(b, &same, FPC_TRAIN, i);
        assert_memory_equal(image, again, 40 * 40 * 3);
        read_face(b, &inst, FPC_VAL, i);
        assert_memory_not_equal(image, again, 40 * 40 * 3);
        read_face(b, &other, FPC_TRAIN, i);
        assert_memory_not_equal(image, again, 40 * 40 * 3);
        read_face(b, &inst, FPC_TRAIN, i + 100);
        assert_memory_not_equal(image, again, 40 * 40 * 3);
    }
}

/* The same face at another size: labels of the large one's pixel centres agree but for edges. */
static void any_size(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    const fpc_instance small = open_set(b, "size = 85\n", &info), large = open_set(b, "size = 255\n", &info);
    static uint8_t coarse[85 * 85];
    for (int k = 0; k < 8; k++) {
        int differ = 0;
        read_face(b, &small, FPC_TRAIN, k);
        memcpy(coarse, mask, sizeof coarse);
        read_face(b, &large, FPC_TRAIN, k);
        for (int i = 0; i < 85 * 85; i++)
            differ += coarse[i] != mask[(i / 85 * 3 + 1) * 255 + i % 85 * 3 + 1];
        assert_in_range(differ, 0, 85 * 85 / 50);
    }
    static const int sizes[] = {16, 17, 31, 100, 512};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const fpc_instance inst = open_set(b, fpc_sprintf(b->arena, "size = %d\n", sizes[s]), &info);
        for (int k = 0; k < 3; k++)
            read_face(b, &inst, FPC_TEST, k);
        assert_in_range(mask[sizes[s] * sizes[s] - 1], 0, CLASSES - 1);
    }
}

/* Per class: share of pixels and of pictures in CelebAMask-HQ, percent. */
static const double pixels_of[CLASSES] = {28.77, 25.48, 2.07,  0.325, 0.223, 0.223, 0.426,  0.417, 0.48, 0.391,
                                          0.286, 0.411, 0.671, 31.02, 1.111, 0.204, 0.0086, 4.08,  3.405};
static const double images_of[CLASSES] = {100,  100,  100,  5.8,  97,  97.1, 96.8, 96.6, 53.3, 48.1,
                                          56.5, 99.6, 99.7, 96.9, 5.3, 23.4, 4.5,  97.5, 59.5};

static void classes_and_sides(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    const fpc_instance inst = open_set(b, "size = 64\ntrain = 800\n", &info);
    double pixels[CLASSES] = {0}, images[CLASSES] = {0};
    int decided[3] = {0};
    for (int i = 0; i < IMAGES; i++) {
        double count[CLASSES] = {0}, x[CLASSES] = {0};
        read_face(b, &inst, FPC_TRAIN, i);
        for (int k = 0; k < SIZE * SIZE; k++) {
            assert_in_range(mask[k], 0, CLASSES - 1);
            count[mask[k]]++;
            x[mask[k]] += k % SIZE;
        }
        for (int c = 0; c < CLASSES; c++) {
            pixels[c] += count[c] * 100.0 / (SIZE * SIZE) / IMAGES;
            images[c] += (count[c] > 0) * 100.0 / IMAGES;
        }
        for (int p = 0; p < 3; p++) { /* the person's own left is at the right of the picture */
            const uint8_t *pair = info.mirror_pairs[p];
            if (count[pair[0]] > 0 && count[pair[1]] > 0) {
                assert_true(x[pair[0]] / count[pair[0]] > x[pair[1]] / count[pair[1]]);
                decided[p]++;
            }
        }
    }
    assert_true(decided[0] > 700 && decided[1] > 700 && decided[2] > 150);
    for (int c = 0; c < CLASSES; c++) {
        if (fabs(images[c] - images_of[c]) > 5)
            fail_msg("%s is in %.1f %% of the pictures; wanted %.1f", info.class_names[c], images[c], images_of[c]);
        /* half as large to twice as large; the necklace's chain is thinner than a pixel here */
        if (pixels[c] > 2 * pixels_of[c] + 0.03 || pixels[c] < 0.5 * pixels_of[c] - 0.004)
            fail_msg("%s covers %.3f %%; wanted %.3f", info.class_names[c], pixels[c], pixels_of[c]);
    }
}

/* What a person would call a picture: light varies, colours vary, and label borders are borders of colour. */
static void pictures_vary(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    const fpc_instance inst = open_set(b, "size = 64\n", &info);
    double low = 255, high = 0, inside = 0, across = 0;
    int64_t n_inside = 0, n_across = 0;
    for (int i = 0; i < 60; i++) {
        double sum = 0;
        read_face(b, &inst, FPC_TRAIN, i);
        for (int k = 0; k < SIZE * SIZE * 3; k++)
            sum += image[k];
        sum /= SIZE * SIZE * 3;
        low = fmin(low, sum), high = fmax(high, sum);
        for (int k = 0; k < SIZE * SIZE - 1; k++) {
            if (k % SIZE == SIZE - 1)
                continue;
            const double step = abs(image[3 * k] - image[3 * k + 3]) + abs(image[3 * k + 1] - image[3 * k + 4]);
            if (mask[k] == mask[k + 1])
                inside += step, n_inside++;
            else
                across += step, n_across++;
        }
    }
    assert_true(high - low > 60);
    assert_true(across / (double)n_across > 2.5 * inside / (double)n_inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(describes_itself), CASE(pure), CASE(any_size), CASE(classes_and_sides),
                                       CASE(pictures_vary)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
