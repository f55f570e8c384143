"""The base class of losses."""

from __future__ import annotations

from typing import Any

from hotloop import ops
from hotloop.common.dtypes import standardize_dtype
from hotloop.graph import Tensor
from hotloop.losses.reduction import reduce_weighted_values, standardize_reduction
from hotloop.ops import tree
from hotloop.ops.masks import get_keras_mask
from hotloop.ops.naming import auto_name
from hotloop.ops.symbolic import FunctionOperation, any_symbolic


class Loss:
    """Maps targets and predictions to a number. Subclasses implement `call(y_true, y_pred)`.

    Args:
        name: name of the loss; made from the class name if None.
        reduction: `"sum_over_batch_size"` (or `"mean"`), `"sum"`, `"mean_with_sample_weight"`,
            `"none"` or None.
        dtype: None or `"float32"`.

    Example:
        >>> class MeanFourth(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean((y_true - y_pred) ** 4, axis=-1)
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype = standardize_dtype(dtype)
        if self._dtype != "float32":
            raise NotImplementedError(f"Losses compute in float32. Received: dtype={dtype!r}")

    @property
    def dtype(self) -> str:
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The reduced loss. What the masks of predictions or of losses leave out does not count.

        Args:
            y_true: targets of any real dtype.
            y_pred: predictions; float32 `[batch, ...]`.
            sample_weight: None or weights that broadcast to the per-sample losses.

        Returns:
            float32 scalar, or the per-sample losses when the reduction is None.
        """
        if any_symbolic((y_true, y_pred, sample_weight)):
            return FunctionOperation(self._reduced, self.name)(y_true, y_pred, sample_weight)
        return self._reduced(y_true, y_pred, sample_weight)

    def _reduced(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Tensor:
        mask = get_keras_mask(y_pred)
        y_true, y_pred = self._convert(y_true), self._convert(y_pred)
        values = self.call(y_true, y_pred)
        counted = get_keras_mask(values)
        if mask is None:
            mask = counted
        elif counted is not None:
            mask = ops.logical_and(mask, counted)
        return reduce_weighted_values(values, sample_weight, mask, self.reduction)

    def _convert(self, x: Any) -> Any:
        """Tensors in the nest of `x`; lists of numbers are arrays, not nests."""
        if tree.is_nested(x):
            numbers = all(isinstance(leaf, (int, float)) for leaf in tree.flatten(x))
            if not numbers:
                return tree.map_structure(self._convert, x)
        return ops.convert_to_tensor(x, dtype=self._dtype)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """Per-sample losses of float32 targets and predictions."""
        raise NotImplementedError(f"{type(self).__name__} must implement `call(y_true, y_pred)`.")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        return cls(**config)
