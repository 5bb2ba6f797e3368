/* A strip of split floats with AMX: Intel 64 and IA-32 Architectures Software Developer's Manual,
 * TDPBF16PS. Sums are rounded to the nearest even and subnormal numbers count as zero, whatever MXCSR
 * says. Uses no name of <immintrin.h> but _tile_*, which tests replace by an emulation.
 *
 * Tiles 0..3 hold the sums (the block's first and second rows, columns 0-15 and 16-31), 4 and 5 the
 * rows of A, 6 and 7 the columns of B: 2 x 2 products for 2 + 2 loads, of which half are spared where
 * consecutive products share a plane. Between products, which keep one unit busy for 64 cycles, the
 * results of the block before are stored. */
#include "split/order.h"
#include "split/store.h"

/* LDTILECFG's 64 bytes, palette 1: eight tiles of rows of 64 bytes. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t colsb[16];
    uint8_t rows[16];
} fc_tile_config;

_Static_assert(sizeof(fc_tile_config) == 64, "LDTILECFG reads 64 bytes");

/* Constant, because the compiler's intrinsic tells that it reads the first bytes only. */
#define FC_TILE_CONFIG(tile)                                                      \
    {                                                                             \
        .palette = 1, .colsb = {64, 64, 64, 64, 64, 64, 64, 64},                  \
        .rows = {tile, tile, tile, tile, tile, tile, 16, 16},                     \
    }
static const fc_tile_config FC_NAME(split_configs)[FC_SPLIT_TILE] __attribute__((aligned(64))) = {
    FC_TILE_CONFIG(1),  FC_TILE_CONFIG(2),  FC_TILE_CONFIG(3),  FC_TILE_CONFIG(4),
    FC_TILE_CONFIG(5),  FC_TILE_CONFIG(6),  FC_TILE_CONFIG(7),  FC_TILE_CONFIG(8),
    FC_TILE_CONFIG(9),  FC_TILE_CONFIG(10), FC_TILE_CONFIG(11), FC_TILE_CONFIG(12),
    FC_TILE_CONFIG(13), FC_TILE_CONFIG(14), FC_TILE_CONFIG(15), FC_TILE_CONFIG(16),
};

/* Give tiles so many rows, or release them. */
static void FC_NAME(split_configure)(int tile) {
    if (tile) {
        _tile_loadconfig(&FC_NAME(split_configs)[tile - 1]);
    } else {
        _tile_release();
    }
}

/* Sum up one block, and store `some` rows of the last one after each product. */
FC_INLINE void FC_NAME(split_block_amx)(const fc_split_strip *s, const uint16_t *rows, float *sums,
                                        FC_NAME(split_store) *last, ptrdiff_t some,
                                        const int planes, const int tall, const int wide) {
    enum { HALF = FC_SPLIT_B / 2, BYTES = 2 };
    const ptrdiff_t a_bytes = s->a_step * BYTES, b_bytes = 64, row_bytes = FC_SPLIT_COLS * 4;
    const ptrdiff_t below = s->a_below, a_plane = s->a_plane;
    const uint16_t *b = s->b;
    const fc_split_product *products = fc_split_products[planes - 1];
    _tile_zero(0);
    if (wide) _tile_zero(1);
    if (tall) _tile_zero(2);
    if (tall && wide) _tile_zero(3);
    for (ptrdiff_t step = 0; step < s->n_steps; step++, b += planes * FC_SPLIT_B) {
        const uint16_t *a = rows + s->steps[step];
#pragma GCC unroll 6
        for (int i = 0; i < planes * (planes + 1) / 2; i++) {
            if (i == 0 || products[i].a != products[i - 1].a) {
                _tile_loadd(4, a + products[i].a * a_plane, a_bytes);
                if (tall) _tile_loadd(5, a + products[i].a * a_plane + below, a_bytes);
            }
            if (i == 0 || products[i].b != products[i - 1].b) {
                _tile_loadd(6, b + products[i].b * FC_SPLIT_B, b_bytes);
                if (wide) _tile_loadd(7, b + products[i].b * FC_SPLIT_B + HALF, b_bytes);
            }
            _tile_dpbf16ps(0, 4, 6);
            if (wide) _tile_dpbf16ps(1, 4, 7);
            if (tall) _tile_dpbf16ps(2, 5, 6);
            if (tall && wide) _tile_dpbf16ps(3, 5, 7);
            if (last->row < last->rows) FC_NAME(split_store_rows)(s, last, some);
        }
    }
    FC_NAME(split_store_rows)(s, last, FC_SPLIT_ROWS);
    _tile_stored(0, sums, row_bytes);
    if (wide) _tile_stored(1, sums + 16, row_bytes);
    if (tall) _tile_stored(2, sums + s->tile * FC_SPLIT_COLS, row_bytes);
    if (tall && wide) _tile_stored(3, sums + s->tile * FC_SPLIT_COLS + 16, row_bytes);
}

FC_INLINE void FC_NAME(split_blocks_amx)(const fc_split_strip *s, const int planes,
                                         const int wide) {
    float sums[2][FC_SPLIT_ROWS * FC_SPLIT_COLS] __attribute__((aligned(64)));
    const ptrdiff_t size = 2 * s->tile;
    const ptrdiff_t products = s->n_steps * (planes * (planes + 1) / 2);
    const ptrdiff_t some = products ? (size + products - 1) / products : size;
    FC_NAME(split_store) last = {.rows = 0, .check = {0}};
    for (ptrdiff_t row = 0, block = 0; row < s->rows; row += size, block++) {
        const ptrdiff_t left = s->rows - row;
        const uint16_t *a = s->a + block * s->a_block;
        float *now = sums[block % 2];
        if (left > s->tile) {
            FC_NAME(split_block_amx)(s, a, now, &last, some, planes, 1, wide);
        } else {
            FC_NAME(split_block_amx)(s, a, now, &last, some, planes, 0, wide);
        }
        last.sums = now, last.c = s->c + row, last.row = 0;
        last.rows = left < size ? left : size;
    }
    FC_NAME(split_store_rows)(s, &last, FC_SPLIT_ROWS);
    if (FC_NAME(split_spoiled)(last.check)) *s->spoiled = 1;
}

static void FC_NAME(split_strip_amx)(const fc_split_strip *s) {
    const int wide = s->cols > 16; /* else the other half has no use */
    switch (2 * s->planes + wide) {
        case 2: FC_NAME(split_blocks_amx)(s, 1, 0); break;
        case 3: FC_NAME(split_blocks_amx)(s, 1, 1); break;
        case 4: FC_NAME(split_blocks_amx)(s, 2, 0); break;
        case 5: FC_NAME(split_blocks_amx)(s, 2, 1); break;
        case 6: FC_NAME(split_blocks_amx)(s, 3, 0); break;
        default: FC_NAME(split_blocks_amx)(s, 3, 1);
    }
}
