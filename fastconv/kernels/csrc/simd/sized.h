/* `wf` and `wi`: FC_W floats or ints, where simd/each_width.h says how many FC_W are. */
#ifndef FC_SIMD_SIZED_H
#define FC_SIMD_SIZED_H

#include "simd/vec.h"

#define wf FC_JOIN(wf, FC_W)
#define wi FC_JOIN(wi, FC_W)

#define FC_BODY "simd/sized_body.h"
#include "simd/each_width.h"

#define wf_load FC_SIZED(wf_load)
#define wf_store FC_SIZED(wf_store)
#define wi_load FC_SIZED(wi_load)
#define wi_store FC_SIZED(wi_store)
#define wf_once FC_SIZED(wf_once)
#define wf_splat(s) ((s) - (wf){0})
#define wi_splat(s) ((s) - (wi){0})
#define wf_select FC_SIZED(wf_select)
#define wi_select FC_SIZED(wi_select)
#define wf_max FC_SIZED(wf_max)
#define wf_relu FC_SIZED(wf_relu)
#define wf_relu6 FC_SIZED(wf_relu6)

#endif
