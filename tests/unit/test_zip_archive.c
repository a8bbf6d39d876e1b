/* test_zip_archive.c: archives in memory: what goes in comes out, equal pieces make equal bytes, and archives that are
 * cut, changed or none at all are refused with a sentence. And the file for PyTorch that is made of one. */
#define _GNU_SOURCE
#include "fixture.h"
#include "plugins/pictures.h"
#include "cmd/submit/torch_file.h"
#include "cmd/submit/zip_archive.h"

static const char long_text[] =
    "All work and no play. All work and no play. All work and no play. All work and no play.";
static const fpc_zip_entry pieces[] = {{"masks/a.png", "\0\1\2\3", 4, 1},
                                       {"solution/README.md", long_text, sizeof long_text, 0},
                                       {"solution/leer", "", 0, 0},
                                       {"masks/\xc3\xa4.png", "x", 1, 0}};
enum { PIECES = sizeof pieces / sizeof *pieces };

static const void *make(bench *b, size_t *bytes)
{
    const void *data;
    if (fpc_zip_make(b->ctx, b->arena, "test.zip", NULL, PIECES, pieces, &data, bytes))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return data;
}

static void there_and_back(void **state)
{
    bench *b = *state;
    size_t bytes, again;
    int32_t n;
    fpc_zip_entry *entry;
    const void *data = make(b, &bytes), *same = make(b, &again);
    assert_int_equal(bytes, again);
    assert_memory_equal(data, same, bytes);
    assert_int_equal(fpc_zip_read(b->ctx, b->arena, "test.zip", data, bytes, &n, &entry), FPC_OK);
    assert_int_equal(n, PIECES);
    for (int i = 0; i < PIECES; i++) {
        const fpc_zip_entry *e = fpc_zip_find(n, entry, pieces[i].name);
        assert_non_null(e);
        assert_int_equal(e->bytes, pieces[i].bytes);
        if (e->bytes)
            assert_memory_equal(e->data, pieces[i].data, e->bytes);
    }
    assert_int_equal(fpc_zip_find(n, entry, "masks/a.png")->store, 1);
    assert_int_equal(fpc_zip_find(n, entry, "solution/README.md")->store, 0);
    assert_null(fpc_zip_find(n, entry, "masks/b.png"));
    const fpc_zip_entry twice[2] = {{"a", "1", 1, 1}, {"a", "2", 1, 1}};
    assert_int_not_equal(fpc_zip_make(b->ctx, b->arena, "test.zip", NULL, 2, twice, &data, &bytes), FPC_OK);
    said(b, "test.zip: a: File already exists");
}

static void broken(void **state)
{
    bench *b = *state;
    size_t bytes;
    int32_t n;
    fpc_zip_entry *entry;
    const uint8_t *data = make(b, &bytes);
    uint8_t *copy = fpc_alloc(b->arena, bytes);
    int refused = 0;
    for (size_t cut = 0; cut < bytes; cut += 7) { /* the list of entries stands at the end */
        assert_int_not_equal(fpc_zip_read(b->ctx, b->arena, "cut.zip", data, cut, &n, &entry), FPC_OK);
        said(b, "cut.zip");
    }
    for (size_t i = 0; i < bytes; i++) { /* no byte changes a piece unseen */
        memcpy(copy, data, bytes);
        copy[i] ^= 0x10;
        const fpc_status status = fpc_zip_read(b->ctx, b->arena, "bad.zip", copy, bytes, &n, &entry);
        for (int k = 0; !status && k < PIECES; k++) {
            const fpc_zip_entry *e = fpc_zip_find(n, entry, pieces[k].name);
            if (e && e->bytes)
                assert_true(e->bytes == pieces[k].bytes && !memcmp(e->data, pieces[k].data, e->bytes));
        }
        refused += status != FPC_OK;
        if (status)
            said(b, "bad.zip");
    }
    assert_true(refused > (int)(bytes / 3));
}

/* The pickle is checked by PyTorch itself where it is at hand (tests/cli/submit.sh); here the pieces. */
static void torch_file(void **state)
{
    bench *b = *state;
    static const float weight[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t batches = 7;
    const fpc_st_tensor list[2] = {
        {.name = "fc.weight", .dtype = FPC_F32, .rank = 2, .dims = {2, 3}, .count = 6, .data = weight},
        {.name = "bn.num_batches_tracked", .dtype = FPC_I64, .rank = 0, .count = 1, .data = &batches}};
    const void *data;
    size_t bytes;
    int32_t n;
    fpc_zip_entry *entry;
    assert_int_equal(fpc_torch_make(b->ctx, b->arena, "ckpt.pth", 2, list, &data, &bytes), FPC_OK);
    assert_int_equal(fpc_zip_read(b->ctx, b->arena, "ckpt.pth", data, bytes, &n, &entry), FPC_OK);
    assert_int_equal(n, 5);
    for (int32_t i = 0; i < n; i++)
        assert_true(entry[i].store);
    assert_memory_equal(fpc_zip_find(n, entry, "archive/data/0")->data, weight, sizeof weight);
    assert_memory_equal(fpc_zip_find(n, entry, "archive/data/1")->data, &batches, sizeof batches);
    assert_memory_equal(fpc_zip_find(n, entry, "archive/version")->data, "3\n", 2);
    const fpc_zip_entry *pickle = fpc_zip_find(n, entry, "archive/data.pkl");
    const char *p = pickle->data;
    assert_true(p[0] == '\x80' && p[1] == 2 && p[pickle->bytes - 1] == '.');
    assert_non_null(memmem(p, pickle->bytes, "X\x0a\0\0\0state_dict", 15));
    assert_non_null(memmem(p, pickle->bytes, "X\x09\0\0\0fc.weight", 14));
    assert_non_null(memmem(p, pickle->bytes, "ctorch\nLongStorage\n", 19));
    /* sizes (2, 3), strides (3, 1) */
    assert_non_null(memmem(p, pickle->bytes, "(J\2\0\0\0J\3\0\0\0t(J\3\0\0\0J\1\0\0\0t\x89", 25));
    const fpc_st_tensor half = {.name = "h", .dtype = FPC_F16, .rank = 1, .dims = {1}, .count = 1, .data = weight};
    assert_int_equal(fpc_torch_make(b->ctx, b->arena, "ckpt.pth", 1, &half, &data, &bytes), FPC_ENOSUPPORT);
    said(b, "ckpt.pth: h: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(there_and_back), CASE(broken), CASE(torch_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
