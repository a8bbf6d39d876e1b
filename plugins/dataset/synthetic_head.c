/* synthetic_head.c: skin of the face with its relief, nose and ears. The relief is a sum of bumps of compact support
 * over (u, v); its slope bends the normal of the head's ellipsoid, and light does the rest. */
#include "synthetic.h"

struct bump {
    float u, v, ru, rv,
        height; /* height (1-q)^2, q = (du/ru)^2 + (dv/rv)^2; once made, ru and rv hold 1/ru^2, 1/rv^2 */
};
enum { SINGLE = 9, PAIRED = 8 };
struct relief {
    struct bump one[SINGLE], two[PAIRED]; /* two: mirrored at u = 0 */
};

static void make_relief(const face *f, struct relief *r)
{
    const float nv = f->nose_v, mv = f->mouth_v, ev = f->eye_v, s = 0.6f + 0.4f * f->age;
    const struct relief made = {{{0, ev + 0.20f, 0.17f, 0.44f, 0.095f},
                                 {0, nv - 0.07f, 0.20f, 0.18f, 0.10f},
                                 {0, nv - 0.30f, 0.34f, 0.55f, 0.06f},
                                 {0, mv - 0.05f, 0.46f, 0.36f, 0.07f},
                                 {0, nv + 0.13f, 0.06f, 0.10f, -0.016f},
                                 {0, mv + 0.20f, 0.22f, 0.09f, -0.035f},
                                 {0, f->chin - 0.18f, 0.27f, 0.22f, 0.075f},
                                 {0, -0.62f, 0.85f, 0.42f, 0.05f},
                                 {0, f->brow_v + 0.02f, 0.13f, 0.16f, 0.02f}},
                                {{f->nose_w * 0.70f, nv - 0.02f, 0.10f, 0.105f, 0.055f},
                                 {f->eye_u - 0.02f, ev - 0.02f, 0.27f, 0.17f, -0.085f},
                                 {f->eye_u - 0.02f, f->brow_v, 0.32f, 0.13f, 0.045f},
                                 {f->eye_u + 0.01f, ev + 0.02f, 0.18f, 0.11f, 0.035f},
                                 {0.53f, nv - 0.12f, 0.36f, 0.36f, 0.07f + 0.03f * f->smile},
                                 {0.30f + 0.05f * f->smile, nv + 0.14f, 0.10f, 0.24f, -0.028f * s - 0.018f * f->smile},
                                 {f->mouth_w + 0.07f, mv, 0.10f, 0.13f, -0.02f},
                                 {0.80f, -0.28f, 0.25f, 0.36f, -0.04f}}};
    *r = made;
    for (int i = 0; i < SINGLE + PAIRED; i++) {
        struct bump *b = i < SINGLE ? &r->one[i] : &r->two[i - SINGLE];
        b->ru = 1 / (b->ru * b->ru);
        b->rv = 1 / (b->rv * b->rv);
    }
}

static void slope_of(const struct bump *b, float u, float v, float *su, float *sv)
{
    const float du = u - b->u, dv = v - b->v, q = du * du * b->ru + dv * dv * b->rv;
    if (q < 1) {
        const float k = -4 * b->height * (1 - q);
        *su += k * du * b->ru;
        *sv += k * dv * b->rv;
    }
}

/* Slope of the relief at (u, v). */
static void relief_slope(const struct relief *r, float u, float v, float *su, float *sv)
{
    float pu = 0, pv = 0;
    *su = *sv = 0;
    for (int i = 0; i < SINGLE; i++)
        slope_of(&r->one[i], u, v, su, sv);
    for (int i = 0; i < PAIRED; i++)
        slope_of(&r->two[i], u < 0 ? -u : u, v, &pu, &pv);
    *su += u < 0 ? -pu : pu;
    *sv += pv;
}

/* The nose stands out: its tip moves further with yaw and pitch than the face does. */
static float nose_u(const face *f, float u, float v)
{
    const float along = clamp01((v - f->eye_v) / f->nose_len);
    return u - f->yaw_s * 0.22f * along * along;
}

static float nose_shape(const face *f, float u, float v)
{
    const float t = (v - f->eye_v + 0.06f) / (f->nose_len + 0.06f);
    const float half =
        t < 0.55f ? mixf(0.10f, 0.125f, t / 0.55f) : mixf(0.125f, f->nose_w, step_between(0.55f, 0.92f, t));
    const float ua = u < 0 ? -u : u, low = f->nose_v + 0.055f - 0.30f * u * u;
    return maxf(maxf(ua - half, (v - low) * 0.9f), f->eye_v - 0.06f - v);
}

