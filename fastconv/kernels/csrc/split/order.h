/* Which products of planes make up a product of floats, by the number of planes less one. */
#ifndef FC_SPLIT_ORDER_H
#define FC_SPLIT_ORDER_H

#include "split/split.h"

/* Products of planes, about the smallest first; one operand changes at a time where that can be. */
typedef struct {
    int a, b;
} fc_split_product;

static const fc_split_product fc_split_products[FC_SPLIT_PLANES][6] = {
    {{0, 0}},
    {{1, 0}, {0, 1}, {0, 0}},
    {{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {0, 0}},
};
static const int fc_split_counts[FC_SPLIT_PLANES] = {1, 3, 6};

#endif
