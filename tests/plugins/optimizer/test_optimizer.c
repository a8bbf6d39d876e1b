/* test_optimizer.c: four steps of every optimizer on a whole model's flat buffers, against the formulas written out for
 * single numbers in double; with and without clipping. tests/golden compares whole trainings with PyTorch. */
#include "fixture.h"
#include <math.h>

#define TINY_MODEL                                                                                                     \
    "[model]\nuse = microsegformer\ndims = 4,8\ndepths = 1,1\nsr_ratios = 2,1\nheads = 1,1\ndecoder_dim = 8\n"

typedef struct rule {
    int adam, coupled, lion, nesterov;
    double beta1, beta2, eps, decay, momentum, dampening;
} rule;

/* One step of one number. m, v: its slots. */
static double step_one(const rule *r, double p, double grad, double *m, double *v, double lr, int t)
{
    if (r->lion) {
        const double way = r->beta1 * *m + (1 - r->beta1) * grad;
        *m = r->beta2 * *m + (1 - r->beta2) * grad;
        return p * (1 - lr * r->decay) - lr * ((way > 0) - (way < 0));
    }
    if (r->adam) {
        if (r->coupled)
            grad += r->decay * p;
        else
            p *= 1 - lr * r->decay;
        *m = r->beta1 * *m + (1 - r->beta1) * grad;
        *v = r->beta2 * *v + (1 - r->beta2) * grad * grad;
        return p - lr * (*m / (1 - pow(r->beta1, t))) / (sqrt(*v) / sqrt(1 - pow(r->beta2, t)) + r->eps);
    }
    grad += r->decay * p;
    if (r->momentum == 0)
        return p - lr * grad;
    *m = t == 1 ? grad : r->momentum * *m + (1 - r->dampening) * grad;
    return p - lr * (r->nesterov ? grad + r->momentum * *m : *m);
}

/* Gradients of many magnitudes, zero among them; a pure function of step, tensor and element. */
static float gradient(int t, int32_t tensor, int64_t i)
{
    const uint32_t u = (uint32_t)((i + 1) * 2654435761u) ^ (uint32_t)(tensor * 97 + t * 13);
    return i % 7 == 3 ? 0 : ((float)(u >> 8) * 0x1p-24f - 0.5f) * (float)pow(10, (double)(i % 5) - 3);
}

