"""Winograd's F(m, r): the gradient for the kernel, a sum over the tiles of all images.

The transforms of x and dy lie on one grid, the tiles that are read: where none is written dy counts as
zero. So a part of the kernel (winograd_blocks.pxd) that begins some tiles further on meets, tile by
tile, the transform of x that lies as many tiles further on.
"""

from libc.string cimport memset

from .gemm cimport grid_axis, multiply_grid, packed_floats, rows_job
from .isa cimport FC_LINEAR, active_table
from .taps cimport tap_block
from .threads cimport parallel_for, team_size, worker
from .winograd cimport Winograd
from .winograd_blocks cimport (
    CHAIN, is_zero, locate_tiles, plane_step, transform_input, winograd_context,
)
from .workspace cimport FC_SLOT_KERNEL, scratch

cdef enum:
    # They are summed over: fewer would pass over the sums too often, more would make the chains of
    # additions, and so their rounding errors, longer than direct convolution's.
    FEWEST_TILES = 32
    MOST_TILES = 128


cdef void spread_task(void* context, Py_ssize_t share) noexcept nogil:
    """Transform x and dy of some lines of tiles of the block in hand."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t v_step = plane_step(s.read_tiles, s.depth), z_step = plane_step(s.read_tiles, s.F)
    cdef float* v = s.planes
    cdef float* z = v + s.phases * s.n_planes * v_step
    cdef tap_block block, read, lines
    cdef Py_ssize_t line, end, i, j, m, rows, cols, count, row = s.OW * s.F, pixel = s.F
    if s.lying:
        row, pixel = pixel, row
    locate_tiles(s, s.number, &block, &read)
    line = read.images * read.rows * share // s.shares
    end = read.images * read.rows * (share + 1) // s.shares
    while line < end:
        lines = read
        lines.image, lines.images = read.image + line // read.rows, 1
        lines.row, lines.rows = read.row + line % read.rows, min(end - line, read.rows - line % read.rows)
        m = line * read.cols
        transform_input(s, &lines, v + m * s.depth, v_step)
        for i in range(lines.row, lines.row + lines.rows):
            rows = min(s.mv, s.OH - s.mv * i) if i < block.row + block.rows else 0
            j = read.col
            while j < read.col + read.cols:
                cols = min(s.mh, s.OW - s.mh * j) if j < block.col + block.cols else 0
                count = min(block.col + block.cols, s.OW // s.mh) - j if cols == s.mh else 1
                s.transforms.spread(
                    s.dy + ((lines.image * s.OH + s.mv * i) * s.OW + s.mh * j) * s.F, row, pixel,
                    cols if s.lying else rows, rows if s.lying else cols, s.F, z + m * s.F, z_step,
                    count, s.mh * s.F,
                )
                j += count
                m += count
        line += lines.rows


cdef void plane_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add the products of one plane of one part, for the block in hand."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t v_step = plane_step(s.read_tiles, s.depth), z_step = plane_step(s.read_tiles, s.F)
    cdef Py_ssize_t part = task // s.n_planes, plane = task % s.n_planes
    cdef const float* v = s.planes + (s.parts[part].phase * s.n_planes + plane) * v_step
    cdef grid_axis[3] axes
    cdef Py_ssize_t shift, tap = 0
    cdef tap_block block, read
    cdef rows_job job
    if is_zero(s, part, plane):
        return
    locate_tiles(s, s.number, &block, &read)
    shift = s.parts[part].row * read.cols + s.parts[part].col
    axes[0] = axes[1] = grid_axis(1, 0, 0)
    axes[2] = grid_axis(s.C, 1, s.F)
    job.taps, job.n_taps, job.a_step = &tap, 1, s.depth
    job.depth = read.images * read.rows * read.cols - shift
    job.b = s.planes + s.phases * s.n_planes * v_step + plane * z_step
    job.b_taps, job.b_depth, job.b_k, job.b_n = NULL, job.depth, s.F, 1
    job.dots = False
    job.b_panel, job.chain = 0, CHAIN
    job.col_begin, job.col_end = 0, s.F
    job.bias, job.added, job.activation, job.accumulate = NULL, 0, FC_LINEAR, s.number > 0
    job.packed = s.packed + worker() * packed_floats()
    multiply_grid(&job, axes, v + shift * s.depth, s.u + task * s.u_step)


cdef void gather_task(void* context, Py_ssize_t c) noexcept nogil:
    """Transform back the summed products of one input channel."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t part, n_taps = s.transforms.rv * s.transforms.rh
    cdef int finite
    for part in range(s.n_parts):
        # Planes that were left out hold anything: they belong to taps that there are not.
        s.transforms.gather(
            s.u + part * s.n_planes * s.u_step + c * s.F, s.u_step, s.F, s.dkernel + c * s.F,
            s.taps + part * n_taps, &finite,
        )
        if not finite:
            s.finite = False


def kernel_gradient(
    Winograd driver not None, const float[::1] x not None, const float[::1] dy not None,
    float[::1] dkernel not None,
) -> bool:
    """Compute dkernel from flat arrays with the forward pass's driver; sizes are the caller's.

    Returns False when some of it is infinite or NaN: transforms spread either over all taps, so the
    caller computes such a gradient directly.
    """
    cdef winograd_context s
    cdef int team
    driver.describe(&s, FEWEST_TILES, MOST_TILES)
    s.u_step = s.C * s.F + 16
    s.dkernel = &dkernel[0]
    if dy.shape[0] == 0:
        memset(s.dkernel, 0, dkernel.shape[0] * sizeof(float))
        return True
    s.x, s.dy = &x[0], &dy[0]
    team = team_size(s.n_parts * s.n_planes, 2.0 * dy.shape[0] * s.depth / active_table().vl)
    s.shares = team
    s.planes_floats = s.n_planes * (
        s.phases * plane_step(s.read_tiles, s.depth) + plane_step(s.read_tiles, s.F)
    )
    driver.reserve(&s, team, 1)
    s.u = scratch(FC_SLOT_KERNEL, s.n_parts * s.n_planes * s.u_step)
    s.finite = True
    with nogil:
        for s.number in range(s.blocks.count):
            parallel_for(spread_task, &s, s.shares, team)
            parallel_for(plane_task, &s, s.n_parts * s.n_planes, team)
        parallel_for(gather_task, &s, s.C, team_size(s.C, 3.0 * s.C * s.F))
    return s.finite
