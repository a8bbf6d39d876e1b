/* test_folder_layouts.c: dataset/folder, how people lay out pictures and code masks: names with suffixes, in one folder
 * or two; folders of the validation's own; pictures without masks that no list names; masks in RGB and of 16 bits;
 * classes of known data sets. */
#include <png.h>

#include "plugins/dataset/folders.h"

enum { SIDE = 8 };

static const uint8_t colours[3][3] = {{0, 0, 0}, {10, 20, 30}, {200, 100, 0}};
static const char classes_text[] =
    "[classes]\n0 = ground\n1 = left\n2 = right\n[palette]\n0 = 0, 0, 0\n1 = 10, 20, 30\n2 = 200, 100, 0\n"
    "[mirror]\nside = 1, 2\n";

static const char *three(bench *b, const char *more)
{
    write_bytes("three.ini", classes_text, sizeof classes_text - 1);
    return fpc_sprintf(b->arena, "classes = %s\n%s", in_folder("three.ini"), more);
}

/* A picture, or a mask whose label at (x, y) is (x + y + k) % 3. */
static void put(bench *b, const char *path, int mask, int k)
{
    fpc_image image = picture(b->arena, SIDE, SIDE, mask ? 1 : 3, k);
    for (int i = 0; mask && i < SIDE * SIDE; i++)
        image.pixel[i] = (uint8_t)((i % SIDE + i / SIDE + k) % 3);
    write_png(b, path, &image, NULL, 0);
}

static void check_mask(bench *b, const fpc_instance *inst, fpc_part part, int64_t index, int k)
{
    fpc_sample sample;
    if (read_one(b, inst, part, index, &sample))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    for (int i = 0; i < SIDE * SIDE; i++)
        assert_int_equal(sample.mask[i], (i % SIDE + i / SIDE + k) % 3);
}

static void suffixes(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    make_folder("one");
    for (int i = 0; i < 4; i++) {
        put(b, fpc_sprintf(b->arena, "one/p%d_rgb.png", i), 0, i);
        put(b, fpc_sprintf(b->arena, "one/p%d_mask.png", i), 1, i);
    }
    const char *use = "images = .\nmasks = .\nimage_suffix = _rgb\nmask_suffix = _mask\nval_split = 0.5\n";
    fpc_instance inst = open_set(b, "one", three(b, use), &info);
    assert_true(info.count[FPC_TRAIN] == 2 && info.count[FPC_VAL] == 2);
    for (int i = 0; i < 2; i++)
        check_mask(b, &inst, FPC_TRAIN, i, name_of(&inst, FPC_TRAIN, i)[1] - '0');
    /* pictures without a suffix beside their masks */
    make_folder("bare");
    for (int i = 0; i < 3; i++) {
        put(b, fpc_sprintf(b->arena, "bare/p%d.png", i), 0, i);
        put(b, fpc_sprintf(b->arena, "bare/p%d_mask.png", i), 1, i);
    }
    inst = open_set(b, "bare", three(b, "images = .\nmasks = .\nmask_suffix = _mask\nval_split = 0\n"), &info);
    assert_int_equal(info.count[FPC_TRAIN], 3);
    for (int i = 0; i < 3; i++)
        check_mask(b, &inst, FPC_TRAIN, i, name_of(&inst, FPC_TRAIN, i)[1] - '0');
    /* lists may say what the file is called, or the stem */
    write_bytes("names.txt", "p1_rgb.png\np2_rgb\np3\n", 21);
    inst =
        open_set(b, "one", three(b, fpc_sprintf(b->arena, "%strain_list = %s\n", use, in_folder("names.txt"))), &info);
    assert_true(info.count[FPC_TRAIN] == 3 && info.count[FPC_VAL] == 1);
    assert_string_equal(name_of(&inst, FPC_VAL, 0), "p0");
    assert_int_equal(remove(in_folder("one/p1_mask.png")), 0);
    refuse_set(b, "one", three(b, use), "/p1_mask.png is not there (1 of 4");
    refuse_set(b, "one", three(b, "images = .\nmasks = .\nmask_suffix = _seg\n"), "no .png masks named NAME_seg in it");
}

