/* test_archive.c: files of torch.save: those that PyTorch wrote (make.py) hold what was saved; those that it would not
 * write, cut, changed and made by hand, are refused with a sentence and never run, grow or read beyond their end.
 * FPCORE_TORCH_FILES: another folder of what make.py writes. */
#define _GNU_SOURCE
#include "fixture.h"

#include "cmd/submit/torch_file.h"
#include "weights/weights.h"
#include "cmd/submit/zip_archive.h"

static const char *saved(bench *b, const char *name)
{
    const char *folder = getenv("FPCORE_TORCH_FILES"), *root = getenv("FPCORE_SRC");

    return folder ? fpc_sprintf(b->arena, "%s/%s", folder, name)
                  : fpc_sprintf(b->arena, "%s/tests/torch/%s", root ? root : ".", name);
}

static const fpc_st_file *opened(bench *b, const char *name)
{
    fpc_st_file *file;

    if (fpc_st_read(b->ctx, b->arena, saved(b, name), &file))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return file;
}

static void refuses(bench *b, const char *path, fpc_status expected, const char *text)
{
    fpc_st_file *file;

    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_st_read(b->ctx, b->arena, path, &file), expected);
    if (!strstr(fpc_ctx_error(b->ctx), text) || !strstr(fpc_ctx_error(b->ctx), path))
        fail_msg("expected \"%s\" in \"%s\"", text, fpc_ctx_error(b->ctx));
    fpc_ctx_clear(b->ctx);
}

/* Tensor `name` is of that kind and size and holds `first` and what follows in steps. */
static void holds(bench *b, const fpc_st_file *file, const char *name, uint32_t dtype, const char *dims, double first,
                  double step)
{
    const fpc_st_tensor *t = fpc_st_find(file, name);
    char text[128];
    double *v;

    if (!t)
        fail_msg("%s: no tensor %s", file->path, name);
    assert_int_equal(t->dtype, dtype);
    assert_string_equal(fpc_dims_text(text, sizeof text, t->rank, t->dims), dims);
    assert_int_equal((uintptr_t)t->data % 2, 0);
    v = fpc_alloc(b->arena, (size_t)t->count * sizeof *v + 1);
    assert_int_equal(fpc_st_as_f64(b->ctx, file, t, v), FPC_OK);
    for (int64_t i = 0; i < t->count; i++)
        if (v[i] < first + step * (double)i || v[i] > first + step * (double)i)
            fail_msg("%s: number %d is %g", name, (int)i, v[i]);
}

/* ---- what PyTorch saves ---- */

static void all_kinds_of_numbers(void **state)
{
    bench *b = *state;
    const fpc_st_file *file = opened(b, "kinds.pth");
    const fpc_st_tensor *flags = fpc_st_find(file, "bool");

    assert_int_equal(file->n, 10);
    holds(b, file, "float", FPC_F32, "(2, 3)", 1, 1);
    holds(b, file, "double", FPC_F64, "(2, 3)", 1, 1);
    holds(b, file, "half", FPC_F16, "(2, 3)", 1, 1);
    holds(b, file, "bfloat", FPC_BF16, "(2, 3)", 1, 1);
    holds(b, file, "long", FPC_I64, "(2, 3)", -2, 1);
    holds(b, file, "int", FPC_I32, "(2, 3)", -2, 1);
    holds(b, file, "byte", FPC_U8, "(2, 3)", 1, 1);
    holds(b, file, "scalar", FPC_F32, "()", 7, 0);
    holds(b, file, "empty", FPC_F32, "(0, 3)", 0, 0);
    assert_memory_equal(flags->data, "\1\0\1", 3);
}

