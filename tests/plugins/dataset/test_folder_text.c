/* test_folder_text.c: lists, lists of sides and files of classes as editors on other systems save them, and names that
 * are spelt in two ways: the case of an ending, accents taken apart or not. */
#define _GNU_SOURCE
#include "plugins/dataset/folders.h"

static const char *option(bench *b, const char *key, const char *file, const char *text, size_t bytes)
{
    write_bytes(file, text, bytes);
    return fpc_sprintf(b->arena, "%s = %s\n", key, in_folder(file));
}
#define OPTION(key, file, text) option(b, key, file, text, sizeof text - 1)

static void encodings(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    static const char *const good[] = {"\xef\xbb\xbf"
                                       "04\n01.png\n",
                                       "04\r\n01.png\r\n", "04\r01.png\r", "\xef\xbb\xbf# two\r\n04 \r\n\r\n\t01.png",
                                       "04\n01.PNG"};
    make_set(b, "set", 6, 8, 8);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const fpc_instance inst = open_set(b, "set", option(b, "val_list", "val.txt", good[i], strlen(good[i])), &info);
        assert_int_equal(info.count[FPC_VAL], 2);
        assert_string_equal(name_of(&inst, FPC_VAL, 0), "04");
        assert_string_equal(name_of(&inst, FPC_VAL, 1), "01");
    }
    refuse_set(b, "set",
               OPTION("val_list", "val.txt",
                      "\xff\xfe"
                      "0\0004\0\n\0"),
               "val.txt is text in UTF-16, as some editors on Windows save it; save it as UTF-8");
    refuse_set(b, "set",
               OPTION("val_list", "val.txt",
                      "\xfe\xff\0"
                      "0\0004\0\n"),
               "is text in UTF-16");
    refuse_set(b, "set", OPTION("train_list", "val.txt", "0\0004\0\n\0"), "val.txt holds a byte 0 (byte 2)");
    refuse_set(b, "set", OPTION("train_list", "val.txt", "00\r\n01\r\n09\r\n"), "val.txt:3: `09`: no picture");
    refuse_set(b, "set", OPTION("train_list", "val.txt", "00\r01\r09\r"), "val.txt:3: `09`: no picture");
    char longest[1200];
    memset(longest, 'x', sizeof longest);
    refuse_set(b, "set", option(b, "val_list", "val.txt", longest, sizeof longest),
               "val.txt:1: the line is too long for a name");
}

static void sides_and_classes(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    make_set(b, "set", 4, 8, 8);
    fpc_image eyes = picture(b->arena, 8, 8, 1, 0);
    memset(eyes.pixel, 4, 64); /* l_eye, which changes places with 5 */
    write_png(b, "set/train/masks/00.png", &eyes, NULL, 0);
    const char *sides = OPTION("sides", "sides.txt", "\xef\xbb\xbf# by hand\r\n00 exchange\r\n");
    const fpc_instance inst = open_set(b, "set", fpc_sprintf(b->arena, "val_split = 0\n%s", sides), &info);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(read_one(b, &inst, FPC_TRAIN, i, &sample), FPC_OK);
        if (!strcmp(sample.id, "00"))
            assert_true(sample.mask[0] == 5 && sample.mask[63] == 5);
    }
    refuse_set(b, "set", OPTION("sides", "sides.txt", "00 exchange\r\n\r\n07 exchange\r\n"), "sides.txt:3: `07`");
    refuse_set(b, "set",
               OPTION("sides", "sides.txt",
                      "\xff\xfe"
                      "0\0"),
               "sides.txt is text in UTF-16");
    static const char *const text[] = {"\xef\xbb\xbf[classes]\r\n0 = a\r\n1 = b\r\n", "[classes]\r0 = a\r1 = b\r"};
    for (int i = 0; i < 2; i++) {
        open_set(b, "set", option(b, "classes", "c.ini", text[i], strlen(text[i])), &info);
        assert_int_equal(info.classes, 2);
        assert_string_equal(info.class_names[1], "b");
    }
    refuse_set(b, "set", OPTION("classes", "c.ini", "[classes]\r\n0 = a\r\n2 = b\r\n"), "c.ini:3: classes.2");
    refuse_set(b, "set", OPTION("classes", "c.ini", "\xff\xfe[\0c\0"), "c.ini is text in UTF-16");
    refuse_set(b, "set", OPTION("classes", "c.ini", "[\0c\0l\0"), "c.ini holds a byte 0 (byte 2)");
}

