/* audit_sides.c: left and right in the masks of a data set. In pictures taken from the front the person's left lies to
 * the right; a picture that was mirrored without exchanging its labels teaches the contrary. Which way round is right
 * is not assumed: the majority of the masks says it, for each pair of labels. */
#include "cmd/inspect/audit.h"
#include <fpcore/logger.h>
#include <stdio.h>
#include <string.h>
#include "base/message.h"

/* One pixel in 16384, as 16 are in a picture of 512 x 512: a speck at the border of another part is no eye. */
int64_t fpc_audit_least(int32_t h, int32_t w)
{
    const int64_t n = (int64_t)h * w / 16384;
    return n > 1 ? n : 1;
}

void fpc_audit_order(const fpc_dataset_info *info, const uint8_t *mask, int32_t h, int32_t w, int8_t *order)
{
    int64_t pixels[256] = {0}, sum[256] = {0};
    const int64_t least = fpc_audit_least(h, w);
    for (int32_t y = 0; y < h; y++)
        for (int32_t x = 0; x < w; x++) {
            const uint8_t c = mask[(int64_t)y * w + x];
            pixels[c]++;
            sum[c] += x;
        }
    for (int32_t p = 0; p < info->n_mirror_pairs && p < FPC_AUDIT_PAIRS; p++) {
        const uint8_t a = info->mirror_pairs[p][0], b = info->mirror_pairs[p][1];
        order[p] = 0;
        if (pixels[a] < least || pixels[b] < least)
            continue;
        const double at = (double)sum[a] / (double)pixels[a], other = (double)sum[b] / (double)pixels[b];
        order[p] = (int8_t)((at > other) - (at < other));
    }
}

void fpc_audit_sides(fpc_audit *a)
{
    const int32_t pairs = a->info->n_mirror_pairs < FPC_AUDIT_PAIRS ? a->info->n_mirror_pairs : FPC_AUDIT_PAIRS;
    int rule[FPC_AUDIT_PAIRS] = {0};
    memset(a->both, 0, sizeof a->both);
    memset(a->right, 0, sizeof a->right);
    a->decidable = a->exchanged = 0;
    for (int64_t i = 0; i < a->n; i++)
        for (int32_t p = 0; p < pairs && a->sample[i].order; p++) {
            a->both[p] += a->sample[i].order[p] != 0;
            a->right[p] += a->sample[i].order[p] > 0;
        }
    for (int32_t p = 0; p < pairs; p++)
        rule[p] = (2 * a->right[p] > a->both[p]) - (2 * a->right[p] < a->both[p]);
    for (int64_t i = 0; i < a->n; i++) {
        fpc_audit_sample *s = &a->sample[i];
        int votes = 0;
        for (int32_t p = 0; p < pairs && s->order; p++)
            votes += s->order[p] * rule[p];
        s->side = (votes > 0) - (votes < 0);
        a->decidable += s->side != 0;
        a->exchanged += s->side < 0;
    }
}

/* Three in four: fewer is a set without a rule, as one of pictures mirrored at random. */
int fpc_audit_sided(const fpc_audit *a)
{
    return a->decidable > 0 && 4 * a->exchanged <= a->decidable;
}

fpc_status fpc_audit_write_sides(const fpc_audit *a, const char *path)
{
    size_t bytes = 512;
    for (int64_t i = 0; i < a->n; i++)
        bytes += a->sample[i].side < 0 ? strlen(a->sample[i].name) + 16 : 0;
    char *text = fpc_alloc(a->arena, bytes), *to = text;
    if (!text)
        return FPC_ENOMEM;
#define PUT(...) to += snprintf(to, bytes - (size_t)(to - text), __VA_ARGS__)
    PUT("# Masks whose left and right labels are exchanged, against the order in most of the %lld that tell.\n"
        "# [dataset] sides = THIS FILE puts them right when they are read. Written by fpcore data --fix-sides.\n",
        (long long)a->decidable);
    for (int64_t i = 0; i < a->n; i++)
        if (a->sample[i].side < 0)
            PUT("%s %s\n", a->sample[i].name, a->sample[i].part == FPC_TEST ? "exchange_test" : "exchange");
#undef PUT
    return fpc_write_atomic(a->ctx, path, text, (size_t)(to - text));
}
