/* Part of pooling/pool_f32.h, for one vector width. */
#include "pooling/argmax_body.h"

/* `vecs` vectors of channels of one output pixel; rows x cols pixels of x lie in its window. */
FC_INLINE void FC_SIZED(pool_window)(const fc_pool *p, const fc_pool_run *run, const float *x,
                                     float *y, void *argmax, ptrdiff_t c, const ptrdiff_t rows,
                                     const ptrdiff_t cols, const int kind, const int vecs) {
    wf best[FC_POOL_VECS], line[FC_POOL_VECS];
    wi at[FC_POOL_VECS];
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) {
        best[v] = wf_splat(kind == FC_POOL_AVERAGE ? 0.0f : -__builtin_inff());
        at[v] = FC_SIZED(position)(-1, kind);
    }
    const float *row = x + c;
    for (ptrdiff_t r = 0; r < rows; r++, row += p->W * p->C) {
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) line[v] = wf_splat(0.0f);
        const float *pixel = row;
        for (ptrdiff_t k = 0; k < cols; k++, pixel += p->C) {
            const wi here = FC_SIZED(position)(run->position + r * p->KW + k, kind);
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) {
                const wf value = wf_load(pixel + v * FC_W);
                if (kind == FC_POOL_AVERAGE) {
                    line[v] = k ? line[v] + value : value;
                } else if (!(r | k)) {
                    best[v] = value;
                    at[v] = here;
                } else if (kind == FC_POOL_MAX) {
                    best[v] = wf_max(best[v], value);
                } else { /* the first of equals, and the first NaN before any number */
                    const wi better = ~(value <= best[v]) & (best[v] == best[v]);
                    best[v] = wf_select(better, value, best[v]);
                    at[v] = wi_select(better, here, at[v]);
                }
            }
        }
        if (kind == FC_POOL_AVERAGE) {
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) best[v] += line[v];
        }
    }
    const float count = (float)(rows * cols);
#pragma GCC unroll 4
    for (int v = 0; v < vecs; v++) {
        if (kind == FC_POOL_AVERAGE) {
            best[v] /= wf_splat(count);
        } else if (p->activation != FC_LINEAR) {
            const int limited = p->activation == FC_RELU6;
            const wi slope = limited ? (best[v] > 0) & (best[v] < 6) : best[v] > 0;
            at[v] = wi_select(slope, at[v], FC_SIZED(position)(-1, kind));
            best[v] = limited ? wf_relu6(best[v]) : wf_relu(best[v]);
        }
        wf_store(y + c + v * FC_W, best[v]);
        if (kind == FC_POOL_ARGMAX8 || kind == FC_POOL_ARGMAX32) {
            FC_SIZED(store_positions)(argmax, c + v * FC_W, at[v], kind);
        }
    }
}

FC_INLINE void FC_SIZED(pool_pixels)(const fc_pool *p, const fc_pool_run *run,
                                     const ptrdiff_t rows, const ptrdiff_t cols, const int kind,
                                     const int vecs) {
    const float *x = run->x;
    float *y = run->y;
    int8_t *argmax = run->argmax;
    const ptrdiff_t channels = p->channels, argmax_step = p->C * fc_position_bytes(kind);
    for (ptrdiff_t i = 0; i < run->pixels; i++) {
        ptrdiff_t c = 0;
        for (; c + vecs * FC_W <= channels; c += vecs * FC_W) {
            FC_SIZED(pool_window)(p, run, x, y, argmax, c, rows, cols, kind, vecs);
        }
        for (; c < channels; c += FC_W) {
            FC_SIZED(pool_window)
            (p, run, x, y, argmax, fc_fit(c, FC_W, channels), rows, cols, kind, 1);
        }
        x += p->SW * p->C;
        y += p->C;
        argmax += argmax_step;
    }
}

