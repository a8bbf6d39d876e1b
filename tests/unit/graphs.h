/* graphs.h: what the tests of the compiler share: a context with the built-in ops and the ref backend in double, and a
 * way to build a small graph, run it, and look at outputs and gradients. */
#ifndef TESTS_UNIT_GRAPHS_H
#define TESTS_UNIT_GRAPHS_H

#include "graph/ops/table.h"
#include "runtime/program.h"
#include <fpcore/rng.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct lab {
    fpc_ctx *ctx;
    fpc_arena *arena;
    fpc_registry *registry;
    fpc_backend *backend;
    fpc_op_table *ops;
} lab;

static inline void lab_open(lab *l, const char *backend_ini)
{
    fpc_recipe *recipe;
    *l = (lab){.ctx = fpc_ctx_new()};
    l->arena = fpc_arena_new(l->ctx);
    assert_int_equal(fpc_registry_new(l->ctx, l->arena, NULL, &l->registry), FPC_OK);
    assert_int_equal(fpc_recipe_parse(l->ctx, l->arena, "test", backend_ini, 0, NULL, &recipe), FPC_OK);
    if (fpc_backend_open(l->ctx, l->arena, l->registry, fpc_recipe_section(recipe, "backend"), FPC_FP32, &l->backend))
        fail_msg("%s", fpc_ctx_error(l->ctx));
    assert_int_equal(fpc_op_table_new(l->ctx, l->arena, 0, NULL, &l->ops), FPC_OK);
}

static inline void lab_close(lab *l)
{
    fpc_arena_free(l->arena);
    fpc_ctx_free(l->ctx);
}

#define REF_DOUBLE "[backend]\nuse = ref\nreal = double\n"

static inline fpc_graph *lab_graph(lab *l, int training)
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
static inline fpc_val probe_scalar(lab *l, fpc_graph *g, fpc_val y)
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
static inline fpc_program *lab_compile(lab *l, fpc_graph *g, fpc_state **state, uint64_t seed)
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

static inline void lab_write_noise(lab *l, fpc_program *p, const char *name, uint32_t stream)
{
    const fpc_shape s = fpc_program_shape(p, name);
    double *x = fpc_alloc(l->arena, (size_t)fpc_count(s) * sizeof *x);
    for (int64_t i = 0; i < fpc_count(s); i++)
        x[i] = noise(stream, i);
    assert_int_equal(fpc_program_write(p, name, FPC_F64, x, fpc_count(s)), FPC_OK);
}

static inline double *lab_read(lab *l, fpc_program *p, const char *name, int64_t *n)
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
