/* synthetic_face.c: draws the numbers that describe one face, and the shapes and boxes that the painting layers share.
 * Frequencies follow CelebAMask-HQ (the share of pictures that show a class). A number drawn further down never changes
 * one drawn further up. */
#include "synthetic.h"
#include <string.h>

/* Draws in order: the n-th call takes the n-th word of the counter RNG. */
struct dice {
    fpc_rng rng;
    uint32_t next;
    fpc_u32x4 words;
};

static float unit(struct dice *d)
{
    if (d->next % 4 == 0)
        d->words = fpc_philox(d->rng, d->next / 4);
    return fpc_unit(d->words.v[d->next++ % 4]);
}
static float between(struct dice *d, float lo, float hi)
{
    return lo + (hi - lo) * unit(d);
}
static int chance(struct dice *d, float p)
{
    return unit(d) < p;
}
static int below(struct dice *d, int n)
{
    return (int)(unit(d) * (float)n);
}
/* Bell-shaped about 0, within (-1, 1), standard deviation 0.33. */
static float bell(struct dice *d)
{
    const float a = unit(d), b = unit(d), c = unit(d);
    return (a + b + c) * (2.0f / 3) - 1;
}
static rgb any_colour(struct dice *d, float grey, float bright)
{
    const rgb c = {unit(d), unit(d), unit(d)};
    const float m = (c.r + c.g + c.b) / 3, v = bright * between(d, 0.35f, 1.05f);
    const rgb mixed = mix_rgb(c, (rgb){m, m, m}, grey);
    return times(mixed, v / maxf(0.25f, maxf(mixed.r, maxf(mixed.g, mixed.b))));
}
static rgb along(const rgb *stops, int n, float t)
{
    const float at = t * (float)(n - 1);
    const int i = at < (float)(n - 2) ? (int)at : n - 2;
    return mix_rgb(stops[i], stops[i + 1], at - (float)i);
}

static void draw_pose(face *f, struct dice *d, int32_t size)
{
    const float roll = 0.16f * bell(d), yaw = 0.62f * bell(d), q = yaw * yaw, r = roll * roll;
    f->scale = 0.70f * (1 + 0.12f * bell(d));
    f->cx = 0.12f * bell(d) + 0.04f * yaw;
    f->cy = -0.04f + 0.10f * bell(d);
    f->roll_s = roll * (1 - r / 6 * (1 - r / 20));
    f->roll_c = sqrtf(1 - f->roll_s * f->roll_s);
    f->yaw_s = yaw * (1 - q / 6 * (1 - q / 20));
    f->yaw_c = sqrtf(1 - f->yaw_s * f->yaw_s);
    f->pitch = 0.16f * bell(d);
    f->px = 2 / ((float)size * f->scale);
    f->pixels = 1 / f->px;
}

static void draw_light(face *f, struct dice *d)
{
    f->lx = between(d, -0.85f, 0.85f);
    f->ly = between(d, -0.85f, 0.05f);
    f->lz = between(d, 0.55f, 1);
    const float k = 1 / sqrtf(f->lx * f->lx + f->ly * f->ly + f->lz * f->lz);
    f->lx *= k, f->ly *= k, f->lz *= k;
    const float h = 1 / sqrtf(f->lx * f->lx + f->ly * f->ly + (f->lz + 1) * (f->lz + 1));
    f->hx = f->lx * h, f->hy = f->ly * h, f->hz = (f->lz + 1) * h;
    f->fill = between(d, 0.26f, 0.55f);
    f->key = between(d, 0.88f, 1.04f) - f->fill * 0.85f;
    const float warm = bell(d), cool = bell(d);
    f->key_colour = (rgb){1 + 0.10f * warm, 1 + 0.01f * warm, 1 - 0.14f * warm};
    f->fill_colour = (rgb){1 - 0.08f * cool, 1, 1 + 0.12f * cool};
    f->shine = between(d, 0.03f, 0.22f);
    const float tint = bell(d), gain = 1 + 0.22f * bell(d);
    f->grade = (rgb){gain * (1 + 0.06f * tint), gain, gain * (1 - 0.07f * tint)};
    f->contrast = 1.04f + 0.18f * bell(d);
    f->vignette = between(d, 0, 0.28f);
    f->noise = 0.004f + 0.022f * unit(d) * unit(d);
}

