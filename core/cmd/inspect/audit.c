/* audit.c: reads a data set sample by sample and keeps what was found. See audit.h. */
#include "cmd/inspect/audit.h"
#include "cmd/line/terminal.h"
#include "base/clock.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/message.h"

/* ---- flaws ---- */

void *fpc_audit_grow(fpc_arena *arena, void *list, int64_t n, int64_t *cap, size_t item)
{
    if (n < *cap)
        return list;
    const int64_t more = *cap ? *cap * 2 : 64;
    void *larger = fpc_alloc(arena, (size_t)more * item);
    if (larger && n)
        memcpy(larger, list, (size_t)n * item);
    if (larger)
        *cap = more;
    return larger;
}

/* What opening saw already is not told again when the sample is read. */
static int known(const fpc_audit *a, const char *kind, const char *name)
{
    for (int64_t i = 0; i < a->n_at_open; i++)
        if (!strcmp(a->flaw[i].kind, kind) && !strcmp(a->flaw[i].name, name))
            return 1;
    return 0;
}

static void take_flaw(void *arg, const char *kind, fpc_part part, const char *name, const char *sentence)
{
    fpc_audit *a = arg;
    fpc_flaw flaw = {.part = part};
    if (!known(a, kind, name)) {
        fpc_flaw *list = fpc_audit_grow(a->arena, a->flaw, a->n_flaws, &a->cap_flaws, sizeof *list);
        flaw.kind = fpc_strdup(a->arena, kind);
        flaw.name = fpc_strdup(a->arena, name);
        flaw.sentence = fpc_strdup(a->arena, sentence ? sentence : fpc_ctx_error(a->ctx));
        if (list && flaw.kind && flaw.name && flaw.sentence) {
            a->flaw = list;
            a->flaw[a->n_flaws++] = flaw;
        } else {
            a->failed = FPC_ENOMEM;
        }
    }
    if (!sentence)
        fpc_ctx_clear(a->ctx);
}

static void take_size(void *arg, int32_t w, int32_t h)
{
    fpc_audit *a = arg;
    for (int64_t i = 0; i < a->n_sizes; i++)
        if (a->size[i].w == w && a->size[i].h == h) {
            a->size[i].n++;
            return;
        }
    fpc_audit_size *list = fpc_audit_grow(a->arena, a->size, a->n_sizes, &a->cap_sizes, sizeof *list);
    if (!list) {
        a->failed = FPC_ENOMEM;
        return;
    }
    a->size = list;
    a->size[a->n_sizes++] = (fpc_audit_size){w, h, 1};
}

/* ---- samples ---- */

static void count_labels(fpc_audit *a, fpc_part part, const uint8_t *mask, int64_t n)
{
    int64_t of[256] = {0};
    for (int64_t i = 0; i < n; i++)
        of[mask[i]]++;
    for (int32_t c = 0; c < 256; c++) {
        if (c == a->info->ignore_label || c >= a->info->classes) {
            a->ignored[part] += of[c];
            continue;
        }
        a->pixels[part][c] += of[c];
        a->images[part][c] += of[c] > 0;
    }
}

static void count_colours(fpc_audit *a, const uint8_t *rgb, int64_t n)
{
    a->seen += n;
    for (int64_t i = 0; i < 3 * n; i++) {
        a->sum[i % 3] += rgb[i];
        a->squares[i % 3] += rgb[i] * rgb[i];
    }
}

double fpc_audit_mean(const fpc_audit *a, int32_t channel)
{
    return a->seen ? (double)a->sum[channel] / (double)a->seen / 255 : 0;
}

/* Of whole numbers, so that nothing is lost where all pictures are alike. */
double fpc_audit_std(const fpc_audit *a, int32_t channel)
{
    const long double n = (long double)a->seen, sum = (long double)a->sum[channel];

    return a->seen ? sqrt(fmax(0, (double)((long double)a->squares[channel] / n - sum / n * (sum / n)))) / 255 : 0;
}

