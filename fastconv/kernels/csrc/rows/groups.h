/* Rows on vectors, for any row length.
 *
 * A long row is a group of its own: lanes are columns, a sum runs over the vectors and then across
 * the lanes, and the last vector overlaps the one before it. Short rows go FC_VL at a time: lanes
 * are rows, one vector a column, in a transposed copy. Bodies are written once for both: `across`
 * says whether lanes are columns. */
#ifndef FC_ROWS_GROUPS_H
#define FC_ROWS_GROUPS_H

#include "simd/lane_numbers.h"
#include "simd/vec.h"

/* Columns of the longest short row, at least FC_VL. Copying costs a few cycles a column, what it
 * saves, sums across lanes and lanes without a column, is some 60 cycles a row. */
#define FC_SHORT_ROW 32
/* Room for a group of short rows. */
#define FC_GROUP (FC_SHORT_ROW * FC_VL)

/* Where the vector that begins at i of n >= FC_VL floats is read: the last ends with the row. */
FC_INLINE ptrdiff_t group_at(ptrdiff_t i, ptrdiff_t n) {
    return i + FC_VL <= n ? i : n - FC_VL;
}
/* The lanes that the vector before does not hold, and v with zero in the others. */
FC_INLINE vi group_new_lanes(ptrdiff_t i, ptrdiff_t at) { return vi_lanes() >= (int32_t)(i - at); }
FC_INLINE vf group_new(vf v, ptrdiff_t i, ptrdiff_t at) {
    return (vf)(group_new_lanes(i, at) & (vi)v);
}

/* Sum, or maximum, of all lanes in each lane, if lanes are columns. */
FC_INLINE vf group_sum(vf v, const int across) {
    if (!across) return v;
    float lanes[FC_VL];
    vf_store(lanes, v);
#pragma GCC unroll 8
    for (int half = FC_VL / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    }
    return vf_splat(lanes[0]);
}
FC_INLINE vf group_max(vf v, const int across) {
    if (!across) return v;
    float lanes[FC_VL];
    vf_store(lanes, v);
    float most = lanes[0];
#pragma GCC unroll 16
    for (int i = 1; i < FC_VL; i++) {
        if (lanes[i] > most || lanes[i] != lanes[i]) most = lanes[i];
    }
    return vf_splat(most);
}

/* Columns of x (rows <= FC_VL, cols <= FC_SHORT_ROW) to vectors; lanes without a row are zero. */
FC_INLINE void group_gather(float *group, const float *x, ptrdiff_t rows, ptrdiff_t cols) {
    if (rows < FC_VL) memset(group, 0, (size_t)(cols * FC_VL) * sizeof(float));
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < cols; c++) group[c * FC_VL + r] = x[r * cols + c];
    }
}
FC_INLINE void group_scatter(float *y, const float *group, ptrdiff_t rows, ptrdiff_t cols) {
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (ptrdiff_t c = 0; c < cols; c++) y[r * cols + c] = group[c * FC_VL + r];
    }
}

#endif
