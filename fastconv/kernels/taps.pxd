# A convolution as a sum over taps, and the blocks of pixels it is worked off in.
#
#   out[n, i, j, :] = sum over taps t of  in[n, i * in_row + ty[t], j * in_col + tx[t], :] @ B[t]
#
# with zeros outside the image. The forward pass is one such view of all output pixels. The gradient
# for the input is one view for each phase of the strides: dx[p + i * SH, ...] gets only those taps
# that divide, so no product is with a zero that dilation by the stride would have inserted.

cdef struct tap_view:
    Py_ssize_t rows, cols            # output pixels of this view
    Py_ssize_t out_offset            # elements: the view's first pixel inside an image,
    Py_ssize_t out_row, out_col      # and the distance of its neighbours
    Py_ssize_t in_row, in_col        # input pixels between neighbouring output pixels
    Py_ssize_t n_taps
    Py_ssize_t* ty                   # [n_taps] input pixels relative to (i * in_row, j * in_col)
    Py_ssize_t* tx
    Py_ssize_t* b_taps               # [n_taps] elements: where B[t] begins
    Py_ssize_t min_y, max_y, min_x, max_x
    bint copied                      # blocks are loaded: taps leave the image, or pixels are crowded
    Py_ssize_t pitch                 # elements between pixels of a loaded block
    Py_ssize_t run                   # taps that are neighbours in x, worked off as one (>= 1)

# What all blocks of a convolution share: an image (N, H, W, C) read in groups of `depth` channels.
cdef struct tap_image:
    Py_ssize_t N, H, W, C
    Py_ssize_t depth

# A block: images x rows x columns of output pixels. Sizes come from the shapes alone.
cdef struct tap_blocks:
    Py_ssize_t images, rows, cols    # of one block; the last of each axis may hold less
    Py_ssize_t image_blocks, row_blocks, col_blocks
    Py_ssize_t count
    Py_ssize_t floats                # of a loaded block (0 when the image is read in place)

cdef struct tap_block:
    Py_ssize_t image, row, col       # where it begins
    Py_ssize_t images, rows, cols    # what it holds
    # Where pixel (n, i, j) of the block has its tap t: at
    # data + n * image_step + i * row_step + j * col_step + ((ty[t] * pixel_row) + tx[t]) * pixel
    const float* data
    Py_ssize_t image_step, row_step, col_step
    Py_ssize_t pixel_row, pixel

cdef int create_view(tap_view* view, tuple description) except -1
cdef void delete_view(tap_view* view) noexcept
cdef void finish_view(tap_view* view, const tap_image* image) noexcept nogil
cdef void divide(tap_blocks* blocks, const tap_view* view, const tap_image* image,
                 Py_ssize_t max_floats, Py_ssize_t max_pixels) noexcept nogil
cdef void take_whole_rows(tap_blocks* blocks, const tap_view* view, const tap_image* image,
                          Py_ssize_t unit) noexcept nogil
cdef void locate(tap_block* block, const tap_blocks* blocks, const tap_view* view,
                 const tap_image* image, Py_ssize_t number) noexcept nogil
cdef void place(tap_block* block, const tap_view* view, const tap_image* image,
                const float* x, const float* loaded) noexcept nogil
cdef void load(tap_block* block, const tap_view* view, const tap_image* image,
               const float* x, float* loaded) noexcept nogil
cdef void unfold(const tap_view* view, const tap_block* block, Py_ssize_t depth,
                 const float** pixels, Py_ssize_t count, float* columns) noexcept nogil
