/* sum_of_squares: of n floats, in double precision (where each square is exact). */
#include "simd/vec.h"

#define FC_SQUARES 4 /* sums at a time: the latency of an addition */

static void FC_NAME(sum_of_squares)(const float *x, ptrdiff_t n, double *result) {
    enum { LANES = FC_SQUARES * FC_VL / 2 };
    double sum[LANES] = {0};
    ptrdiff_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int lane = 0; lane < LANES; lane++) sum[lane] += (double)x[i + lane] * x[i + lane];
    }
    for (int lane = 0; i < n; i++, lane++) sum[lane] += (double)x[i] * x[i];
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int lane = 0; lane < half; lane++) sum[lane] += sum[lane + half];
    }
    *result = sum[0];
}
