/* Compiled once per instruction set (setup.py: ISAS) with FC_ISA_NAME and FC_HAVE_* defined.
 * Includes every micro-kernel, all static, and exports one table: fc_ukernels_<isa>. */
#include "registry.h"

#define FC_JOIN2(a, b) a##_##b
#define FC_JOIN(a, b) FC_JOIN2(a, b)
#define FC_NAME(name) FC_JOIN(name, FC_ISA_NAME)

#include "depthwise/depthwise_f32.h"
#include "elementwise/add_f32.h"
#include "elementwise/dropout_f32.h"
#include "elementwise/map_f32.h"
#include "gemm/dots_f32.h"
#include "gemm/fma_chain.h"
#include "gemm/pack.h"
#include "gemm/pooled_strip_f32.h"
#include "gemm/row.h"
#include "gemm/strip_f32.h"
#include "gemm/tile_f32.h"
#include "normalization/channel_map.h"
#include "normalization/channel_sums.h"
#include "optimizer/steps_f32.h"
#include "optimizer/sum_of_squares_f32.h"
#include "pooling/pool_f32.h"
#include "rows/cross_entropy.h"
#include "rows/gather.h"
#include "rows/softmax.h"
#include "split/convert.h"
#include "split/strip.h"
#include "winograd/winograd_f32.h"

/* The bits of this row of isas.def, as needs_<isa>. */
enum {
#define FC_ISA(name, bits) needs_##name = bits,
#include "isas.def"
#undef FC_ISA
};

#define FC_STRING2(name) #name
#define FC_STRING(name) FC_STRING2(name)

extern const fc_ukernels FC_JOIN(fc_ukernels, FC_ISA_NAME);
const fc_ukernels FC_JOIN(fc_ukernels, FC_ISA_NAME) = {
    .name = FC_STRING(FC_ISA_NAME),
    .needs = FC_JOIN(needs, FC_ISA_NAME),
    .vl = FC_VL,
    .tile_rows = FC_TILE_ROWS,
    .tile_cols = FC_TILE_COLS,
    .winograd = {
#define FC_WINOGRAD FC_WINOGRAD_ENTRY
#include "winograd/members.def"
#undef FC_WINOGRAD
    },
#define FC_UKERNEL(name, args) .name = FC_NAME(name),
#include "ukernels.def"
#undef FC_UKERNEL
};
