/* test_lint_loss.c: warnings about the terms of the loss and the model's size. */
#include "lints.h"

#define REPORTS                                                                                                        \
    "0.0043, 0.0049, 0.0602, 0.3834, 0.5577, 0.5577, 0.2924, 0.2986, 0.2595, 0.3189, 0.4357, 0.3030, 0.1857, 0.0040, " \
    "0.1121, 0.6114, 14.5434, 0.0305, 0.0366"

static void idle_terms(void **state)
{
    (void)state;
    warns(QUIET, "loss.dice.weight=0", "loss.dice.weight = 0: this term counts nothing; `use = none` removes it");
    quiet(QUIET, "loss.dice.weight=0 @1, 1 @5");
}

static void class_weights(void **state)
{
    (void)state;
    warns(QUIET, "loss.ce.class_weights=" REPORTS, "one pixel of neck_l counts as much as 3636 of hair\nspan 60");
    quiet(QUIET, "loss.ce.class_weights=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,99,1,1");
}

/* The presets are those of the masks that training sees. */
static void presets(void **state)
{
    (void)state;
    const heard h = lints_of(QUIET, "loss.ce.class_weight_preset=inverse"),
                soft = lints_of(QUIET, "loss.ce.class_weight_preset=sqrt");
    bench b;
    const int64_t *pixels, *images;
    int64_t least = INT64_MAX, most = 0;
    char want[64];

    bench_experiment(&b, QUIET, "", OPEN_ALL);
    assert_int_equal(fpc_data_label_counts(b.s->data, &pixels, &images, NULL), FPC_OK);
    for (int32_t c = 0; c < b.s->classes; c++) {
        least = pixels[c] && pixels[c] < least ? pixels[c] : least;
        most = pixels[c] > most ? pixels[c] : most;
    }
    bench_free(&b);
    assert_true(most > 100 * least && most < 10000 * least);
    assert_int_equal(h.n, 1);
    snprintf(want, sizeof want, "counts as much as %.0f of", (double)most / (double)least);
    if (!strstr(h.text[0], want))
        fail_msg("`%s` is not in: %s", want, h.text[0]);
    assert_int_equal(soft.n, 0);
}

static void smoothing(void **state)
{
    (void)state;
    const char *two =
        QUIET "[loss.second]\nuse = cross_entropy\nclass_weights = 1,1,1,1,2,2,1,1,1,1,1,1,1,1,1,1,1,1,1\n";
    quiet(two, "");
    quiet(two, "loss.second.label_smoothing=0.1");
    warns(two, "loss.ce.label_smoothing=0.1", "this term smooths labels and [loss.second] weights classes");
}

static void size(void **state)
{
    (void)state;
    warns("[dataset]\nuse = synthetic\nsize = 32\ntrain = 4\nval = 2\nbatch = 2\n[model]\nuse = unet\nwidth = 22\n"
          "[loss.ce]\nuse = cross_entropy\n[backend]\nuse = ref\n",
          "", "the model has 2042675 parameters, and no limit is set\n1821085");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(idle_terms), cmocka_unit_test(class_weights),
                                       cmocka_unit_test(presets), cmocka_unit_test(smoothing), cmocka_unit_test(size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
