/* stored_zip.c: see stored_zip.h. An archive is read from its end: a record there tells where the directory lies, the
 * directory where each entry does. All numbers are little-endian; every one of them may be a lie. */
#include "weights/stored_zip.h"
#include <string.h>

enum { END = 22, LOCATOR = 20, END64 = 56, CENTRAL = 46, LOCAL = 30, MOST_ENTRIES = 1000000 };

typedef struct archive {
    fpc_ctx *ctx;
    const char *what;
    const unsigned char *data;
    uint64_t bytes;
    uint64_t at, end, entries; /* the directory */
} archive;

/* A number of 2, 4 or 8 bytes. */
static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    while (bytes-- > 0)
        v = v << 8 | p[bytes];
    return v;
}

/* Whether [at, at + n) lies in the archive and begins with that mark. */
static int marked(const archive *a, uint64_t at, uint64_t n, const char *mark)
{
    return at <= a->bytes && n <= a->bytes - at && !memcmp(a->data + at, mark, 4);
}

static fpc_status broken(const archive *a, const char *why)
{
    return fpc_fail(a->ctx, FPC_EFORMAT, "%s: as a ZIP archive it is damaged: %s", a->what, why);
}

/* ---- the end ---- */

/* The last record, whose comment ends with the file; 0 is no place for it in an archive with entries. */
static uint64_t find_end(const archive *a)
{
    const uint64_t last = a->bytes < END ? 0 : a->bytes - END, first = last > 0xffff ? last - 0xffff : 0;

    for (uint64_t at = last + 1; at-- > first && a->bytes >= END;)
        if (marked(a, at, END, "PK\5\6") && number(a->data + at + 20, 2) == a->bytes - END - at)
            return at;
    return 0;
}

static fpc_status find_directory(archive *a)
{
    const uint64_t end = find_end(a);
    const unsigned char *p = a->data + end;
    uint64_t size, limit = end;

    if (!end)
        return broken(a, "its end is missing, so it is truncated or empty");
    uint64_t disk = number(p + 4, 2);
    a->entries = number(p + 10, 2);
    size = number(p + 12, 4);
    a->at = number(p + 16, 4);
    if (end >= LOCATOR && marked(a, end - LOCATOR, LOCATOR, "PK\6\7")) {
        limit = number(p - LOCATOR + 8, 8);
        if (limit > end - LOCATOR || !marked(a, limit, END64, "PK\6\6"))
            return broken(a, "the place of its directory is none");
        p = a->data + limit;
        disk = number(p + 16, 4);
        a->entries = number(p + 32, 8);
        size = number(p + 40, 8);
        a->at = number(p + 48, 8);
    }
    if (disk)
        return broken(a, "it is one of several files");
    if (a->at > limit || size > limit - a->at || a->entries > MOST_ENTRIES || a->entries > size / CENTRAL)
        return broken(a, "its directory does not fit into it");
    a->end = a->at + size;
    return FPC_OK;
}

/* ---- entries ---- */

/* The checksum of ZIP: the polynomial 0xedb88320, bits reversed, by bytes. */
static uint32_t checksum(const unsigned char *p, size_t n)
{
    uint32_t table[256], sum = 0xffffffffu;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (0xedb88320u & (0 - (table[i] & 1)));
    }
    for (size_t i = 0; i < n; i++)
        sum = sum >> 8 ^ table[(sum ^ p[i]) & 0xff];
    return ~sum;
}

/* An entry of the directory; `from` and both sizes as ZIP64 has them where it is used. */
typedef struct central {
    const unsigned char *p;
    uint64_t name, from, packed, bytes;
} central;

/* The numbers that 32 bits do not hold stand in a further field, in this order, only those. */
static int widen(const unsigned char *extra, uint64_t n, central *c)
{
    uint64_t *wide[] = {&c->bytes, &c->packed, &c->from};

    while (n >= 4) {
        const uint64_t kind = number(extra, 2), size = number(extra + 2, 2);
        if (size > n - 4)
            return 0;
        for (uint64_t i = 0, used = 0; kind == 1 && i < 3; i++)
            if (*wide[i] == 0xffffffffu) {
                if (size - used < 8)
                    return 0;
                *wide[i] = number(extra + 4 + used, 8);
                used += 8;
            }
        extra += 4 + size;
        n -= 4 + size;
    }
    return 1;
}

