/* test_export.c: the graph that is exported and the ONNX file, read back by a decoder of its own: what a file must have
 * that every runtime takes it (each tensor made once, before it is read; sizes of constants; inputs, outputs, versions,
 * metadata), for every model plugin and variant at its full width. That the network computes the same is
 * tests/cli/export.sh's part, which needs ONNX Runtime. */
#include "plugins/logger/wire.h"
#include "tiny.h"
#include "cmd/export/export.h"
#include "cmd/export/onnx.h"

enum { MOST_NAMES = 4096 };

/* One field of a message: a number, or a block. */
typedef struct field {
    int number, type;
    uint64_t v;
    bytes block;
} field;

static int next(bytes *b, field *f)
{
    if (b->p == b->end)
        return 0;
    const uint64_t key = varint(b);
    *f = (field){.number = (int)(key >> 3), .type = (int)(key & 7)};
    if (f->type == 0) {
        f->v = varint(b);
        return 1;
    }
    const uint64_t n = f->type == 2 ? varint(b) : 4;
    assert_true(f->type == 2 || f->type == 5);
    assert_true(n <= (uint64_t)(b->end - b->p));
    f->block = (bytes){b->p, b->p + n};
    b->p += n;
    return 1;
}

static const char *text(bench *b, bytes block)
{
    return fpc_sprintf(b->arena, "%.*s", (int)(block.end - block.p), (const char *)block.p);
}

/* A file as it was read. */
typedef struct model {
    int64_t ir, opset;
    int32_t n_made, n_nodes, n_meta, n_constants;
    const char *made[MOST_NAMES]; /* tensors: the input, constants, results */
    const char *op[MOST_NAMES];   /* by node */
    const char *input, *output, *key[32], *value[32];
    int32_t input_type, output_type, input_rank, output_rank;
    int64_t input_dim[4], output_dim[4]; /* -1: free */
} model;

static int is_made(const model *m, const char *name)
{
    for (int32_t i = 0; i < m->n_made; i++)
        if (!strcmp(m->made[i], name))
            return 1;
    return 0;
}

static void make(model *m, const char *name)
{
    assert_true(*name && m->n_made < MOST_NAMES);
    if (is_made(m, name))
        fail_msg("`%s` is made twice", name);
    m->made[m->n_made++] = name;
}

static void read_constant(bench *b, model *m, bytes in)
{
    int64_t count = 1, size = 0, type = 0;
    const char *name = "";

    for (field f; next(&in, &f);) {
        if (f.number == 1)
            count *= (int64_t)f.v;
        else if (f.number == 2)
            type = (int64_t)f.v;
        else if (f.number == 8)
            name = text(b, f.block);
        else if (f.number == 9)
            size = f.block.end - f.block.p;
    }
    if (size != count * (type == 1 ? 4 : 8))
        fail_msg("`%s`: %lld bytes of %lld numbers of type %lld", name, (long long)size, (long long)count,
                 (long long)type);
    make(m, name);
    m->n_constants++;
}

/* Inputs are made before; the one "" is left out. */
static void read_node(bench *b, model *m, bytes in)
{
    const char *out = NULL;

    for (field f; next(&in, &f);) {
        const char *word = f.number < 5 ? text(b, f.block) : "";
        if (f.number == 1 && *word && !is_made(m, word))
            fail_msg("`%s` is read and was not made", word);
        else if (f.number == 2)
            out = word;
        else if (f.number == 4)
            m->op[m->n_nodes++] = word;
    }
    assert_non_null(out);
    make(m, out);
}

static const char *read_port(bench *b, bytes in, int32_t *type, int32_t *rank, int64_t *dim)
{
    const char *name = "";

    for (field f; next(&in, &f);) {
        field tensor, part, axis, size;
        if (f.number == 1)
            name = text(b, f.block);
        if (f.number != 2 || !next(&f.block, &tensor))
            continue;
        while (next(&tensor.block, &part)) {
            if (part.number == 1)
                *type = (int32_t)part.v;
            while (part.number == 2 && next(&part.block, &axis)) {
                assert_true(next(&axis.block, &size) && *rank < 4);
                dim[(*rank)++] = size.number == 1 ? (int64_t)size.v : -1;
            }
        }
    }
    return name;
}

