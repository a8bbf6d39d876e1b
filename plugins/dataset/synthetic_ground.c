/* synthetic_ground.c: what lies behind and below the head (background, neck, shoulders, clothes, necklace), and the
 * last pass: the camera (exposure, contrast, vignette, noise) and the rounding to bytes. */
#include "synthetic.h"

/* ---- background ---- */
static rgb plain(const face *f, float x, float y)
{
    const float t = clamp01(0.5f + 0.35f * (x * f->ground_dx + y * f->ground_dy));
    return mix_rgb(f->ground_a, f->ground_b, t);
}

/* Soft-edged bars, as of a curtain. */
static rgb bars(const face *f, float x, float y)
{
    const float t = (x + 0.4f * f->ground_dx * y) * f->ground_rate + 0.6f * noise1(f->seed + 21, x * 3);
    const float in = t - floor_of(t), up = in < 0.5f ? in * 2 : 2 - in * 2;
    return times(mix_rgb(f->ground_a, f->ground_b, step_between(0.1f, 0.9f, up)), 0.75f + 0.25f * up);
}

static rgb clouds(const face *f, float x, float y)
{
    const float a = noise2(f->seed + 22, x * f->ground_rate * 0.6f, y * f->ground_rate * 0.6f);
    const float b = noise2(f->seed + 23, x * f->ground_rate * 1.7f, y * f->ground_rate * 1.7f);
    return mix_rgb(f->ground_a, f->ground_b, step_between(0.15f, 0.85f, 0.65f * a + 0.35f * b));
}

/* A wall with rows of blurred signs. */
static rgb wall(const face *f, float x, float y)
{
    const float cy = y * f->ground_rate * 0.5f, iy = floor_of(cy);
    const float cx = x * f->ground_rate * 0.35f + iy * 0.5f, ix = floor_of(cx);
    const float px = cx - ix - 0.5f, py = cy - iy - 0.5f;
    const float in = step_between(0.38f, 0.28f, px < 0 ? -px : px) * step_between(0.28f, 0.16f, py < 0 ? -py : py);
    const float tone = lattice(f->seed + 24, (int32_t)ix, (int32_t)iy);
    const rgb light = mix_rgb((rgb){0.9f, 0.9f, 0.9f}, f->ground_a, 0.25f);
    return mix_rgb(light, tone < 0.5f ? f->ground_a : f->ground_b, in * 0.85f);
}

void fpc_face_ground(const canvas *c, const face *f)
{
    const float step = 2 / (float)c->n;
    for (int32_t row = 0; row < c->n; row++) {
        const float y = ((float)row + 0.5f) * step - 1;
        for (int32_t col = 0; col < c->n; col++) {
            const float x = ((float)col + 0.5f) * step - 1;
            rgb colour = f->ground == 2   ? bars(f, x, y)
                         : f->ground == 3 ? clouds(f, x, y)
                         : f->ground == 4 ? wall(f, x, y)
                                          : plain(f, x, y);
            for (int i = 0; i < f->n_discs; i++) {
                const disc *d = &f->discs[i];
                const float dx = x - d->x, dy = y - d->y, q = dx * dx + dy * dy, r = d->r + d->soft;
                if (q < r * r)
                    colour = mix_rgb(colour, d->colour, 0.7f * clamp01((r - sqrtf(q)) / (2 * d->soft)));
            }
            c->pixel[(int64_t)row * c->n + col] = colour;
            c->label[(int64_t)row * c->n + col] = BACKGROUND;
        }
    }
}

/* ---- neck and shoulders ---- */
static float neck_half(const face *f, float y)
{
    const float low = maxf(0, y - 1.12f);
    return f->neck_w * (1 - 0.05f * y) + 0.9f * low * low;
}

/* Folds and patterns. x, y: upright head units. */
static rgb cloth_at(const face *f, float x, float y)
{
    rgb colour = f->cloth_colour;
    const float ax = x < 0 ? -x : x, fold = noise2(f->seed + 31, x * 3.1f, y * 2.3f) - 0.5f;
    if (f->cloth_pattern == 2) {
        const float t = y * 9 + 0.3f * fold;
        colour = mix_rgb(colour, f->cloth_second, step_between(0.35f, 0.65f, t - floor_of(t)));
    } else if (f->cloth_pattern == 3) {
        const float s = x * 7, t = y * 7, a = s - floor_of(s), b = t - floor_of(t);
        colour =
            mix_rgb(colour, f->cloth_second, 0.4f * step_between(0.4f, 0.6f, a) + 0.4f * step_between(0.4f, 0.6f, b));
    } else if (f->cloth_pattern == 4) { /* a jacket over a shirt */
        const float lapel = 0.16f + 0.75f * (y - f->shoulder);
        colour = ax < lapel ? mix_rgb(f->cloth_second, (rgb){0.9f, 0.9f, 0.9f}, 0.5f) : times(colour, 0.5f);
        colour = times(colour, 1 - 0.5f * step_between(0.06f, 0, ax < lapel ? lapel - ax : (ax - lapel) * 0.5f));
    }
    return times(colour, 1 + 0.45f * fold);
}

static float cloth_edge(const face *f, float x)
{
    const float ax = x < 0 ? -x : x, r = ax / 0.66f;
    const float vee = 0.40f * maxf(0, 1 - r), round = 0.22f * maxf(0, 1 - r * r);
    return f->neckline - 0.10f + (f->cloth_pattern == 4 ? vee * 0.6f : mixf(round, vee, f->vee));
}

