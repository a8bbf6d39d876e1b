/* predictor.c: the door for programs that embed a network (fpcore/experiment.h): a recipe, its weights and averaged
 * prediction behind one handle. */
#define _GNU_SOURCE
#include "experiment/predictor.h"
#include "base/message.h"
#include "data/classes.h"
#include "image/codec.h"
#include "experiment/labels.h"

#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fpc_predictor {
    fpc_ctx *ctx;
    int embedded;               /* 1: in somebody else's program; it owns ctx */
    locale_t numbers;           /* embedded: where 0.5 is written with a point */
    fpc_arena *arena, *scratch; /* scratch: of one call */
    const char *weights;
    fpc_experiment *experiment;
    fpc_tta how;
    fpc_tta_run *tta;
    int32_t h, w;
    fpc_known known;
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

static fpc_status find_weights(fpc_predictor *p, const char *path)
{
    struct stat st;

    p->weights = !stat(path, &st) && S_ISDIR(st.st_mode) ? fpc_sprintf(p->arena, "%s/best.safetensors", path)
                                                         : fpc_strdup(p->arena, path);
    return p->weights ? FPC_OK : FPC_ENOMEM;
}

/* The weights of older versions do not tell. */
static fpc_status read_classes(fpc_predictor *p, const fpc_st_file *file)
{
    const char *text = fpc_st_meta_find(file, FPC_META_CLASSES);

    p->known.table.size = sizeof p->known.table;
    return text ? fpc_classes_parse(p->ctx, p->arena, fpc_sprintf(p->arena, "%s: metadata classes", p->weights), text,
                                    &p->known.table)
                : FPC_OK;
}

/* Losses whose weights come from the training masks weigh as they did in training. */
static fpc_status read_labels(fpc_predictor *p)
{
    fpc_st_file *file;
    const fpc_status status = fpc_st_read(p->ctx, p->scratch, p->weights, &file);

    return status ? status : fpc_labels_know(p->experiment, file);
}

/* The recipe that was named, that of the run folder, or the one that stands in the metadata of the weights. */
static fpc_status read_recipe(fpc_predictor *p, const fpc_predictor_args *a, fpc_recipe **out)
{
    const char *own = fpc_sprintf(p->arena, "%s/recipe.ini", a->weights), *named = a->recipe;
    fpc_st_file *file;
    const char *text;
    fpc_status status;

    if (!own)
        return FPC_ENOMEM;
    if (!named && !access(own, R_OK))
        named = own;
    if ((status = fpc_st_read(p->ctx, p->scratch, p->weights, &file)) || (status = read_classes(p, file)))
        return status;
    p->known.bare = !named;
    if (named)
        return fpc_recipe_read(p->ctx, p->arena, named, a->n_overrides, a->overrides, out);
    if (!(text = fpc_st_meta_find(file, "recipe")))
        return fpc_fail(p->ctx, FPC_EINVAL, "%s: these weights do not hold their recipe; name the recipe's file",
                        p->weights);
    return fpc_recipe_parse(p->ctx, p->arena, p->weights, text, a->n_overrides, a->overrides, out);
}

/* Who embeds a network logs by himself, and need not have what loggers draw with. */
static void leave_out_loggers(fpc_recipe *recipe)
{
    int32_t n = 0;

    for (int32_t i = 0; i < recipe->n; i++)
        if (strncmp(recipe->section[i].name, "logger.", strlen("logger.")))
            recipe->section[n++] = recipe->section[i];
    recipe->n = n;
}

/* Most data sets know their classes and colours without the data; the others are opened with them. */
static fpc_status open_experiment(fpc_predictor *p, const fpc_predictor_args *a, unsigned what)
{
    const unsigned least = what | FPC_OPEN_BACKEND | FPC_OPEN_FROZEN;
    fpc_recipe *recipe;
    fpc_status status;

    if ((status = read_recipe(p, a, &recipe)))
        return status;
    if (p->embedded)
        leave_out_loggers(recipe);
    if (what & FPC_OPEN_DATA)
        return fpc_experiment_open(p->ctx, p->arena, a->plugin_path, recipe, least, &p->experiment);
    if ((status =
             fpc_experiment_open_known(p->ctx, p->arena, a->plugin_path, recipe, least, &p->known, &p->experiment)))
        return status;
    if (p->experiment->info.palette)
        return FPC_OK;
    return fpc_experiment_open(p->ctx, p->arena, a->plugin_path, recipe, least | FPC_OPEN_DATA, &p->experiment);
}

static fpc_status open_all(fpc_predictor *p, const fpc_predictor_args *a, unsigned what)
{
    fpc_status status;
    int64_t epoch;

    if ((status = read_args(p, a)) || (status = find_weights(p, a->weights)) ||
        (status = open_experiment(p, a, what)) ||
        (status = fpc_weights_load_validated(p->ctx, p->experiment->state, p->weights, &epoch)))
        return status;
    if ((what & FPC_OPEN_TRAIN) && (status = read_labels(p)))
        return status;
    if (epoch > 0) /* losses weigh what they did then */
        fpc_experiment_epoch(p->experiment, epoch - 1);
    const fpc_dataset_info *info = &p->experiment->info;
    const int known = info->h > 0 && info->w > 0;
    p->h = a->h ? a->h : known ? info->h : 512;
    p->w = a->h ? a->w : known ? info->w : 512;
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
    const fpc_status status = open_all(p, &a, 0);
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
    fpc_image seen;
    const float *mean;
    fpc_status status;

    if ((status = check_picture(p, h, w, rgb, out)) ||
        (status = fpc_image_resize(p->ctx, p->scratch, &picture, p->w, p->h, &seen)) ||
        (status = fpc_tta_probabilities(p->tta, seen.pixel, &mean)))
        return status;
    memcpy(out, mean, (size_t)p->w * (size_t)p->h * (size_t)p->experiment->classes * sizeof *out);
    return FPC_OK;
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

const char *fpc_predictor_weights(const fpc_predictor *p)
{
    return p->weights;
}

void fpc_predictor_take_tta(fpc_predictor_args *args, const fpc_tta *how)
{
    args->flip = how->flip;
    args->keep_sides = !how->exchange;
    args->n_scales = how->n_scales;
    for (int32_t i = 0; i < how->n_scales; i++)
        args->scale[i] = how->scale[i];
}
