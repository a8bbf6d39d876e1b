/* networks.c: the rules of kinds that build graphs: models, losses, optimizers. Where the backend `ref` is found,
 * losses and optimizers are also computed, in double. */
#include "conform.h"

#include <fpcore/loss.h>
#include <fpcore/model.h>
#include <fpcore/optimizer.h>
#include <math.h>
#include <string.h>

static fpc_graph *new_graph(conform *c, uint32_t real, int training)
{
    fpc_graph *g = NULL;
    return fpc_graph_new(c->ctx, c->arena, c->ops, real, training, &g) ? NULL : g;
}

/* ---- model ---- */

static fpc_graph *build_model(conform *c, int training, int32_t n, int32_t side, int32_t classes, fpc_val *logits)
{
    const fpc_model_vtbl *v = c->plugin->vtbl;
    fpc_graph *g = new_graph(c, FPC_F32, training);

    if (!g)
        return NULL;
    fpc_model_io io = {.size = sizeof io,
                       .image = fpc_input(g, "image", (fpc_shape){n, side, side, 3}, FPC_F32),
                       .classes = classes,
                       .logits = {-1}};
    if (v->build(c->self, g, &io) || fpc_graph_closed(g, c->plugin->name))
        return NULL;
    *logits = io.logits;
    return g;
}

/* A model that has a number of classes of its own trains on one data set only, by chance. */
static void check_class_counts(conform *c, int32_t side)
{
    static const int32_t classes[] = {2, 19, 150};

    for (int i = 0; i < 3; i++) {
        fpc_val logits = {-1};
        const fpc_graph *g = build_model(c, 0, 1, side, classes[i], &logits);
        const char *what = fpc_sprintf(c->arena, "logits have a channel for each of %d classes", classes[i]);
        check(c, g && fpc_value_known(g, logits) && fpc_shape_of(g, logits).c == classes[i], what,
              g ? "%d channels" : "build", g ? fpc_shape_of(g, logits).c : 0);
    }
}

/* The first parameter or buffer in which two graphs differ; NULL: none. */
static const char *state_differs(const fpc_graph *a, const fpc_graph *b)
{
    int32_t i = 0, j = 0;

    for (;; i++, j++) {
        while (i < a->n_values && a->value[i].role != FPC_ROLE_PARAM && a->value[i].role != FPC_ROLE_BUFFER)
            i++;
        while (j < b->n_values && b->value[j].role != FPC_ROLE_PARAM && b->value[j].role != FPC_ROLE_BUFFER)
            j++;
        if (i == a->n_values || j == b->n_values)
            return i < a->n_values ? a->value[i].name : j < b->n_values ? b->value[j].name : NULL;
        if (strcmp(a->value[i].name, b->value[j].name) || !fpc_same_shape(a->value[i].shape, b->value[j].shape) ||
            a->value[i].role != b->value[j].role)
            return a->value[i].name;
    }
}

static int32_t count_params(const fpc_graph *g)
{
    int32_t n = 0;

    for (int32_t i = 0; i < g->n_values; i++)
        n += g->value[i].role == FPC_ROLE_PARAM;
    return n;
}

