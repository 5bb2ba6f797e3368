/* CPUID, XGETBV and the permission for AMX; sysconf. */
#include "cpu.h"

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>
#include <stdint.h>

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#endif

static uint64_t enabled_states(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((uint64_t)high << 32) | low;
}

/* Linux hands out the 8 KB of tile state only to processes that ask (arch_prctl(2)). */
static int amx_permitted(void) {
#if defined(__linux__) && defined(__x86_64__)
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
    return 0;
#endif
}

#define HAS(reg, bit) (((reg) >> (bit)) & 1u)

static unsigned detected(void) {
    unsigned a, b, c, d, features = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const int fma = HAS(c, 12), osxsave = HAS(c, 27), avx = HAS(c, 28);
    if (!osxsave || !avx) return 0;
    const uint64_t states = enabled_states();
    if ((states & 0x6) != 0x6) return 0; /* xmm, ymm */
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const int amx = HAS(d, 22) && HAS(d, 24);
    if (fma && HAS(b, 5)) features |= FC_CPU_AVX2;
    const int avx512 = HAS(b, 16) && HAS(b, 17) && HAS(b, 30) && HAS(b, 31);
    if (!(features & FC_CPU_AVX2) || !avx512 || (states & 0xe0) != 0xe0) return features;
    features |= FC_CPU_AVX512;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && HAS(a, 5)) features |= FC_CPU_AVX512_BF16;
    if (amx && (states & 0x60000) == 0x60000 && amx_permitted()) features |= FC_CPU_AMX;
    return features;
}

#else

static unsigned detected(void) { return 0; } /* one instruction set, nothing to ask */

#endif

unsigned fc_cpu_features(void) {
    static unsigned known = 0; /* with the bit FC_CPU_ASKED; any thread writes the same */
    unsigned features = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!features) {
        features = detected() | FC_CPU_ASKED;
        __atomic_store_n(&known, features, __ATOMIC_RELAXED);
    }
    return features;
}

long fc_l2_bytes(void) {
#if defined(_SC_LEVEL2_CACHE_SIZE)
    const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 ? bytes : 0;
#else
    return 0;
#endif
}
