/* preview_text.c: draws in words. What is described are the numbers that the ops get, whatever plugin drew them: all
 * geometry of a resampling together, each colour map by its kind, the numbers of a pixel section, layers of a mix. */
#include "cmd/inspect/preview.h"
#include "recipe/sections.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct words {
    fpc_arena *arena;
    fpc_preview_sample *sample;
    fpc_status status;
} words;

static void say(words *o, const char *text)
{
    if (!text)
        o->status = FPC_ENOMEM;
    else if (o->sample->n_lines < FPC_PREVIEW_LINES)
        o->sample->line[o->sample->n_lines++] = text;
}

/* "flip" of "augment.flip" */
static const char *short_name(const char *label)
{
    return fpc_section_kind(label) == FPC_AUGMENT && *fpc_section_label(label) ? fpc_section_label(label) : label;
}

/* ---- geometry ---- */

static void map(const float m[8], double x, double y, double out[2])
{
    const double d = m[6] * x + m[7] * y + 1;
    out[0] = (m[0] * x + m[1] * y + m[2]) / d;
    out[1] = (m[3] * x + m[4] * y + m[5]) / d;
}

int fpc_pose_of(const float m[8], int32_t h, int32_t w, fpc_pose *out)
{
    const double cx = (w - 1) / 2.0, cy = (h - 1) / 2.0, step = 0.5;
    double at[2], x0[2], x1[2], y0[2], y1[2];
    map(m, cx, cy, at);
    map(m, cx - step, cy, x0);
    map(m, cx + step, cy, x1);
    map(m, cx, cy - step, y0);
    map(m, cx, cy + step, y1);
    const double a = x1[0] - x0[0], b = y1[0] - y0[0], c = x1[1] - x0[1], d = y1[1] - y0[1], det = a * d - b * c;
    *out = (fpc_pose){0};
    if (!(fabs(det) > 1e-9) || !isfinite(det))
        return 0;
    double i00 = d / det, i01 = -b / det, i10 = -c / det, i11 = a / det; /* input to output */
    out->shift_x = i00 * (cx - at[0]) + i01 * (cy - at[1]);
    out->shift_y = i10 * (cx - at[0]) + i11 * (cy - at[1]);
    out->mirrored = det < 0;
    if (out->mirrored)
        i00 = -i00, i10 = -i10;
    /* rotation times (scale_x, shear; 0, scale_y) */
    out->scale_x = hypot(i00, i10);
    const double cosine = i00 / out->scale_x, sine = i10 / out->scale_x;
    out->angle = -atan2(i10, i00) * (180 / 3.14159265358979323846); /* y points down */
    out->scale_y = -sine * i01 + cosine * i11;
    out->shear = (cosine * i01 + sine * i11) / out->scale_y;
    out->perspective = hypot(m[6] * w, m[7] * h);
    return 1;
}

static const char *add(fpc_arena *arena, const char *text, const char *more)
{
    return !text || !more ? NULL : !*text ? more : fpc_sprintf(arena, "%s, %s", text, more);
}

static int exchanges(const uint8_t *table, const fpc_dataset_info *info)
{
    return info->n_mirror_pairs > 0 && table[info->mirror_pairs[0][0]] == info->mirror_pairs[0][1];
}

static void describe_field(words *o, const fpc_draw_input *in, const float *field, const fpc_batch *b,
                           const char **text)
{
    double most = 0, sum = 0;
    for (int64_t i = 0; i + 1 < in->count; i += 2) {
        const double d = hypot(field[i] * b->w / 2, field[i + 1] * b->h / 2);
        most = d > most ? d : most;
        sum += d * d;
    }
    if (most > 0)
        *text = add(o->arena, *text,
                    fpc_sprintf(o->arena, "field of shifts up to %.1f px (rms %.1f)", most,
                                sqrt(sum / ((double)in->count / 2))));
}

