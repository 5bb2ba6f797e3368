/* What one strip of a product computes; filled by the drivers, read by every body of `strip_f32`. */
#ifndef FC_GEMM_STRIP_H
#define FC_GEMM_STRIP_H

#include <stddef.h>

#include "elementwise/map.h" /* FC_LINEAR, FC_RELU, FC_RELU6: applied while a result is stored */

#define FC_DOTS_COLS 4   /* the most columns that dots_f32 takes */
#define FC_POOLED_SIZE 2 /* rows and columns of pooled_strip_f32's windows */

/* C[m, n] (+)= sum over k of  a[m * a_row + offsets[k]] * b[k * b_step + n]
 *
 * Rows lie equally far apart, as the pixels of a line of an image do, and there may be any number of
 * them; one panel of columns. With one link, one accumulator per output sums in the order of k, as
 * in tile_f32: the two give the same bits. */
typedef struct {
    const float *a;
    ptrdiff_t a_row;          /* elements between rows of A */
    ptrdiff_t a_line;         /* pooled_strip_f32: elements between the two lines of its windows */
    const ptrdiff_t *offsets; /* IN  [depth] where the summed elements of a row are; or NULL: a bare strip */
    ptrdiff_t a_step;         /* of a bare strip: elements between one and the next, the first being at 0 */
    ptrdiff_t depth;
    ptrdiff_t run;            /* of dots_f32: so many summed elements follow one another, again and again */
    ptrdiff_t links;          /* chains of additions that `depth` is divided into; their sums are added */
    const float *b;           /* IN  [depth] rows; whole vectors are read. dots_f32: [cols] columns */
    ptrdiff_t b_step;         /* elements between two rows of B, or columns */
    float *c;                 /* OUT */
    ptrdiff_t c_row;          /* elements between rows of C */
    ptrdiff_t rows, cols;     /* any from 1 on, 1..tile_cols */
    const float *bias;        /* IN  [cols] or NULL */
    int accumulate;           /* add to what C holds (before bias and activation) */
    ptrdiff_t added;          /* elements from a result to what is added to it behind the bias; 0: nothing */
    int activation;           /* FC_LINEAR, FC_RELU, FC_RELU6 */
} fc_strip;

#endif
