/* augment.c: the [augment.NAME] sections at work. Plugins only draw; here the draws of one image become the numbers
 * that the ops warp_image, warp_mask and colour take, and the ops are put in front of the model.
 *
 * Order: each draw maps the picture that it makes to the picture that it takes, so that of the sections A, B, C of a
 * recipe (A first) the composed map is M_A M_B M_C: a pixel of the result goes through C's matrix first, A's last. The
 * picture is resampled once. Labels change sides when an odd number of the draws that mirror ask for it. */
#define _POSIX_C_SOURCE 200809L
#include "data.h"
#include "core_options.h"
#include "message.h"
#include <math.h>
#include <string.h>

enum { COLOUR_FLOATS = sizeof(fpc_colour) / sizeof(float), MAX_PIXEL_FLOATS = 16, MAX_COLOURS = 64, MAX_DRAW = 4096 };

static const fpc_augment_vtbl *vtbl_of(const fpc_instance *inst)
{
    return inst->vtbl;
}

/* ---- opening ---- */
static fpc_status check_vtbl(fpc_ctx *ctx, const fpc_instance *inst)
{
    const fpc_augment_vtbl *v = vtbl_of(inst);
    const char *label = inst->self->label, *name = inst->plugin->name;
    if (!v || v->size < sizeof *v || !v->draw)
        return fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s has no draw function", label, name);
    switch (v->stage) {
    case FPC_STAGE_GEOMETRY:
        if (v->draw_size == sizeof(fpc_homography))
            return FPC_OK;
        break;
    case FPC_STAGE_COLOUR:
        if (v->draw_size && v->draw_size % sizeof(fpc_colour) == 0 && v->draw_size <= MAX_DRAW)
            return FPC_OK;
        break;
    case FPC_STAGE_PIXEL:
        if (!v->build)
            return fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s works on pixels but has no build function", label,
                            name);
        if (v->draw_size && v->draw_size % sizeof(float) == 0 && v->draw_size <= MAX_PIXEL_FLOATS * sizeof(float))
            return FPC_OK;
        break;
    case FPC_STAGE_MIX:
        return fpc_fail(ctx, FPC_ENOSUPPORT,
                        "%s: plugin augment/%s mixes images; this version augments each image by itself", label, name);
    default:
        return fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s is of stage %u, which fpcore does not know", label, name,
                        (unsigned)v->stage);
    }
    return fpc_fail(ctx, FPC_EABI, "%s: plugin augment/%s draws %u bytes, which does not fit its stage", label, name,
                    (unsigned)v->draw_size);
}

static int is_augment(const fpc_section *s)
{
    return strncmp(s->name, "augment.", 8) == 0;
}

static fpc_status read_fill(fpc_ctx *ctx, fpc_arena *arena, const fpc_recipe *recipe, fpc_augments *a)
{
    const fpc_section *section = recipe ? fpc_recipe_section(recipe, "augment") : NULL;
    fpc_augment_common options;
    const fpc_option_set set = fpc_core_set(fpc_core_augment, &options);
    const fpc_status st = fpc_options_read(ctx, arena, "augment", section, 1, &set);
    if (st != FPC_OK)
        return st;
    a->fill = 0;
    if (!options.fill)
        return FPC_OK;
    if (a->info.ignore_label < 0) {
        const fpc_entry *e = fpc_section_entry(section, "fill");
        return fpc_fail_recipe(
            ctx, FPC_EINVAL,
            "%s: augment.fill = ignore: the data set has no ignore label; give dataset.ignore_label or use "
            "fill = background",
            e ? e->origin : "recipe");
    }
    a->fill = a->info.ignore_label;
    return FPC_OK;
}

/* Sorts the opened sections into stages. */
static fpc_status count_stages(fpc_ctx *ctx, fpc_arena *arena, fpc_augments *a)
{
    a->pixel = fpc_alloc(arena, (size_t)(a->n + 1) * sizeof *a->pixel);
    if (!a->pixel)
        return FPC_ENOMEM;
    for (int32_t i = 0; i < a->n; i++) {
        const fpc_augment_vtbl *v = vtbl_of(&a->inst[i]);
        if (v->stage == FPC_STAGE_GEOMETRY)
            a->has_geometry = 1;
        else if (v->stage == FPC_STAGE_COLOUR)
            a->n_colour += (int32_t)(v->draw_size / sizeof(fpc_colour));
        else
            a->pixel[a->n_pixel++] = (fpc_pixel_stage){a->inst[i], (int32_t)(v->draw_size / sizeof(float))};
    }
    if (a->n_colour > MAX_COLOURS)
        return fpc_fail(ctx, FPC_EINVAL, "the [augment.*] sections make %d colour maps per image; at most %d",
                        a->n_colour, MAX_COLOURS);
    return FPC_OK;
}

