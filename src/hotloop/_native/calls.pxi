# A compiled function as one call: what fits it, its results and the run, without a detour through Python.

cdef class Call:
    """A compiled function, called on whole arrays or, if it is batched, on exactly one batch of rows.

    Calls may come from several threads at once, unless the function changes variables: each has a plan of its own.

    Args:
        make: makes a plan.
        variables: what the first bound slots of a plan are, as pairs of a variable and its layout.
        layouts: the mark that changes when the bytes of any variable move.
        assigns: whether the function changes variables.
        batched: whether plans read inputs and write outputs as rows, not as bound arrays.
        inputs: dtype and shape of each input, in 4-byte lanes.
        outputs: likewise of each output.
        reads: the numbers of the inputs that plans are given.
        writes: likewise of outputs.
        array: the type of arrays.
        empty: makes an array of a shape and a dtype.
    """
    cdef public object make
    cdef public list idle  # plans that nobody runs
    cdef list variables
    cdef object layouts, array, empty
    cdef tuple dtypes, out_dtypes, out_shapes
    cdef bint assigns, running, batched
    cdef int nkept, ninputs, noutputs, nreads, nwrites
    cdef int *reads
    cdef int *writes
    cdef int *ndims  # of each input
    cdef int *out_ndims  # of each output
    cdef int *floats  # of each output: whether it is of floats
    cdef int64_t *dims  # of all inputs, one after another
    cdef int64_t *out_dims  # likewise of all outputs

    def __cinit__(self, make, variables, layouts, bint assigns, bint batched, inputs, outputs, reads, writes, array,
                  empty):
        cdef int i
        self.make, self.variables, self.layouts, self.idle = make, list(variables), layouts, []
        self.assigns, self.batched, self.array, self.empty = assigns, batched, array, empty
        self.dtypes = tuple([dtype for dtype, _ in inputs])
        self.out_dtypes = tuple([dtype for dtype, _ in outputs])
        self.out_shapes = tuple([shape for _, shape in outputs])
        self.nkept, self.ninputs, self.noutputs = len(self.variables), len(inputs), len(outputs)
        self.nreads, self.nwrites = len(reads), len(writes)
        sizes = [size for _, shape in inputs for size in shape]
        out_sizes = [size for shape in self.out_shapes for size in shape]
        self.reads = <int *>PyMem_Calloc(self.nreads + self.nwrites + self.ninputs + 2 * self.noutputs + 1, sizeof(int))
        self.dims = <int64_t *>PyMem_Calloc(len(sizes) + len(out_sizes) + 1, sizeof(int64_t))
        if self.reads == NULL or self.dims == NULL:
            raise MemoryError("no memory for a call")
        self.writes = self.reads + self.nreads
        self.ndims = self.writes + self.nwrites
        self.out_ndims = self.ndims + self.ninputs
        self.floats = self.out_ndims + self.noutputs
        self.out_dims = self.dims + len(sizes)
        for i in range(self.nreads):
            self.reads[i] = reads[i]
        for i in range(self.nwrites):
            self.writes[i] = writes[i]
        for i in range(self.ninputs):
            self.ndims[i] = len(inputs[i][1])
        for i in range(self.noutputs):
            self.out_ndims[i] = len(self.out_shapes[i])
            self.floats[i] = self.out_dtypes[i].kind == "f"
        for i in range(len(sizes)):
            self.dims[i] = sizes[i]
        for i in range(len(out_sizes)):
            self.out_dims[i] = out_sizes[i]

    def __dealloc__(self):
        PyMem_Free(self.reads)
        PyMem_Free(self.dims)

    cpdef object take(self):
        """An idle plan with its variables bound; a new one if all are busy. It goes back by `idle.append`."""
        plan = self.idle.pop() if self.idle else self.make()
        self.bind(plan)
        return plan

    cpdef int bind(self, object plan) except -1:
        """Binds the variables anew if they may have moved."""
        seen = self.layouts.seen  # looked at before the variables are
        if plan.kept_at is not seen:
            plan.keep([variable.storage(layout) for variable, layout in self.variables])
            plan.kept_at = seen
        return 0

    cdef int begin(self) except -1:
        if self.running:
            raise RuntimeError("This compiled function changes variables and is already running in another thread.")
        self.running = self.assigns
        return 0

    def run(self, bound, inputs, outputs, index, int64_t start, int64_t steps, double budget):
        """As `Plan.run`, on an idle plan. Raises RuntimeError too if what changes variables is already running."""
        self.begin()
        try:
            plan = self.take()
            try:
                return plan.run(bound, inputs, outputs, index, start, steps, budget)
            finally:
                self.idle.append(plan)
        finally:
            self.running = False

    cdef int borrow(self, object arrays, _Views views) except -1:
        """Takes the inputs; returns 0 if one is not exactly as the function reads it."""
        return self.borrow_as(arrays, self.dtypes, self.ndims, self.dims, False, views)

    cdef int borrow_as(self, object arrays, tuple dtypes, int *ndims, int64_t *dims, bint writable,
                       _Views views) except -1:
        """Takes arrays that are to be of these dtypes and shapes; returns 0 if one is not."""
        cdef int i, d, n = <int>len(dtypes)
        cdef Py_buffer *view
        if len(arrays) != n:
            return 0
        for i in range(n):
            array, dtype = arrays[i], dtypes[i]
            if type(array) is not self.array:
                return 0
            own = array.dtype
            if own is not dtype and own != dtype:
                return 0
            view = views.borrow(array, writable)
            if view.ndim != ndims[i]:
                return 0
            for d in range(view.ndim):
                if view.shape[d] != dims[d]:
                    return 0
            if not PyBuffer_IsContiguous(view, b"C"):
                return 0
            dims += view.ndim
        return 1

    def fill(self, arrays, results):
        """As a call, but writes the results into arrays that are given, and returns whether all of them fit.

        Raises ValueError if an array of results is read-only.
        """
        cdef int i, n = self.nkept, total = self.nkept + self.nreads + self.nwrites
        cdef Py_buffer *view
        cdef hl_array[64] given
        views = _Views(self.ninputs + self.noutputs)
        if self.batched or total > 64 or not self.borrow(arrays, views):
            return False
        if not self.borrow_as(results, self.out_dtypes, self.out_ndims, self.out_dims, True, views):
            return False
        for i in range(self.nreads):
            view = &views.views[self.reads[i]]
            given[n + i].data, given[n + i].size = view.buf, view.len // 4
        n += self.nreads
        for i in range(self.nwrites):
            view = &views.views[self.ninputs + self.writes[i]]
            given[n + i].data, given[n + i].size = view.buf, view.len // 4
        self.execute(given)
        return True

    def fits(self, arrays):
        """Whether the arrays are exactly as the function reads them: plain, C-contiguous, of its dtypes and shapes."""
        return self.borrow(arrays, _Views(self.ninputs)) == 1

    def __call__(self, arrays, bint numbers=False):
        """The results in new arrays, bool as int32 0 and 1; None if the arrays do not fit, see `fits`.

        Args:
            arrays: list or tuple of the inputs.
            numbers: whether results without axes come as Python floats.

        Raises RuntimeError if the function changes variables and is already running in another thread.
        """
        return self.results(arrays, numbers)

    cdef list results(self, object arrays, bint numbers):
        """See `__call__`."""
        cdef int i, n = self.nkept, total = self.nkept + self.nreads + self.nwrites
        cdef Py_buffer *view
        cdef hl_array[64] few
        cdef hl_array *given = few
        cdef int32_t[32] few_lanes
        cdef int32_t *lanes = few_lanes  # of results that become numbers
        cdef void *memory = NULL
        views = _Views(self.ninputs + self.noutputs)
        if not self.borrow(arrays, views):
            return None
        if total > 64 or self.noutputs > 32:
            memory = calloc(1, total * sizeof(hl_array) + self.noutputs * sizeof(int32_t))
            if memory == NULL:
                raise MemoryError("no memory for array views")
            given = <hl_array *>memory
            lanes = <int32_t *>(given + total)
        try:
            for i in range(self.nreads):
                view = &views.views[self.reads[i]]
                given[n].data, given[n].size = view.buf, view.len // 4
                n += 1
            results = []
            for i in range(self.noutputs):
                shape = self.out_shapes[i]
                if numbers and not shape:
                    results.append(None)
                    continue
                results.append(self.empty(shape, self.out_dtypes[i]))
            for i in range(self.nwrites):
                result = results[self.writes[i]]
                if result is None:
                    given[n].data, given[n].size = &lanes[self.writes[i]], 1
                else:
                    view = views.borrow(result, True)
                    given[n].data, given[n].size = view.buf, view.len // 4
                n += 1
            self.execute(given)
            if numbers:
                for i in range(self.noutputs):
                    if results[i] is None:
                        results[i] = <double>(<float *>lanes)[i] if self.floats[i] else <double>lanes[i]
            return results
        finally:
            free(memory)

    cdef int execute(self, hl_array *given) except -1:
        """One batch. `given`: room for the variables, then what the plan reads and writes."""
        cdef int nreads = self.nreads, nwrites = self.nwrites
        cdef hl_run run
        self.begin()
        try:
            plan = self.take()
            if type(plan) is not Plan:
                raise TypeError(f"calls are run by native plans, not by {type(plan).__name__}")
            try:
                memset(&run, 0, sizeof(run))
                run.steps = 1
                if self.batched:
                    (<Plan>plan).start(given, self.nkept, nreads, nwrites, &run)
                else:
                    (<Plan>plan).start(given, self.nkept + nreads + nwrites, 0, 0, &run)
            finally:
                self.idle.append(plan)
        finally:
            self.running = False
        return 0
