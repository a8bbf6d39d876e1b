/* augment.c: the [augment.NAME] sections: opened, sorted into stages, and built in front of the model. Plugins only
 * draw (data/draws.c); here is decided which inputs of the graph their draws fill and which ops read them: one
 * resampling for all geometry (or one a section), one op for all colour maps, each pixel section's own nodes, and one
 * mixing of the batch (or one a section). */
#define _POSIX_C_SOURCE 200809L
#include "data/augments.h"
#include "recipe/sections.h"
#include "base/message.h"
#include <string.h>

enum {
    COLOUR_FLOATS = sizeof(fpc_colour) / sizeof(float),
    MAX_COLOURS = 64,
    MAX_FIELDS = 4,
    FREE_LABEL = 255 /* becomes the ignore label of a data set that has none */
};

static const fpc_augment_vtbl *vtbl_of(const fpc_instance *inst)
{
    return inst->vtbl;
}

/* ---- opening ---- */
static fpc_status check_stage(fpc_ctx *ctx, const fpc_instance *inst)
{
    const fpc_augment_vtbl *v = vtbl_of(inst);
    const char *label = inst->self->label, *name = inst->plugin->name;
    const uint32_t bytes = v->draw_size;
    const int needs_build = v->stage == FPC_STAGE_PIXEL || (v->stage == FPC_STAGE_COMPOSITE && v->pixel_floats > 0);
    int fits = 0;
    if (needs_build && !v->build)
        return fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s works on pixels but has no build function", label, name);
    switch (v->stage) {
    case FPC_STAGE_GEOMETRY:
        fits = bytes == sizeof(fpc_homography);
        break;
    case FPC_STAGE_FIELD:
        fits = bytes == sizeof(fpc_field_draw);
        break;
    case FPC_STAGE_COLOUR:
        fits = bytes && bytes % sizeof(fpc_colour) == 0 && bytes <= MAX_COLOURS * sizeof(fpc_colour);
        break;
    case FPC_STAGE_PIXEL:
        fits = bytes && bytes % sizeof(float) == 0 && bytes <= FPC_PIXEL_FLOATS * sizeof(float);
        break;
    case FPC_STAGE_MIX:
        fits = bytes == sizeof(fpc_mix);
        break;
    case FPC_STAGE_COMPOSITE:
        fits = bytes == sizeof(fpc_composite) && v->pixel_floats <= FPC_PIXEL_FLOATS;
        break;
    default:
        return fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s is of stage %u, which fpcore does not know", label, name,
                        (unsigned)v->stage);
    }
    return fits ? FPC_OK
                : fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s draws %u bytes, which does not fit its stage", label,
                           name, (unsigned)bytes);
}

static fpc_status check_vtbl(fpc_ctx *ctx, const fpc_instance *inst)
{
    const fpc_augment_vtbl *v = vtbl_of(inst);
    if (!v || !v->draw)
        return fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s has no draw function", inst->self->label,
                        inst->plugin->name);
    return check_stage(ctx, inst);
}

static int32_t count_stage(const fpc_augments *a, uint32_t stage)
{
    int32_t n = 0;
    for (int32_t i = 0; i < a->n; i++)
        n += a->item[i].stage == stage;
    return n;
}

/* ---- keys of [augment] ---- */
static fpc_status take_keys(fpc_ctx *ctx, const fpc_augment_sources *from, fpc_augments *a)
{
    a->fill = 0;
    a->ignore = a->info.ignore_label;
    a->border = (int32_t)from->shared.border;
    a->mix_all = (int32_t)from->shared.mix;
    if (!from->shared.fill)
        return FPC_OK;
    if (a->ignore < 0 && a->info.classes > FREE_LABEL) {
        const fpc_entry *e = fpc_section_entry(from->section, "fill");
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "%s: augment.fill = ignore: all 256 labels are classes of the data set, so that none is "
                               "left to be ignored; use fill = background",
                               e ? e->origin : "default");
    }
    if (a->ignore < 0)
        a->ignore = FREE_LABEL;
    a->fill = a->ignore;
    return FPC_OK;
}

/* ---- inputs ---- */
static int32_t add_input(fpc_augments *a, fpc_arena *arena, const char *stem, const char *label, uint32_t dtype,
                         fpc_shape shape)
{
    const int64_t count = fpc_count(shape);
    const char *name = label ? fpc_sprintf(arena, "%s.%s", stem, label) : stem;
    a->input[a->n_inputs] =
        (fpc_draw_input){name, dtype, shape, count, (size_t)count * (dtype == FPC_U8 ? 1 : sizeof(float))};
    return name ? a->n_inputs++ : -1;
}

