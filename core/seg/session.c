/* session.c: a session: memory, threads and two compiled programs, labels at the network's size and logits for all
 * other sizes. The way from a picture to its mask is that of fpc_tta_mask (experiment/tta.c), so that the bytes are the
 * same. */
#include "base/message.h"
#include "graph/passes.h"
#include "image/image.h"
#include "runtime/program.h"
#include "seg/backend.h"
#include "seg/model.h"

#include <math.h>
#include <string.h>

enum { MOST_THREADS = 1024 };

struct fps_session {
    const fps_model *model;
    fpc_ctx *ctx;
    fpc_arena *arena, *scratch; /* scratch: of one call */
    fpc_backend *backend;
    fpc_state *state;
    fpc_program *labels, *logits;
};

/* ---- making one ---- */

static fpc_status compile(fps_session *s, fpc_graph *g, fpc_program **out)
{
    const fpc_status status = s->model->half ? fpc_graph_cast_half(g, s->model->half) : FPC_OK;

    return status ? status : fpc_program_compile(s->ctx, s->arena, s->state, g, out);
}

static fpc_status load(fps_session *s)
{
    for (int32_t i = 0; i < s->state->n; i++) {
        const fpc_state_entry *e = &s->state->entry[i];
        const seg_tensor *t = seg_find(s->model, e->name);
        if (!t || t->count != e->count || t->dtype != e->dtype)
            return fpc_fail(s->ctx, FPC_EFORMAT, "%s: the file holds no %s as its program has it", s->model->path,
                            e->name);
        const fpc_status status = fpc_state_set(s->state, e, t->data);
        if (status)
            return status;
    }
    return FPC_OK;
}

static fpc_status make_programs(fps_session *s)
{
    const unsigned keep = FPC_KEEP_WEIGHTS | (s->model->half ? FPC_KEEP_HALF : 0u);
    fpc_op_table *ops;
    fpc_graph *labels, *logits;
    fpc_status status;

    if ((status = fpc_op_table_new(s->ctx, s->arena, 1, &fpc_builtin_rows, &ops)) ||
        (status = seg_graph(s->ctx, s->arena, s->model, ops, "labels", &labels)) ||
        (status = seg_graph(s->ctx, s->arena, s->model, ops, "logits", &logits)) ||
        (status = fpc_state_new(s->ctx, s->arena, s->backend, labels, 0, NULL, keep, &s->state)) ||
        (status = load(s)) || (status = compile(s, labels, &s->labels)))
        return status;
    return compile(s, logits, &s->logits);
}

/* A first picture: weights are packed, and memory for the network's own size is there from then on. */
static fpc_status warm_up(fps_session *s)
{
    const fps_about *a = &s->model->about;
    const size_t pixels = (size_t)a->height * (size_t)a->width;
    fpc_arena *arena = fpc_arena_new(s->ctx);
    uint8_t *picture = arena ? fpc_alloc(arena, 3 * pixels) : NULL;
    uint8_t *labels = arena ? fpc_alloc(arena, pixels) : NULL;
    fpc_status status = picture && labels ? FPC_OK : FPC_ENOMEM;

    if (!status && (fps_segment(s, picture, a->width, a->height, 0, labels, 0) ||
                    (a->height > 1 && fps_segment(s, picture, a->width, a->height - 1, 0, labels, 0))))
        status = fpc_ctx_status(s->ctx);
    fpc_arena_free(arena);
    return status;
}

static fpc_status open_session(fps_session *s, const fps_options *o)
{
    const int32_t threads = o->threads ? o->threads : 1;
    fpc_status status;

    if (threads < 1 || threads > MOST_THREADS)
        return fpc_fail(s->ctx, FPC_EINVAL, "fps_session_new: threads = %d; 1 to %d can be", threads, MOST_THREADS);
    if (!(s->scratch = fpc_arena_new(s->ctx)))
        return FPC_ENOMEM;
    if ((status = seg_backend_open(s->ctx, s->arena, threads, &s->backend)) || (status = make_programs(s)))
        return status;
    return warm_up(s);
}

