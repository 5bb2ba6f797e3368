/* The vector type `vf` of FC_VL floats, with its loads and stores.
 *
 * GCC/Clang vector extensions: arithmetic, comparison (a lane mask of type `vi`, 0 or -1) and
 * ?: work on whole vectors, so bodies written on `vf` are the same source for every width. */
#ifndef FC_SIMD_VEC_H
#define FC_SIMD_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(FC_HAVE_AVX2)
#include <immintrin.h> /* what vector extensions lack: masked loads and stores, and maxima */
#endif

#if defined(FC_HAVE_AVX512)
#define FC_VL 16
#elif defined(FC_HAVE_AVX2)
#define FC_VL 8
#else
#define FC_VL 4
#endif

#define FC_INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(FC_VL * 4)));
typedef int32_t vi __attribute__((vector_size(FC_VL * 4)));
typedef uint32_t vu __attribute__((vector_size(FC_VL * 4)));
/* Same lanes, but no alignment is promised, and memory may be read as floats or ints alike. */
typedef float vf_any __attribute__((vector_size(FC_VL * 4), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(FC_VL * 4), aligned(4), may_alias));
/* Four lanes, whatever the width. */
typedef float v4 __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));
typedef float v4_any __attribute__((vector_size(16), aligned(4), may_alias));
#if defined(__clang__) || __GNUC__ >= 12
#define FC_SHUFFLE4(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define FC_SHUFFLE4(a, b, i, j, k, l) __builtin_shuffle(a, b, (v4i){i, j, k, l})
#endif

FC_INLINE vf vf_load(const float *p) { return *(const vf_any *)p; }
FC_INLINE void vf_store(float *p, vf v) { *(vf_any *)p = v; }
FC_INLINE vi vi_load(const int32_t *p) { return *(const vi_any *)p; }
FC_INLINE void vi_store(int32_t *p, vi v) { *(vi_any *)p = v; }
FC_INLINE vf vf_splat(float s) { return s - (vf){0}; }
FC_INLINE vi vi_splat(int32_t s) { return s - (vi){0}; }

/* The first n < FC_VL lanes; the others read as zero and are not written. */
#if defined(FC_HAVE_AVX512)
FC_INLINE vf vf_load_part(const float *p, ptrdiff_t n) {
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
FC_INLINE void vf_store_part(float *p, vf v, ptrdiff_t n) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
#elif defined(FC_HAVE_AVX2)
FC_INLINE __m256i vf_part(ptrdiff_t n) {
    return (__m256i)((vi){0, 1, 2, 3, 4, 5, 6, 7} < vi_splat((int32_t)n));
}
FC_INLINE vf vf_load_part(const float *p, ptrdiff_t n) {
    return (vf)_mm256_maskload_ps(p, vf_part(n));
}
FC_INLINE void vf_store_part(float *p, vf v, ptrdiff_t n) {
    _mm256_maskstore_ps(p, vf_part(n), (__m256)v);
}
#else
FC_INLINE vf vf_load_part(const float *p, ptrdiff_t n) {
    float lanes[FC_VL] = {0};
    memcpy(lanes, p, (size_t)n * sizeof(float));
    return vf_load(lanes);
}
FC_INLINE void vf_store_part(float *p, vf v, ptrdiff_t n) {
    float lanes[FC_VL];
    vf_store(lanes, v);
    memcpy(p, lanes, (size_t)n * sizeof(float));
}
#endif
FC_INLINE vf vf_load_n(const float *p, ptrdiff_t n) {
    return n >= FC_VL ? vf_load(p) : vf_load_part(p, n);
}
FC_INLINE void vf_store_n(float *p, vf v, ptrdiff_t n) {
    if (n >= FC_VL) {
        vf_store(p, v);
    } else {
        vf_store_part(p, v, n);
    }
}

/* Bits of `a` where the mask is set, of `b` elsewhere. */
FC_INLINE vf vf_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
/* max and min that return NaN when either side is NaN, as NumPy's maximum does, and bounds that let
 * NaN pass. x86's own maximum and minimum are their second operand then. */
#if defined(FC_HAVE_AVX512)
FC_INLINE vf vf_max(vf a, vf b) {
    const __mmask16 number = _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_EQ_OQ);
    return (vf)_mm512_mask_max_ps((__m512)a, number, (__m512)a, (__m512)b);
}
FC_INLINE vf vf_at_most(vf x, float bound) {
    return (vf)_mm512_min_ps((__m512)vf_splat(bound), (__m512)x);
}
FC_INLINE vf vf_at_least(vf x, float bound) {
    return (vf)_mm512_max_ps((__m512)vf_splat(bound), (__m512)x);
}
#elif defined(FC_HAVE_AVX2)
FC_INLINE vf vf_max(vf a, vf b) {
    const __m256 max = _mm256_max_ps((__m256)a, (__m256)b);
    return (vf)_mm256_blendv_ps(max, (__m256)a, (__m256)(a != a));
}
FC_INLINE vf vf_at_most(vf x, float bound) {
    return (vf)_mm256_min_ps((__m256)vf_splat(bound), (__m256)x);
}
FC_INLINE vf vf_at_least(vf x, float bound) {
    return (vf)_mm256_max_ps((__m256)vf_splat(bound), (__m256)x);
}
#else
FC_INLINE vf vf_max(vf a, vf b) { return vf_select((a > b) | (a != a), a, b); }
FC_INLINE vf vf_at_most(vf x, float bound) { return vf_select(x > bound, vf_splat(bound), x); }
FC_INLINE vf vf_at_least(vf x, float bound) { return vf_select(x < bound, vf_splat(bound), x); }
#endif
FC_INLINE vf vf_min(vf a, vf b) { return vf_select((a < b) | (a != a), a, b); }
/* 0 below 0, and with a limit 6 above 6; NaN stays NaN, and -0 turns to 0. */
FC_INLINE vf vf_relu(vf a) { return (vf)(~(a <= 0) & (vi)a); }
FC_INLINE vf vf_relu6(vf a) { return vf_at_most(vf_relu(a), 6); }
FC_INLINE vf vf_abs(vf a) { return (vf)((vi)a & vi_splat(0x7fffffff)); }

#endif
