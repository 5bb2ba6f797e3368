/* The transforms of Winograd's F(m, r) along one axis.
 *
 *     y = A' [ (G g) * (B' d) ]        d: n = m + r - 1 inputs, g: r taps, y: m outputs
 *
 * They follow (Toom-Cook) from n - 1 points and infinity. B depends on the points alone, A on how many
 * outputs there are, G on how many taps: row k of A and f[k] times row k of G hold the powers of
 * point k (at infinity: the last coefficient), where f[k] is the product of its differences from the
 * other points. Points are 0 if n is even, and pairs p, -p, which share the even and the odd part of
 * each polynomial:
 *
 *     n = 4:  0, 1, -1
 *     n = 5:  3/8, -3/8, 11/8, -11/8
 *     n = 6:  0, 11/16, -11/16, 3/2, -3/2
 *
 * The usual points of n = 6 (0, 1, -1, 2, -2) made rounding errors about twice as large in a float32
 * simulation of some layers. Of the dozen pairs tried, all with constants exact in float32, these had
 * the least errors. The functions below are called with constants and melt into a few instructions.
 * Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308; on points:
 * Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural
 * Networks", arXiv:1803.10986. */
#ifndef FC_WINOGRAD_TRANSFORMS_H
#define FC_WINOGRAD_TRANSFORMS_H

#include "simd/vec.h"

#define FC_WINOGRAD_N 6 /* the largest n */

/* The positive point of pair k, and whether 0 is a point: it is then the first, before the pairs. */
FC_INLINE double winograd_point(int n, int k) {
    return n == 4 ? 1 : n == 5 ? (k ? 1.375 : 0.375) : (k ? 1.5 : 0.6875);
}
FC_INLINE int winograd_zero(int n) { return n % 2 == 0; }
FC_INLINE int winograd_pairs(int n) { return (n - 1) / 2; }

FC_INLINE double winograd_power(double p, int e) {
    return e == 0 ? 1 : e == 1 ? p : e == 2 ? p * p : p * p * p;
}

/* 1 / f of pair k; of -p where it has the other sign, the row of B' has it too. */
FC_INLINE double winograd_share(int n, int k) {
    const double p = winograd_point(n, k), q = winograd_point(n, 1 - k);
    const double f = (winograd_zero(n) ? p : 1) * 2 * p;
    return 1 / (winograd_pairs(n) > 1 ? f * (p * p - q * q) : f);
}

/* 1 / f of the point 0. */
FC_INLINE double winograd_zero_share(int n) {
    const double p = winograd_point(n, 0), q = winograd_point(n, 1);
    return 1 / (winograd_pairs(n) > 1 ? p * p * q * q : -p * p);
}

/* o = B' i. */
FC_INLINE void winograd_divide(int n, const vf *i, vf *o) {
    const float a = (float)winograd_point(n, 0), aa = a * a;
    const float b = (float)winograd_point(n, 1), bb = b * b;
    if (n == 1) {
        o[0] = i[0];
    } else if (n == 4) {
        o[0] = i[2] - i[0];
        o[1] = i[2] + i[1], o[2] = i[2] - i[1];
        o[3] = i[3] - i[1];
    } else {
        const int z = winograd_zero(n);
        const vf even_a = i[z + 2] - i[z] * bb, odd_a = i[z + 3] - i[z + 1] * bb;
        const vf even_b = i[z + 2] - i[z] * aa, odd_b = i[z + 3] - i[z + 1] * aa;
        if (z) o[0] = i[4] - i[2] * (aa + bb) + i[0] * (aa * bb);
        o[z] = even_a * a + odd_a, o[z + 1] = z ? odd_a - even_a * a : even_a * a - odd_a;
        o[z + 2] = even_b * b + odd_b, o[z + 3] = z ? odd_b - even_b * b : even_b * b - odd_b;
        o[n - 1] = i[n - 1] - i[n - 3] * (aa + bb) + i[z] * (aa * bb);
    }
}

/* o = A i, or G i if shared: the values of a polynomial of `count` coefficients, of any vector type. */
#define FC_WINOGRAD_VALUES(n, count, shared, i, o)                                               \
    do {                                                                                         \
        typedef __typeof__((o)[0][0]) real;                                                      \
        if (winograd_zero(n)) (o)[0] = (i)[0] * (real)((shared) ? winograd_zero_share(n) : 1);   \
        _Pragma("GCC unroll 2") for (int k = 0; k < winograd_pairs(n); k++) {                    \
            const int at = winograd_zero(n) + 2 * k;                                             \
            const double p = winograd_point(n, k), share = (shared) ? winograd_share(n, k) : 1;  \
            __typeof__((o)[0]) even = (i)[0] * (real)share, odd = (i)[0] * 0;                    \
            if ((count) > 2) even += (i)[2] * (real)(share * winograd_power(p, 2));              \
            if ((count) > 1) odd = (i)[1] * (real)(share * p);                                   \
            if ((count) > 3) odd += (i)[3] * (real)(share * winograd_power(p, 3));               \
            (o)[at] = even + odd, (o)[at + 1] = even - odd;                                      \
        }                                                                                        \
        (o)[(n) - 1] = (i)[(count) - 1];                                                         \
    } while (0)

/* o = A' i, or G' i if shared: `count` sums over the points, each weighted with its power. */
FC_INLINE void winograd_sums(int n, int count, int shared, const vf *i, vf *o) {
    const int z = winograd_zero(n);
    if (n == 1) {
        o[0] = i[0];
        return;
    }
#pragma GCC unroll 4
    for (int e = 0; e < count; e++) {
        vf sum = e % 2 ? i[z] - i[z + 1] : i[z] + i[z + 1];
        sum *= (float)(winograd_power(winograd_point(n, 0), e) * (shared ? winograd_share(n, 0) : 1));
        vf rest = (vf){0};
        if (winograd_pairs(n) > 1) {
            rest = e % 2 ? i[z + 2] - i[z + 3] : i[z + 2] + i[z + 3];
            rest *= (float)(winograd_power(winograd_point(n, 1), e)
                            * (shared ? winograd_share(n, 1) : 1));
            if (e == count - 1) rest += i[n - 1];
            sum += rest;
        } else if (e == count - 1) {
            sum += i[n - 1];
        }
        if (z && e == 0) sum += i[0] * (float)(shared ? winograd_zero_share(n) : 1);
        o[e] = sum;
    }
}

#endif
