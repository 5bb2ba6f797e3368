"""Scratch memory, 64-byte aligned, kept per thread and reused between calls."""

cdef extern from "scratch.h" nogil:
    void* fc_scratch(int slot, size_t count)
    size_t fc_scratch_held()
    void fc_scratch_release()


cdef float* scratch(int slot, Py_ssize_t count) except NULL nogil:
    cdef void* memory = fc_scratch(slot, <size_t>count * sizeof(float))
    if memory == NULL:
        with gil:
            raise MemoryError(f"fastconv: no memory for a workspace of {count * 4} bytes.")
    return <float*>memory


def held_bytes() -> int:
    """Return the bytes of scratch memory that the calling thread keeps for its next call."""
    return fc_scratch_held()


def release() -> None:
    """Give back the scratch memory of the calling thread."""
    fc_scratch_release()
