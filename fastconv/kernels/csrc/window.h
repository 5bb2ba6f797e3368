/* Windows on one axis: output `o` of a pooling or a convolution reads the inputs
 * o * s - pad + k * d for k in [0, taps), of which only those in [0, n) exist. */
#ifndef FC_WINDOW_H
#define FC_WINDOW_H

#include <stddef.h>

typedef struct {
    ptrdiff_t begin, end; /* begin <= end */
} fc_range;

static inline ptrdiff_t fc_clamp(ptrdiff_t i, ptrdiff_t low, ptrdiff_t high) {
    return i < low ? low : i > high ? high : i;
}
static inline ptrdiff_t fc_ceil_div(ptrdiff_t a, ptrdiff_t positive) {
    return a > 0 ? (a + positive - 1) / positive : -(-a / positive);
}

/* The taps of output `o` that exist. */
static inline fc_range fc_taps(ptrdiff_t o, ptrdiff_t taps, ptrdiff_t s, ptrdiff_t d,
                               ptrdiff_t pad, ptrdiff_t n) {
    const ptrdiff_t first = o * s - pad;
    const ptrdiff_t begin = fc_clamp(fc_ceil_div(-first, d), 0, taps);
    return (fc_range){begin, fc_clamp(fc_ceil_div(n - first, d), begin, taps)};
}

/* The outputs among `outputs` for which the taps at both ends of [begin, end) exist. */
static inline fc_range fc_inside(ptrdiff_t outputs, ptrdiff_t begin, ptrdiff_t end, ptrdiff_t s,
                                 ptrdiff_t d, ptrdiff_t pad, ptrdiff_t n) {
    const ptrdiff_t first = fc_clamp(fc_ceil_div(pad - begin * d, s), 0, outputs);
    return (fc_range){first, fc_clamp(fc_ceil_div(n + pad - (end - 1) * d, s), first, outputs)};
}

/* Where a block of `size` that should begin at i has to begin to end within n >= size. */
static inline ptrdiff_t fc_fit(ptrdiff_t i, ptrdiff_t size, ptrdiff_t n) {
    return i + size <= n ? i : n - size;
}

#endif
