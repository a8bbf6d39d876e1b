/* synthetic.h: how a drawn face is described and painted. One face is a struct of numbers drawn from the counter RNG
 * (synthetic_face.c) and painted back to front by the other files; each layer writes colour and label together, so they
 * cannot disagree.
 *
 * Head coordinates: origin at the middle of the head, x to the picture's right, y down, 1 is about the half width of a
 * head. (x, y) lie in the picture plane; (u, v) lie on the face, which yaw and pitch have turned under the camera.
 * Only + - * / and sqrt of floats are used, so the same bytes come out everywhere. */
#ifndef DATASET_SYNTHETIC_H
#define DATASET_SYNTHETIC_H

#include <fpcore/plugin.h>
#include <fpcore/rng.h>
#include <math.h>
#include "classes.h"

typedef struct rgb {
    float r, g, b;
} rgb;

typedef struct canvas {
    int32_t n; /* n x n */
    rgb *pixel;
    uint8_t *label;
} canvas;

typedef struct spot {
    float x, y, u, v, depth; /* depth: 1 towards the camera, 0 at the outline */
} spot;

enum { HAIR_NONE, HAIR_SHORT, HAIR_BACK, HAIR_BOB, HAIR_LONG };
enum { HAT_NONE, HAT_BEANIE, HAT_CAP, HAT_BRIM };
enum { MAX_DISCS = 10 };

typedef struct disc {
    float x, y, r, soft;
    rgb colour;
} disc;

typedef struct face {
    uint32_t seed; /* of the textures */
    /* pose */
    float cx, cy, scale, roll_c, roll_s, yaw_c, yaw_s, pitch;
    float px, pixels; /* a pixel's side in head units, and its inverse */
    /* light */
    float lx, ly, lz, hx, hy, hz; /* towards the key light; half way to the camera */
    float key, fill, shine, noise, vignette, contrast;
    rgb key_colour, fill_colour, grade;
    /* head */
    float cheek, chin, jaw, skull;
    float female, age, beard, moustache, freckles, blush;
    rgb skin, hair, iris, lip;
    float eye_u, eye_v, eye_w, eye_up, eye_low, eye_slant, gaze_x, gaze_y, eyeshadow;
    float brow_v, brow_arch, brow_thick, brow_tilt, brow_len;
    float nose_w, nose_v, nose_len;
    float mouth_v, mouth_w, lip_up, lip_low, smile, open, teeth;
    int ear[2]; /* 0: the picture's left, r_ear; 1: right, l_ear */
    float ear_size;
    /* hair */
    int style, bun;
    float volume_side, volume_top, hairline, window, part, notch, sweep, hair_end, flare, wave, wave_rate, curl, fringe;
    /* wear */
    int glasses, hat, earring, necklace, cloth, cloth_pattern, occluder;
    float lens_w, lens_h, lens_round, frame, earring_size;
    rgb frame_colour, lens_colour, hat_colour, hat_band, cloth_colour, cloth_second, metal;
    float hat_v, neck_w, shoulder, neckline, vee;
    float occ_x, occ_y, occ_dx, occ_dy, occ_size;
    /* background */
    int ground;
    rgb ground_a, ground_b;
    float ground_dx, ground_dy, ground_rate;
    int n_discs;
    disc discs[MAX_DISCS];
} face;

/* Draws all numbers. rng: key is the set's seed, epoch the part, sample the index. */
void fpc_face_draw(face *, fpc_rng, int32_t size);

/* The layers, in the order of painting. */
void fpc_face_ground(const canvas *, const face *);
void fpc_face_hair_behind(const canvas *, const face *);
void fpc_face_body(const canvas *, const face *);
void fpc_face_ears(const canvas *, const face *);
void fpc_face_head(const canvas *, const face *);
void fpc_face_brows(const canvas *, const face *);
void fpc_face_eyes(const canvas *, const face *);
void fpc_face_mouth(const canvas *, const face *);
void fpc_face_glasses(const canvas *, const face *);
void fpc_face_hair(const canvas *, const face *);
void fpc_face_earrings(const canvas *, const face *);
void fpc_face_hat(const canvas *, const face *);
void fpc_face_occluder(const canvas *, const face *);
void fpc_face_finish(const canvas *, const face *, uint8_t *image);

/* Shapes that several layers share. Negative inside, about a distance in head units. */
float fpc_face_outline(const face *, const spot *);
float fpc_face_window(const face *, const spot *); /* the opening that the hair leaves */

