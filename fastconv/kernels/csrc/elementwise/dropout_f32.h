/* dropout_f32: a random mask and x times it. The number at an index is a hash of (seed, index), so
 * it is the same for any vector width and any split of the work. */
#include "elementwise/dropout.h"
#include "simd/vec.h"
#include "simd/lane_numbers.h"

/* SplitMix64: Steele, Lea & Flood, "Fast splittable pseudorandom number generators", 2014. */
static inline uint64_t mix64(uint64_t z) {
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A bijection of 32 bits in which each bit of x flips each bit of the result with probability 1/2
 * to 1e-4. Constants: C. Wellons, T. Ettinger, "hash-prospector", 2018-2022. */
FC_INLINE vu vu_mix32(vu x) {
    x = (x ^ (x >> 16)) * 0x21f0aaadu;
    x = (x ^ (x >> 15)) * 0xd35a2d97u;
    return x ^ (x >> 15);
}

FC_INLINE void dropout_vector(const fc_dropout *t, uint64_t key, ptrdiff_t i, ptrdiff_t lanes) {
    const vu index = (vu)vi_lanes() + (uint32_t)(t->first + (uint64_t)i);
    const vu random = vu_mix32(vu_mix32(index ^ (uint32_t)key) + (uint32_t)(key >> 32));
    const vi keep = (vi)(random >> 8) >= t->threshold;
    vf_store_n(t->y + i, (vf)(keep & (vi)(vf_load_n(t->x + i, lanes) * t->scale)), lanes);
    vf_store_n(t->mask + i, (vf)(keep & (vi)vf_splat(t->scale)), lanes);
}

static void FC_NAME(dropout_f32)(const fc_dropout *args) {
    const fc_dropout t = *args;
    /* The upper half of an index is the same in all of a task. */
    const uint64_t key = mix64(t.seed ^ mix64(t.first >> 32));
    ptrdiff_t i = 0;
    for (; i + FC_VL <= t.n; i += FC_VL) dropout_vector(&t, key, i, FC_VL);
    if (i < t.n) dropout_vector(&t, key, i, t.n - i);
}
