/* test_augment.c: the [augment.*] sections of a recipe opened: keys, refusals, inputs, and the ops that are built. What
 * they draw: test_augment_draw.c. */
#include "fixture.h"
#include "data/data.h"
#include <math.h>

static const uint8_t pairs[][2] = {{4, 5}, {6, 7}};
static const fpc_dataset_info info = {.size = sizeof info,
                                      .h = 32,
                                      .w = 48,
                                      .c = 3,
                                      .classes = 19,
                                      .mirror_pairs = pairs,
                                      .n_mirror_pairs = 2,
                                      .ignore_label = -1};

static fpc_status try_augments(bench *b, const char *text, const fpc_dataset_info *set, fpc_augments **out)
{
    fpc_recipe *recipe = NULL;
    const fpc_status status = fpc_recipe_parse(b->ctx, b->arena, "test.ini", text, 0, NULL, &recipe);
    return status ? status : fpc_augments_open(b->ctx, b->arena, b->registry, recipe, set, out);
}

static fpc_augments *open_augments(bench *b, const char *text)
{
    fpc_augments *a = NULL;
    if (try_augments(b, text, &info, &a))
        fail_msg("%s: %s", text, fpc_ctx_error(b->ctx));
    return a;
}

#define FLIP "[augment.flip]\nuse = hflip\np = 1\n"

static void fill_and_refusals(void **state)
{
    bench *b = *state;
    fpc_augments *a = NULL;
    fpc_dataset_info with = info;
    with.ignore_label = 255;
    assert_int_equal(try_augments(b, "[augment]\nfill = ignore\n" FLIP, &with, &a), FPC_OK);
    assert_int_equal(a->fill, 255);
    assert_int_equal(a->n, 1);
    assert_int_equal(a->ignore, 255);
    assert_int_equal(open_augments(b, "[augment]\nfill = background\n" FLIP)->fill, 0);
    assert_int_equal(open_augments(b, "[augment]\nfill = background\n" FLIP)->ignore, -1);
    a = open_augments(b, FLIP); /* by default what is outside counts nowhere, also where the data set ignores nothing */
    assert_int_equal(a->fill, 255);
    assert_int_equal(a->ignore, 255);
    with.ignore_label = 31;
    assert_int_equal(try_augments(b, FLIP, &with, &a), FPC_OK);
    assert_int_equal(a->fill, 31);
    with.ignore_label = -1;
    with.classes = 256;
    assert_int_not_equal(try_augments(b, "[augment]\nfill = ignore\n", &with, &a), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "test.ini:2: augment.fill = ignore: all 256 labels are classes"));
    fpc_ctx_clear(b->ctx);
    assert_int_not_equal(try_augments(b, "[augment.flip]\nuse = hflip\ndegrees = 3\n", &info, &a), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "augment.flip.degrees"));
    fpc_ctx_clear(b->ctx);
    assert_int_not_equal(try_augments(b, "[augment.flip]\nuse = affine\nscale = 0, 0\np = 1\n", &info, &a), FPC_OK);
    assert_non_null(strstr(fpc_ctx_error(b->ctx), "augment.flip.scale"));
}

static int has_op(const fpc_graph *g, const char *op)
{
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->node[i].def->name, op))
            return 1;
    return 0;
}

static void builds_what_is_needed(void **state)
{
    bench *b = *state;
    fpc_op_table *ops;
    assert_int_equal(fpc_op_table_new(b->ctx, b->arena, 1, &fpc_builtin_rows, &ops), FPC_OK);
    static const char *const texts[] = {"", FLIP, "[augment.j]\nuse = color_jitter\n",
                                        "[augment.n]\nuse = gaussian_noise\n",
                                        FLIP "[augment.j]\nuse = color_jitter\n[augment.n]\nuse = gaussian_noise\n"};
    for (int i = 0; i < 6; i++) {
        fpc_graph *g;
        assert_int_equal(fpc_graph_new(b->ctx, b->arena, ops, FPC_F32, 1, &g), FPC_OK);
        const fpc_val u8 = fpc_input(g, "image", (fpc_shape){2, 32, 48, 3}, FPC_U8);
        const fpc_val labels = fpc_input(g, "mask", (fpc_shape){2, 32, 48, 1}, FPC_U8);
        const fpc_augmented v = fpc_augments_build(i == 5 ? NULL : open_augments(b, texts[i]), g, u8, labels);
        if (fpc_graph_check(g))
            fail_msg("%s", fpc_ctx_error(b->ctx));
        const fpc_shape s = fpc_shape_of(g, v.image), m = fpc_shape_of(g, v.mask);
        assert_true(s.n == 2 && s.h == 32 && s.w == 48 && s.c == 3 && m.h == 32 && m.w == 48 && m.c == 1);
        assert_int_equal(fpc_dtype_of(g, v.image), FPC_F32);
        assert_int_equal(fpc_dtype_of(g, v.mask), FPC_U8);
        assert_int_equal(has_op(g, "warp_image"), i == 1 || i == 4);
        assert_int_equal(has_op(g, "warp_mask"), i == 1 || i == 4);
        assert_int_equal(has_op(g, "to_real"), !(i == 1 || i == 4));
        assert_int_equal(has_op(g, "colour"), i == 2 || i == 4);
        assert_int_equal(has_op(g, "gaussian_noise"), i == 3 || i == 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(fill_and_refusals), CASE(builds_what_is_needed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
