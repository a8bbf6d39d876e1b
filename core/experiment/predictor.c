/* predictor.c: the door for programs that embed a network (fpcore/experiment.h): a recipe, its weights and averaged
 * prediction behind one handle. */
#define _GNU_SOURCE
#include "experiment/predictor.h"
#include "base/message.h"
#include "image/codec.h"
#include "experiment/labels.h"
#include "experiment/post.h"
#include "experiment/trained.h"

#include <locale.h>
#include <string.h>

struct fpc_predictor {
    fpc_ctx *ctx;
    int embedded;               /* 1: in somebody else's program; it owns ctx */
    locale_t numbers;           /* embedded: where 0.5 is written with a point */
    fpc_arena *arena, *scratch; /* scratch: of one call */
    fpc_trained trained;
    fpc_experiment *experiment;
    fpc_tta how;
    fpc_tta_run *tta;
    int32_t h, w;
};

static void silent(void *arg, int level, const char *line)
{
    (void)arg, (void)level, (void)line;
}

/* Recipes and options write 0.5 with a point, whatever language the program around has chosen: each call reads them in
 * the locale C, as far as its own thread goes. */
static locale_t enter(const fpc_predictor *p)
{
    return p->numbers ? uselocale(p->numbers) : (locale_t)0;
}

static void leave(locale_t before)
{
    if (before)
        uselocale(before);
}

/* ---- opening ---- */

static fpc_status read_args(fpc_predictor *p, const fpc_predictor_args *a)
{
    if (!a->weights || !*a->weights)
        return fpc_fail(p->ctx, FPC_EINVAL, "no weights are named: a .safetensors file or a run folder is wanted");
    if (a->n_overrides < 0 || (a->n_overrides && !a->overrides))
        return fpc_fail(p->ctx, FPC_EINVAL, "%d overrides are announced and none given", a->n_overrides);
    if ((a->h || a->w) && (a->h < 1 || a->w < 1 || a->h > FPC_IMAGE_SIDE || a->w > FPC_IMAGE_SIDE))
        return fpc_fail(p->ctx, FPC_EINVAL, "the network cannot see pictures of %d x %d; 1 to %d on a side can be",
                        a->w, a->h, FPC_IMAGE_SIDE);
    if (a->n_scales < 0 || a->n_scales > FPC_TTA_SCALES)
        return fpc_fail(p->ctx, FPC_EINVAL, "%d scales; at most %d are possible", a->n_scales, FPC_TTA_SCALES);
    p->how = (fpc_tta){
        .n_scales = a->n_scales ? a->n_scales : 1, .scale = {1}, .flip = a->flip != 0, .exchange = !a->keep_sides};
    for (int32_t i = 0; i < a->n_scales; i++) {
        p->how.scale[i] = a->scale[i];
        if (!(a->scale[i] >= 0.1 && a->scale[i] <= 10))
            return fpc_fail(p->ctx, FPC_EINVAL, "scale %g; 0.1 to 10 are possible", a->scale[i]);
    }
    return FPC_OK;
}

/* Losses whose weights come from the training masks weigh as they did in training. */
static fpc_status read_labels(fpc_predictor *p)
{
    fpc_st_file *file;
    const fpc_status status = fpc_st_read(p->ctx, p->scratch, p->trained.weights, &file);

    return status ? status : fpc_labels_know(p->experiment, file);
}

