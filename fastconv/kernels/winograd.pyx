"""Winograd's F(m, r): the forward pass of a convolution, and the gradient for its input.

What is known before a call: the tiles of a problem, how many of them make a block, the packed kernel
and the arrays. What is done with a block: winograd_blocks.
"""

from libc.stdint cimport uint16_t, uintptr_t
from libc.stdlib cimport free, malloc

from .gemm cimport ceil_div, packed_floats
from .isa cimport FC_SPLIT_DEPTH, FC_WINOGRAD_MEMBERS, active_table, fc_ukernels, fc_winograd
from .pooling cimport Maxima
from .taps cimport create_view, delete_view, divide, finish_view, take_whole_rows
from .threads cimport parallel_for, team_size
from .winograd_blocks cimport (
    KERNEL_CHANNELS, block_task, kernel_task, plane_step, tile_floats, winograd_context,
    winograd_part,
)
from .winograd_split cimport describe_halves, kernel_halves, kernel_halves_task
from .workspace cimport (
    FC_SLOT_HALVES, FC_SLOT_IMAGE, FC_SLOT_KERNEL, FC_SLOT_PACK_A, FC_SLOT_PACK_B, FC_SLOT_PARTIAL,
    FC_SLOT_PLANES, FC_SLOT_ROWS, scratch,
)

cdef enum:
    BLOCK_FLOATS = 112 * 1024     # of the padded input of a block
    PLANE_FLOATS = 160 * 1024     # of a block's planes before and after the product: L2 holds them
    MIN_PIXELS = 512              # of a block: fewer would read the kernel too often
    MAX_TILES = 256
    MAX_POOLED_FLOATS = 128 * 1024  # of a few rows of results that are pooled: they stay in L2


def members() -> list:
    """Return what tiles there are: (mv, rv, mh, rh), see csrc/winograd/members.def."""
    table = []
    for i in range(FC_WINOGRAD_MEMBERS):
        tile = active_table().winograd[i]
        table.append((tile.mv, tile.rv, tile.mh, tile.rh))
    return table


