/* Work on (M, C) arrays by channel, seen as rows of `period` floats: C, or a multiple of it where C
 * is small, so that vectors are full. Per-channel arrays are repeated to the period. */
#ifndef FC_NORMALIZATION_CHANNELS_H
#define FC_NORMALIZATION_CHANNELS_H

#include <stddef.h>

/* What channel_sums adds up: x; d and d^2; dy and dy * d, where d = x - mean. */
enum { FC_SUM, FC_SUM_SQUARES, FC_SUM_GRADIENTS };

typedef struct {
    const float *x;    /* IN  [n] */
    const float *dy;   /* IN  [n], FC_SUM_GRADIENTS only */
    const float *mean; /* IN  [period], but for FC_SUM */
    float *sums;       /* OUT [period], or [2, period] where there are two */
    ptrdiff_t n;       /* the last row may be short */
    ptrdiff_t period;
} fc_channel_sums;

/* y = (x - mean) * scale + shift, or with dy
 * y = dy * dy_scale + ((x - mean) * scale + shift) */
typedef struct {
    const float *x, *dy; /* IN  [n]; dy may be NULL */
    float *y;            /* OUT [n] */
    const float *mean, *scale, *shift, *dy_scale; /* IN [period] */
    ptrdiff_t n;         /* the last row may be short */
    ptrdiff_t period;
} fc_channel_map;

#endif
