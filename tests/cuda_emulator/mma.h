/* mma.h: of CUDA's nvcuda::wmma what warp_tile.h uses: products of 16x8 by 8x16 numbers in TF32. Which numbers of a
 * fragment a lane holds is nobody's business but wmma's; here it is number 32 e + lane as its x[e]. As on a device, a
 * product takes no notice of the 13 bits that TF32 lacks, so code that forgets to round loses up to a whole unit. */
#ifndef TESTS_CUDA_EMULATOR_MMA_H
#define TESTS_CUDA_EMULATOR_MMA_H

#include "tests/cuda_emulator/bits.h"
#include "tests/cuda_emulator/warp.h"

namespace nvcuda
{
namespace wmma
{

struct row_major;
struct col_major;
struct matrix_a;
struct matrix_b;
struct accumulator;
enum layout_t { mem_row_major, mem_col_major };
namespace precision
{
struct tf32;
}

/* Lines of the operand, numbers in each: of the left one rows, of the right one still rows. */
template <class USE, int M, int N, int K> struct emulate_size {
    static constexpr int lines = M, width = N;
};
template <int M, int N, int K> struct emulate_size<matrix_a, M, N, K> {
    static constexpr int lines = M, width = K;
};
template <int M, int N, int K> struct emulate_size<matrix_b, M, N, K> {
    static constexpr int lines = K, width = N;
};

template <class USE, int M, int N, int K, class T, class LAYOUT = void> struct fragment {
    static_assert(M == 16 && N == 16 && K == 8, "the size of TF32's products");
    static constexpr int width = emulate_size<USE, M, N, K>::width;
    static constexpr int num_elements = emulate_size<USE, M, N, K>::lines * width / EMULATE_WARP;
    float x[num_elements];
};

inline unsigned emulate_lane()
{
    return emulate_thread_id() % EMULATE_WARP;
}
inline void emulate_check_matrix(const float *p, unsigned ld)
{
    if (reinterpret_cast<uintptr_t>(p) % 32 || ld % 4)
        emulate_die("wmma: a matrix begins at a multiple of 32 bytes, and its lines are a multiple of 16 bytes long");
}

inline float __float_to_tf32(float x)
{
    const uint32_t u = emulate_bits(x);
    return (u & 0x7f800000u) == 0x7f800000u ? x : emulate_real((u + 0x1000u) & ~0x1fffu); /* ties away from zero */
}

template <class F> inline void fill_fragment(F &f, float v)
{
    for (int e = 0; e < f.num_elements; e++)
        f.x[e] = v;
}

template <class USE, int M, int N, int K, class T, class LAYOUT>
inline void load_matrix_sync(fragment<USE, M, N, K, T, LAYOUT> &f, const float *p, unsigned ld)
{
    emulate_check_matrix(p, ld);
    emulate_together();
    for (int e = 0; e < f.num_elements; e++) {
        const unsigned i = 32u * static_cast<unsigned>(e) + emulate_lane(), line = i / f.width, at = i % f.width;
        f.x[e] = std::is_same<LAYOUT, row_major>::value ? p[line * ld + at] : p[at * ld + line];
    }
    emulate_together();
}

template <int M, int N, int K>
inline void store_matrix_sync(float *p, const fragment<accumulator, M, N, K, float> &f, unsigned ld, layout_t layout)
{
    emulate_check_matrix(p, ld);
    emulate_together();
    for (int e = 0; e < f.num_elements; e++) {
        const unsigned i = 32u * static_cast<unsigned>(e) + emulate_lane(), line = i / f.width, at = i % f.width;
        p[layout == mem_row_major ? line * ld + at : at * ld + line] = f.x[e];
    }
    emulate_together();
}

/* d = a b + c */
template <int M, int N, int K, class LA, class LB>
inline void
mma_sync(fragment<accumulator, M, N, K, float> &d, const fragment<matrix_a, M, N, K, precision::tf32, LA> &a,
         const fragment<matrix_b, M, N, K, precision::tf32, LB> &b, const fragment<accumulator, M, N, K, float> &c)
{
    emulate_slate &s = emulate_slate_of_warp();
    const unsigned lane = emulate_lane();
    for (int e = 0; e < a.num_elements; e++)
        s.left[32u * static_cast<unsigned>(e) + lane] = emulate_real(emulate_bits(a.x[e]) & ~0x1fffu);
    for (int e = 0; e < b.num_elements; e++)
        s.right[32u * static_cast<unsigned>(e) + lane] = emulate_real(emulate_bits(b.x[e]) & ~0x1fffu);
    emulate_together();
    for (int e = 0; e < d.num_elements; e++) {
        const unsigned i = 32u * static_cast<unsigned>(e) + lane;
        double term[K + 1] = {(double)c.x[e]};
        for (unsigned k = 0; k < K; k++)
            term[k + 1] = (double)s.left[i / N * K + k] * (double)s.right[k * N + i % N];
        d.x[e] = emulate_cut_sum(term, K + 1);
    }
    emulate_together();
}

} // namespace wmma
} // namespace nvcuda

#endif
