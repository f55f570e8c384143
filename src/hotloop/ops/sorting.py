"""Order: sorting, the largest elements and places in sorted lines, named as in `keras.ops`.

NaN counts as larger than everything, -0 as equal to 0. Equal elements keep their order.
"""

from __future__ import annotations

from typing import Any

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import cast_to, expand, normalize_axis, promote, shape_tuple, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.indexing import take_along_axis
from hotloop.ops.manipulation import expand_dims, moveaxis, ravel
from hotloop.ops.reductions import sum


def _order(x: Tensor, axis: int, descending: bool) -> Tensor:
    """The positions along `axis` in sorted order."""
    x = tensor(x, "int32")
    moved = moveaxis(x, axis, -1)
    return moveaxis(apply("argsort", [moved], descending=descending), -1, axis)


@op
def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The positions along `axis` that sort `x`, int32; of the flat tensor if `axis` is None.

    Raises `ValueError` if the axis does not exist.
    """
    x = tensor(x)
    if axis is None or x.ndim == 0:
        x, axis = ravel(x), 0
    return _order(x, normalize_axis(axis, x.ndim), descending=False)


@op
def sort(x: Any, axis: int | None = -1) -> Tensor:
    """`x` sorted along `axis`, smallest first; the flat tensor if `axis` is None.

    Raises `ValueError` if the axis does not exist.
    """
    x = tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    return take_along_axis(x, _order(x, axis, descending=False), axis)


@op
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest elements along the last axis and their positions, int32.

    The largest come first whether or not `sorted` asks for it; of equal ones the first in `x`.
    Raises `ValueError` unless `x` has an axis of at least `k` elements.
    """
    x = tensor(x)
    (k,) = shape_tuple(k, "k")
    if x.ndim == 0 or k > x.shape[-1]:
        raise ValueError(f"top_k cannot take k={k} elements from the last axis of shape {x.shape}.")
    order = _order(x, x.ndim - 1, descending=True)
    stop = (*x.shape[:-1], k)
    places = apply("slice", [order], start=[0] * x.ndim, stop=stop, step=[1] * x.ndim)
    return take_along_axis(x, places, -1), places


@op
def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Bool: whether the score of each target class is among the `k` largest of its row.

    Args:
        targets: int32 of shape `(…)`, class numbers.
        predictions: float32 of shape `(…, classes)`. A NaN for the target is never among them.
        k: how many.

    Equal scores count as one place. Raises `ValueError` if the shapes do not fit.
    """
    targets, predictions = tensor(targets), tensor(predictions)
    if predictions.shape[:-1] != targets.shape or not predictions.ndim:
        raise ValueError(
            f"in_top_k takes predictions of shape (…, classes) for targets of shape (…), got "
            f"{predictions.shape} and {targets.shape}."
        )
    score = take_along_axis(predictions, expand_dims(targets, -1), -1)
    if score.dtype == "float32":
        lowest = fill(float("-inf"), score.shape, "float32")
        score = apply("select", [apply("isnan", [score]), lowest, score])
    larger = apply("lt", [expand(score, predictions.shape), predictions])
    ahead = sum(cast_to(larger, "int32"), axis=-1)
    return apply("lt", [ahead, fill(k, ahead.shape, "int32")])


@op
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Where each of `values` belongs in the sorted line, int32.

    `side` "left" gives the first place that keeps the order, "right" the last. Raises `ValueError`
    for another side and unless the line has one axis.
    """
    if side not in ("left", "right"):
        raise ValueError(f'side must be "left" or "right", got {side!r}.')
    line, wanted = tensor(sorted_sequence), tensor(values)
    if line.ndim != 1:
        raise ValueError(f"searchsorted takes a sorted line of one axis, got shape {line.shape}.")
    dtype = promote(fill(0, (), line.dtype), fill(0, (), wanted.dtype), least="int32")[0].dtype
    line, wanted = cast_to(line, dtype), cast_to(wanted, dtype)
    return apply("searchsorted", [line, wanted], right=side == "right")


@op
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Positions along `axis` by which the element in place `kth` is where sorting puts it, the
    smaller ones before it and the larger ones behind. Here everything is in order.

    Raises `ValueError` if the axis or the place does not exist.
    """
    x = tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim)
    normalize_axis(kth, x.shape[axis])
    return _order(x, axis, descending=False)
