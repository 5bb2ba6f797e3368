"""Depthwise convolution and its gradients, in rows of pixels.

Along each axis, output number first + u * period reads the inputs u * stride + t * dilation - pad,
times tap k_first + t * k_step of the kernel, for t in [0, taps), where the input exists. The forward
pass is one such axis with period 1. The gradient for the input has one for each phase of the strides,
with only those taps that divide, and reads dy with stride 1: the same loop does both.
"""

from libc.string cimport memset

from .gemm cimport ceil_div
from .isa cimport FC_LINEAR, active_table, fc_depthwise, fc_ukernels
from .threads cimport parallel_for, team_size
from .workspace cimport FC_SLOT_PARTIAL, FC_SLOT_ROWS, scratch

# Floats of the input rows of one window that a block of channels may take: they are read again for
# the next row of outputs, from L1.
cdef enum:
    WINDOW_FLOATS = 4096
# Floats of output per task, which with its input stays in L2.
cdef enum:
    TASK_FLOATS = 32768
# Rows of outputs that are shared out at least, before tasks become larger.
cdef enum:
    MANY_ROWS = 16
# Pixels of dy whose products are added up before they join the others' in the gradient for the
# kernel, and channels of one task of it. The pixels are part of the definition of the result.
cdef enum:
    BLOCK_PIXELS = 1024
    BLOCK_CHANNELS = 64

cdef struct axis:
    Py_ssize_t taps, k_first, k_step
    Py_ssize_t stride, dilation, pad

cdef struct depthwise_context:
    const fc_ukernels* table
    const axis* row_axes         # [period_h]
    const axis* col_axes         # [period_w]
    Py_ssize_t period_h, period_w
    const float* x
    const float* kernel          # IN  (KH, KW, C)
    const float* bias
    float* y
    Py_ssize_t H, W, C
    Py_ssize_t OH, OW
    Py_ssize_t KW
    Py_ssize_t rows              # of all images
    Py_ssize_t task_rows, task_channels
    int activation


cdef void forward_axis(
    axis* a, Py_ssize_t taps, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t pad,
) noexcept nogil:
    a.taps, a.k_first, a.k_step = taps, 0, 1
    a.stride, a.dilation, a.pad = stride, dilation, pad


