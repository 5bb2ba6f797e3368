/* split_runs, split_pairs: floats as planes of bfloat16 numbers, each of which is the rest of those
 * before, rounded to the nearest even. */
#include "simd/vec.h"
#include "split/split.h"

typedef uint16_t vh __attribute__((vector_size(FC_VL * 2)));
typedef uint16_t vh_any __attribute__((vector_size(FC_VL * 2), aligned(2), may_alias));

/* The bfloat16 number next to x as a float, whose lower half is zero. NaN stays NaN; what is next to
 * infinity becomes infinite, and its results are computed in another way: see split.h. */
FC_INLINE vf FC_NAME(split_rounded)(vf x) {
    const vu bits = (vu)x;
    const vu rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    const vu quiet = (bits | 0x400000u) & 0xffff0000u;
    return vf_select(x == x, (vf)rounded, (vf)quiet);
}

FC_INLINE void FC_NAME(split_part)(vf x, uint16_t *out, ptrdiff_t plane, const int planes,
                                   ptrdiff_t n) {
#pragma GCC unroll 3
    for (int p = 0; p < planes; p++, out += plane) {
        const vf top = FC_NAME(split_rounded)(x);
        const vh half = __builtin_convertvector((vu)top >> 16, vh);
        if (n == FC_VL) {
            *(vh_any *)out = half;
        } else {
            memcpy(out, &half, (size_t)n * sizeof *out);
        }
        x -= top; /* exact, and zero after three planes */
    }
}

FC_INLINE void FC_NAME(split_planes)(const float *x, ptrdiff_t x_step, ptrdiff_t count,
                                     ptrdiff_t length, uint16_t *out, ptrdiff_t out_step,
                                     ptrdiff_t plane, const int planes) {
    for (; count > 0; count--, x += x_step, out += out_step) {
        ptrdiff_t i = 0;
        for (; i + FC_VL <= length; i += FC_VL)
            FC_NAME(split_part)(vf_load(x + i), out + i, plane, planes, FC_VL);
        if (i < length)
            FC_NAME(split_part)(vf_load_part(x + i, length - i), out + i, plane, planes, length - i);
    }
}

/* `count` runs of `length` floats; planes lie `plane` elements apart. */
static void FC_NAME(split_runs)(const float *x, ptrdiff_t x_step, ptrdiff_t count, ptrdiff_t length,
                                uint16_t *out, ptrdiff_t out_step, ptrdiff_t plane, int planes) {
    if (length == x_step && length == out_step) length *= count, count = 1;
    switch (planes) {
        case 1: FC_NAME(split_planes)(x, x_step, count, length, out, out_step, plane, 1); break;
        case 2: FC_NAME(split_planes)(x, x_step, count, length, out, out_step, plane, 2); break;
        default: FC_NAME(split_planes)(x, x_step, count, length, out, out_step, plane, 3);
    }
}

/* One step of B, [FC_SPLIT_DEPTH][FC_SPLIT_COLS] floats, as planes of pairs: see FC_SPLIT_B. */
static void FC_NAME(split_pairs)(const float *block, uint16_t *out, int planes) {
    for (int n = 0; n < FC_SPLIT_COLS; n += FC_VL) {
        for (int k = 0; k < FC_SPLIT_DEPTH; k += 2) {
            vf even = vf_load(block + k * FC_SPLIT_COLS + n);
            vf odd = vf_load(block + (k + 1) * FC_SPLIT_COLS + n);
            uint16_t *pair = out + n / 16 * (FC_SPLIT_B / 2) + k * 16 + n % 16 * 2;
            for (int p = 0; p < planes; p++, pair += FC_SPLIT_B) {
                const vf low = FC_NAME(split_rounded)(even), high = FC_NAME(split_rounded)(odd);
                vi_store((int32_t *)pair, (vi)(((vu)low >> 16) | (vu)high));
                even -= low;
                odd -= high;
            }
        }
    }
}