/* Tensors that share a storage, begin in its middle, or have their numbers in another order. */
static void views_of_storages(void **state)
{
    bench *b = *state;
    const fpc_st_file *file = opened(b, "views.pth");
    const fpc_st_tensor *turned = fpc_st_find(file, "turned");
    static const float expected[] = {7, 10, 8, 11, 9, 12};

    holds(b, file, "whole", FPC_F32, "(24)", 1, 1);
    holds(b, file, "tied", FPC_F32, "(24)", 1, 1);
    holds(b, file, "part", FPC_F32, "(2, 3)", 7, 1);
    holds(b, file, "other", FPC_F32, "(12)", 2, 2);
    holds(b, file, "last", FPC_F32, "(2, 3, 2, 2)", 1, 1);
    assert_memory_equal(turned->data, expected, sizeof expected);
}

static char told[1024];

static void listen(void *arg, int level, const char *text)
{
    (void)arg, (void)level;
    snprintf(told, sizeof told, "%s", text);
}

/* Of a training's file the dict with the most tensors is read, and which one it was is told. */
static void model_of_a_training(void **state)
{
    bench *b = *state;
    const fpc_st_file *file;

    *told = 0;
    fpc_ctx_log_sink(b->ctx, listen, NULL);
    file = opened(b, "training.pth");
    fpc_ctx_log_sink(b->ctx, NULL, NULL);
    assert_int_equal(file->n, 7);
    assert_non_null(strstr(told, "training.pth: the 7 tensors of \"nested.model\" are read; left out: "
                                 "\"nested.model_ema\" with 1, \"(top)\" with 1"));
    holds(b, file, "0.weight", FPC_F32, "(4, 3, 3, 3)", 1, 1);
    holds(b, file, "1.bias", FPC_F32, "(4)", 1, 1);
    holds(b, file, "1.num_batches_tracked", FPC_I64, "()", 1, 0);
    file = opened(b, "parameters.pth");
    assert_int_equal(file->n, 4);
    holds(b, file, "0.weight", FPC_F32, "(4, 3, 3, 3)", 1, 1);
}

/* What is more than tensors is named, with the way to what can be read. */
static void other_files_of_pytorch(void **state)
{
    bench *b = *state;

    refuses(b, saved(b, "module.pth"), FPC_ENOSUPPORT,
            "it holds a Python object, `torch.nn.modules.container.Sequential`; only what tensors under names need is "
            "read, and no code of the file is run. In Python, if you trust the file: m = torch.load(");
    refuses(b, saved(b, "object.pth"), FPC_ENOSUPPORT, "it holds a Python object, `torch.device`");
    refuses(b, saved(b, "old.pth"), FPC_EFORMAT,
            "a file of PyTorch before 1.6 (.pth), no safetensors file and no archive of torch.save; in Python: "
            "torch.save(torch.load(");
    refuses(b, saved(b, "complex.pth"), FPC_ENOSUPPORT, "tensor a holds complex");
    refuses(b, saved(b, "repeated.pth"), FPC_EFORMAT, "tensor a: its numbers are repeated (a stride of 0)");
    refuses(b, saved(b, "protocol.pth"), FPC_ENOSUPPORT, "protocol 4 of pickle");
    refuses(b, saved(b, "tensor.pth"), FPC_EFORMAT, "it holds no dict of tensors under names");
    refuses(b, saved(b, "script.pt"), FPC_ENOSUPPORT, "a TorchScript program, not its weights");
}

/* What `fpcore submit` writes for torch.load. */
static void own_files(void **state)
{
    bench *b = *state;
    static const float numbers[] = {1, 2, 3, 4, 5, 6};
    static const int64_t count[] = {-3};
    const fpc_st_tensor list[] = {{"w", FPC_F32, 2, {2, 3}, 6, numbers}, {"n", FPC_I64, 0, {0}, 1, count}};
    const void *data;
    fpc_st_file *file;
    size_t bytes;

    assert_int_equal(fpc_torch_make(b->ctx, b->arena, "ckpt.pth", 2, list, &data, &bytes), FPC_OK);
    write_bytes("ckpt.pth", data, bytes);
    assert_int_equal(fpc_st_read(b->ctx, b->arena, in_folder("ckpt.pth"), &file), FPC_OK);
    assert_int_equal(file->n, 2);
    holds(b, file, "w", FPC_F32, "(2, 3)", 1, 1);
    holds(b, file, "n", FPC_I64, "()", -3, 0);
}

