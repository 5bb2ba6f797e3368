/* A strip of split floats by a function that adds the product of two planes. */
#include "split/order.h"
#include "split/store.h"

typedef void FC_NAME(split_product)(float *sums, const uint16_t *a, ptrdiff_t a_step,
                                    const uint16_t *b, ptrdiff_t rows);

static void FC_NAME(split_strip_vec)(const fc_split_strip *s, FC_NAME(split_product) *product) {
    float sums[FC_SPLIT_ROWS * FC_SPLIT_COLS] __attribute__((aligned(64)));
    const fc_split_product *products = fc_split_products[s->planes - 1];
    const ptrdiff_t tile = s->tile;
    vf check = {0};
    for (ptrdiff_t row = 0, tiles = 0; row < s->rows; row += tile, tiles++) {
        const ptrdiff_t left = s->rows - row, rows = left < tile ? left : tile;
        const ptrdiff_t place = tiles / 2 * s->a_block + tiles % 2 * s->a_below;
        FC_NAME(split_store) store = {sums, s->c + row, 0, rows, check};
        memset(sums, 0, sizeof sums);
        for (ptrdiff_t step = 0; step < s->n_steps; step++) {
            const uint16_t *a = s->a + place + s->steps[step];
            const uint16_t *b = s->b + step * s->planes * FC_SPLIT_B;
            for (int i = 0; i < fc_split_counts[s->planes - 1]; i++)
                product(sums, a + products[i].a * s->a_plane, s->a_step,
                        b + products[i].b * FC_SPLIT_B, rows);
        }
        FC_NAME(split_store_rows)(s, &store, rows);
        check = store.check;
    }
    if (FC_NAME(split_spoiled)(check)) *s->spoiled = 1;
}
