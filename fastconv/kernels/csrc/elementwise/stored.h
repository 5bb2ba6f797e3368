/* The activations that kernels apply while they store: FC_LINEAR, FC_RELU, FC_RELU6. */
#ifndef FC_ELEMENTWISE_STORED_H
#define FC_ELEMENTWISE_STORED_H

#include "elementwise/map.h"
#include "simd/vec.h"

FC_INLINE vf vf_stored(vf x, const int code) {
    return code == FC_RELU ? vf_relu(x) : code == FC_RELU6 ? vf_relu6(x) : x;
}

/* dy times the slope where the activation's argument, or its result, is v. */
FC_INLINE vf vf_slope(vf dy, vf v, const int code) {
    if (code == FC_LINEAR) return dy;
    return (vf)((code == FC_RELU6 ? (v > 0) & (v < 6) : v > 0) & (vi)dy);
}

/* body(..., code) with a constant for the code. */
#define FC_STORED(code, body, ...)                              \
    switch (code) {                                             \
        case FC_RELU: body(__VA_ARGS__, FC_RELU); break;        \
        case FC_RELU6: body(__VA_ARGS__, FC_RELU6); break;      \
        default: body(__VA_ARGS__, FC_LINEAR); break;           \
    }

#endif