/* Constants and inputs are there from the start, wherever they stand. */
static void read_graph(bench *b, model *m, bytes in)
{
    const bytes all = in;

    for (field f; next(&in, &f);) {
        if (f.number == 5)
            read_constant(b, m, f.block);
        else if (f.number == 11)
            make(m, m->input = read_port(b, f.block, &m->input_type, &m->input_rank, m->input_dim));
        else if (f.number == 12)
            m->output = read_port(b, f.block, &m->output_type, &m->output_rank, m->output_dim);
    }
    in = all;
    for (field f; next(&in, &f);)
        if (f.number == 1)
            read_node(b, m, f.block);
    assert_true(is_made(m, m->output));
}

static model *read_model(bench *b, const void *data, size_t n)
{
    model *m = fpc_alloc(b->arena, sizeof *m);
    bytes in = {data, (const uint8_t *)data + n};

    for (field f; next(&in, &f);) {
        field pair;
        if (f.number == 1)
            m->ir = (int64_t)f.v;
        else if (f.number == 7)
            read_graph(b, m, f.block);
        else if (f.number == 8 && next(&f.block, &pair))
            m->opset = (int64_t)pair.v;
        for (; f.number == 14 && next(&f.block, &pair);)
            *(pair.number == 1 ? &m->key[m->n_meta] : &m->value[m->n_meta++]) = text(b, pair.block);
    }
    return m;
}

static model *export(bench *b, const fpc_export_args *a)
{
    const void *data;
    size_t n;

    has_to_succeed(b, fpc_onnx_make(b->s, b->arena, a, &data, &n), "export");
    return read_model(b, data, n);
}

static int32_t count_op(const model *m, const char *op)
{
    int32_t n = 0;

    for (int32_t i = 0; i < m->n_nodes; i++)
        n += !strcmp(m->op[i], op);
    return n;
}

static void check_ports(const model *m, int64_t n, fpc_export_output output, int64_t classes)
{
    const int64_t want[] = {n, 64, 96, classes};
    const int labels = output == FPC_EXPORT_LABELS;

    assert_int_equal(m->ir, 8);
    assert_int_equal(m->opset, 17);
    assert_string_equal(m->input, "image");
    assert_int_equal(m->input_type, 2);
    assert_int_equal(m->input_rank, 4);
    assert_memory_equal(m->input_dim, want, 3 * sizeof *want);
    assert_int_equal(m->input_dim[3], 3);
    assert_string_equal(m->output, fpc_export_outputs[output]);
    assert_int_equal(m->output_type, labels ? 2 : 1);
    assert_int_equal(m->output_rank, labels ? 3 : 4);
    assert_memory_equal(m->output_dim, want, (labels ? 3 : 4) * sizeof *want);
}

/* ---- tests ---- */

static const char *const variants[] = {
    "use = microsegformer",
    "use = microsegformer\nlmsa = off",
    "use = microsegformer\nlmsa = off\nattention = off",
    "use = microsegformer\nlmsa = off\ndecoder = single_scale",
    "use = microsegformer\nlmsa = off\ndecoder = deep_mlp",
    "use = microsegformer\ndecoder = enhanced",
    "use = microsegformer\ndecoder = lightweight",
    "use = microsegformer\ndecoder = progressive",
    "use = microsegformer\ndecoder = refine",
    "use = microsegformer\nmix_ffn = on",
    "use = convnext_fpn",
    "use = unet",
    "use = unet\nbilinear = off",
    "use = unet\nwidth = 16\nlevels = 3\nbilinear = off",
    "use = segformer_b0",
    "use = segformer_b0\ndims = 32, 64, 160, 256\nheads = 1, 2, 5, 8\ndecoder_dim = 256",
    "use = bisenetv2",
    "use = bisenetv2\nsemantic = 16, 32, 64, 128\naggregation = 128\nhead = 1024",
};

static void open_variant(bench *b, const char *variant, const char *sets)
{
    char recipe[1024];

    snprintf(recipe, sizeof recipe, TINY_DATA "[model]\n%s\n" TINY_LOSS, variant);
    bench_experiment(b, recipe, sets, FPC_OPEN_BACKEND | FPC_OPEN_EXACT);
}

static void every_variant_is_a_whole_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        for (int output = 0; output < 3; output++) {
            const int32_t n = output == 1 ? 2 : 0;
            bench b;
            open_variant(&b, variants[i], "");
            const model *m =
                export(&b, &(fpc_export_args){.n = n, .h = 64, .w = 96, .output = (fpc_export_output)output});
            check_ports(m, n ? n : -1, (fpc_export_output)output, 19);
            assert_int_equal(m->n_meta, 0);
            bench_free(&b);
        }
}

