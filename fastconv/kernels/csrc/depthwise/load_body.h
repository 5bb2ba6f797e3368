/* Part of depthwise/depthwise_f32.h, for one vector width. */
static void FC_SIZED(depthwise_copy)(const fc_depthwise_block *b, ptrdiff_t pixels,
                                     const float *x, float *copy) {
    const ptrdiff_t channels = b->channels, step = b->C;
    for (; pixels > 0; pixels--, x += step, copy += channels) {
        ptrdiff_t i = 0;
        for (; i + 4 * FC_W <= channels; i += 4 * FC_W) {
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++) wf_store(copy + i + v * FC_W, wf_load(x + i + v * FC_W));
        }
        for (; i < channels; i += FC_W) {
            const ptrdiff_t c = fc_fit(i, FC_W, channels);
            wf_store(copy + c, wf_load(x + c));
        }
    }
}
