/* test_folder_fingerprint.c: what tells the contents of a sample of the folder data set from others, and what does not:
 * where the set lies. */
#define _GNU_SOURCE
#include "plugins/dataset/folders.h"

#include <sys/stat.h>

static uint64_t print_of(bench *b, const fpc_instance *inst, int64_t index)
{
    uint64_t print = 0;

    if (((const fpc_dataset_vtbl *)inst->vtbl)->fingerprint(inst->self, FPC_TRAIN, index, &print))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return print;
}

static uint64_t first_of(bench *b, const char *set, const char *more)
{
    fpc_dataset_info info;
    const fpc_instance inst = open_set(b, set, fpc_sprintf(b->arena, "val_split = 0\n%s", more), &info);

    for (int64_t i = 0; i < info.count[FPC_TRAIN]; i++)
        if (!strcmp(name_of(&inst, FPC_TRAIN, i), "00"))
            return print_of(b, &inst, i);
    fail_msg("00 is missing");
    return 0;
}

/* A mask of one label; its file is as long whatever the label. */
static off_t write_flat(bench *b, const char *name, uint8_t label)
{
    fpc_image mask = picture(b->arena, 20, 16, 1, 0);
    struct stat st;

    memset(mask.pixel, label, 20 * 16);
    write_png(b, name, &mask, NULL, 0);
    assert_int_equal(stat(in_folder(name), &st), 0);
    return st.st_size;
}

static void tells_contents(void **state)
{
    bench *b = *state;
    uint64_t flat, seen;

    make_set(b, "a", 4, 20, 16);
    const off_t length = write_flat(b, "a/train/masks/00.png", 3);
    flat = first_of(b, "a", "");
    assert_int_equal(first_of(b, "a", ""), flat);
    assert_int_equal(write_flat(b, "a/train/masks/00.png", 5), length);
    assert_int_not_equal(first_of(b, "a", ""), flat); /* equally long, other labels */
    write_flat(b, "a/train/masks/00.png", 3);
    assert_int_equal(first_of(b, "a", ""), flat);

    const fpc_image other = picture(b->arena, 20, 16, 3, 9);
    memset(other.pixel, 7, 20 * 16 * 3);
    write_png(b, "a/train/images/00.png", &other, NULL, 0);
    assert_int_not_equal(first_of(b, "a", ""), flat);

    seen = first_of(b, "a", "");
    write_bytes("sides.txt", "00 exchange\n", 12);
    const char *sides = fpc_sprintf(b->arena, "sides = %s\n", in_folder("sides.txt"));
    assert_int_not_equal(first_of(b, "a", sides), seen);
    write_bytes("sides.txt", "01 exchange\n", 12);
    assert_int_equal(first_of(b, "a", sides), seen);
}

static void not_where_they_lie(void **state)
{
    bench *b = *state;
    make_set(b, "a", 4, 20, 16);
    const uint64_t here = first_of(b, "a", "");
    assert_int_equal(rename(in_folder("a"), fpc_sprintf(b->arena, "%s/b", test_folder())), 0);
    assert_int_equal(first_of(b, "b", ""), here);
}

static void what_is_gone(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    uint64_t print;

    make_set(b, "a", 2, 20, 16);
    const fpc_instance inst = open_set(b, "a", "val_split = 0\n", &info);
    const fpc_dataset_vtbl *v = inst.vtbl;
    assert_int_equal(unlink(in_folder("a/train/masks/00.png")), 0);
    assert_int_equal(mkfifo(in_folder("a/train/masks/00.png"), 0600), 0); /* is not waited for */
    assert_int_equal(unlink(in_folder("a/train/masks/01.png")), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(v->fingerprint(inst.self, FPC_TRAIN, i, &print), FPC_OK);
        said(b, "cannot be read");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(tells_contents), CASE(not_where_they_lie), CASE(what_is_gone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