static fpc_status read_central(archive *a, central *c)
{
    if (a->end - a->at < CENTRAL || !marked(a, a->at, CENTRAL, "PK\1\2"))
        return broken(a, "an entry of its directory is none");
    const unsigned char *p = a->data + a->at;
    const uint64_t extra = number(p + 30, 2), all = CENTRAL + number(p + 28, 2) + extra + number(p + 32, 2);
    *c = (central){p, number(p + 28, 2), number(p + 42, 4), number(p + 20, 4), number(p + 24, 4)};
    if (all > a->end - a->at || !widen(p + CENTRAL + c->name, extra, c))
        return broken(a, "an entry of its directory is cut off");
    a->at += all;
    return FPC_OK;
}

/* What stands in front of the entry's data says its name again. */
static fpc_status locate(const archive *a, const central *c, uint64_t *left, fpc_stored *out)
{
    const int method = (int)number(c->p + 10, 2);

    if (number(c->p + 8, 2) & 1)
        return fpc_fail(a->ctx, FPC_ENOSUPPORT, "%s: its entry %.80s is encrypted", a->what, out->name);
    if (!marked(a, c->from, LOCAL, "PK\3\4") || c->from + LOCAL + c->name > a->bytes ||
        number(a->data + c->from + 26, 2) != c->name || memcmp(a->data + c->from + LOCAL, c->p + CENTRAL, c->name))
        return fpc_fail(a->ctx, FPC_EFORMAT, "%s: its entry %.80s is not where the directory says", a->what, out->name);
    const uint64_t from = c->from + LOCAL + c->name + number(a->data + c->from + 28, 2);
    if (from > a->bytes || c->packed > a->bytes - from || (!method && c->packed != c->bytes))
        return fpc_fail(a->ctx, FPC_EFORMAT, "%s: its entry %.80s is truncated", a->what, out->name);
    if (method)
        return FPC_OK;
    if (c->bytes > *left)
        return fpc_fail(a->ctx, FPC_EFORMAT, "%s: its entries overlap, or are larger than the file", a->what);
    *left -= c->bytes;
    out->data = a->data + from;
    out->bytes = c->bytes;
    if (checksum(out->data, out->bytes) != number(c->p + 16, 4))
        return fpc_fail(a->ctx, FPC_EFORMAT, "%s: the checksum of its entry %.80s is another: the file is damaged",
                        a->what, out->name);
    return FPC_OK;
}

fpc_status fpc_stored_read(fpc_ctx *ctx, fpc_arena *arena, const char *what, const unsigned char *data, size_t bytes,
                           int32_t *n, fpc_stored **entry)
{
    archive a = {.ctx = ctx, .what = what, .data = data, .bytes = bytes};
    uint64_t left = bytes;
    fpc_status status = find_directory(&a);

    *n = 0;
    if (status)
        return status;
    if (!(*entry = fpc_alloc(arena, ((size_t)a.entries + 1) * sizeof **entry)))
        return FPC_ENOMEM;
    for (; *n < (int32_t)a.entries && !status; (*n)++) {
        central c;
        if ((status = read_central(&a, &c)))
            return status;
        char *name = fpc_alloc(arena, (size_t)c.name + 1);
        if (!name)
            return FPC_ENOMEM;
        memcpy(name, c.p + CENTRAL, (size_t)c.name);
        name[c.name] = 0;
        (*entry)[*n] = (fpc_stored){name, NULL, 0};
        if (memchr(name, 0, (size_t)c.name))
            return broken(&a, "a name in it holds a zero byte");
        status = locate(&a, &c, &left, *entry + *n);
    }
    return status;
}
