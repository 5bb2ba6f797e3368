/* Part of depthwise/depthwise_f32.h, for one vector width. */

/* One vector of channels of `pixels` neighbouring outputs, cols taps a row. With stride > 0, stride
 * and cols are constants and the dilation is 1. left, right: see fc_depthwise, of these outputs. */
FC_INLINE void FC_SIZED(depthwise_tile)(const fc_depthwise *d, const float *const *x, ptrdiff_t n,
                                        ptrdiff_t offset, const float *kernel, const float *bias,
                                        float *y, const int pixels, const ptrdiff_t cols,
                                        const int stride, const int left, const int right) {
    const ptrdiff_t x_pixel = d->x_pixel, y_pixel = d->y_pixel, k_col = d->k_col;
    wf sum[FC_DW_PIXELS];
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++) sum[i] = wf_splat(0.0f);

    for (ptrdiff_t r = 0; r < n; r++, kernel += d->k_row) {
        const float *pixel = x[r] + offset;
        if (stride) {
            wf tap[FC_DW_COLS];
#pragma GCC unroll 8
            for (int k = 0; k < cols; k++) tap[k] = wf_load(kernel + k * k_col);
#pragma GCC unroll 32
            for (int j = 0; j < (pixels - 1) * stride + cols; j++, pixel += x_pixel) {
                if (j == 0 && left) continue;
                if (j == (pixels - 1) * stride + cols - 1 && right) continue;
                const wf value = wf_once(wf_load(pixel));
#pragma GCC unroll 8
                for (int k = 0; k < cols; k++) {
                    const int i = (j - k) / (stride ? stride : 1);
                    if (j >= k && (j - k) % (stride ? stride : 1) == 0 && i < pixels) {
                        sum[i] += value * tap[k];
                    }
                }
            }
        } else {
            const ptrdiff_t along = d->dilation * x_pixel, next = d->stride * x_pixel;
            for (ptrdiff_t k = 0; k < cols; k++, pixel += along) {
                const wf tap = wf_load(kernel + k * k_col);
#pragma GCC unroll 8
                for (int i = 0; i < pixels; i++) {
                    if (i == 0 && k == 0 && left) continue;
                    if (i == pixels - 1 && k == cols - 1 && right) continue;
                    sum[i] += wf_load(pixel + i * next) * tap;
                }
            }
        }
    }

    const int relu = d->activation == FC_RELU, relu6 = d->activation == FC_RELU6;
    const wf start = bias ? wf_load(bias) : wf_splat(0.0f);
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++, y += y_pixel) {
        wf value = sum[i] + start;
        if (relu) value = wf_relu(value);
        if (relu6) value = wf_relu6(value);
        wf_store(y, value);
    }
}

FC_INLINE void FC_SIZED(depthwise_pixels)(const fc_depthwise *d, const float *const *x,
                                          ptrdiff_t n, ptrdiff_t offset, const float *kernel,
                                          const float *bias, float *y, const ptrdiff_t cols,
                                          const int stride) {
    const ptrdiff_t outputs = d->outputs, next = d->stride * d->x_pixel, y_pixel = d->y_pixel;
    ptrdiff_t q = 0;
#define FC_TILE_AT(first, count, left, right)                                                \
    for (ptrdiff_t i = 0; i < d->channels; i += FC_W) {                                      \
        const ptrdiff_t c = fc_fit(i, FC_W, d->channels);                                    \
        FC_SIZED(depthwise_tile)                                                             \
        (d, x, n, offset + (first) * next + c, kernel + c, bias ? bias + c : NULL,           \
         y + (first) * y_pixel + c, count, cols, stride, left, right);                       \
    }
#define FC_TILE(first, count)                                                                \
    do {                                                                                     \
        const int left = (first) == 0 && d->left;                                            \
        const int right = (first) + (count) == outputs && d->right;                          \
        if (left || right) {                                                                 \
            FC_TILE_AT(first, count, left, right)                                            \
        } else {                                                                             \
            FC_TILE_AT(first, count, 0, 0)                                                   \
        }                                                                                    \
    } while (0)
    for (; q + FC_DW_PIXELS <= outputs; q += FC_DW_PIXELS) FC_TILE(q, FC_DW_PIXELS);
    /* The last tiles may begin early: outputs are written, never added to. */
    if (outputs - q == 7 && outputs > 7) {
        FC_TILE(outputs - 8, 8);
        return;
    }
    if (outputs - q == 6 || (outputs - q == 5 && outputs > 5)) {
        FC_TILE(outputs - 6, 6);
        return;
    }
    if (outputs >= 4) {
        for (; q < outputs; q += 4) FC_TILE(fc_fit(q, 4, outputs), 4);
    }
    for (; q < outputs; q++) FC_TILE(q, 1);
#undef FC_TILE
#undef FC_TILE_AT
}

static void FC_SIZED(depthwise_row)(const fc_depthwise *d, const float *const *x, ptrdiff_t n,
                                    ptrdiff_t offset, const float *kernel, const float *bias,
                                    float *y) {
#if FC_W == FC_VL
    if (d->dilation == 1) {
#define FC_USUAL(width, step)                                                                \
    if (d->cols == width && d->stride == step) {                                             \
        FC_SIZED(depthwise_pixels)(d, x, n, offset, kernel, bias, y, width, step);           \
        return;                                                                              \
    }
        FC_USUAL(3, 1)
        FC_USUAL(3, 2)
        FC_USUAL(5, 1)
        FC_USUAL(5, 2)
#undef FC_USUAL
    }
#endif
    FC_SIZED(depthwise_pixels)(d, x, n, offset, kernel, bias, y, d->cols, 0);
}
