/* json.c: see json.h. */
#define _GNU_SOURCE
#include "seg/json.h"
#include "base/message.h"
#include "base/utf8.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    fpc_ctx *ctx;
    fpc_arena *arena;
    const char *name, *begin, *at, *end;
    locale_t numbers; /* where 0.5 is written with a point */
    int depth;
} reader;

static fpc_status wrong(const reader *r, const char *what)
{
    return fpc_fail(r->ctx, FPC_EFORMAT, "%s: at byte %lld: %s", r->name, (long long)(r->at - r->begin), what);
}

static void skip_blanks(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static int takes(reader *r, char c)
{
    skip_blanks(r);
    if (r->at >= r->end || *r->at != c)
        return 0;
    r->at++;
    return 1;
}

/* ---- texts ---- */

static int hex(const char *at, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        const char c = at[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return 0;
        *out = *out << 4 | (uint32_t)digit;
    }
    return 1;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

/* Behind \u: four digits, or two times four for what lies beyond the first 65536. NULL: none of them. */
static char *read_escaped_code(reader *r, char *to)
{
    uint32_t c, low;

    if (r->end - r->at < 4 || !hex(r->at, &c))
        return NULL;
    r->at += 4;
    if (c >= 0xd800 && c < 0xdc00) {
        if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u' || !hex(r->at + 2, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return NULL;
        r->at += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c == 0 || (c >= 0xdc00 && c < 0xe000)) {
        return NULL;
    }
    return put_utf8(to, c);
}

static char *read_escape(reader *r, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *at = r->at < r->end && *r->at ? strchr(from, *r->at) : NULL;

    if (at) {
        r->at++;
        *to = into[at - from];
        return to + 1;
    }
    if (r->at >= r->end || *r->at != 'u')
        return NULL;
    r->at++;
    return read_escaped_code(r, to);
}

/* What an escape becomes is never longer than the escape. */
static fpc_status read_text(reader *r, const char **out)
{
    const char *close = r->at;
    char *to, *text;

    while (close < r->end && *close != '"')
        close += *close == '\\' && close + 1 < r->end ? 2 : 1;
    if (close >= r->end)
        return wrong(r, "a text without its end");
    if (!(text = to = fpc_alloc(r->arena, (size_t)(close - r->at) + 1)))
        return FPC_ENOMEM;
    while (r->at < close) {
        if ((unsigned char)*r->at < 0x20)
            return wrong(r, "a control character within a text");
        if (*r->at != '\\') {
            *to++ = *r->at++;
            continue;
        }
        r->at++;
        if (!(to = read_escape(r, to)))
            return wrong(r, "an escape that JSON does not have, or of a zero byte");
    }
    r->at = close + 1;
    for (const char *c = text; *c;) {
        const int n = fpc_utf8_character(c);
        if (n < 1 && (unsigned char)*c >= 0x80)
            return wrong(r, "a text that is no UTF-8");
        c += n < 1 ? 1 : n;
    }
    *out = text;
    return FPC_OK;
}

/* ---- numbers ---- */

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

/* The grammar of JSON, which is narrower than that of strtod: no 0x, no inf, no leading zeros. */
static const char *number_end(const char *at, const char *end)
{
    const char *digits;

    at += at < end && *at == '-';
    digits = at;
    at = skip_digits(at, end);
    if (at == digits || (*digits == '0' && at > digits + 1))
        return NULL;
    if (at < end && *at == '.') {
        digits = ++at;
        if ((at = skip_digits(at, end)) == digits)
            return NULL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '-' || *at == '+');
        digits = at;
        if ((at = skip_digits(at, end)) == digits)
            return NULL;
    }
    return at;
}

static fpc_status read_number(reader *r, double *out)
{
    char text[64];
    const char *end = number_end(r->at, r->end);

    if (!end)
        return wrong(r, "neither a value nor a number");
    if ((size_t)(end - r->at) >= sizeof text)
        return wrong(r, "a number of more than 63 characters");
    memcpy(text, r->at, (size_t)(end - r->at));
    text[end - r->at] = 0;
    *out = strtod_l(text, NULL, r->numbers);
    if (!isfinite(*out))
        return wrong(r, "a number that is too large");
    r->at = end;
    return FPC_OK;
}

/* ---- values ---- */

static fpc_status read_value(reader *r, seg_json *v);

static seg_json *add_child(reader *r, seg_json *v, seg_json **last)
{
    seg_json *child = fpc_alloc(r->arena, sizeof *child);

    if (!child)
        return NULL;
    if (*last)
        (*last)->next = child;
    else
        v->first = child;
    *last = child;
    v->n++;
    return child;
}

static fpc_status read_member(reader *r, seg_json *child)
{
    fpc_status status;

    if (!takes(r, '"'))
        return wrong(r, "the name of a member is missing");
    if ((status = read_text(r, &child->key)))
        return status;
    if (!takes(r, ':'))
        return wrong(r, "the : behind the name of a member is missing");
    return FPC_OK;
}

static fpc_status read_children(reader *r, seg_json *v, char close)
{
    seg_json *last = NULL;

    if (takes(r, close))
        return FPC_OK;
    if (++r->depth > SEG_JSON_DEPTH)
        return wrong(r, "lists within lists, too many");
    do {
        seg_json *child = add_child(r, v, &last);
        fpc_status status = child ? FPC_OK : FPC_ENOMEM;
        if (!status && v->type == SEG_OBJECT)
            status = read_member(r, child);
        if (status || (status = read_value(r, child)))
            return status;
    } while (takes(r, ','));
    r->depth--;
    return takes(r, close) ? FPC_OK : wrong(r, "neither a comma nor the end of a list");
}

static int takes_word(reader *r, const char *word)
{
    const size_t n = strlen(word);

    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n))
        return 0;
    r->at += n;
    return 1;
}

