/* The results of one block of split floats, from its sums to the rows of C. */
#ifndef FC_SPLIT_STORE_H
#define FC_SPLIT_STORE_H

#include "elementwise/stored.h"
#include "split/split.h"

/* What is left to store of a block. */
typedef struct {
    const float *sums; /* IN  [FC_SPLIT_ROWS][FC_SPLIT_COLS] */
    float *const *c;
    ptrdiff_t row, rows;
    vf check; /* a sum of zeros, or NaN from the first result on that is not finite */
} FC_NAME(split_store);

/* C = activation(sums + C + bias) for rows of any kind. */
FC_INLINE void FC_NAME(split_store_any)(const fc_split_strip *s, FC_NAME(split_store) *left,
                                        ptrdiff_t end) {
    vf check = left->check;
    for (ptrdiff_t m = left->row; m < end; m++) {
        if (!left->c[m]) continue;
        float *c = left->c[m] + s->c_offset;
        for (ptrdiff_t n = 0; n < s->cols; n += FC_VL) {
            const ptrdiff_t cols = s->cols - n;
            vf sum = vf_load(left->sums + m * FC_SPLIT_COLS + n);
            if (s->accumulate) sum += vf_load_n(c + n, cols);
            if (s->bias) sum += vf_load_n(s->bias + n, cols);
            check += sum * vf_splat(0);
            vf_store_n(c + n, vf_stored(sum, s->activation), cols);
        }
    }
    left->check = check;
}

/* C = activation(sums + bias) for rows of FC_SPLIT_COLS results. */
FC_INLINE void FC_NAME(split_store_full)(const fc_split_strip *s, FC_NAME(split_store) *left,
                                         ptrdiff_t end, const int activation) {
    enum { VECS = FC_SPLIT_COLS / FC_VL };
    vf check = left->check, bias[VECS];
#pragma GCC unroll 8
    for (int v = 0; v < VECS; v++) bias[v] = s->bias ? vf_load(s->bias + v * FC_VL) : (vf){0};
    for (ptrdiff_t m = left->row; m < end; m++) {
        const float *sums = left->sums + m * FC_SPLIT_COLS;
        float *c = left->c[m] + s->c_offset;
        if (!left->c[m]) continue;
#pragma GCC unroll 8
        for (int v = 0; v < VECS; v++) {
            const vf sum = vf_load(sums + v * FC_VL) + bias[v];
            check += sum * vf_splat(0);
            vf_store(c + v * FC_VL, vf_stored(sum, activation));
        }
    }
    left->check = check;
}

/* Store `count` rows more. */
static __attribute__((noinline)) void FC_NAME(split_store_rows)(const fc_split_strip *s,
                                                                FC_NAME(split_store) *left,
                                                                ptrdiff_t count) {
    const ptrdiff_t end = left->rows - left->row < count ? left->rows : left->row + count;
    if (s->accumulate || s->cols < FC_SPLIT_COLS) {
        FC_NAME(split_store_any)(s, left, end);
    } else {
        FC_STORED(s->activation, FC_NAME(split_store_full), s, left, end);
    }
    left->row = end;
}

/* Lanes beyond `cols` are finite where those before are: their weights are zero. */
FC_INLINE int FC_NAME(split_spoiled)(vf check) {
    int spoiled = 0;
    for (int i = 0; i < FC_VL; i++) spoiled |= !(check[i] == 0);
    return spoiled;
}

#endif
