# Scratch memory of the calling thread: a driver gets it before its parallel loop and hands out parts.

cdef extern from "scratch.h" nogil:
    enum: FC_SLOT_PACK_A
    enum: FC_SLOT_PACK_B
    enum: FC_SLOT_IMAGE
    enum: FC_SLOT_ROWS
    enum: FC_SLOT_PARTIAL
    enum: FC_SLOT_KERNEL
    enum: FC_SLOT_PLANES
    enum: FC_SLOT_HALVES

# `count` floats, 64-byte aligned, valid until the same slot is asked again in this thread.
cdef float* scratch(int slot, Py_ssize_t count) except NULL nogil
