"""Depthwise convolution and its gradients, in blocks of rows, columns and channels.

No task writes what another does, and sums over the batch run over fixed blocks of pixels that are
added up in their order, so results do not depend on the number of threads.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memset

from .gemm cimport ceil_div
from .isa cimport active_table, fc_depthwise
from .rings cimport (
    axis, begin_ring, copy_kernel, count_axes, describe, gather_rows, get_copies, next_piece, piece,
    ring, windows,
)
from .threads cimport parallel_for, team_size
from .workspace cimport FC_SLOT_PARTIAL, scratch

# Tasks that are worth splitting rows for, and the rows that are left together.
cdef enum:
    MANY_TASKS = 16
    FEW_ROWS = 4
# Pixels of dy whose products are added up before they join the others' in the gradient for the
# kernel. Part of the definition of the result, like the sizes of blocks in rings.pyx.
cdef enum:
    BLOCK_PIXELS = 1024
# Floats that a task of sum_channels reads.
cdef enum:
    SUM_FLOATS = 32768


cdef bint empty(const float[:, :, :, ::1] a) noexcept:
    return a.shape[0] * a.shape[1] * a.shape[2] * a.shape[3] == 0


cdef tuple shape4(const float[:, :, :, ::1] a):
    return a.shape[0], a.shape[1], a.shape[2], a.shape[3]


cdef tuple shape3(const float[:, :, ::1] a):
    return a.shape[0], a.shape[1], a.shape[2]


cdef struct result_context:
    windows w
    const float* kernel          # IN  (KH, KW, channels)
    const float* bias            # IN  (channels) or NULL
    float* y                     # OUT (N, OH, OW, channels)
    int activation
    Py_ssize_t block_rows, row_blocks, tasks


cdef void result_task(void* context, Py_ssize_t task) noexcept nogil:
    """Compute a block of y, or of dx."""
    cdef result_context* s = <result_context*>context
    cdef const windows* w = &s.w
    cdef ring r
    cdef fc_depthwise d
    cdef const axis* a
    cdef const float* kernel
    cdef piece p
    cdef Py_ssize_t channel, col, cols, row, image, oh, phase, tap, first, count, outputs
    channel = task % w.channel_blocks * w.block_channels
    task //= w.channel_blocks
    col = task % w.col_blocks * w.block_cols
    task //= w.col_blocks
    row = task % s.row_blocks * s.block_rows
    image = task // s.row_blocks
    cols = min(w.block_cols, w.OW - col)
    begin_ring(&r, w, image, channel, col, cols)
    kernel = copy_kernel(&r, s.kernel)
    d.channels, d.x_pixel = r.block.channels, r.pixel
    d.y_pixel = w.period_w * w.channels
    d.activation = s.activation
    for oh in range(row, min(row + s.block_rows, w.OH)):
        a = w.rows + oh % w.period_h
        gather_rows(&r, a, oh // w.period_h * a.stride - a.pad, &first, &count)
        d.k_row = a.k_step * w.KW * d.channels
        tap = (a.k_first + first * a.k_step) * w.KW
        for phase in range(min(w.period_w, cols)):
            a = w.cols + phase
            d.stride, d.dilation, d.k_col = a.stride, a.dilation, a.k_step * d.channels
            outputs, first = ceil_div(cols - phase, w.period_w), col // w.period_w
            p.output = p.outputs = 0
            while p.output + p.outputs < outputs:
                next_piece(&p, w, a, first, outputs)
                d.outputs, d.cols = p.outputs, p.taps
                d.left, d.right = p.left, p.right
                w.table.depthwise_f32(
                    &d, r.rows, count,
                    ((first + p.output) * a.stride - a.pad + p.tap * a.dilation - r.begin) * r.pixel,
                    kernel + (tap + a.k_first + p.tap * a.k_step) * d.channels,
                    s.bias + channel if s.bias != NULL else NULL,
                    s.y + (((image * w.OH + oh) * w.OW + col + phase + p.output * w.period_w)
                           * w.channels + channel),
                )


cdef class BoundDepthwise:
    """A depthwise convolution with its arrays, for calls by the thousand; one thread at a time.

    Parameters
    ----------
    x, kernel, bias, y : arrays (N, H, W, C), (KH, KW, C * M), (C * M) or None, (N, OH, OW, C * M)
        For the gradient for the input dy, which is read, and dx, not yet summed over M.
    geometry : (SH, SW, DH, DW, PT, PL)
        Of the forward pass.
    activation : int
    backward : bool
        Compute the gradient for the input.
    """

    cdef object arrays               # kept: tasks have their addresses only
    cdef tuple shapes
    cdef bint backward
    cdef axis* axes
    cdef result_context context
    cdef double cycles               # of all tasks on one thread, about

    def __cinit__(
        self, const float[:, :, :, ::1] x not None, const float[:, :, ::1] kernel not None,
        const float[::1] bias, float[:, :, :, ::1] y not None, tuple geometry, int activation,
        bint backward,
    ):
        cdef result_context* s = &self.context
        self.arrays, self.backward = (x, kernel, bias, y), backward
        self.shapes = shape4(x), shape4(y), shape3(kernel), geometry
        if empty(y):
            return
        s.w.x, s.kernel, s.y = &x[0, 0, 0, 0], &kernel[0, 0, 0], &y[0, 0, 0, 0]
        s.bias = &bias[0] if bias is not None else NULL
        s.activation = activation
        self.axes = <axis*>malloc(count_axes(geometry, backward) * sizeof(axis))
        if self.axes == NULL:
            raise MemoryError
        self.lay_out()

    def __dealloc__(self):
        free(self.axes)

    cdef int lay_out(self) except -1:
        """Fill in what follows from the shapes and the instruction set."""
        cdef result_context* s = &self.context
        cdef windows* w = &s.w
        cdef Py_ssize_t tasks, row_blocks
        x_shape, y_shape, kernel_shape, geometry = self.shapes
        describe(w, self.axes, x_shape, y_shape, kernel_shape, geometry, self.backward)
        tasks = w.N * w.col_blocks * w.channel_blocks
        row_blocks = min(ceil_div(MANY_TASKS, tasks), max(w.OH // FEW_ROWS, 1))
        s.block_rows = ceil_div(w.OH, row_blocks)
        s.row_blocks = ceil_div(w.OH, s.block_rows)
        s.tasks = tasks * s.row_blocks
        self.cycles = (1.0 * w.N * w.OH * w.OW * ceil_div(w.channels, w.table.vl)
                       * (0.6 * w.taps / (w.period_h * w.period_w) + 4.0))
        return 0

    def __call__(self, packed=None) -> None:
        """Compute y, or dx; there is no packed kernel."""
        cdef result_context* s = &self.context
        cdef int team
        if self.axes == NULL:  # nothing to write
            return
        if s.w.table != active_table():
            self.lay_out()
        team = team_size(s.tasks, self.cycles)
        get_copies(&s.w, team)
        with nogil:
            parallel_for(result_task, s, s.tasks, team)


cdef struct filter_context:
    windows w
    const float* dy              # IN  (N, OH, OW, channels)
    float* partial               # TMP [image blocks][row blocks][channel blocks][taps][channels]
    float* dkernel               # OUT (KH, KW, channels)
    Py_ssize_t block_images, image_blocks
    Py_ssize_t block_rows, row_blocks


cdef void filter_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add up the products of one block of pixels and channels."""
    cdef filter_context* s = <filter_context*>context
    cdef const windows* w = &s.w
    cdef ring r
    cdef fc_depthwise d
    cdef piece p
    cdef const axis* a = w.cols
    cdef Py_ssize_t image, row, channel, col, cols, n, oh, first, count
    cdef float* partial = s.partial + task * w.taps * w.block_channels
    channel = task % w.channel_blocks * w.block_channels
    task //= w.channel_blocks
    row = task % s.row_blocks * s.block_rows
    image = task // s.row_blocks * s.block_images
    memset(partial, 0, w.taps * w.block_channels * sizeof(float))
    d.stride, d.dilation, d.y_pixel = a.stride, a.dilation, w.channels
    for n in range(image, min(image + s.block_images, w.N)):
        for col from 0 <= col < w.OW by w.block_cols:
            cols = min(w.block_cols, w.OW - col)
            begin_ring(&r, w, n, channel, col, cols)
            d.channels, d.x_pixel = r.block.channels, r.pixel
            d.k_col, d.k_row = d.channels, w.KW * d.channels
            for oh in range(row, min(row + s.block_rows, w.OH)):
                gather_rows(&r, w.rows, oh * w.rows.stride - w.rows.pad, &first, &count)
                p.output = p.outputs = 0
                while p.output + p.outputs < cols:
                    next_piece(&p, w, a, col, cols)
                    d.outputs, d.cols = p.outputs, p.taps
                    d.left, d.right = p.left, p.right
                    w.table.depthwise_filter_f32(
                        &d, r.rows, count,
                        ((col + p.output) * a.stride - a.pad + p.tap * a.dilation - r.begin) * r.pixel,
                        s.dy + ((n * w.OH + oh) * w.OW + col + p.output) * w.channels + channel,
                        partial + first * d.k_row + p.tap * d.k_col,
                    )


