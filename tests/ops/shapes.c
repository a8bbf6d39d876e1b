/* shapes.c: one training step at the shapes of a training, where a backend takes other paths than in the small cases of
 * agree.c: other algorithms of libraries, sums cut into pieces, several turns of each loop. conf/lmsa_v1.ini on drawn
 * faces, forward and backward: loss, terms, counts and the gradient of every parameter.
 *   shapes BACKEND [SIDE [BATCH]]    SIDE: of the pictures, 512; BATCH: 32, for what is compared on the backend alone
 * fp32, 2 pictures, against the backend cpu (cpu itself against ref); then, with BATCH pictures, tf32 and bf16 against
 * the backend's own fp32. Each step is run three times, the last ones from memory that was filled with NaN, and, where
 * the backend records programs, from the record: the bits are the same. Without arguments: cpu at 32x32. */
#include "fixture.h"
#include "runtime/program.h"

#include <math.h>

enum { RUNS = 3, MOST_TERMS = 8 };

typedef struct setting {
    const char *backend, *precision;
    int32_t side, n;
} setting;

/* What a step leaves, in memory that outlives the backend. */
typedef struct outcome {
    double loss, term[MOST_TERMS];
    int32_t n_terms, n_params;
    int64_t n_counts;
    int32_t *counts;
    const char **name;
    int64_t *size;
    float **grad;
} outcome;

static const char *tested = "cpu";
static int32_t side = 32, batch = 2;
static bench keep; /* of outcomes */

static const char *label(const setting *of)
{
    return fpc_sprintf(keep.arena, "%s %s, %d x %dx%d", of->backend, of->precision, of->n, of->side, of->side);
}

/* The recipe on drawn faces. 0: the backend does not compute in that precision. */
static int open_step(bench *b, const setting *of)
{
    const char *src = getenv("FPCORE_SRC");
    const char *const set[] = {
        "dataset.use=synthetic",
        fpc_sprintf(b->arena, "dataset.size=%d", of->side),
        fpc_sprintf(b->arena, "dataset.train=%d", of->n),
        "dataset.val=1",
        fpc_sprintf(b->arena, "dataset.batch=%d", of->n),
        fpc_sprintf(b->arena, "backend.use=%s", of->backend),
        fpc_sprintf(b->arena, "run.precision=%s", of->precision),
    };
    const char *path = fpc_sprintf(b->arena, "%s/conf/lmsa_v1.ini", src && *src ? src : ".");
    has_to_succeed(b, fpc_recipe_read(b->ctx, b->arena, path, sizeof set / sizeof *set, set, &b->recipe), path);
    const fpc_status status = fpc_experiment_open(b->ctx, b->arena, NULL, b->recipe,
                                                  FPC_OPEN_DATA | FPC_OPEN_TRAIN | FPC_OPEN_BACKEND, &b->s);
    if (status && strstr(fpc_ctx_error(b->ctx), "computes in"))
        return 0;
    has_to_succeed(b, status, label(of));
    return 1;
}

static void write_inputs(bench *b, fpc_program *p, const fpc_batch *batch_)
{
    const int64_t pixels = (int64_t)batch_->n * batch_->h * batch_->w;
    const int32_t clock[] = {(int32_t)b->s->run.seed, 0, 1, 0};
    float *image = malloc((size_t)pixels * 3 * sizeof *image);
    assert_non_null(image);
    for (int64_t i = 0; i < pixels * 3; i++)
        image[i] = (float)batch_->image[i] / 255;
    assert_int_equal(fpc_program_write(p, "image", FPC_F32, image, pixels * 3), FPC_OK);
    assert_int_equal(fpc_program_write(p, "mask", FPC_U8, batch_->mask, pixels), FPC_OK);
    if (fpc_program_has(p, "clock"))
        assert_int_equal(fpc_program_write(p, "clock", FPC_I32, clock, 4), FPC_OK);
    free(image);
}

