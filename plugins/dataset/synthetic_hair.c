/* synthetic_hair.c: hair behind the neck, hair around the face, a bun. Strands follow meridians from the parting:
 * t = (x - part) / g(y) is constant along a strand, and noise over t with little change along y is what strands are. */
#include "synthetic.h"

static int covers_ears(const face *f)
{
    return f->style == HAIR_LONG || f->style == HAIR_BOB;
}

/* Locks at the outline. */
static float roughness(const face *f, const spot *p)
{
    const float side = p->x < 0 ? 50 : 0;
    return (noise1(f->seed + 61, p->y * 6 + side) - 0.5f) * (0.03f + f->wave * 1.4f) +
           (noise1(f->seed + 62, p->y * 21 + side) - 0.5f) * (0.012f + 0.04f * f->curl);
}

/* Where the strands at this x end. */
static float lower_end(const face *f, const spot *p, int behind)
{
    if (!covers_ears(f))
        return behind ? 0.55f : f->hair_end + 0.06f * noise1(f->seed + 65, p->x * 30);
    if (p->y < f->hair_end - 0.3f)
        return f->hair_end;
    return f->hair_end + 0.05f - noise1(f->seed + 63, p->x * 13) * 0.16f - noise1(f->seed + 64, p->x * 37) * 0.07f;
}

/* The outline of all hair, without the opening for the face. */
static float hair_outline(const face *f, const spot *p, int behind)
{
    const float a = f->cheek + f->volume_side, b = f->skull + f->volume_top, y0 = 0.05f, x = p->x - f->yaw_s * 0.05f;
    if (p->y < y0) { /* flatter on top than an ellipse */
        const float s = x / a, t = (p->y - y0) / (b + y0), s2 = s * s, t2 = t * t;
        const float d = (mixf(sqrtf(s2 + t2), sqrtf(sqrtf(s2 * s2 + t2 * t2)), 0.3f) - 1) * a;
        return d > 0.2f || d < -0.2f ? d : d + roughness(f, p) * 0.6f;
    }
    const float along = p->y - y0, ax = x < 0 ? -x : x;
    const float tight =
        behind ? a - 1.1f * along : f->cheek + 0.02f + (f->volume_side - 0.02f) * maxf(0, 1 - 5 * along);
    const float edge = ax - (covers_ears(f) ? a + f->flare * along : tight);
    const float rough = !covers_ears(f) || edge > 0.25f || edge < -0.25f ? 0 : roughness(f, p);
    return maxf(edge - rough, p->y - lower_end(f, p, behind));
}

/* Colour of the strand at p: banded noise, a sheen where the head faces the light, dark towards `deep`. */
static rgb strand(const face *f, const spot *p, float deep)
{
    const float up = p->y - 0.3f, g = up < 0 ? sqrtf(maxf(0.03f, 1 - up * up * 0.30f)) : 1 + 0.10f * up;
    const float wavy = f->curl > 0 ? f->wave * 1.8f * (noise1(f->seed + 66, p->y * f->wave_rate) - 0.5f) : 0;
    const float t = (p->x - f->part * (1 - 0.6f * step_between(-0.6f, 0.4f, up))) / g + wavy + f->sweep * 0.25f * p->y;
    const float fine = minf(54, 0.42f / f->px);
    const float locks = noise2(f->seed + 67, t * 8, p->y * 1.4f), fibre = noise2(f->seed + 68, t * fine, p->y * 3.1f);
    const float curls = f->curl > 0.35f ? (noise2(f->seed + 69, p->x * 9, p->y * 9) - 0.5f) * f->curl : 0;
    const float tone = 0.42f + 0.55f * locks + 0.42f * (fibre - 0.5f) + 0.5f * curls;
    const float a = f->cheek + f->volume_side, nx = p->x / a, ny = (p->y + 0.1f) / 1.7f;
    const float nz = sqrtf(maxf(0.08f, 1 - nx * nx - (ny < 0 ? ny * ny : 0.15f * ny * ny)));
    rgb colour = lit(f, times(f->hair, 0.50f + 0.85f * tone), nx * 0.9f, ny * 0.7f, nz, 0.25f, 0);
    const float band = nx * f->lx * 0.8f + ny + 0.42f + 0.12f * (locks - 0.5f), sheen = maxf(0, 1 - band * band * 9);
    const float gloss = sheen * (0.35f + 0.65f * fibre) * (1 - 0.6f * f->curl) * 0.30f * f->key;
    colour = plus(colour, mix_rgb((rgb){1, 1, 1}, f->hair, 0.55f), gloss * (0.35f + 0.9f * f->hair.r));
    return times(colour, 1 - deep);
}

void fpc_face_hair_behind(const canvas *c, const face *f)
{
    const int covers = covers_ears(f);
    if (f->style == HAIR_NONE)
        return;
    const box b =
        fpc_face_box(f, c, covers ? -2.2f : -1.4f, -1.4f, covers ? 2.2f : 1.4f, f->hair_end > 1.3f ? 3.6f : 1.5f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const float ax = p.x < 0 ? -p.x : p.x;
            if ((ax < 0.5f && p.y > -0.9f && p.y < 0.6f) || (covers && ax > 1.2f) || fpc_face_outline(f, &p) < -0.05f ||
                (covers && fpc_face_window(f, &p) > 0.08f))
                continue; /* the face, or the hair in front, will cover it */
            const float a = cover(f, hair_outline(f, &p, 1));
            if (a > 0)
                lay_label(c, row * c->n + col, strand(f, &p, 0.55f * step_between(1.0f, 0.3f, ax)), a, HAIR);
        }
}

static void lay_bun(const canvas *c, const face *f)
{
    const float y0 = -f->skull - 0.16f, x0 = f->part * 0.4f + 0.1f * f->yaw_s;
    const box b = fpc_face_box(f, c, x0 - 0.6f, y0 - 0.5f, x0 + 0.6f, y0 + 0.5f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const float x = p.x - x0, y = p.y - y0, d = ellipse(x, y, 0.40f, 0.30f), a = cover(f, d);
            if (a <= 0)
                continue;
            const float turn = noise2(f->seed + 70, (x * x + y * y) * 60 + x * 8, y * 6);
            const rgb colour = lit(f, times(f->hair, 0.55f + 0.8f * turn), x * 2.2f, y * 2.8f, 0.6f, 0.2f, 0.05f);
            lay_label(c, row * c->n + col, times(colour, 0.7f + 0.3f * step_between(0, -0.1f, d)), a, HAIR);
        }
}

void fpc_face_hair(const canvas *c, const face *f)
{
    if (f->style == HAIR_NONE)
        return;
    if (f->bun)
        lay_bun(c, f);
    const box b = fpc_face_box(f, c, -2.2f, -1.9f, 2.2f, f->hair_end > 1.3f ? 3.6f : 1.5f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            if (p.depth > 0.75f && p.v > 0.1f && p.u < 0.4f && p.u > -0.4f)
                continue; /* the middle of the face is always open */
            const float out = hair_outline(f, &p, 0);
            if (out > f->px)
                continue;
            const float window = fpc_face_window(f, &p), d = maxf(out, -window), a = cover(f, d);
            if (a <= 0)
                continue;
            const float edge = step_between(0.16f, 0, window) * 0.30f + step_between(0.10f, 0, -out) * 0.12f;
            lay_label(c, row * c->n + col, strand(f, &p, edge), a, HAIR);
        }
}