static fpc_status open_all(fpc_predictor *p, const fpc_predictor_args *a, unsigned what)
{
    fpc_status status;
    int64_t epoch;

    if ((status = read_args(p, a)) ||
        (status =
             fpc_trained_read(p->ctx, p->arena, a->weights, a->recipe, a->n_overrides, a->overrides, &p->trained)) ||
        (status = fpc_trained_open(p->ctx, p->arena, &p->trained, a->plugin_path,
                                   what | FPC_OPEN_BACKEND | FPC_OPEN_FROZEN, &p->experiment)) ||
        (status = fpc_weights_load_validated(p->ctx, p->experiment->state, p->trained.weights, &epoch)) ||
        (status = fpc_trained_compare(&p->trained, p->experiment, !a->h)))
        return status;
    if ((what & FPC_OPEN_TRAIN) && (status = read_labels(p)))
        return status;
    if (epoch > 0) /* losses weigh what they did then */
        fpc_experiment_epoch(p->experiment, epoch - 1);
    const fpc_dataset_info *info = &p->experiment->info;
    const int known = info->h > 0 && info->w > 0;
    p->h = a->h ? a->h : known ? info->h : 512;
    p->w = a->h ? a->w : known ? info->w : 512;
    p->experiment->info.fit = fpc_trained_fit(&p->trained, p->experiment);
    return fpc_tta_open(p->experiment, p->arena, &p->how, p->h, p->w, &p->tta);
}

static fpc_predictor *make(fpc_ctx *ctx, int embedded)
{
    fpc_arena *arena = fpc_arena_new(ctx);
    fpc_predictor *p = arena ? fpc_alloc(arena, sizeof *p) : NULL;

    if (!p) {
        fpc_arena_free(arena);
        return NULL;
    }
    *p = (fpc_predictor){.ctx = ctx, .arena = arena, .embedded = embedded, .scratch = fpc_arena_new(ctx)};
    return p;
}

fpc_status fpc_predictor_open_in(fpc_ctx *ctx, const fpc_predictor_args *args, unsigned what, fpc_predictor **out)
{
    fpc_predictor *p = *out = make(ctx, 0);

    return p && p->scratch ? open_all(p, args, what) : FPC_ENOMEM;
}

/* A program that was built with another version has other sizes: what it does not know is 0. */
fpc_status fpc_predictor_open(const fpc_predictor_args *args, fpc_predictor **out)
{
    fpc_predictor_args a = {.size = sizeof a};

    if (!out)
        return FPC_EINVAL;
    fpc_ctx *ctx = fpc_ctx_new();
    fpc_predictor *p = *out = ctx ? make(ctx, 1) : NULL;
    if (!p) {
        fpc_ctx_free(ctx);
        return FPC_ENOMEM;
    }
    if (args && args->size >= sizeof args->size)
        memcpy(&a, args, args->size < sizeof a ? args->size : sizeof a);
    fpc_ctx_log_sink(ctx, a.log ? a.log : silent, a.log_arg);
    p->numbers = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!p->scratch || !p->numbers)
        return fpc_fail(ctx, FPC_ENOMEM, "no memory to open a predictor");
    const locale_t before = enter(p);
    const fpc_status status = open_all(p, &a, FPC_OPEN_USED);
    leave(before);
    return status;
}

void fpc_predictor_close(fpc_predictor *p)
{
    if (!p)
        return;
    fpc_ctx *ctx = p->embedded ? p->ctx : NULL;
    const locale_t numbers = p->numbers;
    fpc_arena_free(p->scratch);
    fpc_arena_free(p->arena);
    fpc_ctx_free(ctx);
    if (numbers)
        freelocale(numbers);
}

/* ---- asking ---- */

void fpc_predictor_describe(const fpc_predictor *p, fpc_predictor_info *out)
{
    if (!out || out->size < sizeof out->size)
        return;
    fpc_predictor_info info = {.size = out->size};
    if (p && p->tta) {
        const fpc_experiment *s = p->experiment;
        info.h = p->h;
        info.w = p->w;
        info.classes = s->classes;
        info.class_names = s->info.class_names;
        info.palette = s->info.palette;
        info.n_mirror_pairs = s->info.n_mirror_pairs;
        info.mirror_pairs = s->info.mirror_pairs;
        info.model = s->model.plugin->name;
        info.backend = s->backend->inst.plugin->name;
        info.parameters = s->state->n_trainable;
    }
    memcpy(out, &info, out->size < sizeof info ? out->size : sizeof info);
}