/* Norms that stand behind a convolution are part of it, products of weights are worked out, and a chain of
 * convolutions needs a Transpose at its two ends only. */
static void what_depends_on_weights_alone_is_gone(void **state)
{
    bench b;

    (void)state;
    open_variant(&b, "use = unet\nbilinear = off", "");
    const model *m = export(&b, &(fpc_export_args){.n = 1, .h = 64, .w = 96});
    assert_int_equal(count_op(m, "Conv"), 19);
    assert_int_equal(count_op(m, "ConvTranspose"), 4);
    assert_int_equal(count_op(m, "Transpose"), 1);
    assert_int_equal(count_op(m, "Mul") + count_op(m, "Add"), 0);
    assert_int_equal(m->n_constants, 2 * (19 + 4) + 1);
    bench_free(&b);
    open_variant(&b, "use = microsegformer\nlmsa = off\nattention = off", "");
    m = export(&b, &(fpc_export_args){.n = 1, .h = 64, .w = 96});
    for (int32_t i = 0; i < m->n_made; i++)
        assert_null(strstr(m->made[i], "running_mean"));
    bench_free(&b);
}

/* As the recipe states it, where rewriting is off: four products at the largest size instead. */
static void rewriting_can_be_off(void **state)
{
    bench b;

    (void)state;
    open_variant(&b, "use = microsegformer", "run.rewrite=off");
    const model *m = export(&b, &(fpc_export_args){.n = 1, .h = 64, .w = 96});
    assert_int_equal(count_op(m, "Concat"), 1);
    bench_free(&b);
    open_variant(&b, "use = microsegformer", "");
    m = export(&b, &(fpc_export_args){.n = 1, .h = 64, .w = 96});
    assert_int_equal(count_op(m, "Concat"), 0);
    bench_free(&b);
}

static void bytes_are_the_same_again(void **state)
{
    const fpc_export_args a = {.n = 0, .h = 32, .w = 48, .output = FPC_EXPORT_LOGITS};
    const void *one, *two;
    size_t n_one, n_two;
    bench b;

    (void)state;
    open_variant(&b, "use = bisenetv2", "");
    has_to_succeed(&b, fpc_onnx_make(b.s, b.arena, &a, &one, &n_one), "once");
    has_to_succeed(&b, fpc_onnx_make(b.s, b.arena, &a, &two, &n_two), "again");
    assert_int_equal(n_one, n_two);
    assert_memory_equal(one, two, n_one);
    bench_free(&b);
}

static void metadata_come_in_order(void **state)
{
    const fpc_st_meta meta[] = {{"b", "two\nlines"}, {"a", ""}, {"c", "\xc3\xa4 \xff\xe4 \xc3"}};
    bench b;

    (void)state;
    bench_experiment(&b, TINY, "", FPC_OPEN_BACKEND | FPC_OPEN_EXACT);
    const model *m = export(&b, &(fpc_export_args){.n = 1, .h = 32, .w = 32, .n_meta = 3, .meta = meta});
    assert_int_equal(m->n_meta, 3);
    assert_string_equal(m->key[0], "b");
    assert_string_equal(m->value[0], "two\nlines");
    assert_string_equal(m->key[1], "a");
    assert_string_equal(m->value[1], "");
    assert_string_equal(m->value[2], "\xc3\xa4 ?? ?"); /* what is no UTF-8 would make the whole file unreadable */
    bench_free(&b);
}

static void own_files_are_known(void **state)
{
    static const char *const other[] = {"", "\x08\x08", "\x08\x08\x12\x06pytorch",
                                        "\x0a\x08\x12\x06"
                                        "fpcore"};

    (void)state;
    write_bytes("own.onnx",
                "\x08\x08\x12\x06"
                "fpcore",
                10);
    assert_true(fpc_onnx_is_own(in_folder("own.onnx")));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        write_bytes("other.onnx", other[i], strlen(other[i]));
        assert_false(fpc_onnx_is_own(in_folder("other.onnx")));
    }
    assert_false(fpc_onnx_is_own(in_folder("none.onnx")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(every_variant_is_a_whole_file), CASE(what_depends_on_weights_alone_is_gone),
                                       CASE(rewriting_can_be_off),          CASE(bytes_are_the_same_again),
                                       CASE(metadata_come_in_order),        CASE(own_files_are_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