/* The usual windows get loops of constant length. */
FC_INLINE void FC_SIZED(pool_sizes)(const fc_pool *p, const fc_pool_run *run, const int kind) {
    if (run->rows == 2 && run->cols == 2) {
        FC_SIZED(pool_pixels)(p, run, 2, 2, kind, 1);
        return;
    }
#if FC_W == FC_VL
    if (run->rows == 3 && run->cols == 3) {
        FC_SIZED(pool_pixels)(p, run, 3, 3, kind, 1);
        return;
    }
#endif
    FC_SIZED(pool_pixels)(p, run, run->rows, run->cols, kind, FC_POOL_VECS);
}

static __attribute__((noinline)) void FC_SIZED(pool_run)(const fc_pool *p,
                                                         const fc_pool_run *run) {
    switch (p->kind) {
    case FC_POOL_AVERAGE: FC_SIZED(pool_sizes)(p, run, FC_POOL_AVERAGE); break;
    case FC_POOL_MAX: FC_SIZED(pool_sizes)(p, run, FC_POOL_MAX); break;
    case FC_POOL_ARGMAX8: FC_SIZED(pool_sizes)(p, run, FC_POOL_ARGMAX8); break;
    default: FC_SIZED(pool_sizes)(p, run, FC_POOL_ARGMAX32); break;
    }
}

/* `cols` neighbouring pixels of dx that are in one window, and in no other. */
FC_INLINE void FC_SIZED(pool_scatter)(const fc_pool *p, const float *dy, const int8_t *argmax,
                                      float *dx, ptrdiff_t output, ptrdiff_t position,
                                      const ptrdiff_t cols, const int kind) {
    const wf weight = wf_splat(kind == FC_POOL_AVERAGE ? p->weights[output] : 0.0f);
    dy += output * p->C;
    argmax += output * p->C * fc_position_bytes(kind);
    for (ptrdiff_t i = 0; i < p->C; i += FC_W) {
        const ptrdiff_t c = fc_fit(i, FC_W, p->C);
        const wf value = wf_load(dy + c);
        if (kind == FC_POOL_AVERAGE) {
            for (ptrdiff_t k = 0; k < cols; k++) wf_store(dx + k * p->C + c, value * weight);
        } else {
            const wi at = FC_SIZED(load_positions)(argmax, c, kind);
            for (ptrdiff_t k = 0; k < cols; k++) {
                const wi here = FC_SIZED(position)(position + k, kind);
                const wi mine = FC_SIZED(at_position)(at, here, kind);
                wf_store(dx + k * p->C + c, (wf)(mine & (wi)value));
            }
        }
    }
}

/* Row ih of dx where no two windows overlap. */
FC_INLINE void FC_SIZED(pool_scatter_row)(const fc_pool *p, ptrdiff_t ih, const float *dy,
                                          const int8_t *argmax, float *dx, const int kind) {
    const ptrdiff_t pixel = p->C * (ptrdiff_t)sizeof(float);
    const fc_range rows = fc_windows(ih, p->KH, p->SH, p->PT, p->OH);
    const ptrdiff_t position = (ih + p->PT - rows.begin * p->SH) * p->KW;
    ptrdiff_t done = 0;
    for (ptrdiff_t ow = 0; ow < p->OW && rows.end > rows.begin; ow++) {
        const fc_range taps = fc_taps(ow, p->KW, p->SW, p->PL, p->W);
        const ptrdiff_t begin = ow * p->SW - p->PL + taps.begin, cols = taps.end - taps.begin;
        if (cols == 0) continue;
        if (begin > done) memset(dx + done * p->C, 0, (size_t)((begin - done) * pixel));
        const ptrdiff_t output = rows.begin * p->OW + ow, first = position + taps.begin;
        if (cols == 2) {
            FC_SIZED(pool_scatter)(p, dy, argmax, dx + begin * p->C, output, first, 2, kind);
        } else {
            FC_SIZED(pool_scatter)(p, dy, argmax, dx + begin * p->C, output, first, cols, kind);
        }
        done = begin + cols;
    }
    memset(dx + done * p->C, 0, (size_t)((p->W - done) * pixel));
}

/* One pixel of dx, the sum over rows x cols windows (begin: the first one's output; position: the
 * pixel's in that window). */
