/* strip_f32: products whose rows lie equally far apart, on `vf`.
 *
 * As tile_f32, with addresses computed from one distance instead of read from lists: rows need no
 * preparation, and two more of them fit (AVX-512: 12 x 2 sums + 2 of B + 1 of A = 27 of 32 vector
 * registers). Few columns take narrow vectors, of which twice as many multiply in a cycle on CPUs
 * that work a 512-bit vector off in halves. */
#ifndef FC_GEMM_STRIP_F32_H
#define FC_GEMM_STRIP_F32_H

#include "gemm/store.h"
#include "gemm/strip.h"

#if defined(FC_HAVE_AVX512) || defined(__aarch64__)
#define FC_STRIP_ROWS 12
#else
#define FC_STRIP_ROWS 6
#endif
#define FC_LINKED_ROWS 6 /* where each sum has a second register, for the links before */
#if defined(FC_HAVE_AVX512)
#define FC_NARROW 8
#else
#define FC_NARROW 0
#endif

typedef float vn __attribute__((vector_size(32)));
typedef float vn_any __attribute__((vector_size(32), aligned(4), may_alias));

/* Row m of the rows beginning at p0; only one multiple of `row` in four is a sum of its own. */
#define FC_STRIP_A(m) ((m < 4 ? p0 : m < 8 ? p4 : p8)[(m % 4) * row])

FC_INLINE void FC_NAME(strip_zero)(vf (*sum)[FC_TILE_VECS], const int rows, const int vecs) {
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) sum[m][v] = (vf){0};
    }
}

/* Add the products of one summed element of the rows whose first and every fourth are p0, p4, p8. */
FC_INLINE void FC_NAME(strip_add)(const float *p0, const float *p4, const float *p8, ptrdiff_t row,
                                  const float *b, vf (*sum)[FC_TILE_VECS], const int rows,
                                  const int vecs) {
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

/* sum = the products of the summed elements from o to end; returns where B goes on. Rows that follow
 * one another in memory are on their way one strip ahead: caches beyond L2 are far. */
FC_INLINE const float *FC_NAME(strip_sums)(const float *a, ptrdiff_t row, const ptrdiff_t *o,
                                           const ptrdiff_t *end, const float *b, ptrdiff_t b_step,
                                           vf (*sum)[FC_TILE_VECS], const int rows,
                                           const int vecs) {
    const float *ahead = a + rows * row;
    const ptrdiff_t ahead_step = end - o <= row ? rows : 0;
    FC_NAME(strip_zero)(sum, rows, vecs);
    for (; o != end; o++, b += b_step, ahead += ahead_step) {
        __builtin_prefetch(ahead, 0, 3);
        const float *p0 = a + *o, *p4 = p0 + 4 * row, *p8 = p4 + 4 * row;
        FC_NAME(strip_add)(p0, p4, p8, row, b, sum, rows, vecs);
    }
    return b;
}

#if FC_NARROW
FC_INLINE void FC_NAME(strip_sums_narrow)(const float *a, ptrdiff_t row, const ptrdiff_t *o,
                                          const ptrdiff_t *end, const float *b, ptrdiff_t b_step,
                                          vf (*sum)[FC_TILE_VECS], const int rows) {
    vn part[FC_STRIP_ROWS];
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) part[m] = (vn){0};
    for (; o != end; o++, b += b_step) {
        const float *p0 = a + *o, *p4 = p0 + 4 * row, *p8 = p4 + 4 * row;
        const vn bv = *(const vn_any *)b;
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) part[m] += FC_STRIP_A(m) * bv;
    }
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) sum[m][0] = (vf)_mm512_zextps256_ps512((__m256)part[m]);
}
#endif

/* The sums of summed elements that are equally far apart. */
FC_INLINE void FC_NAME(strip_sums_bare)(const fc_strip *s, const float *a, vf (*sum)[FC_TILE_VECS],
                                        const int rows, const int vecs) {
    const ptrdiff_t row = s->a_row, step = s->a_step, b_step = s->b_step;
    const float *p0 = a, *p4 = p0 + 4 * row, *p8 = p4 + 4 * row;
    FC_NAME(strip_zero)(sum, rows, vecs);
    for (const float *b = s->b, *end = b + s->depth * b_step; b != end; b += b_step) {
        FC_NAME(strip_add)(p0, p4, p8, row, b, sum, rows, vecs);
        p0 += step, p4 += step, p8 += step;
    }
}

