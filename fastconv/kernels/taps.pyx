"""Blocks of pixels of a convolution: their division, and their zero-padded copies.

A block that reaches over the border is copied once into scratch memory with its zeros around it, so
that every tap of every pixel lies at a constant offset; a block inside is read where it lies.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from .gemm cimport ceil_div

# Pixels these multiples of floats apart share few sets of an L1 cache of 4 KB ways, and with whole
# ways apart a single one; a loaded block lays them some vectors further apart.
cdef enum:
    CROWDED_FLOATS = 256
    ALIASING_FLOATS = 1024
    PITCH_FLOATS = 16


cdef int create_view(tap_view* view, tuple description) except -1:
    """Fill a view from (rows, cols, out_offset, out_row, out_col, in_row, in_col, ty, tx, b_taps)."""
    cdef Py_ssize_t t
    (view.rows, view.cols, view.out_offset, view.out_row, view.out_col,
     view.in_row, view.in_col) = description[:7]
    ty, tx, b_taps = description[7:]
    view.n_taps = len(ty)
    view.ty = <Py_ssize_t*>malloc(max(3 * view.n_taps, 1) * sizeof(Py_ssize_t))
    if view.ty == NULL:
        raise MemoryError
    view.tx = view.ty + view.n_taps
    view.b_taps = view.tx + view.n_taps
    for t in range(view.n_taps):
        view.ty[t], view.tx[t], view.b_taps[t] = ty[t], tx[t], b_taps[t]
    return 0


cdef void delete_view(tap_view* view) noexcept:
    free(view.ty)


cdef void finish_view(tap_view* view, const tap_image* image) noexcept nogil:
    """Derive the extent of the taps, whether they leave the image, and the runs of neighbours."""
    cdef Py_ssize_t t, run
    cdef bint equal
    view.min_y = view.max_y = view.min_x = view.max_x = 0
    for t in range(view.n_taps):
        view.min_y = min(view.min_y, view.ty[t]) if t else view.ty[0]
        view.max_y = max(view.max_y, view.ty[t]) if t else view.ty[0]
        view.min_x = min(view.min_x, view.tx[t]) if t else view.tx[0]
        view.max_x = max(view.max_x, view.tx[t]) if t else view.tx[0]
    view.copied = view.n_taps > 0 and (
        view.min_y < 0 or view.min_x < 0
        or (view.rows - 1) * view.in_row + view.max_y >= image.H
        or (view.cols - 1) * view.in_col + view.max_x >= image.W
        or (image.C % ALIASING_FLOATS == 0 and view.in_row == 1 and view.in_col == 1)
    )
    view.pitch = image.depth + PITCH_FLOATS if image.depth % CROWDED_FLOATS == 0 else image.depth
    # Neighbouring taps read neighbouring floats when a pixel holds nothing but its group.
    view.run = 1
    if view.n_taps and image.depth == (view.pitch if view.copied else image.C):
        run = 1
        while run < view.n_taps and joined(view, run):
            run += 1
        equal = view.n_taps % run == 0
        for t in range(view.n_taps):
            if t % run and not joined(view, t):
                equal = False
        if equal:
            view.run = run


cdef bint joined(const tap_view* view, Py_ssize_t t) noexcept nogil:
    return view.ty[t] == view.ty[t - 1] and view.tx[t] == view.tx[t - 1] + 1


cdef Py_ssize_t span(Py_ssize_t count, Py_ssize_t step, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    """Return the input pixels along one axis that `count` output pixels read."""
    return (count - 1) * step + high - low + 1


cdef Py_ssize_t loaded_floats(
    const tap_view* view, const tap_image* image, Py_ssize_t rows, Py_ssize_t cols,
) noexcept nogil:
    return (span(rows, view.in_row, view.min_y, view.max_y)
            * span(cols, view.in_col, view.min_x, view.max_x) * view.pitch)


cdef void divide(
    tap_blocks* blocks, const tap_view* view, const tap_image* image,
    Py_ssize_t max_floats, Py_ssize_t max_pixels,
) noexcept nogil:
    """Divide the view into blocks that load at most about `max_floats` and hold `max_pixels`."""
    cdef Py_ssize_t images = 1, rows = view.rows, cols = view.cols, floats
    while rows > 1 and (loaded_floats(view, image, rows, cols) > max_floats
                        or rows * cols > max_pixels):
        rows = (rows + 1) // 2
    while rows == 1 and cols > 1 and (loaded_floats(view, image, 1, cols) > max_floats
                                      or cols > max_pixels):
        cols = (cols + 1) // 2
    floats = loaded_floats(view, image, rows, cols)
    if rows == view.rows and cols == view.cols and rows * cols > 0:
        images = max(1, min(image.N, max_floats // max(floats, 1), max_pixels // (rows * cols)))
    count_blocks(blocks, view, image, images, rows, cols)


cdef void count_blocks(
    tap_blocks* blocks, const tap_view* view, const tap_image* image, Py_ssize_t images,
    Py_ssize_t rows, Py_ssize_t cols,
) noexcept nogil:
    blocks.images, blocks.rows, blocks.cols = images, rows, cols
    blocks.image_blocks = ceil_div(image.N, images)
    blocks.row_blocks = ceil_div(view.rows, rows) if rows else 0
    blocks.col_blocks = ceil_div(view.cols, cols) if cols else 0
    blocks.count = blocks.image_blocks * blocks.row_blocks * blocks.col_blocks
    blocks.floats = images * loaded_floats(view, image, rows, cols) if view.copied else 0


cdef void take_whole_rows(
    tap_blocks* blocks, const tap_view* view, const tap_image* image, Py_ssize_t unit,
) noexcept nogil:
    """Let blocks hold whole rows, a multiple of `unit` of them."""
    cdef Py_ssize_t rows = blocks.rows if blocks.cols == view.cols else 1
    rows = min(ceil_div(rows, unit) * unit, view.rows)
    count_blocks(blocks, view, image, blocks.images, rows, view.cols)


cdef void locate(
    tap_block* block, const tap_blocks* blocks, const tap_view* view, const tap_image* image,
    Py_ssize_t number,
) noexcept nogil:
    """Fill in what block `number` holds."""
    block.col = number % blocks.col_blocks * blocks.cols
    number //= blocks.col_blocks
    block.row = number % blocks.row_blocks * blocks.rows
    block.image = number // blocks.row_blocks * blocks.images
    block.images = min(blocks.images, image.N - block.image)
    block.rows = min(blocks.rows, view.rows - block.row)
    block.cols = min(blocks.cols, view.cols - block.col)


cdef void place(
    tap_block* block, const tap_view* view, const tap_image* image, const float* x,
    const float* loaded,
) noexcept nogil:
    """Say where the block's taps lie: in `loaded`, as load() left it, or else in the image itself."""
    cdef Py_ssize_t height, width
    if not view.copied:
        block.data = (x + ((block.image * image.H + block.row * view.in_row) * image.W
                           + block.col * view.in_col) * image.C)
        block.pixel, block.pixel_row = image.C, image.W
        block.image_step = image.H * image.W * image.C
    else:
        height = span(block.rows, view.in_row, view.min_y, view.max_y)
        width = span(block.cols, view.in_col, view.min_x, view.max_x)
        block.data = loaded - (view.min_y * width + view.min_x) * view.pitch
        block.pixel, block.pixel_row = view.pitch, width
        block.image_step = height * width * view.pitch
    block.row_step = view.in_row * block.pixel_row * block.pixel
    block.col_step = view.in_col * block.pixel


