/* test_relations.c: what losses are to each other and to batches: special cases that are another loss, the Jaccard loss
 * at sure predictions, shares of images, micro-batches that add up, and the number of threads that never shows. */
#include "plugins/loss/term.h"

enum { N = 4, H = 9, W = 11, K = 5, AREA = H * W, COUNT = N * K * AREA };

typedef struct data {
    float z[COUNT];
    uint8_t a[N * AREA], b[N * AREA];
    double share[N];
} data;

/* Blobs of labels with some pixels ignored; the last image of a is ignored whole. */
static data *make(bench *b)
{
    data *d = fpc_alloc(b->arena, sizeof *d);
    assert_non_null(d);
    for (int i = 0; i < COUNT; i++)
        d->z[i] = (float)((i * 7919 + i / 31 * 104729) % 1009) / 200 - 2.5f;
    for (int i = 0; i < N * AREA; i++) {
        const int n = i / AREA, y = i % AREA / W, x = i % W;
        d->a[i] = (uint8_t)(i % 13 == 5 || n == N - 1 ? 255 : (y / 3 + x / 4 + n) % (K - 1));
        d->b[i] = (uint8_t)(i % 17 == 5 ? 255 : (y / 4 * 2 + x / 3 + n) % K);
    }
    for (int n = 0; n < N; n++)
        d->share[n] = 0.25 * (n + 1);
    return d;
}

static problem over(bench *b, const char *backend, const data *d)
{
    return (problem){
        .b = b, .backend = backend, .n = N, .h = H, .w = W, .classes = K, .ignore = 255, .logits = d->z, .mask = d->a};
}

static const char EXACT[] = "use = ref\nreal = double";

static void special_cases(void **state)
{
    static const struct {
        const char *one, *other;
        double tolerance;
    } row[] = {
        {"use = tversky\nalpha = 0.5\nbeta = 0.5\neps = 0.5e-4", "use = dice\neps = 1e-4", 1e-7},
        {"use = tversky\nalpha = 0.5\nbeta = 0.5\neps = 0.5e-4\ngamma = 1", "use = dice\neps = 1e-4", 1e-7},
    };
    const problem p = over(*state, EXACT, make(*state));
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_float_equal(evaluate(&p, row[i].one, NULL), evaluate(&p, row[i].other, NULL), row[i].tolerance);
    /* one image: every pixel kept is plain cross entropy */
    problem single = p;
    single.n = 1;
    assert_float_equal(evaluate(&single, "use = ohem_cross_entropy\nthreshold = 1", NULL),
                       evaluate(&single, "use = cross_entropy", NULL), 1e-10);
    assert_float_equal(evaluate(&single, "use = ohem_cross_entropy\nthreshold = 0\nkeep = 1", NULL),
                       evaluate(&single, "use = cross_entropy", NULL), 1e-10);
    assert_float_equal(evaluate(&single, "use = lovasz_softmax\nper_image = off", NULL),
                       evaluate(&single, "use = lovasz_softmax", NULL), 1e-12);
    assert_true(evaluate(&single, "use = ohem_cross_entropy\nkeep = 0.1", NULL) >
                evaluate(&single, "use = cross_entropy", NULL));
}

/* With probabilities of 0 and 1 the Lovasz extension is the Jaccard loss itself. */
static void jaccard_at_sure_predictions(void **state)
{
    data *d = make(*state);
    double want = 0;
    problem p = over(*state, EXACT, d);
    p.n = 1;
    for (int i = 0; i < AREA; i++)
        for (int c = 0; c < K; c++)
            d->z[c * AREA + i] = c == (i / 5) % K ? 200.0f : 0;
    for (int c = 0; c < K - 1; c++) {
        double both = 0, either = 0;
        for (int i = 0; i < AREA; i++)
            if (d->a[i] != 255) {
                both += d->a[i] == c && (i / 5) % K == c;
                either += d->a[i] == c || (i / 5) % K == c;
            }
        want += (1 - both / either) / (K - 1);
    }
    assert_float_equal(evaluate(&p, "use = lovasz_softmax", NULL), want, 1e-9);
}

