/* test_safetensors.c: what is written reads back, deterministically and whole or not at all; lies get their sentence.
 */
#define _GNU_SOURCE
#include "fixture.h"

#include "weights/weights.h"
#include "base/file.h"
#include "base/message.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct fixture {
    bench b;
    char path[300];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    bench_new(&f->b);
    snprintf(f->path, sizeof f->path, "%s", in_folder("a.safetensors"));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    bench_free(&f->b);
    unlink(f->path);
    int left = rmdir(test_folder()); /* fails where a temporary file was left */
    test_folder_remove();
    free(f);
    return left;
}

static char *slurp(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    char *data = malloc(1 << 20);

    assert_non_null(in);
    *bytes = fread(data, 1, 1 << 20, in);
    fclose(in);
    return data;
}

static void put(const char *path, const char *header, size_t claimed, size_t data_bytes)
{
    FILE *out = fopen(path, "wb");

    assert_non_null(out);
    for (int i = 0; i < 8; i++)
        fputc((int)((uint64_t)claimed >> (8 * i) & 255), out);
    fputs(header, out);
    for (size_t i = 0; i < data_bytes; i++)
        fputc((int)i, out);
    fclose(out);
}

static void refused(struct fixture *f, const char *header, size_t data_bytes, const char *text)
{
    fpc_st_file *file;

    put(f->path, header, strlen(header), data_bytes);
    fpc_ctx_clear(f->b.ctx);
    assert_int_not_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_OK);
    if (!strstr(fpc_ctx_error(f->b.ctx), text))
        fail_msg("expected \"%s\" in \"%s\"", text, fpc_ctx_error(f->b.ctx));
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), f->path));
    fpc_ctx_clear(f->b.ctx);
}

static const float floats[6] = {1, -2.5f, 3e-30f, 4, 5, 6};
static const double doubles[2] = {0.1, -1e300};
static const int64_t longs[1] = {INT64_C(1) << 40};
static const uint8_t bytes_[3] = {1, 2, 255};

static const fpc_st_tensor sample[] = {
    {.name = "u", .dtype = FPC_U8, .rank = 1, .dims = {3}, .count = 3, .data = bytes_},
    {.name = "w", .dtype = FPC_F32, .rank = 2, .dims = {2, 3}, .count = 6, .data = floats},
    {.name = "empty", .dtype = FPC_F64, .rank = 1, .dims = {0}, .count = 0, .data = NULL},
    {.name = "d \"quoted\" \xc3\xa9", .dtype = FPC_F64, .rank = 1, .dims = {2}, .count = 2, .data = doubles},
    {.name = "n", .dtype = FPC_I64, .rank = 0, .count = 1, .data = longs},
};
static const fpc_st_meta meta[] = {{"format", "pt"}, {"text", "a = \"b\"\n[c]\n"}};

static void round_trip(void **state)
{
    struct fixture *f = *state;
    fpc_st_file *file;
    char *once, *twice;
    size_t n_once, n_twice;

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, sample, 2, meta), FPC_OK);
    once = slurp(f->path, &n_once);
    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, sample, 2, meta), FPC_OK);
    twice = slurp(f->path, &n_twice);
    assert_int_equal(n_once, n_twice);
    assert_memory_equal(once, twice, n_once);
    assert_int_equal((unsigned char)once[0] % 8, 0); /* data begin at a multiple of 8 */
    free(once);
    free(twice);

    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_OK);
    assert_int_equal(file->n, 5);
    assert_string_equal(fpc_st_meta_find(file, "text"), meta[1].value);
    assert_null(fpc_st_meta_find(file, "nothing"));
    for (int i = 0; i < 5; i++) {
        const fpc_st_tensor *t = fpc_st_find(file, sample[i].name);
        assert_non_null(t);
        assert_int_equal(t->dtype, sample[i].dtype);
        assert_int_equal(t->rank, sample[i].rank);
        assert_int_equal(t->count, sample[i].count);
        assert_memory_equal(t->dims, sample[i].dims, sizeof t->dims);
        assert_int_equal((uintptr_t)t->data % fpc_dtype_size(t->dtype), 0);
        if (t->count)
            assert_memory_equal(t->data, sample[i].data, (size_t)t->count * fpc_dtype_size(t->dtype));
    }
}

