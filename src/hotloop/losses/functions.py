"""Losses as functions: per-sample values of (y_true, y_pred), with the last axis reduced."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.reduction import squeeze_or_expand_to_same_rank


def _prepare(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    return squeeze_or_expand_to_same_rank(y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean((y_true - y_pred)²)` over the last axis."""
    y_true, y_pred = _prepare(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(|y_true - y_pred|)` over the last axis."""
    y_true, y_pred = _prepare(y_true, y_pred)
    return ops.mean(ops.absolute(y_true - y_pred), axis=-1)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Mean over `axis` of the crossentropy of independent yes/no targets.

    Args:
        y_true: targets in [0, 1], of the shape of `y_pred`.
        y_pred: probabilities, or logits if `from_logits`.
        label_smoothing: 0 keeps the targets; 1 replaces them by 0.5.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Crossentropy of one-hot (or soft) targets.

    Args:
        y_true: target distributions, of the shape of `y_pred`.
        y_pred: probabilities, or logits if `from_logits`.
        label_smoothing: the share of the target spread evenly over all classes.
        axis: the axis of the classes.
    """
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type bool")
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    if y_pred.shape[-1] == 1:
        warnings.warn(
            "In loss categorical_crossentropy, expected y_pred.shape to be (batch_size, "
            f"num_classes) with num_classes > 1. Received: y_pred.shape={tuple(y_pred.shape)}. "
            "Consider using 'binary_crossentropy' if you only have 2 classes.",
            SyntaxWarning,
            stacklevel=2,
        )
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """Crossentropy of class numbers.

    Args:
        y_true: class numbers in [0, classes); a trailing axis of one is dropped.
        y_pred: probabilities, or logits if `from_logits`.
        ignore_class: a class number whose samples have loss zero.
        axis: the axis of the classes in `y_pred`.

    Raises:
        ValueError: `y_true` is at hand (not traced) and has a label that is no class.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = _class_labels(y_true, y_pred, axis)
    if getattr(y_true, "value", None) is not None:
        check_class_labels(y_true.numpy(), y_pred.shape[axis], ignore_class)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    valid = ops.not_equal(y_true, ignore_class)
    y_true = ops.where(valid, y_true, ops.zeros_like(y_true))
    y_pred = ops.where(ops.expand_dims(valid, axis), y_pred, 0.0)
    values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    return ops.where(valid, values, 0.0)


def valid_class_mask(y_true: Any, y_pred: Any, ignore_class: int, axis: int = -1) -> Tensor:
    """False where the label is `ignore_class`; of the shape of the per-sample losses."""
    labels = _class_labels(y_true, ops.convert_to_tensor(y_pred), axis)
    return ops.not_equal(labels, ignore_class)


def _class_labels(y_true: Any, y_pred: Tensor, axis: int) -> Tensor:
    y_true = ops.convert_to_tensor(y_true)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    return y_true


def check_class_labels(
    labels: np.ndarray, num_classes: int, ignore_class: int | None = None, name: str = "y_true"
) -> None:
    """Raises `ValueError` unless every label is a whole number in [0, num_classes).

    Labels equal to `ignore_class` pass. `name` is what the message calls the array.
    """
    if not labels.size:
        return
    flat = labels.reshape(-1)
    if ignore_class is not None:
        flat = flat[flat != ignore_class]
        if not flat.size:
            return
    if flat.dtype.kind == "f":
        if np.isnan(flat).any():
            where = int(np.flatnonzero(np.isnan(labels.reshape(-1)))[0])
            raise ValueError(f"`{name}` has NaN among its class labels, first at {where}.")
        broken = flat != np.floor(flat)
        if broken.any():
            raise ValueError(
                f"`{name}` must hold whole class numbers. Received: {flat[broken][0]!s}. "
                "For soft targets use categorical_crossentropy."
            )
    low, high = flat.min(), flat.max()
    if low < 0 or high >= num_classes:
        bad = low if low < 0 else high
        raise ValueError(
            f"`{name}` has the class label {int(bad)}, which is outside [0, {num_classes}): the "
            f"predictions have {num_classes} classes."
        )