fpc_status fpc_augments_open(fpc_ctx *ctx, fpc_arena *arena, fpc_registry *registry, const fpc_recipe *recipe,
                             const fpc_dataset_info *info, fpc_augments **out)
{
    fpc_augments *a = fpc_alloc(arena, sizeof *a);
    if (!a)
        return FPC_ENOMEM;
    a->info = *info;
    fpc_status st = read_fill(ctx, arena, recipe, a);
    int32_t count = 0;
    for (int32_t i = 0; recipe && i < recipe->n; i++)
        count += is_augment(&recipe->section[i]);
    a->inst = fpc_alloc(arena, (size_t)(count + 1) * sizeof *a->inst);
    if (!a->inst)
        return FPC_ENOMEM;
    for (int32_t i = 0; st == FPC_OK && i < (recipe ? recipe->n : 0); i++) {
        const fpc_section *section = &recipe->section[i];
        if (!is_augment(section))
            continue;
        st = fpc_instance_open(registry, arena, FPC_AUGMENT, section->name, section, NULL, (fpc_option_set){0},
                               &a->inst[a->n]);
        if (st == FPC_OK)
            st = check_vtbl(ctx, &a->inst[a->n++]);
    }
    if (st == FPC_OK)
        st = count_stages(ctx, arena, a);
    *out = st == FPC_OK ? a : NULL;
    return st;
}

/* ---- drawing ---- */
static void multiply(const double a[9], const double b[9], double out[9])
{
    double m[9];
    for (int i = 0; i < 9; i++)
        m[i] = a[i / 3 * 3] * b[i % 3] + a[i / 3 * 3 + 1] * b[i % 3 + 3] + a[i / 3 * 3 + 2] * b[i % 3 + 6];
    memcpy(out, m, sizeof m);
}

/* A number that differs from a whole (or half) one by rounding only becomes it: flips and the identity then permute
 * pixels exactly, at every size. */
static double snap(double x)
{
    const double whole = rint(x * 2) / 2;
    return fabs(x - whole) < 1e-9 ? whole + 0.0 : x;
}

/* From [-1,1] edge to edge to pixel indices: u = (2x+1)/w - 1. 0 where the matrix has no inverse or m22 is 0. */
static int to_pixels(const double m[9], int32_t h, int32_t w, float out[8])
{
    const double in[9] = {2.0 / w, 0, 1.0 / w - 1, 0, 2.0 / h, 1.0 / h - 1, 0, 0, 1};
    const double back[9] = {w / 2.0, 0, (w - 1) / 2.0, 0, h / 2.0, (h - 1) / 2.0, 0, 0, 1};
    double p[9];
    multiply(m, in, p);
    multiply(back, p, p);
    const double det =
        m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6]);
    if (!(fabs(p[8]) > 1e-6) || !(fabs(det) > 1e-9))
        return 0;
    for (int i = 0; i < 8; i++) {
        out[i] = (float)snap(p[i] / p[8]);
        if (!isfinite(out[i]))
            return 0;
    }
    return 1;
}

static int mirrors(const double m[9])
{
    return m[0] * m[4] - m[1] * m[3] < 0;
}

static void label_table(const fpc_augments *a, int exchange, uint8_t table[256])
{
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)i;
    for (int32_t i = 0; exchange && i < a->info.n_mirror_pairs; i++) {
        const uint8_t *pair = a->info.mirror_pairs[i];
        table[pair[0]] = pair[1];
        table[pair[1]] = pair[0];
    }
}

/* The composed geometry of one image so far. */
struct pose {
    double m[9];
    int exchange;
};

static fpc_status draw_geometry(const fpc_instance *inst, fpc_rng rng, const fpc_image_info *image, struct pose *pose)
{
    fpc_homography d = {{0}, 0};
    const fpc_status st = vtbl_of(inst)->draw(inst->self, rng, image, &d);
    if (st != FPC_OK)
        return st;
    pose->exchange ^= mirrors(d.m) && !d.keep_labels;
    multiply(pose->m, d.m, pose->m);
    return FPC_OK;
}

