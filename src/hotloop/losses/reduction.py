"""How per-sample losses become one number: ranks, weights, masks and reductions."""

from __future__ import annotations

import math
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor

REDUCTIONS = (
    "sum_over_batch_size",
    "sum",
    "mean",
    "mean_with_sample_weight",
    "none",
    None,
)


def standardize_reduction(reduction: str | None) -> str | None:
    """`reduction` itself if it is one of `REDUCTIONS`; raises `ValueError` otherwise."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"Invalid value for argument `reduction`. Expected one of {REDUCTIONS}. "
            f"Received: reduction={reduction!r}"
        )
    return reduction


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Mends ranks that differ by one: `[n]` against `[n, 1]` both become `[n, 1]`.

    Higher ranks lose a trailing axis of one. Anything else is returned as it is.
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def as_pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Targets and predictions as float32 tensors, and of one rank if they can be."""
    y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
    y_true = ops.convert_to_tensor(y_true, dtype="float32")
    return squeeze_or_expand_to_same_rank(y_true, y_pred)


def apply_mask(sample_weight: Any, mask: Any, reduction: str | None) -> Any:
    """Folds a mask of valid entries into sample weights.

    For the means, valid entries weigh `total / valid`, so that the mean runs over valid ones.
    """
    if mask is None:
        return sample_weight
    weights = ops.cast(mask, "float32")
    if reduction in ("mean", "sum_over_batch_size"):
        total = float(math.prod(mask.shape))
        weights = weights * ops.divide_no_nan(total, ops.sum(weights))
    if sample_weight is None:
        return weights
    weights, sample_weight = squeeze_or_expand_to_same_rank(
        weights, ops.convert_to_tensor(sample_weight, dtype="float32")
    )
    return sample_weight * weights


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
) -> Tensor:
    """Weights `values` and reduces them.

    Args:
        values: float32 losses, usually `[batch]`.
        sample_weight: None or weights that broadcast to `values`.
        mask: None or bool tensor, False where an entry does not count.
        reduction: one of `REDUCTIONS`; `"none"` and None return the weighted values.
    """
    standardize_reduction(reduction)
    values = ops.convert_to_tensor(values, dtype="float32")
    sample_weight = apply_mask(sample_weight, mask, reduction)
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype="float32")
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        values = values * sample_weight
    if reduction in (None, "none") or tuple(values.shape) in ((), (0,)):
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.divide_no_nan(total, ops.sum(sample_weight))
    count = math.prod(values.shape)
    return total * (1.0 / count) if count else total
