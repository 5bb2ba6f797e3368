/* strip_f32: products whose rows lie equally far apart, on `vf`.
 *
 * As tile_f32, with addresses computed from one distance instead of read from lists: rows need no
 * preparation, and two more of them fit (AVX-512: 12 x 2 sums + 2 of B + 1 of A = 27 of 32 vector
 * registers). Few columns take narrow vectors, of which twice as many multiply in a cycle on CPUs
 * that work a 512-bit vector off in halves. */
#include "gemm/store.h"
#include "gemm/strip.h"

#if defined(FC_HAVE_AVX512) || defined(__aarch64__)
#define FC_STRIP_ROWS 12
#else
#define FC_STRIP_ROWS 6
#endif
#if defined(FC_HAVE_AVX512)
#define FC_NARROW 8
#else
#define FC_NARROW 0
#endif

typedef float vn __attribute__((vector_size(32)));
typedef float vn_any __attribute__((vector_size(32), aligned(4), may_alias));

/* Row m of the rows beginning at p; only one multiple of `row` in four is a sum of its own. */
#define FC_STRIP_A(m) ((m < 4 ? p0 : m < 8 ? p4 : p8)[(m % 4) * row])
#define FC_STRIP_LOOP                                                          \
    for (const ptrdiff_t *o = s->offsets, *end = o + s->depth; o != end; o++, b += b_step)

FC_INLINE void FC_NAME(strip_body)(const fc_strip *s, const float *a, float *c0, const int rows,
                                   const int vecs, const int narrow) {
    const ptrdiff_t row = s->a_row, b_step = s->b_step;
    const float *b = s->b;
    float *c[FC_STRIP_ROWS];
    vf sum[FC_STRIP_ROWS][FC_TILE_VECS];
    /* The results' lines are on their way while the sums are made. */
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) {
        c[m] = c0 + m * s->c_row;
        __builtin_prefetch(c[m], 1, 3);
    }
    if (narrow) {
#if FC_NARROW
        vn part[FC_STRIP_ROWS];
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) part[m] = (vn){0};
        FC_STRIP_LOOP {
            const float *p0 = a + *o, *p4 = p0 + 4 * row, *p8 = p4 + 4 * row;
            const vn bv = *(const vn_any *)b;
#pragma GCC unroll 16
            for (int m = 0; m < rows; m++) part[m] += FC_STRIP_A(m) * bv;
        }
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) sum[m][0] = (vf)_mm512_zextps256_ps512((__m256)part[m]);
#endif
    } else {
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) sum[m][v] = (vf){0};
        }
        FC_STRIP_LOOP {
            const float *p0 = a + *o, *p4 = p0 + 4 * row, *p8 = p4 + 4 * row;
            vf bv[FC_TILE_VECS];
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) bv[v] = vf_load(b + v * FC_VL);
#pragma GCC unroll 16
            for (int m = 0; m < rows; m++) {
                const vf am = vf_splat(FC_STRIP_A(m));
#pragma GCC unroll 4
                for (int v = 0; v < vecs; v++) sum[m][v] += am * bv[v];
            }
        }
    }
    FC_NAME(store)(sum, c, rows, vecs, s->cols, s->bias, s->accumulate, s->activation);
}

/* One function a size: FC_NAME(strip_7x2)(s, a, c), ...; strip_7xn has narrow vectors. */
#define FC_STRIP_SIZES(X) X(1) X(2) X(3) X(4) X(5) X(6) FC_STRIP_MORE(X)
#if FC_STRIP_ROWS == 12
#define FC_STRIP_MORE(X) X(7) X(8) X(9) X(10) X(11) X(12)
#else
#define FC_STRIP_MORE(X)
#endif
#define FC_STRIP_DEFINE_SIZE(rows, size, vecs, narrow)                                          \
    static __attribute__((noinline)) void FC_NAME(strip_##rows##x##size)(                       \
        const fc_strip *s, const float *a, float *c) {                                          \
        FC_NAME(strip_body)(s, a, c, rows, vecs, narrow);                                       \
    }
#if FC_NARROW
#define FC_STRIP_DEFINE_NARROW(rows) FC_STRIP_DEFINE_SIZE(rows, n, 1, 1)
#define FC_STRIP_NARROW_ENTRY(rows) FC_NAME(strip_##rows##xn)
#else
#define FC_STRIP_DEFINE_NARROW(rows)
#define FC_STRIP_NARROW_ENTRY(rows) NULL
#endif
#define FC_STRIP_DEFINE(rows)                                                                   \
    FC_STRIP_DEFINE_NARROW(rows)                                                                \
    FC_STRIP_DEFINE_SIZE(rows, 1, 1, 0)                                                         \
    FC_STRIP_DEFINE_SIZE(rows, 2, 2, 0)
FC_STRIP_SIZES(FC_STRIP_DEFINE)

static void FC_NAME(strip_f32)(const fc_strip *s) {
#define FC_STRIP_ENTRY(rows)                                                                    \
    {FC_STRIP_NARROW_ENTRY(rows), FC_NAME(strip_##rows##x1), FC_NAME(strip_##rows##x2)},
    static void (*const bodies[FC_STRIP_ROWS][3])(const fc_strip *, const float *, float *) = {
        FC_STRIP_SIZES(FC_STRIP_ENTRY)};
    const int size = s->cols <= FC_NARROW ? 0 : s->cols <= FC_VL ? 1 : 2;
    /* Equal parts: a short last one would cost nearly as much as a full one. */
    const ptrdiff_t parts = (s->rows + FC_STRIP_ROWS - 1) / FC_STRIP_ROWS;
    const float *a = s->a;
    float *c = s->c;
    for (ptrdiff_t i = 0; i < parts; i++) {
        const ptrdiff_t rows = s->rows / parts + (i < s->rows % parts);
        bodies[rows - 1][size](s, a, c);
        a += rows * s->a_row;
        c += rows * s->c_row;
    }
}
