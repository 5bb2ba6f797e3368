"""Convolution of split floats: products of bfloat16 planes, summed in float32 (csrc/split/split.h).

A block of the image is written to scratch memory as planes, with the zeros around it and one grid for
each phase of the strides, so that neighbouring outputs always read neighbouring pixels of a grid. The
rows of a product are then an image's run of outputs, of which those that fall between two rows of
outputs are computed in vain. Where channels fill whole steps, each 32 of them have a grid of their own:
a tile lies in one piece. Else taps that are neighbours in a row are summed as one run of floats.
An image with results that are infinite or NaN is computed once more, directly.
"""

from functools import partial

from libc.stdint cimport uint16_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from .gemm cimport ceil_div
from .isa cimport (
    FC_SPLIT_B, FC_SPLIT_COLS, FC_SPLIT_DEPTH, FC_SPLIT_ROWS, active_table, fc_split_runs, fc_split_strip,
)
from .split_grids cimport grid_row, lay_grid, lay_outputs, product_cycles, split_grid
from .taps cimport (
    create_view, delete_view, divide, finish_view, locate, tap_block, tap_blocks, tap_image, tap_view,
)
from .threads cimport parallel_for, team_size, worker
from .workspace cimport FC_SLOT_IMAGE, FC_SLOT_KERNEL, FC_SLOT_ROWS, scratch

cdef enum:
    BLOCK_BYTES = 640 * 1024     # of all planes: they stay in L2 while the kernel passes by
    BLOCK_PIXELS = 1024
    LEAST_PIXELS = 128           # of a block, where a team has too few
    NEAR_BYTES = 1024 * 1024     # of a kernel that stays in L2 beside a block
    LINE = 32                    # elements of a cache line


# One step of a tile: some neighbouring floats of a run of taps.
cdef struct split_step:
    Py_ssize_t phase, y, x       # grid, row and column of the run's first tap
    Py_ssize_t first             # its number, in the order of the runs
    Py_ssize_t begin, count      # elements of the run


cdef struct split_view:
    tap_view taps
    Py_ssize_t n_steps
    split_step* steps
    Py_ssize_t* b_taps           # [n_taps] elements: where B[t] begins, in the order of the runs


cdef struct split_context:
    const split_view* view
    tap_image image
    tap_blocks blocks
    int planes
    Py_ssize_t pitch             # elements between pixels of a grid
    Py_ssize_t grids             # of 32 channels, or one of all
    const float* x
    float* y
    const float* kernel
    const float* bias
    int activation
    Py_ssize_t added             # elements from y to what is added to it, or 0
    Py_ssize_t y_image, cols, b_k, b_n
    uint16_t* packed             # [column block][step][plane][FC_SPLIT_B]
    Py_ssize_t panel             # elements of a column block
    Py_ssize_t chunk, chunks     # column blocks of a task
    uint16_t* loaded             # TMP per worker
    Py_ssize_t plane             # elements between planes
    float** words                # TMP per worker: results of a block, offsets of the steps
    Py_ssize_t n_results, n_words
    unsigned char* spoiled       # OUT [N]


cdef void zero(
    uint16_t* out, Py_ssize_t count, Py_ssize_t grid_step, const split_context* s,
) noexcept nogil:
    """Write so many zeros in all grids and planes."""
    cdef Py_ssize_t p, g
    if count:
        for p in range(s.planes):
            for g in range(s.grids):
                memset(out + p * s.plane + g * grid_step, 0, count * sizeof(uint16_t))


cdef Py_ssize_t grid_elements(const split_grid* grid, Py_ssize_t pitch) noexcept nogil:
    """Return the elements of one plane of all pixels, and of zeros behind them: steps read beyond one."""
    cdef Py_ssize_t pixels = grid.row_phases * grid.col_phases * grid.rows * grid.cols
    return (ceil_div(pixels * pitch, LINE) + 1) * LINE


