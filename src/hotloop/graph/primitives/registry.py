"""The table of primitives. Each is declared once: shape rule, gradient rule and NumPy reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from hotloop.graph.tensor import Tensor

Shape = tuple[int, ...]
Infer = Callable[[str, Sequence["Tensor"], dict[str, Any]], tuple[Shape, str]]
Gradient = Callable[[int, "Tensor", "Tensor"], "Tensor | None"]


class Primitive(NamedTuple):
    """One operation of the graph.

    `infer(name, inputs, attrs)` gives the result's shape and dtype, or raises.
    `reference(float_dtype, attrs, *arrays)` computes in the precision of its inputs; `float_dtype`
    is what float32 stands for (float64 when computing the truth for tests).
    `gradient(i, g, out)` is the gradient for input `i`, given `g` for the result `out`; it is None
    where nothing flows back.
    """

    name: str
    infer: Infer
    reference: Callable[..., np.ndarray]
    gradient: Gradient | None = None
    elementwise: bool = False


PRIMITIVES: dict[str, Primitive] = {}


def register(
    name: str,
    infer: Infer,
    reference: Callable[..., np.ndarray],
    gradient: Gradient | None = None,
    elementwise: bool = False,
) -> None:
    """Adds a primitive to the table."""
    if name in PRIMITIVES:
        raise ValueError(f"Primitive {name!r} is declared twice.")
    PRIMITIVES[name] = Primitive(name, infer, reference, gradient, elementwise)
