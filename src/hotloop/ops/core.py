"""Conversion and inspection, named as in `keras.ops`."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop.graph import Tensor, Variable, apply, canonical_dtype
from hotloop.graph import constant as _constant
from hotloop.graph.operators import register_functions
from hotloop.ops.convert import cast_to, tensor
from hotloop.ops.dispatch import op
from hotloop.ops.symbolic import KerasTensor

_EXACT = ("float32", "float64", "int32", "int64", "bool")


@op
def cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype. To int32 it cuts toward zero; to bool it asks for not zero.

    64-bit names mean their 32-bit dtype, as with Keras on JAX. Narrower dtypes, which would have
    to wrap or round, raise `TypeError`.
    """
    wanted = canonical_dtype(dtype)
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in _EXACT:
        raise TypeError(f"cast to {name!r} is not available: tensors are float32, int32 or bool.")
    return cast_to(tensor(x), wanted)


@op
def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """`x` as a tensor: floats as float32, integers as int32, or in `dtype`."""
    if sparse or ragged:
        raise NotImplementedError("hotloop has neither sparse nor ragged tensors.")
    return _constant(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """`x` as a NumPy array. Raises `TracingError` for tensors without a value."""
    if isinstance(x, Tensor | Variable):
        return x.numpy()
    return np.array(x)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor (variables, arrays and symbolic tensors are not)."""
    return isinstance(x, Tensor)


def shape(x: Any) -> tuple[int | None, ...]:
    """The shape as a tuple, None where a symbolic tensor's size is unknown."""
    return x.shape if isinstance(x, KerasTensor | Variable) else tensor(x).shape


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape(x))


def size(x: Any) -> int:
    """The number of elements."""
    return tensor(x).size


def dtype(x: Any) -> str:
    """The dtype's name."""
    return x.dtype if isinstance(x, KerasTensor | Variable) else tensor(x).dtype


@op
def stop_gradient(variable: Any) -> Tensor:
    """The value, through which no gradient flows."""
    return apply("stop_gradient", [tensor(variable)])


@op
def copy(x: Any) -> Tensor:
    """The value; tensors never change, so nothing is copied."""
    return tensor(x)


@op
def positive(x: Any) -> Tensor:
    """+x."""
    return tensor(x)


register_functions({"shape": shape, "ndim": ndim, "size": size})
