/* graphs.h: what the tests of the compiler share: a context with the built-in ops and the ref backend in double, and a
 * way to build a small graph, run it, and look at outputs and gradients. */
#ifndef TESTS_UNIT_GRAPHS_H
#define TESTS_UNIT_GRAPHS_H

#include "fixture.h"
#include "graph/nodes.h"
#include "runtime/program.h"
#include <fpcore/rng.h>

#include <math.h>

static inline void bench_backend(bench *b, const char *backend_ini)
{
    fpc_recipe *recipe;
    assert_int_equal(bench_new(b), 0);
    assert_int_equal(fpc_recipe_parse(b->ctx, b->arena, "test", backend_ini, 0, NULL, &recipe), FPC_OK);
    has_to_succeed(
        b,
        fpc_backend_open(b->ctx, b->arena, b->registry, fpc_recipe_section(recipe, "backend"), FPC_FP32, &b->backend),
        backend_ini);
    assert_int_equal(fpc_op_table_new(b->ctx, b->arena, 1, &fpc_builtin_rows, &b->ops), FPC_OK);
}

#define REF_DOUBLE "[backend]\nuse = ref\nreal = double\n"

static inline fpc_graph *bench_graph(bench *l, int training)
{
    fpc_graph *g;
    assert_int_equal(fpc_graph_new(l->ctx, l->arena, l->ops, l->backend->device.real, training, &g), FPC_OK);
    return g;
}

/* Numbers in (-1, 1), a pure function of (stream, i). */
static inline double noise(uint32_t stream, int64_t i)
{
    return 2.0 * (double)fpc_unit(fpc_philox4x32(7, 0, (uint32_t)i, 0, 0, stream).v[0]) - 1.0;
}

/* A scalar that depends on every number of y in its own way: sum of y * cotangent, so that no gradient vanishes by
 * symmetry. */
static inline fpc_val probe_scalar(bench *l, fpc_graph *g, fpc_val y)
{
    const fpc_shape s = fpc_shape_of(g, y);
    double *c = fpc_alloc(l->arena, (size_t)fpc_count(s) * sizeof *c),
           *ones = fpc_alloc(l->arena, (size_t)s.c * sizeof *ones);
    for (int64_t i = 0; i < fpc_count(s); i++)
        c[i] = noise(99, i);
    for (int32_t i = 0; i < s.c; i++)
        ones[i] = 1;
    const fpc_val t = fpc_mul(g, y, fpc_const(g, s, c));
    const fpc_val rows =
        fpc_op(g, "linear", "sum", 2, (fpc_val[]){t, fpc_const(g, (fpc_shape){1, 1, 1, s.c}, ones)}, NULL, 0, NULL);
    assert_int_equal(s.n, 1); /* no op sums over images with a gradient; losses do that */
    return fpc_op(g, "pool_sum", "sum", 1, &rows, NULL, 0, NULL);
}

/* Compiles, fills the state from a seed, writes "x" with noise where the graph has it. */
static inline fpc_program *bench_compile(bench *l, fpc_graph *g, fpc_state **state, uint64_t seed)
{
    fpc_program *p;
    if (!*state) {
        assert_int_equal(fpc_state_new(l->ctx, l->arena, l->backend, g, 0, NULL, 0, state), FPC_OK);
        assert_int_equal(fpc_state_init(*state, seed), FPC_OK);
    }
    if (fpc_program_compile(l->ctx, l->arena, *state, g, &p))
        fail_msg("%s", fpc_ctx_error(l->ctx));
    return p;
}

static inline void bench_write_noise(bench *l, fpc_program *p, const char *name, uint32_t stream)
{
    const fpc_shape s = fpc_program_shape(p, name);
    double *x = fpc_alloc(l->arena, (size_t)fpc_count(s) * sizeof *x);
    for (int64_t i = 0; i < fpc_count(s); i++)
        x[i] = noise(stream, i);
    assert_int_equal(fpc_program_write(p, name, FPC_F64, x, fpc_count(s)), FPC_OK);
}

static inline double *bench_read(bench *l, fpc_program *p, const char *name, int64_t *n)
{
    *n = fpc_count(fpc_program_shape(p, name));
    double *y = fpc_alloc(l->arena, (size_t)*n * sizeof *y);
    assert_int_equal(fpc_program_read(p, name, FPC_F64, y, *n), FPC_OK);
    return y;
}

/* Largest |a-b| over the largest |a|. */
static inline double worst(const double *a, const double *b, int64_t n)
{
    double d = 0, m = 1e-300;
    for (int64_t i = 0; i < n; i++) {
        d = fmax(d, fabs(a[i] - b[i]));
        m = fmax(m, fabs(a[i]));
    }
    return d / m;
}

#endif