static fpc_status check_picture(fpc_predictor *p, int32_t h, int32_t w, const uint8_t *rgb, const void *out)
{
    if (p->embedded)
        fpc_ctx_clear(p->ctx);
    fpc_arena_reset(p->scratch);
    if (!p->tta)
        return fpc_fail(p->ctx, FPC_EINVAL, "the predictor could not be opened");
    if (!rgb || !out)
        return fpc_fail(p->ctx, FPC_EINVAL, "no %s is given", rgb ? "room for the result" : "picture");
    return fpc_image_check_size(p->ctx, "picture", h > 0 ? (uint64_t)w : 0, h > 0 ? (uint64_t)h : 0);
}

static fpc_image picture_of(int32_t h, int32_t w, const uint8_t *rgb)
{
    return (fpc_image){.w = w, .h = h, .c = 3, .pixel = (uint8_t *)(uintptr_t)rgb}; /* only read */
}

static fpc_status labels_of(fpc_predictor *p, int32_t h, int32_t w, const uint8_t *rgb, uint8_t *labels)
{
    const fpc_image picture = picture_of(h, w, rgb);
    const fpc_status status = check_picture(p, h, w, rgb, labels);

    return status ? status : fpc_tta_mask(p->tta, p->scratch, &picture, labels);
}

static fpc_status probabilities_of(fpc_predictor *p, int32_t h, int32_t w, const uint8_t *rgb, float *out)
{
    const fpc_image picture = picture_of(h, w, rgb);
    const fpc_status status = check_picture(p, h, w, rgb, out);

    return status ? status : fpc_tta_grid(p->tta, p->scratch, &picture, out);
}

fpc_status fpc_predictor_labels(fpc_predictor *p, int32_t h, int32_t w, const uint8_t *rgb, uint8_t *labels)
{
    if (!p)
        return FPC_EINVAL;
    const locale_t before = enter(p);
    const fpc_status status = labels_of(p, h, w, rgb, labels);
    leave(before);
    return status;
}

fpc_status fpc_predictor_probabilities(fpc_predictor *p, int32_t h, int32_t w, const uint8_t *rgb, float *out)
{
    if (!p)
        return FPC_EINVAL;
    const locale_t before = enter(p);
    const fpc_status status = probabilities_of(p, h, w, rgb, out);
    leave(before);
    return status;
}

const char *fpc_predictor_error(const fpc_predictor *p)
{
    return p ? fpc_ctx_error(p->ctx) : "out of memory";
}

/* ---- for the program ---- */

fpc_experiment *fpc_predictor_experiment(fpc_predictor *p)
{
    return p->experiment;
}

fpc_tta_run *fpc_predictor_tta(fpc_predictor *p)
{
    return p->tta;
}

fpc_status fpc_predictor_labels_rows(fpc_predictor *p, const fpc_image *picture, uint8_t *labels,
                                     const fpc_score_rows *rows)
{
    const fpc_status status = check_picture(p, picture->h, picture->w, picture->pixel, labels);

    return status ? status : fpc_tta_mask_rows(p->tta, p->scratch, picture, labels, rows);
}

fpc_status fpc_predictor_post(fpc_predictor *p, const char *path, const fpc_post **out)
{
    fpc_post *post = fpc_alloc(p->arena, sizeof *post);
    fpc_dataset_info info = p->experiment->info;
    fpc_status status;

    *out = NULL;
    if (!post)
        return FPC_ENOMEM;
    info.classes = p->experiment->classes;
    if (!path || (status = fpc_post_read(p->ctx, p->arena, path, &info, post)))
        return path ? status : FPC_OK;
    fpc_tta_post(p->tta, *out = post);
    return FPC_OK;
}

const char *fpc_predictor_weights(const fpc_predictor *p)
{
    return p->trained.weights;
}

void fpc_predictor_take_tta(fpc_predictor_args *args, const fpc_tta *how)
{
    args->flip = how->flip;
    args->keep_sides = !how->exchange;
    args->n_scales = how->n_scales;
    for (int32_t i = 0; i < how->n_scales; i++)
        args->scale[i] = how->scale[i];
}
