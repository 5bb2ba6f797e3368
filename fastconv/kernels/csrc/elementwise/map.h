/* Codes and arguments of the elementwise functions, as drivers and fused epilogues see them. */
#ifndef FC_ELEMENTWISE_MAP_H
#define FC_ELEMENTWISE_MAP_H

enum {
#define FC_MAP(code, name) code,
#include "elementwise/maps.def"
#undef FC_MAP
};

/* What they mean is said at each function in map_bodies.h; most need none. */
typedef struct {
    float a, b, c;
} fc_map_args;

#endif
