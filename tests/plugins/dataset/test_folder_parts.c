/* test_folder_parts.c: masks of dataset/folder that come in parts, as those of CelebAMask-HQ: which lies over which,
 * which picture they are of, and files that are no parts. */
#define _GNU_SOURCE
#include "plugins/dataset/folders.h"

enum { SIDE = 8 };

/* A part that is `on` in the columns first .. end. */
static void write_part(bench *b, const char *name, int32_t side, int first, int end, int on)
{
    fpc_image mask = {side, side, 1, fpc_alloc(b->arena, (size_t)(side * side))};
    for (int i = 0; i < side * side; i++)
        mask.pixel[i] = (uint8_t)(i % side >= first && i % side < end ? on : 0);
    write_png(b, name, &mask, NULL, 0);
}

/* Pictures 0 and 1, with parts in folders as CelebAMask-HQ has them; hair over skin over the nose's left half. */
static void make_faces(bench *b)
{
    make_folder("set/train/images");
    make_folder("set/train/masks/0");
    make_folder("set/train/masks/1");
    for (int i = 0; i < 2; i++) {
        const fpc_image image = picture(b->arena, SIDE, SIDE, 3, i);
        write_png(b, fpc_sprintf(b->arena, "set/train/images/%d.png", i), &image, NULL, 0);
    }
    write_part(b, "set/train/masks/0/00000_skin.png", SIDE, 1, 6, 255);
    write_part(b, "set/train/masks/0/00000_nose.png", SIDE, 3, 4, 255);
    write_part(b, "set/train/masks/0/00000_hair.png", SIDE, 5, 8, 255);
    write_part(b, "set/train/masks/0/00000_l_eye.png", SIDE, 2, 3, 1); /* another value says the same */
    write_part(b, "set/train/masks/1/00001_skin.png", SIDE, 0, 8, 255);
    write_part(b, "set/train/masks/1/00001_hat.png", SIDE, 0, 0, 255); /* which shows nothing */
}

/* The first row of a picture's mask, a letter a label. */
static const char *row_of(bench *b, const char *name, const char *more)
{
    static char row[SIDE + 1];
    fpc_dataset_info info;
    fpc_sample sample;
    const fpc_instance inst = open_set(b, "set", fpc_sprintf(b->arena, "val_split = 0\n%s", more), &info);
    for (int64_t i = 0; i < info.count[FPC_TRAIN]; i++)
        if (!strcmp(name_of(&inst, FPC_TRAIN, i), name)) {
            if (read_one(b, &inst, FPC_TRAIN, i, &sample))
                fail_msg("%s: %s", name, fpc_ctx_error(b->ctx));
            for (int x = 0; x < SIDE; x++)
                row[x] = (char)('a' + sample.mask[x]);
            assert_memory_equal(sample.mask, sample.mask + SIDE, SIDE);
            return row;
        }
    fail_msg("%s is not there", name);
    return "";
}

/* celebamask19: skin b, nose c, l_eye e, hair n. */
static void later_over_earlier(void **state)
{
    bench *b = *state;
    make_faces(b);
    assert_string_equal(row_of(b, "0", "parts = all\n"), "abecbnnn");
    assert_string_equal(row_of(b, "1", "parts = all\n"), "bbbbbbbb");
    assert_string_equal(row_of(b, "0", "parts = hair, l_eye ,nose,skin\n"), "abbbbbnn");
    assert_string_equal(row_of(b, "0", "parts = skin, hair\n"), "abbbbnnn"); /* others are left out */
}

static void numbers(void **state)
{
    bench *b = *state;
    make_faces(b);
    assert_int_equal(rename(in_folder("set/train/images/1.png"), in_folder("set/train/images/0001.png")), 0);
    assert_string_equal(row_of(b, "0001", "parts = all\n"), "bbbbbbbb"); /* 00001 is the same number */
    const fpc_image image = picture(b->arena, SIDE, SIDE, 3, 1);
    write_png(b, "set/train/images/01.png", &image, NULL, 0);
    refuse_set(b, "set", "parts = all\n",
               "images: 0001.png and 01.png are one number, so that which of them the parts ");
    fpc_ctx_clear(b->ctx);
    unlink(in_folder("set/train/images/01.png"));
    write_png(b, "set/train/images/a1.png", &image, NULL, 0); /* no number: by its name alone */
    write_part(b, "set/train/masks/a1_neck.png", SIDE, 0, 4, 255);
    assert_string_equal(row_of(b, "a1", "parts = all\n"), "rrrraaaa");
}

static void options_that_make_no_sense(void **state)
{
    bench *b = *state;
    static const char *const list[][2] = {
        {"parts = skin, beard\n",
         "dataset.parts = skin, beard: `beard` is no class; it is `all`, or the names of classes"},
        {"parts = skin, nose, skin\n", "`skin` is there twice"},
        {"parts = skin,,nose\n", "`` is no class"},
        {"parts = all\nmask_suffix = _m\n", "dataset.mask_suffix goes with whole masks, and dataset.parts says that"},
        {"parts = all\nmap = 0:0, 255:1\n", "dataset.map goes with whole masks"},
        {"parts = all\nignore_colour = 1, 2, 3\n", "dataset.ignore_colour goes with whole masks"},
        {"parts = all\nmasks = train/images\n", "where a part cannot be told from a picture"},
    };
    make_faces(b);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        refuse_set(b, "set", list[i][0], list[i][1]);
        fpc_ctx_clear(b->ctx);
    }
}

