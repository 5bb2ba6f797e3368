/* Products of bfloat16 tiles with VDPBF16PS, in functions of the AVX-512 unit that only CPUs with
 * AVX512_BF16 enter. Eight rows' sums over the 32 elements of a product stay in registers: 8 x 2 sums,
 * 2 of B, 1 pair of A. They begin at zero for each product, as AMX has it: short chains, small errors.
 * The order inside a chain is the instruction's own. */
#include "simd/vec.h"
#include "split/split.h"

#define FC_SPLIT_DP_GROUP 8
#define FC_SPLIT_DP __attribute__((target("avx512f,avx512bf16")))

FC_SPLIT_DP static inline void FC_NAME(split_group_dp)(float *sums, const uint16_t *a,
                                                       ptrdiff_t a_step, const uint16_t *b) {
    __m512 left[FC_SPLIT_DP_GROUP], right[FC_SPLIT_DP_GROUP];
#pragma GCC unroll 8
    for (int m = 0; m < FC_SPLIT_DP_GROUP; m++) left[m] = right[m] = _mm512_setzero_ps();
    for (int k = 0; k < FC_SPLIT_DEPTH; k += 2) {
        const __m512bh b0 = (__m512bh)_mm512_load_si512(b + k * 16);
        const __m512bh b1 = (__m512bh)_mm512_load_si512(b + k * 16 + FC_SPLIT_B / 2);
#pragma GCC unroll 8
        for (int m = 0; m < FC_SPLIT_DP_GROUP; m++) {
            int32_t pair;
            memcpy(&pair, a + m * a_step + k, sizeof pair);
            const __m512bh am = (__m512bh)_mm512_set1_epi32(pair);
            left[m] = _mm512_dpbf16_ps(left[m], am, b0);
            right[m] = _mm512_dpbf16_ps(right[m], am, b1);
        }
    }
#pragma GCC unroll 8
    for (int m = 0; m < FC_SPLIT_DP_GROUP; m++) {
        float *sum = sums + m * FC_SPLIT_COLS;
        _mm512_store_ps(sum, _mm512_add_ps(_mm512_load_ps(sum), left[m]));
        _mm512_store_ps(sum + 16, _mm512_add_ps(_mm512_load_ps(sum + 16), right[m]));
    }
}

FC_SPLIT_DP static void FC_NAME(split_product_dp)(float *sums, const uint16_t *a, ptrdiff_t a_step,
                                                  const uint16_t *b, ptrdiff_t rows) {
    for (ptrdiff_t m = 0; m < rows; m += FC_SPLIT_DP_GROUP)
        FC_NAME(split_group_dp)(sums + m * FC_SPLIT_COLS, a + m * a_step, a_step, b);
}