/* ---- small mathematics ---- */
static inline float clamp01(float x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}
static inline float minf(float a, float b)
{
    return a < b ? a : b;
}
static inline float maxf(float a, float b)
{
    return a > b ? a : b;
}
static inline float mixf(float a, float b, float t)
{
    return a + (b - a) * t;
}
static inline float step_between(float lo, float hi, float x)
{
    const float t = clamp01((x - lo) * (1 / (hi - lo)));
    return t * t * (3 - 2 * t);
}
static inline rgb mix_rgb(rgb a, rgb b, float t)
{
    return (rgb){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}
static inline rgb times(rgb a, float s)
{
    return (rgb){a.r * s, a.g * s, a.b * s};
}
static inline rgb times_rgb(rgb a, rgb b)
{
    return (rgb){a.r * b.r, a.g * b.g, a.b * b.b};
}
static inline rgb plus(rgb a, rgb b, float s)
{
    return (rgb){a.r + b.r * s, a.g + b.g * s, a.b + b.b * s};
}

/* ---- textures ---- */
static inline uint32_t scramble(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}
static inline float lattice(uint32_t seed, int32_t x, int32_t y)
{
    return (float)(scramble(seed + (uint32_t)x * 0x9e3779b1u + (uint32_t)y * 0x85ebca77u) >> 8) * 0x1p-24f;
}
static inline int32_t floor_int(float x)
{
    const int32_t i = (int32_t)x;
    return i - (x < (float)i);
}
static inline float floor_of(float x)
{
    return (float)floor_int(x);
}
/* Smooth value noise in [0, 1). */
static inline float noise2(uint32_t seed, float x, float y)
{
    const int32_t ix = floor_int(x), iy = floor_int(y);
    float fx = x - (float)ix, fy = y - (float)iy;
    fx *= fx * (3 - 2 * fx), fy *= fy * (3 - 2 * fy);
    const float top = mixf(lattice(seed, ix, iy), lattice(seed, ix + 1, iy), fx);
    const float low = mixf(lattice(seed, ix, iy + 1), lattice(seed, ix + 1, iy + 1), fx);
    return mixf(top, low, fy);
}
static inline float noise1(uint32_t seed, float x)
{
    const int32_t ix = floor_int(x);
    float fx = x - (float)ix;
    fx *= fx * (3 - 2 * fx);
    return mixf(lattice(seed, ix, 0), lattice(seed, ix + 1, 0), fx);
}

/* ---- painting ---- */
static inline spot spot_at(const face *f, const canvas *c, int32_t col, int32_t row)
{
    const float s = 0.5f * f->px;
    const float dx = ((float)(2 * col + 1) - (float)c->n * (1 + f->cx)) * s;
    const float dy = ((float)(2 * row + 1) - (float)c->n * (1 + f->cy)) * s;
    spot p = {f->roll_c * dx + f->roll_s * dy, f->roll_c * dy - f->roll_s * dx, 0, 0, 0};
    const float q = p.x * p.x * (1 / (0.92f * 0.92f)) + p.y * p.y * (1 / (1.42f * 1.42f));
    p.depth = q < 1 ? sqrtf(1 - q) : 0;
    p.u = p.x * f->yaw_c - p.depth * 0.92f * f->yaw_s;
    p.v = p.y - p.depth * f->pitch;
    return p;
}
/* Share of a pixel that a shape covers, from its distance. */
static inline float cover(const face *f, float d)
{
    return clamp01(0.5f - d * f->pixels);
}
static inline void lay(const canvas *c, int32_t at, rgb colour, float alpha)
{
    c->pixel[at] = mix_rgb(c->pixel[at], colour, alpha);
}
/* Colour by coverage, the label where the pixel's centre is inside. */
static inline void lay_label(const canvas *c, int32_t at, rgb colour, float alpha, uint8_t label)
{
    lay(c, at, colour, alpha);
    if (alpha >= 0.5f)
        c->label[at] = label;
}
/* First-order distance to the ellipse with radii a, b about the origin. */
static inline float ellipse(float x, float y, float a, float b)
{
    const float ia = 1 / a, ib = 1 / b, p = x * ia, q = y * ib, p2 = p * p, q2 = q * q;
    const float r2 = p2 + q2, g2 = p2 * ia * ia + q2 * ib * ib;
    return g2 > 1e-12f ? (r2 - sqrtf(r2)) / sqrtf(g2) : -minf(a, b);
}
static inline float capsule(float x, float y, float ax, float ay, float bx, float by, float r)
{
    const float px = x - ax, py = y - ay, dx = bx - ax, dy = by - ay;
    const float t = clamp01((px * dx + py * dy) / (dx * dx + dy * dy + 1e-9f)), ex = px - t * dx, ey = py - t * dy;
    return sqrtf(ex * ex + ey * ey) - r;
}

/* Light on a matt, slightly translucent surface: red goes further round than blue. The normal has any length. */
static inline rgb lit(const face *f, rgb albedo, float nx, float ny, float nz, float wrap, float shine)
{
    const float k = 1 / sqrtf(nx * nx + ny * ny + nz * nz);
    const float d = (nx * f->lx + ny * f->ly + nz * f->lz) * k;
    const float h = maxf(0, (nx * f->hx + ny * f->hy + nz * f->hz) * k);
    const float h2 = h * h, h4 = h2 * h2, h8 = h4 * h4, h16 = h8 * h8, spec = h16 * (0.5f + 0.5f * h16) * shine;
    const float sky = f->fill * (1 - 0.25f * ny * k);
    const float dr = maxf(0, (d + wrap * 1.5f) * (1 / (1 + wrap * 1.5f))), dg = maxf(0, (d + wrap) * (1 / (1 + wrap)));
    return (rgb){albedo.r * (sky * f->fill_colour.r + f->key * dr * f->key_colour.r) + spec * f->key_colour.r,
                 albedo.g * (sky * f->fill_colour.g + f->key * dg * f->key_colour.g) + spec * f->key_colour.g,
                 albedo.b * (sky * f->fill_colour.b + f->key * dg * f->key_colour.b) + spec * f->key_colour.b};
}

/* Pixels that may hold points of the box [x0,x1] x [y0,y1] in head coordinates of the picture plane. */
typedef struct box {
    int32_t x0, y0, x1, y1; /* ends exclusive */
} box;
box fpc_face_box(const face *, const canvas *, float x0, float y0, float x1, float y1);
/* The same for a box on the face (u, v): it moves with yaw and pitch. */
box fpc_face_box_uv(const face *, const canvas *, float u0, float v0, float u1, float v1);

#endif
