/* ptx.h (emulator): the instructions of kernels/cuda/ptx.h, which stands behind this file in the include path, as their
 * documentation says them, lane by lane: a fragment that is laid out wrongly gives wrong products here as on a device.
 * A copy that was started fills its target with NaN and arrives when its thread waits, so that code which reads too
 * early, or overwrites what another warp still reads, fails its tests. Copies and addresses that a device would refuse
 * end the process. */
#ifndef TESTS_CUDA_EMULATOR_PTX_H
#define TESTS_CUDA_EMULATOR_PTX_H

#include "kernels/cuda/device.h"
#include "tests/cuda_emulator/bits.h"
#include "tests/cuda_emulator/warp.h"
#include <math.h>
#include <string.h>

/* Half `at` of the matrix whose rows begin at row[first ...], as its bits */
inline uint32_t emulate_matrix_half(const emulate_slate &s, int first, unsigned row, unsigned at)
{
    uint16_t bits;
    EMULATE_SEES(s.row[(unsigned)first + row] + 2 * at, sizeof bits, EMULATE_READ);
    memcpy(&bits, s.row[(unsigned)first + row] + 2 * at, sizeof bits);
    return bits;
}

inline void emulate_load_matrix(uint32_t (&r)[4], const void *row, bool transposed)
{
    const unsigned lane = emulate_thread_id() % EMULATE_WARP, g = lane / 4, t = lane % 4;
    emulate_slate &s = emulate_slate_of_warp();
    if (reinterpret_cast<uintptr_t>(row) % 16)
        emulate_die("ldmatrix from an address that is not a multiple of 16");
    s.row[lane] = static_cast<const unsigned char *>(row);
    emulate_together();
    for (int i = 0; i < 4; i++)
        r[i] = transposed ? emulate_matrix_half(s, 8 * i, 2 * t, g) | emulate_matrix_half(s, 8 * i, 2 * t + 1, g) << 16
                          : emulate_matrix_half(s, 8 * i, g, 2 * t) | emulate_matrix_half(s, 8 * i, g, 2 * t + 1) << 16;
    emulate_together();
}
template <class T> DEVICE void load_matrix(uint32_t (&r)[4], const T *row)
{
    static_assert(sizeof(T) == 2, "halves");
    emulate_load_matrix(r, row, false);
}
template <class T> DEVICE void load_matrix_transposed(uint32_t (&r)[4], const T *row)
{
    static_assert(sizeof(T) == 2, "halves");
    emulate_load_matrix(r, row, true);
}

template <class T> inline float emulate_half_of(uint32_t pair, unsigned which)
{
    const uint16_t bits = (uint16_t)(pair >> (16 * which));
    T x;
    memcpy(&x, &bits, sizeof bits);
    return to_float(x);
}

/* c += a b */
template <class T> DEVICE void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1)
{
    const unsigned lane = emulate_thread_id() % EMULATE_WARP, g = lane / 4, t = lane % 4;
    emulate_slate &s = emulate_slate_of_warp();
    memcpy(s.a[lane], a, sizeof s.a[lane]);
    s.b[lane][0] = b0;
    s.b[lane][1] = b1;
    emulate_together();
    for (unsigned e = 0; e < 4; e++) {
        const unsigned half_row = e / 2, column = 2 * t + e % 2; /* row g + 8 half_row */
        double term[17] = {(double)c[e]};
        for (unsigned k = 0; k < 16; k++) {
            const unsigned in_group = k % 8 / 2;
            term[k + 1] = (double)emulate_half_of<T>(s.a[4 * g + in_group][half_row + 2 * (k / 8)], k % 2) *
                          (double)emulate_half_of<T>(s.b[4 * column + in_group][k / 8], k % 2);
        }
        c[e] = emulate_cut_sum(term, 17);
    }
    emulate_together();
}

template <int N> DEVICE void copy_async(void *to, const void *from, int there)
{
    static_assert(N == 4 || N == 8 || N == 16, "sizes in use");
    const unsigned id = emulate_thread_id();
    if (reinterpret_cast<uintptr_t>(to) % N || reinterpret_cast<uintptr_t>(from) % N)
        emulate_die("cp.async of %d bytes between addresses that are not multiples of that", N);
    if (emulate_n_copies[id] == EMULATE_MAX_COPIES)
        emulate_die("more than %d copies before a copy_wait", (int)EMULATE_MAX_COPIES);
    emulate_copies[id][emulate_n_copies[id]++] = {to, there ? from : nullptr, N};
    EMULATE_SEES(to, N, EMULATE_WRITE);
    if (there)
        EMULATE_SEES(from, N, EMULATE_READ);
    memset(to, 0xff, N);
}
DEVICE void copy_wait()
{
    const unsigned id = emulate_thread_id();
    for (int i = 0; i < emulate_n_copies[id]; i++) {
        const emulate_copy c = emulate_copies[id][i];
        EMULATE_SEES(c.to, (size_t)c.bytes, EMULATE_WRITE);
        if (c.from)
            EMULATE_SEES(c.from, (size_t)c.bytes, EMULATE_READ);
        if (c.from)
            memcpy(c.to, c.from, (size_t)c.bytes);
        else
            memset(c.to, 0, (size_t)c.bytes);
    }
    emulate_n_copies[id] = 0;
}

DEVICE float exp2_fast(float x)
{
    const float y = emulate_approximate(exp2f(x), x);
    return y < 1.17549435e-38f ? 0 : y; /* NaN stays */
}

template <class T> DEVICE uint32_t pair_of(float low, float high)
{
    const T x[2] = {from_float<T>(low), from_float<T>(high)};
    uint32_t r;
    static_assert(sizeof x == sizeof r, "halves");
    memcpy(&r, x, sizeof r);
    return r;
}

#endif
