/* exp, log and their family on `vf`: 1 to 5 ulp over the whole range (tests/kernels/test_math.py).
 *
 * Infinities and NaN come out as IEEE 754 says; results below 2^-126 may become zero. Polynomials
 * are minimax fits, coefficients rounded to float one by one, lowest first. Range reduction is that
 * of Cody & Waite, "Software Manual for the Elementary Functions", 1980, and exact without FMA. */
#ifndef FC_ELEMENTWISE_MATH_H
#define FC_ELEMENTWISE_MATH_H

#include "simd/vec.h"

#define FC_LN2_HI 0x1.63p-1f /* nine bits: n * FC_LN2_HI is exact */
#define FC_LN2_LO -0x1.bd0106p-13f
/* Added to |t| < 2^22 it rounds t to an integer, which then fills the low bits of the sum. */
#define FC_ROUNDER 0x1.8p23f

/* Magnitude of a, sign bit of b. */
FC_INLINE vf vf_copy_sign(vf a, vf b) {
    const vi sign = vi_splat(INT32_MIN);
    return (vf)(((vi)a & ~sign) | ((vi)b & sign));
}
/* Becomes one instruction under -fno-math-errno. */
FC_INLINE vf vf_sqrt(vf x) {
    vf y;
    for (int i = 0; i < FC_VL; i++) y[i] = __builtin_sqrtf(x[i]);
    return y;
}

/* 2^n for -126 <= n <= 127. */
FC_INLINE vf vf_power_of_two(vi n) { return (vf)(vu)((vu)(n + 127) << 23); }

/* expm1(r) where hi - lo = n * ln 2 + r and |r| <= ln 2 / 2, for |hi| < 150 and a small lo. */
FC_INLINE vf vf_expm1_reduced(vf hi, vf lo, vi *n) {
    const vf shifted = (hi - lo) * 0x1.715476p+0f + FC_ROUNDER;
    const vf whole = shifted - FC_ROUNDER;
    *n = (vi)shifted - (vi)vf_splat(FC_ROUNDER);
    const vf r = ((hi - whole * FC_LN2_HI) - lo) - whole * FC_LN2_LO;
    vf p = r * 0x1.6d7220p-10f + 0x1.122694p-7f;
    p = p * r + 0x1.5554c8p-5f;
    p = p * r + 0x1.5554b2p-3f;
    p = p * r + 0.5f;
    return p * (r * r) + r;
}

/* e^(hi - lo) */
FC_INLINE vf vf_exp_difference(vf hi, vf lo) {
    vi n;
    const vf y = vf_expm1_reduced(vf_at_least(vf_at_most(hi, 89.0f), -104.0f), lo, &n) + 1.0f;
    /* In two factors: 2^n alone would overflow (n = 128) or be denormal (n < -126) too early. */
    const vi half = n >> 1;
    return y * vf_power_of_two(half) * vf_power_of_two(n - half);
}

FC_INLINE vf vf_exp(vf x) { return vf_exp_difference(x, (vf){0}); }

/* e^x - 1 for x <= 88 */
FC_INLINE vf vf_expm1(vf x) {
    vi n;
    const vf p = vf_expm1_reduced(vf_at_least(x, -30.0f), (vf){0}, &n);
    const vf scale = vf_power_of_two(n);
    return p * scale + (scale - 1.0f);
}

/* log(x) + c for a tiny c */
FC_INLINE vf vf_log_sum(vf x, vf c) {
    const vi denormal = x < 0x1p-126f;
    const vi bits = (vi)vf_select(denormal, x * 0x1p24f, x);
    /* x = 2^n (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2) */
    const vi above = bits - 0x3f3504f3;
    const vf n = __builtin_convertvector((above >> 23) - (denormal & 24), vf);
    const vf f = (vf)((above & 0x7fffff) + 0x3f3504f3) - 1.0f;
    vf p = f * -0x1.421ef8p-4f + 0x1.07cc92p-3f;
    p = p * f - 0x1.0cd440p-3f;
    p = p * f + 0x1.226e2ep-3f;
    p = p * f - 0x1.5479f2p-3f;
    p = p * f + 0x1.99a5a4p-3f;
    p = p * f - 0x1.00021ap-2f;
    p = p * f + 0x1.55554ap-2f;
    const vf square = f * f;
    vf y = p * (f * square) + (n * FC_LN2_LO + c);
    y = n * FC_LN2_HI + (f + (y - 0.5f * square));
    y = vf_select(x == 0, vf_splat(-__builtin_inff()), y);
    y = vf_select(x < __builtin_inff(), y, x); /* inf and NaN */
    return vf_select(x < 0, vf_splat(__builtin_nanf("")), y);
}

FC_INLINE vf vf_log(vf x) { return vf_log_sum(x, (vf){0}); }

FC_INLINE vf vf_log1p(vf x) {
    const vf sum = x + 1.0f;
    return vf_log_sum(sum, (x - (sum - 1.0f)) / sum); /* what the rounding of 1 + x took away */
}

FC_INLINE vf vf_tanh(vf x) {
    const vf t = vf_expm1(2.0f * vf_at_most(vf_abs(x), 10.0f));
    return vf_copy_sign(t / (t + 2.0f), x);
}

FC_INLINE vf vf_sigmoid(vf x) { return 1.0f / (1.0f + vf_exp(-x)); }

/* The normal distribution P(X < x) = (1 + erf(x / sqrt 2)) / 2, to 5 ulp in both tails, and its
 * density. With t = |x|, P(X > t) = e^(-t^2/2) r p(r), r = 1 / (t + 3.75): the idea of Hastings,
 * "Approximations for Digital Computers", 1955. */
FC_INLINE vf vf_normal(vf x, vf *density) {
    const vf t = vf_at_most(vf_abs(x), 14.5f);
    /* An error of 1 ulp in t * t would be t * t / 2 ulp in the result: square 12 + 12 bits. */
    const vf high = (vf)((vi)t & ~0xfff);
    const vf e = vf_exp_difference(high * high * -0.5f, (t - high) * (t + high) * 0.5f);
    const vf r = 1.0f / (t + 3.75f);
    const vf u = 1.0f - (t * r) * 0x1.4234f8p+1f; /* 1 at t = 0, -1 at t = 14.5 */
    vf p = u * 0x1.29a7fap-14f + 0x1.7547acp-15f;
    p = p * u - 0x1.20f57ep-10f;
    p = p * u - 0x1.11132ap-9f;
    p = p * u + 0x1.b5b6b6p-7f;
    p = p * u + 0x1.740360p-4f;
    p = p * u + 0x1.26852cp-2f;
    p = p * u + 0x1.329a6ap-1f;
    p = p * u + 0x1.c65e26p-1f;
    const vf tail = e * (r * p);
    *density = e * 0x1.988454p-2f; /* 1 / sqrt(2 pi) */
    return vf_select(x < 0, tail, 1.0f - tail);
}

#endif