static void add_warp(fpc_augments *a, fpc_arena *arena, const char *label, int has_field)
{
    fpc_warp_group *w = &a->warp[a->n_warps++];
    w->matrix = add_input(a, arena, "draw.warp", label, FPC_F32, (fpc_shape){1, 1, 1, 8});
    w->labels = add_input(a, arena, "draw.labels", label, FPC_U8, (fpc_shape){1, 1, 1, 256});
    w->field = !has_field ? -1
                          : add_input(a, arena, "draw.field", label, FPC_F32,
                                      (fpc_shape){1, FPC_FIELD_NODES, FPC_FIELD_NODES, 2});
}

static void add_mix(fpc_augments *a, fpc_arena *arena, const char *label)
{
    fpc_mix_group *m = &a->mix[a->n_mixes++];
    m->plan = add_input(a, arena, "draw.mix", label, FPC_F32, (fpc_shape){1, 1, FPC_MIX_LAYERS + 1, 12});
    m->table = add_input(a, arena, "draw.mix_labels", label, FPC_U8, (fpc_shape){1, 1, FPC_MIX_LAYERS, 256});
}

static int is_geometry(uint32_t stage)
{
    return stage == FPC_STAGE_GEOMETRY || stage == FPC_STAGE_FIELD || stage == FPC_STAGE_COMPOSITE;
}

/* Where each section's draws go. compose: all geometry into one resampling. */
static void place_sections(fpc_augments *a, fpc_arena *arena, int compose)
{
    const int32_t fields = count_stage(a, FPC_STAGE_FIELD);
    for (int32_t i = 0; i < a->n; i++) {
        fpc_augment_item *it = &a->item[i];
        const fpc_augment_vtbl *v = vtbl_of(&it->inst);
        const char *label = it->inst.self->label;
        if (is_geometry(it->stage)) {
            if (!compose || a->n_warps == 0)
                add_warp(a, arena, compose ? NULL : label, compose ? fields > 0 : it->stage == FPC_STAGE_FIELD);
            it->warp = a->n_warps - 1;
        }
        if (it->stage == FPC_STAGE_COLOUR || it->stage == FPC_STAGE_COMPOSITE) {
            it->colour = a->n_colours;
            a->n_colours +=
                it->stage == FPC_STAGE_COMPOSITE ? FPC_COMPOSITE_COLOURS : (int32_t)(v->draw_size / sizeof(fpc_colour));
        }
        const int32_t floats = it->stage == FPC_STAGE_PIXEL       ? (int32_t)(v->draw_size / sizeof(float))
                               : it->stage == FPC_STAGE_COMPOSITE ? (int32_t)v->pixel_floats
                                                                  : 0;
        if (floats)
            it->pixel = add_input(a, arena, "draw", label, FPC_F32, (fpc_shape){1, 1, 1, floats});
        if (it->stage == FPC_STAGE_MIX) {
            if (a->mix_all || a->n_mixes == 0)
                add_mix(a, arena, a->mix_all ? label : NULL);
            it->mix = a->n_mixes - 1;
            a->n_mix_sections++;
        }
    }
    if (a->n_colours)
        a->colour = add_input(a, arena, "draw.colour", NULL, FPC_F32, (fpc_shape){1, 1, a->n_colours, COLOUR_FLOATS});
}

static fpc_status place_lambda(fpc_ctx *ctx, fpc_arena *arena, fpc_augments *a)
{
    const char *soft = NULL;
    for (int32_t i = 0; i < a->n; i++) {
        const fpc_augment_vtbl *v = vtbl_of(&a->item[i].inst);
        if (a->item[i].stage == FPC_STAGE_MIX && v->soft &&
            FPC_CALL(a->item[i].inst.who, v->soft(a->item[i].inst.self)))
            soft = a->item[i].inst.self->label;
    }
    if (!soft)
        return FPC_OK;
    if (a->mix_all && a->n_mix_sections > 1)
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "[%s] asks for soft labels, which hold two masks a picture, but augment.mix = all mixes "
                               "%d times; use mix = one_of, or hard labels",
                               soft, a->n_mix_sections);
    a->lambda = add_input(a, arena, "draw.lambda", NULL, FPC_F32, (fpc_shape){1, 1, 1, 1});
    return FPC_OK;
}