/* One name as a Mac spells it (accents apart) and as the others do. */
static const struct {
    const char *apart, *whole;
} names[] = {{"Mu\xcc\x88ller-e\xcc\x81", "M\xc3\xbcller-\xc3\xa9"},
             {"n\xcc\x83o", "\xc3\xb1o"},
             {"s\xcc\x8cZ\xcc\x8c", "\xc5\xa1\xc5\xbd"},
             {"\xe3\x81\x8b\xe3\x82\x99\xe3\x83\x8f\xe3\x82\x9a\xe3\x82\xa6\xe3\x82\x99\xe3\x81\xa4\xe3\x82\x99",
              "\xe3\x81\x8c\xe3\x83\x91\xe3\x83\xb4\xe3\x81\xa5"},
             {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xb3\xe1\x86\xaf\xe1\x84\x80\xe1\x85\xa1",
              "\xed\x95\x9c\xea\xb8\x80\xea\xb0\x80"},
             {"\xd0\xb4\xf0\x9f\x98\x80\xff\xc3", "\xd0\xb4\xf0\x9f\x98\x80\xff\xc3"}}; /* nothing to take apart */
enum { NAMES = sizeof names / sizeof *names };

static void put(bench *b, const char *folder, const char *stem, const char *ending, int c)
{
    const fpc_image image = picture(b->arena, 8, 8, c, 1);
    write_png(b, fpc_sprintf(b->arena, "set/train/%s/%s%s", folder, stem, ending), &image, NULL, 0);
}

static void spellings(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    fpc_sample sample;
    for (int pictures = 0; pictures < 2; pictures++)
        for (int masks = 0; masks < 2; masks++)
            for (int list = 0; list < 2; list++) {
                const char *text = "";
                if (system(fpc_sprintf(b->arena, "rm -rf '%s'", in_folder("set"))))
                    fail();
                make_folder("set/train/images");
                make_folder("set/train/masks");
                put(b, "images", "plain", ".png", 3);
                put(b, "masks", "plain", ".png", 1);
                for (int i = 0; i < NAMES; i++) {
                    put(b, "images", pictures ? names[i].whole : names[i].apart, ".PNG", 3);
                    put(b, "masks", masks ? names[i].whole : names[i].apart, ".Png", 1);
                    text = fpc_sprintf(b->arena, "%s%s%s\n", text, list ? names[i].whole : names[i].apart,
                                       i % 2 ? ".png" : "");
                }
                const fpc_instance inst = open_set(b, "set", option(b, "val_list", "l.txt", text, strlen(text)), &info);
                assert_true(info.count[FPC_VAL] == NAMES && info.count[FPC_TRAIN] == 1);
                for (int i = 0; i < NAMES; i++) {
                    assert_int_equal(read_one(b, &inst, FPC_VAL, i, &sample), FPC_OK);
                    assert_string_equal(sample.id, pictures ? names[i].whole : names[i].apart);
                }
            }
    refuse_set(b, "set", OPTION("val_list", "l.txt", "M\xc3\xbcller-e\n"), "no picture of that name in ");
    refuse_set(b, "set", OPTION("val_list", "l.txt", "Muller-e\n"), "no picture of that name in ");
}

/* Another case of a name's letters is another name on most systems, so it is told and not guessed. */
static void letter_case(void **state)
{
    bench *b = *state;
    make_folder("set/train/images");
    make_folder("set/train/masks");
    put(b, "images", "IMG_1", ".png", 3);
    put(b, "masks", "IMG_1", ".png", 1);
    refuse_set(b, "set", OPTION("val_list", "l.txt", "img_1.png\n"),
               "l.txt:1: `img_1.png`: no picture of that name in ");
    refuse_set(b, "set", OPTION("val_list", "l.txt", "img_1\n"), "train/images; IMG_1.png is there");
    put(b, "images", "Photo", ".png", 3);
    put(b, "masks", "photo", ".png", 1);
    refuse_set(b, "set", "", "masks/Photo.png is not there (1 of 2 pictures lack theirs); photo.png is there");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(encodings), CASE(sides_and_classes), CASE(spellings), CASE(letter_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
