/* fma_chain: nothing but independent multiply-adds, to measure the peak that benchmarks divide by. */
#include "simd/vec.h"

#define FC_CHAINS 12 /* at least latency x units: 4 x 2 on every core of the last decade */

static void FC_NAME(fma_chain)(long steps, float *out) {
    vf sum[FC_CHAINS];
    const vf a = vf_splat(out[0]), b = vf_splat(out[1]);
#pragma GCC unroll 16
    for (int i = 0; i < FC_CHAINS; i++) sum[i] = vf_splat((float)i);
    for (long step = 0; step < steps; step++) {
#pragma GCC unroll 16
        for (int i = 0; i < FC_CHAINS; i++) sum[i] = sum[i] * a + b;
    }
    vf total = (vf){0};
#pragma GCC unroll 16
    for (int i = 0; i < FC_CHAINS; i++) total += sum[i];
    out[0] = total[0];
}
