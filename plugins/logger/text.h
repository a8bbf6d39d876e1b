/* text.h: what the loggers share: a buffer of text that grows and is used again, numbers in their shortest form, and
 * the order of the record's columns. */
#ifndef PLUGINS_LOGGER_TEXT_H
#define PLUGINS_LOGGER_TEXT_H

#include <fpcore/logger.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char *data;
    size_t n, cap;
    int failed; /* no memory: nothing is added any more */
} text;

static inline int text_room(text *t, fpc_arena *arena, size_t more)
{
    if (t->failed || t->n + more + 1 > t->cap) {
        const size_t cap = 2 * (t->n + more) + 4096;
        char *wider = t->failed ? NULL : fpc_alloc(arena, cap);
        if (!wider) {
            t->failed = 1;
            return 0;
        }
        if (t->n)
            memcpy(wider, t->data, t->n);
        t->data = wider;
        t->cap = cap;
    }
    return 1;
}

static inline void text_bytes(text *t, fpc_arena *arena, const void *data, size_t n)
{
    if (n && text_room(t, arena, n)) {
        memcpy(t->data + t->n, data, n);
        t->n += n;
        t->data[t->n] = '\0';
    }
}

__attribute__((format(printf, 3, 4))) static inline void text_add(text *t, fpc_arena *arena, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n > 0)
        text_bytes(t, arena, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* Names come from the user's files: what would steer a terminal or make a new line (C0, DEL, C1, which is C2 80 to C2
 * 9F, and bytes of C1 outside of a character) becomes ?, in place. */
static inline void defuse(char *line)
{
    int rest = 0; /* bytes of the character under way */

    for (unsigned char *p = (unsigned char *)line; *p; p++) {
        const int inside = rest > 0 && (*p & 0xc0) == 0x80;
        rest = inside ? rest - 1 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc2 ? 1 : 0;
        if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
            p[0] = p[1] = '?';
        else if (*p < 0x20 || *p == 0x7f || (!inside && *p >= 0x80 && *p < 0xc2))
            *p = '?';
    }
}

/* The shortest text that reads back as the same double, with a point so that every reader takes it for a real. */
static inline const char *shortest(char out[40], double v)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 40, "%.*g", digits, v);
        if (strtod(out, NULL) == v)
            break;
    }
    if (!strpbrk(out, ".einf"))
        strncat(out, ".0", 3);
    return out;
}

/* "1:02:03", "2:03", "7.5 s" */
static inline const char *duration(char out[32], double seconds)
{
    const long long s = seconds > 0 && seconds < 1e15 ? (long long)(seconds + 0.5) : 0;

    if (s < 60)
        snprintf(out, 32, s < 10 ? "%.1f s" : "%.0f s", seconds > 0 ? seconds : 0);
    else if (s >= 3600)
        snprintf(out, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 32, "%lld:%02lld", s / 60, s % 60);
    return out;
}

static inline int64_t event_int(const fpc_event *e, const char *key, int64_t otherwise)
{
    const fpc_field *f = fpc_event_field(e, key);

    return f && f->type == FPC_OPT_INT ? f->v.i : otherwise;
}

static inline double event_real(const fpc_event *e, const char *key, double otherwise)
{
    const fpc_field *f = fpc_event_field(e, key);

    return f && f->type == FPC_OPT_REAL ? f->v.r : otherwise;
}

static inline const char *event_text(const fpc_event *e, const char *key, const char *otherwise)
{
    const fpc_field *f = fpc_event_field(e, key);

    return f && f->type == FPC_OPT_TEXT ? f->v.s : otherwise;
}

/* Index of a column; -1: none. */
static inline int32_t column_of(const fpc_event *e, const char *name)
{
    for (int32_t i = 0; i < e->n_columns; i++)
        if (!strcmp(e->column[i], name))
            return i;
    return -1;
}

/* Columns up to the learning rate are the main ones; classes, terms and the rest stand behind it. */
static inline int32_t main_columns(const fpc_event *e)
{
    const int32_t lr = column_of(e, "lr");

    return lr < 0 ? e->n_columns : lr;
}

#endif
