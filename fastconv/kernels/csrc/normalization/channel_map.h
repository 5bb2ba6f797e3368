/* channel_map: a linear function of x (and dy) with coefficients of its own for each channel. */
#include "elementwise/stored.h"
#include "normalization/channels.h"

FC_INLINE void channel_map_part(const fc_channel_map *t, ptrdiff_t at, ptrdiff_t c, ptrdiff_t rows,
                                ptrdiff_t lanes, const int vecs, const int two, const int code) {
    vf mean[FC_CHANNEL_VECS], scale[FC_CHANNEL_VECS], shift[FC_CHANNEL_VECS];
    vf dy_scale[FC_CHANNEL_VECS], beta[FC_CHANNEL_VECS];
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) {
        const ptrdiff_t k = c + v * FC_VL;
        mean[v] = vf_load_n(t->mean + k, lanes);
        scale[v] = vf_load_n(t->scale + k, lanes);
        shift[v] = vf_load_n(t->shift + k, lanes);
        if (two) dy_scale[v] = vf_load_n(t->dy_scale + k, lanes);
        if (two && code != FC_LINEAR) beta[v] = vf_load_n(t->beta + k, lanes);
    }
    const float *more = t->more;
    for (ptrdiff_t r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) {
            const ptrdiff_t i = at + r * t->period + c + v * FC_VL;
            const vf x = vf_load_n(t->x + i, lanes) - mean[v];
            vf y = x * scale[v] + shift[v];
            if (two) {
                vf dy = vf_load_n(t->dy + i, lanes);
                if (code != FC_LINEAR) dy = vf_slope(dy, x * dy_scale[v] + beta[v], code);
                y = dy * dy_scale[v] + y;
            } else {
                if (more) y += vf_load_n(more + i, lanes);
                y = vf_stored(y, code);
            }
            vf_store_n(t->y + i, y, lanes);
        }
    }
}

FC_INLINE void channel_map_all(const fc_channel_map *args, const int two, const int code) {
    const fc_channel_map t = *args;
    FC_EACH_CHANNELS(&t, channel_map_part, two, code)
}

static void FC_NAME(channel_map)(const fc_channel_map *t) {
    if (t->dy) {
        FC_STORED(t->activation, channel_map_all, t, 1);
    } else {
        FC_STORED(t->activation, channel_map_all, t, 0);
    }
}
