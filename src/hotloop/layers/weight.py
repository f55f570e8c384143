"""Making one weight: the arguments of `add_weight`, checked, and the variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop import initializers
from hotloop.common.dtypes import standardize_dtype
from hotloop.graph import Variable


def make_weight(
    owner: str, name: str, shape: Any, initializer: Any, dtype: Any, trainable: bool
) -> Variable:
    """The variable that `add_weight` of the layer `owner` asks for."""
    shape = _whole_shape(shape, owner)
    dtype = standardize_dtype(dtype)
    if initializer is None:
        initializer = "glorot_uniform" if dtype == "float32" else "zeros"
    value = initializers.get(initializer)(shape, dtype=dtype)
    variable = Variable(value, dtype=dtype, trainable=trainable, name=name)
    if variable.shape != shape:
        raise ValueError(
            f"The initializer of weight '{name}' of layer '{owner}' returned shape "
            f"{variable.shape} where {shape} was asked for."
        )
    return variable


def positional(
    args: tuple[Any, ...], shape: Any, initializer: Any, dtype: Any
) -> tuple[Any, Any, Any]:
    """`add_weight`'s first three arguments, which may be positional."""
    if len(args) > 3:
        raise TypeError(
            f"add_weight() takes at most 3 positional arguments but {len(args)} were given."
        )
    if args and isinstance(args[0], str):
        raise ValueError(
            f"`name` must be passed as a keyword argument. Received: add_weight('{args[0]}', ...). "
            f"Use: add_weight(shape=..., name='{args[0]}')."
        )
    values = {"shape": shape, "initializer": initializer, "dtype": dtype}
    for name, value in zip(values, args, strict=False):
        if values[name] is not None:
            raise ValueError(f"`{name}` was passed both positionally and as a keyword argument.")
        values[name] = value
    return values["shape"], values["initializer"], values["dtype"]


def _whole_shape(shape: Any, layer_name: str) -> tuple[int, ...]:
    if shape is None:
        return ()
    dims = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
    for dim in dims:
        if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)) or dim < 0:
            raise ValueError(
                f"The shape of a weight of layer '{layer_name}' must be made of whole numbers. "
                f"Received: shape={shape!r}. Is the last axis of the layer's input known?"
            )
    return tuple(int(dim) for dim in dims)


def refuse_arguments(owner: str, **arguments: Any) -> None:
    """Raises `NotImplementedError` that names the first argument which is not None."""
    for argument, value in arguments.items():
        if value is not None:
            raise NotImplementedError(
                f"{owner} does not implement the argument `{argument}` yet. "
                f"Received: {argument}={value!r}"
            )
