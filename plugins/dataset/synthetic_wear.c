/* synthetic_wear.c: glasses, earrings, hats, and what comes between the camera and the face. As in CelebAMask-HQ the
 * label of glasses covers the lenses too, except where an eye or a brow shows through; what occludes is background. */
#include "synthetic.h"

/* ---- glasses ---- */
static float lens_shape(const face *f, float x, float y)
{
    const float r = f->lens_round, ax = (x < 0 ? -x : x) - f->lens_w + r, ay = (y < 0 ? -y : y) - f->lens_h + r;
    const float ox = maxf(ax, 0), oy = maxf(ay, 0);
    return sqrtf(ox * ox + oy * oy) + minf(maxf(ax, ay), 0) - r;
}

void fpc_face_glasses(const canvas *c, const face *f)
{
    if (!f->glasses)
        return;
    const int dark = f->glasses == 2;
    const float middle = f->eye_u + 0.01f, vc = f->eye_v + 0.02f;
    const box b = fpc_face_box_uv(f, c, -1.1f, vc - 0.5f, 1.1f, vc + 0.5f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const int32_t at = row * c->n + col;
            const float u = p.u - f->yaw_s * 0.06f, x = (u < 0 ? -u : u) - middle, y = p.v - vc,
                        lens = lens_shape(f, x, y);
            const float bridge =
                maxf((y + 0.03f < 0 ? -y - 0.03f : y + 0.03f) - f->frame * 0.7f, (u < 0 ? -u : u) - middle + f->lens_w);
            const float arm = maxf(
                maxf((y + 0.06f < 0 ? -y - 0.06f : y + 0.06f) - f->frame * 0.8f, middle + f->lens_w - (u < 0 ? -u : u)),
                fpc_face_outline(f, &p));
            const float rim = minf(minf((lens < 0 ? -lens : lens) - f->frame, bridge), arm), in = cover(f, lens),
                        line = cover(f, rim);
            if (in <= 0 && line <= 0)
                continue;
            if (in > 0) {
                const float sky = step_between(0.3f, -0.35f, y + 0.5f * x) * (dark ? 0.10f : 0.07f);
                if (dark)
                    lay(c, at, times(f->lens_colour, 0.8f + 0.6f * (y + 0.3f)), in * 0.94f);
                c->pixel[at] = plus(c->pixel[at], f->key_colour, in * sky);
            }
            const float light = 0.75f + 0.5f * step_between(0.3f, -0.3f, y - x * f->lx);
            lay(c, at, times(f->frame_colour, light), line);
            const int through = c->label[at] >= L_EYE && c->label[at] <= R_BROW;
            if (line >= 0.5f || (in >= 0.5f && (dark || !through)))
                c->label[at] = GLASSES;
        }
}

/* ---- earrings ---- */
static float earring_shape(const face *f, float x, float y)
{
    const float s = f->earring_size;
    if (f->earring == 1)
        return ellipse(x, y - 0.02f, 0.085f * s, 0.085f * s);
    if (f->earring == 2) { /* a hoop */
        const float hoop = ellipse(x, y - 0.15f * s, 0.12f * s, 0.15f * s);
        return (hoop < 0 ? -hoop : hoop) - 0.032f;
    }
    const float drop = ellipse(x, y - 0.24f * s, 0.075f * s * (1 + y), 0.13f * s);
    return minf(minf(drop, ellipse(x, y, 0.045f, 0.045f)), capsule(x, y, 0, 0, 0, 0.2f * s, 0.014f));
}

void fpc_face_earrings(const canvas *c, const face *f)
{
    if (!f->earring)
        return;
    for (int side = 0; side < 2; side++) {
        const float sign = side ? 1.0f : -1.0f, x0 = sign * (f->cheek + 0.06f) - 0.24f * f->yaw_s;
        const float y0 = 0.08f + 0.29f * f->ear_size - f->pitch * 0.2f;
        if (sign * f->yaw_s > 0.22f)
            continue; /* behind the cheek */
        const box b = fpc_face_box(f, c, x0 - 0.45f, y0 - 0.45f, x0 + 0.45f, y0 + 0.8f);
        for (int32_t row = b.y0; row < b.y1; row++)
            for (int32_t col = b.x0; col < b.x1; col++) {
                const spot p = spot_at(f, c, col, row);
                const float px = p.x - x0, py = p.y - y0; /* gravity pulls along the picture's down */
                const float x = f->roll_c * px - f->roll_s * py, y = f->roll_s * px + f->roll_c * py;
                const float d = earring_shape(f, x, y), a = cover(f, d);
                if (a <= 0)
                    continue;
                const float facet = noise2(f->seed + 81, x * 22, y * 22),
                            bright = 0.45f + 0.6f * facet - 1.2f * (x * f->lx + y * f->ly) * -1;
                lay_label(c, row * c->n + col, times(f->metal, maxf(0.3f, bright + 0.25f)), a, EARRING);
            }
    }
}

/* ---- hats ---- */
static rgb hat_cloth(const face *f, float x, float y, float band)
{
    rgb colour = mix_rgb(f->hat_colour, f->hat_band, band);
    float relief = 0;
    if (f->hat == HAT_BEANIE) {
        const float k = x / sqrtf(maxf(0.08f, 1 - y * y * 0.25f)) * 13, rib = k - floor_of(k) - 0.5f;
        relief = 0.35f - 2.2f * rib * rib + 0.25f * (noise2(f->seed + 82, x * 26, y * 26) - 0.5f);
    } else {
        relief = 0.20f * (noise2(f->seed + 83, x * 5, y * 4) - 0.5f);
    }
    const float nx = x / 1.15f, ny = (y + 0.4f) / 1.4f;
    colour = times(colour, 0.85f + relief);
    return lit(f, colour, nx, ny, sqrtf(maxf(0.06f, 1 - nx * nx - ny * ny)), 0.15f, 0);
}

