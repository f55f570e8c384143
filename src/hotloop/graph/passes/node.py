"""The nodes that `simplify` works on: tensors of a trace without their tracing baggage."""

from __future__ import annotations

from typing import Any

import numpy as np

Shape = tuple[int, ...]

UNARY = frozenset(
    (
        "neg", "abs", "sign", "floor", "ceil", "round", "sqrt", "exp", "expm1", "log",
        "log1p", "tanh", "sigmoid", "erf", "sin", "cos", "isnan", "not",
    )
)  # fmt: skip
BINARY = frozenset(
    (
        "add", "sub", "mul", "div", "max", "min", "pow", "mod", "eq", "ne", "lt", "le",
        "and", "or", "xor",
    )
)  # fmt: skip
ELEMENTWISE = UNARY | BINARY | {"select", "cast", "stop_gradient"}
REDUCTIONS = frozenset(("sum", "amax", "amin", "prod"))


class Node:
    """One operation on arrays of known shape.

    `op` is a primitive, or one of the leaves `const` (`value` an array), `splat` (`value` a NumPy
    scalar that fills the shape), `input` (`attrs["index"]`) and `variable` (`attrs["variable"]`).
    """

    __slots__ = ("attrs", "dtype", "inputs", "op", "shape", "size", "value")

    def __init__(
        self,
        op: str,
        inputs: tuple[Node, ...],
        attrs: dict[str, Any],
        shape: Shape,
        dtype: str,
        value: Any = None,
    ):
        self.op = op
        self.inputs = inputs
        self.attrs = attrs
        self.shape = shape
        self.dtype = dtype
        self.value = value
        size = 1
        for dim in shape:
            size *= dim
        self.size = size

    def __repr__(self) -> str:
        return f"<{self.op} {self.dtype}{list(self.shape)}>"


def uniform_value(array: np.ndarray) -> Any:
    """The scalar that fills `array`, bit for bit, or None if its elements differ."""
    if array.size == 0:
        return None
    first = array.reshape(-1)[0] if array.flags.c_contiguous else array[(0,) * array.ndim]
    if array.size == 1:
        return first
    lanes = array if array.dtype == np.bool_ else array.view(np.int32)
    bits = np.asarray(first).view(lanes.dtype)
    return first if bool((lanes == bits).all()) else None