static fpc_status read_value(reader *r, seg_json *v)
{
    skip_blanks(r);
    if (takes(r, '{')) {
        v->type = SEG_OBJECT;
        return read_children(r, v, '}');
    }
    if (takes(r, '[')) {
        v->type = SEG_LIST;
        return read_children(r, v, ']');
    }
    if (takes(r, '"')) {
        v->type = SEG_TEXT;
        return read_text(r, &v->text);
    }
    if (takes_word(r, "null")) {
        v->type = SEG_NULL;
    } else if (takes_word(r, "true") || takes_word(r, "false")) {
        v->type = SEG_BOOL;
        v->number = r->at[-1] == 'e' && r->at[-2] == 'u';
    } else {
        v->type = SEG_NUMBER;
        return read_number(r, &v->number);
    }
    return FPC_OK;
}

fpc_status seg_json_read(fpc_ctx *ctx, fpc_arena *arena, const char *name, const char *text, size_t bytes,
                         seg_json **out)
{
    reader r = {.ctx = ctx, .arena = arena, .name = name, .begin = text, .at = text, .end = text + bytes};
    fpc_status status;

    if (bytes > SEG_JSON_MOST)
        return fpc_fail(ctx, FPC_EFORMAT, "%s: %zu bytes of JSON; at most %d are read", name, bytes, SEG_JSON_MOST);
    if (!(*out = fpc_alloc(arena, sizeof **out)))
        return FPC_ENOMEM;
    if (!(r.numbers = newlocale(LC_ALL_MASK, "C", (locale_t)0)))
        return fpc_fail(ctx, FPC_ENOMEM, "no memory to read %s", name);
    status = read_value(&r, *out);
    freelocale(r.numbers);
    skip_blanks(&r);
    return !status && r.at < r.end ? wrong(&r, "something stands behind the end") : status;
}

const seg_json *seg_json_get(const seg_json *v, const char *key)
{
    if (!v || v->type != SEG_OBJECT)
        return NULL;
    for (const seg_json *m = v->first; m; m = m->next)
        if (!strcmp(m->key, key))
            return m;
    return NULL;
}

int seg_json_whole(const seg_json *v, int64_t lo, int64_t hi, int64_t *out)
{
    if (!v || v->type != SEG_NUMBER || v->number != floor(v->number) || v->number < (double)lo ||
        v->number > (double)hi)
        return 0;
    *out = (int64_t)v->number;
    return 1;
}
