/* What one row of a depthwise convolution computes; filled by the driver. */
#ifndef FC_DEPTHWISE_H
#define FC_DEPTHWISE_H

#include <stddef.h>

#include "gemm/tile.h" /* FC_LINEAR, FC_RELU, FC_RELU6 */

/* Rows of x are read from copies that hold one block of channels and the zeros beside the image, so
 * that every tap of every output exists and neighbouring pixels lie side by side. Steps are in
 * floats. Kernel steps may be negative: the gradient for the input runs over the taps backwards. */
typedef struct {
    ptrdiff_t channels;       /* of the block */
    ptrdiff_t outputs;        /* neighbouring pixels of y (or of dy) */
    ptrdiff_t cols;           /* taps in a row */
    ptrdiff_t stride, dilation; /* pixels of x between two outputs, two taps */
    ptrdiff_t x_pixel, y_pixel; /* between neighbours */
    ptrdiff_t k_col, k_row;   /* between two taps of a row, two rows of taps */
    int left, right;          /* whether the first output's first tap, the last one's last tap lie
                               * beside the image: these are left out */
    int activation;           /* FC_LINEAR, FC_RELU, FC_RELU6 */
} fc_depthwise;

/* Copies of rows of x: `width` pixels with `channels` channels, of which number i is channel
 * (first + i) / M of x. */
typedef struct {
    ptrdiff_t W, C;           /* of x */
    ptrdiff_t M;              /* filters a channel */
    ptrdiff_t first, channels;
    ptrdiff_t width;
} fc_depthwise_block;

#endif
