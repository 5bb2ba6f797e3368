/* pool_f32, pool_backward_f32: one row of output pixels, one row of the gradient for the input.
 *
 * Both are bound by memory. Forward, a window is reduced in registers in row-major order; an
 * average sums each row of a window, then the rows, so that a window as large as the image keeps
 * its accuracy. Backward, a row of dx is written once, from the windows that hold its pixels, so
 * that rows are independent. */
#include "pooling/pool.h"
#include "simd/sized.h"
#include "window.h"

#define FC_POOL_VECS 4 /* vectors of channels at a time in large windows: whole cache lines */

/* Neighbouring output pixels whose windows are clipped alike. */
typedef struct {
    const float *x;        /* the first window's first pixel that exists */
    float *y;
    void *argmax;
    ptrdiff_t pixels;
    ptrdiff_t rows, cols;  /* of a window, where they exist */
    ptrdiff_t position;    /* of the first of them */
} fc_pool_run;

FC_INLINE ptrdiff_t fc_position_bytes(int kind) { return kind == FC_POOL_ARGMAX8 ? 1 : 4; }

#define FC_BODY "pooling/pool_body.h"
#include "simd/each_width.h"

/* Row oh of y and argmax from the whole image x. */
static void FC_NAME(pool_f32)(const fc_pool *p, ptrdiff_t oh, const float *x, float *y,
                              void *argmax) {
    const fc_range rows = fc_taps(oh, p->KH, p->SH, p->PT, p->H);
    const fc_range inside = fc_inside(p->OW, p->KW, p->SW, p->PL, p->W);
    fc_pool_run run = {.rows = rows.end - rows.begin};
    for (ptrdiff_t ow = 0; ow < p->OW; ow += run.pixels) {
        const fc_range cols = fc_taps(ow, p->KW, p->SW, p->PL, p->W);
        const ptrdiff_t ih = oh * p->SH - p->PT + rows.begin;
        const ptrdiff_t iw = ow * p->SW - p->PL + cols.begin;
        run.cols = cols.end - cols.begin;
        run.pixels = ow == inside.begin && inside.end > ow ? inside.end - ow : 1;
        run.position = rows.begin * p->KW + cols.begin;
        run.x = x + (ih * p->W + iw) * p->C;
        run.y = y + ow * p->C;
        run.argmax = (int8_t *)argmax + ow * p->C * fc_position_bytes(p->kind);
        FC_PICK(p->channels, pool_run)(p, &run);
    }
}

/* Row ih of dx from the whole image dy and its argmax. */
static void FC_NAME(pool_backward_f32)(const fc_pool *p, ptrdiff_t ih, const float *dy,
                                       const void *argmax, float *dx) {
    FC_PICK(p->C, pool_backward_row)(p, ih, dy, argmax, dx);
}