FC_INLINE void FC_NAME(strip_sums_linked)(const fc_strip *s, const float *a, vf (*sum)[FC_TILE_VECS],
                                          const int rows, const int vecs) {
    const ptrdiff_t length = s->depth / s->links, longer = s->depth % s->links;
    const ptrdiff_t *o = s->offsets, *to = o + length + (longer > 0);
    const float *b = FC_NAME(strip_sums)(a, s->a_row, o, to, s->b, s->b_step, sum, rows, vecs);
    for (ptrdiff_t link = 1; link < s->links; link++) {
        vf part[FC_STRIP_ROWS][FC_TILE_VECS];
        o = to;
        to += length + (link < longer);
        b = FC_NAME(strip_sums)(a, s->a_row, o, to, b, s->b_step, part, rows, vecs);
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) sum[m][v] += part[m][v];
        }
    }
}

/* BARE: whole vectors of results, as they are, which are read again soon. Winograd asks for them, with
 * so few summed elements that every instruction beside them counts. */
enum { FC_STRIP_PLAIN, FC_STRIP_BARE, FC_STRIP_LINKED, FC_STRIP_NARROW };

FC_INLINE void FC_NAME(strip_body)(const fc_strip *s, const float *a, float *c0, const int rows,
                                   const int vecs, const int kind) {
    const ptrdiff_t *o = s->offsets, *end = o + s->depth;
    float *c[FC_STRIP_ROWS];
    vf sum[FC_STRIP_ROWS][FC_TILE_VECS];
    if (kind == FC_STRIP_BARE) {
        FC_NAME(strip_sums_bare)(s, a, sum, rows, vecs);
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) vf_store(c0 + m * s->c_row + v * FC_VL, sum[m][v]);
        }
        return;
    }
    if (kind == FC_STRIP_LINKED) {
        ptrdiff_t row = s->c_row;
        FC_NAME(strip_sums_linked)(s, a, sum, rows, vecs);
        __asm__ volatile("" : "+r"(row)); /* no address before here: all registers hold sums */
#pragma GCC unroll 16
        for (int m = 0; m < rows; m++) c[m] = c0 + m * row;
        FC_NAME(store)(sum, c, rows, vecs, s->cols, s->bias, s->accumulate, s->added, s->activation);
        return;
    }
    /* The results' lines are on their way while the sums are made. */
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++) {
        c[m] = c0 + m * s->c_row;
        __builtin_prefetch(c[m], 1, 3);
    }
#if FC_NARROW
    if (kind == FC_STRIP_NARROW)
        FC_NAME(strip_sums_narrow)(a, s->a_row, o, end, s->b, s->b_step, sum, rows);
    else
#endif
        FC_NAME(strip_sums)(a, s->a_row, o, end, s->b, s->b_step, sum, rows, vecs);
    FC_NAME(store)(sum, c, rows, vecs, s->cols, s->bias, s->accumulate, s->added, s->activation);
}

/* One function a size, for `parts` such strips one after the other: FC_NAME(strip_7x2), ...;
 * strip_7x2b is bare, strip_6x2l has several links, strip_7xn narrow vectors. */
#define FC_STRIP_DEFINE(rows, name, vecs, kind)                                                 \
    static __attribute__((noinline)) void FC_NAME(strip_##rows##x##name)(                       \
        const fc_strip *s, const float *a, float *c, ptrdiff_t parts) {                         \
        for (; parts > 0; parts--, a += rows * s->a_row, c += rows * s->c_row)                  \
            FC_NAME(strip_body)(s, a, c, rows, vecs, kind);                                     \
    }
