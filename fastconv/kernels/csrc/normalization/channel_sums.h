/* channel_sums: sums over the rows of a block, one for each channel. */
#include "elementwise/stored.h"
#include "normalization/channels.h"

/* The rows are added to each other before they are added to the sum: shorter chains of rounding. */
FC_INLINE void channel_sums_part(const fc_channel_sums *t, ptrdiff_t at, ptrdiff_t c,
                                 ptrdiff_t rows, ptrdiff_t lanes, const int vecs, const int kind,
                                 const int code) {
    vf mean[FC_CHANNEL_VECS], scale[FC_CHANNEL_VECS], shift[FC_CHANNEL_VECS];
    vf a[FC_CHANNEL_VECS], b[FC_CHANNEL_VECS];
    const int bent = kind == FC_SUM_GRADIENTS && code != FC_LINEAR;
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) {
        const ptrdiff_t k = c + v * FC_VL;
        mean[v] = kind == FC_SUM ? (vf){0} : vf_load_n(t->mean + k, lanes);
        if (bent) scale[v] = vf_load_n(t->scale + k, lanes);
        if (bent) shift[v] = vf_load_n(t->shift + k, lanes);
        a[v] = b[v] = (vf){0};
    }
    const float *more = t->more;
    for (ptrdiff_t r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) {
            const ptrdiff_t i = at + r * t->period + c + v * FC_VL;
            vf x = vf_load_n(t->x + i, lanes);
            if (kind == FC_SUM) {
                a[v] += x;
                continue;
            }
            x -= mean[v];
            if (kind == FC_SUM_SQUARES) {
                a[v] += x;
                b[v] += x * x;
                continue;
            }
            vf dy = vf_load_n(t->dy + i, lanes);
            if (bent) dy = vf_slope(dy, x * scale[v] + shift[v], code);
            if (kind == FC_SUM_OUTER_GRADIENTS) {
                if (more) dy += vf_load_n(more + i, lanes);
                if (code != FC_LINEAR) dy = vf_slope(dy, vf_load_n(t->v + i, lanes), code);
                vf_store_n(t->dz + i, dy, lanes);
            }
            a[v] += dy;
            b[v] += dy * x;
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) {
        float *sum = t->sums + c + v * FC_VL;
        vf_store_n(sum, vf_load_n(sum, lanes) + a[v], lanes);
        if (kind == FC_SUM) continue;
        sum += t->period;
        vf_store_n(sum, vf_load_n(sum, lanes) + b[v], lanes);
    }
}

FC_INLINE void channel_sums_all(const fc_channel_sums *args, const int kind, const int code) {
    const fc_channel_sums t = *args;
    const size_t sums = (size_t)(kind == FC_SUM ? t.period : 2 * t.period);
    memset(t.sums, 0, sums * sizeof(float));
    FC_EACH_CHANNELS(&t, channel_sums_part, kind, code)
}

static void FC_NAME(channel_sums)(int kind, const fc_channel_sums *t) {
    switch (kind) {
        case FC_SUM: channel_sums_all(t, FC_SUM, FC_LINEAR); break;
        case FC_SUM_SQUARES: channel_sums_all(t, FC_SUM_SQUARES, FC_LINEAR); break;
        case FC_SUM_GRADIENTS:
            FC_STORED(t->activation, channel_sums_all, t, FC_SUM_GRADIENTS);
            break;
        case FC_SUM_OUTER_GRADIENTS:
            FC_STORED(t->activation, channel_sums_all, t, FC_SUM_OUTER_GRADIENTS);
            break;
    }
}
