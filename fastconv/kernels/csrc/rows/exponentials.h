/* What softmax and the cross-entropy share: e^(x - max x) of a group of rows. */
#ifndef FC_ROWS_EXPONENTIALS_H
#define FC_ROWS_EXPONENTIALS_H

#include "elementwise/math.h"
#include "rows/groups.h"

/* Largest x of each row. */
FC_INLINE vf group_most(const float *x, ptrdiff_t n, const int across) {
    vf most = vf_load(x);
    for (ptrdiff_t i = FC_VL; i < n; i += FC_VL) most = vf_max(most, vf_load(x + group_at(i, n)));
    return group_max(most, across);
}

/* Vectors whose sum is one chain of additions; longer rows have a sum of such sums. */
#define FC_SUM_VECTORS 32

/* y = e^(x - shift); returns the sum of each row. */
FC_INLINE vf group_exponentials(const float *x, vf shift, float *y, ptrdiff_t n, const int across) {
    vf sum = {0};
    for (ptrdiff_t i = 0; i < n;) {
        const ptrdiff_t end = n - i < FC_SUM_VECTORS * FC_VL ? n : i + FC_SUM_VECTORS * FC_VL;
        vf part = {0};
        for (; i < end; i += FC_VL) {
            const ptrdiff_t at = group_at(i, n);
            const vf e = vf_exp(vf_load(x + at) - shift);
            vf_store(y + at, e);
            part += group_new(e, i, at);
        }
        sum += part;
    }
    return group_sum(sum, across);
}

#endif
