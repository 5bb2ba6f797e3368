/* The transforms of Winograd's F(m x m, 3x3), see winograd_f32.h. */
#ifndef FC_WINOGRAD_H
#define FC_WINOGRAD_H

#include <stddef.h>

#define FC_WINOGRAD_SIZES 3 /* m = 2, 3, 4 */

typedef struct {
    void (*input)(const float *x, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t channels, float *v,
                  ptrdiff_t step);
    void (*output)(const float *m, ptrdiff_t step, ptrdiff_t channels, const float *bias,
                   int activation, float *y, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t rows,
                   ptrdiff_t cols, int *finite);
    void (*kernel)(const float *g, ptrdiff_t tap_step, ptrdiff_t channels, float *u,
                   ptrdiff_t step);
    void (*spread)(const float *dy, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,
                   ptrdiff_t channels, float *z, ptrdiff_t step);
    void (*gather)(const float *m, ptrdiff_t step, ptrdiff_t channels, float *dg,
                   ptrdiff_t tap_step, int *finite);
} fc_winograd;

#endif
