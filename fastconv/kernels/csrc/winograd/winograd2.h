/* Transforms of Winograd's F(2x2, 3x3): 4 outputs of a 3x3 convolution from 16 products instead of 36.
 *
 *     y = A' [ (G g G') * (B' d B) ] A        d: 4x4 inputs, g: 3x3 kernel, * elementwise
 *
 * and the same bilinear form turned round for the gradient of the kernel:
 *
 *     dg = G' [ sum over tiles (B' d B) * (A dy A') ] G
 *
 * Lanes are channels; a transformed tile is 16 planes, `step` floats apart.
 * Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308. */
#include "gemm/tile.h"
#include "simd/vec.h"

/* One axis each. The points are 0, 1, -1 and infinity. */
#define FC_W2_INPUT(o, i) /* B' */                                                              \
    (o)[0] = (i)[0] - (i)[2], (o)[1] = (i)[1] + (i)[2], (o)[2] = (i)[2] - (i)[1],               \
    (o)[3] = (i)[1] - (i)[3]
#define FC_W2_KERNEL(o, i) /* G */                                                              \
    (o)[0] = (i)[0], (o)[1] = ((i)[0] + (i)[2] + (i)[1]) * 0.5f,                                \
    (o)[2] = ((i)[0] + (i)[2] - (i)[1]) * 0.5f, (o)[3] = (i)[2]
#define FC_W2_OUTPUT(o, i) /* A' */                                                             \
    (o)[0] = (i)[0] + (i)[1] + (i)[2], (o)[1] = (i)[1] - (i)[2] - (i)[3]
#define FC_W2_SPREAD(o, i) /* A */                                                              \
    (o)[0] = (i)[0], (o)[1] = (i)[0] + (i)[1], (o)[2] = (i)[0] - (i)[1], (o)[3] = -(i)[1]
#define FC_W2_GATHER(o, i) /* G' */                                                             \
    (o)[0] = (i)[0] + ((i)[1] + (i)[2]) * 0.5f, (o)[1] = ((i)[1] - (i)[2]) * 0.5f,              \
    (o)[2] = ((i)[1] + (i)[2]) * 0.5f + (i)[3]

/* A call for each whole vector of channels (n a constant), and one for what is left. */
#define FC_OVER_CHANNELS(c, n, channels, call)                                                  \
    do {                                                                                        \
        ptrdiff_t c = 0;                                                                        \
        for (const ptrdiff_t n = FC_VL; c + n <= (channels); c += n) call;                      \
        for (const ptrdiff_t n = (channels)-c; c < (channels); c += n) call;                    \
    } while (0)

/* to (outs x outs) = T from (ins x ins) T', rows first. */
#define FC_W2_BOTH_AXES(TRANSFORM, to, outs, from, ins)                                         \
    do {                                                                                        \
        vf half[outs][ins], line[ins], turned[outs];                                            \
        _Pragma("GCC unroll 4") for (int k = 0; k < (ins); k++) {                               \
            _Pragma("GCC unroll 4") for (int r = 0; r < (ins); r++) line[r] = (from)[r][k];     \
            TRANSFORM(turned, line);                                                            \
            _Pragma("GCC unroll 4") for (int r = 0; r < (outs); r++) half[r][k] = turned[r];    \
        }                                                                                       \
        _Pragma("GCC unroll 4") for (int r = 0; r < (outs); r++) TRANSFORM((to)[r], half[r]);   \
    } while (0)

FC_INLINE void FC_NAME(load_4x4)(vf to[4][4], const float *from, ptrdiff_t row, ptrdiff_t col,
                                 ptrdiff_t n) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) to[i][j] = vf_load_n(from + i * row + j * col, n);
    }
}

FC_INLINE void FC_NAME(store_4x4)(float *to, vf from[4][4], ptrdiff_t step, ptrdiff_t n) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) vf_store_n(to + (4 * i + j) * step, from[i][j], n);
    }
}

FC_INLINE int FC_NAME(any_lane)(vi mask) {
    int32_t lanes[FC_VL], any = 0;
    vi_store(lanes, mask);
    for (int i = 0; i < FC_VL; i++) any |= lanes[i];
    return any != 0;
}

FC_INLINE void FC_NAME(winograd2_input_part)(const float *x, ptrdiff_t row, ptrdiff_t pixel,
                                             float *v, ptrdiff_t step, ptrdiff_t n) {
    vf d[4][4], t[4][4];
    FC_NAME(load_4x4)(d, x, row, pixel, n);
    FC_W2_BOTH_AXES(FC_W2_INPUT, t, 4, d, 4);
    FC_NAME(store_4x4)(v, t, step, n);
}

/* v[16][channels] = B' d B of the 4x4 pixels at x. */
static void FC_NAME(winograd2_input)(const float *x, ptrdiff_t row, ptrdiff_t pixel,
                                     ptrdiff_t channels, float *v, ptrdiff_t step) {
    FC_OVER_CHANNELS(c, n, channels,
                     FC_NAME(winograd2_input_part)(x + c, row, pixel, v + c, step, n));
}