static void conversions(void **state)
{
    struct fixture *f = *state;
    static const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x7e00, 0x8000};
    static const uint16_t brain[] = {0x3f80, 0xc000, 0x7f80, 0x0080};
    static const int32_t ints[] = {-7, 8};
    const fpc_st_tensor t[] = {{.name = "half", .dtype = FPC_F16, .rank = 1, .dims = {7}, .count = 7, .data = half},
                               {.name = "brain", .dtype = FPC_BF16, .rank = 1, .dims = {4}, .count = 4, .data = brain},
                               {.name = "ints", .dtype = FPC_I32, .rank = 1, .dims = {2}, .count = 2, .data = ints}};
    fpc_st_file *file;
    float v[7];
    int64_t i[2];

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 3, t, 0, NULL), FPC_OK);
    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_OK);
    assert_int_equal(fpc_st_as_f32(f->b.ctx, file, fpc_st_find(file, "half"), v), FPC_OK);
    assert_true(v[0] == 1 && v[1] == -2 && v[2] == 0x1p-24f && v[3] == 65504 && isinf(v[4]) && isnan(v[5]));
    assert_true(v[6] == 0 && signbit(v[6]));
    assert_int_equal(fpc_st_as_f32(f->b.ctx, file, fpc_st_find(file, "brain"), v), FPC_OK);
    assert_true(v[0] == 1 && v[1] == -2 && isinf(v[2]) && v[3] == 0x1p-126f);
    assert_int_equal(fpc_st_as_i64(f->b.ctx, file, fpc_st_find(file, "ints"), i), FPC_OK);
    assert_true(i[0] == -7 && i[1] == 8);
    assert_int_equal(fpc_st_as_i64(f->b.ctx, file, fpc_st_find(file, "half"), i), FPC_EFORMAT);
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "tensor half is of dtype F16"));
    fpc_ctx_clear(f->b.ctx);
}

static void misaligned_data(void **state)
{
    struct fixture *f = *state;
    const char *header = "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                         "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}";
    fpc_st_file *file;
    uint32_t bits;

    put(f->path, header, strlen(header), 5);
    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_OK);
    assert_int_equal((uintptr_t)fpc_st_find(file, "f")->data % 4, 0);
    memcpy(&bits, fpc_st_find(file, "f")->data, 4);
    assert_int_equal(bits, 0x04030201);
}