fps_status fps_session_new(const fps_model *m, const fps_options *options, fps_session **out, char *why, size_t n)
{
    fps_options o = {.size = sizeof o};
    if (out)
        *out = NULL;
    if (!m || !out)
        return seg_refuse("fps_session_new: no model, or no place for the session", why, n);
    fpc_ctx *ctx = seg_ctx();
    fpc_arena *arena = ctx ? fpc_arena_new(ctx) : NULL;
    fps_session *s = arena ? fpc_alloc(arena, sizeof *s) : NULL;
    fpc_status status = FPC_ENOMEM;

    if (options && options->size >= sizeof options->size) /* of a program that was built with another version */
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    if (s) {
        *s = (fps_session){.model = m, .ctx = ctx, .arena = arena};
        status = open_session(s, &o);
    }
    if (!status) {
        *out = s;
        return FPS_OK;
    }
    seg_tell(ctx, why, n);
    fps_session_free(s);
    if (!s) {
        fpc_arena_free(arena);
        fpc_ctx_free(ctx);
    }
    return seg_status(status);
}

void fps_session_free(fps_session *s)
{
    if (!s)
        return;
    fpc_ctx *ctx = s->ctx;
    fpc_arena_free(s->scratch);
    fpc_arena_free(s->arena);
    fpc_ctx_free(ctx);
}

const char *fps_session_error(const fps_session *s)
{
    return s ? fpc_ctx_error(s->ctx) : "there is no session";
}

/* ---- pictures ---- */

static fpc_status check_arguments(fps_session *s, const uint8_t *rgb, int32_t w, int32_t h, ptrdiff_t stride,
                                  const void *out, ptrdiff_t label_stride)
{
    fpc_ctx_clear(s->ctx);
    fpc_arena_reset(s->scratch);
    if (!rgb || !out)
        return fpc_fail(s->ctx, FPC_EINVAL, "there is no %s", rgb ? "room for the result" : "picture");
    if (w < 1 || h < 1 || w > FPC_IMAGE_SIDE || h > FPC_IMAGE_SIDE || (int64_t)w * h > FPC_IMAGE_PIXELS)
        return fpc_fail(s->ctx, FPC_EINVAL, "a picture of %d x %d; up to %d on a side and %d megapixels can be", w, h,
                        FPC_IMAGE_SIDE, FPC_IMAGE_PIXELS >> 20);
    if ((stride && stride < 3 * (ptrdiff_t)w) || (label_stride && label_stride < w))
        return fpc_fail(s->ctx, FPC_EINVAL, "a stride of %lld bytes is less than a row of %d pixels",
                        (long long)(stride && stride < 3 * (ptrdiff_t)w ? stride : label_stride), w);
    return FPC_OK;
}

/* The picture without gaps between its rows, at the network's size; box: where it lies there. */
static fpc_status see(fps_session *s, const uint8_t *rgb, int32_t w, int32_t h, ptrdiff_t stride, fpc_image *out,
                      fpc_box *box)
{
    const fps_about *a = &s->model->about;
    const size_t row = 3 * (size_t)w;
    fpc_image picture = {.w = w, .h = h, .c = 3, .pixel = (uint8_t *)(uintptr_t)rgb}; /* only read */

    if (stride && (size_t)stride != row) {
        if (!(picture.pixel = fpc_alloc(s->scratch, row * (size_t)h)))
            return FPC_ENOMEM;
        for (int32_t y = 0; y < h; y++)
            memcpy(picture.pixel + (size_t)y * row, rgb + y * stride, row);
    }
    fpc_fitted at;
    fpc_fit_place(s->model->fit, w, h, a->width, a->height, &at);
    *box = at.to;
    return fpc_image_fit(s->ctx, s->scratch, &picture, s->model->fit, a->width, a->height, out);
}

static fpc_status run(fps_session *s, fpc_program *p, const fpc_image *seen)
{
    const fpc_status status = fpc_program_write(p, "image", FPC_U8, seen->pixel, (int64_t)seen->w * seen->h * seen->c);

    (void)s;
    return status ? status : fpc_program_run(p);
}

