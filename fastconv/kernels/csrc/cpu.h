/* What this CPU and its operating system support. */
#ifndef FC_CPU_H
#define FC_CPU_H

enum {
    FC_CPU_AVX2 = 1,        /* AVX2 and FMA */
    FC_CPU_AVX512 = 2,      /* F, BW, DQ, VL, and all of FC_CPU_AVX2 */
    FC_CPU_AVX512_BF16 = 4,
    FC_CPU_AMX = 8,         /* tiles and bf16 products, and the permission to use them */
    FC_CPU_ASKED = 16,      /* always set */
};

/* The bits above that hold here. Asks CPUID and XGETBV, and the system for the use of AMX tiles;
 * the first call does, the others remember. */
unsigned fc_cpu_features(void);

/* Bytes of a core's second-level cache, 0 if the system does not tell. */
long fc_l2_bytes(void);

#endif
