"""The gradient of a convolution of split floats for its kernel: a product that sums over pixels.

Planes of a block of x lie channel by channel here, in grids as in split.pyx: 32 neighbouring outputs
of a channel and a tap are one step. Those that fall between two rows of outputs meet zeros of dy. With
one tap a step's pixels are the same for all: 32 pixels of all channels lie together, so that a tile
lies in one piece. Blocks are added in order, whichever thread computes which part of the kernel.
"""

from libc.stdint cimport uint16_t
from libc.string cimport memcpy, memset

from .gemm cimport ceil_div
from .isa cimport (
    FC_LINEAR, FC_SPLIT_B, FC_SPLIT_COLS, FC_SPLIT_DEPTH, FC_SPLIT_ROWS, active_table, fc_split_runs,
    fc_split_strip,
)
from .split_grids cimport grid_row, lay_grid, lay_rows, product_cycles, split_grid
from .taps cimport (
    create_view, delete_view, divide, finish_view, locate, tap_block, tap_blocks, tap_image, tap_view,
)
from .threads cimport parallel_for, team_size, worker
from .workspace cimport FC_SLOT_IMAGE, FC_SLOT_PACK_A, FC_SLOT_PACK_B, FC_SLOT_ROWS, scratch

cdef enum:
    BLOCK_BYTES = 1536 * 1024    # of all planes of x and dy: they stay in L2
    BLOCK_PIXELS = 8192
    LINE = 32                    # elements of a cache line
    CHANNELS = 256               # of a task, at most
    LEAST_CHANNELS = 64


cdef struct filter_context:
    const tap_view* view
    tap_image image
    tap_blocks blocks
    int planes
    const float* x
    const float* dy
    float* dkernel
    Py_ssize_t filters, dy_image, dy_row
    Py_ssize_t channels, channel_blocks, column_blocks
    # the block in hand, whose planes all threads share
    tap_block block
    split_grid grid
    bint first
    Py_ssize_t pitch             # elements between channels of x's planes
    Py_ssize_t step, image_step  # and between steps, and images
    Py_ssize_t image_steps       # steps of a tile in one image
    bint gathered                # one tap: the pixels of a step lie together
    uint16_t* loaded             # TMP [plane][image][phase][channel][pitch]
    Py_ssize_t plane
    uint16_t* packed             # TMP [column block][image][step][plane][FC_SPLIT_B]
    Py_ssize_t* steps            # TMP offsets of all images' steps
    float* turned                # TMP per worker: one row of pixels, channel by channel
    unsigned char spoiled


cdef void load_image(filter_context* s, Py_ssize_t n, Py_ssize_t channel) noexcept nogil:
    """Write the planes of some channels of one image of the block."""
    cdef Py_ssize_t phases = s.grid.row_phases * s.grid.col_phases, depth = s.image.C
    cdef Py_ssize_t phase, i, p, begin, end, pixel = s.view.in_col * depth
    cdef const float* x = s.x + (s.block.image + n) * s.image.H * s.image.W * depth
    cdef float* turned = s.turned + worker() * s.grid.cols * depth
    cdef uint16_t* out = s.loaded + n * s.image_step + channel * s.pitch
    cdef Py_ssize_t count = min(s.channels, depth - channel)
    cdef const float* row
    cdef fc_split_runs runs
    runs.x, runs.count, runs.plane, runs.planes = turned, count, s.plane, s.planes
    runs.out_step, runs.chunk_step = s.pitch, FC_SPLIT_DEPTH
    for phase in range(phases):
        for p in range(s.planes):
            memset(out + p * s.plane, 0, count * s.pitch * sizeof(uint16_t))
        for i in range(s.grid.rows):
            row = grid_row(&s.grid, s.view, &s.image, &s.block, x, phase, i, &begin, &end)
            if begin < end:
                active_table().pack_columns(turned, row + channel, pixel, count, end - begin, end - begin)
                runs.x_step = runs.length = end - begin
                runs.out = out + i * s.grid.cols + begin
                active_table().split_runs(&runs)
        out += depth * s.pitch
    if channel + count == depth:  # the last step reads behind the last channel
        out = s.loaded + (n + 1) * s.image_step - LINE
        for p in range(s.planes):
            memset(out + p * s.plane, 0, LINE * sizeof(uint16_t))


