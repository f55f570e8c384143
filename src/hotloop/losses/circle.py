"""Circle, as a class and as a function of per-sample values."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.graph import Tensor
from hotloop.losses.loss import Loss
from hotloop.losses.loss_function_wrapper import LossFunctionWrapper
from hotloop.ops.masks import set_keras_mask
from hotloop.ops.symbolic import FunctionOperation, any_symbolic

_NOTHING = -1e30  # stands for log(0): where no pair counts, the loss and its gradient are 0


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """Pulls embeddings of one class together and pushes those of different classes apart.

    From Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", 2020.

    Args:
        y_true: class numbers `[batch]` or `[batch, 1]`.
        y_pred: embeddings of length 1, `[batch, size]`.
        ref_labels: class numbers of the references; None is `y_true`.
        ref_embeddings: the references, `[count, size]`; None is `y_pred`.
        remove_diagonal: whether a sample is not compared with the reference of its own number.
        gamma: how sharply pairs are weighted.
        margin: how far apart the two kinds of similarity are to be.

    Returns:
        `[batch]`; its mask leaves out the samples that have nothing to learn, whose loss is 0.
    """
    given = (y_true, y_pred, ref_labels, ref_embeddings)
    if any_symbolic(given):  # how many samples there are is known later
        return FunctionOperation(circle, "circle")(*given, remove_diagonal, gamma, margin)
    y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    ref_labels = labels if ref_labels is None else ops.cast(ref_labels, "int32")
    ref_labels = ops.reshape(ref_labels, (1, -1))

    distance = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(references)), 0.0)
    same = ops.equal(labels, ref_labels)
    different = ops.logical_not(same)
    if remove_diagonal:
        diagonal = ops.eye(labels.shape[0], ref_labels.shape[1], dtype="bool")
        same = ops.logical_and(same, ops.logical_not(diagonal))

    attraction = ops.maximum(margin + distance, 0.0)
    repulsion = ops.maximum(1.0 + margin - distance, 0.0)
    near = -gamma * attraction * (margin - distance)
    far = gamma * repulsion * (1.0 - margin - distance)
    near = ops.logsumexp(ops.where(same, near, _NOTHING), axis=1)
    far = ops.logsumexp(ops.where(different, far, _NOTHING), axis=1)
    values = ops.softplus(near + far)
    set_keras_mask(values, ops.greater(values, 0.0))
    return values


class Circle(LossFunctionWrapper):
    """Pulls embeddings of one class together and pushes those of different classes apart.

    Targets are class numbers, predictions embeddings of length 1 `[batch, size]`. Samples whose
    loss is 0 do not count in the mean.

    Args:
        gamma: how sharply pairs are weighted.
        margin: how far apart the two kinds of similarity are to be.
        remove_diagonal: whether a sample is not compared with itself.
        reduction, name, dtype: see `Loss`.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            circle,
            name=name,
            reduction=reduction,
            dtype=dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal

    def get_config(self) -> dict[str, Any]:
        return {
            **Loss.get_config(self),
            "gamma": self.gamma,
            "margin": self.margin,
            "remove_diagonal": self.remove_diagonal,
        }
