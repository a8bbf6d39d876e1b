/* queue.c, steps_queue.c and resident.c on a backend that queues: ref, given a queue that runs at once. Queued steps
 * leave the same bits as steps that are waited for, wherever the pictures lie; the ring of slots keeps its order. */
#include "tiny.h"
#include "graphs.h"
#include "plugins/pictures.h"
#include "runtime/queue.h"
#include "experiment/resident.h"

static int marks[FPC_MARKS], waits[FPC_MARKS], n_waits, pinned_copies, copies;
static char *pinned;
static size_t pinned_bytes;

static fpc_status alloc_host(fpc_self *self, size_t n, void **out)
{
    (void)self;
    *out = calloc(1, n);
    if (n > pinned_bytes)
        pinned = *out, pinned_bytes = n;
    return *out ? FPC_OK : FPC_ENOMEM;
}

static void release_host(fpc_self *self, void *p)
{
    (void)self;
    free(p);
}

static fpc_status queue_copy(fpc_self *self, void *dst, const void *src, size_t n, fpc_way way)
{
    (void)self;
    copies++;
    pinned_copies += way == FPC_TO_DEVICE && (const char *)src >= pinned && (const char *)src < pinned + pinned_bytes;
    memcpy(dst, src, n);
    return FPC_OK;
}

static fpc_status mark(fpc_self *self, int32_t at)
{
    (void)self;
    marks[at]++;
    return FPC_OK;
}

static fpc_status wait_for(fpc_self *self, int32_t at)
{
    (void)self;
    assert_true(marks[at] > waits[at]); /* nothing is waited for that was not marked */
    waits[at]++;
    n_waits++;
    return FPC_OK;
}

static void queueing(fpc_backend *be)
{
    static fpc_backend_vtbl v;
    v = *be->vtbl;
    v.size = sizeof v;
    v.alloc_host = alloc_host, v.release_host = release_host;
    v.queue_copy = queue_copy, v.mark = mark, v.wait = wait_for;
    be->vtbl = &v;
    be->device.free = (size_t)1 << 30;
    memset(marks, 0, sizeof marks);
    memset(waits, 0, sizeof waits);
    n_waits = copies = pinned_copies = 0;
    pinned_bytes = 0;
}

#define RUN "[run]\nseed = 5\nclip_norm = 1\nema = 0.9\n"
#define REST                                                                                                           \
    "[augment.rotate]\nuse = rotate\np = 1\n[augment.mixup]\nuse = mixup\np = 0.5\nlabels = soft\n"                    \
    "[model]\nuse = microsegformer\ndims = 8,16,24,32\ndepths = 1,1,1,1\ndecoder_dim = 16\ndropout = 0.1\n"            \
    "[loss.ce]\nuse = cross_entropy\n[loss.dice]\nuse = dice\n[optimizer]\nuse = adamw\n"                              \
    "[backend]\nuse = ref\nreal = float\n"
#define RECIPE RUN "[dataset]\nuse = synthetic\nsize = 32\ntrain = 10\nval = 6\nbatch = 4\ndrop_last = off\n" REST

/* What `run` trains with. */
static const char *recipe = RECIPE;

typedef struct trace {
    double loss[16], norm[16];
    int32_t images[16], tp[16], n;
    float *weights;
    size_t bytes;
} trace;

static void note(trace *t, const fpc_step_result *r)
{
    t->loss[t->n] = r->loss;
    t->norm[t->n] = r->grad_norm;
    t->images[t->n] = r->images;
    t->tp[t->n++] = r->tp_fp_fn[0];
}

static void take(bench *b, int all, trace *t)
{
    fpc_step_result r;
    int got;
    while (!fpc_queue_take(b->s, all, &r, &got) && got)
        note(t, &r);
    assert_int_equal(fpc_ctx_status(b->ctx), FPC_OK);
}

/* Two epochs of three steps, each with a validation of two batches. queue 0: waited for. */
static trace run(const char *sets, int queue)
{
    bench b;
    trace t = {0};
    fpc_step_result r;
    const fpc_batch *batch;
    int64_t step = 0;
    bench_experiment(&b, recipe, sets, OPEN_ALL);
    if (queue) {
        queueing(b.s->backend);
        if (fpc_experiment_queue(b.s))
            fail_msg("%s", fpc_ctx_error(b.ctx));
        assert_true(fpc_experiment_queued(b.s));
    }
    for (int64_t pass = 0; pass < 4; pass++) {
        const int train = pass % 2 == 0;
        assert_int_equal(fpc_data_start(b.s->data, train ? FPC_TRAIN : FPC_VAL, pass / 2, 0), FPC_OK);
        while (!fpc_data_next(b.s->data, &batch) && batch) {
            step += train;
            fpc_status status;
            if (!queue)
                status = train ? fpc_train_step(b.s, 1, &batch, step, 0.01, &r) : fpc_eval_step(b.s, batch, &r);
            else
                status = train ? fpc_train_queue(b.s, batch, step, 0.01) : fpc_eval_queue(b.s, batch);
            if (status)
                fail_msg("%s", fpc_ctx_error(b.ctx));
            if (queue)
                take(&b, 0, &t);
            else
                note(&t, &r);
        }
        if (queue)
            take(&b, 1, &t);
    }
    const fpc_state *status = b.s->state;
    t.bytes = fpc_bytes(status->flat, FPC_F32);
    t.weights = malloc(2 * t.bytes);
    memcpy(t.weights, status->param, t.bytes);
    memcpy((char *)t.weights + t.bytes, status->average, t.bytes);
    bench_free(&b);
    return t;
}

