"""The product of two matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import FLOAT
from hotloop.graph.primitives.registry import Shape, register
from hotloop.graph.tensor import Tensor, apply


def _infer(name: str, inputs: Sequence[Tensor], attrs: dict[str, Any]) -> tuple[Shape, str]:
    """`matmul(a, b, ta, tb)`: op(a) op(b), op transposing where its flag is set."""
    a, b = inputs
    ta, tb = attrs.setdefault("ta", False), attrs.setdefault("tb", False)
    if a.ndim != 2 or b.ndim != 2 or a.dtype != FLOAT or b.dtype != FLOAT:
        raise ValueError(
            f"'matmul' takes two float32 matrices, got {a.dtype}{list(a.shape)} and "
            f"{b.dtype}{list(b.shape)}."
        )
    m, k = a.shape[::-1] if ta else a.shape
    k2, n = b.shape[::-1] if tb else b.shape
    if k != k2:
        raise ValueError(
            f"Cannot multiply matrices of shapes {(m, k)} and {(k2, n)}: {k} columns meet {k2} "
            "rows."
        )
    return (m, n), FLOAT


def _reference(float_dtype: Any, attrs: dict[str, Any], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return (a.T if attrs["ta"] else a) @ (b.T if attrs["tb"] else b)


def _gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    (a, b), ta, tb = out.inputs, out.attrs["ta"], out.attrs["tb"]
    if i == 0:
        if ta:
            return apply("matmul", [b, g], ta=tb, tb=True)
        return apply("matmul", [g, b], ta=False, tb=not tb)
    if tb:
        return apply("matmul", [g, a], ta=True, tb=ta)
    return apply("matmul", [a, g], ta=not ta, tb=False)


register("matmul", _infer, _reference, _gradient)
