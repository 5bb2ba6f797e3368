/* Products of bfloat16 tiles with AMX: Intel 64 and IA-32 Architectures Software Developer's Manual,
 * TDPBF16PS. Sums are rounded to the nearest even and subnormal numbers count as zero, whatever MXCSR
 * says. Uses no name of <immintrin.h> but _tile_*, which tests replace by an emulation.
 *
 * Tiles 0..3 hold the sums (rows 0-15 and 16-31, columns 0-15 and 16-31), 4 and 5 the rows of A, 6
 * and 7 the columns of B: 2 x 2 products for 2 + 2 loads, of which half are spared where consecutive
 * products share a plane. */
#include "split/order.h"

/* LDTILECFG's 64 bytes, palette 1: eight tiles of 16 rows of 64 bytes. Constant, because the
 * compiler's intrinsic tells that it reads the first bytes only. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t colsb[16];
    uint8_t rows[16];
} fc_tile_config;

_Static_assert(sizeof(fc_tile_config) == 64, "LDTILECFG reads 64 bytes");

static void FC_NAME(split_configure)(int on) {
    static const fc_tile_config config __attribute__((aligned(64))) = {
        .palette = 1,
        .colsb = {64, 64, 64, 64, 64, 64, 64, 64},
        .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };
    if (on) {
        _tile_loadconfig(&config);
    } else {
        _tile_release();
    }
}

static void FC_NAME(split_sums)(const fc_split_tile *t, float *sums) {
    enum { HALF = FC_SPLIT_B / 2, BYTES = 2 };
    const ptrdiff_t a_bytes = t->a_step * BYTES, b_bytes = 64, row_bytes = FC_SPLIT_COLS * 4;
    const int tall = t->rows > 16, wide = t->cols > 16; /* else the other half has no use */
    const fc_split_product *products = fc_split_products[t->planes - 1];
    const int count = fc_split_counts[t->planes - 1];
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (ptrdiff_t s = 0; s < t->n_steps; s++) {
        const uint16_t *a = t->a + t->steps[s], *b = t->b + s * t->planes * FC_SPLIT_B;
        for (int i = 0; i < count; i++) {
            if (i == 0 || products[i].a != products[i - 1].a) {
                const uint16_t *rows = a + products[i].a * t->a_plane;
                _tile_loadd(4, rows, a_bytes);
                if (tall) _tile_loadd(5, rows + 16 * t->a_step, a_bytes);
            }
            if (i == 0 || products[i].b != products[i - 1].b) {
                const uint16_t *pairs = b + products[i].b * FC_SPLIT_B;
                _tile_loadd(6, pairs, b_bytes);
                if (wide) _tile_loadd(7, pairs + HALF, b_bytes);
            }
            _tile_dpbf16ps(0, 4, 6);
            if (wide) _tile_dpbf16ps(1, 4, 7);
            if (tall) _tile_dpbf16ps(2, 5, 6);
            if (tall && wide) _tile_dpbf16ps(3, 5, 7);
        }
    }
    _tile_stored(0, sums, row_bytes);
    _tile_stored(1, sums + 16, row_bytes);
    _tile_stored(2, sums + 16 * FC_SPLIT_COLS, row_bytes);
    _tile_stored(3, sums + 16 * FC_SPLIT_COLS + 16, row_bytes);
}