/* ---- what nobody saves ---- */

/* An archive of that pickle, with a storage `0` of 24 bytes. */
static const char *archive(const char *pickle, size_t bytes, int32_t n, const fpc_zip_entry *more)
{
    bench b;
    fpc_zip_entry entry[4] = {{"a/data.pkl", pickle, bytes, 1}, {"a/data/0", "0123456789abcdefghijklmn", 24, 1}};
    const void *data;
    size_t size;

    bench_new(&b);
    for (int32_t i = 0; i < n; i++)
        entry[2 + i] = more[i];
    if (fpc_zip_make(b.ctx, b.arena, "x.pth", NULL, 2 + n, entry, &data, &size))
        fail_msg("%s", fpc_ctx_error(b.ctx));
    write_bytes("x.pth", data, size);
    bench_free(&b);
    return in_folder("x.pth");
}

#define BEGIN                                                                                                          \
    "\x80\x02}X\1\0\0\0w"                                                                                              \
    "ctorch._utils\n_rebuild_tensor_v2\n(("
#define STORAGE                                                                                                        \
    "X\7\0\0\0storage"                                                                                                 \
    "ctorch\nFloatStorage\nX\1\0\0\0"                                                                                  \
    "0X\3\0\0\0cpuK\6tQ"
#define END                                                                                                            \
    "\x89"                                                                                                             \
    "ccollections\nOrderedDict\n)RtRs."
#define GOOD BEGIN STORAGE "K\0(K\2K\3t(K\3K\1t" END
#define ARCHIVE(pickle) archive(pickle, sizeof(pickle) - 1, 0, NULL)

static void tensors_that_lie(void **state)
{
    bench *b = *state;
    fpc_st_file *file;

    assert_int_equal(fpc_st_read(b->ctx, b->arena, ARCHIVE(GOOD), &file), FPC_OK);
    refuses(b, ARCHIVE(BEGIN STORAGE "K\1(K\2K\3t(K\3K\1t" END), FPC_EFORMAT, "tensor w: it reaches beyond the end");
    refuses(b, ARCHIVE(BEGIN STORAGE "K\0(K\2K\3t(K\4K\1t" END), FPC_EFORMAT, "tensor w: it reaches beyond the end");
    refuses(b, ARCHIVE(BEGIN STORAGE "J\xff\xff\xff\xff(K\2K\3t(K\3K\1t" END), FPC_EFORMAT,
            "a tensor that is not made of");
    refuses(b, ARCHIVE(BEGIN STORAGE "K\0(K\2J\xfe\xff\xff\xfft(K\3K\1t" END), FPC_EFORMAT, "no numbers from 0 on");
    refuses(b, ARCHIVE(BEGIN STORAGE "K\0(K\2K\3t(K\3t" END), FPC_EFORMAT, "a tensor that is not made of");
    refuses(b, ARCHIVE(BEGIN STORAGE "K\0(\x8a\x8\0\0\0\0\0\0\0\x40K\3t(K\0K\0t" END), FPC_EFORMAT,
            "tensor w: it has more numbers than can be counted");
    refuses(b, ARCHIVE(BEGIN STORAGE "K\0(\x8a\x5\0\0\0\0\1K\1t(K\0K\1t" END), FPC_EFORMAT, "(a stride of 0)");
    refuses(b, ARCHIVE(BEGIN STORAGE "K\0(K\1K\1K\1K\1K\1K\1K\1K\1K\1t(K\1K\1K\1K\1K\1K\1K\1K\1K\1t" END),
            FPC_ENOSUPPORT, "more than 8 axes");
    refuses(b,
            ARCHIVE(BEGIN "X\7\0\0\0storage"
                          "ctorch\nFloatStorage\nX\1\0\0\0"
                          "0X\3\0\0\0cpuK\7tQ"
                          "K\0(K\2K\3t(K\3K\1t" END),
            FPC_EFORMAT, "truncated: its storage has fewer bytes than it says");
    refuses(b,
            ARCHIVE(BEGIN "X\7\0\0\0storage"
                          "ctorch\nFloatStorage\nX\x9\0\0\0"
                          "../data/0X\3\0\0\0cpuK\6tQ"
                          "K\0(K\2K\3t(K\3K\1t" END),
            FPC_EFORMAT, "its storage, the entry data/../data/0, is not in the archive");
    refuses(b, ARCHIVE("\x80\x02}X\0\0\0\0]s."), FPC_EFORMAT, "it holds no dict of tensors");
}

