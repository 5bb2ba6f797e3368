"""Unfolding and its adjoint: im2col, col2im, and the gradient for the input by folding back.

Columns are ordered as a kernel is, (kh, kw, c), one row per output pixel. Folding adds the pixels of
one image in order, one image to a task, so that overlapping taps meet in the same order always.
"""

from libc.string cimport memcpy, memset

from .gemm cimport multiply_rows, packed_floats, rows_job
from .isa cimport FC_LINEAR
from .taps cimport create_view, delete_view, finish_view, tap_image, tap_view
from .threads cimport parallel_for, team_size, worker
from .workspace cimport FC_SLOT_IMAGE, FC_SLOT_PACK_B, FC_SLOT_ROWS, scratch

# Unfolded floats of dy @ kernel.T in hand, and pixels, per worker.
cdef enum:
    COLUMN_FLOATS = 128 * 1024
    COLUMN_PIXELS = 1024


cdef struct fold_context:
    const tap_view* view
    tap_image image
    Py_ssize_t groups, columns_step      # floats of one row of columns
    float* columns
    float* x
    # FoldGradient only
    const float* dy
    const float* kernel
    Py_ssize_t filters, pixels           # F, pixels in hand
    float* packed                        # TMP per worker
    Py_ssize_t packed_floats
    Py_ssize_t* words                    # TMP per worker


cdef float* tap_of(const fold_context* s, Py_ssize_t n, Py_ssize_t pixel, Py_ssize_t t) noexcept nogil:
    """Return where tap t of an output pixel reads its channels, NULL outside the image."""
    cdef Py_ssize_t y = pixel // s.view.cols * s.view.in_row + s.view.ty[t]
    cdef Py_ssize_t x = pixel % s.view.cols * s.view.in_col + s.view.tx[t]
    if y < 0 or y >= s.image.H or x < 0 or x >= s.image.W:
        return NULL
    return s.x + ((n * s.image.H + y) * s.image.W + x) * s.image.C


cdef void unfold_task(void* context, Py_ssize_t task) noexcept nogil:
    """Write the rows of columns of one row of output pixels."""
    cdef fold_context* s = <fold_context*>context
    cdef Py_ssize_t n = task // s.view.rows, first = task % s.view.rows * s.view.cols
    cdef Py_ssize_t pixel, t
    cdef float* out = s.columns + task * s.view.cols * s.columns_step
    cdef const float* tap
    for pixel in range(first, first + s.view.cols):
        for t in range(s.view.n_taps):
            tap = tap_of(s, n, pixel, t)
            if tap == NULL:
                memset(out, 0, s.image.C * sizeof(float))
            else:
                memcpy(out, tap, s.image.C * sizeof(float))
            out += s.image.C


cdef void fold_pixels(
    const fold_context* s, Py_ssize_t n, Py_ssize_t first, Py_ssize_t count, const float* columns,
    Py_ssize_t channel,
) noexcept nogil:
    """Add rows of columns back to the channels [channel, channel + depth) they were unfolded from."""
    cdef Py_ssize_t pixel, t, c
    cdef float* tap
    for pixel in range(first, first + count):
        for t in range(s.view.n_taps):
            tap = tap_of(s, n, pixel, t)
            if tap != NULL:
                tap += channel
                for c in range(s.image.depth):
                    tap[c] += columns[c]
            columns += s.image.depth


cdef void fold_task(void* context, Py_ssize_t n) noexcept nogil:
    """Fold all columns of one image."""
    cdef fold_context* s = <fold_context*>context
    cdef Py_ssize_t size = s.image.H * s.image.W * s.image.C, pixels = s.view.rows * s.view.cols
    memset(s.x + n * size, 0, size * sizeof(float))
    fold_pixels(s, n, 0, pixels, s.columns + n * pixels * s.columns_step, 0)


