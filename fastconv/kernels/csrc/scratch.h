/* Scratch memory of the calling thread, kept from call to call. */
#ifndef FC_SCRATCH_H
#define FC_SCRATCH_H

#include <stddef.h>

/* Each purpose has a slot of its own, so that a driver that calls another keeps its memory.
 * The numbers are shared with kernels/workspace.pxd. */
enum {
    FC_SLOT_PACK_A,
    FC_SLOT_PACK_B,
    FC_SLOT_IMAGE,   /* padded or unfolded input */
    FC_SLOT_ROWS,    /* row pointers */
    FC_SLOT_PARTIAL, /* partial sums */
    FC_SLOT_KERNEL,  /* transformed kernel */
    FC_SLOT_PLANES,  /* transformed tiles */
    FC_SLOT_HALVES,  /* the same as bfloat16 numbers */
    FC_SLOTS
};

/* At least `bytes` of 64-byte aligned memory, valid until the slot is asked for more; NULL when
 * there is none. Released when the thread ends. */
void *fc_scratch(int slot, size_t bytes);
size_t fc_scratch_held(void);
void fc_scratch_release(void);

#endif