/* The logits of the whole frame. */
static fpc_status logits_of(fps_session *s, const fpc_image *seen, float **out)
{
    const int64_t n = (int64_t)seen->w * seen->h * s->model->about.classes;
    const fpc_status status = run(s, s->logits, seen);

    if (status)
        return status;
    if (!(*out = fpc_alloc(s->scratch, (size_t)n * sizeof **out)))
        return FPC_ENOMEM;
    return fpc_program_read(s->logits, "logits", FPC_F32, *out, n);
}

static fpc_status labels_of(fps_session *s, const fpc_image *seen, const fpc_box *box, int32_t w, int32_t h,
                            uint8_t *labels)
{
    const fps_about *a = &s->model->about;
    float *logits;
    fpc_status status;

    if (w == a->width && h == a->height) {
        status = run(s, s->labels, seen);
        return status ? status : fpc_program_read(s->labels, "labels", FPC_U8, labels, (int64_t)w * h);
    }
    if ((status = logits_of(s, seen, &logits)))
        return status;
    fpc_scores_within(logits, a->width, a->classes, box, logits);
    return fpc_scores_labels(s->scratch, logits, box->h, box->w, a->classes, h, w, labels);
}

static fpc_status segment(fps_session *s, const uint8_t *rgb, int32_t w, int32_t h, ptrdiff_t stride, uint8_t *labels,
                          ptrdiff_t label_stride)
{
    fpc_image seen;
    fpc_box box;
    uint8_t *dense = labels;
    fpc_status status;

    if ((status = check_arguments(s, rgb, w, h, stride, labels, label_stride)) ||
        (status = see(s, rgb, w, h, stride, &seen, &box)))
        return status;
    if (label_stride && label_stride != w && !(dense = fpc_alloc(s->scratch, (size_t)w * (size_t)h)))
        return FPC_ENOMEM;
    if ((status = labels_of(s, &seen, &box, w, h, dense)))
        return status;
    for (int32_t y = 0; y < h && dense != labels; y++)
        memcpy(labels + y * label_stride, dense + (size_t)y * (size_t)w, (size_t)w);
    return FPC_OK;
}

fps_status fps_segment(fps_session *s, const uint8_t *rgb, int32_t width, int32_t height, ptrdiff_t stride,
                       uint8_t *labels, ptrdiff_t label_stride)
{
    return s ? seg_status(segment(s, rgb, width, height, stride, labels, label_stride)) : FPS_EINVAL;
}

static void softmax(float *x, int32_t n)
{
    float most = x[0], sum = 0;

    for (int32_t c = 1; c < n; c++)
        most = x[c] > most ? x[c] : most;
    for (int32_t c = 0; c < n; c++)
        sum += x[c] = expf(x[c] - most);
    for (int32_t c = 0; c < n; c++)
        x[c] /= sum;
}

static fpc_status probabilities(fps_session *s, const uint8_t *rgb, int32_t w, int32_t h, ptrdiff_t stride, float *out)
{
    const fps_about *a = &s->model->about;
    const int32_t classes = a->classes;
    float *logits;
    fpc_image seen;
    fpc_box box;
    fpc_status status;

    if ((status = check_arguments(s, rgb, w, h, stride, out, 0)) || (status = see(s, rgb, w, h, stride, &seen, &box)) ||
        (status = logits_of(s, &seen, &logits)))
        return status;
    for (int64_t i = 0; i < (int64_t)seen.w * seen.h; i++)
        softmax(logits + i * classes, classes);
    fpc_scores_within(logits, a->width, classes, &box, logits);
    if (box.w != a->width || box.h != a->height)
        return fpc_scores_resize(s->scratch, logits, box.h, box.w, classes, a->height, a->width, out);
    memcpy(out, logits, (size_t)seen.w * (size_t)seen.h * (size_t)classes * sizeof *out);
    return FPC_OK;
}

fps_status fps_probabilities(fps_session *s, const uint8_t *rgb, int32_t width, int32_t height, ptrdiff_t stride,
                             float *out)
{
    return s ? seg_status(probabilities(s, rgb, width, height, stride, out)) : FPS_EINVAL;
}
