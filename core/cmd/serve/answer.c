/* answer.c: see answer.h. */
#define _GNU_SOURCE
#include "cmd/serve/answer.h"
#include "cmd/predict/predict.h"
#include "image/image.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The text of a value, which is given up. */
static const char *text_of(fpc_arena *arena, json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    const char *kept = text ? fpc_sprintf(arena, "%s\n", text) : NULL;

    free(text);
    json_decref(root);
    return kept;
}

/* Names come from files; what is no UTF-8 cannot stand in JSON. */
static json_t *name_of(const fpc_predictor_info *info, int32_t c)
{
    json_t *name = info->class_names ? json_string(info->class_names[c]) : json_sprintf("class %d", c);

    return name ? name : json_string("?");
}

static json_t *class_of(const fpc_predictor_info *info, int32_t c)
{
    const uint8_t *rgb = info->palette[c];

    return json_pack("{s:i,s:o,s:[iii]}", "index", c, "name", name_of(info, c), "rgb", rgb[0], rgb[1], rgb[2]);
}

const char *fpc_serve_tell_model(fpc_arena *arena, const fpc_serve_model *m, const fpc_serve_limits *limits)
{
    json_t *classes = json_array(), *name = json_string(m->name);

    for (int32_t c = 0; c < m->info.classes; c++)
        json_array_append_new(classes, class_of(&m->info, c));
    return text_of(arena, json_pack("{s:o,s:s,s:s,s:I,s:i,s:i,s:s,s:o,s:{s:I,s:I,s:I}}", "name",
                                    name ? name : json_string("?"), "model", m->info.model, "version", FPC_VERSION,
                                    "parameters", (json_int_t)m->info.parameters, "width", m->info.w, "height",
                                    m->info.h, "orientation", m->as_stored ? "file" : "apply", "classes", classes,
                                    "limits", "mib", (json_int_t)limits->mib, "megapixels",
                                    (json_int_t)limits->megapixels, "at_once", (json_int_t)limits->at_once));
}

const char *fpc_serve_tell_why(fpc_arena *arena, const char *why, int json)
{
    return json ? text_of(arena, json_pack("{s:s}", "error", why)) : fpc_sprintf(arena, "%s\n", why);
}

/* ---- a mask ---- */

/* The pixels of a class and the box around them. */
struct part {
    int64_t pixels;
    int32_t left, top, right, bottom;
};

static void find_parts(const fpc_image *mask, struct part part[256])
{
    for (int32_t y = 0; y < mask->h; y++)
        for (int32_t x = 0; x < mask->w; x++) {
            struct part *p = &part[mask->pixel[(int64_t)y * mask->w + x]];
            if (!p->pixels++)
                *p = (struct part){1, x, y, x, y};
            p->left = x < p->left ? x : p->left;
            p->right = x > p->right ? x : p->right;
            p->bottom = y;
        }
}

static json_t *parts_of(const fpc_predictor_info *info, const fpc_image *mask)
{
    struct part part[256] = {{0}};
    const double all = (double)mask->w * mask->h;
    json_t *list = json_array();

    find_parts(mask, part);
    for (int32_t c = 0; c < info->classes; c++) {
        const struct part *p = &part[c];
        json_t *one = p->pixels ? class_of(info, c) : NULL;
        if (!one)
            continue;
        json_object_set_new(one, "pixels", json_integer(p->pixels));
        json_object_set_new(one, "share", json_real((double)p->pixels / all));
        json_object_set_new(one, "box",
                            json_pack("[iiii]", p->left, p->top, p->right - p->left + 1, p->bottom - p->top + 1));
        json_array_append_new(list, one);
    }
    return list;
}

static char *base64(fpc_arena *arena, const uint8_t *data, size_t bytes)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = fpc_alloc(arena, (bytes + 2) / 3 * 4 + 1), *to = text;

    for (size_t i = 0; text && i < bytes; i += 3) {
        const size_t left = bytes - i;
        const uint32_t three = (uint32_t)data[i] << 16 | (uint32_t)(left > 1 ? data[i + 1] : 0) << 8 |
                               (uint32_t)(left > 2 ? data[i + 2] : 0);
        *to++ = digit[three >> 18];
        *to++ = digit[three >> 12 & 63];
        *to++ = left > 1 ? digit[three >> 6 & 63] : '=';
        *to++ = left > 2 ? digit[three & 63] : '=';
    }
    return text;
}

static fpc_status tell_json(const fpc_predictor_info *info, fpc_serve_job *job, const uint8_t *png, size_t bytes)
{
    const char *code = png ? base64(job->arena, png, bytes) : NULL;
    json_t *root =
        json_pack("{s:i,s:i,s:o}", "width", job->mask.w, "height", job->mask.h, "classes", parts_of(info, &job->mask));

    if (code && root)
        json_object_set_new(root, "png", json_string(code));
    job->answer = text_of(job->arena, root);
    job->answer_bytes = job->answer ? strlen(job->answer) : 0;
    job->type = "application/json";
    return job->answer && (code || !png) ? FPC_OK : FPC_ENOMEM;
}

fpc_status fpc_serve_tell_mask(void *model, fpc_serve_job *job)
{
    const fpc_predictor_info *info = &((const fpc_serve_model *)model)->info;
    const uint8_t *png = NULL;
    size_t bytes = 0;
    fpc_status status = FPC_OK;

    if (!job->json || job->with_mask)
        status = fpc_png_encode(job->ctx, job->arena, "the mask", &job->mask, info->palette, info->classes,
                                FPC_PREDICT_MARK, &png, &bytes);
    if (status || job->json)
        return status ? status : tell_json(info, job, png, bytes);
    job->answer = png;
    job->answer_bytes = bytes;
    job->type = "image/png";
    return FPC_OK;
}

/* ---- the page ---- */

const char *fpc_serve_policy(fpc_arena *arena, const char *nonce)
{
    return fpc_sprintf(arena,
                       "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; img-src data: blob:; "
                       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                       nonce, nonce);
}

const char *fpc_serve_tell_page(fpc_arena *arena, const char *nonce)
{
    static const char place[] = "NONCE";
    const size_t n = strlen(nonce);
    size_t bytes = 1;

    for (const char *const *line = fpc_serve_page; *line; line++)
        bytes += strlen(*line) + n;
    char *page = fpc_alloc(arena, bytes), *to = page;
    for (const char *const *line = fpc_serve_page; *line && page; line++) {
        const char *at = strstr(*line, place);
        const size_t before = at ? (size_t)(at - *line) : strlen(*line);
        memcpy(to, *line, before);
        to += before;
        if (!at)
            continue;
        memcpy(to, nonce, n);
        to += n;
        to = stpcpy(to, at + strlen(place));
    }
    return page;
}
