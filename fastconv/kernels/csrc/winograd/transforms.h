/* The transforms of Winograd's F(m x m, 3x3), one axis each, for m = 2, 3 and 4, any vector type.
 *
 *     y = A' [ (G g) * (B' d) ]        d: m + 2 inputs, g: 3 taps of the kernel, y: m outputs
 *
 * They follow (Toom-Cook) from m + 1 points and infinity:
 *
 *     m = 2:  0, 1, -1
 *     m = 3:  3/8, -3/8, 11/8, -11/8
 *     m = 4:  0, 11/16, -11/16, 3/2, -3/2
 *
 * The usual points of m = 4 (0, 1, -1, 2, -2) made rounding errors about twice as large in a float32
 * simulation of some layers. Of the dozen pairs tried, all with constants exact in float32, these had
 * the least errors; being pairs p, -p, they share the even and the odd part of each polynomial.
 * Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308; on points:
 * Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural
 * Networks", arXiv:1803.10986. */
#ifndef FC_WINOGRAD_TRANSFORMS_H
#define FC_WINOGRAD_TRANSFORMS_H

/* The values of two points p, -p from the even and the odd part of a polynomial. */
#define FC_PAIR(o, k, even, odd) (o)[k] = (even) + (odd), (o)[(k) + 1] = (even) - (odd)

#define FC_W2_INPUT(o, i) /* B' */                                                              \
    (o)[0] = (i)[0] - (i)[2], (o)[1] = (i)[1] + (i)[2], (o)[2] = (i)[2] - (i)[1],               \
    (o)[3] = (i)[1] - (i)[3]
#define FC_W2_KERNEL(o, i) /* G */                                                              \
    (o)[0] = (i)[0], FC_PAIR(o, 1, ((i)[0] + (i)[2]) * 0.5, (i)[1] * 0.5), (o)[3] = (i)[2]
#define FC_W2_OUTPUT(o, i) /* A' */                                                             \
    (o)[0] = (i)[0] + (i)[1] + (i)[2], (o)[1] = (i)[1] - (i)[2] - (i)[3]
#define FC_W2_SPREAD(o, i) /* A */                                                              \
    (o)[0] = (i)[0], FC_PAIR(o, 1, (i)[0], (i)[1]), (o)[3] = -(i)[1]
#define FC_W2_GATHER(o, i) /* G' */                                                             \
    (o)[0] = (i)[0] + ((i)[1] + (i)[2]) * 0.5f, (o)[1] = ((i)[1] - (i)[2]) * 0.5f,              \
    (o)[2] = ((i)[1] + (i)[2]) * 0.5f + (i)[3]

/* a, b: the positive points; aa, bb: their squares; ga, gb: 1 / the product of differences from
 * all other points, which the kernel's rows are divided by. Kernels are transformed in float64. */
#define FC_W3_A 0.375
#define FC_W3_B 1.375
#define FC_W3_AA (FC_W3_A * FC_W3_A)
#define FC_W3_BB (FC_W3_B * FC_W3_B)
#define FC_W3_GA (1 / (2 * FC_W3_A * (FC_W3_AA - FC_W3_BB)))
#define FC_W3_GB (1 / (2 * FC_W3_B * (FC_W3_BB - FC_W3_AA)))
#define FC_F(x) ((float)(x))

/* The rows of -a and -b are negated here, and so not in the kernel's transform. */
#define FC_W3_INPUT(o, i)                                                                       \
    FC_PAIR(o, 0, ((i)[2] - (i)[0] * FC_F(FC_W3_BB)) * FC_F(FC_W3_A),                           \
            (i)[3] - (i)[1] * FC_F(FC_W3_BB)),                                                  \
    FC_PAIR(o, 2, ((i)[2] - (i)[0] * FC_F(FC_W3_AA)) * FC_F(FC_W3_B),                           \
            (i)[3] - (i)[1] * FC_F(FC_W3_AA)),                                                  \
    (o)[4] = (i)[4] - (i)[2] * FC_F(FC_W3_AA + FC_W3_BB) + (i)[0] * FC_F(FC_W3_AA * FC_W3_BB)
#define FC_W3_KERNEL(o, i)                                                                      \
    FC_PAIR(o, 0, ((i)[0] + (i)[2] * FC_W3_AA) * FC_W3_GA, (i)[1] * (FC_W3_A * FC_W3_GA)),      \
    FC_PAIR(o, 2, ((i)[0] + (i)[2] * FC_W3_BB) * FC_W3_GB, (i)[1] * (FC_W3_B * FC_W3_GB)),      \
    (o)[4] = (i)[2]
#define FC_W3_OUTPUT(o, i)                                                                      \
    (o)[0] = ((i)[0] + (i)[1]) + ((i)[2] + (i)[3]),                                             \
    (o)[1] = ((i)[0] - (i)[1]) * FC_F(FC_W3_A) + ((i)[2] - (i)[3]) * FC_F(FC_W3_B),             \
    (o)[2] = ((i)[0] + (i)[1]) * FC_F(FC_W3_AA) + (((i)[2] + (i)[3]) * FC_F(FC_W3_BB) + (i)[4])