cdef void load_image(
    const split_context* s, const split_grid* grid, const tap_block* block, const float* x,
    uint16_t* out,
) noexcept nogil:
    """Write the planes of one image's part of a block."""
    cdef const tap_view* view = &s.view.taps
    cdef Py_ssize_t phases = grid.row_phases * grid.col_phases, phase, i, begin, end
    cdef Py_ssize_t grid_step = grid_elements(grid, s.pitch)
    cdef fc_split_runs runs
    runs.x_step, runs.length = view.in_col * s.image.C, s.image.C
    runs.out_step, runs.plane, runs.planes = s.pitch, s.plane, s.planes
    runs.chunk_step = grid_step if s.grids > 1 else FC_SPLIT_DEPTH
    for phase in range(phases):
        for i in range(grid.rows):
            runs.x = grid_row(grid, view, &s.image, block, x, phase, i, &begin, &end)
            zero(out, begin * s.pitch, grid_step, s)
            runs.out, runs.count = out + begin * s.pitch, end - begin
            active_table().split_runs(&runs)
            zero(out + end * s.pitch, (grid.cols - end) * s.pitch, grid_step, s)
            out += grid.cols * s.pitch
    zero(out, LINE, grid_step, s)


cdef void block_task(void* context, Py_ssize_t task) noexcept nogil:
    """Compute some columns of one block of outputs."""
    cdef split_context* s = <split_context*>context
    cdef const tap_view* view = &s.view.taps
    cdef Py_ssize_t begin = task % s.chunks * s.chunk, column, n, i, j, step
    cdef Py_ssize_t end = min(begin + s.chunk, ceil_div(s.cols, FC_SPLIT_COLS))
    cdef uint16_t* loaded = s.loaded + worker() * s.planes * s.plane
    cdef float** results = s.words + worker() * s.n_words
    cdef Py_ssize_t* steps = <Py_ssize_t*>(results + s.n_results)
    cdef float** rows = results
    cdef Py_ssize_t grid_step, image_step
    cdef bint gaps
    cdef split_grid grid
    cdef tap_block block
    cdef fc_split_strip strip
    cdef float* y
    locate(&block, &s.blocks, view, &s.image, task // s.chunks)
    lay_grid(&grid, view, block.rows, block.cols)
    grid_step = grid_elements(&grid, s.pitch)
    image_step = s.grids * grid_step
    strip.a_plane, strip.a_step, strip.planes = s.plane, s.pitch, s.planes
    gaps = lay_outputs(&strip, &grid, block.rows, block.cols)
    for n in range(block.images):
        load_image(s, &grid, &block, s.x + (block.image + n) * s.image.H * s.image.W * s.image.C,
                   loaded + n * image_step)
        for i in range(block.rows):
            y = (s.y + (block.image + n) * s.y_image + view.out_offset
                 + (block.row + i) * view.out_row + block.col * view.out_col)
            for j in range(grid.cols if gaps and i + 1 < block.rows else block.cols):
                rows[0] = y + j * view.out_col if j < block.cols else NULL
                rows += 1
    for step in range(s.view.n_steps):
        steps[step] = s.pitch * (
            (s.view.steps[step].phase * grid.rows + s.view.steps[step].y) * grid.cols
            + s.view.steps[step].x)
        if s.grids > 1:
            steps[step] += s.view.steps[step].begin // FC_SPLIT_DEPTH * grid_step
        else:
            steps[step] += s.view.steps[step].begin
    strip.steps, strip.n_steps = steps, s.view.n_steps
    strip.accumulate, strip.added, strip.activation = False, s.added, s.activation
    active_table().split_configure(strip.tile)
    for column in range(begin, end):
        strip.b = s.packed + column * s.panel
        strip.c_offset = column * FC_SPLIT_COLS
        strip.cols = min(<Py_ssize_t>FC_SPLIT_COLS, s.cols - strip.c_offset)
        strip.bias = s.bias + strip.c_offset if s.bias != NULL else NULL
        for n in range(block.images):
            strip.spoiled = s.spoiled + block.image + n
            strip.a, strip.c = loaded + n * image_step, results + n * strip.rows
            active_table().split_strip(&strip)
    active_table().split_configure(0)


cdef void pack_task(void* context, Py_ssize_t column) noexcept nogil:
    """Write the planes of one block of columns of the kernel."""
    cdef split_context* s = <split_context*>context
    cdef float[FC_SPLIT_DEPTH * FC_SPLIT_COLS] block
    cdef float* rows
    cdef uint16_t* out = s.packed + column * s.panel
    cdef Py_ssize_t col = column * FC_SPLIT_COLS, depth = s.image.C
    cdef Py_ssize_t cols = min(<Py_ssize_t>FC_SPLIT_COLS, s.cols - col)
    cdef Py_ssize_t number, k, part, within
    cdef const split_step* step
    cdef const float* b = NULL
    for number in range(s.view.n_steps):
        step = &s.view.steps[number]
        k = 0
        while k < step.count:
            within = (step.begin + k) % depth
            part = min(step.count - k, depth - within)
            b = (s.kernel + s.view.b_taps[step.first + (step.begin + k) // depth] + within * s.b_k
                 + col * s.b_n)
            if s.b_n == 1 and part == FC_SPLIT_DEPTH and cols == FC_SPLIT_COLS:
                break  # they need no copy
            rows = block + k * FC_SPLIT_COLS
            if s.b_n == 1:
                active_table().pack_rows(rows, b, s.b_k, part, cols, FC_SPLIT_COLS)
            else:
                active_table().pack_columns(rows, b, s.b_n, part, cols, FC_SPLIT_COLS)
            k += part
        if k == 0:
            active_table().split_pairs(b, s.b_k, out, s.planes)
        else:
            memset(block + k * FC_SPLIT_COLS, 0,
                   (FC_SPLIT_DEPTH - k) * FC_SPLIT_COLS * sizeof(float))
            active_table().split_pairs(block, FC_SPLIT_COLS, out, s.planes)
        out += s.planes * FC_SPLIT_B


cdef int create_steps(split_view* view, Py_ssize_t depth, bint joined) except -1:
    """Join taps that are neighbours in a row of a grid to runs, and divide these into steps."""
    cdef const tap_view* taps = &view.taps
    cdef Py_ssize_t i, j, begin, number
    places = sorted(
        ((taps.ty[t] - taps.min_y) % taps.in_row, (taps.tx[t] - taps.min_x) % taps.in_col,
         (taps.ty[t] - taps.min_y) // taps.in_row, (taps.tx[t] - taps.min_x) // taps.in_col, t)
        for t in range(taps.n_taps)
    )
    number = max(1, taps.n_taps * ceil_div(depth, FC_SPLIT_DEPTH))  # or less
    view.steps = <split_step*>malloc(number * sizeof(split_step))
    view.b_taps = <Py_ssize_t*>malloc(max(taps.n_taps, 1) * sizeof(Py_ssize_t))
    if view.steps == NULL or view.b_taps == NULL:
        raise MemoryError
    i = number = 0
    while i < taps.n_taps:
        j = i
        while j < taps.n_taps and places[j][:3] == places[i][:3] and (
            j == i or (joined and places[j][3] == places[i][3] + j - i)
        ):
            view.b_taps[j] = taps.b_taps[places[j][4]]
            j += 1
        for begin from 0 <= begin < (j - i) * depth by FC_SPLIT_DEPTH:
            view.steps[number].phase = (
                places[i][0] * min(taps.in_col, taps.max_x - taps.min_x + 1) + places[i][1])
            view.steps[number].y, view.steps[number].x = places[i][2:4]
            view.steps[number].first, view.steps[number].begin = i, begin
            view.steps[number].count = min(<Py_ssize_t>FC_SPLIT_DEPTH, (j - i) * depth - begin)
            number += 1
        i = j
    view.n_steps = number
    return 0


cdef class SplitConvolution:
    """All views of one convolution without groups; made once per problem, used by any thread.

    Parameters
    ----------
    planes : 1, 2 or 3
        Bfloat16 numbers that a float is split into.
    image : (N, H, W, C)
        The array that is read.
    output : (OH, OW, F)
        Size of one image of the result.
    b_k, b_n : int
        Elements of the kernel between channels read and channels written; one of them is 1.
    views : list of tuple
        See taps.create_view.
    direct : TapConvolution
        The same convolution of one image.
    """

    cdef split_view* views
    cdef Py_ssize_t count, pitch, grids, cols, y_image, b_k, b_n
    cdef tap_image image
    cdef int planes
    cdef object direct

    def __cinit__(self, planes, image, output, b_k, b_n, views, direct):
        cdef Py_ssize_t i
        self.planes, self.direct = planes, direct
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = self.pitch = self.image.C
        self.grids = 1
        if self.image.C and self.image.C % FC_SPLIT_DEPTH == 0:
            self.pitch, self.grids = FC_SPLIT_DEPTH, self.image.C // FC_SPLIT_DEPTH
        self.y_image, self.cols = output[0] * output[1] * output[2], output[2]
        self.b_k, self.b_n = b_k, b_n
        self.views = <split_view*>calloc(max(len(views), 1), sizeof(split_view))
        if self.views == NULL:
            raise MemoryError
        for i, description in enumerate(views):
            create_view(&self.views[i].taps, description)
            self.count = i + 1
            finish_view(&self.views[i].taps, &self.image)
            create_steps(&self.views[i], self.image.C, self.grids == 1)

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.count):
            delete_view(&self.views[i].taps)
            free(self.views[i].steps)
            free(self.views[i].b_taps)
        free(self.views)

    cdef void describe(
        self, split_context* s, const split_view* view, Py_ssize_t pixels=BLOCK_PIXELS,
    ) noexcept nogil:
        """Fill in everything about one view that follows from the shapes and the size of a block."""
        cdef split_grid grid
        s.view, s.image, s.planes, s.pitch = view, self.image, self.planes, self.pitch
        s.grids = self.grids
        s.y_image, s.cols, s.b_k, s.b_n = self.y_image, self.cols, self.b_k, self.b_n
        s.panel = view.n_steps * self.planes * FC_SPLIT_B
        divide(&s.blocks, &view.taps, &self.image, BLOCK_BYTES // (2 * self.planes), pixels)
        lay_grid(&grid, &view.taps, s.blocks.rows, s.blocks.cols)
        # A block of results reads 32 pixels even if fewer are left.
        s.plane = (s.blocks.images * self.grids * grid_elements(&grid, self.pitch)
                   + FC_SPLIT_ROWS * self.pitch)
        s.plane = ceil_div(s.plane, LINE) * LINE
        s.n_results = s.blocks.images * grid.run
        s.n_words = s.n_results + view.n_steps

    cdef Py_ssize_t packed_elements(self, const split_view* view) noexcept nogil:
        return ceil_div(self.cols, FC_SPLIT_COLS) * view.n_steps * self.planes * FC_SPLIT_B

    def packed_floats(self) -> int:
        """Return the size of a packed kernel, with room to begin at a cache line."""
        cdef Py_ssize_t i, elements = LINE
        for i in range(self.count):
            elements += self.packed_elements(&self.views[i])
        return elements // 2

    cdef uint16_t* write_packed(self, const float* kernel, float* packed) noexcept:
        """Write all views' planes, unless the kernel is NULL, and return where they begin."""
        cdef split_context s
        cdef uint16_t* begin = <uint16_t*>((<uintptr_t>packed + 63) // 64 * 64)
        cdef Py_ssize_t i, columns = ceil_div(self.cols, FC_SPLIT_COLS)
        s.kernel, s.packed = kernel, begin
        for i in range(self.count if kernel != NULL else 0):
            self.describe(&s, &self.views[i])
            with nogil:
                parallel_for(pack_task, &s, columns, team_size(columns, 1.0 * columns * s.panel))
            s.packed += self.packed_elements(&self.views[i])
        return begin

    def pack(self, const float[::1] kernel not None, float[::1] packed not None) -> None:
        """Write the kernel as `run` wants it."""
        self.write_packed(&kernel[0], &packed[0])

    def bind(self, x, kernel, y, bias=None, int activation=0, added=None) -> partial:
        """Return what computes y from flat arrays; sizes are the caller's to check.

        `added`, shaped like y, is added to it before the activation.
        """
        return partial(self.run, x, kernel, y, bias, activation, added)

    def run(
        self, const float[::1] x not None, const float[::1] kernel not None, float[::1] y not None,
        const float[::1] bias, int activation, const float[::1] added, const float[::1] packed=None,
    ) -> None:
        """Compute y, given the packed kernel or None."""
        cdef split_context s
        cdef Py_ssize_t i, begin, end, tasks, columns = ceil_div(self.cols, FC_SPLIT_COLS)
        cdef Py_ssize_t x_image = self.image.H * self.image.W * self.image.C
        cdef int team
        if y.shape[0] == 0:
            return
        if packed is not None:
            s.packed = self.write_packed(NULL, <float*>&packed[0])  # only read
        else:
            s.packed = self.write_packed(&kernel[0], scratch(FC_SLOT_KERNEL, self.packed_floats()))
        s.x, s.y = &x[0] if x.shape[0] else NULL, &y[0]
        s.bias = &bias[0] if bias is not None else NULL
        s.activation = activation
        s.added = &added[0] - &y[0] if added is not None else 0
        spoiled = bytearray(self.image.N)
        s.spoiled = spoiled
        for i in range(self.count):
            self.describe(&s, &self.views[i])
            tasks = s.blocks.count
            team = team_size(tasks * columns, self.cycles(&s))
            s.chunk = columns
            if tasks < 4 * team and team > 1 and self.repeats_kernel(&s):
                self.describe(&s, &self.views[i], max(LEAST_PIXELS, self.pixels(&s) // (4 * team)))
                tasks = s.blocks.count
            while team > 1 and tasks * ceil_div(columns, s.chunk) < 2 * team and s.chunk > 1:
                s.chunk = ceil_div(s.chunk, 2)
            s.chunks = ceil_div(columns, s.chunk)
            s.loaded = <uint16_t*>scratch(FC_SLOT_IMAGE, team * s.planes * s.plane // 2)
            s.words = <float**>scratch(
                FC_SLOT_ROWS, team * s.n_words * sizeof(void*) // sizeof(float)
            )
            with nogil:
                parallel_for(block_task, &s, tasks * s.chunks, team)
            s.packed += self.packed_elements(&self.views[i])
        if not any(spoiled):
            return
        for i in range(self.image.N):
            if spoiled[i]:
                begin, end = i * self.y_image, (i + 1) * self.y_image
                self.direct.bind(x[i * x_image : (i + 1) * x_image], kernel, y[begin:end], bias,
                                 activation, added=None if added is None else added[begin:end])()

    cdef Py_ssize_t pixels(self, const split_context* s) noexcept nogil:
        return self.image.N * s.view.taps.rows * s.view.taps.cols

    cdef bint repeats_kernel(self, const split_context* s) noexcept nogil:
        """Return whether smaller blocks for a team are better than fewer columns in a task.

        Each block reads the kernel again, and each task of some columns splits the image again: that
        takes about as long a float, unless the kernel stays in L2.
        """
        cdef Py_ssize_t kernel = s.view.taps.n_taps * self.cols
        if 2 * self.packed_elements(s.view) < NEAR_BYTES:
            kernel //= 4
        return self.pixels(s) > kernel

    cdef double cycles(self, const split_context* s) noexcept nogil:
        """Estimate the cycles of one view on one thread."""
        cdef double tiles = s.blocks.count * ceil_div(s.n_results, FC_SPLIT_ROWS)
        return tiles * ceil_div(self.cols, FC_SPLIT_COLS) * s.view.n_steps * product_cycles(self.planes)

    def workspace_bytes(self) -> int:
        """Return the scratch memory that one thread uses."""
        cdef split_context s
        cdef Py_ssize_t i, most = 0
        for i in range(self.count):
            self.describe(&s, &self.views[i])
            most = max(most, 2 * s.planes * s.plane + s.n_words * <Py_ssize_t>sizeof(void*))
        return most + 4 * self.packed_floats()
