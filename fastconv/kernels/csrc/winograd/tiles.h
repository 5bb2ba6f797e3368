/* Part of winograd_f32.h: the transforms of a tile for one vector of n channels, along both axes.
 *
 * The vertical axis has mv outputs, rv taps and nv inputs, the horizontal one mh, rh, nh; all are
 * constants where these are called, so that arrays become registers. */
#define FC_ALONG(i, n) _Pragma("GCC unroll 6") for (int i = 0; i < (n); i++)

/* p += distance, as an address of its own: the compiler would rather keep an address for each pixel
 * and each plane, in registers that it does not have. */
#define FC_MOVE(p, distance)          \
    do {                              \
        (p) += (distance);            \
        __asm__("" : "+r"(p));        \
    } while (0)

/* A bit for each pixel of a tile: whether it is in the window. */
FC_INLINE uint64_t winograd_inside(int nv, int nh, const fc_winograd_window *w) {
    uint64_t inside = 0;
    FC_ALONG(i, nv) FC_ALONG(j, nh) {
        const int here = w->top <= i && i < w->bottom && w->left <= j && j < w->right;
        inside |= (uint64_t)here << (nh * i + j);
    }
    return inside;
}

/* v[plane] = B' d B of the pixels at x; those that are not inside are zero, unless all are. */
FC_INLINE void winograd_input_part(int nv, int nh, const float *x, ptrdiff_t row, ptrdiff_t pixel,
                                   int all, uint64_t inside, float *v, ptrdiff_t step,
                                   ptrdiff_t n) {
    vf t[FC_WINOGRAD_N][FC_WINOGRAD_N], d[FC_WINOGRAD_N], o[FC_WINOGRAD_N];
    FC_ALONG(j, nh) {
        FC_ALONG(i, nv) {
            const int here = all || (inside >> (nh * i + j) & 1);
            d[i] = here ? vf_load_n(x + i * row, n) : (vf){0};
        }
        FC_MOVE(x, pixel);
        winograd_divide(nv, d, o);
        FC_ALONG(i, nv) t[i][j] = o[i];
    }
    FC_ALONG(i, nv) {
        winograd_divide(nh, t[i], o);
        FC_ALONG(j, nh) vf_store_n(v + j * step, o[j], n);
        FC_MOVE(v, nh * step);
    }
}

/* y (rows x cols pixels) = activation(A' m A + bias + what lies `added` floats further on); returns
 * the sum of A' m A, which is finite only if all of it is. */
FC_INLINE vf winograd_output_part(int mv, int nv, int mh, int nh, const float *m, ptrdiff_t step,
                                  const float *bias, ptrdiff_t added, int activation, float *y,
                                  ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols,
                                  ptrdiff_t n) {
    vf t[FC_WINOGRAD_N][FC_WINOGRAD_N], d[FC_WINOGRAD_N], o[FC_WINOGRAD_N];
    const vf b = bias ? vf_load_n(bias, n) : (vf){0};
    vf total = (vf){0};
    FC_ALONG(j, nh) {
        FC_ALONG(i, nv) d[i] = vf_load_n(m + i * (nh * step), n);
        FC_MOVE(m, step);
        winograd_sums(nv, mv, 0, d, o);
        FC_ALONG(i, mv) t[i][j] = o[i];
    }
    FC_ALONG(i, mv) {
        if (i >= rows) continue;
        winograd_sums(nh, mh, 0, t[i], o);
        FC_ALONG(j, mh) {
            if (j >= cols) continue;
            vf sum = o[j];
            total += sum;
            sum += b;
            if (added) sum += vf_load_n(y + added + j * pixel, n);
            if (activation == FC_RELU) sum = vf_relu(sum);
            if (activation == FC_RELU6) sum = vf_relu6(sum);
            vf_store_n(y + j * pixel, sum, n);
        }
        FC_MOVE(y, row);
    }
    return total;
}

/* The same as FC_WINOGRAD_VALUES, for an axis left alone too. */
#define FC_VALUES(n, count, shared, i, o)                                                        \
    do {                                                                                         \
        if ((n) == 1) {                                                                          \
            (o)[0] = (i)[0];                                                                     \
        } else {                                                                                 \
            FC_WINOGRAD_VALUES(n, count, shared, i, o);                                          \
        }                                                                                        \
    } while (0)