static fpc_status look_at(fpc_audit *a, fpc_arena *scratch, fpc_audit_sample *s)
{
    fpc_batch one;
    char name[256];
    const int64_t flaws = a->n_flaws;
    fpc_arena_reset(scratch);
    if (fpc_data_name(a->data, s->part, s->index, name, sizeof name)) {
        fpc_ctx_clear(a->ctx);
        name[0] = 0;
    }
    s->name = fpc_strdup(a->arena, name);
    if (!s->name)
        return FPC_ENOMEM;
    const fpc_status status = fpc_data_read(a->data, scratch, s->part, s->index, &one);
    if (status == FPC_ENOMEM)
        return status;
    if (status) {
        if (a->n_flaws == flaws && !(a->n_at_open && known(a, "unreadable picture", name)))
            take_flaw(a, "sample that cannot be read", s->part, name, NULL);
        fpc_ctx_clear(a->ctx);
        return a->failed;
    }
    s->usable = 1;
    a->usable[s->part]++;
    s->hash[0] = fpc_picture_hash(one.image, one.h, one.w, 0);
    s->hash[1] = fpc_picture_hash(one.image, one.h, one.w, 1);
    s->thumb = fpc_alloc(a->arena, FPC_THUMB * FPC_THUMB);
    s->order = fpc_alloc(a->arena, FPC_AUDIT_PAIRS);
    if (!s->thumb || !s->order)
        return FPC_ENOMEM;
    fpc_picture_thumb(one.image, one.h, one.w, s->thumb);
    if (s->part == FPC_TRAIN)
        count_colours(a, one.image, (int64_t)one.h * one.w);
    if (!one.mask)
        return a->failed;
    count_labels(a, s->part, one.mask, (int64_t)one.h * one.w);
    fpc_audit_order(a->info, one.mask, one.h, one.w, s->order);
    return a->failed;
}

static fpc_status look_at_all(fpc_audit *a, fpc_arena *scratch)
{
    const double began = fpc_clock_now();
    fpc_status status = FPC_OK;
    for (int64_t i = 0; i < a->n && !status; i++) {
        if (fpc_ctx_cancelled(a->ctx))
            status =
                fpc_fail(a->ctx, FPC_ECANCEL, "interrupted after %lld of %lld samples", (long long)i, (long long)a->n);
        else
            status = look_at(a, scratch, &a->sample[i]);
        fpc_show_progress(i + 1, a->n, "samples", began);
    }
    fpc_end_progress();
    return status;
}

static fpc_status list_samples(fpc_audit *a)
{
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        a->n += a->info->count[part];
    a->sample = fpc_alloc(a->arena, (size_t)(a->n + 1) * sizeof *a->sample);
    if (!a->sample)
        return FPC_ENOMEM;
    fpc_audit_sample *s = a->sample;
    for (int part = FPC_TRAIN; part <= FPC_TEST; part++)
        for (int64_t i = 0; i < a->info->count[part]; i++, s++)
            *s = (fpc_audit_sample){.part = (fpc_part)part, .index = i};
    return FPC_OK;
}

fpc_status fpc_audit_run(fpc_ctx *ctx, fpc_arena *arena, const fpc_data_sources *from, int32_t near, fpc_audit **out)
{
    fpc_audit *a = fpc_alloc(arena, sizeof *a);
    if (!a)
        return FPC_ENOMEM;
    *a = (fpc_audit){.ctx = ctx, .arena = arena, .near = near};
    a->sink = (fpc_dataset_audit){
        .size = sizeof a->sink, .arg = a, .flaw = take_flaw, .picture = take_size, .note = fpc_audit_take_note};
    *out = a;
    fpc_status status = fpc_data_new(ctx, arena, from, 0, &a->sink, &a->data);
    if (status || (status = a->failed))
        return status;
    a->n_at_open = a->n_flaws;
    a->info = fpc_data_info(a->data);
    fpc_arena *scratch = fpc_arena_new(ctx);
    status = scratch ? list_samples(a) : FPC_ENOMEM;
    if (!status)
        status = look_at_all(a, scratch);
    if (scratch)
        fpc_arena_free(scratch);
    if (status)
        return status;
    if (!a->n_sizes && a->n) { /* the plugin tells no sizes of files: those of what it gives */
        take_size(a, a->info->w, a->info->h);
        if (a->n_sizes)
            a->size[0].n = a->usable[FPC_TRAIN] + a->usable[FPC_VAL] + a->usable[FPC_TEST];
    }
    fpc_audit_sides(a);
    fpc_audit_face_order(a);
    return a->failed ? a->failed : fpc_audit_duplicates(a);
}