cdef void backward_axes(
    axis* axes, Py_ssize_t taps, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t pad,
) noexcept nogil:
    """Fill in the `stride` phases: input i gets dy[(i + pad - k * dilation) / stride] * kernel[k]."""
    cdef Py_ssize_t common = dilation, rest = stride, phase, k, count
    cdef axis* a
    while rest:
        common, rest = rest, common % rest
    for phase in range(stride):
        a = axes + phase
        # Taps that divide are k_step apart, if there are any, and dy moves by `dilation` between
        # them; they are taken from the last to the first so that dy is read forwards.
        a.k_step, a.stride, a.dilation = -(stride // common), 1, dilation // common
        a.taps, a.k_first, a.pad = 0, 0, 0
        for k in range(min(taps, stride // common)):
            if (phase + pad - k * dilation) % stride == 0:
                count = (taps - 1 - k) // (stride // common)
                a.taps = count + 1
                a.k_first = k - count * a.k_step
                a.pad = (a.k_first * dilation - phase - pad) // stride
                break


cdef void forward_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef depthwise_context* s = <depthwise_context*>context
    cdef fc_depthwise d
    cdef const axis* rows
    cdef const axis* cols
    cdef Py_ssize_t first = task * s.task_rows, end = min(first + s.task_rows, s.rows)
    cdef Py_ssize_t block, channel, row, image, oh, top, begin, stop, phase
    d.channels = s.task_channels
    d.W, d.x_pixel, d.y_pixel = s.W, s.C, s.period_w * s.C
    d.activation = s.activation
    for block in range(ceil_div(s.C, s.task_channels)):
        # The last block begins early: outputs are written, never added to.
        channel = min(block * s.task_channels, s.C - s.task_channels)
        for row in range(first, end):
            image = row // s.OH
            oh = row - image * s.OH
            rows = s.row_axes + oh % s.period_h
            top = oh // s.period_h * rows.stride - rows.pad
            begin = min(max(ceil_div(-top, rows.dilation), 0), rows.taps) if top < 0 else 0
            stop = min(max(ceil_div(s.H - top, rows.dilation), begin), rows.taps) if top < s.H else begin
            d.x_row = rows.dilation * s.W * s.C
            d.k_row = rows.k_step * s.KW * s.C
            for phase in range(min(s.period_w, s.OW)):
                cols = s.col_axes + phase
                d.OW = ceil_div(s.OW - phase, s.period_w)
                d.KW, d.SW, d.DW, d.PL = cols.taps, cols.stride, cols.dilation, cols.pad
                d.k_col = cols.k_step * s.C
                s.table.depthwise_f32(
                    &d, stop - begin,
                    s.x + ((image * s.H + top + begin * rows.dilation) * s.W) * s.C + channel,
                    s.kernel + ((rows.k_first + begin * rows.k_step) * s.KW + cols.k_first) * s.C
                    + channel,
                    s.bias + channel if s.bias != NULL else NULL,
                    s.y + (row * s.OW + phase) * s.C + channel,
                )


cdef void convolve(depthwise_context* s, Py_ssize_t taps, Py_ssize_t window_rows):
    """Run over all rows of y; `taps` of one output, whose window has `window_rows` rows."""
    cdef Py_ssize_t vl = s.table.vl
    cdef Py_ssize_t fitting = WINDOW_FLOATS // (window_rows * s.W) // vl * vl
    cdef Py_ssize_t tasks
    cdef int team
    s.task_channels = min(s.C, max(fitting, vl))
    s.task_rows = max(1, min(s.rows // MANY_ROWS, TASK_FLOATS // (s.OW * s.C)))
    tasks = ceil_div(s.rows, s.task_rows)
    team = team_size(tasks, s.rows * s.OW * ceil_div(s.C, vl) * (0.6 * taps + 2.0))
    with nogil:
        parallel_for(forward_task, s, tasks, team)


def depthwise_conv2d(
    const float[:, :, :, ::1] x not None, const float[:, :, ::1] kernel not None,
    const float[::1] bias, float[:, :, :, ::1] y not None, tuple geometry, int activation,
) -> None:
    """Write y for kernel (KH, KW, C); geometry (SH, SW, DH, DW, PT, PL)."""
    cdef depthwise_context s
    cdef axis[2] axes
    cdef Py_ssize_t SH, SW, DH, DW, PT, PL
    SH, SW, DH, DW, PT, PL = geometry
    if y.shape[0] == 0 or y.shape[3] == 0:
        return
    forward_axis(&axes[0], kernel.shape[0], SH, DH, PT)
    forward_axis(&axes[1], kernel.shape[1], SW, DW, PL)
    s.table = active_table()
    s.row_axes, s.col_axes, s.period_h, s.period_w = &axes[0], &axes[1], 1, 1
    s.x, s.kernel, s.y = &x[0, 0, 0, 0], &kernel[0, 0, 0], &y[0, 0, 0, 0]
    s.bias = &bias[0] if bias is not None else NULL
    s.H, s.W, s.C, s.KW = x.shape[1], x.shape[2], x.shape[3], kernel.shape[1]
    s.OH, s.OW = y.shape[1], y.shape[2]
    s.rows = y.shape[0] * s.OH
    s.activation = activation
    convolve(&s, kernel.shape[0] * kernel.shape[1], kernel.shape[0])


def depthwise_conv2d_backward_input(
    const float[:, :, :, ::1] dy not None, const float[:, :, ::1] kernel not None,
    float[:, :, :, ::1] dx not None, tuple geometry,
) -> None:
    """Write dx for kernel (KH, KW, C); geometry (SH, SW, DH, DW, PT, PL)."""
    cdef depthwise_context s
    cdef axis* axes
    cdef Py_ssize_t SH, SW, DH, DW, PT, PL, KH = kernel.shape[0], KW = kernel.shape[1]
    SH, SW, DH, DW, PT, PL = geometry
    if dx.shape[0] == 0 or dx.shape[3] == 0:
        return
    axes = <axis*>scratch(FC_SLOT_ROWS, (SH + SW) * sizeof(axis) // sizeof(float))
    backward_axes(axes, KH, SH, DH, PT)
    backward_axes(axes + SH, KW, SW, DW, PL)
    s.table = active_table()
    s.row_axes, s.col_axes, s.period_h, s.period_w = axes, axes + SH, SH, SW
    s.x, s.kernel, s.y = &dy[0, 0, 0, 0], &kernel[0, 0, 0], &dx[0, 0, 0, 0]
    s.bias = NULL
    s.H, s.W, s.C, s.KW = dy.shape[1], dy.shape[2], dy.shape[3], KW
    s.OH, s.OW = dx.shape[1], dx.shape[2]
    s.rows = dx.shape[0] * s.OH
    s.activation = FC_LINEAR
    convolve(&s, ceil_div(KH * KW, SH * SW), ceil_div(KH, SH))


cdef struct filter_context:
    const fc_ukernels* table
    fc_depthwise d
    const float* x
    const float* dy
    float* partial               # TMP [blocks][KH * KW * C]
    float* dkernel               # OUT [KH * KW * C]
    Py_ssize_t N, H, OH, KH, SH, DH, PT
    Py_ssize_t C, floats         # KH * KW * C
    Py_ssize_t image_rows        # blocks of this many rows of an image,
    Py_ssize_t images            # or of this many whole images
    Py_ssize_t row_blocks, channel_blocks, blocks


cdef void filter_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef filter_context* s = <filter_context*>context
    cdef fc_depthwise d = s.d
    cdef Py_ssize_t block = task // s.channel_blocks
    cdef Py_ssize_t channel = task % s.channel_blocks * BLOCK_CHANNELS
    cdef Py_ssize_t image = block // s.row_blocks * s.images
    cdef Py_ssize_t first = block % s.row_blocks * s.image_rows
    cdef Py_ssize_t n, oh, top, begin, stop, tap
    cdef float* partial = s.partial + block * s.floats + channel
    d.channels = min(s.C - channel, <Py_ssize_t>BLOCK_CHANNELS)
    for tap in range(s.KH * d.KW):
        memset(partial + tap * s.C, 0, d.channels * sizeof(float))
    for n in range(image, min(image + s.images, s.N)):
        for oh in range(first, min(first + s.image_rows, s.OH)):
            top = oh * s.SH - s.PT
            begin = min(ceil_div(-top, s.DH), s.KH) if top < 0 else 0
            stop = min(max(ceil_div(s.H - top, s.DH), begin), s.KH) if top < s.H else begin
            s.table.depthwise_filter_f32(
                &d, stop - begin,
                s.x + (n * s.H + top + begin * s.DH) * d.W * s.C + channel,
                s.dy + (n * s.OH + oh) * d.OW * s.C + channel, partial + begin * d.k_row,
            )


cdef void combine_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add up one row of taps of all blocks, in their order."""
    cdef filter_context* s = <filter_context*>context
    cdef Py_ssize_t block, i
    cdef const float* partial
    cdef float* out = s.dkernel + task * s.d.k_row
    memset(out, 0, s.d.k_row * sizeof(float))
    for block in range(s.blocks):
        partial = s.partial + block * s.floats + task * s.d.k_row
        for i in range(s.d.k_row):
            out[i] += partial[i]


def depthwise_conv2d_backward_filter(
    const float[:, :, :, ::1] x not None, const float[:, :, :, ::1] dy not None,
    float[:, :, ::1] dkernel not None, tuple geometry,
) -> None:
    """Write dkernel (KH, KW, C); geometry (SH, SW, DH, DW, PT, PL)."""
    cdef filter_context s
    cdef fc_depthwise* d = &s.d
    cdef Py_ssize_t tasks, pixels = dy.shape[1] * dy.shape[2]
    cdef double vectors
    cdef int team
    if dkernel.shape[2] == 0:
        return
    s.table = active_table()
    s.SH, d.SW, s.DH, d.DW, s.PT, d.PL = geometry
    s.N, s.H, d.W, s.C = x.shape[0], x.shape[1], x.shape[2], x.shape[3]
    s.OH, d.OW = dy.shape[1], dy.shape[2]
    s.KH, d.KW = dkernel.shape[0], dkernel.shape[1]
    d.x_pixel = d.y_pixel = d.k_col = s.C
    d.x_row, d.k_row = s.DH * d.W * s.C, d.KW * s.C
    s.floats = s.KH * d.k_row
    s.x = s.dy = NULL
    if s.N:
        s.x, s.dy = &x[0, 0, 0, 0], &dy[0, 0, 0, 0]
    s.dkernel = &dkernel[0, 0, 0]
    if pixels < BLOCK_PIXELS:
        s.images, s.image_rows = max(BLOCK_PIXELS // pixels, 1), s.OH
    else:
        s.images, s.image_rows = 1, max(BLOCK_PIXELS // d.OW, 1)
    s.row_blocks = ceil_div(s.OH, s.image_rows)
    s.channel_blocks = ceil_div(s.C, BLOCK_CHANNELS)
    s.blocks = ceil_div(s.N, s.images) * s.row_blocks
    s.partial = scratch(FC_SLOT_PARTIAL, s.blocks * s.floats + 1)
    tasks = s.blocks * s.channel_blocks
    vectors = s.N * pixels * ceil_div(s.C, s.table.vl)
    team = team_size(tasks, vectors * (0.7 * s.KH * d.KW + 2.0))
    with nogil:
        parallel_for(filter_task, &s, tasks, team)
        parallel_for(combine_task, &s, s.KH, team_size(s.KH, 0.5 * s.blocks * s.floats))


cdef struct channels_context:
    const float* source
    float* result
    Py_ssize_t count, task_floats, M   # count: of the side with fewer channels


cdef void repeat_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef channels_context* s = <channels_context*>context
    cdef Py_ssize_t i, m, first = task * s.task_floats
    for i in range(first, min(first + s.task_floats, s.count)):
        for m in range(s.M):
            s.result[i * s.M + m] = s.source[i]


cdef void sum_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef channels_context* s = <channels_context*>context
    cdef Py_ssize_t i, m, first = task * s.task_floats
    cdef float total
    for i in range(first, min(first + s.task_floats, s.count)):
        total = s.source[i * s.M]
        for m in range(1, s.M):
            total += s.source[i * s.M + m]
        s.result[i] = total


cdef channels_context share_out(Py_ssize_t count, Py_ssize_t M) noexcept nogil:
    cdef channels_context s
    s.count, s.M = count, M
    s.task_floats = max(1, TASK_FLOATS // M)
    return s


def repeat_channels(const float[::1] x not None, float[::1] repeated not None) -> None:
    """Write each element of x as often in a row as `repeated` is longer."""
    cdef channels_context s
    cdef Py_ssize_t tasks
    if x.shape[0] == 0:
        return
    s = share_out(x.shape[0], repeated.shape[0] // x.shape[0])
    s.source, s.result = &x[0], &repeated[0]
    tasks = ceil_div(s.count, s.task_floats)
    with nogil:
        parallel_for(repeat_task, &s, tasks, team_size(tasks, 1.0 * s.count * s.M))


def sum_channels(const float[::1] repeated not None, float[::1] x not None) -> None:
    """Write to each element of x the sum of its part of `repeated`, in order."""
    cdef channels_context s
    cdef Py_ssize_t tasks
    if x.shape[0] == 0:
        return
    s = share_out(x.shape[0], repeated.shape[0] // x.shape[0])
    s.source, s.result = &repeated[0], &x[0]
    tasks = ceil_div(s.count, s.task_floats)
    with nogil:
        parallel_for(sum_task, &s, tasks, team_size(tasks, 1.0 * s.count * s.M))
