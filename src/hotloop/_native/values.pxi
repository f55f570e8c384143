# Looks at the values of arrays, or draws them, in one pass, with nothing made in between.

def any_nan(array):
    """Whether a C-contiguous array of floats has a NaN."""
    views = _Views(1)
    cdef Py_buffer *view = views.take(array, 4, False, "the array")
    cdef const float *values = <const float *>view.buf
    cdef int64_t count = view.len // 4, i
    cdef int found = 0
    with nogil:
        for i in range(count):
            found |= values[i] != values[i]
    return found != 0


def all_below(array, int64_t limit):
    """Whether all numbers of a C-contiguous int32 array are in [0, limit)."""
    views = _Views(1)
    cdef Py_buffer *view = views.take(array, 4, False, "the array")
    cdef const uint32_t *values = <const uint32_t *>view.buf  # the negative ones are the largest
    cdef uint32_t most = 0
    cdef int64_t count = view.len // 4, i
    with nogil:
        for i in range(count):
            most = max(most, values[i])
    return count == 0 or most < limit


def philox_uniform(array, uint64_t key0, uint64_t key1, double low, double width):
    """Fills a C-contiguous float32 array with low + width * u, the u being NumPy's for Philox(key=[key0, key1])."""
    views = _Views(1)
    cdef Py_buffer *view = views.take(array, 4, True, "the array")
    with nogil:
        hl_philox_uniform(<float *>view.buf, view.len // 4, key0, key1, low, width)
