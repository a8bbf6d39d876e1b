/* synthetic_parts.c: brows, eyes and mouth, painted on the face (u, v). side 1 is the picture's right, where the
 * person's own left parts lie. */
#include "synthetic.h"

/* ---- brows ---- */
void fpc_face_brows(const canvas *c, const face *f)
{
    const box b = fpc_face_box_uv(f, c, -0.8f, f->brow_v - 0.25f, 0.8f, f->brow_v + 0.22f);
    const rgb dark = times(mix_rgb(f->hair, (rgb){0.16f, 0.11f, 0.08f}, 0.45f), 0.85f);
    const float inner = f->eye_u - 0.235f;
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const int side = p.u > 0;
            const float t = ((side ? p.u : -p.u) - inner) / f->brow_len;
            if (t < -0.2f || t > 1.2f || p.depth <= 0)
                continue;
            const float peak = t - 0.62f, arch = f->brow_arch * (1 - peak * peak * (peak < 0 ? 2.6f : 5.5f));
            const float mid = f->brow_v - arch + (side ? f->brow_tilt : -f->brow_tilt) * 0.3f;
            const float tc = clamp01(t),
                        half = f->brow_thick *
                               (t < 0.25f ? 0.78f + 0.88f * tc : 1 - 0.78f * (tc - 0.25f) * (tc - 0.25f) * 1.6f);
            const float off = p.v - mid, end = maxf(-t, t - 1) * f->brow_len;
            const float d = maxf((off < 0 ? -off : off) - half, end), a = cover(f, d);
            if (a <= 0)
                continue;
            const float lean = off * (t < 0.4f ? 6 : -5),
                        hairs = noise2(f->seed + 51, t * 44 + lean + (side ? 90 : 0), off * 14);
            const float thin = 0.55f + 0.45f * step_between(0, -0.03f, d);
            lay_label(c, row * c->n + col, dark, a * thin * (0.70f + 0.3f * hairs), BACKGROUND);
            if (a >= 0.5f)
                c->label[row * c->n + col] = side ? L_BROW : R_BROW;
        }
}

/* ---- eyes ---- */
struct eye {
    float up, low; /* the lids' edges at this x, negative up */
    float x, y;    /* from the eye's middle; x grows outwards */
};

static struct eye eye_at(const face *f, const spot *p, int side)
{
    struct eye e;
    e.x = (side ? p->u : -p->u) - f->eye_u;
    e.y = p->v - f->eye_v + f->eye_slant * e.x * 1.2f;
    const float t = e.x / f->eye_w, skew = t + 0.18f * (1 - t * t), r = maxf(0, 1 - t * t),
                s = maxf(0, 1 - skew * skew * 0.92f);
    e.up = -f->eye_up * (r * 0.55f + r * sqrtf(s) * 0.45f);
    e.low = f->eye_low * (r * 0.8f + r * r * 0.2f);
    return e;
}

static rgb eyeball(const face *f, const struct eye *e, int side)
{
    const float sign = side ? 1.0f : -1.0f, r = 0.082f, soft = maxf(f->px, 0.008f);
    const float x = e->x - sign * f->gaze_x * 0.16f, y = e->y + 0.018f - f->gaze_y * 0.08f, q = sqrtf(x * x + y * y);
    const float ball = 1 - 0.30f * (e->x * e->x) / (f->eye_w * f->eye_w);
    rgb colour = times((rgb){0.90f, 0.87f, 0.85f}, ball);
    const float corner = step_between(-f->eye_w * 0.72f, -f->eye_w, e->x);
    colour = mix_rgb(colour, (rgb){0.78f, 0.48f, 0.44f}, 0.8f * corner);
    const float spokes = 0.75f + 0.5f * noise2(f->seed + 52, x * 60 / (q + 0.03f), y * 60 / (q + 0.03f));
    const rgb iris = times(f->iris, spokes * (0.75f + 0.7f * step_between(0.025f, r, q)));
    const rgb ring = mix_rgb(iris, times(f->iris, 0.25f), step_between(r * 0.76f, r, q));
    colour = mix_rgb(colour, ring, clamp01(0.5f + (r - q) / soft));
    colour = mix_rgb(colour, (rgb){0.02f, 0.02f, 0.02f}, clamp01(0.5f + (0.034f - q) / soft));
    const float lid = step_between(0.055f, 0, e->y - e->up); /* the upper lid's shadow */
    const rgb shaded = times(colour, (f->fill + f->key * 0.75f) * (1 - 0.55f * lid));
    const float gx = x * sign - f->lx * 0.035f, gy = y - f->ly * 0.035f, glint = sqrtf(gx * gx + gy * gy);
    return mix_rgb(shaded, (rgb){1, 1, 1}, 0.9f * clamp01(0.5f + (0.017f - glint) / soft));
}

