/* Part of depthwise/depthwise_f32.h, for one vector width. */

FC_INLINE void FC_SIZED(add_to)(float *p, wf v) { wf_store(p, wf_load(p) + v); }

/* One vector of channels and rows x cols taps, all of which exist for all `pixels`. */
FC_INLINE void FC_SIZED(depthwise_filter_taps)(const fc_depthwise *d, const int rows,
                                               const int cols, const float *x, const float *dy,
                                               float *dkernel, ptrdiff_t pixels, const int SW) {
    wf sum[FC_DW_ROWS][FC_DW_COLS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int k = 0; k < cols; k++) sum[r][k] = wf_splat(0.0f);
    }
    /* `count` pixels at a time, so that neighbours share the pixels of x that they load. */
#define FC_PIXELS(count)                                                                     \
    wf slope[count];                                                                         \
    _Pragma("GCC unroll 8") for (int i = 0; i < count; i++, dy += d->y_pixel) {              \
        slope[i] = wf_load(dy);                                                          \
    }                                                                                        \
    _Pragma("GCC unroll 8") for (int r = 0; r < rows; r++) {                                 \
        const float *pixel = x + r * d->x_row;                                               \
        _Pragma("GCC unroll 32") for (int j = 0; j < (count - 1) * SW + cols; j++) {         \
            const wf value = wf_load(pixel);                                             \
            pixel += d->x_pixel;                                                             \
            _Pragma("GCC unroll 8") for (int k = 0; k < cols; k++) {                         \
                const int i = (j - k) / SW;                                                  \
                if (j >= k && (j - k) % SW == 0 && i < count) {                              \
                    sum[r][k] += value * slope[i];                                           \
                }                                                                            \
            }                                                                                \
        }                                                                                    \
    }                                                                                        \
    x += count * SW * d->x_pixel
    for (; pixels >= 4; pixels -= 4) {
        FC_PIXELS(4);
    }
    for (; pixels > 0; pixels--) {
        FC_PIXELS(1);
    }
#undef FC_PIXELS
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 8
        for (int k = 0; k < cols; k++) {
            FC_SIZED(add_to)(dkernel + r * d->k_row + k * d->k_col, sum[r][k]);
        }
    }
}

/* The pixels [q, end), whose windows are clipped, tap by tap. */
FC_INLINE void FC_SIZED(depthwise_filter_edge)(const fc_depthwise *d, ptrdiff_t rows,
                                               const float *x, const float *dy, float *dkernel,
                                               ptrdiff_t q, ptrdiff_t end) {
    for (; q < end; q++) {
        const fc_range cols = fc_taps(q, d->KW, d->SW, 1, d->PL, d->W);
        const wf slope = wf_load(dy + q * d->y_pixel);
        for (ptrdiff_t r = 0; r < rows; r++) {
            for (ptrdiff_t k = cols.begin; k < cols.end; k++) {
                const float *pixel = x + r * d->x_row + (q * d->SW - d->PL + k) * d->x_pixel;
                float *tap = dkernel + r * d->k_row + k * d->k_col;
                wf_store(tap, wf_load(tap) + wf_load(pixel) * slope);
            }
        }
    }
}

/* Kernels of three or five columns: as many rows at a time as the registers hold sums. */
FC_INLINE void FC_SIZED(depthwise_filter_usual)(const fc_depthwise *d, ptrdiff_t rows,
                                                const float *x, const float *dy, float *dkernel,
                                                fc_range inside, const int cols, const int SW) {
    FC_SIZED(depthwise_filter_edge)(d, rows, x, dy, dkernel, 0, inside.begin);
    FC_SIZED(depthwise_filter_edge)(d, rows, x, dy, dkernel, inside.end, d->OW);
    const ptrdiff_t pixels = inside.end - inside.begin;
    const float *dy0 = dy + inside.begin * d->y_pixel;
    const float *x0 = x + (inside.begin * SW - d->PL) * d->x_pixel;
#define FC_ROWS(count)                                                                       \
    FC_SIZED(depthwise_filter_taps)(d, count, cols, x0, dy0, dkernel, pixels, SW);           \
    x0 += count * d->x_row;                                                                  \
    dkernel += count * d->k_row;                                                             \
    rows -= count
    while (cols == 3 && rows >= 3) {
        FC_ROWS(3);
    }
    while (rows >= 2) {
        FC_ROWS(2);
    }
    if (rows) {
        FC_ROWS(1);
    }
#undef FC_ROWS
}

/* Any kernel: one tap at a time, in four sums. */
FC_INLINE void FC_SIZED(depthwise_filter_tap)(const float *x, ptrdiff_t x_step, const float *dy,
                                              ptrdiff_t dy_step, float *dkernel,
                                              ptrdiff_t pixels) {
    wf sum[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) sum[i] = wf_splat(0.0f);
    for (; pixels >= 4; pixels -= 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++, x += x_step, dy += dy_step) {
            sum[i] += wf_load(x) * wf_load(dy);
        }
    }
    for (; pixels > 0; pixels--, x += x_step, dy += dy_step) {
        sum[0] += wf_load(x) * wf_load(dy);
    }
    FC_SIZED(add_to)(dkernel, (sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* Channels [begin, end), whole vectors. */
static void FC_SIZED(depthwise_filter_row)(const fc_depthwise *d, ptrdiff_t rows, const float *x,
                                           const float *dy, float *dkernel, ptrdiff_t begin,
                                           ptrdiff_t end) {
#if FC_W == FC_VL
    if (d->DW == 1) {
        const fc_range inside = fc_inside(d->OW, 0, d->KW, d->SW, 1, d->PL, d->W);
#define FC_USUAL(width, stride)                                                              \
    if (d->KW == width && d->SW == stride) {                                                 \
        for (ptrdiff_t c = begin; c < end; c += FC_W) {                                      \
            FC_SIZED(depthwise_filter_usual)                                                 \
            (d, rows, x + c, dy + c, dkernel + c, inside, width, stride);                    \
        }                                                                                    \
        return;                                                                              \
    }
        FC_USUAL(3, 1)
        FC_USUAL(3, 2)
        FC_USUAL(5, 1)
        FC_USUAL(5, 2)
#undef FC_USUAL
    }
#endif
    for (ptrdiff_t k = 0; k < d->KW && begin < end; k++) {
        const fc_range q = fc_inside(d->OW, k, k + 1, d->SW, d->DW, d->PL, d->W);
        const float *first = x + (q.begin * d->SW - d->PL + k * d->DW) * d->x_pixel;
        for (ptrdiff_t r = 0; r < rows; r++) {
            for (ptrdiff_t c = begin; c < end; c += FC_W) {
                FC_SIZED(depthwise_filter_tap)
                (first + r * d->x_row + c, d->SW * d->x_pixel, dy + q.begin * d->y_pixel + c,
                 d->y_pixel, dkernel + r * d->k_row + k * d->k_col + c, q.end - q.begin);
            }
        }
    }
}