static void draw_head(face *f, struct dice *d)
{
    static const rgb skins[] = {{0.97f, 0.83f, 0.75f}, {0.94f, 0.76f, 0.65f}, {0.88f, 0.67f, 0.54f},
                                {0.76f, 0.55f, 0.41f}, {0.57f, 0.38f, 0.27f}, {0.38f, 0.25f, 0.18f}};
    static const rgb irises[] = {{0.20f, 0.11f, 0.06f},
                                 {0.33f, 0.20f, 0.10f},
                                 {0.40f, 0.36f, 0.18f},
                                 {0.33f, 0.44f, 0.40f},
                                 {0.32f, 0.46f, 0.60f}};
    static const rgb lips[] = {{0.80f, 0.42f, 0.40f},
                               {0.78f, 0.26f, 0.30f},
                               {0.62f, 0.12f, 0.17f},
                               {0.84f, 0.44f, 0.50f},
                               {0.55f, 0.20f, 0.26f}};
    f->female = chance(d, 0.6f) ? 1 : 0;
    f->age = unit(d);
    const float tone = unit(d);
    f->skin = along(skins, 6, tone * (0.45f + 0.55f * tone));
    f->iris = along(irises, 5, unit(d) * (tone < 0.6f ? 1 : 0.35f));
    f->cheek = 0.87f + 0.035f * bell(d);
    f->chin = (f->female > 0 ? 1.22f : 1.28f) + 0.08f * bell(d);
    f->jaw = (f->female > 0 ? 0.27f : 0.18f) + 0.06f * bell(d);
    f->skull = 1.30f + 0.05f * bell(d);
    const int bearded = f->female == 0 && chance(d, 0.42f), full = chance(d, 0.4f);
    const float dense = between(d, 0.2f, full ? 0.95f : 0.45f);
    f->beard = bearded ? dense : 0;
    f->moustache = bearded ? minf(1, dense * 1.2f) : f->female == 0 && chance(d, 0.06f) ? 0.8f : 0;
    f->freckles = chance(d, 0.1f) ? unit(d) : 0;
    f->blush = between(d, 0.1f, f->female > 0 ? 0.9f : 0.5f);
    f->eye_u = 0.375f + 0.02f * bell(d);
    f->eye_v = -0.08f + 0.03f * bell(d);
    f->eye_w = 0.168f + 0.018f * bell(d);
    f->eye_up = 0.070f + 0.020f * bell(d);
    f->eye_low = 0.038f + 0.010f * bell(d);
    f->eye_slant = 0.02f + 0.07f * bell(d);
    f->gaze_x = 0.3f * bell(d) - f->yaw_s * 0.5f;
    f->gaze_y = 0.25f * bell(d);
    f->eyeshadow = f->female > 0 ? unit(d) : 0.1f;
    f->brow_v = f->eye_v - 0.255f + 0.04f * bell(d);
    f->brow_arch = 0.055f + 0.03f * bell(d);
    f->brow_thick = (f->female > 0 ? 0.043f : 0.058f) + 0.014f * bell(d);
    f->brow_tilt = 0.06f * bell(d);
    f->brow_len = 0.46f + 0.04f * bell(d);
    f->nose_w = (f->female > 0 ? 0.18f : 0.205f) + 0.03f * bell(d);
    f->nose_len = 0.51f + 0.05f * bell(d);
    f->nose_v = f->eye_v + f->nose_len;
    f->smile = between(d, -0.15f, 1);
    f->mouth_v = f->nose_v + 0.31f + 0.03f * bell(d) - 0.03f * f->smile;
    f->mouth_w = 0.285f + 0.03f * bell(d) + 0.06f * maxf(0, f->smile);
    f->lip_up = 0.082f + 0.022f * bell(d) - 0.012f * f->smile;
    f->lip_low = 0.122f + 0.028f * bell(d) - 0.012f * f->smile;
    f->open = chance(d, 0.57f) ? 0.04f + 0.15f * unit(d) * (0.5f + 0.5f * maxf(0, f->smile)) : 0;
    f->teeth = chance(d, 0.85f) ? 1 : 0;
    const rgb paint = along(lips, 5, unit(d));
    f->lip = mix_rgb(times_rgb(f->skin, (rgb){0.86f, 0.60f, 0.60f}), times(paint, 0.35f + 0.65f * (f->skin.r + 0.05f)),
                     f->female > 0 ? between(d, 0.15f, 0.85f) : 0.1f);
    f->ear_size = 1.08f + 0.12f * bell(d);
}