static void validation_folders(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    static const char use[] = "val_images = val/images\nval_masks = val/masks\n";
    for (int part = 0; part < 2; part++) {
        const char *name = part ? "val" : "train";
        make_folder(fpc_sprintf(b->arena, "parts/%s/images", name));
        make_folder(fpc_sprintf(b->arena, "parts/%s/masks", name));
        for (int i = 0; i < 3 - part; i++) {
            put(b, fpc_sprintf(b->arena, "parts/%s/images/%c%d.png", name, *name, i), 0, i);
            put(b, fpc_sprintf(b->arena, "parts/%s/masks/%c%d.png", name, *name, i), 1, i + part);
        }
    }
    fpc_instance inst = open_set(b, "parts", three(b, use), &info);
    assert_true(info.count[FPC_TRAIN] == 3 && info.count[FPC_VAL] == 2);
    check_mask(b, &inst, FPC_TRAIN, 2, 2);
    check_mask(b, &inst, FPC_VAL, 1, 2);
    assert_string_equal(name_of(&inst, FPC_VAL, 1), "v1");
    /* sides of both are put right by name */
    write_bytes("sides.txt", "v1 exchange\n", 12);
    fpc_sample sample;
    inst = open_set(b, "parts", three(b, fpc_sprintf(b->arena, "%ssides = %s\n", use, in_folder("sides.txt"))), &info);
    check_mask(b, &inst, FPC_TRAIN, 1, 1);
    assert_int_equal(read_one(b, &inst, FPC_VAL, 1, &sample), FPC_OK);
    assert_true(sample.mask[0] == 1 && sample.mask[1] == 0 && sample.mask[2] == 2);
    refuse_set(b, "parts", three(b, "val_images = val/images\n"), "val_images and val_masks name the folders");
    put(b, "parts/val/images/t1.png", 0, 1);
    refuse_set(b, "parts", three(b, use), "parts/val/images/t1.png has no mask");
    /* lists name the pictures of their part's own folder; those that they leave out need no mask */
    write_bytes("val.txt", "v1\n", 3);
    write_bytes("train.txt", "t2\nt0.png\n", 10);
    const char *lists =
        fpc_sprintf(b->arena, "%strain_list = %s\nval_list = %s\n", use, in_folder("train.txt"), in_folder("val.txt"));
    inst = open_set(b, "parts", three(b, lists), &info);
    assert_true(info.count[FPC_TRAIN] == 2 && info.count[FPC_VAL] == 1);
    assert_string_equal(name_of(&inst, FPC_TRAIN, 0), "t2");
    assert_string_equal(name_of(&inst, FPC_VAL, 0), "v1");
    check_mask(b, &inst, FPC_TRAIN, 0, 2);
    check_mask(b, &inst, FPC_VAL, 0, 2);
    write_bytes("val.txt", "t2\n", 3);
    refuse_set(b, "parts", three(b, lists), "`t2`: no picture of that name in ");
    fpc_ctx_clear(b->ctx);
    /* and so does that of the test part */
    const char *test = fpc_sprintf(b->arena, "test_images = val/images\ntest_masks = val/masks\ntest_list = %s\n",
                                   in_folder("val.txt"));
    refuse_set(b, "parts", three(b, "test_images = val/images\ntest_masks = val/masks\n"), "t1.png has no mask");
    fpc_ctx_clear(b->ctx);
    write_bytes("val.txt", "v0\n", 3);
    open_set(b, "parts", three(b, test), &info);
    assert_int_equal(info.count[FPC_TEST], 1);
    put(b, "parts/val/masks/t1.png", 1, 1);
    write_bytes("sides.txt", "t1 exchange\n", 12);
    refuse_set(b, "parts", three(b, fpc_sprintf(b->arena, "%ssides = %s\n", use, in_folder("sides.txt"))),
               "`t1`: a picture of that name is in ");
}

/* As in Pascal VOC: more pictures than masks, and lists that say which have one. */
static void pictures_without_masks(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    make_set(b, "some", 5, SIDE, SIDE);
    assert_int_equal(remove(in_folder("some/train/masks/04.png")), 0);
    write_bytes("t.txt", "00\n01\n02\n", 9);
    write_bytes("v.txt", "03\n", 3);
    const char *train = fpc_sprintf(b->arena, "train_list = %s\n", in_folder("t.txt"));
    const char *both = fpc_sprintf(b->arena, "%sval_list = %s\n", train, in_folder("v.txt"));
    open_set(b, "some", both, &info);
    assert_true(info.count[FPC_TRAIN] == 3 && info.count[FPC_VAL] == 1);
    refuse_set(b, "some", train, "04.png has no mask");
    write_bytes("v.txt", "04\n", 3);
    refuse_set(b, "some", both, "04.png is not there (1 of 4 pictures lack theirs)");
}

