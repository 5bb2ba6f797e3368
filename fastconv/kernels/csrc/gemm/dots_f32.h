/* dots_f32: products with so few columns that they would leave most of a vector empty.
 *
 * Lanes are summed elements here, not columns: each output is a dot product of a row of A and a
 * column of B, read as they lie, and its lanes are added at the end. */
#include "gemm/strip.h"
#include "simd/vec.h"

#define FC_DOTS_ROWS 4 /* x 4 columns = 16 sums in registers */

/* The sums of the lanes of each of four vectors. */
FC_INLINE v4 FC_NAME(sum_lanes)(const vf *v) {
    v4 four[4];
#pragma GCC unroll 4
    for (int m = 0; m < 4; m++) {
        float lanes[FC_VL]; /* never in memory: a way to cut a vector into its parts */
        vf_store(lanes, v[m]);
        four[m] = *(const v4_any *)lanes;
#pragma GCC unroll 4
        for (int i = 4; i < FC_VL; i += 4) four[m] += *(const v4_any *)(lanes + i);
    }
    const v4 two0 = FC_SHUFFLE4(four[0], four[1], 0, 4, 1, 5) + FC_SHUFFLE4(four[0], four[1], 2, 6, 3, 7);
    const v4 two1 = FC_SHUFFLE4(four[2], four[3], 0, 4, 1, 5) + FC_SHUFFLE4(four[2], four[3], 2, 6, 3, 7);
    return FC_SHUFFLE4(two0, two1, 0, 1, 4, 5) + FC_SHUFFLE4(two0, two1, 2, 3, 6, 7);
}

FC_INLINE void FC_NAME(dots_add)(const float *a, ptrdiff_t row, const float *b, ptrdiff_t column,
                                 vf (*sum)[FC_DOTS_ROWS], const int rows, const int cols,
                                 const ptrdiff_t n) {
    vf bv[FC_DOTS_COLS];
#pragma GCC unroll 4
    for (int v = 0; v < cols; v++) bv[v] = vf_load_n(b + v * column, n);
#pragma GCC unroll 4
    for (int m = 0; m < rows; m++) {
        const vf am = vf_load_n(a + m * row, n);
        __builtin_prefetch(a + (m + 2 * rows) * row); /* rows are far away, and soon done */
#pragma GCC unroll 4
        for (int v = 0; v < cols; v++) sum[v][m] += am * bv[v];
    }
}

FC_INLINE void FC_NAME(dots_body)(const fc_strip *s, const float *a, float *c, const int rows,
                                  const int cols) {
    vf sum[FC_DOTS_COLS][FC_DOTS_ROWS];
#pragma GCC unroll 4
    for (int v = 0; v < cols; v++) {
#pragma GCC unroll 4
        for (int m = 0; m < FC_DOTS_ROWS; m++) sum[v][m] = (vf){0};
    }
    for (ptrdiff_t k = 0; k < s->depth; k += s->run) {
        const float *row = a + s->offsets[k], *b = s->b + k;
        ptrdiff_t i = 0;
        for (; i + FC_VL <= s->run; i += FC_VL)
            FC_NAME(dots_add)(row + i, s->a_row, b + i, s->b_step, sum, rows, cols, FC_VL);
        if (i < s->run)
            FC_NAME(dots_add)(row + i, s->a_row, b + i, s->b_step, sum, rows, cols, s->run - i);
    }
#pragma GCC unroll 4
    for (int v = 0; v < cols; v++, c++) {
        v4 y = FC_NAME(sum_lanes)(sum[v]);
        if (s->accumulate) {
#pragma GCC unroll 4
            for (int m = 0; m < rows; m++) y[m] += c[m * s->c_row];
        }
        if (s->bias) y += s->bias[v];
        if (s->added) {
#pragma GCC unroll 4
            for (int m = 0; m < rows; m++) y[m] += c[m * s->c_row + s->added];
        }
        if (s->activation != FC_LINEAR) y = (v4)(~(y <= 0) & (v4i)y);
        if (s->activation == FC_RELU6) y = (v4)((~(y > 6) & (v4i)y) | ((y > 6) & (v4i)(6 - (v4){0})));
#pragma GCC unroll 4
        for (int m = 0; m < rows; m++) c[m * s->c_row] = y[m];
    }
}

/* The strip of one panel of at most FC_DOTS_COLS columns; b_step is the distance of B's columns. */
static void FC_NAME(dots_f32)(const fc_strip *s) {
#define FC_DOTS_OVER_ROWS(cols)                                                                \
    for (; m + FC_DOTS_ROWS <= s->rows; m += FC_DOTS_ROWS)                                     \
        FC_NAME(dots_body)(s, s->a + m * s->a_row, s->c + m * s->c_row, FC_DOTS_ROWS, cols);   \
    for (; m < s->rows; m++)                                                                   \
        FC_NAME(dots_body)(s, s->a + m * s->a_row, s->c + m * s->c_row, 1, cols);              \
    break
    ptrdiff_t m = 0;
    switch (s->cols) {
    case 1: FC_DOTS_OVER_ROWS(1);
    case 2: FC_DOTS_OVER_ROWS(2);
    case 3: FC_DOTS_OVER_ROWS(3);
    default: FC_DOTS_OVER_ROWS(4);
    }
#undef FC_DOTS_OVER_ROWS
}
