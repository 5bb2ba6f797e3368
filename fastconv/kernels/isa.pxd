# The active table of micro-kernels, as drivers see it. Field order is free: the struct is C's own.

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
        int activation

cdef extern from "registry.h" nogil:
    ctypedef struct fc_ukernels:
        const char* name
        unsigned needs
        Py_ssize_t vl
        Py_ssize_t tile_rows
        Py_ssize_t tile_cols
        void (*tile_f32)(const fc_tile* tile) noexcept nogil
        void (*pack_rows)(float* packed, const float* b, Py_ssize_t b_step, Py_ssize_t rows,
                          Py_ssize_t cols, Py_ssize_t width) noexcept nogil
        void (*pack_columns)(float* packed, const float* b, Py_ssize_t b_step, Py_ssize_t rows,
                             Py_ssize_t cols, Py_ssize_t width) noexcept nogil
        void (*fma_chain)(long steps, float* out) noexcept nogil

cdef const fc_ukernels* active_table() noexcept nogil
