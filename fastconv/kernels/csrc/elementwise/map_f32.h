/* map_f32 and map_backward_f32: one elementwise function over n floats. One loop a function, which
 * whole vectors and the rest of an array share: a value never depends on where it stands. */
#include "elementwise/map_bodies.h"

#define FC_MAP(code, name)                                                                     \
    static void FC_NAME(map_##name)(fc_map_args p, const float *x, float *y, ptrdiff_t n) {   \
        for (ptrdiff_t i = 0; i < n; i += FC_VL) vf_store(y + i, map_##name(vf_load(x + i), p)); \
    }                                                                                          \
    static void FC_NAME(backward_##name)(fc_map_args p, const float *dy, const float *v,       \
                                         float *dx, ptrdiff_t n) {                             \
        for (ptrdiff_t i = 0; i < n; i += FC_VL)                                               \
            vf_store(dx + i, backward_##name(vf_load(dy + i), vf_load(v + i), p));             \
    }
#include "elementwise/maps.def"
#undef FC_MAP

static void FC_NAME(map_f32)(int code, const fc_map_args *args, const float *x, float *y,
                             ptrdiff_t n) {
    static void (*const loops[])(fc_map_args, const float *, float *, ptrdiff_t) = {
#define FC_MAP(code, name) FC_NAME(map_##name),
#include "elementwise/maps.def"
#undef FC_MAP
    };
    const ptrdiff_t rest = n % FC_VL, whole = n - rest;
    loops[code](*args, x, y, whole);
    if (rest) {
        float block[FC_VL];
        vf_store(block, vf_load_part(x + whole, rest));
        loops[code](*args, block, block, FC_VL);
        vf_store_part(y + whole, vf_load(block), rest);
    }
}

static void FC_NAME(map_backward_f32)(int code, const fc_map_args *args, const float *dy,
                                      const float *v, float *dx, ptrdiff_t n) {
    static void (*const loops[])(fc_map_args, const float *, const float *, float *, ptrdiff_t) = {
#define FC_MAP(code, name) FC_NAME(backward_##name),
#include "elementwise/maps.def"
#undef FC_MAP
    };
    const ptrdiff_t rest = n % FC_VL, whole = n - rest;
    loops[code](*args, dy, v, dx, whole);
    if (rest) {
        float block[FC_VL], slopes[FC_VL];
        vf_store(block, vf_load_part(dy + whole, rest));
        vf_store(slopes, vf_load_part(v + whole, rest));
        loops[code](*args, block, slopes, block, FC_VL);
        vf_store_part(dx + whole, vf_load(block), rest);
    }
}
