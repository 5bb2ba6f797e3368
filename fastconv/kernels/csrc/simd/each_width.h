/* Includes FC_BODY once for each width that vectors over channels have: FC_VL lanes, 4 and 1.
 *
 * An image may have fewer channels than a vector has lanes. So loops over channels are written
 * once, in a file of their own, on the types `wf` and `wi` of simd/sized.h with FC_W lanes, and
 * their functions are called FC_SIZED(name); FC_PICK(channels, name) is the widest that fits. */
#ifndef FC_PICK
#define FC_SIZED(name) FC_JOIN(FC_NAME(name), FC_W)
#define FC_PICK(channels, name)                          \
    ((channels) >= FC_VL ? FC_JOIN(FC_NAME(name), FC_VL) \
     : (channels) >= 4   ? FC_JOIN(FC_NAME(name), 4)     \
                         : FC_JOIN(FC_NAME(name), 1))
#endif

#define FC_W FC_VL
#include FC_BODY
#undef FC_W
#if FC_VL > 4
#define FC_W 4
#include FC_BODY
#undef FC_W
#endif
#define FC_W 1
#include FC_BODY
#undef FC_W
#undef FC_BODY