/* Programs that torch.load would run, and ones that no pickler makes. */
static void pickles_that_attack(void **state)
{
    bench *b = *state;

    refuses(b,
            ARCHIVE("\x80\x02"
                    "cposix\nsystem\nX\4\0\0\0true\x85R."),
            FPC_ENOSUPPORT, "a Python object, `posix.system`");
    refuses(b,
            ARCHIVE("\x80\x02"
                    "c__builtin__\neval\n."),
            FPC_ENOSUPPORT, "`__builtin__.eval`");
    refuses(b,
            ARCHIVE("\x80\x02"
                    "ctorch._utils\n_rebuild_tensor\n."),
            FPC_ENOSUPPORT, "`torch._utils._rebuild_tensor`");
    refuses(b,
            ARCHIVE("\x80\x02"
                    "ccollections\nOrderedDict"),
            FPC_EFORMAT, "a name that does not end");
    refuses(b, ARCHIVE("\x80\x02(iposix\nsystem\n."), FPC_ENOSUPPORT, "opcode `i` of pickle");
    refuses(b, ARCHIVE("\x80\x02\x93."), FPC_ENOSUPPORT, "opcode 0x93 of pickle");
    refuses(b,
            ARCHIVE("\x80\x02"
                    "ctorch\nFloatStorage\n)R."),
            FPC_EFORMAT, "a storage is made as a call");
    refuses(b, ARCHIVE("\x80\x02}}R."), FPC_EFORMAT, "a call without a name or arguments");
    refuses(b, ARCHIVE("\x80\x02K\1Q."), FPC_EFORMAT, "a persistent id that is no storage");
    refuses(b, ARCHIVE("\x80\x02)."), FPC_EFORMAT, "it holds no dict of tensors");
    refuses(b, ARCHIVE("\x80\x02u."), FPC_EFORMAT, "the end of a collection that has not begun");
    refuses(b, ARCHIVE("\x80\x02}(K\1u."), FPC_EFORMAT, "pairs for a dict that is not there");
    refuses(b, ARCHIVE("\x80\x02}(}s."), FPC_EFORMAT, "pairs for a dict that is not there");
    refuses(b, ARCHIVE("\x80\x02K\1\x87."), FPC_EFORMAT, "a tuple of values that are not there");
    refuses(b, ARCHIVE("\x80\x02h\1."), FPC_EFORMAT, "a memo number that was never kept");
    refuses(b, ARCHIVE("\x80\x02}r\xff\xff\xff\xff."), FPC_EFORMAT, "a memo number beyond");
    refuses(b, ARCHIVE("\x80\x02q\0."), FPC_EFORMAT, "nothing is there to be kept");
    refuses(b, ARCHIVE("\x80\x02X\xff\xff\xff\xffw."), FPC_EFORMAT, "it ends within an instruction");
    refuses(b, ARCHIVE("\x80\x02."), FPC_EFORMAT, "it ends with other than one value");
    refuses(b, ARCHIVE("\x80\x02}}."), FPC_EFORMAT, "it ends with other than one value");
    refuses(b, ARCHIVE("\x80\x02}K\1b."), FPC_EFORMAT, "it holds no dict of tensors");
    refuses(b, ARCHIVE("\x80\x02K\1K\1b."), FPC_EFORMAT, "attributes of something other than a dict");
    /* a dict that holds itself, and one in which each level holds the next twice */
    refuses(b, ARCHIVE("\x80\x02}q\0X\1\0\0\0ah\0s."), FPC_EFORMAT, "it holds no dict of tensors");
    char bomb[16000] = "\x80\x02}q\0";
    size_t n = 5;
    for (int i = 0; i < 250; i++) {
        memcpy(bomb + n, "X\1\0\0\0 }q (X\1\0\0\0ah X\1\0\0\0bh us", 28);
        bomb[n + 5] = (char)(i % 100 + 20);
        bomb[n + 8] = (char)(i + 1);
        bomb[n + 17] = bomb[n + 25] = (char)i;
        n += 28;
    }
    bomb[n] = '.';
    refuses(b, archive(bomb, n + 1, 0, NULL), FPC_EFORMAT, "it holds no dict of tensors");
}