/* A PNG of SIDE x SIDE as libpng writes it. */
static void write_raw(const char *name, int type, int depth, const uint8_t *rows, int stride)
{
    FILE *f = fopen(in_folder(name), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(f);
    png_init_io(png, f);
    png_set_IHDR(png, info, SIDE, SIDE, depth, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < SIDE; y++)
        png_write_row(png, rows + y * stride);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(f), 0);
}

/* Opens the set and reads its one picture, which has to fail. */
static void refuse_mask(bench *b, const char *more, const char *want)
{
    fpc_dataset_info info;
    fpc_sample sample;
    const fpc_instance inst = open_set(b, "coded", three(b, fpc_sprintf(b->arena, "%sval_split = 0\n", more)), &info);
    assert_int_not_equal(read_one(b, &inst, FPC_TRAIN, 0, &sample), FPC_OK);
    said(b, want);
}

static void accept_mask(bench *b, const char *more)
{
    fpc_dataset_info info;
    const fpc_instance inst = open_set(b, "coded", three(b, fpc_sprintf(b->arena, "%sval_split = 0\n", more)), &info);
    check_mask(b, &inst, FPC_TRAIN, 0, 0);
}

static void colour_masks(void **state)
{
    bench *b = *state;
    uint8_t rgba[SIDE * SIDE * 4], rgb[SIDE * SIDE * 3];
    fpc_dataset_info info;
    fpc_sample sample;
    make_set(b, "coded", 1, SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        memcpy(rgb + 3 * i, colours[(i % SIDE + i / SIDE) % 3], 3);
        memcpy(rgba + 4 * i, rgb + 3 * i, 3);
        rgba[4 * i + 3] = 128;
    }
    const fpc_image image = {SIDE, SIDE, 3, rgb};
    write_png(b, "coded/train/masks/00.png", &image, NULL, 0);
    accept_mask(b, "");
    accept_mask(b, "map = 0:0\n"); /* which is of numbers, and not of colours */
    write_raw("coded/train/masks/00.png", PNG_COLOR_TYPE_RGB_ALPHA, 8, rgba, 4 * SIDE);
    accept_mask(b, "");
    memcpy(rgb + 3 * (2 * SIDE + 5), "\1\2\3", 3);
    write_png(b, "coded/train/masks/00.png", &image, NULL, 0);
    refuse_mask(b, "", "masks/00.png: colour 1, 2, 3 at x 5, y 2 is that of no class");
    refuse_mask(b, "", "three.ini, and dataset.ignore_colour where nothing counts");
    const fpc_instance inst =
        open_set(b, "coded", three(b, "val_split = 0\nignore_label = 255\nignore_colour = 1, 2,3\n"), &info);
    assert_int_equal(read_one(b, &inst, FPC_TRAIN, 0, &sample), FPC_OK);
    assert_true(sample.mask[2 * SIDE + 5] == 255 && sample.mask[2 * SIDE + 6] == 2);
    refuse_set(b, "coded", three(b, "ignore_colour = 1, 2, 3\n"), "ignore_colour without dataset.ignore_label");
    static const char *const bad[] = {"1, 2", "1, 2, 256", "1, 2, 3, 4", "-1, 2, 3", "red"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse_set(b, "coded", three(b, fpc_sprintf(b->arena, "ignore_label = 255\nignore_colour = %s\n", bad[i])),
                   "it is `red, green, blue`, each 0 .. 255");
    static const char twice[] = "[classes]\n0 = a\n1 = b\n2 = c\n[palette]\n0 = 0, 0, 0\n1 = 1, 2, 3\n2 = 0, 0, 0\n";
    write_bytes("twice.ini", twice, sizeof twice - 1);
    const fpc_instance two =
        open_set(b, "coded", fpc_sprintf(b->arena, "val_split = 0\nclasses = %s\n", in_folder("twice.ini")), &info);
    assert_int_not_equal(read_one(b, &two, FPC_TRAIN, 0, &sample), FPC_OK);
    said(b, "0, 0, 0 is the colour of label 0 and of label 2");
}

static void wide_masks(void **state)
{
    bench *b = *state;
    uint8_t wide[SIDE * SIDE * 2] = {0}, with_alpha[SIDE * SIDE * 2];
    make_set(b, "coded", 1, SIDE, SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        wide[2 * i + 1] = with_alpha[2 * i] = (uint8_t)((i % SIDE + i / SIDE) % 3);
        with_alpha[2 * i + 1] = 255;
    }
    write_raw("coded/train/masks/00.png", PNG_COLOR_TYPE_GRAY_ALPHA, 8, with_alpha, 2 * SIDE);
    accept_mask(b, "");
    write_raw("coded/train/masks/00.png", PNG_COLOR_TYPE_GRAY, 16, wide, 2 * SIDE);
    accept_mask(b, "");
    refuse_mask(b, "map = 0:0, 1:1\n", "value 2 at x 2, y 0 is not in dataset.map");
    for (int i = 0; i < SIDE * SIDE; i++)
        if (wide[2 * i + 1] == 2)
            wide[2 * i] = 3; /* 770 */
    write_raw("coded/train/masks/00.png", PNG_COLOR_TYPE_GRAY, 16, wide, 2 * SIDE);
    refuse_mask(b, "",
                "value 770 at x 2, y 0 of a mask of 16 bits; labels are 0 .. 2. `map = 0:0, 770:1` in [dataset]");
    accept_mask(b, "map = 0:0, 1:1, 770:2\n");
}

/* Each preset is whole: names and colours that differ, labels in range, and what counts nowhere is none of them. */
static void presets(void **state)
{
    bench *b = *state;
    static const struct {
        const char *name, *first, *last;
        int n, pairs, ignored;
    } known[] = {{"voc21", "background", "tvmonitor", 21, 0, 255}, {"cityscapes19", "road", "bicycle", 19, 0, 255},
                 {"lapa11", "background", "hair", 11, 2, -1},      {"helen11", "background", "hair", 11, 2, -1},
                 {"isic2", "background", "lesion", 2, 0, -1},      {"drive2", "background", "vessel", 2, 0, -1},
                 {"camvid11", "sky", "bicyclist", 11, 0, 11}};
    fpc_dataset_info info;
    make_set(b, "known", 2, SIDE, SIDE);
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        open_set(b, "known", fpc_sprintf(b->arena, "classes = %s\n", known[k].name), &info);
        assert_int_equal(info.classes, known[k].n);
        assert_int_equal(info.n_mirror_pairs, known[k].pairs);
        assert_int_equal(info.ignore_label, known[k].ignored);
        assert_string_equal(info.class_names[0], known[k].first);
        assert_string_equal(info.class_names[info.classes - 1], known[k].last);
        for (int i = 0; i < info.classes; i++)
            for (int j = 0; j < i; j++) {
                assert_string_not_equal(info.class_names[i], info.class_names[j]);
                assert_memory_not_equal(info.palette[i], info.palette[j], 3);
            }
        for (int i = 0; i < info.n_mirror_pairs; i++) {
            assert_int_equal(strncmp(info.class_names[info.mirror_pairs[i][0]], "left_", 5), 0);
            assert_string_equal(info.class_names[info.mirror_pairs[i][0]] + 5,
                                info.class_names[info.mirror_pairs[i][1]] + 6);
        }
        open_set(b, "known", fpc_sprintf(b->arena, "classes = %s\nignore_label = 77\n", known[k].name), &info);
        assert_int_equal(info.ignore_label, 77);
    }
    open_set(b, "known", "classes = voc21\n", &info); /* by the bits of the label */
    for (int i = 0; i < 21; i++)
        for (int c = 0; c < 3; c++)
            assert_int_equal(info.palette[i][c], (i >> c & 1) << 7 | (i >> (c + 3) & 1) << 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(suffixes),     CASE(validation_folders), CASE(pictures_without_masks),
                                       CASE(colour_masks), CASE(wide_masks),         CASE(presets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
