"""The gradient of a convolution for its kernel: a product that sums over pixels.

    dkernel[t, c, f] = sum over pixels (n, i, j) of  x[n, i * SH + ty[t], j * SW + tx[t], c] * dy[n, i, j, f]

Rows of the product are (tap, channel), columns are filters, and one summed run is a row of output
pixels. Blocks of pixels are the forward pass's; the sum over blocks has a fixed shape: block b goes
to partial sum b mod S, and the S partial sums are added in order. S follows from the shapes alone,
so no bit depends on the number of threads. Where the kernel is too large for partial sums (S = 1),
threads share out rows and columns instead.
"""

from libc.string cimport memset

from .gemm cimport ceil_div, multiply_rows, packed_floats, rows_job
from .isa cimport FC_LINEAR, active_table
from .taps cimport (
    create_view, delete_view, divide, finish_view, load, locate, place, tap_block, tap_blocks,
    tap_image, tap_view, unfold as unfold_pixels,
)
from .threads cimport parallel_for, team_size, worker
from .workspace cimport (
    FC_SLOT_IMAGE, FC_SLOT_PACK_B, FC_SLOT_PARTIAL, FC_SLOT_ROWS, scratch,
)

cdef enum:
    BLOCK_FLOATS = 80 * 1024         # of x: with as much of dy they stay in L2
    LARGE_FLOATS = 384 * 1024        # where every further block would pass over a large kernel again
    LARGE_KERNEL = 64 * 1024
    BLOCK_PIXELS = 4096
    PARTIAL_FLOATS = 1024 * 1024     # of all partial sums together
    PARTIALS = 8


cdef struct filter_context:
    const tap_view* view
    tap_image image
    tap_blocks blocks
    const float* x
    const float* dy
    float* dkernel
    Py_ssize_t groups, cols, filters, rows, dy_image, dy_row
    bint unfold
    Py_ssize_t partials          # S
    float* partial               # [S][rows of all taps * filters]; dkernel itself when S is 1
    float* loaded                # TMP per worker
    Py_ssize_t loaded_floats
    float* packed                # TMP per worker
    Py_ssize_t packed_floats
    Py_ssize_t* words            # TMP per worker: rows of A, of C, offsets of lines of x, of dy, pixels
    Py_ssize_t n_words
    # S is 1: the group and block in hand, whose tasks take some rows and columns each
    Py_ssize_t group, number, chunk_rows, chunk_cols, col_chunks


cdef void add_block(
    filter_context* s, Py_ssize_t number, Py_ssize_t group, bint load_it, float* loaded, float* out,
    bint first, Py_ssize_t row_begin, Py_ssize_t row_end, Py_ssize_t col_begin, Py_ssize_t col_end,
) noexcept nogil:
    """Add one block's products to `out`; its image is in `loaded`, or is loaded to there first."""
    cdef const tap_view* view = s.view
    cdef Py_ssize_t depth = s.image.depth
    cdef Py_ssize_t* words = s.words + worker() * s.n_words
    cdef const float** a = <const float**>words
    cdef float** c = <float**>(words + s.rows)
    cdef Py_ssize_t* lines = words + 2 * s.rows
    cdef Py_ssize_t* dy_lines = lines + s.blocks.images * s.blocks.rows
    cdef const float** pixels = <const float**>(dy_lines + s.blocks.images * s.blocks.rows)
    cdef const float* x = s.x + group * depth
    cdef float* columns = loaded + s.blocks.floats
    cdef tap_block block
    cdef rows_job job
    cdef Py_ssize_t t, n, i, j, m
    locate(&block, &s.blocks, view, &s.image, number)
    if load_it:
        load(&block, view, &s.image, x, loaded)
    else:
        place(&block, view, &s.image, x, loaded)
    for n in range(block.images):
        for i in range(block.rows):
            lines[n * block.rows + i] = n * block.image_step + i * block.row_step
            dy_lines[n * block.rows + i] = n * s.dy_image + i * s.dy_row
    job.a, job.c, job.rows = a + row_begin, c + row_begin, row_end - row_begin
    job.taps, job.n_taps, job.depth = lines, block.images * block.rows, block.cols
    job.a_step = block.col_step
    if s.unfold:
        if load_it:
            m = 0
            for i in range(block.images * block.rows):
                for j in range(block.cols):
                    pixels[m] = block.data + lines[i] + j * block.col_step
                    m += 1
            unfold_pixels(view, &block, depth, pixels, m, columns)
        job.depth, job.n_taps = job.n_taps * block.cols, 1
        job.a_step = s.rows
        lines[0] = 0
    for m in range(row_begin, row_end):
        t = m // depth
        if s.unfold:
            a[m] = columns + m
        else:
            a[m] = (block.data + m % depth
                    + (view.ty[t] * block.pixel_row + view.tx[t]) * block.pixel)
        c[m] = out + m * s.filters + group * s.cols
    job.b = (s.dy + block.image * s.dy_image + block.row * s.dy_row + block.col * s.filters
             + group * s.cols)
    job.b_taps, job.b_depth = dy_lines, block.cols
    if block.cols == view.cols and (block.images == 1 or block.rows == view.rows):
        # The lines of dy lie one behind another.
        job.b_taps, job.b_depth = NULL, block.images * block.rows * block.cols
    job.b_k, job.b_n = s.filters, 1
    job.col_begin, job.col_end = col_begin, col_end
    job.b_panel, job.chain = 0, 0
    job.bias, job.added, job.activation, job.accumulate = NULL, 0, FC_LINEAR, not first
    job.packed = s.packed + worker() * s.packed_floats
    multiply_rows(&job)