static void lay_necklace(const canvas *c, const face *f, int32_t at, float x, float y)
{
    const float w = x / f->neck_w, bottom = f->neckline - 0.07f, curve = bottom - 0.26f * w * w;
    if (w * w > 1.2f)
        return;
    const float slope = 0.52f * w / f->neck_w, k = 1 / sqrtf(1 + slope * slope);
    float d = (y - curve < 0 ? curve - y : y - curve) * k - (f->necklace == 2 ? 0.026f : 0.013f), shade = 1;
    if (f->necklace == 2) { /* pearls */
        const float t = x * 19 / k, in = t - floor_of(t) - 0.5f;
        shade = 1.15f - 2.2f * in * in - 4 * (y - curve + 0.012f) * (in + 0.2f);
    } else {
        const float t = x * 28, in = t - floor_of(t);
        shade = 0.7f + 0.5f * in;
        d = minf(d, ellipse(x, y - bottom - 0.045f, 0.034f, 0.046f));
    }
    const float a = cover(f, d);
    if (a > 0)
        lay_label(c, at, times(f->necklace == 2 ? (rgb){0.93f, 0.90f, 0.86f} : f->metal, shade), a, NECKLACE);
}

void fpc_face_body(const canvas *c, const face *f)
{
    const box b = fpc_face_box(f, c, -4, 0.3f, 4, 5);
    const float shoulder = f->shoulder + (f->cloth ? 0 : 0.24f);
    for (int32_t row = b.y0; row < b.y1; row++)
        for (int32_t col = b.x0; col < b.x1; col++) {
            const spot p = spot_at(f, c, col, row);
            const float x = f->roll_c * p.x - f->roll_s * p.y - 0.05f * f->yaw_s, y = f->roll_s * p.x + f->roll_c * p.y;
            const float ax = x < 0 ? -x : x, half = neck_half(f, y);
            const float torso = shoulder + 0.09f * ax * ax - y, neck = maxf(ax - half, 0.3f - y), d = minf(neck, torso);
            const float a = cover(f, d);
            if (a <= 0)
                continue;
            const int32_t at = row * c->n + col;
            const float side = x / maxf(half, 0.3f), on = step_between(0.10f, -0.14f, torso),
                        flat = mixf(0.85f, 0.40f, on);
            const float nz = sqrtf(maxf(0.05f, 1 - minf(1, side * side) * flat * flat));
            spot below = p;
            below.x += f->lx * 0.15f, below.y -= 0.16f;
            const float near_face = fpc_face_outline(f, &below);
            const float shadow = 0.50f + 0.50f * step_between(-0.10f, 0.32f, near_face);
            const float tendon = noise2(f->seed + 32, x * 4, y * 1.5f) - 0.5f;
            rgb skin =
                lit(f, times(f->skin, 0.95f + 0.06f * tendon), side * flat, mixf(0.1f, -0.35f, on), nz, 0.25f, 0.02f);
            skin = times_rgb(skin, (rgb){shadow + 0.06f, shadow, shadow * 0.98f});
            lay_label(c, at, skin, a, NECK);
            if (f->necklace)
                lay_necklace(c, f, at, x, y);
            const float cloth = maxf(torso, cloth_edge(f, x) - y), ca = f->cloth ? cover(f, cloth) : 0;
            if (ca > 0) {
                const rgb colour = lit(f, cloth_at(f, x, y), x * 0.35f, -0.35f, 0.9f, 0.2f, 0);
                lay_label(c, at, times(colour, 0.75f + 0.25f * step_between(0, 0.07f, -cloth)), ca, CLOTH);
            }
        }
}

/* ---- the camera ---- */
static uint8_t to_byte(float x)
{
    x = x > 0.82f ? 0.82f + (x - 0.82f) / (1 + 2.4f * (x - 0.82f)) : x; /* film does not clip */
    x = x * 255 + 0.5f;
    return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x);
}

static float grain(uint32_t h)
{
    return ((float)((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24)) - 510) * (1 / 148.0f);
}

void fpc_face_finish(const canvas *c, const face *f, uint8_t *image)
{
    const float step = 2 / (float)c->n;
    for (int32_t row = 0; row < c->n; row++) {
        const float y = ((float)row + 0.5f) * step - 1;
        for (int32_t col = 0; col < c->n; col++) {
            const int64_t at = (int64_t)row * c->n + col;
            const float x = ((float)col + 0.5f) * step - 1, dim = 1 - f->vignette * 0.5f * (x * x + y * y);
            const uint32_t h = scramble(f->seed ^ (uint32_t)at * 0x9e3779b1u), k = scramble(h);
            const float light = f->noise * grain(h), tint = f->noise * 0.6f * grain(k);
            const rgb p = c->pixel[at];
            const float r = (p.r * f->grade.r * dim - 0.45f) * f->contrast + 0.45f + light + tint;
            const float g = (p.g * f->grade.g * dim - 0.45f) * f->contrast + 0.45f + light;
            const float b = (p.b * f->grade.b * dim - 0.45f) * f->contrast + 0.45f + light - tint;
            image[at * 3] = to_byte(r);
            image[at * 3 + 1] = to_byte(g);
            image[at * 3 + 2] = to_byte(b);
        }
    }
}