/* What surrounds the opening: lashes, crease, make-up. */
static void lay_lids(const canvas *c, const face *f, int32_t at, const struct eye *e, float d)
{
    const rgb lash = {0.07f, 0.05f, 0.05f};
    const float t = e->x / f->eye_w, over = e->up - e->y, along = step_between(1.35f, 0.9f, t < 0 ? -t : t);
    const float thick = (0.014f + 0.012f * f->female * f->eyeshadow) * (0.75f + 0.5f * clamp01(t + 0.4f));
    if (over > -0.02f && over < 0.22f) {
        const float wash = f->eyeshadow * 0.45f * along * step_between(0.15f, 0.02f, over);
        c->pixel[at] = mix_rgb(c->pixel[at], times_rgb(c->pixel[at], (rgb){0.62f, 0.48f, 0.46f}), wash);
        const float crease = over - 0.055f - 0.01f * t, w = maxf(0.012f, f->px);
        c->pixel[at] = times(c->pixel[at], 1 - 0.42f * along * maxf(0, 1 - (crease < 0 ? -crease : crease) / w));
    }
    const float edge = over < 0 ? -over : over;
    lay(c, at, lash,
        0.88f * clamp01(0.5f + (thick - edge) / maxf(f->px, 0.008f)) * step_between(1.16f, 0.98f, t < 0 ? -t : t) *
            step_between(0.05f, 0.03f, d));
    const float under = e->y - e->low, rim = maxf(0, 1 - (under < 0 ? -under : under) / maxf(0.014f, f->px));
    lay(c, at, lash, 0.38f * rim * step_between(1.05f, 0.85f, t < 0 ? -t : t));
    const float bag = under - 0.075f;
    c->pixel[at] = times(c->pixel[at], 1 - (0.06f + 0.10f * f->age) * maxf(0, 1 - (bag < 0 ? -bag : bag) / 0.03f) *
                                               step_between(1.0f, 0.5f, t < 0 ? -t : t));
}

void fpc_face_eyes(const canvas *c, const face *f)
{
    const box b = fpc_face_box_uv(f, c, -0.75f, f->eye_v - 0.32f, 0.75f, f->eye_v + 0.24f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const int side = p.u > 0;
            const struct eye e = eye_at(f, &p, side);
            const float t = e.x / f->eye_w;
            if (t < -1.5f || t > 1.5f || p.depth <= 0)
                continue;
            const int32_t at = row * c->n + col;
            const float d = maxf(maxf(e.up - e.y, e.y - e.low), ((t < 0 ? -t : t) - 1) * f->eye_w), a = cover(f, d);
            if (a > 0)
                lay(c, at, eyeball(f, &e, side), a);
            lay_lids(c, f, at, &e, d);
            if (a >= 0.5f || (d < 0.006f && a > 0.25f))
                c->label[at] = side ? L_EYE : R_EYE;
        }
}

/* ---- mouth ---- */
struct lips {
    float top, mid_up, mid_low, bottom; /* edges at this x, from the mouth's middle, down positive */
};

static struct lips lips_at(const face *f, float x)
{
    const float t = x / f->mouth_w, r = maxf(0, 1 - t * t), s = sqrtf(r), bow = maxf(0, 1 - 20 * t * t);
    const float curl = -0.075f * f->smile * t * t + 0.01f, gap = f->open * s * (0.55f + 0.45f * r);
    struct lips l;
    l.mid_up = curl - gap * 0.38f + 0.010f * bow;
    l.mid_low = curl + gap * 0.62f;
    l.top = l.mid_up - f->lip_up * (0.62f * s + 0.38f * r) * (1 - 0.20f * bow) - 0.002f;
    l.bottom = l.mid_low + f->lip_low * (0.35f * s + 0.65f * r) + 0.002f;
    return l;
}

