# The loops around the register tile, shared by matrix products and convolutions.

# Summed elements per block: a packed panel of B (KC x 32 floats) stays in L1/L2 while the rows of
# A pass by. Part of the definition of a result: changing it changes the last bits.
cdef enum:
    KC = 384
    MOST_SUMMED = KC + KC // 2 + 1  # of a chain, and one, see chain_end

# C[m, n] (+)= sum over (t, k) of a[m][taps[t] + k * a_step] * B[(t, k), n], rows given as pointers.
cdef struct rows_job:
    const float** a              # IN  [rows]
    float** c                    # OUT [rows]
    Py_ssize_t rows
    const Py_ssize_t* taps       # IN  [n_taps] offsets into a row of A
    Py_ssize_t n_taps
    Py_ssize_t depth             # summed elements of a tap
    Py_ssize_t a_step
    const float* b               # IN  B[k, n] = b[b_taps[k / b_depth] + (k % b_depth) * b_k + n * b_n]
    const Py_ssize_t* b_taps     # IN  [n_taps * depth / b_depth], or NULL: one tap at 0
    Py_ssize_t b_depth
    Py_ssize_t b_k
    Py_ssize_t b_n
    Py_ssize_t b_panel           # B is packed (see pack_all): elements between panels; else 0
    bint dots                    # of a grid: few columns, a sum a vector of elements, see can_be_dots
    Py_ssize_t chain             # of a grid: longest chain of additions; 0: no limit
    Py_ssize_t col_begin         # columns of this job
    Py_ssize_t col_end
    const float* bias            # IN  [cols] or NULL
    Py_ssize_t added             # elements from a result to what is added to it behind the bias; 0: nothing
    int activation               # FC_LINEAR, FC_RELU, FC_RELU6
    int accumulate               # C += instead of C =
    float* packed                # TMP packed_floats()

cdef void multiply_rows(const rows_job* job) noexcept nogil

# One axis of a grid of rows: how many, and elements between neighbours in A and in C.
cdef struct grid_axis:
    Py_ssize_t count, a, c

# The same product where the rows are those of a grid of three axes; a, c: the first one's, instead
# of job.a, .c and .rows.
cdef void multiply_grid(
    const rows_job* job, const grid_axis* axes, const float* a, float* c,
) noexcept nogil
# The maxima of windows of 2 x 2 rows of such a grid, `axes` being those of the windows: images, lines
# and windows of a line; rows and lines of A lie a_row and a_line apart. A sum is one chain.
cdef void multiply_windows(
    const rows_job* job, const grid_axis* axes, const float* a, Py_ssize_t a_row, Py_ssize_t a_line,
    float* c,
) noexcept nogil
# Where the chain of multiply-adds ends that begins with summed element k.
cdef Py_ssize_t chain_end(Py_ssize_t n_taps, Py_ssize_t depth, Py_ssize_t k) noexcept nogil
# Add the products of a chain, the summed elements [k, k + count), to C; the strips lie along axes[2].
cdef void multiply_chain(
    const rows_job* job, const grid_axis* axes, const float* a, float* c,
    Py_ssize_t k, Py_ssize_t count, bint first, bint last,
) noexcept nogil
# Whether sums of so many elements are one chain.
cdef bint is_chain(Py_ssize_t n_taps, Py_ssize_t depth) noexcept nogil
# Whether job.dots pays for so few columns and `total` summed elements, `run` of them being adjacent in
# A at a time. It follows from a problem alone: the bits are others than those of multiply_rows.
cdef bint can_be_dots(Py_ssize_t cols, Py_ssize_t run, Py_ssize_t total) noexcept nogil
cdef Py_ssize_t packed_floats() noexcept nogil
# Packed B: panels of tile_cols columns, each [summed elements][tile_cols], the last one as wide as
# its whole vectors.
cdef void pack_all(const rows_job* job, Py_ssize_t depth, Py_ssize_t cols, float* packed) noexcept nogil

# Division that rounds up; Cython's // truncates here (cdivision), so -(-a // b) would not.
cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b
