/* Which body computes products of bfloat16 tiles: AMX in its own unit, VDPBF16PS in the AVX-512 unit
 * where the CPU has it, else plain vectors. Each defines split_configure(on), which a thread calls
 * before and after its blocks, split_sums(t, sums[32][32]), and split_cycles. */
#include "simd/vec.h"
#include "split/order.h"

#if defined(FC_HAVE_AMX)

#include "split/products_amx.h"

/* Cycles of one product of 16 x 32 by 32 x 16 elements, 0 where there is no instruction for it, on the
 * scale of two vector multiply-adds a cycle. AMX issues one in 16; loads and stores add to that. */
static void FC_NAME(split_cycles)(double *cycles) { *cycles = 22; }

#else

#include "split/products_vec.h"
#if defined(FC_HAVE_AVX512) && (defined(__clang__) || __GNUC__ >= 10)
#include "split/products_dp.h"
#endif

static void FC_NAME(split_configure)(int on) { (void)on; }

static void FC_NAME(split_sums)(const fc_split_tile *t, float *sums) {
    const fc_split_product *products = fc_split_products[t->planes - 1];
    void (*product)(float *, const uint16_t *, ptrdiff_t, const uint16_t *, ptrdiff_t) =
        FC_NAME(split_product_vec);
#if defined(FC_SPLIT_DP)
    if (fc_cpu_features() & FC_CPU_AVX512_BF16) product = FC_NAME(split_product_dp);
#endif
    memset(sums, 0, sizeof(float) * FC_SPLIT_ROWS * FC_SPLIT_COLS);
    for (ptrdiff_t s = 0; s < t->n_steps; s++) {
        const uint16_t *a = t->a + t->steps[s], *b = t->b + s * t->planes * FC_SPLIT_B;
        for (int i = 0; i < fc_split_counts[t->planes - 1]; i++)
            product(sums, a + products[i].a * t->a_plane, t->a_step,
                    b + products[i].b * FC_SPLIT_B, t->rows);
    }
}

static void FC_NAME(split_cycles)(double *cycles) {
    *cycles = 0;
#if defined(FC_SPLIT_DP)
    if (fc_cpu_features() & FC_CPU_AVX512_BF16) *cycles = 150; /* of 256, as many a cycle */
#endif
}

#endif
