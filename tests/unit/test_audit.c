/* test_audit.c: what an audit finds in a folder with one flaw of every kind, in the order of left and right, and in
 * pictures that are copies of each other; the list that puts reversed masks right, as the loader reads it; and the real
 * set, where it is present: 67 reversed masks of 988. */
#define _GNU_SOURCE
#include "fixture.h"
#include "plugins/pictures.h"
#include <jansson.h>
#include "cmd/inspect/audit.h"

enum { SIDE = 64 };

/* ---- pictures ---- */

/* Blocks of 8 pixels, each of a grey that k decides: no two are alike. */
static fpc_image blocks(bench *b, int k, int more)
{
    fpc_image image = {SIDE, SIDE, 3, fpc_alloc(b->arena, SIDE * SIDE * 3)};
    uint32_t level[64], seed = (uint32_t)k * 2654435761u + 12345;
    for (int i = 0; i < 64; i++) {
        seed = seed * 1664525u + 1013904223u;
        level[i] = 20 + (seed >> 24) * 3 / 4;
    }
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            memset(image.pixel + 3 * (y * SIDE + x), (int)level[y / 8 * 8 + x / 8] + more, 3);
    return image;
}

static fpc_image mirrored(bench *b, const fpc_image *from)
{
    fpc_image image = {SIDE, SIDE, 3, fpc_alloc(b->arena, SIDE * SIDE * 3)};
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            memcpy(image.pixel + 3 * (y * SIDE + x), from->pixel + 3 * (y * SIDE + SIDE - 1 - x), 3);
    return image;
}

/* Skin with an eye on each side: `left` and `right` are labels at the left and at the right of the picture; 0: none. */
static fpc_image face(bench *b, int32_t w, int32_t h, uint8_t left, uint8_t right)
{
    fpc_image mask = {w, h, 1, fpc_alloc(b->arena, (size_t)w * (size_t)h)};
    memset(mask.pixel, 1, (size_t)w * (size_t)h);
    for (int y = 8; y < 12; y++)
        for (int x = 0; x < 5; x++) {
            mask.pixel[y * w + 6 + x] = left ? left : 1;
            mask.pixel[y * w + w - 11 + x] = right ? right : 1;
        }
    return mask;
}

static void put(bench *b, const char *name, const fpc_image *picture, const fpc_image *mask)
{
    if (picture)
        write_png(b, fpc_sprintf(b->arena, "%s/train/images/%s.png", "set", name), picture, NULL, 0);
    if (mask)
        write_png(b, fpc_sprintf(b->arena, "%s/train/masks/%s.png", "set", name), mask, NULL, 0);
}

static fpc_status audit_recipe(bench *b, const fpc_recipe *recipe, fpc_audit **a)
{
    fpc_data_sources from;
    const fpc_status status = fpc_data_sources_open(b->ctx, b->arena, b->registry, recipe, &from);
    return status ? status : fpc_audit_run(b->ctx, b->arena, &from, 10, a);
}

static fpc_status try_audit(bench *b, const char *more, fpc_audit **a)
{
    fpc_recipe *recipe = NULL;
    const char *text = fpc_sprintf(
        b->arena, "[dataset]\nuse = folder\nclasses = celebamask19\nroot = %s\nbatch = 2\n%s", in_folder("set"), more);
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe);
    return status ? status : audit_recipe(b, recipe, a);
}

static fpc_audit *audit(bench *b, const char *more)
{
    fpc_audit *a;
    if (try_audit(b, more, &a))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    assert_int_equal(fpc_ctx_status(b->ctx), FPC_OK); /* flaws are no failures */
    return a;
}

static int open_set(void **state)
{
    if (bench_open(state))
        return 1;
    make_folder("set/train/images");
    make_folder("set/train/masks");
    return 0;
}

/* ---- hashes ---- */

