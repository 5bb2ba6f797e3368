/* tile_f32: the register tile of GEMM and direct convolution, on `vf`.
 *
 * FC_TILE_ROWS x FC_TILE_VECS sums stay in registers over all taps and channels. Per summed element:
 * one broadcast of A a row, FC_TILE_VECS loads of B. AVX2 and SSE2: 6 x 2 sums + 2 of B + 1 of A = 15
 * of 16 vector registers. Rows are pointers, so that a tile may hold any output pixels; the general
 * registers of x86-64 hold ten of them beside the loop's own, which is why AVX-512 stops at 10 x 2
 * (twelve rows spill and lose 6 %: AMD EPYC Zen 4, one thread).
 * Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008. */
#include "gemm/store.h"
#include "gemm/tile.h"

#if defined(FC_HAVE_AVX512) || defined(__aarch64__)
#define FC_TILE_ROWS 10
#else
#define FC_TILE_ROWS 6
#endif

FC_INLINE void FC_NAME(tile_body)(const fc_tile *t, const int rows, const int vecs) {
    vf sum[FC_TILE_ROWS][FC_TILE_VECS];
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) sum[m][v] = (vf){0};
    }

    /* The results' lines are on their way while the sums are made. */
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) __builtin_prefetch(t->c[m] + t->c_offset, 1, 3);

    const float *a[FC_TILE_ROWS];
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) a[m] = t->a[m];
    const float *b = t->b;
    const ptrdiff_t a_step = t->a_step, b_step = t->b_step, depth = t->depth;
    for (ptrdiff_t tap = 0; tap < t->n_taps; tap++) {
        ptrdiff_t i = t->taps[tap];
        const float *b_end = b + depth * b_step;
        for (; b != b_end; b += b_step, i += a_step) {
            vf bv[FC_TILE_VECS];
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) bv[v] = vf_load(b + v * FC_VL);
#pragma GCC unroll 16
            for (int m = 0; m < rows; m++) {
                vf am = vf_splat(a[m][i]);
#pragma GCC unroll 4
                for (int v = 0; v < vecs; v++) sum[m][v] += am * bv[v];
            }
        }
    }

    float *c[FC_TILE_ROWS];
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) c[m] = t->c[m] + t->c_offset;
    FC_NAME(store)(sum, c, rows, vecs, t->cols, t->bias, t->accumulate, t->added,
                   t->activation);
}

/* One function a size, so that a tail costs only what it holds: FC_NAME(tile_7x2)(t), ... */
#define FC_TILE_SIZES(X) X(1) X(2) X(3) X(4) X(5) X(6) FC_TILE_MORE(X)
#if FC_TILE_ROWS == 10
#define FC_TILE_MORE(X) X(7) X(8) X(9) X(10)
#else
#define FC_TILE_MORE(X)
#endif
#define FC_TILE_DEFINE(rows)                                                                    \
    static __attribute__((noinline)) void FC_NAME(tile_##rows##x1)(const fc_tile *t) {          \
        FC_NAME(tile_body)(t, rows, 1);                                                         \
    }                                                                                           \
    static __attribute__((noinline)) void FC_NAME(tile_##rows##x2)(const fc_tile *t) {          \
        FC_NAME(tile_body)(t, rows, 2);                                                         \
    }
FC_TILE_SIZES(FC_TILE_DEFINE)

static void FC_NAME(tile_f32)(const fc_tile *t) {
#define FC_TILE_ENTRY(rows) {FC_NAME(tile_##rows##x1), FC_NAME(tile_##rows##x2)},
    static void (*const bodies[FC_TILE_ROWS][FC_TILE_VECS])(const fc_tile *) = {
        FC_TILE_SIZES(FC_TILE_ENTRY)};
    bodies[t->rows - 1][t->cols > FC_VL](t);
}
