/* What one strip of products of split floats computes; filled by the drivers, read by every body.
 *
 * A float is written as the sum of up to three bfloat16 numbers, its planes: hi + mid + lo, which
 * together hold all 24 bits. A product of floats is the sum of products of their planes; each of
 * these is exact in float32, where they are summed up, and the smallest are left out. */
#ifndef FC_SPLIT_H
#define FC_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "elementwise/map.h" /* FC_LINEAR, FC_RELU, FC_RELU6 */

enum {
    FC_SPLIT_TILE = 16,  /* rows of A in a tile, at most; a block of results has two */
    FC_SPLIT_ROWS = 32,
    FC_SPLIT_COLS = 32,  /* columns of B in a block */
    FC_SPLIT_DEPTH = 32, /* summed elements of one step */
    FC_SPLIT_PLANES = 3, /* at most */
    /* Elements of one plane of B in one step: two tiles of 16 columns, one after the other, each of 16
     * rows of pairs: element (k, n) is [n / 16][k / 2][n % 16][k % 2]. */
    FC_SPLIT_B = FC_SPLIT_DEPTH * FC_SPLIT_COLS,
};

/* `count` runs of floats, each in chunks of FC_SPLIT_DEPTH, as planes. Runs that follow one another on
 * both sides, as their chunks do, are taken as one. */
typedef struct {
    const float *x;
    ptrdiff_t x_step; /* floats between runs */
    ptrdiff_t count, length;
    uint16_t *out;
    ptrdiff_t out_step, chunk_step, plane; /* elements between runs, chunks and planes */
    int planes;                            /* 1..3 */
} fc_split_runs;

/* C[m, n] (+)= sum over steps s and k < 32 of  a[place(m) + steps[s] + k] * B[s, k, n]
 *
 * A strip is any number of rows, which are worked off in blocks of two tiles: place(m) is
 * m / (2 * tile) * a_block + m / tile % 2 * a_below + m % tile * a_step. Steps are added in
 * order, in one sum an output: in each step one product of planes after the other (order.h), each of
 * them a sum over its 32 elements that begins at zero. That order is the same for every row and
 * column, so a result does not depend on where a block begins. Subnormal numbers may count as zero,
 * and subnormal results become zero. An output whose exact value is infinite or NaN comes out as
 * either, not always as the right one (infinity times a plane of zeros is NaN): `spoiled` tells, and
 * the driver computes what is affected from the floats themselves. */
typedef struct {
    const uint16_t *a;      /* IN  plane hi; the other planes lie a_plane elements further each */
    ptrdiff_t a_plane;
    ptrdiff_t a_step;       /* elements between rows; those of whole blocks are readable */
    ptrdiff_t a_below;      /* from the first tile of a block to the second */
    ptrdiff_t a_block;      /* from a block to the next */
    const ptrdiff_t *steps; /* IN  [n_steps] element offsets, added to every row */
    ptrdiff_t n_steps;
    const uint16_t *b;      /* IN  [n_steps][planes][FC_SPLIT_B], 64-byte aligned */
    int planes;             /* 1..3 */
    float *const *c;        /* OUT [rows] where each row of C begins, NULL for rows without use */
    ptrdiff_t c_offset;     /* elements, added to every row of C */
    ptrdiff_t rows, cols;   /* any from 1 on, 1..32 */
    ptrdiff_t tile;         /* rows of a tile, 1..16: what split_configure was told */
    const float *bias;      /* IN  [cols] or NULL */
    int accumulate;         /* add to what C holds (before bias and activation) */
    ptrdiff_t added;        /* elements from a result to what is added to it behind the bias; 0: nothing */
    int activation;         /* FC_LINEAR, FC_RELU, FC_RELU6 */
    unsigned char *spoiled; /* OUT set to 1 if any result, before the activation, is not finite */
} fc_split_strip;

#endif
