/* test_folder_shapes.c: pictures that lie on their side in their files, and masks of another size than their pictures.
 */
#define _GNU_SOURCE
#include "plugins/dataset/folders.h"
#include "plugins/tagged.h"

/* One pair: a picture of 24 x 16 stored in a JPEG with the tag, a mask of w x h whose left half is 1. */
static void make_pair(bench *b, int tag, int32_t w, int32_t h)
{
    static uint8_t flat[24 * 16 * 3];
    fpc_image mask = {w, h, 1, fpc_alloc(b->arena, (size_t)w * (size_t)h)};
    make_folder("set/train/images");
    make_folder("set/train/masks");
    for (int i = 0; i < 24 * 16; i++)
        memset(flat + 3 * i, i % 24 < 12 ? 200 : 40, 3); /* bright on the left, as stored */
    write_jpeg("stored.jpg", 24, 16, 3, flat);
    tag_jpeg("stored.jpg", "set/train/images/a.jpg", tag, 0);
    for (int i = 0; i < w * h; i++)
        mask.pixel[i] = i % w < w / 2;
    write_png(b, "set/train/masks/a.png", &mask, NULL, 0);
}

static const char *read_refused(bench *b, const char *more)
{
    fpc_dataset_info info;
    fpc_sample sample;
    const fpc_instance inst = open_set(b, "set", more, &info);
    if (read_one(b, &inst, FPC_TRAIN, 0, &sample) != FPC_EFORMAT)
        fail_msg("%s was read", more);
    const char *sentence = fpc_strdup(b->arena, fpc_ctx_error(b->ctx));
    fpc_ctx_clear(b->ctx);
    return sentence;
}

static fpc_sample read_pair(bench *b, const char *more, fpc_dataset_info *info)
{
    fpc_sample sample;
    const fpc_instance inst = open_set(b, "set", more, info);
    if (read_one(b, &inst, FPC_TRAIN, 0, &sample))
        fail_msg("%s: %s", more, fpc_ctx_error(b->ctx));
    return sample;
}

static void orientation(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    for (int tag = 1; tag <= 8; tag++) {
        make_pair(b, tag, tag < 5 ? 24 : 16, tag < 5 ? 16 : 24); /* drawn over what programs show */
        read_pair(b, "", &info);
        assert_true(info.w == (tag < 5 ? 24 : 16) && info.h == 40 - info.w && !info.as_stored);
        make_pair(b, tag, 24, 16); /* drawn over what the file holds */
        const fpc_sample sample = read_pair(b, "orientation = file\n", &info);
        assert_true(info.w == 24 && info.h == 16 && info.as_stored);
        assert_true(sample.image[3 * 2] > 150 && sample.image[3 * 21] < 90);
        assert_true(sample.mask[2] == 1 && sample.mask[21] == 0);
        if (tag < 5)
            continue;
        const char *said = read_refused(b, "");
        if (!strstr(said, "a.png: 24 x 16, but its picture ") ||
            !strstr(said, "a.jpg is 16 x 24; it lies on its side") ||
            !strstr(said, "dataset.orientation = file reads them as they are stored"))
            fail_msg("%s", said);
        make_pair(b, tag, 16, 24);
        assert_non_null(
            strstr(read_refused(b, "orientation = file\n"), "dataset.orientation = apply reads them that way"));
    }
}

static void masks_of_other_sizes(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    static const int32_t good[][2] = {{12, 8}, {48, 32}, {3, 2}, {23, 15}, {25, 16}, {240, 160}, {6, 4}};
    static const int32_t bad[][2] = {{12, 12}, {24, 8}, {12, 6}, {40, 32}, {24, 20}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        make_pair(b, 1, good[i][0], good[i][1]);
        fpc_sample sample = read_pair(b, "size = 8\n", &info);
        for (int x = 0; x < 8; x++) { /* nearest, from the mask's own size */
            const int from = (int)((x + 0.5) * good[i][0] / 8);
            assert_int_equal(sample.mask[8 * 3 + x], from < good[i][0] / 2);
        }
        assert_non_null(strstr(read_refused(b, ""), "is 24 x 16; dataset.size = N resizes both"));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        make_pair(b, 1, bad[i][0], bad[i][1]);
        for (int size = 0; size < 2; size++) {
            const char *said = read_refused(b, size ? "size = 8\n" : "");
            if (!strstr(said, "they have other shapes (") || !strstr(said, " and 1.500 : 1)"))
                fail_msg("%s", said);
        }
    }
}

