/* The transforms of Winograd's F(m, r), see winograd_f32.h. */
#ifndef FC_WINOGRAD_H
#define FC_WINOGRAD_H

#include <stddef.h>

enum {
#define FC_WINOGRAD(mv, rv, mh, rh) +1
    FC_WINOGRAD_MEMBERS =
#include "winograd/members.def"
#undef FC_WINOGRAD
};

/* Of each tile the pixels that exist; the others count as zero. */
typedef struct {
    ptrdiff_t top, bottom, left, right; /* rows [top, bottom), columns [left, right) */
} fc_winograd_window;

/* `tiles` tiles that read or write pixels `next` floats apart; in the planes they are neighbours. */
typedef struct {
    ptrdiff_t mv, rv, mh, rh; /* see members.def */
    void (*input)(const float *x, ptrdiff_t row, ptrdiff_t pixel,
                  const fc_winograd_window *window, /* NULL: all of them */
                  ptrdiff_t channels, float *v, ptrdiff_t step, ptrdiff_t tiles, ptrdiff_t next);
    void (*output)(const float *m, ptrdiff_t step, ptrdiff_t channels, const float *bias,
                   ptrdiff_t added, int activation, float *y, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t rows,
                   ptrdiff_t cols, ptrdiff_t tiles, ptrdiff_t next, int *finite);
    void (*kernel)(const float *g, const ptrdiff_t *taps, ptrdiff_t channels, float *u,
                   ptrdiff_t step);
    void (*spread)(const float *dy, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,
                   ptrdiff_t channels, float *z, ptrdiff_t step, ptrdiff_t tiles, ptrdiff_t next);
    void (*gather)(const float *m, ptrdiff_t step, ptrdiff_t channels, float *dg,
                   const ptrdiff_t *taps, int *finite);
} fc_winograd;

#endif