fpc_status fpc_augments_draw(const fpc_augments *a, uint64_t seed, int64_t epoch, int64_t batch, int64_t sample,
                             int32_t row, int32_t rows, int32_t h, int32_t w, fpc_draws *out)
{
    struct pose pose = {{1, 0, 0, 0, 1, 0, 0, 0, 1}, 0};
    int32_t colour = 0, pixel = 0;
    for (int32_t i = 0; i < a->n; i++) {
        const fpc_instance *inst = &a->inst[i];
        const fpc_augment_vtbl *v = vtbl_of(inst);
        const fpc_rng rng = {
            {(uint32_t)seed, (uint32_t)(seed >> 32)}, fpc_hash(inst->self->label), (uint32_t)epoch, (uint32_t)sample};
        fpc_image_info image = {sizeof image, h, w, 3, rows, row, rng};
        image.shared.stream = rng.stream * 16777619u ^ 0xb47c4u;
        image.shared.sample = (uint32_t)batch;
        fpc_status st;
        if (v->stage == FPC_STAGE_GEOMETRY) {
            st = draw_geometry(inst, rng, &image, &pose);
        } else if (v->stage == FPC_STAGE_COLOUR) {
            float *to = out->colour + ((int64_t)row * a->n_colour + colour) * COLOUR_FLOATS;
            colour += (int32_t)(v->draw_size / sizeof(fpc_colour));
            memset(to, 0, v->draw_size);
            st = v->draw(inst->self, rng, &image, to);
        } else {
            float *to = out->pixel[pixel] + (int64_t)row * a->pixel[pixel].floats;
            pixel++;
            memset(to, 0, v->draw_size);
            st = v->draw(inst->self, rng, &image, to);
        }
        if (st != FPC_OK)
            return fpc_fail(inst->self->ctx, st, "%s: drawing for image %lld of epoch %lld failed", inst->self->label,
                            (long long)sample, (long long)epoch);
    }
    if (!a->has_geometry)
        return FPC_OK;
    if (!to_pixels(pose.m, h, w, out->warp + (int64_t)row * 8))
        return fpc_fail(a->inst[0].self->ctx, FPC_EINVAL,
                        "the geometry drawn for image %lld of epoch %lld cannot be inverted", (long long)sample,
                        (long long)epoch);
    label_table(a, pose.exchange, out->labels + (int64_t)row * 256);
    return FPC_OK;
}

/* ---- building ---- */
void fpc_augments_build(const fpc_augments *a, fpc_graph *g, fpc_val image_u8, fpc_val mask_u8, fpc_val *image,
                        fpc_val *mask)
{
    const int32_t n = fpc_shape_of(g, image_u8).n;
    *mask = mask_u8;
    if (a && a->has_geometry) {
        const fpc_warp_attr attr = {a->fill};
        const fpc_val draws = fpc_input(g, "draw.warp", (fpc_shape){n, 1, 1, 8}, g->real);
        const fpc_val pair[2] = {image_u8, draws};
        *image = fpc_op(g, "warp_image", "augment.warp_image", 2, pair, NULL, NULL);
        if (mask_u8.id >= 0) {
            const fpc_val table = fpc_input(g, "draw.labels", (fpc_shape){n, 1, 1, 256}, FPC_U8);
            const fpc_val triple[3] = {mask_u8, draws, table};
            *mask = fpc_op(g, "warp_mask", "augment.warp_mask", 3, triple, &attr, NULL);
        }
    } else {
        *image = fpc_op(g, "to_real", "augment.to_real", 1, &image_u8, NULL, NULL);
    }
    if (a && a->n_colour) {
        const fpc_val draws = fpc_input(g, "draw.colour", (fpc_shape){n, 1, a->n_colour, COLOUR_FLOATS}, g->real);
        const fpc_val pair[2] = {*image, draws};
        *image = fpc_op(g, "colour", "augment.colour", 2, pair, NULL, NULL);
    }
    for (int32_t i = 0; a && i < a->n_pixel; i++) {
        const fpc_instance *inst = &a->pixel[i].inst;
        char name[160] = "draw.";
        strncat(name, inst->self->label, sizeof name - 6);
        const fpc_val draws = fpc_input(g, name, (fpc_shape){n, 1, 1, a->pixel[i].floats}, g->real);
        *image = vtbl_of(inst)->build(inst->self, g, *image, draws);
    }
}