cdef void partial_task(void* context, Py_ssize_t task) noexcept nogil:
    """Sum up blocks p, p + S, p + 2 S ... of one group in partial sum p."""
    cdef filter_context* s = <filter_context*>context
    cdef Py_ssize_t group = task % s.groups, p = task // s.groups, number = p
    cdef float* out = s.partial + p * s.rows * s.filters
    cdef float* loaded = s.loaded + worker() * s.loaded_floats
    while number < s.blocks.count:
        add_block(s, number, group, True, loaded, out, number == p, 0, s.rows, 0, s.cols)
        number += s.partials


cdef void load_task(void* context, Py_ssize_t task) noexcept nogil:
    """Load the block in hand; its products are left to chunk_task."""
    cdef filter_context* s = <filter_context*>context
    add_block(s, s.number, s.group, True, s.loaded, s.dkernel, False, 0, 0, 0, 0)


cdef void chunk_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add the block in hand to some rows and columns of dkernel."""
    cdef filter_context* s = <filter_context*>context
    cdef Py_ssize_t row = task // s.col_chunks * s.chunk_rows
    cdef Py_ssize_t col = task % s.col_chunks * s.chunk_cols
    add_block(s, s.number, s.group, False, s.loaded, s.dkernel, s.number == 0,
              row, min(row + s.chunk_rows, s.rows), col, min(col + s.chunk_cols, s.cols))


cdef void reduce_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add the partial sums of one row of the product."""
    cdef filter_context* s = <filter_context*>context
    cdef float* out = s.dkernel + task * s.filters
    cdef const float* part = s.partial + task * s.filters
    cdef Py_ssize_t _, f, step = s.rows * s.filters
    for f in range(s.filters):
        out[f] = part[f]
    for _ in range(1, s.partials):
        part += step
        for f in range(s.filters):
            out[f] += part[f]