static void queued_steps_leave_the_same_bits(void **state)
{
    (void)state;
    const char *const caches[] = {"dataset.cache=stream", "dataset.cache=pinned", "dataset.cache=device",
                                  "dataset.cache=auto"};
    trace waited = run("", 0);
    assert_int_equal(waited.n, 10);
    for (int i = 0; i < 4; i++) {
        trace queued = run(caches[i], 1);
        assert_int_equal(queued.n, waited.n);
        for (int k = 0; k < waited.n; k++) {
            assert_true(queued.loss[k] == waited.loss[k] && queued.norm[k] == waited.norm[k]);
            assert_true(queued.images[k] == waited.images[k] && queued.tp[k] == waited.tp[k]);
        }
        assert_memory_equal(queued.weights, waited.weights, 2 * waited.bytes);
        assert_int_equal(n_waits, waited.n);
        /* pictures and masks: on the device each is copied once; from pinned memory in every batch but the first that
         * brings it, 10 and 6 of them, in the second epoch */
        if (i == 1)
            assert_true(pinned_copies >= 2 * 16);
        free(queued.weights);
    }
    free(waited.weights);
}

/* Neither blocks of pictures nor ops take height for width. */
static void oblong_pictures(void **state)
{
    static const char *const more = "[augment.affine]\nuse = affine\ndegrees = 10\n[augment.perspective]\nuse = "
                                    "perspective\n[augment.cutmix]\nuse = cutmix\n[augment.mosaic]\nuse = mosaic\n";
    bench b;
    (void)state;
    assert_int_equal(bench_new(&b), 0);
    make_folder("set/train/images");
    make_folder("set/train/masks");
    for (int i = 0; i < 16; i++) {
        const fpc_image image = picture(b.arena, 80, 40, 3, i), mask = picture(b.arena, 80, 40, 1, i);
        write_png(&b, fpc_sprintf(b.arena, "set/train/images/%02d.png", i), &image, NULL, 0);
        write_png(&b, fpc_sprintf(b.arena, "set/train/masks/%02d.png", i), &mask, NULL, 0);
    }
    recipe = fpc_sprintf(b.arena,
                         RUN "[dataset]\nuse = folder\nroot = %s\nclasses = celebamask19\nsize = 32x64\nval_split = "
                             "0.4\nbatch = 4\ndrop_last = off\n" REST "%s",
                         in_folder("set"), more);
    queued_steps_leave_the_same_bits(NULL);
    recipe = RECIPE;
    bench_free(&b);
}

/* What the device has is not read again: the readers leave it out. */
static void device_copies_each_picture_once(void **state)
{
    (void)state;
    trace device = run("dataset.cache=device", 1);
    const int with_device = copies;
    free(device.weights);
    trace stream = run("dataset.cache=stream", 1);
    /* the same other copies; 10 batches of two copies against 16 pictures of two and 10 lists of numbers */
    assert_int_equal(copies - with_device, 2 * 10 - 2 * 16 - 10);
    free(stream.weights);
}

static void refusals(void **state)
{
    (void)state;
    bench b;
    fpc_resident *none;
    bench_experiment(&b, RECIPE, "", OPEN_ALL);
    assert_int_equal(fpc_resident_open(b.s, 0, &none), FPC_OK);
    assert_null(none); /* auto, on a backend whose memory is the host's */
    bench_free(&b);
    bench_experiment(&b, RECIPE, "dataset.cache=device", OPEN_ALL);
    assert_int_equal(fpc_experiment_queue(b.s), FPC_EINVAL);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "dataset.cache = device: backend ref computes in the host's memory"));
    bench_free(&b);
    bench_experiment(&b, RECIPE, "dataset.cache=device", OPEN_ALL);
    queueing(b.s->backend);
    size_t needed;
    assert_int_equal(fpc_experiment_memory(b.s, 4, 32, 32, &needed), FPC_OK);
    b.s->backend->device.free = needed + needed / 16 + 1000;
    assert_int_equal(fpc_experiment_queue(b.s), FPC_ENOMEM);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "the pictures take 0.1 MiB"));
    bench_free(&b);
    bench_experiment(&b, RECIPE, "run.accumulate=2", OPEN_ALL);
    queueing(b.s->backend);
    assert_int_equal(fpc_experiment_queue(b.s), FPC_OK);
    assert_false(fpc_experiment_queued(b.s)); /* micro-batches are waited for */
    bench_free(&b);
}

