# Calls like the last one, without a Python frame on their way.

cdef class Maker:
    """Makes objects that differ in one attribute alone, without their constructor.

    Args:
        kind: their class.
        fixed: the attributes that all have.
        name: the attribute that is given for each.
    """
    cdef type kind
    cdef tuple names, values
    cdef str name

    def __cinit__(self, type kind, dict fixed, str name):
        self.kind, self.names, self.values, self.name = kind, tuple(fixed), tuple(fixed.values()), name

    def __call__(self, value):
        return self.make(value)

    cdef object make(self, object value):
        made = self.kind.__new__(self.kind)
        cdef int i
        for i in range(len(self.names)):
            setattr(made, <str>self.names[i], self.values[i])
        setattr(made, self.name, value)
        return made


cdef class Repeat:
    """Serves a call on one argument as the last one was served, as long as nothing that it depends on has changed.

    Args:
        changes: holds the mark of what it depends on.
        seen: the mark as it was.
        inside: pairs of an object and the name of an attribute of it, which is true inside of other calls.
        training: the mode: True, False, or None if it was not given.
        call: takes a tuple of the argument; returns results, or None if this is another call.
        pack: makes what is returned of the results.
        make: if not None, makes it of the first and only result.
    """
    cdef object changes, seen, training, call, pack, make
    cdef tuple inside

    def __cinit__(self, changes, seen, inside, training, call, pack, make):
        self.changes, self.seen, self.inside, self.training = changes, seen, tuple(inside), training
        self.call, self.pack, self.make = call, pack, make

    def serve(self, tuple args, dict kwargs):
        """What the call with these arguments returns, or NotImplemented."""
        if len(args) != 1 or self.changes.seen is not self.seen:
            return NotImplemented
        training = None
        if kwargs:
            if len(kwargs) != 1 or "training" not in kwargs:
                return NotImplemented
            training = kwargs["training"]
        if training is not self.training:
            return NotImplemented
        for where, name in self.inside:
            if getattr(where, name):
                return NotImplemented
        results = (<Call>self.call).results(args, False) if type(self.call) is Call else self.call(args)
        if results is None:
            return NotImplemented
        if self.make is None:
            return self.pack(results)
        first = results[0]
        return (<Maker>self.make).make(first) if type(self.make) is Maker else self.make(first)