cdef void load_step(filter_context* s, Py_ssize_t number) noexcept nogil:
    """Write the planes of the pixels of one step, for a kernel of one tap."""
    cdef Py_ssize_t n = number // s.image_steps, q = number % s.image_steps * FC_SPLIT_DEPTH, k, i, begin, end
    cdef Py_ssize_t depth = s.image.C, count = min(<Py_ssize_t>FC_SPLIT_DEPTH, s.grid.run - q)
    cdef const float* x = s.x + (s.block.image + n) * s.image.H * s.image.W * depth
    cdef float* turned = s.turned + worker() * 2 * FC_SPLIT_DEPTH * depth
    cdef float* pixels = turned + FC_SPLIT_DEPTH * depth
    cdef const float* row
    cdef fc_split_runs runs
    if s.grid.rows == 1 and s.view.in_col == 1:
        pixels = <float*>(grid_row(&s.grid, s.view, &s.image, &s.block, x, 0, 0, &begin, &end) + q * depth)
    else:
        for k in range(count):
            i = (q + k) // s.grid.cols
            row = grid_row(&s.grid, s.view, &s.image, &s.block, x, 0, i, &begin, &end)
            memcpy(pixels + k * depth, row + (q + k) % s.grid.cols * s.view.in_col * depth,
                   depth * sizeof(float))
    active_table().pack_columns(turned, pixels, depth, depth, count, FC_SPLIT_DEPTH)
    runs.x, runs.x_step, runs.length, runs.count = turned, FC_SPLIT_DEPTH, FC_SPLIT_DEPTH, depth
    runs.out_step, runs.chunk_step = FC_SPLIT_DEPTH, FC_SPLIT_DEPTH
    runs.plane, runs.planes = s.plane, s.planes
    runs.out = s.loaded + number * FC_SPLIT_DEPTH * depth
    active_table().split_runs(&runs)


cdef void pack_columns_of_dy(filter_context* s, Py_ssize_t column) noexcept nogil:
    """Write the planes of some filters of dy, all images of the block."""
    cdef float[FC_SPLIT_DEPTH * FC_SPLIT_COLS] block
    cdef Py_ssize_t step_floats = s.planes * FC_SPLIT_B, n, q, k, i, j, count
    cdef Py_ssize_t cols = min(<Py_ssize_t>FC_SPLIT_COLS, s.filters - column * FC_SPLIT_COLS)
    cdef uint16_t* out = s.packed + column * s.block.images * s.image_steps * step_floats
    cdef const float* dy
    for n in range(s.block.images):
        dy = (s.dy + (s.block.image + n) * s.dy_image + s.block.row * s.dy_row
              + s.block.col * s.filters + column * FC_SPLIT_COLS)
        for q from 0 <= q < s.image_steps * FC_SPLIT_DEPTH by FC_SPLIT_DEPTH:
            i, j = q // s.grid.cols, q % s.grid.cols
            if (cols == FC_SPLIT_COLS and i < s.block.rows
                    and j + FC_SPLIT_DEPTH <= s.block.cols):  # they need no copy
                active_table().split_pairs(dy + i * s.dy_row + j * s.filters, s.filters, out, s.planes)
                out += step_floats
                continue
            k = 0
            while k < FC_SPLIT_DEPTH:
                i, j = (q + k) // s.grid.cols, (q + k) % s.grid.cols
                count = FC_SPLIT_DEPTH - k
                if i < s.block.rows and j < s.block.cols:
                    count = min(count, s.block.cols - j)
                    active_table().pack_rows(block + k * FC_SPLIT_COLS, dy + i * s.dy_row + j * s.filters,
                                             s.filters, count, cols, FC_SPLIT_COLS)
                else:
                    count = min(count, s.grid.cols - j)
                    memset(block + k * FC_SPLIT_COLS, 0, count * FC_SPLIT_COLS * sizeof(float))
                k += count
            active_table().split_pairs(block, FC_SPLIT_COLS, out, s.planes)
            out += step_floats


cdef Py_ssize_t load_parts(const filter_context* s) noexcept nogil:
    """Return the tasks that write x's planes: steps of one tap, or channels of an image."""
    return s.block.images * (s.image_steps if s.gathered else s.channel_blocks)


