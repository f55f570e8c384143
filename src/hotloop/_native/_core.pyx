"""The door to the C core: checks arguments, releases the GIL, turns statuses into exceptions.

Arrays come in through the buffer protocol, so nothing here depends on NumPy's C API. Sizes, offsets and strides count
4-byte elements.
"""
cimport cython
from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
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


# ---- programs --------------------------------------------------------------------------------------------------------

OPCODES = {hl_opcode_name(i).decode(): i for i in range(HL_PROGRAM_COUNT)}
COMBINES = {hl_combine_name(i).decode(): i for i in range(HL_COMBINE_COUNT)}
BLOCKS = {hl_block_name(i).decode(): i for i in range(HL_BLOCK_COUNT)}
cdef dict _blocks = BLOCKS
cdef dict _opcodes = OPCODES
cdef dict _combines = COMBINES


cdef uint32_t _immediate(int op, object imm) except? 0xffffffff:
    cdef float value
    cdef uint32_t bits
    if op == HL_PROGRAM_const_f:
        value = <float><double>imm
        memcpy(&bits, &value, sizeof(bits))
        return bits
    return <uint32_t>(<int64_t>imm & 0xffffffff)


cdef class _Program:
    """A C program built from Python lists."""
    cdef hl_program program
    cdef hl_operand *operands
    cdef hl_instruction *instructions
    cdef hl_reduction *reductions
    cdef bytes registers

    def __cinit__(self, str registers, operands, instructions, reductions, int nouter):
        cdef int i, d
        cdef hl_operand *o
        cdef hl_instruction *c
        cdef hl_reduction *r
        operands, instructions, reductions = list(operands), list(instructions), list(reductions)
        self.registers = registers.encode("ascii")
        self.operands = <hl_operand *>calloc(len(operands) + 1, sizeof(hl_operand))
        self.instructions = <hl_instruction *>calloc(len(instructions) + 1, sizeof(hl_instruction))
        self.reductions = <hl_reduction *>calloc(len(reductions) + 1, sizeof(hl_reduction))
        if self.operands == NULL or self.instructions == NULL or self.reductions == NULL:
            raise MemoryError("no memory for a tile program")
        for i, operand in enumerate(operands):
            slot, offset, outer_strides, col_stride, panel = operand
            o = &self.operands[i]
            o.slot, o.offset, o.col_stride, o.panel = slot, offset, col_stride, bool(panel)
            if len(outer_strides) != nouter and not o.panel:
                raise ValueError(f"operand {i} has {len(outer_strides)} outer strides; "
                                 f"the domain has {nouter} dimensions")
            for d in range(min(nouter, len(outer_strides))):
                o.outer_strides[d] = outer_strides[d]
        for i, (name, dst, a, b, third, imm) in enumerate(instructions):
            if name not in _opcodes:
                raise ValueError(f"instruction {i}: unknown name {name!r}")
            c = &self.instructions[i]
            c.op, c.dst, c.a, c.b, c.c = _opcodes[name], dst, a, b, third
            c.imm = _immediate(c.op, imm)
        for i, (name, reg, slot, offset) in enumerate(reductions):
            if name not in _combines:
                raise ValueError(f"reduction {i}: unknown name {name!r}; known: {', '.join(_combines)}")
            r = &self.reductions[i]
            r.op, r.reg, r.slot, r.offset = _combines[name], reg, slot, offset
        self.program.registers = self.registers
        self.program.nregisters = <int32_t>len(self.registers)
        self.program.noperands = <int32_t>len(operands)
        self.program.ninstructions = <int32_t>len(instructions)
        self.program.nreductions = <int32_t>len(reductions)
        self.program.operands = self.operands
        self.program.instructions = self.instructions
        self.program.reductions = self.reductions

    def __dealloc__(self):
        free(self.operands)
        free(self.instructions)
        free(self.reductions)


# ---- plans -----------------------------------------------------------------------------------------------------------

@cython.freelist(8)
cdef class _Poll:
    """What a signal handler raised during a run."""
    cdef object error


