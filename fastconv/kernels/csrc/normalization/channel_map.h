/* channel_map: a linear function of x (and dy) with coefficients of its own for each channel. */
#include "elementwise/stored.h"
#include "normalization/channels.h"

FC_INLINE void channel_map_vector(const fc_channel_map *t, ptrdiff_t i, ptrdiff_t c,
                                  ptrdiff_t lanes, const int two, const int code) {
    const vf x = vf_load_n(t->x + i, lanes) - vf_load_n(t->mean + c, lanes);
    vf y = x * vf_load_n(t->scale + c, lanes) + vf_load_n(t->shift + c, lanes);
    if (two) {
        const vf scale = vf_load_n(t->dy_scale + c, lanes);
        vf dy = vf_load_n(t->dy + i, lanes);
        if (code != FC_LINEAR) dy = vf_slope(dy, x * scale + vf_load_n(t->beta + c, lanes), code);
        y = dy * scale + y;
    } else {
        y = vf_stored(y, code);
    }
    vf_store_n(t->y + i, y, lanes);
}

FC_INLINE void channel_map_all(const fc_channel_map *args, const int two, const int code) {
    const fc_channel_map t = *args;
    for (ptrdiff_t row = 0; row < t.n; row += t.period) {
        const ptrdiff_t cols = t.n - row < t.period ? t.n - row : t.period;
        ptrdiff_t c = 0;
        for (; c + FC_VL <= cols; c += FC_VL) channel_map_vector(&t, row + c, c, FC_VL, two, code);
        if (c < cols) channel_map_vector(&t, row + c, c, cols - c, two, code);
    }
}

static void FC_NAME(channel_map)(const fc_channel_map *t) {
    if (t->dy) {
        FC_STORED(t->activation, channel_map_all, t, 1);
    } else {
        FC_STORED(t->activation, channel_map_all, t, 0);
    }
}
