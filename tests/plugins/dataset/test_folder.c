/* test_folder.c: the folder data set: what it finds, how it splits, what it reads, and what it refuses with which
 * words. The real set is used where it is present: the split of the recorded runs, name by name. */
#define _GNU_SOURCE
#include "plugins/dataset/folders.h"

static void recorded_split(void **state)
{
    bench *b = *state;
    fpc_dataset_info info = {.size = sizeof info};
    const char *root = shared_file(b, "data/celebamask-mini");
    const fpc_instance inst =
        open_plugin(b, "dataset", fpc_sprintf(b->arena, "use = folder\nclasses = celebamask19\nroot = %s\n", root));
    assert_int_equal(((const fpc_dataset_vtbl *)inst.vtbl)->open(inst.self, &info), FPC_OK);
    assert_true(info.count[FPC_TRAIN] == 900 && info.count[FPC_VAL] == 100 && info.count[FPC_TEST] == 100);
    assert_true(info.h == 512 && info.w == 512 && info.classes == 19 && info.unlabelled[FPC_TEST] &&
                !info.unlabelled[FPC_VAL]);
    for (int part = FPC_TRAIN; part <= FPC_VAL; part++) {
        FILE *f = fopen(fpc_sprintf(b->arena, "%s/split42_%s.txt", root, part == FPC_TRAIN ? "train" : "val"), "r");
        char line[256];
        int64_t n = 0;
        assert_non_null(f);
        for (; fgets(line, sizeof line, f); n++) {
            line[strcspn(line, "\r\n")] = 0;
            assert_string_equal(name_of(&inst, part, n), line);
        }
        fclose(f);
        assert_int_equal(n, info.count[part]);
    }
    fpc_sample sample;
    uint8_t whole[512 * 512];
    assert_int_equal(read_one(b, &inst, FPC_VAL, 0, &sample), FPC_OK);
    memcpy(whole, sample.mask, sizeof whole);
    int64_t faces = 0;
    for (int i = 0; i < 512 * 512; i++) {
        assert_in_range(whole[i], 0, 18);
        faces += whole[i] == 1;
    }
    assert_true(faces > 10000);
    /* at 128 the mask is every fourth pixel's nearest, floor(4 i + 2) */
    const fpc_instance small = open_plugin(
        b, "dataset", fpc_sprintf(b->arena, "use = folder\nclasses = celebamask19\nroot = %s\nsize = 128\n", root));
    assert_int_equal(((const fpc_dataset_vtbl *)small.vtbl)->open(small.self, &info), FPC_OK);
    assert_int_equal(read_one(b, &small, FPC_VAL, 0, &sample), FPC_OK);
    for (int i = 0; i < 128 * 128; i++)
        assert_int_equal(sample.mask[i], whole[(i / 128 * 4 + 2) * 512 + i % 128 * 4 + 2]);
    assert_int_equal(read_one(b, &small, FPC_TEST, 5, &sample), FPC_OK);
}

static void reads_and_resizes(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    make_set(b, "plain", 10, 20, 16);
    fpc_instance inst = open_set(b, "plain", "", &info);
    assert_true(info.w == 20 && info.h == 16 && info.c == 3 && info.classes == 19 && info.n_mirror_pairs == 3);
    assert_true(info.count[FPC_TRAIN] == 9 && info.count[FPC_VAL] == 1 && info.count[FPC_TEST] == 0);
    assert_string_equal(info.class_names[18], "cloth");
    for (int i = 0; i < 9; i++) {
        assert_int_equal(read_one(b, &inst, FPC_TRAIN, i, &sample), FPC_OK);
        assert_string_equal(sample.id, name_of(&inst, FPC_TRAIN, i));
        const int k = atoi(sample.id);
        assert_memory_equal(sample.image, picture(b->arena, 20, 16, 3, k).pixel, 20 * 16 * 3);
        assert_memory_equal(sample.mask, picture(b->arena, 20, 16, 1, k).pixel, 20 * 16);
    }
    inst = open_set(b, "plain", "size = 8\n", &info);
    assert_true(info.w == 8 && info.h == 8);
    assert_int_equal(read_one(b, &inst, FPC_VAL, 0, &sample), FPC_OK);
    fpc_image large = picture(b->arena, 20, 16, 3, atoi(sample.id)), want;
    assert_int_equal(fpc_image_resize(b->ctx, b->arena, &large, 8, 8, &want), FPC_OK);
    assert_memory_equal(sample.image, want.pixel, 8 * 8 * 3);
    inst = open_set(b, "plain", "size = 6x10\n", &info);
    assert_true(info.h == 6 && info.w == 10);
    assert_int_equal(read_one(b, &inst, FPC_VAL, 0, &sample), FPC_OK);
    assert_int_equal(fpc_image_resize(b->ctx, b->arena, &large, 10, 6, &want), FPC_OK);
    assert_memory_equal(sample.image, want.pixel, 10 * 6 * 3);
    const fpc_image labels = picture(b->arena, 20, 16, 1, atoi(sample.id));
    assert_int_equal(fpc_mask_resize(b->ctx, b->arena, &labels, 10, 6, &want), FPC_OK);
    assert_memory_equal(sample.mask, want.pixel, 10 * 6);
    assert_int_equal(((const fpc_dataset_vtbl *)inst.vtbl)->describe(inst.self, &info), FPC_OK);
    assert_true(info.h == 6 && info.w == 10);
}

