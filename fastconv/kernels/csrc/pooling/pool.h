/* The sizes of a pooling; filled once per call by the driver, read by both directions. */
#ifndef FC_POOL_H
#define FC_POOL_H

#include <stddef.h>

#include "elementwise/map.h" /* FC_LINEAR, FC_RELU, FC_RELU6 */

/* The numbers are shared with kernels/pooling.pyx. */
enum {
    FC_POOL_AVERAGE,
    FC_POOL_MAX,
    FC_POOL_ARGMAX8,  /* also the position of the maximum in its window, kh * KW + kw, as int8 */
    FC_POOL_ARGMAX32, /* or as int32: windows of more than 128 pixels */
};

typedef struct {
    ptrdiff_t H, W, C;        /* images */
    ptrdiff_t OH, OW;         /* outputs */
    ptrdiff_t KH, KW, SH, SW; /* windows */
    ptrdiff_t PT, PL;         /* padding, which is never read: windows are clipped */
    ptrdiff_t channels;       /* how many of the C, from the pointers on */
    const float *weights;     /* IN [OH][OW] 1 / pixels of the window: gradient of the average */
    int kind;
    int activation; /* of maxima: FC_LINEAR, FC_RELU, FC_RELU6. Where its slope is 0, the position
                     * is -1, which is nowhere: so it is in the gradient too. */
} fc_pool;

#endif
