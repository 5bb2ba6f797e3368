/* Arguments of the optimiser steps, which update n weights and their slots in place. */
#ifndef FC_OPTIMIZER_STEP_H
#define FC_OPTIMIZER_STEP_H

#include <stddef.h>

typedef struct {
    float *w;          /* [n] weights */
    const float *g;    /* [n] gradient */
    float *slots[3];   /* [n] each, or NULL; which is which is said at each step */
    ptrdiff_t n;
    float rate;        /* learning rate */
    float decay;       /* part of a weight that goes before the update */
    float grad_scale;  /* the gradient is multiplied by this, */
    float clip;        /* then bounded by +-clip (infinity: not) */
    float momentum;    /* SGD, RMSprop */
    int nesterov;      /* SGD */
    float first_rate;  /* Adam: 1 - beta_1 */
    float second_rate; /* Adam: 1 - beta_2, RMSprop: 1 - rho */
    float epsilon;     /* Adam: beside the root, RMSprop: under it */
} fc_step;

#endif
