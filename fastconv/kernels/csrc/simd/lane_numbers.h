/* The lane numbers 0, 1, ... FC_VL - 1. */
#ifndef FC_SIMD_LANE_NUMBERS_H
#define FC_SIMD_LANE_NUMBERS_H

#include "simd/vec.h"

FC_INLINE vi vi_lanes(void) {
    static const int32_t lanes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return vi_load(lanes);
}

#endif
