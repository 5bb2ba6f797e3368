/* Work on (M, C) arrays by channel, seen as rows of `period` floats: C, or a multiple of it where C
 * is small, so that vectors are full. Per-channel arrays are repeated to the period. */
#ifndef FC_NORMALIZATION_CHANNELS_H
#define FC_NORMALIZATION_CHANNELS_H

#include <stddef.h>

#include "elementwise/map.h" /* FC_LINEAR, FC_RELU, FC_RELU6 */

/* What channel_sums adds up: x; d and d^2; dy and dy * d, where d = x - mean; the same of another
 * dy, see dz. */
enum { FC_SUM, FC_SUM_SQUARES, FC_SUM_GRADIENTS, FC_SUM_OUTER_GRADIENTS };

typedef struct {
    const float *x;    /* IN  [n] */
    const float *dy;   /* IN  [n], gradients only */
    const float *mean; /* IN  [period], but for FC_SUM */
    float *sums;       /* OUT [period], or [2, period] where there are two */
    ptrdiff_t n;       /* the last row may be short */
    ptrdiff_t period;
    /* FC_SUM_GRADIENTS: dy counts as dy * the slope of the activation at d * scale + shift. */
    int activation;             /* FC_LINEAR, FC_RELU, FC_RELU6 */
    const float *scale, *shift; /* IN [period], unless FC_LINEAR */
    /* FC_SUM_OUTER_GRADIENTS: dy counts as (dy + more) * the slope where the activation's result
     * is v, and is written to dz. */
    const float *more, *v; /* IN  [n]; more may be NULL, v is unless FC_LINEAR */
    float *dz;             /* OUT [n], may be dy or more */
} fc_channel_sums;

/* y = activation((x - mean) * scale + shift + more), or with dy
 * y = dy * slope * dy_scale + ((x - mean) * scale + shift)
 * where slope is that of the activation at (x - mean) * dy_scale + beta. */
typedef struct {
    const float *x, *dy; /* IN  [n]; dy may be NULL, or y */
    const float *more;   /* IN  [n]; may be NULL, is with dy */
    float *y;            /* OUT [n] */
    const float *mean, *scale, *shift, *dy_scale; /* IN [period] */
    const float *beta;   /* IN  [period], if there is an activation and dy */
    int activation;      /* FC_LINEAR, FC_RELU, FC_RELU6 */
    ptrdiff_t n;         /* the last row may be short */
    ptrdiff_t period;
} fc_channel_map;

/* Vectors of neighbouring channels that are worked on together. Where they are all there are, what
 * belongs to them stays in registers for some rows; wider rows are taken one by one, because
 * memory comes half as fast in any other order than its own. */
#define FC_CHANNEL_VECS 4
#define FC_CHANNEL_ROWS 16

/* body(t, first float, channel, rows, lanes, vectors, ...) for all of t, in pieces. */
#define FC_EACH_CHANNELS(t, body, ...)                                                            \
    const ptrdiff_t most = (t)->period == FC_CHANNEL_VECS * FC_VL ? FC_CHANNEL_ROWS : 1;          \
    for (ptrdiff_t at = 0, rows; at < (t)->n; at += rows * (t)->period) {                         \
        const ptrdiff_t left = (t)->n - at, whole = left / (t)->period;                           \
        const ptrdiff_t cols = whole ? (t)->period : left;                                        \
        rows = whole < 1 ? 1 : whole < most ? whole : most;                                       \
        ptrdiff_t c = 0;                                                                          \
        for (; c + FC_CHANNEL_VECS * FC_VL <= cols; c += FC_CHANNEL_VECS * FC_VL)                 \
            body(t, at, c, rows, FC_VL, FC_CHANNEL_VECS, __VA_ARGS__);                            \
        for (; c + FC_VL <= cols; c += FC_VL) body(t, at, c, rows, FC_VL, 1, __VA_ARGS__);        \
        if (c < cols) body(t, at, c, rows, cols - c, 1, __VA_ARGS__);                             \
    }

#endif