static fpc_status place(fpc_ctx *ctx, fpc_arena *arena, fpc_augments *a, int compose)
{
    const size_t room = (size_t)a->n + 1;
    a->input = fpc_alloc(arena, (room * 6 + 2) * sizeof *a->input);
    a->warp = fpc_alloc(arena, room * sizeof *a->warp);
    a->mix = fpc_alloc(arena, room * sizeof *a->mix);
    if (!a->input || !a->warp || !a->mix)
        return FPC_ENOMEM;
    if (count_stage(a, FPC_STAGE_FIELD) > MAX_FIELDS)
        return fpc_fail_recipe(ctx, FPC_EINVAL,
                               "the recipe has %d [augment.*] sections that shift by a field; at most %d",
                               count_stage(a, FPC_STAGE_FIELD), MAX_FIELDS);
    place_sections(a, arena, compose);
    if (a->n_colours > MAX_COLOURS)
        return fpc_fail(ctx, FPC_EINVAL, "the [augment.*] sections make %d colour maps per image; at most %d",
                        a->n_colours, MAX_COLOURS);
    for (int32_t i = 0; i < a->n; i++)
        a->changes_labels |= is_geometry(a->item[i].stage) || a->item[i].stage == FPC_STAGE_MIX ||
                             vtbl_of(&a->item[i].inst)->build_mask != NULL;
    return place_lambda(ctx, arena, a);
}

fpc_status fpc_augments_new(fpc_ctx *ctx, fpc_arena *arena, const fpc_augment_sources *from,
                            const fpc_dataset_info *info, fpc_augments **out)
{
    fpc_augments *a = fpc_alloc(arena, sizeof *a);
    fpc_status status;
    *out = NULL;
    if (!a || !(a->item = fpc_alloc(arena, (size_t)(from->n + 1) * sizeof *a->item)))
        return FPC_ENOMEM;
    a->info = *info;
    a->colour = a->lambda = -1;
    if ((status = take_keys(ctx, from, a)))
        return status;
    for (a->n = 0; a->n < from->n; a->n++) {
        const fpc_instance *inst = &from->inst[a->n];
        if ((status = check_vtbl(ctx, inst)))
            return status;
        a->item[a->n] = (fpc_augment_item){
            .inst = *inst, .stage = vtbl_of(inst)->stage, .warp = -1, .colour = -1, .pixel = -1, .mix = -1};
    }
    if ((status = place(ctx, arena, a, (int)from->shared.compose)))
        return status;
    *out = a;
    return FPC_OK;
}

fpc_status fpc_augment_sources_open(fpc_ctx *ctx, fpc_arena *arena, fpc_registry *registry, const fpc_recipe *recipe,
                                    fpc_augment_sources *out)
{
    const fpc_option_set set = fpc_core_set(fpc_core_augment, &out->shared);
    fpc_status status;
    *out = (fpc_augment_sources){.section = recipe ? fpc_recipe_section(recipe, "augment") : NULL};
    out->inst = fpc_alloc(arena, ((size_t)(recipe ? recipe->n : 0) + 1) * sizeof *out->inst);
    if (!out->inst)
        return FPC_ENOMEM;
    if ((status = fpc_options_read(ctx, arena, "augment", out->section, 1, &set)))
        return status;
    for (int32_t i = 0; recipe && i < recipe->n; i++) {
        const fpc_section *section = &recipe->section[i];
        if (fpc_section_kind(section->name) != FPC_AUGMENT)
            continue;
        if ((status = fpc_instance_open(registry, arena, FPC_AUGMENT, section->name, section, NULL, (fpc_option_set){0},
                                        &out->inst[out->n])))
            return status;
        out->n++;
    }
    return FPC_OK;
}

fpc_status fpc_augments_open(fpc_ctx *ctx, fpc_arena *arena, fpc_registry *registry, const fpc_recipe *recipe,
                             const fpc_dataset_info *info, fpc_augments **out)
{
    fpc_augment_sources from;
    const fpc_status status = fpc_augment_sources_open(ctx, arena, registry, recipe, &from);
    return status ? status : fpc_augments_new(ctx, arena, &from, info, out);
}

/* ---- buffers ---- */
fpc_status fpc_draws_new(const fpc_augments *a, fpc_arena *arena, int64_t rows, fpc_draws *out)
{
    out->data = fpc_alloc(arena, (size_t)(a->n_inputs + 1) * sizeof *out->data);
    if (!out->data)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < a->n_inputs; i++)
        if (!(out->data[i] = fpc_alloc(arena, (size_t)rows * a->input[i].bytes)))
            return FPC_ENOMEM;
    return FPC_OK;
}

void *fpc_draws_find(const fpc_augments *a, const fpc_draws *d, const char *name)
{
    for (int32_t i = 0; a && d->data && i < a->n_inputs; i++)
        if (strcmp(a->input[i].name, name) == 0)
            return d->data[i];
    return NULL;
}

/* ---- building ---- */
typedef struct builder {
    const fpc_augments *a;
    fpc_graph *g;
    int32_t n; /* images */
    fpc_augmented v;
} builder;

static fpc_val input(builder *b, int32_t index)
{
    const fpc_draw_input *in = &b->a->input[index];
    fpc_shape shape = in->shape;
    shape.n = b->n;
    return fpc_input(b->g, in->name, shape, in->dtype == FPC_U8 ? FPC_U8 : b->g->real);
}

