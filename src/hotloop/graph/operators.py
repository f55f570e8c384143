"""Python operators, indexing and NumPy's protocols for tensors, variables and symbolic tensors.

The functions themselves live in `hotloop.ops`, above this package, and come in as they are loaded.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hotloop.graph.errors import TracingError

_functions: dict[str, Callable[..., Any]] = {}

# NumPy's names where they differ from those of hotloop.ops.
_NUMPY_NAMES = {
    "invert": "bitwise_not",
    "remainder": "mod",
    "rint": "round",
    "fabs": "abs",
    "conjugate": "positive",
    "float_power": "power",
    "round_": "round",
    "around": "round",
    "amax": "max",
    "amin": "min",
}


def register_functions(functions: Mapping[str, Callable[..., Any]]) -> None:
    """Called by the modules of `hotloop.ops` with their public functions."""
    _functions.update(functions)


def _function(name: str) -> Callable[..., Any] | None:
    """The function of `hotloop.ops` that is so called, if there is one that takes tensors."""
    found = _functions.get(name)
    if found is None:
        ops = importlib.import_module("hotloop.ops")
        if name in ops.__all__:
            getattr(ops, name)  # loads its module
        found = _functions.get(name)
    return found


def _call(name: str, *args: Any) -> Any:
    function = _function(name)
    assert function is not None
    return function(*args)


def _binary(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    def forward(self: Any, other: Any) -> Any:
        return NotImplemented if _foreign(other) else _call(name, self, other)

    def reflected(self: Any, other: Any) -> Any:
        return NotImplemented if _foreign(other) else _call(name, other, self)

    return forward, reflected


def _unary(name: str) -> Callable[[Any], Any]:
    return lambda self: _call(name, self)


def _foreign(other: Any) -> bool:
    return other is None or isinstance(other, (str, bytes, dict, set))


def _dispatch(function: Callable[..., Any], name: str, args: Any, kwargs: Any) -> Any:
    """Calls the function of `ops` named like NumPy's, or NumPy itself on concrete tensors."""
    ours = _function(_NUMPY_NAMES.get(name, name))
    reason = "hotloop.ops has no function that takes these arguments"
    if ours is not None and _takes(ours, args, kwargs):
        try:
            return ours(*args, **kwargs)
        except NotImplementedError as error:
            reason = str(error)
    try:
        values = _to_numpy(args), _to_numpy(kwargs)
    except TracingError:
        raise TracingError(
            f"numpy.{name} was called on a symbolic tensor, but it cannot be part of a compiled "
            f"function: {reason}. Write it with functions of hotloop.ops, or compile the model "
            "with run_eagerly=True."
        ) from None
    return function(*values[0], **values[1])


_signature = functools.lru_cache(maxsize=None)(inspect.signature)


def _takes(function: Callable[..., Any], args: Any, kwargs: Any) -> bool:
    try:
        _signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _to_numpy(structure: Any) -> Any:
    if isinstance(structure, Operators):
        return np.asarray(structure)
    if isinstance(structure, list | tuple):
        return type(structure)(_to_numpy(item) for item in structure)
    if isinstance(structure, dict):
        return {key: _to_numpy(item) for key, item in structure.items()}
    return structure


class Operators:
    """Mixin: arithmetic, comparison, indexing and NumPy dispatch through `hotloop.ops`."""

    __slots__ = ()
    __array_priority__ = 100

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("subtract")
    __mul__, __rmul__ = _binary("multiply")
    __truediv__, __rtruediv__ = _binary("true_divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide")
    __mod__, __rmod__ = _binary("mod")
    __pow__, __rpow__ = _binary("power")
    __matmul__, __rmatmul__ = _binary("matmul")
    __and__, __rand__ = _binary("bitwise_and")
    __or__, __ror__ = _binary("bitwise_or")
    __xor__, __rxor__ = _binary("bitwise_xor")
    __lt__, __gt__ = _binary("less")
    __le__, __ge__ = _binary("less_equal")
    __neg__ = _unary("negative")
    __abs__ = _unary("absolute")
    __invert__ = _unary("bitwise_not")

    def __pos__(self) -> Any:
        return self

    def __eq__(self, other: Any) -> Any:
        return NotImplemented if _foreign(other) else _call("equal", self, other)

    def __ne__(self, other: Any) -> Any:
        return NotImplemented if _foreign(other) else _call("not_equal", self, other)

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, key: Any) -> Any:
        return _call("get_item", self, key)

    def __round__(self, decimals: int = 0) -> Any:
        return _call("round", self, decimals)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        return _dispatch(getattr(ufunc, method), name, args, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _dispatch(func, func.__name__, args, kwargs)
