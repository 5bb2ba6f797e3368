/* Cross-entropies of logits: loss of each row and its gradient in one visit. */
#include "rows/exponentials.h"
#include "rows/rows.h"

/* Labels of the vector at `at`: read, or 1 where the column is the row's class. */
FC_INLINE vf group_labels(const float *labels, vi classes, ptrdiff_t i, ptrdiff_t at,
                          const int across) {
    if (labels) return vf_load(labels + at);
    const vi column = across ? vi_lanes() + (int32_t)at : vi_splat((int32_t)(i / FC_VL));
    return (vf)((column == classes) & (vi)vf_splat(1.0f));
}

/* loss = -sum(labels log p), dlogits = weight (p sum(labels) - labels). A label of zero counts
 * nothing, even of log p = -inf. */
FC_INLINE vf softmax_loss_group(const float *logits, const float *labels, vi classes, vf weight,
                                float *dlogits, ptrdiff_t n, const int across) {
    const vf most = group_most(logits, n, across);
    const vf sum = group_exponentials(logits, most, dlogits, n, across);
    const vf log_sum = vf_log(sum);
    vf loss = {0}, total = {0};
    for (ptrdiff_t i = 0; i < n; i += FC_VL) {
        const ptrdiff_t at = group_at(i, n);
        const vf label = group_labels(labels, classes, i, at, across);
        const vf term = label * (log_sum - (vf_load(logits + at) - most));
        loss += group_new((vf)((label != 0) & (vi)term), i, at);
        total += group_new(label, i, at);
    }
    const vf scale = group_sum(total, across) / sum;
    for (ptrdiff_t i = 0; i < n; i += FC_VL) {
        const ptrdiff_t at = group_at(i, n);
        const vf e = vf_load(dlogits + at);
        const vf d = weight * (e * scale - group_labels(labels, classes, i, at, across));
        vf_store(dlogits + at, vf_select(group_new_lanes(i, at), d, e));
    }
    return group_sum(loss, across);
}

/* With z the logit and t = e^-|z|: loss = max(z, 0) - z label + log(1 + t), averaged over the row,
 * dlogits = weight (sigmoid(z) - label). */
FC_INLINE vf sigmoid_loss_group(const float *logits, const float *labels, vf weight,
                                float *dlogits, ptrdiff_t n, ptrdiff_t cols, const int across) {
    const float share = 1.0f / (float)cols;
    const vf scale = weight * share;
    vf loss = {0};
    for (ptrdiff_t i = 0; i < n; i += FC_VL) {
        const ptrdiff_t at = group_at(i, n);
        const vf z = vf_load(logits + at), label = vf_load(labels + at);
        const vf t = vf_exp(-vf_abs(z));
        const vf p = vf_select(z < 0, t, vf_splat(1.0f)) / (1.0f + t);
        vf_store(dlogits + at, scale * (p - label));
        loss += group_new((vf_at_least(z, 0.0f) - z * label) + vf_log1p(t), i, at);
    }
    return group_sum(loss, across) * share;
}

FC_INLINE void cross_entropy_all(const fc_cross_entropy *t, const int softmax) {
    const ptrdiff_t cols = t->cols;
    const int across = cols > FC_SHORT_ROW;
    const ptrdiff_t group = across ? 1 : FC_VL;
    float z[FC_GROUP], y[FC_GROUP], d[FC_GROUP];
    for (ptrdiff_t r = 0; r < t->rows; r += group) {
        const ptrdiff_t rows = t->rows - r < group ? t->rows - r : group;
        const ptrdiff_t start = r * cols;
        vf weight = vf_splat(1.0f);
        vi classes = {0};
        if (t->weights) weight = across ? vf_splat(t->weights[r]) : vf_load_n(t->weights + r, rows);
        if (t->classes) {
            for (ptrdiff_t i = 0; i < rows; i++) classes[i] = (int32_t)t->classes[r + i];
            if (across) classes = vi_splat(classes[0]);
        }
        vf loss;
        if (across) {
            const float *labels = t->labels ? t->labels + start : NULL;
            loss = softmax ? softmax_loss_group(t->logits + start, labels, classes, weight,
                                                t->dlogits + start, cols, 1)
                           : sigmoid_loss_group(t->logits + start, labels, weight,
                                                t->dlogits + start, cols, cols, 1);
        } else {
            group_gather(z, t->logits + start, rows, cols);
            if (t->labels) group_gather(y, t->labels + start, rows, cols);
            const float *labels = t->labels ? y : NULL;
            const ptrdiff_t n = cols * FC_VL;
            loss = softmax ? softmax_loss_group(z, labels, classes, weight, d, n, 0)
                           : sigmoid_loss_group(z, labels, weight, d, n, cols, 0);
            group_scatter(t->dlogits + start, d, rows, cols);
        }
        vf_store_n(t->loss + r, loss, rows);
    }
}

static void FC_NAME(softmax_cross_entropy)(const fc_cross_entropy *t) { cross_entropy_all(t, 1); }
static void FC_NAME(sigmoid_cross_entropy)(const fc_cross_entropy *t) { cross_entropy_all(t, 0); }
