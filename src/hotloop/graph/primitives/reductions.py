"""Reductions. Reduced axes stay, with size 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import BOOL, FLOAT, INT
from hotloop.graph.primitives.registry import Shape, register
from hotloop.graph.tensor import Tensor, apply, fill

Attrs = dict[str, Any]


def _infer(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    (x,) = inputs
    axes = attrs["axes"] = tuple(sorted(int(axis) for axis in attrs["axes"]))
    if len(set(axes)) != len(axes) or any(not 0 <= axis < x.ndim for axis in axes):
        raise ValueError(f"{name!r} over axes {axes} of a tensor of shape {x.shape}.")
    if x.dtype == BOOL:
        raise TypeError(f"{name!r} takes float32 or int32 tensors, got bool.")
    if name in ("amax", "amin") and any(x.shape[axis] == 0 for axis in axes):
        raise ValueError(
            f"{name!r} over an empty axis (shape {x.shape}, axes {axes}) has no value."
        )
    return tuple(1 if axis in axes else dim for axis, dim in enumerate(x.shape)), x.dtype


def _infer_arg(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    (x,) = inputs
    axis = attrs["axis"]
    if not 0 <= axis < x.ndim or x.shape[axis] == 0:
        raise ValueError(f"{name!r} over axis {axis} of a tensor of shape {x.shape}.")
    if x.dtype == BOOL:
        raise TypeError(f"{name!r} takes float32 or int32 tensors, got bool.")
    return (*x.shape[:axis], 1, *x.shape[axis + 1 :]), INT


def _reference(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    def reference(float_dtype: Any, attrs: Attrs, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            if x.dtype.kind == "i" and function in (np.sum, np.prod):
                return function(x, axis=attrs["axes"], keepdims=True, dtype=x.dtype)
            return function(x, axis=attrs["axes"], keepdims=True)

    return reference


def _arg_reference(function: Callable[..., Any]) -> Callable[..., np.ndarray]:
    def reference(float_dtype: Any, attrs: Attrs, x: np.ndarray) -> np.ndarray:
        return function(x, axis=attrs["axis"], keepdims=True).astype(np.int32)

    return reference


def _expand(x: Tensor, shape: Shape) -> Tensor:
    return x if x.shape == shape else apply("broadcast_to", [x], shape=shape)


def _sum_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    return _expand(g, out.inputs[0].shape)


def _extremum_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    """Shared equally among the elements that are equal to the extremum, as JAX does."""
    x, axes = out.inputs[0], out.attrs["axes"]
    chosen = apply("eq", [x, _expand(out, x.shape)])
    count = apply("sum", [apply("cast", [chosen], dtype=FLOAT)], axes=axes)
    share = _expand(apply("div", [g, count]), x.shape)
    return apply("select", [chosen, share, fill(0.0, x.shape, FLOAT)])


def _prod_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    """The product of the others: out / x, or, at an only zero, the product of the rest."""
    x, axes = out.inputs[0], out.attrs["axes"]
    one, zero = fill(1.0, x.shape, FLOAT), fill(0.0, x.shape, FLOAT)
    is_zero = apply("eq", [x, zero])
    filled = apply("select", [is_zero, one, x])
    zeros = apply("sum", [apply("cast", [is_zero], dtype=FLOAT)], axes=axes)
    others = apply("sub", [_expand(zeros, x.shape), apply("cast", [is_zero], dtype=FLOAT)])
    rest = _expand(apply("prod", [filled], axes=axes), x.shape)
    product = apply("select", [apply("eq", [others, zero]), apply("div", [rest, filled]), zero])
    return apply("mul", [_expand(g, x.shape), product])


register("sum", _infer, _reference(np.sum), _sum_gradient)
register("amax", _infer, _reference(np.max), _extremum_gradient)
register("amin", _infer, _reference(np.min), _extremum_gradient)
register("prod", _infer, _reference(np.prod), _prod_gradient)
register("argmax", _infer_arg, _arg_reference(np.argmax))
register("argmin", _infer_arg, _arg_reference(np.argmin))
