/* map_<name>: y of x, and backward_<name>: dx of dy and v, on `vf`. `v` is y where y tells the
 * slope, and x in silu, hard_silu, gelu and mish. NaN in x gives NaN in y. */
#ifndef FC_ELEMENTWISE_MAP_BODIES_H
#define FC_ELEMENTWISE_MAP_BODIES_H

#include "elementwise/math.h"
#include "elementwise/stored.h"

#define FC_MAP_BODY(name) FC_INLINE vf map_##name(vf x, __attribute__((unused)) fc_map_args p)
#define FC_BACKWARD_BODY(name)                                             \
    FC_INLINE vf backward_##name(vf dy, __attribute__((unused)) vf v,      \
                                 __attribute__((unused)) fc_map_args p)

FC_MAP_BODY(linear) { return x; }
FC_BACKWARD_BODY(linear) { return dy; }

FC_MAP_BODY(relu) { return vf_relu(x); }
FC_BACKWARD_BODY(relu) { return vf_slope(dy, v, FC_RELU); }

FC_MAP_BODY(relu6) { return vf_relu6(x); }
FC_BACKWARD_BODY(relu6) { return vf_slope(dy, v, FC_RELU6); }

/* a * (x - c) below the threshold c, x from there on, b from b on (NaN: no such bound). Slope 0 is
 * not a product: it would make NaN of infinities. */
FC_MAP_BODY(bent_relu) {
    const vf low = p.a == 0 ? (vf){0} : (x - p.c) * p.a;
    return vf_select(x >= p.b, vf_splat(p.b), vf_select(x < p.c, low, x));
}
FC_BACKWARD_BODY(bent_relu) {
    const vf low = p.a == 0 ? (vf){0} : dy * p.a;
    return (vf)(~(v >= p.b) & (vi)vf_select(v > p.c, dy, low));
}

/* a x above 0, b (e^x - 1) below. */
FC_MAP_BODY(elu) { return vf_select(x > 0, x * p.a, vf_expm1(x) * p.b); }
FC_BACKWARD_BODY(elu) { return dy * vf_select(v > 0, vf_splat(p.a), v + p.b); }

FC_MAP_BODY(sigmoid) { return vf_sigmoid(x); }
FC_BACKWARD_BODY(sigmoid) { return dy * (v * (1.0f - v)); }

FC_INLINE vf vf_clip6(vf x) { return vf_at_least(vf_at_most(x, 6.0f), 0.0f); }
FC_MAP_BODY(hard_sigmoid) { return vf_clip6(x + 3.0f) * (1 / 6.0f); }
FC_BACKWARD_BODY(hard_sigmoid) { return (vf)((v > 0) & (v < 1) & (vi)(dy * (1 / 6.0f))); }

FC_MAP_BODY(tanh) { return vf_tanh(x); }
FC_BACKWARD_BODY(tanh) { return dy * (1.0f - v * v); }

FC_MAP_BODY(softplus) { return vf_at_least(x, 0.0f) + vf_log1p(vf_exp(-vf_abs(x))); }
FC_BACKWARD_BODY(softplus) { return -dy * vf_expm1(-v); }

FC_MAP_BODY(softsign) { return x / (1.0f + vf_abs(x)); }
FC_BACKWARD_BODY(softsign) {
    const vf rest = 1.0f - vf_abs(v);
    return dy * (rest * rest);
}

FC_MAP_BODY(exponential) { return vf_exp(x); }
FC_BACKWARD_BODY(exponential) { return dy * v; }

FC_MAP_BODY(silu) { return x / (1.0f + vf_exp(-x)); }
FC_BACKWARD_BODY(silu) {
    const vf s = vf_sigmoid(v);
    return dy * (s * (1.0f + v * (1.0f - s)));
}

FC_MAP_BODY(hard_silu) { return x * (vf_clip6(x + 3.0f) * (1 / 6.0f)); }
FC_BACKWARD_BODY(hard_silu) {
    const vf inner = (vf)((vf_abs(v) < 3.0f) & (vi)v);
    return dy * ((vf_clip6(v + 3.0f) + inner) * (1 / 6.0f));
}

FC_MAP_BODY(gelu) {
    vf density;
    return x * vf_normal(x, &density);
}
FC_BACKWARD_BODY(gelu) {
    vf density;
    const vf below = vf_normal(v, &density);
    return dy * (below + v * density);
}

/* x tanh(softplus x). With w = e^x and u = w (w + 2): tanh(log(1 + w)) = u / (u + 2), and its
 * derivative is 4 w (1 + w) / (u + 2)^2. Beyond 20 both are at their limits. */
FC_MAP_BODY(mish) {
    const vf w = vf_exp(vf_at_most(x, 20.0f));
    const vf u = w * (w + 2.0f);
    return x * (u / (u + 2.0f));
}
FC_BACKWARD_BODY(mish) {
    const vf x = vf_at_most(v, 20.0f);
    const vf w = vf_exp(x);
    const vf u = w * (w + 2.0f);
    const vf inverse = 1.0f / (u + 2.0f);
    return dy * (inverse * (u + x * (4.0f * w * (1.0f + w) * inverse)));
}

FC_MAP_BODY(scale_shift) { return x * p.a + p.b; }
FC_BACKWARD_BODY(scale_shift) { return dy * p.a; }

/* The same by code, for epilogues; hoist the switch by a constant code. */
FC_INLINE vf FC_NAME(activate)(vf x, int code, fc_map_args p) {
    switch (code) {
#define FC_MAP(code, name) \
    case code:             \
        return map_##name(x, p);
#include "elementwise/maps.def"
#undef FC_MAP
    }
    return x;
}

#endif
