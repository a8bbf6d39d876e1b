/* protobuf.c: see protobuf.h. The format is protobuf.dev/programming-guides/encoding: a key of field and wire type,
 * then a varint, four bytes, or a length and as many bytes. */
#include "cmd/export/protobuf.h"
#include "base/utf8.h"
#include <string.h>

enum { VARINT = 0, BYTES = 2, FIXED32 = 5 };

static void put(fpc_proto *p, const void *data, size_t n)
{
    if (p->failed || !n)
        return;
    if (n > p->cap - p->n) {
        const size_t cap = 2 * (p->n + n) + 64;
        uint8_t *more = fpc_alloc(p->arena, cap);
        if (!more) {
            p->failed = 1;
            return;
        }
        if (p->n)
            memcpy(more, p->data, p->n);
        p->data = more;
        p->cap = cap;
    }
    memcpy(p->data + p->n, data, n);
    p->n += n;
}

static void varint(fpc_proto *p, uint64_t v)
{
    uint8_t b[10];
    size_t n = 0;

    do {
        b[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v);
    put(p, b, n);
}

static void key(fpc_proto *p, int field, int type)
{
    varint(p, (uint64_t)field << 3 | (uint64_t)type);
}

void fpc_proto_int(fpc_proto *p, int field, int64_t v)
{
    key(p, field, VARINT);
    varint(p, (uint64_t)v);
}

void fpc_proto_float(fpc_proto *p, int field, float v)
{
    uint32_t bits;
    uint8_t b[4];

    memcpy(&bits, &v, sizeof bits);
    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(bits >> (8 * i));
    key(p, field, FIXED32);
    put(p, b, sizeof b);
}

void fpc_proto_bytes(fpc_proto *p, int field, const void *data, size_t n)
{
    key(p, field, BYTES);
    varint(p, n);
    put(p, data, n);
}

const char *fpc_proto_utf8(fpc_arena *arena, const char *text)
{
    char *copy = fpc_strdup(arena, text);

    for (char *at = copy; at && *at;) {
        const int n = fpc_utf8_character(at), is_control = (unsigned char)*at < ' ' || *at == 0x7f;
        if (!n && !is_control)
            *at = '?';
        at += n ? n : 1;
    }
    return copy;
}

void fpc_proto_text(fpc_proto *p, int field, const char *text)
{
    const char *clean = text ? fpc_proto_utf8(p->arena, text) : NULL;

    if (!clean)
        p->failed = 1;
    else
        fpc_proto_bytes(p, field, clean, strlen(clean));
}

void fpc_proto_message(fpc_proto *p, int field, const fpc_proto *inner)
{
    p->failed |= inner->failed;
    fpc_proto_bytes(p, field, inner->data, inner->n);
}
