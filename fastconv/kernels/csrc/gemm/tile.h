/* What one register tile computes; filled by the drivers, read by every body of `tile_f32`. */
#ifndef FC_GEMM_TILE_H
#define FC_GEMM_TILE_H

#include <stddef.h>

#include "elementwise/map.h" /* FC_LINEAR, FC_RELU, FC_RELU6: applied while a result is stored */

/* C[m, n] (+)= sum over taps t, elements k of  a[m][taps[t] + k * a_step] * B[t * depth + k, n]
 *
 * The sum runs in the order (t, k) in one accumulator per output, whatever the tile's size, so
 * a result does not depend on where a tile begins. GEMM has one tap; a convolution one per kernel
 * element (or row); a kernel gradient one per row of output pixels. */
typedef struct {
    const float *const *a;  /* IN  [rows] where each row of A begins */
    const ptrdiff_t *taps;  /* IN  [n_taps] element offsets, added to every row */
    ptrdiff_t n_taps;
    ptrdiff_t depth;        /* summed elements of one tap */
    ptrdiff_t a_step;       /* elements between two summed elements of a row */
    const float *b;         /* IN  [n_taps * depth] rows; whole vectors are read */
    ptrdiff_t b_step;       /* elements between two rows of B */
    float *const *c;        /* OUT [rows] where each row of C begins */
    ptrdiff_t c_offset;     /* elements, added to every row of C */
    ptrdiff_t rows, cols;   /* 1..tile_rows, 1..tile_cols */
    const float *bias;      /* IN  [cols] or NULL */
    int accumulate;         /* add to what C holds (before bias and activation) */
    ptrdiff_t added;        /* elements from a result to what is added to it behind the bias; 0: nothing */
    int activation;         /* FC_LINEAR, FC_RELU, FC_RELU6 */
} fc_tile;

#endif
