/* Part of depthwise/depthwise_f32.h, for one vector width. */

/* One vector of channels of `pixels` neighbouring outputs, cols taps a row. With SW > 0 the caller
 * vouches for SW and cols being constants and DW being 1. */
FC_INLINE void FC_SIZED(depthwise_tile)(const fc_depthwise *d, ptrdiff_t rows,
                                        const ptrdiff_t cols, const float *x, const float *kernel,
                                        const float *bias, float *y, const int pixels,
                                        const int SW) {
    const ptrdiff_t x_pixel = d->x_pixel, y_pixel = d->y_pixel, k_col = d->k_col;
    wf sum[FC_DW_PIXELS];
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++) sum[i] = wf_splat(0.0f);

    for (ptrdiff_t r = 0; r < rows; r++, x += d->x_row, kernel += d->k_row) {
        if (SW) {
            wf tap[FC_DW_COLS];
#pragma GCC unroll 8
            for (int k = 0; k < cols; k++) tap[k] = wf_load(kernel + k * k_col);
            const float *pixel = x;
#pragma GCC unroll 32
            for (int j = 0; j < (pixels - 1) * SW + cols; j++, pixel += x_pixel) {
                const wf value = wf_load(pixel);
#pragma GCC unroll 8
                for (int k = 0; k < cols; k++) {
                    const int i = (j - k) / (SW ? SW : 1);
                    if (j >= k && (j - k) % (SW ? SW : 1) == 0 && i < pixels) {
                        sum[i] += value * tap[k];
                    }
                }
            }
        } else {
            const ptrdiff_t right = d->DW * x_pixel, next = d->SW * x_pixel;
            for (ptrdiff_t k = 0; k < cols; k++) {
                const wf tap = wf_load(kernel + k * k_col);
                const float *pixel = x + k * right;
#pragma GCC unroll 8
                for (int i = 0; i < pixels; i++, pixel += next) sum[i] += wf_load(pixel) * tap;
            }
        }
    }

    const int relu = d->activation == FC_RELU;
    const wf offset = bias ? wf_load(bias) : wf_splat(0.0f);
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++, y += y_pixel) {
        wf value = sum[i] + offset;
        if (relu) value = wf_max(value, wf_splat(0.0f));
        wf_store(y, value);
    }
}

FC_INLINE void FC_SIZED(depthwise_pixels)(const fc_depthwise *d, ptrdiff_t rows,
                                          const ptrdiff_t cols, const float *x,
                                          const float *kernel, const float *bias, float *y,
                                          ptrdiff_t pixels, const int SW) {
    for (ptrdiff_t i = 0; i < d->channels; i += FC_W) {
        const ptrdiff_t c = fc_fit(i, FC_W, d->channels);
        const float *offset = bias ? bias + c : NULL;
        ptrdiff_t q = 0;
#define FC_TILE(first, count)                                                                \
    FC_SIZED(depthwise_tile)                                                                 \
    (d, rows, cols, x + (first) * d->SW * d->x_pixel + c, kernel + c, offset,                \
     y + (first) * d->y_pixel + c, count, SW)
        for (; q + FC_DW_PIXELS <= pixels; q += FC_DW_PIXELS) FC_TILE(q, FC_DW_PIXELS);
        if (pixels >= 4) { /* the last tile may begin early: outputs are written, never added to */
            for (; q < pixels; q += 4) FC_TILE(fc_fit(q, 4, pixels), 4);
        }
        for (; q < pixels; q++) FC_TILE(q, 1);
#undef FC_TILE
    }
}

/* `pixels` neighbouring outputs with cols taps a row, all of which exist. */
static __attribute__((noinline)) void FC_SIZED(depthwise_run)(
    const fc_depthwise *d, ptrdiff_t rows, ptrdiff_t cols, const float *x, const float *kernel,
    const float *bias, float *y, ptrdiff_t pixels) {
#if FC_W == FC_VL
    if (pixels >= 4 && d->DW == 1) {
#define FC_USUAL(width, stride)                                                              \
    if (cols == width && d->SW == stride) {                                                  \
        FC_SIZED(depthwise_pixels)(d, rows, width, x, kernel, bias, y, pixels, stride);      \
        return;                                                                              \
    }
        FC_USUAL(3, 1)
        FC_USUAL(3, 2)
        FC_USUAL(5, 1)
        FC_USUAL(5, 2)
#undef FC_USUAL
    }
#endif
    FC_SIZED(depthwise_pixels)(d, rows, cols, x, kernel, bias, y, pixels, 0);
}
