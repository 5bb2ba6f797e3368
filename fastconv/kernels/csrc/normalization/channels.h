/* Work on (M, C) arrays by channel, seen as rows of `period` floats: C, or a multiple of it where C
 * is small, so that vectors are full. Per-channel arrays are repeated to the period. */
#ifndef FC_NORMALIZATION_CHANNELS_H
#define FC_NORMALIZATION_CHANNELS_H

#include <stddef.h>

#include "elementwise/map.h" /* FC_LINEAR, FC_RELU, FC_RELU6 */

/* What channel_sums adds up: x; d and d^2; dy and dy * d, where d = x - mean. */
enum { FC_SUM, FC_SUM_SQUARES, FC_SUM_GRADIENTS };

typedef struct {
    const float *x;    /* IN  [n] */
    const float *dy;   /* IN  [n], FC_SUM_GRADIENTS only */
    const float *mean; /* IN  [period], but for FC_SUM */
    float *sums;       /* OUT [period], or [2, period] where there are two */
    ptrdiff_t n;       /* the last row may be short */
    ptrdiff_t period;
    /* FC_SUM_GRADIENTS: dy counts as dy * the slope of the activation at d * scale + shift. */
    int activation;    /* FC_LINEAR, FC_RELU, FC_RELU6 */
    const float *scale, *shift; /* IN [period], unless FC_LINEAR */
} fc_channel_sums;

/* y = activation((x - mean) * scale + shift), or with dy
 * y = dy * slope * dy_scale + ((x - mean) * scale + shift)
 * where slope is that of the activation at (x - mean) * dy_scale + beta. */
typedef struct {
    const float *x, *dy; /* IN  [n]; dy may be NULL, or y */
    float *y;            /* OUT [n] */
    const float *mean, *scale, *shift, *dy_scale; /* IN [period] */
    const float *beta;   /* IN  [period], if there is an activation and dy */
    int activation;      /* FC_LINEAR, FC_RELU, FC_RELU6 */
    ptrdiff_t n;         /* the last row may be short */
    ptrdiff_t period;
} fc_channel_map;

#endif
