/* protobuf.h: what the logger tensorboard writes protocol buffers with: fields behind one another in a text. */
#ifndef PLUGINS_LOGGER_PROTOBUF_H
#define PLUGINS_LOGGER_PROTOBUF_H

#include "text.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static inline void put_fixed(text *t, fpc_arena *arena, uint64_t v, int bytes)
{
    uint8_t b[8];

    for (int i = 0; i < bytes; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    text_bytes(t, arena, b, (size_t)bytes);
}

static inline uint64_t get_fixed(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static inline void put_varint(text *t, fpc_arena *arena, uint64_t v)
{
    uint8_t b[10];
    size_t n = 0;

    do {
        b[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v);
    text_bytes(t, arena, b, n);
}

static inline void put_key(text *t, fpc_arena *arena, int field, int type)
{
    put_varint(t, arena, (uint64_t)field << 3 | (uint64_t)type);
}

static inline void put_block(text *t, fpc_arena *arena, int field, const void *data, size_t n)
{
    put_key(t, arena, field, BYTES);
    put_varint(t, arena, n);
    text_bytes(t, arena, data, n);
}

static inline size_t varint_size(uint64_t v)
{
    size_t n = 1;

    for (; v > 127; v >>= 7)
        n++;
    return n;
}

static inline void put_double(text *t, fpc_arena *arena, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    put_fixed(t, arena, bits, 8);
}

static inline void put_real(text *t, fpc_arena *arena, int field, double v)
{
    put_key(t, arena, field, FIXED64);
    put_double(t, arena, v);
}

static inline void put_int(text *t, fpc_arena *arena, int field, uint64_t v)
{
    put_key(t, arena, field, VARINT);
    put_varint(t, arena, v);
}

#endif