static rgb skin_tone(const face *f, const spot *p, uint32_t seed)
{
    const float au = p->u < 0 ? -p->u : p->u, v = p->v;
    rgb skin = f->skin;
    const float cu = (au - 0.52f) / 0.30f, cv = (v - f->nose_v + 0.12f) / 0.26f, cheek = maxf(0, 1 - cu * cu - cv * cv);
    const float nu = p->u / 0.2f, nv = (v - f->nose_v + 0.04f) / 0.16f, tip = maxf(0, 1 - nu * nu - nv * nv);
    const float red = f->blush * (0.75f * cheek + 0.45f * tip);
    skin = times_rgb(skin, (rgb){1 + 0.02f * red, 1 - 0.15f * red, 1 - 0.13f * red});
    const float eu = (au - f->eye_u) / 0.27f, ew = (v - f->eye_v - 0.03f) / 0.17f,
                ring = maxf(0, 1 - eu * eu - ew * ew);
    skin = times_rgb(skin, (rgb){1 - 0.09f * ring, 1 - 0.13f * ring, 1 - 0.11f * ring});
    const float blotch = noise2(seed + 41, p->u * 7, v * 7) - 0.5f;
    skin = times_rgb(skin, (rgb){1 + 0.02f * blotch, 1 + 0.05f * blotch, 1 + 0.05f * blotch});
    if (f->freckles > 0 && v > f->eye_v && v < f->nose_v + 0.1f) {
        const float spots = noise2(seed + 42, p->u * 45, v * 45);
        const float d = f->freckles * step_between(0.70f, 0.85f, spots) * step_between(0.75f, 0.3f, au);
        skin = times_rgb(skin, (rgb){1 - 0.16f * d, 1 - 0.28f * d, 1 - 0.34f * d});
    }
    return skin;
}

/* How much beard covers a point, 0 .. 1. */
static float beard_at(const face *f, const spot *p)
{
    const float au = p->u < 0 ? -p->u : p->u, v = p->v, mv = f->mouth_v;
    const float cheek_line = f->nose_v + 0.02f + 0.45f * maxf(0, 0.75f - au);
    const float jaw = f->beard * step_between(cheek_line, cheek_line + 0.16f, v) *
                      step_between(0.02f, 0.10f, ellipse(p->u, v - mv, f->mouth_w, 0.09f) + 0.03f);
    const float lip = f->moustache * step_between(f->nose_v + 0.07f, f->nose_v + 0.14f, v) *
                      step_between(mv + 0.02f, mv - 0.05f, v) *
                      step_between(f->mouth_w + 0.12f, f->mouth_w - 0.02f, au);
    const float side = f->beard * step_between(0.68f, 0.84f, au) * step_between(-0.1f, 0.25f, v);
    return maxf(jaw, maxf(lip, side));
}

static rgb with_nose(const face *f, rgb colour, float u, float v, float side_light)
{
    const float au = u < 0 ? -u : u, hole = ellipse(au - 0.075f, v - f->nose_v - 0.018f, 0.046f, 0.024f);
    colour = times(colour, 1 - 0.72f * clamp01(0.5f - hole / maxf(f->px, 0.018f)));
    const float under = step_between(f->nose_v - 0.02f, f->nose_v + 0.05f, v) * step_between(0.19f, 0.08f, au) *
                        step_between(f->nose_v + 0.16f, f->nose_v + 0.06f, v);
    const float wing = ellipse(au - f->nose_w * 0.72f, v - f->nose_v + 0.035f, 0.085f, 0.088f);
    const float crease =
        step_between(0.045f, 0, wing < 0 ? -wing : wing) * step_between(f->nose_w * 0.7f, f->nose_w, au);
    const float cast = side_light * step_between(0.30f, 0.12f, au) *
                       step_between(f->eye_v + 0.1f, f->nose_v - 0.1f, v) *
                       step_between(f->nose_v + 0.12f, f->nose_v, v) * step_between(0.04f, 0.15f, au);
    const float dark = 0.30f * under + 0.28f * crease + 0.20f * cast;
    return times_rgb(colour, (rgb){1 - 0.75f * dark, 1 - dark, 1 - dark});
}

