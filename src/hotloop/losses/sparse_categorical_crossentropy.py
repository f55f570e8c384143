"""SparseCategoricalCrossentropy, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.class_labels import check_class_labels, class_labels
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper
from hotloop.ops.masks import set_keras_mask


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
        ignore_class: a class number whose samples have loss zero and are masked out.
        axis: the axis of the classes in `y_pred`.

    Raises:
        ValueError: `y_true` is at hand (not traced) and has a label that is no class.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = class_labels(y_true, y_pred, axis)
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
    values = ops.where(valid, values, 0.0)
    set_keras_mask(values, valid)
    return values


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Crossentropy of class numbers.

    Args:
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: a class number whose samples do not count, not even in the mean.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name=name,
            reduction=reduction,
            dtype=dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        config = {
            **Loss.get_config(self),
            "from_logits": self.from_logits,
            "ignore_class": self.ignore_class,
        }
        # Keras forgets `axis`; written only where it matters, so that the rest reads the same.
        return config if self.axis == -1 else {**config, "axis": self.axis}