#define FC_W3_SPREAD(o, i)                                                                      \
    FC_PAIR(o, 0, (i)[0] + (i)[2] * FC_F(FC_W3_AA), (i)[1] * FC_F(FC_W3_A)),                    \
    FC_PAIR(o, 2, (i)[0] + (i)[2] * FC_F(FC_W3_BB), (i)[1] * FC_F(FC_W3_B)), (o)[4] = (i)[2]
#define FC_W3_GATHER(o, i)                                                                      \
    (o)[0] = ((i)[0] + (i)[1]) * FC_F(FC_W3_GA) + ((i)[2] + (i)[3]) * FC_F(FC_W3_GB),           \
    (o)[1] = ((i)[0] - (i)[1]) * FC_F(FC_W3_A * FC_W3_GA)                                       \
             + ((i)[2] - (i)[3]) * FC_F(FC_W3_B * FC_W3_GB),                                    \
    (o)[2] = ((i)[0] + (i)[1]) * FC_F(FC_W3_AA * FC_W3_GA)                                      \
             + (((i)[2] + (i)[3]) * FC_F(FC_W3_BB * FC_W3_GB) + (i)[4])

#define FC_W4_A 0.6875
#define FC_W4_B 1.5
#define FC_W4_AA (FC_W4_A * FC_W4_A)
#define FC_W4_BB (FC_W4_B * FC_W4_B)
#define FC_W4_G0 (1 / (FC_W4_AA * FC_W4_BB))
#define FC_W4_GA (1 / (2 * FC_W4_AA * (FC_W4_AA - FC_W4_BB)))
#define FC_W4_GB (1 / (2 * FC_W4_BB * (FC_W4_BB - FC_W4_AA)))

#define FC_W4_INPUT(o, i)                                                                       \
    (o)[0] = (i)[4] - (i)[2] * FC_F(FC_W4_AA + FC_W4_BB) + (i)[0] * FC_F(FC_W4_AA * FC_W4_BB),  \
    FC_PAIR(o, 1, (i)[4] - (i)[2] * FC_F(FC_W4_BB),                                             \
            ((i)[3] - (i)[1] * FC_F(FC_W4_BB)) * FC_F(FC_W4_A)),                                \
    FC_PAIR(o, 3, (i)[4] - (i)[2] * FC_F(FC_W4_AA),                                             \
            ((i)[3] - (i)[1] * FC_F(FC_W4_AA)) * FC_F(FC_W4_B)),                                \
    (o)[5] = (i)[5] - (i)[3] * FC_F(FC_W4_AA + FC_W4_BB) + (i)[1] * FC_F(FC_W4_AA * FC_W4_BB)
#define FC_W4_KERNEL(o, i)                                                                      \
    (o)[0] = (i)[0] * FC_W4_G0,                                                                 \
    FC_PAIR(o, 1, ((i)[0] + (i)[2] * FC_W4_AA) * FC_W4_GA, (i)[1] * (FC_W4_A * FC_W4_GA)),      \
    FC_PAIR(o, 3, ((i)[0] + (i)[2] * FC_W4_BB) * FC_W4_GB, (i)[1] * (FC_W4_B * FC_W4_GB)),      \
    (o)[5] = (i)[2]
#define FC_W4_OUTPUT(o, i)                                                                      \
    (o)[0] = (i)[0] + (((i)[1] + (i)[2]) + ((i)[3] + (i)[4])),                                  \
    (o)[1] = ((i)[1] - (i)[2]) * FC_F(FC_W4_A) + ((i)[3] - (i)[4]) * FC_F(FC_W4_B),             \
    (o)[2] = ((i)[1] + (i)[2]) * FC_F(FC_W4_AA) + ((i)[3] + (i)[4]) * FC_F(FC_W4_BB),           \
    (o)[3] = ((i)[1] - (i)[2]) * FC_F(FC_W4_A * FC_W4_AA)                                       \
             + (((i)[3] - (i)[4]) * FC_F(FC_W4_B * FC_W4_BB) + (i)[5])
#define FC_W4_SPREAD(o, i)                                                                      \
    (o)[0] = (i)[0],                                                                            \
    FC_PAIR(o, 1, (i)[0] + (i)[2] * FC_F(FC_W4_AA),                                             \
            (i)[1] * FC_F(FC_W4_A) + (i)[3] * FC_F(FC_W4_A * FC_W4_AA)),                        \
    FC_PAIR(o, 3, (i)[0] + (i)[2] * FC_F(FC_W4_BB),                                             \
            (i)[1] * FC_F(FC_W4_B) + (i)[3] * FC_F(FC_W4_B * FC_W4_BB)),                        \
    (o)[5] = (i)[3]
#define FC_W4_GATHER(o, i)                                                                      \
    (o)[0] = (i)[0] * FC_F(FC_W4_G0) + (((i)[1] + (i)[2]) * FC_F(FC_W4_GA)                      \
             + ((i)[3] + (i)[4]) * FC_F(FC_W4_GB)),                                             \
    (o)[1] = ((i)[1] - (i)[2]) * FC_F(FC_W4_A * FC_W4_GA)                                       \
             + ((i)[3] - (i)[4]) * FC_F(FC_W4_B * FC_W4_GB),                                    \
    (o)[2] = ((i)[1] + (i)[2]) * FC_F(FC_W4_AA * FC_W4_GA)                                      \
             + (((i)[3] + (i)[4]) * FC_F(FC_W4_BB * FC_W4_GB) + (i)[5])

#endif