/* The refusal before the first step: the needs, what there is, and the largest batch that fits. */
static void largest_batch(void **state)
{
    (void)state;
    bench b;
    size_t one, two, four;
    bench_experiment(&b, RECIPE, "", OPEN_ALL);
    assert_int_equal(fpc_experiment_memory(b.s, 1, 32, 32, &one), FPC_OK);
    assert_int_equal(fpc_experiment_memory(b.s, 2, 32, 32, &two), FPC_OK);
    assert_int_equal(fpc_experiment_memory(b.s, 4, 32, 32, &four), FPC_OK);
    assert_true(one < two && two < four);
    b.s->backend->device.free = four;
    assert_int_equal(fpc_experiment_fit(b.s), FPC_OK);
    b.s->backend->device.free = two + 1;
    assert_int_equal(fpc_experiment_fit(b.s), FPC_ENOMEM);
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "dataset.batch = 4 at 32x32 needs"));
    assert_non_null(strstr(fpc_ctx_error(b.ctx), "dataset.batch = 2 is the largest that fits"));
    bench_free(&b);
}

static void ring(void **state)
{
    (void)state;
    bench b;
    fpc_queue *q;
    char device[64], seen[4];
    bench_experiment(&b, RECIPE, "", OPEN_ALL);
    queueing(b.s->backend);
    assert_int_equal(fpc_queue_new(b.ctx, b.arena, b.s->backend, &q), FPC_OK);
    for (int i = 0; i < FPC_QUEUE_DEPTH; i++) {
        memset(seen, 'a' + i, sizeof seen);
        assert_int_equal(fpc_queue_begin(q, 256), FPC_OK);
        assert_int_equal(fpc_queue_bytes(q, device, seen, sizeof seen, 0), FPC_OK);
        assert_int_equal(fpc_queue_end(q), FPC_OK);
    }
    assert_int_equal(device[0], 'a' + FPC_QUEUE_DEPTH - 1);
    assert_int_equal(fpc_queue_length(q), FPC_QUEUE_DEPTH);
    assert_int_equal(fpc_queue_begin(q, 64), FPC_EINTERNAL); /* none is free */
    fpc_ctx_clear(b.ctx);
    assert_int_equal(fpc_queue_wait(q), FPC_OK);
    assert_int_equal(fpc_queue_again(q), FPC_OK); /* the oldest slot's copies, once more */
    assert_int_equal(device[0], 'a');
    assert_int_equal(fpc_queue_begin(q, 64), FPC_OK);
    assert_non_null(fpc_queue_room(q, 64));
    assert_null(fpc_queue_room(q, 256)); /* more than the slot ever had */
    assert_int_equal(fpc_ctx_status(b.ctx), FPC_EINTERNAL);
    bench_free(&b);
}

static int recording, n_recorded;
static fpc_status (*run_linear)(fpc_exec *, const fpc_node *, fpc_rows);

static fpc_status record_begin(fpc_self *self)
{
    (void)self;
    recording = 1;
    return FPC_OK;
}

static fpc_status record_end(fpc_self *self, void **record)
{
    (void)self;
    recording = 0;
    n_recorded++;
    *record = NULL;
    return FPC_OK;
}

static void forget(fpc_self *self, void *record)
{
    (void)self;
    (void)record;
}

static fpc_status fails_recorded(fpc_exec *x, const fpc_node *node, fpc_rows rows)
{
    return recording ? fpc_fail(fpc_exec_ctx(x), FPC_EDEVICE, "not while recording") : run_linear(x, node, rows);
}

