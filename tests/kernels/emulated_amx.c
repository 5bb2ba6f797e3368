/* The AMX body of products of split floats on emulated tiles, beside the body on plain vectors: the
 * sums have to agree bit by bit. Prints what differs; test_split_tiles.py compiles and runs it.
 *
 * Tiles behave as Intel's Software Developer's Manual says (LDTILECFG, TILELOADD, TILESTORED,
 * TDPBF16PS), whatever it calls an exception ends the program. Subnormal numbers are left out: there,
 * vectors without fused operations flush products that a fused one would still add. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int configured, rows[8], colsb[8];
    uint8_t data[8][16][64];
} tiles;

static void require(int condition, const char *what) {
    if (!condition) {
        printf("exception: %s\n", what);
        exit(1);
    }
}

static void _tile_loadconfig(const void *config) {
    const uint8_t *bytes = config;
    require(bytes[0] == 1 && bytes[1] == 0, "palette 1, start row 0");
    for (int i = 2; i < 16; i++) require(bytes[i] == 0, "reserved bytes are zero");
    for (int t = 0; t < 16; t++) {
        const int colsb = bytes[16 + 2 * t] | bytes[17 + 2 * t] << 8, rows = bytes[48 + t];
        require(t < 8 ? colsb <= 64 && rows <= 16 : !colsb && !rows, "palette 1's limits");
        if (t < 8) tiles.colsb[t] = colsb, tiles.rows[t] = rows;
    }
    memset(tiles.data, 0, sizeof tiles.data);
    tiles.configured = 1;
}

static void _tile_release(void) { tiles.configured = 0; }

static int valid(int t) {
    require(tiles.configured && t >= 0 && t < 8 && tiles.rows[t] && tiles.colsb[t], "configured");
    return t;
}

static void _tile_zero(int t) { memset(tiles.data[valid(t)], 0, sizeof tiles.data[t]); }

static void _tile_loadd(int t, const void *base, ptrdiff_t stride) {
    _tile_zero(t);
    for (int r = 0; r < tiles.rows[t]; r++)
        memcpy(tiles.data[t][r], (const char *)base + r * stride, tiles.colsb[t]);
}

static void _tile_stored(int t, void *base, ptrdiff_t stride) {
    for (int r = 0; r < tiles.rows[valid(t)]; r++)
        memcpy((char *)base + r * stride, tiles.data[t][r], tiles.colsb[t]);
}

static float half(int t, int row, int element) {
    uint16_t bits;
    memcpy(&bits, tiles.data[t][row] + 2 * element, 2);
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, 4);
    return value;
}

static void _tile_dpbf16ps(int c, int a, int b) {
    require(c != a && c != b && a != b, "three tiles");
    require(tiles.rows[valid(c)] == tiles.rows[valid(a)], "rows of C and A");
    require(tiles.colsb[a] / 4 == tiles.rows[valid(b)], "columns of A and rows of B");
    require(tiles.colsb[c] == tiles.colsb[b], "columns of C and B");
    for (int m = 0; m < tiles.rows[c]; m++) {
        for (int n = 0; n < tiles.colsb[c] / 4; n++) {
            float even = 0, odd = 0, sum;
            for (int k = 0; k < tiles.rows[b]; k++) {
                even = fmaf(half(a, m, 2 * k), half(b, k, 2 * n), even);
                odd = fmaf(half(a, m, 2 * k + 1), half(b, k, 2 * n + 1), odd);
            }
            memcpy(&sum, tiles.data[c][m] + 4 * n, 4);
            sum += even + odd;
            memcpy(tiles.data[c][m] + 4 * n, &sum, 4);
        }
    }
}

#define FC_NAME(name) name##_tested
#include "split/products_amx.h"
#include "split/products_vec.h"

/* What products.h does with a product of vectors. */
static void vector_sums(const fc_split_tile *t, float *sums) {
    memset(sums, 0, sizeof(float) * FC_SPLIT_ROWS * FC_SPLIT_COLS);
    for (ptrdiff_t s = 0; s < t->n_steps; s++) {
        for (int i = 0; i < fc_split_counts[t->planes - 1]; i++) {
            const fc_split_product p = fc_split_products[t->planes - 1][i];
            split_product_vec_tested(sums, t->a + t->steps[s] + p.a * t->a_plane, t->a_step,
                                     t->b + (s * t->planes + p.b) * FC_SPLIT_B, t->rows);
        }
    }
}

/* Bfloat16 numbers of both signs, 2^-12 ... 2^11. */
static void fill(uint16_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (uint16_t)((rand() & 1) << 15 | (115 + rand() % 24) << 7 | (rand() & 127));
}

enum { STEPS = 5, STEP = 75, A_PLANE = FC_SPLIT_ROWS * STEP + 200 };

int main(void) {
    static uint16_t a[FC_SPLIT_PLANES * A_PLANE];
    static uint16_t b[STEPS * FC_SPLIT_PLANES * FC_SPLIT_B] __attribute__((aligned(64)));
    static float expected[FC_SPLIT_ROWS * FC_SPLIT_COLS], sums[FC_SPLIT_ROWS * FC_SPLIT_COLS];
    int different = 0;
    for (int round = 0; round < 200; round++) {
        ptrdiff_t steps[STEPS];
        fc_split_tile t = {.a = a, .b = b, .a_plane = A_PLANE, .steps = steps};
        fill(a, FC_SPLIT_PLANES * A_PLANE);
        fill(b, STEPS * FC_SPLIT_PLANES * FC_SPLIT_B);
        t.planes = 1 + round % FC_SPLIT_PLANES;
        t.a_step = 1 + rand() % STEP;
        t.n_steps = rand() % (STEPS + 1);
        t.rows = 1 + rand() % FC_SPLIT_ROWS;
        t.cols = 1 + rand() % FC_SPLIT_COLS;
        for (int s = 0; s < STEPS; s++) steps[s] = rand() % 160;
        memset(sums, 0xff, sizeof sums);
        vector_sums(&t, expected);
        split_configure_tested(1);
        split_sums_tested(&t, sums);
        split_configure_tested(0);
        require(!tiles.configured, "released");
        for (int m = 0; m < t.rows; m++) {
            for (int n = 0; n < t.cols; n++) {
                const int i = m * FC_SPLIT_COLS + n;
                if (memcmp(&sums[i], &expected[i], sizeof *sums) && ++different <= 5)
                    printf("planes %d, steps %d, [%d, %d]: %.9g, not %.9g\n", t.planes,
                           (int)t.n_steps, m, n, sums[i], expected[i]);
            }
        }
    }
    return different != 0;
}