void check_model(conform *c)
{
    enum { CLASSES = 7, SIDE = 64 };
    fpc_val logits, eval_logits, other;
    fpc_graph *train = build_model(c, 1, 2, SIDE, CLASSES, &logits);

    if (!check(c, train != NULL, "builds a training graph", "build"))
        return;
    if (!check(c, fpc_value_known(train, logits), "sets logits",
               "io->logits is the id %d, which is of no value of the graph", logits.id))
        return;
    const fpc_shape s = fpc_shape_of(train, logits);
    check(c, s.c == CLASSES && s.n == 2, "logits have a channel for each class",
          "%dx%dx%dx%d for 2 pictures and %d classes", s.n, s.h, s.w, s.c, CLASSES);
    check(c, count_params(train) > 0, "has parameters", "none");
    check_class_counts(c, SIDE);
    fpc_graph *evaluation = build_model(c, 0, 2, SIDE, CLASSES, &eval_logits);
    if (!check(c, evaluation != NULL, "builds an evaluation graph", "build"))
        return;
    const char *name = state_differs(train, evaluation);
    check(c, !name, "training and evaluation have equal parameters", "they differ in `%s`", name ? name : "");
    check(c, fpc_same_shape(s, fpc_shape_of(evaluation, eval_logits)),
          "training and evaluation have logits of equal shape", "they differ");
    fpc_graph *larger = build_model(c, 1, 1, 2 * SIDE, CLASSES, &other);
    if (!check(c, larger != NULL, "builds for another picture size and batch", "build"))
        return;
    name = state_differs(train, larger);
    check(c, !name, "parameters do not depend on picture size and batch", "they differ in `%s`", name ? name : "");
    const int32_t n = count_params(train);
    fpc_val *grads = fpc_alloc(c->arena, (size_t)n * sizeof *grads);
    const fpc_target target = {.size = sizeof target,
                               .mask = fpc_input(train, "mask", (fpc_shape){2, s.h, s.w, 1}, FPC_U8),
                               .mask_b = {-1},
                               .lambda = {-1},
                               .classes = CLASSES,
                               .ignore = -1};
    const fpc_seg_term term = {.kind = FPC_TERM_CROSS_ENTROPY};
    const fpc_val loss = fpc_seg_loss(train, "loss", logits, &target, FPC_ATTR(term));
    check(c, grads && !fpc_autodiff(train, loss, n, grads), "has a gradient", "autodiff");
}

/* ---- loss ---- */

typedef struct loss_graph {
    int32_t classes;
    fpc_graph *g;
    fpc_val logits, mask, term, grad;
} loss_graph;

enum { N = 2, H = 6, W = 5, IGNORE = 255 };

static fpc_status build_loss(conform *c, uint32_t real, loss_graph *l)
{
    const fpc_loss_vtbl *v = c->plugin->vtbl;

    l->g = new_graph(c, real, 1);
    if (!l->g)
        return FPC_ENOMEM;
    l->logits = fpc_param(l->g, "logits", 4, (fpc_shape){N, H, W, l->classes}, FPC_FILL_ZERO, 0);
    l->mask = fpc_input(l->g, "mask", (fpc_shape){N, H, W, 1}, FPC_U8);
    const fpc_target target = {.size = sizeof target,
                               .mask = l->mask,
                               .mask_b = {-1},
                               .lambda = {-1},
                               .classes = l->classes,
                               .ignore = IGNORE};
    fpc_loss_io io = {.size = sizeof io, .logits = l->logits, .target = &target, .term = {-1}};
    const fpc_status status = v->build(c->self, l->g, &io);
    l->term = io.term;
    return status ? status : fpc_graph_closed(l->g, c->plugin->name);
}

static void fill_loss(eval *e, const loss_graph *l)
{
    double *z = e->value[l->logits.id].data;
    uint8_t *mask = e->value[l->mask.id].data;

    for (int32_t i = 0; i < N * H * W * l->classes; i++)
        z[i] = 2 * noise((uint32_t)i);
    for (int32_t i = 0; i < N * H * W; i++)
        mask[i] = i % 11 == 3 ? IGNORE : (uint8_t)((i * 7 + i / 5) % l->classes);
}

/* The change of the loss along a random direction, by differences and by the gradient. */
static void check_slope(conform *c, eval *e, const loss_graph *l)
{
    const double step = 1e-5;
    double *z = e->value[l->logits.id].data, at[2], slope = 0, size = 0;
    const double *grad = e->value[l->grad.id].data, *term = e->value[l->term.id].data;
    const uint8_t *mask = e->value[l->mask.id].data;
    const int32_t numbers = N * H * W * l->classes;
    int ignored = 0;

    fill_loss(e, l);
    if (!check(c, !eval_run(e) && isfinite(*term), "the loss is finite", "kernels"))
        return;
    for (int32_t i = 0; i < numbers; i++) {
        slope += grad[i] * noise(5000 + (uint32_t)i);
        size += fabs(grad[i]);
        ignored |= mask[i / l->classes] == IGNORE && grad[i] != 0;
    }
    check(c, size > 0, "the gradient is not zero", "it is, for random logits");
    check(c, !ignored, "ignored pixels have no gradient", "a pixel with the ignore label has one");
    for (int side = 0; side < 2; side++) {
        for (int32_t i = 0; i < numbers; i++)
            z[i] += (side ? -2 : 1) * step * noise(5000 + (uint32_t)i);
        if (eval_run(e))
            break;
        at[side] = *term;
    }
    const double difference = (at[0] - at[1]) / (2 * step);
    check(c, fabs(difference - slope) <= 1e-6 * (size / numbers + fabs(slope)) + 1e-9,
          "the gradient is that of the loss",
          "along a random direction the loss changes by %.9g, the gradient says %.9g", difference, slope);
}