cdef void load(
    tap_block* block, const tap_view* view, const tap_image* image, const float* x, float* loaded,
) noexcept nogil:
    """Make every tap of the block readable; `x` begins at the group's first channel."""
    cdef Py_ssize_t top, left, height, width, n, i, y, inside, before
    cdef float* out = loaded
    cdef const float* line
    place(block, view, image, x, loaded)
    if not view.copied:
        return
    top = block.row * view.in_row + view.min_y
    left = block.col * view.in_col + view.min_x
    height = span(block.rows, view.in_row, view.min_y, view.max_y)
    width = span(block.cols, view.in_col, view.min_x, view.max_x)
    before = min(max(-left, 0), width)
    inside = max(min(left + width, image.W) - max(left, 0), 0)
    for n in range(block.images):
        for i in range(height):
            y = top + i
            if y < 0 or y >= image.H or inside == 0:
                memset(out, 0, width * view.pitch * sizeof(float))
            else:
                line = x + (((block.image + n) * image.H + y) * image.W + max(left, 0)) * image.C
                memset(out, 0, before * view.pitch * sizeof(float))
                copy_pixels(out + before * view.pitch, view.pitch, line, image.C, inside, image.depth)
                memset(out + (before + inside) * view.pitch, 0,
                       (width - before - inside) * view.pitch * sizeof(float))
            out += width * view.pitch


cdef void copy_pixels(
    float* out, Py_ssize_t out_step, const float* x, Py_ssize_t x_step, Py_ssize_t count,
    Py_ssize_t depth,
) noexcept nogil:
    cdef Py_ssize_t i
    if depth == x_step and depth == out_step:
        memcpy(out, x, count * depth * sizeof(float))
    else:
        for i in range(count):
            memcpy(out + i * out_step, x + i * x_step, depth * sizeof(float))


cdef void unfold(
    const tap_view* view, const tap_block* block, Py_ssize_t depth, const float** pixels,
    Py_ssize_t count, float* columns,
) noexcept nogil:
    """Write the taps of each pixel side by side (im2col): columns[m] = all of in[m + tap t, :]."""
    cdef Py_ssize_t m, t, i, length = view.run * depth
    cdef const float* source
    for m in range(count):
        for t from 0 <= t < view.n_taps by view.run:
            source = pixels[m] + (view.ty[t] * block.pixel_row + view.tx[t]) * block.pixel
            if length < 64:  # shorter than a call of memcpy takes
                for i in range(length):
                    columns[i] = source[i]
            else:
                memcpy(columns, source, length * sizeof(float))
            columns += length
