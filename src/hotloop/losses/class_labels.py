"""Class numbers as targets: their shape, their range, and the class that does not count."""

from __future__ import annotations

from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Tensor, are_below, has_nan


def class_labels(y_true: Any, y_pred: Tensor, axis: int) -> Tensor:
    """Labels without the axis of one that stands where predictions have their classes."""
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    return y_true


def valid_class_mask(y_true: Any, y_pred: Any, ignore_class: int, axis: int = -1) -> Tensor:
    """False where the label is `ignore_class`; of the shape of the per-sample losses."""
    labels = class_labels(y_true, ops.convert_to_tensor(y_pred), axis)
    return ops.not_equal(labels, ignore_class)


def check_class_labels(
    labels: np.ndarray, num_classes: int, ignore_class: int | None = None, name: str = "y_true"
) -> None:
    """Raises `ValueError` unless every label is a whole number in [0, num_classes).

    Labels equal to `ignore_class` pass. `name` is what the message calls the array.
    """
    flat = labels
    if ignore_class is not None:
        flat = flat[flat != ignore_class]
    if not flat.size:
        return
    if flat.dtype.kind == "f":
        if has_nan(flat):
            where = int(np.flatnonzero(np.isnan(labels.reshape(-1)))[0])
            raise ValueError(f"`{name}` has NaN among its class labels, first at {where}.")
        broken = flat != np.floor(flat)
        if broken.any():
            raise ValueError(
                f"`{name}` must hold whole class numbers. Received: {flat[broken][0]!s}. "
                "For soft targets use categorical_crossentropy."
            )
    elif are_below(flat, num_classes):
        return
    low, high = flat.min(), flat.max()
    if low < 0 or high >= num_classes:
        bad = low if low < 0 else high
        raise ValueError(
            f"`{name}` has the class label {int(bad)}, which is outside [0, {num_classes}): the "
            f"predictions have {num_classes} classes."
        )
