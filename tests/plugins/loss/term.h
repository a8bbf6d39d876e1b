/* term.h: what the tests of losses share: a graph of one loss over given logits and masks, run on a backend. */
#ifndef TESTS_PLUGINS_LOSS_TERM_H
#define TESTS_PLUGINS_LOSS_TERM_H

#include "fixture.h"
#include "weights/weights.h"
#include "runtime/program.h"
#include <fpcore/loss.h>
#include <math.h>

/* logits are a parameter, so that their gradient can be read: (n, classes, h, w) as in files. mask_b, share: of mixed
 * pictures, else NULL. pixels, images: what the training masks hold; NULL: no data set is open. */
typedef struct problem {
    bench *b;
    const char *backend; /* lines of [backend] */
    int32_t n, h, w, classes, ignore;
    const float *logits;
    const uint8_t *mask, *mask_b;
    const double *share;
    const int64_t *pixels, *images;
} problem;

static const char *const term_backends[] = {"use = ref", "use = ref\nreal = double", "use = cpu"};
enum { TERM_BACKENDS = 3 };

static inline fpc_backend *term_backend(bench *b, const char *text)
{
    fpc_recipe *recipe;
    fpc_backend *be;
    if (fpc_recipe_parse(b->ctx, b->arena, "test.ini", fpc_sprintf(b->arena, "[backend]\n%s\n", text), 0, NULL,
                         &recipe) ||
        fpc_backend_open(b->ctx, b->arena, b->registry, fpc_recipe_section(recipe, "backend"), FPC_FP32, &be))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return be;
}

#define MUST(call)                                                                                                     \
    do {                                                                                                               \
        if (call)                                                                                                      \
            fail_msg("%s", fpc_ctx_error(p->b->ctx));                                                                  \
    } while (0)

static inline fpc_status term_counts(void *source, const int64_t **pixels, const int64_t **images)
{
    const problem *p = source;
    *pixels = p->pixels;
    *images = p->images;
    return FPC_OK;
}

/* Inputs mask, and of mixed pictures mask_b and share; z: the logits. */
static inline fpc_target term_target(const problem *p, fpc_graph *g)
{
    const fpc_shape mask = {p->n, p->h, p->w, 1};
    fpc_target t = {.size = sizeof t,
                    .mask = fpc_input(g, "mask", mask, FPC_U8),
                    .mask_b = {-1},
                    .lambda = {-1},
                    .classes = p->classes,
                    .ignore = p->ignore,
                    .label_pixels = p->pixels ? term_counts : NULL,
                    .source = (void *)p};
    if (p->mask_b) {
        t.mask_b = fpc_input(g, "mask_b", mask, FPC_U8);
        t.lambda = fpc_input(g, "share", (fpc_shape){p->n, 1, 1, 1}, g->real);
    }
    return t;
}

/* The loss of the instance; its gradient by the logits into grad, which may be NULL. */
static inline double term_of(const problem *p, const fpc_instance *inst, float *grad)
{
    const fpc_loss_vtbl *v = inst->vtbl;
    fpc_backend *be = term_backend(p->b, p->backend);
    fpc_op_table *ops;
    fpc_graph *g;
    fpc_state *state;
    fpc_program *program;
    fpc_val d;
    double value = 0;

    MUST(fpc_op_table_new(p->b->ctx, p->b->arena, 1, &fpc_builtin_rows, &ops));
    MUST(fpc_graph_new(p->b->ctx, p->b->arena, ops, be->device.real, 1, &g));
    const fpc_val z = fpc_param(g, "z", 4, (fpc_shape){p->n, p->h, p->w, p->classes}, FPC_FILL_ZERO, 0);
    const fpc_target target = term_target(p, g);
    fpc_loss_io io = {.size = sizeof io, .logits = z, .target = &target, .term = {-1}};
    MUST(v->build(inst->self, g, &io));
    MUST(fpc_graph_check(g));
    fpc_output_mark(g, "loss", io.term);
    MUST(fpc_state_new(p->b->ctx, p->b->arena, be, g, 0, NULL, 0, &state));
    MUST(fpc_autodiff(g, io.term, 1, &d));
    g->n_grads = 1;
    g->grad = &d;
    MUST(fpc_graph_sweep(g, 1, &d));
    MUST(fpc_program_compile(p->b->ctx, p->b->arena, state, g, &program));
    MUST(fpc_state_set(state, fpc_state_find(state, "z"), p->logits));
    MUST(fpc_program_write(program, "mask", FPC_U8, p->mask, (int64_t)p->n * p->h * p->w));
    if (p->mask_b) {
        MUST(fpc_program_write(program, "mask_b", FPC_U8, p->mask_b, (int64_t)p->n * p->h * p->w));
        MUST(fpc_program_write(program, "share", FPC_F64, p->share, p->n));
    }
    MUST(fpc_program_run(program));
    MUST(fpc_program_read(program, "loss", FPC_F64, &value, 1));
    if (grad)
        MUST(fpc_state_get(state, fpc_state_find(state, "grad.z"), grad));
    return value;
}

static inline double evaluate(const problem *p, const char *loss, float *grad)
{
    const fpc_instance inst = open_plugin(p->b, "loss.term", loss);
    return term_of(p, &inst, grad);
}

#endif