/* The first n <= FC_HALF lanes, in double precision. */
FC_INLINE vd winograd_widen(const float *p, ptrdiff_t n) {
    vhalf lanes = (vhalf){0};
    if (n == FC_HALF) {
        lanes = *(const vhalf_any *)p;
    } else {
        memcpy(&lanes, p, (size_t)n * sizeof(float));
    }
    return __builtin_convertvector(lanes, vd);
}
FC_INLINE void winograd_narrow(float *p, vd lanes, ptrdiff_t n) {
    const vhalf rounded = __builtin_convertvector(lanes, vhalf);
    if (n == FC_HALF) {
        *(vhalf_any *)p = rounded;
    } else {
        memcpy(p, &rounded, (size_t)n * sizeof(float));
    }
}

/* u[plane] = G g G' of the taps g[taps[...]], those below 0 being zero, for n <= FC_HALF channels; in
 * float64 till the end. */
FC_INLINE void winograd_kernel_part(int rv, int nv, int rh, int nh, const float *g,
                                    const ptrdiff_t *taps, float *u, ptrdiff_t step, ptrdiff_t n) {
    vd t[FC_WINOGRAD_N][FC_WINOGRAD_N], d[FC_WINOGRAD_N], o[FC_WINOGRAD_N];
    FC_ALONG(j, rh) {
        FC_ALONG(i, rv) {
            const ptrdiff_t tap = taps[rh * i + j];
            d[i] = tap < 0 ? (vd){0} : winograd_widen(g + tap, n);
        }
        FC_VALUES(nv, rv, 1, d, o);
        FC_ALONG(i, nv) t[i][j] = o[i];
    }
    FC_ALONG(i, nv) {
        FC_VALUES(nh, rh, 1, t[i], o);
        FC_ALONG(j, nh) winograd_narrow(u + j * step, o[j], n);
        FC_MOVE(u, nh * step);
    }
}

/* z[plane] = A dy A' of the rows x cols pixels at dy; the rest of a tile is zero. */
FC_INLINE void winograd_spread_part(int mv, int nv, int mh, int nh, const float *dy, ptrdiff_t row,
                                    ptrdiff_t pixel, ptrdiff_t rows, ptrdiff_t cols, float *z,
                                    ptrdiff_t step, ptrdiff_t n) {
    vf t[FC_WINOGRAD_N][FC_WINOGRAD_N], d[FC_WINOGRAD_N], o[FC_WINOGRAD_N];
    FC_ALONG(j, mh) {
        FC_ALONG(i, mv) {
            d[i] = i < rows && j < cols ? vf_load_n(dy + i * row, n) : (vf){0};
        }
        FC_MOVE(dy, pixel);
        FC_VALUES(nv, mv, 0, d, o);
        FC_ALONG(i, nv) t[i][j] = o[i];
    }
    FC_ALONG(i, nv) {
        FC_VALUES(nh, mh, 0, t[i], o);
        FC_ALONG(j, nh) vf_store_n(z + j * step, o[j], n);
        FC_MOVE(z, nh * step);
    }
}

/* dg[taps[...]] = G' m G of the summed products m[plane]; taps below 0 are left out. Returns its sum. */
FC_INLINE vf winograd_gather_part(int rv, int nv, int rh, int nh, const float *m, ptrdiff_t step,
                                  float *dg, const ptrdiff_t *taps, ptrdiff_t n) {
    vf t[FC_WINOGRAD_N][FC_WINOGRAD_N], d[FC_WINOGRAD_N], o[FC_WINOGRAD_N];
    vf total = (vf){0};
    FC_ALONG(j, nh) {
        FC_ALONG(i, nv) d[i] = vf_load_n(m + i * (nh * step), n);
        FC_MOVE(m, step);
        winograd_sums(nv, rv, 1, d, o);
        FC_ALONG(i, rv) t[i][j] = o[i];
    }
    FC_ALONG(i, rv) {
        winograd_sums(nh, rh, 1, t[i], o);
        FC_ALONG(j, rh) {
            if (taps[rh * i + j] < 0) continue;
            total += o[j];
            vf_store_n(dg + taps[rh * i + j], o[j], n);
        }
    }
    return total;
}
