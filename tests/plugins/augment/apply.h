/* apply.h: sections of a recipe carried out on given pictures: drawn by the core, built by the core, run by a backend,
 * so that what a test sees is what the network sees. */
#ifndef TESTS_PLUGINS_AUGMENT_APPLY_H
#define TESTS_PLUGINS_AUGMENT_APPLY_H

#include "draws.h"
#include "data/augments.h"
#include "runtime/program.h"
#include "recipe/recipe.h"

static const uint8_t sides[][2] = {{4, 5}, {6, 7}, {8, 9}};

/* A batch: pictures in [0,1], masks. */
typedef struct pictures {
    int32_t n, h, w;
    float *image;  /* (n,h,w,3) */
    uint8_t *mask; /* (n,h,w) */
} pictures;

static inline pictures new_pictures(bench *b, int32_t n, int32_t h, int32_t w)
{
    const size_t area = (size_t)n * (size_t)h * (size_t)w;
    const pictures p = {n, h, w, fpc_alloc(b->arena, area * 3 * sizeof(float)), fpc_alloc(b->arena, area)};
    assert_true(p.image && p.mask);
    return p;
}

/* The sections of `text`, for a data set of 19 classes without an ignored label. */
static inline fpc_augments *open_sections(bench *b, const char *text, int32_t h, int32_t w)
{
    const fpc_dataset_info info = {.size = sizeof info,
                                   .h = h,
                                   .w = w,
                                   .c = 3,
                                   .classes = CLASSES,
                                   .mirror_pairs = sides,
                                   .n_mirror_pairs = 3,
                                   .ignore_label = -1};
    fpc_recipe *recipe = NULL;
    fpc_augments *a = NULL;
    fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe);
    if (!status)
        status = fpc_augments_open(b->ctx, b->arena, b->registry, recipe, &info, &a);
    if (status)
        fail_msg("%s: %s", text, fpc_ctx_error(b->ctx));
    return a;
}

/* One program for batches of one size: graph of the sections over real pictures. */
typedef struct stage {
    bench *b;
    fpc_augments *a;
    fpc_draws draws;
    fpc_program *program;
    int32_t n, h, w;
    int soft;
} stage;

static inline stage open_stage(bench *b, const char *backend, fpc_augments *a, int32_t n, int32_t h, int32_t w)
{
    stage s = {.b = b, .a = a, .n = n, .h = h, .w = w};
    fpc_recipe *recipe = NULL;
    fpc_backend *device = NULL;
    fpc_op_table *ops;
    fpc_graph *g;
    fpc_state *state;
    const char *text = fpc_sprintf(b->arena, "[backend]\nuse = %s\n", backend);
    fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe);
    status = status ? status
                    : fpc_backend_open(b->ctx, b->arena, b->registry, fpc_recipe_section(recipe, "backend"), FPC_FP32,
                                       &device);
    if (!status)
        status = fpc_op_table_new(b->ctx, b->arena, 1, &fpc_builtin_rows, &ops);
    if (!status)
        status = fpc_graph_new(b->ctx, b->arena, ops, device->device.real, 1, &g);
    if (!status) {
        const fpc_val image = fpc_input(g, "image", (fpc_shape){n, h, w, 3}, g->real);
        const fpc_val mask = fpc_input(g, "mask", (fpc_shape){n, h, w, 1}, FPC_U8);
        const fpc_augmented out = fpc_augments_build(a, g, image, mask);
        fpc_output_mark(g, "out.image", out.image);
        fpc_output_mark(g, "out.mask", out.mask);
        fpc_param(g, "unused", 1, (fpc_shape){1, 1, 1, 1}, FPC_FILL_ZERO, 0); /* a state has some parameter */
        s.soft = out.mask_b.id >= 0;
        if (s.soft) {
            fpc_output_mark(g, "out.mask_b", out.mask_b);
            fpc_output_mark(g, "out.lambda", out.lambda);
        }
        status = fpc_graph_check(g);
    }
    if (!status)
        status = fpc_graph_rewrite(g, 0);
    if (!status)
        status = fpc_state_new(b->ctx, b->arena, device, g, 0, NULL, 0, &state);
    if (!status)
        status = fpc_program_compile(b->ctx, b->arena, state, g, &s.program);
    if (!status)
        status = fpc_draws_new(a, b->arena, n, &s.draws);
    if (status)
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return s;
}

/* Draws for the samples from `first` on, and runs. */
static inline void run_stage(stage *s, const pictures *in, int64_t first, pictures *out)
{
    const int64_t area = (int64_t)s->n * s->h * s->w;
    const int32_t clock[4] = {1, 2, 3, 0};
    fpc_status status = FPC_OK;
    for (int32_t row = 0; row < s->n && !status; row++)
        status = fpc_augments_draw(s->a, 77, 0, first, first + row, row, s->n, s->h, s->w, &s->draws);
    if (!status)
        status = fpc_program_write(s->program, "image", FPC_F32, in->image, area * 3);
    if (!status)
        status = fpc_program_write(s->program, "mask", FPC_U8, in->mask, area);
    if (!status && fpc_program_has(s->program, "clock"))
        status = fpc_program_write(s->program, "clock", FPC_I32, clock, 4);
    for (int32_t i = 0; i < s->a->n_inputs && !status; i++)
        if (fpc_program_has(s->program, s->a->input[i].name))
            status = fpc_program_write(s->program, s->a->input[i].name, s->a->input[i].dtype, s->draws.data[i],
                                       s->n * s->a->input[i].count);
    if (!status)
        status = fpc_program_run(s->program);
    if (!status)
        status = fpc_program_read(s->program, "out.image", FPC_F32, out->image, area * 3);
    if (!status)
        status = fpc_program_read(s->program, "out.mask", FPC_U8, out->mask, area);
    if (status)
        fail_msg("%s", fpc_ctx_error(s->b->ctx));
}

static inline pictures apply_sections(bench *b, const char *backend, const char *text, const pictures *in)
{
    pictures out = new_pictures(b, in->n, in->h, in->w);
    stage s = open_stage(b, backend, open_sections(b, text, in->h, in->w), in->n, in->h, in->w);
    run_stage(&s, in, 0, &out);
    return out;
}

#endif
