/* split_strip: AMX in its own unit, VDPBF16PS in the AVX-512 unit where the CPU has it, else plain
 * vectors. split_configure(tile) is called by a thread before its strips, split_configure(0) after. */
#include "simd/vec.h"
#include "split/order.h"

#if defined(FC_HAVE_AMX)

#include "split/strip_amx.h"

static void FC_NAME(split_strip)(const fc_split_strip *s) { FC_NAME(split_strip_amx)(s); }

/* Cycles of one product of 16 x 32 by 32 x 16 elements, 0 where there is no instruction for it, on the
 * scale of two vector multiply-adds a cycle. AMX issues one in 16; loads and stores add to that. */
static void FC_NAME(split_cycles)(double *cycles) { *cycles = 22; }

#else

#include "split/products_vec.h"
#include "split/strip_vec.h"
#if defined(FC_HAVE_AVX512) && (defined(__clang__) || __GNUC__ >= 10)
#include "split/products_dp.h"
#endif

static void FC_NAME(split_configure)(int tile) { (void)tile; }

static void FC_NAME(split_strip)(const fc_split_strip *s) {
#if defined(FC_SPLIT_DP)
    if (fc_cpu_features() & FC_CPU_AVX512_BF16) {
        FC_NAME(split_strip_vec)(s, FC_NAME(split_product_dp));
        return;
    }
#endif
    FC_NAME(split_strip_vec)(s, FC_NAME(split_product_vec));
}

static void FC_NAME(split_cycles)(double *cycles) {
    *cycles = 0;
#if defined(FC_SPLIT_DP)
    if (fc_cpu_features() & FC_CPU_AVX512_BF16) *cycles = 150; /* of 256, as many a cycle */
#endif
}

#endif
