"""Blocks of a depthwise convolution and the rows that they copy."""

from .gemm cimport ceil_div
from .isa cimport active_table
from .threads cimport worker
from .workspace cimport FC_SLOT_IMAGE, FC_SLOT_ROWS, scratch

# Floats of a ring, or of what lies in its place: most of a small L1.
cdef enum:
    RING_FLOATS = 6144
# Channels of a block: a few whole cache lines of a pixel; more where a block costs no copy.
cdef enum:
    BLOCK_CHANNELS = 64
    IN_PLACE_CHANNELS = 256
# Channels that blocks are a multiple of: the widest vector.
cdef enum:
    CHANNEL_UNIT = 16
# Pixels this multiple of floats apart have one set of an L1 cache of 4 KB ways to themselves.
cdef enum:
    ALIASING_FLOATS = 1024
# Outputs that the micro-kernel works off together.
cdef enum:
    TILE_OUTPUTS = 8


cdef void forward_axis(
    axis* a, Py_ssize_t taps, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t pad,
) noexcept nogil:
    a.taps, a.k_first, a.k_step = taps, 0, 1
    a.stride, a.dilation, a.pad = stride, dilation, pad


cdef void backward_axes(
    axis* axes, Py_ssize_t taps, Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t pad,
) noexcept nogil:
    """Fill in the phases: input i gets dy[(i + pad - k * dilation) / stride] * kernel[k]."""
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


cdef Py_ssize_t span(
    const windows* w, Py_ssize_t first, Py_ssize_t count, Py_ssize_t* begin,
) noexcept nogil:
    """Return how many columns the outputs first .. first + count - 1 read, from begin[0] on."""
    cdef Py_ssize_t phase, low, high, end = 0
    cdef const axis* a
    begin[0] = 0
    for phase in range(min(w.period_w, count)):  # first is a multiple of the period
        a = w.cols + phase
        if a.taps == 0:
            continue
        low = first // w.period_w * a.stride - a.pad
        high = (low + (ceil_div(count - phase, w.period_w) - 1) * a.stride
                + (a.taps - 1) * a.dilation + 1)
        if end == begin[0]:  # the first phase with taps
            begin[0], end = low, high
        begin[0], end = min(begin[0], low), max(end, high)
    return end - begin[0]


cdef Py_ssize_t even_share(Py_ssize_t n, Py_ssize_t most, Py_ssize_t unit) noexcept nogil:
    """Return the size of blocks, a multiple of `unit`, that divides n about evenly."""
    return min(n, ceil_div(ceil_div(n, ceil_div(n, most)), unit) * unit)


cdef void divide(windows* w) noexcept nogil:
    """Choose blocks of channels and columns whose ring stays in L1."""
    cdef Py_ssize_t unit = TILE_OUTPUTS * w.period_w
    cdef Py_ssize_t most = IN_PLACE_CHANNELS if w.in_place else BLOCK_CHANNELS
    cdef Py_ssize_t more = TILE_OUTPUTS * w.cols[0].stride  # columns that another unit reads
    cdef Py_ssize_t phase, begin, first, pixels, units
    w.slots = 1
    for phase in range(w.period_h):
        w.slots = max(w.slots, (w.rows[phase].taps - 1) * w.rows[phase].dilation + 1)
    first = span(w, 0, min(unit, w.OW), &begin)
    while True:
        w.block_channels = even_share(w.channels, most, CHANNEL_UNIT)
        pixels = RING_FLOATS // (w.slots * w.block_channels)
        units = 1 + max(pixels - first, 0) // more
        if units >= 2 or unit >= w.OW or most == CHANNEL_UNIT:
            break
        most //= 2
    w.channel_blocks = ceil_div(w.channels, w.block_channels)
    w.block_cols = even_share(w.OW, units * unit, unit)
    w.col_blocks = ceil_div(w.OW, w.block_cols)
    w.width = span(w, 0, w.block_cols, &begin)
    w.copy_floats = ceil_div((w.slots * w.width + w.taps) * w.block_channels, 16) * 16


cdef Py_ssize_t count_axes(tuple geometry, bint backward) except -1:
    """Return how many axes `describe` fills in."""
    cdef Py_ssize_t SH = geometry[0], SW = geometry[1]
    return SH + SW if backward else 2


cdef int describe(
    windows* w, axis* axes, tuple x_shape, tuple y_shape, tuple kernel_shape, tuple geometry,
    bint backward,
) except -1:
    """Fill in all but the arrays, for shapes (N, H, W, C), (N, OH, OW, C * M), (KH, KW, C * M).

    Backward, x stands for dy and y for dx. Geometry is (SH, SW, DH, DW, PT, PL), of the forward
    pass.
    """
    cdef Py_ssize_t KH, SH, SW, DH, DW, PT, PL
    SH, SW, DH, DW, PT, PL = geometry
    KH, w.KW, w.channels = kernel_shape
    w.N, w.H, w.W, w.C = x_shape
    w.OH, w.OW = y_shape[1:3]
    w.M = w.channels // w.C
    w.in_place = w.M == 1 and w.C % ALIASING_FLOATS != 0
    w.taps = KH * w.KW
    w.table = active_table()
    w.period_h, w.period_w = SH if backward else 1, SW if backward else 1
    w.rows, w.cols = axes, axes + w.period_h
    if backward:
        backward_axes(axes, KH, SH, DH, PT)
        backward_axes(axes + SH, w.KW, SW, DW, PL)
    else:
        forward_axis(axes, KH, SH, DH, PT)
        forward_axis(axes + 1, w.KW, SW, DW, PL)
    divide(w)
    return 0


