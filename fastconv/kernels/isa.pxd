# The active table of micro-kernels, as drivers see it. Field order is free: the struct is C's own.

from libc.stdint cimport int32_t, int64_t, uint16_t, uint64_t

cdef extern from "gemm/tile.h" nogil:
    enum: FC_LINEAR
    enum: FC_RELU
    ctypedef struct fc_tile:
        const float* const* a
        const Py_ssize_t* taps
        Py_ssize_t n_taps
        Py_ssize_t depth
        Py_ssize_t a_step
        const float* b
        Py_ssize_t b_step
        float* const* c
        Py_ssize_t c_offset
        Py_ssize_t rows
        Py_ssize_t cols
        const float* bias
        int accumulate
        Py_ssize_t added
        int activation

cdef extern from "gemm/strip.h" nogil:
    enum: FC_DOTS_COLS
    enum: FC_POOLED_SIZE
    ctypedef struct fc_strip:
        const float* a
        Py_ssize_t a_row, a_line
        const Py_ssize_t* offsets
        Py_ssize_t a_step
        Py_ssize_t depth
        Py_ssize_t run
        Py_ssize_t links
        const float* b
        Py_ssize_t b_step
        float* c
        Py_ssize_t c_row
        Py_ssize_t rows, cols
        const float* bias
        int accumulate
        Py_ssize_t added
        int activation

cdef extern from "pooling/pool.h" nogil:
    enum: FC_POOL_AVERAGE
    enum: FC_POOL_MAX
    enum: FC_POOL_ARGMAX8
    enum: FC_POOL_ARGMAX32
    ctypedef struct fc_pool:
        Py_ssize_t H, W, C
        Py_ssize_t OH, OW
        Py_ssize_t KH, KW, SH, SW
        Py_ssize_t PT, PL
        Py_ssize_t channels
        const float* weights
        int kind
        int activation

cdef extern from "depthwise/depthwise.h" nogil:
    ctypedef struct fc_depthwise:
        Py_ssize_t channels
        Py_ssize_t outputs
        Py_ssize_t cols
        Py_ssize_t stride, dilation
        Py_ssize_t x_pixel, y_pixel
        Py_ssize_t k_col, k_row
        int left, right
        int activation
    ctypedef struct fc_depthwise_block:
        Py_ssize_t W, C
        Py_ssize_t M
        Py_ssize_t first, channels
        Py_ssize_t width

cdef extern from "elementwise/map.h" nogil:
    ctypedef struct fc_map_args:
        float a, b, c
    ctypedef struct fc_add:
        const float* a
        const float* b
        const float* v
        float* y
        Py_ssize_t n
        int activation

cdef extern from "elementwise/dropout.h" nogil:
    ctypedef struct fc_dropout:
        const float* x
        float* y
        float* mask
        Py_ssize_t n
        uint64_t seed, first
        int32_t threshold
        float scale

cdef extern from "winograd/winograd.h" nogil:
    enum: FC_WINOGRAD_MEMBERS
    ctypedef struct fc_winograd_window:
        Py_ssize_t top, bottom, left, right
    ctypedef struct fc_winograd:
        Py_ssize_t mv, rv, mh, rh
        void (*input)(const float* x, Py_ssize_t row, Py_ssize_t pixel,
                      const fc_winograd_window* window, Py_ssize_t channels, float* v,
                      Py_ssize_t step, Py_ssize_t tiles, Py_ssize_t next) noexcept nogil
        void (*output)(const float* m, Py_ssize_t step, Py_ssize_t channels, const float* bias,
                       Py_ssize_t added, int activation, float* y, Py_ssize_t row, Py_ssize_t pixel,
                       Py_ssize_t rows, Py_ssize_t cols, Py_ssize_t tiles, Py_ssize_t next,
                       int* finite) noexcept nogil
        void (*kernel)(const float* g, const Py_ssize_t* taps, Py_ssize_t channels, float* u,
                       Py_ssize_t step) noexcept nogil
        void (*spread)(const float* dy, Py_ssize_t row, Py_ssize_t pixel, Py_ssize_t rows,
                       Py_ssize_t cols, Py_ssize_t channels, float* z, Py_ssize_t step,
                       Py_ssize_t tiles, Py_ssize_t next) noexcept nogil
        void (*gather)(const float* m, Py_ssize_t step, Py_ssize_t channels, float* dg,
                       const Py_ssize_t* taps, int* finite) noexcept nogil

cdef extern from "split/split.h" nogil:
    enum: FC_SPLIT_ROWS
    enum: FC_SPLIT_TILE
    enum: FC_SPLIT_COLS
    enum: FC_SPLIT_DEPTH
    enum: FC_SPLIT_B
    ctypedef struct fc_split_runs:
        const float* x
        Py_ssize_t x_step
        Py_ssize_t count, length
        uint16_t* out
        Py_ssize_t out_step, chunk_step, plane
        int planes
    ctypedef struct fc_split_strip:
        const uint16_t* a
        Py_ssize_t a_plane, a_step, a_below, a_block
        const Py_ssize_t* steps
        Py_ssize_t n_steps
        const uint16_t* b
        int planes
        float* const* c
        Py_ssize_t c_offset
        Py_ssize_t rows, cols
        Py_ssize_t tile
        const float* bias
        int accumulate
        Py_ssize_t added
        int activation
        unsigned char* spoiled

