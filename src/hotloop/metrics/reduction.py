"""How a batch of values becomes per-sample values and weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.reduction import apply_mask, squeeze_or_expand_to_same_rank
from hotloop.ops.masks import get_keras_mask


def reduce_to_samplewise_values(
    values: Any, sample_weight: Any, reduce_fn: Callable[..., Tensor]
) -> tuple[Tensor, Tensor | None]:
    """Weighted values and weights, both reduced to `[batch]` by `reduce_fn`.

    A mask that `values` carry joins the weights, where there are weights (as in Keras).

    Args:
        values: `[batch, ...]` or a scalar.
        sample_weight: None, or weights that broadcast to `values` from the left.
        reduce_fn: `ops.mean` or `ops.sum`.
    """
    mask = get_keras_mask(values)
    values = ops.cast(ops.convert_to_tensor(values), "float32")
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype="float32")
        sample_weight = apply_mask(sample_weight, mask, "sum")
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        rank = len(sample_weight.shape)
        if len(values.shape) > rank:
            values = reduce_fn(values, axis=tuple(range(rank, len(values.shape))))
        if sample_weight.shape != values.shape:
            sample_weight = ops.broadcast_to(sample_weight, values.shape)
        values = values * sample_weight
        if rank > 1:
            sample_weight = reduce_fn(sample_weight, axis=tuple(range(1, rank)))
    if len(values.shape) > 1:
        values = reduce_fn(values, axis=tuple(range(1, len(values.shape))))
    return values, sample_weight
