"""IoU, BinaryIoU, MeanIoU, OneHotIoU and OneHotMeanIoU: how far two labellings overlap."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from hotloop import ops
from hotloop._settings import epsilon
from hotloop.graph import Tensor
from hotloop.metrics.metric import Metric


class IoU(Metric):
    """The mean intersection over union of some classes: tp / (tp + fp + fn) of each.

    Args:
        num_classes: number of classes; labels outside [0, num_classes) do not count.
        target_class_ids: the classes whose mean is the result.
        name: see `Metric`.
        dtype: of the counts, "int32" (None) or "float32"; whole numbers cut weights off.
        ignore_class: a class number whose targets do not count.
        sparse_y_true: whether targets are class numbers rather than one-hot.
        sparse_y_pred: whether predictions are class numbers rather than scores.
        axis: the axis of the classes where they are not sparse.

    Raises:
        ValueError: a target class is not below `num_classes`.
    """

    _direction = "up"
    _dtypes = ("int32", "float32")
    _default_dtype = "int32"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.num_classes = num_classes
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.target_class_ids = list(target_class_ids)
        for target in self.target_class_ids:
            if not 0 <= target < num_classes:
                raise ValueError(
                    f"Target class id {target} is out of range, which is [0, {num_classes})."
                )
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", dtype=self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch of targets and predictions, of any one shape."""
        if not self.sparse_y_true:
            y_true = ops.argmax(ops.convert_to_tensor(y_true), axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(ops.convert_to_tensor(y_pred), axis=self.axis)
        y_true = ops.reshape(ops.cast(y_true, self.dtype), (-1,))
        y_pred = ops.reshape(ops.cast(y_pred, self.dtype), (-1,))
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"{type(self).__name__} compares label with label. Received {y_true.size} targets "
                f"and {y_pred.size} predictions."
            )
        counted = ops.logical_and(self._valid(y_true), self._valid(y_pred))
        if self.ignore_class is not None:
            counted = ops.logical_and(counted, ops.not_equal(y_true, self.ignore_class))
        weight = ops.cast(counted, "float32")
        if sample_weight is not None:
            if self.dtype == "int32" and "float" in str(getattr(sample_weight, "dtype", "")):
                warnings.warn(
                    f"{type(self).__name__} counts in int32, which cuts the given float weights "
                    "off. Pass whole weights, or dtype='float32'.",
                    stacklevel=2,
                )
            sample_weight = ops.cast(ops.cast(sample_weight, self.dtype), "float32")
            if len(sample_weight.shape) > 1:
                sample_weight = ops.reshape(sample_weight, (-1,))
            weight = weight * ops.broadcast_to(sample_weight, y_true.shape)
        hits_true = self._one_hot(y_true) * ops.expand_dims(weight, 1)
        matrix = ops.matmul(ops.transpose(hits_true), self._one_hot(y_pred))
        self.total_cm.assign_add(ops.cast(matrix, self.dtype))

    def _valid(self, labels: Tensor) -> Tensor:
        return ops.logical_and(ops.greater_equal(labels, 0), ops.less(labels, self.num_classes))

    def _one_hot(self, labels: Tensor) -> Tensor:
        return ops.one_hot(ops.cast(labels, "int32"), self.num_classes, dtype="float32")

    def result(self) -> Tensor:
        """The mean of the target classes that have occurred; 0 if none has."""
        matrix = ops.cast(self.total_cm, "float32")
        hits = ops.sum(matrix * ops.eye(self.num_classes), axis=0)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits
        hits = ops.take(hits, self.target_class_ids, axis=0)
        union = ops.take(union, self.target_class_ids, axis=0)
        occurred = ops.greater(union, 1e-9)
        iou = ops.where(occurred, hits / (union + epsilon()), 0.0)
        return ops.sum(iou) / (ops.sum(ops.cast(occurred, "float32")) + epsilon())

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *names: str) -> dict[str, Any]:
        return {key: value for key, value in IoU.get_config(self).items() if key not in names}


class BinaryIoU(IoU):
    """`IoU` of targets 0 and 1 and predictions, which are 1 from `threshold` on."""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes=2, target_class_ids=target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
        super().update_state(y_true, ops.greater_equal(y_pred, self.threshold), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
        }


class MeanIoU(IoU):
    """`IoU` of all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            target_class_ids=range(num_classes),
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """`IoU` of one-hot targets and predictions that are scores of the classes."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            target_class_ids=target_class_ids,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets and predictions that are scores of the classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        return self._config_without("target_class_ids", "sparse_y_true")
