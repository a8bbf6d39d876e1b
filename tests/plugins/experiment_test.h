/* experiment_test.h: opens everything that a recipe names, for tests of models and optimizers. */
#ifndef TESTS_PLUGINS_EXPERIMENT_TEST_H
#define TESTS_PLUGINS_EXPERIMENT_TEST_H

#include "plugins/open.h"
#include "experiment/experiment.h"

/* What training needs at least; tests add sections. */
#define SMALL_RECIPE "[loss.ce]\nuse = cross_entropy\n[metric.f_score]\nuse = fscore_batch\n[backend]\nuse = ref\n"

static inline fpc_status try_stages(bench *b, const char *text, unsigned what, fpc_experiment **out)
{
    fpc_recipe *recipe;
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe);
    return status ? status : fpc_experiment_open(b->ctx, b->arena, NULL, recipe, what, out);
}

static inline fpc_experiment *open_stages(bench *b, const char *text, unsigned what)
{
    fpc_experiment *s;
    if (try_stages(b, text, what, &s))
        fail_msg("%s: %s", text, fpc_ctx_error(b->ctx));
    return s;
}

static inline void refuse_stages(bench *b, const char *text, unsigned what, const char *want)
{
    fpc_experiment *s;
    assert_int_not_equal(try_stages(b, text, what, &s), FPC_OK);
    if (!strstr(fpc_ctx_error(b->ctx), want))
        fail_msg("%s: the sentence is \"%s\", without \"%s\"", text, fpc_ctx_error(b->ctx), want);
    fpc_ctx_clear(b->ctx);
}

#endif