static void hashes(void **state)
{
    bench *b = *state;
    uint8_t one[FPC_THUMB * FPC_THUMB], two[FPC_THUMB * FPC_THUMB];
    for (int k = 0; k < 20; k++) {
        const fpc_image a = blocks(b, k, 0), light = blocks(b, k, 30), m = mirrored(b, &a), other = blocks(b, k + 1, 0);
        const uint64_t hash = fpc_picture_hash(a.pixel, SIDE, SIDE, 0);
        assert_true(hash == fpc_picture_hash(light.pixel, SIDE, SIDE, 0));
        assert_true(hash == fpc_picture_hash(m.pixel, SIDE, SIDE, 1));
        assert_true(hash != fpc_picture_hash(m.pixel, SIDE, SIDE, 0));
        fpc_picture_thumb(a.pixel, SIDE, SIDE, one);
        fpc_picture_thumb(light.pixel, SIDE, SIDE, two);
        assert_true(fpc_thumb_similarity(one, two, 0) > 0.999);
        assert_true(fpc_thumb_similarity(one, one, 1) < 0.9);
        fpc_picture_thumb(m.pixel, SIDE, SIDE, two);
        assert_true(fpc_thumb_similarity(one, two, 1) > 0.999);
        fpc_picture_thumb(other.pixel, SIDE, SIDE, two);
        assert_true(fpc_thumb_similarity(one, two, 0) < 0.9);
    }
    memset(one, 100, sizeof one); /* flat ones have no correlation: their grey decides */
    memset(two, 101, sizeof two);
    assert_true(fpc_thumb_similarity(one, two, 0) == 1);
    memset(two, 140, sizeof two);
    assert_true(fpc_thumb_similarity(one, two, 0) == 0);
    uint8_t tiny[3] = {1, 2, 3}; /* smaller than the grid */
    assert_true(fpc_picture_hash(tiny, 1, 1, 0) == 0);
}

/* ---- left and right ---- */

static void orders(void **state)
{
    bench *b = *state;
    static const uint8_t pairs[][2] = {{4, 5}, {6, 7}};
    const fpc_dataset_info info = {.classes = 19, .mirror_pairs = pairs, .n_mirror_pairs = 2};
    int8_t order[2];
    fpc_image m = face(b, SIDE, SIDE, 5, 4);
    fpc_audit_order(&info, m.pixel, SIDE, SIDE, order);
    assert_true(order[0] == 1 && order[1] == 0);
    m = face(b, SIDE, SIDE, 4, 5);
    fpc_audit_order(&info, m.pixel, SIDE, SIDE, order);
    assert_true(order[0] == -1 && order[1] == 0);
    m = face(b, SIDE, SIDE, 0, 5);
    fpc_audit_order(&info, m.pixel, SIDE, SIDE, order);
    assert_true(order[0] == 0);

    /* 512 x 512: 15 pixels are a speck, 16 are a part */
    assert_true(fpc_audit_least(512, 512) == 16 && fpc_audit_least(64, 64) == 1);
    fpc_image large = {512, 512, 1, fpc_alloc(b->arena, 512 * 512)};
    memset(large.pixel, 5, 4000);
    memset(large.pixel + 100 * 512 + 300, 4, 15);
    fpc_audit_order(&info, large.pixel, 512, 512, order);
    assert_int_equal(order[0], 0);
    large.pixel[100 * 512 + 315] = 4;
    fpc_audit_order(&info, large.pixel, 512, 512, order);
    assert_int_equal(order[0], 1);
}

/* p00 .. p05 as they should be, p06 and p07 reversed, p08 without a pair. */
static void make_faces(bench *b)
{
    for (int i = 0; i < 9; i++) {
        const fpc_image picture = blocks(b, i, 0);
        const fpc_image mask = i < 6   ? face(b, SIDE, SIDE, 5, 4)
                               : i < 8 ? face(b, SIDE, SIDE, 4, 5)
                                       : face(b, SIDE, SIDE, 5, 0);
        put(b, fpc_sprintf(b->arena, "p%02d", i), &picture, &mask);
    }
}

