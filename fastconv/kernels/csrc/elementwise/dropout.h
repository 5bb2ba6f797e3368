/* One task of dropout_f32. */
#ifndef FC_ELEMENTWISE_DROPOUT_H
#define FC_ELEMENTWISE_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const float *x;    /* IN  [n] */
    float *y;          /* OUT [n] x * mask, 0 where the mask is 0 */
    float *mask;       /* OUT [n] 0 or scale */
    ptrdiff_t n;       /* at most 2^32 */
    uint64_t seed;
    uint64_t first;    /* index of x[0] in the whole array; no multiple of 2^32 lies inside */
    int32_t threshold; /* rate * 2^24: smaller numbers are dropped */
    float scale;       /* 1 / (1 - rate) */
} fc_dropout;

#endif
