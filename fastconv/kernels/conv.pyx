"""Convolution as a sum over taps (taps.pxd): the forward pass and the gradient for the input.

A task takes one block of pixels, one group and some columns (output channels). Direct convolution
reads the (padded) image where it lies, as lines of equally distant pixels where few elements are
summed, else by lists of pointers to the pixels; im2col writes the taps of each pixel side by side
first. All are the same product; lines and lists give the same bits.
"""

from libc.stdlib cimport calloc, free

from .gemm cimport (
    can_be_dots, ceil_div, grid_axis, is_chain, multiply_grid, multiply_rows, multiply_windows,
    pack_all, packed_floats, rows_job,
)
from .isa cimport FC_POOLED_SIZE, active_table, fc_ukernels
from .pooling cimport Maxima
from .taps cimport (
    create_view, delete_view, divide, finish_view, load, locate, take_whole_rows, tap_block, tap_blocks,
    tap_image, tap_view, unfold as unfold_pixels,
)
from .threads cimport parallel_for, team_size, worker
from .workspace cimport FC_SLOT_IMAGE, FC_SLOT_PACK_B, FC_SLOT_PARTIAL, FC_SLOT_ROWS, scratch

# A block's input stays in L2 (with a packed panel of B and the results), its pointers in L1.
cdef enum:
    BLOCK_FLOATS = 112 * 1024
    BLOCK_PIXELS = 2048
    GRID_DEPTH = 576      # most elements summed over lines of pixels, whose ends leave tiles half empty
    POOLED_FLOATS = 6144  # of results that are pooled: they stay in L1


cdef struct conv_context:
    const tap_view* view
    tap_image image
    tap_blocks blocks
    rows_job job                 # what all tasks share
    const float* x
    float* y
    const float* b
    const float* bias
    Py_ssize_t groups, b_group, y_image, y_pixel
    Py_ssize_t cols              # output channels of a group
    Py_ssize_t chunk_cols, col_chunks
    bint unfold, grid
    bint windows                 # results are pooled in registers
    double cycles                # of all tasks on one thread, about
    void* maxima                 # a Maxima that takes the results, or NULL
    float* results               # TMP per worker: a block's rows, laid out as y
    Py_ssize_t results_floats
    float* loaded                # TMP per worker
    Py_ssize_t loaded_floats
    float* packed                # TMP per worker
    Py_ssize_t packed_floats
    Py_ssize_t* words            # TMP per worker: rows of A, of C, offsets of the taps
    Py_ssize_t n_words


