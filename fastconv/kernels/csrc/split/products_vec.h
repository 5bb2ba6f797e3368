/* Products of bfloat16 tiles on `vf`, for CPUs without an instruction for them: what TDPBF16PS
 * computes, bit for bit.
 *
 * A product of two tiles sums even and odd elements in a chain of multiply-adds each, which begins at
 * zero, adds the two, and adds that to the sums. Products of bfloat16 numbers are exact in float32,
 * so it does not matter whether a multiply-add is fused. */
#include "simd/vec.h"
#include "split/split.h"

#define FC_SPLIT_GROUP 4 /* rows in registers at a time */

FC_INLINE float FC_NAME(split_float)(uint16_t half) {
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* sums[FC_SPLIT_GROUP][32] += a[FC_SPLIT_GROUP][32] * b[32][32] */
FC_INLINE void FC_NAME(split_group_vec)(float *sums, const uint16_t *a, ptrdiff_t a_step,
                                      const uint16_t *b) {
    for (int n = 0; n < FC_SPLIT_COLS; n += FC_VL) {
        const uint16_t *pairs = b + n / 16 * (FC_SPLIT_B / 2) + n % 16 * 2;
        vf even[FC_SPLIT_GROUP], odd[FC_SPLIT_GROUP];
#pragma GCC unroll 4
        for (int m = 0; m < FC_SPLIT_GROUP; m++) even[m] = odd[m] = (vf){0};
        for (int k = 0; k < FC_SPLIT_DEPTH; k += 2) {
            const vu pair = (vu)vi_load((const int32_t *)(pairs + k * 16));
            const vf low = (vf)(pair << 16), high = (vf)(pair & 0xffff0000u);
#pragma GCC unroll 4
            for (int m = 0; m < FC_SPLIT_GROUP; m++) {
                even[m] += vf_splat(FC_NAME(split_float)(a[m * a_step + k])) * low;
                odd[m] += vf_splat(FC_NAME(split_float)(a[m * a_step + k + 1])) * high;
            }
        }
#pragma GCC unroll 4
        for (int m = 0; m < FC_SPLIT_GROUP; m++) {
            float *sum = sums + m * FC_SPLIT_COLS + n;
            vf_store(sum, vf_load(sum) + (even[m] + odd[m]));
        }
    }
}

static void FC_NAME(split_product_vec)(float *sums, const uint16_t *a, ptrdiff_t a_step,
                                       const uint16_t *b, ptrdiff_t rows) {
    for (ptrdiff_t m = 0; m < rows; m += FC_SPLIT_GROUP)
        FC_NAME(split_group_vec)(sums + m * FC_SPLIT_COLS, a + m * a_step, a_step, b);
}
