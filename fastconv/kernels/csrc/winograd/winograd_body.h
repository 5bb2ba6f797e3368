/* Part of winograd_f32.h, for tiles of FC_WM x FC_WM outputs. */
#define FC_WN (FC_WM + 2) /* inputs of a tile, along one axis */
#define FC_WNAME(name) FC_JOIN(FC_NAME(name), FC_WM)

FC_INLINE void FC_WNAME(winograd_input_part)(const float *x, ptrdiff_t row, ptrdiff_t pixel,
                                             float *v, ptrdiff_t step, ptrdiff_t n) {
    vf t[FC_WN][FC_WN];
#pragma GCC unroll 6
    for (int j = 0; j < FC_WN; j++) {
        vf d[FC_WN], o[FC_WN];
#pragma GCC unroll 6
        for (int i = 0; i < FC_WN; i++) d[i] = vf_load_n(x + i * row + j * pixel, n);
        FC_W_INPUT(o, d);
#pragma GCC unroll 6
        for (int i = 0; i < FC_WN; i++) t[i][j] = o[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < FC_WN; i++) {
        vf o[FC_WN];
        FC_W_INPUT(o, t[i]);
#pragma GCC unroll 6
        for (int j = 0; j < FC_WN; j++) vf_store_n(v + (FC_WN * i + j) * step, o[j], n);
    }
}

/* v[plane][channels] = B' d B of the pixels at x. */
static void FC_WNAME(winograd_input)(const float *x, ptrdiff_t row, ptrdiff_t pixel,
                                     ptrdiff_t channels, float *v, ptrdiff_t step) {
    FC_OVER_CHANNELS(c, n, channels,
                     FC_WNAME(winograd_input_part)(x + c, row, pixel, v + c, step, n));
}

/* Returns the lanes whose results are infinite or NaN. */
FC_INLINE vi FC_WNAME(winograd_output_part)(const float *m, ptrdiff_t step, const float *bias,
                                            int activation, float *y, ptrdiff_t row,
                                            ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,
                                            ptrdiff_t n) {
    vf t[FC_WM][FC_WN];
#pragma GCC unroll 6
    for (int j = 0; j < FC_WN; j++) {
        vf d[FC_WN], o[FC_WM];
#pragma GCC unroll 6
        for (int i = 0; i < FC_WN; i++) d[i] = vf_load_n(m + (FC_WN * i + j) * step, n);
        FC_W_OUTPUT(o, d);
#pragma GCC unroll 6
        for (int i = 0; i < FC_WM; i++) t[i][j] = o[i];
    }
    const vf b = bias ? vf_load_n(bias, n) : (vf){0};
    vi bad = (vi){0};
#pragma GCC unroll 6
    for (int i = 0; i < FC_WM; i++) {
        if (i >= rows) continue;
        vf o[FC_WM];
        FC_W_OUTPUT(o, t[i]);
#pragma GCC unroll 6
        for (int j = 0; j < FC_WM; j++) {
            if (j >= cols) continue;
            vf sum = o[j];
            bad |= (sum - sum) != (vf){0};
            sum += b;
            if (activation == FC_RELU) sum = vf_relu(sum);
            if (activation == FC_RELU6) sum = vf_relu6(sum);
            vf_store_n(y + i * row + j * pixel, sum, n);
        }
    }
    return bad;
}

/* y (rows x cols pixels) = activation(A' m A + bias). *finite tells whether all of A' m A is finite:
 * infinities of one pixel turn to NaN in the others of its tile, so the caller computes such a tile
 * directly. */
static void FC_WNAME(winograd_output)(const float *m, ptrdiff_t step, ptrdiff_t channels,
                                      const float *bias, int activation, float *y, ptrdiff_t row,
                                      ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,
                                      int *finite) {
    vi bad = (vi){0};
    FC_OVER_CHANNELS(c, n, channels,
                     bad |= FC_WNAME(winograd_output_part)(m + c, step, bias ? bias + c : NULL,
                                                           activation, y + c, row, pixel, rows,
                                                           cols, n));
    *finite = !FC_NAME(any_lane)(bad);
}

FC_INLINE void FC_WNAME(winograd_kernel_part)(const float *g, ptrdiff_t tap_step, float *u,
                                              ptrdiff_t step, ptrdiff_t n) {
    vd t[FC_WN][3];
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        vd d[3], o[FC_WN];
#pragma GCC unroll 3
        for (int i = 0; i < 3; i++) {
            d[i] = __builtin_convertvector(vf_load_n(g + (3 * i + j) * tap_step, n), vd);
        }
        FC_W_KERNEL(o, d);
#pragma GCC unroll 6
        for (int i = 0; i < FC_WN; i++) t[i][j] = o[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < FC_WN; i++) {
        vd o[FC_WN];
        FC_W_KERNEL(o, t[i]);
#pragma GCC unroll 6
        for (int j = 0; j < FC_WN; j++) {
            vf_store_n(u + (FC_WN * i + j) * step, __builtin_convertvector(o[j], vf), n);
        }
    }
}

/* u[plane][channels] = G g G' of the nine taps g[tap * tap_step + channel]; a negative tap_step from
 * the last tap turns the kernel over, as the gradient for the input wants it. */
static void FC_WNAME(winograd_kernel)(const float *g, ptrdiff_t tap_step, ptrdiff_t channels,
                                      float *u, ptrdiff_t step) {
    FC_OVER_CHANNELS(c, n, channels,
                     FC_WNAME(winograd_kernel_part)(g + c, tap_step, u + c, step, n));
}

FC_INLINE void FC_WNAME(winograd_spread_part)(const float *dy, ptrdiff_t row, ptrdiff_t pixel,
                                              ptrdiff_t rows, ptrdiff_t cols, float *z,
                                              ptrdiff_t step, ptrdiff_t n) {
    vf t[FC_WN][FC_WM];
#pragma GCC unroll 6
    for (int j = 0; j < FC_WM; j++) {
        vf d[FC_WM], o[FC_WN];
#pragma GCC unroll 6
        for (int i = 0; i < FC_WM; i++) {
            d[i] = i < rows && j < cols ? vf_load_n(dy + i * row + j * pixel, n) : (vf){0};
        }
        FC_W_SPREAD(o, d);
#pragma GCC unroll 6
        for (int i = 0; i < FC_WN; i++) t[i][j] = o[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < FC_WN; i++) {
        vf o[FC_WN];
        FC_W_SPREAD(o, t[i]);
#pragma GCC unroll 6
        for (int j = 0; j < FC_WN; j++) vf_store_n(z + (FC_WN * i + j) * step, o[j], n);
    }
}

/* z[plane][channels] = A dy A' of the rows x cols pixels at dy; the rest of a tile is zero. */
static void FC_WNAME(winograd_spread)(const float *dy, ptrdiff_t row, ptrdiff_t pixel,
                                      ptrdiff_t rows, ptrdiff_t cols, ptrdiff_t channels, float *z,
                                      ptrdiff_t step) {
    FC_OVER_CHANNELS(c, n, channels,
                     FC_WNAME(winograd_spread_part)(dy + c, row, pixel, rows, cols, z + c, step, n));
}

/* Returns the lanes whose results are infinite or NaN. */
FC_INLINE vi FC_WNAME(winograd_gather_part)(const float *m, ptrdiff_t step, float *dg,
                                            ptrdiff_t tap_step, ptrdiff_t n) {
    vf t[3][FC_WN];
    vi bad = (vi){0};
#pragma GCC unroll 6
    for (int j = 0; j < FC_WN; j++) {
        vf d[FC_WN], o[3];
#pragma GCC unroll 6
        for (int i = 0; i < FC_WN; i++) d[i] = vf_load_n(m + (FC_WN * i + j) * step, n);
        FC_W_GATHER(o, d);
#pragma GCC unroll 3
        for (int i = 0; i < 3; i++) t[i][j] = o[i];
    }
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
        vf o[3];
        FC_W_GATHER(o, t[i]);
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            bad |= (o[j] - o[j]) != (vf){0};
            vf_store_n(dg + (3 * i + j) * tap_step, o[j], n);
        }
    }
    return bad;
}

/* dg[tap * tap_step + channel] = G' m G of the summed products m[plane][channels]; *finite as above. */
static void FC_WNAME(winograd_gather)(const float *m, ptrdiff_t step, ptrdiff_t channels, float *dg,
                                      ptrdiff_t tap_step, int *finite) {
    vi bad = (vi){0};
    FC_OVER_CHANNELS(c, n, channels,
                     bad |= FC_WNAME(winograd_gather_part)(m + c, step, dg + c, tap_step, n));
    *finite = !FC_NAME(any_lane)(bad);
}

#undef FC_WN
#undef FC_WNAME
