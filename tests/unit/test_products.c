/* Products of the backend cpu in bf16: what is stored is bf16, sums are fp32 and are rounded once, at the end; what is
 * no number stays none. At every level of instructions that this processor has. */
#include "graphs.h"
#include "runtime/exec.h"
#include <fpcore/half.h>

enum { ROWS = 37, K = 45, N = 19, MOST = 4096 };

static const char *const levels[] = {"generic", "avx2", "avx512", "avx512_bf16"};

/* 0: this processor has no such instructions. */
static int open_level(bench *l, const char *isa)
{
    bench_new(l);
    fpc_instance inst;
    char text[128];
    snprintf(text, sizeof text, "use = cpu\nthreads = 1\nisa = %s", isa);
    if (!try_plugin(l, "backend", text, &inst)) {
        fpc_device device = {.size = sizeof device};
        const fpc_backend_vtbl *v = inst.vtbl;
        if (!v->open(inst.self, &device)) {
            bench_free(l);
            snprintf(text, sizeof text, "[backend]\nuse = cpu\nthreads = 1\nisa = %s\n", isa);
            bench_backend(l, text);
            return 1;
        }
    }
    bench_free(l);
    return 0;
}

typedef struct product {
    const char *op;
    fpc_shape in[4], out; /* a third and a fourth of c 0: none */
    int wide;             /* the result is fp32 */
    const void *attr;
} product;

static const fpc_conv_attr conv = {.kh = 3, .kw = 3, .stride = 2, .pad = 1, .groups = 1};
static const product products[] = {
    {"linear", {{1, 1, ROWS, K}, {1, 1, N, K}, {1, 1, 1, N}}, {1, 1, ROWS, N}, 0, NULL},
    {"linear_add", {{1, 1, ROWS, K}, {1, 1, N, K}, {1, 1, 1, N}, {1, 1, ROWS, N}}, {1, 1, ROWS, N}, 0, NULL},
    {"linear_grad_x", {{1, 1, ROWS, N}, {1, 1, N, K}}, {1, 1, ROWS, K}, 0, NULL},
    {"linear_grad_w", {{1, 1, ROWS, K}, {1, 1, ROWS, N}}, {1, 1, N, K}, 1, NULL},
    {"conv2d", {{2, 7, 9, 5}, {21, 3, 3, 5}, {1, 1, 1, 21}}, {2, 4, 5, 21}, 0, &conv},
};
enum { BIAS = 2 }; /* this input is fp32 */

/* The same numbers in both types. */
typedef struct numbers {
    uint16_t half_in[4][MOST], half_out[MOST];
    float in[4][MOST], out[MOST];
    int64_t n_out;
} numbers;

static void fill(const product *p, numbers *v)
{
    for (int i = 0; i < 4; i++)
        for (int64_t j = 0; j < fpc_count(p->in[i]); j++) {
            const float x = (float)noise(i + 1, j);
            v->half_in[i][j] = fpc_float_to_bf16(x);
            v->in[i][j] = i == BIAS ? x : fpc_bf16_to_float(v->half_in[i][j]);
        }
}

static void compute(bench *l, const product *p, numbers *v, uint32_t dtype)
{
    const int half = dtype == FPC_BF16;
    fpc_tensor in[4], out = {.data = half && !p->wide ? (void *)v->half_out : v->out,
                             .shape = p->out,
                             .dtype = p->wide ? FPC_F32 : dtype};
    fpc_node node = {
        .size = sizeof node, .op = p->op, .name = p->op, .n_out = 1, .in = in, .out = &out, .attr = p->attr};
    for (int i = 0; i < 4 && p->in[i].c; i++) {
        const int is_half = half && i != BIAS;
        in[node.n_in++] = (fpc_tensor){.data = is_half ? (void *)v->half_in[i] : v->in[i],
                                       .shape = p->in[i],
                                       .dtype = is_half ? FPC_BF16 : FPC_F32};
    }
    v->n_out = fpc_count(p->out);
    const fpc_kernel *k = fpc_backend_kernel(l->backend, &node, dtype);
    assert_non_null(k);
    if (fpc_run_node(l->ctx, k, fpc_op_find(l->ops, p->op), &node, 1, 7, &l->backend->device))
        fail_msg("%s", fpc_ctx_error(l->ctx));
}