cdef class FilterGradient:
    """The gradient for the kernel of one convolution; made once per problem, used by any thread.

    Parameters
    ----------
    image : (N, H, W, C)
        Shape of x, C counting all groups.
    output : (OH, OW, F)
        Shape of one image of dy, F counting all groups.
    groups, depth, cols : int
        Groups, and channels and filters of one.
    view : tuple
        The view of the forward pass, see taps.create_view.
    unfold : bool
        Write the taps of a pixel side by side (im2col).
    """

    cdef tap_view view
    cdef tap_image image
    cdef tap_blocks blocks
    cdef Py_ssize_t groups, cols, filters, rows, dy_image, dy_row, partials
    cdef bint unfold

    def __cinit__(self, image, output, groups, depth, cols, view, unfold):
        cdef Py_ssize_t pixels = BLOCK_PIXELS, floats = BLOCK_FLOATS
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = depth
        self.groups, self.cols, self.filters, self.unfold = groups, cols, output[2], unfold
        self.dy_row = output[1] * output[2]
        self.dy_image = output[0] * self.dy_row
        create_view(&self.view, view)
        finish_view(&self.view, &self.image)
        self.rows = self.view.n_taps * depth
        if self.rows * self.filters >= LARGE_KERNEL:
            floats = LARGE_FLOATS
        if unfold:
            pixels = max(1, min(pixels, 2 * floats // max(self.rows, 1)))
        # dy's floats count too: a block of many filters holds fewer pixels.
        pixels = max(1, min(pixels, floats // max(cols, 1)))
        divide(&self.blocks, &self.view, &self.image, floats, pixels)
        self.partials = PARTIALS if floats == BLOCK_FLOATS else 1
        while self.partials > 1 and (
            self.partials > self.blocks.count
            or self.partials * self.rows * self.filters > PARTIAL_FLOATS
        ):
            self.partials //= 2

    def __dealloc__(self):
        delete_view(&self.view)

    cdef void describe(self, filter_context* s) noexcept nogil:
        """Fill in everything that follows from the shapes."""
        cdef Py_ssize_t lines = self.blocks.images * self.blocks.rows
        s.view, s.image, s.blocks = &self.view, self.image, self.blocks
        s.groups, s.cols, s.filters, s.rows = self.groups, self.cols, self.filters, self.rows
        s.dy_image, s.dy_row = self.dy_image, self.dy_row
        s.unfold, s.partials = self.unfold, self.partials
        s.loaded_floats = self.blocks.floats
        s.n_words = 2 * self.rows + 2 * lines
        if self.unfold:
            s.loaded_floats += lines * self.blocks.cols * self.rows
            s.n_words += lines * self.blocks.cols
        s.packed_floats = packed_floats()

    def run(
        self, const float[::1] x not None, const float[::1] dy not None,
        float[::1] dkernel not None,
    ) -> None:
        """Compute dkernel from flat arrays; sizes are the caller's to check."""
        cdef filter_context s
        cdef double cycles
        cdef Py_ssize_t tile_rows = active_table().tile_rows, tile_cols = active_table().tile_cols
        cdef int team
        if dkernel.shape[0] == 0:
            return
        s.dkernel = &dkernel[0]
        if self.blocks.count == 0 or dy.shape[0] == 0 or x.shape[0] == 0:
            memset(s.dkernel, 0, dkernel.shape[0] * sizeof(float))
            return
        self.describe(&s)
        s.x, s.dy = &x[0], &dy[0]
        cycles = <double>dy.shape[0] * self.rows / (2.0 * active_table().vl)
        if self.partials > 1:
            team = team_size(self.partials * self.groups, cycles)
        else:
            team = team_size(ceil_div(self.rows, tile_rows) * ceil_div(self.cols, tile_cols), cycles)
        # One thread takes all at once: every chunk packs dy for itself.
        s.chunk_rows, s.chunk_cols = self.rows, self.cols
        if team > 1:
            s.chunk_rows = ceil_div(ceil_div(self.rows, 2 * team), tile_rows) * tile_rows
            s.chunk_cols = max(tile_cols, ceil_div(ceil_div(self.cols, 2), tile_cols) * tile_cols)
        s.col_chunks = ceil_div(self.cols, s.chunk_cols)
        s.loaded = scratch(FC_SLOT_IMAGE, team * s.loaded_floats + 1)
        s.packed = scratch(FC_SLOT_PACK_B, team * s.packed_floats)
        s.words = <Py_ssize_t*>scratch(
            FC_SLOT_ROWS, team * s.n_words * sizeof(void*) // sizeof(float)
        )
        if self.partials > 1:
            s.partial = scratch(FC_SLOT_PARTIAL, self.partials * self.rows * self.filters)
            with nogil:
                parallel_for(partial_task, &s, self.partials * self.groups, team)
                parallel_for(reduce_task, &s, self.rows,
                             team_size(self.rows, self.partials * self.rows * self.filters / 4.0))
            return
        with nogil:
            for s.group in range(self.groups):
                for s.number in range(self.blocks.count):
                    if self.view.copied or self.unfold:
                        parallel_for(load_task, &s, 1, 1)
                    parallel_for(chunk_task, &s, ceil_div(self.rows, s.chunk_rows) * s.col_chunks, team)

    def workspace_bytes(self) -> int:
        """Return the scratch memory that one thread uses."""
        cdef filter_context s
        self.describe(&s)
        shared = self.partials * self.rows * self.filters if self.partials > 1 else 0
        return 4 * (s.loaded_floats + s.packed_floats + shared) + s.n_words * sizeof(void*)