static uint8_t label_at(bench *b, const char *more, const char *name, int x, int y)
{
    fpc_recipe *recipe;
    fpc_data *data;
    fpc_batch one;
    char id[64];
    const char *text = fpc_sprintf(
        b->arena, "[dataset]\nuse = folder\nclasses = celebamask19\nroot = %s\nbatch = 2\n%s", in_folder("set"), more);
    if (fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe) ||
        fpc_data_open(b->ctx, b->arena, b->registry, recipe, 0, &data))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    for (int part = FPC_TRAIN; part <= FPC_VAL; part++)
        for (int64_t i = 0; i < fpc_data_info(data)->count[part]; i++) {
            assert_int_equal(fpc_data_name(data, (fpc_part)part, i, id, sizeof id), FPC_OK);
            if (strcmp(id, name) != 0)
                continue;
            assert_int_equal(fpc_data_read(data, b->arena, (fpc_part)part, i, &one), FPC_OK);
            return one.mask[y * one.w + x];
        }
    fail_msg("there is no %s", name);
    return 0;
}

static int prints(const fpc_audit *a, const char *words)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    fpc_print_to(out);
    assert_int_equal(fpc_audit_print(a), FPC_OK);
    fpc_print_to(NULL);
    fclose(out);
    const int has = strstr(text, words) != NULL;
    free(text);
    return has;
}

static void sides(void **state)
{
    bench *b = *state;
    make_faces(b);
    fpc_audit *a = audit(b, "");
    assert_true(prints(a, "note: --fix-sides FILE writes the list of them; `sides = FILE` in [dataset] then"));
    assert_true(a->n == 9 && a->decidable == 8 && a->exchanged == 2 && fpc_audit_sided(a));
    assert_true(a->both[0] == 8 && a->right[0] == 6 && a->both[1] == 0);
    for (int64_t i = 0; i < a->n; i++) {
        const int number = atoi(a->sample[i].name + 1);
        assert_int_equal(a->sample[i].side, number < 6 ? 1 : number < 8 ? -1 : 0);
    }

    const char *list = in_folder("sides.txt"), *use = fpc_sprintf(b->arena, "sides = %s\n", list);
    assert_int_equal(fpc_audit_write_sides(a, list), FPC_OK);
    size_t bytes;
    const char *text = (const char *)read_bytes("sides.txt", &bytes);
    assert_non_null(memmem(text, bytes, "p06 exchange\n", 13));
    assert_non_null(memmem(text, bytes, "p07 exchange\n", 13));
    assert_null(memmem(text, bytes, "p05", 3));
    a = audit(b, use);
    assert_true(a->decidable == 8 && a->exchanged == 0 && a->right[0] == 8);
    assert_false(prints(a, "--fix-sides"));

    /* the loader: left of the picture, a pixel of the eye */
    assert_int_equal(label_at(b, "", "p06", 7, 9), 4);
    assert_int_equal(label_at(b, use, "p06", 7, 9), 5);
    assert_int_equal(label_at(b, use, "p06", SIDE - 8, 9), 4);
    assert_int_equal(label_at(b, use, "p05", 7, 9), 5);
    assert_int_equal(label_at(b, use, "p06", 0, 0), 1);
    assert_int_equal(label_at(b, fpc_sprintf(b->arena, "%ssize = 32\n", use), "p06", 3, 4), 5);
}

/* Half and half: no order is the right one. */
static void no_majority(void **state)
{
    bench *b = *state;
    for (int i = 0; i < 8; i++) {
        const fpc_image picture = blocks(b, i, 0), mask = face(b, SIDE, SIDE, i % 2 ? 4 : 5, i % 2 ? 5 : 4);
        put(b, fpc_sprintf(b->arena, "p%02d", i), &picture, &mask);
    }
    const fpc_audit *a = audit(b, "");
    assert_true(a->both[0] == 8 && a->right[0] == 4 && !fpc_audit_sided(a));
}

