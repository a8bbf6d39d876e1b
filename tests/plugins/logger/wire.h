/* wire.h: numbers of protocol buffers as the tests of the logger tensorboard read them, by a decoder of their own. */
#ifndef TESTS_PLUGINS_LOGGER_WIRE_H
#define TESTS_PLUGINS_LOGGER_WIRE_H

#include "fixture.h"

typedef struct bytes {
    const uint8_t *p, *end;
} bytes;

static inline uint64_t varint(bytes *b)
{
    uint64_t v = 0;

    for (int shift = 0;; shift += 7) {
        assert_true(b->p < b->end && shift < 64);
        v |= (uint64_t)(*b->p & 127) << shift;
        if (!(*b->p++ & 128))
            return v;
    }
}

#endif
