/* Winograd's F(mv x mh, rv x rh): a tile of mv x mh outputs of a convolution of stride 1 with
 * rv x rh taps from (mv + rv - 1) (mh + rh - 1) products, not mv mh rv rh.
 *
 *     y = A' [ (G g G') * (B' d B) ] A        d: inputs of a tile, g: kernel, * elementwise
 *
 * and the same bilinear form turned round for the gradient of the kernel:
 *
 *     dg = G' [ sum over tiles (B' d B) * (A dy A') ] G
 *
 * A and B of either side belong to their axis. Lanes are channels; a transformed tile is so many
 * planes, `step` floats apart. The functions of tiles.h are compiled for each line of members.def:
 * winograd_input_<isa>_2323 ... */
#include "gemm/tile.h"
#include "simd/vec.h"
#include "winograd/transforms.h"
#include "winograd/winograd.h"

/* Half as many lanes, in double precision: a register of it. */
#define FC_HALF (FC_VL / 2)
typedef double vd __attribute__((vector_size(FC_HALF * 8)));
typedef float vhalf __attribute__((vector_size(FC_HALF * 4)));
typedef float vhalf_any __attribute__((vector_size(FC_HALF * 4), aligned(4), may_alias));

#include "winograd/tiles.h"

/* Whether no lane is infinite or NaN. */
FC_INLINE int FC_NAME(is_finite)(vf x) {
    const vi bad = (x - x) != (vf){0};
#if defined(FC_HAVE_AVX512)
    return !_mm512_test_epi32_mask((__m512i)bad, (__m512i)bad);
#elif defined(FC_HAVE_AVX2)
    return _mm256_testz_si256((__m256i)bad, (__m256i)bad);
#else
    int32_t any = 0;
    for (int i = 0; i < FC_VL; i++) any |= bad[i];
    return !any;
#endif
}

/* A call for each whole vector of channels (n a constant), and one for what is left. */
#define FC_OVER_CHANNELS(c, n, channels, call) FC_OVER_LANES(c, n, FC_VL, channels, call)
#define FC_OVER_LANES(c, n, lanes, channels, call)                                              \
    do {                                                                                        \
        ptrdiff_t c = 0;                                                                        \
        for (const ptrdiff_t n = lanes; c + n <= (channels); c += n) call;                      \
        for (const ptrdiff_t n = (channels)-c; c < (channels); c += n) call;                    \
    } while (0)

#define FC_WNAME(name, mv, rv, mh, rh) FC_JOIN(FC_NAME(name), mv##rv##mh##rh)

/* *finite tells whether all results are: infinities of one pixel turn to NaN in the others of its
 * tile, so the caller computes such a tile directly. */
#define FC_WINOGRAD(mv, rv, mh, rh)                                                             \
    static void FC_WNAME(winograd_input, mv, rv, mh, rh)(                                       \
        const float *x, ptrdiff_t row, ptrdiff_t pixel, const fc_winograd_window *window,       \
        ptrdiff_t channels, float *v, ptrdiff_t step, ptrdiff_t tiles, ptrdiff_t next) {        \
        const uint64_t inside = window ? winograd_inside(mv + rv - 1, mh + rh - 1, window) : 0; \
        for (; tiles > 0; tiles--, x += next, v += channels) {                                  \
            if (window) {                                                                       \
                FC_OVER_CHANNELS(c, n, channels,                                                \
                                 winograd_input_part(mv + rv - 1, mh + rh - 1, x + c, row,      \
                                                     pixel, 0, inside, v + c, step, n));        \
            } else {                                                                            \
                FC_OVER_CHANNELS(c, n, channels,                                                \
                                 winograd_input_part(mv + rv - 1, mh + rh - 1, x + c, row,      \
                                                     pixel, 1, 0, v + c, step, n));             \
            }                                                                                   \
        }                                                                                       \
    }                                                                                           \
    static void FC_WNAME(winograd_output, mv, rv, mh, rh)(                                      \
        const float *m, ptrdiff_t step, ptrdiff_t channels, const float *bias, ptrdiff_t added, \
        int activation, float *y, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t rows,               \
        ptrdiff_t cols, ptrdiff_t tiles, ptrdiff_t next, int *finite) {                         \
        vf total = (vf){0};                                                                     \
        for (; tiles > 0; tiles--, m += channels, y += next) {                                  \
            FC_OVER_CHANNELS(c, n, channels,                                                    \
                             total += winograd_output_part(                                     \
                                 mv, mv + rv - 1, mh, mh + rh - 1, m + c, step,                 \
                                 bias ? bias + c : NULL, added, activation, y + c, row, pixel,  \
                                 rows, cols, n));                                               \
        }                                                                                       \
        *finite = FC_NAME(is_finite)(total);                                                    \
    }                                                                                           \
    static void FC_WNAME(winograd_kernel, mv, rv, mh, rh)(                                      \
        const float *g, const ptrdiff_t *taps, ptrdiff_t channels, float *u, ptrdiff_t step) {  \
        FC_OVER_LANES(c, n, FC_HALF, channels,                                                  \
                      winograd_kernel_part(rv, mv + rv - 1, rh, mh + rh - 1, g + c, taps,       \
                                           u + c, step, n));                                    \
    }                                                                                           \
    static void FC_WNAME(winograd_spread, mv, rv, mh, rh)(                                      \
        const float *dy, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,        \
        ptrdiff_t channels, float *z, ptrdiff_t step, ptrdiff_t tiles, ptrdiff_t next) {        \
        for (; tiles > 0; tiles--, dy += next, z += channels) {                                 \
            FC_OVER_CHANNELS(c, n, channels,                                                    \
                             winograd_spread_part(mv, mv + rv - 1, mh, mh + rh - 1, dy + c,     \
                                                  row, pixel, rows, cols, z + c, step, n));     \
        }                                                                                       \
    }                                                                                           \
    static void FC_WNAME(winograd_gather, mv, rv, mh, rh)(                                      \
        const float *m, ptrdiff_t step, ptrdiff_t channels, float *dg, const ptrdiff_t *taps,   \
        int *finite) {                                                                          \
        vf total = (vf){0};                                                                     \
        FC_OVER_CHANNELS(c, n, channels,                                                        \
                         total += winograd_gather_part(rv, mv + rv - 1, rh, mh + rh - 1, m + c, \
                                                     step, dg + c, taps, n));                   \
        *finite = FC_NAME(is_finite)(total);                                                    \
    }
#include "winograd/members.def"
#undef FC_WINOGRAD

#define FC_WINOGRAD_ENTRY(mv, rv, mh, rh)                                                       \
    {mv, rv, mh, rh,                                                                            \
     FC_WNAME(winograd_input, mv, rv, mh, rh), FC_WNAME(winograd_output, mv, rv, mh, rh),       \
     FC_WNAME(winograd_kernel, mv, rv, mh, rh), FC_WNAME(winograd_spread, mv, rv, mh, rh),      \
     FC_WNAME(winograd_gather, mv, rv, mh, rh)},