static void refuse_list(bench *b, const char *list, const char *want)
{
    fpc_audit *a;
    write_bytes("bad.txt", list, strlen(list));
    assert_int_not_equal(try_audit(b, fpc_sprintf(b->arena, "sides = %s\n", in_folder("bad.txt")), &a), FPC_OK);
    said(b, want);
}

static void bad_lists(void **state)
{
    bench *b = *state;
    fpc_audit *a;
    make_faces(b);
    refuse_list(b, "# why\n\np01 swap\n", "bad.txt:3: a line is `NAME exchange`");
    refuse_list(b, "p01\n", "bad.txt:1: a line is `NAME exchange`");
    refuse_list(b, "p99 exchange\n", "bad.txt:1: `p99`: no picture of that name in");
    refuse_list(b, "p01 exchange\r\n  p01   exchange  \n", "bad.txt:2: `p01` is in the list twice");
    refuse_list(b, "p01 exchange_test\n", "the test part has no masks");
    assert_int_equal(try_audit(b, "sides = /nowhere/at/all.txt\n", &a), FPC_ENOENT);
    said(b, "/nowhere/at/all.txt (dataset.sides): No such file");
}

/* ---- flaws ---- */

static int64_t flaws(const fpc_audit *a, const char *kind, const char *name, const char *sentence)
{
    int64_t n = 0;
    for (int64_t i = 0; i < a->n_flaws; i++) {
        if (strcmp(a->flaw[i].kind, kind) != 0)
            continue;
        n++;
        if (strcmp(a->flaw[i].name, name) != 0 || !strstr(a->flaw[i].sentence, sentence))
            fail_msg("%s of %s: %s", kind, a->flaw[i].name, a->flaw[i].sentence);
    }
    return n;
}

static void every_flaw(void **state)
{
    bench *b = *state;
    make_faces(b);
    const fpc_image extra = blocks(b, 50, 0), small = face(b, 32, 32, 5, 4), good = face(b, SIDE, SIDE, 5, 4);
    fpc_image wrong = face(b, SIDE, SIDE, 5, 4), narrow = {32, 16, 3, extra.pixel}, other = face(b, 32, 16, 0, 0);
    wrong.pixel[70] = wrong.pixel[71] = 77;
    const fpc_image many[6] = {blocks(b, 51, 0), blocks(b, 52, 0), blocks(b, 53, 0), blocks(b, 54, 0)};
    put(b, "missing", &many[0], NULL);
    put(b, "alone", NULL, &good);
    put(b, "label", &many[1], &wrong);
    put(b, "masksize", &many[2], &small);
    put(b, "narrow", &narrow, &other);
    put(b, "aaa", &many[3], &good); /* the first by name, whose size would be the set's */
    write_bytes("set/train/images/aaa.png", "not a picture", 13);
    put(b, "torn", &extra, &good);
    write_bytes("set/train/masks/torn.png", "\x89PNG\r\n\x1a\n", 8);
    put(b, "twice", &extra, &good);
    write_jpeg("set/train/images/twice.jpg", SIDE, SIDE, 3, many[3].pixel);

    const fpc_audit *a = audit(b, "val_split = 0.3\n");
    assert_int_equal(flaws(a, "missing mask", "missing", "missing.png has no mask"), 1);
    assert_int_equal(flaws(a, "mask without picture", "alone", "alone.png: "), 1);
    assert_int_equal(flaws(a, "label out of range", "label", "label 77 at x 6, y 1"), 1);
    assert_int_equal(flaws(a, "mask of another size", "masksize", "32 x 32, but its picture"), 1);
    assert_int_equal(flaws(a, "picture of another size", "narrow", "32 x 16, but the set's pictures are 64 x 64"), 1);
    assert_int_equal(flaws(a, "unreadable picture", "aaa", "neither a JPEG nor a PNG"), 1);
    assert_int_equal(flaws(a, "unreadable mask", "torn", "torn.png"), 1);
    assert_int_equal(flaws(a, "two files of one stem", "twice.png", "have one stem"), 1);
    assert_int_equal(a->n_flaws, 8);
    assert_int_equal(a->usable[FPC_TRAIN] + a->usable[FPC_VAL], 10); /* p00 .. p08 and the kept one of `twice` */
    assert_int_equal(a->n, 16);
    assert_int_equal(a->n_sizes, 2);

    /* The same set is refused for a training, at its first flaw. */
    fpc_recipe *recipe;
    fpc_data *data;
    const char *text = fpc_sprintf(b->arena, "[dataset]\nuse = folder\nclasses = celebamask19\nroot = %s\nbatch = 2\n",
                                   in_folder("set"));
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe), FPC_OK);
    assert_int_not_equal(fpc_data_open(b->ctx, b->arena, b->registry, recipe, 0, &data), FPC_OK);
    fpc_ctx_clear(b->ctx);
}

