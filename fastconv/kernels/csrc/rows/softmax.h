/* softmax_rows: softmax and log-softmax of rows, and their gradients. */
#include "rows/exponentials.h"
#include "rows/rows.h"

FC_INLINE void softmax_group(const float *x, float *y, ptrdiff_t n, const int across) {
    const vf most = group_most(x, n, across);
    const vf scale = 1.0f / group_exponentials(x, most, y, n, across);
    for (ptrdiff_t i = 0; i < n; i += FC_VL) {
        const ptrdiff_t at = group_at(i, n);
        const vf e = vf_load(y + at);
        vf_store(y + at, vf_select(group_new_lanes(i, at), e * scale, e));
    }
}

FC_INLINE void log_softmax_group(const float *x, float *y, ptrdiff_t n, const int across) {
    const vf most = group_most(x, n, across);
    const vf log_sum = vf_log(group_exponentials(x, most, y, n, across));
    for (ptrdiff_t i = 0; i < n; i += FC_VL) {
        const ptrdiff_t at = group_at(i, n);
        vf_store(y + at, (vf_load(x + at) - most) - log_sum);
    }
}

/* dx = y (dy - sum(dy y)), and for the logarithm dx = dy - e^y sum(dy). */
FC_INLINE void softmax_backward_group(const float *dy, const float *y, float *dx, ptrdiff_t n,
                                      const int log, const int across) {
    vf sum = {0};
    for (ptrdiff_t i = 0; i < n; i += FC_VL) {
        const ptrdiff_t at = group_at(i, n);
        const vf d = vf_load(dy + at);
        sum += group_new(log ? d : d * vf_load(y + at), i, at);
    }
    sum = group_sum(sum, across);
    for (ptrdiff_t i = 0; i < n; i += FC_VL) {
        const ptrdiff_t at = group_at(i, n);
        const vf d = vf_load(dy + at), v = vf_load(y + at);
        vf_store(dx + at, log ? d - vf_exp(v) * sum : v * (d - sum));
    }
}

FC_INLINE void rows_group(const float *a, const float *b, float *out, ptrdiff_t n, const int kind,
                          const int across) {
    if (kind == FC_SOFTMAX) softmax_group(a, out, n, across);
    if (kind == FC_LOG_SOFTMAX) log_softmax_group(a, out, n, across);
    if (kind == FC_SOFTMAX_BACKWARD) softmax_backward_group(a, b, out, n, 0, across);
    if (kind == FC_LOG_SOFTMAX_BACKWARD) softmax_backward_group(a, b, out, n, 1, across);
}

FC_INLINE void rows_all(const fc_rows *t, const int kind) {
    const ptrdiff_t cols = t->cols;
    const int two = kind == FC_SOFTMAX_BACKWARD || kind == FC_LOG_SOFTMAX_BACKWARD;
    if (cols > FC_SHORT_ROW) {
        for (ptrdiff_t r = 0; r < t->rows; r++) {
            const ptrdiff_t start = r * cols;
            rows_group(t->a + start, two ? t->b + start : NULL, t->out + start, cols, kind, 1);
        }
        return;
    }
    float a[FC_GROUP], b[FC_GROUP], out[FC_GROUP];
    for (ptrdiff_t r = 0; r < t->rows; r += FC_VL) {
        const ptrdiff_t rows = t->rows - r < FC_VL ? t->rows - r : FC_VL;
        group_gather(a, t->a + r * cols, rows, cols);
        if (two) group_gather(b, t->b + r * cols, rows, cols);
        rows_group(a, b, out, cols * FC_VL, kind, 0);
        group_scatter(t->out + r * cols, out, rows, cols);
    }
}

static void FC_NAME(softmax_rows)(int kind, const fc_rows *t) {
    switch (kind) {
        case FC_SOFTMAX: rows_all(t, FC_SOFTMAX); break;
        case FC_LOG_SOFTMAX: rows_all(t, FC_LOG_SOFTMAX); break;
        case FC_SOFTMAX_BACKWARD: rows_all(t, FC_SOFTMAX_BACKWARD); break;
        case FC_LOG_SOFTMAX_BACKWARD: rows_all(t, FC_LOG_SOFTMAX_BACKWARD); break;
    }
}
