/* What one row of a depthwise convolution computes; filled by the driver. */
#ifndef FC_DEPTHWISE_H
#define FC_DEPTHWISE_H

#include <stddef.h>

#include "gemm/tile.h" /* FC_LINEAR, FC_RELU */

/* Steps are in floats. Kernel steps may be negative: the gradient for the input runs over the taps
 * backwards, and only over those that its phase of the strides has. */
typedef struct {
    ptrdiff_t channels;        /* how many, from the pointers on */
    ptrdiff_t W, OW;           /* pixels in a row of x, outputs in this row of y */
    ptrdiff_t KW, SW, DW, PL;  /* output q reads the pixels q * SW - PL + k * DW, where they exist */
    ptrdiff_t x_pixel, x_row;  /* between neighbours, and between two rows of the window */
    ptrdiff_t y_pixel;
    ptrdiff_t k_col, k_row;
    int activation;            /* FC_LINEAR, FC_RELU */
} fc_depthwise;

#endif