cdef void gradient_task(void* context, Py_ssize_t n) noexcept nogil:
    """Multiply and fold the pixels of one image, as many at a time as the workspace holds."""
    cdef fold_context* s = <fold_context*>context
    cdef Py_ssize_t size = s.image.H * s.image.W * s.image.C
    cdef Py_ssize_t pixels = s.view.rows * s.view.cols, first, m, g, zero = 0
    cdef Py_ssize_t depth = s.filters // s.groups
    cdef float* columns = s.columns + worker() * s.pixels * s.columns_step
    cdef Py_ssize_t* words = s.words + worker() * 2 * s.pixels
    cdef const float** a = <const float**>words
    cdef float** c = <float**>(words + s.pixels)
    cdef rows_job job
    job.a, job.c = a, c
    job.taps, job.n_taps, job.depth, job.a_step = &zero, 1, depth, 1
    job.b_taps, job.b_depth, job.b_k, job.b_n = NULL, max(depth, 1), 1, s.filters
    job.col_begin, job.col_end = 0, s.columns_step
    job.b_panel, job.chain = 0, 0
    job.bias, job.added, job.activation, job.accumulate = NULL, 0, FC_LINEAR, False
    job.packed = s.packed + worker() * s.packed_floats
    memset(s.x + n * size, 0, size * sizeof(float))
    first = 0
    while first < pixels:
        job.rows = min(s.pixels, pixels - first)
        for g in range(s.groups):
            for m in range(job.rows):
                a[m] = s.dy + (n * pixels + first + m) * s.filters + g * depth
                c[m] = columns + m * s.columns_step
            job.b = s.kernel + g * depth
            multiply_rows(&job)
            fold_pixels(s, n, first, job.rows, columns, g * s.image.depth)
        first += s.pixels


cdef class Folding:
    """The geometry of one unfolding; made once per problem, used by any thread.

    Parameters
    ----------
    image : (N, H, W, C)
        Shape of the image.
    groups, depth : int
        Groups, and channels of one.
    filters : int
        F, the channels of dy; 0 where only im2col and col2im are used.
    view : tuple
        The view of the forward pass, see taps.create_view.
    """

    cdef tap_view view
    cdef tap_image image
    cdef Py_ssize_t groups, filters

    def __cinit__(self, image, groups, depth, filters, view):
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = depth
        self.groups, self.filters = groups, filters
        create_view(&self.view, view)
        finish_view(&self.view, &self.image)

    def __dealloc__(self):
        delete_view(&self.view)

    cdef void describe(self, fold_context* s) noexcept nogil:
        s.view, s.image = &self.view, self.image
        s.groups, s.filters = self.groups, self.filters
        s.columns_step = self.view.n_taps * self.image.depth
        s.pixels = max(1, min(min(COLUMN_PIXELS, COLUMN_FLOATS // max(s.columns_step, 1)),
                              self.view.rows * self.view.cols))
        s.packed_floats = packed_floats()

    def im2col(self, const float[::1] x not None, float[::1] columns not None) -> None:
        """Write all rows of columns."""
        cdef fold_context s
        cdef Py_ssize_t tasks = self.image.N * self.view.rows
        if columns.shape[0] == 0:
            return
        self.describe(&s)
        s.x, s.columns = <float*>&x[0], &columns[0]
        with nogil:
            parallel_for(unfold_task, &s, tasks, team_size(tasks, columns.shape[0] / 2.0))

    def col2im(self, const float[::1] columns not None, float[::1] x not None) -> None:
        """Write x: the sum of the columns that im2col would have read from each element."""
        cdef fold_context s
        if x.shape[0] == 0:
            return
        self.describe(&s)
        s.columns = <float*>&columns[0] if columns.shape[0] else NULL
        s.x = &x[0]
        with nogil:
            parallel_for(fold_task, &s, self.image.N,
                         team_size(self.image.N, columns.shape[0] / 2.0))

    def run(
        self, const float[::1] dy not None, const float[::1] kernel not None, float[::1] dx not None,
    ) -> None:
        """Write dx = col2im(dy @ kernel.T) without ever holding all columns."""
        cdef fold_context s
        cdef int team
        if dx.shape[0] == 0:
            return
        self.describe(&s)
        team = team_size(self.image.N, <double>dy.shape[0] * s.columns_step / 8.0)
        s.dy = &dy[0] if dy.shape[0] else NULL
        s.kernel, s.x = &kernel[0], &dx[0]
        s.columns = scratch(FC_SLOT_IMAGE, team * s.pixels * s.columns_step + 1)
        s.packed = scratch(FC_SLOT_PACK_B, team * s.packed_floats)
        s.words = <Py_ssize_t*>scratch(
            FC_SLOT_ROWS, team * 2 * s.pixels * sizeof(void*) // sizeof(float)
        )
        with nogil:
            parallel_for(gradient_task, &s, self.image.N, team)

    def workspace_bytes(self) -> int:
        """Return the scratch memory that run() uses on one thread."""
        cdef fold_context s
        self.describe(&s)
        return (4 * (s.pixels * s.columns_step + s.packed_floats)
                + 2 * s.pixels * <Py_ssize_t>sizeof(void*))
