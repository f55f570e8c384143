"""Running sums and products, named as in `keras.ops`."""

from __future__ import annotations

from typing import Any

from hotloop.graph import Tensor, apply, fill
from hotloop.ops.convert import normalize_axis, tensor
from hotloop.ops.core import cast
from hotloop.ops.dispatch import op
from hotloop.ops.manipulation import ravel


def _scan(primitive: str, x: Any, axis: int | None, dtype: Any, nan_as: float | None) -> Tensor:
    x = tensor(x)
    if dtype is not None:
        x = cast(x, dtype)
    x = tensor(x, "int32")
    if nan_as is not None and x.dtype == "float32":
        x = apply("select", [apply("isnan", [x]), fill(nan_as, x.shape, "float32"), x])
    if axis is None:
        x, axis = ravel(x), 0
    result = apply(primitive, [x], axis=normalize_axis(axis, x.ndim))
    return result if dtype is None else cast(result, dtype)


@op
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The sums of the elements up to each one along `axis`; of the flat tensor if None.

    Added one after the other, in `dtype` if given; bools count as int32. Raises `ValueError` if the
    axis does not exist.
    """
    return _scan("cumsum", x, axis, dtype, None)


@op
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The products of the elements up to each one along `axis`; of the flat tensor if None.

    Multiplied one after the other, in `dtype` if given; bools count as int32. Raises `ValueError`
    if the axis does not exist.
    """
    return _scan("cumprod", x, axis, dtype, None)


@op
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """`cumsum` in which NaN counts as 0."""
    return _scan("cumsum", x, axis, dtype, 0.0)


@op
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """`cumprod` in which NaN counts as 1."""
    return _scan("cumprod", x, axis, dtype, 1.0)