/* Returns the lanes whose results are infinite or NaN. */
FC_INLINE vi FC_NAME(winograd2_output_part)(const float *m, ptrdiff_t step, const float *bias,
                                            int activation, float *y, ptrdiff_t row,
                                            ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,
                                            ptrdiff_t n) {
    vf t[4][4], out[2][2];
    FC_NAME(load_4x4)(t, m, 4 * step, step, n);
    FC_W2_BOTH_AXES(FC_W2_OUTPUT, out, 2, t, 4);
    const vf b = bias ? vf_load_n(bias, n) : (vf){0};
    vi bad = (vi){0};
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            if (i >= rows || j >= cols) continue;
            vf o = out[i][j];
            bad |= (o - o) != (vf){0};
            o += b;
            if (activation == FC_RELU) o = vf_max(o, (vf){0});
            vf_store_n(y + i * row + j * pixel, o, n);
        }
    }
    return bad;
}

/* y (rows x cols <= 2 x 2 pixels) = activation(A' m A + bias). *finite tells whether all of A' m A is
 * finite: infinities of one pixel turn to NaN in the others of its tile, so the caller computes such
 * a tile directly. */
static void FC_NAME(winograd2_output)(const float *m, ptrdiff_t step, ptrdiff_t channels,
                                      const float *bias, int activation, float *y, ptrdiff_t row,
                                      ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,
                                      int *finite) {
    vi bad = (vi){0};
    FC_OVER_CHANNELS(c, n, channels,
                     bad |= FC_NAME(winograd2_output_part)(m + c, step, bias ? bias + c : NULL,
                                                           activation, y + c, row, pixel, rows,
                                                           cols, n));
    *finite = !FC_NAME(any_lane)(bad);
}

FC_INLINE void FC_NAME(winograd2_kernel_part)(const float *g, ptrdiff_t tap_step, float *u,
                                              ptrdiff_t step, ptrdiff_t n) {
    vf taps[3][3], t[4][4];
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) taps[i][j] = vf_load_n(g + (3 * i + j) * tap_step, n);
    }
    FC_W2_BOTH_AXES(FC_W2_KERNEL, t, 4, taps, 3);
    FC_NAME(store_4x4)(u, t, step, n);
}

/* u[16][channels] = G g G' of the nine taps g[tap * tap_step + channel]; a negative tap_step from the
 * last tap turns the kernel over, as the gradient for the input wants it. */
static void FC_NAME(winograd2_kernel)(const float *g, ptrdiff_t tap_step, ptrdiff_t channels,
                                      float *u, ptrdiff_t step) {
    FC_OVER_CHANNELS(c, n, channels,
                     FC_NAME(winograd2_kernel_part)(g + c, tap_step, u + c, step, n));
}

FC_INLINE void FC_NAME(winograd2_spread_part)(const float *dy, ptrdiff_t row, ptrdiff_t pixel,
                                              ptrdiff_t rows, ptrdiff_t cols, float *z,
                                              ptrdiff_t step, ptrdiff_t n) {
    vf d[2][2], t[4][4];
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            d[i][j] = i < rows && j < cols ? vf_load_n(dy + i * row + j * pixel, n) : (vf){0};
        }
    }
    FC_W2_BOTH_AXES(FC_W2_SPREAD, t, 4, d, 2);
    FC_NAME(store_4x4)(z, t, step, n);
}

/* z[16][channels] = A dy A' of the rows x cols <= 2 x 2 pixels at dy; the rest of a tile is zero. */
static void FC_NAME(winograd2_spread)(const float *dy, ptrdiff_t row, ptrdiff_t pixel,
                                      ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t channels, float *z,
                                      ptrdiff_t step) {
    FC_OVER_CHANNELS(c, n, channels,
                     FC_NAME(winograd2_spread_part)(dy + c, row, pixel, rows, cols, z + c, step, n));
}

/* Returns the lanes whose results are infinite or NaN. */
FC_INLINE vi FC_NAME(winograd2_gather_part)(const float *m, ptrdiff_t step, float *dg,
                                            ptrdiff_t tap_step, ptrdiff_t n) {
    vf t[4][4], taps[3][3];
    vi bad = (vi){0};
    FC_NAME(load_4x4)(t, m, 4 * step, step, n);
    FC_W2_BOTH_AXES(FC_W2_GATHER, taps, 3, t, 4);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            bad |= (taps[i][j] - taps[i][j]) != (vf){0};
            vf_store_n(dg + (3 * i + j) * tap_step, taps[i][j], n);
        }
    }
    return bad;
}

/* dg[tap * tap_step + channel] = G' m G of the summed products m[16][channels]; *finite as above. */
static void FC_NAME(winograd2_gather)(const float *m, ptrdiff_t step, ptrdiff_t channels, float *dg,
                                      ptrdiff_t tap_step, int *finite) {
    vi bad = (vi){0};
    FC_OVER_CHANNELS(c, n, channels,
                     bad |= FC_NAME(winograd2_gather_part)(m + c, step, dg + c, tap_step, n));
    *finite = !FC_NAME(any_lane)(bad);
}