/* Where pictures are resized, another size is none. */
static void resized(void **state)
{
    bench *b = *state;
    make_faces(b);
    const fpc_image wide = blocks(b, 60, 0), narrow = {32, 16, 3, wide.pixel}, mask = face(b, 32, 16, 0, 0);
    put(b, "narrow", &narrow, &mask);
    const fpc_audit *a = audit(b, "size = 48\n");
    assert_true(a->n_flaws == 0 && a->n_sizes == 2 && a->info->w == 48);
}

static void bad_names_in_lists(void **state)
{
    bench *b = *state;
    make_faces(b);
    const char *list = "p00\nnobody\np01\np01\n../p02\n";
    write_bytes("train.txt", list, strlen(list));
    const fpc_audit *a = audit(b, fpc_sprintf(b->arena, "train_list = %s\n", in_folder("train.txt")));
    assert_int_equal(a->n_flaws, 3);
    assert_non_null(strstr(a->flaw[0].sentence, "train.txt:2: `nobody`"));
    assert_non_null(strstr(a->flaw[1].sentence, "train.txt:4: `p01` is in the list twice"));
    assert_non_null(strstr(a->flaw[2].sentence, "train.txt:5: `../p02`"));
    assert_true(a->usable[FPC_TRAIN] == 2 && a->usable[FPC_VAL] == 7);
}

/* ---- near-duplicates, and all of it as JSON ---- */

static void near_duplicates(void **state)
{
    bench *b = *state;
    make_faces(b);
    const fpc_image first = blocks(b, 0, 0), second = blocks(b, 1, 0), turned = mirrored(b, &second),
                    mask = face(b, SIDE, SIDE, 5, 4);
    put(b, "q00", NULL, &mask); /* p00 again, compressed */
    write_jpeg("set/train/images/q00.jpg", SIDE, SIDE, 3, first.pixel);
    put(b, "q01", &turned, &mask); /* p01 in a mirror */
    put(b, "a00", NULL, &mask);    /* first of all, and cannot be read */
    write_bytes("set/train/images/a00.jpg", "no picture", 10);
    write_bytes("val.txt", "q00\nq01\n", 8);
    const fpc_audit *a = audit(b, fpc_sprintf(b->arena, "val_list = %s\n", in_folder("val.txt")));
    assert_int_equal(a->n_duplicates, 2);
    for (int64_t i = 0; i < 2; i++) {
        const fpc_near_duplicate *t = &a->duplicate[i];
        const char *x = a->sample[t->a].name, *y = a->sample[t->b].name;
        assert_true(x[0] == 'p' && y[0] == 'q' && !strcmp(x + 1, y + 1));
        assert_true(a->sample[t->a].part == FPC_TRAIN && a->sample[t->b].part == FPC_VAL);
        assert_int_equal(t->mirrored, !strcmp(y, "q01"));
        assert_true(t->similarity > 0.99);
    }

    assert_int_equal(fpc_audit_json(a, in_folder("audit.json")), FPC_OK);
    json_t *all = json_load_file(in_folder("audit.json"), 0, NULL);
    assert_non_null(all);
    assert_int_equal(json_array_size(json_object_get(all, "near_duplicates")), 2);
    assert_true(json_is_true(json_object_get(json_array_get(json_object_get(all, "near_duplicates"), 0), "across")));
    const json_t *training = json_object_get(json_object_get(all, "parts"), "training");
    assert_int_equal(json_integer_value(json_object_get(training, "pictures")), 10);
    const json_t *reversed = json_object_get(json_object_get(all, "sides"), "reversed");
    assert_int_equal(json_array_size(reversed), 2);
    const json_t *eye = json_object_get(json_array_get(json_object_get(all, "classes"), 4), "training");
    assert_int_equal(json_integer_value(json_object_get(eye, "pictures")), 8);
    assert_int_equal(json_integer_value(json_object_get(eye, "pixels")), 8 * 20);
    json_decref(all);
}