cdef class Winograd:
    """One direction of one convolution; made once per problem, used by any thread.

    Parameters
    ----------
    member : (mv, rv, mh, rh)
        The tile, one of members(); or one of them lying: (1, 1, m, r).
    image : (N, H, W, channels)
        The array that is read: x, or dy for the gradient for the input.
    output : (OH, OW, channels)
        One image of the array that is written: y, or dx.
    kernel : (KH, KW, C, F)
        Shape of the kernel array.
    strides : (SH, SW)
    turned : bool
        Compute the gradient for the input: the kernel is turned over and read along F.
    view : tuple
        The tiles that are read as a view, see taps.create_view; its taps span a tile.
    parts : list of (phase row, phase column, row, column, full rows, full columns, taps)
        See winograd_blocks.pxd; `taps` are rv * rh numbers of the kernel's taps, -1 for none.
    halves : int
        Bfloat16 numbers that transformed floats are split into for the products; 0: multiply floats.
    """

    def __cinit__(self, member, image, output, kernel, strides, turned, view, parts, halves=0):
        cdef Py_ssize_t i, t
        table = members()
        self.lying = member not in table
        self.member = table.index((*member[2:], *member[:2]) if self.lying else member)
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = self.image.C
        self.OH, self.OW, self.cols = output
        self.KH, self.KW, self.C, self.F = kernel
        self.SH, self.SW = strides
        self.turned, self.halves = turned, halves
        create_view(&self.view, view)
        finish_view(&self.view, &self.image)
        self.n_parts = len(parts)
        n_taps = member[1] * member[3]
        self.parts = <winograd_part*>malloc(self.n_parts * sizeof(winograd_part))
        self.taps = <Py_ssize_t*>malloc(self.n_parts * n_taps * sizeof(Py_ssize_t))
        if self.parts == NULL or self.taps == NULL:
            raise MemoryError
        for i in range(self.n_parts):
            phase_row, phase_col, row, col, full_rows, full_cols, taps = parts[i]
            self.parts[i].phase = phase_row * self.SW + phase_col
            self.parts[i].row, self.parts[i].col = row, col
            self.parts[i].full_rows, self.parts[i].full_cols = full_rows, full_cols
            self.rows_after = max(self.rows_after, self.parts[i].row)
            self.cols_after = max(self.cols_after, self.parts[i].col)
            for t in range(n_taps):
                self.taps[i * n_taps + t] = taps[t] * self.C * self.F if taps[t] >= 0 else -1

    def __dealloc__(self):
        delete_view(&self.view)
        free(self.parts)
        free(self.taps)

    cdef void describe(
        self, winograd_context* s, Py_ssize_t fewest, Py_ssize_t most,
    ) noexcept nogil:
        """Fill in everything that follows from the shapes.

        Blocks hold as many tiles as have their planes in L2, `fewest` even if these have not.
        """
        s.transforms = &active_table().winograd[self.member]
        s.lying = self.lying
        s.mv, s.nv = s.transforms.mv, s.transforms.mv + s.transforms.rv - 1
        s.mh, s.nh = s.transforms.mh, s.transforms.mh + s.transforms.rh - 1
        if s.lying:
            s.mv, s.nv, s.mh, s.nh = s.mh, s.nh, s.mv, s.nv
        s.n_planes = s.nv * s.nh
        s.KH, s.KW, s.SH, s.SW, s.phases = self.KH, self.KW, self.SH, self.SW, self.SH * self.SW
        s.n_parts, s.parts, s.taps = self.n_parts, self.parts, self.taps
        s.rows_after, s.cols_after = self.rows_after, self.cols_after
        s.view, s.image = &self.view, self.image
        s.outputs = self.view
        s.outputs.rows -= s.rows_after
        s.outputs.cols -= s.cols_after
        s.outputs.max_y += s.rows_after * self.view.in_row
        s.outputs.max_x += s.cols_after * self.view.in_col
        s.OH, s.OW, s.depth, s.cols = self.OH, self.OW, self.image.C, self.cols
        s.C, s.F, s.turned = self.C, self.F, self.turned
        divide(&s.blocks, &s.outputs, &self.image, BLOCK_FLOATS, min(most, max(
            fewest, PLANE_FLOATS // (s.n_planes * (s.phases * s.depth + s.cols))
        )))
        self.count_tiles(s)

    cdef void count_tiles(self, winograd_context* s) noexcept nogil:
        s.tiles = s.blocks.images * s.blocks.rows * s.blocks.cols
        s.read_tiles = (s.blocks.images * (s.blocks.rows + s.rows_after)
                        * (s.blocks.cols + s.cols_after))
        describe_halves(s, self.halves)

    cdef void reserve(self, winograd_context* s, int team, int planes) except *:
        """Get scratch memory: `planes` blocks of planes."""
        cdef Py_ssize_t words = team * s.words
        s.loaded = scratch(FC_SLOT_IMAGE, team * tile_floats(s))
        s.planes = scratch(FC_SLOT_PLANES, planes * s.planes_floats)
        s.packed = scratch(FC_SLOT_PACK_B, team * packed_floats())
        s.loaded_halves = <uint16_t*>scratch(FC_SLOT_HALVES, team * s.halves_floats)
        s.tap_offsets = <Py_ssize_t*>scratch(
            FC_SLOT_ROWS, words * sizeof(Py_ssize_t) // sizeof(float)
        )

    cdef void prepare(self, winograd_context* s, Maxima maxima=None) noexcept:
        """Describe what writes y or dx, or hands y over to be pooled."""
        cdef Py_ssize_t tile_cols = active_table().tile_cols
        cdef const fc_winograd* tile = &active_table().winograd[self.member]
        self.describe(s, MIN_PIXELS // (tile.mv * tile.mh), MAX_TILES)
        s.maxima, s.pooled_rows = <void*>maxima if maxima is not None else NULL, 0
        if maxima is not None:
            s.pooled_rows = tiles_together(s.mv, maxima.pool.SH)
            take_whole_rows(&s.blocks, &s.outputs, &self.image, s.pooled_rows)
            self.count_tiles(s)
        s.u_step = s.depth * ceil_div(s.cols, tile_cols) * tile_cols + 16
        s.chunk_cols = s.cols

    cdef void transform_kernel(self, winograd_context* s) except *:
        """Write s.u, or s.u_halves in its place."""
        cdef Py_ssize_t channels = FC_SPLIT_DEPTH if s.halves else KERNEL_CHANNELS
        cdef Py_ssize_t tasks = s.n_parts * ceil_div(s.depth, channels)
        cdef int team = team_size(tasks, 0.5 * s.n_parts * s.n_planes * s.C * s.F)
        cdef Py_ssize_t floats = (s.n_planes + 1) * s.col_unit * channels
        s.turning = scratch(FC_SLOT_PACK_A, team * floats)
        with nogil:
            parallel_for(kernel_halves_task if s.halves else kernel_task, s, tasks, team)

    cdef void keep_kernel(self, winograd_context* s, float* packed) noexcept:
        """Let the packed kernel lie there: halves from a cache line on."""
        s.u = packed
        s.u_halves = <uint16_t*>((<uintptr_t>packed + 63) // 64 * 64)

    cdef Py_ssize_t kernel_floats(self, const winograd_context* s) noexcept:
        """Return the floats of a packed kernel."""
        return kernel_halves(s) // 2 + 16 if s.halves else s.n_parts * s.n_planes * s.u_step

    def packed_floats(self) -> int:
        """Return the size of a packed kernel on the active instruction set."""
        cdef winograd_context s
        self.prepare(&s)
        return self.kernel_floats(&s)

    def pack(self, const float[::1] kernel not None, float[::1] packed not None) -> None:
        """Write the transformed kernel as `run` wants it."""
        cdef winograd_context s
        self.prepare(&s)
        s.kernel = &kernel[0]
        self.keep_kernel(&s, &packed[0])
        self.transform_kernel(&s)

    def can_pool(self, Py_ssize_t distance) -> bool:
        """Return whether results can be pooled unwritten, in windows `distance` rows apart."""
        cdef winograd_context s
        self.prepare(&s)
        rows = tiles_together(s.mv, distance)
        return 0 < rows * s.mv * s.OW * s.cols <= MAX_POOLED_FLOATS and s.blocks.cols == s.outputs.cols

    def bind(
        self, x, kernel, y, bias=None, int activation=0, maxima=None, added=None,
    ) -> BoundWinograd:
        """Return what computes y from flat arrays; sizes are the caller's to check.

        A Maxima takes the results in y's place, which is None then; `added`, shaped like y, is added
        to them before the activation.
        """
        return BoundWinograd(self, x, kernel, y, bias, activation, maxima, added)

    def workspace_bytes(self) -> int:
        """Return the scratch memory: the transformed kernel, and one thread's block."""
        cdef winograd_context s
        self.prepare(&s)
        floats = tile_floats(&s) + block_planes(&s) + packed_floats() + s.halves_floats
        return 4 * (floats + self.kernel_floats(&s))


cdef Py_ssize_t tiles_together(Py_ssize_t m, Py_ssize_t distance) noexcept nogil:
    """Return of how many rows of tiles the rows of pixels are a multiple of `distance`."""
    cdef Py_ssize_t count = 1
    while count * m % distance:
        count += 1
    return count


cdef Py_ssize_t block_planes(const winograd_context* s) noexcept nogil:
    """Return the floats of a block's planes, before and after the products."""
    return s.n_planes * (s.phases * plane_step(s.read_tiles, s.depth) + plane_step(s.tiles, s.chunk_cols))


cdef class BoundWinograd:
    """A Winograd with its arrays, for calls by the thousand; one thread at a time."""

    cdef Winograd driver
    cdef object arrays               # kept: tasks have their addresses only
    cdef Maxima maxima
    cdef winograd_context context
    cdef const fc_ukernels* table    # that it is described for
    cdef double cycles               # of all tasks on one thread, about

    def __cinit__(self, driver, x, kernel, y, bias, int activation, maxima, added):
        cdef const float[::1] x_floats = x, kernel_floats = kernel, bias_floats = bias
        cdef const float[::1] added_floats = added
        cdef float[::1] y_floats = y
        self.driver, self.arrays, self.maxima = driver, (x, kernel, y, bias, added), maxima
        if self.driver.image.N * self.driver.OH * self.driver.OW * self.driver.cols == 0:
            return
        self.context.x = &x_floats[0]
        self.context.y = &y_floats[0] if y is not None else NULL
        self.context.kernel = &kernel_floats[0]
        self.context.bias = &bias_floats[0] if bias is not None else NULL
        self.context.activation = activation
        self.context.added = &added_floats[0] - &y_floats[0] if added is not None else 0
        self.describe()

    cdef void describe(self) noexcept:
        """Fill in what follows from the shapes and the instruction set."""
        self.table = active_table()
        self.driver.prepare(&self.context, self.maxima)
        # The products of 3x3's F(2x2) for each output: only whether a team is worth while.
        self.cycles = (2.0 * self.driver.image.N * self.driver.OH * self.driver.OW
                       * self.driver.cols * self.context.depth / self.table.vl)

    def __call__(self, const float[::1] packed=None) -> None:
        """Compute y, given the packed kernel or None."""
        cdef winograd_context* s = &self.context
        cdef Py_ssize_t unit
        cdef int team
        if self.table == NULL:  # nothing to write
            return
        if self.table != active_table():
            self.describe()
        unit = s.col_unit
        team = team_size(s.blocks.count * ceil_div(s.cols, unit), self.cycles)
        s.chunk_cols = s.cols
        while team > 1 and s.blocks.count * ceil_div(s.cols, s.chunk_cols) < 2 * team \
                and s.chunk_cols > unit:
            s.chunk_cols = ceil_div(s.chunk_cols, 2 * unit) * unit
        s.col_chunks = ceil_div(s.cols, s.chunk_cols)
        s.planes_floats = block_planes(s)
        self.driver.reserve(s, team, team)
        s.results = scratch(FC_SLOT_PARTIAL, team * s.pooled_rows * s.mv * s.OW * s.cols)
        if packed is not None:
            self.driver.keep_kernel(s, <float*>&packed[0])  # only read
        else:
            self.driver.keep_kernel(s, scratch(FC_SLOT_KERNEL, self.driver.kernel_floats(s)))
            self.driver.transform_kernel(s)
        with nogil:
            parallel_for(block_task, s, s.blocks.count * s.col_chunks, team)
