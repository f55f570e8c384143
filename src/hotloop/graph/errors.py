"""Exceptions of the whole package. Everything else is a plain Python exception."""


class HotloopError(Exception):
    """Something went wrong inside hotloop that no argument explains."""


class TracingError(HotloopError, TypeError):
    """A traced function asked a symbolic tensor for something only values can give."""
