/* test_near_hashes.c: the index over hashes finds exactly the pairs that comparing all of them finds, in their order:
 * of random hashes, of such that lie close together, and of such that differ in just as many bits as are allowed, or in
 * one more, spread over the hash in each way that an index by bands might miss. */
#include "fixture.h"
#include "cmd/inspect/near_hashes.h"

enum { MOST = 6000 };

static uint64_t hash[MOST][2];

static uint64_t drawn(uint32_t i, uint32_t stream)
{
    const fpc_u32x4 r = fpc_philox4x32(7, stream, i, 0, 0, 0);

    return (uint64_t)r.v[0] << 32 | r.v[1];
}

static void agrees(bench *b, int64_t n, int32_t near)
{
    fpc_near_hashes *index;
    int64_t pairs = 0;

    assert_int_equal(fpc_near_hashes_new(b->arena, n, (const uint64_t(*)[2])hash, near, &index), FPC_OK);
    for (int64_t i = 0; i < n; i++) {
        const int64_t *found, m = fpc_near_hashes_behind(index, i, &found);
        int64_t k = 0;

        for (int64_t j = i + 1; j < n; j++)
            if (__builtin_popcountll(hash[i][0] ^ hash[j][0]) <= near ||
                __builtin_popcountll(hash[i][0] ^ hash[j][1]) <= near) {
                if (k == m || found[k] != j)
                    fail_msg("within %d bits of hash %lld: %lld is missing", near, (long long)i, (long long)j);
                k++;
            }
        assert_int_equal(k, m); /* and no others */
        pairs += m;
    }
    print_message("%lld hashes, %d bits: %lld pairs\n", (long long)n, near, (long long)pairs);
}

static void random_hashes(void **state)
{
    bench *b = *state;

    for (uint32_t i = 0; i < MOST; i++) {
        hash[i][0] = drawn(i, 0);
        hash[i][1] = drawn(i, 1);
    }
    for (int32_t near = 0; near <= 64; near += 8)
        agrees(b, 1500, near);
    agrees(b, MOST, 15);
    agrees(b, 0, 10);
    agrees(b, 1, 10);
}

/* About an eighth of the bits differ from one pattern, in the mirror from its opposite; some pairs by the mirror
 * alone. */
static void crowded_hashes(void **state)
{
    bench *b = *state;
    const uint64_t pattern = drawn(0, 2);

    for (uint32_t i = 0; i < MOST; i++) {
        hash[i][0] = pattern ^ (drawn(i, 3) & drawn(i, 4) & drawn(i, 5));
        hash[i][1] = ~pattern ^ (drawn(i, 6) & drawn(i, 7) & drawn(i, 8));
        if (i % 50 == 49) {
            hash[i][0] = ~hash[i][0];
            hash[i][1] = hash[i - 1][0] ^ (drawn(i, 9) & drawn(i, 10) & drawn(i, 11));
        }
    }
    for (int32_t near = 0; near <= 16; near++)
        agrees(b, 1500, near);
    agrees(b, MOST, 13);
}

/* Bits of which every band has as many as the others, as far as that goes; or of which one band has all, then the
 * next. */
static uint64_t spread(int32_t bits, uint32_t turn, int evenly)
{
    uint64_t flip = 0;

    for (int32_t k = 0; k < bits; k++) {
        const uint32_t at =
            evenly ? 16 * (((uint32_t)k + turn) % 4) + ((uint32_t)k / 4 * 5 + turn) % 16 : ((uint32_t)k + turn) % 64;
        flip |= 1ull << at;
    }
    return flip;
}

/* Pairs at the limit, and one bit beyond it. */
static void hashes_at_the_limit(void **state)
{
    bench *b = *state;

    for (int32_t near = 0; near <= 12; near++) {
        for (uint32_t i = 0; i + 1 < MOST; i += 2) {
            const uint64_t flip = spread(near + (int32_t)(i / 2 % 2), i / 4, i / 8 % 2);
            const int in_mirror = i / 16 % 2;

            assert_int_equal(__builtin_popcountll(flip), near + (int32_t)(i / 2 % 2));
            for (int m = 0; m < 2; m++) {
                hash[i][m] = drawn(i, 12 + (uint32_t)m);
                hash[i + 1][m] = drawn(i + 1, 12 + (uint32_t)m);
            }
            hash[i + 1][in_mirror] = hash[i][0] ^ flip;
        }
        agrees(b, near < 12 ? 1500 : MOST, near);
    }
}

/* Flat pictures have one hash. */
static void equal_hashes(void **state)
{
    bench *b = *state;

    memset(hash, 0, sizeof hash);
    agrees(b, 1500, 0);
    agrees(b, 1500, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(random_hashes), CASE(crowded_hashes), CASE(hashes_at_the_limit),
                                       CASE(equal_hashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