FC_INLINE void FC_SIZED(pool_gather)(const fc_pool *p, const float *dy, const int8_t *argmax,
                                     float *dx, ptrdiff_t begin, ptrdiff_t position,
                                     const ptrdiff_t rows, const ptrdiff_t cols,
                                     const int kind) {
    for (ptrdiff_t i = 0; i < p->C; i += FC_W) {
        const ptrdiff_t c = fc_fit(i, FC_W, p->C);
        wf sum = wf_splat(0.0f);
        for (ptrdiff_t r = 0; r < rows; r++) {
            for (ptrdiff_t k = 0; k < cols; k++) {
                const ptrdiff_t output = begin + r * p->OW + k;
                const wf value = wf_load(dy + output * p->C + c);
                if (kind == FC_POOL_AVERAGE) {
                    sum += value * wf_splat(p->weights[output]);
                } else {
                    const ptrdiff_t here = position - r * p->SH * p->KW - k * p->SW;
                    const wi at = FC_SIZED(load_positions)(
                        argmax + output * p->C * fc_position_bytes(kind), c, kind);
                    const wi mine =
                        FC_SIZED(at_position)(at, FC_SIZED(position)(here, kind), kind);
                    sum += (wf)(mine & (wi)value);
                }
            }
        }
        wf_store(dx + c, sum);
    }
}

/* Row ih of dx where windows may overlap. */
FC_INLINE void FC_SIZED(pool_gather_row)(const fc_pool *p, ptrdiff_t ih, const float *dy,
                                         const int8_t *argmax, float *dx, const int kind) {
    const fc_range rows = fc_windows(ih, p->KH, p->SH, p->PT, p->OH);
    const ptrdiff_t height = rows.end - rows.begin;
    fc_range cols = {0, 0};
    for (ptrdiff_t iw = 0; iw < p->W; iw++, dx += p->C) {
        /* fc_windows(iw, KW, SW, PL, OW), without its divisions. */
        const ptrdiff_t at = iw + p->PL;
        while (cols.end < p->OW && cols.end * p->SW <= at) cols.end++;
        while (cols.begin < cols.end && cols.begin * p->SW + p->KW <= at) cols.begin++;
        const ptrdiff_t width = cols.end - cols.begin;
        const ptrdiff_t begin = rows.begin * p->OW + cols.begin;
        const ptrdiff_t position =
            (ih + p->PT - rows.begin * p->SH) * p->KW + at - cols.begin * p->SW;
#define FC_GATHER(height, width) \
    FC_SIZED(pool_gather)(p, dy, argmax, dx, begin, position, height, width, kind)
        /* Strides of half a window or more get loops of constant length. */
        switch (width < 4 ? height * 4 + width : 0) {
        case 1 * 4 + 1: FC_GATHER(1, 1); break;
        case 1 * 4 + 2: FC_GATHER(1, 2); break;
        case 2 * 4 + 1: FC_GATHER(2, 1); break;
        case 2 * 4 + 2: FC_GATHER(2, 2); break;
        default: FC_GATHER(height, width); break;
        }
#undef FC_GATHER
    }
}

static void FC_SIZED(pool_backward_row)(const fc_pool *p, ptrdiff_t ih, const float *dy,
                                        const void *argmax, float *dx) {
#define FC_KIND(kind)                                                   \
    if (p->SH >= p->KH && p->SW >= p->KW) {                             \
        FC_SIZED(pool_scatter_row)(p, ih, dy, argmax, dx, kind);        \
    } else {                                                            \
        FC_SIZED(pool_gather_row)(p, ih, dy, argmax, dx, kind);         \
    }                                                                   \
    break
    switch (p->kind) {
    case FC_POOL_AVERAGE: FC_KIND(FC_POOL_AVERAGE);
    case FC_POOL_ARGMAX8: FC_KIND(FC_POOL_ARGMAX8);
    default: FC_KIND(FC_POOL_ARGMAX32);
    }
#undef FC_KIND
}