cdef void conv_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef conv_context* s = <conv_context*>context
    cdef const tap_view* view = s.view
    cdef tap_block block
    cdef rows_job job = s.job
    cdef Py_ssize_t chunk = task % s.col_chunks
    cdef Py_ssize_t group = task // s.col_chunks % s.groups
    cdef float* loaded = s.loaded + worker() * s.loaded_floats
    cdef Py_ssize_t* words = s.words + worker() * s.n_words
    cdef grid_axis axes[3]
    cdef Py_ssize_t n, y_image = s.y_image
    cdef float* out
    locate(&block, &s.blocks, view, &s.image, task // s.col_chunks // s.groups)
    load(&block, view, &s.image, s.x + group * s.image.depth, loaded)
    job.b = s.b + group * s.b_group
    job.bias = s.bias
    if s.bias != NULL:
        job.bias += group * s.cols
    job.col_begin = chunk * s.chunk_cols
    job.col_end = min(job.col_begin + s.chunk_cols, s.cols)
    job.packed = s.packed + worker() * s.packed_floats
    if s.windows:
        find_taps(view, &block, job.n_taps, words)
        job.taps = words
        pool_windows(<Maxima>s.maxima, &job, &block, group * s.cols)
        return
    if s.maxima != NULL:
        y_image = block.rows * view.out_row
        out = s.results + worker() * s.results_floats
    else:
        out = (s.y + block.image * s.y_image + view.out_offset + block.row * view.out_row
               + block.col * view.out_col)
    if s.grid:
        axes[0] = grid_axis(block.images, block.image_step, y_image)
        axes[1] = grid_axis(block.rows, block.row_step, view.out_row)
        axes[2] = grid_axis(block.cols, block.col_step, view.out_col)
        find_taps(view, &block, job.n_taps, words)
        job.taps = words
        multiply_grid(&job, axes, block.data, out + group * s.cols)
    else:
        multiply_list(s, &job, &block, loaded, words, out + group * s.cols, y_image)
    if s.maxima != NULL:
        for n in range(block.images):
            (<Maxima>s.maxima).take(
                block.image + n, block.row, block.rows, out + n * y_image,
                group * s.cols + job.col_begin, group * s.cols + job.col_end,
            )


cdef void pool_windows(
    Maxima maxima, rows_job* job, const tap_block* block, Py_ssize_t channel,
) noexcept nogil:
    """Compute the maxima of a block of whole rows, and no sum twice."""
    cdef Py_ssize_t first = block.row // FC_POOLED_SIZE, row = maxima.pool.OW * maxima.pool.C
    cdef Py_ssize_t image = maxima.pool.OH * row
    cdef grid_axis[3] axes
    axes[0] = grid_axis(block.images, block.image_step, image)
    axes[1] = grid_axis(min(ceil_div(block.rows, FC_POOLED_SIZE), maxima.pool.OH - first),
                        FC_POOLED_SIZE * block.row_step, row)
    axes[2] = grid_axis(maxima.pool.OW, 0, maxima.pool.C)
    job.activation = maxima.pool.activation
    multiply_windows(job, axes, block.data, block.col_step, block.row_step,
                     maxima.y + block.image * image + first * row + channel)


cdef void find_taps(
    const tap_view* view, const tap_block* block, Py_ssize_t count, Py_ssize_t* taps,
) noexcept nogil:
    """Write where the runs of taps lie, seen from a pixel."""
    cdef Py_ssize_t t
    for t in range(count):
        taps[t] = (view.ty[t * view.run] * block.pixel_row + view.tx[t * view.run]) * block.pixel


cdef bint takes_windows(
    Maxima maxima, const tap_view* view, Py_ssize_t n_taps, Py_ssize_t depth,
) noexcept:
    """Return whether windows are pooled in registers: 2 x 2, all inside, no positions wanted."""
    return (maxima.argmax == NULL and is_chain(n_taps, depth)
            and maxima.pool.KH == maxima.pool.KW == maxima.pool.SH == maxima.pool.SW == FC_POOLED_SIZE
            and FC_POOLED_SIZE * maxima.pool.OH <= view.rows
            and FC_POOLED_SIZE * maxima.pool.OW <= view.cols)


cdef void multiply_list(
    const conv_context* s, rows_job* job, const tap_block* block, float* loaded, Py_ssize_t* words,
    float* out, Py_ssize_t y_image,
) noexcept nogil:
    """Compute a block by lists of pointers to its pixels, or to their taps side by side."""
    cdef const tap_view* view = s.view
    cdef const float** a = <const float**>words
    cdef float** c = <float**>(words + BLOCK_PIXELS)
    cdef Py_ssize_t* taps = words + 2 * BLOCK_PIXELS
    cdef Py_ssize_t n, i, j, m = 0
    cdef const float* row
    cdef float* columns
    for n in range(block.images):
        for i in range(block.rows):
            row = block.data + n * block.image_step + i * block.row_step
            for j in range(block.cols):
                a[m] = row + j * block.col_step
                c[m] = out + n * y_image + i * view.out_row + j * view.out_col
                m += 1
    job.a, job.c, job.rows, job.taps = a, c, m, taps
    if s.unfold:
        columns = loaded + s.blocks.floats
        unfold_pixels(view, block, s.image.depth, a, m, columns)
        for i in range(m):
            a[i] = columns + i * job.depth
        taps[0] = 0
    else:
        find_taps(view, block, job.n_taps, taps)
    multiply_rows(job)


cdef class TapConvolution:
    """All views of one convolution, divided into tasks; made once per problem, used by any thread.

    Parameters
    ----------
    image : (N, H, W, C)
        The array that is read, C counting all groups.
    output : (OH, OW, F)
        Size of one image of the result, F counting all groups.
    groups : int
    depth, cols : int
        Channels read and written per group.
    b_k, b_n, b_group : int
        Elements of the kernel between channels read, channels written, and groups.
    views : list of tuple
        See taps.create_view.
    unfold : bool
        Write the taps of a pixel side by side (im2col).
    """

    cdef tap_view* views
    cdef Py_ssize_t count
    cdef tap_image image
    cdef Py_ssize_t groups, cols, y_image, y_pixel, b_k, b_n, b_group
    cdef bint unfold

    def __cinit__(self, image, output, groups, depth, cols, b_k, b_n, b_group, views, unfold):
        cdef Py_ssize_t i
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = depth
        self.groups, self.cols, self.unfold = groups, cols, unfold
        self.b_k, self.b_n, self.b_group = b_k, b_n, b_group
        self.y_image, self.y_pixel = output[0] * output[1] * output[2], output[2]
        self.views = <tap_view*>calloc(max(len(views), 1), sizeof(tap_view))
        if self.views == NULL:
            raise MemoryError
        for i, description in enumerate(views):
            create_view(&self.views[i], description)
            self.count = i + 1
            finish_view(&self.views[i], &self.image)

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.count):
            delete_view(&self.views[i])
        free(self.views)

    cdef void describe(
        self, conv_context* s, const tap_view* view, Maxima maxima=None,
    ) noexcept:
        """Fill in everything about one view that follows from the shapes."""
        cdef Py_ssize_t total = view.n_taps * self.image.depth, t, pixels
        s.view, s.image = view, self.image
        s.groups, s.b_group, s.cols = self.groups, self.b_group, self.cols
        s.y_image, s.y_pixel, s.unfold = self.y_image, self.y_pixel, self.unfold
        s.job.n_taps, s.job.depth = view.n_taps // view.run, view.run * self.image.depth
        if self.unfold:
            s.job.n_taps, s.job.depth = 1 if total else 0, total
        s.job.dots = not self.unfold and can_be_dots(self.cols, s.job.depth, total)
        # Sums in lanes have other bits than chains, pooled or not.
        s.windows = (maxima is not None and not self.unfold and total > 0 and not s.job.dots
                     and takes_windows(maxima, view, s.job.n_taps, s.job.depth))
        pixels = BLOCK_PIXELS
        if self.unfold:
            pixels = max(1, min(pixels, 2 * BLOCK_FLOATS // max(total, 1)))
        s.maxima, s.results_floats = <void*>maxima if maxima is not None else NULL, 0
        if maxima is not None and not s.windows:
            pixels = min(pixels, max(POOLED_FLOATS // self.y_pixel, maxima.pool.SH * view.cols))
        divide(&s.blocks, view, &self.image, BLOCK_FLOATS, pixels)
        if maxima is not None:
            take_whole_rows(&s.blocks, view, &self.image, maxima.pool.SH)
        if maxima is not None and not s.windows:
            s.results_floats = s.blocks.images * s.blocks.rows * view.out_row
        s.loaded_floats = s.blocks.floats
        if self.unfold:
            s.loaded_floats += s.blocks.images * s.blocks.rows * s.blocks.cols * total
        s.packed_floats = packed_floats()
        s.n_words = 2 * BLOCK_PIXELS + view.n_taps
        s.job.a_step = 1
        s.job.b_k, s.job.b_n = self.b_k, self.b_n
        s.job.b_panel, s.job.chain = 0, 0
        # Few summed elements: lists of rows would cost too much beside them.
        s.grid = s.job.dots or (not self.unfold and 0 < total <= GRID_DEPTH
                                and self.image.N * view.rows * view.cols > 1)
        s.job.b_taps, s.job.b_depth = view.b_taps, max(self.image.depth, 1)
        for t in range(view.n_taps):
            if view.b_taps[t] != t * self.image.depth * self.b_k:
                break
        else:
            s.job.b_taps, s.job.b_depth = NULL, max(total, 1)
        # Two multiply-adds of a vector a cycle.
        pixels = self.image.N * view.rows * view.cols * self.groups
        s.cycles = pixels * ceil_div(self.cols, active_table().vl) * (total * 0.5 + 4.0)

    cdef Py_ssize_t summed(self) noexcept nogil:
        """Return the products of one output, if there is one view of one group; else 0."""
        if self.count != 1 or self.groups != 1:
            return 0
        return self.views[0].n_taps * self.image.depth

    def packed_floats(self) -> int:
        """Return the size of a packed kernel on the active instruction set, 0 if it stays as it is."""
        cdef Py_ssize_t tile_cols = active_table().tile_cols
        return self.summed() * ceil_div(self.cols, tile_cols) * tile_cols

    def pack(self, const float[::1] kernel not None, float[::1] packed not None) -> None:
        """Write the kernel as `run` wants it, see gemm.pxd."""
        cdef conv_context s
        self.describe(&s, &self.views[0])
        s.job.b = &kernel[0]
        with nogil:
            pack_all(&s.job, self.summed(), self.cols, &packed[0])

    def can_pool(self, Py_ssize_t distance) -> bool:
        """Return whether results can be pooled unwritten, in windows `distance` rows apart."""
        return self.count == 1 and 0 < 2 * distance * self.views[0].cols <= BLOCK_PIXELS

    def bind(
        self, x, kernel, y, bias=None, int activation=0, maxima=None, added=None,
    ) -> BoundConvolution:
        """Return what computes y from flat arrays; sizes are the caller's to check.

        A Maxima takes the results in y's place, which is None then; `added`, shaped like y, is added
        to them before the activation.
        """
        return BoundConvolution(self, x, kernel, y, bias, activation, maxima, added)

    def workspace_bytes(self) -> int:
        """Return the scratch memory that one thread uses."""
        cdef conv_context s
        most = 0
        for i in range(self.count):
            self.describe(&s, &self.views[i])
            most = max(most, 4 * (s.loaded_floats + s.packed_floats) + s.n_words * sizeof(void*))
        return most


cdef class BoundConvolution:
    """A TapConvolution with its arrays, for calls by the thousand; one thread at a time."""

    cdef TapConvolution driver
    cdef object arrays, packed       # kept: tasks have their addresses only
    cdef Maxima maxima
    cdef const float* kernel
    cdef conv_context* contexts      # one a view; NULL if there is nothing to write
    cdef const fc_ukernels* table    # that they are described for

    def __cinit__(self, driver, x, kernel, y, bias, int activation, maxima, added):
        cdef const float[::1] x_floats = x, kernel_floats = kernel, bias_floats = bias
        cdef const float[::1] added_floats = added
        cdef float[::1] y_floats = y
        cdef Py_ssize_t i
        self.driver, self.arrays, self.maxima = driver, (x, kernel, y, bias, added), maxima
        if self.driver.image.N * self.driver.y_image == 0:
            return
        self.kernel = &kernel_floats[0]
        self.contexts = <conv_context*>calloc(max(self.driver.count, 1), sizeof(conv_context))
        if self.contexts == NULL:
            raise MemoryError
        for i in range(self.driver.count):
            self.contexts[i].x = &x_floats[0] if x_floats.shape[0] else NULL
            self.contexts[i].y = &y_floats[0] if y is not None else NULL
            self.contexts[i].bias = &bias_floats[0] if bias is not None else NULL
            self.contexts[i].job.activation, self.contexts[i].job.accumulate = activation, False
            self.contexts[i].job.added = &added_floats[0] - &y_floats[0] if added is not None else 0
        self.describe()

    def __dealloc__(self):
        free(self.contexts)

    cdef void describe(self) noexcept:
        """Fill in what follows from the shapes and the instruction set."""
        cdef Py_ssize_t i
        self.table, self.packed = active_table(), None
        for i in range(self.driver.count):
            self.driver.describe(&self.contexts[i], &self.driver.views[i], self.maxima)
            self.contexts[i].b = self.kernel

    cdef int read_kernel(self, packed) except -1:
        """Let the tasks read the kernel from another copy, None for the kernel itself."""
        cdef const float[::1] floats = packed
        cdef Py_ssize_t i
        for i in range(self.driver.count):
            self.contexts[i].b, self.contexts[i].job.b_panel = self.kernel, 0
            if packed is not None:
                self.contexts[i].b = &floats[0]
                self.contexts[i].job.b_panel = self.driver.summed() * self.table.tile_cols
        self.packed = packed
        return 0

    def __call__(self, packed=None) -> None:
        """Compute y, given the packed kernel or None."""
        cdef conv_context* s
        cdef Py_ssize_t i, tasks, cols = self.driver.cols, tile_cols
        cdef int team
        if self.contexts == NULL:
            return
        if self.table != active_table():
            self.describe()
        if self.packed is not packed:
            self.read_kernel(packed)
        tile_cols = self.table.tile_cols
        for i in range(self.driver.count):
            s = &self.contexts[i]
            tasks = s.blocks.count * s.groups
            team = team_size(tasks * ceil_div(cols, tile_cols), s.cycles)
            s.chunk_cols = cols
            while team > 1 and tasks * ceil_div(cols, s.chunk_cols) < 4 * team \
                    and s.chunk_cols > tile_cols:
                s.chunk_cols = ceil_div(s.chunk_cols, 2 * tile_cols) * tile_cols
            s.col_chunks = ceil_div(cols, s.chunk_cols)
            s.loaded = scratch(FC_SLOT_IMAGE, team * s.loaded_floats + 1)
            s.packed = scratch(FC_SLOT_PACK_B, team * s.packed_floats)
            s.results = scratch(FC_SLOT_PARTIAL, team * s.results_floats)
            s.words = <Py_ssize_t*>scratch(
                FC_SLOT_ROWS, team * s.n_words * sizeof(void*) // sizeof(float)
            )
            with nogil:
                parallel_for(conv_task, s, tasks * s.col_chunks, team)