cdef void load_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef filter_context* s = <filter_context*>context
    cdef Py_ssize_t parts = load_parts(s)
    if task >= parts:
        pack_columns_of_dy(s, task - parts)
    elif s.gathered:
        load_step(s, task)
    else:
        load_image(s, task // s.channel_blocks, task % s.channel_blocks * s.channels)


cdef void product_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add the block's products to some channels of one tap and 32 filters."""
    cdef filter_context* s = <filter_context*>context
    cdef const tap_view* view = s.view
    cdef Py_ssize_t channel = task % s.channel_blocks * s.channels
    cdef Py_ssize_t column = task // s.channel_blocks % s.column_blocks
    cdef Py_ssize_t tap = task // s.channel_blocks // s.column_blocks
    cdef Py_ssize_t y = view.ty[tap] - view.min_y, x = view.tx[tap] - view.min_x, m
    cdef Py_ssize_t phase = y % view.in_row * s.grid.col_phases + x % view.in_col
    cdef float* rows[CHANNELS]
    cdef fc_split_strip strip
    strip.n_steps = s.block.images * s.image_steps
    strip.a = (s.loaded + (phase * s.image.C + channel) * s.pitch
               + y // view.in_row * s.grid.cols + x // view.in_col)
    strip.a_plane, strip.a_step, strip.steps = s.plane, s.pitch, s.steps
    strip.b = s.packed + column * strip.n_steps * s.planes * FC_SPLIT_B
    strip.planes, strip.c, strip.c_offset = s.planes, rows, column * FC_SPLIT_COLS
    lay_rows(&strip, min(s.channels, s.image.C - channel))
    strip.cols = min(<Py_ssize_t>FC_SPLIT_COLS, s.filters - strip.c_offset)
    strip.bias, strip.accumulate, strip.added, strip.activation = NULL, not s.first, 0, FC_LINEAR
    strip.spoiled = &s.spoiled
    for m in range(strip.rows):
        rows[m] = s.dkernel + view.b_taps[tap] + (channel + m) * s.filters
    active_table().split_configure(strip.tile)
    active_table().split_strip(&strip)
    active_table().split_configure(0)


cdef class SplitFilterGradient:
    """The gradient for the kernel of one convolution without groups, from split floats.

    Parameters
    ----------
    planes : 1, 2 or 3
        Bfloat16 numbers that a float is split into.
    image : (N, H, W, C)
        Shape of x.
    output : (OH, OW, F)
        Shape of one image of dy.
    view : tuple
        The view of the forward pass, see taps.create_view.
    direct : FilterGradient
        Computes gradients that are not finite.
    """

    cdef tap_view view
    cdef tap_image image
    cdef tap_blocks blocks
    cdef Py_ssize_t filters, dy_image, dy_row
    cdef int planes
    cdef bint gathered
    cdef object direct

    def __cinit__(self, planes, image, output, view, direct):
        self.planes, self.direct = planes, direct
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth, self.filters = self.image.C, output[2]
        self.dy_row = output[1] * output[2]
        self.dy_image = output[0] * self.dy_row
        create_view(&self.view, view)
        finish_view(&self.view, &self.image)
        # One tap, and no pixel outside the image.
        self.gathered = (
            self.view.n_taps == 1 and self.view.ty[0] >= 0 and self.view.tx[0] >= 0
            and self.view.ty[0] + (output[0] - 1) * self.view.in_row < self.image.H
            and self.view.tx[0] + (output[1] - 1) * self.view.in_col < self.image.W
        )
        floats = BLOCK_BYTES // (2 * planes)
        divide(&self.blocks, &self.view, &self.image, floats,
               max(1, min(<Py_ssize_t>BLOCK_PIXELS, floats // max(1, self.image.C + self.filters))))

    def __dealloc__(self):
        delete_view(&self.view)

    cdef void describe(self, filter_context* s) noexcept nogil:
        """Fill in what follows from the shapes; the grid is that of a full block."""
        s.view, s.image, s.blocks, s.planes = &self.view, self.image, self.blocks, self.planes
        s.filters, s.dy_image, s.dy_row = self.filters, self.dy_image, self.dy_row
        self.lay_channels(s, CHANNELS)
        s.column_blocks = ceil_div(self.filters, FC_SPLIT_COLS)
        s.gathered = self.gathered
        self.lay_block(s, self.blocks.rows, self.blocks.cols)
        # A step reads 32 pixels, and a tile 32 channels, even if fewer are left.
        s.plane = self.blocks.images * s.image_step + (FC_SPLIT_ROWS + 1) * s.pitch

    cdef void lay_channels(self, filter_context* s, Py_ssize_t channels) noexcept nogil:
        s.channels, s.channel_blocks = channels, ceil_div(self.image.C, channels)

    cdef void lay_block(self, filter_context* s, Py_ssize_t rows, Py_ssize_t cols) noexcept nogil:
        """Fill in what depends on the size of a block."""
        lay_grid(&s.grid, &self.view, rows, cols)
        s.image_steps = ceil_div(s.grid.run, FC_SPLIT_DEPTH)
        if s.gathered:
            s.pitch, s.step = FC_SPLIT_DEPTH, FC_SPLIT_DEPTH * self.image.C
            s.image_step = s.image_steps * s.step
            return
        # An odd number of cache lines: neighbouring channels do not evict each other. The last step
        # reads up to 31 pixels behind the last channel's, which are zero.
        s.pitch = (ceil_div(s.grid.rows * s.grid.cols, LINE) | 1) * LINE
        s.step = FC_SPLIT_DEPTH
        s.image_step = s.grid.row_phases * s.grid.col_phases * self.image.C * s.pitch + LINE

    cdef Py_ssize_t packed_elements(self, const filter_context* s) noexcept nogil:
        return s.column_blocks * self.blocks.images * s.image_steps * self.planes * FC_SPLIT_B

    cdef Py_ssize_t turned_floats(self, const filter_context* s) noexcept nogil:
        return max(s.grid.cols, 2 * FC_SPLIT_DEPTH if s.gathered else 0) * self.image.C

    def run(
        self, const float[::1] x not None, const float[::1] dy not None,
        float[::1] dkernel not None,
    ) -> None:
        """Compute dkernel from flat arrays; sizes are the caller's to check."""
        cdef filter_context s
        cdef Py_ssize_t tasks, number, n, q
        cdef double cycles
        cdef int team
        if self.blocks.count == 0 or dy.shape[0] == 0 or x.shape[0] == 0:
            memset(&dkernel[0], 0, dkernel.shape[0] * sizeof(float))
            return
        self.describe(&s)
        s.x, s.dy, s.dkernel, s.spoiled = &x[0], &dy[0], &dkernel[0], False
        tasks = self.view.n_taps * s.channel_blocks * s.column_blocks
        cycles = (tasks * s.image_steps * product_cycles(self.planes) * self.blocks.images
                  * ceil_div(min(<Py_ssize_t>CHANNELS, self.image.C), FC_SPLIT_ROWS))
        team = team_size(tasks * ceil_div(CHANNELS, LEAST_CHANNELS), cycles)
        while team > 1 and s.channels > LEAST_CHANNELS and (
            self.view.n_taps * s.channel_blocks * s.column_blocks < 4 * team
        ):
            self.lay_channels(&s, s.channels // 2)
        tasks = self.view.n_taps * s.channel_blocks * s.column_blocks
        s.loaded = <uint16_t*>scratch(FC_SLOT_IMAGE, self.planes * s.plane // 2)
        s.packed = <uint16_t*>scratch(FC_SLOT_PACK_B, self.packed_elements(&s) // 2)
        s.turned = scratch(FC_SLOT_PACK_A, team * self.turned_floats(&s))
        s.steps = <Py_ssize_t*>scratch(
            FC_SLOT_ROWS, self.blocks.images * s.image_steps * sizeof(Py_ssize_t) // sizeof(float)
        )
        with nogil:
            for number in range(self.blocks.count):
                locate(&s.block, &s.blocks, s.view, &s.image, number)
                self.lay_block(&s, s.block.rows, s.block.cols)
                s.first = number == 0
                for n in range(s.block.images):
                    for q in range(s.image_steps):
                        s.steps[n * s.image_steps + q] = n * s.image_step + q * s.step
                parallel_for(load_task, &s, load_parts(&s) + s.column_blocks, team)
                parallel_for(product_task, &s, tasks, team)
        if s.spoiled:
            self.direct.run(x, dy, dkernel)

    def workspace_bytes(self) -> int:
        """Return the scratch memory, all of it shared but one row of pixels."""
        cdef filter_context s
        self.describe(&s)
        return 2 * (self.planes * s.plane + self.packed_elements(&s)) + 4 * self.turned_floats(&s)