/* Bytes of 0xff, which are NaN in every floating type. */
static void spoil(bench *b, void *to, size_t bytes)
{
    enum { PIECE = 1 << 24 };
    char *ones = malloc(PIECE);
    assert_non_null(ones);
    memset(ones, 0xff, PIECE);
    for (size_t at = 0; at < bytes; at += PIECE)
        assert_int_equal(fpc_backend_copy(b->s->backend, (char *)to + at, ones, bytes - at < PIECE ? bytes - at : PIECE,
                                          FPC_TO_DEVICE),
                         FPC_OK);
    free(ones);
}

static void read_outcome(bench *b, fpc_program *p, int32_t n, outcome *out)
{
    const fpc_state *s = b->s->state;
    *out = (outcome){.n_terms = b->s->n_losses, .n_counts = (int64_t)n * b->s->classes * 3};
    out->counts = fpc_alloc(keep.arena, (size_t)out->n_counts * sizeof *out->counts);
    out->name = fpc_alloc(keep.arena, (size_t)s->n * sizeof *out->name);
    out->size = fpc_alloc(keep.arena, (size_t)s->n * sizeof *out->size);
    out->grad = fpc_alloc(keep.arena, (size_t)s->n * sizeof *out->grad);
    assert_true(out->counts && out->name && out->size && out->grad && out->n_terms <= MOST_TERMS);
    has_to_succeed(b, fpc_program_read(p, "loss", FPC_F64, &out->loss, 1), "loss");
    has_to_succeed(b, fpc_program_read(p, "terms", FPC_F64, out->term, out->n_terms), "terms");
    has_to_succeed(b, fpc_program_read(p, "counts", FPC_I32, out->counts, out->n_counts), "counts");
    for (int32_t i = 0; i < s->n; i++) {
        const fpc_state_entry *e = &s->entry[i];
        if (e->kind != FPC_STATE_GRAD)
            continue;
        float *to = fpc_alloc(keep.arena, (size_t)e->count * sizeof *to);
        assert_non_null(to);
        has_to_succeed(b, fpc_state_read(s, e, FPC_F32, to), e->name);
        out->name[out->n_params] = fpc_strdup(keep.arena, e->name);
        out->size[out->n_params] = e->count;
        out->grad[out->n_params++] = to;
    }
}

static void same_bits(const char *what, const outcome *a, const outcome *b)
{
    if (memcmp(&a->loss, &b->loss, sizeof a->loss) || memcmp(a->counts, b->counts, (size_t)a->n_counts * 4))
        fail_msg("%s: run again, the loss is %.9g and not %.9g, or the counts differ", what, b->loss, a->loss);
    for (int32_t k = 0; k < a->n_params; k++)
        if (memcmp(a->grad[k], b->grad[k], (size_t)a->size[k] * sizeof(float)))
            fail_msg("%s: run again, %s has other bits", what, a->name[k]);
}

/* 0: not in that precision. */
static int take_step(const setting *of, outcome *out)
{
    const fpc_probe_args args = {
        .n = of->n, .h = of->side, .w = of->side, .training = 1, .backward = 1, .logits = 0, .loss = 1};
    bench b;
    fpc_program *p;
    const fpc_batch *first;
    assert_int_equal(bench_new(&b), 0);
    if (!open_step(&b, of)) {
        bench_free(&b);
        return 0;
    }
    has_to_succeed(&b, fpc_data_start(b.s->data, FPC_TRAIN, 0, 0), "data");
    has_to_succeed(&b, fpc_data_next(b.s->data, &first), "data");
    has_to_succeed(&b, fpc_experiment_probe(b.s, &args, &p), label(of));
    for (int run = 0; run < RUNS; run++) {
        outcome again;
        if (run > 0) {
            const int32_t threads = b.s->backend->device.threads > 0 ? b.s->backend->device.threads : 1;
            spoil(&b, b.s->state->work, b.s->state->work_bytes);
            spoil(&b, b.s->state->scratch, b.s->state->scratch_bytes * (size_t)threads);
        }
        write_inputs(&b, p, first);
        has_to_succeed(&b, fpc_program_run(p), label(of));
        read_outcome(&b, p, of->n, run ? &again : out);
        if (run)
            same_bits(label(of), out, &again);
    }
    bench_free(&b);
    return 1;
}