static void draw_hair(face *f, struct dice *d)
{
    static const rgb hairs[] = {{0.045f, 0.035f, 0.035f}, {0.11f, 0.07f, 0.05f}, {0.22f, 0.14f, 0.09f},
                                {0.36f, 0.23f, 0.13f},    {0.58f, 0.42f, 0.24f}, {0.78f, 0.65f, 0.42f}};
    const float t = unit(d), pick = unit(d), dark = f->skin.r < 0.8f ? 0.35f : 1;
    f->hair = along(hairs, 6, t * dark);
    if (chance(d, 0.09f))
        f->hair = mix_rgb(f->hair, (rgb){0.48f, 0.17f, 0.07f}, 0.7f);
    if (f->age > 0.84f)
        f->hair = mix_rgb(f->hair, (rgb){0.66f, 0.65f, 0.64f}, between(d, 0.3f, 0.95f));
    if (f->female > 0)
        f->style = pick < 0.60f ? HAIR_LONG : pick < 0.72f ? HAIR_BOB : pick < 0.985f ? HAIR_BACK : HAIR_NONE;
    else
        f->style = pick < 0.84f ? HAIR_SHORT : pick < 0.89f ? HAIR_BOB : pick < 0.935f ? HAIR_LONG : HAIR_NONE;
    const float more = unit(d), wide = unit(d), wavy = unit(d);
    f->part = 0.32f * bell(d);
    f->fringe = chance(d, f->style == HAIR_LONG || f->style == HAIR_BOB ? 0.28f : 0.1f) ? between(d, 0.5f, 1) : 0;
    f->hairline = -0.93f + 0.08f * bell(d) + 0.44f * f->fringe;
    f->notch = f->fringe > 0 ? 0 : between(d, 0, 0.14f);
    f->sweep = f->fringe > 0 ? 0.12f * bell(d) : 0.45f * bell(d);
    f->curl = wavy > 0.7f ? (wavy - 0.7f) * 3 : 0;
    f->wave = f->curl * between(d, 0.04f, 0.10f);
    f->wave_rate = between(d, 3, 7);
    f->bun = f->style == HAIR_BACK && chance(d, 0.35f);
    f->hair_end = f->style == HAIR_LONG ? between(d, 1.5f, 3) : between(d, 0.85f, 1.25f);
    f->flare = between(d, -0.02f, 0.26f);
    f->volume_top = 0.08f + 0.24f * more;
    switch (f->style) {
    case HAIR_LONG:
    case HAIR_BOB:
        f->volume_side = 0.22f + 0.46f * wide;
        f->volume_top += 0.03f;
        f->window = between(d, 0.66f, 0.87f);
        break;
    case HAIR_SHORT:
        f->volume_side = 0.055f + 0.06f * wide + 0.12f * f->curl;
        f->window = between(d, 0.82f, 0.90f);
        f->hair_end = between(d, -0.02f, 0.22f);
        break;
    default:
        f->volume_side = 0.035f + 0.05f * wide;
        f->volume_top *= 0.7f;
        f->window = between(d, 0.82f, 0.88f);
        f->hair_end = between(d, -0.05f, 0.10f);
    }
    const int covered = f->style == HAIR_LONG || f->style == HAIR_BOB;
    for (int side = 0; side < 2; side++)
        f->ear[side] = chance(d, covered ? 0.30f + 0.14f * (float)side : 0.90f + 0.07f * (float)side);
}