static void hostile_files(void **state)
{
    struct fixture *f = *state;
    fpc_st_file *file;

#define ONE(shape, offsets) "{\"t\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    refused(f, ONE("[2]", "[0,8]"), 7, "truncated: tensor t ends at byte 8 of the data, but the file holds 7");
    refused(f, ONE("[2]", "[0,8]"), 9, "1 bytes behind the last tensor");
    refused(f, ONE("[3]", "[0,8]"), 8, "shape (3) of F32 does not fill its 8 bytes");
    refused(f, ONE("[4611686018427387904,8]", "[0,8]"), 8, "more elements than a number can hold");
    refused(f, ONE("[4611686018427387904]", "[0,8]"), 8, "does not fill its 8 bytes");
    refused(f, ONE("[-2]", "[0,8]"), 8, "something other than a size");
    refused(f, ONE("[1.5]", "[0,8]"), 8, "something other than a size");
    refused(f, ONE("[1,1,1,1,1,1,1,1,2]", "[0,8]"), 8, "at most 8 numbers");
    refused(f, ONE("[2]", "[8,0]"), 8, "make no sense");
    refused(f, ONE("[2]", "[-8,0]"), 8, "make no sense");
    refused(f, ONE("[2]", "[0]"), 8, "data_offsets must be two numbers");
    refused(f, ONE("[2]", "[4,12]"), 12, "a hole of 4 bytes before tensor t");
    refused(f, "{\"t\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "dtype F8_E4M3");
    refused(f, "{\"t\":3}", 2, "tensor t has no dtype");
    refused(f, "{\"a\\u0007b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "control character");
    refused(f, "{\"\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "a name of 0 bytes");
    refused(f,
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
            "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
            3, "tensors a and b overlap");
    refused(f,
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
            2, "duplicate");
    refused(f, "{\"__metadata__\":{\"a\":1}}", 0, "something other than texts");
    refused(f, "[1,2]", 0, "no JSON object");
    refused(f, "{\"t\":", 0, "no JSON object");

    put(f->path, "{}", 3, 0);
    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_EFORMAT);
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "truncated: the header has 3 bytes, but the file has only 10"));
    fpc_ctx_clear(f->b.ctx);
    put(f->path, "{}", (size_t)1 << 62, 0);
    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_EFORMAT);
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "at most 100000000 are allowed"));
    fpc_ctx_clear(f->b.ctx);
    assert_int_equal(truncate(f->path, 5), 0);
    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_EFORMAT);
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "truncated: 5 bytes are no safetensors file"));
    fpc_ctx_clear(f->b.ctx);
    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, test_folder(), &file), FPC_EFORMAT);
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "is not a file"));
    fpc_ctx_clear(f->b.ctx);
    unlink(f->path);
    assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_ENOENT);
    fpc_ctx_clear(f->b.ctx);
}

/* Every prefix of a good file is refused, and so is every file with one header byte broken into a brace. */
static void every_truncation(void **state)
{
    struct fixture *f = *state;
    fpc_st_file *file;
    size_t n;
    char *data;

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, sample, 2, meta), FPC_OK);
    data = slurp(f->path, &n);
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_equal(truncate(f->path, (off_t)(n - 1 - cut)), 0);
        assert_int_not_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_OK);
        fpc_ctx_clear(f->b.ctx);
        fpc_arena_reset(f->b.arena);
    }
    free(data);
}

/* A header with a few random bytes changed is read or refused; what is read lies inside of the file. */
static void random_damage(void **state)
{
    struct fixture *f = *state;
    uint64_t random = 12345;
    fpc_st_file *file;
    size_t n;
    char *data;
    int read = 0, refusals = 0;

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, sample, 2, meta), FPC_OK);
    data = slurp(f->path, &n);
    for (int trial = 0; trial < 1000; trial++) {
        FILE *out = fopen(f->path, "wb");
        char *damaged = malloc(n);
        memcpy(damaged, data, n);
        for (int k = 0; k <= trial % 3; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            damaged[(random >> 33) % (n < 600 ? n : 600)] =
                (char)("0123456789[]{},:\"FIU\\\n\377"[(random >> 20) % 24]);
        }
        assert_int_equal(fwrite(damaged, 1, n, out), n);
        fclose(out);
        free(damaged);
        if (fpc_st_read(f->b.ctx, f->b.arena, f->path, &file)) {
            assert_true(strlen(fpc_ctx_error(f->b.ctx)) > 10);
            refusals++;
        } else {
            unsigned sum = 0;
            for (int32_t i = 0; i < file->n; i++)
                for (size_t b = 0; b < (size_t)file->tensor[i].count * fpc_dtype_size(file->tensor[i].dtype); b++)
                    sum += ((const unsigned char *)file->tensor[i].data)[b];
            read += sum > 0;
        }
        fpc_ctx_clear(f->b.ctx);
        fpc_arena_reset(f->b.arena);
    }
    free(data);
    assert_true(read > 10 && refusals > 300);
}

