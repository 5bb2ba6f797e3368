/* sgd_step, adam_step, rmsprop_step: Keras's updates, one pass over weights, gradient and slots. */
#include "elementwise/math.h"
#include "optimizer/step.h"

/* The gradient at i, scaled and clipped, and the decayed weights. */
FC_INLINE vf step_gradient(const fc_step *t, ptrdiff_t i, ptrdiff_t lanes) {
    return vf_at_least(vf_at_most(vf_load_n(t->g + i, lanes) * t->grad_scale, t->clip), -t->clip);
}
FC_INLINE vf step_weights(const fc_step *t, ptrdiff_t i, ptrdiff_t lanes) {
    const vf w = vf_load_n(t->w + i, lanes);
    return w - w * t->decay;
}

/* slots: velocity or NULL. v = momentum v - rate g; w += v, or with Nesterov momentum v - rate g */
FC_INLINE void sgd_vector(const fc_step *t, ptrdiff_t i, ptrdiff_t lanes, const int velocity) {
    const vf step = step_gradient(t, i, lanes) * t->rate;
    vf move = -step;
    if (velocity) {
        const vf v = vf_load_n(t->slots[0] + i, lanes) * t->momentum - step;
        vf_store_n(t->slots[0] + i, v, lanes);
        move = t->nesterov ? v * t->momentum - step : v;
    }
    vf_store_n(t->w + i, step_weights(t, i, lanes) + move, lanes);
}

/* slots: m, v, and the largest v or NULL. w -= rate m / (sqrt(v) + epsilon) */
FC_INLINE void adam_vector(const fc_step *t, ptrdiff_t i, ptrdiff_t lanes, const int amsgrad) {
    const vf g = step_gradient(t, i, lanes);
    vf m = vf_load_n(t->slots[0] + i, lanes), v = vf_load_n(t->slots[1] + i, lanes);
    m += (g - m) * t->first_rate;
    v += (g * g - v) * t->second_rate;
    vf_store_n(t->slots[0] + i, m, lanes);
    vf_store_n(t->slots[1] + i, v, lanes);
    if (amsgrad) {
        v = vf_max(vf_load_n(t->slots[2] + i, lanes), v);
        vf_store_n(t->slots[2] + i, v, lanes);
    }
    const vf move = m * t->rate / (vf_sqrt(v) + t->epsilon);
    vf_store_n(t->w + i, step_weights(t, i, lanes) - move, lanes);
}

/* slots: v, moment or NULL, mean gradient or NULL. The step rate g / sqrt(v - mean^2 + epsilon)
 * goes through the moment. Rounding may bring v below mean^2 by a little: that counts as 0. */
FC_INLINE void rmsprop_vector(const fc_step *t, ptrdiff_t i, ptrdiff_t lanes, const int moment,
                              const int centered) {
    const vf g = step_gradient(t, i, lanes);
    vf v = vf_load_n(t->slots[0] + i, lanes);
    v += (g * g - v) * t->second_rate;
    vf_store_n(t->slots[0] + i, v, lanes);
    if (centered) {
        vf mean = vf_load_n(t->slots[2] + i, lanes);
        mean += (g - mean) * t->second_rate;
        vf_store_n(t->slots[2] + i, mean, lanes);
        v = vf_at_least(v - mean * mean, 0.0f);
    }
    vf move = g * t->rate / vf_sqrt(v + t->epsilon);
    if (moment) {
        move += vf_load_n(t->slots[1] + i, lanes) * t->momentum;
        vf_store_n(t->slots[1] + i, move, lanes);
    }
    vf_store_n(t->w + i, step_weights(t, i, lanes) - move, lanes);
}

/* Whole vectors, then the rest. */
#define FC_STEP_LOOP(vector, ...)                                               \
    do {                                                                        \
        const fc_step own = *t; /* stores to the arrays cannot change this one */ \
        ptrdiff_t i = 0;                                                        \
        for (; i + FC_VL <= own.n; i += FC_VL) vector(&own, i, FC_VL, __VA_ARGS__); \
        if (i < own.n) vector(&own, i, own.n - i, __VA_ARGS__);                 \
    } while (0)

static void FC_NAME(sgd_step)(const fc_step *t) {
    if (t->slots[0]) {
        FC_STEP_LOOP(sgd_vector, 1);
    } else {
        FC_STEP_LOOP(sgd_vector, 0);
    }
}

static void FC_NAME(adam_step)(const fc_step *t) {
    if (t->slots[2]) {
        FC_STEP_LOOP(adam_vector, 1);
    } else {
        FC_STEP_LOOP(adam_vector, 0);
    }
}

static void FC_NAME(rmsprop_step)(const fc_step *t) {
    if (t->slots[1] && t->slots[2]) {
        FC_STEP_LOOP(rmsprop_vector, 1, 1);
    } else if (t->slots[1]) {
        FC_STEP_LOOP(rmsprop_vector, 1, 0);
    } else if (t->slots[2]) {
        FC_STEP_LOOP(rmsprop_vector, 0, 1);
    } else {
        FC_STEP_LOOP(rmsprop_vector, 0, 0);
    }
}
