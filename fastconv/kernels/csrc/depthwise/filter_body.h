/* Part of depthwise/depthwise_f32.h, for one vector width. */

FC_INLINE void FC_SIZED(add_to)(float *p, wf v) { wf_store(p, wf_load(p) + v); }

/* One vector of channels, rows x cols taps: rows and cols are constants, the dilation is 1. left,
 * right: see fc_depthwise, of these taps. */
FC_INLINE void FC_SIZED(depthwise_filter_taps)(const fc_depthwise *d, const float *const *x,
                                               ptrdiff_t offset, const float *dy, float *dkernel,
                                               const int rows, const int cols, const int stride,
                                               int left, const int right) {
    const ptrdiff_t x_pixel = d->x_pixel, y_pixel = d->y_pixel;
    wf sum[FC_DW_ROWS][FC_DW_COLS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int k = 0; k < cols; k++) sum[r][k] = wf_splat(0.0f);
    }
    /* `count` outputs at a time, so that neighbours share the pixels of x that they load. */
#define FC_OUTPUTS(count)                                                                    \
    wf slope[count];                                                                         \
    _Pragma("GCC unroll 8") for (int i = 0; i < count; i++, dy += y_pixel) {                 \
        slope[i] = wf_once(wf_load(dy));                                                     \
    }                                                                                        \
    _Pragma("GCC unroll 8") for (int r = 0; r < rows; r++) {                                 \
        const float *pixel = x[r] + offset;                                                  \
        const int last = (count - 1) * stride + cols - 1;                                    \
        _Pragma("GCC unroll 32") for (int j = 0; j <= last; j++, pixel += x_pixel) {         \
            if (j == 0 && left) continue;                                                    \
            if (j == last && right && outputs == count) continue;                            \
            const wf value = wf_once(wf_load(pixel));                                        \
            _Pragma("GCC unroll 8") for (int k = 0; k < cols; k++) {                         \
                const int i = (j - k) / stride;                                              \
                if (j >= k && (j - k) % stride == 0 && i < count) {                          \
                    sum[r][k] += value * slope[i];                                           \
                }                                                                            \
            }                                                                                \
        }                                                                                    \
    }                                                                                        \
    offset += count * stride * x_pixel;                                                      \
    left = 0
    ptrdiff_t outputs = d->outputs;
    for (; outputs >= 4; outputs -= 4) {
        FC_OUTPUTS(4);
    }
    for (; outputs > 0; outputs--) {
        FC_OUTPUTS(1);
    }
#undef FC_OUTPUTS
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int k = 0; k < cols; k++) {
            FC_SIZED(add_to)(dkernel + r * d->k_row + k * d->k_col, sum[r][k]);
        }
    }
}

/* `cols` columns of n rows of taps, as many rows at a time as the registers hold sums. */
FC_INLINE void FC_SIZED(depthwise_filter_columns)(const fc_depthwise *d, const float *const *x,
                                                  ptrdiff_t n, ptrdiff_t offset, const float *dy,
                                                  float *dkernel, const int cols,
                                                  const int stride, int left, int right) {
#define FC_ROWS(count)                                                                       \
    FC_SIZED(depthwise_filter_taps)                                                          \
    (d, x, offset, dy, dkernel, count, cols, stride, left, right);                           \
    x += count;                                                                              \
    dkernel += count * d->k_row;                                                             \
    n -= count
    while (cols == 3 && n >= 3) {
        FC_ROWS(3);
    }
    while (n >= 2) {
        FC_ROWS(2);
    }
    if (n) {
        FC_ROWS(1);
    }
#undef FC_ROWS
}

/* The first columns of taps, five or three at a time; returns how many it did. */
FC_INLINE ptrdiff_t FC_SIZED(depthwise_filter_groups)(const fc_depthwise *d,
                                                      const float *const *x, ptrdiff_t n,
                                                      ptrdiff_t offset, const float *dy,
                                                      float *dkernel, const int stride) {
    ptrdiff_t k = 0;
    while (d->cols - k >= 3) {
        const int cols = d->cols - k == 5 ? 5 : 3;
        const ptrdiff_t at = offset + k * d->x_pixel;
        const int left = k == 0 && d->left, right = k + cols == d->cols && d->right;
        if (cols == 5) {
            FC_SIZED(depthwise_filter_columns)
            (d, x, n, at, dy, dkernel + k * d->k_col, 5, stride, left, right);
        } else {
            FC_SIZED(depthwise_filter_columns)
            (d, x, n, at, dy, dkernel + k * d->k_col, 3, stride, left, right);
        }
        k += cols;
    }
    return k;
}

/* Any kernel: one tap at a time, in four sums. */
FC_INLINE void FC_SIZED(depthwise_filter_tap)(const float *x, ptrdiff_t x_step, const float *dy,
                                              ptrdiff_t dy_step, float *dkernel,
                                              ptrdiff_t outputs) {
    wf sum[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) sum[i] = wf_splat(0.0f);
    for (; outputs >= 4; outputs -= 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++, x += x_step, dy += dy_step) {
            sum[i] += wf_load(x) * wf_load(dy);
        }
    }
    for (; outputs > 0; outputs--, x += x_step, dy += dy_step) {
        sum[0] += wf_load(x) * wf_load(dy);
    }
    FC_SIZED(add_to)(dkernel, (sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* Channels [begin, end), whole vectors. */
static void FC_SIZED(depthwise_filter_row)(const fc_depthwise *d, const float *const *x,
                                           ptrdiff_t n, ptrdiff_t offset, const float *dy,
                                           float *dkernel, ptrdiff_t begin, ptrdiff_t end) {
    for (ptrdiff_t c = begin; c < end; c += FC_W) {
        ptrdiff_t k = 0;
#if FC_W == FC_VL
        if (d->dilation == 1 && d->stride == 1) {
            k = FC_SIZED(depthwise_filter_groups)(d, x, n, offset + c, dy + c, dkernel + c, 1);
        } else if (d->dilation == 1 && d->stride == 2) {
            k = FC_SIZED(depthwise_filter_groups)(d, x, n, offset + c, dy + c, dkernel + c, 2);
        }
#endif
        for (; k < d->cols; k++) {
            const ptrdiff_t first = k == 0 && d->left;
            const ptrdiff_t after = d->outputs - (k == d->cols - 1 && d->right);
            const ptrdiff_t next = d->stride * d->x_pixel;
            for (ptrdiff_t r = 0; r < n; r++) {
                FC_SIZED(depthwise_filter_tap)
                (x[r] + offset + k * d->dilation * d->x_pixel + first * next + c, next,
                 dy + first * d->y_pixel + c, d->y_pixel, dkernel + r * d->k_row + k * d->k_col + c,
                 after - first);
            }
        }
    }
}
