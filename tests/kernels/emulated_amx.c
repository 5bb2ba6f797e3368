/* The AMX strip of split floats on emulated tiles, beside the strip on plain vectors: results have to
 * agree bit by bit. Prints what differs; test_split_tiles.py compiles and runs it.
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
#include "split/products_vec.h"
#include "split/strip_amx.h"
#include "split/strip_vec.h"

/* Bfloat16 numbers of both signs, 2^-12 ... 2^11. */
static void fill(uint16_t *out, int n) {
    for (int i = 0; i < n; i++)
        out[i] = (uint16_t)((rand() & 1) << 15 | (115 + rand() % 24) << 7 | (rand() & 127));
}

enum { ROWS = 100, STEPS = 5, STEP = 75, A_PLANE = (ROWS + FC_SPLIT_ROWS) * STEP + 200 };

static float bias[FC_SPLIT_COLS], expected[ROWS * FC_SPLIT_COLS], results[ROWS * FC_SPLIT_COLS];

/* The strip's results, on top of what C held, through rows in a random order. */
static void run(fc_split_strip *s, const int *places, float *results, void (*strip)(const fc_split_strip *)) {
    float *rows[ROWS];
    unsigned char spoiled = 0;
    for (int i = 0; i < ROWS * FC_SPLIT_COLS; i++) results[i] = (float)(i % 7);
    for (int m = 0; m < ROWS; m++)
        rows[m] = places[m] < 0 ? NULL : results + places[m] * FC_SPLIT_COLS;
    s->c = rows, s->spoiled = &spoiled;
    strip(s);
    require(!spoiled, "finite");
}

static void amx(const fc_split_strip *s) {
    split_configure_tested((int)s->tile);
    split_strip_amx_tested(s);
    split_configure_tested(0);
    require(!tiles.configured, "released");
}

static void vectors(const fc_split_strip *s) {
    split_strip_vec_tested(s, split_product_vec_tested);
}

int main(void) {
    static uint16_t a[FC_SPLIT_PLANES * A_PLANE];
    static uint16_t b[STEPS * FC_SPLIT_PLANES * FC_SPLIT_B] __attribute__((aligned(64)));
    int different = 0;
    for (int n = 0; n < FC_SPLIT_COLS; n++) bias[n] = (float)n - 9.5f;
    for (int round = 0; round < 300; round++) {
        ptrdiff_t steps[STEPS];
        int places[ROWS];
        fc_split_strip s = {.a = a, .b = b, .a_plane = A_PLANE, .steps = steps};
        fill(a, FC_SPLIT_PLANES * A_PLANE);
        fill(b, STEPS * FC_SPLIT_PLANES * FC_SPLIT_B);
        s.planes = 1 + round % FC_SPLIT_PLANES;
        s.a_step = 1 + rand() % STEP;
        s.n_steps = rand() % (STEPS + 1);
        s.rows = 1 + rand() % ROWS;
        s.cols = rand() % 2 ? FC_SPLIT_COLS : 1 + rand() % FC_SPLIT_COLS;
        s.tile = 1 + rand() % FC_SPLIT_TILE;
        s.a_below = rand() % 3 ? s.tile * s.a_step : rand() % (s.tile * s.a_step + 1);
        s.a_block = rand() % 3 ? 2 * s.tile * s.a_step : rand() % (2 * s.tile * s.a_step + 1);
        s.bias = rand() % 2 ? bias : NULL;
        s.accumulate = rand() % 3 == 0;
        s.activation = rand() % 3 == 0 ? FC_RELU : rand() % 2 ? FC_RELU6 : FC_LINEAR;
        for (int i = 0; i < STEPS; i++) steps[i] = rand() % 160;
        for (int m = 0; m < ROWS; m++) places[m] = rand() % 5 ? ROWS - 1 - m : -1;
        run(&s, places, expected, vectors);
        run(&s, places, results, amx);
        for (int i = 0; i < ROWS * FC_SPLIT_COLS; i++) {
            if (memcmp(&results[i], &expected[i], sizeof *results) && ++different <= 5)
                printf("planes %d, steps %d, rows %d, tile %d, [%d, %d]: %.9g, not %.9g\n", s.planes,
                       (int)s.n_steps, (int)s.rows, (int)s.tile, i / FC_SPLIT_COLS,
                       i % FC_SPLIT_COLS, results[i], expected[i]);
        }
    }
    return different != 0;
}
