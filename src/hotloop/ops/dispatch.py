"""What makes a plain function a public one of `hotloop.ops`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from hotloop.graph.operators import register_functions
from hotloop.ops.symbolic import FunctionOperation, KerasTensor, any_symbolic

F = TypeVar("F", bound=Callable[..., Any])


def op(function: F) -> F:
    """Decorator: called on a `KerasTensor` the function becomes an operation of the model.

    It also serves the Python operators and NumPy functions of the same name.
    """
    name = function.__name__

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for arg in args:
            kind = type(arg)
            if kind is KerasTensor or (kind in (list, tuple, dict) and any_symbolic(arg)):
                break
        else:
            if not kwargs or not any_symbolic((), kwargs):
                return function(*args, **kwargs)
        return FunctionOperation(function, name)(*args, **kwargs)

    register_functions({name: wrapper})
    return wrapper  # type: ignore[return-value]
