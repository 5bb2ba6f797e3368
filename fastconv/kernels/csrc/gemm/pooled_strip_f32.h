/* pooled_strip_f32: the maxima of windows of 2 x 2 rows of A, which lie in two lines.
 *
 * A register tile holds the sums of whole windows, so that neither they are written nor read again. A
 * maximum is taken before bias and activation, both of which are monotonic: the bits are those of
 * pooling what strip_f32 writes. */
#include "gemm/store.h"
#include "gemm/strip.h"
#include "gemm/strip_f32.h"

#define FC_WINDOW (FC_POOLED_SIZE * FC_POOLED_SIZE)
#define FC_STRIP_WINDOWS (FC_STRIP_ROWS / FC_WINDOW)

FC_INLINE void FC_NAME(pooled_body)(const fc_strip *s, const float *a, float *c, const int windows,
                                    const int vecs) {
    const ptrdiff_t row = s->a_row;
    const float *b = s->b;
    vf sum[FC_STRIP_ROWS][FC_TILE_VECS];
    FC_NAME(strip_zero)(sum, windows * FC_WINDOW, vecs);
    for (const ptrdiff_t *o = s->offsets, *end = o + s->depth; o != end; o++, b += s->b_step) {
        const float *line0 = a + *o, *line1 = line0 + s->a_line;
        vf bv[FC_TILE_VECS];
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) bv[v] = vf_load(b + v * FC_VL);
#pragma GCC unroll 16
        for (int m = 0; m < windows * FC_WINDOW; m++) { /* windows one after the other */
            const ptrdiff_t at = FC_POOLED_SIZE * (m / FC_WINDOW) + m % FC_POOLED_SIZE;
            const vf am = vf_splat((m % FC_WINDOW < FC_POOLED_SIZE ? line0 : line1)[at * row]);
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) sum[m][v] += am * bv[v];
        }
    }
    vf max[FC_STRIP_WINDOWS][FC_TILE_VECS];
#pragma GCC unroll 4
    for (int w = 0; w < windows; w++) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) {
            max[w][v] = sum[w * FC_WINDOW][v];
#pragma GCC unroll 4
            for (int m = 1; m < FC_WINDOW; m++) max[w][v] = vf_max(max[w][v], sum[w * FC_WINDOW + m][v]);
        }
    }
    float *pixels[FC_STRIP_WINDOWS];
#pragma GCC unroll 4
    for (int w = 0; w < windows; w++) pixels[w] = c + w * s->c_row;
    FC_NAME(store)(max, pixels, windows, vecs, s->cols, s->bias, 0, 0, s->activation);
}

/* All windows, in equal parts of at most so many as fit. */
FC_INLINE void FC_NAME(pooled_strip)(const fc_strip *s, const int vecs) {
    ptrdiff_t parts = (s->rows + FC_STRIP_WINDOWS - 1) / FC_STRIP_WINDOWS, windows;
    for (ptrdiff_t w = 0; w < s->rows; w += windows, parts--) {
        const float *a = s->a + w * FC_POOLED_SIZE * s->a_row;
        float *c = s->c + w * s->c_row;
        windows = (s->rows - w + parts - 1) / parts;
#if FC_STRIP_WINDOWS == 3
        if (windows == 3)
            FC_NAME(pooled_body)(s, a, c, 3, vecs);
        else if (windows == 2)
            FC_NAME(pooled_body)(s, a, c, 2, vecs);
        else
#endif
            FC_NAME(pooled_body)(s, a, c, 1, vecs);
    }
}

/* `rows` windows side by side. */
static void FC_NAME(pooled_strip_f32)(const fc_strip *s) {
    const fc_strip own = *s; /* results cannot lie in it: it stays in registers */
    if (s->cols > FC_VL)
        FC_NAME(pooled_strip)(&own, FC_TILE_VECS);
    else
        FC_NAME(pooled_strip)(&own, 1);
}
