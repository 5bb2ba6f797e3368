/* depthwise_f32, depthwise_filter_f32: one row of pixels of a convolution that keeps channels apart.
 *
 * Vectors run over channels, and a few neighbouring pixels are worked off together: a row of the
 * kernel and the sums (forward) or the sums of one to three rows of taps (gradient for the kernel)
 * stay in registers, and a pixel of x is loaded once for all taps that meet it. Pixels whose window
 * leaves the image are clipped one by one; nothing is padded. Every output is one chain of
 * multiply-adds over its taps in row-major order, wherever it lies. */
#include "depthwise/depthwise.h"
#include "simd/sized.h"
#include "window.h"

#define FC_DW_PIXELS 8 /* enough independent sums for two multiply-adds of four cycles */
#define FC_DW_ROWS 3   /* at most, of taps whose sums are kept together */
#define FC_DW_COLS 5   /* the widest kernel with code of its own */

#define FC_BODY "depthwise/forward_body.h"
#include "simd/each_width.h"
#define FC_BODY "depthwise/filter_body.h"
#include "simd/each_width.h"

/* y = activation(bias + sum over `rows` rows of taps); x is row 0 of them, pixel 0. */
static void FC_NAME(depthwise_f32)(const fc_depthwise *d, ptrdiff_t rows, const float *x,
                                   const float *kernel, const float *bias, float *y) {
    const fc_range inside = fc_inside(d->OW, 0, d->KW, d->SW, d->DW, d->PL, d->W);
    ptrdiff_t pixels;
    for (ptrdiff_t q = 0; q < d->OW; q += pixels) {
        const fc_range cols = fc_taps(q, d->KW, d->SW, d->DW, d->PL, d->W);
        pixels = q == inside.begin && inside.end > q ? inside.end - q : 1;
        FC_PICK(d->channels, depthwise_run)
        (d, rows, cols.end - cols.begin, x + (q * d->SW - d->PL + cols.begin * d->DW) * d->x_pixel,
         kernel + cols.begin * d->k_col, bias, y + q * d->y_pixel, pixels);
    }
}

/* dkernel += the products of one row of dy with `rows` rows of x, one a row of taps. */
static void FC_NAME(depthwise_filter_f32)(const fc_depthwise *d, ptrdiff_t rows, const float *x,
                                          const float *dy, float *dkernel) {
    /* Sums in memory must not be added to twice, so here the widths share out the channels. */
    const ptrdiff_t wide = d->channels / FC_VL * FC_VL;
    const ptrdiff_t quads = FC_VL > 4 ? d->channels / 4 * 4 : wide;
    FC_JOIN(FC_NAME(depthwise_filter_row), FC_VL)(d, rows, x, dy, dkernel, 0, wide);
#if FC_VL > 4
    FC_JOIN(FC_NAME(depthwise_filter_row), 4)(d, rows, x, dy, dkernel, wide, quads);
#endif
    FC_JOIN(FC_NAME(depthwise_filter_row), 1)(d, rows, x, dy, dkernel, quads, d->channels);
}