/* A write that cannot finish leaves the former file and no temporary one, and says why. */
/* Names that could be written and not be read again never replace a good file. */
static void writes_no_unreadable_file(void **state)
{
    struct fixture *f = *state;
    fpc_st_tensor twice[5];
    const struct {
        const char *name, *text;
    } bad[] = {{"w", "there are two tensors called w"},
               {"", "cannot be called"},
               {NULL, "cannot be called"},
               {"__metadata__", "cannot be called"},
               {"\xff", "no UTF-8"}};
    char *before, *after;
    size_t n, m;

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, sample, 2, meta), FPC_OK);
    before = slurp(f->path, &n);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memcpy(twice, sample, sizeof twice);
        twice[4].name = bad[i].name;
        fpc_ctx_clear(f->b.ctx);
        assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, twice, 2, meta), FPC_EINVAL);
        if (!strstr(fpc_ctx_error(f->b.ctx), bad[i].text))
            fail_msg("expected \"%s\" in \"%s\"", bad[i].text, fpc_ctx_error(f->b.ctx));
        after = slurp(f->path, &m);
        assert_int_equal(n, m);
        assert_memory_equal(before, after, n);
        free(after);
    }
    free(before);
    fpc_ctx_clear(f->b.ctx);
}

/* What people give in place of a safetensors file is called by its name. */
static void other_formats(void **state)
{
    static const char *const begin[][2] = {
        {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", "a file of PyTorch before 1.6"},
        {"\x80\x02}q\x01 and more", "a pickle of Python"},
        {"\x89HDF\r\n\x1a\n and more", "an HDF5 file"}};
    struct fixture *f = *state;
    fpc_st_file *file;

    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) {
        FILE *out = fopen(f->path, "wb");
        assert_true(out && fputs(begin[i][0], out) >= 0 && !fclose(out));
        fpc_ctx_clear(f->b.ctx);
        assert_int_equal(fpc_st_read(f->b.ctx, f->b.arena, f->path, &file), FPC_EFORMAT);
        assert_non_null(strstr(fpc_ctx_error(f->b.ctx), begin[i][1]));
        assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "torch.save(torch.load("));
    }
    fpc_ctx_clear(f->b.ctx);
}

/* The file is cut in place while it is read, again and again: a sentence or all of it, never a signal. */
static void changed_while_read(void **state)
{
    struct fixture *f = *state;
    enum { FLOATS = 1 << 18 };
    float *numbers = calloc(FLOATS, sizeof *numbers);
    const fpc_st_tensor large = {
        .name = "large", .dtype = FPC_F32, .rank = 1, .dims = {FLOATS}, .count = FLOATS, .data = numbers};
    const pid_t parent = getpid();
    size_t n;
    char *whole;
    int fd, how;
    pid_t child;

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 1, &large, 0, NULL), FPC_OK);
    free(numbers);
    whole = slurp(f->path, &n);
    free(whole);
    if (!(child = fork())) {
        while (getppid() == parent) {
            fd = open(f->path, O_RDWR);
            if (fd < 0 || ftruncate(fd, 4096) || ftruncate(fd, (off_t)n))
                _exit(1);
            close(fd);
        }
        _exit(0);
    }
    for (int i = 0; i < 200; i++) {
        fpc_arena *arena = fpc_arena_new(f->b.ctx);
        fpc_st_file *file;
        double sum = 0;
        fpc_ctx_clear(f->b.ctx);
        if (!fpc_st_read(f->b.ctx, arena, f->path, &file))
            for (int64_t k = 0; k < file->tensor[0].count; k++)
                sum += (double)((const float *)file->tensor[0].data)[k];
        else
            assert_non_null(strstr(fpc_ctx_error(f->b.ctx), f->path));
        assert_true(sum == 0);
        fpc_arena_free(arena);
    }
    kill(child, SIGKILL);
    waitpid(child, &how, 0);
    fpc_ctx_clear(f->b.ctx);
}