static void of_faces(void **state)
{
    bench *b = *state;
    fpc_recipe *recipe;
    fpc_audit *a;
    const char *text = "[dataset]\nuse = synthetic\nsize = 64\ntrain = 40\nval = 10\ntest = 4\nbatch = 4\n";
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe), FPC_OK);
    assert_int_equal(audit_recipe(b, recipe, &a), FPC_OK);
    assert_true(a->n == 54 && a->n_flaws == 0 && a->n_duplicates == 0 && a->exchanged == 0 && a->decidable > 45);
    assert_true(a->n_sizes == 1 && a->size[0].n == 54 && a->size[0].w == 64);
}

/* ---- the real set ---- */

static void real_set(void **state)
{
    bench *b = *state;
    const char *root = shared_file(b, "data/celebamask-mini");
    static const int64_t pictures[19] = {1000, 1000, 1000, 58,  970, 971, 968, 966, 533, 481,
                                         565,  996,  997,  969, 53,  234, 45,  975, 595};
    fpc_recipe *recipe;
    fpc_audit *a;
    int64_t in_val = 0;
    const char *text = fpc_sprintf(b->arena, "[dataset]\nuse = folder\nclasses = celebamask19\nroot = %s\n", root);
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe), FPC_OK);
    assert_int_equal(audit_recipe(b, recipe, &a), FPC_OK);
    assert_int_equal(a->n_flaws, 0);
    assert_int_equal(a->decidable, 988);
    assert_int_equal(a->exchanged, 67);
    assert_int_equal(a->n_duplicates, 0);
    assert_int_equal(a->n_notes, 0);
    for (int c = 0; c < 19; c++)
        assert_int_equal(a->images[FPC_TRAIN][c] + a->images[FPC_VAL][c], pictures[c]);
    for (int64_t i = 0; i < a->n; i++)
        in_val += a->sample[i].side < 0 && a->sample[i].part == FPC_VAL;
    assert_int_equal(in_val, 4);
    assert_int_equal(fpc_audit_write_sides(a, in_folder("real.txt")), FPC_OK);
    text = fpc_sprintf(b->arena, "%ssides = %s\n", text, in_folder("real.txt"));
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe), FPC_OK);
    assert_int_equal(audit_recipe(b, recipe, &a), FPC_OK);
    assert_true(a->decidable == 988 && a->exchanged == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_set, bench_close)
int main(void)
{
    const struct CMUnitTest tests[] = {TEST(hashes),          TEST(orders),     TEST(sides),   TEST(no_majority),
                                       TEST(bad_lists),       TEST(every_flaw), TEST(resized), TEST(bad_names_in_lists),
                                       TEST(near_duplicates), TEST(of_faces),   TEST(real_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