static void follow(bench *b, const char *optimizer, const char *run, const rule *r, double clip)
{
    enum { STEPS = 4 };
    fpc_experiment *s = open_experiment(
        b, fpc_sprintf(b->arena, "[run]\n%s\n%s%s[optimizer]\n%s\n", run, SMALL_RECIPE, TINY_MODEL, optimizer),
        FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
    fpc_state *state = s->state;
    const int64_t n = state->n_trainable;
    double *p = fpc_alloc(b->arena, 8 * (size_t)n), *m = fpc_alloc(b->arena, 8 * (size_t)n),
           *v = fpc_alloc(b->arena, 8 * (size_t)n);
    float *host = fpc_alloc(b->arena, 4 * (size_t)n);
    int64_t at = 0;

    for (int32_t e = 0; e < state->n; e++)
        if (state->entry[e].kind == FPC_STATE_PARAM) {
            assert_int_equal(fpc_state_get(state, &state->entry[e], host), FPC_OK);
            for (int64_t i = 0; i < state->entry[e].count; i++)
                p[at++] = (double)host[i];
        }
    assert_int_equal(at, n);
    for (int t = 1; t <= STEPS; t++) {
        const double lr = 0.01 / t;
        double square = 0, norm;
        for (int32_t e = 0; e < state->n; e++)
            if (state->entry[e].kind == FPC_STATE_GRAD) {
                for (int64_t i = 0; i < state->entry[e].count; i++) {
                    host[i] = gradient(t, e, i);
                    square += (double)host[i] * (double)host[i];
                }
                assert_int_equal(fpc_state_set(state, &state->entry[e], host), FPC_OK);
            }
        if (fpc_experiment_update(s, t, lr, &norm))
            fail_msg("%s", fpc_ctx_error(b->ctx));
        assert_float_equal(norm, sqrt(square), 1e-5 * sqrt(square));
        const double scale = clip > 0 && sqrt(square) > clip ? clip / (sqrt(square) + 1e-6) : 1;
        at = 0;
        for (int32_t e = 0; e < state->n; e++)
            if (state->entry[e].kind == FPC_STATE_GRAD)
                for (int64_t i = 0; i < state->entry[e].count; i++, at++)
                    p[at] = step_one(r, p[at], scale * (double)gradient(t, e, i), &m[at], &v[at], lr, t);
    }
    at = 0;
    for (int32_t e = 0; e < state->n; e++)
        if (state->entry[e].kind == FPC_STATE_PARAM) {
            assert_int_equal(fpc_state_get(state, &state->entry[e], host), FPC_OK);
            for (int64_t i = 0; i < state->entry[e].count; i++, at++)
                if (!(fabs((double)host[i] - p[at]) <= 1e-6 + 1e-5 * fabs(p[at])))
                    fail_msg("%s: %s[%lld] is %.9g; the formula gives %.9g", optimizer, state->entry[e].name,
                             (long long)i, (double)host[i], p[at]);
        }
}

static void adamw(void **state)
{
    const rule usual = {.adam = 1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 1e-4};
    const rule other = {.adam = 1, .beta1 = 0.5, .beta2 = 0.9, .eps = 1e-3, .decay = 0.1};
    follow(*state, "use = adamw", "clip_norm = 0", &usual, 0);
    follow(*state, "use = adamw", "clip_norm = 0.5", &usual, 0.5);
    follow(*state, "use = adamw\nbeta1 = 0.5\nbeta2 = 0.9\neps = 1e-3\nweight_decay = 0.1", "clip_norm = 1000", &other,
           1000);
}

static void adam(void **state)
{
    const rule usual = {.adam = 1, .coupled = 1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    const rule other = {.adam = 1, .coupled = 1, .beta1 = 0.5, .beta2 = 0.9, .eps = 1e-3, .decay = 0.1};
    follow(*state, "use = adam", "clip_norm = 0", &usual, 0);
    follow(*state, "use = adam\nbeta1 = 0.5\nbeta2 = 0.9\neps = 1e-3\nweight_decay = 0.1", "clip_norm = 0.5", &other,
           0.5);
}

static void lion(void **state)
{
    const rule usual = {.lion = 1, .beta1 = 0.9, .beta2 = 0.99, .decay = 1e-3};
    const rule other = {.lion = 1, .beta1 = 0.6, .beta2 = 0.8, .decay = 0.5};
    follow(*state, "use = lion", "clip_norm = 0", &usual, 0);
    follow(*state, "use = lion\nbeta1 = 0.6\nbeta2 = 0.8\nweight_decay = 0.5", "clip_norm = 0.5", &other, 0.5);
}

static void sgd(void **state)
{
    const rule plain = {.momentum = 0}, usual = {.momentum = 0.9},
               damp = {.momentum = 0.8, .dampening = 0.3, .decay = 0.05};
    const rule nesterov = {.momentum = 0.9, .nesterov = 1, .decay = 0.05};
    follow(*state, "use = sgd\nmomentum = 0", "clip_norm = 0", &plain, 0);
    follow(*state, "use = sgd", "clip_norm = 0", &usual, 0);
    follow(*state, "use = sgd\nmomentum = 0.8\ndampening = 0.3\nweight_decay = 0.05", "clip_norm = 0", &damp, 0);
    follow(*state, "use = sgd\nnesterov = on\nweight_decay = 0.05", "clip_norm = 0.1", &nesterov, 0.1);
}

static void not_finite(void **state)
{
    bench *b = *state;
    fpc_experiment *s = open_experiment(b, SMALL_RECIPE TINY_MODEL, FPC_OPEN_TRAIN | FPC_OPEN_BACKEND);
    const fpc_state_entry *bias = fpc_state_find(s->state, "decoder.conv_seg.bias"),
                          *grad = fpc_state_find(s->state, "grad.decoder.conv_seg.bias");
    float before[19], after[19], bad[19] = {[3] = NAN};
    double norm;

    assert_int_equal(fpc_state_get(s->state, bias, before), FPC_OK);
    assert_int_equal(fpc_state_set(s->state, grad, bad), FPC_OK);
    assert_int_equal(fpc_experiment_update(s, 1, 0.1, &norm), FPC_ENAN);
    assert_int_equal(fpc_state_get(s->state, bias, after), FPC_OK);
    assert_memory_equal(before, after, sizeof before);
}

static void refusals(void **state)
{
    refuse_plugin(*state, "optimizer", "use = sgd\nnesterov = on\nmomentum = 0",
                  "nesterov = on needs a momentum above 0");
    refuse_plugin(*state, "optimizer", "use = sgd\nnesterov = on\ndampening = 0.5", "dampening = 0");
    refuse_plugin(*state, "optimizer", "use = adamw\nbeta1 = 1", "optimizer.beta1 = 1");
    refuse_plugin(*state, "optimizer", "use = adamw\neps = 0", "optimizer.eps = 0");
    refuse_plugin(*state, "optimizer", "use = adam\nbeta2 = 1", "optimizer.beta2 = 1");
    refuse_plugin(*state, "optimizer", "use = lion\neps = 1e-8", "optimizer.eps = 1e-8: unknown key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(adamw), CASE(adam), CASE(lion), CASE(sgd), CASE(not_finite), CASE(refusals),
    };
    return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
