/* channel_map: a linear function of x (and dy) with coefficients of its own for each channel. */
#include "normalization/channels.h"
#include "simd/vec.h"

FC_INLINE void channel_map_vector(const fc_channel_map *t, ptrdiff_t i, ptrdiff_t c,
                                  ptrdiff_t lanes, const int two) {
    const vf x = vf_load_n(t->x + i, lanes) - vf_load_n(t->mean + c, lanes);
    vf y = x * vf_load_n(t->scale + c, lanes) + vf_load_n(t->shift + c, lanes);
    if (two) y = vf_load_n(t->dy + i, lanes) * vf_load_n(t->dy_scale + c, lanes) + y;
    vf_store_n(t->y + i, y, lanes);
}

FC_INLINE void channel_map_all(const fc_channel_map *args, const int two) {
    const fc_channel_map t = *args;
    for (ptrdiff_t row = 0; row < t.n; row += t.period) {
        const ptrdiff_t cols = t.n - row < t.period ? t.n - row : t.period;
        ptrdiff_t c = 0;
        for (; c + FC_VL <= cols; c += FC_VL) channel_map_vector(&t, row + c, c, FC_VL, two);
        if (c < cols) channel_map_vector(&t, row + c, c, cols - c, two);
    }
}

static void FC_NAME(channel_map)(const fc_channel_map *t) {
    if (t->dy) {
        channel_map_all(t, 1);
    } else {
        channel_map_all(t, 0);
    }
}
