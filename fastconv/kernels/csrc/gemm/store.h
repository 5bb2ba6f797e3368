/* How a register tile of sums becomes results: shared by tile_f32 and strip_f32. */
#ifndef FC_GEMM_STORE_H
#define FC_GEMM_STORE_H

#include "elementwise/map.h"
#include "simd/vec.h"

#define FC_TILE_VECS 2 /* vectors of columns in a tile */
#define FC_TILE_COLS (FC_TILE_VECS * FC_VL)

/* `last` lanes of the last vector. Each question is asked once a tile, not once a vector: products
 * of few summed elements would feel it. */
FC_INLINE void FC_NAME(store_lanes)(vf (*sum)[FC_TILE_VECS], float *const *c, const int rows,
                                    const int vecs, ptrdiff_t last, const float *bias,
                                    int accumulate, ptrdiff_t added, int activation) {
    if (accumulate) {
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++)
                sum[m][v] += vf_load_n(c[m] + v * FC_VL, v == vecs - 1 ? last : FC_VL);
        }
    }
    if (bias) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) {
            const vf shift = vf_load_n(bias + v * FC_VL, v == vecs - 1 ? last : FC_VL);
#pragma GCC unroll 16
            for (int m = 0; m < rows; m++) sum[m][v] += shift;
        }
    }
    if (added) {
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++)
                sum[m][v] += vf_load_n(c[m] + added + v * FC_VL, v == vecs - 1 ? last : FC_VL);
        }
    }
    if (activation == FC_RELU) {
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) sum[m][v] = vf_relu(sum[m][v]);
        }
    } else if (activation == FC_RELU6) {
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) sum[m][v] = vf_relu6(sum[m][v]);
        }
    }
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            vf_store_n(c[m] + v * FC_VL, sum[m][v], v == vecs - 1 ? last : FC_VL);
    }
}

/* c = activation(sum + c + bias + what lies `added` elements further on), `cols` columns of it. */
FC_INLINE void FC_NAME(store)(vf (*sum)[FC_TILE_VECS], float *const *c, const int rows,
                              const int vecs, ptrdiff_t cols, const float *bias, int accumulate,
                              ptrdiff_t added, int activation) {
    const ptrdiff_t last = cols - (vecs - 1) * FC_VL; /* valid lanes of the last vector */
    if (last == FC_VL)
        FC_NAME(store_lanes)(sum, c, rows, vecs, FC_VL, bias, accumulate, added, activation);
    else
        FC_NAME(store_lanes)(sum, c, rows, vecs, last, bias, accumulate, added, activation);
}

#endif