static void describe_warp(words *o, const fpc_augments *a, const fpc_warp_group *g, const fpc_batch *b, int32_t row)
{
    const float *m = (const float *)b->draws.data[g->matrix] + (int64_t)row * 8;
    const uint8_t *table = (const uint8_t *)b->draws.data[g->labels] + (int64_t)row * 256;
    const char *text = "", *name = a->input[g->matrix].name;
    fpc_pose p;
    if (!fpc_pose_of(m, b->h, b->w, &p)) {
        say(o, "geometry: without an inverse");
        return;
    }
    if (p.mirrored)
        text = add(o->arena, text, "mirrored");
    if (fabs(p.angle) >= 0.05)
        text = add(o->arena, text, fpc_sprintf(o->arena, "turned %.1f deg", p.angle));
    if (fabs(p.scale_x - 1) >= 5e-4 || fabs(p.scale_y - 1) >= 5e-4)
        text = add(o->arena, text,
                   fabs(p.scale_x - p.scale_y) < 5e-4
                       ? fpc_sprintf(o->arena, "scaled by %.3f", p.scale_x)
                       : fpc_sprintf(o->arena, "scaled by %.3f x %.3f", p.scale_x, p.scale_y));
    if (fabs(p.shear) >= 5e-4)
        text = add(o->arena, text, fpc_sprintf(o->arena, "sheared by %.3f", p.shear));
    if (fabs(p.shift_x) >= 0.05 || fabs(p.shift_y) >= 0.05)
        text = add(o->arena, text, fpc_sprintf(o->arena, "shifted by %.1f, %.1f px", p.shift_x, p.shift_y));
    if (p.perspective >= 5e-4)
        text = add(o->arena, text, fpc_sprintf(o->arena, "perspective %.3f", p.perspective));
    if (g->field >= 0)
        describe_field(o, &a->input[g->field],
                       (const float *)b->draws.data[g->field] + (int64_t)row * a->input[g->field].count, b, &text);
    if (exchanges(table, &a->info))
        text = add(o->arena, text, "left and right labels exchanged");
    if (!text) {
        o->status = FPC_ENOMEM;
        return;
    }
    if (strcmp(name, "draw.warp") != 0) /* `compose = off`: a resampling belongs to one section */
        say(o, fpc_sprintf(o->arena, "%s: %s", short_name(name + strlen("draw.warp.")), *text ? text : "as it is"));
    else
        say(o, fpc_sprintf(o->arena, "geometry: %s", *text ? text : "as it is"));
}

/* ---- colour ---- */

static int all_zero(const float *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (v[i] != 0)
            return 0;
    return 1;
}

static const char *affine(fpc_arena *arena, const fpc_colour *c)
{
    const float *m = c->m;
    const int plain = m[1] == 0 && m[2] == 0 && m[4] == 0 && m[6] == 0 && m[8] == 0 && m[9] == 0;
    const int even = m[0] == m[5] && m[5] == m[10];
    const char *factor = plain && even ? fpc_sprintf(arena, "x %.3f", (double)m[0])
                         : plain ? fpc_sprintf(arena, "x %.3f %.3f %.3f", (double)m[0], (double)m[5], (double)m[10])
                                 : fpc_sprintf(arena, "x (%.3f %.3f %.3f; %.3f %.3f %.3f; %.3f %.3f %.3f)",
                                               (double)m[0], (double)m[1], (double)m[2], (double)m[4], (double)m[5],
                                               (double)m[6], (double)m[8], (double)m[9], (double)m[10]);
    if (m[3] != 0 || m[7] != 0 || m[11] != 0)
        factor = factor ? fpc_sprintf(arena, "%s + %.3f %.3f %.3f", factor, (double)m[3], (double)m[7], (double)m[11])
                        : NULL;
    if (!all_zero(c->g, 3))
        factor = factor ? fpc_sprintf(arena, "%s + means x %.3f %.3f %.3f", factor, (double)c->g[0], (double)c->g[1],
                                      (double)c->g[2])
                        : NULL;
    return factor;
}

static const char *colour_words(fpc_arena *arena, const fpc_colour *c)
{
    switch ((int)c->kind) {
    case FPC_COLOUR_AFFINE:
    case FPC_COLOUR_CLAMPED:
        return affine(arena, c);
    case FPC_COLOUR_HUE:
        return fpc_sprintf(arena, "hue %+.3f turns", (double)c->m[0]);
    case FPC_COLOUR_GAMMA:
        return fpc_sprintf(arena, "gamma %.3f, gain %.3f", (double)c->m[0], (double)c->m[1]);
    case FPC_COLOUR_POSTERIZE:
        return fpc_sprintf(arena, "posterized to %g bits", (double)c->m[0]);
    case FPC_COLOUR_SOLARIZE:
        return fpc_sprintf(arena, "solarized from %.3f, %+.3f", (double)c->m[0], (double)c->m[1]);
    case FPC_COLOUR_EQUALIZE:
        return "equalized";
    case FPC_COLOUR_AUTOCONTRAST:
        return "contrast stretched";
    default:
        return fpc_sprintf(arena, "colour map of kind %g", (double)c->kind);
    }
}

static int32_t colours_of(const fpc_augment_item *it)
{
    const fpc_augment_vtbl *v = it->inst.vtbl;
    return it->stage == FPC_STAGE_COMPOSITE ? FPC_COMPOSITE_COLOURS : (int32_t)(v->draw_size / sizeof(fpc_colour));
}

static void describe_colours(words *o, const fpc_augments *a, const fpc_augment_item *it, const fpc_batch *b,
                             int32_t row)
{
    const char *text = "";
    for (int32_t k = 0; k < colours_of(it); k++) {
        fpc_colour c;
        memcpy(&c, (const float *)b->draws.data[a->colour] + row * a->input[a->colour].count + (it->colour + k) * 16,
               sizeof c);
        if (!all_zero(c.m, 12) || !all_zero(c.g, 3))
            text = add(o->arena, text, colour_words(o->arena, &c));
    }
    say(o, !text ? NULL : fpc_sprintf(o->arena, "%s: %s", short_name(it->inst.self->label), *text ? text : "none"));
}

