/* digest.h: 64 bits that tell contents apart: FNV-1a (G. Fowler, L. C. Noll, K.-P. Vo). Not against an adversary. */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t fpc_digest(const void *bytes, size_t n)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
    return h;
}

#endif