static void build_warps(builder *b)
{
    const fpc_warp_attr attr = {b->a->fill, b->a->border};
    for (int32_t i = 0; i < b->a->n_warps; i++) {
        const fpc_warp_group *w = &b->a->warp[i];
        const fpc_val matrix = input(b, w->matrix), field = w->field >= 0 ? input(b, w->field) : (fpc_val){-1};
        const int has_field = w->field >= 0;
        b->v.image = fpc_op(b->g, "warp_image", "augment.warp_image", 2 + has_field,
                            (fpc_val[]){b->v.image, matrix, field}, FPC_ATTR(attr), NULL);
        if (b->v.mask.id >= 0)
            b->v.mask = fpc_op(b->g, "warp_mask", "augment.warp_mask", 3 + has_field,
                               (fpc_val[]){b->v.mask, matrix, input(b, w->labels), field}, FPC_ATTR(attr), NULL);
    }
    if (!b->a->n_warps)
        b->v.image = fpc_op(b->g, "to_real", "augment.to_real", 1, &b->v.image, NULL, 0, NULL);
}

/* What a section's function made of the picture or the mask `was`: a value of the same shape, and no scope left open.
 */
static fpc_val built(builder *b, const fpc_augment_item *it, const char *function, fpc_val was, fpc_val made)
{
    const char *name = it->inst.plugin->name, *label = it->inst.self->label;
    if (fpc_graph_closed(b->g, fpc_sprintf(b->g->arena, "[%s]: augment/%s", label, name)))
        return (fpc_val){-1};
    if (!fpc_value_known(b->g, made))
        return fpc_graph_fail(b->g, FPC_EINVAL,
                              "[%s]: %s of augment/%s returns the id %d, which is of no value of its graph", label,
                              function, name, made.id);
    if (!fpc_same_shape(fpc_shape_of(b->g, was), fpc_shape_of(b->g, made)))
        return fpc_graph_fail(b->g, FPC_EINVAL, "[%s]: %s of augment/%s makes %s of %s; it has to keep the shape",
                              label, function, name, fpc_shape_text(fpc_shape_of(b->g, made)),
                              fpc_shape_text(fpc_shape_of(b->g, was)));
    return made;
}

static void build_pixels(builder *b)
{
    for (int32_t i = 0; i < b->a->n; i++) {
        const fpc_augment_item *it = &b->a->item[i];
        const fpc_augment_vtbl *v = vtbl_of(&it->inst);
        if (it->pixel < 0)
            continue;
        const fpc_val draws = input(b, it->pixel);
        b->v.image =
            built(b, it, "build", b->v.image, FPC_CALL(it->inst.who, v->build(it->inst.self, b->g, b->v.image, draws)));
        if (v->build_mask && b->v.mask.id >= 0)
            b->v.mask = built(b, it, "build_mask", b->v.mask,
                              FPC_CALL(it->inst.who, v->build_mask(it->inst.self, b->g, b->v.mask, draws, b->a->fill)));
    }
}

/* Pictures are mixed by their own masks, so masks must be there; a batch without them is not mixed. */
static void build_mixes(builder *b)
{
    for (int32_t i = 0; i < b->a->n_mixes && b->v.mask.id >= 0; i++) {
        const fpc_val plan = input(b, b->a->mix[i].plan), table = input(b, b->a->mix[i].table), mask = b->v.mask;
        const fpc_mix_attr first = {0}, second = {1};
        b->v.image = fpc_op(b->g, "mix_image", "augment.mix_image", 4, (fpc_val[]){b->v.image, mask, plan, table}, NULL,
                            0, NULL);
        b->v.mask =
            fpc_op(b->g, "mix_mask", "augment.mix_mask", 3, (fpc_val[]){mask, plan, table}, FPC_ATTR(first), NULL);
        if (b->a->lambda >= 0) {
            b->v.mask_b = fpc_op(b->g, "mix_mask", "augment.mix_mask_b", 3, (fpc_val[]){mask, plan, table},
                                 FPC_ATTR(second), NULL);
            b->v.lambda = input(b, b->a->lambda);
        }
    }
}

fpc_augmented fpc_augments_build(const fpc_augments *a, fpc_graph *g, fpc_val image_u8, fpc_val mask_u8)
{
    static const fpc_augments none = {.colour = -1, .lambda = -1};
    builder b = {a ? a : &none, g, fpc_shape_of(g, image_u8).n, {image_u8, mask_u8, {-1}, {-1}}};
    build_warps(&b);
    if (b.a->colour >= 0)
        b.v.image =
            fpc_op(g, "colour", "augment.colour", 2, (fpc_val[]){b.v.image, input(&b, b.a->colour)}, NULL, 0, NULL);
    build_pixels(&b);
    build_mixes(&b);
    return b.v;
}
