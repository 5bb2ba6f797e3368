/* One table of micro-kernels per instruction set, and the list of them. */
#ifndef FC_REGISTRY_H
#define FC_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "depthwise/depthwise.h"
#include "elementwise/dropout.h"
#include "elementwise/map.h"
#include "gemm/strip.h"
#include "gemm/tile.h"
#include "normalization/channels.h"
#include "optimizer/step.h"
#include "pooling/pool.h"
#include "rows/rows.h"
#include "split/split.h"
#include "winograd/winograd.h"

typedef struct {
    const char *name;
    unsigned needs;       /* CPU bits, see cpu.h */
    ptrdiff_t vl;         /* floats in a vector */
    ptrdiff_t tile_rows;  /* register tile of tile_f32 */
    ptrdiff_t tile_cols;
    fc_winograd winograd[FC_WINOGRAD_MEMBERS];
#define FC_UKERNEL(name, args) void(*name) args;
#include "ukernels.def"
#undef FC_UKERNEL
} fc_ukernels;

/* All tables of this build, best first; *count gets their number. */
const fc_ukernels *const *fc_built(int *count);

#endif
