/* depthwise_f32, depthwise_filter_f32: a row of pixels of a convolution that keeps channels apart.
 *
 * Vectors run over channels, and a few neighbouring pixels are worked off together: a row of the
 * kernel and the sums (forward) or the sums of one to three rows of taps (gradient for the kernel)
 * stay in registers, and a pixel of x is loaded once for all taps of a row that meet it. Rows of x
 * come copied (depthwise_load_f32), see kernels/rings.pxd. Every output is one chain of
 * multiply-adds over its taps in row-major order, wherever it lies. */
#include "depthwise/depthwise.h"
#include "simd/sized.h"
#include "window.h"

#define FC_DW_PIXELS 8 /* enough independent sums for two multiply-adds of four cycles */
#define FC_DW_ROWS 3   /* at most, of taps whose sums are kept together */
#define FC_DW_COLS 5   /* the widest kernel with code of its own */

#define FC_BODY "depthwise/load_body.h"
#include "simd/each_width.h"
#define FC_BODY "depthwise/forward_body.h"
#include "simd/each_width.h"
#define FC_BODY "depthwise/filter_body.h"
#include "simd/each_width.h"

/* Pixels [begin, begin + width) of a row of x to `copy`; those outside are zero. */
static void FC_NAME(depthwise_load_f32)(const fc_depthwise_block *b, ptrdiff_t begin,
                                        const float *x, float *copy) {
    const ptrdiff_t first = fc_clamp(begin, 0, b->W);
    const ptrdiff_t end = fc_clamp(begin + b->width, first, b->W);
    const ptrdiff_t before = fc_clamp(first - begin, 0, b->width);
    const ptrdiff_t after = b->width - before - (end - first);
    memset(copy, 0, (size_t)(before * b->channels) * sizeof(float));
    copy += before * b->channels;
    x += first * b->C + b->first / b->M;
    if (b->M == 1) {
        FC_PICK(b->channels, depthwise_copy)(b, end - first, x, copy);
        copy += (end - first) * b->channels;
    } else {
        for (ptrdiff_t i = first; i < end; i++, x += b->C) {
            const float *channel = x;
            ptrdiff_t left = b->M - b->first % b->M;
            for (ptrdiff_t c = 0; c < b->channels; c++) {
                *copy++ = *channel;
                if (--left == 0) {
                    left = b->M;
                    channel++;
                }
            }
        }
    }
    memset(copy, 0, (size_t)(after * b->channels) * sizeof(float));
}

/* y = activation(bias + sum over `n` rows of taps); x[r] + offset is the first output's first tap
 * in row r. */
static void FC_NAME(depthwise_f32)(const fc_depthwise *d, const float *const *x, ptrdiff_t n,
                                   ptrdiff_t offset, const float *kernel, const float *bias,
                                   float *y) {
    FC_PICK(d->channels, depthwise_row)(d, x, n, offset, kernel, bias, y);
}

/* dkernel += the products of one row of dy with `n` rows of x, one a row of taps; x[r] + offset is
 * what the first output's first tap of row r reads. */
static void FC_NAME(depthwise_filter_f32)(const fc_depthwise *d, const float *const *x,
                                          ptrdiff_t n, ptrdiff_t offset, const float *dy,
                                          float *dkernel) {
    /* Sums in memory must not be added to twice, so here the widths share out the channels. */
    const ptrdiff_t wide = d->channels / FC_VL * FC_VL;
    const ptrdiff_t quads = FC_VL > 4 ? d->channels / 4 * 4 : wide;
    FC_JOIN(FC_NAME(depthwise_filter_row), FC_VL)(d, x, n, offset, dy, dkernel, 0, wide);
#if FC_VL > 4
    FC_JOIN(FC_NAME(depthwise_filter_row), 4)(d, x, n, offset, dy, dkernel, wide, quads);
#endif
    FC_JOIN(FC_NAME(depthwise_filter_row), 1)(d, x, n, offset, dy, dkernel, quads, d->channels);
}
