"""TopKCategoricalAccuracy and SparseTopKCategoricalAccuracy, as classes and as functions."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.metrics.mean_metric_wrapper import FunctionMetric


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether fewer than `k` predictions are larger than that of the target class (last axis).

    Args:
        y_true: one-hot (or soft) targets, of the shape of `y_pred`; the largest one counts.
    """
    classes = ops.argmax(ops.convert_to_tensor(y_true), axis=-1)
    return sparse_top_k_categorical_accuracy(classes, y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """Whether fewer than `k` predictions are larger than that of the target class (last axis).

    Args:
        y_true: class numbers, of the shape of `y_pred` without its last axis, or with a last axis
            of one, which the result then has too.
        from_sorted_ids: `y_pred` holds class numbers, the best first, rather than scores.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true)
    shape = y_true.shape
    flat = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    if from_sorted_ids:
        labels = ops.cast(ops.reshape(y_true, (-1, 1)), flat.dtype)
        matches = ops.any(ops.equal(labels, flat[:, :k]), axis=1)
    else:
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        matches = ops.in_top_k(labels, flat, k)
    return ops.reshape(ops.cast(matches, "float32"), shape)


class TopKCategoricalAccuracy(FunctionMetric):
    """How often the one-hot target is among the `k` largest predictions."""

    _direction = "up"

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name=name, dtype=dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the class number that is the target is among the `k` largest predictions.

    Args:
        k: how many predictions count.
        from_sorted_ids: predictions are class numbers, the best first, rather than scores.
    """

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy,
            name=name,
            dtype=dtype,
            k=k,
            from_sorted_ids=from_sorted_ids,
        )
        self.k = k
        self.from_sorted_ids = from_sorted_ids

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.from_sorted_ids:
            del config["from_sorted_ids"]  # as Keras does, so that older versions read it
        return config