/* A program with a kernel that cannot be recorded runs as if nobody had tried, and nobody tries again. */
static void what_cannot_be_recorded_runs(void **state)
{
    static fpc_kernel kernel[512];
    static fpc_backend_vtbl v;
    (void)state;
    bench b;
    uint8_t image[32 * 32 * 3], first[32 * 32], again[32 * 32];
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * i);
    bench_experiment(&b, RECIPE, "", OPEN_ALL);
    fpc_backend *be = b.s->backend;
    v = *be->vtbl;
    v.size = sizeof v;
    v.record_begin = record_begin, v.record_end = record_end, v.forget = forget;
    be->vtbl = &v;
    assert_true(be->n_kernels <= 512);
    for (int32_t i = 0; i < be->n_kernels; i++) {
        kernel[i] = *be->kernels[i];
        kernel[i].flags |= FPC_KERNEL_CAPTURABLE;
        if (!strcmp(kernel[i].op, "linear")) {
            run_linear = kernel[i].run;
            kernel[i].run = fails_recorded;
        }
        be->kernels[i] = &kernel[i];
    }
    assert_int_equal(fpc_predict_step(b.s, 1, 32, 32, image, first), FPC_OK);
    for (int i = 0; i < 3; i++) {
        memset(again, 255, sizeof again);
        assert_int_equal(fpc_predict_step(b.s, 1, 32, 32, image, again), FPC_OK);
        assert_memory_equal(first, again, sizeof first);
        assert_int_equal(fpc_ctx_status(b.ctx), FPC_OK);
    }
    assert_int_equal(n_recorded, 1);
    bench_free(&b);
}

static int n_replayed, n_forgotten;

static fpc_status record_for_good(fpc_self *self, void **record)
{
    (void)self;
    n_recorded++;
    *record = &n_recorded;
    return FPC_OK;
}

static fpc_status replay(fpc_self *self, void *record)
{
    (void)self;
    assert_ptr_equal(record, &n_recorded);
    n_replayed++;
    return FPC_OK;
}

static void forget_one(fpc_self *self, void *record)
{
    (void)self;
    (void)record;
    n_forgotten++;
}

/* norms: one of side x side pixels, whose mean and rstd nobody reads; else a value that lies in the arena. */
static fpc_program *one_program(bench *b, fpc_state **state, int norms, int32_t side)
{
    const fpc_norm_attr attr = {.eps = 1e-5f};
    fpc_graph *g = bench_graph(b, 0);
    fpc_val x = fpc_input(g, "x", (fpc_shape){1, side, side, 8}, g->real), out[3];
    const fpc_val in[3] = {x, fpc_param(g, "weight", 1, fpc_vector(8), FPC_FILL_ONE, 0),
                           fpc_param(g, "bias", 1, fpc_vector(8), FPC_FILL_ZERO, 0)};
    if (norms)
        x = fpc_op(g, "layer_norm", "norm", 3, in, FPC_ATTR(attr), out);
    else
        x = fpc_pool_mean(g, fpc_gelu(g, fpc_add(g, fpc_mul(g, x, in[1]), in[2])));
    fpc_output_mark(g, "y", x);
    assert_int_equal(fpc_graph_check(g), FPC_OK);
    assert_int_equal(fpc_graph_sweep(g, 0, NULL), FPC_OK);
    return bench_compile(b, g, state, 1);
}

/* What a record wrote to may be gone: the arena of values, and the scratch memory of those that nobody reads. */
static void records_do_not_outlive_their_memory(void **state)
{
    static fpc_kernel kernel[512];
    static fpc_backend_vtbl v;
    (void)state;
    bench b;
    fpc_state *s = NULL;
    bench_backend(&b, "[backend]\nuse = ref\nreal = float\n");
    fpc_backend *be = b.backend;
    v = *be->vtbl;
    v.record_begin = record_begin, v.record_end = record_for_good, v.replay = replay, v.forget = forget_one;
    be->vtbl = &v;
    for (int32_t i = 0; i < be->n_kernels; i++) {
        kernel[i] = *be->kernels[i];
        kernel[i].flags |= FPC_KERNEL_CAPTURABLE;
        be->kernels[i] = &kernel[i];
    }
    n_recorded = n_replayed = n_forgotten = 0;
    fpc_program *large = one_program(&b, &s, 0, 64), *norm = one_program(&b, &s, 1, 4);
    const size_t work = s->work_bytes, scratch = s->scratch_bytes;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(fpc_program_run(large), FPC_OK);
        assert_int_equal(fpc_program_run(norm), FPC_OK);
    }
    assert_int_equal(n_recorded, 2);
    assert_int_equal(n_replayed, 6); /* each has run once before */
    one_program(&b, &s, 1, 16);
    assert_true(s->work_bytes == work && s->scratch_bytes > scratch);
    assert_int_equal(fpc_program_run(norm), FPC_OK);
    assert_int_equal(n_forgotten, 1);
    assert_int_equal(n_recorded, 3);
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(queued_steps_leave_the_same_bits),
                                       cmocka_unit_test(oblong_pictures),
                                       cmocka_unit_test(what_cannot_be_recorded_runs),
                                       cmocka_unit_test(records_do_not_outlive_their_memory),
                                       cmocka_unit_test(device_copies_each_picture_once),
                                       cmocka_unit_test(refusals),
                                       cmocka_unit_test(largest_batch),
                                       cmocka_unit_test(ring)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