cdef int _poll(void *ctx) noexcept with gil:
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        (<_Poll>ctx).error = error
        return 1
    return 0


cdef class Plan:
    """A table of buffers and a list of steps, run for many batches without the GIL.

    One plan has one arena, so it runs on one thread at a time: a second `run` at the same moment raises RuntimeError.
    """
    cdef hl_plan *plan
    cdef list bound_slots
    cdef list output_slots
    cdef int ninputs
    cdef _Views kept  # of the first bound arrays
    cdef int running
    cdef readonly int64_t batch_size

    def __cinit__(self, int64_t batch_size):
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        self.batch_size = batch_size
        self.bound_slots, self.output_slots = [], []
        cdef hl_status status = hl_plan_create(batch_size, &self.plan)
        if status != HL_OK:
            raise _exception(status, "")

    def __dealloc__(self):
        hl_plan_destroy(self.plan)

    cdef int check(self, hl_status status) except -1:
        if status != HL_OK:
            raise _exception(status, hl_plan_error(self.plan).decode())
        return 0

    def add_arena(self, int64_t size, int64_t offset):
        """Adds a stretch of the plan's own memory and returns its slot. Stretches may overlap."""
        cdef int32_t slot = -1
        self.check(hl_plan_add_arena(self.plan, size, offset, &slot))
        return slot

    def add_const(self, array):
        """Adds a copy of an array of 4-byte items and returns its slot."""
        cdef int32_t slot = -1
        views = _Views(1)
        cdef Py_buffer *view = views.take(array, 4, False, "the constant")
        self.check(hl_plan_add_const(self.plan, view.buf, view.len // 4, &slot))
        return slot

    def add_bound(self, int64_t size):
        """Adds a whole array that each run provides and returns its slot."""
        cdef int32_t slot = -1
        self.check(hl_plan_add_bound(self.plan, size, &slot))
        self.bound_slots.append(slot)
        return slot

    def add_input(self, int64_t row_size):
        """Adds an array of rows that batches are taken from and returns its slot."""
        cdef int32_t slot = -1
        self.check(hl_plan_add_input(self.plan, row_size, &slot))
        self.ninputs += 1
        return slot

    def add_output(self, int64_t row_size):
        """Adds an array of rows that batches are written to and returns its slot."""
        cdef int32_t slot = -1
        self.check(hl_plan_add_output(self.plan, row_size, &slot))
        self.output_slots.append(slot)
        return slot

    def chains(self, bint enabled):
        """Whether the programs of steps added from here on may run compiled chains. At first they may.

        Results are the same either way: this is for comparing.
        """
        hl_plan_chains(self.plan, enabled)

    def sparse(self, str mode):
        """Whether products added from here on, of rows of an input, leave out the terms of zeros: "never", "always", or
        "auto", where the data of a run is sparse enough for it to pay. At first as HOTLOOP_SPARSE says.

        Results are the same either way: this is for comparing.
        """
        modes = {"never": HL_SPARSE_NEVER, "auto": HL_SPARSE_AUTO, "always": HL_SPARSE_ALWAYS}
        if mode not in modes:
            raise ValueError(f"mode must be one of {', '.join(modes)}, not {mode!r}")
        hl_plan_sparse(self.plan, modes[mode])

    def add_tile(self, outer, int64_t cols, str registers, operands, instructions, reductions=()):
        """Adds a tile program over a domain of prod(outer) rows and `cols` columns.

        `registers` has one character per register, "F" for FULL or "R" for ROW. An operand is `(slot, offset,
        outer_strides, col_stride, panel)`, an instruction `(name, dst, a, b, c, imm)`, a reduction `(name, register,
        slot, offset)`. Raises ValueError with the reason if anything is out of range or contradicts itself.
        """
        cdef int64_t[8] sizes
        cdef int i
        if len(outer) > HL_MAX_OUTER:
            raise ValueError(f"a domain has at most {HL_MAX_OUTER} outer dimensions, not {len(outer)}")
        for i in range(len(outer)):
            sizes[i] = outer[i]
        program = _Program(registers, operands, instructions, reductions, len(outer))
        self.check(hl_plan_add_tile(self.plan, <int32_t>len(outer), sizes, cols, &program.program))

    def add_gemm(self, int64_t m, int64_t n, int64_t k, a, b, c=None, epilogue=None):
        """Adds C[m, n] = op(A) op(B): a and b = (slot, offset, ld, trans, panel),
        c = (slot, offset, ld, panel) or None, epilogue = (registers, operands, instructions) or None.
        """
        cdef hl_matrix ma, mb, mc
        cdef _Program program = None
        memset(&ma, 0, sizeof(ma))
        memset(&mb, 0, sizeof(mb))
        memset(&mc, 0, sizeof(mc))
        ma.slot, ma.offset, ma.ld, ma.trans, ma.panel = a[0], a[1], a[2], bool(a[3]), bool(a[4])
        mb.slot, mb.offset, mb.ld, mb.trans, mb.panel = b[0], b[1], b[2], bool(b[3]), bool(b[4])
        if c is not None:
            mc.slot, mc.offset, mc.ld, mc.panel = c[0], c[1], c[2], bool(c[3])
        if epilogue is not None:
            registers, operands, instructions = epilogue
            program = _Program(registers, operands, instructions, (), 1)
        self.check(hl_plan_add_gemm(self.plan, m, n, k, &ma, &mb, NULL if c is None else &mc,
                                    NULL if program is None else &program.program))

    def add_block(self, str kind, target, sources, sizes):
        """Adds a whole array computed from whole arrays: target = (slot, offset), each source (slot, offset, panel).

        BLOCKS lists the kinds; what the sizes mean is written in csrc/plan/plan.h.
        """
        cdef hl_place to
        cdef hl_place[2] places
        cdef int64_t[32] numbers
        cdef int i
        if kind not in _blocks:
            raise ValueError(f"unknown kind {kind!r}; known: {', '.join(_blocks)}")
        if len(sources) > HL_BLOCK_SOURCES or len(sizes) > HL_BLOCK_SIZES:
            raise ValueError(f"{kind} cannot have {len(sources)} sources and {len(sizes)} sizes")
        memset(&to, 0, sizeof(to))
        to.slot, to.offset = target
        for i in range(len(sources)):
            places[i].slot, places[i].offset, places[i].panel = sources[i]
        for i in range(len(sizes)):
            numbers[i] = sizes[i]
        self.check(hl_plan_add_block(self.plan, _blocks[kind], &to, places, <int32_t>len(sources), numbers,
                                     <int32_t>len(sizes)))

    def finish(self):
        """Closes the plan: allocates its arena and everything that running needs."""
        self.check(hl_plan_finish(self.plan))

    def keep(self, arrays):
        """Binds the first bound slots to `arrays` for all runs to come, which are given the rest of them.

        The arrays live as long as the plan, or until the next call. Raises ValueError as `run` does, and RuntimeError
        while the plan is running.
        """
        cdef int count = len(arrays), i
        if self.running:
            raise _exception(HL_ERR_BUSY, "")
        if count > len(self.bound_slots):
            raise ValueError(f"the plan needs {len(self.bound_slots)} bound arrays, not {count}")
        views = _Views(count)
        for i in range(count):
            views.take(arrays[i], 4, hl_plan_writes(self.plan, self.bound_slots[i]), "bound array", i)
        self.kept = views

    def run(self, bound, inputs, outputs, index=None, int64_t start=0, int64_t steps=1, double budget=0.0):
        """Runs the batches start .. start + steps - 1 and returns how many were done.

        Arrays are C-contiguous with 4-byte items, in the order in which their slots were added, those that `keep` was
        given left out; `index` holds int64 row numbers. Fewer than `steps` are done when `budget` seconds (0: no limit)
        have passed or `stop` was called. Signal handlers run about every 50 ms; what they raise propagates.
        Raises ValueError (sizes, dtypes, layout), IndexError (a row number out of range) or RuntimeError (the plan is
        running on another thread).
        """
        cdef int nkept = self.kept.taken if self.kept is not None else 0
        cdef int nbound = nkept + len(bound), ninputs = len(inputs), noutputs = len(outputs), i
        cdef Py_buffer *view
        cdef hl_run run
        cdef hl_status status
        cdef int64_t done = 0
        cdef hl_array[64] few
        cdef hl_array *arrays = few
        if nbound != len(self.bound_slots) or ninputs != self.ninputs or noutputs != len(self.output_slots):
            raise ValueError(f"the plan needs {len(self.bound_slots) - nkept} bound arrays, {self.ninputs} inputs and "
                             f"{len(self.output_slots)} outputs, not {nbound - nkept}, {ninputs} and {noutputs}")
        cdef int total = nbound + ninputs + noutputs
        views = _Views(total - nkept + 1)
        poll = _Poll()
        if total > 64:
            arrays = <hl_array *>calloc(total, sizeof(hl_array))
            if arrays == NULL:
                raise MemoryError("no memory for array views")
        self.running += 1
        try:
            for i in range(nbound):
                if i < nkept:
                    view = &self.kept.views[i]
                else:
                    view = views.take(bound[i - nkept], 4, hl_plan_writes(self.plan, self.bound_slots[i]),
                                      "bound array", i)
                arrays[i].data, arrays[i].size = view.buf, view.len // 4
            for i in range(ninputs):
                view = views.take(inputs[i], 4, False, "input", i)
                arrays[nbound + i].data, arrays[nbound + i].size = view.buf, view.len // 4
            for i in range(noutputs):
                view = views.take(outputs[i], 4, True, "output", i)
                arrays[nbound + ninputs + i].data, arrays[nbound + ninputs + i].size = view.buf, view.len // 4
            memset(&run, 0, sizeof(run))
            run.bound, run.inputs, run.outputs = arrays, arrays + nbound, arrays + nbound + ninputs
            run.nbound, run.ninputs, run.noutputs = nbound, ninputs, noutputs
            if index is not None:
                view = views.take(index, 8, False, "index")
                if view.format[0] not in b"lq":
                    raise ValueError(f"index must have dtype int64, not format {view.format.decode()!r}")
                run.index, run.nindex = <const int64_t *>view.buf, view.len // 8
            run.start, run.steps, run.budget = start, steps, budget
            run.poll, run.poll_ctx = _poll, <void *>poll
            with nogil:
                status = hl_plan_run(self.plan, &run, &done)
        finally:
            self.running -= 1
            if arrays != few:
                free(arrays)
        if poll.error is not None:
            raise poll.error
        if status == HL_ERR_BUSY:
            raise _exception(status, "")
        if status != HL_STOPPED:
            self.check(status)
        return done

    def stop(self):
        """Makes a run that is going on in another thread return after its current batch."""
        hl_plan_stop(self.plan)

    def profile(self, bint enabled):
        """Switches the time measurement per step on or off, and clears it."""
        hl_plan_profile(self.plan, enabled)

    def profile_table(self):
        """One dict per step: kind, chain, rows, cols, depth, tasks, parallel, calls, nanoseconds, sparse_calls, macs.

        `chain` names what of the step's program runs compiled instead of interpreted, "" if nothing does.
        `sparse_calls` of a product left out the terms of zeros; `macs` are the multiply-adds that all calls did.
        """
        cdef hl_step_profile p
        cdef int32_t i
        table = []
        for i in range(hl_plan_nsteps(self.plan)):
            hl_plan_profile_step(self.plan, i, &p)
            table.append({"kind": p.kind.decode(), "chain": p.chain.decode(), "rows": p.rows, "cols": p.cols,
                          "depth": p.depth, "tasks": p.tasks, "parallel": bool(p.parallel), "calls": p.calls,
                          "nanoseconds": p.nanoseconds, "sparse_calls": p.sparse_calls, "macs": p.macs})
        return table


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