#define FC_STRIP_DEFINE_1(rows) FC_STRIP_DEFINE(rows, 1, 1, FC_STRIP_PLAIN)
#define FC_STRIP_DEFINE_2(rows) FC_STRIP_DEFINE(rows, 2, 2, FC_STRIP_PLAIN)
#define FC_STRIP_DEFINE_1b(rows) FC_STRIP_DEFINE(rows, 1b, 1, FC_STRIP_BARE)
#define FC_STRIP_DEFINE_2b(rows) FC_STRIP_DEFINE(rows, 2b, 2, FC_STRIP_BARE)
#define FC_STRIP_DEFINE_1l(rows) FC_STRIP_DEFINE(rows, 1l, 1, FC_STRIP_LINKED)
#define FC_STRIP_DEFINE_2l(rows) FC_STRIP_DEFINE(rows, 2l, 2, FC_STRIP_LINKED)
#define FC_STRIP_DEFINE_n(rows) FC_STRIP_DEFINE(rows, n, 1, FC_STRIP_NARROW)
#define FC_STRIP_6(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define FC_STRIP_12(X) FC_STRIP_6(X) X(7) X(8) X(9) X(10) X(11) X(12)
#if FC_STRIP_ROWS == 12
#define FC_STRIP_ALL FC_STRIP_12
#else
#define FC_STRIP_ALL FC_STRIP_6
#endif
FC_STRIP_ALL(FC_STRIP_DEFINE_1)
FC_STRIP_ALL(FC_STRIP_DEFINE_2)
FC_STRIP_ALL(FC_STRIP_DEFINE_1b)
FC_STRIP_ALL(FC_STRIP_DEFINE_2b)
FC_STRIP_6(FC_STRIP_DEFINE_1l)
FC_STRIP_6(FC_STRIP_DEFINE_2l)
#if FC_NARROW
FC_STRIP_ALL(FC_STRIP_DEFINE_n)
#endif

static void FC_NAME(strip_f32)(const fc_strip *s) {
    typedef void strip(const fc_strip *, const float *, float *, ptrdiff_t);
#define FC_STRIP_ENTRY_1(rows) FC_NAME(strip_##rows##x1),
#define FC_STRIP_ENTRY_2(rows) FC_NAME(strip_##rows##x2),
#define FC_STRIP_ENTRY_1b(rows) FC_NAME(strip_##rows##x1b),
#define FC_STRIP_ENTRY_2b(rows) FC_NAME(strip_##rows##x2b),
#define FC_STRIP_ENTRY_1l(rows) FC_NAME(strip_##rows##x1l),
#define FC_STRIP_ENTRY_2l(rows) FC_NAME(strip_##rows##x2l),
#define FC_STRIP_ENTRY_n(rows) FC_NAME(strip_##rows##xn),
    static strip *const plain[2][FC_STRIP_ROWS] = {{FC_STRIP_ALL(FC_STRIP_ENTRY_1)},
                                                   {FC_STRIP_ALL(FC_STRIP_ENTRY_2)}};
    static strip *const bare[2][FC_STRIP_ROWS] = {{FC_STRIP_ALL(FC_STRIP_ENTRY_1b)},
                                                  {FC_STRIP_ALL(FC_STRIP_ENTRY_2b)}};
    static strip *const linked[2][FC_LINKED_ROWS] = {{FC_STRIP_6(FC_STRIP_ENTRY_1l)},
                                                     {FC_STRIP_6(FC_STRIP_ENTRY_2l)}};
    const int wide = s->cols > FC_VL;
    strip *const *sizes = s->offsets ? plain[wide] : bare[wide];
    if (s->links > 1) {
        sizes = linked[wide];
#if FC_NARROW
    } else if (s->offsets && s->cols <= FC_NARROW) {
        static strip *const narrow[FC_STRIP_ROWS] = {FC_STRIP_ALL(FC_STRIP_ENTRY_n)};
        sizes = narrow;
#endif
    }
    /* Equal parts: a short last one would cost nearly as much as a full one. */
    const ptrdiff_t most = s->links > 1 ? FC_LINKED_ROWS : FC_STRIP_ROWS;
    const ptrdiff_t parts = (s->rows + most - 1) / most;
    const ptrdiff_t rows = s->rows / parts, larger = s->rows % parts, before = larger * (rows + 1);
    if (larger) sizes[rows](s, s->a, s->c, larger);
    sizes[rows - 1](s, s->a + before * s->a_row, s->c + before * s->c_row, parts - larger);
}

#endif
