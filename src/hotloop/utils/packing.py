"""`data` as the steps see it: x alone, (x, y) or (x, y, sample_weight)."""

from __future__ import annotations

from typing import Any


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """What `train_step` and its like are given.

    `x` alone where there are no targets (in a tuple if it is a list or tuple itself), else `(x, y)`
    or `(x, y, sample_weight)`.
    """
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (list, tuple)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` of what a step was given; None for what is not there.

    Raises `ValueError` for a tuple that is longer than three.
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) not in (1, 2, 3):
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`. "
            f"Received a tuple of {len(data)}."
        )
    return (*data, None, None)[:3]