static void files_that_make_no_sense(void **state)
{
    bench *b = *state;
    make_faces(b);
    write_part(b, "set/train/masks/00000_beard.png", SIDE, 0, 1, 255);
    refuse_set(
        b, "set", "parts = all\n",
        "00000_beard.png: no class is called so; with dataset.parts each file is NAME_CLASS.png, and the classes "
        "are background, skin, nose");
    fpc_ctx_clear(b->ctx);
    assert_int_equal(rename(in_folder("set/train/masks/00000_beard.png"), in_folder("set/train/masks/0_skin.png")), 0);
    refuse_set(b, "set", "parts = all\n", "0/00000_skin.png and 0_skin.png are the same part of picture 0; remove one");
    fpc_ctx_clear(b->ctx);
    unlink(in_folder("set/train/masks/0_skin.png"));
    assert_int_equal(mkfifo(in_folder("set/train/masks/pipe"), 0600), 0); /* no folder, and nothing waits for it */
    assert_string_equal(row_of(b, "0", "parts = all\n"), "abecbnnn");
    const fpc_image image = picture(b->arena, SIDE, SIDE, 3, 1);
    write_png(b, "set/train/images/2.png", &image, NULL, 0);
    refuse_set(b, "set", "parts = all\n", "masks/2_CLASS.png is not there (1 of 3 pictures lack theirs)");
    unlink(in_folder("set/train/masks/pipe"));
}

static void read_refused(bench *b, const char *want)
{
    fpc_dataset_info info;
    fpc_sample sample;
    const fpc_instance inst = open_set(b, "set", "parts = all\nval_split = 0\n", &info);
    int refused = 0;
    for (int64_t i = 0; i < info.count[FPC_TRAIN]; i++)
        if (!strcmp(name_of(&inst, FPC_TRAIN, i), "0"))
            refused = read_one(b, &inst, FPC_TRAIN, i, &sample) != FPC_OK;
    assert_true(refused);
    said(b, want);
    fpc_ctx_clear(b->ctx);
}

static void pixels_that_make_no_sense(void **state)
{
    bench *b = *state;
    make_faces(b);
    write_part(b, "set/train/masks/0/00000_hair.png", SIDE / 2, 0, 2, 255);
    read_refused(b,
                 "00000_hair.png: 4 x 4, but 0/00000_skin.png of the same picture is 8 x 8; its parts have one size");
    fpc_image smooth = {SIDE, SIDE, 1, fpc_alloc(b->arena, SIDE * SIDE)};
    for (int i = 0; i < SIDE * SIDE; i++)
        smooth.pixel[i] = (uint8_t)(i % SIDE * 30);
    write_png(b, "set/train/masks/0/00000_hair.png", &smooth, NULL, 0);
    read_refused(b,
                 "00000_hair.png: a part is black where its class is not and of one value where it is; this one holds "
                 "1e and 3c (at x 2, y 0)");
    const fpc_image photo = picture(b->arena, SIDE, SIDE, 3, 0);
    write_png(b, "set/train/masks/0/00000_hair.png", &photo, NULL, 0);
    read_refused(b, "this one holds the colours ");
    write_bytes("set/train/masks/0/00000_hair.png", "no picture", 10);
    read_refused(b, "00000_hair.png");
}

/* What a run that goes on compares: another part, or the same under another class, is another mask. */
static void fingerprints(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    uint64_t print[4];
    make_faces(b);
    for (int i = 0; i < 4; i++) {
        if (i == 1)
            write_part(b, "set/train/masks/0/00000_cloth.png", SIDE, 0, 1, 255);
        if (i == 2)
            rename(in_folder("set/train/masks/0/00000_cloth.png"), in_folder("set/train/masks/0/00000_neck.png"));
        if (i == 3)
            unlink(in_folder("set/train/masks/0/00000_neck.png"));
        const fpc_instance inst = open_set(b, "set", "parts = all\nval_split = 0\n", &info);
        const int64_t at = strcmp(name_of(&inst, FPC_TRAIN, 0), "0") ? 1 : 0;
        assert_int_equal(((const fpc_dataset_vtbl *)inst.vtbl)->fingerprint(inst.self, FPC_TRAIN, at, &print[i]),
                         FPC_OK);
    }
    assert_true(print[0] == print[3] && print[0] != print[1] && print[1] != print[2] && print[0] != print[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(later_over_earlier),         CASE(numbers),
                                       CASE(options_that_make_no_sense), CASE(files_that_make_no_sense),
                                       CASE(pixels_that_make_no_sense),  CASE(fingerprints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
