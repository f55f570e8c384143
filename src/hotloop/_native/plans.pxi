# Plans: made step by step, then run.

cdef int _poll(void *ctx) noexcept with gil:
    try:
        PyErr_CheckSignals()
    except BaseException as error:
        (<Plan>ctx).raised = error
        return 1
    return 0


def kept_changed():
    """To be called after a change of arrays that some plan keeps, see `Plan.keep`."""
    hl_kept_changed()


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
    cdef object raised  # what a signal handler raised during the run
    cdef public object kept_at  # for whoever calls `keep`: when that was
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

        The arrays live as long as the plan, or until the next call. Whoever changes their contents between two runs,
        other than by a plan, calls `kept_changed`. Raises ValueError as `run` does, and RuntimeError while the plan is
        running.
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
        cdef hl_array[64] few
        cdef hl_array *arrays = few
        if nbound != len(self.bound_slots) or ninputs != self.ninputs or noutputs != len(self.output_slots):
            raise ValueError(f"the plan needs {len(self.bound_slots) - nkept} bound arrays, {self.ninputs} inputs and "
                             f"{len(self.output_slots)} outputs, not {nbound - nkept}, {ninputs} and {noutputs}")
        cdef int total = nbound + ninputs + noutputs
        views = _Views(total - nkept + 1)
        if total > 64:
            arrays = <hl_array *>calloc(total, sizeof(hl_array))
            if arrays == NULL:
                raise MemoryError("no memory for array views")
        self.running += 1
        try:
            for i in range(nkept, nbound):
                view = views.take(bound[i - nkept], 4, hl_plan_writes(self.plan, self.bound_slots[i]), "bound array", i)
                arrays[i].data, arrays[i].size = view.buf, view.len // 4
            for i in range(ninputs):
                view = views.take(inputs[i], 4, False, "input", i)
                arrays[nbound + i].data, arrays[nbound + i].size = view.buf, view.len // 4
            for i in range(noutputs):
                view = views.take(outputs[i], 4, True, "output", i)
                arrays[nbound + ninputs + i].data, arrays[nbound + ninputs + i].size = view.buf, view.len // 4
            memset(&run, 0, sizeof(run))
            if index is not None:
                view = views.take(index, 8, False, "index")
                if view.format[0] not in b"lq":
                    raise ValueError(f"index must have dtype int64, not format {view.format.decode()!r}")
                run.index, run.nindex = <const int64_t *>view.buf, view.len // 8
            run.start, run.steps, run.budget = start, steps, budget
            return self.start(arrays, nbound, ninputs, noutputs, &run)
        finally:
            self.running -= 1
            if arrays != few:
                free(arrays)

    cdef int64_t start(self, hl_array *arrays, int nbound, int ninputs, int noutputs, hl_run *run) except -1:
        """Runs what `run` says of index, start, steps and budget on `arrays`: bound ones, inputs and outputs, in which
        there is room for those that are kept. Returns how many batches were done.
        """
        cdef int i
        cdef int64_t done = 0
        cdef hl_status status
        run.nkept = self.kept.taken if self.kept is not None else 0
        for i in range(run.nkept):
            arrays[i].data, arrays[i].size = self.kept.views[i].buf, self.kept.views[i].len // 4
        run.bound, run.inputs, run.outputs = arrays, arrays + nbound, arrays + nbound + ninputs
        run.nbound, run.ninputs, run.noutputs = nbound, ninputs, noutputs
        run.poll, run.poll_ctx = _poll, <void *>self
        self.running += 1
        with nogil:
            status = hl_plan_run(self.plan, run, &done)
        self.running -= 1
        if status == HL_ERR_BUSY:
            raise _exception(status, "")
        if self.raised is not None:
            error, self.raised = self.raised, None
            raise error
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
