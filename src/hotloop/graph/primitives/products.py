"""Products of matrices: of two, and of stacks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import FLOAT
from hotloop.graph.primitives.registry import Shape, register
from hotloop.graph.tensor import Tensor, apply


def _infer(name: str, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Shape, str]:
    """`matmul(a, b, ta, tb)`: op(a) op(b), op transposing where its flag is set.

    `batch_matmul` does the same for the matrices in the last two axes; the others are equal.
    """
    a, b = inputs
    ta, tb = attrs.setdefault("ta", False), attrs.setdefault("tb", False)
    fits = a.ndim == b.ndim == 2 if name == "matmul" else a.ndim == b.ndim > 2
    if not fits or a.shape[:-2] != b.shape[:-2] or a.dtype != FLOAT or b.dtype != FLOAT:
        wanted = "matrices" if name == "matmul" else "stacks of matrices with equal leading axes"
        raise ValueError(
            f"{name!r} takes two float32 {wanted}, got {a.dtype}{list(a.shape)} and "
            f"{b.dtype}{list(b.shape)}."
        )
    m, k = a.shape[:-3:-1] if ta else a.shape[-2:]
    k2, n = b.shape[:-3:-1] if tb else b.shape[-2:]
    if k != k2:
        raise ValueError(
            f"Cannot multiply matrices of shapes {(m, k)} and {(k2, n)}: {k} columns meet {k2} "
            "rows."
        )
    return (*a.shape[:-2], m, n), FLOAT


def _reference(float_dtype: Any, attrs: dict[str, Any], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        left = np.swapaxes(a, -1, -2) if attrs["ta"] else a
        return left @ (np.swapaxes(b, -1, -2) if attrs["tb"] else b)


def _gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    (a, b), ta, tb = out.inputs, out.attrs["ta"], out.attrs["tb"]
    name = out.primitive
    if i == 0:
        if ta:
            return apply(name, [b, g], ta=tb, tb=True)
        return apply(name, [g, b], ta=False, tb=not tb)
    if tb:
        return apply(name, [g, a], ta=True, tb=ta)
    return apply(name, [a, g], ta=not ta, tb=False)


register("matmul", _infer, _reference, _gradient)
register("batch_matmul", _infer, _reference, _gradient)
