# Panels of weights, threads and instruction sets.

# ---- panels ----------------------------------------------------------------------------------------------------------

def panels_size(int64_t k, int64_t n):
    """Elements of a [k, n] matrix in column panels."""
    if k < 0 or n < 0:
        raise ValueError(f"k and n must not be negative, got {k} and {n}")
    return hl_panels_size(k, n)


cdef int _panels(object matrix, object panels, bint pack) except -1:
    views = _Views(2)
    cdef Py_buffer *m = views.take(matrix, 4, not pack, "the matrix")
    cdef Py_buffer *p = views.take(panels, 4, pack, "the panels")
    if m.ndim != 2:
        raise ValueError(f"the matrix must have 2 dimensions, not {m.ndim}")
    cdef int64_t k = m.shape[0], n = m.shape[1]
    if p.len // 4 != hl_panels_size(k, n):
        raise ValueError(f"a [{k}, {n}] matrix has {hl_panels_size(k, n)} elements in panels, not {p.len // 4}")
    if pack:
        with nogil:
            hl_pack_panels(<float *>p.buf, <const float *>m.buf, n, k, n)
    else:
        with nogil:
            hl_unpack_panels(<float *>m.buf, n, <const float *>p.buf, k, n)
    return 0


def pack_panels(src, dst):
    """Writes the matrix src [k, n] as column panels into dst (panels_size(k, n) elements); the padding becomes zero."""
    _panels(src, dst, True)


def unpack_panels(src, dst):
    """Writes the column panels src back as the row-major matrix dst [k, n]."""
    _panels(dst, src, False)


# ---- the machine -----------------------------------------------------------------------------------------------------

def set_num_threads(int n):
    """Sets the number of threads; 0 restores the default."""
    if n < 0 or n > HL_MAX_THREADS:
        raise ValueError(f"the number of threads must be between 0 (the default) and {HL_MAX_THREADS}, not {n}")
    hl_set_num_threads(n)


def get_num_threads():
    """The number of threads that the next run may use."""
    return hl_get_num_threads()


def isa():
    """Name of the instruction set whose kernels are in use."""
    return hl_isa_name(hl_kernels_get().isa).decode()


def supported_isas():
    """Names of the instruction sets that are built in and that this machine can run."""
    return [hl_isa_name(<hl_isa>i).decode() for i in range(HL_ISA_COUNT) if hl_kernels_of(<hl_isa>i) != NULL]


def select_isa(name=None):
    """Chooses the kernels of plans made from now on; None means HOTLOOP_ISA or the best. ValueError if impossible."""
    cdef bytes text = b"" if name is None else name.encode()
    cdef char *chosen = text
    cdef hl_status status = hl_kernels_select(NULL if name is None else chosen)
    if status == HL_ERR_ISA:
        import os
        asked = f"ISA {name!r}" if name is not None else f"HOTLOOP_ISA={os.environ.get('HOTLOOP_ISA')!r}"
        raise ValueError(f"{asked} cannot be used here; available: {', '.join(supported_isas())}")
    if status != HL_OK:
        raise _exception(status, "")


def fma_chains(int64_t rounds):
    """Does `rounds` rounds of multiply-adds in registers; returns how many floating-point operations that were."""
    cdef float sink[16]
    cdef int64_t done
    with nogil:
        done = hl_kernels_get().fma_chains(sink, rounds)
    return done


def build_info():
    """Compiler of this build, usable instruction sets, and CPUs that this process may use."""
    return {"compiler": HL_COMPILER.decode(), "isas": supported_isas(), "cpus": hl_cpu_count()}


select_isa()
