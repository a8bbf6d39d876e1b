/* test_folder_masks.c: masks of dataset/folder: values that are no labels, with what the refusal makes of them, the
 * option `map`, and the two orders of the names of CelebAMask-HQ. */
#define _GNU_SOURCE
#include "plugins/dataset/folders.h"
#include <png.h>

enum { SIDE = 8 };

/* Four pictures in NAME; all masks are `mask`. */
static void make_masked(bench *b, const char *name, const fpc_image *mask)
{
    make_set(b, name, 4, SIDE, SIDE);
    for (int i = 0; i < 4; i++)
        write_png(b, fpc_sprintf(b->arena, "%s/train/masks/%02d.png", name, i), mask, NULL, 0);
}

/* The mask of 8 x 8 whose pixel i has the value of[i % n]. */
static fpc_image mask_of(bench *b, int n, const int *of)
{
    fpc_image mask = {SIDE, SIDE, 1, fpc_alloc(b->arena, SIDE * SIDE)};
    assert_non_null(mask.pixel);
    for (int i = 0; i < SIDE * SIDE; i++)
        mask.pixel[i] = (uint8_t)of[i % n];
    return mask;
}

/* Options that name a file of so many classes. */
static const char *classes(bench *b, int n, const char *more)
{
    const char *text = "[classes]\n";
    for (int i = 0; i < n; i++)
        text = fpc_sprintf(b->arena, "%s%d = part%d\n", text, i, i);
    write_bytes("own.ini", text, strlen(text));
    return fpc_sprintf(b->arena, "classes = %s\n%s", in_folder("own.ini"), more);
}

static const char *refusal(bench *b, const char *name, const char *more)
{
    fpc_dataset_info info;
    fpc_sample sample;
    const fpc_instance inst = open_set(b, name, more, &info);
    assert_int_equal(read_one(b, &inst, FPC_TRAIN, 0, &sample), FPC_EFORMAT);
    const char *sentence = fpc_strdup(b->arena, fpc_ctx_error(b->ctx));
    fpc_ctx_clear(b->ctx);
    return sentence;
}

#define HOLDS(sentence, words)                                                                                         \
    if (!strstr(sentence, words))                                                                                      \
    fail_msg("`%s` is not in: %s", words, sentence)

static void black_and_white(void **state)
{
    bench *b = *state;
    const fpc_image mask = mask_of(b, 3, (int[]){0, 0, 255});
    make_masked(b, "bw", &mask);
    const char *said = refusal(b, "bw", classes(b, 2, ""));
    HOLDS(said, "label 255 at x 2, y 0; there are 2 classes, so labels are 0 .. 1 (21 pixels");
    HOLDS(said, "a mask in black and white, of the values 0 and 255 alone: `map = 0:0, 255:1` in [dataset]");
    assert_null(strstr(said, "ignore_label"));
    assert_null(strstr(refusal(b, "bw", ""), "ignore_label")); /* with the 19 classes of faces too */
    HOLDS(refusal(b, "bw", classes(b, 2, "size = 4\n")), "map = 0:0, 255:1");
}

static void other_values(void **state)
{
    bench *b = *state;
    fpc_image mask = mask_of(b, 4, (int[]){0, 85, 170, 255});
    make_masked(b, "grey", &mask);
    const char *said = refusal(b, "grey", classes(b, 4, ""));
    HOLDS(said, "where its values stand for labels, `map = 0:0, 85:1, 170:2, 255:3` in [dataset]");
    said = refusal(b, "grey", classes(b, 4, "ignore_label = 255\n"));
    HOLDS(said, "`map = 0:0, 85:1, 170:2, 255:255`");
    mask = mask_of(b, 8, (int[]){0, 1, 1, 1, 1, 2, 2, 255}); /* a border that counts nowhere */
    make_masked(b, "voc", &mask);
    said = refusal(b, "voc", classes(b, 3, ""));
    HOLDS(said, "`ignore_label = 255` in [dataset] would make them count nowhere");
    assert_null(strstr(said, "map"));
    mask = mask_of(b, 8, (int[]){0, 1, 1, 1, 1, 1, 254, 255}); /* two strangers: no single label helps */
    make_masked(b, "two", &mask);
    said = refusal(b, "two", classes(b, 3, ""));
    assert_null(strstr(said, "ignore_label"));
    for (int i = 0; i < SIDE * SIDE; i++)
        mask.pixel[i] = (uint8_t)(4 * i);
    make_masked(b, "smooth", &mask);
    said = refusal(b, "smooth", classes(b, 2, ""));
    HOLDS(said, "holds 64 different values, as one does that was smoothed");
    assert_null(strstr(said, "map ="));
}