static double norm_of(const float *v, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

static double distance_of(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

/* loss: the relative bound of loss and terms; grad: of the distance (close), else of the difference of lengths, of each
 * gradient; counts: the share of pixels whose largest logit may be another's. A gradient that is zero but for rounding
 * (a bias in front of a norm) is measured against a 10000th of all gradients' length; where activations are rounded,
 * every gradient has some of that, so it is measured against the length of a typical one. */
static void compare(const char *what, const outcome *got, const outcome *want, double loss, double grad, int close,
                    double counts)
{
    double all = 0, worst = 0, pixels = 0, moved = 0;
    const char *where = "";
    assert_int_equal(got->n_params, want->n_params);
    if (!(fabs(got->loss - want->loss) <= loss * fabs(want->loss)))
        fail_msg("%s: the loss is %.9g and not %.9g", what, got->loss, want->loss);
    for (int32_t t = 0; t < want->n_terms; t++)
        if (!(fabs(got->term[t] - want->term[t]) <= loss * fabs(want->term[t])))
            fail_msg("%s: term %d is %.9g and not %.9g", what, t, got->term[t], want->term[t]);
    for (int64_t i = 0; i < want->n_counts; i++) {
        pixels += i % 3 ? 0 : want->counts[i] + want->counts[i + 2];
        moved += abs(got->counts[i] - want->counts[i]);
    }
    if (!(moved <= counts * pixels + 8))
        fail_msg("%s: the counts of %.0f pixels differ by %.0f", what, pixels, moved);
    for (int32_t k = 0; k < want->n_params; k++)
        all += pow(norm_of(want->grad[k], want->size[k]), 2);
    all = sqrt(all);
    for (int32_t k = 0; k < want->n_params; k++) {
        const double length = norm_of(want->grad[k], want->size[k]);
        const double off = close ? distance_of(got->grad[k], want->grad[k], want->size[k])
                                 : fabs(norm_of(got->grad[k], got->size[k]) - length);
        const double relative = off / fmax(length, close ? 1e-4 * all : all / sqrt(want->n_params));
        if (!(relative <= worst)) {
            worst = relative;
            where = want->name[k];
        }
    }
    print_message("%s: loss %.7g and %.7g; gradients differ by %.1e at most (%s)\n", what, got->loss, want->loss, worst,
                  where);
    if (!(worst <= grad))
        fail_msg("%s: the gradient of %s differs by %.2g of its length; %.2g are allowed", what, where, worst, grad);
}

static void float_is_that_of_the_processor(void **state)
{
    const setting here = {tested, "fp32", side, 2}, there = {strcmp(tested, "cpu") ? "cpu" : "ref", "fp32", side, 2};
    outcome got, want;
    (void)state;
    assert_true(take_step(&there, &want));
    assert_true(take_step(&here, &got));
    compare(label(&here), &got, &want, 1e-4, 1e-3, 1, 1e-4);
}

static void lower_precisions_are_near_float(void **state)
{
    static const struct {
        const char *name;
        double loss, grad, counts;
    } lower[] = {{"tf32", 5e-3, 0.03, 0.01}, {"bf16", 0.02, 0.03, 0.05}};
    const setting own = {tested, "fp32", side, batch};
    outcome want, got;
    (void)state;
    assert_true(take_step(&own, &want));
    for (size_t i = 0; i < sizeof lower / sizeof *lower; i++) {
        const setting here = {tested, lower[i].name, side, batch};
        if (take_step(&here, &got))
            compare(label(&here), &got, &want, lower[i].loss, lower[i].grad, 0, lower[i].counts);
        else
            print_message("skipped: %s does not compute in %s\n", tested, lower[i].name);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(float_is_that_of_the_processor),
                                       cmocka_unit_test(lower_precisions_are_near_float)};
    if (argc > 1) {
        tested = argv[1];
        side = argc > 2 ? (int32_t)strtol(argv[2], NULL, 10) : 512;
        batch = argc > 3 ? (int32_t)strtol(argv[3], NULL, 10) : 32;
    }
    if (bench_new(&keep))
        return 1;
    const int failed = cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
    bench_free(&keep);
    return failed;
}
