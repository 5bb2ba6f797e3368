/* Windows on one axis: output `o` of a pooling reads the inputs o * s - pad + k for k in [0, taps),
 * of which only those in [0, n) exist. */
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
static inline fc_range fc_taps(ptrdiff_t o, ptrdiff_t taps, ptrdiff_t s, ptrdiff_t pad,
                               ptrdiff_t n) {
    const ptrdiff_t begin = fc_clamp(pad - o * s, 0, taps);
    return (fc_range){begin, fc_clamp(n + pad - o * s, begin, taps)};
}

/* The outputs all of whose taps exist. */
static inline fc_range fc_inside(ptrdiff_t outputs, ptrdiff_t taps, ptrdiff_t s, ptrdiff_t pad,
                                 ptrdiff_t n) {
    const ptrdiff_t begin = fc_clamp(fc_ceil_div(pad, s), 0, outputs);
    return (fc_range){begin, fc_clamp(fc_ceil_div(n + pad - taps + 1, s), begin, outputs)};
}

/* The outputs one of whose taps is input `i`. */
static inline fc_range fc_windows(ptrdiff_t i, ptrdiff_t taps, ptrdiff_t s, ptrdiff_t pad,
                                  ptrdiff_t outputs) {
    const ptrdiff_t end = fc_clamp((i + pad) / s + 1, 0, outputs);
    return (fc_range){fc_clamp(fc_ceil_div(i + pad + 1 - taps, s), 0, end), end};
}

/* Where a block of `size` that should begin at i has to begin to end within n >= size. */
static inline ptrdiff_t fc_fit(ptrdiff_t i, ptrdiff_t size, ptrdiff_t n) {
    return i + size <= n ? i : n - size;
}

#endif