static void jpeg_beside_png(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    make_set(b, "mixed", 3, 16, 16);
    uint8_t flat[16 * 16 * 3];
    memset(flat, 90, sizeof flat);
    assert_int_equal(remove(in_folder("mixed/train/images/01.png")), 0);
    write_jpeg("mixed/train/images/01.JPEG", 16, 16, 3, flat);
    write_bytes("mixed/train/images/notes.txt", "x", 1);
    write_bytes("mixed/train/images/._01.jpg", "x", 1);
    const fpc_instance inst = open_set(b, "mixed", "val_split = 0\n", &info);
    assert_int_equal(info.count[FPC_TRAIN], 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_one(b, &inst, FPC_TRAIN, i, &sample), FPC_OK);
        if (!strcmp(sample.id, "01"))
            assert_in_range(sample.image[100], 88, 92);
    }
}

static void lists(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    make_set(b, "listed", 6, 8, 8);
    write_bytes("val.txt", "# two of them\n\n04\r\n  01.png \n", 29);
    const char *val = fpc_sprintf(b->arena, "val_list = %s\n", in_folder("val.txt"));
    const fpc_instance inst = open_set(b, "listed", val, &info);
    assert_true(info.count[FPC_TRAIN] == 4 && info.count[FPC_VAL] == 2);
    assert_string_equal(name_of(&inst, FPC_VAL, 0), "04");
    assert_string_equal(name_of(&inst, FPC_VAL, 1), "01");
    assert_string_equal(name_of(&inst, FPC_TRAIN, 0), "00");
    assert_string_equal(name_of(&inst, FPC_TRAIN, 3), "05");
    write_bytes("train.txt", "00\n01\n", 6);
    refuse_set(b, "listed", fpc_sprintf(b->arena, "%strain_list = %s\n", val, in_folder("train.txt")),
               "val.txt:4: `01.png` is in the training list and in the validation list");
    static const struct {
        const char *text, *want;
    } bad[] = {{"00\n09\n", "bad.txt:2: `09`: no picture of that name in "},
               {"00.jpg\n", "bad.txt:1: `00.jpg`: no picture of that name in "},
               {"00\n00\n", "bad.txt:2: `00` is in the list twice"},
               {"../../secret\n", "bad.txt:1: `../../secret`: a list holds names of pictures"},
               {"/etc/passwd\n", "without folders"},
               {"\n# nothing\n", "bad.txt: there is no name in it"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_bytes("bad.txt", bad[i].text, strlen(bad[i].text));
        refuse_set(b, "listed", fpc_sprintf(b->arena, "train_list = %s\n", in_folder("bad.txt")), bad[i].want);
    }
    refuse_set(b, "listed", "train_list = /nowhere/list.txt\n", "/nowhere/list.txt (dataset.train_list): No such file");
}

static void refuses_what_is_missing(void **state)
{
    bench *b = *state;
    refuse_set(b, "nowhere", "", "nowhere/train/images (dataset.root and dataset.images): No such file");
    refuse_plugin(b, "dataset", "use = folder\n", "the key `root` is missing");
    refuse_plugin(b, "dataset", "use = folder\nroot = x\n", "the key `classes` is missing");
    refuse_plugin(b, "dataset", "use = folder\nroot = x\n", "the lines `[classes]`, `0 = background`, `1 = NAME`");
    refuse_plugin(b, "dataset", "use = folder\nroot = x\n", "for faces celebamask19");
    make_folder("empty/train/images");
    make_folder("empty/train/masks");
    refuse_set(b, "empty", "", "empty/train/images: no pictures (.jpg, .jpeg, .png) in it");
    make_set(b, "lacking", 4, 8, 8);
    assert_int_equal(remove(in_folder("lacking/train/masks/02.png")), 0);
    refuse_set(b, "lacking", "", "lacking/train/images/02.png has no mask: ");
    const fpc_image image = picture(b->arena, 8, 8, 3, 0);
    write_jpeg("lacking/train/images/01.jpg", 8, 8, 3, image.pixel);
    refuse_set(b, "lacking", "", "have one stem; each picture needs its own");
    assert_int_equal(remove(in_folder("lacking/train/images/01.jpg")), 0);
    refuse_set(b, "lacking", "images = ../lacking/train/images\n",
               "dataset.images = ../lacking/train/images: a folder inside");
    refuse_set(b, "lacking", "masks = /etc\n", "no `..` and no leading `/`");
    refuse_set(b, "lacking", "images = train/..\n", "a folder inside");
    refuse_set(b, "empty", "test_images = elsewhere\nimages = nothing\n", "No such file");
}

static void refuse_sample(bench *b, const char *more, const char *want)
{
    fpc_dataset_info info;
    fpc_sample sample;
    const fpc_instance inst =
        open_set(b, "broken", fpc_sprintf(b->arena, "val_list = %s\n%s", in_folder("three.txt"), more), &info);
    assert_int_not_equal(read_one(b, &inst, FPC_VAL, 0, &sample), FPC_OK);
    said(b, want);
}

static void refuses_what_is_wrong_inside(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    size_t n;
    make_set(b, "broken", 5, 16, 16);
    write_bytes("three.txt", "03\n", 3);

    fpc_image mask = picture(b->arena, 16, 16, 1, 3);
    mask.pixel[5 * 16 + 7] = 19;
    write_png(b, "broken/train/masks/03.png", &mask, NULL, 0);
    refuse_sample(b, "",
                  "broken/train/masks/03.png: label 19 at x 7, y 5; there are 19 classes, so labels are 0 .. 18");
    refuse_sample(b, "size = 4\n", "label 19"); /* also where the small mask would miss the pixel */
    const fpc_instance inst = open_set(
        b, "broken", fpc_sprintf(b->arena, "val_list = %s\nignore_label = 19\n", in_folder("three.txt")), &info);
    assert_int_equal(info.ignore_label, 19);
    assert_int_equal(read_one(b, &inst, FPC_VAL, 0, &sample), FPC_OK);
    assert_int_equal(sample.mask[5 * 16 + 7], 19);

    const fpc_image small = picture(b->arena, 12, 16, 1, 3), rgb = picture(b->arena, 16, 16, 3, 3),
                    odd = picture(b->arena, 20, 16, 3, 3);
    write_png(b, "broken/train/masks/03.png", &small, NULL, 0);
    refuse_sample(b, "", "03.png: 12 x 16, but its picture ");
    write_png(b, "broken/train/masks/03.png", &rgb, NULL, 0);
    refuse_sample(b, "",
                  "masks/03.png: colour 93, 153, 213 at x 0, y 0 is that of no class; a mask in RGB has the colours");
    write_png(b, "broken/train/images/03.png", &odd, NULL, 0);
    refuse_sample(b, "", "images/03.png: 20 x 16, but the set's pictures are 16 x 16; dataset.size = N resizes all");
    const unsigned char *data = read_bytes("broken/train/images/02.png", &n);
    write_bytes("broken/train/images/03.png", data, n / 2);
    refuse_sample(b, "", "images/03.png: broken PNG");
    write_jpeg("x.jpg", 16, 16, 3, rgb.pixel);
    data = read_bytes("x.jpg", &n);
    write_bytes("broken/train/images/03.png", data, n / 2); /* the name's ending does not decide */
    refuse_sample(b, "", "images/03.png: broken JPEG");
}

static void parts(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    make_set(b, "tested", 3, 8, 8);
    make_folder("tested/test/images");
    make_folder("tested/test/masks");
    const fpc_image image = picture(b->arena, 8, 8, 3, 1), mask = picture(b->arena, 8, 8, 1, 1);
    write_png(b, "tested/test/images/a.png", &image, NULL, 0);
    write_png(b, "tested/test/images/b.png", &image, NULL, 0);
    fpc_instance inst = open_set(b, "tested", "", &info);
    assert_true(info.count[FPC_TEST] == 2 && info.unlabelled[FPC_TEST]);
    assert_int_equal(read_one(b, &inst, FPC_TEST, 1, &sample), FPC_OK);
    assert_string_equal(sample.id, "b");
    write_png(b, "tested/test/masks/a.png", &mask, NULL, 0);
    refuse_set(b, "tested", "test_masks = test/masks\n", "tested/test/images/b.png has no mask");
    write_png(b, "tested/test/masks/b.png", &mask, NULL, 0);
    inst = open_set(b, "tested", "test_masks = test/masks\n", &info);
    assert_false(info.unlabelled[FPC_TEST]);
    assert_int_equal(read_one(b, &inst, FPC_TEST, 1, &sample), FPC_OK);
    assert_memory_equal(sample.mask, mask.pixel, 64);
    inst = open_set(b, "tested", "test_images =\n", &info);
    assert_int_equal(info.count[FPC_TEST], 0);
}

static void own_classes(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    static const char good[] =
        "[classes]\n0 = ground\n1 = left\n2 = right\n[palette]\n2 = 1, 2, 3\n[mirror]\nside = 1, 2\n";
    make_set(b, "own", 2, 8, 8);
    write_bytes("c.ini", good, sizeof good - 1);
    const char *use = fpc_sprintf(b->arena, "classes = %s\n", in_folder("c.ini"));
    fpc_instance inst = open_set(b, "own", use, &info);
    assert_int_equal(info.classes, 3);
    assert_string_equal(info.class_names[2], "right");
    assert_memory_equal(info.palette[2], ((uint8_t[]){1, 2, 3}), 3);
    assert_memory_not_equal(info.palette[0], info.palette[1], 3);
    assert_int_equal(info.n_mirror_pairs, 1);
    assert_memory_equal(info.mirror_pairs[0], ((uint8_t[]){1, 2}), 2);
    fpc_sample sample;
    assert_int_equal(read_one(b, &inst, FPC_TRAIN, 0, &sample), FPC_EFORMAT);
    said(b, "there are 3 classes, so labels are 0 .. 2");
    static const struct {
        const char *text, *want;
    } bad[] = {
        {"[classes]\n0 = a\n2 = b\n", "c.ini:3: classes.2: labels are 0 .. 1, each once"},
        {"[classes]\n0 = a\n1 = b\n[palette]\n1 = 1, 2, 300\n",
         "c.ini:5: palette.1 = 1, 2, 300: a line is `LABEL = red, green, blue`"},
        {"[classes]\n0 = a\n1 = b\n[mirror]\nx = 0, 2\n", "c.ini:5: mirror.x = 0, 2: a line is `NAME = LABEL, LABEL`"},
        {"[classes]\n0 = a\n1 = b\n[mirror]\nx = 1, 1\n", "each in one pair at most"},
        {"[palette]\n0 = 1, 2, 3\n", "a section [classes]"},
        {"[classes]\n0 = a\n[colours]\n0 = 1, 2, 3\n", "[colours]"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_bytes("c.ini", bad[i].text, strlen(bad[i].text));
        refuse_set(b, "own", use, bad[i].want);
    }
    refuse_set(
        b, "own", "classes = celeba\n",
        "celeba: neither a preset (celebamask19, celebamask19_parsing, voc21, cityscapes19, lapa11, helen11, isic2, "
        "drive2, camvid11) nor a file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(reads_and_resizes),
                                       CASE(jpeg_beside_png),
                                       CASE(lists),
                                       CASE(refuses_what_is_missing),
                                       CASE(parts),
                                       CASE(own_classes),
                                       CASE(refuses_what_is_wrong_inside),
                                       CASE(recorded_split)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
