/* The sizes of a pooling; filled once per call by the driver, read by both directions. */
#ifndef FC_POOL_H
#define FC_POOL_H

#include <stddef.h>

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
} fc_pool;

#endif