static void draw_wear(face *f, struct dice *d)
{
    static const rgb metals[] = {{0.92f, 0.76f, 0.36f}, {0.86f, 0.86f, 0.88f}, {0.80f, 0.52f, 0.42f}};
    f->glasses = chance(d, 0.062f) ? 1 + chance(d, 0.45f) : 0;
    f->lens_w = 0.30f + 0.03f * bell(d);
    f->lens_h = 0.21f + 0.06f * bell(d);
    f->lens_round = between(d, 0.05f, 0.2f);
    f->frame = between(d, 0.014f, 0.045f);
    f->frame_colour = chance(d, 0.6f) ? (rgb){0.06f, 0.05f, 0.05f} : any_colour(d, 0.4f, 0.6f);
    f->lens_colour = mix_rgb((rgb){0.05f, 0.05f, 0.06f}, (rgb){0.25f, 0.15f, 0.08f}, unit(d));
    f->hat = chance(d, 0.052f) ? 1 + below(d, 3) : HAT_NONE;
    f->hat_v = -0.50f + 0.12f * bell(d);
    f->hat_colour = any_colour(d, 0.5f, 0.9f);
    f->hat_band = any_colour(d, 0.4f, 0.8f);
    const int jewels = chance(d, f->female > 0 ? 0.36f : 0.03f);
    f->earring = jewels ? 1 + below(d, 3) : 0;
    f->earring_size = between(d, 0.7f, 1.35f);
    f->necklace = chance(d, f->female > 0 ? 0.072f : 0.01f) ? 1 + below(d, 2) : 0;
    f->metal = metals[below(d, 3)];
    f->cloth = chance(d, 0.60f);
    f->cloth_pattern = below(d, 5);
    f->cloth_colour = any_colour(d, 0.55f, 0.95f);
    f->cloth_second = any_colour(d, 0.5f, 0.95f);
    f->neck_w = (f->female > 0 ? 0.50f : 0.60f) + 0.05f * bell(d);
    f->shoulder = 1.14f + 0.10f * bell(d);
    f->neckline = 1.28f + 0.14f * bell(d) - (f->female > 0 ? 0 : 0.08f);
    f->vee = between(d, 0, 1);
    f->occluder = chance(d, 0.045f) ? 1 + below(d, 2) : 0;
    const float side = chance(d, 0.5f) ? 1 : -1;
    f->occ_x = side * between(d, 0.35f, 0.8f);
    f->occ_y = between(d, 0.55f, 1.05f);
    f->occ_dx = side * between(d, 0.25f, 0.7f);
    f->occ_dy = between(d, 0.6f, 1);
    f->occ_size = between(d, 0.85f, 1.15f);
}

static void draw_ground(face *f, struct dice *d)
{
    f->ground = below(d, 5);
    f->ground_a = any_colour(d, between(d, 0.3f, 1), 1);
    f->ground_b = mix_rgb(f->ground_a, any_colour(d, 0.4f, 1), between(d, 0.2f, 1));
    f->ground_dx = bell(d) * 1.6f;
    f->ground_dy = bell(d) * 1.6f;
    f->ground_rate = between(d, 1.5f, 6);
    f->n_discs = f->ground == 1 ? 4 + below(d, MAX_DISCS - 4) : f->ground == 0 ? below(d, 3) : 0;
    for (int i = 0; i < f->n_discs; i++) {
        f->discs[i].x = between(d, -1.1f, 1.1f);
        f->discs[i].y = between(d, -1.1f, 1.1f);
        f->discs[i].r = between(d, 0.08f, 0.40f);
        f->discs[i].soft = between(d, 0.02f, 0.25f);
        f->discs[i].colour = any_colour(d, 0.35f, 1.1f);
    }
}

void fpc_face_draw(face *f, fpc_rng rng, int32_t size)
{
    memset(f, 0, sizeof *f);
    struct dice pose = {.rng = rng}, light = {.rng = rng}, head = {.rng = rng}, hair = {.rng = rng},
                wear = {.rng = rng}, ground = {.rng = rng};
    pose.rng.stream = fpc_hash("synthetic pose");
    light.rng.stream = fpc_hash("synthetic light");
    head.rng.stream = fpc_hash("synthetic head");
    hair.rng.stream = fpc_hash("synthetic hair");
    wear.rng.stream = fpc_hash("synthetic wear");
    ground.rng.stream = fpc_hash("synthetic ground");
    rng.stream = fpc_hash("synthetic texture");
    f->seed = fpc_philox(rng, 0).v[0];
    draw_pose(f, &pose, size);
    draw_light(f, &light);
    draw_head(f, &head);
    draw_hair(f, &hair);
    draw_wear(f, &wear);
    draw_ground(f, &ground);
    if (f->hat) { /* it presses the hair to the head */
        f->volume_side = minf(f->volume_side, 0.15f);
        f->volume_top = 0.04f;
        f->bun = 0;
    }
}

