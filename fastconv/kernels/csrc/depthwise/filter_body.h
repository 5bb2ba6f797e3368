/* Part of depthwise/depthwise_f32.h, for one vector width. */

/* One vector of channels, `rows` x `cols` taps of which all exist for all `pixels`. */
FC_INLINE void FC_SIZED(depthwise_filter_taps)(const fc_depthwise *d, const int rows,
                                               const int cols, const float *x, const float *dy,
                                               float *dkernel, ptrdiff_t pixels, const int SW) {
    wf sum[FC_DW_ROWS][FC_DW_COLS];
}
