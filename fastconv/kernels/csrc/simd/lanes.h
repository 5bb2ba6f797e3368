/* `wf` and `wi`: FC_W floats or ints, where simd/each_width.h says how many FC_W are. */
#ifndef FC_SIMD_LANES_H
#define FC_SIMD_LANES_H

#include "simd/vec.h"

/* Loads and stores are *(const wf *)p: no alignment is promised. */
#define wf FC_JOIN(wf, FC_W)
#define wi FC_JOIN(wi, FC_W)

#define FC_BODY "simd/lanes_body.h"
#include "simd/each_width.h"

#define w_splat(s) ((s) - (wf){0})
#define wi_splat(s) ((s) - (wi){0})
#define w_select FC_SIZED(w_select)
#define wi_select FC_SIZED(wi_select)
#define w_max FC_SIZED(w_max)

#endif