static void mapped(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    const fpc_image mask = mask_of(b, 3, (int[]){0, 0, 255});
    make_masked(b, "map", &mask);
    const char *two = "map = 0:0, 255:1\n";
    fpc_instance inst = open_set(b, "map", classes(b, 2, two), &info);
    assert_int_equal(read_one(b, &inst, FPC_TRAIN, 0, &sample), FPC_OK);
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_int_equal(sample.mask[i], i % 3 == 2);
    inst = open_set(b, "map", classes(b, 2, "map=255:0,0:1\nsize = 4\n"), &info); /* nearest, after the map */
    assert_int_equal(read_one(b, &inst, FPC_TRAIN, 0, &sample), FPC_OK);
    for (int i = 0; i < 16; i++)
        assert_int_equal(sample.mask[i], ((i / 4 * 2 + 1) * SIDE + i % 4 * 2 + 1) % 3 != 2);
    /* a label that counts nowhere has to be in the map as any other value */
    inst = open_set(b, "map", classes(b, 2, "ignore_label = 9\nmap = 0 : 1 , 255 : 9\n"), &info);
    assert_int_equal(read_one(b, &inst, FPC_TRAIN, 0, &sample), FPC_OK);
    assert_true(sample.mask[0] == 1 && sample.mask[2] == 9);
    const char *said = refusal(b, "map", classes(b, 2, "map = 0:0, 1:1\n"));
    HOLDS(said, "map/train/masks/");
    HOLDS(said, "value 255 at x 2, y 0 is not in dataset.map = 0:0, 1:1 (21 of the mask's pixels in all)");
    static const struct {
        const char *map, *want;
    } bad[] = {{"0:0, 255", "`255` is not VALUE:LABEL"},
               {"0:0, 255:1,", "`` is not VALUE:LABEL"},
               {"0:0, x:1", "`x:1` is not VALUE:LABEL"},
               {"0:0, 255:1 2", "`255:1 2` is not VALUE:LABEL"},
               {"0:0, -1:1", "`-1:1` is not VALUE:LABEL"},
               {"0:0, 65536:1", "`65536:1` has a value that no mask holds"},
               {"0:0, 99999999999999999999:1", "has a value that no mask holds"},
               {"0:0, 255:2", "`255:2` has a label that no class has; it is a list of VALUE:LABEL, as in `0:0, 255:1`"},
               {"0:0, 255:1, 0:1", "`0:1` names its value for the second time"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse_set(b, "map", classes(b, 2, fpc_sprintf(b->arena, "map = %s\n", bad[i].map)), bad[i].want);
}

/* One bit a pixel, white where x is odd: grey, or a palette. */
static void write_bits(const char *name, int with_palette)
{
    FILE *f = fopen(in_folder(name), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    const png_color colours[2] = {{255, 255, 255}, {0, 0, 0}};
    assert_non_null(f);
    png_init_io(png, f);
    png_set_IHDR(png, info, SIDE, SIDE, 1, with_palette ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_GRAY,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (with_palette)
        png_set_PLTE(png, info, colours, 2);
    png_write_info(png, info);
    for (int y = 0; y < SIDE; y++)
        png_write_row(png, (png_const_bytep) "\x55");
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(f), 0);
}

/* The index counts, and not its colour; white of a grey file of one bit is 1. */
static void bits_and_palettes(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    static const uint8_t colours[3][3] = {{0, 0, 0}, {255, 255, 255}, {255, 0, 0}};
    make_set(b, "bits", 4, SIDE, SIDE);
    for (int i = 0; i < 4; i++) {
        const fpc_image mask = mask_of(b, 2, (int[]){0, 1});
        if (i < 3)
            write_bits(fpc_sprintf(b->arena, "bits/train/masks/%02d.png", i), i == 1);
        else
            write_png(b, "bits/train/masks/03.png", &mask, colours, 3);
    }
    for (int swap = 0; swap < 3; swap++) {
        const char *map[] = {"", "map = 0:0, 1:1\n", "map = 1:0, 0:1\n"};
        const fpc_instance inst = open_set(b, "bits", classes(b, 2, map[swap]), &info);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(read_one(b, &inst, FPC_TRAIN, k, &sample), FPC_OK);
            for (int i = 0; i < SIDE * SIDE; i++)
                assert_int_equal(sample.mask[i], (i + (swap == 2)) % 2);
        }
    }
}

static int label_named(const fpc_dataset_info *info, const char *name)
{
    for (int i = 0; i < info->classes; i++)
        if (!strcmp(info->class_names[i], name))
            return i;
    return -1;
}

/* The same names, colours and pairs, other numbers. */
static void two_orders(void **state)
{
    bench *b = *state;
    fpc_dataset_info one, two;
    static const char *const order[19] = {"background", "skin",   "l_brow", "r_brow", "l_eye", "r_eye", "eye_g",
                                          "l_ear",      "r_ear",  "ear_r",  "nose",   "mouth", "u_lip", "l_lip",
                                          "neck",       "neck_l", "cloth",  "hair",   "hat"};
    make_set(b, "orders", 2, SIDE, SIDE);
    open_set(b, "orders", "classes = celebamask19\n", &one);
    open_set(b, "orders", "classes = celebamask19_parsing\n", &two);
    assert_true(two.classes == 19 && two.n_mirror_pairs == 3);
    for (int i = 0; i < 19; i++) {
        const int other = label_named(&one, order[i]);
        assert_string_equal(two.class_names[i], order[i]);
        assert_true(other >= 0);
        assert_memory_equal(two.palette[i], one.palette[other], 3);
    }
    for (int p = 0; p < 3; p++) {
        const char *left = two.class_names[two.mirror_pairs[p][0]], *right = two.class_names[two.mirror_pairs[p][1]];
        assert_true(left[0] == 'l' && right[0] == 'r');
        assert_string_equal(left + 1, right + 1);
        assert_string_equal(left, one.class_names[one.mirror_pairs[p][0]]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(black_and_white), CASE(other_values), CASE(mapped), CASE(bits_and_palettes),
                                       CASE(two_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
