"""The table of primitives. Each is declared once: shape rule, gradient rule and NumPy reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from hotloop.graph.tensor import Tensor

Shape = tuple[int, ...]
Infer = Callable[[str, Sequence["Tensor"], dict[str, Any]], tuple[Shape, str]]
Gradient = Callable[[int, "Tensor", "Tensor"], "Tensor | None"]


class Primitive:
    """One operation of the graph.

    `infer(name, inputs, attrs)` gives the result's shape and dtype, or raises.
    `reference(float_dtype, attrs, *arrays)` computes in the precision of its inputs; `float_dtype`
    is what float32 stands for (float64 when computing the truth for tests).
    `gradient(i, g, out)` is the gradient for input `i`, given `g` for the result `out`; it is None
    where nothing flows back.
    """

    __slots__ = ("elementwise", "gradient", "infer", "name", "reference")

    def __init__(
        self,
        name: str,
        infer: Infer,
        reference: Callable[..., np.ndarray],
        gradient: Gradient | None,
        elementwise: bool,
    ):
        self.name = name
        self.infer = infer
        self.reference = reference
        self.gradient = gradient
        self.elementwise = elementwise


# Module -> its primitives, of those that dense training does not need: loaded when one is applied.
_LATER = {
    "blocks": "gather scatter cumsum cumprod argsort searchsorted",
    "custom": "custom_gradient",
    "matrices": "triangular cholesky lu qr eigh svd",
}


class _Table(dict[str, Primitive]):
    def __missing__(self, name: str) -> Primitive:
        for module, names in _LATER.items():
            if name in names.split():
                import_module(f"hotloop.graph.primitives.{module}")
                return self[name]
        raise KeyError(name)


PRIMITIVES: dict[str, Primitive] = _Table()


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
