/* channel_sums: sums over the rows of a block, one for each channel. */
#include "elementwise/stored.h"
#include "normalization/channels.h"

/* Rows that are added to each other before they are added to the sum: shorter chains of rounding,
 * and the sums are read and written once for all of them. */
#define FC_SUM_ROWS 4

FC_INLINE void channel_sums_vector(const fc_channel_sums *t, ptrdiff_t start, ptrdiff_t c,
                                   ptrdiff_t lanes, const int kind, const int rows,
                                   const int code) {
    const vf mean = kind == FC_SUM ? (vf){0} : vf_load_n(t->mean + c, lanes);
    vf a[FC_SUM_ROWS], b[FC_SUM_ROWS];
    /* Four rows at a time are more than the hardware follows: asked for in the order of memory, two
     * groups ahead, large arrays come nearly twice as fast (AMD EPYC Zen 4, one thread). */
    const ptrdiff_t ahead = start + FC_SUM_ROWS * (2 * t->period + c);
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        if (rows > 1) {
            __builtin_prefetch(t->x + ahead + r * FC_VL);
            if (kind == FC_SUM_GRADIENTS) __builtin_prefetch(t->dy + ahead + r * FC_VL);
        }
        const ptrdiff_t i = start + r * t->period + c;
        a[r] = vf_load_n(t->x + i, lanes);
        if (kind == FC_SUM) continue;
        const vf d = a[r] - mean;
        a[r] = kind == FC_SUM_SQUARES ? d : vf_load_n(t->dy + i, lanes);
        if (code != FC_LINEAR) {
            const vf y = d * vf_load_n(t->scale + c, lanes) + vf_load_n(t->shift + c, lanes);
            a[r] = vf_slope(a[r], y, code);
        }
        b[r] = a[r] * d;
    }
    float *sum = t->sums + c;
    const vf a_sum = rows == 1 ? a[0] : (a[0] + a[1]) + (a[2] + a[3]);
    vf_store_n(sum, vf_load_n(sum, lanes) + a_sum, lanes);
    if (kind != FC_SUM) {
        sum += t->period;
        const vf b_sum = rows == 1 ? b[0] : (b[0] + b[1]) + (b[2] + b[3]);
        vf_store_n(sum, vf_load_n(sum, lanes) + b_sum, lanes);
    }
}

FC_INLINE void channel_sums_rows(const fc_channel_sums *t, ptrdiff_t start, ptrdiff_t cols,
                                 const int kind, const int rows, const int code) {
    ptrdiff_t c = 0;
    for (; c + FC_VL <= cols; c += FC_VL) channel_sums_vector(t, start, c, FC_VL, kind, rows, code);
    if (c < cols) channel_sums_vector(t, start, c, cols - c, kind, rows, code);
}

FC_INLINE void channel_sums_all(const fc_channel_sums *args, const int kind, const int code) {
    const fc_channel_sums t = *args;
    const size_t sums = (size_t)(kind == FC_SUM ? t.period : 2 * t.period);
    memset(t.sums, 0, sums * sizeof(float));
    ptrdiff_t i = 0;
    for (; i + FC_SUM_ROWS * t.period <= t.n; i += FC_SUM_ROWS * t.period)
        channel_sums_rows(&t, i, t.period, kind, FC_SUM_ROWS, code);
    for (; i < t.n; i += t.period)
        channel_sums_rows(&t, i, t.n - i < t.period ? t.n - i : t.period, kind, 1, code);
}

static void FC_NAME(channel_sums)(int kind, const fc_channel_sums *t) {
    switch (kind) {
        case FC_SUM: channel_sums_all(t, FC_SUM, FC_LINEAR); break;
        case FC_SUM_SQUARES: channel_sums_all(t, FC_SUM_SQUARES, FC_LINEAR); break;
        case FC_SUM_GRADIENTS:
            FC_STORED(t->activation, channel_sums_all, t, FC_SUM_GRADIENTS);
            break;
    }
}