static void check_norm(conform *c)
{
    const fpc_loss_vtbl *v = c->plugin->vtbl;
    enum { K = 4 };
    const int64_t pixels[K] = {10, 20, 0, 5}, none[K] = {0};

    if (!v->norm)
        return;
    const double norm = v->norm(c->self, &(fpc_label_counts){sizeof(fpc_label_counts), 2, K, pixels});
    check(c, isfinite(norm) && norm > 0, "norm is a positive number", "%g", norm);
    const double zero = v->norm(c->self, &(fpc_label_counts){sizeof(fpc_label_counts), 0, K, none});
    check(c, isfinite(zero) && zero >= 0, "norm of a batch without labels is a number", "%g", zero);
}

/* With a number of classes, as a graph: 0: nothing further can be tried. */
static int check_loss_graph(conform *c, loss_graph *l)
{
    const char *builds = fpc_sprintf(c->arena, "builds for %d classes", l->classes);

    if (!check(c, !build_loss(c, FPC_F32, l), builds, "build"))
        return 0;
    if (!check(c, fpc_value_known(l->g, l->term) && fpc_count(fpc_shape_of(l->g, l->term)) == 1,
               "the term is one number",
               l->term.id < 0                    ? "io->term is not set"
               : !fpc_value_known(l->g, l->term) ? "io->term is the id %d, which is of no value of the graph"
                                                 : "io->term is a tensor",
               l->term.id))
        return 0;
    return check(c, !fpc_autodiff(l->g, l->term, 1, &l->grad) && l->grad.id >= 0, "has a gradient", "autodiff");
}

void check_loss(conform *c)
{
    static const int32_t classes[] = {4, 2, 19};
    fpc_backend *backend = NULL;
    eval e;

    for (int i = 0; i < 3; i++) {
        loss_graph l = {.classes = classes[i]};
        if (!check_loss_graph(c, &l))
            return;
        if (i == 0) {
            check_norm(c);
            if (!(backend = eval_backend(c)))
                skip(c, "numbers", "the backend `ref` is not in the search path");
        }
        if (backend &&
            check(c, !build_loss(c, FPC_F64, &l) && !fpc_autodiff(l.g, l.term, 1, &l.grad), "builds in double",
                  "build") &&
            check(c, !eval_open(c, backend, l.g, &e), "there is memory for the graph", "memory"))
            check_slope(c, &e, &l);
    }
}

/* ---- optimizer ---- */

enum { ROWS = 4, COLUMNS = 256, PADDED = 2 /* rows of zeros at the end */ };

static fpc_status build_optimizer(conform *c, fpc_graph *g, fpc_flat *f)
{
    const fpc_optimizer_vtbl *v = c->plugin->vtbl;
    const fpc_shape flat = {1, 1, ROWS, COLUMNS}, one = {1, 1, 1, 1};

    *f = (fpc_flat){.size = sizeof *f, .slot = {{-1}, {-1}, {-1}, {-1}}};
    f->param = fpc_input(g, "param", flat, g->real);
    f->grad = fpc_input(g, "grad", flat, g->real);
    for (int32_t i = 0; i < v->n_slots; i++)
        f->slot[i] = fpc_input(g, v->slot_names[i], flat, g->real);
    f->scale = fpc_input(g, "scale", one, g->real);
    f->lr = fpc_input(g, "lr", one, g->real);
    f->step = fpc_input(g, "step", one, g->real);
    const fpc_status status = v->build(c->self, g, f);
    return status ? status : fpc_graph_closed(g, c->plugin->name);
}