/* Deep and wide: neither the stack of the process nor minutes are needed. */
static void many_values(void **state)
{
    bench *b = *state;
    enum { MANY = 3000000 };
    char *pickle = malloc(MANY + 10);

    memcpy(pickle, "\x80\x02", 2);
    memset(pickle + 2, '(', MANY);
    refuses(b, archive(pickle, MANY, 0, NULL), FPC_EFORMAT, "too many collections in each other");
    memset(pickle + 2, '}', MANY);
    refuses(b, archive(pickle, MANY, 0, NULL), FPC_EFORMAT, "data.pkl makes more than 2000000 values");
    memset(pickle + 2, ']', 1000);
    memset(pickle + 1002, 'a', 999);
    memcpy(pickle + 2001, ".", 1);
    refuses(b, archive(pickle, 2002, 0, NULL), FPC_EFORMAT, "it holds no dict of tensors");
    free(pickle);
}

static void archives_that_lie(void **state)
{
    bench *b = *state;
    const fpc_zip_entry big = {"a/byteorder", "big", 3, 1}, twice = {"b/data.pkl", GOOD, sizeof GOOD - 1, 1};
    const fpc_zip_entry packed[] = {{"a/data.pkl", GOOD, sizeof GOOD - 1, 0}}, other[] = {{"a/b.txt", "x", 1, 1}};
    const fpc_zip_entry outside = {"../../etc/passwd", "x", 1, 1};
    const void *data;
    fpc_st_file *file;
    size_t bytes;

    refuses(b, archive(GOOD, sizeof GOOD - 1, 1, &big), FPC_ENOSUPPORT, "not stored with the lowest byte first");
    refuses(b, archive(GOOD, sizeof GOOD - 1, 1, &twice), FPC_EFORMAT, "it holds two files data.pkl");
    assert_int_equal(fpc_st_read(b->ctx, b->arena, archive(GOOD, sizeof GOOD - 1, 1, &outside), &file), FPC_OK);
    assert_int_equal(fpc_zip_make(b->ctx, b->arena, "x", NULL, 1, packed, &data, &bytes), FPC_OK);
    write_bytes("y.pth", data, bytes);
    refuses(b, in_folder("y.pth"), FPC_ENOSUPPORT, "its entry a/data.pkl is compressed");
    assert_int_equal(fpc_zip_make(b->ctx, b->arena, "x", NULL, 1, other, &data, &bytes), FPC_OK);
    write_bytes("y.pth", data, bytes);
    refuses(b, in_folder("y.pth"), FPC_EFORMAT, "a ZIP file, but none of torch.save: it holds no data.pkl");
}