/* Levels without instructions for it widen and go through the products of fp32: to the bit. Pairs of products are added
 * in another order. */
static void sums_are_rounded_once(void **state)
{
    static numbers v;
    static float wide[MOST];
    int tried = 0;
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        bench l;
        const int pairs = !strcmp(levels[i], "avx512_bf16");
        if (!open_level(&l, levels[i]))
            continue;
        for (size_t k = 0; k < sizeof products / sizeof *products; k++) {
            const product *p = &products[k];
            fill(p, &v);
            compute(&l, p, &v, FPC_F32);
            memcpy(wide, v.out, sizeof wide);
            compute(&l, p, &v, FPC_BF16);
            for (int64_t j = 0; j < v.n_out; j++) {
                const float got = p->wide ? v.out[j] : fpc_bf16_to_float(v.half_out[j]);
                const float want = p->wide ? wide[j] : fpc_bf16_to_float(fpc_float_to_bf16(wide[j]));
                const float near = p->wide ? 1e-5f : fabsf(wide[j]) / 128;
                if (pairs ? !(fabsf(got - wide[j]) <= near) : got != want)
                    fail_msg("%s, %s: %.9g instead of %.9g", levels[i], p->op, (double)got, (double)want);
            }
        }
        bench_free(&l);
        tried++;
    }
    assert_true(tried > 0);
}

/* A NaN, in the last odd column too, and an infinity reach their rows and no other. */
static void what_is_no_number_stays_none(void **state)
{
    static numbers v;
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        bench l;
        if (!open_level(&l, levels[i]))
            continue;
        const product *p = &products[0];
        fill(p, &v);
        v.half_in[0][3 * K + K - 1] = 0x7f81;
        v.half_in[0][5 * K] = 0x7f80;
        compute(&l, p, &v, FPC_BF16);
        for (int64_t j = 0; j < v.n_out; j++)
            if (isfinite(fpc_bf16_to_float(v.half_out[j])) == (j / N == 3 || j / N == 5))
                fail_msg("%s: row %d, column %d is %#x", levels[i], (int)(j / N), (int)(j % N), v.half_out[j]);
        bench_free(&l);
    }
}

/* A number of fp32 whose upper half is that of infinity, but which is a NaN, stays one when it is rounded. */
static void casts(void **state)
{
    static const uint32_t bits[] = {0x7f800001u, 0x3f808000u, 0x3f818000u, 0xbf808001u, 0x7f7fffffu, 0x80000000u, 0};
    static const uint16_t want[] = {0x7fc0u, 0x3f80u, 0x3f82u, 0xbf81u, 0x7f80u, 0x8000u, 0};
    enum { MANY = sizeof bits / sizeof *bits };
    static const fpc_cast_attr to_half = {FPC_BF16}, to_float = {FPC_F32};
    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        bench l;
        uint16_t half[MANY];
        float back[MANY];
        if (!open_level(&l, levels[i]))
            continue;
        for (int way = 0; way < 2; way++) {
            fpc_tensor in = {.data = way ? (void *)half : (void *)(uintptr_t)bits,
                             .shape = {1, 1, 1, MANY},
                             .dtype = way ? FPC_BF16 : FPC_F32},
                       out = {.data = way ? (void *)back : half,
                              .shape = {1, 1, 1, MANY},
                              .dtype = way ? FPC_F32 : FPC_BF16};
            fpc_node node = {.size = sizeof node,
                             .op = "cast",
                             .name = "cast",
                             .n_in = 1,
                             .n_out = 1,
                             .in = &in,
                             .out = &out,
                             .attr = way ? &to_float : &to_half};
            const fpc_kernel *k = fpc_backend_kernel(l.backend, &node, FPC_F32);
            assert_non_null(k);
            assert_int_equal(fpc_run_node(l.ctx, k, fpc_op_find(l.ops, "cast"), &node, 1, 0, &l.backend->device), 0);
        }
        for (size_t j = 0; j < MANY; j++) {
            assert_int_equal(half[j], want[j]);
            assert_int_equal(fpc_float_bits(back[j]), (uint32_t)want[j] << 16);
        }
        bench_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_rounded_once),
        cmocka_unit_test(what_is_no_number_stays_none),
        cmocka_unit_test(casts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