/* The crown, above hat_v; a curved lower edge, since it goes round the head. */
static float crown_shape(const face *f, const spot *p, float edge)
{
    const float x = p->x - f->yaw_s * 0.06f, tall = f->skull + (f->hat == HAT_BEANIE ? 0.24f : 0.30f);
    const float a = f->cheek + 0.03f + maxf(0.08f, f->volume_side), s = x / a, t = p->y / tall, s2 = s * s, t2 = t * t;
    const float round = sqrtf(s2 + t2), flat = sqrtf(sqrtf(s2 * s2 + t2 * t2));
    return maxf((mixf(round, flat, f->hat == HAT_CAP ? 0.35f : 0.6f) - 1) * a, p->y - edge);
}

void fpc_face_hat(const canvas *c, const face *f)
{
    if (!f->hat)
        return;
    const box b = fpc_face_box(f, c, -2.4f, -2, 2.4f, 0.6f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const int32_t at = row * c->n + col;
            const float x = p.x - f->yaw_s * 0.06f, bend = 0.16f * (1 - x * x), edge = f->hat_v + bend - 0.10f;
            const float crown = crown_shape(f, &p, edge), a = cover(f, crown);
            const float shadow =
                step_between(0.20f, 0, p.y - edge) * step_between(0.02f, -0.05f, fpc_face_outline(f, &p));
            if (p.y > edge && shadow > 0)
                c->pixel[at] = times(c->pixel[at], 1 - 0.45f * shadow);
            if (a > 0) {
                const float band = f->hat == HAT_CAP ? 0
                                                     : step_between(0.02f, -0.02f, edge - 0.26f - p.y) *
                                                           (f->hat == HAT_BRIM ? 1 : 0.55f);
                lay_label(c, at, hat_cloth(f, x, p.y, band), a, HAT);
            }
            if (f->hat == HAT_BEANIE)
                continue;
            /* A visor comes towards the camera; a brim goes all round. */
            const float wide = f->hat == HAT_BRIM ? 1.62f : 0.86f, deep = f->hat == HAT_BRIM ? 0.24f : 0.20f;
            const float bx = x - f->yaw_s * (f->hat == HAT_CAP ? 0.30f : 0.1f),
                        by = p.y - f->hat_v - 0.02f + 0.10f * bx * bx;
            const float brim = ellipse(bx, by, wide, deep), ba = cover(f, brim);
            if (ba > 0) {
                const rgb colour = lit(f, times(f->hat_colour, 0.92f), bx * 0.2f, -0.35f + by * 2, 0.8f, 0.15f, 0);
                lay_label(c, at, times(colour, 0.55f + 0.45f * step_between(0, -0.12f, brim)), ba, HAT);
            }
        }
}

/* ---- in front: a hand's fingers, or a microphone ---- */
static float fingers(const face *f, float x, float y, float *shade)
{
    float best = 1e9f;
    const float s = f->occ_size, ox = -f->occ_dy, oy = f->occ_dx; /* across the fingers */
    for (int i = 0; i < 4; i++) {
        const float off = ((float)i - 1.5f) * 0.175f * s, tip = i == 0 ? 0.16f : i == 3 ? 0.10f : 0;
        const float ax = f->occ_x + ox * off + f->occ_dx * tip, ay = f->occ_y + oy * off + f->occ_dy * tip;
        const float d = capsule(x, y, ax, ay, ax + f->occ_dx * 0.75f, ay + f->occ_dy * 0.75f, 0.085f * s);
        if (d < best) {
            best = d;
            *shade = d / (0.085f * s);
        }
    }
    const float palm = capsule(x, y, f->occ_x + f->occ_dx * 0.9f, f->occ_y + f->occ_dy * 0.9f,
                               f->occ_x + f->occ_dx * 2.2f, f->occ_y + f->occ_dy * 2.2f, 0.36f * s);
    if (palm < best) {
        best = palm;
        *shade = -0.8f;
    }
    return best;
}

void fpc_face_occluder(const canvas *c, const face *f)
{
    if (!f->occluder)
        return;
    for (int32_t row = 0; row < c->n; row++)
        for (int32_t col = 0; col < c->n; col++) {
            const spot p = spot_at(f, c, col, row);
            const int32_t at = row * c->n + col;
            float shade = 0;
            rgb colour;
            float d;
            if (f->occluder == 1) {
                d = fingers(f, p.x, p.y, &shade);
                colour = lit(f, times(f->skin, 0.97f), p.x * 0.2f, shade * 0.4f, 0.9f, 0.3f, 0.04f);
                colour = times(colour, 1 - 0.38f * step_between(-0.45f, 0, shade));
            } else {
                const float x = p.x - f->occ_x, y = p.y - f->occ_y, head = ellipse(x, y, 0.24f, 0.24f);
                d = minf(head, capsule(p.x, p.y, f->occ_x, f->occ_y, f->occ_x + f->occ_dx * 2, f->occ_y + f->occ_dy * 2,
                                       0.10f));
                const float mesh = noise2(f->seed + 84, p.x * 40, p.y * 40);
                const rgb grey = times((rgb){0.16f, 0.16f, 0.17f}, head < 0 ? 0.8f + 0.9f * mesh : 0.7f);
                colour = lit(f, grey, x * 3, y * 3, 0.8f, 0.1f, 0.5f);
            }
            if (d > 0.2f)
                continue;
            c->pixel[at] = times(c->pixel[at], 1 - 0.30f * step_between(0.14f, 0, d));
            const float a = cover(f, d);
            if (a > 0)
                lay_label(c, at, colour, a, BACKGROUND);
        }
}
