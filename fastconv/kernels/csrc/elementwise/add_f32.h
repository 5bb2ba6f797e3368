/* add_f32: the sum of two arrays, on which an activation works, or its gradient. */
#include "elementwise/stored.h"

FC_INLINE void FC_NAME(add_vector)(const fc_add *t, ptrdiff_t i, ptrdiff_t lanes, const int back,
                                   const int code) {
    vf y = vf_load_n(t->a + i, lanes) + vf_load_n(t->b + i, lanes);
    y = back ? vf_slope(y, vf_load_n(t->v + i, lanes), code) : vf_stored(y, code);
    vf_store_n(t->y + i, y, lanes);
}

FC_INLINE void FC_NAME(add_all)(const fc_add *args, const int back, const int code) {
    const fc_add t = *args;
    ptrdiff_t i = 0;
    for (; i + FC_VL <= t.n; i += FC_VL) FC_NAME(add_vector)(&t, i, FC_VL, back, code);
    if (i < t.n) FC_NAME(add_vector)(&t, i, t.n - i, back, code);
}

static void FC_NAME(add_f32)(const fc_add *t) {
    if (t->v) {
        FC_STORED(t->activation, FC_NAME(add_all), t, 1);
    } else {
        FC_STORED(t->activation, FC_NAME(add_all), t, 0);
    }
}
