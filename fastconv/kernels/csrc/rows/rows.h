/* Work on the rows of (M, C) matrices that reduces over each row: kinds and arguments. */
#ifndef FC_ROWS_ROWS_H
#define FC_ROWS_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* out of a (and b): y of x; y of x; dx of dy, y; dx of dy, y. */
enum { FC_SOFTMAX, FC_LOG_SOFTMAX, FC_SOFTMAX_BACKWARD, FC_LOG_SOFTMAX_BACKWARD };

typedef struct {
    const float *a;
    const float *b; /* NULL where the kind has one input */
    float *out;
    ptrdiff_t rows, cols;
} fc_rows;

/* Cross-entropy of logits with classes or, where classes is NULL, with labels. */
typedef struct {
    const float *logits;    /* IN  [rows, cols] */
    const int64_t *classes; /* IN  [rows] 0 <= class < cols, or NULL */
    const float *labels;    /* IN  [rows, cols] or NULL */
    const float *weights;   /* IN  [rows] factors of the gradient, or NULL */
    float *loss;            /* OUT [rows] */
    float *dlogits;         /* OUT [rows, cols] */
    ptrdiff_t rows, cols;
} fc_cross_entropy;

#endif