/* A picture that is bright and labelled 1 on the left, dark and 0 on the right. */
static void fits(void **state)
{
    bench *b = *state;
    fpc_dataset_info info;
    make_pair(b, 1, 48, 32); /* the mask twice as large */
    fpc_sample sample = read_pair(b, "size = 12\nfit = pad\n", &info);
    assert_true(info.fit == FPC_FIT_PAD && info.ignore_label == 255 && info.h == 12 && info.w == 12);
    for (int p = 0; p < 144; p++) { /* 12 x 8 in the middle */
        const int inside = p / 12 >= 2 && p / 12 < 10, left = p % 12 < 6;
        assert_int_equal(sample.mask[p], inside ? left : 255);
        if (!inside || p % 12 < 5 || p % 12 > 6)
            assert_in_range(sample.image[3 * p], !inside ? 0 : left ? 180 : 20, !inside ? 0 : left ? 220 : 60);
    }
    read_pair(b, "size = 12\nfit = pad\nignore_label = 20\n", &info);
    assert_int_equal(info.ignore_label, 20);
    sample = read_pair(b, "size = 12\nfit = pad\nignore_label = 20\n", &info);
    assert_true(sample.mask[0] == 20 && sample.mask[24] == 1);
    sample = read_pair(b, "size = 12\nfit = crop\n", &info);
    assert_true(info.fit == FPC_FIT_CROP && info.ignore_label == -1);
    for (int p = 0; p < 144; p++) /* columns 4 to 19 of the picture */
        assert_int_equal(sample.mask[p], p % 12 < 6);
    sample = read_pair(b, "size = 12x3\nfit = pad\n", &info);
    for (int p = 0; p < 36; p++) /* 3 x 2 in the middle */
        assert_int_equal(sample.mask[p], p / 3 < 5 || p / 3 > 6 ? 255 : p % 3 < 1);
    read_pair(b, "size = 12\n", &info);
    assert_true(info.fit == FPC_FIT_SQUEEZE && info.ignore_label == -1);
    refuse_plugin(b, "dataset", fpc_sprintf(b->arena, "use = folder\nclasses = voc21\nroot = .\nfit = stretch\n"),
                  "dataset.fit = stretch: is not among the choices; give one of squeeze, pad, crop");
}

/* What is beside a picture has a label of its own; the files gain none by it. */
static void border_is_no_label_of_files(void **state)
{
    bench *b = *state;
    make_pair(b, 1, 24, 16);
    fpc_image mask = {24, 16, 1, fpc_alloc(b->arena, 24 * 16)};
    memset(mask.pixel, 255, 24 * 16);
    write_png(b, "set/train/masks/a.png", &mask, NULL, 0);
    if (!strstr(read_refused(b, "size = 12\nfit = pad\n"), "255"))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    fpc_dataset_info info;
    const fpc_sample sample = read_pair(b, "size = 12\nfit = pad\nignore_label = 255\n", &info);
    assert_int_equal(sample.mask[6 * 12 + 6], 255);
    const char *table = "[classes]\n";
    for (int i = 0; i < 256; i++)
        table = fpc_sprintf(b->arena, "%s%d = c%d\n", table, i, i);
    write_bytes("many.ini", table, (int)strlen(table));
    const char *all = fpc_sprintf(b->arena, "classes = %s\nsize = 12\n", in_folder("many.ini"));
    refuse_set(b, "set", fpc_sprintf(b->arena, "%sfit = pad\n", all),
               "dataset.fit = pad: all 256 labels are classes of the data set");
    open_set(b, "set", fpc_sprintf(b->arena, "%sfit = crop\n", all), &info);
}

/* What an audit hears. */
static char notes[2048];

static void hear_flaw(void *arg, const char *kind, fpc_part part, const char *name, const char *sentence)
{
    (void)part, (void)sentence;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "flaw: %s %s\n", kind, name);
    fpc_ctx_clear(((bench *)arg)->ctx);
}

static void hear_size(void *arg, int32_t w, int32_t h)
{
    (void)arg, (void)w, (void)h;
}

static void hear_note(void *arg, const char *kind, const char *sentence)
{
    (void)arg;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s: %s\n", kind, sentence);
}

static const char *audited(bench *b, const char *more, uint32_t size)
{
    static fpc_dataset_audit audit;
    fpc_dataset_info info = {.size = sizeof info, .ignore_label = -1};
    fpc_instance inst;
    fpc_sample sample;
    const char *text =
        fpc_sprintf(b->arena, "use = folder\nclasses = celebamask19\nroot = %s\n%s", in_folder("set"), more);
    audit = (fpc_dataset_audit){.size = size, .arg = b, .flaw = hear_flaw, .picture = hear_size, .note = hear_note};
    *notes = 0;
    assert_int_equal(try_plugin(b, "dataset", text, &inst), FPC_OK);
    assert_int_equal(((const fpc_dataset_vtbl *)inst.vtbl)->audit(inst.self, &info, &audit), FPC_OK);
    read_one(b, &inst, FPC_TRAIN, 0, &sample);
    return notes;
}

static void told_in_an_audit(void **state)
{
    bench *b = *state;
    const uint32_t all = sizeof(fpc_dataset_audit);
    make_pair(b, 6, 8, 12);
    const char *said = audited(b, "size = 8\n", all);
    assert_non_null(strstr(said, "picture with the orientation tag 6, turned as the tag says: "));
    assert_non_null(strstr(said, "mask of another size than its picture, of the same shape: "));
    assert_non_null(strstr(said, "a.png: 8 x 12, its picture 16 x 24"));
    assert_null(strstr(said, "flaw"));
    assert_string_equal(audited(b, "size = 8\n", all - 8), ""); /* an older core hears no notes */
    assert_non_null(strstr(audited(b, "size = 8\norientation = file\n", all), "tag 6, read as it is stored: "));
    assert_non_null(strstr(notes, "flaw: mask of another size a"));
    make_pair(b, 1, 24, 16);
    assert_string_equal(audited(b, "size = 8\n", all), "");
    phone_jpeg("stored.jpg", "set/train/images/a.jpg");
    said = audited(b, "", all);
    assert_non_null(strstr(said, "no pixel is lost: "));
    assert_non_null(strstr(said, "a.jpg: Invalid SOS parameters"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(orientation), CASE(masks_of_other_sizes), CASE(fits),
                                       CASE(border_is_no_label_of_files), CASE(told_in_an_audit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