/* ---- pixels and mixes ---- */

/* "3x3, middle 0.25": what a filter of side x side weights reaches, which its sum of 1 gives away; NULL: it is none. A
 * weak blur is drawn into a large frame of zeros. */
static const char *filter_words(fpc_arena *arena, const float *v, int64_t count)
{
    const int64_t side = (int64_t)(sqrt((double)count) + 0.5), middle = side / 2;
    int64_t reach = 0;
    double sum = 0;
    if (side < 3 || side % 2 == 0 || side * side != count)
        return NULL;
    for (int64_t i = 0; i < count; i++) {
        const int64_t y = llabs(i / side - middle), x = llabs(i % side - middle), far = y > x ? y : x;
        sum += (double)v[i];
        if (v[i] != 0 && far > reach)
            reach = far;
    }
    return fabs(sum - 1) > 1e-3 ? NULL
                                : fpc_sprintf(arena, "filter of %lldx%lld, middle %.3f", (long long)(2 * reach + 1),
                                              (long long)(2 * reach + 1), (double)v[count / 2]);
}

static void describe_pixels(words *o, const fpc_augments *a, const fpc_augment_item *it, const fpc_batch *b,
                            int32_t row)
{
    enum { SHOWN = 8 };
    const fpc_draw_input *in = &a->input[it->pixel];
    const float *v = (const float *)b->draws.data[it->pixel] + row * in->count;
    const char *text = fpc_sprintf(o->arena, "%s:", short_name(it->inst.self->label));
    const char *filter = filter_words(o->arena, v, in->count);
    if (filter) {
        say(o, fpc_sprintf(o->arena, "%s %s", text ? text : "", filter));
        return;
    }
    for (int64_t i = 0; i < in->count && i < SHOWN && text && !all_zero(v, in->count); i++)
        text = fpc_sprintf(o->arena, "%s %.4g", text, (double)v[i]);
    if (text && all_zero(v, in->count))
        text = fpc_sprintf(o->arena, "%s none", text);
    else if (text && in->count > SHOWN)
        text = fpc_sprintf(o->arena, "%s ... (%lld numbers)", text, (long long)in->count);
    say(o, text);
}

static void describe_mix(words *o, const fpc_augments *a, const fpc_mix_group *g, const fpc_batch *b, int32_t row,
                         const char *const *names)
{
    const float *plan = (const float *)b->draws.data[g->plan] + row * a->input[g->plan].count;
    const char *name = a->input[g->plan].name;
    name = strcmp(name, "draw.mix") != 0 ? short_name(name + strlen("draw.mix.")) : "mix";
    int any = 0;
    for (int k = 1; k <= FPC_MIX_LAYERS; k++) {
        const float *l = plan + (int64_t)k * 12;
        const int32_t partner = (int32_t)l[0];
        if (!(l[1] > 0))
            continue;
        any = 1;
        const char *part = l[10] != 0 ? "" : ", some of its classes";
        if (partner == row)
            say(o, fpc_sprintf(o->arena, "%s: with itself", name));
        else
            say(o, fpc_sprintf(o->arena, "%s: %.0f %% of %s in x %.0f..%.0f, y %.0f..%.0f px%s", name,
                               100 * (double)l[1], names[partner], (l[2] + 1.0) * b->w / 2, (l[4] + 1.0) * b->w / 2,
                               (l[3] + 1.0) * b->h / 2, (l[5] + 1.0) * b->h / 2, part));
    }
    if (plan[0] != 0)
        say(o, fpc_sprintf(o->arena, "%s: soft labels, own share %.3f", name, (double)plan[1]));
    else if (!any)
        say(o, fpc_sprintf(o->arena, "%s: none", name));
}

fpc_status fpc_preview_describe(fpc_arena *arena, const fpc_augments *a, const fpc_batch *b, int32_t row,
                                const char *const *names, fpc_preview_sample *out)
{
    words o = {arena, out, FPC_OK};
    out->n_lines = 0;
    if (!a->n)
        say(&o, "no [augment.*] section");
    for (int32_t i = 0; i < a->n_warps; i++)
        describe_warp(&o, a, &a->warp[i], b, row);
    for (int32_t i = 0; i < a->n; i++)
        if (a->item[i].colour >= 0)
            describe_colours(&o, a, &a->item[i], b, row);
    for (int32_t i = 0; i < a->n; i++)
        if (a->item[i].pixel >= 0)
            describe_pixels(&o, a, &a->item[i], b, row);
    for (int32_t i = 0; i < a->n_mixes; i++)
        describe_mix(&o, a, &a->mix[i], b, row, names);
    return o.status;
}