cdef extern from "rows/rows.h" nogil:
    enum: FC_SOFTMAX
    enum: FC_LOG_SOFTMAX
    enum: FC_SOFTMAX_BACKWARD
    enum: FC_LOG_SOFTMAX_BACKWARD
    ctypedef struct fc_rows:
        const float* a
        const float* b
        float* out
        Py_ssize_t rows, cols
    ctypedef struct fc_cross_entropy:
        const float* logits
        const int64_t* classes
        const float* labels
        const float* weights
        float* loss
        float* dlogits
        Py_ssize_t rows, cols

cdef extern from "normalization/channels.h" nogil:
    enum: FC_SUM
    enum: FC_SUM_SQUARES
    enum: FC_SUM_GRADIENTS
    enum: FC_SUM_OUTER_GRADIENTS
    enum: FC_CHANNEL_VECS
    ctypedef struct fc_channel_sums:
        const float* x
        const float* dy
        const float* mean
        float* sums
        Py_ssize_t n, period
        int activation
        const float* scale
        const float* shift
        const float* more
        const float* v
        float* dz
    ctypedef struct fc_channel_map:
        const float* x
        const float* dy
        const float* more
        float* y
        const float* mean
        const float* scale
        const float* shift
        const float* dy_scale
        const float* beta
        int activation
        Py_ssize_t n, period

cdef extern from "optimizer/step.h" nogil:
    ctypedef struct fc_step:
        float* w
        const float* g
        float* slots[3]
        Py_ssize_t n
        float rate, decay, grad_scale, clip, momentum
        int nesterov
        float first_rate, second_rate, epsilon

cdef extern from "registry.h" nogil:
    ctypedef struct fc_ukernels:
        const char* name
        unsigned needs
        Py_ssize_t vl
        Py_ssize_t tile_rows
        Py_ssize_t tile_cols
        fc_winograd* winograd
        void (*tile_f32)(const fc_tile* tile) noexcept nogil
        void (*strip_f32)(const fc_strip* strip) noexcept nogil
        void (*dots_f32)(const fc_strip* strip) noexcept nogil
        void (*pooled_strip_f32)(const fc_strip* strip) noexcept nogil
        void (*row_f32)(const float* a, Py_ssize_t a_step, const float* b, Py_ssize_t b_step,
                        Py_ssize_t depth, Py_ssize_t cols, float* sum) noexcept nogil
        void (*pack_rows)(float* packed, const float* b, Py_ssize_t b_step, Py_ssize_t rows,
                          Py_ssize_t cols, Py_ssize_t width) noexcept nogil
        void (*pack_columns)(float* packed, const float* b, Py_ssize_t b_step, Py_ssize_t rows,
                             Py_ssize_t cols, Py_ssize_t width) noexcept nogil
        void (*fma_chain)(long steps, float* out) noexcept nogil
        void (*pool_f32)(const fc_pool* p, Py_ssize_t oh, const float* x, float* y,
                         void* argmax) noexcept nogil
        void (*pool_backward_f32)(const fc_pool* p, Py_ssize_t ih, const float* dy,
                                  const void* argmax, float* dx) noexcept nogil
        void (*depthwise_load_f32)(const fc_depthwise_block* b, Py_ssize_t begin, const float* x,
                                   float* copy) noexcept nogil
        void (*depthwise_f32)(const fc_depthwise* d, const float* const* x, Py_ssize_t n,
                              Py_ssize_t offset, const float* kernel, const float* bias,
                              float* y) noexcept nogil
        void (*depthwise_filter_f32)(const fc_depthwise* d, const float* const* x, Py_ssize_t n,
                                     Py_ssize_t offset, const float* dy, float* dkernel) noexcept nogil
        void (*map_f32)(int code, const fc_map_args* args, const float* x, float* y,
                        Py_ssize_t n) noexcept nogil
        void (*map_backward_f32)(int code, const fc_map_args* args, const float* dy,
                                 const float* v, float* dx, Py_ssize_t n) noexcept nogil
        void (*add_f32)(const fc_add* task) noexcept nogil
        void (*dropout_f32)(const fc_dropout* task) noexcept nogil
        void (*softmax_rows)(int kind, const fc_rows* task) noexcept nogil
        void (*softmax_cross_entropy)(const fc_cross_entropy* task) noexcept nogil
        void (*sigmoid_cross_entropy)(const fc_cross_entropy* task) noexcept nogil
        void (*gather_f32)(int source, const void* x, const int64_t* indices, float* y,
                           Py_ssize_t rows, Py_ssize_t cols) noexcept nogil
        void (*channel_sums)(int kind, const fc_channel_sums* task) noexcept nogil
        void (*channel_map)(const fc_channel_map* task) noexcept nogil
        void (*sgd_step)(const fc_step* task) noexcept nogil
        void (*adam_step)(const fc_step* task) noexcept nogil
        void (*rmsprop_step)(const fc_step* task) noexcept nogil
        void (*sum_of_squares)(const float* x, Py_ssize_t n, double* result) noexcept nogil
        void (*split_runs)(const fc_split_runs* runs) noexcept nogil
        void (*split_pairs)(const float* block, Py_ssize_t row, uint16_t* out,
                            int planes) noexcept nogil
        void (*split_strip)(const fc_split_strip* strip) noexcept nogil
        void (*split_configure)(int tile) noexcept nogil
        void (*split_cycles)(double* cycles) noexcept nogil

cdef const fc_ukernels* active_table() noexcept nogil
