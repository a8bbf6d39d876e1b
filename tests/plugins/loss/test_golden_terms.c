/* test_golden_terms.c: tversky, lovasz_softmax, ohem_cross_entropy and boundary, and every loss over two masks, against
 * PyTorch (losses.safetensors, made by make.py beside this file): values and gradients, on every backend. */
#include "plugins/loss/term.h"

static const struct {
    const char *name, *loss;
} terms[] = {
    {"tversky", "use = tversky"},
    {"focal_tversky", "use = tversky\ngamma = 1.3333333333"},
    {"lovasz", "use = lovasz_softmax"},
    {"lovasz_all", "use = lovasz_softmax\nclasses = all"},
    {"lovasz_batch", "use = lovasz_softmax\nper_image = off"},
    {"ohem", "use = ohem_cross_entropy\nthreshold = 0.25\nkeep = 0.1"},
    {"ohem_keep", "use = ohem_cross_entropy\nthreshold = 0.001\nkeep = 0.4"},
    {"ohem_weights", "use = ohem_cross_entropy\nthreshold = 0.3\nkeep = 0.5\nclass_weights = 0.5, 1, 2, 0, 4"},
    {"boundary", "use = boundary"},
    {"boundary_pixels", "use = boundary\nnormalise = off"},
    {"mixed_cross_entropy", "use = cross_entropy"},
    {"mixed_dice", "use = dice"},
    {"mixed_tversky", "use = tversky"},
    {"mixed_lovasz", "use = lovasz_softmax"},
    {"mixed_lovasz_batch", "use = lovasz_softmax\nper_image = off"},
    {"mixed_ohem", "use = ohem_cross_entropy\nthreshold = 0.25\nkeep = 0.1"},
    {"mixed_boundary", "use = boundary"},
};

static fpc_st_file *open_file(bench *b)
{
    const char *root = getenv("FPCORE_SRC");
    fpc_st_file *f;
    if (fpc_st_read(b->ctx, b->arena,
                    fpc_sprintf(b->arena, "%s/tests/plugins/loss/losses.safetensors", root ? root : "."), &f))
        fail_msg("%s", fpc_ctx_error(b->ctx));
    return f;
}

static const void *data_of(const fpc_st_file *f, const char *name)
{
    const fpc_st_tensor *t = fpc_st_find(f, name);
    if (!t)
        fail_msg("losses.safetensors has no %s", name);
    return t->data;
}

static void check_term(const problem *p, const fpc_st_file *f, const char *name, const char *loss)
{
    const double want = *(const double *)data_of(f, fpc_sprintf(p->b->arena, "value.%s", name));
    const float *grad = data_of(f, fpc_sprintf(p->b->arena, "grad.%s", name));
    const int64_t n = (int64_t)p->n * p->classes * p->h * p->w;
    float *got = fpc_alloc(p->b->arena, (size_t)n * sizeof *got);
    const double value = evaluate(p, loss, got);
    double most = 0, error = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, fabs((double)grad[i]));
        error = fmax(error, fabs((double)got[i] - (double)grad[i]));
    }
    if (!(fabs(value - want) <= 2e-6 * fabs(want)))
        fail_msg("%s on %s: %.10g, PyTorch %.10g", name, p->backend, value, want);
    if (!(most > 0 && error <= 5e-6 * most))
        fail_msg("gradient of %s on %s: off by %.3g of the largest magnitude", name, p->backend, error / most);
}

static void golden(void **state)
{
    bench *b = *state;
    const fpc_st_file *f = open_file(b);
    const fpc_st_tensor *z = fpc_st_find(f, "logits");
    assert_non_null(z);
    for (int k = 0; k < TERM_BACKENDS; k++)
        for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
            const int mixed = !strncmp(terms[i].name, "mixed_", 6);
            const problem p = {.b = b,
                               .backend = term_backends[k],
                               .n = (int32_t)z->dims[0],
                               .h = (int32_t)z->dims[2],
                               .w = (int32_t)z->dims[3],
                               .classes = (int32_t)z->dims[1],
                               .ignore = 255,
                               .logits = z->data,
                               .mask = data_of(f, "mask"),
                               .mask_b = mixed ? data_of(f, "mask_b") : NULL,
                               .share = data_of(f, "share")};
            check_term(&p, f, terms[i].name, terms[i].loss);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(golden)};
    return cmocka_run_group_tests_name("golden terms", tests, NULL, NULL);
}
