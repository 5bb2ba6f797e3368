/* split_tile: one block of results, from the products to the store. */
#include "elementwise/stored.h"
#include "split/products.h"

/* C = activation(sums + C + bias) */
static void FC_NAME(split_tile)(const fc_split_tile *t) {
    float sums[FC_SPLIT_ROWS * FC_SPLIT_COLS] __attribute__((aligned(64)));
    const vi exponent = vi_splat(0x7f800000);
    vi spoiled = {0};
    FC_NAME(split_sums)(t, sums);
    for (ptrdiff_t m = 0; m < t->rows; m++) {
        if (!t->c[m]) continue;
        float *c = t->c[m] + t->c_offset;
        for (ptrdiff_t n = 0; n < t->cols; n += FC_VL) {
            const ptrdiff_t left = t->cols - n;
            vf sum = vf_load(sums + m * FC_SPLIT_COLS + n);
            if (t->accumulate) sum += vf_load_n(c + n, left);
            if (t->bias) sum += vf_load_n(t->bias + n, left);
            spoiled |= ((vi)sum & exponent) == exponent;
            vf_store_n(c + n, vf_stored(sum, t->activation), left);
        }
    }
    for (int i = 0; i < FC_VL; i++) { /* lanes beyond `cols` are finite where those before are */
        if (spoiled[i]) *t->spoiled = 1;
    }
}
