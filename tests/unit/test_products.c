/* Products of the backend cpu in bf16: operands are rounded to nearest before they meet, and nothing else is; what is
 * no number stays none. At every level of instructions that this processor has. */
#include "graphs.h"
#include "runtime/exec.h"
#include <fpcore/half.h>

enum { ROWS = 37, K = 45, N = 19, MOST = 4096 };

static const char *const levels[] = {"sse2", "avx2", "avx512", "avx512_bf16"};

/* 0: this processor has no such instructions. */
static int open_level(bench *l, const char *isa, const char *precision)
{
    bench_new(l);
    fpc_instance inst;
    char text[128];
    snprintf(text, sizeof text, "use = cpu\nthreads = 1\nisa = %s\nprecision = %s", isa, precision);
    if (!try_plugin(l, "backend", text, &inst)) {
        fpc_device device = {.size = sizeof device};
        const fpc_backend_vtbl *v = inst.vtbl;
        if (!v->open(inst.self, &device)) {
            bench_free(l);
            snprintf(text, sizeof text, "[backend]\nuse = cpu\nthreads = 1\nisa = %s\nprecision = %s\n", isa,
                     precision);
            bench_backend(l, text);
            return 1;
        }
    }
    bench_free(l);
    return 0;
}

typedef struct product {
    const char *op;
    fpc_shape in[3], out; /* a third of c 0: none */
    const void *attr;
} product;

static const fpc_conv_attr conv = {.kh = 3, .kw = 3, .stride = 2, .pad = 1, .groups = 1};
static const product products[] = {
    {"linear", {{1, 1, ROWS, K}, {1, 1, N, K}, {1, 1, 1, N}}, {1, 1, ROWS, N}, NULL},
    {"linear_grad_x", {{1, 1, ROWS, N}, {1, 1, N, K}}, {1, 1, ROWS, K}, NULL},
    {"linear_grad_w", {{1, 1, ROWS, K}, {1, 1, ROWS, N}}, {1, 1, N, K}, NULL},
    {"conv2d", {{2, 7, 9, 5}, {21, 3, 3, 5}, {1, 1, 1, 21}}, {2, 4, 5, 21}, &conv},
};

typedef struct numbers {
    float in[3][MOST], out[MOST];
    int64_t n_out;
} numbers;

static void fill(const product *p, numbers *v, int round)
{
    for (int i = 0; i < 3; i++)
        for (int64_t j = 0; j < fpc_count(p->in[i]); j++) {
            const float x = (float)noise(i + 1, j);
            v->in[i][j] = round && i < 2 ? fpc_bf16_to_float(fpc_float_to_bf16(x)) : x; /* 2: the bias */
        }
}

static void compute(bench *l, const product *p, numbers *v)
{
    fpc_tensor in[3], out = {.data = v->out, .shape = p->out, .dtype = FPC_F32};
    fpc_node node = {
        .size = sizeof node, .op = p->op, .name = p->op, .n_out = 1, .in = in, .out = &out, .attr = p->attr};
    for (int i = 0; i < 3 && p->in[i].c; i++)
        in[node.n_in++] = (fpc_tensor){.data = v->in[i], .shape = p->in[i], .dtype = FPC_F32};
    v->n_out = fpc_count(p->out);
    const fpc_kernel *k = fpc_backend_kernel(l->backend, &node, FPC_F32);
    assert_non_null(k);
    if (fpc_run_node(l->ctx, k, fpc_op_find(l->ops, p->op), &node, 1, 7, &l->backend->device))
        fail_msg("%s", fpc_ctx_error(l->ctx));
}

static int equal(const numbers *a, const numbers *b)
{
    return !memcmp(a->out, b->out, (size_t)a->n_out * sizeof(float));
}

static void operands_are_rounded(void **state)
{
    static numbers exact, in_bf16, rounded, rounded_fp32;
    int tried = 0;
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        bench narrow, wide;
        if (!open_level(&narrow, levels[i], "bf16"))
            continue;
        assert_true(open_level(&wide, levels[i], "fp32"));
        for (size_t k = 0; k < sizeof products / sizeof *products; k++) {
            const product *p = &products[k];
            fill(p, &exact, 0), fill(p, &in_bf16, 0), fill(p, &rounded, 1), fill(p, &rounded_fp32, 1);
            compute(&wide, p, &exact), compute(&narrow, p, &in_bf16), compute(&narrow, p, &rounded);
            compute(&wide, p, &rounded_fp32);
            if (!equal(&in_bf16, &rounded))
                fail_msg("%s, %s: more than the operands is rounded", levels[i], p->op);
            if (equal(&in_bf16, &exact))
                fail_msg("%s, %s: nothing is rounded", levels[i], p->op);
            if (strcmp(levels[i], "avx512_bf16") != 0 && !equal(&in_bf16, &rounded_fp32))
                fail_msg("%s, %s: not the fp32 product of rounded operands", levels[i], p->op);
            for (int64_t j = 0; j < exact.n_out; j++)
                if (!(fabsf(in_bf16.out[j] - rounded_fp32.out[j]) < 1e-5f))
                    fail_msg("%s, %s: %.9g instead of %.9g", levels[i], p->op, in_bf16.out[j], rounded_fp32.out[j]);
        }
        bench_free(&narrow);
        bench_free(&wide);
        tried++;
    }
    assert_true(tried > 0);
}

/* A NaN whose upper half is that of infinity, in the last odd column too, reaches its row and no other. */
static void what_is_no_number_stays_none(void **state)
{
    static numbers v;
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        bench l;
        if (!open_level(&l, levels[i], "bf16"))
            continue;
        const product *p = &products[0];
        fill(p, &v, 0);
        v.in[0][3 * K + K - 1] = fpc_float_of_bits(0x7f800001u);
        v.in[0][5 * K] = INFINITY;
        compute(&l, p, &v);
        for (int64_t j = 0; j < v.n_out; j++)
            if (isfinite(v.out[j]) == (j / N == 3 || j / N == 5))
                fail_msg("%s: row %d, column %d is %g", levels[i], (int)(j / N), (int)(j % N), (double)v.out[j]);
        bench_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operands_are_rounded),
        cmocka_unit_test(what_is_no_number_stays_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
