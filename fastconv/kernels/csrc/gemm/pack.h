/* Copies of B in the order in which tile_f32 reads it: `rows` summed elements of `width` floats.
 * Lanes from `cols` to `width` (whole vectors) are zero, so that the tile needs no masks. */
#include "simd/vec.h"

/* B[k, n] = b[k * b_step + n]: rows lie as they are needed. */
static void FC_NAME(pack_rows)(float *packed, const float *b, ptrdiff_t b_step, ptrdiff_t rows,
                               ptrdiff_t cols, ptrdiff_t width) {
    for (ptrdiff_t k = 0; k < rows; k++, b += b_step, packed += width) {
        for (ptrdiff_t n = 0; n < width; n += FC_VL) {
            const ptrdiff_t left = cols - n;
            vf_store(packed + n, left > 0 ? vf_load_n(b + n, left) : (vf){0});
        }
    }
}

#if defined(FC_HAVE_AVX512)
/* Four floats of every fourth row of b, from its first on. */
FC_INLINE __m512 FC_NAME(pack_quads)(const float *b, ptrdiff_t b_step) {
    __m512 quads = _mm512_castps128_ps512(_mm_loadu_ps(b));
    quads = _mm512_insertf32x4(quads, _mm_loadu_ps(b + 4 * b_step), 1);
    quads = _mm512_insertf32x4(quads, _mm_loadu_ps(b + 8 * b_step), 2);
    return _mm512_insertf32x4(quads, _mm_loadu_ps(b + 12 * b_step), 3);
}
#define FC_PACK_LOW(a, b) _mm512_unpacklo_ps(a, b)
#define FC_PACK_HIGH(a, b) _mm512_unpackhi_ps(a, b)
#define FC_PACK_PAIRS(a, b, which) _mm512_shuffle_ps(a, b, which)
typedef __m512 FC_NAME(quads);
#elif defined(FC_HAVE_AVX2)
FC_INLINE __m256 FC_NAME(pack_quads)(const float *b, ptrdiff_t b_step) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(b)),
                                _mm_loadu_ps(b + 4 * b_step), 1);
}
#define FC_PACK_LOW(a, b) _mm256_unpacklo_ps(a, b)
#define FC_PACK_HIGH(a, b) _mm256_unpackhi_ps(a, b)
#define FC_PACK_PAIRS(a, b, which) _mm256_shuffle_ps(a, b, which)
typedef __m256 FC_NAME(quads);
#endif

/* B[k, n] = b[n * b_step + k]: columns lie as rows; turned over in blocks of 4 x 4, of which a vector
 * holds rows of several. */
static void FC_NAME(pack_columns)(float *packed, const float *b, ptrdiff_t b_step, ptrdiff_t rows,
                                  ptrdiff_t cols, ptrdiff_t width) {
    ptrdiff_t n = 0;
#if FC_VL > 4
    for (; n + FC_VL <= cols; n += FC_VL) {
        const float *from = b + n * b_step;
        float *out = packed + n;
        ptrdiff_t k = 0;
        for (; k + 4 <= rows; k += 4, out += 4 * width) {
            const FC_NAME(quads) r0 = FC_NAME(pack_quads)(from + k, b_step);
            const FC_NAME(quads) r1 = FC_NAME(pack_quads)(from + b_step + k, b_step);
            const FC_NAME(quads) r2 = FC_NAME(pack_quads)(from + 2 * b_step + k, b_step);
            const FC_NAME(quads) r3 = FC_NAME(pack_quads)(from + 3 * b_step + k, b_step);
            const FC_NAME(quads) low01 = FC_PACK_LOW(r0, r1), high01 = FC_PACK_HIGH(r0, r1);
            const FC_NAME(quads) low23 = FC_PACK_LOW(r2, r3), high23 = FC_PACK_HIGH(r2, r3);
            vf_store(out, (vf)FC_PACK_PAIRS(low01, low23, 0x44));
            vf_store(out + width, (vf)FC_PACK_PAIRS(low01, low23, 0xEE));
            vf_store(out + 2 * width, (vf)FC_PACK_PAIRS(high01, high23, 0x44));
            vf_store(out + 3 * width, (vf)FC_PACK_PAIRS(high01, high23, 0xEE));
        }
        for (; k < rows; k++, out += width) {
            for (ptrdiff_t i = 0; i < FC_VL; i++) out[i] = from[i * b_step + k];
        }
    }
#endif
    for (; n + 4 <= cols; n += 4) {
        const float *b0 = b + n * b_step, *b1 = b0 + b_step, *b2 = b1 + b_step, *b3 = b2 + b_step;
        ptrdiff_t k = 0;
        float *out = packed + n;
        for (; k + 4 <= rows; k += 4, out += 4 * width) {
            const v4 r0 = *(const v4_any *)(b0 + k), r1 = *(const v4_any *)(b1 + k);
            const v4 r2 = *(const v4_any *)(b2 + k), r3 = *(const v4_any *)(b3 + k);
            const v4 low01 = FC_SHUFFLE4(r0, r1, 0, 4, 1, 5), high01 = FC_SHUFFLE4(r0, r1, 2, 6, 3, 7);
            const v4 low23 = FC_SHUFFLE4(r2, r3, 0, 4, 1, 5), high23 = FC_SHUFFLE4(r2, r3, 2, 6, 3, 7);
            *(v4_any *)out = FC_SHUFFLE4(low01, low23, 0, 1, 4, 5);
            *(v4_any *)(out + width) = FC_SHUFFLE4(low01, low23, 2, 3, 6, 7);
            *(v4_any *)(out + 2 * width) = FC_SHUFFLE4(high01, high23, 0, 1, 4, 5);
            *(v4_any *)(out + 3 * width) = FC_SHUFFLE4(high01, high23, 2, 3, 6, 7);
        }
        for (; k < rows; k++, out += width) {
            out[0] = b0[k], out[1] = b1[k], out[2] = b2[k], out[3] = b3[k];
        }
    }
    for (; n < width; n++) {
        for (ptrdiff_t k = 0; k < rows; k++) packed[k * width + n] = n < cols ? b[n * b_step + k] : 0;
    }
}