static void disk_full(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, small;
    size_t before, after;
    char *was, *is;
    static float big[4096];
    const fpc_st_tensor t = {.name = "big", .dtype = FPC_F32, .rank = 1, .dims = {4096}, .count = 4096, .data = big};

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, sample, 2, meta), FPC_OK);
    was = slurp(f->path, &before);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 8192;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fpc_status status = fpc_st_write(f->b.ctx, f->path, 1, &t, 0, NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, FPC_EIO);
    assert_non_null(
        strstr(fpc_ctx_error(f->b.ctx), "cannot be written: File too large; the former file stays as it was"));
    fpc_ctx_clear(f->b.ctx);
    is = slurp(f->path, &after);
    assert_int_equal(before, after);
    assert_memory_equal(was, is, before);
    free(was);
    free(is);
}

static void no_such_folder(void **state)
{
    struct fixture *f = *state;
    char path[300];

    snprintf(path, sizeof path, "%s/missing/a.json", test_folder());
    assert_int_equal(fpc_write_atomic(f->b.ctx, path, "x", 1), FPC_EIO);
    assert_non_null(strstr(fpc_ctx_error(f->b.ctx), "No such file or directory; nothing was left behind"));
    fpc_ctx_clear(f->b.ctx);
}

/* What stands beside a file under the name that a temporary one would have stays: a text, a link, a FIFO. */
static void leaves_others_alone(void **state)
{
    struct fixture *f = *state;
    char path[300], beside[310], aim[310], *back;
    size_t n;

    for (int kind = 0; kind < 3; kind++) {
        struct stat about;
        snprintf(path, sizeof path, "%s/whole-%d", test_folder(), kind);
        snprintf(beside, sizeof beside, "%s.tmp", path);
        snprintf(aim, sizeof aim, "%s.aim", path);
        if (kind == 0)
            assert_int_equal(fpc_write_atomic(f->b.ctx, beside, "notes", 5), FPC_OK);
        else if (kind == 1)
            assert_int_equal(symlink(aim, beside), 0);
        else
            assert_int_equal(mkfifo(beside, 0600), 0);
        assert_int_equal(fpc_write_atomic(f->b.ctx, path, "x", 1), FPC_OK);
        back = slurp(path, &n);
        assert_true(n == 1 && *back == 'x');
        free(back);
        assert_int_equal(lstat(beside, &about), 0);
        assert_int_not_equal(access(aim, F_OK), 0);
        assert_true(kind == 0 ? S_ISREG(about.st_mode) && about.st_size == 5
                              : (kind == 1 ? S_ISLNK(about.st_mode) : S_ISFIFO(about.st_mode)));
        assert_true(kind == 0 || !fpc_open_plain(beside)); /* nor is a FIFO waited for */
        unlink(path);
        unlink(beside);
    }
}

static void names_as_long_as_can_be(void **state)
{
    struct fixture *f = *state;
    char path[600], *back;
    size_t n;

    snprintf(path, sizeof path, "%s/%0255d", test_folder(), 7);
    assert_int_equal(fpc_write_atomic(f->b.ctx, path, "x", 1), FPC_OK);
    back = slurp(path, &n);
    assert_int_equal(n, 1);
    free(back);
    unlink(path);
}

static void same_in_memory(void **state)
{
    struct fixture *f = *state;
    const void *data;
    size_t bytes, n;
    char *back;

    assert_int_equal(fpc_st_write(f->b.ctx, f->path, 5, sample, 2, meta), FPC_OK);
    assert_int_equal(fpc_st_bytes(f->b.ctx, f->b.arena, "a.safetensors", 5, sample, 2, meta, &data, &bytes), FPC_OK);
    back = slurp(f->path, &n);
    assert_int_equal(n, bytes);
    assert_memory_equal(back, data, bytes);
    free(back);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(round_trip),
        TEST(conversions),
        TEST(misaligned_data),
        TEST(hostile_files),
        TEST(every_truncation),
        TEST(random_damage),
        TEST(writes_no_unreadable_file),
        TEST(other_formats),
        TEST(changed_while_read),
        TEST(disk_full),
        TEST(no_such_folder),
        TEST(leaves_others_alone),
        TEST(names_as_long_as_can_be),
        TEST(same_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