void fpc_face_head(const canvas *c, const face *f)
{
    struct relief relief;
    make_relief(f, &relief);
    const int bald = f->style == HAIR_NONE;
    const box b = fpc_face_box(f, c, -1.15f, -1.5f, 1.15f, 1.45f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            if (p.x * p.x + 0.4f * p.y * p.y > 1.4f)
                continue; /* surely beside the head */
            const float d = fpc_face_outline(f, &p), a = cover(f, d);
            if (a <= 0)
                continue;
            const int32_t at = row * c->n + col;
            const float ua = p.u < 0 ? -p.u : p.u;
            const float window = bald || (ua < 0.42f && p.v > -0.30f) ? -1 : fpc_face_window(f, &p);
            if (window > 0.10f && p.y < -0.3f)
                continue; /* under the hair */
            const float nu = nose_u(f, p.u, p.v);
            const int on_nose = nose_shape(f, nu, p.v) < 0;
            float su, sv;
            relief_slope(&relief, mixf(p.u, nu, step_between(0.5f, 0.15f, nu < 0 ? -nu : nu)), p.v, &su, &sv);
            const float nx = 0.80f * p.x - su * 0.95f, ny = 0.42f * p.y - sv * 0.95f, nz = 0.62f * p.depth + 0.34f;
            const float fuzz = f->beard + f->moustache > 0 && p.v > -0.1f ? beard_at(f, &p) : 0;
            rgb skin = skin_tone(f, &p, f->seed);
            if (fuzz > 0) {
                const float grit =
                    noise2(f->seed + 43, p.u * 60, p.v * 30) * 0.6f + noise2(f->seed + 44, p.u * 23, p.v * 11) * 0.4f;
                skin = mix_rgb(skin, times(f->hair, 0.7f + 0.7f * grit), fuzz * (0.55f + 0.4f * grit));
            }
            const float oily = step_between(0.55f, 0.1f, nu < 0 ? -nu : nu) + 0.4f;
            rgb colour = lit(f, skin, nx, ny, nz, 0.22f, f->shine * oily * (1 - 0.7f * fuzz));
            if (nu < 0.35f && nu > -0.35f && p.v > f->eye_v && p.v < f->nose_v + 0.2f)
                colour = with_nose(f, colour, nu, p.v, clamp01((nu > 0 ? -f->lx : f->lx) * 1.4f));
            const float rim = step_between(0, -0.16f, d);
            float shade = 0.80f + 0.20f * rim;
            shade *= 1 - 0.38f * step_between(-0.17f, 0.02f, window); /* hair shadows the skin next to it */
            lay_label(c, at, times_rgb(colour, (rgb){0.15f + 0.85f * shade, shade, shade}), a, on_nose ? NOSE : SKIN);
        }
}

/* ---- ears: flat shells behind the face; a turned head hides one and shows more of the other ---- */
void fpc_face_ears(const canvas *c, const face *f)
{
    for (int side = 0; side < 2; side++) {
        if (!f->ear[side])
            continue;
        const float sign = side ? 1.0f : -1.0f, wide = f->ear_size * (0.165f - sign * 0.16f * f->yaw_s),
                    tall = 0.30f * f->ear_size;
        const float x0 = sign * (f->cheek + 0.015f) - 0.20f * f->yaw_s, y0 = 0.08f - f->pitch * 0.2f;
        if (wide < 0.03f)
            continue;
        const box b = fpc_face_box(f, c, x0 - 0.4f, y0 - 0.5f, x0 + 0.4f, y0 + 0.5f);
        for (int32_t row = b.y0; row < b.y1; row++)
            for (int32_t col = b.x0; col < b.x1; col++) {
                const spot p = spot_at(f, c, col, row);
                const float y = p.y - y0, x = sign * (p.x - x0) + 0.22f * y, taper = 1 - 0.28f * clamp01(y / tall);
                const float d = ellipse(x / taper, y, wide, tall), a = cover(f, d);
                if (a <= 0)
                    continue;
                const float bowl = ellipse(x + 0.02f, y + 0.02f, wide * 0.50f, tall * 0.55f);
                const float fold = ellipse(x + 0.01f, y + 0.03f, wide * 0.74f, tall * 0.78f);
                const float dark =
                    0.50f * step_between(0.04f, -0.05f, bowl) + 0.22f * step_between(0.03f, 0, fold < 0 ? -fold : fold);
                const rgb red = times_rgb(f->skin, (rgb){0.98f, 0.84f, 0.82f});
                const rgb colour = lit(f, red, sign * x * 3, y * 0.8f, 0.8f, 0.4f, 0.03f);
                lay_label(c, row * c->n + col, times(colour, 1 - dark), a, side ? L_EAR : R_EAR);
            }
    }
}
