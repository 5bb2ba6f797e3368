/* split_runs, split_pairs: floats as planes of bfloat16 numbers, each of which is the rest of those
 * before, rounded to the nearest even. */
#include "simd/vec.h"
#include "split/split.h"

typedef uint16_t vh __attribute__((vector_size(FC_VL * 2)));
typedef uint16_t vh_any __attribute__((vector_size(FC_VL * 2), aligned(2), may_alias));

/* The bfloat16 number next to x. NaN stays NaN; what is next to infinity becomes infinite, and its
 * results are computed in another way: see split.h. */
#if defined(FC_HAVE_AMX)
FC_INLINE vh FC_NAME(split_half)(vf x) { return (vh)_mm512_cvtneps_pbh((__m512)x); }
#else
FC_INLINE vh FC_NAME(split_half)(vf x) {
    const vu bits = (vu)x;
    const vu rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    const vu number = (vu)vf_select(x == x, (vf)rounded, (vf)(bits | 0x400000u));
    return __builtin_convertvector(number >> 16, vh);
}
#endif

/* The same bits in wider lanes: GCC converts vectors of 16 in halves. */
FC_INLINE vu FC_NAME(split_wide)(vh half) {
#if defined(FC_HAVE_AVX512)
    return (vu)_mm512_cvtepu16_epi32((__m256i)half);
#else
    return __builtin_convertvector(half, vu);
#endif
}

FC_INLINE vf FC_NAME(split_whole)(vh half) { return (vf)(FC_NAME(split_wide)(half) << 16); }

/* Write the first n. */
FC_INLINE void FC_NAME(split_keep)(uint16_t *out, vh half, ptrdiff_t n) {
    if (n == FC_VL) {
        *(vh_any *)out = half;
        return;
    }
#if defined(FC_HAVE_AVX512)
    _mm256_mask_storeu_epi16(out, (__mmask16)((1u << n) - 1), (__m256i)half);
#else
    memcpy(out, &half, (size_t)n * sizeof *out);
#endif
}

FC_INLINE void FC_NAME(split_part)(vf x, uint16_t *out, ptrdiff_t plane, const int planes,
                                   ptrdiff_t n) {
#pragma GCC unroll 3
    for (int p = 0; p < planes; p++, out += plane) {
        const vh half = FC_NAME(split_half)(x);
        FC_NAME(split_keep)(out, half, n);
        x -= FC_NAME(split_whole)(half); /* exact, and zero after three planes */
    }
}

FC_INLINE void FC_NAME(split_run)(const float *x, ptrdiff_t length, uint16_t *out, ptrdiff_t plane,
                                  const int planes) {
    ptrdiff_t i = 0;
    for (; i + FC_VL <= length; i += FC_VL)
        FC_NAME(split_part)(vf_load(x + i), out + i, plane, planes, FC_VL);
    if (i < length)
        FC_NAME(split_part)(vf_load_part(x + i, length - i), out + i, plane, planes, length - i);
}

/* A run of FC_SPLIT_DEPTH floats: one cache line of each plane. */
FC_INLINE void FC_NAME(split_line)(const float *x, uint16_t *out, ptrdiff_t plane,
                                   const int planes) {
#if defined(FC_HAVE_AMX)
    vf low = vf_load(x), high = vf_load(x + FC_VL);
#pragma GCC unroll 3
    for (int p = 0; p < planes; p++, out += plane) {
        const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
        _mm512_storeu_si512(out, halves);
        low -= FC_NAME(split_whole)((vh)_mm512_castsi512_si256(halves));
        high -= FC_NAME(split_whole)((vh)_mm512_extracti64x4_epi64(halves, 1));
    }
#else
    FC_NAME(split_run)(x, FC_SPLIT_DEPTH, out, plane, planes);
#endif
}

FC_INLINE void FC_NAME(split_planes)(const fc_split_runs *r, const int planes) {
    const int joined = r->length == r->x_step && r->length == r->out_step
                       && r->chunk_step == FC_SPLIT_DEPTH;
    const ptrdiff_t count = joined ? r->count > 0 : r->count, plane = r->plane;
    const ptrdiff_t length = joined ? r->length * r->count : r->length;
    const ptrdiff_t lines = length / FC_SPLIT_DEPTH;
    for (ptrdiff_t run = 0; run < count; run++) {
        const float *x = r->x + run * r->x_step;
        uint16_t *out = r->out + run * r->out_step;
        for (ptrdiff_t i = 0; i < lines; i++, x += FC_SPLIT_DEPTH, out += r->chunk_step)
            FC_NAME(split_line)(x, out, plane, planes);
        if (length > lines * FC_SPLIT_DEPTH)
            FC_NAME(split_run)(x, length - lines * FC_SPLIT_DEPTH, out, plane, planes);
    }
}

static void FC_NAME(split_runs)(const fc_split_runs *runs) {
    switch (runs->planes) {
        case 1: FC_NAME(split_planes)(runs, 1); break;
        case 2: FC_NAME(split_planes)(runs, 2); break;
        default: FC_NAME(split_planes)(runs, 3);
    }
}

/* Numbers next to each other in two vectors as pairs, the first one below; both vectors lose them. */
FC_INLINE vu FC_NAME(split_pair)(vf *even, vf *odd) {
#if defined(FC_HAVE_AMX)
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8,
                                           23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh((__m512)*odd, (__m512)*even);
    const vu pairs = (vu)_mm512_permutexvar_epi16(order, halves);
#else
    const vh low = FC_NAME(split_half)(*even), high = FC_NAME(split_half)(*odd);
    const vu pairs = FC_NAME(split_wide)(low) | FC_NAME(split_wide)(high) << 16;
#endif
    *even -= (vf)(pairs << 16);
    *odd -= (vf)(pairs & 0xffff0000u);
    return pairs;
}

FC_INLINE void FC_NAME(split_block)(const float *block, ptrdiff_t row, uint16_t *out,
                                    const int planes) {
    for (int n = 0; n < FC_SPLIT_COLS; n += FC_VL) {
        uint16_t *pair = out + n / 16 * (FC_SPLIT_B / 2) + n % 16 * 2;
        for (int k = 0; k < FC_SPLIT_DEPTH; k += 2, pair += 32) {
            vf even = vf_load(block + k * row + n), odd = vf_load(block + (k + 1) * row + n);
#pragma GCC unroll 3
            for (int p = 0; p < planes; p++)
                vi_store((int32_t *)(pair + p * FC_SPLIT_B),
                         (vi)FC_NAME(split_pair)(&even, &odd));
        }
    }
}

/* One step of B, FC_SPLIT_DEPTH rows of FC_SPLIT_COLS floats, as planes of pairs: see FC_SPLIT_B. */
static void FC_NAME(split_pairs)(const float *block, ptrdiff_t row, uint16_t *out, int planes) {
    switch (planes) {
        case 1: FC_NAME(split_block)(block, row, out, 1); break;
        case 2: FC_NAME(split_block)(block, row, out, 2); break;
        default: FC_NAME(split_block)(block, row, out, 3);
    }
}
