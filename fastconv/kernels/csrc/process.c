/* The denormal mode of a thread, and whether the process is a fork. */
#include "process.h"

#include <pthread.h>

#if defined(__SSE__)

#include <xmmintrin.h>

/* MXCSR bit 15 flushes results to zero, bit 6 reads denormal inputs as zero. */
unsigned fc_flush_denormals(void) {
    const unsigned state = _mm_getcsr();
    _mm_setcsr(state | 0x8040);
    return state;
}
void fc_restore_denormals(unsigned state) { _mm_setcsr(state); }

#elif defined(__aarch64__)

/* FPCR bit 24 flushes denormals to zero. */
unsigned fc_flush_denormals(void) {
    unsigned long state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    __asm__ volatile("msr fpcr, %0" : : "r"(state | (1ul << 24)));
    return (unsigned)state;
}
void fc_restore_denormals(unsigned state) {
    __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)state));
}

#else

unsigned fc_flush_denormals(void) { return 0; }
void fc_restore_denormals(unsigned state) { (void)state; }

#endif

static volatile int forked = 0;

static void in_child(void) { forked = 1; }
int fc_forked(void) { return forked; }
void fc_watch_fork(void) { pthread_atfork(0, 0, in_child); }
