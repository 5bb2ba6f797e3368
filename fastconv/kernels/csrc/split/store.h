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

/* C = activation(sums + C + bias + what is added) for rows up to `end`: `vecs` whole vectors or not. */
FC_INLINE void FC_NAME(split_store_to)(const fc_split_strip *s, FC_NAME(split_store) *left,
                                       ptrdiff_t end, const int vecs, const int whole,
                                       const int accumulate, const int activation) {
    const ptrdiff_t added = s->added;
    vf check = left->check, bias[FC_SPLIT_COLS / FC_VL];
#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++) {
        const ptrdiff_t cols = whole ? FC_VL : s->cols - v * FC_VL;
        bias[v] = s->bias && cols > 0 ? vf_load_n(s->bias + v * FC_VL, cols) : (vf){0};
    }
    for (ptrdiff_t m = left->row; m < end; m++) {
        const float *sums = left->sums + m * FC_SPLIT_COLS;
        float *c = left->c[m] + s->c_offset;
        if (!left->c[m]) continue;
#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++) {
            const ptrdiff_t cols = whole ? FC_VL : s->cols - v * FC_VL;
            vf sum = vf_load(sums + v * FC_VL);
            if (cols <= 0) break;
            if (accumulate) sum += vf_load_n(c + v * FC_VL, cols);
            sum += bias[v];
            check += sum * vf_splat(0);
            if (added) sum += vf_load_n(c + added + v * FC_VL, cols);
            vf_store_n(c + v * FC_VL, vf_stored(sum, activation), cols);
        }
    }
    left->check = check;
}

/* Store `count` rows more. */
static __attribute__((noinline)) void FC_NAME(split_store_rows)(const fc_split_strip *s,
                                                                FC_NAME(split_store) *left,
                                                                ptrdiff_t count) {
    enum { ALL = FC_SPLIT_COLS / FC_VL, HALF = ALL > 1 ? ALL / 2 : 1 };
    const ptrdiff_t end = left->rows - left->row < count ? left->rows : left->row + count;
    if (s->cols == ALL * FC_VL && s->accumulate) {
        FC_NAME(split_store_to)(s, left, end, ALL, 1, 1, s->activation);
    } else if (s->accumulate || (s->cols != ALL * FC_VL && s->cols != HALF * FC_VL)) {
        FC_NAME(split_store_to)(s, left, end, ALL, 0, s->accumulate, s->activation);
    } else if (s->cols == ALL * FC_VL) {
        FC_STORED(s->activation, FC_NAME(split_store_to), s, left, end, ALL, 1, 0);
    } else {
        FC_STORED(s->activation, FC_NAME(split_store_to), s, left, end, HALF, 1, 0);
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
