"""CategoricalGeneralizedCrossEntropy, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.class_labels import check_class_labels, class_labels
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """`(1 - p^q) / q`, `p` being the probability of the target class.

    It bends from the crossentropy (q near 0) to the absolute error (q = 1), which wrong labels
    mislead less (Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural
    Networks with Noisy Labels", 2018).

    Args:
        y_true: class numbers in [0, classes); a trailing axis of one is dropped.
        y_pred: probabilities `[..., classes]`.
        q: a number in (0, 1).

    Raises:
        ValueError: `y_true` is at hand (not traced) and has a label that is no class.
    """
    y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
    y_true = class_labels(y_true, y_pred, -1)
    classes = y_pred.shape[-1]
    if getattr(y_true, "value", None) is not None:
        check_class_labels(y_true.numpy(), classes)
    hits = ops.one_hot(ops.cast(y_true, "int32"), classes, dtype="float32")
    p = ops.sum(y_pred * hits, axis=-1)
    return (1.0 - ops.power(p, float(q))) / float(q)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """A crossentropy of class numbers for labels that are sometimes wrong.

    Args:
        q: a number in (0, 1): near 0 as the crossentropy, near 1 as the absolute error.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: `q` is not in (0, 1).
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must be in the interval (0, 1). Received: q={q!r}")
        super().__init__(
            categorical_generalized_cross_entropy, name=name, reduction=reduction, dtype=dtype, q=q
        )
        self.q = q

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), "q": self.q}