cdef void combine_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add up one block of channels of all blocks of pixels, in their order."""
    cdef filter_context* s = <filter_context*>context
    cdef const windows* w = &s.w
    cdef Py_ssize_t channel = task * w.block_channels
    cdef Py_ssize_t channels = min(w.block_channels, w.channels - channel)
    cdef Py_ssize_t block, tap, c
    cdef const float* partial
    cdef float* out
    for tap in range(w.taps):
        out = s.dkernel + tap * w.channels + channel
        memset(out, 0, channels * sizeof(float))
        for block in range(s.image_blocks * s.row_blocks):
            partial = s.partial + (
                (block * w.channel_blocks + task) * w.taps * w.block_channels + tap * channels
            )
            for c in range(channels):
                out[c] += partial[c]


def depthwise_conv2d_backward_filter(
    const float[:, :, :, ::1] x not None, const float[:, :, :, ::1] dy not None,
    float[:, :, ::1] dkernel not None, tuple geometry,
) -> None:
    """Write dkernel (KH, KW, C * M)."""
    cdef filter_context s
    cdef windows* w = &s.w
    cdef axis axes[2]
    cdef Py_ssize_t tasks
    cdef double vectors
    cdef int team
    if empty(x) or empty(dy):
        dkernel[:] = 0.0
        return
    describe(w, axes, shape4(x), shape4(dy), shape3(dkernel), geometry, False)
    w.x, s.dy, s.dkernel = &x[0, 0, 0, 0], &dy[0, 0, 0, 0], &dkernel[0, 0, 0]
    s.block_images = max(BLOCK_PIXELS // (w.OH * w.OW), 1)
    s.block_rows = min(max(BLOCK_PIXELS // w.OW, 1), w.OH)
    s.image_blocks = ceil_div(w.N, s.block_images)
    s.row_blocks = ceil_div(w.OH, s.block_rows)
    tasks = s.image_blocks * s.row_blocks * w.channel_blocks
    vectors = w.N * w.OH * w.OW * ceil_div(w.channels, w.table.vl)
    team = team_size(tasks, vectors * (0.7 * w.taps + 4.0))
    get_copies(w, team)
    s.partial = scratch(FC_SLOT_PARTIAL, tasks * w.taps * w.block_channels)
    with nogil:
        parallel_for(filter_task, &s, tasks, team)
        parallel_for(
            combine_task, &s, w.channel_blocks,
            team_size(w.channel_blocks, 0.5 * tasks * w.taps * w.block_channels),
        )


cdef struct sum_context:
    const float* full
    float* x
    Py_ssize_t count, task_count, M


cdef void sum_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef sum_context* s = <sum_context*>context
    cdef Py_ssize_t i, m, first = task * s.task_count
    cdef float total
    for i in range(first, min(first + s.task_count, s.count)):
        total = s.full[i * s.M]
        for m in range(1, s.M):
            total += s.full[i * s.M + m]
        s.x[i] = total


def sum_channels(const float[::1] full not None, float[::1] x not None) -> None:
    """Write to each element of x the sum of its part of `full`, in order."""
    cdef sum_context s
    cdef Py_ssize_t tasks
    if x.shape[0] == 0:
        return
    s.full, s.x = &full[0], &x[0]
    s.count, s.M = x.shape[0], full.shape[0] // x.shape[0]
    s.task_count = max(1, SUM_FLOATS // s.M)
    tasks = ceil_div(s.count, s.task_count)
    with nogil:
        parallel_for(sum_task, &s, tasks, team_size(tasks, 1.0 * s.count * s.M))


def workspace_bytes(
    tuple x_shape, tuple y_shape, tuple kernel_shape, tuple geometry, bint backward,
) -> int:
    """Return the scratch memory that one thread uses; arguments as of rings.describe."""
    cdef windows w
    cdef axis* axes
    if 0 in x_shape:
        return 0
    axes = <axis*>malloc(count_axes(geometry, backward) * sizeof(axis))
    if axes == NULL:
        raise MemoryError
    try:
        describe(&w, axes, x_shape, y_shape, kernel_shape, geometry, backward)
    finally:
        free(axes)
    return w.copy_floats * sizeof(float) + 2 * w.slots * sizeof(Py_ssize_t)
