/* row_f32: one row of A times B, for which B is read once and memory is what counts.
 *
 * B's rows are read from left to right, eight at a time, and the sums are kept in memory, which L1
 * holds. One chain of multiply-adds an output, in the order of k: the bits of a register tile. */
#include "simd/vec.h"

#define FC_ROW_GROUP 8

FC_INLINE vf FC_NAME(row_sum)(vf sum, const vf *a, const float *b, ptrdiff_t b_step,
                              const int rows, ptrdiff_t n) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) sum += a[r] * vf_load_n(b + r * b_step, n);
    return sum;
}

FC_INLINE void FC_NAME(row_group)(const float *a, ptrdiff_t a_step, const float *b,
                                  ptrdiff_t b_step, ptrdiff_t cols, float *sum, int first,
                                  const int rows) {
    vf factor[FC_ROW_GROUP];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) factor[r] = vf_splat(a[r * a_step]);
    ptrdiff_t n = 0;
    for (; n + FC_VL <= cols; n += FC_VL) {
        const vf before = first ? (vf){0} : vf_load(sum + n);
        vf_store(sum + n, FC_NAME(row_sum)(before, factor, b + n, b_step, rows, FC_VL));
    }
    if (n < cols) { /* sums have room for whole vectors */
        const vf before = first ? (vf){0} : vf_load(sum + n);
        vf_store(sum + n, FC_NAME(row_sum)(before, factor, b + n, b_step, rows, cols - n));
    }
}

static void FC_NAME(row_f32)(const float *a, ptrdiff_t a_step, const float *b, ptrdiff_t b_step,
                             ptrdiff_t depth, ptrdiff_t cols, float *sum) {
    ptrdiff_t k = 0;
    for (; k + FC_ROW_GROUP <= depth; k += FC_ROW_GROUP)
        FC_NAME(row_group)(a + k * a_step, a_step, b + k * b_step, b_step, cols, sum, k == 0,
                           FC_ROW_GROUP);
    for (; k < depth; k++)
        FC_NAME(row_group)(a + k * a_step, a_step, b + k * b_step, b_step, cols, sum, k == 0, 1);
}