/* An in-place node must take the parameters, or nothing would be learned. */
static int updates_params(const fpc_graph *g, int32_t param)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        for (int32_t k = 0; k < g->node[i].n_out && g->node[i].def->flags & FPC_OP_INPLACE; k++)
            if (g->node[i].in[k] == param)
                return 1;
    return 0;
}

/* Three steps on f(p) = |p|^2 / 2, whose gradient is p. */
static void check_descent(conform *c, eval *e, const fpc_flat *f)
{
    double *p = e->value[f->param.id].data, *g = e->value[f->grad.id].data, before = 0, after = 0;
    const int32_t used = (ROWS - PADDED) * COLUMNS;
    int padding = 0, finite = 1;
    fpc_status status = FPC_OK;

    *(double *)e->value[f->scale.id].data = 1;
    *(double *)e->value[f->lr.id].data = 1e-3;
    for (int32_t i = 0; i < used; i++) {
        p[i] = noise((uint32_t)i);
        before += p[i] * p[i];
    }
    for (int step = 1; step <= 3 && !status; step++) {
        memcpy(g, p, (size_t)used * sizeof *g);
        *(double *)e->value[f->step.id].data = step;
        status = eval_run(e);
    }
    if (!check(c, !status, "takes steps", "kernels"))
        return;
    for (int32_t i = 0; i < ROWS * COLUMNS; i++) {
        finite &= isfinite(p[i]) != 0;
        after += p[i] * p[i];
        padding |= i >= used && p[i] != 0;
    }
    check(c, finite, "parameters stay finite", "one is not, after three steps");
    check(c, after < before, "three steps down a bowl get lower", "from %g to %g", before, after);
    check(c, !padding, "padding stays zero", "a padded number has changed, though its gradient is zero");
}

/* A gradient that is not finite comes with the scale NaN (optimizer.h). */
static void check_skip(conform *c, eval *e, const fpc_flat *f)
{
    const fpc_optimizer_vtbl *v = c->plugin->vtbl;
    const size_t bytes = (size_t)ROWS * COLUMNS * sizeof(double);
    double *flat[5] = {e->value[f->param.id].data}, before[5][ROWS * COLUMNS], *g = e->value[f->grad.id].data;
    int same = 1;

    for (int32_t i = 0; i < v->n_slots; i++)
        flat[i + 1] = e->value[f->slot[i].id].data;
    for (int32_t i = 0; i <= v->n_slots; i++)
        memcpy(before[i], flat[i], bytes);
    for (int32_t i = 0; i < COLUMNS; i++)
        g[i] = NAN;
    *(double *)e->value[f->scale.id].data = NAN;
    *(double *)e->value[f->step.id].data = 4;
    const fpc_status status = eval_run(e);
    for (int32_t i = 0; i <= v->n_slots; i++)
        same &= !memcmp(before[i], flat[i], bytes);
    check(c, !status && same, "a step whose scale is NaN changes nothing", "parameters or slots have changed");
}

void check_optimizer(conform *c)
{
    const fpc_optimizer_vtbl *v = c->plugin->vtbl;
    fpc_graph *g = new_graph(c, FPC_F32, 1);
    fpc_backend *backend;
    fpc_flat f;
    eval e;
    int bad = v->n_slots < 0 || v->n_slots > 4;

    for (int32_t i = 0; i < v->n_slots && !bad; i++) {
        bad |= !v->slot_names[i] || !*v->slot_names[i];
        for (int32_t k = 0; k < i && !bad; k++)
            bad |= !strcmp(v->slot_names[i], v->slot_names[k]);
    }
    if (!check(c, !bad, "slots have different names", "%d slots, at most 4", v->n_slots))
        return;
    if (!check(c, g && !build_optimizer(c, g, &f), "builds", "build"))
        return;
    check(c, updates_params(g, f.param.id), "an in-place op updates the parameters", "no node does");
    backend = eval_backend(c);
    if (!backend) {
        skip(c, "numbers", "the backend `ref` is not in the search path");
        return;
    }
    g = new_graph(c, FPC_F64, 1);
    if (check(c, g && !build_optimizer(c, g, &f), "builds in double", "build") &&
        check(c, !eval_open(c, backend, g, &e), "there is memory for the graph", "memory")) {
        check_descent(c, &e, &f);
        check_skip(c, &e, &f);
    }
}
