"""Initializers that draw nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.common.dtypes import standardize_dtype
from hotloop.graph import Tensor
from hotloop.initializers.initializer import Initializer


class Constant(Initializer):
    """`value` everywhere: a number, or an array that broadcasts to the shape."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        value = np.asarray(self.value)
        filled = np.broadcast_to(value, tuple(shape)).astype(standardize_dtype(dtype))
        return ops.convert_to_tensor(filled)

    def get_config(self) -> dict[str, Any]:
        value = self.value
        return {"value": value.tolist() if isinstance(value, np.ndarray) else value}


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return ops.zeros(tuple(shape), standardize_dtype(dtype))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return ops.ones(tuple(shape), standardize_dtype(dtype))


class Identity(Initializer):
    """`gain` on the diagonal of a matrix. Raises `ValueError` for other ranks."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(
                "Identity matrix initializer can only be used for 2D matrices. "
                f"Received: shape={tuple(shape)} of rank {len(shape)}."
            )
        matrix = self.gain * np.eye(shape[0], shape[1])
        return ops.convert_to_tensor(matrix.astype(standardize_dtype(dtype)))

    def get_config(self) -> dict[str, Any]:
        # Keras forgets `gain` here, so that a clone has gain 1; a clone should be a clone.
        return {"gain": self.gain}