cdef int get_copies(windows* w, int team) except -1:
    w.copies = scratch(FC_SLOT_IMAGE, team * w.copy_floats)
    w.words = <Py_ssize_t*>scratch(
        FC_SLOT_ROWS, team * 2 * w.slots * sizeof(Py_ssize_t) // sizeof(float)
    )
    return 0


cdef void begin_ring(
    ring* r, const windows* w, Py_ssize_t image, Py_ssize_t channel, Py_ssize_t col,
    Py_ssize_t cols,
) noexcept nogil:
    """Make ready for the outputs [col, col + cols) of one image and block of channels."""
    cdef Py_ssize_t i
    r.of = w
    r.block.W, r.block.C, r.block.M = w.W, w.C, w.M
    r.block.first = channel
    r.block.channels = min(w.block_channels, w.channels - channel)
    r.block.width = span(w, col, cols, &r.begin)
    r.pixel = r.block.channels
    r.image = w.x + image * w.H * w.W * w.C
    if w.in_place:
        r.begin, r.pixel = 0, w.C
    r.memory = w.copies + worker() * w.copy_floats
    r.held = w.words + worker() * 2 * w.slots
    r.rows = <const float**>(r.held + w.slots)
    for i in range(w.slots):
        r.held[i] = -1


cdef void gather_rows(
    ring* r, const axis* a, Py_ssize_t top, Py_ssize_t* first, Py_ssize_t* count,
) noexcept nogil:
    """Set r.rows for a window that begins at row `top`.

    They are those of the taps first[0] .. first[0] + count[0] - 1; the others are off the image.
    """
    cdef const windows* w = r.of
    cdef Py_ssize_t t, h, slot, end
    first[0] = min(ceil_div(-top, a.dilation), a.taps) if top < 0 else 0
    end = min(ceil_div(w.H - top, a.dilation), a.taps) if top < w.H else 0
    count[0] = max(end - first[0], 0)
    for t in range(count[0]):
        h = top + (first[0] + t) * a.dilation
        if w.in_place:
            r.rows[t] = r.image + h * w.W * w.C + r.block.first
            continue
        slot = h % w.slots
        r.rows[t] = r.memory + slot * r.block.width * r.block.channels
        if r.held[slot] != h:
            w.table.depthwise_load_f32(
                &r.block, r.begin, r.image + h * w.W * w.C, <float*>r.rows[t]
            )
            r.held[slot] = h


cdef Py_ssize_t position(const axis* a, Py_ssize_t output) noexcept nogil:
    """Return where the first tap of an output lies."""
    return output * a.stride - a.pad


cdef void next_piece(
    piece* p, const windows* w, const axis* a, Py_ssize_t first, Py_ssize_t count,
) noexcept nogil:
    """Go on to the next outputs that have the same taps, of `count` outputs from `first` on.

    Copied rows hold all taps. In place those beside the image are left out: one of the first output
    and one of the last along with others, more of them one output at a time.
    """
    cdef Py_ssize_t begin = 0, end = count, left
    p.output += p.outputs
    p.tap, p.taps = 0, a.taps
    p.left = p.right = False
    if w.in_place:
        begin = ceil_div(a.pad, a.stride) - first
        end = (w.W - 1 + a.pad - (a.taps - 1) * a.dilation + a.stride) // a.stride - first
        end = min(end, count)
        p.left = begin > 0 and position(a, first + begin - 1) >= -a.dilation
        begin -= p.left
        # Of the output behind those that have all taps, all but the last one.
        p.right = 0 <= end < count and a.taps > 0 \
            and position(a, first + end) + (a.taps - 2) * a.dilation < w.W
        end += p.right
    if begin <= p.output < end:
        p.left = p.left and p.output == begin
        p.outputs = end - p.output
        return
    p.left = p.right = False
    p.outputs = 1
    left = position(a, first + p.output)
    p.tap = min(ceil_div(-left, a.dilation), a.taps) if left < 0 else 0
    end = min(ceil_div(w.W - left, a.dilation), a.taps) if left < w.W else 0
    p.taps = max(end - p.tap, 0)


cdef const float* copy_kernel(const ring* r, const float* kernel) noexcept nogil:
    """Return the ring's channels of all taps side by side, copied like a row of pixels."""
    cdef const windows* w = r.of
    cdef fc_depthwise_block taps
    cdef float* copy = r.memory + w.slots * w.width * w.block_channels
    taps.W = taps.width = w.taps
    taps.C, taps.M = w.channels, 1
    taps.first, taps.channels = r.block.first, r.block.channels
    w.table.depthwise_load_f32(&taps, 0, kernel, copy)
    return copy
