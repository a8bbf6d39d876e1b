/* warp_tile.h: 32 x 32 numbers of a matrix product, held by one warp that reads both operands from shared memory and
 * adds in float. Three ways: `half` on tensor cores for bf16 and f16 (ptx.h), `plain` for float, exact, and TF32 on
 * tensor cores for float where TENSOR is set. Operand lines: (line, k) lies
 * at p[line * LD + k] where INNER is set, else at p[k * LD + line]; p is aligned to 32 bytes, LD a multiple of 16
 * bytes. */
#ifndef KERNELS_CUDA_WARP_TILE_H
#define KERNELS_CUDA_WARP_TILE_H

#include "kernels/cuda/ptx.h"
#include <mma.h>

enum { WARP_TILE = 32 };

/* A lane holds 8 rows, 4 apart, of 4 columns, 8 apart: its neighbours then read other banks. */
template <class T, bool A_INNER, bool B_INNER, int LDA, int LDB, int DEPTH> struct plain_warp_tile {
    float sum[8][4];

    DEVICE void clear()
    {
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 4; j++)
                sum[i][j] = 0.0f;
    }

    DEVICE void add(const T *a, const T *b)
    {
        const int lane = (int)threadIdx.x % 32, row = lane / 8, column = lane % 8;
        for (int k = 0; k < DEPTH; k++) {
            float x[8], y[4];
            for (int i = 0; i < 8; i++)
                x[i] = to_float(A_INNER ? a[(row + 4 * i) * LDA + k] : a[k * LDA + row + 4 * i]);
            for (int j = 0; j < 4; j++)
                y[j] = to_float(B_INNER ? b[(column + 8 * j) * LDB + k] : b[k * LDB + column + 8 * j]);
            for (int i = 0; i < 8; i++)
                for (int j = 0; j < 4; j++)
                    sum[i][j] += x[i] * y[j];
        }
    }

    DEVICE void put(float *to, int ld) const
    {
        const int lane = (int)threadIdx.x % 32, row = lane / 8, column = lane % 8;
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 4; j++)
                to[(row + 4 * i) * ld + column + 8 * j] = sum[i][j];
    }
};

/* Two by four 16x8 products. Lane l shows ldmatrix row l % 8 of 8x8 matrix l / 8. */
template <class T, bool A_INNER, bool B_INNER, int LDA, int LDB, int DEPTH> struct half_warp_tile {
    float sum[2][4][4];

    DEVICE void clear()
    {
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 4; j++)
                for (int e = 0; e < 4; e++)
                    sum[i][j][e] = 0.0f;
    }

    DEVICE void add(const T *a, const T *b)
    {
        const int lane = (int)threadIdx.x % 32, row = lane % 8, low = lane / 8 % 2 * 8, high = lane / 16 * 8;
        for (int k = 0; k < DEPTH; k += 16) {
            uint32_t x[2][4], y[2][4]; /* y: of two 16x8 operands each */
            for (int i = 0; i < 2; i++) {
                if (A_INNER)
                    load_matrix(x[i], a + (16 * i + low + row) * LDA + k + high);
                else
                    load_matrix_transposed(x[i], a + (k + high + row) * LDA + 16 * i + low);
                if (B_INNER)
                    load_matrix(y[i], b + (16 * i + high + row) * LDB + k + low);
                else
                    load_matrix_transposed(y[i], b + (k + low + row) * LDB + 16 * i + high);
            }
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 4; j++)
                    multiply_add<T>(sum[i][j], x[i], y[j / 2][j % 2 * 2], y[j / 2][j % 2 * 2 + 1]);
        }
    }

    DEVICE void put(float *to, int ld) const
    {
        const int lane = (int)threadIdx.x % 32, g = lane / 4, t = lane % 4;
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 4; j++)
                for (int e = 0; e < 4; e++)
                    to[(16 * i + g + 8 * (e / 2)) * ld + 8 * j + 2 * t + e % 2] = sum[i][j][e];
    }
};

template <bool INNER> struct tf32_layout {
    typedef nvcuda::wmma::row_major a;
    typedef nvcuda::wmma::col_major b;
};
template <> struct tf32_layout<false> {
    typedef nvcuda::wmma::col_major a;
    typedef nvcuda::wmma::row_major b;
};

template <class F> DEVICE void round_to_tf32(F &f)
{
    for (int i = 0; i < f.num_elements; i++)
        f.x[i] = nvcuda::wmma::__float_to_tf32(f.x[i]);
}

template <bool A_INNER, bool B_INNER, int LDA, int LDB, int DEPTH> struct tf32_warp_tile {
    typedef nvcuda::wmma::precision::tf32 tf32;
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 8, float> sum[2][2];

    DEVICE void clear()
    {
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                nvcuda::wmma::fill_fragment(sum[i][j], 0.0f);
    }

    DEVICE void add(const float *a, const float *b)
    {
        for (int k = 0; k < DEPTH; k += 8) {
            nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 8, tf32, typename tf32_layout<A_INNER>::a> x[2];
            nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 8, tf32, typename tf32_layout<B_INNER>::b> y[2];
            for (int i = 0; i < 2; i++) {
                nvcuda::wmma::load_matrix_sync(x[i], A_INNER ? a + 16 * i * LDA + k : a + k * LDA + 16 * i, LDA);
                nvcuda::wmma::load_matrix_sync(y[i], B_INNER ? b + 16 * i * LDB + k : b + k * LDB + 16 * i, LDB);
                round_to_tf32(x[i]);
                round_to_tf32(y[i]);
            }
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++)
                    nvcuda::wmma::mma_sync(sum[i][j], x[i], y[j], sum[i][j]);
        }
    }

    DEVICE void put(float *to, int ld) const
    {
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                nvcuda::wmma::store_matrix_sync(to + 16 * i * ld + 16 * j, sum[i][j], (unsigned)ld,
                                                nvcuda::wmma::mem_row_major);
    }
};

/* warp_tile<...>::type: the way that fits. TENSOR is of account for float only. */
template <class T, bool TENSOR, bool A_INNER, bool B_INNER, int LDA, int LDB, int DEPTH> struct warp_tile {
    typedef half_warp_tile<T, A_INNER, B_INNER, LDA, LDB, DEPTH> type;
};
template <bool A_INNER, bool B_INNER, int LDA, int LDB, int DEPTH>
struct warp_tile<float, false, A_INNER, B_INNER, LDA, LDB, DEPTH> {
    typedef plain_warp_tile<float, A_INNER, B_INNER, LDA, LDB, DEPTH> type;
};
template <bool A_INNER, bool B_INNER, int LDA, int LDB, int DEPTH>
struct warp_tile<float, true, A_INNER, B_INNER, LDA, LDB, DEPTH> {
    typedef tf32_warp_tile<A_INNER, B_INNER, LDA, LDB, DEPTH> type;
};

#endif
