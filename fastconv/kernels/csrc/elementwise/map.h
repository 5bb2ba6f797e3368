/* Codes and arguments of the elementwise functions, as drivers and fused epilogues see them. */
#ifndef FC_ELEMENTWISE_MAP_H
#define FC_ELEMENTWISE_MAP_H

#include <stddef.h>

enum {
#define FC_MAP(code, name) code,
#include "elementwise/maps.def"
#undef FC_MAP
};

/* What they mean is said at each function in map_bodies.h; most need none. */
typedef struct {
    float a, b, c;
} fc_map_args;

/* y = activation(a + b), or with v, the activation's result: y = (a + b) * its slope there. */
typedef struct {
    const float *a, *b; /* IN  [n] */
    const float *v;     /* IN  [n] or NULL */
    float *y;           /* OUT [n]; may be any of the others */
    ptrdiff_t n;
    int activation;     /* FC_LINEAR, FC_RELU, FC_RELU6 */
} fc_add;

#endif
