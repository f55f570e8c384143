"""The door to the C core: checks arguments, releases the GIL, turns statuses into exceptions.

Arrays come in through the buffer protocol, so nothing here depends on NumPy's C API. Sizes, offsets and strides count
4-byte elements.
"""
cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_FillInfo, PyBuffer_IsContiguous, PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from hotloop._native._hotloop cimport *

cdef extern from *:
    """
    #if defined(__clang__)
    #define HL_COMPILER "clang " __clang_version__
    #elif defined(__GNUC__)
    #define HL_COMPILER "gcc " __VERSION__
    #else
    #define HL_COMPILER "unknown"
    #endif
    """
    const char *HL_COMPILER


include "arrays.pxi"
include "programs.pxi"
include "plans.pxi"
include "calls.pxi"
include "repeats.pxi"
include "values.pxi"
include "machine.pxi"
