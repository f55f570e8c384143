"""Primitives that move elements without changing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph.primitives.registry import Shape, register
from hotloop.graph.tensor import Tensor, apply, fill

Attrs = dict[str, Any]


def _ints(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _infer_reshape(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    (x,) = inputs
    shape = attrs["shape"] = _ints(attrs["shape"])
    size = 1
    for dim in shape:
        size *= dim
    if size != x.size or any(dim < 0 for dim in shape):
        raise ValueError(
            f"Cannot reshape a tensor of shape {x.shape} ({x.size} elements) to {shape} "
            f"({size} elements)."
        )
    return shape, x.dtype


def _infer_transpose(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    (x,) = inputs
    perm = attrs["perm"] = _ints(attrs["perm"])
    if sorted(perm) != list(range(x.ndim)):
        raise ValueError(f"perm {perm} is not an order of the {x.ndim} axes of shape {x.shape}.")
    return tuple(x.shape[axis] for axis in perm), x.dtype


def _infer_broadcast(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    (x,) = inputs
    shape = attrs["shape"] = _ints(attrs["shape"])
    if len(shape) != x.ndim or any(
        have != want and have != 1 for have, want in zip(x.shape, shape, strict=True)
    ):
        raise ValueError(f"Cannot broadcast a tensor of shape {x.shape} to {shape}.")
    return shape, x.dtype


def _ranges(x: Tensor, attrs: Attrs) -> list[range]:
    return [
        range(start, stop, step)
        for start, stop, step in zip(attrs["start"], attrs["stop"], attrs["step"], strict=True)
    ]


def _infer_slice(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    """Per axis the elements of `range(start, stop, step)`; with a negative step stop may be -1."""
    (x,) = inputs
    for key in ("start", "stop", "step"):
        attrs[key] = _ints(attrs[key])
        if len(attrs[key]) != x.ndim:
            raise ValueError(f"slice {key} {attrs[key]} does not fit shape {x.shape}.")
    ranges = _ranges(x, attrs)
    for taken, dim in zip(ranges, x.shape, strict=True):
        if len(taken) and not (0 <= min(taken[0], taken[-1]) <= max(taken[0], taken[-1]) < dim):
            raise ValueError(f"slice {taken} leaves an axis of size {dim} (shape {x.shape}).")
    return tuple(len(taken) for taken in ranges), x.dtype


def _slice(float_dtype: Any, attrs: Attrs, x: np.ndarray) -> np.ndarray:
    index = []
    for start, stop, step in zip(attrs["start"], attrs["stop"], attrs["step"], strict=True):
        index.append(slice(start, None if stop < 0 else stop, step))
    return x[tuple(index)]


def _infer_pad(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    (x,) = inputs
    low = attrs["low"] = _ints(attrs["low"])
    high = attrs["high"] = _ints(attrs["high"])
    if not len(low) == len(high) == x.ndim or min(low + high, default=0) < 0:
        raise ValueError(f"pad low {low} and high {high} do not fit shape {x.shape}.")
    return tuple(a + d + b for a, d, b in zip(low, x.shape, high, strict=True)), x.dtype


def _infer_concat(name: str, inputs: Sequence[Tensor], attrs: Attrs) -> tuple[Shape, str]:
    first, axis = inputs[0], attrs["axis"]
    if not 0 <= axis < first.ndim:
        raise ValueError(f"concat axis {axis} does not exist in shape {first.shape}.")
    for x in inputs:
        rest = x.shape[:axis] + x.shape[axis + 1 :]
        if x.dtype != first.dtype or rest != first.shape[:axis] + first.shape[axis + 1 :]:
            raise ValueError(
                f"Tensors joined along axis {axis} must agree in dtype and all other axes, got "
                + ", ".join(f"{t.dtype}{list(t.shape)}" for t in inputs)
            )
    total = sum(x.shape[axis] for x in inputs)
    return (*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype


def _reshape_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    return apply("reshape", [g], shape=out.inputs[0].shape)


def _transpose_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    return apply("transpose", [g], perm=tuple(np.argsort(out.attrs["perm"])))


def _broadcast_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    have = out.inputs[0].shape
    axes = tuple(a for a, (h, w) in enumerate(zip(have, out.shape, strict=True)) if h != w)
    return apply("sum", [g], axes=axes) if axes else g


def _slice_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    """Puts `g` back where the slice was taken, zeros elsewhere."""
    x = out.inputs[0]
    ranges = _ranges(x, out.attrs)
    if not out.size:
        return fill(0.0, x.shape, x.dtype)
    backwards = [
        step < 0 and len(taken) > 1 for taken, step in zip(ranges, out.attrs["step"], strict=True)
    ]
    if any(backwards):
        g = apply(
            "slice",
            [g],
            start=[d - 1 if b else 0 for d, b in zip(g.shape, backwards, strict=True)],
            stop=[-1 if b else d for d, b in zip(g.shape, backwards, strict=True)],
            step=[-1 if b else 1 for b in backwards],
        )
    for axis, taken in enumerate(ranges):
        if len(taken) > 1 and abs(taken.step) > 1:
            g = _dilate(g, axis, abs(taken.step))
    low = [min(taken[0], taken[-1]) for taken in ranges]
    high = [d - a - n for d, a, n in zip(x.shape, low, g.shape, strict=True)]
    return apply("pad", [g], low=low, high=high)


def _dilate(g: Tensor, axis: int, step: int) -> Tensor:
    """Puts step - 1 zeros between neighbours along `axis`."""
    before, n, after = g.shape[:axis], g.shape[axis], g.shape[axis + 1 :]
    split = apply("reshape", [g], shape=(*before, n, 1, *after))
    low = [0] * split.ndim
    high = [0] * split.ndim
    high[axis + 1] = step - 1
    spread = apply("pad", [split], low=low, high=high)
    joined = apply("reshape", [spread], shape=(*before, n * step, *after))
    stop = list(joined.shape)
    stop[axis] -= step - 1
    return apply("slice", [joined], start=[0] * g.ndim, stop=stop, step=[1] * g.ndim)


def _pad_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    low = out.attrs["low"]
    stop = [a + d for a, d in zip(low, out.inputs[0].shape, strict=True)]
    return apply("slice", [g], start=low, stop=stop, step=[1] * g.ndim)


def _concat_gradient(i: int, g: Tensor, out: Tensor) -> Tensor:
    axis = out.attrs["axis"]
    start, stop = [0] * g.ndim, list(g.shape)
    start[axis] = sum(x.shape[axis] for x in out.inputs[:i])
    stop[axis] = start[axis] + out.inputs[i].shape[axis]
    return apply("slice", [g], start=start, stop=stop, step=[1] * g.ndim)


def _pad(float_dtype: Any, attrs: Attrs, x: np.ndarray) -> np.ndarray:
    return x if not x.ndim else np.pad(x, list(zip(attrs["low"], attrs["high"], strict=True)))


register(
    "reshape", _infer_reshape, lambda f, attrs, x: x.reshape(attrs["shape"]), _reshape_gradient
)
register(
    "transpose",
    _infer_transpose,
    lambda f, attrs, x: x.transpose(attrs["perm"]),
    _transpose_gradient,
)
register(
    "broadcast_to",
    _infer_broadcast,
    lambda f, attrs, x: np.broadcast_to(x, attrs["shape"]),
    _broadcast_gradient,
)
register("slice", _infer_slice, _slice, _slice_gradient)
register("pad", _infer_pad, _pad, _pad_gradient)
register(
    "concat",
    _infer_concat,
    lambda f, attrs, *arrays: np.concatenate(arrays, attrs["axis"]),
    _concat_gradient,
)