/* Non-contiguous views of one storage, each of which would be copied: a small file does not become a large one. */
static void copies_have_a_limit(void **state)
{
    bench *b = *state;
    enum { NUMBERS = 40000, VIEWS = 60 };
    char pickle[VIEWS * 400], number[12];
    size_t n = (size_t)(stpcpy(pickle, "\x80\x02}") - pickle);
    static char numbers[4 * NUMBERS];
    fpc_zip_entry entry[2] = {{"a/data.pkl", pickle, 0, 1}, {"a/data/0", numbers, sizeof numbers, 1}};
    const void *data;
    size_t bytes;

    for (int i = 0; i < 4; i++)
        number[i] = (char)(NUMBERS >> 8 * i);
#define PUT(text) (memcpy(pickle + n, text, sizeof(text) - 1), n += sizeof(text) - 1)
#define PUT_NUMBER() (pickle[n] = 'J', memcpy(pickle + n + 1, number, 4), n += 5)
    for (int i = 0; i < VIEWS; i++) {
        PUT("X\1\0\0\0");
        pickle[n++] = (char)('0' + i);
        PUT("ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storage"
            "ctorch\nFloatStorage\nX\1\0\0\0"
            "0X\3\0\0\0cpu");
        PUT_NUMBER();
        PUT("tQK\0(K\2M\x20\x4et(K\1K\2t" END);
        n--; /* the stop */
    }
    pickle[n++] = '.';
    entry[0].bytes = n;
    assert_int_equal(fpc_zip_make(b->ctx, b->arena, "x", NULL, 2, entry, &data, &bytes), FPC_OK);
    write_bytes("z.pth", data, bytes);
    refuses(b, in_folder("z.pth"), FPC_EFORMAT, "tensors that are larger than the file in sum; .contiguous() mends it");
}

/* Entries of an archive may share bytes; those of torch.save do not. */
static void entries_that_overlap(void **state)
{
    bench *b = *state;
    const char *path = ARCHIVE(GOOD);
    unsigned char file[4096];
    FILE *in = fopen(path, "rb");
    const size_t bytes = fread(file, 1, sizeof file, in);
    unsigned char *first = NULL;

    fclose(in);
    for (size_t i = 0; i + 4 < bytes; i++) {
        if (memcmp(file + i, "PK\1\2", 4))
            continue;
        if (first)
            memcpy(file + i + 42, first + 42, 4); /* where its bytes begin: where the first's do */
        first = first ? first : file + i;
    }
    assert_non_null(first);
    write_bytes("o.pth", file, bytes);
    fpc_st_file *st;
    fpc_ctx_clear(b->ctx);
    assert_int_equal(fpc_st_read(b->ctx, b->arena, in_folder("o.pth"), &st), FPC_EFORMAT);
    assert_true(strlen(fpc_ctx_error(b->ctx)) > 10);
    fpc_ctx_clear(b->ctx);
}

/* The place of a mark in a file; of the first, or of the last. */
static size_t place(const unsigned char *file, size_t bytes, const char *mark, size_t n, int last)
{
    size_t found = bytes;
    for (size_t i = 0; i + n <= bytes; i++)
        if (!memcmp(file + i, mark, n) && (last || found == bytes))
            found = i;
    assert_true(found < bytes);
    return found;
}