static rgb lip_at(const face *f, float x, float y, float lo, float hi, int upper)
{
    const float t = clamp01((y - lo) / maxf(hi - lo, 1e-3f)), round = (t - (upper ? 0.62f : 0.36f)) * 1.5f;
    const float wrinkle = noise2(f->seed + 53, x * 38, t * 1.5f) - 0.5f;
    const rgb base = times(f->lip, (upper ? 0.84f : 1) * (1 + 0.14f * wrinkle));
    return lit(f, base, x * 0.8f, round + (upper ? 0.30f : -0.02f), 0.9f, 0.25f,
               f->shine * (upper ? 0.5f : 1.3f) + 0.05f * f->female);
}

static rgb inside_at(const face *f, float x, float y, const struct lips *l)
{
    const float t = clamp01((y - l->mid_up) / maxf(l->mid_low - l->mid_up, 1e-3f)), r = x / f->mouth_w;
    rgb colour = mix_rgb((rgb){0.20f, 0.06f, 0.06f}, (rgb){0.60f, 0.26f, 0.26f}, step_between(0.55f, 1, t));
    const float edge = f->teeth > 0 ? 0.80f - 0.25f * r * r : 0;
    if (edge > 0) {
        const float k = x * 13.5f + 0.5f, gap = k - floor_of(k) - 0.5f, wide = gap < 0 ? -gap : gap;
        const float line = f->px < 0.03f ? 0.16f * step_between(0.42f, 0.5f, wide) : 0;
        const rgb tooth = times((rgb){0.93f, 0.90f, 0.84f},
                                (1 - line) * (1 - 0.5f * r * r) * (0.78f + 0.22f * step_between(0, 0.3f, t)));
        colour = mix_rgb(colour, tooth,
                         step_between(edge + 0.06f, edge - 0.04f, t) * step_between(0.97f, 0.86f, r < 0 ? -r : r));
    }
    return times(colour, f->fill + f->key * 0.62f);
}

void fpc_face_mouth(const canvas *c, const face *f)
{
    const float slide = f->yaw_s * 0.05f;
    const box b = fpc_face_box_uv(f, c, -0.5f, f->mouth_v - 0.3f, 0.55f, f->mouth_v + 0.4f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const float x = p.u - slide, y = p.v - f->mouth_v, end = (x < 0 ? -x : x) - f->mouth_w;
            if (end > 0.08f || p.depth <= 0)
                continue;
            const int32_t at = row * c->n + col;
            const struct lips l = lips_at(f, x);
            const float corner =
                maxf(0, 1 - (end + 0.02f) * (end + 0.02f) / 0.0025f - (y - l.mid_up) * (y - l.mid_up) / 0.0012f);
            c->pixel[at] = times(c->pixel[at], 1 - 0.35f * corner);
            const float a = cover(f, maxf(maxf(l.top - y, y - l.bottom), end));
            if (a <= 0)
                continue;
            const float upper = cover(f, y - l.mid_up), lower = cover(f, l.mid_low - y),
                        inner = clamp01(1 - upper - lower);
            rgb colour = times(inside_at(f, x, y, &l), inner);
            colour =
                plus(colour, lip_at(f, x, y, l.top, l.mid_up, 1), upper * (1 - inner) / maxf(upper + lower, 1e-3f));
            colour =
                plus(colour, lip_at(f, x, y, l.mid_low, l.bottom, 0), lower * (1 - inner) / maxf(upper + lower, 1e-3f));
            const float seam = maxf(0, 1 - minf(y - l.mid_up < 0 ? l.mid_up - y : y - l.mid_up,
                                                y - l.mid_low < 0 ? l.mid_low - y : y - l.mid_low) /
                                               maxf(0.014f, f->px));
            colour = times(colour, 1 - 0.55f * seam);
            const uint8_t label = y < l.mid_up ? U_LIP : y > l.mid_low ? L_LIP : MOUTH;
            lay_label(c, at, colour, a, label);
        }
}
