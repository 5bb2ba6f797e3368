/* gather_f32: chosen rows of a matrix of any number type, as floats. */
#include <stddef.h>
#include <stdint.h>

#define FC_SOURCE(name, type)                                                                    \
    static void FC_NAME(gather_##name)(const void *x, const int64_t *indices, float *restrict y, \
                                       ptrdiff_t rows, ptrdiff_t cols) {                         \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                   \
            const type *restrict row = (const type *)x + indices[r] * cols;                      \
            for (ptrdiff_t c = 0; c < cols; c++) y[r * cols + c] = (float)row[c];                \
        }                                                                                        \
    }
#include "rows/sources.def"
#undef FC_SOURCE

static void FC_NAME(gather_f32)(int source, const void *x, const int64_t *indices, float *y,
                                ptrdiff_t rows, ptrdiff_t cols) {
    static void (*const loops[])(const void *, const int64_t *, float *, ptrdiff_t, ptrdiff_t) = {
#define FC_SOURCE(name, type) FC_NAME(gather_##name),
#include "rows/sources.def"
#undef FC_SOURCE
    };
    loops[source](x, indices, y, rows, cols);
}
