"""Eager evaluation: one primitive on NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.graph.dtypes import numpy_dtype
from hotloop.graph.primitives.registry import PRIMITIVES


def evaluate(
    primitive: str,
    arrays: Sequence[np.ndarray],
    attrs: dict[str, Any],
    shape: tuple[int, ...],
    dtype: str,
) -> np.ndarray:
    """The value of a primitive, whose shape and dtype are known, on concrete inputs."""
    value = PRIMITIVES[primitive].reference(np.float32, attrs, *arrays)
    return np.ascontiguousarray(value, dtype=numpy_dtype(dtype)).reshape(shape)
