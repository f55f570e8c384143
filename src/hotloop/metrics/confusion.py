"""Counting hits and misses at many thresholds at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop import ops
from hotloop._settings import epsilon
from hotloop.graph import Tensor
from hotloop.losses.reduction import squeeze_or_expand_to_same_rank

# Below every prediction: what the predictions outside the top k are set to, and their threshold.
NEG_INF = -1e10


def parse_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list; None is `default` alone.

    Raises:
        ValueError: one is outside [0, 1].
    """
    if thresholds is None:
        return [default]
    if not isinstance(thresholds, (list, tuple, np.ndarray)):
        thresholds = [thresholds]
    invalid = [t for t in thresholds if t is None or not 0 <= t <= 1]
    if invalid:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {invalid}")
    if not len(thresholds):
        raise ValueError("`thresholds` is empty. Pass at least one number in [0, 1].")
    return [float(t) for t in thresholds]


def are_even(thresholds: Sequence[float]) -> bool:
    """Whether thresholds are 0, 1/n, 2/n, … 1, of which there are at least three."""
    count = len(thresholds)
    if count < 3:
        return False
    even = np.arange(count, dtype=np.float32) / (count - 1)
    return bool(np.allclose(thresholds, even, atol=epsilon()))


def confusion_counts(
    wanted: Sequence[str],
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    *,
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: Any = None,
) -> list[Tensor]:
    """Weighted numbers of true/false positives/negatives at every threshold.

    A prediction is positive at a threshold that it is larger than, a target where it is not 0.

    Args:
        wanted: some of "tp", "fp", "tn", "fn".
        y_true: targets, of the shape of `y_pred` (or with a last axis of one more or less).
        y_pred: predictions, `[batch, ...]`.
        thresholds: as `parse_thresholds` gives them.
        sample_weight: None, or weights that broadcast to `y_pred` from the left.
        top_k: only the `top_k` largest predictions of the last axis can be positive.
        class_id: only this place of the last axis counts.
        multi_label: count every label (column) by itself.
        label_weights: None or a weight per label; not with `multi_label`.

    Returns:
        One float32 tensor per name of `wanted`, `[thresholds]` or `[thresholds, labels]`.
    """
    y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    y_true = ops.cast(ops.convert_to_tensor(y_true), "float32")
    y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
    if y_pred.shape != y_true.shape:
        raise ValueError(
            "Targets and predictions must have one shape. Received: y_true of shape "
            f"{y_true.shape}, y_pred of shape {y_pred.shape}."
        )
    if sample_weight is not None:
        sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
        sample_weight = ops.expand_dims(sample_weight, -1)
        _, sample_weight = squeeze_or_expand_to_same_rank(
            y_true, sample_weight, expand_rank_1=False
        )
    if top_k is not None:
        y_pred = keep_top_k(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) < 2:
            raise ValueError(
                "When `class_id` is given, y_pred must have the shape (num_samples, num_classes). "
                f"Received: class_id={class_id}, y_pred of shape {y_pred.shape}."
            )
        if not -y_pred.shape[-1] <= class_id < y_pred.shape[-1]:
            raise ValueError(
                f"`class_id` is {class_id}, but predictions have {y_pred.shape[-1]} classes."
            )
        y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]

    positive = ops.cast(ops.cast(y_true, "bool"), "float32")
    negative = 1.0 - positive
    for weight in (sample_weight, label_weights):
        if weight is not None:
            weight = ops.broadcast_to(weight, y_pred.shape)
            positive, negative = positive * weight, negative * weight

    labels = math.prod(y_pred.shape[1:]) if multi_label else 1
    y_pred, positive, negative = (
        ops.reshape(part, (-1, labels)) for part in (y_pred, positive, negative)
    )
    if are_even(thresholds):
        counts = _counts_in_buckets(y_pred, positive, negative, thresholds)
    else:
        counts = _counts_by_comparing(wanted, y_pred, positive, negative, thresholds)
    return [counts[name] if multi_label else ops.squeeze(counts[name], 1) for name in wanted]


def _counts_by_comparing(
    wanted: Sequence[str],
    y_pred: Tensor,
    positive: Tensor,
    negative: Tensor,
    thresholds: Sequence[float],
) -> dict[str, Tensor]:
    """Counts `[thresholds, labels]`: a row per sample, summed by columns."""
    bounds = ops.convert_to_tensor(np.array(thresholds, np.float32))
    above = ops.greater(ops.expand_dims(y_pred, 1), ops.expand_dims(bounds, 1))
    sides = {"tp": (positive, True), "fp": (negative, True)}
    sides |= {"fn": (positive, False), "tn": (negative, False)}
    counts = {}
    for name in wanted:
        weight, is_above = sides[name]
        weight = ops.expand_dims(weight, 1)
        hits = ops.where(above, weight, 0.0) if is_above else ops.where(above, 0.0, weight)
        counts[name] = ops.sum(hits, axis=0)
    return counts


def _counts_in_buckets(
    y_pred: Tensor, positive: Tensor, negative: Tensor, thresholds: Sequence[float]
) -> dict[str, Tensor]:
    """Counts `[thresholds, labels]` at even thresholds: the work does not grow with their number.

    Each prediction goes into the bucket of the number of thresholds that it is above. Predictions
    are multiplied to find it, as in Keras, which rounds differently from comparing.
    """
    count, labels = len(thresholds), y_pred.shape[1]
    y_pred = ops.clip(ops.where(ops.isnan(y_pred), 0.0, y_pred), 0.0, 1.0)
    bucket = ops.cast(ops.ceil(y_pred * float(count - 1)), "int32")
    if thresholds[0] < 0.0:
        bucket = ops.maximum(bucket, 1)  # every prediction is above the first one, 0 as well
    if labels > 1:
        bucket = bucket + ops.arange(labels) * count
    weights = ops.reshape(ops.stack([positive, negative], axis=-1), (-1, 2))
    sums = ops.segment_sum(weights, ops.reshape(bucket, (-1,)), count * labels)
    sums = ops.transpose(ops.reshape(sums, (labels, count, 2)), (1, 0, 2))
    below = ops.cumsum(sums, axis=0)
    above = ops.flip(ops.cumsum(ops.flip(sums[1:], axis=0), axis=0), axis=0)
    above = ops.pad(above, ((0, 1), (0, 0), (0, 0)))
    return {"tp": above[..., 0], "fp": above[..., 1], "fn": below[..., 0], "tn": below[..., 1]}


def keep_top_k(x: Tensor, k: int) -> Tensor:
    """`x` with all but the `k` largest of the last axis as `NEG_INF`; of equals the first stay."""
    if not 1 <= k <= x.shape[-1]:
        raise ValueError(
            f"`top_k` must be from 1 to the number of classes, {x.shape[-1]}. Received: top_k={k}"
        )
    _, places = ops.top_k(x, k)
    kept = ops.sum(ops.one_hot(places, x.shape[-1], dtype="int32"), axis=-2)
    return ops.where(ops.greater(kept, 0), x, NEG_INF)