/* ---- shared shapes ---- */
float fpc_face_outline(const face *f, const spot *p)
{
    /* A turned head shows its chin and forehead off the middle, since they lie before its axis. */
    const float x = p->x - f->yaw_s * (0.13f + 0.10f * p->y), y = p->y - f->pitch * 0.35f;
    if (y < 0)
        return ellipse(x, y, f->cheek, f->skull);
    const float t = y / f->chin, narrow = 1 - f->jaw * t * t * minf(t, 1.2f);
    return ellipse(x / narrow, y, f->cheek, f->chin) * (1 - 0.3f * f->jaw * t);
}

/* The hairline above, seen as if its locks were combed by `lock`. */
static float hairline_at(const face *f, const spot *p, float lock)
{
    const float u = p->u - f->part * 0.3f, side = p->u - f->part * 1.3f, gap = side < 0 ? -side : side;
    const float v = p->v - f->sweep * side + f->notch * maxf(0, 1 - 2.2f * gap) + lock, top = 0.02f - f->hairline;
    if (v < 0.02f) {
        /* Flatter than an ellipse, a fringe most of all: the hairline runs across before it turns down. */
        const float a = u / f->window, b = (v - 0.02f) / top, a2 = a * a, b2 = b * b;
        const float round = sqrtf(a2 + b2), flat = sqrtf(sqrtf(a2 * a2 + b2 * b2));
        return (mixf(round, flat, 0.35f + 0.5f * f->fringe) - 1) * minf(f->window, top);
    }
    return (u < 0 ? -u : u) - f->window * (1 - 0.13f * step_between(0.4f, 1.5f, v));
}

float fpc_face_window(const face *f, const spot *p)
{
    const float smooth = hairline_at(f, p, 0);
    if (smooth < -0.2f || smooth > 0.2f)
        return smooth; /* locks are not as long */
    const float lock = (noise1(f->seed + 11, p->u * 9) - 0.5f) * (0.05f + 0.05f * f->fringe) +
                       (noise1(f->seed + 12, p->u * 31) - 0.5f) * 0.03f;
    const float wave = f->wave > 0 ? (noise1(f->seed + 13, p->y * 5 + (p->u < 0 ? 40 : 0)) - 0.5f) * f->wave * 1.6f : 0;
    return hairline_at(f, p, lock) + wave * step_between(-0.1f, 0.1f, p->v);
}

/* ---- boxes ---- */
box fpc_face_box(const face *f, const canvas *c, float x0, float y0, float x1, float y1)
{
    float lx = 1e9f, ly = 1e9f, hx = -1e9f, hy = -1e9f;
    for (int i = 0; i < 4; i++) {
        const float x = i & 1 ? x1 : x0, y = i & 2 ? y1 : y0;
        const float X = f->cx + f->scale * (f->roll_c * x - f->roll_s * y);
        const float Y = f->cy + f->scale * (f->roll_s * x + f->roll_c * y);
        const float half = (float)c->n * 0.5f, col = (X + 1) * half, row = (Y + 1) * half;
        lx = minf(lx, col), hx = maxf(hx, col), ly = minf(ly, row), hy = maxf(hy, row);
    }
    const float n = (float)c->n;
    return (box){(int32_t)maxf(0, floor_of(minf(lx, n)) - 1), (int32_t)maxf(0, floor_of(minf(ly, n)) - 1),
                 (int32_t)maxf(0, minf(n, floor_of(hx) + 3)), (int32_t)maxf(0, minf(n, floor_of(hy) + 3))};
}

box fpc_face_box_uv(const face *f, const canvas *c, float u0, float v0, float u1, float v1)
{
    /* x = (u + depth 0.92 sin yaw) / cos yaw with depth in 0 .. 1. */
    const float shift = 0.92f * f->yaw_s, k = 1 / f->yaw_c;
    const float lo = u0 + minf(0, shift), hi = u1 + maxf(0, shift);
    return fpc_face_box(f, c, minf(lo, lo * k), v0 + minf(0, f->pitch), maxf(hi, hi * k), v1 + maxf(0, f->pitch));
}
