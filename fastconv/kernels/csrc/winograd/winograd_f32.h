/* Winograd's F(m x m, 3x3): m x m outputs of a 3x3 convolution from (m + 2)^2 products, not 9 m^2.
 *
 *     y = A' [ (G g G') * (B' d B) ] A        d: inputs of a tile, g: 3x3 kernel, * elementwise
 *
 * and the same bilinear form turned round for the gradient of the kernel:
 *
 *     dg = G' [ sum over tiles (B' d B) * (A dy A') ] G
 *
 * Lanes are channels; a transformed tile is (m + 2)^2 planes, `step` floats apart. The functions are
 * winograd_body.h's, once for each m: winograd_input_<isa>_2 ... */
#include "gemm/tile.h"
#include "simd/vec.h"
#include "winograd/transforms.h"
#include "winograd/winograd.h"

typedef double vd __attribute__((vector_size(FC_VL * 8)));

FC_INLINE int FC_NAME(any_lane)(vi mask) {
    int32_t lanes[FC_VL], any = 0;
    vi_store(lanes, mask);
    for (int i = 0; i < FC_VL; i++) any |= lanes[i];
    return any != 0;
}

/* A call for each whole vector of channels (n a constant), and one for what is left. */
#define FC_OVER_CHANNELS(c, n, channels, call)                                                  \
    do {                                                                                        \
        ptrdiff_t c = 0;                                                                        \
        for (const ptrdiff_t n = FC_VL; c + n <= (channels); c += n) call;                      \
        for (const ptrdiff_t n = (channels)-c; c < (channels); c += n) call;                    \
    } while (0)

#define FC_WM 2
#define FC_W_INPUT FC_W2_INPUT
#define FC_W_KERNEL FC_W2_KERNEL
#define FC_W_OUTPUT FC_W2_OUTPUT
#define FC_W_SPREAD FC_W2_SPREAD
#define FC_W_GATHER FC_W2_GATHER
#include "winograd/winograd_body.h"
#undef FC_WM
#undef FC_W_INPUT
#undef FC_W_KERNEL
#undef FC_W_OUTPUT
#undef FC_W_SPREAD
#undef FC_W_GATHER

#define FC_WM 3
#define FC_W_INPUT FC_W3_INPUT
#define FC_W_KERNEL FC_W3_KERNEL
#define FC_W_OUTPUT FC_W3_OUTPUT
#define FC_W_SPREAD FC_W3_SPREAD
#define FC_W_GATHER FC_W3_GATHER
#include "winograd/winograd_body.h"
#undef FC_WM
#undef FC_W_INPUT
#undef FC_W_KERNEL
#undef FC_W_OUTPUT
#undef FC_W_SPREAD
#undef FC_W_GATHER

#define FC_WM 4
#define FC_W_INPUT FC_W4_INPUT
#define FC_W_KERNEL FC_W4_KERNEL
#define FC_W_OUTPUT FC_W4_OUTPUT
#define FC_W_SPREAD FC_W4_SPREAD
#define FC_W_GATHER FC_W4_GATHER
#include "winograd/winograd_body.h"
#undef FC_WM
#undef FC_W_INPUT
#undef FC_W_KERNEL
#undef FC_W_OUTPUT
#undef FC_W_SPREAD
#undef FC_W_GATHER

#define FC_WINOGRAD_ENTRY(m)                                                                    \
    {FC_JOIN(FC_NAME(winograd_input), m), FC_JOIN(FC_NAME(winograd_output), m),                 \
     FC_JOIN(FC_NAME(winograd_kernel), m), FC_JOIN(FC_NAME(winograd_spread), m),                \
     FC_JOIN(FC_NAME(winograd_gather), m)}