static const char *const by_image[] = {
    "use = cross_entropy\nlabel_smoothing = 0.1",
    "use = dice",
    "use = focal",
    "use = tversky\ngamma = 1.5",
    "use = lovasz_softmax",
    "use = lovasz_softmax\nclasses = all",
    "use = ohem_cross_entropy\nthreshold = 0.2",
    "use = boundary",
};

/* Value and gradient of two halves, by the shares that accumulation gives them, are those of the whole. */
static void halves_add_up(void **state)
{
    bench *b = *state;
    data *d = make(b);
    const problem whole = over(b, EXACT, d);
    for (size_t i = 0; i < sizeof by_image / sizeof by_image[0]; i++) {
        const fpc_instance inst = open_plugin(b, "loss.term", by_image[i]);
        float grad[COUNT], part[COUNT];
        double norm[2], value[2];
        const double all = term_of(&whole, &inst, grad);
        for (int k = 0; k < 2; k++) {
            int64_t pixels[K] = {0}, images = 0;
            problem half = whole;
            half.n = N / 2;
            half.logits += k * COUNT / 2;
            half.mask += k * N / 2 * AREA;
            for (int n = 0; n < half.n; n++) {
                int64_t here = 0;
                for (int r = 0; r < AREA; r++)
                    if (half.mask[n * AREA + r] != 255)
                        pixels[half.mask[n * AREA + r]]++, here++;
                images += here > 0;
            }
            norm[k] = ((const fpc_loss_vtbl *)inst.vtbl)
                          ->norm(inst.self, &(fpc_label_counts){sizeof(fpc_label_counts), images, K, pixels});
            value[k] = term_of(&half, &inst, part + k * COUNT / 2);
        }
        const double total = norm[0] + norm[1];
        assert_float_equal(all, (norm[0] * value[0] + norm[1] * value[1]) / total, 1e-9);
        for (int j = 0; j < COUNT; j++)
            if (!(fabs((double)grad[j] - norm[j / (COUNT / 2)] / total * (double)part[j]) <= 1e-7))
                fail_msg("%s: the gradient of number %d is %.9g, of its half %.9g", by_image[i], j, (double)grad[j],
                         (double)part[j]);
    }
}

/* Mixed with share 1 the second mask is nothing; with equal masks the shares are. */
static void shares(void **state)
{
    static const char *const more[] = {"use = lovasz_softmax\nper_image = off"};
    data *d = make(*state);
    const double ones[N] = {1, 1, 1, 1};
    for (size_t i = 0; i <= sizeof by_image / sizeof by_image[0]; i++) {
        const char *loss = i < sizeof by_image / sizeof by_image[0] ? by_image[i] : more[0];
        problem p = over(*state, EXACT, d);
        const double plain = evaluate(&p, loss, NULL);
        p.mask_b = d->b;
        p.share = ones;
        assert_float_equal(evaluate(&p, loss, NULL), plain, 1e-12);
        p.mask_b = d->a;
        p.share = d->share;
        assert_float_equal(evaluate(&p, loss, NULL), plain, 1e-12);
        p.mask_b = d->b;
        assert_true(fabs(evaluate(&p, loss, NULL) - plain) > 1e-4);
    }
}

static void threads_never_show(void **state)
{
    data *d = make(*state);
    for (size_t i = 0; i <= sizeof by_image / sizeof by_image[0]; i++) {
        const char *loss =
            i < sizeof by_image / sizeof by_image[0] ? by_image[i] : "use = lovasz_softmax\nper_image = off";
        float one[COUNT], many[COUNT];
        problem p = over(*state, "use = cpu\nthreads = 1", d);
        const double a = evaluate(&p, loss, one);
        p.backend = "use = cpu\nthreads = 5";
        const double b = evaluate(&p, loss, many);
        assert_memory_equal(&a, &b, sizeof a);
        assert_memory_equal(one, many, sizeof one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(special_cases), CASE(jaccard_at_sure_predictions), CASE(halves_add_up),
        CASE(shares),        CASE(threads_never_show),
    };
    return cmocka_run_group_tests_name("relations of losses", tests, NULL, NULL);
}
