# Statuses as exceptions, and arrays through the buffer protocol.

# ---- statuses --------------------------------------------------------------------------------------------------------

cdef object _exception(hl_status status, str message):
    """The one place where statuses become exceptions."""
    text = message or hl_status_text(status).decode()
    if status == HL_ERR_ARGUMENT or status == HL_ERR_ISA:
        return ValueError(text)
    if status == HL_ERR_MEMORY:
        return MemoryError(text)
    if status == HL_ERR_OVERFLOW:
        return OverflowError(text)
    if status == HL_ERR_INDEX:
        return IndexError(text)
    return RuntimeError(text)


# ---- arrays ----------------------------------------------------------------------------------------------------------

cdef str _title(str name, int number):
    return name if number < 0 else f"{name} {number}"


cdef int _acquire(object array, Py_buffer *view, int itemsize, bint writable, str name, int number) except -1:
    """Takes a C-contiguous buffer of native items of that size; says what is wrong with `name number` otherwise."""
    cdef int flags = PyBUF_STRIDES | PyBUF_FORMAT
    if writable:
        flags |= PyBUF_WRITABLE
    try:
        PyObject_GetBuffer(array, view, flags)
    except (BufferError, ValueError) as error:
        raise ValueError(f"{_title(name, number)} cannot be used: {error}") from None
    except TypeError:
        raise TypeError(f"{_title(name, number)} must be an array, not {type(array).__name__}") from None
    cdef char order = view.format[0] if view.format != NULL else 0
    if view.itemsize != itemsize or order == b">" or order == b"!":
        kind = view.format.decode() if view.format != NULL else "?"
        PyBuffer_Release(view)
        raise ValueError(f"{_title(name, number)} must have native {itemsize}-byte items, not format {kind!r}")
    if not PyBuffer_IsContiguous(view, b"C"):
        PyBuffer_Release(view)
        raise ValueError(f"{_title(name, number)} must be C-contiguous")
    return 0


cdef class Memory:
    """Zeroed memory for `size` 4-byte elements at a multiple of 64 bytes, as a buffer: for `np.frombuffer`."""
    cdef void *data
    cdef Py_ssize_t bytes

    def __cinit__(self, int64_t size):
        if size < 1:
            raise ValueError(f"size must be positive, not {size}")
        self.data = hl_alloc(size, 4)
        if self.data == NULL:
            raise MemoryError(f"no memory for {size} elements")
        self.bytes = 4 * size

    def __dealloc__(self):
        hl_free(self.data)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.data, self.bytes, False, flags)


@cython.freelist(8)
cdef class _Views:
    """Buffers held for as long as this object lives."""
    cdef Py_buffer *views
    cdef int taken
    cdef Py_buffer[8] few

    def __cinit__(self, int room):
        self.views = self.few
        if room > 8:
            self.views = <Py_buffer *>calloc(room, sizeof(Py_buffer))
            if self.views == NULL:
                raise MemoryError("no memory for array views")

    def __dealloc__(self):
        cdef int i
        for i in range(self.taken):
            PyBuffer_Release(&self.views[i])
        if self.views != self.few:
            free(self.views)

    cdef Py_buffer *take(self, object array, int itemsize, bint writable, str kind, int number=-1) except NULL:
        cdef Py_buffer *view = &self.views[self.taken]
        _acquire(array, view, itemsize, writable, kind, number)
        self.taken += 1
        return view

    cdef Py_buffer *borrow(self, object array, bint writable) except NULL:
        """As `take`, of an array whose items are known and whose layout the caller looks at."""
        cdef Py_buffer *view = &self.views[self.taken]
        PyObject_GetBuffer(array, view, PyBUF_STRIDES | PyBUF_WRITABLE if writable else PyBUF_STRIDES)
        self.taken += 1
        return view