/* What the directory tells and what is there are compared. */
static void archives_that_are_damaged(void **state)
{
    bench *b = *state;
    static const struct {
        const char *mark; /* the byte `at` behind it is changed */
        size_t at;
        int last;
        fpc_status status;
        const char *why;
    } damage[] = {
        {"0123456789", 3, 0, FPC_EFORMAT, "the checksum of its entry a/data/0 is another: the file is damaged"},
        {"PK\1\2", 8, 1, FPC_ENOSUPPORT, "its entry a/data/0 is encrypted"},
        {"PK\1\2", 42, 1, FPC_EFORMAT, "its entry a/data/0 is not where the directory says"},
        {"PK\1\2", 24, 1, FPC_EFORMAT, "its entry a/data/0 is truncated"},
        {"PK\5\6", 4, 1, FPC_EFORMAT, "as a ZIP archive it is damaged: it is one of several files"},
        {"PK\5\6", 17, 1, FPC_EFORMAT, "as a ZIP archive it is damaged: its directory does not fit into it"},
        {"PK\5\6", 20, 1, FPC_EFORMAT, "as a ZIP archive it is damaged: its end is missing"},
    };
    unsigned char file[4096];
    FILE *in = fopen(ARCHIVE(GOOD), "rb");
    const size_t bytes = fread(file, 1, sizeof file - 8, in);
    fpc_st_file *st;

    fclose(in);
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        unsigned char *at =
            file + place(file, bytes, damage[i].mark, strlen(damage[i].mark), damage[i].last) + damage[i].at;
        *at ^= 1;
        write_bytes("d.pth", file, bytes);
        refuses(b, in_folder("d.pth"), damage[i].status, damage[i].why);
        *at ^= 1;
    }
    const size_t end = place(file, bytes, "PK\5\6", 4, 1);
    file[end + 20] = 5; /* a comment behind everything */
    memcpy(file + bytes, "PK\5\6!", 5);
    write_bytes("d.pth", file, bytes + 5);
    assert_int_equal(fpc_st_read(b->ctx, b->arena, in_folder("d.pth"), &st), FPC_OK);
}

/* ---- every byte ---- */

static void read_whatever(bench *b, const char *name)
{
    fpc_arena *arena = fpc_arena_new(b->ctx);
    fpc_st_file *file;
    const fpc_status status = fpc_st_read(b->ctx, arena, in_folder(name), &file);

    if (status)
        assert_true(strlen(fpc_ctx_error(b->ctx)) > 10);
    for (int32_t i = 0; !status && i < file->n; i++) {
        double *v = fpc_alloc(arena, (size_t)file->tensor[i].count * sizeof *v + 1);
        assert_int_equal(fpc_st_as_f64(b->ctx, file, &file->tensor[i], v), FPC_OK);
    }
    fpc_arena_free(arena);
    fpc_ctx_clear(b->ctx);
}

/* Cut at every byte it is refused; with any byte of its pickle changed it is refused or read, but never believed too
 * far (make check-sanitizers sees what a read beyond the end would be). */
static void cut_and_changed(void **state)
{
    bench *b = *state;
    static const char good[] = GOOD;
    const char *path = ARCHIVE(GOOD);
    char file[4096], pickle[sizeof good];
    FILE *in = fopen(path, "rb");
    const size_t bytes = fread(file, 1, sizeof file, in);
    fpc_st_file *st;

    fclose(in);
    for (size_t cut = 0; cut < bytes; cut++) {
        write_bytes("cut.pth", file, cut);
        assert_int_not_equal(fpc_st_read(b->ctx, b->arena, in_folder("cut.pth"), &st), FPC_OK);
        assert_true(strlen(fpc_ctx_error(b->ctx)) > 10);
        fpc_ctx_clear(b->ctx);
    }
    for (size_t i = 0; i < bytes; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            file[i] ^= (char)(1 << bit);
            write_bytes("bit.pth", file, bytes);
            file[i] ^= (char)(1 << bit);
            read_whatever(b, "bit.pth");
        }
    for (size_t i = 0; i < sizeof good - 1; i++) {
        refuses(b, archive(good, i, 0, NULL), FPC_EFORMAT, "data.pkl");
        for (int value = 0; value < 256; value += 5) {
            memcpy(pickle, good, sizeof good);
            pickle[i] = (char)value;
            (void)archive(pickle, sizeof good - 1, 0, NULL);
            read_whatever(b, "x.pth");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_kinds_of_numbers),
        CASE(views_of_storages),
        CASE(model_of_a_training),
        CASE(other_files_of_pytorch),
        CASE(own_files),
        CASE(tensors_that_lie),
        CASE(pickles_that_attack),
        CASE(many_values),
        CASE(archives_that_lie),
        CASE(copies_have_a_limit),
        CASE(entries_that_overlap),
        CASE(archives_that_are_damaged),
        CASE(cut_and_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
